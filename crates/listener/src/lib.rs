//! How each of our listeners holds its sockets: HTTP/1.1 and HTTP/2, bounds on heads, bodies and silence, a crowd that makes
//! room for whoever calls, and an end that lets open calls finish; and whose page sent what comes. It knows nothing of what
//! is answered.

#![expect(
    clippy::disallowed_methods,
    reason = "sockets live in the machine's time and on its runtime; a simulation has none"
)]
#![warn(missing_docs)]

mod body;
mod crowd;
mod head;
mod lines;
pub mod origin;
mod socket;
mod watched;

use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::BoxError;
use axum::body::Bytes;
use axum::http::header::{CONNECTION, CONTENT_TYPE};
use axum::http::{HeaderValue, Request, Response, Version};
use futures_util::FutureExt as _;
use futures_util::future::{self, ready};
use http_body::Body;
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use body::Counted;
pub use body::Patient;
pub use crowd::{Crowd, raise_descriptor_limit};
use head::Refusal;
use socket::{Call, Socket};
use watched::Watched;

/// How often, and for how long, an HTTP/2 client is asked whether it is still there.
const PING_EVERY: Duration = Duration::from_secs(20);
/// The largest head, in bytes.
const HEAD_MAX: u32 = 64 * 1024;
/// How many calls may be open on one HTTP/2 socket: RFC 9113 6.5.2 advises a hundred at the least.
const STREAMS_MAX: u32 = 100;
/// How many streams of one socket may be reset, by its client before they were begun or by us for an error of theirs, and not be
/// forgotten yet. One more ends the socket.
const RESETS_MAX: usize = 20;
/// How long a socket that is told to end may take for its last bytes.
const GOODBYE: Duration = Duration::from_secs(2);
/// How long to wait after the kernel could not accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How often it is said that the kernel could not accept, at most.
const ACCEPT_TOLD_EVERY: Duration = Duration::from_mins(1);

/// How long a socket without an open call is kept unless told otherwise: longer than any usual pool keeps its end. Balancers
/// and .NET keep it 60 seconds, Go 90, Google's balancers 600. Whoever closes first must be the client: a server that does
/// may do so just as the next call is on its way.
pub const IDLE: Duration = Duration::from_secs(620);

/// How long a listener's sockets live.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How long a socket without an open call is kept.
    pub idle: Duration,
    /// How long open calls may take to finish once the listener was told to stop.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { idle: IDLE, drain: Duration::from_secs(30) }
    }
}

/// Answers what comes on `listener` until `stop` is done, then lets open calls finish. An `answer` that fails closes its
/// socket.
pub async fn serve<A, F, B, E>(
    crowd: &Crowd,
    limits: Limits,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send,
    answer: A,
) where
    A: Fn(Request<Patient>, SocketAddr) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Response<B>, E>> + Send + 'static,
    B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin + Send + 'static,
    E: Into<BoxError> + 'static,
{
    let builder = builder();
    let (stopping, told) = watch::channel(false);
    let mut stop = pin!(stop);
    let mut complaints = Complaints::default();
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    complaints.tell(&error);
                    // Mostly there are no descriptors: whoever is idle gives one back. A peer that gave up takes none.
                    if error.kind() != std::io::ErrorKind::ConnectionAborted {
                        crowd.make_room();
                    }
                    sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            },
            () = &mut stop => break,
        };
        let socket = Arc::new(Socket::among(crowd.streams()));
        let place = tokio::select! {
            place = crowd.enter(&socket) => place,
            () = &mut stop => break,
        };
        // Small answers must not wait for the next acknowledgement.
        let _best_effort = stream.set_nodelay(true);
        let connection = hold(&builder, stream, peer, Arc::clone(&socket), answer.clone());
        let mut told = told.clone();
        tokio::spawn(async move {
            let stop = async {
                let _told = told.wait_for(|stop| *stop).await;
            };
            keep(connection, &socket, limits.idle, stop).await;
            drop(place);
        });
    }
    drop((listener, told));
    stopping.send_replace(true);
    let _in_time = timeout(limits.drain, stopping.closed()).await;
}

fn builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        // Its clock runs between two calls too; ours tells a head that has begun from a socket at rest.
        .header_read_timeout(None)
        .max_buf_size(HEAD_MAX as usize);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_EVERY)
        .max_concurrent_streams(STREAMS_MAX)
        .max_pending_accept_reset_streams(RESETS_MAX)
        .max_local_error_reset_streams(RESETS_MAX)
        .max_header_list_size(HEAD_MAX);
    builder
}

