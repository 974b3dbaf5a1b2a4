//! The control plane, `/_emulator/…`: register integrations, inject faults, move the clock, read the journal, start over.
//! It answers only requests that name this machine as their host and that no other site's page sent.

mod instances;
mod workspaces;

use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Path, Request, State as Extracted};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, delete, get, patch, post};
use axum::{Json, Router};
use listener::origin::{self, Names, Sender, sender};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::content::blob::Blob;
use crate::faults::Fault;
use crate::grants::Client;
use crate::seed::Seed;
use crate::switches::Switches;
use crate::{Emulator, InstanceError};

/// The largest body of a control, in bytes: a snapshot with its files.
const BODY_BYTES_MAX: usize = 256 * 1024 * 1024;

pub(crate) fn routes(names: Names) -> Router<Emulator> {
    Router::new()
        .route("/_emulator/clients", get(clients).post(register))
        .route("/_emulator/consent", post(consent))
        .route("/_emulator/internal", get(internal))
        .route("/_emulator/faults", get(faults).post(add_fault).delete(clear_faults))
        .route("/_emulator/journal", get(journal).delete(clear_journal))
        .route("/_emulator/clock", get(clock).post(advance))
        .route("/_emulator/switches", get(switches).put(set_switches))
        .route("/_emulator/authorizations", get(authorizations))
        .route("/_emulator/authorizations/{bot_id}", delete(remove))
        .route("/_emulator/tokens/expire", post(expire))
        .route("/_emulator/reset", post(reset))
        .route("/_emulator/rights", get(workspaces::rights).put(workspaces::set_right))
        .route("/_emulator/discussions/{id}/resolve", post(workspaces::resolve))
        .route("/_emulator/templates", post(workspaces::make_template))
        .route("/_emulator/web", post(put_on_web))
        .route("/_emulator/workspaces", get(workspaces::list))
        .route("/_emulator/workspaces/{id}", patch(workspaces::change))
        .route("/_emulator/snapshot", get(snapshot).put(load))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn_with_state(names, only_this_machine))
}

/// The controls that only the first emulator has.
pub(crate) fn instance_routes(first: &Emulator) -> Router {
    Router::new()
        .route("/_emulator/instances", get(instances::list).post(instances::make))
        .route("/_emulator/instances/{name}", delete(instances::remove))
        .route("/_emulator/instances/{name}/{*rest}", any(instances::unknown))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn_with_state(first.names(), only_this_machine))
        .with_state(first.clone())
}

/// A name that resolves here only by a trick (DNS rebinding) shows in the Host header; a page of another site in others.
async fn only_this_machine(Extracted(names): Extracted<Names>, request: Request, next: Next) -> Response {
    let host = origin::host(request.headers(), request.uri());
    if !names.allow(host) {
        return forbidden(
            "The controls answer only to names of this machine: the loopback's, and those that --allow-host lists.\n",
        );
    }
    if sender(request.headers(), request.uri(), &names) == Sender::Foreign {
        return forbidden("Another site's page may not use the controls.\n");
    }
    next.run(request).await
}

fn forbidden(why: &'static str) -> Response {
    (StatusCode::FORBIDDEN, why).into_response()
}

async fn clients(Extracted(emulator): Extracted<Emulator>) -> Json<Value> {
    let state = emulator.state();
    let shown = state.grants.clients.iter().map(|client| {
        json!({
            "client_id": client.client_id,
            "name": client.name,
            "redirect_uris": client.redirect_uris,
            "capabilities": client.capabilities,
        })
    });
    Json(json!({"clients": shown.collect::<Vec<_>>()}))
}

async fn register(Extracted(emulator): Extracted<Emulator>, Json(client): Json<Client>) -> Response {
    done_or_claimed(emulator.register_client(client))
}

