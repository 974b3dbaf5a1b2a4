//! Who sent a request: the peer, or who a trusted proxy says it is.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, Request};
use axum::http::HeaderMap;
use ipnet::IpNet;

use crate::config::Config;

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
