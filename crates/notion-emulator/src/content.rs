//! What a workspace holds: pages, blocks, databases, data sources and comments, as data.

use uuid::Uuid;

/// All content of all workspaces.
#[derive(Debug, Default)]
pub(crate) struct Content {}

/// What a consent screen can offer for picking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PickKind {
    /// A page.
    Page,
    /// A database.
    Database,
}

/// One line of the consent screen's page picker.
#[derive(Debug, Clone)]
pub(crate) struct Pickable {
    pub(crate) id: Uuid,
    pub(crate) title: String,
    /// An emoji, if the page has one.
    pub(crate) icon: Option<String>,
    pub(crate) kind: PickKind,
    /// 0 for the top level; children follow their parent with one more.
    pub(crate) depth: usize,
}

impl Content {
    /// What `person` can hand to an integration in `workspace`: top level first, children indented below.
    pub(crate) fn pickable(&self, _workspace: Uuid, _person: Uuid) -> Vec<Pickable> {
        Vec::new()
    }
}
