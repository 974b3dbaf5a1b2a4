//! `vestibule serve`: the gateway on its listeners, until it is told to stop.

#![expect(clippy::disallowed_methods, reason = "the binary's own tasks")]

use anyhow::Context as _;
use axum::Router;
use axum::routing::get;
use gateway::Gateway;
use gateway::serve::{Crowd, Doors, Limits, serve_among};
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
    let path = settings.store_path.clone();
    let opened::Opened { gateway, listen, store } = opened::build(settings).await?;
    let (public, private, operations) = bind_all(&listen).await?;
    if !store.hold_as_server() {
        tracing::warn!(
            event = "store.shared",
            store = %path.display(),
            why = "another server has this store open: each paces its calls to Notion as if it were alone"
        );
    }
    if gateway.contents().await?.is_empty() {
        tracing::warn!(event = "store.empty", why = opened::is_empty(&path));
    }
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
    let serve = |listener, doors: Doors| serve_among(&crowd, limits, listener, doors, stop.wait());
    let (apart, watched) = (Crowd::at_most(OPERATIONS_SOCKETS), operations_router(&gateway));
    let operations = serve_among(&apart, limits, operations, watched, stop.wait());
    match private {
        Some(private) => tokio::join!(
            serve(public, gateway.public_doors()),
            serve(private, gateway.private_doors()),
            operations
        ),
        None => {
            let (first, last) = tokio::join!(serve(public, gateway.doors()), operations);
            (first, (), last)
        }
    };
    #[cfg(feature = "failpoints")]
    failpoints::hit(failpoints::Point::ShutdownClosed);
    housekeeping.abort();
    // What must not be cut short ends first: an exchange or a refresh on its way.
    gateway.drain().await;
    #[cfg(feature = "failpoints")]
    failpoints::hit(failpoints::Point::ShutdownDrained);
    tracing::info!(event = "stopped");
    Ok(())
}

/// The gateway's, and how much of the log nobody could read.
fn operations_router(gateway: &Gateway) -> Router {
    let told = async || format!("{{\"dropped\": {}}}\n", logging::dropped());
    gateway.operations_router().route("/logz", get(told))
}

/// Binds the listeners; all that cannot be had are told at once.
async fn bind_all(
    listen: &opened::Listen,
) -> anyhow::Result<(TcpListener, Option<TcpListener>, TcpListener)> {
    let public = bind(listen.public, "server.listen (VESTIBULE_LISTEN)").await;
    let private = match listen.private {
        Some(address) => bind(address, "server.private_listen (VESTIBULE_PRIVATE_LISTEN)").await.map(Some),
        None => Ok(None),
    };
    let operations = bind(listen.operations, "server.operations_listen (VESTIBULE_OPERATIONS_LISTEN)").await;
    match (public, private, operations) {
        (Ok(public), Ok(private), Ok(operations)) => Ok((public, private, operations)),
        (public, private, operations) => Err(together([public.err(), private.err(), operations.err()])),
    }
}

/// Several errors as one.
pub(crate) fn together<const N: usize>(errors: [Option<anyhow::Error>; N]) -> anyhow::Error {
    let told: Vec<String> = errors.into_iter().flatten().map(|error| format!("{error:#}")).collect();
    anyhow::anyhow!("{}", told.join("\n"))
}

/// Binds a listener; a taken port says which setting to change.
pub(crate) async fn bind(address: std::net::SocketAddr, setting: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| match setting {
        _ if address.port() == 0 => format!("cannot listen on {address} ({setting})"),
        _ => format!(
            "cannot listen on {address}, which may be in use by another program or another `vestibule` (`ss -ltnp` shows which): stop that, or choose another address with {setting}, such as {}:0 for any free port",
            address.ip()
        ),
    })
}
