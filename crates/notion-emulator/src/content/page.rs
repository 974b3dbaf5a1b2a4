//! What a page has beyond its block: properties, icon, cover and flags.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::file::{FileSource, Icon};
use super::property::{Stored, TITLE};
use super::rich_text::RichText;

/// A page: free-standing, or a row of a data source.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Page {
    pub(crate) icon: Option<Icon>,
    pub(crate) cover: Option<FileSource>,
    pub(crate) is_locked: bool,
    pub(crate) is_archived: bool,
    /// The only person who sees it, for pages in somebody's private section.
    pub(crate) private_to: Option<Uuid>,
    /// By property id; the title is under [`TITLE`].
    pub(crate) values: HashMap<String, Stored>,
}

impl Page {
    /// The title.
    pub(crate) fn title(&self) -> &[RichText] {
        match self.values.get(TITLE) {
            Some(Stored::Text(text)) => text,
            _ => &[],
        }
    }
}
