//! File uploads: announced, listed, looked at; the bytes come in `send.rs`. A bot sees its own uploads only.
//! Source: Notion, "File Upload" object, its endpoints and guides (read 2026-11-27); recorded answers of July 2026.

mod import;
mod naming;
pub(super) mod send;

use std::collections::BTreeMap;

use serde_json::Value;
use uuid::Uuid;

use super::call::{Answer, Call};
use super::check::At;
use super::failure::Failure;
use super::read::URL_MAX;
use super::show;
use crate::content::ids::Marker;
use crate::content::upload::{STATUSES, Upload};

/// How many parts a file may come in. Source: Notion, "Create a file upload" (read 2026-11-27).
const PARTS_MAX: u64 = 1_000;

/// Longest text that is read as a name before its bytes are counted, in UTF-16 units.
const TEXT_MAX: usize = 2_000;

/// Refuses bots that can write nothing that a file could be attached to. Which capability Notion asks for is not
/// documented; its refusals speak of those to update or insert content.
fn needs_writing(call: &Call<'_>) -> Result<(), Failure> {
    let has = call.caller.capabilities;
    call.needs(has.insert_content || has.update_content || has.insert_comments)
}

/// `POST file_uploads`
pub(super) fn create(call: &mut Call<'_>) -> Answer {
    needs_writing(call)?;
    let body = call.body.take();
    let at = At::root("body", body.as_ref());
    at.only(&["mode", "filename", "content_type", "number_of_parts", "external_url"])?;
    let modes = ["single_part", "multi_part", "external_url"];
    let mode = at.get("mode").optional(|at| at.one_of(&modes))?.unwrap_or("single_part");
    let filename = match mode {
        "single_part" => at.get("filename").optional(|at| at.filled_text(TEXT_MAX))?,
        _ => Some(at.get("filename").filled_text(TEXT_MAX)?),
    };
    let content_type = at.get("content_type").optional(|at| at.filled_text(TEXT_MAX))?;
    let content_type = content_type.as_deref().and_then(naming::essence);
    // What belongs to another mode is passed over. That is a guess.
    let parts_total = match mode {
        "multi_part" => {
            let parts = at.get("number_of_parts");
            let total = parts.clone().optional(|at| at.integer(1, PARTS_MAX))?;
            Some(total.ok_or_else(|| parts.should("defined"))?)
        }
        _ => None,
    };
    let external = match mode {
        "external_url" => Some(external_url(&at.get("external_url"))?),
        _ => None,
    };
    let (filename, content_type) = naming::resolve(filename, content_type)?;
    clear(call);
    let (id, now) = (call.new_id(Marker::FileUpload), call.now());
    let upload = Upload {
        id,
        number: call.state.content.uploads.len() as u64,
        workspace: call.caller.workspace_id,
        by: call.caller.bot_id,
        created_at: now,
        edited_at: now,
        filename,
        content_type,
        parts_total,
        parts: BTreeMap::new(),
        bytes: None,
        length: None,
        import: None,
        attached: false,
    };
    let shown = call.view().upload(&upload);
    call.state.content.uploads.insert(id, upload);
    if let Some(url) = external {
        // The answer still says `pending`; whoever looks next finds it done.
        import::import(call, id, &url);
    }
    Ok(shown)
}

fn external_url(at: &At<'_>) -> Result<String, Failure> {
    let url = at.filled_text(URL_MAX)?;
    let secure = url::Url::parse(&url).is_ok_and(|url| url.scheme() == "https" && url.has_host());
    if secure { Ok(url) } else { Err(at.should("a valid HTTPS URL").into()) }
}

/// Throws away what nobody attached in time.
fn clear(call: &mut Call<'_>) {
    let now = call.now();
    for upload in call.state.content.uploads.values_mut() {
        upload.clear_if_over(now);
    }
}

/// An upload of this bot.
fn find<'c>(call: &'c Call<'_>, id: &str) -> Result<&'c Upload, Failure> {
    let id = call.path_id("file_upload_id", id)?;
    let found = call.state.content.uploads.get(&id).filter(|upload| upload.by == call.caller.bot_id);
    found.ok_or_else(|| Failure::not_found("file_upload", id, call.caller))
}

/// The same, to be changed.
fn change<'c>(call: &'c mut Call<'_>, id: Uuid) -> &'c mut Upload {
    call.state.content.uploads.get_mut(&id).expect("it was found before, and none is ever removed")
}

/// `GET file_uploads/{file_upload_id}`
pub(super) fn retrieve(call: &Call<'_>, id: &str) -> Answer {
    Ok(call.view().upload(find(call, id)?))
}

/// `GET file_uploads`
pub(super) fn list(call: &mut Call<'_>) -> Answer {
    let status = match call.parameter("status") {
        Some(asked) => {
            let asked = Value::from(asked);
            Some(
                At::root("query.status", Some(&asked))
                    .one_of(&STATUSES)
                    .map_err(|wrong| wrong.of("query"))?,
            )
        }
        None => None,
    };
    let (now, bot) = (call.now(), call.caller.bot_id);
    let uploads = &call.state.content.uploads;
    let shown =
        |upload: &&Upload| upload.by == bot && status.is_none_or(|status| upload.status(now) == status);
    let mut own: Vec<&Upload> = uploads.values().filter(shown).collect();
    own.sort_unstable_by_key(|upload| std::cmp::Reverse(upload.number));
    let all: Vec<Uuid> = own.iter().map(|upload| upload.id).collect();
    let (ids, next) = call.slice_of_query()?.cut(&all)?;
    let view = call.view();
    let results = ids.iter().filter_map(|id| uploads.get(id)).map(|upload| view.upload(upload));
    Ok(show::list("file_upload", results.collect(), next))
}
