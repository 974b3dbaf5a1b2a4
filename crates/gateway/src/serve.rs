//! Serves doors on a listener until told to stop. Each request's peer address travels with it, and each answer leaves one
//! log line that names the route's template, never the raw URI (which may hold a code or a token).

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::FutureExt as _;
use tokio::net::TcpListener;
use tower::ServiceExt as _;

pub use listener::{Crowd, Limits};

use crate::Gateway;
use crate::door::{self, Door};
use crate::proxy::Forwarded;
use crate::world::World;

/// A router that knows the proxy's two routes by heart: what [`serve`] serves.
#[derive(Clone)]
pub struct Doors {
    router: Router,
    /// Whose calls are answered before the router is asked.
    forwards: Option<Gateway>,
}

impl From<Router> for Doors {
    fn from(router: Router) -> Self {
        Self { router, forwards: None }
    }
}

impl Doors {
    pub(crate) async fn answer<B>(
        self: Arc<Self>,
        request: axum::http::Request<B>,
        peer: SocketAddr,
    ) -> Response<Forwarded>
    where
        B: http_body::Body<Data = Bytes, Error = std::io::Error> + Send + Unpin + 'static,
    {
        if let Some(gateway) = &self.forwards
            && let Some(door) = Door::of(request.uri().path())
        {
            return door::answer(gateway, door, request).await;
        }
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        // Its future is large, and rare.
        let Ok(answered) = Box::pin(self.router.clone().oneshot(request)).await;
        answered.map(Forwarded::Right)
    }
}

impl Gateway {
    /// What browsers and Notion reach, for an address of its own: links, consent, callbacks.
    pub fn public_doors(&self) -> Doors {
        self.public_router().into()
    }

    /// What the app's back end reaches, for an address of its own: the HTTP API, the token endpoint, the proxy.
    pub fn private_doors(&self) -> Doors {
        Doors { router: self.private_router(), forwards: Some(self.clone()) }
    }

    /// Both, for one address.
    pub fn doors(&self) -> Doors {
        Doors { router: self.router(), forwards: Some(self.clone()) }
    }
}

/// Serves these doors, or a router, on `listener` until `stop` is done, then lets open calls finish for up to 30 seconds.
pub async fn serve(listener: TcpListener, doors: impl Into<Doors>, stop: impl Future<Output = ()> + Send) {
    serve_among(&Crowd::of_process(1), Limits::default(), listener, doors, stop).await;
}

/// As [`serve`], with limits of one's own, and its sockets in a crowd that other listeners may share.
pub async fn serve_among(
    crowd: &Crowd,
    limits: Limits,
    listener: TcpListener,
    doors: impl Into<Doors>,
    stop: impl Future<Output = ()> + Send,
) {
    let doors = Arc::new(doors.into());
    let answer = move |request, peer| Arc::clone(&doors).answer(request, peer).map(Ok::<_, Infallible>);
    listener::serve(crowd, limits, listener, stop, answer).await;
}

/// One line an answer: method, route template, status, time taken.
pub(crate) async fn log_request(State(world): State<World>, request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let began = world.moment();
    let response = next.run(request).await;
    let route = route.as_ref().map_or("unmatched", MatchedPath::as_str);
    door::log_answer(&method, route, response.status(), world.since(began));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held_by<A, B, C, F>(_: impl Fn(A, B, C) -> F) -> usize {
        std::mem::size_of::<F>()
    }

    /// It is held until the client has taken the answer, thousands of times over at once.
    #[test]
    fn a_call_holds_no_more_than_it_needs() {
        let held = held_by(Doors::answer::<listener::Patient>);
        assert!(held <= 4 * 1024, "{held} bytes");
    }
}
