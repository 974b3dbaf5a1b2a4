//! The four edits: what they ask for, and what they make of a text. Selections are exact, case counts, and they must be
//! clear: a text that is not there, or is there twice, is refused.

use uuid::Uuid;

use super::super::check::At;
use super::super::failure::Failure;
use crate::markdown::write::Written;

/// How many replacements one request may bring. Source: Notion, "Update a page's content as markdown" (read 2026-11-27).
const UPDATES_MAX: usize = 100;

/// How long replacements may make a text, in bytes: four times the largest request. Each can double what the ones before
/// it made. Whether Notion has a limit is not known.
const TEXT_MAX: usize = 2 * 1024 * 1024;

/// An edit of a page's text.
#[derive(Debug, Clone)]
pub(crate) enum Edit {
    Insert { content: String, at: Target },
    ReplaceRange { content: String, range: String, allow_deleting: bool },
    Update { updates: Vec<Update>, allow_deleting: bool },
    ReplaceAll { content: String, allow_deleting: bool },
}

/// Where new content goes.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    Start,
    End,
    /// After the first text that this selects.
    After(String),
}

/// One replacement.
#[derive(Debug, Clone)]
pub(crate) struct Update {
    old: String,
    new: String,
    all: bool,
}

/// Where among the page's blocks new ones go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Start,
    End,
    After(Uuid),
}

/// Reads a request.
pub(crate) fn read(at: &At<'_>) -> Result<Edit, Failure> {
    let kinds = ["insert_content", "replace_content_range", "update_content", "replace_content"];
    let kind = at.get("type").one_of(&kinds)?;
    at.only(&["type", kind, "allow_async"])?;
    let inner = at.get(kind);
    let allow_deleting = inner.get("allow_deleting_content").optional(At::boolean);
    let text = |name: &str| inner.get(name).string().map(str::to_owned);
    Ok(match kind {
        "insert_content" => {
            inner.only(&["content", "after", "position"])?;
            Edit::Insert { content: text("content")?, at: target(&inner)? }
        }
        "replace_content_range" => {
            inner.only(&["content", "content_range", "allow_deleting_content"])?;
            let (content, range) = (text("content")?, text("content_range")?);
            Edit::ReplaceRange { content, range, allow_deleting: allow_deleting?.unwrap_or(false) }
        }
        "update_content" => {
            inner.only(&["content_updates", "allow_deleting_content"])?;
            let updates = inner.get("content_updates").items(UPDATES_MAX)?;
            let updates = updates.iter().map(update).collect::<Result<_, _>>()?;
            Edit::Update { updates, allow_deleting: allow_deleting?.unwrap_or(false) }
        }
        _ => {
            inner.only(&["new_str", "allow_deleting_content"])?;
            Edit::ReplaceAll { content: text("new_str")?, allow_deleting: allow_deleting?.unwrap_or(false) }
        }
    })
}

fn target(at: &At<'_>) -> Result<Target, Failure> {
    let (after, position) = (at.get("after"), at.get("position"));
    if after.is_defined() {
        if position.is_defined() {
            return Err(position.should("not present").into());
        }
        return Ok(Target::After(after.filled_text(usize::MAX)?));
    }
    if !position.is_defined() {
        return Ok(Target::End);
    }
    position.only(&["type"])?;
    Ok(match position.get("type").one_of(&["start", "end"])? {
        "start" => Target::Start,
        _ => Target::End,
    })
}

fn update(at: &At<'_>) -> Result<Update, super::super::check::Invalid> {
    at.only(&["old_str", "new_str", "replace_all_matches"])?;
    Ok(Update {
        old: at.get("old_str").filled_text(usize::MAX)?,
        new: at.get("new_str").string()?.to_owned(),
        all: at.get("replace_all_matches").optional(At::boolean)?.unwrap_or(false),
    })
}

