//! Moving about in the tree: parents, children, who is below whom, what an edit touches.

use std::sync::LazyLock;

use std::collections::HashSet;

use uuid::Uuid;

use super::Content;
use super::block::{Block, Body, Parent, Stamp};
use super::database::DataSource;
use super::property::{Kind, Property, TITLE};
use super::rich_text::{Mention, RichText, Run};

/// A tree deeper than this is broken: the walk upwards stops here instead of running in a circle.
pub(super) const DEPTH_MAX: usize = 1_000;

/// How many levels one request can bring: a page with markdown, which nests 100 deep, and a table around it.
const REQUEST_LEVELS: usize = 120;

impl Content {
    /// Hangs a new block in the tree, after `after` among its siblings or at the end.
    pub(crate) fn insert(&mut self, block: Block, place: Place) {
        self.usage.entry(block.workspace).or_default().count(block.created.at);
        self.hang(block, place);
    }

    fn hang(&mut self, block: Block, place: Place) {
        let id = block.id;
        match block.parent {
            Parent::Workspace => self.top_level.entry(block.workspace).or_default().push(id),
            Parent::DataSource(source) => {
                if let Some(source) = self.data_sources.get_mut(&source) {
                    source.rows.push(id);
                }
            }
            Parent::Page(parent) | Parent::Block(parent) => {
                if let Some(parent) = self.blocks.get_mut(&parent) {
                    let at = place.index(&parent.children);
                    parent.children.insert(at, id);
                }
            }
        }
        self.blocks.insert(id, block);
    }

    /// Gives another id to a block that only its neighbours know yet. Whether that could be.
    pub(crate) fn rename_block(&mut self, old: Uuid, new: Uuid) -> bool {
        if self.blocks.contains_key(&new)
            || self.pages.contains_key(&old)
            || self.databases.contains_key(&old)
        {
            return false;
        }
        let Some(mut block) = self.blocks.remove(&old) else { return false };
        block.id = new;
        for child in &block.children {
            self.blocks.entry(*child).and_modify(|child| child.parent = Parent::Block(new));
        }
        if let Parent::Page(parent) | Parent::Block(parent) = block.parent
            && let Some(parent) = self.blocks.get_mut(&parent)
        {
            parent.children.iter_mut().filter(|child| **child == old).for_each(|child| *child = new);
        }
        self.blocks.insert(new, block);
        true
    }

    /// Takes a block off what it hangs from; the caller hangs it somewhere else.
    pub(crate) fn detach(&mut self, id: Uuid) {
        let Some((parent, workspace)) = self.blocks.get(&id).map(|block| (block.parent, block.workspace))
        else {
            return;
        };
        let siblings = match parent {
            Parent::Workspace => self.top_level.get_mut(&workspace),
            Parent::DataSource(source) => self.data_sources.get_mut(&source).map(|source| &mut source.rows),
            Parent::Page(above) | Parent::Block(above) => {
                self.blocks.get_mut(&above).map(|block| &mut block.children)
            }
        };
        if let Some(siblings) = siblings {
            siblings.retain(|sibling| *sibling != id);
        }
        // A template that leaves its table is none any more.
        for templates in self.templates.values_mut() {
            templates.pages.retain(|listed| *listed != id);
            templates.default = templates.default.filter(|default| *default != id);
        }
    }

    /// Puts the children of a block in this order; those that it does not name, in the trash, come last.
    pub(crate) fn order_children(&mut self, id: Uuid, order: &[Uuid]) {
        let Some(block) = self.blocks.get_mut(&id) else { return };
        let named: HashSet<Uuid> = order.iter().copied().collect();
        let others = std::mem::take(&mut block.children).into_iter().filter(|child| !named.contains(child));
        block.children = order.iter().copied().chain(others).collect();
    }

    /// The block, data source or nothing that `parent` names, as an id in the tree.
    pub(crate) fn above(&self, parent: Parent) -> Option<Uuid> {
        match parent {
            Parent::Workspace => None,
            Parent::Page(id) | Parent::Block(id) => Some(id),
            Parent::DataSource(id) => self.data_sources.get(&id).map(|source| source.database),
        }
    }

