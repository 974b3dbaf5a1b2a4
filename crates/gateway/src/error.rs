//! What a call can be answered instead of what was asked: one enum, ordered by who must act, and the only place
//! that knows HTTP statuses. A handler returns [`Error`]; the door it came in by decides the shape of the body:
//! Notion's envelope, RFC 9457 problem details or RFC 6749's token error.

use std::borrow::Cow;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use notion_wire::app_token::OAuthProblem;
use notion_wire::error::NotionError;
use serde_json::{Map, Value, json};
use store::StoreError;

use crate::Gateway;
use crate::reconnect::Mismatch;

/// The largest body of the HTTP API and the token endpoint, in bytes: they carry a few short strings.
pub(crate) const BODY_MAX: usize = 64 * 1024;

/// The methods that are forwarded: those that Notion's API has, and HEAD, which asks for no more than GET.
const ALLOWED: &str = "GET, HEAD, POST, PATCH, DELETE";

/// Why a call was not done. Messages hold no token, code, state or key.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    // The caller must act.
    /// No key came with the call.
    #[error("no key: send `Authorization: Bearer <key>`")]
    KeyMissing,
    /// The key is not one of ours, or was ended.
    #[error("the key is not valid: it was mistyped, ended, or belongs to another Vestibule")]
    KeyInvalid,
    /// The key is one of Notion's own tokens.
    #[error(
        "this looks like a token of Notion's own; here a connection key was expected (vst_con_…): Vestibule keeps Notion's tokens to itself"
    )]
    KeyOfNotion,
    /// At the token endpoints: no good client id and app secret.
    #[error("{0}")]
    AppRefused(&'static str),
    /// The key is good, but not for this.
    #[error("{0}")]
    KeyWrongKind(&'static str),
    /// Nothing of that name in this integration.
    #[error("there is no such {0} in this integration")]
    NotFound(&'static str),
    /// The request does not read as it should.
    #[error("{0}")]
    Invalid(Cow<'static, str>),
    /// The path is not one that may be forwarded.
    #[error("the path cannot be forwarded: {0}")]
    PathRefused(&'static str),
    /// The body is larger than we take.
    #[error("the body is larger than {0} bytes")]
    BodyTooLarge(usize),
    /// No such route.
    #[error("there is no such route")]
    NoRoute,
    /// No such route, but one that was probably meant.
    #[error("{0}")]
    NearMiss(&'static str),
    /// The route has other methods.
    #[error("this route does not take that method")]
    MethodNotAllowed,
    /// Notion's API has other methods.
    #[error("the method cannot be forwarded: Notion's API takes {ALLOWED}")]
    MethodNotForwarded,
    /// The connection was disconnected.
    #[error("this connection was disconnected: send the user through a new connect link")]
    Disconnected,
    /// The connection waits for the app to redeem its code.
    #[error("this connection is pending: redeem its code first")]
    Pending,
    /// Notion ended the grant.
    #[error("Notion no longer accepts this authorization: send the user through a new connect link")]
    ReconnectNeeded,
    /// The access token was replaced while a large body was streaming, so the call could not be replayed.
    #[error(
        "the access token was just renewed and this body was too large to be replayed: send the call again"
    )]
    TokenRotatedRetry,
    /// A code that opens nothing here.
    #[error("{0}")]
    InvalidGrant(&'static str),
    /// A request of the token endpoint that does not read as one.
    #[error("{}", .0.description)]
    TokenRequest(OAuthProblem),
    /// The link was made to reconnect a connection, and another workspace or person came. The code is unspent.
    #[error(
        "the user chose another workspace, or is another person, than the connection stands on that was to be reconnected; the code is unspent: redeem it again with `mismatch`, `add` for a further connection or `switch` to move this one and end its keys, or let it go and make a new link"
    )]
    ReconnectMismatch(Box<Mismatch>),
    /// Notion gave no refresh token with this authorization.
    #[error("Notion gave no refresh token for this authorization: there is nothing to refresh it with")]
    NoRefreshToken,
    /// Our own pacing let nobody through in time.
    #[error("this authorization's budget at Notion is spent: wait and send the call again")]
    Paced {
        /// How long to wait.
        retry_after: Duration,
    },
    /// The refresh that was asked for was refused, and the access token still works.
    #[error(
        "Notion refused to refresh this authorization; its access token still works: have the user connect again"
    )]
    RefreshRefused,
    /// Notion's token is being renewed, or cannot be just now; nothing was done.
    #[error("Notion's token is being renewed and nothing was done: send the call again")]
    Renewing {
        /// How long to wait.
        retry_after: Duration,
    },
    /// A refresh was asked for too often.
    #[error("this grant was refreshed just now: wait before forcing it again")]
    RefreshTooSoon {
        /// How long to wait.
        retry_after: Duration,
    },

    // Notion must act.
    /// No connection to Notion could be made; nothing was sent.
    #[error("Notion could not be reached; nothing was sent")]
    NotionUnreachable,
    /// The call was sent and no answer came; it may have been done.
    #[error("Notion did not answer; the call may have been done all the same")]
    NotionNoAnswer,
    /// Notion does not say whose an authorization is of which its token answer did not tell.
    #[error(
        "Notion does not say whose this authorization is, so nothing was connected and the code is unspent: send the call again, or the user through a new connect link"
    )]
    OwnerUntold,
    /// The answer is not one that may be passed on.
    #[error("Notion's answer could not be passed on: {0}")]
    NotionOdd(&'static str),

    // We, or our operator, must act.
    /// Notion does not accept the integration's client id and secret.
    #[error("Notion refuses this integration's client id or secret: the operator must correct them")]
    ClientRefused,
    /// The store did not answer.
    #[error("the store is unavailable: nothing was changed, try again shortly")]
    StoreUnavailable,
    /// A stored row does not read as what we write, or its token does not open.
    #[error(
        "the {0} row that is stored here is damaged (the log says how): restore the store from a copy, or end the connection and send the user through a new connect link"
    )]
    Damaged(&'static str),
    /// A defect of ours.
    #[error("an internal error: nothing more can be said here, the log has it")]
    Internal,
}

