//! Files, icons and covers: linked from elsewhere, or uploaded here.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::words::{Word, known_word};

/// Where a file lies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum FileSource {
    /// An address outside.
    External(String),
    /// An upload, by its id.
    Uploaded(Uuid),
}

impl FileSource {
    /// The last part of an address outside, without what follows `?` or `#`.
    pub(crate) fn last_part(&self) -> Option<&str> {
        let Self::External(url) = self else { return None };
        let path = url.split(['?', '#']).next().unwrap_or_default();
        path.rsplit_once('/').map(|(_, last)| last)
    }
}

/// A file in a `files` property.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NamedFile {
    pub(crate) name: String,
    pub(crate) source: FileSource,
}

/// The colours of Notion's own icons.
pub(crate) const ICON_COLORS: [&str; 10] =
    ["gray", "lightgray", "brown", "yellow", "orange", "green", "blue", "purple", "pink", "red"];

/// The picture in front of a title.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Icon {
    Emoji(String),
    CustomEmoji(Uuid),
    /// One of Notion's own icons.
    Named {
        name: String,
        /// One of [`ICON_COLORS`].
        #[serde(deserialize_with = "known_word")]
        color: Word,
    },
    File(FileSource),
}
