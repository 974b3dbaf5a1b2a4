//! How Notion is reached: whose certificates are believed, and whether the way leads through the network's own proxy. One
//! connector serves forwarded calls and OAuth calls alike. Nothing of a call is sent before it stands, so whatever fails here
//! was not done.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::BoxError;
use axum::http::Uri;
use base64::Engine as _;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use percent_encoding::percent_decode_str;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use sealing::Secret;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tower::Service;
use url::Url;

use crate::world::World;

/// The client cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotionError(pub(crate) String);

/// How long it may take until a call can be sent: TCP, the proxy's consent and TLS together.
const CONNECT_DEADLINE: Duration = Duration::from_secs(10);
/// The largest answer to CONNECT, in bytes.
const CONSENT_MAX: usize = 8 * 1024;

/// How Notion is reached.
#[derive(Debug, Default)]
pub struct WayOut {
    /// Whose certificates are believed.
    pub roots: Roots,
    /// Further roots, beside those.
    pub further_roots: Certificates,
    /// The network's own proxy, if it has one. All calls to Notion go through it.
    pub proxy: Option<Proxy>,
}

/// Whose certificates are believed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Roots {
    /// Mozilla's list, as it was when this was built: the same everywhere.
    #[default]
    BuiltIn,
    /// What this machine believes (on Linux its certificate files; `SSL_CERT_FILE` and `SSL_CERT_DIR` name others).
    Platform,
}

/// Certificates of authorities.
#[derive(Debug, Default)]
pub struct Certificates(Vec<CertificateDer<'static>>);

impl Certificates {
    /// Reads a PEM file's text.
    ///
    /// # Errors
    /// What is wrong with it: there is none in it, or one cannot be read.
    pub fn parse(pem: &[u8]) -> Result<Self, String> {
        let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let read = read.map_err(|error| format!("it is no PEM: {error}"))?;
        if read.is_empty() {
            return Err(
                "there is no certificate in it: `-----BEGIN CERTIFICATE-----` was expected".to_owned()
            );
        }
        let mut probe = RootCertStore::empty();
        for (at, certificate) in read.iter().enumerate() {
            let added = probe.add(certificate.clone());
            added.map_err(|error| format!("certificate {} in it cannot be read: {error}", at + 1))?;
        }
        Ok(Self(read))
    }
}

/// A proxy that connects to others by CONNECT.
#[derive(Clone)]
pub struct Proxy {
    address: Uri,
    /// `host:port`, for messages: never the user.
    shown: String,
    authorization: Option<Arc<Secret<String>>>,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({}{})", self.shown, if self.authorization.is_some() { ", [redacted]" } else { "" })
    }
}

impl Proxy {
    /// Reads `http://[user:password@]host[:port]`; as elsewhere, `http://` may be left out.
    ///
    /// # Errors
    /// What was expected; never the text, which may hold a password.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        const EXPECTED: &str = "http://host:port or http://user:password@host:port was expected; signs of a user or password that mean something in a URL are escaped (%40 for @)";
        let text = text.trim();
        let with_scheme = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let url = Url::parse(&with_scheme).map_err(|_| EXPECTED)?;
        if url.scheme() != "http" {
            return Err(
                "an http proxy was expected (http://host:port): https and socks are not spoken to a proxy",
            );
        }
        let bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
        let host = url.host_str().filter(|_| bare).ok_or(EXPECTED)?;
        let shown = format!("{host}:{}", url.port_or_known_default().unwrap_or(80));
        let address = format!("http://{shown}").parse().map_err(|_| EXPECTED)?;
        let authorization = match (url.username(), url.password()) {
            ("", None) => None,
            (user, password) => Some(basic(user, password.unwrap_or_default()).ok_or(EXPECTED)?),
        };
        Ok(Self { address, shown, authorization })
    }
}

fn basic(user: &str, password: &str) -> Option<Arc<Secret<String>>> {
    let plain = |text| percent_decode_str(text).decode_utf8().ok();
    let pair = Secret::new(format!("{}:{}", plain(user)?, plain(password)?));
    let encoded = base64::engine::general_purpose::STANDARD.encode(pair.expose());
    Some(Arc::new(Secret::new(format!("Basic {encoded}"))))
}

/// What makes sockets to Notion.
pub(crate) type Connector = InTime<HttpsConnector<Road>>;

