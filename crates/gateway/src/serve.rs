//! The accept loop: HTTP/1.1 and HTTP/2 on a listener, with bounds on headers and time, until told to stop.
//! Open calls finish first. Each request's peer address travels with it, and each answer leaves one log line that
//! names the route's template, never the raw URI (which may hold a code or a token).

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::{StreamExt as _, stream};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyStream;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tower::{ServiceExt as _, service_fn};

use crate::config::Config;

/// How long a client may take to send its request's head; the first one's, connecting included.
const HEADER_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a socket without an open call is kept, at least; at most twice as long.
const IDLE_MAX: Duration = Duration::from_mins(1);
/// How often, and for how long, an HTTP/2 client is asked whether it is still there.
const PING_EVERY: Duration = Duration::from_secs(20);
/// The largest head, in bytes.
const HEAD_MAX: u32 = 64 * 1024;
/// How long a client may pause in the middle of a body.
const BODY_PAUSE_MAX: Duration = Duration::from_secs(30);
/// How long a body may take altogether: a part of an upload is at most 20 MB.
const BODY_MAX: Duration = Duration::from_mins(10);
/// How many sockets one listener holds; further ones wait in the kernel's queue.
const SOCKETS_MAX: usize = 10_000;
/// How long open calls may take to finish once the listener was told to stop.
const DRAIN_MAX: Duration = Duration::from_secs(30);
/// How long to wait after the kernel could not accept (out of file descriptors, mostly).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves `router` on `listener` until `stop` is done, then lets open calls finish for up to 30 seconds.
pub async fn serve(listener: TcpListener, router: Router, stop: impl Future<Output = ()> + Send) {
    serve_at_most(SOCKETS_MAX, listener, router, stop).await;
}

async fn serve_at_most(
    sockets_max: usize,
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()> + Send,
) {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(HEAD_MAX as usize);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_EVERY)
        .max_header_list_size(HEAD_MAX);
    let open = GracefulShutdown::new();
    let sockets = Arc::new(Semaphore::new(sockets_max));
    let mut stop = std::pin::pin!(stop);
    loop {
        let place = tokio::select! {
            place = Arc::clone(&sockets).acquire_owned() => place,
            () = &mut stop => break,
        };
        let Ok(place) = place else { break };
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
        let calls = Arc::new(Calls::default());
        let (router, counted) = (router.clone(), Arc::clone(&calls));
        let service = service_fn(move |mut request: axum::http::Request<Incoming>| {
            let (router, call) = (router.clone(), Call::begin(&counted));
            request.extensions_mut().insert(ConnectInfo(peer));
            async move {
                let response = router.oneshot(request.map(patient)).await?;
                Ok::<_, Infallible>(response.map(|body| Counted { body, _call: call }))
            }
        });
        let socket =
            builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service)).into_owned();
        let watched = open.watch(socket);
        tokio::spawn(async move {
            // A peer that goes away or speaks no HTTP is its own business, and so is one that says nothing.
            tokio::select! {
                _ended = watched => {}
                () = calls.idle() => {}
            }
            drop(place);
        });
    }
    drop(listener);
    let _in_time = tokio::time::timeout(DRAIN_MAX, open.shutdown()).await;
}

/// The calls of one socket. The timeouts of HTTP/1 begin once a client has shown that it speaks it, and HTTP/2 has none for a
/// client that answers pings: without this, silent sockets would take all the places of a listener for ever.
#[derive(Default)]
struct Calls {
    begun: AtomicU64,
    ended: AtomicU64,
}

impl Calls {
    /// Done once no call was open and none was begun for a while.
    async fn idle(&self) {
        let (mut seen, mut pause) = (0, HEADER_TIMEOUT);
        loop {
            tokio::time::sleep(pause).await;
            let (ended, begun) = (self.ended.load(Ordering::Acquire), self.begun.load(Ordering::Acquire));
            if ended == begun && begun == seen {
                return;
            }
            (seen, pause) = (begun, IDLE_MAX);
        }
    }
}

/// One call, open until its answer's body has ended or was dropped.
struct Call(Arc<Calls>);

impl Call {
    fn begin(calls: &Arc<Calls>) -> Self {
        calls.begun.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(calls))
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::AcqRel);
    }
}

/// An answer's body that keeps its call open.
struct Counted {
    body: Body,
    _call: Call,
}

impl http_body::Body for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A body whose sender may pause, but not for ever: one that stalls would hold its socket and its call.
fn patient(body: Incoming) -> Body {
    if body.is_end_stream() {
        return Body::empty();
    }
    let end = tokio::time::Instant::now() + BODY_MAX;
    Body::from_stream(stream::unfold(
        Some(BodyStream::new(body)),
        move |frames: Option<BodyStream<Incoming>>| async move {
            let mut frames = frames?;
            let by = end.min(tokio::time::Instant::now() + BODY_PAUSE_MAX);
            let next = match tokio::time::timeout_at(by, frames.next()).await {
                Ok(None) => return None,
                Ok(Some(Ok(frame))) => {
                    return Some((Ok(frame.into_data().unwrap_or_default()), Some(frames)));
                }
                Ok(Some(Err(error))) => std::io::Error::other(error),
                Err(_) => std::io::Error::new(std::io::ErrorKind::TimedOut, "the body stalled"),
            };
            Some((Err(next), None))
        },
    ))
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

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;
    use tokio::sync::oneshot;

    /// A listener with one place; its address, and how to stop it.
    async fn one_place() -> (SocketAddr, oneshot::Sender<()>, tokio::task::JoinHandle<()>) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let router = Router::new().route("/", get(async || "hello"));
        let served = tokio::spawn(async move {
            serve_at_most(1, listener, router, async { drop(stopped.await) }).await;
        });
        (address, stop, served)
    }

    // Time is paused: when nothing else can go on it jumps to the next deadline.

    #[tokio::test(start_paused = true)]
    async fn a_socket_that_says_nothing_gives_its_place_to_the_next() {
        let (address, _stop, _served) = one_place().await;
        // Nothing; the beginning of HTTP/2's preface; all of it, and then silence.
        for said in ["", "PRI * HT", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"] {
            let mut silent = TcpStream::connect(address).await.unwrap();
            silent.write_all(said.as_bytes()).await.unwrap();
            let mut rest = Vec::new();
            silent.read_to_end(&mut rest).await.unwrap();
        }
        let mut next = TcpStream::connect(address).await.unwrap();
        next.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        next.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with("hello"), "{answer}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_listener_whose_places_are_taken_stops_when_it_is_told_to() {
        let (address, stop, served) = one_place().await;
        let mut open = TcpStream::connect(address).await.unwrap();
        open.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let mut byte = [0];
        open.read_exact(&mut byte).await.unwrap();
        // The one place is taken and kept alive: the loop waits for it.
        stop.send(()).unwrap();
        served.await.unwrap();
    }
}
