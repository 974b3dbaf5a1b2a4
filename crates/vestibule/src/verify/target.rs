//! The Notion that is asked: the real one, or the emulator. It keeps a polite pace and waits when it is told to.

#![expect(clippy::disallowed_methods, reason = "it waits for the real Notion")]

use std::time::Duration;

use anyhow::{Context as _, bail};
use axum::body::Body as HttpBody;
use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gateway::Secret;
use serde_json::Value;

use super::story::{CallerKind, Upload};
use crate::http_client::{Answer, Http, USER_AGENT};

/// The longest that an answer may take: Notion itself gives up after a minute.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(70);
/// How often a call is repeated after "rate limited".
const REPEATS_MAX: usize = 5;
/// The longest wait that is obeyed; the window of Notion's limits is a minute. Source: Notion, "Request limits" (autumn 2026).
const WAIT_MAX: Duration = Duration::from_secs(90);
/// A boundary that no file of the letter a holds.
const BOUNDARY: &str = "vestibule-verify-boundary";

/// A Notion and how to speak to it.
pub(crate) struct Target {
    http: Http,
    base: String,
    token: Secret<String>,
    client: Option<(String, Secret<String>)>,
    /// The pause before each call.
    pause: Duration,
    calls: usize,
}

/// One call.
pub(crate) struct Call<'a> {
    pub(crate) method: &'a str,
    /// From `/v1` on.
    pub(crate) path: &'a str,
    /// Empty: no `Notion-Version`.
    pub(crate) version: &'a str,
    pub(crate) caller: CallerKind,
    pub(crate) body: Body,
}

/// What a call brings.
pub(crate) enum Body {
    Nothing,
    Json(Value),
    Raw(String),
    Form(Upload),
}

impl<'a> Call<'a> {
    /// A plain reading call.
    pub(crate) fn get(path: &'a str) -> Self {
        Self { method: "GET", path, version: "2025-09-03", caller: CallerKind::Token, body: Body::Nothing }
    }
}

impl Target {
    pub(crate) fn new(
        base: &str,
        token: Secret<String>,
        client: Option<(String, Secret<String>)>,
        pause: Duration,
    ) -> anyhow::Result<Self> {
        let base = base.trim_end_matches('/').to_owned();
        Ok(Self { http: Http::new()?, base, token, client, pause, calls: 0 })
    }

    /// Its origin.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// How many calls were sent.
    pub(crate) fn calls(&self) -> usize {
        self.calls
    }

    /// Sends a call; one that is refused for its rate is sent again when its time has come.
    pub(crate) async fn call(&mut self, call: Call<'_>) -> anyhow::Result<Answer> {
        for _ in 0..REPEATS_MAX {
            if !self.pause.is_zero() {
                tokio::time::sleep(self.pause).await;
            }
            self.calls += 1;
            let sent = self.http.send(&self.base, self.request(&call)?);
            let answer = tokio::time::timeout(ANSWER_TIME_MAX, sent)
                .await
                .with_context(|| format!("{} {} was not answered in time", call.method, call.path))??;
            if !matches!(answer.status.as_u16(), 429 | 529) {
                return Ok(answer);
            }
            let told = answer.headers.get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
            let wait = Duration::from_secs(told.unwrap_or(5));
            if wait > WAIT_MAX {
                bail!("Notion asks to wait {} seconds: try again later", wait.as_secs());
            }
            tokio::time::sleep(wait).await;
        }
        bail!("{} {} was refused for its rate {REPEATS_MAX} times", call.method, call.path)
    }

    fn request(&self, call: &Call<'_>) -> anyhow::Result<Request<HttpBody>> {
        let mut request = Request::builder()
            .method(call.method)
            .uri(format!("{}{}", self.base, call.path))
            .header("user-agent", USER_AGENT);
        if !call.version.is_empty() {
            request = request.header("notion-version", call.version);
        }
        request = match call.caller {
            CallerKind::Token => request.header("authorization", format!("Bearer {}", self.token.expose())),
            CallerKind::BadToken => request.header("authorization", "Bearer ntn_nobody_issued_this"),
            CallerKind::Nobody => request,
            CallerKind::Client => request.header("authorization", self.basic()?),
        };
        let (content_type, body) = match &call.body {
            Body::Nothing => (None, HttpBody::empty()),
            Body::Json(value) => (Some("application/json".to_owned()), HttpBody::from(value.to_string())),
            Body::Raw(text) => (Some("application/json".to_owned()), HttpBody::from(text.clone())),
            Body::Form(upload) => {
                (Some(format!("multipart/form-data; boundary={BOUNDARY}")), HttpBody::from(form(upload)))
            }
        };
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        request.body(body).context("the request cannot be built: is the URL odd?")
    }

    fn basic(&self) -> anyhow::Result<String> {
        let (id, secret) = self.client.as_ref().context("this call needs a client id and secret")?;
        Ok(format!("Basic {}", STANDARD.encode(format!("{id}:{}", secret.expose()))))
    }
}

/// A file as the form that the upload endpoint takes.
fn form(upload: &Upload) -> String {
    let part = |head: &str, body: &str| {
        format!("--{BOUNDARY}\r\ncontent-disposition: form-data; {head}\r\n\r\n{body}\r\n")
    };
    let number = upload.part_number.map(|number| part("name=\"part_number\"", &number.to_string()));
    let Upload { filename, content_type, bytes, .. } = upload;
    let file = part(
        &format!("name=\"file\"; filename=\"{filename}\"\r\ncontent-type: {content_type}"),
        &"a".repeat(*bytes),
    );
    format!("{}{file}--{BOUNDARY}--\r\n", number.unwrap_or_default())
}
