//! Rich text from JSON.

use super::super::check::{At, Invalid};
use super::{LIST_MAX, URL_MAX, date};
use crate::content::rich_text::{Annotations, COLORS, Mention, RichText, Run};

/// Longest text of one run, in UTF-16 units. Source: Notion, "Request limits" (autumn 2026).
const CONTENT_MAX: usize = 2_000;

/// Longest equation. Source: as above.
const EXPRESSION_MAX: usize = 1_000;

/// A list of runs.
pub(crate) fn rich_text(at: &At<'_>) -> Result<Vec<RichText>, Invalid> {
    at.items(LIST_MAX)?.iter().map(run).collect()
}

/// One run. `plain_text` and `href` may stand there, as when an answer is sent back, and say nothing.
fn run(at: &At<'_>) -> Result<RichText, Invalid> {
    let kinds = ["text", "mention", "equation"];
    let kind = match at.get("type").optional(|at| at.one_of(&kinds))? {
        Some(kind) => kind,
        None => at.variant(&kinds)?,
    };
    at.only(&["type", kind, "annotations", "plain_text", "href"])?;
    let inner = at.get(kind);
    let run = match kind {
        "text" => text(&inner)?,
        "equation" => equation(&inner)?,
        _ => Run::Mention(mention(&inner)?),
    };
    let annotations = at.get("annotations").optional(annotations)?.unwrap_or_default();
    Ok(RichText { run, annotations })
}

fn text(at: &At<'_>) -> Result<Run, Invalid> {
    at.only(&["content", "link"])?;
    let link = at.get("link").optional_nullable(|at| {
        at.only(&["url", "type"])?;
        at.get("url").filled_text(URL_MAX)
    })?;
    Ok(Run::Text { content: at.get("content").text(CONTENT_MAX)?, link: link.flatten() })
}

fn equation(at: &At<'_>) -> Result<Run, Invalid> {
    at.only(&["expression"])?;
    Ok(Run::Equation(at.get("expression").text(EXPRESSION_MAX)?))
}

fn mention(at: &At<'_>) -> Result<Mention, Invalid> {
    let kinds = ["user", "date", "page", "database", "template_mention", "custom_emoji"];
    let kind = match at.get("type").optional(|at| at.one_of(&kinds))? {
        Some(kind) => kind,
        None => at.variant(&kinds)?,
    };
    at.only(&["type", kind])?;
    let inner = at.get(kind);
    let id = || inner.get("id").uuid();
    Ok(match kind {
        "user" => Mention::User(id()?),
        "date" => Mention::Date(date(&inner)?),
        "page" => Mention::Page(id()?),
        "database" => Mention::Database(id()?),
        "custom_emoji" => Mention::CustomEmoji(id()?),
        _ => match inner.variant(&["template_mention_date", "template_mention_user"])? {
            "template_mention_date" => {
                Mention::TemplateDate(inner.get("template_mention_date").one_of(&["today", "now"])?)
            }
            _ => {
                inner.get("template_mention_user").one_of(&["me"])?;
                Mention::TemplateUser
            }
        },
    })
}

fn annotations(at: &At<'_>) -> Result<Annotations, Invalid> {
    at.only(&["bold", "italic", "strikethrough", "underline", "code", "color"])?;
    let flag = |key| Ok::<_, Invalid>(at.get(key).optional(At::boolean)?.unwrap_or(false));
    Ok(Annotations {
        bold: flag("bold")?,
        italic: flag("italic")?,
        strikethrough: flag("strikethrough")?,
        underline: flag("underline")?,
        code: flag("code")?,
        color: at.get("color").optional(|at| at.one_of(&COLORS))?.unwrap_or("default"),
    })
}
