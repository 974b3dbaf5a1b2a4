//! Connect sessions: the app's back end mints a link for one of its users, and may look how it went.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use store::records::{Attempt, ConnectSession, Listed};
use store::{AttemptFilter, PageRequest};

use super::{answer, check_end_user, read};
use crate::caller::AppCaller;
use crate::link::mint;
use crate::{Error, Gateway};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    end_user: String,
    return_url: String,
    reconnect: Option<String>,
}

/// `POST /api/connect-sessions`
pub(crate) async fn create(
    State(gateway): State<Gateway>,
    caller: AppCaller,
    body: Bytes,
) -> Result<Response, Error> {
    let asked: Create = read(&body)?;
    check_end_user(&asked.end_user)?;
    let (_, integration) =
        gateway.config.by_client_id(&caller.client_id).ok_or(Error::NotFound("integration"))?;
    if !integration.return_urls.contains(&asked.return_url) {
        let message = "return_url: one of the integration's registered return URLs, exactly, was expected";
        return Err(Error::Invalid(message.into()));
    }
    if let Some(id) = &asked.reconnect {
        let named = gateway.store.find_connection(&caller.client_id, id).await?;
        let named = named.ok_or(Error::NotFound("connection"))?.connection;
        if named.end_user.as_deref() != Some(asked.end_user.as_str()) {
            return Err(Error::Invalid("reconnect: a connection of this end user was expected".into()));
        }
    }
    let (session, url) =
        mint(&gateway, &caller.client_id, &asked.end_user, &asked.return_url, asked.reconnect.as_deref())
            .await?;
    Ok(answer(StatusCode::CREATED, shown(&session, Some(url), &[])))
}

/// `GET /api/connect-sessions/{id}`
pub(crate) async fn show(
    State(gateway): State<Gateway>,
    Path(id): Path<String>,
    caller: AppCaller,
) -> Result<Response, Error> {
    let session = gateway.store.find_connect_session(&caller.client_id, &id).await?;
    let session = session.ok_or(Error::NotFound("connect session"))?;
    let filter = AttemptFilter { connect_session_id: Some(id), ..AttemptFilter::default() };
    let page = PageRequest { after: None, size: 10 };
    let attempts = gateway.store.list_attempts(&caller.client_id, &filter, &page).await?;
    Ok(answer(StatusCode::OK, shown(&session, None, &attempts.rows)))
}

/// The url is in the answer to `create` only; its token is stored as a hash.
fn shown(session: &ConnectSession, url: Option<String>, attempts: &[Listed<Attempt>]) -> Value {
    let mut shown = json!({ "id": session.id });
    if let Some(url) = url {
        shown["url"] = json!(url);
    }
    shown["expires_at"] = json!(session.expires_at);
    shown["end_user"] = json!(session.end_user);
    shown["return_url"] = json!(session.return_url);
    let brief = |attempt: &Listed<Attempt>| match attempt {
        Listed::Sound(a) => json!({ "id": a.id, "outcome": a.outcome, "started_at": a.started_at }),
        Listed::Damaged(row) => {
            json!({ "id": row.id, "outcome": null, "started_at": null, "damaged": row.what })
        }
    };
    shown["attempts"] = attempts.iter().map(brief).collect();
    shown
}
