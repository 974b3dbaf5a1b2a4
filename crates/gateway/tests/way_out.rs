//! The way to Notion where the network has its own authority and its own proxy: real TLS with certificates of the test's own, and a
//! proxy that connects only by CONNECT.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::StatusCode;
use gateway::{Certificates, Config, Notion, Proxy, WayOut};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use url::Url;

use crate::support::{House, house};

/// The emulator behind TLS, by a certificate of an authority that nobody knows.
struct Behind {
    port: u16,
    /// The authority, as a PEM file holds it.
    authority: String,
    /// What was agreed on with each that came.
    protocols: Arc<Mutex<Vec<Option<Vec<u8>>>>>,
}

impl Behind {
    async fn tls(notion: &str) -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let names = ["notion.test".to_owned(), "localhost".to_owned()];
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &authority).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()));
        let mut config = builder
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let (acceptor, notion) =
            (TlsAcceptor::from(Arc::new(config)), notion.trim_start_matches("http://").to_owned());
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let protocols = Arc::default();
        let behind = Self { port, authority: authority.pem(), protocols: Arc::clone(&protocols) };
        tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let Ok(mut socket) = acceptor.accept(socket).await else { continue };
                protocols.lock().unwrap().push(socket.get_ref().1.alpn_protocol().map(<[u8]>::to_vec));
                let mut emulator = TcpStream::connect(&notion).await.unwrap();
                tokio::spawn(async move {
                    let _gone = tokio::io::copy_bidirectional(&mut socket, &mut emulator).await;
                });
            }
        });
        behind
    }

    fn further_roots(&self) -> Certificates {
        Certificates::parse(self.authority.as_bytes()).unwrap()
    }
}

