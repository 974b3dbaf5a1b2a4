//! Custom emojis: small pictures that a workspace made for itself.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::blob::Blob;

/// A custom emoji.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct CustomEmoji {
    pub(crate) id: Uuid,
    pub(crate) workspace: Uuid,
    /// Without colons.
    pub(crate) name: String,
    /// Its picture, an SVG.
    pub(crate) picture: Blob,
}

impl CustomEmoji {
    /// What its address ends with.
    pub(crate) fn file_name(&self) -> String {
        format!("{}.svg", self.name)
    }
}
