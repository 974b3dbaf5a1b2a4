//! Comments: on a page, on a block, or in a discussion that is there.

use serde_json::Value;
use uuid::Uuid;

use super::blocks::addresses::check_texts;
use super::call::{Answer, Call};
use super::check::{At, Invalid};
use super::failure::Failure;
use super::read::rich_text::rich_text;
use super::show;
use crate::content::block::Parent;
use crate::content::comment::{Comment, DisplayName};
use crate::content::ids::Marker;
use crate::content::rich_text::RichText;

/// Source: Notion, "Comment attachment" (read 2026-11-27).
const ATTACHMENTS_MAX: usize = 3;

/// `GET comments?block_id=`: those of open discussions on just this page or block, oldest first.
/// Source: Notion, "List comments" (read 2026-11-22).
pub(crate) fn list(call: &mut Call<'_>) -> Answer {
    call.needs_read_comments()?;
    let asked = call.parameter("block_id").unwrap_or_default();
    let on = super::check::uuid_of(asked).ok_or_else(|| {
        let shown = if asked.is_empty() { "undefined".to_owned() } else { format!("\"{asked}\"") };
        Failure::validation(format!(
            "query failed validation: query.block_id should be a valid uuid, instead was `{shown}`."
        ))
    })?;
    call.block(on)?;
    let content = &call.state.content;
    let is_open = |id: &Uuid| {
        content.comments.get(id).is_some_and(|comment| !content.resolved.contains(&comment.discussion))
    };
    let all = content.comments_on.get(&on).into_iter().flatten().copied().filter(is_open).collect::<Vec<_>>();
    let (ids, next) = call.filled_slice_of_query()?.cut(&all)?;
    let shown: Vec<Value> = ids.iter().filter_map(|id| shown(call, *id)).collect();
    Ok(show::list("comment", shown, next))
}

fn shown(call: &Call<'_>, id: Uuid) -> Option<Value> {
    call.state.content.comments.get(&id).map(|comment| call.view().comment(comment))
}

/// `POST comments`
pub(crate) fn create(call: &mut Call<'_>) -> Answer {
    call.needs_insert_comments()?;
    let body = call.body.take();
    let at = At::root("body", body.as_ref());
    at.only(&["parent", "discussion_id", "rich_text", "markdown", "attachments", "display_name"])?;
    let rich_text = words(call, &at)?;
    let attachments = at.get("attachments").optional(attachments)?.unwrap_or_default();
    let (parent, discussion) = place(call, &at)?;
    if let Some(on) = call.state.content.above(parent) {
        // That nothing in the trash is commented on is a guess.
        call.may_edit(on, None)?;
    }
    let (display_name, resolved_name) = name(call, &at.get("display_name"))?;
    let discussion = discussion.unwrap_or_else(|| call.new_id(Marker::Discussion));
    let (id, now) = (call.new_id(Marker::Comment), call.now());
    let comment = Comment {
        id,
        parent,
        discussion,
        created_at: now,
        edited_at: now,
        created_by: call.caller.bot_id,
        rich_text,
        display_name,
        resolved_name,
        attachments,
    };
    if let Some(on) = call.state.content.above(parent) {
        call.state.content.comments_on.entry(on).or_default().push(id);
    }
    call.state.content.comments.insert(id, comment);
    shown(call, id).ok_or_else(Failure::invalid_request_url)
}

/// What a comment says: as rich text or as markdown, one of them.
fn words(call: &Call<'_>, at: &At<'_>) -> Result<Vec<RichText>, Failure> {
    if at.variant(&["rich_text", "markdown"])? == "rich_text" {
        if at.get("markdown").is_defined() {
            return Err(at.get("markdown").should("not present").into());
        }
        let text = rich_text(&at.get("rich_text"))?;
        check_texts([text.as_slice()])?;
        return Ok(text);
    }
    Ok(super::markdown::rich_text(call, at.get("markdown").string()?))
}

/// What a new comment hangs from, and the discussion that it goes on with.
fn place(call: &Call<'_>, at: &At<'_>) -> Result<(Parent, Option<Uuid>), Failure> {
    let discussion = at.get("discussion_id");
    if discussion.is_defined() {
        if at.get("parent").is_defined() {
            return Err(at.get("parent").should("not present").into());
        }
        let id = discussion.uuid()?;
        let known = call.state.content.comments.values().find(|comment| comment.discussion == id);
        let above = known.and_then(|comment| call.state.content.above(comment.parent));
        call.within("discussion", id, above)?;
        let comment = known.ok_or_else(|| Failure::not_found("discussion", id, call.caller))?;
        return Ok((comment.parent, Some(id)));
    }
    let named = at.get("parent").alternative(&["page_id", "block_id"], |kind, at| Ok((kind, at.uuid()?)))?;
    let (kind, id) = named;
    if kind == "page_id" {
        let id = call.page(id)?;
        return Ok((Parent::Page(id), open_discussion(call, id)));
    }
    call.block(id)?;
    if call.state.content.is_page(id) {
        return Ok((Parent::Page(id), open_discussion(call, id)));
    }
    Ok((Parent::Block(id), None))
}