/// What the three shapes of a body are made from.
pub(crate) struct Facts {
    pub(crate) status: StatusCode,
    /// Our own code, the same in every shape.
    pub(crate) code: &'static str,
    /// The nearest code of Notion's own list, so that SDKs know the class.
    pub(crate) notion_code: &'static str,
    pub(crate) retry_after: Option<Duration>,
}

impl Error {
    pub(crate) fn facts(&self) -> Facts {
        use StatusCode as S;
        let (status, code, notion_code) = match self {
            Self::KeyMissing => (S::UNAUTHORIZED, "key_missing", "unauthorized"),
            Self::KeyInvalid | Self::KeyOfNotion | Self::AppRefused(_) => {
                (S::UNAUTHORIZED, "key_invalid", "unauthorized")
            }
            Self::KeyWrongKind(_) => (S::FORBIDDEN, "key_wrong_kind", "restricted_resource"),
            Self::NotFound(_) => (S::NOT_FOUND, "not_found", "object_not_found"),
            Self::Invalid(_) => (S::BAD_REQUEST, "invalid_request", "validation_error"),
            Self::PathRefused(_) => (S::BAD_REQUEST, "path_refused", "invalid_request_url"),
            Self::BodyTooLarge(_) => (S::PAYLOAD_TOO_LARGE, "body_too_large", "validation_error"),
            Self::NoRoute | Self::NearMiss(_) => (S::NOT_FOUND, "no_route", "invalid_request_url"),
            Self::MethodNotAllowed | Self::MethodNotForwarded => {
                (S::METHOD_NOT_ALLOWED, "method_not_allowed", "invalid_request_url")
            }
            Self::Disconnected => (S::UNAUTHORIZED, "disconnected", "unauthorized"),
            Self::Pending => (S::UNAUTHORIZED, "pending", "unauthorized"),
            Self::ReconnectNeeded => (S::UNAUTHORIZED, "reconnect_needed", "unauthorized"),
            Self::TokenRotatedRetry => (S::UNAUTHORIZED, "token_rotated_retry", "unauthorized"),
            Self::InvalidGrant(_) => (S::BAD_REQUEST, "invalid_grant", "validation_error"),
            Self::TokenRequest(_) => (S::BAD_REQUEST, "invalid_request", "validation_error"),
            Self::ReconnectMismatch(_) => (S::CONFLICT, "reconnect_mismatch", "conflict_error"),
            Self::NoRefreshToken => (S::CONFLICT, "no_refresh_token", "conflict_error"),
            Self::Paced { .. } => (S::TOO_MANY_REQUESTS, "paced", "rate_limited"),
            Self::RefreshRefused => (S::CONFLICT, "refresh_refused", "conflict_error"),
            Self::Renewing { .. } => (S::TOO_MANY_REQUESTS, "token_renewing", "rate_limited"),
            Self::RefreshTooSoon { .. } => (S::TOO_MANY_REQUESTS, "refresh_too_soon", "rate_limited"),
            Self::NotionUnreachable => (S::BAD_GATEWAY, "notion_unreachable", "service_unavailable"),
            Self::NotionNoAnswer => (S::GATEWAY_TIMEOUT, "notion_no_answer", "gateway_timeout"),
            Self::OwnerUntold => (S::BAD_GATEWAY, "owner_untold", "service_unavailable"),
            Self::NotionOdd(_) => (S::BAD_GATEWAY, "notion_odd_answer", "internal_server_error"),
            Self::ClientRefused => (S::BAD_GATEWAY, "client_refused", "internal_server_error"),
            Self::StoreUnavailable => (S::SERVICE_UNAVAILABLE, "store_unavailable", "service_unavailable"),
            Self::Damaged(_) => (S::INTERNAL_SERVER_ERROR, "damaged", "internal_server_error"),
            Self::Internal => (S::INTERNAL_SERVER_ERROR, "internal", "internal_server_error"),
        };
        let retry_after = match self {
            Self::Paced { retry_after }
            | Self::RefreshTooSoon { retry_after }
            | Self::Renewing { retry_after } => Some(*retry_after),
            Self::StoreUnavailable => Some(Duration::from_secs(1)),
            _ => None,
        };
        Facts { status, code, notion_code, retry_after }
    }

