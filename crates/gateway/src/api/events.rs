//! Events: what happened to connections and keys, newest first, to be read down to the last one that the reader knows.

use axum::extract::{RawQuery, State};
use axum::response::Response;
use serde_json::{Value, json};
use store::records::{DamagedRow, Event};

use super::{Query, list};
use crate::caller::AppCaller;
use crate::{Error, Gateway};

/// `GET /api/events`
pub(crate) async fn index(
    State(gateway): State<Gateway>,
    RawQuery(query): RawQuery,
    caller: AppCaller,
) -> Result<Response, Error> {
    let mut query = Query::read(query.as_deref(), &["cursor", "page_size"])?;
    let page = gateway.store.list_events(&caller.client_id, &query.page()?).await?;
    Ok(list(&page, shown, damaged))
}

fn shown(event: &Event) -> Value {
    json!({
        "id": event.id,
        "type": event.kind.as_str(),
        "at": event.at,
        "connection": event.connection_id,
        "attempt": event.attempt_id,
        "note": event.note,
    })
}

fn damaged(row: &DamagedRow) -> Value {
    json!({
        "id": row.id,
        "type": row.texts.get("kind"),
        "at": null,
        "connection": row.texts.get("connection_id"),
        "attempt": row.texts.get("attempt_id"),
        "note": row.texts.get("note"),
        "damaged": row.what,
    })
}
