//! Controls of what people decide in the app: a workspace's plan, rights on its pages, which rows are templates, which
//! discussions are done.

use axum::Json;
use axum::extract::{Path, State as Extracted};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::Emulator;
use crate::accounts::Plan;
use crate::content::rights::Right;

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

/// Every right that somebody was given on a page or database; what is not listed is inherited from above.
pub(super) async fn rights(Extracted(emulator): Extracted<Emulator>) -> Json<Value> {
    let state = emulator.state();
    let shown = state.content.rights.iter().flat_map(|(id, of)| {
        of.iter().map(move |(person, right)| json!({"page_id": id, "person_id": person, "right": right}))
    });
    Json(json!({"rights": shown.collect::<Vec<_>>()}))
}

/// A right to give.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewRight {
    /// A page or database.
    page_id: Uuid,
    person_id: Uuid,
    /// `null` for the one from above.
    right: Option<Right>,
}

/// Gives somebody a right on a page or database.
pub(super) async fn set_right(
    Extracted(emulator): Extracted<Emulator>,
    Json(new): Json<NewRight>,
) -> StatusCode {
    let mut state = emulator.state();
    let content = &state.content;
    let there = content.pages.contains_key(&new.page_id) || content.databases.contains_key(&new.page_id);
    if !there || state.accounts.person(new.person_id).is_none() {
        return StatusCode::NOT_FOUND;
    }
    state.content.set_right(new.page_id, new.person_id, new.right);
    state.note_index();
    StatusCode::NO_CONTENT
}

/// A row to make a template of.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewTemplate {
    page_id: Uuid,
    #[serde(default)]
    is_default: bool,
}

/// Makes a row a template of its table, as people do in the app.
pub(super) async fn make_template(
    Extracted(emulator): Extracted<Emulator>,
    Json(new): Json<NewTemplate>,
) -> StatusCode {
    let made = emulator.state().content.make_template(new.page_id, new.is_default);
    if made { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND }
}

/// Marks a discussion as done, as people do in the app: its comments are not listed any more.
pub(super) async fn resolve(Extracted(emulator): Extracted<Emulator>, Path(id): Path<Uuid>) -> StatusCode {
    let mut state = emulator.state();
    if !state.content.comments.values().any(|comment| comment.discussion == id) {
        return StatusCode::NOT_FOUND;
    }
    state.content.resolved.insert(id);
    StatusCode::NO_CONTENT
}
