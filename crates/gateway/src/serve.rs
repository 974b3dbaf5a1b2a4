//! Serves doors on a listener until told to stop. Each request's peer address travels with it, and each answer leaves one
//! log line that names the route's template, never the raw URI (which may hold a code or a token).

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::Response;
use ipnet::IpNet;
use tokio::net::TcpListener;
use tower::ServiceExt as _;

pub use listener::{Crowd, Limits};

use crate::Gateway;
use crate::config::Config;
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
        answered.map(Forwarded::Ours)
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
    let answer = move |request, peer| {
        let answered = Arc::clone(&doors).answer(request, peer);
        async move { Ok::<_, Infallible>(answered.await) }
    };
    listener::serve(crowd, limits, listener, stop, answer).await;
}

/// Who sent a request, as far as it can be told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Client {
    pub(crate) address: IpAddr,
    /// Whether it says for whom it speaks, as proxies do, and is not one that is believed.
    pub(crate) forwards_unlisted: bool,
}

/// The client: the peer, or who a trusted proxy says it is.
pub(crate) fn client(config: &Config, request: &Request) -> Client {
    let peer = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(peer)| peer.ip().to_canonical());
    if is_trusted(&config.trusted_proxies, peer) {
        let address = forwarded_for(&config.trusted_proxies, request.headers()).unwrap_or(peer);
        return Client { address, forwards_unlisted: false };
    }
    let forwards_unlisted = ["x-forwarded-for", "forwarded", "x-real-ip"]
        .iter()
        .any(|header| request.headers().contains_key(*header));
    Client { address: peer, forwards_unlisted }
}

fn is_trusted(proxies: &[IpNet], address: IpAddr) -> bool {
    proxies.iter().any(|range| range.contains(&address))
}

/// Each proxy appends what it saw: from the right, the first that is not one of ours is the client. If all are ours, it is
/// the one farthest out.
fn forwarded_for(proxies: &[IpNet], headers: &HeaderMap) -> Option<IpAddr> {
    let listed: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    let mut farthest = None;
    for address in listed.iter().rev().map_while(|text| address(text.trim())) {
        farthest = Some(address);
        if !is_trusted(proxies, address) {
            break;
        }
    }
    farthest
}

/// An address as proxies write it: some add a port, and brackets around version 6.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let parsed = bare.parse().or_else(|_| text.parse().map(|with_port: SocketAddr| with_port.ip()));
    parsed.ok().map(|ip: IpAddr| ip.to_canonical())
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

    fn told(proxies: &[&str], forwarded: &[&str]) -> String {
        let proxies: Vec<IpNet> = proxies.iter().map(|range| range.parse().expect("a range")).collect();
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().expect("a value"));
        }
        forwarded_for(&proxies, &headers).map(|ip| ip.to_string()).unwrap_or_default()
    }

    #[test]
    fn the_first_from_the_right_that_is_no_proxy_of_ours_is_the_client() {
        let proxies = ["10.0.0.0/8", "2001:db8:1::/48", "192.0.2.7/32"];
        for (forwarded, client) in [
            (&["198.51.100.1"][..], "198.51.100.1"),
            (&["203.0.113.9, 198.51.100.1"], "198.51.100.1"),
            (&["198.51.100.1, 10.1.2.3, 192.0.2.7"], "198.51.100.1"),
            (&["198.51.100.1", "10.1.2.3"], "198.51.100.1"),
            (&["198.51.100.1:4711, 10.1.2.3:80"], "198.51.100.1"),
            (&["[2001:db8:2::1]:4711, 2001:db8:1::5"], "2001:db8:2::1"),
            (&["[2001:db8:2::1]"], "2001:db8:2::1"),
            (&["::ffff:198.51.100.1, ::ffff:10.0.0.1"], "198.51.100.1"),
            // All are ours: a client of the inside.
            (&["10.9.9.9, 10.1.2.3"], "10.9.9.9"),
            // Beyond what cannot be read nothing is believed.
            (&["198.51.100.1, unknown, 10.1.2.3"], "10.1.2.3"),
            (&["unknown"], ""),
            (&[], ""),
        ] {
            assert_eq!(told(&proxies, forwarded), client, "{forwarded:?}");
        }
    }
}
