//! Files, icons, uploads and custom emojis as JSON. Each look at a stored file signs its address anew.

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{View, exact, minute};
use crate::content::file::{FileSource, Icon};
use crate::content::file_types::{Category, by_content_type};
use crate::content::upload::{Import, ImportFailure, Upload};

/// `2026-11-22T09:30:12.345Z`: when a signed address ends. Source: Notion, "File object" (read 2026-11-27).
fn millisecond(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// Bytes as Notion's messages have them: in MiB, or in GiB where that is a whole number.
pub(crate) fn mebibytes(bytes: u64) -> String {
    const MEBI: u64 = 1024 * 1024;
    if bytes >= 1024 * MEBI && bytes.is_multiple_of(1024 * MEBI) {
        format!("{} GiB", bytes / (1024 * MEBI))
    } else {
        format!("{} MiB", bytes / MEBI)
    }
}

/// Why a file is too large. Source: Notion, "Importing external files" (read 2026-11-27).
pub(crate) fn too_large(max: u64) -> String {
    let max = mebibytes(max);
    format!(
        "The file size is not within the allowed limit of {max}. Please try again with a new file upload."
    )
}

impl View<'_> {
    /// A file's place.
    pub(crate) fn file(&self, source: &FileSource) -> Value {
        match source {
            FileSource::External(url) => json!({"type": "external", "external": {"url": url}}),
            FileSource::Uploaded(id) => json!({"type": "file", "file": self.stored_file(*id)}),
        }
    }

    /// The signed address of an upload.
    pub(crate) fn stored_file(&self, id: Uuid) -> Value {
        let name = self.content.uploads.get(&id).map_or("file", Upload::file_name);
        let (url, ends_at) = self.links.signed(id, name, self.now);
        json!({"url": url, "expiry_time": millisecond(ends_at)})
    }

    /// A file that hangs from a comment.
    pub(crate) fn attachment(&self, id: Uuid) -> Value {
        let content_type = self.content.uploads.get(&id).and_then(|upload| upload.content_type.as_deref());
        let category = match content_type.and_then(by_content_type).map(|known| known.category) {
            Some(Category::Audio) => "audio",
            Some(Category::Image) => "image",
            Some(Category::Pdf) => "pdf",
            Some(Category::Video) => "video",
            Some(Category::Productivity) | None => "productivity",
        };
        json!({"category": category, "file": self.stored_file(id)})
    }

    /// The name of a file: the one that it was given, or the last part of its address.
    pub(crate) fn file_name<'n>(&'n self, given: &'n str, source: &'n FileSource) -> &'n str {
        if !given.is_empty() {
            return given;
        }
        match source {
            FileSource::Uploaded(id) => self.content.uploads.get(id).map_or("", Upload::file_name),
            FileSource::External(_) => source.last_part().unwrap_or_default(),
        }
    }

    /// The name of a file block: one that was given without an ending gets the file's own. Source: a recorded answer of June
    /// 2026.
    pub(crate) fn block_file_name(&self, given: &str, source: &FileSource) -> String {
        let (name, own) = (self.file_name(given, source), self.file_name("", source));
        let ending = own.rsplit_once('.').map(|(_, ending)| ending).filter(|ending| !ending.is_empty());
        match ending {
            Some(ending) if !name.contains('.') => format!("{name}.{ending}"),
            _ => name.to_owned(),
        }
    }

    /// An icon or none.
    pub(crate) fn icon(&self, icon: Option<&Icon>) -> Value {
        match icon {
            None => Value::Null,
            Some(Icon::Emoji(emoji)) => json!({"type": "emoji", "emoji": emoji}),
            Some(Icon::CustomEmoji(id)) => {
                json!({"type": "custom_emoji", "custom_emoji": self.custom_emoji(*id)})
            }
            Some(Icon::Named { name, color }) => {
                json!({"type": "icon", "icon": {"name": name, "color": color}})
            }
            Some(Icon::File(source)) => self.file(source),
        }
    }

    /// A custom emoji.
    pub(crate) fn custom_emoji(&self, id: Uuid) -> Value {
        match self.content.custom_emoji(id) {
            Some(emoji) => {
                json!({"id": id, "name": emoji.name, "url": self.links.public(id, &emoji.file_name())})
            }
            None => json!({"id": id}),
        }
    }

    /// An upload. Source of the keys' order: recorded answers of July 2026; of `number_of_parts`: of June 2025. No recorded
    /// answer has `complete_url`, which the reference promises: its place is a guess.
    pub(crate) fn upload(&self, upload: &Upload) -> Value {
        let status = upload.status(self.now);
        let at = |what| format!("{}/v1/file_uploads/{}/{what}", self.links.origin, upload.id);
        let mut body = Map::new();
        body.insert("object".into(), "file_upload".into());
        body.insert("id".into(), upload.id.to_string().into());
        body.insert("created_time".into(), minute(upload.created_at).into());
        body.insert("created_by".into(), json!({"id": upload.by, "type": "bot"}));
        body.insert("last_edited_time".into(), minute(upload.edited_at).into());
        let ends_at = (!upload.attached).then(|| minute(upload.ends_at()));
        body.insert("expiry_time".into(), ends_at.into());
        if status == "pending" {
            body.insert("upload_url".into(), at("send").into());
            if upload.parts_total.is_some() {
                body.insert("complete_url".into(), at("complete").into());
            }
        }
        body.insert("in_trash".into(), false.into());
        body.insert("status".into(), status.into());
        body.insert("filename".into(), upload.filename.as_deref().into());
        body.insert("content_type".into(), upload.content_type.as_deref().into());
        body.insert("content_length".into(), upload.length.into());
        if let Some(total) = upload.parts_total {
            body.insert("number_of_parts".into(), json!({"total": total, "sent": upload.sent()}));
        }
        if let Some(import) = &upload.import {
            body.insert("file_import_result".into(), import_result(import));
        }
        self.archived(&mut body, false);
        body.into()
    }
}

/// How an import went. Success is recorded (July 2026), too large a file documented; the other two codes are guesses.
fn import_result(import: &Import) -> Value {
    let (kind, code, message) = match import.failure {
        None => return json!({"type": "success", "success": {}, "imported_time": exact(import.at)}),
        Some(ImportFailure::TooLarge(max)) => {
            ("validation_error", "file_upload_invalid_size", too_large(max))
        }
        Some(ImportFailure::WrongType) => (
            "validation_error",
            "file_upload_invalid_content_type",
            "The file's content type is not the one that was expected, or not supported.".to_owned(),
        ),
        Some(ImportFailure::NotFound) => (
            "download_error",
            "file_upload_download_failed",
            "The emulator is offline: only addresses that its control plane was given can be imported."
                .to_owned(),
        ),
    };
    json!({
        "type": "error",
        "error": {"type": kind, "code": code, "message": message, "parameter": null, "status_code": null},
        "imported_time": exact(import.at),
    })
}
