//! Files that Notion fetches itself. The emulator is offline: it finds only what its control plane was given to find.
//! Source: Notion, "Importing external files" (read 2026-11-27).

use uuid::Uuid;

use super::super::call::Call;
use super::{change, naming};
use crate::content::upload::{Import, ImportFailure};

/// Fetches the file of an upload from `url`, or notes why that failed.
pub(super) fn import(call: &mut Call<'_>, id: Uuid, url: &str) {
    let max = call.file_bytes_max();
    let now = call.now();
    let found = call.state.web.get(url).cloned();
    let upload = change(call, id);
    let announced = upload.content_type.clone().unwrap_or_default();
    let failure = match &found {
        None => Some(ImportFailure::NotFound),
        Some(document) if document.body.length() > max => Some(ImportFailure::TooLarge(max)),
        Some(document) => {
            let sent = naming::essence(&document.content_type);
            let fits =
                sent.is_none_or(|sent| naming::fits(&sent, &announced, upload.filename.as_deref()).is_ok());
            (!fits).then_some(ImportFailure::WrongType)
        }
    };
    if let (None, Some(document)) = (failure, found) {
        upload.length = Some(document.body.length());
        upload.bytes = Some(document.body);
    }
    upload.import = Some(Import { at: now, failure });
}
