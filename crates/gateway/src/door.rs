//! The proxy's own door. Every API call of every user comes to `/v1/…` or `/notion/{connection}/v1/…`, so a listener of
//! ours asks here first, before any router: is it such a call? Then it is answered here, from its first byte to its last.
//! In an app that mounts [`Gateway::router`] the router's two routes lead to the same steps.

use std::time::Duration;

use axum::BoxError;
use axum::body::Bytes;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, Request, Response, StatusCode};

use crate::error::{Shape, request_id_header, shaped};
use crate::proxy::{self, Forwarded};
use crate::{Error, Gateway, caller, near_miss};

/// Which door a call came to.
#[derive(Clone, Copy)]
pub(crate) enum Door {
    /// `/v1/…`
    Root,
    /// `/notion/{connection}/v1/…`; the prefix is so many bytes long.
    Connection(usize),
}

impl Door {
    /// The door of a path; `None` if it needs a router's judgement.
    pub(crate) fn of(path: &str) -> Option<Self> {
        if let Some(rest) = path.strip_prefix("/v1/") {
            return (!rest.is_empty() && !is_oauth(path)).then_some(Self::Root);
        }
        let (connection, rest) = path.strip_prefix("/notion/")?.split_once('/')?;
        let plain =
            !connection.is_empty() && connection.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        (plain && !rest.is_empty()).then_some(Self::Connection("/notion/".len() + connection.len()))
    }

    /// As the log names it.
    fn route(self) -> &'static str {
        match self {
            Self::Root => "/v1/{*path}",
            Self::Connection(_) => "/notion/{connection}/{*path}",
        }
    }

    fn prefix(self) -> usize {
        match self {
            Self::Root => 0,
            Self::Connection(bytes) => bytes,
        }
    }
}

/// Whether a path is below `/v1/oauth`.
pub(crate) fn is_oauth(path: &str) -> bool {
    path.split('/').nth(2).is_some_and(|word| word.eq_ignore_ascii_case("oauth"))
}

/// Answers a call that no router saw: names it, and leaves one log line.
pub(crate) async fn answer<B>(gateway: &Gateway, door: Door, request: Request<B>) -> Response<Forwarded>
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    let began = gateway.world.moment();
    let id = gateway.world.request_id();
    let (parts, body) = request.into_parts();
    let mut response = call(gateway, door, &parts, body)
        .await
        .unwrap_or_else(|error| shaped(&error, Shape::Envelope, &id.to_string()).map(Forwarded::Right));
    let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
    if let Ok(value) = HeaderValue::from_str(id.hyphenated().encode_lower(&mut text)) {
        response.headers_mut().insert(request_id_header(), value);
    }
    log_answer(&parts.method, door.route(), response.status(), gateway.world.since(began));
    response
}

/// Who calls, whether they may, and what Notion says.
pub(crate) async fn call<B>(
    gateway: &Gateway,
    door: Door,
    parts: &Parts,
    body: B,
) -> Result<Response<Forwarded>, Error>
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    proxy::check_method(&parts.method)?;
    let raw = parts.uri.path_and_query().map_or("", |both| both.as_str());
    let (prefix, target) = raw.split_at_checked(door.prefix()).unwrap_or_default();
    let caller = match door {
        Door::Root => caller::at_root(gateway, &parts.headers).await?,
        Door::Connection(_) => {
            let connection = prefix.rsplit('/').next().unwrap_or_default();
            if let Some(error) = near_miss::of_connection(connection) {
                return Err(error);
            }
            caller::at_connection(gateway, &parts.headers, connection).await?
        }
    };
    proxy::forward(gateway, &caller, parts, body, target).await
}

/// One line an answer.
pub(crate) fn log_answer(method: &Method, route: &str, status: StatusCode, took: Duration) {
    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    tracing::info!(event = "http.answered", %method, route, status = status.as_u16(), took_ms);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_plain_call_is_left_to_the_router() {
        for path in ["/v1/users/me", "/v1/x", "/v1//", "/notion/con_1/v1/users/me", "/notion/v1/users"] {
            assert!(Door::of(path).is_some(), "{path}");
        }
        for path in [
            "/",
            "/v1",
            "/v1/",
            "/v2/users",
            "//v1/users",
            "/v1/oauth/token",
            "/v1/OAuth/token",
            "/v1/oauth",
            "/notion/",
            "/notion/con_1",
            "/notion/con_1/",
            "/notion//v1/users",
            "/notion/con%5F1/v1/users",
            "/api/connections",
        ] {
            assert!(Door::of(path).is_none(), "{path}");
        }
    }
}