    /// `id` and everything above it, nearest first; data sources come between their rows and their database.
    pub(crate) fn upwards(&self, id: Uuid) -> impl Iterator<Item = Uuid> + '_ {
        std::iter::successors(Some(id), |id| {
            if let Some(source) = self.data_sources.get(id) {
                return Some(source.database);
            }
            match self.blocks.get(id)?.parent {
                Parent::Workspace => None,
                Parent::Page(id) | Parent::Block(id) | Parent::DataSource(id) => Some(id),
            }
        })
        .take(DEPTH_MAX)
    }

    /// Whether what one request makes, and `brought` with all below it, can hang from `above` without lying too deep for
    /// the walk upwards, which is what sharing, rights and circles are found by.
    pub(crate) fn has_depth(&self, above: Uuid, brought: Option<Uuid>) -> bool {
        let brought = brought.map_or(0, |id| self.height(id));
        self.upwards(above).count() + REQUEST_LEVELS + brought < DEPTH_MAX
    }

    /// How many levels `id` and what is below it take, the trash included.
    fn height(&self, id: Uuid) -> usize {
        let (mut level, mut height) = (vec![id], 0);
        while !level.is_empty() && height < DEPTH_MAX {
            height += 1;
            level = level.iter().flat_map(|id| self.directly_below(*id)).copied().collect();
        }
        height
    }

    fn directly_below(&self, id: Uuid) -> impl Iterator<Item = &Uuid> {
        let blocks = self.blocks.get(&id).map(|block| &block.children);
        let sources = self.databases.get(&id).map(|database| &database.data_sources);
        let rows = self.data_sources.get(&id).map(|source| &source.rows);
        let templates = self.templates.get(&id).map(|of| &of.pages);
        [blocks, sources, rows, templates].into_iter().flatten().flatten()
    }

    /// Whether something above `id` is in the trash.
    pub(crate) fn ancestor_in_trash(&self, id: Uuid) -> bool {
        self.upwards(id).skip(1).any(|above| {
            self.blocks.get(&above).is_some_and(|block| block.in_trash)
                || self.data_sources.get(&above).is_some_and(|source| source.in_trash)
        })
    }

    /// The data sources of a database that are not in the trash.
    pub(crate) fn live_data_sources(&self, database: Uuid) -> Vec<Uuid> {
        let all = self.databases.get(&database).map_or(&[][..], |database| &database.data_sources);
        let lives = |id: &&Uuid| self.data_sources.get(id).is_some_and(|source| !source.in_trash);
        all.iter().filter(lives).copied().collect()
    }

    /// The data sources that a linked database shows: those of its views. One with data sources of its own is none.
    pub(crate) fn linked_data_sources(&self, database: Uuid) -> Vec<Uuid> {
        let Some(found) = self.databases.get(&database).filter(|found| found.data_sources.is_empty()) else {
            return Vec::new();
        };
        let mut sources = Vec::new();
        for view in found.views.iter().filter_map(|id| self.views.get(id)) {
            if let Some(source) = view.data_source.filter(|source| !sources.contains(source)) {
                sources.push(source);
            }
        }
        sources
    }

    /// Hangs a page or database from something else, after what hangs there already.
    pub(crate) fn rehang(&mut self, id: Uuid, parent: Parent) {
        self.detach(id);
        let Some(mut block) = self.blocks.remove(&id) else { return };
        block.parent = parent;
        self.hang(block, Place::End);
    }

    /// Notes who put something at the top level: a bot reaches what it put there.
    pub(crate) fn note_maker(&mut self, bot: Uuid, id: Uuid, parent: Parent) {
        if parent == Parent::Workspace {
            self.made_by.entry(bot).or_default().insert(id);
        }
    }

    /// Throws away what is on a page: everything goes to the trash, pages and databases too.
    pub(crate) fn erase(&mut self, id: Uuid) {
        for child in self.blocks.get(&id).map(|block| block.children.clone()).unwrap_or_default() {
            if let Some(child) = self.blocks.get_mut(&child) {
                child.in_trash = true;
            }
        }
    }

    /// Moves a data source, with its rows, to another database.
    pub(crate) fn move_data_source(&mut self, id: Uuid, to: Uuid) {
        let Some(source) = self.data_sources.get_mut(&id) else { return };
        let from = std::mem::replace(&mut source.database, to);
        if let Some(from) = self.databases.get_mut(&from) {
            from.data_sources.retain(|listed| *listed != id);
        }
        if let Some(to) = self.databases.get_mut(&to) {
            to.data_sources.push(id);
        }
    }

    /// Whether a page or block is there, and neither it nor anything above it is in the trash.
    pub(crate) fn lives(&self, id: Uuid) -> bool {
        self.blocks.get(&id).is_some_and(|block| !block.in_trash) && !self.ancestor_in_trash(id)
    }

    /// The columns that a page has: those of its data source, or only a title.
    pub(crate) fn columns(&self, block: &Block) -> &[Property] {
        self.columns_below(block.parent)
    }

    /// The columns that a page has that hangs from `parent`.
    pub(crate) fn columns_below(&self, parent: Parent) -> &[Property] {
        static FREE_STANDING: LazyLock<Vec<Property>> = LazyLock::new(|| {
            let (id, name) = (TITLE.to_owned(), TITLE.to_owned());
            vec![Property { id, name, description: None, kind: Kind::Title }]
        });
        match parent {
            Parent::DataSource(id) => {
                self.data_sources.get(&id).map_or(FREE_STANDING.as_slice(), |source| &source.properties)
            }
            _ => &FREE_STANDING,
        }
    }

    /// Notes an edit of `id`: it and the page that it is on carry the time and the editor.
    pub(crate) fn touch(&mut self, id: Uuid, stamp: Stamp) {
        let page = self.upwards(id).find(|above| self.pages.contains_key(above));
        for edited in std::iter::once(id).chain(page) {
            if let Some(block) = self.blocks.get_mut(&edited) {
                block.edited = stamp;
            }
        }
    }

    /// The children of a block that are not in the trash.
    pub(crate) fn live_children<'a>(&'a self, block: &'a Block) -> impl Iterator<Item = &'a Block> {
        block.children.iter().filter_map(|id| self.blocks.get(id)).filter(|child| !child.in_trash)
    }

    /// The block whose children `block` shows: a synced copy shows those of its original, if that is there.
    pub(crate) fn original<'a>(&'a self, block: &'a Block) -> &'a Block {
        match block.body {
            Body::SyncedBlock { from: Some(from) } => self.blocks.get(&from).unwrap_or(block),
            _ => block,
        }
    }

    /// The title of a page or database, in pieces. A database that nobody gave one has a name all the same.
    /// Source: recorded answers of June 2026.
    pub(crate) fn title_runs(&self, id: Uuid) -> &[RichText] {
        static UNTITLED: LazyLock<Vec<RichText>> = LazyLock::new(|| vec![RichText::plain("New database")]);
        let database = || match self.databases.get(&id) {
            Some(database) if database.title.is_empty() => UNTITLED.as_slice(),
            Some(database) => database.title.as_slice(),
            None => &[],
        };
        self.pages.get(&id).map_or_else(database, |page| page.title())
    }

    /// The data source that bears the title, description, icon and cover of its database: the first.
    pub(crate) fn namesake(&mut self, database: Uuid) -> Option<&mut DataSource> {
        let first = *self.databases.get(&database)?.data_sources.first()?;
        self.data_sources.get_mut(&first)
    }

    /// The title of a page or database as plain text, with nothing in it that only some may read.
    pub(crate) fn title(&self, id: Uuid) -> String {
        plain_text(self, self.title_runs(id))
    }

    /// The page that a block is on, or the page itself.
    pub(crate) fn is_page(&self, id: Uuid) -> bool {
        self.blocks.get(&id).is_some_and(|block| block.body == Body::ChildPage)
    }
}

