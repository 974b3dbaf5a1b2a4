//! Custom emojis of the workspace. Source: Notion, "List custom emojis" (read 2026-11-27): `name` must match exactly; the
//! capability is a guess. The envelope is recorded (July 2026): its keys stand in an order of their own.

use serde_json::json;
use uuid::Uuid;

use super::call::{Answer, Call};

/// `GET custom_emojis`
pub(super) fn list(call: &mut Call<'_>) -> Answer {
    call.needs_read()?;
    let (workspace, name) = (call.caller.workspace_id, call.parameter("name"));
    let emojis = call.state.content.custom_emojis.iter();
    let all: Vec<Uuid> = emojis
        .filter(|emoji| emoji.workspace == workspace && name.is_none_or(|name| emoji.name == name))
        .map(|emoji| emoji.id)
        .collect();
    let (ids, next) = call.slice_of_query()?.cut(&all)?;
    let results: Vec<_> = ids.iter().map(|id| call.view().custom_emoji(*id)).collect();
    Ok(json!({
        "object": "list",
        "type": "custom_emoji",
        "results": results,
        "has_more": next.is_some(),
        "next_cursor": next,
    }))
}
