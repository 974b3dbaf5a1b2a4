//! Whose page sent a request, and by which name it came: a hostile page in a browser reaches the loopback, and a name that
//! leads here by a trick (DNS rebinding) shows in the Host header. Where `Origin` is there it decides.

use std::net::IpAddr;

use axum::http::header::{HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Uri};

/// The names that a listener answers to for what only its own machine's people may do: the loopback's, and those that it
/// was given, each with a port or for any.
#[derive(Debug, Clone, Default)]
pub struct Names(Vec<String>);

impl Names {
    /// The loopback's names and these.
    ///
    /// # Errors
    /// The first that is no host name or address, with or without port.
    pub fn with(names: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let names = names.into_iter().map(|name| {
            let fits = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b));
            let host = Host::read(&name).filter(|host| fits && !host.name.is_empty());
            host.map(|_| name.to_ascii_lowercase()).ok_or(name)
        });
        names.collect::<Result<_, _>>().map(Self)
    }

    /// Whether a Host header, or what stands for it, names this machine.
    pub fn allow(&self, host: &str) -> bool {
        Host::read(host).is_some_and(|host| host.is_loopback() || self.list(&host))
    }

    fn list(&self, host: &Host) -> bool {
        self.0
            .iter()
            .filter_map(|name| Host::read(name))
            .any(|listed| listed.name == host.name && (listed.port.is_none() || listed.port == host.port))
    }
}

/// Whose page sent a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    /// One of this very address, or a person who typed it.
    Own,
    /// Another's.
    Foreign,
    /// Nothing tells of a page: a program, or a very old browser.
    Untold,
}

/// Whose page sent this request. `Origin` decides; without it `Sec-Fetch-Site` does.
pub fn sender(headers: &HeaderMap, uri: &Uri, names: &Names) -> Sender {
    let origins: Vec<_> = headers.get_all(ORIGIN).iter().collect();
    match origins.as_slice() {
        [] => {}
        [one] => {
            let own = one.to_str().is_ok_and(|origin| is_own(origin, host(headers, uri), names));
            return if own { Sender::Own } else { Sender::Foreign };
        }
        _ => return Sender::Foreign,
    }
    let sites: Vec<_> = headers.get_all("sec-fetch-site").iter().map(HeaderValue::as_bytes).collect();
    match sites.as_slice() {
        [] => Sender::Untold,
        [b"same-origin" | b"none"] => Sender::Own,
        _ => Sender::Foreign,
    }
}

/// The host that a request names: in HTTP/2 as its authority, else in a header.
pub fn host<'r>(headers: &'r HeaderMap, uri: &'r Uri) -> &'r str {
    let header = headers.get(HOST).and_then(|value| value.to_str().ok());
    header.or_else(|| uri.authority().map(Authority::as_str)).unwrap_or_default()
}

/// Whether an origin is that of the host that was asked. We speak http; https can only be a proxy's, which is believed for
/// names that were listed.
fn is_own(origin: &str, host: &str, names: &Names) -> bool {
    let Some((scheme, rest)) = origin.split_once("://") else { return false };
    let (Some(theirs), Some(ours)) = (Host::read(rest), Host::read(host)) else { return false };
    let usual = match scheme.to_ascii_lowercase().as_str() {
        "http" => 80,
        "https" if names.list(&ours) => 443,
        _ => return false,
    };
    theirs.name == ours.name && theirs.port.unwrap_or(usual) == ours.port.unwrap_or(usual)
}

/// A host and its port, as compared: in small letters, without a final dot or brackets.
#[derive(Debug, PartialEq, Eq)]
struct Host {
    name: String,
    port: Option<u16>,
}

impl Host {
    fn read(text: &str) -> Option<Self> {
        // An address of version 6 stands in brackets where a port may follow.
        let (name, port) = match text.rsplit_once(':') {
            Some((name, port)) if !name.contains(':') || name.ends_with(']') => (name, Some(port)),
            _ => (text, None),
        };
        let port = port.map(|port| port.parse().ok()).map_or(Some(None), |port| port.map(Some))?;
        let name = name.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        let name = name.strip_suffix('.').unwrap_or(&name).to_owned();
        (!name.is_empty()).then_some(Self { name, port })
    }

