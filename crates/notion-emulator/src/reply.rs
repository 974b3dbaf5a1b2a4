//! What every answer is made with: the request's id, the fault that it drew, JSON and pages.

use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::faults::Effect;

/// The id of a request, in the answer's header and body alike.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestId(pub(crate) Uuid);

/// The fault that this request drew.
#[derive(Debug, Clone)]
pub(crate) struct Injected(pub(crate) Option<Effect>);

impl Injected {
    pub(crate) fn is(&self, effect: &Effect) -> bool {
        self.0.as_ref() == Some(effect)
    }
}

/// A JSON answer with its request id as the last key.
pub(crate) fn json_reply(status: StatusCode, mut body: Map<String, Value>, id: &RequestId) -> Response {
    body.insert("request_id".into(), id.0.to_string().into());
    bare_reply(status, &body)
}

/// A JSON answer as it is.
pub(crate) fn bare_reply(status: StatusCode, body: &Map<String, Value>) -> Response {
    let text = serde_json::to_string(body).unwrap_or_default();
    (status, [(CONTENT_TYPE, "application/json; charset=utf-8")], text).into_response()
}

/// An answer as a page.
pub(crate) fn html(status: StatusCode, template: &impl askama::Template) -> Response {
    // Without `form-action`: the last form's answer redirects to the integration, which Chromium would then forbid.
    const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'none'";
    let body = template.render().unwrap_or_else(|_| "The page could not be made.".to_owned());
    let headers = [
        ("content-type", "text/html; charset=utf-8"),
        ("content-security-policy", POLICY),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store"),
        ("referrer-policy", "same-origin"),
    ];
    (status, headers, body).into_response()
}
