//! `vestibule serve`: the gateway on its listeners, until it is told to stop.

use anyhow::Context as _;
use axum::Router;
use axum::routing::get;
use gateway::Gateway;
use gateway::serve::{Crowd, Limits, serve_among};
use tokio::net::TcpListener;

use crate::args::ConfigArgs;
use crate::stop::Stop;
use crate::{config, logging, opened};

/// How many sockets the operations' listener holds, apart from all others: whether we live is told at any time.
const OPERATIONS_SOCKETS: usize = 32;

/// Flags of `serve`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    config: ConfigArgs,
}

pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    logging::begin("info");
    let stop = Stop::on_signal()?;
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
    let housekeeping = tokio::spawn({
        let gateway = gateway.clone();
        async move { gateway.housekeep().await }
    });
    let limits = Limits { idle: listen.idle, ..Limits::default() };
    let crowd = Crowd::of_process(1);
    let serve = |listener, router| serve_among(&crowd, limits, listener, router, stop.wait());
    let (apart, watched) = (Crowd::at_most(OPERATIONS_SOCKETS), operations_router(&gateway));
    let operations = serve_among(&apart, limits, operations, watched, stop.wait());
    match private {
        Some(private) => tokio::join!(
            serve(public, gateway.public_router()),
            serve(private, gateway.private_router()),
            operations
        ),
        None => {
            let (first, last) = tokio::join!(serve(public, gateway.router()), operations);
            (first, (), last)
        }
    };
    housekeeping.abort();
    // What must not be cut short ends first: an exchange or a refresh on its way.
    gateway.drain().await;
    tracing::info!(event = "stopped");
    Ok(())
}

/// The gateway's, and how much of the log nobody could read.
fn operations_router(gateway: &Gateway) -> Router {
    let told = async || format!("{{\"dropped\": {}}}\n", logging::dropped());
    gateway.operations_router().route("/logz", get(told))
}

/// Binds a listener; a taken port says which setting to change.
pub(crate) async fn bind(address: std::net::SocketAddr, setting: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}: choose another with {setting}"))
}