    fn is_loopback(&self) -> bool {
        self.name == "localhost"
            || self.name.ends_with(".localhost")
            || self.name.parse().is_ok_and(|ip: IpAddr| ip.to_canonical().is_loopback())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Names {
        Names::with(names.iter().map(|name| (*name).to_owned())).expect("names")
    }

    fn sent(host: &str, pairs: &[(&'static str, &'static str)]) -> Sender {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().expect("a host"));
        for (name, value) in pairs {
            headers.append(*name, value.parse().expect("a value"));
        }
        sender(&headers, &Uri::from_static("/"), &names(&["emulator", "tls.example"]))
    }

    #[test]
    fn where_an_origin_is_there_it_decides() {
        let own = [
            ("localhost:8472", "http://localhost:8472"),
            ("LocalHost:8472", "http://localhost:8472"),
            ("localhost:8472", "HTTP://LOCALHOST:8472"),
            ("127.0.0.1:8472", "http://127.0.0.1:8472"),
            ("[::1]:8472", "http://[::1]:8472"),
            ("localhost", "http://localhost"),
            ("localhost:80", "http://localhost"),
            ("emulator:8472", "http://emulator:8472"),
            ("tls.example", "https://tls.example"),
        ];
        for (host, origin) in own {
            assert_eq!(sent(host, &[("origin", origin)]), Sender::Own, "{origin} at {host}");
        }
        let foreign = [
            ("localhost:8472", "null"),
            ("localhost:8472", ""),
            ("localhost:8472", "https://evil.example"),
            ("localhost:8472", "http://localhost:3000"),
            ("localhost:8472", "http://localhost"),
            ("localhost:8472", "https://localhost:8472"),
            ("localhost:8472", "http://localhost.evil.example:8472"),
            ("localhost:8472", "http://localhost:8472.evil.example"),
            ("localhost:8472", "http://127.0.0.1:8472"),
            ("localhost:8472", "http://emulator:8472"),
            ("emulator:8472", "http://emulator:3000"),
            ("emulator:8472", "http://tls.example"),
        ];
        for (host, origin) in foreign {
            assert_eq!(sent(host, &[("origin", origin)]), Sender::Foreign, "{origin} at {host}");
        }
        // A browser that says both is believed in what cannot be wrong.
        let both = [("origin", "https://evil.example"), ("sec-fetch-site", "same-origin")];
        assert_eq!(sent("localhost:8472", &both), Sender::Foreign);
        let two = [("origin", "http://localhost:8472"), ("origin", "https://evil.example")];
        assert_eq!(sent("localhost:8472", &two), Sender::Foreign);
    }

    #[test]
    fn without_an_origin_the_site_decides_and_a_program_tells_neither() {
        assert_eq!(sent("localhost", &[]), Sender::Untold);
        for own in ["same-origin", "none"] {
            assert_eq!(sent("localhost", &[("sec-fetch-site", own)]), Sender::Own);
        }
        for foreign in ["cross-site", "same-site", "something-new"] {
            assert_eq!(sent("localhost", &[("sec-fetch-site", foreign)]), Sender::Foreign);
        }
    }

    #[test]
    fn the_loopback_and_what_is_listed_are_our_names() {
        let names = names(&["Emulator", "tls.example:8443", "172.17.0.2"]);
        let ours = [
            "localhost",
            "LOCALHOST:1",
            "a.localhost:8472",
            "localhost.",
            "127.0.0.1:8472",
            "127.9.9.9",
            "[::1]:8472",
            "::1",
            "emulator",
            "EMULATOR:8472",
            "emulator.:8472",
            "tls.example:8443",
            "172.17.0.2:8472",
        ];
        for host in ours {
            assert!(names.allow(host), "{host}");
        }
        for host in [
            "",
            ":8472",
            "evil.example",
            "tls.example",
            "emulator.evil.example",
            "localhost.evil",
            "localhost:x",
        ] {
            assert!(!names.allow(host), "{host}");
        }
        for odd in ["", "http://emulator", "a b", "*", "emulator:port", "emulator/x"] {
            assert!(Names::with([odd.to_owned()]).is_err(), "{odd}");
        }
    }
}
