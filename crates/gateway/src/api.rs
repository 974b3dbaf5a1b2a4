//! The HTTP API of the app's back end: connect sessions, connections, their keys, attempts and events.
//! A handler that takes an `AppCaller` runs only for an app with a good key; every query is scoped by that app's client id.

pub(crate) mod attempts;
pub(crate) mod connections;
pub(crate) mod events;
pub(crate) mod keys;
pub(crate) mod sessions;

use std::collections::HashMap;

use axum::Json;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use store::records::{DamagedRow, Listed};
use store::{Page, PageRequest};

use crate::Error;

/// How many rows a page has unless told otherwise, and at most.
const PAGE_SIZE: usize = 50;
const PAGE_SIZE_MAX: usize = 100;
/// The longest name an app may have for its user, in characters.
const END_USER_MAX: usize = 255;

/// Reads a JSON body of known keys.
fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Error> {
    serde_json::from_slice(body).map_err(|error| {
        let said = error.to_string();
        // Of what serde says only this is sure to quote no value, which may be a code or a key.
        let harmless = ["unknown field", "missing field", "duplicate field"];
        let why = if harmless.iter().any(|beginning| said.starts_with(beginning)) {
            said
        } else {
            format!("it is no JSON of the expected types at line {} column {}", error.line(), error.column())
        };
        Error::Invalid(format!("the body does not read as expected: {why}").into())
    })
}

/// An answer that no cache keeps.
fn answer(status: StatusCode, body: Value) -> Response {
    (status, [(CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

/// A list, as every list of the API looks: newest first, and a damaged row in its place, told as that.
fn list<T>(
    page: &Page<Listed<T>>,
    show: impl Fn(&T) -> Value,
    damaged: impl Fn(&DamagedRow) -> Value,
) -> Response {
    let shown = |row: &Listed<T>| match row {
        Listed::Sound(row) => show(row),
        Listed::Damaged(row) => {
            tracing::error!(event = "store.damaged", id = row.id, what = row.what);
            damaged(row)
        }
    };
    let body = json!({
        "data": page.rows.iter().map(shown).collect::<Vec<_>>(),
        "next_cursor": page.next,
        "has_more": page.next.is_some(),
    });
    answer(StatusCode::OK, body)
}

/// A query string of known parameters, each at most once.
struct Query(HashMap<String, String>);

impl Query {
    fn read(raw: Option<&str>, known: &[&str]) -> Result<Self, Error> {
        let mut parameters = HashMap::new();
        for (name, value) in url::form_urlencoded::parse(raw.unwrap_or_default().as_bytes()) {
            if !known.contains(&name.as_ref()) {
                let message =
                    format!("an unknown query parameter was given; known here: {}", known.join(", "));
                return Err(Error::Invalid(message.into()));
            }
            if parameters.insert(name.into_owned(), value.into_owned()).is_some() {
                return Err(Error::Invalid("a query parameter was given twice".into()));
            }
        }
        Ok(Self(parameters))
    }

    fn take(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }

    fn page(&mut self) -> Result<PageRequest, Error> {
        let size = match self.take("page_size") {
            None => PAGE_SIZE,
            Some(text) => text
                .parse()
                .ok()
                .filter(|size| (1..=PAGE_SIZE_MAX).contains(size))
                .ok_or(Error::Invalid("page_size: 1 to 100 was expected".into()))?,
        };
        let after = self.take("cursor");
        if after.as_ref().is_some_and(|cursor| cursor.len() > 64) {
            return Err(Error::Invalid("cursor: a next_cursor of ours was expected".into()));
        }
        Ok(PageRequest { after, size })
    }
}

/// An app's name for its user: any text that is worth comparing.
pub(crate) fn check_end_user(end_user: &str) -> Result<(), Error> {
    let sound = !end_user.trim().is_empty()
        && end_user.chars().count() <= END_USER_MAX
        && !end_user.chars().any(char::is_control);
    if sound {
        Ok(())
    } else {
        Err(Error::Invalid("end_user: 1 to 255 characters without control characters were expected".into()))
    }
}
