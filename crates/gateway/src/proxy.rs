//! Forwards an authorized call to Notion and streams the answer back.
//! Small bodies are kept until the answer's head arrives, so that only such calls are ever sent again: once after a
//! 401 with a renewed token, after 429 and 529 as Notion says, and 5xx only for GET and DELETE. A write that Notion
//! answered with 503 is never repeated, for Notion may have saved it.

mod forwarded;
mod headers;
mod path;
mod request_body;

use std::pin::pin;
use std::time::Duration;

use axum::BoxError;
use axum::body::Bytes;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderName, Method, Response, StatusCode, Version};
use jiff::Timestamp;
use store::records::{Actor, Step};

use crate::access::{self, LiveToken, Verdict};
use crate::caller::Authorized;
use crate::link::after;
use crate::notion::{AnswerBody, retry_after};
use crate::pacing::Turn;
use crate::world::SendError;
use crate::{Error, Gateway};

pub(crate) use forwarded::Forwarded;
use forwarded::Moving;
use request_body::RequestBody;

/// How long a call may wait for its turn, renewals and repeats included: SDKs give up after a minute.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// How long to wait after a 429 that does not say, and at the least after one that does.
const WAIT_MIN: Duration = Duration::from_secs(1);
/// How often one call is sent again after a 429 or 529.
const WAITS_MAX: u32 = 5;
/// How a caller asks for fewer.
const RETRIES: HeaderName = HeaderName::from_static("vestibule-retries");

/// Whether Notion's API has a method. An offered upgrade (the JDK and curl offer HTTP/2) is ignored, as RFC 9110 7.8 has it; a
/// tunnel cannot be, an echo (TRACE, TRACK) would show the credentials that are added here, and what is made up nobody knows.
pub(crate) fn check_method(method: &Method) -> Result<(), Error> {
    match *method {
        Method::GET | Method::HEAD | Method::POST | Method::PATCH | Method::DELETE => Ok(()),
        _ => Err(Error::MethodNotForwarded),
    }
}

/// Forwards a call. `target` is the raw path and query, beginning with `/v1/`.
pub(crate) async fn forward<B>(
    gateway: &Gateway,
    caller: &Authorized,
    parts: &Parts,
    body: B,
    target: &str,
) -> Result<Response<Forwarded>, Error>
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    // In HTTP/2 every request names its authority; in HTTP/1.1 only one that was meant for a forward proxy does.
    if parts.version < Version::HTTP_2 && parts.uri.authority().is_some() {
        return Err(Error::PathRefused("the request is in absolute form, which is for forward proxies"));
    }
    path::check(target)?;
    let target: PathAndQuery =
        target.parse().map_err(|_| Error::PathRefused("it is not a path and query"))?;
    let (integration, (_, lane)) = (caller.integration(gateway)?, caller.grant()?);
    headers::check(&parts.headers)?;
    let mut body = RequestBody::load(&gateway.world, &parts.headers, body).await?;
    let began = gateway.world.now();
    let (headers, version) = (&parts.headers, integration.notion_version.as_deref());
    let call = Call { method: &parts.method, target, headers, version, began };
    let deadline = after(began, PATIENCE);
    let mut token = access::live_token(gateway, caller).await?;
    let mut tried = Tried::default();
    loop {
        let turn = gateway.pacing.wait(lane, integration.requests_per_minute, deadline).await?;
        let sent = send(gateway, &call, &token, &mut body).await;
        if let (Err(_), Some(error)) = (&sent, body.broken()) {
            return Err(error);
        }
        let now = gateway.world.now();
        if let Some(wait) = told_to_wait(&sent) {
            // Whatever becomes of this call, the grant's others keep to it too.
            lane.close(after(now, wait));
        }
        let mut next = judge(call.method, &sent, &mut tried, body.is_kept(), deadline, now);
        let refused = match next {
            Next::Resend => !lane.retries.take(integration.requests_per_minute, now.as_millisecond()),
            Next::Answer | Next::Wait | Next::Renew => false,
        };
        if refused
            || (matches!(next, Next::Resend | Next::Wait) && tried.times() > retries_max(&parts.headers))
        {
            next = Next::Answer;
        }
        match next {
            Next::Answer => return answer(gateway, caller, &call, sent, &turn).await,
            // Its next turn comes when the grant's lane opens again.
            Next::Resend | Next::Wait => {}
            Next::Renew => match access::after_unauthorized(gateway, caller, &token, deadline).await? {
                Verdict::PassOn => return answer(gateway, caller, &call, sent, &turn).await,
                Verdict::Replay(_) if !body.is_kept() => return Err(Error::TokenRotatedRetry),
                Verdict::Replay(renewed) => token = renewed,
            },
        }
    }
}

/// What is sent, each time the same.
struct Call<'r> {
    method: &'r Method,
    target: PathAndQuery,
    /// The caller's, as they came.
    headers: &'r HeaderMap,
    /// For a caller who names none.
    version: Option<&'r str>,
    began: Timestamp,
}

/// What was done about a call already.
#[derive(Default)]
struct Tried {
    renewed: bool,
    repeated: bool,
    waits: u32,
}

impl Tried {
    /// How often it was sent again because of what Notion answered, or did not.
    fn times(&self) -> u32 {
        self.waits + u32::from(self.repeated)
    }
}

