//! Events: what happened to connections and keys, oldest first, to be read on from a cursor.

use axum::extract::{RawQuery, State};
use axum::response::Response;
use serde_json::{Value, json};
use store::records::Event;

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