/// Speaks HTTP on a socket, and tells `socket` what goes on.
fn hold<A, F, B, E>(
    builder: &auto::Builder<TokioExecutor>,
    stream: TcpStream,
    peer: SocketAddr,
    socket: Arc<Socket>,
    answer: A,
) -> impl Connection + use<A, F, B, E>
where
    A: Fn(Request<Patient>, SocketAddr) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Response<B>, E>> + Send + 'static,
    B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin + Send + 'static,
    E: Into<BoxError> + 'static,
{
    let io = TokioIo::new(Watched::new(stream, Arc::clone(&socket)));
    // Each call holds its future as long as its client does not take the answer, so it is no async block: that would keep what
    // is moved into it twice or more.
    let service = service_fn(move |request: Request<Incoming>| {
        let version = request.version();
        let (call, cut) = match Call::begin(&socket, version, request.method(), request.uri()) {
            Ok(begun) => begun,
            Err(no_room) => return future::Either::Right(ready(Err(no_room))),
        };
        let wrong = if cut { Some(head::CUT) } else { head::wrong(&request) };
        if let Some(refusal) = wrong {
            let response = refused(version, refusal).map(|body| Counted::new(Either::Right(body), call));
            return future::Either::Right(ready(Ok(response)));
        }
        let has_body = version < Version::HTTP_2 && !request.body().is_end_stream();
        let answered = answer(request.map(|incoming| Patient::new(incoming, call.reader())), peer);
        future::Either::Left(answered.map(move |answered| {
            let mut response = answered.map_err(Into::into)?;
            if has_body && call.is_doubtful() {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok::<_, BoxError>(response.map(|body| Counted::new(Either::Left(body), call)))
        }))
    });
    builder.serve_connection(io, service).into_owned()
}

/// The answer to a head that must not be; in HTTP/1 the last one on its socket.
fn refused(version: Version, (status, why): Refusal) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(why.as_bytes())));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    if version < Version::HTTP_2 {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// A socket that speaks HTTP until it ends or is told to.
trait Connection: Future + Send {
    /// Ends when its open calls have.
    fn finish(self: Pin<&mut Self>);
}

impl<S, B> Connection for auto::Connection<'static, TokioIo<Watched>, S, TokioExecutor>
where
    Self: Future + Send,
    S: hyper::service::Service<Request<Incoming>, Response = Response<B>>,
    S::Future: 'static,
    S::Error: Into<BoxError>,
    B: Body<Error: Into<BoxError>> + 'static,
    TokioExecutor: hyper_util::server::conn::auto::HttpServerConnExec<S::Future, B>,
{
    fn finish(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

/// Drives a socket until it ends, was silent for too long, had to make room for others, or the listener stops.
async fn keep(connection: impl Connection, socket: &Socket, idle: Duration, stop: impl Future<Output = ()>) {
    let (mut connection, mut stop) = (pin!(connection), pin!(stop));
    let (mut sent_off, mut stopped) = (pin!(socket.sent_off()), false);
    let mut timer = pin!(sleep_until(Instant::now()));
    let mut goodbye = None;
    std::future::poll_fn(|context| {
        if !stopped && stop.as_mut().poll(context).is_ready() {
            stopped = true;
            connection.as_mut().finish();
        }
        while goodbye.is_none() && sent_off.as_mut().poll(context).is_ready() {
            // Somebody waits for its descriptor.
            if socket.goes() {
                return Poll::Ready(());
            }
            sent_off.set(socket.sent_off());
        }
        // A peer that goes away or speaks no HTTP is its own business.
        if connection.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        loop {
            let by = goodbye.unwrap_or_else(|| socket.deadline(idle));
            // Setting a timer costs more than all the rest here, and most deadlines are put off: it is set back when it rings.
            if by < timer.deadline() {
                timer.as_mut().reset(by);
            }
            if timer.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            if by > Instant::now() {
                timer.as_mut().reset(by);
                continue;
            }
            if goodbye.is_some() || socket.is_busy() {
                return Poll::Ready(());
            }
            // In HTTP/2 it is told; in HTTP/1 it just ends.
            goodbye = Some(Instant::now() + GOODBYE);
            connection.as_mut().finish();
            if connection.as_mut().poll(context).is_ready() {
                return Poll::Ready(());
            }
        }
    })
    .await;
}

/// What the kernel refuses, told once in a while.
#[derive(Default)]
struct Complaints {
    told: Option<Instant>,
    since: u64,
}

impl Complaints {
    fn tell(&mut self, error: &std::io::Error) {
        self.since += 1;
        if self.told.is_none_or(|told| told.elapsed() >= ACCEPT_TOLD_EVERY) {
            tracing::warn!(event = "accept.failed", why = %error, times = self.since);
            (self.told, self.since) = (Some(Instant::now()), 0);
        }
    }
}

#[cfg(test)]
mod tests;