/// How often the caller would have its call sent again: as often as we would, or less. Only read when something went wrong; what
/// is no number asks for none.
fn retries_max(headers: &HeaderMap) -> u32 {
    let said = headers.get(RETRIES);
    said.map_or(u32::MAX, |value| value.to_str().ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0))
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    /// Give the caller what there is.
    Answer,
    /// Send it again at once.
    Resend,
    /// Send it again when Notion's wait is over.
    Wait,
    /// Ask for a renewed token first.
    Renew,
}

type Sent = Result<Response<AnswerBody>, SendError>;

fn judge(
    method: &Method,
    sent: &Sent,
    tried: &mut Tried,
    kept: bool,
    deadline: Timestamp,
    now: Timestamp,
) -> Next {
    let harmless = matches!(*method, Method::GET | Method::HEAD | Method::DELETE);
    let repeat_once = |tried: &mut Tried| {
        let late = now >= deadline;
        if std::mem::replace(&mut tried.repeated, true) || late { Next::Answer } else { Next::Resend }
    };
    match sent {
        Ok(response) => match response.status().as_u16() {
            401 if !std::mem::replace(&mut tried.renewed, true) => Next::Renew,
            429 | 529 if kept && tried.waits < WAITS_MAX => {
                tried.waits += 1;
                let wait = told_to_wait(sent).unwrap_or(WAIT_MIN);
                if after(now, wait) < deadline { Next::Wait } else { Next::Answer }
            }
            500 | 502 | 503 | 504 if kept && harmless => repeat_once(tried),
            _ => Next::Answer,
        },
        Err(SendError::NotSent) if kept => repeat_once(tried),
        Err(SendError::NoAnswer) if kept && harmless => repeat_once(tried),
        Err(_) => Next::Answer,
    }
}

/// How long Notion said to wait, if it did.
fn told_to_wait(sent: &Sent) -> Option<Duration> {
    let response = sent.as_ref().ok().filter(|response| matches!(response.status().as_u16(), 429 | 529))?;
    Some(retry_after(response.headers()).unwrap_or(WAIT_MIN).max(WAIT_MIN))
}

async fn send(gateway: &Gateway, call: &Call<'_>, token: &LiveToken, body: &mut RequestBody) -> Sent {
    let Ok(uri) = gateway.notion.uri(call.target.clone()) else { return Err(SendError::NotSent) };
    let mut request = axum::http::Request::new(body.take());
    *request.method_mut() = call.method.clone();
    *request.uri_mut() = uri;
    *request.headers_mut() = headers::outgoing(call.headers, call.version);
    // Credentials come last, so nothing before can stand in for them.
    let Some(bearer) = token.bearer.clone() else { return Err(SendError::NotSent) };
    request.headers_mut().insert(AUTHORIZATION, bearer);
    let sending = pin!(gateway.notion.send(request));
    body.in_time(&gateway.world, sending).await.unwrap_or(Err(SendError::NoAnswer))
}

/// The answer for the caller: Notion's own, streamed, or what can be said instead of one.
async fn answer(
    gateway: &Gateway,
    caller: &Authorized,
    call: &Call<'_>,
    sent: Sent,
    turn: &Turn,
) -> Result<Response<Forwarded>, Error> {
    let answered = match sent {
        Ok(answered) => answered,
        Err(SendError::NotSent) => return Err(Error::NotionUnreachable),
        Err(SendError::NoAnswer) => return Err(Error::NotionNoAnswer),
    };
    let (parts, body) = answered.into_parts();
    if parts.status.is_redirection() || parts.status.is_informational() {
        return Err(Error::NotionOdd("it was a redirect or a protocol switch"));
    }
    note_use(gateway, caller, call, parts.status).await;
    let mut response = Response::new(Forwarded::Left(Moving::new(&gateway.world, body)));
    *response.status_mut() = parts.status;
    *response.headers_mut() = headers::incoming(&parts.headers);
    turn.tell(response.headers_mut());
    Ok(response)
}

/// Writes down that the connection was used. Its first call ends the attempt's diagram, which is whole when the
/// answer goes out; for later ones nobody waits.
async fn note_use(gateway: &Gateway, caller: &Authorized, call: &Call<'_>, status: StatusCode) {
    let now = gateway.world.now();
    let Some(first) = caller.touch(now) else { return };
    let steps = if first.0 { first_call(call, status, now) } else { Vec::new() };
    let (inner, id) = (gateway.clone(), caller.connection_id().to_owned());
    let written = gateway.world.spawn(async move {
        if let Err(error) = inner.store.touch_connection(&id, now, &steps).await {
            tracing::warn!(event = "touch.failed", why = %error);
        }
    });
    if first.0 {
        let _best_effort = written.await;
    }
}

fn first_call(call: &Call<'_>, status: StatusCode, now: Timestamp) -> Vec<Step> {
    let what = format!("{} {}", call.method, call.target.path());
    let what: String = what.chars().take(80).collect();
    let verdict = format!("{} {}", status.as_u16(), status.canonical_reason().unwrap_or_default());
    vec![
        Step::ok(call.began, Actor::App, Actor::Vestibule, "First API call").with_note(&what),
        Step::ok(call.began, Actor::Vestibule, Actor::Notion, "Forwarded with the user's token"),
        Step::ok(now, Actor::Notion, Actor::App, &verdict).with_note("Streamed through Vestibule"),
    ]
}
