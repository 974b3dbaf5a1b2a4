//! What a block of each kind says, from JSON. The same reading serves new blocks and updates: an update has the old body,
//! from which it takes what it leaves out.
//! Source: `BlockObjectRequest` and `UpdateBlockBodyParameters` in the types of `@notionhq/client` 5.26.0.

use serde_json::Value;

use super::super::super::check::{At, Faults, Invalid};
use super::super::file::{changed_source, icon, source};
use super::super::rich_text::rich_text;
use super::super::{LIST_MAX, URL_MAX};
use crate::content::block::{Body, Text};
use crate::content::file::{FileSource, Icon};
use crate::content::languages::LANGUAGES;
use crate::content::rich_text::{COLORS, RichText};

/// Longest expression of an equation, in UTF-16 units. Source: Notion, "Request limits" (autumn 2026).
const EXPRESSION_MAX: usize = 1_000;

/// Widest table, in columns; a guess.
const WIDTH_MAX: u64 = 100;

/// Longest file name. Source: Notion, "Request limits" (autumn 2026): 900 bytes; names are mostly ASCII, so units do.
const NAME_MAX: usize = 900;

/// Longest ending of a file's name that is taken for one, in bytes.
const ENDING_MAX: usize = 8;

/// The content of a block of this kind.
pub(super) fn body(kind: &'static str, at: &At<'_>, old: Option<&Body>) -> Result<Body, Invalid> {
    at.object()?;
    let mut faults = Faults::default();
    let read = content(kind, at, old, &mut faults);
    let body = faults.some(read);
    faults.note(keys(kind, at, old));
    faults.end()?;
    body.ok_or_else(|| at.should("defined"))
}

/// Refuses keys that a block of this kind does not have. Children come with new blocks only; that an update brings none
/// may be said. Source: recorded updates of June 2026.
fn keys(kind: &str, at: &At<'_>, old: Option<&Body>) -> Result<(), Invalid> {
    let mut keys: Vec<&str> = match kind {
        "paragraph" | "callout" => vec!["rich_text", "color", "icon"],
        "heading_1" | "heading_2" | "heading_3" | "heading_4" => vec!["rich_text", "color", "is_toggleable"],
        "bulleted_list_item" | "numbered_list_item" | "quote" | "toggle" => vec!["rich_text", "color"],
        "to_do" => vec!["rich_text", "color", "checked"],
        "template" => vec!["rich_text"],
        "column" => vec!["width_ratio"],
        "synced_block" => vec!["synced_from"],
        "table" if old.is_some() => vec!["has_column_header", "has_row_header"],
        "table" => vec!["table_width", "has_column_header", "has_row_header"],
        "code" => vec!["rich_text", "caption", "language"],
        "equation" => vec!["expression"],
        "table_of_contents" => vec!["color"],
        // The place of what is shown is read with the keys beside it.
        "link_to_page" | "image" | "video" | "pdf" | "file" | "audio" => return Ok(()),
        "table_row" => vec!["cells"],
        "embed" | "bookmark" => vec!["url", "caption"],
        _ => Vec::new(),
    };
    let children = at.get("children");
    let none = children.raw().and_then(Value::as_array).is_some_and(Vec::is_empty);
    if takes_children(kind) && (old.is_none() || none) {
        keys.push("children");
    }
    at.only(&keys)
}

fn takes_children(kind: &str) -> bool {
    !matches!(
        kind,
        "code"
            | "equation"
            | "table_of_contents"
            | "table_row"
            | "embed"
            | "bookmark"
            | "divider"
            | "breadcrumb"
    )
}

