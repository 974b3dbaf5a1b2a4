//! The only HTTP client to Notion: it forwards calls frame by frame, and speaks the four OAuth calls.
//! It never follows a redirect and never retries what was sent; whether a call may be sent again is its caller's
//! decision, so what it tells apart is "not sent", "no answer" and "an answer that says no".

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use axum::http::uri::{Authority, InvalidUriParts, Parts, PathAndQuery, Scheme};
use axum::http::{HeaderMap, Request, Response, Uri};
use failpoints::Point;
use http_body_util::{BodyExt as _, Either, Full, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use lifecycle::{Introspected, LISTEN_MAX, RefreshReply};
use notion_wire::token::{
    BarePair, Bot, Refusal, Token, TokenOutcome, TokenResponse, basic_authorization, exchange_body,
    is_revoked, read_bot, read_introspection, read_token_answer, refresh_body, token_body,
};
use sealing::Secret;
use url::Url;

use crate::config::Integration;
use crate::way_out::{Connector, NotionError, WayOut, connector, reasons};
use crate::world::{Moment, Network, SendError, World};

/// How long an OAuth call may take altogether that changes nothing, or nothing that is lost with its answer.
const OAUTH_DEADLINE: Duration = Duration::from_secs(30);
/// How long Notion may take to say whether a token is active: somebody waits for more than that.
const INTROSPECT_DEADLINE: Duration = Duration::from_secs(10);
/// How long to wait after a 429 of an OAuth endpoint that does not say.
const THROTTLED_FOR: Duration = Duration::from_secs(5);
/// The longest wait that an answer can order: Notion's windows are minutes. A line of digits must not shut an integration
/// until the process ends.
const RETRY_AFTER_MAX: Duration = Duration::from_hours(1);
/// How long an app's introspection waits for what only Notion knows; without it it is answered all the same.
const SCOPE_PATIENCE: Duration = Duration::from_secs(5);
/// The largest OAuth answer, in bytes.
const OAUTH_BODY_MAX: usize = 64 * 1024;
/// How many idle sockets to Notion are kept.
const IDLE_MAX: usize = 512;
const IDLE_LIFE: Duration = Duration::from_mins(1);
/// The version of the calls that we make ourselves.
const OWN_VERSION: &str = "2025-09-03";
/// What an emulator's tokens begin with; they must never meet the real Notion.
const EMULATOR_TOKENS: [&str; 2] = ["ntn_emulator_", "nrt_emulator_"];

/// A client of one Notion.
pub struct Notion {
    wire: Wire,
    world: World,
    scheme: Scheme,
    authority: Authority,
    real: bool,
}

/// What calls go through.
#[expect(clippy::large_enum_variant, reason = "there is one in a gateway")]
enum Wire {
    Sockets(Client<Connector, CallBody>),
    Given(Arc<dyn Network>),
}

/// The body of a call: kept, or streaming.
pub(crate) type CallBody = Either<Full<Bytes>, Body>;
/// The body of an answer, as it comes from a socket, or from what a simulation has in its place.
pub(crate) type AnswerBody = Either<Incoming, Body>;

/// An exchange or a refresh gave no pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenError {
    /// Nothing was sent.
    NotSent,
    /// 429 or 529: not processed; try again after this time.
    Throttled(Duration),
    /// Notion said no.
    Refused(Refusal),
    /// It was sent and no answer came.
    NoAnswer,
    /// The answer cannot be read, or must not be taken.
    Odd(&'static str),
}

impl TokenError {
    /// What it means for a refresh.
    pub(crate) fn reply(self) -> RefreshReply {
        match self {
            Self::NotSent => RefreshReply::NotSent,
            Self::Throttled(wait) => RefreshReply::Throttled(wait),
            Self::Refused(Refusal::InvalidGrant) => RefreshReply::InvalidGrant,
            Self::Refused(Refusal::InvalidClient | Refusal::InvalidRequest) => RefreshReply::ClientRefused,
            Self::NoAnswer | Self::Odd(_) => RefreshReply::Ambiguous,
        }
    }
}

/// What a refresh brought.
pub(crate) enum Renewed {
    /// A pair and whose it is.
    Whole(Box<TokenResponse>),
    /// A pair that does not say, or not all of it, whose it is.
    Bare(Box<BarePair>),
}

impl Renewed {
    pub(crate) fn tokens(&self) -> (&Token, Option<&Token>) {
        match self {
            Self::Whole(response) => (&response.access_token, response.refresh_token.as_ref()),
            Self::Bare(pair) => (&pair.access_token, pair.refresh_token.as_ref()),
        }
    }

    /// Whether bot and workspace, as far as they are named, are these.
    pub(crate) fn is_of(&self, bot_id: &str, workspace_id: &str) -> bool {
        match self {
            Self::Whole(response) => response.bot_id == bot_id && response.workspace_id == workspace_id,
            Self::Bare(pair) => {
                pair.bot_id.as_deref().is_none_or(|named| named == bot_id)
                    && pair.workspace_id.as_deref().is_none_or(|named| named == workspace_id)
            }
        }
    }
}

/// An OAuth call's answer, read whole.
struct Answer {
    status: u16,
    retry_after: Option<Duration>,
    body: Bytes,
}

/// The client that production uses.
fn sockets(way: &WayOut, world: &World) -> Result<Client<Connector, CallBody>, NotionError> {
    Ok(Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_LIFE)
        .pool_max_idle_per_host(IDLE_MAX)
        .build(connector(way, world)?))
}

