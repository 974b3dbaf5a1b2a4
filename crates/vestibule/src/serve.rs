//! `vestibule serve`: the gateway on its listeners, until it is told to stop.

use anyhow::Context as _;
use gateway::serve::serve;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::args::ConfigArgs;
use crate::{config, logging, opened};

/// Flags of `serve`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    config: ConfigArgs,
}

pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    logging::begin("info");
    let settings = config::load(args.config.config.as_deref())?;
    for warning in config::warnings(&settings) {
        tracing::warn!(event = "config.warning", warning);
    }
    let (gateway, listen) = opened::build(settings).await?;
    let public = bind(listen.public, "server.listen").await?;
    let private = match listen.private {
        Some(address) => Some(bind(address, "server.private_listen").await?),
        None => None,
    };
    let operations = bind(listen.operations, "server.operations_listen").await?;
    tracing::info!(
        event = "serving",
        public = %public.local_addr()?,
        private = private.as_ref().and_then(|listener| listener.local_addr().ok()).map(|at| at.to_string()),
        operations = %operations.local_addr()?,
        url = gateway.config().origin(),
    );
    let stop = Stop::on_signal()?;
    let housekeeping = tokio::spawn({
        let gateway = gateway.clone();
        async move { gateway.housekeep().await }
    });
    let operations = serve(operations, gateway.operations_router(), stop.wait());
    match private {
        Some(private) => tokio::join!(
            serve(public, gateway.public_router(), stop.wait()),
            serve(private, gateway.private_router(), stop.wait()),
            operations
        ),
        None => {
            let (first, last) = tokio::join!(serve(public, gateway.router(), stop.wait()), operations);
            (first, (), last)
        }
    };
    housekeeping.abort();
    // What must not be cut short ends first: an exchange or a refresh on its way.
    gateway.drain().await;
    tracing::info!(event = "stopped");
    Ok(())
}

/// Binds a listener; a taken port says which setting to change.
pub(crate) async fn bind(address: std::net::SocketAddr, setting: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}: choose another with {setting}"))
}

/// Tells everybody to stop when the process is told to.
#[derive(Clone)]
pub(crate) struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Stops on SIGINT (Ctrl-C) and SIGTERM.
    pub(crate) fn on_signal() -> anyhow::Result<Self> {
        let (tell, told) = watch::channel(false);
        let (mut interrupt, mut terminate) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        tokio::spawn(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            tell.send_replace(true);
            // Kept, so that nobody takes a dropped sender for a signal.
            std::future::pending::<()>().await;
        });
        Ok(Self(told))
    }

    /// Done once it is time to stop.
    pub(crate) fn wait(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut told = self.0.clone();
        async move {
            let _stopped = told.wait_for(|stop| *stop).await;
        }
    }
}
