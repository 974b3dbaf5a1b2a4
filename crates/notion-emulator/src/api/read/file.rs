//! Files, icons and covers from JSON.

use super::super::check::{At, Invalid};
use super::URL_MAX;
use crate::content::file::{FileSource, ICON_COLORS, Icon, NamedFile};
use crate::signing::file_of;

/// Longest file name. Source: Notion, "Request limits" (autumn 2026): 900 bytes; names are mostly ASCII, so units do.
const NAME_MAX: usize = 900;

/// The place of a file: `external` or `file_upload` under the object at `at`, which may hold `others` too.
pub(crate) fn source(at: &At<'_>, others: &[&str]) -> Result<FileSource, Invalid> {
    let kinds = ["external", "file_upload"];
    let kind = match at.get("type").optional(|at| at.one_of(&kinds))? {
        Some(kind) => kind,
        None => at.variant(&kinds)?,
    };
    let mut keys = vec!["type", kind];
    keys.extend(others);
    at.only(&keys)?;
    source_under(at, kind)
}

/// The same in a change, which brings the place alone: its type is not said again.
pub(crate) fn changed_source(at: &At<'_>, others: &[&str]) -> Result<FileSource, Invalid> {
    let kind = at.variant(&["external", "file_upload"])?;
    let mut keys = vec![kind];
    keys.extend(others);
    at.only(&keys)?;
    source_under(at, kind)
}

/// Reads the place under the key `kind`.
fn source_under(at: &At<'_>, kind: &str) -> Result<FileSource, Invalid> {
    let inner = at.get(kind);
    if kind == "file_upload" {
        // Whether there is such an upload was checked before: see `attachments.rs`.
        inner.only(&["id"])?;
        return Ok(FileSource::Uploaded(inner.get("id").uuid()?));
    }
    inner.only(&["url"])?;
    Ok(FileSource::External(inner.get("url").populated_text(URL_MAX)?))
}

/// An element of a `files` property. Files that are there already may be sent back as they were shown.
pub(crate) fn named(at: &At<'_>) -> Result<NamedFile, Invalid> {
    let kind = at.variant(&["external", "file_upload", "file"])?;
    at.only(&["type", "name", kind])?;
    let source = match kind {
        "file" => kept(&at.get("file"))?,
        _ => source_under(at, kind)?,
    };
    let name = match kind {
        "external" | "file" => Some(at.get("name").text(NAME_MAX)?),
        _ => at.get("name").optional(|at| at.text(NAME_MAX))?,
    };
    Ok(NamedFile { name: name.unwrap_or_default(), source })
}

/// A stored file by an address that an answer gave for it. What Notion says to other addresses is a guess.
fn kept(at: &At<'_>) -> Result<FileSource, Invalid> {
    at.only(&["url", "expiry_time"])?;
    let url = at.get("url");
    let id = file_of(url.string()?).ok_or_else(|| url.should("the URL of a file in this workspace"))?;
    Ok(FileSource::Uploaded(id))
}

/// An icon.
pub(crate) fn icon(at: &At<'_>) -> Result<Icon, Invalid> {
    let kinds = ["emoji", "external", "file_upload", "custom_emoji", "icon"];
    let kind = match at.get("type").optional(|at| at.one_of(&kinds))? {
        Some(kind) => kind,
        None => at.variant(&kinds)?,
    };
    at.only(&["type", kind])?;
    Ok(match kind {
        "emoji" => Icon::Emoji(emoji(&at.get("emoji"))?),
        "custom_emoji" => Icon::CustomEmoji(at.get("custom_emoji").get("id").uuid()?),
        "icon" => {
            let inner = at.get("icon");
            inner.only(&["name", "color"])?;
            let color = inner.get("color").optional(|at| at.one_of(&ICON_COLORS))?.unwrap_or("gray");
            Icon::Named { name: inner.get("name").filled_text(NAME_MAX)?, color }
        }
        _ => match source_under(at, kind)? {
            FileSource::External(url) => own_icon(&url).unwrap_or(Icon::File(FileSource::External(url))),
            source @ FileSource::Uploaded(_) => Icon::File(source),
        },
    })
}

/// One of Notion's own icons by the address that it has there. Source: a recorded change of June 2026; that the colours are
/// those of named icons, and the address is either of Notion's hosts, is a guess.
fn own_icon(url: &str) -> Option<Icon> {
    let url = url::Url::parse(url).ok().filter(|url| url.scheme() == "https")?;
    if !matches!(url.host_str(), Some("www.notion.so" | "notion.so" | "www.notion.com" | "notion.com")) {
        return None;
    }
    let name = url.path().strip_prefix("/icons/")?.strip_suffix(".svg")?;
    let (name, color) = name.rsplit_once('_')?;
    let color = ICON_COLORS.iter().find(|known| **known == color)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let is_name = !name.is_empty() && name.chars().all(plain);
    is_name.then(|| Icon::Named { name: name.to_owned(), color })
}

/// One emoji. Notion checks against a list; here it is enough that it is short and not plain text.
fn emoji(at: &At<'_>) -> Result<String, Invalid> {
    let text = at.string()?;
    let looks_right =
        !text.is_empty() && text.chars().count() <= 12 && !text.chars().all(|c| c.is_ascii_alphabetic());
    if looks_right { Ok(text.to_owned()) } else { Err(at.should("a valid emoji")) }
}

/// A cover.
pub(crate) fn cover(at: &At<'_>) -> Result<FileSource, Invalid> {
    source(at, &[])
}
