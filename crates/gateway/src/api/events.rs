//! Events: what happened to connections and keys, oldest first, to be read on from a cursor.

use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::{Value, json};
use store::records::Event;

use super::{Query, list};
use crate::caller::app;
use crate::{Error, Gateway};

/// `GET /api/events`
pub(crate) async fn index(
    State(gateway): State<Gateway>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let caller = app(&gateway, &headers).await?;
    let mut query = Query::read(query.as_deref(), &["cursor", "page_size"])?;
    let page = gateway.store.list_events(&caller.client_id, &query.page()?).await?;
    Ok(list(&page, shown))
}

fn shown(event: &Event) -> Value {
    json!({
        "id": event.id,
        "type": event.kind,
        "at": event.at,
        "connection": event.connection_id,
        "attempt": event.attempt_id,
        "note": event.note,
    })
}
