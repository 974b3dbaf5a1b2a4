//! The token endpoints: Basic authentication, JSON or form bodies, answers and errors in the shapes that clients of Notion
//! have seen. Source: Notion, "Authorization", "Create a token", "Introspect", "Revoke" (read 2026-11-22).

pub(crate) mod consent;
mod credentials;
mod words;

use axum::extract::{Extension, State as Extracted};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::Emulator;
use crate::accounts::Bot;
use crate::capabilities::UserInformation;
use crate::faults::Effect;
use crate::grants::Pair;
use crate::reply::{Injected, RequestId, json_reply};
use crate::state::State;
use credentials::authenticate;
pub(crate) use credentials::form_decoded;

/// An OAuth error: its status and code, and words where Notion has some.
struct Refused {
    status: StatusCode,
    error: &'static str,
    description: Option<String>,
}

impl Refused {
    fn bad(error: &'static str, description: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, error, description: Some(description.into()) }
    }

    fn client() -> Self {
        Self { status: StatusCode::UNAUTHORIZED, error: "invalid_client", description: None }
    }

    fn into_reply(self, id: &RequestId, injected: &Injected) -> Response {
        let mut body = Map::new();
        if injected.is(&Effect::OAuthErrorInEnvelope) {
            body.insert("object".into(), "error".into());
            body.insert("status".into(), self.status.as_u16().into());
            body.insert("code".into(), self.error.into());
            body.insert(
                "message".into(),
                self.description.unwrap_or_else(|| self.error.replace('_', " ")).into(),
            );
        } else {
            body.insert("error".into(), self.error.into());
            if let Some(description) = self.description {
                body.insert("error_description".into(), description.into());
            }
        }
        json_reply(self.status, body, id)
    }
}

/// `POST /v1/oauth/token`
pub(crate) async fn token(
    Extracted(emulator): Extracted<Emulator>,
    Extension(id): Extension<RequestId>,
    Extension(injected): Extension<Injected>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut state = emulator.state();
    match trade(&mut state, &headers, &body) {
        Ok(pair) => pair_reply(&mut state, &pair, &id, &injected),
        Err(refused) => refused.into_reply(&id, &injected),
    }
}

fn trade(state: &mut State, headers: &HeaderMap, body: &Bytes) -> Result<Pair, Refused> {
    let client_id = authenticate(state, headers)?.client_id;
    let fields = read_fields(headers, body)?;
    let need = |name: &str| words::text_of(&fields, name).map_err(|why| Refused::bad("invalid_request", why));
    let (now, switches) = (state.clock.now(), state.switches);
    let traded = match need("grant_type")? {
        "authorization_code" => {
            // Every consent here was asked for with a redirect URI, so each exchange has to name it again.
            state.grants.exchange(&client_id, need("code")?, need("redirect_uri")?, &switches, now)
        }
        "refresh_token" => state.grants.refresh(&client_id, need("refresh_token")?, &switches, now),
        _ => {
            return Err(Refused::bad(
                "unsupported_grant_type",
                "grant_type is authorization_code or refresh_token.",
            ));
        }
    };
    traded.map_err(|refusal| Refused::bad("invalid_grant", refusal.message()))
}

fn pair_reply(state: &mut State, pair: &Pair, id: &RequestId, injected: &Injected) -> Response {
    let authorization = &pair.authorization;
    let client = state.grants.client(&authorization.client_id).cloned();
    if pair.first {
        let name = client.as_ref().map(|client| client.name.clone()).unwrap_or_default();
        let bot = Bot { id: authorization.bot_id, name, owner: Some(authorization.person) };
        state.accounts.bots.push((authorization.workspace, bot));
    }
    let sees = client.map_or(UserInformation::None, |client| client.capabilities.user_information);
    let workspace = state.accounts.workspace(authorization.workspace);
    let refresh_token =
        if injected.is(&Effect::NullRefreshToken) { Value::Null } else { pair.refresh_token.clone().into() };
    let mut body = Map::new();
    body.insert("access_token".into(), pair.access_token.clone().into());
    body.insert("token_type".into(), "bearer".into());
    body.insert("refresh_token".into(), refresh_token);
    body.insert("bot_id".into(), authorization.bot_id.to_string().into());
    body.insert("workspace_icon".into(), Value::Null);
    body.insert("workspace_name".into(), workspace.map(|workspace| workspace.name.clone()).into());
    body.insert("workspace_id".into(), authorization.workspace.to_string().into());
    body.insert("owner".into(), json!({"type": "user", "user": owner(state, authorization.person, sees)}));
    body.insert("duplicated_template_id".into(), Value::Null);
    let reply = json_reply(StatusCode::OK, body, id);
    if injected.is(&Effect::CutBody) { cut(reply) } else { reply }
}