/// 204; or 409, when a client id leads to another emulator behind the same sockets.
fn done_or_claimed(done: Result<(), InstanceError>) -> Response {
    match done {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => (StatusCode::CONFLICT, Json(json!({"message": error.to_string(), "problems": []})))
            .into_response(),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Consented {
    client_id: String,
}

/// A consent without the screens, for suites that test what comes after it.
async fn consent(Extracted(emulator): Extracted<Emulator>, Json(asked): Json<Consented>) -> Response {
    match emulator.consent(&asked.client_id) {
        Some(code) => Json(json!({"code": code})).into_response(),
        None => (StatusCode::NOT_FOUND, "No such client, or it has no redirect URI.\n").into_response(),
    }
}

/// What a test suite written for an internal integration needs.
async fn internal(Extracted(emulator): Extracted<Emulator>) -> Json<Value> {
    Json(json!({"token": emulator.internal_token(), "root_page_id": emulator.root_page_id()}))
}

async fn faults(Extracted(emulator): Extracted<Emulator>) -> Json<Value> {
    Json(json!({"faults": emulator.state().faults.waiting}))
}

async fn add_fault(Extracted(emulator): Extracted<Emulator>, Json(fault): Json<Fault>) -> StatusCode {
    emulator.fault(fault);
    StatusCode::NO_CONTENT
}

async fn clear_faults(Extracted(emulator): Extracted<Emulator>) -> StatusCode {
    emulator.state().faults.waiting.clear();
    StatusCode::NO_CONTENT
}

async fn journal(Extracted(emulator): Extracted<Emulator>) -> Json<Value> {
    Json(json!({"entries": emulator.journal()}))
}

async fn clear_journal(Extracted(emulator): Extracted<Emulator>) -> StatusCode {
    emulator.state().journal.entries.clear();
    StatusCode::NO_CONTENT
}

async fn clock(Extracted(emulator): Extracted<Emulator>) -> Json<Value> {
    Json(json!({"now": emulator.state().clock.now()}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    seconds: u32,
}

async fn advance(Extracted(emulator): Extracted<Emulator>, Json(by): Json<Advance>) -> Json<Value> {
    emulator.advance(Duration::from_secs(by.seconds.into()));
    Json(json!({"now": emulator.state().clock.now()}))
}

async fn switches(Extracted(emulator): Extracted<Emulator>) -> Json<Switches> {
    Json(emulator.state().switches)
}

async fn set_switches(Extracted(emulator): Extracted<Emulator>, Json(new): Json<Switches>) -> Json<Switches> {
    emulator.switch(new);
    Json(new)
}

async fn authorizations(Extracted(emulator): Extracted<Emulator>) -> Json<Value> {
    let state = emulator.state();
    let shown = state.grants.authorizations.values().map(|found| {
        json!({
            "bot_id": found.bot_id,
            "client_id": found.client_id,
            "workspace_id": found.workspace,
            "person_id": found.person,
            "page_ids": found.picks,
        })
    });
    Json(json!({"authorizations": shown.collect::<Vec<_>>()}))
}

async fn remove(Extracted(emulator): Extracted<Emulator>, Path(bot_id): Path<Uuid>) -> StatusCode {
    if emulator.remove_connection(bot_id) { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND }
}

async fn expire(Extracted(emulator): Extracted<Emulator>) -> StatusCode {
    emulator.end_access_tokens();
    StatusCode::NO_CONTENT
}

/// A document for the emulator's web.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OnWeb {
    url: String,
    content_type: String,
    body_base64: Blob,
}

async fn put_on_web(Extracted(emulator): Extracted<Emulator>, Json(new): Json<OnWeb>) -> StatusCode {
    let there_is_room = emulator.put_on_web(&new.url, &new.content_type, new.body_base64.0);
    if there_is_room { StatusCode::NO_CONTENT } else { StatusCode::INSUFFICIENT_STORAGE }
}

/// Back to the seed, or to the one in the body.
async fn reset(Extracted(emulator): Extracted<Emulator>, body: String) -> Response {
    if body.trim().is_empty() {
        emulator.reset();
        return StatusCode::NO_CONTENT.into_response();
    }
    match Seed::read(&body) {
        Ok(seed) => done_or_claimed(emulator.reset_to(seed)),
        Err(error) => refused("The seed cannot be planted.", &error.problems),
    }
}

/// 400, with every problem that was found.
fn refused(message: &str, problems: &[String]) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({"message": message, "problems": problems}))).into_response()
}

async fn snapshot(Extracted(emulator): Extracted<Emulator>) -> Response {
    ([(CONTENT_TYPE, "application/json")], emulator.snapshot()).into_response()
}

async fn load(Extracted(emulator): Extracted<Emulator>, body: String) -> Response {
    match emulator.load(&body) {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => refused(&error.to_string(), &[]),
    }
}
