//! Connections: redeem, list, show, give to another user, disconnect, refresh, introspect.

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use lifecycle::{GrantState, Introspected};
use serde::Deserialize;
use serde_json::{Value, json};
use store::records::{ConnectionStage, ConnectionView, DamagedRow, Event, Listed};
use store::{ConnectionFilter, Disconnected, PageRequest};

use super::{Query, answer, check_end_user, list, read};
use crate::caller::AppCaller;
use crate::link::after;
use crate::proxy::PATIENCE;
use crate::redeem::{Proof, redeem};
use crate::{Error, Gateway, access, settle, vault};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Redeem {
    code: String,
    end_user: String,
}

/// `POST /api/connections`
pub(crate) async fn create(
    State(gateway): State<Gateway>,
    caller: AppCaller,
    body: Bytes,
) -> Result<Response, Error> {
    let asked: Redeem = read(&body)?;
    check_end_user(&asked.end_user)?;
    let redeemed = redeem(&gateway, &caller, &asked.code, Proof::EndUser(&asked.end_user)).await?;
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
        state: query.take("state"),
    };
    if filter.state.as_deref().is_some_and(|state| !STATES.contains(&state)) {
        return Err(Error::Invalid(format!("state: one of {} was expected", STATES.join(", ")).into()));
    }
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
    let event = Event {
        connection_id: Some(id.clone()),
        ..gateway.event("connection.end_user_changed", &caller.client_id)
    };
    if !gateway.store.update_end_user(&caller.client_id, &id, &asked.end_user, &event).await? {
        let ended = find(&gateway, &caller.client_id, &id).await?;
        debug_assert_eq!(ended.connection.stage, ConnectionStage::Disconnected);
        return Err(Error::Disconnected);
    }
    let view = find(&gateway, &caller.client_id, &id).await?;
    Ok(answer(StatusCode::OK, shown(&gateway, &view)))
}

/// `DELETE /api/connections/{id}`: disconnects; revokes at Notion unless others share the grant. Repeating it is
/// answered the same.
pub(crate) async fn delete(
    State(gateway): State<Gateway>,
    Path(id): Path<String>,
    caller: AppCaller,
) -> Result<Response, Error> {
    match end(&gateway, &caller.client_id, &id).await? {
        Disconnected::Unknown => Err(Error::NotFound("connection")),
        _ => Ok(StatusCode::NO_CONTENT.into_response()),
    }
}

/// Ends a connection. The tombstone is stored first; a refresh on its way is waited out; the revocation is tried once before
/// the answer goes out, and again later if Notion does not take it. Runs to its end even if the caller goes away.
pub(crate) async fn end(gateway: &Gateway, client_id: &str, id: &str) -> Result<Disconnected, Error> {
    let (inner, client_id, id) = (gateway.clone(), client_id.to_owned(), id.to_owned());
    gateway
        .uninterrupted(async move {
            let event = Event {
                connection_id: Some(id.clone()),
                ..inner.event("connection.disconnected", &client_id)
            };
            let done = inner.store.disconnect(&client_id, &id, &event, inner.world.now()).await?;
            match &done {
                Disconnected::GrantEnded(grant) => {
                    settle::tombstone_now(&inner, &grant.id).await?;
                }
                Disconnected::WasPending(Some(candidate)) => {
                    settle::candidate_now(&inner, candidate).await?;
                }
                Disconnected::WasPending(None)
                | Disconnected::GrantKept
                | Disconnected::Already
                | Disconnected::Unknown => {}
            }
            Ok(done)
        })
        .await
}

/// `POST /api/connections/{id}/refresh`
pub(crate) async fn refresh(
    State(gateway): State<Gateway>,
    Path(id): Path<String>,
    caller: AppCaller,
) -> Result<Response, Error> {
    let grant_id = usable_grant(&find(&gateway, &caller.client_id, &id).await?)?;
    let deadline = after(gateway.world.now(), PATIENCE);
    access::force(&gateway, &grant_id, deadline).await?;
    let view = find(&gateway, &caller.client_id, &id).await?;
    Ok(answer(StatusCode::OK, shown(&gateway, &view)))
}

