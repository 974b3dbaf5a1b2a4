//! The templates of a data source, listed.
//! Source: Notion, "List data source templates" (read 2026-11-27), and recorded answers of July 2026.

use serde_json::{Value, json};
use uuid::Uuid;

use super::call::{Answer, Call};

/// `GET data_sources/{data_source_id}/templates`
pub(crate) fn list(call: &Call<'_>, id: &str) -> Answer {
    call.needs_read()?;
    let source = call.data_source(call.path_id("data_source_id", id)?)?;
    let content = &call.state.content;
    let templates = content.templates.get(&source).cloned().unwrap_or_default();
    // How names are compared is a guess: any part, in any case.
    let wanted = call.parameter("name").unwrap_or_default().to_lowercase();
    let fits = |id: &Uuid| {
        content.lives(*id) && call.reaches(*id) && call.view().title(*id).to_lowercase().contains(&wanted)
    };
    let all: Vec<Uuid> = templates.pages.iter().copied().filter(fits).collect();
    let (ids, next) = call.slice_of_query()?.cut(&all)?;
    let shown = |id: &Uuid| {
        let title = call.view().title(*id);
        let name = if title.is_empty() { "Untitled".to_owned() } else { title };
        json!({"id": id, "name": name, "is_default": templates.default == Some(*id)})
    };
    let templates: Vec<Value> = ids.iter().map(shown).collect();
    Ok(json!({"templates": templates, "has_more": next.is_some(), "next_cursor": next}))
}
