//! Connections over HTTP: redeem, list, show, give to another user, disconnect, refresh, introspect. What is done and what is
//! shown of it is the room `connections`.

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use store::records::{ConnectionState, DamagedRow, Listed};
use store::{ConnectionFilter, Disconnected, PageRequest};

use super::{Query, answer, check_end_user, list, read};
use crate::caller::AppCaller;
use crate::connections::{self, damaged, shown};
use crate::reconnect::OnMismatch;
use crate::redeem::{Proof, redeem};
use crate::{Error, Gateway};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Redeem {
    code: String,
    end_user: String,
    #[serde(default)]
    mismatch: OnMismatch,
}

/// `POST /api/connections`
pub(crate) async fn create(
    State(gateway): State<Gateway>,
    caller: AppCaller,
    body: Bytes,
) -> Result<Response, Error> {
    let asked: Redeem = read(&body)?;
    check_end_user(&asked.end_user)?;
    let proof = Proof::EndUser { end_user: &asked.end_user, mismatch: asked.mismatch };
    let redeemed = redeem(&gateway, &caller, &asked.code, proof).await?;
    Ok(answer(StatusCode::OK, shown(&gateway, &redeemed.connection)))
}

/// `GET /api/connections`
pub(crate) async fn index(
    State(gateway): State<Gateway>,
    RawQuery(query): RawQuery,
    caller: AppCaller,
) -> Result<Response, Error> {
    let known = ["end_user", "workspace_id", "bot_id", "state", "cursor", "page_size"];
    let mut query = Query::read(query.as_deref(), &known)?;
    let filter = ConnectionFilter {
        id: None,
        end_user: query.take("end_user"),
        workspace_id: query.take("workspace_id"),
        bot_id: query.take("bot_id"),
        state: query.take("state").map(|word| state(&word)).transpose()?,
    };
    let page = gateway.store.list_connections(&caller.client_id, &filter, &query.page()?).await?;
    let damaged = |row: &DamagedRow| damaged(&gateway, &caller.client_id, row);
    Ok(list(&page, |view| shown(&gateway, view), damaged))
}

/// `GET /api/connections/{id}`
pub(crate) async fn show(
    State(gateway): State<Gateway>,
    Path(id): Path<String>,
    caller: AppCaller,
) -> Result<Response, Error> {
    // As a list of one: what is damaged is shown as in the list, for that is where its state can be read.
    let filter = ConnectionFilter { id: Some(id), ..ConnectionFilter::default() };
    let page = PageRequest { after: None, size: 1 };
    let found = gateway.store.list_connections(&caller.client_id, &filter, &page).await?.rows.pop();
    let body = match found.ok_or(Error::NotFound("connection"))? {
        Listed::Sound(view) => shown(&gateway, &view),
        Listed::Damaged(row) => damaged(&gateway, &caller.client_id, &row),
    };
    Ok(answer(StatusCode::OK, body))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Update {
    end_user: String,
}

/// `PATCH /api/connections/{id}`
pub(crate) async fn update(
    State(gateway): State<Gateway>,
    Path(id): Path<String>,
    caller: AppCaller,
    body: Bytes,
) -> Result<Response, Error> {
    let asked: Update = read(&body)?;
    check_end_user(&asked.end_user)?;
    let view = connections::rename(&gateway, &caller.client_id, &id, &asked.end_user).await?;
    Ok(answer(StatusCode::OK, shown(&gateway, &view)))
}

/// `DELETE /api/connections/{id}`: disconnects; revokes at Notion unless others share the grant. Repeating it is
/// answered the same.
pub(crate) async fn delete(
    State(gateway): State<Gateway>,
    Path(id): Path<String>,
    caller: AppCaller,
) -> Result<Response, Error> {
    match connections::end(&gateway, &caller.client_id, &id).await? {
        Disconnected::Unknown => Err(Error::NotFound("connection")),
        _ => Ok(StatusCode::NO_CONTENT.into_response()),
    }
}

/// `DELETE /api/connections?end_user=…`: erases a person. Repeating it is safe, and finds nothing more.
pub(crate) async fn erase(
    State(gateway): State<Gateway>,
    RawQuery(query): RawQuery,
    caller: AppCaller,
) -> Result<Response, Error> {
    let mut query = Query::read(query.as_deref(), &["end_user"])?;
    let end_user = query.take("end_user").ok_or(Error::Invalid("end_user: whom to erase?".into()))?;
    check_end_user(&end_user)?;
    let erased = connections::erase(&gateway, &caller.client_id, &end_user).await?;
    let body = json!({
        "connections": erased.connections,
        "keys": erased.keys,
        "attempts": erased.attempts,
        "connect_sessions": erased.connect_sessions,
        "authorizations_ended": erased.ended.len(),
        "authorizations_shared": erased.shared,
        "consents_dropped": erased.due.len(),
    });
    Ok(answer(StatusCode::OK, body))
}

/// `POST /api/connections/{id}/refresh`
pub(crate) async fn refresh(
    State(gateway): State<Gateway>,
    Path(id): Path<String>,
    caller: AppCaller,
) -> Result<Response, Error> {
    let view = connections::refresh(&gateway, &caller.client_id, &id).await?;
    Ok(answer(StatusCode::OK, shown(&gateway, &view)))
}

/// `POST /api/connections/{id}/introspect`: asks Notion whether the access token is active.
pub(crate) async fn introspect(
    State(gateway): State<Gateway>,
    Path(id): Path<String>,
    caller: AppCaller,
) -> Result<Response, Error> {
    let (active, scope) = connections::introspect(&gateway, &caller.client_id, &id).await?;
    Ok(answer(StatusCode::OK, json!({ "active": active, "scope": scope })))
}

fn state(word: &str) -> Result<ConnectionState, Error> {
    ConnectionState::parse(word).ok_or_else(|| {
        let words: Vec<&str> = ConnectionState::words().collect();
        Error::Invalid(format!("state: one of {} was expected", words.join(", ")).into())
    })
}