/// What the proxy says to CONNECT.
#[derive(Clone, Copy)]
enum Says {
    /// It connects.
    Yes,
    /// This instead.
    Else(&'static str),
    /// Nothing, and keeps the socket.
    Nothing,
}

/// A proxy that knows one way.
struct ConnectProxy {
    address: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl ConnectProxy {
    async fn before(port: u16, says: Says) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let heads: Arc<Mutex<Vec<String>>> = Arc::default();
        let proxy = Self { address, heads: Arc::clone(&heads) };
        tokio::spawn(async move {
            loop {
                let (mut socket, _) = listener.accept().await.unwrap();
                let heads = Arc::clone(&heads);
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        assert!(socket.read_buf(&mut head).await.unwrap() > 0);
                    }
                    heads.lock().unwrap().push(String::from_utf8(head).unwrap());
                    match says {
                        Says::Yes => {
                            socket
                                .write_all(b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n")
                                .await
                                .unwrap();
                            let mut there = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                            let _gone = tokio::io::copy_bidirectional(&mut socket, &mut there).await;
                        }
                        Says::Else(answer) => socket.write_all(answer.as_bytes()).await.unwrap(),
                        Says::Nothing => {
                            let _kept = socket.read_to_end(&mut Vec::new()).await;
                        }
                    }
                });
            }
        });
        proxy
    }

    fn proxy(&self, user: &str) -> Proxy {
        Proxy::parse(&format!("http://{user}{}", self.address)).unwrap()
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

/// A configuration whose Notion is there.
fn at(url: &str, way: WayOut) -> impl FnOnce(&mut Config) {
    let url = Url::parse(url).unwrap();
    move |config| (config.notion_url, config.way_out) = (url, way)
}

async fn call(t: &House, url: &str, method: &str, path: &str) -> String {
    let bearer = format!("Bearer {}", t.app_key);
    let body = (method == "POST").then(|| json!({}));
    let (url, headers) = (format!("{url}{path}"), [("authorization", bearer.as_str())]);
    let reply = t.send(method, &url, &headers, body).await;
    if reply.status == StatusCode::OK { "200".to_owned() } else { reply.refusal() }
}

#[tokio::test]
async fn calls_and_refreshes_go_by_tls_through_the_proxy() {
    let t = house().await;
    let me = format!("/notion/{}/v1/users/me", t.connection("u").await);
    let behind = Behind::tls(&t.notion.url).await;
    let proxy = ConnectProxy::before(behind.port, Says::Yes).await;
    let way = WayOut {
        further_roots: behind.further_roots(),
        proxy: Some(proxy.proxy("us%40er:pa%3Ass@")),
        ..WayOut::default()
    };
    let url = t.process_with(at("https://notion.test:8443", way)).await;
    assert_eq!(call(&t, &url, "GET", &me).await, "200");
    t.notion.emulator.end_access_tokens();
    let refreshed = t.notion_calls("/v1/oauth/token");
    assert_eq!(call(&t, &url, "GET", &me).await, "200");
    assert_eq!(t.notion_calls("/v1/oauth/token"), refreshed + 1, "the refresh went there, too");
    let heads = proxy.heads();
    // us@er:pa:ss
    let expected = "CONNECT notion.test:8443 HTTP/1.1\r\nHost: notion.test:8443\r\nProxy-Authorization: Basic dXNAZXI6cGE6c3M=\r\n\r\n";
    assert!(!heads.is_empty() && heads.iter().all(|head| head == expected), "{heads:?}");
    let protocols = behind.protocols.lock().unwrap().clone();
    assert!(protocols.iter().all(|spoken| spoken.as_deref() == Some(b"h2")), "{protocols:?}");
}

#[tokio::test]
async fn only_who_shows_a_certificate_of_a_known_authority_is_called() {
    let t = house().await;
    let me = format!("/notion/{}/v1/users/me", t.connection("u").await);
    let behind = Behind::tls(&t.notion.url).await;
    let base = format!("https://localhost:{}", behind.port);
    let known = WayOut { further_roots: behind.further_roots(), ..WayOut::default() };
    let platform =
        WayOut { roots: gateway::Roots::Platform, further_roots: behind.further_roots(), proxy: None };
    let other = Behind::tls(&t.notion.url).await;
    let others = WayOut { further_roots: other.further_roots(), ..WayOut::default() };
    for (way, expected) in [
        (known, "200"),
        (platform, "200"),
        (WayOut::default(), "502, notion_unreachable"),
        (others, "502, notion_unreachable"),
    ] {
        let shown = format!("{way:?}");
        let url = t.process_with(at(&base, way)).await;
        let before = t.notion.emulator.journal().len();
        assert_eq!(call(&t, &url, "GET", &me).await, expected, "{shown}");
        assert_eq!(t.notion.emulator.journal().len() - before, usize::from(expected == "200"));
    }
    let notion = Notion::new(&Url::parse(&base).unwrap(), &WayOut::default(), &t.world).unwrap();
    let why = notion.unreachable().await.unwrap();
    assert!(why.contains("UnknownIssuer") && why.contains("notion.ca_file"), "{why}");
    // Its certificate names another host.
    let elsewhere = format!("https://127.0.0.1:{}", behind.port);
    let way = WayOut { further_roots: behind.further_roots(), ..WayOut::default() };
    let notion = Notion::new(&Url::parse(&elsewhere).unwrap(), &way, &t.world).unwrap();
    assert!(notion.unreachable().await.unwrap().contains("not valid for name"));
}

#[tokio::test]
async fn what_a_proxy_refuses_was_not_sent_and_is_told_without_its_password() {
    let t = house().await;
    let id = t.connection("u").await;
    let behind = Behind::tls(&t.notion.url).await;
    for (user, says, expected) in [
        (
            "",
            "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n",
            "wants a user and a password (407)",
        ),
        (
            "u:hush@",
            "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
            "refuses the user or the password (407)",
        ),
        (
            "u:hush@",
            "HTTP/1.0 403 Forbidden\r\nContent-Length: 4\r\n\r\nhush",
            "refuses to connect to notion.test:443 (403)",
        ),
        (
            "u:hush@",
            "HTTP/1.1 502 Bad Gateway\r\n\r\n",
            "did not connect to notion.test:443: it answered 502",
        ),
        ("u:hush@", "hush\r\n\r\n", "something else than HTTP"),
        ("u:hush@", "HTTP/1.1 200 OK\r\n\r\nhush", "something else than HTTP"),
        ("u:hush@", "", "closed its socket"),
    ] {
        let proxy = ConnectProxy::before(behind.port, Says::Else(says)).await;
        let way = || WayOut {
            further_roots: behind.further_roots(),
            proxy: Some(proxy.proxy(user)),
            ..WayOut::default()
        };
        let url = t.process_with(at("https://notion.test", way())).await;
        let before = t.notion.emulator.journal().len();
        for (method, path) in [("GET", "users/me"), ("POST", "search")] {
            let path = format!("/notion/{id}/v1/{path}");
            assert_eq!(call(&t, &url, method, &path).await, "502, notion_unreachable", "{says:?}");
        }
        assert_eq!(t.notion.emulator.journal().len(), before);
        let notion = Notion::new(&Url::parse("https://notion.test").unwrap(), &way(), &t.world).unwrap();
        let why = notion.unreachable().await.unwrap();
        assert!(
            why.contains(expected) && why.contains(&proxy.address) && !why.contains("hush"),
            "{says:?}: {why}"
        );
    }
    let nobody = Proxy::parse("http://u:hush@127.0.0.1:9").unwrap();
    let way = WayOut { proxy: Some(nobody), ..WayOut::default() };
    let notion = Notion::new(&Url::parse("https://notion.test").unwrap(), &way, &t.world).unwrap();
    let why = notion.unreachable().await.unwrap();
    assert!(why.contains("the proxy 127.0.0.1:9 cannot be reached") && !why.contains("hush"), "{why}");
}

#[tokio::test]
async fn a_proxy_that_says_nothing_is_given_up_after_ten_seconds_and_nothing_was_sent() {
    let t = house().await;
    let me = format!("/notion/{}/v1/users/me", t.connection("u").await);
    let proxy = ConnectProxy::before(9, Says::Nothing).await;
    let way = WayOut { proxy: Some(proxy.proxy("")), ..WayOut::default() };
    let url = t.process_with(at("https://notion.test", way)).await;
    let asked = call(&t, &url, "GET", &me);
    let hand = async {
        // It is tried once more, for nothing was sent.
        for nth in 1..=2 {
            while proxy.heads().len() < nth {
                tokio::task::yield_now().await;
            }
            t.wait(Duration::from_secs(10));
        }
    };
    let (told, ()) = tokio::join!(asked, hand);
    assert_eq!(told, "502, notion_unreachable");
}
