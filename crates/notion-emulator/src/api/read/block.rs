//! Blocks from JSON: for appending (with children) and for updating (without).

use super::super::check::{At, Invalid};
use super::file::{icon, source};
use super::rich_text::rich_text;
use super::{LIST_MAX, URL_MAX};
use crate::content::block::{Body, Text};
use crate::content::rich_text::COLORS;

/// A block to be made, with the blocks below it.
#[derive(Debug, Clone)]
pub(crate) struct NewBlock {
    pub(crate) body: Body,
    pub(crate) children: Vec<NewBlock>,
}

impl NewBlock {
    /// How many blocks this is, counting those below.
    pub(crate) fn count(&self) -> usize {
        1 + self.children.iter().map(Self::count).sum::<usize>()
    }
}

/// The kinds of block that a request can make, in the order in which Notion lists them.
const KINDS: [&str; 34] = [
    "embed",
    "bookmark",
    "image",
    "video",
    "pdf",
    "file",
    "audio",
    "code",
    "equation",
    "divider",
    "breadcrumb",
    "tab",
    "table_of_contents",
    "link_to_page",
    "table_row",
    "table",
    "column_list",
    "column",
    "heading_1",
    "heading_2",
    "heading_3",
    "heading_4",
    "paragraph",
    "bulleted_list_item",
    "numbered_list_item",
    "quote",
    "to_do",
    "toggle",
    "template",
    "callout",
    "synced_block",
    // Known, and refused: they are made by other endpoints.
    "child_page",
    "child_database",
    "link_preview",
];

/// How many of [`KINDS`] can be made by appending.
const MAKEABLE: usize = 31;

/// How many levels of children one request may bring. Source: Notion, "Request limits" (autumn 2026).
pub(crate) const NESTING_MAX: usize = 2;

/// A list of blocks to append. `levels` more levels of children may follow below.
pub(crate) fn blocks(at: &At<'_>, levels: usize) -> Result<Vec<NewBlock>, Invalid> {
    at.items(LIST_MAX)?.iter().map(|at| block(at, levels)).collect()
}

/// One block with its children.
fn block(at: &At<'_>, levels: usize) -> Result<NewBlock, Invalid> {
    at.get("object").optional(|at| at.one_of(&["block"]))?;
    let kind = kind_of(at, &KINDS[..MAKEABLE])?;
    at.only(&["object", "type", kind])?;
    let inner = at.get(kind);
    let body = body(kind, &inner, true)?;
    let children = match inner.get("children").optional(|at| children(kind, at, levels))? {
        Some(children) => children,
        None if matches!(kind, "table" | "column_list" | "column") => {
            return Err(inner.get("children").should("defined"));
        }
        None => Vec::new(),
    };
    if let Body::Table { width, .. } = body {
        check_table(&inner, width, &children)?;
    }
    if kind == "column_list" && children.len() < 2 {
        return Err(inner.get("children").should("an array of length ≥ `2`"));
    }
    Ok(NewBlock { body, children })
}

/// The kind of a block: what `type` says, or the one key that is there.
fn kind_of(at: &At<'_>, kinds: &[&'static str]) -> Result<&'static str, Invalid> {
    let named =
        at.get("type").optional(At::string)?.and_then(|name| kinds.iter().find(|kind| **kind == name));
    match named {
        Some(kind) => Ok(kind),
        None => at.variant(kinds),
    }
}

/// The children of a block of this kind.
fn children(kind: &str, at: &At<'_>, levels: usize) -> Result<Vec<NewBlock>, Invalid> {
    // Rows and columns belong to their table or list, not to the nesting that is counted.
    let structural = matches!(kind, "table" | "column_list" | "column" | "tab");
    if levels == 0 && !structural {
        return Err(at.should("not present"));
    }
    let list = blocks(at, if structural { levels } else { levels - 1 })?;
    let expected = match kind {
        "table" => Some("table_row"),
        "column_list" => Some("column"),
        "tab" => Some("paragraph"),
        _ => None,
    };
    if let Some(expected) = expected {
        for (child, at) in list.iter().zip(at.items(LIST_MAX)?) {
            if child.body.kind() != expected {
                return Err(at.get(expected).should("defined"));
            }
        }
    }
    Ok(list)
}