/// Reads what a block of this kind says.
fn content(
    kind: &'static str,
    at: &At<'_>,
    old: Option<&Body>,
    faults: &mut Faults,
) -> Result<Body, Invalid> {
    Ok(match kind {
        "paragraph" | "callout" => {
            let text = text(at, old, Needed::InNew, faults);
            let icon = faults.note(icon_or_kept(kind, at, old));
            if kind == "paragraph" { Body::Paragraph { text, icon } } else { Body::Callout { text, icon } }
        }
        "heading_1" | "heading_2" | "heading_3" | "heading_4" => {
            let before = matches!(old, Some(Body::Heading { is_toggleable: true, .. }));
            let level = kind.as_bytes()[kind.len() - 1] - b'0';
            let text = text(at, old, Needed::Always, faults);
            // A new heading with children is toggleable, even if it says that it is not. Source: a recorded append of
            // September 2025.
            let children = at.get("children").raw().and_then(Value::as_array);
            let parent = old.is_none() && children.is_some_and(|children| !children.is_empty());
            let said = faults.note(flag(at, "is_toggleable", before));
            Body::Heading { level, text, is_toggleable: said || parent }
        }
        "bulleted_list_item" => Body::BulletedListItem(text(at, old, Needed::Always, faults)),
        "numbered_list_item" => {
            let (start, format) = match old {
                Some(Body::NumberedListItem { start, format, .. }) => (*start, *format),
                _ => (None, None),
            };
            Body::NumberedListItem { text: text(at, old, Needed::Always, faults), start, format }
        }
        "quote" => Body::Quote(text(at, old, Needed::Always, faults)),
        "toggle" => Body::Toggle(text(at, old, Needed::Always, faults)),
        "to_do" => {
            let before = matches!(old, Some(Body::ToDo { checked: true, .. }));
            let text = text(at, old, Needed::InNew, faults);
            Body::ToDo { text, checked: faults.note(flag(at, "checked", before)) }
        }
        "template" => Body::Template(rich_text(&at.get("rich_text"))?),
        "tab" => Body::Tab,
        "column_list" => Body::ColumnList,
        "column" => Body::Column { width_ratio: ratio(at, old)? },
        "synced_block" => {
            let from = at.get("synced_from").nullable(|at| {
                at.only(&["type", "block_id"])?;
                at.get("block_id").uuid()
            })?;
            Body::SyncedBlock { from }
        }
        "table" => table(at, old, faults),
        _ => childless(kind, at, old, faults)?,
    })
}

/// The content of the kinds that never have children.
fn childless(
    kind: &'static str,
    at: &At<'_>,
    old: Option<&Body>,
    faults: &mut Faults,
) -> Result<Body, Invalid> {
    Ok(match kind {
        "divider" => Body::Divider,
        "breadcrumb" => Body::Breadcrumb,
        "code" => {
            let rich_text = faults.note(words(at, old, Needed::InNew));
            let caption = faults.note(caption(at, old));
            let language = match old {
                Some(Body::Code { language, .. }) => {
                    at.get("language").optional(|at| at.one_of(&LANGUAGES))?.unwrap_or(language)
                }
                _ => at.get("language").one_of(&LANGUAGES)?,
            };
            Body::Code { rich_text, caption, language }
        }
        "equation" => Body::Equation(at.get("expression").text(EXPRESSION_MAX)?),
        "table_of_contents" => {
            let before = match old {
                Some(Body::TableOfContents { color }) => color,
                _ => "default",
            };
            Body::TableOfContents { color: color(at, before)? }
        }
        "link_to_page" => {
            let kind = at.variant(&["page_id", "database_id", "comment_id"])?;
            at.only(&["type", kind])?;
            Body::LinkToPage { kind, id: at.get(kind).uuid()? }
        }
        "table_row" => Body::TableRow(at.get("cells").each(LIST_MAX, rich_text)?),
        "embed" | "bookmark" => {
            let url = at.get("url");
            let caption = faults.note(caption(at, old));
            let url = match old {
                Some(Body::Web { url: before, .. }) => {
                    url.optional(|at| at.populated_text(URL_MAX))?.unwrap_or_else(|| before.clone())
                }
                _ => url.populated_text(URL_MAX)?,
            };
            Body::Web { kind, url, caption }
        }
        _ => media(kind, at, old, faults)?,
    })
}

fn media(kind: &'static str, at: &At<'_>, old: Option<&Body>, faults: &mut Faults) -> Result<Body, Invalid> {
    let others: &[&str] = if kind == "file" { &["caption", "name"] } else { &["caption"] };
    let caption = faults.note(caption(at, old));
    let given = faults.note(at.get("name").optional(|at| at.text(NAME_MAX)));
    let (source, before) = match old {
        Some(Body::Media { source: kept, name, .. }) => {
            let new = at.get("external").is_defined() || at.get("file_upload").is_defined();
            // An update names no type. Source: the update's types in `@notionhq/client` 5.26.0; that it is refused was
            // told by users.
            let source = if new {
                changed_source(at, others)?
            } else {
                at.only(others)?;
                kept.clone()
            };
            (source, name.clone())
        }
        _ => (source(at, others)?, None),
    };
    let name = match (given, before) {
        (Some(name), Some(before)) => Some(with_ending(name, &before, &source)),
        (given, before) => given.or(before),
    };
    let name = (kind == "file").then(|| name.unwrap_or_default());
    Ok(Body::Media { kind, source, caption, name })
}