/// The connector for this way.
pub(crate) fn connector(way: &WayOut, world: &World) -> Result<Connector, NotionError> {
    let mut tcp = HttpConnector::new();
    tcp.set_connect_timeout(Some(CONNECT_DEADLINE));
    tcp.set_nodelay(true);
    tcp.enforce_http(false);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| NotionError(error.to_string()))?
        .with_root_certificates(roots(way)?)
        .with_no_client_auth();
    let https = HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http()
        .enable_http1()
        .enable_http2()
        .wrap_connector(Road { tcp, proxy: way.proxy.clone().map(Arc::new) });
    Ok(InTime { inner: https, world: world.clone() })
}

fn roots(way: &WayOut) -> Result<RootCertStore, NotionError> {
    let mut roots = RootCertStore::empty();
    match way.roots {
        Roots::BuiltIn => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Roots::Platform => {
            let found = rustls_native_certs::load_native_certs();
            let (good, _odd) = roots.add_parsable_certificates(found.certs);
            if good == 0 {
                let why = found.errors.first().map(|error| format!(" ({error})")).unwrap_or_default();
                let what = "this machine has no root certificates that can be read";
                return Err(NotionError(format!(
                    "{what}{why}: install them (ca-certificates), or take the built-in ones"
                )));
            }
        }
    }
    for certificate in &way.further_roots.0 {
        roots.add(certificate.clone()).map_err(|error| NotionError(error.to_string()))?;
    }
    Ok(roots)
}

type Connecting<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

/// The way to a host's port: straight, or through the proxy.
#[derive(Clone)]
pub(crate) struct Road {
    tcp: HttpConnector,
    proxy: Option<Arc<Proxy>>,
}

impl Service<Uri> for Road {
    type Response = TokioIo<TcpStream>;
    type Error = BoxError;
    type Future = Connecting<Self::Response>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.tcp.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let Some(proxy) = self.proxy.clone() else {
            let connecting = self.tcp.call(to);
            return Box::pin(async move { Ok(connecting.await?) });
        };
        let connecting = self.tcp.call(proxy.address.clone());
        Box::pin(async move {
            let connected = connecting.await;
            let stream =
                connected.map_err(|error| format!("the proxy {} cannot be reached: {error}", proxy.shown))?;
            let told = tunnel(stream.into_inner(), &to, &proxy).await;
            Ok(TokioIo::new(told.map_err(|why| format!("the proxy {} {why}", proxy.shown))?))
        })
    }
}

/// Asks the proxy to connect to a host; what is wrong with its answer, if it does not.
async fn tunnel(mut socket: TcpStream, to: &Uri, proxy: &Proxy) -> Result<TcpStream, String> {
    let port = to.port_u16().unwrap_or(if to.scheme_str() == Some("http") { 80 } else { 443 });
    let authority = format!("{}:{port}", to.host().unwrap_or_default());
    let authorization = proxy.authorization.as_deref().map(Secret::expose);
    let line = authorization.map(|value| format!("Proxy-Authorization: {value}\r\n")).unwrap_or_default();
    let asked = Secret::new(format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n{line}\r\n"));
    socket.write_all(asked.expose().as_bytes()).await.map_err(|error| format!("went away: {error}"))?;
    let mut answer = Vec::new();
    let end = loop {
        if let Some(at) = answer.windows(4).position(|end| end == b"\r\n\r\n") {
            break at + 4;
        }
        let read = socket.read_buf(&mut answer).await.map_err(|error| format!("went away: {error}"))?;
        if read == 0 || answer.len() > CONSENT_MAX {
            return Err("closed its socket, or answered something else than HTTP".to_owned());
        }
    };
    match consent(&answer) {
        Some(200..=299) if end == answer.len() => Ok(socket),
        Some(407) if authorization.is_none() => Err("wants a user and a password (407)".to_owned()),
        Some(407) => Err("refuses the user or the password (407)".to_owned()),
        Some(403) => Err(format!("refuses to connect to {authority} (403)")),
        Some(status) if status > 299 => Err(format!("did not connect to {authority}: it answered {status}")),
        _ => Err("answered something else than HTTP".to_owned()),
    }
}

/// The status of an answer to CONNECT.
fn consent(answer: &[u8]) -> Option<u16> {
    let line = answer.strip_prefix(b"HTTP/1.")?.get(1..5)?;
    std::str::from_utf8(line).ok()?.strip_prefix(' ')?.parse().ok()
}

/// A connector with a deadline.
#[derive(Clone)]
pub(crate) struct InTime<C> {
    inner: C,
    world: World,
}

impl Service<Uri> for InTime<HttpsConnector<Road>> {
    type Response = MaybeHttpsStream<TokioIo<TcpStream>>;
    type Error = BoxError;
    type Future = Connecting<Self::Response>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let (world, connecting) = (self.world.clone(), self.inner.call(to));
        Box::pin(async move {
            let late =
                || Err(format!("it was not reached within {} seconds", CONNECT_DEADLINE.as_secs()).into());
            world.within(CONNECT_DEADLINE, connecting).await.unwrap_or_else(late)
        })
    }
}

