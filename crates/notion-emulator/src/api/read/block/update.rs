//! A change to a block that is there: its kind stays, and some kinds can only be thrown away.

use super::super::super::check::{At, Invalid};
use super::body::body;
use crate::content::block::Body;

/// The new body of a block that has `old`; `None` if the request does not speak of it.
pub(crate) fn update(at: &At<'_>, old: &Body) -> Result<Option<Body>, Invalid> {
    let kind = old.kind();
    // An answer may be sent back, so what says which block it is may stand there.
    let mut known = vec!["object", "type", "in_trash", "archived"];
    if is_changeable(old) {
        known.push(kind);
    }
    at.only(&known)?;
    at.get("type").optional(|at| at.one_of(&[kind]))?;
    let inner = at.get(kind);
    if !inner.is_defined() {
        return Ok(None);
    }
    inner.object()?;
    body(kind, &inner, Some(old)).map(Some)
}

/// Whether the API changes what a block of this kind says.
/// Source: `UpdateBlockBodyParameters` in the types of `@notionhq/client` 5.26.0.
fn is_changeable(body: &Body) -> bool {
    !matches!(
        body,
        Body::ChildPage
            | Body::ChildDatabase
            | Body::ColumnList
            | Body::LinkPreview(_)
            | Body::MeetingNotes(_)
            | Body::Unsupported { .. }
    )
}
