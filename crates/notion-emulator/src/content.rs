//! What the workspaces hold: pages, blocks, databases, data sources, views and comments. Everything is found by id; a
//! page or database is a block of the tree plus a record of its own under the same id.

pub(crate) mod blob;
pub(crate) mod block;
pub(crate) mod comment;
pub(crate) mod convert;
pub(crate) mod database;
pub(crate) mod date;
pub(crate) mod emoji;
pub(crate) mod file;
pub(crate) mod file_types;
pub(crate) mod ids;
pub(crate) mod languages;
pub(crate) mod page;
pub(crate) mod property;
mod relations;
pub(crate) mod rich_text;
pub(crate) mod rights;
mod sound;
pub(crate) mod template;
mod tree;
pub(crate) mod upload;
mod usage;
pub(crate) mod view;
pub(crate) mod words;

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use block::Block;
use comment::Comment;
use database::{DataSource, Database};
use emoji::CustomEmoji;
use file::Icon;
use page::Page;
use rights::Right;
use template::Templates;
pub(crate) use tree::{Place, Reader, plain_run, plain_text};
use upload::Upload;
pub(crate) use usage::Usage;
use view::SavedView;

/// All content of all workspaces.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Content {
    pub(crate) blocks: HashMap<Uuid, Block>,
    pub(crate) pages: HashMap<Uuid, Page>,
    pub(crate) databases: HashMap<Uuid, Database>,
    pub(crate) data_sources: HashMap<Uuid, DataSource>,
    #[serde(default)]
    pub(crate) views: HashMap<Uuid, SavedView>,
    pub(crate) comments: HashMap<Uuid, Comment>,
    /// Comments by what they hang from, oldest first.
    pub(crate) comments_on: HashMap<Uuid, Vec<Uuid>>,
    /// Discussions that somebody has marked as done.
    #[serde(default)]
    pub(crate) resolved: HashSet<Uuid>,
    /// The top level of each workspace, in the order of its sidebar.
    pub(crate) top_level: HashMap<Uuid, Vec<Uuid>>,
    /// What people may do, by page or database and by person; the nearest on the way up counts.
    #[serde(default)]
    pub(crate) rights: HashMap<Uuid, HashMap<Uuid, Right>>,
    /// By data source.
    #[serde(default)]
    pub(crate) templates: HashMap<Uuid, Templates>,
    /// How much each workspace has made so far.
    #[serde(default)]
    pub(crate) usage: HashMap<Uuid, Usage>,
    /// Top-level pages that a bot made, which its token therefore reaches: by bot.
    pub(crate) made_by: HashMap<Uuid, HashSet<Uuid>>,
    pub(crate) uploads: HashMap<Uuid, Upload>,
    pub(crate) custom_emojis: Vec<CustomEmoji>,
}

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
    /// How many of the lines before it are of pages that bring it along.
    pub(crate) within: usize,
}

/// How deep the picker shows the tree: more would bury the pages that people look for.
const PICKER_DEPTH_MAX: usize = 2;

impl Content {
    /// The custom emoji with this id.
    pub(crate) fn custom_emoji(&self, id: Uuid) -> Option<&CustomEmoji> {
        self.custom_emojis.iter().find(|emoji| emoji.id == id)
    }

    /// What `person` can hand to an integration in `workspace`, which takes full access: top level first, children
    /// indented below.
    pub(crate) fn pickable(&self, workspace: Uuid, person: Uuid) -> Vec<Pickable> {
        let mut found = Vec::new();
        for id in self.top_level.get(&workspace).into_iter().flatten() {
            self.pick(*id, person, (0, 0), &mut found);
        }
        found
    }

    /// Adds `id` and what is below it to the picker's lines.
    fn pick(&self, id: Uuid, person: Uuid, (depth, within): (usize, usize), found: &mut Vec<Pickable>) {
        let Some(block) = self.blocks.get(&id).filter(|block| !block.in_trash) else { return };
        let (title, icon, kind) = if let Some(page) = self.pages.get(&id) {
            (plain_text(self, page.title()), &page.icon, PickKind::Page)
        } else if let Some(database) = self.databases.get(&id) {
            (self.title(id), &database.icon, PickKind::Database)
        } else {
            return;
        };
        let icon = match icon {
            Some(Icon::Emoji(emoji)) => Some(emoji.clone()),
            _ => None,
        };
        let offered = self.right(person, id) == Right::FullAccess;
        if offered {
            found.push(Pickable { id, title, icon, kind, depth, within });
        }
        if depth < PICKER_DEPTH_MAX {
            for child in &block.children {
                self.pick(*child, person, (depth + 1, within + usize::from(offered)), found);
            }
        }
    }
}
