//! The keys of one connection: list, mint, end. Ending a key does not end the connection.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use store::Page;
use store::records::{ApiKey, ConnectionStage, DamagedRow, Event, EventKind, KeyKind};

use super::{answer, list, read};
use crate::caller::AppCaller;
use crate::connections::find;
use crate::{Error, Gateway, keys};

/// The longest label, in characters.
const LABEL_MAX: usize = 100;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Mint {
    label: Option<String>,
}

/// `GET /api/connections/{id}/keys`
pub(crate) async fn index(
    State(gateway): State<Gateway>,
    Path(id): Path<String>,
    caller: AppCaller,
) -> Result<Response, Error> {
    find(&gateway, &caller.client_id, &id).await?;
    let rows = gateway.store.list_api_keys(&caller.client_id, Some(&id)).await?;
    Ok(list(&Page { rows, next: None }, shown, damaged))
}

/// `POST /api/connections/{id}/keys`: the answer holds the key, once.
pub(crate) async fn create(
    State(gateway): State<Gateway>,
    Path(id): Path<String>,
    caller: AppCaller,
    body: Bytes,
) -> Result<Response, Error> {
    let asked: Mint = if body.is_empty() { Mint::default() } else { read(&body)? };
    let label = asked.label.unwrap_or_else(|| "connection key".to_owned());
    if label.chars().count() > LABEL_MAX || label.chars().any(char::is_control) {
        return Err(Error::Invalid(
            "label: at most 100 characters without control characters were expected".into(),
        ));
    }
    let view = find(&gateway, &caller.client_id, &id).await?;
    match view.connection.stage {
        ConnectionStage::Pending => return Err(Error::Pending),
        ConnectionStage::Disconnected => return Err(Error::Disconnected),
        ConnectionStage::Active => {}
    }
    let minted = keys::mint(&gateway, KeyKind::Connection, &caller.client_id, Some(&id), &label);
    let event = gateway.key_event(EventKind::KeyMinted, &minted.row);
    gateway.store.insert_api_key(&minted.row, &event).await?;
    failpoints::hit(failpoints::Point::KeyStored);
    let mut body = shown(&minted.row);
    body["key"] = json!(minted.key.expose());
    Ok(answer(StatusCode::CREATED, body))
}

/// `DELETE /api/connections/{id}/keys/{key}`
pub(crate) async fn delete(
    State(gateway): State<Gateway>,
    Path((id, key)): Path<(String, String)>,
    caller: AppCaller,
) -> Result<Response, Error> {
    let event = Event {
        connection_id: Some(id.clone()),
        note: Some("ended by the app".to_owned()),
        ..gateway.event(EventKind::KeyRevoked, &caller.client_id)
    };
    if !gateway.store.revoke_api_key(&caller.client_id, Some(&id), &key, &event).await? {
        return Err(Error::NotFound("key"));
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn shown(key: &ApiKey) -> Value {
    json!({
        "id": key.id,
        "kind": key.kind,
        "label": key.label,
        "connection": key.connection_id,
        "created_at": key.created_at,
        "revoked_at": key.revoked_at,
    })
}

fn damaged(row: &DamagedRow) -> Value {
    json!({
        "id": row.id,
        "kind": null,
        "label": row.texts.get("label"),
        "connection": row.texts.get("connection_id"),
        "created_at": null,
        "revoked_at": null,
        "damaged": row.what,
    })
}
