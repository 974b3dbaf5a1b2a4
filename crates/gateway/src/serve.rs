//! The accept loop: HTTP/1.1 and HTTP/2 on a listener, with bounds on headers and time, until told to stop.
//! Open calls finish first. Each request's peer address travels with it, and each answer leaves one log line that
//! names the route's template, never the raw URI (which may hold a code or a token).

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::{StreamExt as _, stream};
use http_body::Body as _;
use http_body_util::BodyStream;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tower::ServiceExt as _;

use crate::config::Config;

/// How long a client may take to send its request's head.
const HEADER_TIMEOUT: Duration = Duration::from_secs(15);
/// The largest head, in bytes.
const HEAD_MAX: u32 = 64 * 1024;
/// How long a client may pause in the middle of a body.
const BODY_PAUSE_MAX: Duration = Duration::from_secs(30);
/// How many sockets one listener holds; further ones wait in the kernel's queue.
const SOCKETS_MAX: usize = 10_000;
/// How long open calls may take to finish once the listener was told to stop.
const DRAIN_MAX: Duration = Duration::from_secs(30);
/// How long to wait after the kernel could not accept (out of file descriptors, mostly).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves `router` on `listener` until `stop` is done, then lets open calls finish for up to 30 seconds.
pub async fn serve(listener: TcpListener, router: Router, stop: impl Future<Output = ()> + Send) {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(HEAD_MAX as usize);
    builder.http2().timer(TokioTimer::new()).max_header_list_size(HEAD_MAX);
    let open = GracefulShutdown::new();
    let sockets = Arc::new(Semaphore::new(SOCKETS_MAX));
    let mut stop = std::pin::pin!(stop);
    loop {
        let Ok(place) = Arc::clone(&sockets).acquire_owned().await else { break };
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(event = "accept.failed", why = %error);
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            },
            () = &mut stop => break,
        };
        // Small answers must not wait for the next acknowledgement.
        let _best_effort = stream.set_nodelay(true);
        let service = router.clone().map_request(move |mut request: axum::http::Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo(peer));
            request.map(patient)
        });
        let socket =
            builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service)).into_owned();
        let watched = open.watch(socket);
        tokio::spawn(async move {
            // A peer that goes away or speaks no HTTP is its own business.
            let _ended = watched.await;
            drop(place);
        });
    }
    drop(listener);
    let _in_time = tokio::time::timeout(DRAIN_MAX, open.shutdown()).await;
}

/// A body whose sender may pause, but not for ever: one that stalls would hold its socket and its call.
fn patient(body: Incoming) -> Body {
    if body.is_end_stream() {
        return Body::empty();
    }
    Body::from_stream(stream::unfold(Some(BodyStream::new(body)), async |frames| {
        let mut frames = frames?;
        let next = match tokio::time::timeout(BODY_PAUSE_MAX, frames.next()).await {
            Ok(None) => return None,
            Ok(Some(Ok(frame))) => return Some((Ok(frame.into_data().unwrap_or_default()), Some(frames))),
            Ok(Some(Err(error))) => std::io::Error::other(error),
            Err(_) => std::io::Error::new(std::io::ErrorKind::TimedOut, "the body stalled"),
        };
        Some((Err(next), None))
    }))
}

/// The client's address: the peer's, or what a trusted proxy says it is.
pub(crate) fn client_address(config: &Config, request: &Request) -> IpAddr {
    let peer = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(peer)| peer.ip().to_canonical());
    if !config.trusted_proxies.contains(&peer) {
        return peer;
    }
    let forwarded: Vec<&str> = request
        .headers()
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .collect();
    // Each proxy appends what it saw: from the right, the first that is not one of ours is the client.
    let parsed =
        forwarded.iter().rev().map_while(|text| text.parse::<IpAddr>().ok()).map(|ip| ip.to_canonical());
    parsed.into_iter().find(|ip| !config.trusted_proxies.contains(ip)).unwrap_or(peer)
}

/// One line an answer: method, route template, status, time taken.
pub(crate) async fn log_request(request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "unmatched".to_owned(), |p| p.as_str().to_owned());
    let began = tokio::time::Instant::now();
    let response = next.run(request).await;
    let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(event = "http.answered", %method, route, status = response.status().as_u16(), took_ms);
    response
}
