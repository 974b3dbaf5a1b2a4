//! The bytes of an upload: in one request, or in numbered parts that come in any order and are then joined.
//! Source: Notion, "Send a file upload", "Complete a file upload", "Uploading larger files" (read 2026-11-27). The
//! messages are guesses but for the one about the size of the whole, which "Importing external files" has.

use bytes::{Bytes, BytesMut};
use serde_json::Value;
use uuid::Uuid;

use super::super::call::{Answer, Call};
use super::super::check::At;
use super::super::failure::Failure;
use super::super::show::file::{mebibytes, too_large};
use super::{change, clear, find, naming, needs_writing};
use crate::content::blob::Blob;
use crate::content::upload::Upload;
use crate::form::{Field, Form};

/// The largest body of one request, in bytes: 20 MiB.
const PART_BYTES_MAX: u64 = 20 * 1024 * 1024;

/// The smallest part but the last, in bytes: 5 MiB.
const PART_BYTES_MIN: u64 = 5 * 1024 * 1024;

/// What all files of one emulator may take up, in bytes: they lie in memory.
const STORED_BYTES_MAX: u64 = 512 * 1024 * 1024;

/// `POST file_uploads/{file_upload_id}/send`
pub(in super::super) fn send(call: &mut Call<'_>, id: &str) -> Answer {
    needs_writing(call)?;
    let upload = find(call, id)?;
    pending(call, upload)?;
    let file = call.form.and_then(|form| form.field("file"));
    let file = file.ok_or_else(|| Failure::from(At::root("body.file", None).should("defined")))?;
    if file.data.len() as u64 > PART_BYTES_MAX {
        return Err(Failure::validation(format!(
            "The file size should be ≤ {}. Please send larger files in parts.",
            mebibytes(PART_BYTES_MAX)
        )));
    }
    let part = upload.parts_total.map(|total| part_number(call.form, total)).transpose()?;
    if part < upload.parts_total && (file.data.len() as u64) < PART_BYTES_MIN {
        return Err(Failure::validation(format!(
            "The size of each part but the last should be ≥ {}.",
            mebibytes(PART_BYTES_MIN)
        )));
    }
    let before: u64 =
        upload.parts.iter().filter(|(had, _)| Some(**had) != part).map(|(_, old)| old.length()).sum();
    let max = call.file_bytes_max();
    if before + file.data.len() as u64 > max {
        return Err(Failure::validation(too_large(max)));
    }
    let (filename, content_type) = name_of(upload, file, part.is_some())?;
    let (id, data) = (upload.id, file.data.clone());
    room_for(call, &data)?;
    let now = call.now();
    let upload = change(call, id);
    (upload.filename, upload.content_type, upload.edited_at) = (filename, content_type, now);
    match part {
        Some(number) => {
            upload.parts.insert(number, Blob(data));
        }
        None => {
            upload.length = Some(data.len() as u64);
            upload.bytes = Some(Blob(data));
        }
    }
    Ok(shown(call, id))
}

/// `POST file_uploads/{file_upload_id}/complete`
pub(in super::super) fn complete(call: &mut Call<'_>, id: &str) -> Answer {
    needs_writing(call)?;
    let upload = find(call, id)?;
    let Some(total) = upload.parts_total else {
        return Err(Failure::validation("Only file uploads with a `mode` of `multi_part` can be completed."));
    };
    pending(call, upload)?;
    let sent = upload.parts.len() as u64;
    if sent < total {
        return Err(Failure::validation(format!(
            "All parts should be sent before completing the file upload: {sent} of {total} were sent."
        )));
    }
    let max = call.file_bytes_max();
    if upload.stored() > max {
        return Err(Failure::validation(too_large(max)));
    }
    let (id, now) = (upload.id, call.now());
    let upload = change(call, id);
    let mut whole = BytesMut::new();
    for (_, part) in std::mem::take(&mut upload.parts) {
        whole.extend_from_slice(&part.0);
    }
    upload.length = Some(whole.len() as u64);
    upload.bytes = Some(Blob(whole.freeze()));
    upload.edited_at = now;
    Ok(shown(call, id))
}

fn shown(call: &Call<'_>, id: Uuid) -> Value {
    let upload = call.state.content.uploads.get(&id).expect("it was changed just now");
    call.view().upload(upload)
}

/// Refuses uploads that wait for nothing any more.
fn pending(call: &Call<'_>, upload: &Upload) -> Result<(), Failure> {
    match upload.status(call.now()) {
        "pending" => Ok(()),
        status => Err(Failure::validation(format!(
            "The file upload {} has a status of `{status}`; it should be `pending`.",
            upload.id
        ))),
    }
}

/// The number of the part, which comes as text.
fn part_number(form: Option<&Form>, total: u64) -> Result<u64, Failure> {
    let text = form.and_then(|form| form.field("part_number"));
    let text = text.map(|field| String::from_utf8_lossy(&field.data).into_owned());
    let value = text.map(|text| text.parse::<u64>().map_or_else(|_| Value::from(text), Value::from));
    Ok(At::root("body.part_number", value.as_ref()).integer(1, total)?)
}

/// The upload's name and type, now that the file is here. What was announced wins over what the form says.
fn name_of(
    upload: &Upload,
    file: &Field,
    is_part: bool,
) -> Result<(Option<String>, Option<String>), Failure> {
    let sent = file.content_type.as_deref().and_then(naming::essence);
    if let (Some(sent), Some(announced)) = (&sent, &upload.content_type) {
        naming::fits(sent, announced, upload.filename.as_deref())?;
    }
    if is_part {
        return Ok((upload.filename.clone(), upload.content_type.clone()));
    }
    let name = upload.filename.clone().or_else(|| file.filename.clone().filter(|name| !name.is_empty()));
    let (name, content_type) = naming::resolve(name, upload.content_type.clone().or(sent))?;
    match (name, content_type) {
        (None, None) => Err(At::root("body.file.filename", None).should("defined").into()),
        named => Ok(named),
    }
}

/// Refuses what would not fit into memory; only the emulator has this limit.
fn room_for(call: &mut Call<'_>, data: &Bytes) -> Result<(), Failure> {
    clear(call);
    let stored: u64 = call.state.content.uploads.values().map(Upload::stored).sum();
    if stored + data.len() as u64 > STORED_BYTES_MAX {
        let max = mebibytes(STORED_BYTES_MAX);
        return Err(Failure::not_implemented_part(&format!("room for more than {max} of files")));
    }
    Ok(())
}