impl Notion {
    /// A client of the Notion (or emulator) at this origin.
    ///
    /// # Errors
    /// [`NotionError`] if the URL has no host or TLS cannot be set up.
    pub fn new(base: &Url, way: &WayOut, world: &World) -> Result<Self, NotionError> {
        let uri: Uri = base.as_str().parse().map_err(|error| NotionError(format!("{base}: {error}")))?;
        let parts = uri.into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return Err(NotionError(format!("{base}: scheme and host were expected")));
        };
        let wire = match world.network() {
            Some(network) => Wire::Given(network),
            None => Wire::Sockets(sockets(way, world)?),
        };
        let real = authority.host() == "api.notion.com";
        Ok(Self { wire, world: world.clone(), scheme, authority, real })
    }

    /// The URI of a path and query at this Notion.
    pub(crate) fn uri(&self, target: PathAndQuery) -> Result<Uri, InvalidUriParts> {
        let mut parts = Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(target);
        Uri::from_parts(parts)
    }

    /// Sends a call; the answer's body streams.
    pub(crate) async fn send(&self, request: Request<CallBody>) -> Result<Response<AnswerBody>, SendError> {
        match &self.wire {
            Wire::Sockets(client) => {
                let answered = client.request(request).await;
                let answered = answered.map_err(|error| {
                    if !error.is_connect() {
                        return SendError::NoAnswer;
                    }
                    tracing::warn!(event = "notion.unreachable", why = reasons(&error));
                    SendError::NotSent
                })?;
                Ok(answered.map(Either::Left))
            }
            Wire::Given(network) => Ok(network.call(request.map(Body::new)).await?.map(Either::Right)),
        }
    }

    /// Trades Notion's code for a pair.
    pub(crate) async fn exchange(
        &self,
        integration: &Integration,
        code: &str,
        redirect_uri: &str,
    ) -> Result<TokenResponse, TokenError> {
        match self.token(integration, exchange_body(code, redirect_uri)).await? {
            Renewed::Whole(response) => Ok(*response),
            Renewed::Bare(_) => Err(TokenError::Odd("the answer does not name its bot or workspace")),
        }
    }

    /// Trades a refresh token for the next pair. This spends it.
    pub(crate) async fn refresh(
        &self,
        integration: &Integration,
        refresh_token: &Secret<String>,
    ) -> Result<Renewed, TokenError> {
        self.token(integration, refresh_body(refresh_token.expose())).await
    }

    /// The answer may be the only copy of a pair, so it is listened to far longer than anybody waits for it.
    async fn token(&self, integration: &Integration, body: Vec<u8>) -> Result<Renewed, TokenError> {
        let answer =
            self.oauth("/v1/oauth/token", integration, body, LISTEN_MAX).await.map_err(
                |error| match error {
                    SendError::NotSent => TokenError::NotSent,
                    SendError::NoAnswer => TokenError::NoAnswer,
                },
            )?;
        match read_token_answer(answer.status, &answer.body) {
            TokenOutcome::Issued(response) => self.accept(Renewed::Whole(response)),
            TokenOutcome::Bare(pair) => self.accept(Renewed::Bare(pair)),
            TokenOutcome::Refused(refusal) => Err(TokenError::Refused(refusal)),
            TokenOutcome::Throttled => {
                Err(TokenError::Throttled(answer.retry_after.unwrap_or(THROTTLED_FOR)))
            }
            TokenOutcome::Unclear(why) => Err(TokenError::Odd(why)),
        }
    }

    /// An emulator's pair must not be taken for one of the real Notion.
    fn accept(&self, renewed: Renewed) -> Result<Renewed, TokenError> {
        let (access, refresh) = renewed.tokens();
        if self.takes(access.expose()) && refresh.is_none_or(|token| self.takes(token.expose())) {
            Ok(renewed)
        } else {
            Err(TokenError::Odd("an emulator's token came from the real Notion"))
        }
    }

    /// Whether a token may be used here.
    pub fn takes(&self, token: &str) -> bool {
        !(self.real && EMULATOR_TOKENS.iter().any(|prefix| token.starts_with(prefix)))
    }

    /// Asks whether an access token is active.
    pub(crate) async fn introspect(&self, integration: &Integration, token: &Secret<String>) -> Introspected {
        self.introspection(integration, token).await.0
    }

    /// The same, with the names of the capabilities behind the token if Notion tells them.
    pub(crate) async fn introspection(
        &self,
        integration: &Integration,
        token: &Secret<String>,
    ) -> (Introspected, Option<String>) {
        let body = token_body(token.expose());
        let Ok(answer) = self.oauth("/v1/oauth/introspect", integration, body, INTROSPECT_DEADLINE).await
        else {
            return (Introspected::Unclear, None);
        };
        if matches!(answer.status, 429 | 529) {
            return (Introspected::Throttled(answer.retry_after.unwrap_or(THROTTLED_FOR)), None);
        }
        match read_introspection(answer.status, &answer.body) {
            Some(told) if told.active => (Introspected::Active, told.scope),
            Some(told) => (Introspected::Inactive, told.scope),
            None => (Introspected::Unclear, None),
        }
    }

    /// The capabilities behind an access token, in Notion's words, if it tells them soon.
    pub(crate) async fn scope_of(&self, integration: &Integration, token: &Secret<String>) -> Option<String> {
        let (told, scope) = self.world.within(SCOPE_PATIENCE, self.introspection(integration, token)).await?;
        scope.filter(|_| told == Introspected::Active)
    }

    /// Whether Notion accepts an integration's client id and secret; `None` if its answer does not tell. It is asked about
    /// a token that does not exist, which changes nothing.
    ///
    /// # Errors
    /// [`TokenError::NotSent`] or [`TokenError::NoAnswer`].
    pub async fn knows(&self, integration: &Integration) -> Result<Option<bool>, TokenError> {
        match self.oauth("/v1/oauth/introspect", integration, token_body("none"), OAUTH_DEADLINE).await {
            Ok(answer) => Ok(match answer.status {
                200 | 400 => Some(true),
                401 => Some(false),
                _ => None,
            }),
            Err(SendError::NotSent) => Err(TokenError::NotSent),
            Err(SendError::NoAnswer) => Err(TokenError::NoAnswer),
        }
    }

    /// Revokes an access token; false if Notion refused to.
    pub(crate) async fn revoke(
        &self,
        integration: &Integration,
        token: &Secret<String>,
    ) -> Result<bool, SendError> {
        let body = token_body(token.expose());
        let answer = self.oauth("/v1/oauth/revoke", integration, body, OAUTH_DEADLINE).await?;
        Ok(is_revoked(answer.status, &answer.body))
    }

    /// The bot that an access token belongs to, and whose it is, by `GET /v1/users/me`.
    ///
    /// # Errors
    /// [`TokenError`], `Refused(InvalidGrant)` if the token is not accepted, `Refused` with another word if it may not ask.
    pub(crate) async fn bot_of(&self, access_token: &Secret<String>) -> Result<Bot, TokenError> {
        if !self.takes(access_token.expose()) {
            return Err(TokenError::Odd("an emulator's token must not be sent to the real Notion"));
        }
        let request = self
            .own_request("GET", "/v1/users/me", &format!("Bearer {}", access_token.expose()), Bytes::new())
            .ok_or(TokenError::Odd("the token cannot stand in a header"))?;
        let answer = self.whole(request, OAUTH_DEADLINE).await.map_err(|_| TokenError::NoAnswer)?;
        match answer.status {
            200 => read_bot(&answer.body).ok_or(TokenError::Odd("the answer of users/me cannot be read")),
            401 => Err(TokenError::Refused(Refusal::InvalidGrant)),
            403 => Err(TokenError::Refused(Refusal::InvalidRequest)),
            429 | 529 => Err(TokenError::Throttled(answer.retry_after.unwrap_or(THROTTLED_FOR))),
            _ => Err(TokenError::Odd("users/me was not answered as expected")),
        }
    }

    /// Notion's clock and whether it answers at all: the `Date` header of any answer.
    ///
    /// # Errors
    /// [`TokenError::NotSent`] or [`TokenError::NoAnswer`].
    pub async fn date(&self) -> Result<Option<String>, TokenError> {
        let request = self
            .own_request("GET", "/v1/users/me", "Bearer none", Bytes::new())
            .ok_or(TokenError::Odd("the request cannot be built"))?;
        match self.world.within(OAUTH_DEADLINE, self.send(request)).await {
            Some(Ok(response)) => {
                Ok(response.headers().get("date").and_then(|date| date.to_str().ok()).map(str::to_owned))
            }
            Some(Err(SendError::NotSent)) => Err(TokenError::NotSent),
            Some(Err(SendError::NoAnswer)) | None => Err(TokenError::NoAnswer),
        }
    }

    /// Why Notion cannot be reached, if nothing can be sent to it.
    pub async fn unreachable(&self) -> Option<String> {
        let Wire::Sockets(client) = &self.wire else { return None };
        let request = self.own_request("GET", "/v1/users/me", "Bearer none", Bytes::new())?;
        let error = self.world.within(OAUTH_DEADLINE, client.request(request)).await?.err()?;
        error.is_connect().then(|| reasons(&error))
    }

    async fn oauth(
        &self,
        path: &'static str,
        integration: &Integration,
        body: Vec<u8>,
        deadline: Duration,
    ) -> Result<Answer, SendError> {
        let basic = basic_authorization(&integration.client_id, integration.client_secret.expose());
        let request = self.own_request("POST", path, &basic, Bytes::from(body)).ok_or(SendError::NotSent)?;
        self.whole(request, deadline).await
    }

    fn own_request(
        &self,
        method: &str,
        path: &'static str,
        authorization: &str,
        body: Bytes,
    ) -> Option<Request<CallBody>> {
        Request::builder()
            .method(method)
            .uri(self.uri(PathAndQuery::from_static(path)).ok()?)
            .header(AUTHORIZATION, authorization)
            .header(CONTENT_TYPE, "application/json")
            .header("notion-version", OWN_VERSION)
            .header("user-agent", concat!("vestibule/", env!("CARGO_PKG_VERSION")))
            .body(Either::Left(Full::new(body)))
            .ok()
    }

    async fn whole(&self, request: Request<CallBody>, deadline: Duration) -> Result<Answer, SendError> {
        let by = self.world.moment().after(deadline);
        let response = self.world.by(by, self.send(request)).await.unwrap_or(Err(SendError::NoAnswer))?;
        failpoints::hit(Point::AnswerHead);
        let (status, retry_after) = (response.status().as_u16(), retry_after(response.headers()));
        let body = Limited::new(response.into_body(), OAUTH_BODY_MAX);
        let body = as_far_as_it_came(&self.world, body, by).await?;
        failpoints::hit(Point::AnswerRead);
        Ok(Answer { status, retry_after, body })
    }
}

