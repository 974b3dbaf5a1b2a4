//! A change to a block that is there: its kind stays, and some kinds can only be thrown away.

use super::super::super::check::{At, Faults, Invalid};
use super::body::body;
use super::{KINDS, SAID};
use crate::content::block::Body;

/// The new body of a block that has `old`; `None` if the request does not speak of it.
pub(crate) fn update(at: &At<'_>, old: &Body) -> Result<Option<Body>, Invalid> {
    let kind = old.kind();
    let said = at.get("type");
    if said.raw().is_some_and(|said| !said.is_string()) {
        // Source: a refusal that users quote, of clients that put the whole change there.
        let kinds = KINDS.iter().map(|kind| at.get(kind).should("defined"));
        return Err(Invalid::any(kinds.chain([said.should("not present")])));
    }
    let inner = at.get(kind);
    let mut faults = Faults::default();
    faults.note(said.optional(|at| at.one_of(&[kind])));
    let changes = is_changeable(old) && inner.is_defined();
    let new = if changes { faults.some(body(kind, &inner, Some(old))) } else { None };
    // An answer may be sent back, so what it says of the block may stand there.
    let own = is_changeable(old).then_some(kind);
    faults.note(at.only(&SAID.into_iter().chain(["type"]).chain(own).collect::<Vec<_>>()));
    faults.end().map(|()| new)
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