/// A table needs rows, each as wide as the table.
fn check_table(at: &At<'_>, width: u64, rows: &[NewBlock]) -> Result<(), Invalid> {
    if rows.is_empty() {
        return Err(at.get("children").should("an array of length ≥ `1`"));
    }
    for (row, at) in rows.iter().zip(at.get("children").items(LIST_MAX)?) {
        if let Body::TableRow(cells) = &row.body
            && cells.len() as u64 != width
        {
            return Err(at.get("table_row").get("cells").should(&format!("an array of length `{width}`")));
        }
    }
    Ok(())
}

/// The new body of a block that has `old`; what the request leaves out stays.
pub(crate) fn update(at: &At<'_>, old: &Body) -> Result<Option<Body>, Invalid> {
    let kind = old.kind();
    let Some(object) = at.raw().and_then(serde_json::Value::as_object) else {
        return Err(at.should("an object"));
    };
    at.only(&update_keys(kind))?;
    if !object.contains_key(kind) {
        return Ok(None);
    }
    let inner = at.get(kind);
    let mut merged = inner.object()?.clone();
    merge_old(&mut merged, old);
    let merged = serde_json::Value::Object(merged);
    let merged = At::root(&format!("body.{kind}"), Some(&merged));
    let mut new = body(kind, &merged, false)?;
    if !inner.get("rich_text").is_defined()
        && let (Some(new), Some(old)) = (new.rich_text_mut(), old.rich_text())
    {
        old.clone_into(new);
    }
    Ok(Some(new))
}

/// The keys of an update's body: the block's kind and the flags.
fn update_keys(kind: &'static str) -> [&'static str; 5] {
    ["object", "type", kind, "in_trash", "archived"]
}

/// Puts what an update leaves out, where that may be left out, into `new`.
fn merge_old(new: &mut serde_json::Map<String, serde_json::Value>, old: &Body) {
    let mut keep = |key: &str, value: serde_json::Value| {
        new.entry(key).or_insert(value);
    };
    match old {
        Body::ToDo { checked, text } => {
            keep("checked", (*checked).into());
            keep("color", text.color.into());
        }
        Body::Heading { is_toggleable, text, .. } => {
            keep("is_toggleable", (*is_toggleable).into());
            keep("color", text.color.into());
        }
        Body::Code { language, .. } => keep("language", (*language).into()),
        Body::Table { width, has_column_header, has_row_header } => {
            keep("table_width", (*width).into());
            keep("has_column_header", (*has_column_header).into());
            keep("has_row_header", (*has_row_header).into());
        }
        Body::Paragraph { text, .. }
        | Body::BulletedListItem(text)
        | Body::NumberedListItem { text, .. }
        | Body::Quote(text)
        | Body::Toggle(text)
        | Body::Callout { text, .. } => keep("color", text.color.into()),
        Body::TableOfContents { color } => keep("color", (*color).into()),
        _ => {}
    }
}

/// The content of a block of this kind. `making` demands what only a new block must bring.
fn body(kind: &'static str, at: &At<'_>, making: bool) -> Result<Body, Invalid> {
    let only = |keys: &[&str]| {
        let mut keys = keys.to_vec();
        if making {
            keys.push("children");
        }
        at.only(&keys)
    };
    let plain = || {
        only(&["rich_text", "color"])?;
        text(at, making)
    };
    Ok(match kind {
        "paragraph" | "callout" => {
            only(&["rich_text", "color", "icon"])?;
            let (text, icon) = (text(at, making)?, at.get("icon").optional_nullable(icon)?.flatten());
            if kind == "paragraph" { Body::Paragraph { text, icon } } else { Body::Callout { text, icon } }
        }
        "heading_1" | "heading_2" | "heading_3" | "heading_4" => {
            only(&["rich_text", "color", "is_toggleable"])?;
            let is_toggleable = flag(at, "is_toggleable")?;
            let level = kind.as_bytes()[kind.len() - 1] - b'0';
            Body::Heading { level, text: text(at, making)?, is_toggleable }
        }
        "bulleted_list_item" => Body::BulletedListItem(plain()?),
        "numbered_list_item" => Body::NumberedListItem { text: plain()?, start: None, format: None },
        "quote" => Body::Quote(plain()?),
        "toggle" => Body::Toggle(plain()?),
        "to_do" => {
            only(&["rich_text", "color", "checked"])?;
            Body::ToDo { text: text(at, making)?, checked: flag(at, "checked")? }
        }
        "template" => {
            only(&["rich_text"])?;
            Body::Template(rich_text(&at.get("rich_text"))?)
        }
        "tab" | "divider" | "breadcrumb" | "column_list" => {
            only(&[])?;
            match kind {
                "tab" => Body::Tab,
                "divider" => Body::Divider,
                "breadcrumb" => Body::Breadcrumb,
                _ => Body::ColumnList,
            }
        }
        _ => special(kind, at, making)?,
    })
}

