//! Comments: discussions on pages and blocks.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::block::Parent;
use super::rich_text::RichText;

/// Under which name a comment shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum DisplayName {
    Integration,
    User,
    Custom(String),
}

/// One comment of a discussion.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Comment {
    pub(crate) id: Uuid,
    /// A page or a block.
    pub(crate) parent: Parent,
    pub(crate) discussion: Uuid,
    pub(crate) created_at: Timestamp,
    pub(crate) edited_at: Timestamp,
    pub(crate) created_by: Uuid,
    pub(crate) rich_text: Vec<RichText>,
    pub(crate) display_name: DisplayName,
    /// The name as it shows.
    pub(crate) resolved_name: Option<String>,
    /// Uploads.
    pub(crate) attachments: Vec<Uuid>,
}
