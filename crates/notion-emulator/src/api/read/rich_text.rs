//! Rich text from JSON.

use super::super::check::{At, Faults, Invalid};
use super::{LIST_MAX, URL_MAX, date};
use crate::content::rich_text::{Annotations, COLORS, Mention, RichText, Run};

/// Longest text of one run, in UTF-16 units. Source: Notion, "Request limits" (autumn 2026).
const CONTENT_MAX: usize = 2_000;

/// Longest equation. Source: as above.
const EXPRESSION_MAX: usize = 1_000;

/// A list of runs.
pub(crate) fn rich_text(at: &At<'_>) -> Result<Vec<RichText>, Invalid> {
    at.each(LIST_MAX, run)
}

/// One run. `plain_text` and `href` may stand there, as when an answer is sent back, and say nothing.
fn run(at: &At<'_>) -> Result<RichText, Invalid> {
    let kinds = ["text", "mention", "equation"];
    let kind = match at.get("type").optional(|at| at.one_of(&kinds))? {
        Some(kind) => kind,
        None => at.variant(&kinds)?,
    };
    let inner = at.get(kind);
    let mut faults = Faults::default();
    let run = faults.some(match kind {
        "text" => text(&inner),
        "equation" => equation(&inner),
        _ => mention(&inner).map(Run::Mention),
    });
    let annotations = faults.note(at.get("annotations").optional(annotations)).unwrap_or_default();
    faults.note(at.only(&["type", kind, "annotations", "plain_text", "href"]));
    faults.end()?;
    run.map(|run| RichText { run, annotations }).ok_or_else(|| inner.should("defined"))
}

fn text(at: &At<'_>) -> Result<Run, Invalid> {
    at.object()?;
    let mut faults = Faults::default();
    let content = faults.note(at.get("content").text(CONTENT_MAX));
    let link = faults.note(at.get("link").optional_nullable(|at| {
        let url = at.get("url").populated_text(URL_MAX);
        at.only(&["url", "type"])?;
        url
    }));
    faults.note(at.only(&["content", "link"]));
    faults.end()?;
    Ok(Run::Text { content, link: link.flatten() })
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
    at.object()?;
    let mut faults = Faults::default();
    let mut flag = |key| faults.note(at.get(key).optional(At::boolean)).unwrap_or(false);
    let (bold, italic, strikethrough) = (flag("bold"), flag("italic"), flag("strikethrough"));
    let (underline, code) = (flag("underline"), flag("code"));
    let color = faults.note(at.get("color").optional(|at| at.one_of(&COLORS))).unwrap_or("default");
    faults.note(at.only(&["bold", "italic", "strikethrough", "underline", "code", "color"]));
    faults.end()?;
    Ok(Annotations { bold, italic, strikethrough, underline, code, color })
}
