//! Whether the `properties` of a page have a form that Notion takes at all, before it looks at what the columns are. There are
//! two: each value under the name of its kind (`{"Count": {"number": 4}}`), or each bare (`{"Count": 4}`), for the whole map.
//! Source: refusals that users quote (2022 to 2026), and a user's tries of August 2026 that found the two forms.

use serde_json::Value;

use super::super::super::check::{At, Faults, Invalid};
use super::super::file::named;
use super::super::rich_text::rich_text;
use super::super::{LIST_MAX, URL_MAX, date};
use super::{LINE_MAX, place, references};

/// The kinds of values that can be written, in the order in which refusals list them; the last two are guesses.
const KINDS: [&str; 16] = [
    "title",
    "rich_text",
    "number",
    "url",
    "select",
    "multi_select",
    "people",
    "email",
    "phone_number",
    "date",
    "checkbox",
    "relation",
    "files",
    "status",
    "place",
    "verification",
];

/// What tells the kinds of bare values that are objects: a choice, a date, a place, a verification; with what else they hold.
const BARE: [(&str, &[&str]); 5] = [
    ("id", &["id", "name", "color", "description"]),
    ("name", &["id", "name", "color", "description"]),
    ("start", &["start", "end", "time_zone"]),
    ("lat", &["lat", "lon", "name", "address", "aws_place_id", "google_place_id"]),
    ("state", &["state", "date"]),
];

/// What an answer says of a value besides the value. It may be sent back, and says nothing.
const SAID: [&str; 3] = ["id", "type", "has_more"];

/// Checks all values of a request.
pub(crate) fn check(at: &At<'_>) -> Result<(), Invalid> {
    let entries = at.entries()?;
    let mut wrapped = Faults::default();
    for (_, at) in entries.iter().filter(|(_, at)| !at.is_null()) {
        wrapped.note(in_kind(at));
    }
    let Err(wrapped) = wrapped.end() else { return Ok(()) };
    let not_bare = entries.iter().find(|(_, at)| !at.is_null() && !is_bare(at));
    match not_bare {
        Some((_, at)) => Err(Invalid::any([wrapped, bare(at)])),
        None => Ok(()),
    }
}

/// Whether a value comes without the name of its kind.
pub(crate) fn is_bare(at: &At<'_>) -> bool {
    match at.raw() {
        Some(Value::Object(object)) => BARE.iter().any(|(key, known)| {
            object.contains_key(*key) && object.keys().all(|had| known.contains(&had.as_str()))
        }),
        Some(Value::Null) | None => false,
        Some(_) => true,
    }
}

/// What it would take for an object to be a bare value.
fn bare(at: &At<'_>) -> Invalid {
    let missing = |(key, known): &(&str, &[&str])| {
        if at.get(key).is_defined() { at.only(known).err() } else { Some(at.get(key).should("defined")) }
    };
    match at.object() {
        Ok(_) => Invalid::any(BARE.iter().filter_map(missing)),
        Err(invalid) => invalid,
    }
}

/// A value under the name of its kind.
fn in_kind(at: &At<'_>) -> Result<(), Invalid> {
    let object = at.object()?;
    let mut failed = Vec::with_capacity(KINDS.len());
    for kind in KINDS {
        let inner = at.get(kind);
        if !object.contains_key(kind) {
            failed.push(inner.should("defined"));
            continue;
        }
        let known: Vec<&str> = SAID.into_iter().chain([kind]).collect();
        match of_kind(kind, &inner).and_then(|()| at.only(&known)) {
            Ok(()) => return Ok(()),
            Err(invalid) => failed.push(invalid),
        }
    }
    Err(Invalid::any(failed))
}

fn of_kind(kind: &str, at: &At<'_>) -> Result<(), Invalid> {
    let text = |at: &At<'_>, max| at.populated_text(max);
    match kind {
        "title" | "rich_text" => return rich_text(at).map(drop),
        "checkbox" => return at.boolean().map(drop),
        _ => {}
    }
    // That an empty list may be `null` is a guess.
    let read = |at: &At<'_>| match kind {
        "multi_select" => at.each(LIST_MAX, choice).map(drop),
        "people" | "relation" => references(at).map(drop),
        "files" => at.each(LIST_MAX, named).map(drop),
        "number" => at.number().map(drop),
        "url" => text(at, URL_MAX).map(drop),
        "email" | "phone_number" => text(at, LINE_MAX).map(drop),
        "select" | "status" => choice(at),
        "date" => date(at).map(drop),
        "place" => place(at).map(drop),
        _ => at.object().map(drop),
    };
    at.clone().nullable(read).map(drop)
}

/// A choice by its id or its name.
fn choice(at: &At<'_>) -> Result<(), Invalid> {
    let key = at.variant(&["id", "name"])?;
    at.get(key).string()?;
    at.only(&["id", "name", "color", "description"])
}