/// Why nothing could be sent, from the outermost reason to the innermost.
pub(crate) fn reasons(error: &dyn std::error::Error) -> String {
    let chain = std::iter::successors(error.source(), |error| error.source());
    let mut told: Vec<String> = Vec::new();
    for reason in chain.map(ToString::to_string) {
        // Some repeat what is behind them.
        if told.last().is_none_or(|last| !last.contains(&reason)) {
            told.push(reason);
        }
    }
    if told.iter().any(|reason| reason.contains("UnknownIssuer")) {
        told.push("if the network looks into TLS, its root belongs into notion.ca_file".to_owned());
    }
    told.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_read_and_its_password_never_shown() {
        for (text, shown, authorized) in [
            ("http://proxy.example:3128", "proxy.example:3128", None),
            ("proxy.example:3128", "proxy.example:3128", None),
            (" http://proxy.example/ ", "proxy.example:80", None),
            ("http://[::1]:8080", "[::1]:8080", None),
            ("http://u:p%40ss@proxy:1", "proxy:1", Some("u:p@ss")),
            ("u:hush@proxy:1", "proxy:1", Some("u:hush")),
            ("http://u@proxy:1", "proxy:1", Some("u:")),
        ] {
            let proxy = Proxy::parse(text).unwrap_or_else(|why| panic!("{text}: {why}"));
            assert_eq!(proxy.shown, shown);
            let encoded = authorized
                .map(|pair| format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair)));
            assert_eq!(proxy.authorization.as_ref().map(|secret| secret.expose().clone()), encoded, "{text}");
            let debugged = format!("{proxy:?}");
            assert!(!debugged.contains("hush") && !debugged.contains("p@ss") && !debugged.contains("Basic"));
        }
        for odd in [
            "",
            "https://hush@proxy",
            "socks5://hush@proxy",
            "http://u:hush@",
            "http://u:hush@proxy/x",
            "http://proxy?hush",
            "http://u:hush@proxy:99999",
        ] {
            let why = Proxy::parse(odd).err().unwrap_or_else(|| panic!("{odd} was taken"));
            assert!(!why.contains("hush"), "{why}");
        }
    }

    #[test]
    fn a_file_without_certificates_is_told_from_one_that_cannot_be_read() {
        let pem = |kind: &str, body: &str| format!("-----BEGIN {kind}-----\n{body}\n-----END {kind}-----\n");
        for (text, expected) in [
            (String::new(), "no certificate"),
            ("hello".to_owned(), "no certificate"),
            (pem("PRIVATE KEY", "aGk="), "no certificate"),
            (pem("CERTIFICATE", "aGk="), "certificate 1 in it cannot be read"),
            (pem("CERTIFICATE", "!"), "no PEM"),
        ] {
            let told = Certificates::parse(text.as_bytes()).err().unwrap();
            assert!(told.contains(expected), "{text}: {told}");
        }
    }

    #[test]
    fn only_an_answer_of_http_is_a_consent() {
        assert_eq!(consent(b"HTTP/1.1 200 OK\r\n\r\n"), Some(200));
        assert_eq!(consent(b"HTTP/1.0 407 \r\n\r\n"), Some(407));
        for odd in
            [&b""[..], b"HTTP/1.1", b"HTTP/2 200\r\n", b"SSH-2.0", b"HTTP/1.1 2x0 \r\n", b"HTTP/1.1200 OK"]
        {
            assert_eq!(consent(odd), None);
        }
    }
}
