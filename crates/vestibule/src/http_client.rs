//! A client of the gateway's HTTP API: JSON in, JSON out, with a key.

use anyhow::{Context as _, bail};
use axum::body::{Body, Bytes};
use axum::http::{Method, Request, StatusCode};
use gateway::Secret;
use http_body_util::{BodyExt as _, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// The largest answer that is read, in bytes.
const ANSWER_MAX: usize = 8 * 1024 * 1024;

/// A gateway and a key to it.
#[derive(Clone)]
pub(crate) struct Api {
    client: Client<HttpsConnector<HttpConnector>, Body>,
    base: String,
    key: Secret<String>,
}

/// An answer, read whole.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
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

impl Api {
    /// A client of the gateway at `base`.
    pub(crate) fn new(base: &str, key: Secret<String>) -> anyhow::Result<Self> {
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(rustls::crypto::aws_lc_rs::default_provider())
            .context("TLS cannot be set up")?
            .https_or_http()
            .enable_http1()
            .build();
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self { client, base: base.trim_end_matches('/').to_owned(), key })
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
            .header("user-agent", concat!("vestibule/", env!("CARGO_PKG_VERSION")));
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let request =
            request.body(body).context("the request cannot be built: is the URL or the key odd?")?;
        let answer =
            self.client.request(request).await.with_context(|| format!("{} does not answer", self.base))?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), ANSWER_MAX).collect().await;
        let body =
            body.map_err(|_| anyhow::anyhow!("the answer of {} could not be read", self.base))?.to_bytes();
        Ok(Answer { status, body })
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
