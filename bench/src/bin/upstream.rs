//! A Notion of two answers, as cheap as a server can be: `users/me` (463 bytes) to any GET, a query's page of results (20 KB)
//! to any POST. It listens at one address that answers at once and one that takes 50 ms, and prints one line of JSON that says
//! where.

#![expect(clippy::disallowed_methods, reason = "it stands outside the gateway's world")]

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// How long the slow address takes.
const SLOW: Duration = Duration::from_millis(50);
/// The size of a query's answer, in bytes.
const QUERY_BYTES: usize = 20 * 1024;

/// What `users/me` answers.
const ME: &str = r#"{"object":"user","id":"00000000-0000-4000-8000-000000000000","name":"A connection of a bench","avatar_url":"https://images.example/icons/a-picture-of-an-integration-that-is-called-in-a-bench.png","type":"bot","bot":{"owner":{"type":"user","user":{"object":"user","id":"c19e4a7f-1f3e-4a1e-9f5a-d7e8f3a0a111","name":"Ada Lovelace"}},"workspace_id":"f0000000-0000-4000-8000-000000000001","workspace_name":"Bench"},"request_id":"0b4f8d1e-8a5c-4f6e-9d62-7b8e2a3c4d5e"}"#;

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
        Self { me: Bytes::from_static(ME.as_bytes()), query: Bytes::from(query) }
    }

    fn to(&self, request: &Request<Incoming>) -> Bytes {
        let is_query = request.method() == Method::POST;
        if is_query { self.query.clone() } else { self.me.clone() }
    }
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

async fn listen(listener: TcpListener, answers: Answers, wait: Duration) {
    while let Ok((stream, _)) = listener.accept().await {
        let _best_effort = stream.set_nodelay(true);
        let answers = answers.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(answers.clone(), wait, request));
            let _gone = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let answers = Answers::new();
    let bind = async || TcpListener::bind("127.0.0.1:0").await;
    let (plain, slow) = (bind().await?, bind().await?);
    let port = |listener: &TcpListener| listener.local_addr().map(|address| address.port());
    let told = serde_json::json!({ "plain": port(&plain)?, "slow": port(&slow)? });
    println!("{told}");
    tokio::join!(listen(plain, answers.clone(), Duration::ZERO), listen(slow, answers, SLOW),);
    Ok(())
}
