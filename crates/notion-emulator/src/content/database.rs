//! Databases (containers) and their data sources (a schema with rows).

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::block::Stamp;
use super::file::{FileSource, Icon};
use super::property::Property;
use super::rich_text::RichText;

/// What a database has beyond its block.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Database {
    pub(crate) title: Vec<RichText>,
    pub(crate) description: Vec<RichText>,
    pub(crate) icon: Option<Icon>,
    pub(crate) cover: Option<FileSource>,
    pub(crate) is_inline: bool,
    pub(crate) is_locked: bool,
    pub(crate) data_sources: Vec<Uuid>,
    /// Its tabs, in order; the widgets of dashboards are none.
    #[serde(default)]
    pub(crate) views: Vec<Uuid>,
}

/// A table of rows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct DataSource {
    pub(crate) id: Uuid,
    pub(crate) database: Uuid,
    pub(crate) workspace: Uuid,
    pub(crate) created: Stamp,
    pub(crate) edited: Stamp,
    pub(crate) title: Vec<RichText>,
    pub(crate) description: Vec<RichText>,
    pub(crate) icon: Option<Icon>,
    pub(crate) in_trash: bool,
    pub(crate) properties: Vec<Property>,
    /// Pages, in order of making; those in the trash stay.
    pub(crate) rows: Vec<Uuid>,
    /// The last number given by a `unique_id` property.
    pub(crate) last_unique_id: u64,
}
