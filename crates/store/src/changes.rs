//! The feed of changes: which rows are not any more what whoever remembers them read.

/// What kind of row changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// An API key ended.
    Key,
    /// A connection, or the grant that it stands on.
    Connection,
    /// A grant's pair or state.
    Grant,
}

impl Changed {
    /// Reads the stored word.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        match word {
            "key" => Some(Self::Key),
            "connection" => Some(Self::Connection),
            "grant" => Some(Self::Grant),
            _ => None,
        }
    }
}

/// One row that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What kind.
    pub kind: Changed,
    /// Which: the id; of a connection, its client id, a slash and its id.
    pub id: String,
}

/// A piece of the feed of changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// The number of the last one.
    pub upto: u64,
    /// Whether these are all since the number that was asked for. If not, anything may have changed.
    pub complete: bool,
    /// Oldest first; one row may be told twice.
    pub changes: Vec<Change>,
}

/// Who is told of changes.
pub type ChangeHook = std::sync::Arc<dyn Fn(&Changes) + Send + Sync>;
