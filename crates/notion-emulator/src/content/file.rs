//! Files, icons and covers: linked from elsewhere, or uploaded here.

use uuid::Uuid;

/// Where a file lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FileSource {
    /// An address outside.
    External(String),
}

/// A file in a `files` property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NamedFile {
    pub(crate) name: String,
    pub(crate) source: FileSource,
}

/// The colours of Notion's own icons.
pub(crate) const ICON_COLORS: [&str; 10] =
    ["gray", "lightgray", "brown", "yellow", "orange", "green", "blue", "purple", "pink", "red"];

/// The picture in front of a title.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Icon {
    Emoji(String),
    CustomEmoji(Uuid),
    /// One of Notion's own icons.
    Named {
        name: String,
        /// One of [`ICON_COLORS`].
        color: &'static str,
    },
    File(FileSource),
}
