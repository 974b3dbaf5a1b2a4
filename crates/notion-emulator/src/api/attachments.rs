//! Uploads that a request attaches, wherever they stand in it: they are looked for before the endpoint runs, so that no
//! endpoint can store one that the caller may not use, and kept for good once the endpoint has done its work.

use serde_json::Value;
use uuid::Uuid;

use super::Caller;
use super::check::uuid_of;
use super::failure::Failure;
use crate::content::file_types::{Category, by_content_type};
use crate::content::upload::Upload;
use crate::signing::{file_of, signed_file_of};
use crate::state::State;

/// Places that take files of one kind only. Source: Notion, "Working with files and media" (read 2026-11-27).
const PLACES: [(&str, Category); 6] = [
    ("image", Category::Image),
    ("icon", Category::Image),
    ("cover", Category::Image),
    ("video", Category::Video),
    ("audio", Category::Audio),
    ("pdf", Category::Pdf),
];

/// A file that a request speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mention<'v> {
    /// A new use of an upload; `in_place` is the nearest key above it.
    Use {
        id: Uuid,
        in_place: &'v str,
    },
    /// The address of a file that an answer showed, sent back to be kept.
    Kept(&'v str),
    CustomEmoji(Uuid),
}

/// Checks every file and custom emoji in `body`; the uploads to keep when the request has succeeded.
pub(super) fn check(state: &State, caller: &Caller, body: &Value) -> Result<Vec<Uuid>, Failure> {
    let mut used = Vec::new();
    for mention in mentions(body) {
        let content = &state.content;
        match mention {
            Mention::Use { id, in_place } => {
                let upload = content.uploads.get(&id).filter(|upload| upload.by == caller.bot_id);
                let usable = upload.filter(|upload| upload.status(state.clock.now()) == "uploaded");
                suits(usable.ok_or_else(|| not_there(id, caller))?, in_place)?;
                used.push(id);
            }
            Mention::Kept(address) => {
                // Only who was shown a file has an address of it that is signed.
                let id = signed_file_of(&state.files_key, address);
                let upload = id.and_then(|id| content.uploads.get(&id));
                if !upload.is_some_and(|upload| upload.attached && upload.workspace == caller.workspace_id) {
                    return Err(not_there(file_of(address).unwrap_or_default(), caller));
                }
            }
            Mention::CustomEmoji(id) => {
                let emoji = content.custom_emoji(id);
                if emoji.is_none_or(|emoji| emoji.workspace != caller.workspace_id) {
                    // The wording is a guess.
                    return Err(Failure::not_found("custom_emoji", id, caller));
                }
            }
        }
    }
    Ok(used)
}

/// Keeps these uploads for good.
pub(super) fn keep(state: &mut State, used: &[Uuid]) {
    for id in used {
        if let Some(upload) = state.content.uploads.get_mut(id) {
            upload.attached = true;
        }
    }
}

/// A message that users quote; it says the same of uploads that are not there, not ready, or another bot's.
fn not_there(id: Uuid, caller: &Caller) -> Failure {
    Failure::with_integration(
        format!(
            "Could not find file_upload with ID: {id}. Confirm the status of the file upload is `uploaded` and that \
             your integration has capabilities to update or insert content."
        ),
        caller,
    )
}

/// Refuses a video as an icon, and so on. The wording is a guess.
fn suits(upload: &Upload, in_place: &str) -> Result<(), Failure> {
    let content_type = upload.content_type.as_deref().unwrap_or_default();
    let category = by_content_type(content_type).map(|known| known.category);
    let wanted = PLACES.iter().find(|(place, _)| *place == in_place).map(|(_, wanted)| *wanted);
    if wanted.is_none_or(|wanted| category == Some(wanted)) {
        return Ok(());
    }
    Err(Failure::validation(format!(
        "The file upload {} has the content type {content_type}, which is not supported for {in_place}.",
        upload.id
    )))
}

/// All files and custom emojis that the body speaks of.
fn mentions(body: &Value) -> Vec<Mention<'_>> {
    let mut found = Vec::new();
    // A list of what is still to be looked at, not recursion: the body comes from outside.
    let mut open = vec![(body, "")];
    while let Some((value, in_place)) = open.pop() {
        match value {
            Value::Array(items) => open.extend(items.iter().map(|item| (item, in_place))),
            Value::Object(entries) => {
                for (key, inner) in entries {
                    match mention(key, inner, in_place) {
                        Some(mention) => found.push(mention),
                        None => open.push((inner, key.as_str())),
                    }
                }
            }
            _ => {}
        }
    }
    found
}

/// What one entry speaks of. Only objects of the exact form count, since a property may be called anything.
fn mention<'v>(key: &str, inner: &'v Value, in_place: &'v str) -> Option<Mention<'v>> {
    let text = |key: &str| inner.get(key).and_then(Value::as_str);
    match key {
        "file_upload" if inner.as_object()?.len() == 1 => {
            Some(Mention::Use { id: uuid_of(text("id")?)?, in_place })
        }
        "file_upload_id" => Some(Mention::Use { id: uuid_of(inner.as_str()?)?, in_place }),
        "file" => text("url").filter(|url| file_of(url).is_some()).map(Mention::Kept),
        "custom_emoji" => uuid_of(text("id")?).map(Mention::CustomEmoji),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn files_are_found_at_any_depth_with_the_place_that_they_are_for() {
        let id = Uuid::from_u128(7);
        let upload = json!({"type": "file_upload", "file_upload": {"id": id}});
        let body = json!({
            "icon": upload,
            "children": [{"toggle": {"children": [{"video": upload}]}}],
            "properties": {"file_upload": {"id": "a%3Fb", "title": []}},
        });
        let found = mentions(&body);
        let used = |in_place| Mention::Use { id, in_place };
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found.contains(&used("icon")) && found.contains(&used("video")), "{found:?}");
    }
}