/// The content of the kinds that are not lines of text.
fn special(kind: &'static str, at: &At<'_>, making: bool) -> Result<Body, Invalid> {
    Ok(match kind {
        "code" => {
            at.only(&["rich_text", "caption", "language"])?;
            Body::Code {
                rich_text: rich_text_or_kept(at, making)?,
                caption: at.get("caption").optional(rich_text)?.unwrap_or_default(),
                language: at.get("language").one_of(&crate::content::languages::LANGUAGES)?,
            }
        }
        "equation" => {
            at.only(&["expression"])?;
            Body::Equation(at.get("expression").text(1_000)?)
        }
        "table_of_contents" => {
            at.only(&["color"])?;
            Body::TableOfContents { color: color(at)? }
        }
        "column" => {
            at.only(&["children", "width_ratio"])?;
            let ratio = at.get("width_ratio").optional(At::number)?;
            Body::Column { width_ratio: ratio.and_then(|ratio| ratio.as_f64()) }
        }
        "link_to_page" => {
            let kind = at.variant(&["page_id", "database_id", "comment_id"])?;
            at.only(&["type", kind])?;
            Body::LinkToPage { kind, id: at.get(kind).uuid()? }
        }
        "synced_block" => {
            at.only(&["synced_from", "children"])?;
            let from = at.get("synced_from").nullable(|at| at.get("block_id").uuid())?;
            Body::SyncedBlock { from }
        }
        "table" => {
            at.only(&["table_width", "has_column_header", "has_row_header", "children"])?;
            Body::Table {
                width: at.get("table_width").integer(1, 100)?,
                has_column_header: flag(at, "has_column_header")?,
                has_row_header: flag(at, "has_row_header")?,
            }
        }
        "table_row" => {
            at.only(&["cells"])?;
            Body::TableRow(at.get("cells").items(LIST_MAX)?.iter().map(rich_text).collect::<Result<_, _>>()?)
        }
        "embed" | "bookmark" => {
            at.only(&["url", "caption"])?;
            let caption = at.get("caption").optional(rich_text)?.unwrap_or_default();
            Body::Web { kind, url: at.get("url").text(URL_MAX)?, caption }
        }
        _ => {
            let named = kind == "file";
            let source = source(at, if named { &["caption", "name"] } else { &["caption"] })?;
            let caption = at.get("caption").optional(rich_text)?.unwrap_or_default();
            let name = at.get("name").optional(|at| at.text(900))?;
            Body::Media { kind, source, caption, name: named.then(|| name.unwrap_or_default()) }
        }
    })
}

/// Text and colour.
fn text(at: &At<'_>, making: bool) -> Result<Text, Invalid> {
    Ok(Text { rich_text: rich_text_or_kept(at, making)?, color: color(at)? })
}

fn rich_text_or_kept(at: &At<'_>, making: bool) -> Result<Vec<crate::content::rich_text::RichText>, Invalid> {
    if making {
        rich_text(&at.get("rich_text"))
    } else {
        Ok(at.get("rich_text").optional(rich_text)?.unwrap_or_default())
    }
}

fn color(at: &At<'_>) -> Result<&'static str, Invalid> {
    Ok(at.get("color").optional(|at| at.one_of(&COLORS))?.unwrap_or("default"))
}

fn flag(at: &At<'_>, key: &str) -> Result<bool, Invalid> {
    Ok(at.get(key).optional(At::boolean)?.unwrap_or(false))
}