/// Where among its siblings a new block goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Start,
    End,
    After(Uuid),
}

impl Place {
    pub(super) fn index(self, siblings: &[Uuid]) -> usize {
        match self {
            Self::Start => 0,
            Self::End => siblings.len(),
            Self::After(id) => {
                siblings.iter().position(|sibling| *sibling == id).map_or(siblings.len(), |at| at + 1)
            }
        }
    }
}

/// Whoever reads a text: what its mentions say depends on them.
pub(crate) trait Reader {
    /// What a person is called, if the reader is told.
    fn name(&self, person: Uuid) -> Option<String>;

    /// Whether the reader may know the title of a page or database.
    fn reads(&self, page: Uuid) -> bool;
}

/// Nobody in particular, who is told nothing.
struct Nobody;

impl Reader for Nobody {
    fn name(&self, _: Uuid) -> Option<String> {
        None
    }

    fn reads(&self, _: Uuid) -> bool {
        false
    }
}

/// The text of a run as `reader` reads it. A page that is mentioned in a title which is itself only mentioned goes without
/// its own: titles may mention each other.
pub(crate) fn plain_run(content: &Content, run: &RichText, reader: &dyn Reader) -> String {
    match &run.run {
        Run::Text { content, .. } => content.clone(),
        Run::Equation(expression) => expression.clone(),
        Run::Mention(mention) => match mention {
            Mention::Date(date) => match &date.end {
                Some(end) => format!("{} → {end}", date.start),
                None => date.start.clone(),
            },
            // Source: Notion, "Rich text", page mentions (read 2026-11-27): without access the text is "Untitled".
            Mention::Page(id) | Mention::Database(id) => {
                let title = if reader.reads(*id) { content.title(*id) } else { String::new() };
                if title.is_empty() { "Untitled".to_owned() } else { title }
            }
            Mention::User(id) => format!("@{}", reader.name(*id).as_deref().unwrap_or("Anonymous")),
            Mention::TemplateDate(which) => format!("@{which}"),
            Mention::TemplateUser => "@me".to_owned(),
            Mention::CustomEmoji(id) => {
                format!(":{}:", content.custom_emoji(*id).map_or("emoji", |emoji| &emoji.name))
            }
        },
    }
}

/// Rich text as plain text, with nothing in it that only some may read.
pub(crate) fn plain_text(content: &Content, text: &[RichText]) -> String {
    text.iter().map(|run| plain_run(content, run, &Nobody)).collect()
}