    /// Notion's envelope, for `/v1` and `/notion/…/v1`.
    fn envelope(&self, request_id: &str) -> Value {
        let facts = self.facts();
        let mut additional = Map::new();
        additional.insert("vestibule_code".to_owned(), json!(facts.code));
        if let Some(wait) = facts.retry_after {
            additional.insert("retry_after".to_owned(), json!(whole_seconds(wait).to_string()));
        }
        NotionError {
            status: facts.status.as_u16(),
            code: facts.notion_code.to_owned(),
            message: self.to_string(),
            additional_data: Some(additional),
            request_id: Some(request_id.to_owned()),
        }
        .to_json()
    }

    /// RFC 9457 problem details, for `/api`.
    fn problem(&self, request_id: &str) -> Value {
        let facts = self.facts();
        let mut problem = json!({
            "type": "about:blank",
            "title": facts.status.canonical_reason().unwrap_or("Error"),
            "status": facts.status.as_u16(),
            "detail": self.to_string(),
            "code": facts.code,
            "request_id": request_id,
        });
        if let Self::ReconnectMismatch(mismatch) = self {
            problem["mismatch"] = mismatch.to_json();
        }
        problem
    }

    /// RFC 6749 5.2, for `/v1/oauth/token` and its kin.
    fn oauth(&self) -> OAuthProblem {
        let facts = self.facts();
        let (status, error) = match self {
            Self::TokenRequest(problem) => return problem.clone(),
            Self::AppRefused(_) | Self::KeyMissing | Self::KeyInvalid | Self::KeyWrongKind(_) => {
                (401, "invalid_client")
            }
            Self::InvalidGrant(_) => (400, "invalid_grant"),
            _ if facts.status.is_client_error() => (facts.status.as_u16(), "invalid_request"),
            _ => (facts.status.as_u16(), "internal_server_error"),
        };
        OAuthProblem::new(status, error, self.to_string())
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(trouble, why) => {
                tracing::error!(event = "store.unavailable", trouble = trouble.as_str(), why);
                Self::StoreUnavailable
            }
            StoreError::Damaged { table, what } => {
                tracing::error!(event = "store.damaged", table, what);
                Self::Damaged(table)
            }
        }
    }
}