impl Edit {
    pub(crate) fn allows_deleting(&self) -> bool {
        match self {
            Self::Insert { .. } => true,
            Self::ReplaceRange { allow_deleting, .. }
            | Self::Update { allow_deleting, .. }
            | Self::ReplaceAll { allow_deleting, .. } => *allow_deleting,
        }
    }

    /// The text to read: of the whole page, or, for an insertion, of what is new.
    pub(crate) fn text(&self, page: &str) -> Result<String, Failure> {
        match self {
            Self::Insert { content, .. } | Self::ReplaceAll { content, .. } => Ok(content.clone()),
            Self::ReplaceRange { content, range, .. } => {
                let (start, end) = selected(page, range)?;
                Ok(format!("{}{content}{}", &page[..start], &page[end..]))
            }
            // Each works on what those before it made (a guess).
            Self::Update { updates, .. } => {
                updates.iter().try_fold(page.to_owned(), |text, update| update.made_in(&text))
            }
        }
    }

    /// Where an insertion goes; nothing for the other edits.
    pub(crate) fn place(&self, page: &Written) -> Result<Option<Place>, Failure> {
        let Self::Insert { at, .. } = self else { return Ok(None) };
        Ok(Some(match at {
            Target::Start => Place::Start,
            Target::End => Place::End,
            Target::After(selection) => {
                let (start, end) = selected(&page.text, selection)?;
                // A line may be selected with its end: that is still not the next block. Source: a recorded answer of
                // March 2026.
                let end = start + page.text[start..end].trim_end_matches('\n').len().max(1);
                // The innermost block in which the selection ends; places are in order of their starts.
                let inside = page.places.iter().rfind(|(_, place)| place.start < end && end <= place.end);
                inside.map_or(Place::End, |(id, _)| Place::After(*id))
            }
        }))
    }
}

impl Update {
    fn made_in(&self, text: &str) -> Result<String, Failure> {
        let count = text.matches(self.old.as_str()).count();
        if count == 0 {
            return Err(not_found(&self.old));
        }
        if count > 1 && !self.all {
            // Notion's own words are not known.
            return Err(Failure::validation(format!(
                "Multiple matches ({count}) found for <pattern>{}</pattern>. Provide more context in old_str, or set \
                 replace_all_matches to true.",
                self.old
            )));
        }
        let left = text.len().saturating_sub(count.saturating_mul(self.old.len()));
        let length = left.saturating_add(count.saturating_mul(self.new.len()));
        if length > TEXT_MAX && length > text.len() {
            return Err(Failure::validation(format!(
                "The replacements would make the content longer than {TEXT_MAX} bytes."
            )));
        }
        Ok(text.replace(self.old.as_str(), &self.new))
    }
}

/// The first text that `start...end` selects, or that is there literally.
fn selected(text: &str, selection: &str) -> Result<(usize, usize), Failure> {
    if let Some((start, end)) =
        selection.split_once("...").filter(|(start, end)| !start.is_empty() && !end.is_empty())
    {
        let range = text.find(start).and_then(|from| {
            let inside = from + start.len();
            text[inside..].find(end).map(|at| (from, inside + at + end.len()))
        });
        return range.ok_or_else(|| not_selected(selection, text));
    }
    // Without dots the text is its own end, and refusals say so. Source: a user's report of April 2026.
    let range = text.find(selection).map(|from| (from, from + selection.len()));
    range.ok_or_else(|| not_selected(&format!("{selection}...{selection}"), text))
}

/// Source: as a user of the API quotes it, April 2026. What stands for the page is not quoted: its text is a guess.
fn not_selected(pattern: &str, page: &str) -> Failure {
    Failure::validation(format!(
        "String not found: <pattern>{pattern}</pattern> in current version of the page <target>{page}</target>"
    ))
}

/// Source: as users of the API quote it, April and May 2026.
fn not_found(selection: &str) -> Failure {
    Failure::validation(format!("String not found: <pattern>{selection}</pattern>"))
}
