//! Controls of who may do what where: a workspace's plan, and people's rights on its pages.

use axum::Json;
use axum::extract::{Path, State as Extracted};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::Emulator;
use crate::accounts::Plan;

/// Every workspace, with what it has made.
pub(super) async fn list(Extracted(emulator): Extracted<Emulator>) -> Json<Value> {
    let state = emulator.state();
    let shown = state.accounts.workspaces.iter().map(|workspace| {
        let usage = state.content.usage.get(&workspace.id);
        json!({
            "id": workspace.id,
            "name": workspace.name,
            "plan": workspace.plan,
            "member_ids": workspace.members,
            "blocks_made": usage.map_or(0, |usage| usage.blocks),
        })
    });
    Json(json!({"workspaces": shown.collect::<Vec<_>>()}))
}

/// What can be changed about a workspace.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    plan: Plan,
}

/// Moves a workspace to another plan.
pub(super) async fn change(
    Extracted(emulator): Extracted<Emulator>,
    Path(id): Path<Uuid>,
    Json(change): Json<Change>,
) -> StatusCode {
    let mut state = emulator.state();
    let Some(workspace) = state.accounts.workspaces.iter_mut().find(|workspace| workspace.id == id) else {
        return StatusCode::NOT_FOUND;
    };
    workspace.plan = change.plan;
    StatusCode::NO_CONTENT
}
