//! What a block of each kind says, from JSON. The same reading serves new blocks and updates: an update has the old body,
//! from which it takes what it leaves out.
//! Source: `BlockObjectRequest` and `UpdateBlockBodyParameters` in the types of `@notionhq/client` 5.26.0.

use serde_json::json;

use super::super::super::check::{At, Invalid};
use super::super::file::{icon, source};
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
    let keys = |own: &[&str]| {
        let mut keys = own.to_vec();
        // An update may say that it brings no children, and cannot bring any. Source: recorded answers of June 2026.
        if old.is_none() || at.get("children").raw().is_some_and(|children| *children == json!([])) {
            keys.push("children");
        }
        at.only(&keys)
    };
    let plain = || {
        keys(&["rich_text", "color"])?;
        text(at, old, Needed::Always)
    };
    Ok(match kind {
        "paragraph" | "callout" => {
            keys(&["rich_text", "color", "icon"])?;
            let (text, icon) = (text(at, old, Needed::InNew)?, icon_or_kept(at, old)?);
            if kind == "paragraph" { Body::Paragraph { text, icon } } else { Body::Callout { text, icon } }
        }
        "heading_1" | "heading_2" | "heading_3" | "heading_4" => {
            keys(&["rich_text", "color", "is_toggleable"])?;
            let before = matches!(old, Some(Body::Heading { is_toggleable: true, .. }));
            let level = kind.as_bytes()[kind.len() - 1] - b'0';
            let text = text(at, old, Needed::Always)?;
            // A new heading with children is toggleable, whatever it says. Source: recorded answers of September 2025.
            let holds =
                old.is_none() && at.get("children").raw().is_some_and(|children| *children != json!([]));
            Body::Heading { level, text, is_toggleable: flag(at, "is_toggleable", before)? || holds }
        }
        "bulleted_list_item" => Body::BulletedListItem(plain()?),
        "numbered_list_item" => {
            let (start, format) = match old {
                Some(Body::NumberedListItem { start, format, .. }) => (*start, *format),
                _ => (None, None),
            };
            Body::NumberedListItem { text: plain()?, start, format }
        }
        "quote" => Body::Quote(plain()?),
        "toggle" => Body::Toggle(plain()?),
        "to_do" => {
            keys(&["rich_text", "color", "checked"])?;
            let before = matches!(old, Some(Body::ToDo { checked: true, .. }));
            Body::ToDo { text: text(at, old, Needed::InNew)?, checked: flag(at, "checked", before)? }
        }
        "template" => {
            keys(&["rich_text"])?;
            Body::Template(rich_text(&at.get("rich_text"))?)
        }
        "tab" | "column_list" => {
            keys(&[])?;
            if kind == "tab" { Body::Tab } else { Body::ColumnList }
        }
        "column" => {
            keys(&["width_ratio"])?;
            Body::Column { width_ratio: ratio(at, old)? }
        }
        "synced_block" => {
            keys(&["synced_from"])?;
            let from = at.get("synced_from").nullable(|at| {
                at.only(&["type", "block_id"])?;
                at.get("block_id").uuid()
            })?;
            Body::SyncedBlock { from }
        }
        "table" => {
            let width: &[&str] = if old.is_some() { &[] } else { &["table_width"] };
            keys(&[&["has_column_header", "has_row_header"], width].concat())?;
            table(at, old)?
        }
        _ => childless(kind, at, old)?,
    })
}

/// The content of the kinds that never have children.
fn childless(kind: &'static str, at: &At<'_>, old: Option<&Body>) -> Result<Body, Invalid> {
    Ok(match kind {
        "divider" | "breadcrumb" => {
            at.only(&[])?;
            if kind == "divider" { Body::Divider } else { Body::Breadcrumb }
        }
        "code" => {
            at.only(&["rich_text", "caption", "language"])?;
            let language = match old {
                Some(Body::Code { language, .. }) => {
                    at.get("language").optional(|at| at.one_of(&LANGUAGES))?.unwrap_or(language)
                }
                _ => at.get("language").one_of(&LANGUAGES)?,
            };
            let caption = caption(at, old)?;
            Body::Code { rich_text: words(at, old, Needed::InNew)?, caption, language }
        }
        "equation" => {
            at.only(&["expression"])?;
            Body::Equation(at.get("expression").text(EXPRESSION_MAX)?)
        }
        "table_of_contents" => {
            at.only(&["color"])?;
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
        "table_row" => {
            at.only(&["cells"])?;
            Body::TableRow(at.get("cells").items(LIST_MAX)?.iter().map(rich_text).collect::<Result<_, _>>()?)
        }
        "embed" | "bookmark" => {
            at.only(&["url", "caption"])?;
            let url = at.get("url");
            let url = match old {
                Some(Body::Web { url: before, .. }) => {
                    url.optional(|at| at.text(URL_MAX))?.unwrap_or_else(|| before.clone())
                }
                _ => url.text(URL_MAX)?,
            };
            Body::Web { kind, url, caption: caption(at, old)? }
        }
        _ => media(kind, at, old)?,
    })
}

fn media(kind: &'static str, at: &At<'_>, old: Option<&Body>) -> Result<Body, Invalid> {
    let others: &[&str] = if kind == "file" { &["caption", "name"] } else { &["caption"] };
    let (source, before) = match old {
        Some(Body::Media { source: kept, name, .. })
            if !at.get("external").is_defined() && !at.get("file_upload").is_defined() =>
        {
            at.only(others)?;
            (kept.clone(), name.clone())
        }
        Some(Body::Media { name, .. }) => (source(at, others)?, name.clone()),
        _ => (source(at, others)?, None),
    };
    let given = at.get("name").optional(|at| at.text(NAME_MAX))?;
    let name = match (given, before) {
        (Some(name), Some(before)) => Some(with_ending(name, &before, &source)),
        (given, before) => given.or(before),
    };
    let name = (kind == "file").then(|| name.unwrap_or_default());
    Ok(Body::Media { kind, source, caption: caption(at, old)?, name })
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

fn table(at: &At<'_>, old: Option<&Body>) -> Result<Body, Invalid> {
    let (width, column, row) = match old {
        Some(Body::Table { width, has_column_header, has_row_header }) => {
            (*width, *has_column_header, *has_row_header)
        }
        _ => (at.get("table_width").integer(1, WIDTH_MAX)?, false, false),
    };
    Ok(Body::Table {
        width,
        has_column_header: flag(at, "has_column_header", column)?,
        has_row_header: flag(at, "has_row_header", row)?,
    })
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
fn text(at: &At<'_>, old: Option<&Body>, needed: Needed) -> Result<Text, Invalid> {
    let before = old.and_then(Body::text).map_or("default", |text| text.color);
    Ok(Text { rich_text: words(at, old, needed)?, color: color(at, before)? })
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

/// An icon; `null`, which answers show for none, takes it away.
fn icon_or_kept(at: &At<'_>, old: Option<&Body>) -> Result<Option<Icon>, Invalid> {
    let kept = match old {
        Some(Body::Paragraph { icon, .. } | Body::Callout { icon, .. }) => icon.clone(),
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