/// A body, or what came of it before it was cut or its time was over: a token answer's beginning may hold both tokens whole.
async fn as_far_as_it_came<B>(world: &World, mut body: B, by: Moment) -> Result<Bytes, SendError>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    let mut read = Vec::new();
    loop {
        match world.by(by, body.frame()).await {
            Some(Some(Ok(frame))) => read.extend_from_slice(frame.data_ref().map_or(&[], |data| data)),
            Some(None) => break,
            Some(Some(Err(_))) | None if read.is_empty() => return Err(SendError::NoAnswer),
            Some(Some(Err(_))) | None => break,
        }
    }
    Ok(Bytes::from(read))
}

/// `Retry-After` in whole seconds, as Notion sends it; an hour at most.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;
    use futures_util::{StreamExt as _, stream};

    type Piece = Result<&'static str, std::io::Error>;

    async fn came(pieces: Vec<Piece>, stalls: bool) -> Option<Bytes> {
        let pieces = stream::iter(pieces).map(|piece| piece.map(Bytes::from));
        let body = if stalls {
            Body::from_stream(pieces.chain(stream::pending()))
        } else {
            Body::from_stream(pieces)
        };
        let world = World::real();
        as_far_as_it_came(&world, body, world.moment().after(OAUTH_DEADLINE)).await.ok()
    }

    #[tokio::test(start_paused = true)]
    async fn what_came_of_an_answer_is_kept_however_it_ends() {
        let cut = || Err(std::io::Error::other("reset"));
        let pair = || Some(Bytes::from("both tokens"));
        assert_eq!(came(vec![Ok("both "), Ok("tokens")], false).await, pair());
        assert_eq!(came(vec![Ok("both "), Ok("tokens"), cut()], false).await, pair());
        assert_eq!(came(vec![Ok("both "), Ok("tokens")], true).await, pair(), "its time was over");
        assert_eq!(came(vec![cut()], false).await, None);
        assert_eq!(came(vec![], true).await, None);
        assert_eq!(came(vec![], false).await, Some(Bytes::new()), "an empty answer is one");
    }

    #[test]
    fn no_answer_orders_a_wait_of_days() {
        let waited = |value: &'static str| {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(value))]);
            retry_after(&headers).map(|wait| wait.as_secs())
        };
        assert_eq!(waited("30"), Some(30));
        assert_eq!(waited("86400"), Some(3600));
        assert_eq!(waited("18446744073709551615"), Some(3600));
        for odd in ["18446744073709551616", "-1", "1.5", "Wed, 21 Oct 2026 07:28:00 GMT", ""] {
            assert_eq!(waited(odd), None, "{odd}");
        }
    }
}