/// The person, as far as the integration sees people.
fn owner(state: &State, person: uuid::Uuid, sees: UserInformation) -> Value {
    let partial = json!({"object": "user", "id": person.to_string()});
    let Some(person) = state.accounts.person(person).filter(|_| sees != UserInformation::None) else {
        return partial;
    };
    let details = match sees {
        UserInformation::WithEmail => json!({"email": person.email}),
        _ => json!({}),
    };
    json!({
        "object": "user",
        "id": person.id.to_string(),
        "name": person.name,
        "avatar_url": person.avatar_url,
        "type": "person",
        "person": details,
    })
}

/// A body that promises its whole length and ends in the middle is a cut socket; this one is whole but cut JSON.
fn cut(reply: Response) -> Response {
    let (mut parts, _) = reply.into_parts();
    parts.headers.remove(axum::http::header::CONTENT_LENGTH);
    Response::from_parts(parts, "{\"access_token\":\"ntn_emulator_cut".into())
}

/// `POST /v1/oauth/introspect`
pub(crate) async fn introspect(
    Extracted(emulator): Extracted<Emulator>,
    Extension(id): Extension<RequestId>,
    Extension(injected): Extension<Injected>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let state = emulator.state();
    let now = state.clock.now();
    let asked = authenticate(&state, &headers).and_then(|client| Ok((client, the_token(&headers, &body)?)));
    match asked {
        Ok((client, token)) => {
            let made_at = state.grants.introspect(&client.client_id, &token, now);
            let mut answer = Map::new();
            answer.insert("active".into(), made_at.is_some().into());
            if let Some(made_at) = made_at {
                // The names and the milliseconds are a recorded answer's of August 2025.
                answer.insert("scope".into(), client.capabilities.scope().into());
                answer.insert("iat".into(), made_at.as_millisecond().into());
            }
            json_reply(StatusCode::OK, answer, &id)
        }
        Err(refused) => refused.into_reply(&id, &injected),
    }
}

/// `POST /v1/oauth/revoke`
pub(crate) async fn revoke(
    Extracted(emulator): Extracted<Emulator>,
    Extension(id): Extension<RequestId>,
    Extension(injected): Extension<Injected>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut state = emulator.state();
    let asked = authenticate(&state, &headers).and_then(|client| Ok((client, the_token(&headers, &body)?)));
    match asked {
        Ok((client, token)) => {
            // An unknown token is no error: it is as revoked as can be (RFC 7009 2.2).
            if let Some(bot_id) = state.grants.revoke(&client.client_id, &token) {
                state.accounts.bots.retain(|(_, bot)| bot.id != bot_id);
            }
            json_reply(StatusCode::OK, Map::new(), &id)
        }
        Err(refused) => refused.into_reply(&id, &injected),
    }
}

fn the_token(headers: &HeaderMap, body: &Bytes) -> Result<String, Refused> {
    let fields = read_fields(headers, body)?;
    let token = words::text_of(&fields, "token").map_err(|why| Refused::bad("invalid_request", why))?;
    Ok(token.to_owned())
}

/// The body's fields, from JSON or a form.
fn read_fields(headers: &HeaderMap, body: &Bytes) -> Result<Map<String, Value>, Refused> {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if kind.starts_with("application/x-www-form-urlencoded") {
        let pairs = url::form_urlencoded::parse(body);
        return Ok(pairs
            .map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())))
            .collect());
    }
    serde_json::from_slice(body).map_err(|_| Refused::bad("invalid_request", "Error parsing JSON body."))
}
