//! Controls of instances: make one for each test, list them, take them away. Everything else about an instance is under
//! its own `/_emulator/instances/{name}/…`.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State as Extracted};
use axum::http::header::HOST;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::refused;
use crate::grants::Client;
use crate::seed::Seed;
use crate::switches::Switches;
use crate::{Emulator, Options, Time};

/// What a new instance is to be.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct New {
    name: Option<String>,
    /// A seed file's content; without it the built-in seed.
    seed: Option<Value>,
    clients: Vec<Client>,
    /// A time to stand still at; without it the machine's clock.
    time: Option<Timestamp>,
    switches: Switches,
    ids_seed: u64,
}

pub(super) async fn list(Extracted(first): Extracted<Emulator>, headers: HeaderMap) -> Json<Value> {
    let instances = first.instances().all();
    let shown: Vec<Value> = instances.iter().map(|instance| facts(instance, &headers)).collect();
    Json(json!({"instances": shown}))
}

/// What a test needs to know of its instance.
fn facts(instance: &Emulator, headers: &HeaderMap) -> Value {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    json!({
        "name": instance.name(),
        "internal_token": instance.internal_token(),
        "root_page_id": instance.root_page_id(),
        "controls": format!("http://{host}/_emulator/instances/{}", instance.name()),
    })
}

pub(super) async fn make(Extracted(first): Extracted<Emulator>, headers: HeaderMap, body: Bytes) -> Response {
    let new = if body.is_empty() { Ok(New::default()) } else { serde_json::from_slice(&body) };
    let new: New = match new {
        Ok(new) => new,
        Err(error) => return refused(&format!("The body does not read: {error}."), &[]),
    };
    let seed = match new.seed.as_ref().map(Seed::of).transpose() {
        Ok(seed) => seed.unwrap_or_default(),
        Err(error) => return refused("The seed cannot be planted.", &error.problems),
    };
    let options = Options {
        clients: new.clients,
        time: new.time.map_or(Time::Wall, Time::Manual),
        switches: new.switches,
        seed,
        ids_seed: new.ids_seed,
        secrets_seed: None,
        record: first.recorder().cloned(),
        names: first.names(),
    };
    match first.add_instance(new.name, options) {
        Ok(made) => (StatusCode::CREATED, Json(facts(&made, &headers))).into_response(),
        Err(error) => refused(&error.to_string(), &[]),
    }
}

pub(super) async fn remove(Extracted(first): Extracted<Emulator>, Path(name): Path<String>) -> StatusCode {
    if first.remove_instance(&name) { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND }
}

/// Controls of an instance that is not there.
pub(super) async fn unknown() -> Response {
    (StatusCode::NOT_FOUND, Json(json!({"message": "There is no instance of this name."}))).into_response()
}
