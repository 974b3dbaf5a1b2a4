//! Attempts: the flows, one of them as JSON, as a picture, or as Mermaid text.

use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use store::AttemptFilter;
use store::records::{Attempt, DamagedRow, Door, Step};

use super::{Query, answer, list};
use crate::caller::AppCaller;
use crate::{Error, Gateway, diagram};

/// The words that an attempt's outcome can be, as a refusal lists them.
const OUTCOMES: &str = "went_to_notion, exchanging, returned, connected, access_denied, expired, exchange_failed, redeem_refused, unredeemed, superseded";

/// `GET /api/attempts`
pub(crate) async fn index(
    State(gateway): State<Gateway>,
    RawQuery(query): RawQuery,
    caller: AppCaller,
) -> Result<Response, Error> {
    let mut query = Query::read(query.as_deref(), &["end_user", "outcome", "cursor", "page_size"])?;
    let outcome = match query.take("outcome") {
        None => None,
        Some(word) => Some(
            serde_json::from_value(Value::String(word))
                .map_err(|_| Error::Invalid(format!("outcome: one of {OUTCOMES} was expected").into()))?,
        ),
    };
    let filter = AttemptFilter { end_user: query.take("end_user"), outcome, connect_session_id: None };
    let page = gateway.store.list_attempts(&caller.client_id, &filter, &query.page()?).await?;
    let damaged = |row: &DamagedRow| damaged(&gateway, &caller.client_id, row);
    Ok(list(&page, |attempt| shown(&gateway, attempt, None), damaged))
}

/// `GET /api/attempts/{id}`, `.svg` or `.mmd` after the id.
pub(crate) async fn show(
    State(gateway): State<Gateway>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    caller: AppCaller,
) -> Result<Response, Error> {
    let (id, form) = name.split_once('.').map_or((name.as_str(), None), |(id, form)| (id, Some(form)));
    let found = gateway.store.find_attempt(&caller.client_id, id).await?;
    let (attempt, steps) = found.ok_or(Error::NotFound("attempt"))?;
    let steps = diagram::settled(steps);
    match form {
        None => Ok(answer(StatusCode::OK, shown(&gateway, &attempt, Some(&steps)))),
        Some("svg") => {
            let form = picture_form(query.as_deref())?;
            Ok(picture(&diagram::svg(&attempt.id, attempt.outcome, &steps, form)))
        }
        Some("mmd") => Ok(text(&diagram::mermaid(attempt.outcome, &steps))),
        Some(_) => Err(Error::NotFound("form of an attempt (there are .svg and .mmd)")),
    }
}

/// `?form=`: without it the picture fits the window that it is opened in.
fn picture_form(query: Option<&str>) -> Result<diagram::Form, Error> {
    match Query::read(query, &["form"])?.take("form").as_deref() {
        None => Ok(diagram::Form::Fitting),
        Some("wide") => Ok(diagram::Form::Wide),
        Some("tall") => Ok(diagram::Form::Tall),
        Some(_) => Err(Error::Invalid("form: wide or tall was expected".into())),
    }
}

fn picture(svg: &str) -> Response {
    let headers = [
        (CONTENT_TYPE, "image/svg+xml"),
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'"),
    ];
    (headers, svg.to_owned()).into_response()
}

fn text(mermaid: &str) -> Response {
    let headers = [
        (CONTENT_TYPE, "text/plain; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, mermaid.to_owned()).into_response()
}

fn shown(gateway: &Gateway, attempt: &Attempt, steps: Option<&[Step]>) -> Value {
    let session = match &attempt.door {
        Door::Session { connect_session_id, .. } => Some(connect_session_id),
        Door::NotionShaped { .. } => None,
    };
    let mut shown = json!({
        "id": attempt.id,
        "connect_session_id": session,
        "integration": gateway.config.by_client_id(&attempt.client_id).map(|(name, _)| name),
        "outcome": attempt.outcome,
        "started_at": attempt.started_at,
        "connection": attempt.connection_id,
    });
    if let Some(steps) = steps {
        shown["steps"] = json!(steps);
    }
    shown
}

fn damaged(gateway: &Gateway, client_id: &str, row: &DamagedRow) -> Value {
    json!({
        "id": row.id,
        "connect_session_id": row.texts.get("connect_session_id"),
        "integration": gateway.config.by_client_id(client_id).map(|(name, _)| name),
        "outcome": null,
        "started_at": null,
        "connection": row.texts.get("connection_id"),
        "damaged": row.what,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::records::AttemptOutcome;

    #[test]
    fn each_outcome_that_is_listed_is_one() {
        let read: Vec<AttemptOutcome> = OUTCOMES
            .split(", ")
            .map(|word| serde_json::from_value(Value::String(word.to_owned())).expect(word))
            .collect();
        assert_eq!(read.len(), 10);
    }
}
