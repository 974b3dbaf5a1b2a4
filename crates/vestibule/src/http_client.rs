//! HTTP as the commands speak it: one client with TLS, and on it a client of the gateway's API with a key.

#![expect(clippy::disallowed_methods, reason = "the command line is a client")]

use std::error::Error as _;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use gateway::Secret;
use http_body_util::{BodyExt as _, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use url::Url;

use crate::output::printable;

/// The largest answer that is read, in bytes.
const ANSWER_MAX: usize = 8 * 1024 * 1024;

/// How long an answer may take, in all: Notion's clients give up after 60 seconds.
const PATIENCE: Duration = Duration::from_secs(90);
/// How much of what a server says of itself is passed on, in characters.
const WORDS_MAX: usize = 500;

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

    /// What went wrong, in the answer's own words: a problem's `detail` or an envelope's `message`. They are a server's, and
    /// stay on one line.
    pub(crate) fn words(&self) -> String {
        let body = self.json();
        let words = body["detail"].as_str().or(body["message"].as_str());
        let words: Option<String> = words.map(|words| words.chars().take(WORDS_MAX).collect());
        words.map_or_else(|| format!("status {}", self.status), |words| printable(&words))
    }

    /// Why this is no answer of a gateway's API, if it is none.
    fn foreign(&self, base: &str) -> Option<String> {
        let kind = self.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let body = self.json();
        if self.status.is_redirection() {
            let to = self.headers.get(LOCATION).and_then(|to| to.to_str().ok()).unwrap_or("elsewhere");
            return Some(format!("{base} redirects to {}: name the address itself", printable(to)));
        }
        if body["object"] == "error" {
            return Some(format!(
                "{base} answers as Notion does ({}): the gateway's address was expected, not the offline Notion's",
                self.words()
            ));
        }
        if matches!(self.status.as_u16(), 502..=504) && !kind.contains("json") {
            return Some(format!(
                "{base} answers {}: a proxy is there, and no gateway answers behind it",
                self.status
            ));
        }
        let is_ours = body.is_object() || (self.status == StatusCode::NO_CONTENT && self.body.is_empty());
        (!is_ours).then(|| {
            let what = if kind.contains("html") { "a web page" } else { "something that is no JSON" };
            format!(
                "{base} answers {} with {what}: it is not the gateway's API. Name the address that `vestibule serve` listens on (server.listen, or server.private_listen if that is set), without a path",
                self.status
            )
        })
    }
}

/// Reads the address of a server: whole, http or https, with nothing behind the path.
pub(crate) fn parse_base(text: &str) -> Result<Url, String> {
    let text = text.trim();
    let example = "it is written like http://127.0.0.1:8470 or https://connect.example.com";
    let url = match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => url,
        // `localhost:8470` reads as a scheme and a path.
        _ if Url::parse(&format!("http://{text}")).is_ok_and(|url| url.has_host())
            && !text.contains("://") =>
        {
            return Err(format!("{text:?} is no URL: http:// or https:// is missing; {example}"));
        }
        _ => return Err(format!("{text:?} is no URL of a server: {example}")),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(format!("a user name or password has no place in it: {example}"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(format!("{text:?} holds a query or fragment: {example}"));
    }
    Ok(url)
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
        let answered = async {
            let answer = self.0.request(request).await.map_err(|error| anyhow!(no_answer(base, &error)))?;
            let (parts, body) = answer.into_parts();
            let body = Limited::new(body, ANSWER_MAX).collect().await;
            let body =
                body.map_err(|_| anyhow!("the answer of {base} could not be read to its end"))?.to_bytes();
            Ok(Answer { status: parts.status, headers: parts.headers, body })
        };
        let late = || anyhow!("{base} did not answer within {} seconds", PATIENCE.as_secs());
        tokio::time::timeout(PATIENCE, answered).await.map_err(|_| late())?
    }
}

/// Why no answer came, and what to look at. The causes are told innermost first, for that is the one that says something.
fn no_answer(base: &str, error: &hyper_util::client::legacy::Error) -> String {
    let mut causes = vec![error.to_string()];
    let mut next = error.source();
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    let all = causes.join(": ");
    let innermost = printable(causes.last().map_or("", String::as_str));
    let secure = base.starts_with("https:");
    if all.contains("onnection refused") {
        format!("nothing listens at {base}: is `vestibule serve` running, and is this its address and port?")
    } else if all.contains("lookup address") || all.contains("dns error") {
        format!("there is no host of the name in {base}: is it spelled as it should be?")
    } else if secure && (all.contains("InvalidContentType") || all.contains("corrupt message")) {
        format!("{base} does not speak TLS: is it http:// there?")
    } else if secure && all.contains("certificate") {
        format!("the certificate of {base} is not trusted: {innermost}")
    } else if !secure && error.is_connect() {
        format!("{base} cannot be reached: {innermost}")
    } else {
        let hint = if secure { "" } else { "; is it https:// there?" };
        format!("{base} broke off without an answer ({innermost}){hint}")
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
        let request = request
            .body(body)
            .with_context(|| format!("no request can be made from {} and the key", self.base))?;
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
        if let Some(why) = answer.foreign(&self.base) {
            bail!("{why}");
        }
        if !answer.status.is_success() {
            bail!("{}", answer.words());
        }
        Ok(answer.json())
    }
}
