//! HTTP as the commands speak it: one client with TLS, and on it a client of the gateway's API with a key.

use anyhow::{Context as _, bail};
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use gateway::Secret;
use http_body_util::{BodyExt as _, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// The largest answer that is read, in bytes.
const ANSWER_MAX: usize = 8 * 1024 * 1024;

/// Whom the commands say they are.
pub(crate) const USER_AGENT: &str = concat!("vestibule/", env!("CARGO_PKG_VERSION"));

/// An HTTP client: https with the web's roots, or http.
#[derive(Clone)]
pub(crate) struct Http(Client<HttpsConnector<HttpConnector>, Body>);

/// A gateway and a key to it.
#[derive(Clone)]
pub(crate) struct Api {
    http: Http,
    base: String,
    key: Secret<String>,
}

/// An answer, read whole.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// What went wrong, in the answer's own words: a problem's `detail` or an envelope's `message`.
    pub(crate) fn words(&self) -> String {
        let body = self.json();
        let words = body["detail"].as_str().or(body["message"].as_str());
        words.map_or_else(|| format!("status {}", self.status), str::to_owned)
    }
}

impl Http {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(rustls::crypto::aws_lc_rs::default_provider())
            .context("TLS cannot be set up")?
            .https_or_http()
            .enable_http1()
            .build();
        Ok(Self(Client::builder(TokioExecutor::new()).build(connector)))
    }

    /// Sends a request and reads its answer whole; `base` names the other side in errors.
    pub(crate) async fn send(&self, base: &str, request: Request<Body>) -> anyhow::Result<Answer> {
        let answer = self.0.request(request).await.with_context(|| format!("{base} does not answer"))?;
        let (parts, body) = answer.into_parts();
        let body = Limited::new(body, ANSWER_MAX).collect().await;
        let body = body.map_err(|_| anyhow::anyhow!("the answer of {base} could not be read"))?.to_bytes();
        Ok(Answer { status: parts.status, headers: parts.headers, body })
    }
}

impl Api {
    /// A client of the gateway at `base`.
    pub(crate) fn new(base: &str, key: Secret<String>) -> anyhow::Result<Self> {
        Ok(Self { http: Http::new()?, base: base.trim_end_matches('/').to_owned(), key })
    }

    /// A call, whatever its answer.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> anyhow::Result<Answer> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header("authorization", format!("Bearer {}", self.key.expose()))
            .header("user-agent", USER_AGENT);
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let request =
            request.body(body).context("the request cannot be built: is the URL or the key odd?")?;
        self.http.send(&self.base, request).await
    }

    /// A call that should succeed.
    pub(crate) async fn expect(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> anyhow::Result<Value> {
        let answer = self.call(method, path, body).await?;
        if !answer.status.is_success() {
            bail!("{}", answer.words());
        }
        Ok(answer.json())
    }
}