/// A file that is renamed keeps its ending: `.txt` stays though the new name has none. Source: a recorded update of June 2026.
/// That a file without a name has the ending of its address is a guess, and that another ending is taken.
fn with_ending(name: String, before: &str, source: &FileSource) -> String {
    let ending = |name: &str| {
        let (stem, ending) = name.rsplit_once('.')?;
        let plain = !stem.is_empty() && (1..=ENDING_MAX).contains(&ending.len());
        (plain && ending.chars().all(|c| c.is_ascii_alphanumeric())).then(|| format!(".{ending}"))
    };
    if name.is_empty() || ending(&name).is_some() {
        return name;
    }
    let known = if before.is_empty() { source.last_part() } else { Some(before) };
    let ending = known.and_then(ending).unwrap_or_default();
    format!("{name}{ending}")
}

fn table(at: &At<'_>, old: Option<&Body>, faults: &mut Faults) -> Body {
    let (width, column, row) = match old {
        Some(Body::Table { width, has_column_header, has_row_header }) => {
            (*width, *has_column_header, *has_row_header)
        }
        _ => (faults.note(at.get("table_width").integer(1, WIDTH_MAX)), false, false),
    };
    Body::Table {
        width,
        has_column_header: faults.note(flag(at, "has_column_header", column)),
        has_row_header: faults.note(flag(at, "has_row_header", row)),
    }
}

/// The share of the list's width that a column takes. Source: Notion, "Block", columns (read 2026-11-22): between 0 and 1.
fn ratio(at: &At<'_>, old: Option<&Body>) -> Result<Option<f64>, Invalid> {
    let at = at.get("width_ratio");
    let given = at.clone().optional(At::number)?.and_then(|ratio| ratio.as_f64());
    match (given, old) {
        (Some(ratio), _) if ratio > 0.0 && ratio <= 1.0 => Ok(Some(ratio)),
        (Some(_), _) => Err(at.should("a number between `0` and `1`")),
        (None, Some(Body::Column { width_ratio })) => Ok(*width_ratio),
        (None, _) => Ok(None),
    }
}

/// Whether an update must bring the text too.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Needed {
    Always,
    InNew,
}

/// Text and colour.
fn text(at: &At<'_>, old: Option<&Body>, needed: Needed, faults: &mut Faults) -> Text {
    let before = old.and_then(Body::text).map_or("default", |text| text.color);
    let rich_text = faults.note(words(at, old, needed));
    Text { rich_text, color: faults.some(color(at, before)).unwrap_or(before) }
}

fn words(at: &At<'_>, old: Option<&Body>, needed: Needed) -> Result<Vec<RichText>, Invalid> {
    let at = at.get("rich_text");
    match old.and_then(Body::rich_text) {
        Some(kept) if needed == Needed::InNew => Ok(at.optional(rich_text)?.unwrap_or_else(|| kept.to_vec())),
        _ => rich_text(&at),
    }
}

fn caption(at: &At<'_>, old: Option<&Body>) -> Result<Vec<RichText>, Invalid> {
    let kept = match old {
        Some(Body::Code { caption, .. } | Body::Media { caption, .. } | Body::Web { caption, .. }) => caption,
        _ => &Vec::new(),
    };
    Ok(at.get("caption").optional(rich_text)?.unwrap_or_else(|| kept.clone()))
}

/// An icon; `null`, which answers show for none, takes it away. A new callout that does not speak of one has a light bulb.
/// Source: recorded answers of July 2022, and what a client's maintainer says of 2025.
fn icon_or_kept(kind: &str, at: &At<'_>, old: Option<&Body>) -> Result<Option<Icon>, Invalid> {
    let kept = match old {
        Some(Body::Paragraph { icon, .. } | Body::Callout { icon, .. }) => icon.clone(),
        None if kind == "callout" => Some(Icon::Emoji("💡".to_owned())),
        _ => None,
    };
    Ok(at.get("icon").optional_nullable(icon)?.unwrap_or(kept))
}

fn color(at: &At<'_>, before: &'static str) -> Result<&'static str, Invalid> {
    Ok(at.get("color").optional(|at| at.one_of(&COLORS))?.unwrap_or(before))
}

fn flag(at: &At<'_>, key: &str, before: bool) -> Result<bool, Invalid> {
    Ok(at.get(key).optional(At::boolean)?.unwrap_or(before))
}
