//! A page's content as markdown: read, and changed by four kinds of edit. An edit works on the page's text as it would be
//! read now; what the new text means is planned first, so that an edit that is refused has changed nothing.
//! Source: Notion, "Retrieve a page as markdown", "Update a page's content as markdown" (read 2026-11-27); recorded answers
//! of July 2026.

mod apply;
mod edit;
mod plan;

use serde_json::{Value, json};
use uuid::Uuid;

use super::call::{Answer, Call};
use super::check::At;
use super::failure::Failure;
use super::show::View;
use crate::content::block::{Body, Parent};
use crate::content::file::FileSource;
use crate::content::rich_text::RichText;
use crate::markdown::{Names, Node, read, tree, write};
use edit::Edit;
use plan::Plan;

impl Names for View<'_> {
    fn page_of(&self, block: Uuid) -> Option<Uuid> {
        self.content.upwards(block).find(|above| self.content.pages.contains_key(above))
    }

    fn file_url(&self, source: &FileSource) -> String {
        let file = self.file(source);
        let kind = file["type"].as_str().unwrap_or_default();
        file[kind]["url"].as_str().unwrap_or_default().to_owned()
    }

    fn emoji_name(&self, id: Uuid) -> Option<String> {
        self.content.custom_emoji(id).map(|emoji| emoji.name.clone())
    }

    fn emoji_id(&self, name: &str) -> Option<Uuid> {
        let workspace = self.caller.workspace_id;
        let mut emojis = self.content.custom_emojis.iter();
        let found = emojis.find(|emoji| emoji.workspace == workspace && emoji.name == name);
        found.map(|emoji| emoji.id)
    }
}

/// `GET pages/{page_id}/markdown`
pub(crate) fn retrieve(call: &Call<'_>, id: &str) -> Answer {
    call.needs_read()?;
    let id = call.path_id("page_id", id)?;
    let with_transcripts = call.flag("include_transcript")?;
    // A block's id is as good as a page's: so are the ids of blocks that were not loaded.
    if !call.state.content.pages.contains_key(&id) && call.block(id).is_ok() {
        refuse_database(call, id)?;
        return Ok(shown(call, id, with_transcripts));
    }
    Ok(shown(call, call.page(id)?, with_transcripts))
}

/// Content as markdown.
fn shown(call: &Call<'_>, id: Uuid, with_transcripts: bool) -> Value {
    let tree = tree::of(&call.state.content, id, &call.view(), with_transcripts);
    json!({
        "object": "page_markdown",
        "id": id,
        "markdown": write::nodes(&tree.nodes, &call.view()).text,
        "truncated": !tree.not_loaded.is_empty(),
        "unknown_block_ids": tree.not_loaded,
    })
}

/// Databases have no content of their own. The words are those of other endpoints; for this one they are a guess.
fn refuse_database(call: &Call<'_>, id: Uuid) -> Result<(), Failure> {
    if call.state.content.databases.contains_key(&id) {
        return Err(Failure::validation(format!(
            "Provided ID {id} is a database, not a page. Use the retrieve database API instead: \
             https://developers.notion.com/reference/retrieve-a-database"
        )));
    }
    Ok(())
}

/// `PATCH pages/{page_id}/markdown`
pub(crate) fn update(call: &mut Call<'_>, id: &str) -> Answer {
    call.needs_update()?;
    // The answer is the content, and it has no partial form: that it takes reading too is a guess.
    call.needs_read()?;
    let id = call.path_id("page_id", id)?;
    let page = editable(call, id)?;
    let body = call.body.take();
    let at = At::root("body", body.as_ref());
    let edit = edit::read(&at)?;
    if call.defers(&at, "PATCH /v1/pages/:page_id/markdown")? {
        return Ok(Value::Null);
    }
    change(call, page, &edit)?;
    Ok(shown(call, page, false))
}

/// A page within reach that may be edited.
fn editable(call: &Call<'_>, id: Uuid) -> Result<Uuid, Failure> {
    if !call.state.content.pages.contains_key(&id) && call.block(id).is_ok() {
        refuse_database(call, id)?;
        // A guess, after the words for databases.
        return Err(Failure::validation(format!("Provided ID {id} is a block, not a page.")));
    }
    let id = call.page(id)?;
    call.may_edit(id, None)?;
    Ok(id)
}

/// Does an edit.
fn change(call: &mut Call<'_>, page: Uuid, edit: &Edit) -> Result<(), Failure> {
    let old = tree::of(&call.state.content, page, &call.view(), false).nodes;
    let written = write::nodes(&old, &call.view());
    let new = edit.text(&written.text)?;
    let new = read::nodes(&new, &call.view());
    let plan = match edit.place(&written)? {
        None => plan::of(&old, &new, &call.view()),
        Some(place) => plan::inserted(&old, &new, place),
    };
    apply::check(call, Some(page), &plan, edit.allows_deleting())?;
    apply::apply(call, page, plan);
    Ok(())
}

/// The content of a page to be made: read, checked, and not yet there.
#[derive(Default)]
pub(crate) struct NewContent {
    /// The first heading of the first level, which becomes the title of a page that names none.
    pub(crate) title: Option<Vec<RichText>>,
    plan: Plan,
}

impl NewContent {
    /// Reads the content of a page that is to hang from `parent`; with its title, if the request has none.
    pub(crate) fn read(
        call: &Call<'_>,
        text: &str,
        parent: Parent,
        with_title: bool,
    ) -> Result<Self, Failure> {
        let mut nodes = read::nodes(text, &call.view());
        let is_title = |node: &Node| matches!(node.body(), Some(Body::Heading { level: 1, .. }));
        let at = nodes.iter().position(is_title).filter(|_| with_title);
        let title = at.and_then(|at| nodes.remove(at).body().and_then(Body::rich_text).map(<[_]>::to_vec));
        let plan = plan::of(&[], &nodes, &call.view());
        apply::check(call, call.state.content.above(parent), &plan, true)?;
        Ok(Self { title, plan })
    }

    /// Puts the content into the page, now that it is there.
    pub(crate) fn plant(self, call: &mut Call<'_>, page: Uuid) {
        apply::apply(call, page, self.plan);
    }
}

/// The text of a comment: rich text only; what would make blocks elsewhere stays as it is written.
/// Source: Notion, "Create comment" (read 2026-11-27).
pub(crate) fn rich_text(call: &Call<'_>, text: &str) -> Vec<RichText> {
    read::rich_text(text, &call.view())
}
