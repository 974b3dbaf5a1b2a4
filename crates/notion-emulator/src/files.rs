//! Stored files over HTTP, at addresses that the API signed, as the storage behind Notion serves them: for an hour, then
//! 403 in XML. Custom emojis need no signature. A file may be anything, so a browser never runs one here.

use axum::extract::{Path, Query, State as Extracted};
use axum::http::header::{
    CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use uuid::Uuid;

use crate::Emulator;
use crate::content::blob::Blob;
use crate::content::file_types::{Category, by_content_type};
use crate::signing::is_genuine;
use crate::state::State;

/// The route of all files.
pub(crate) const ROUTE: &str = "/_files/{id}/{name}";

#[derive(Deserialize)]
pub(crate) struct Signature {
    #[serde(default)]
    expires: i64,
    #[serde(default)]
    signature: String,
}

/// Why a file is not given out: status, code and message in the words of S3.
/// Source: Amazon S3, "Error responses" (read 2026-11-27).
type Refusal = (StatusCode, &'static str, &'static str);

const BAD_SIGNATURE: Refusal = (
    StatusCode::FORBIDDEN,
    "SignatureDoesNotMatch",
    "The request signature we calculated does not match the signature you provided.",
);
const OVER: Refusal = (StatusCode::FORBIDDEN, "AccessDenied", "Request has expired");
const GONE: Refusal = (StatusCode::NOT_FOUND, "NoSuchKey", "The specified key does not exist.");

/// `GET /_files/{id}/{name}`
pub(crate) async fn serve(
    Extracted(emulator): Extracted<Emulator>,
    Path((id, name)): Path<(String, String)>,
    Query(asked): Query<Signature>,
) -> Response {
    let found = find(&emulator.state(), &id, &name, &asked);
    match found {
        Ok((content_type, bytes)) => file(&name, &content_type, bytes),
        Err((status, code, message)) => {
            let body = format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>"
            );
            (status, [(CONTENT_TYPE, "application/xml")], body).into_response()
        }
    }
}

/// The file, if the address may be followed now.
fn find(state: &State, id: &str, name: &str, asked: &Signature) -> Result<(String, Blob), Refusal> {
    let id = Uuid::try_parse(id).map_err(|_| BAD_SIGNATURE)?;
    if let Some(emoji) = state.content.custom_emoji(id) {
        return Ok(("image/svg+xml".to_owned(), emoji.picture.clone()));
    }
    if !is_genuine(&state.files_key, id, name, asked.expires, &asked.signature) {
        return Err(BAD_SIGNATURE);
    }
    if state.clock.now().as_second() >= asked.expires {
        return Err(OVER);
    }
    let upload = state.content.uploads.get(&id).ok_or(GONE)?;
    let bytes = upload.bytes.clone().ok_or(GONE)?;
    Ok((upload.content_type.clone().unwrap_or_else(|| "application/octet-stream".to_owned()), bytes))
}

fn file(name: &str, content_type: &str, bytes: Blob) -> Response {
    let is_image = by_content_type(content_type).is_some_and(|known| known.category == Category::Image);
    let disposition = if is_image { "inline" } else { "attachment" };
    let name = utf8_percent_encode(name, NON_ALPHANUMERIC);
    let headers: [(HeaderName, String); 4] = [
        (CONTENT_TYPE, content_type.to_owned()),
        (CONTENT_DISPOSITION, format!("{disposition}; filename*=UTF-8''{name}")),
        (X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        // An SVG may hold a script, and the emulator's controls have the same origin.
        (CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; sandbox".to_owned()),
    ];
    (headers, bytes.0).into_response()
}