/// The discussion that comments on a page go on with: the last one on the page itself that nobody has marked as done.
/// Source: recorded answers of October 2025.
fn open_discussion(call: &Call<'_>, page: Uuid) -> Option<Uuid> {
    let content = &call.state.content;
    let on_page = content.comments_on.get(&page)?.iter().rev().filter_map(|id| content.comments.get(id));
    on_page.map(|comment| comment.discussion).find(|discussion| !content.resolved.contains(discussion))
}

fn name(call: &Call<'_>, at: &At<'_>) -> Result<(DisplayName, Option<String>), Failure> {
    let bot = Some(call.caller.bot_name.clone());
    if !at.is_defined() {
        return Ok((DisplayName::Integration, bot));
    }
    let kind = at.get("type").one_of(&["integration", "user", "custom"])?;
    if kind == "custom" && !at.get("custom").is_defined() {
        // Source: a recorded refusal of 2026. A name of one's own and a kind without one are alternatives.
        let plain = at.get("type").one_of(&["integration", "user"]).err();
        let named = at.get("custom").should("defined");
        return Err(Invalid::any(plain.into_iter().chain([named])).into());
    }
    at.only(if kind == "custom" { &["type", "custom"] } else { &["type"] })?;
    if kind == "user" && call.caller.owner.is_none() {
        // Source: a recorded refusal of 2025.
        return Err(Failure::validation(
            "Internal integrations cannot use display_name type \"user\" because they aren't owned by a single user. Only \
             \"integration\" and \"custom\" types are allowed.",
        ));
    }
    Ok(match kind {
        "user" => {
            let person = call.caller.owner.and_then(|id| call.state.accounts.person(id));
            (DisplayName::User, person.map(|person| person.name.clone()))
        }
        "custom" => {
            let custom = at.get("custom").get("name").filled_text(200)?;
            (DisplayName::Custom(custom.clone()), Some(custom))
        }
        _ => (DisplayName::Integration, bot),
    })
}

/// Uploads to hang from the comment; whether they are there was checked before.
fn attachments(at: &At<'_>) -> Result<Vec<Uuid>, Invalid> {
    let attachment = |at: &At<'_>| {
        at.only(&["file_upload_id", "type"])?;
        at.get("type").optional(|at| at.one_of(&["file_upload"]))?;
        at.get("file_upload_id").uuid()
    };
    at.items(ATTACHMENTS_MAX)?.iter().map(attachment).collect()
}

/// A comment within reach.
fn find(call: &Call<'_>, id: &str) -> Result<Uuid, Failure> {
    let id = call.path_id("comment_id", id)?;
    let content = &call.state.content;
    let above = content.comments.get(&id).and_then(|comment| content.above(comment.parent));
    call.within("comment", id, above)?;
    Ok(id)
}

/// A comment that the caller may change: its own. Source: Notion, "Update a comment" (read 2026-11-27): 404 for others'.
fn find_own(call: &Call<'_>, id: &str) -> Result<Uuid, Failure> {
    let id = find(call, id)?;
    let comment = call.state.content.comments.get(&id);
    let own = comment.is_some_and(|comment| comment.created_by == call.caller.bot_id);
    if own { Ok(id) } else { Err(Failure::not_found("comment", id, call.caller)) }
}

/// `GET comments/{comment_id}`
pub(crate) fn retrieve(call: &Call<'_>, id: &str) -> Answer {
    call.needs_read_comments()?;
    let id = find(call, id)?;
    shown(call, id).ok_or_else(Failure::invalid_request_url)
}

/// `PATCH comments/{comment_id}`
pub(crate) fn update(call: &mut Call<'_>, id: &str) -> Answer {
    call.needs_insert_comments()?;
    let id = find_own(call, id)?;
    let body = call.body.take();
    let at = At::root("body", body.as_ref());
    at.only(&["rich_text", "markdown"])?;
    let rich_text = words(call, &at)?;
    let now = call.now();
    if let Some(comment) = call.state.content.comments.get_mut(&id) {
        comment.rich_text = rich_text;
        comment.edited_at = now;
    }
    shown(call, id).ok_or_else(Failure::invalid_request_url)
}

/// `DELETE comments/{comment_id}`
pub(crate) fn delete(call: &mut Call<'_>, id: &str) -> Answer {
    call.needs_insert_comments()?;
    let id = find_own(call, id)?;
    let last = shown(call, id).ok_or_else(Failure::invalid_request_url)?;
    call.state.content.comments.remove(&id);
    for comments in call.state.content.comments_on.values_mut() {
        comments.retain(|other| *other != id);
    }
    Ok(last)
}
