//! A Notion of two answers, as cheap as a server can be: `users/me` (463 bytes) to any GET, a query's page of results (20 KB)
//! to any POST. It listens plainly, plainly with an answer that takes 50 ms, and with TLS (HTTP/1.1 and HTTP/2), and prints
//! one line of JSON that says where.

#![expect(clippy::disallowed_methods, reason = "it stands outside the gateway's world")]

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// How long the slow address takes.
const SLOW: Duration = Duration::from_millis(50);
/// The size of a query's answer, in bytes.
const QUERY_BYTES: usize = 20 * 1024;
/// What a token of a filled store begins with; twelve digits follow, which become the end of its bot's id.
const FILLED: &[u8] = b"Bearer ntn_fill_";

#[derive(Clone)]
struct Answers {
    me: Bytes,
    query: Bytes,
}

impl Answers {
    fn new() -> Self {
        let mut query = String::from(r#"{"object":"list","results":["#);
        let row = r#"{"object":"page","id":"be633bf1-dfa0-436d-b259-571129a590e5","created_time":"2026-01-01T00:00:00.000Z","in_trash":false},"#;
        while query.len() + row.len() < QUERY_BYTES {
            query.push_str(row);
        }
        query.pop();
        query.push_str(r#"],"next_cursor":null,"has_more":false,"type":"page_or_data_source"}"#);
        Self { me: Bytes::from(me("000000000000")), query: Bytes::from(query) }
    }

    fn to(&self, request: &Request<Incoming>) -> Bytes {
        if request.method() == Method::POST {
            return self.query.clone();
        }
        let bearer = request.headers().get(AUTHORIZATION).map(HeaderValue::as_bytes).unwrap_or_default();
        match bearer.strip_prefix(FILLED).map(std::str::from_utf8) {
            Some(Ok(number)) => Bytes::from(me(number)),
            _ => self.me.clone(),
        }
    }
}

fn me(number: &str) -> String {
    format!(
        r#"{{"object":"user","id":"00000000-0000-4000-8000-{number}","name":"A connection of a bench","avatar_url":"https://images.example/icons/a-picture-of-an-integration-that-is-called-in-a-bench.png","type":"bot","bot":{{"owner":{{"type":"user","user":{{"object":"user","id":"c19e4a7f-1f3e-4a1e-9f5a-d7e8f3a0a111","name":"Ada"}}}},"workspace_id":"f0000000-0000-4000-8000-000000000001","workspace_name":"Bench"}},"request_id":"0b4f8d1e-8a5c-4f6e-9d62-7b8e2a3c4d5e"}}"#
    )
}

async fn answer(
    answers: Answers,
    wait: Duration,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = answers.to(&request);
    // What was sent is read, as Notion would.
    let _whole = request.into_body().collect().await;
    if !wait.is_zero() {
        tokio::time::sleep(wait).await;
    }
    let mut response = Response::new(Full::new(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    headers.insert("x-notion-request-id", HeaderValue::from_static("0b4f8d1e-8a5c-4f6e-9d62-7b8e2a3c4d5e"));
    headers.insert("vary", HeaderValue::from_static("Accept-Encoding"));
    headers.insert("cf-ray", HeaderValue::from_static("8a1b2c3d4e5f6a7b-FRA"));
    Ok(response)
}

async fn hold<S>(stream: S, answers: Answers, wait: Duration)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request| answer(answers.clone(), wait, request));
    let _gone =
        auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
}

async fn listen(listener: TcpListener, answers: Answers, wait: Duration, tls: Option<TlsAcceptor>) {
    while let Ok((stream, _)) = listener.accept().await {
        let _best_effort = stream.set_nodelay(true);
        let (answers, tls) = (answers.clone(), tls.clone());
        tokio::spawn(async move {
            match tls {
                None => hold(stream, answers, wait).await,
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await
                        as std::io::Result<tokio_rustls::server::TlsStream<TcpStream>>
                    {
                        hold(stream, answers, wait).await;
                    }
                }
            }
        });
    }
}

fn tls(certificate: &Path, key: &Path) -> anyhow::Result<TlsAcceptor> {
    let certificate = CertificateDer::from_pem_file(certificate)?;
    let key = PrivateKeyDer::from_pem_file(key)?;
    let mut config =
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let files: Vec<PathBuf> = std::env::args().skip(1).map(PathBuf::from).collect();
    let [certificate, key] = &files[..] else { anyhow::bail!("upstream CERTIFICATE KEY") };
    let answers = Answers::new();
    let bind = async || TcpListener::bind("127.0.0.1:0").await;
    let (plain, slow, secure) = (bind().await?, bind().await?, bind().await?);
    let port = |listener: &TcpListener| listener.local_addr().map(|address| address.port());
    let told = serde_json::json!({ "plain": port(&plain)?, "slow": port(&slow)?, "tls": port(&secure)? });
    println!("{told}");
    let tls = tls(certificate, key)?;
    tokio::join!(
        listen(plain, answers.clone(), Duration::ZERO, None),
        listen(slow, answers.clone(), SLOW, None),
        listen(secure, answers, Duration::ZERO, Some(tls)),
    );
    Ok(())
}
