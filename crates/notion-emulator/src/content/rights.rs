//! What people may do on pages, as they share them with each other in the app: a right given on a page holds for
//! everything below it, until a page below says otherwise. An integration never may more than who authorized it.
//! Source: Notion, "Capabilities" and "Working with comments" (read 2026-11-22).

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Content;

/// What a person may do, each including the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Right {
    /// The page does not show.
    None,
    Read,
    Comment,
    Edit,
    /// Sharing too: only such pages can be handed to an integration.
    FullAccess,
}

impl Content {
    /// What `person`, a member of the workspace, may do with the page, database or block `id`.
    pub(crate) fn right(&self, person: Uuid, id: Uuid) -> Right {
        for above in self.upwards(id) {
            if let Some(right) = self.rights.get(&above).and_then(|of| of.get(&person)) {
                return *right;
            }
            if let Some(owner) = self.pages.get(&above).and_then(|page| page.private_to) {
                return if owner == person { Right::FullAccess } else { Right::None };
            }
        }
        Right::FullAccess
    }

    /// Gives `person` a right on a page or database, or with `None` the one inherited from above.
    pub(crate) fn set_right(&mut self, id: Uuid, person: Uuid, right: Option<Right>) {
        let of = self.rights.entry(id).or_default();
        match right {
            Some(right) => of.insert(person, right),
            None => of.remove(&person),
        };
    }
}