/// `POST /api/connections/{id}/introspect`: asks Notion whether the access token is active.
pub(crate) async fn introspect(
    State(gateway): State<Gateway>,
    Path(id): Path<String>,
    caller: AppCaller,
) -> Result<Response, Error> {
    let grant_id = usable_grant(&find(&gateway, &caller.client_id, &id).await?)?;
    let grant = gateway.store.find_grant(&grant_id).await?.ok_or(Error::Disconnected)?;
    let pair = vault::open_grant(&gateway, &grant)?.ok_or_else(|| access::tokenless(&grant))?;
    let (_, integration) =
        gateway.config.by_client_id(&caller.client_id).ok_or(Error::NotFound("integration"))?;
    let (told, scope) = gateway.notion.introspection(integration, &pair.access_token).await;
    match told {
        Introspected::Active => Ok(answer(StatusCode::OK, json!({ "active": true, "scope": scope }))),
        Introspected::Inactive => Ok(answer(StatusCode::OK, json!({ "active": false, "scope": scope }))),
        Introspected::Throttled(retry_after) => Err(Error::Renewing { retry_after }),
        Introspected::Unclear => Err(Error::NotionNoAnswer),
    }
}

pub(super) async fn find(gateway: &Gateway, client_id: &str, id: &str) -> Result<ConnectionView, Error> {
    gateway.store.find_connection(client_id, id).await?.ok_or(Error::NotFound("connection"))
}

/// The grant behind a connection that is neither pending nor ended.
fn usable_grant(view: &ConnectionView) -> Result<String, Error> {
    match view.connection.stage {
        ConnectionStage::Pending => Err(Error::Pending),
        ConnectionStage::Disconnected => Err(Error::Disconnected),
        ConnectionStage::Active if view.damage.is_some() => Err(Error::Damaged("connection's")),
        ConnectionStage::Active => view.connection.grant_id.clone().ok_or(Error::Damaged("connection's")),
    }
}

/// Every state a connection can be in, as the API names them.
const STATES: [&str; 7] =
    ["pending", "active", "suspect", "degraded", "reconnect_needed", "disconnected", "damaged"];

/// What is damaged of a connection's authorization, if anything.
pub(crate) fn damage(gateway: &Gateway, view: &ConnectionView) -> Option<String> {
    let stands = view.connection.stage == ConnectionStage::Active;
    let unopened = || stands && !vault::opens(gateway, view);
    view.damage.clone().or_else(|| unopened().then(|| "its sealed token does not open".to_owned()))
}

fn state(view: &ConnectionView) -> &'static str {
    match (view.connection.stage, view.grant_state) {
        (ConnectionStage::Pending, _) => "pending",
        (ConnectionStage::Disconnected, _) | (_, Some(GrantState::Tombstone)) => "disconnected",
        (ConnectionStage::Active, Some(GrantState::Suspect)) => "suspect",
        (ConnectionStage::Active, Some(GrantState::Degraded)) => "degraded",
        (ConnectionStage::Active, Some(GrantState::ReconnectNeeded)) => "reconnect_needed",
        (ConnectionStage::Active, Some(GrantState::Active) | None) => "active",
    }
}

fn shown(gateway: &Gateway, view: &ConnectionView) -> Value {
    let connection = &view.connection;
    let profile = &view.profile;
    let name = gateway.config.by_client_id(&connection.client_id).map(|(name, _)| name);
    let damage = damage(gateway, view);
    let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    json!({
        "id": connection.id,
        "integration": name,
        "end_user": connection.end_user,
        "state": if damage.is_some() { "damaged" } else { state(view) },
        "reason": damage.or_else(|| view.reason.clone()),
        "refreshing": view.leased_until.is_some_and(|until| until > gateway.world.now()),
        "shared_grant": view.shared_grant,
        "workspace": {
            "id": given(&profile.workspace_id),
            "name": profile.workspace_name,
            "icon": profile.workspace_icon,
        },
        "owner": {
            "id": given(&profile.owner_id),
            "name": profile.owner_name,
            "email": profile.owner_email,
        },
        "bot_id": given(&profile.bot_id),
        "duplicated_template_id": profile.duplicated_template_id,
        "created_at": connection.created_at,
        "last_used_at": connection.last_used_at,
    })
}

/// A connection whose own row is damaged: what can be read of it.
fn damaged(gateway: &Gateway, client_id: &str, row: &DamagedRow) -> Value {
    let text = |name: &str| row.texts.get(name);
    json!({
        "id": row.id,
        "integration": gateway.config.by_client_id(client_id).map(|(name, _)| name),
        "end_user": text("end_user"),
        "state": "damaged",
        "reason": row.what,
        "refreshing": false,
        "shared_grant": null,
        "workspace": { "id": text("workspace_id"), "name": text("workspace_name"), "icon": text("workspace_icon") },
        "owner": { "id": text("owner_id"), "name": text("owner_name"), "email": text("owner_email") },
        "bot_id": text("bot_id"),
        "duplicated_template_id": text("duplicated_template_id"),
        "created_at": null,
        "last_used_at": null,
    })
}