impl From<OAuthProblem> for Error {
    fn from(problem: OAuthProblem) -> Self {
        Self::TokenRequest(problem)
    }
}

impl IntoResponse for Error {
    /// Carries the error to the door's layer, which gives it its body.
    fn into_response(self) -> Response {
        let mut response = self.facts().status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// The shape that a door answers errors in.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape {
    Envelope,
    Problem,
    OAuth,
}

/// The id of one answer of ours, in `vestibule-request-id` and in error bodies.
#[derive(Clone)]
pub(crate) struct RequestId(pub(crate) String);

/// Gives each request its id, and each answer the header that names it.
pub(crate) async fn name_request(
    State(gateway): State<Gateway>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = RequestId(gateway.world.request_id().to_string());
    request.extensions_mut().insert(id.clone());
    let mut response = next.run(request).await;
    if let Ok(value) = HeaderValue::try_from(id.0) {
        response.headers_mut().insert(request_id_header(), value);
    }
    response
}

/// The header that names a request.
pub(crate) fn request_id_header() -> HeaderName {
    HeaderName::from_static("vestibule-request-id")
}

/// Writes an error's body in the door's shape.
pub(crate) async fn shape_errors(State(shape): State<Shape>, request: Request, next: Next) -> Response {
    let id = request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
    let mut response = next.run(request).await;
    match response.extensions_mut().remove::<Error>().or_else(|| of_framework(&response, shape)) {
        Some(error) => shaped(&error, shape, &id),
        None => response,
    }
}

/// What the framework refuses before a handler runs it tells in plain text. Where calls are forwarded such an answer is
/// Notion's own and passes as it is.
fn of_framework(response: &Response, shape: Shape) -> Option<Error> {
    match (shape, response.status()) {
        (Shape::Envelope, _) => None,
        (_, StatusCode::PAYLOAD_TOO_LARGE) => Some(Error::BodyTooLarge(BODY_MAX)),
        (_, status) if status.is_client_error() => {
            Some(Error::Invalid("the request cannot be read: its path or body is malformed".into()))
        }
        _ => None,
    }
}

/// An error as a door answers it.
pub(crate) fn shaped(error: &Error, shape: Shape, request_id: &str) -> Response {
    let facts = error.facts();
    let (status, body, kind) = match shape {
        Shape::Envelope => (facts.status, error.envelope(request_id), "application/json; charset=utf-8"),
        Shape::Problem => (facts.status, error.problem(request_id), "application/problem+json"),
        Shape::OAuth => {
            let problem = error.oauth();
            let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::BAD_REQUEST);
            (status, problem.to_json(request_id), "application/json; charset=utf-8")
        }
    };
    let mut response = (status, Json(body)).into_response().map(Body::new);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(wait) = facts.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(whole_seconds(wait)));
    }
    if matches!(error, Error::MethodNotForwarded) {
        headers.insert(ALLOW, HeaderValue::from_static(ALLOWED));
    }
    if status == StatusCode::UNAUTHORIZED {
        let (fallback, challenge) = match shape {
            Shape::OAuth => ("Basic", basic_challenge(&error.to_string())),
            Shape::Envelope | Shape::Problem => ("Bearer", None),
        };
        headers.insert(WWW_AUTHENTICATE, challenge.unwrap_or_else(|| HeaderValue::from_static(fallback)));
    }
    response
}

/// Asks for Basic. Libraries that find a challenge show it and leave the body unread, so it says what is wrong, too.
fn basic_challenge(why: &str) -> Option<HeaderValue> {
    let quoted = why.replace(['"', '\\'], "'");
    let challenge = format!(
        "Basic realm=\"vestibule\", charset=\"UTF-8\", error=\"invalid_client\", error_description=\"{quoted}\""
    );
    HeaderValue::try_from(challenge).ok()
}

/// Whole seconds, rounded up: what `Retry-After` can say.
pub(crate) fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}
