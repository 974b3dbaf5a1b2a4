//! How the seed is written down: a few short words for pages, blocks, tables and rows.

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use crate::api::read::schema::status_groups;
use crate::clock::Ids;
use crate::content::block::{Block, Body, Parent, Stamp, Text};
use crate::content::database::{DataSource, Database};
use crate::content::date::DateValue;
use crate::content::file::Icon;
use crate::content::page::Page;
use crate::content::property::{Choice, Kind, Property, Stored, TITLE};
use crate::content::rich_text::{Annotations, RichText, Run, plain};
use crate::content::view::SavedView;
use crate::content::{Content, Place};

/// Plants content in one workspace.
pub(super) struct Planter<'a> {
    pub(super) content: &'a mut Content,
    pub(super) ids: Ids,
    pub(super) workspace: Uuid,
    pub(super) by: Uuid,
    pub(super) at: Timestamp,
}

/// A time of the seed, such as `2026-11-03T09:30:00Z`.
pub(super) fn time(text: &str) -> Timestamp {
    text.parse().expect("the seed's times are written well")
}

/// Coloured text without colour.
fn text(content: &str) -> Text {
    Text { rich_text: marked(content), color: "default" }
}

/// Text in which `**this**` is bold.
fn marked(content: &str) -> Vec<RichText> {
    let parts = content.split("**").enumerate().filter(|(_, part)| !part.is_empty());
    let run = |(at, part): (usize, &str)| RichText {
        run: Run::Text { content: part.to_owned(), link: None },
        annotations: Annotations { bold: at % 2 == 1, ..Annotations::default() },
    };
    parts.map(run).collect()
}

pub(super) fn paragraph(content: &str) -> Body {
    Body::Paragraph { text: text(content), icon: None }
}

pub(super) fn heading(level: u8, content: &str) -> Body {
    Body::Heading { level, text: text(content), is_toggleable: false }
}

pub(super) fn bullet(content: &str) -> Body {
    Body::BulletedListItem(text(content))
}

pub(super) fn numbered(content: &str) -> Body {
    Body::NumberedListItem { text: text(content), start: None, format: None }
}

pub(super) fn quote(content: &str) -> Body {
    Body::Quote(text(content))
}

pub(super) fn to_do(checked: bool, content: &str) -> Body {
    Body::ToDo { text: text(content), checked }
}

pub(super) fn callout(emoji: &str, content: &str) -> Body {
    let text = Text { color: "gray_background", ..text(content) };
    Body::Callout { text, icon: Some(Icon::Emoji(emoji.to_owned())) }
}

pub(super) fn code(language: &'static str, content: &str) -> Body {
    Body::Code { rich_text: plain(content), caption: Vec::new(), language }
}

/// A column with choices, in their colours.
pub(super) fn choices(ids: &mut Ids, names: &[(&str, &'static str)]) -> Vec<Choice> {
    let choice = |(name, color): &(&str, &'static str)| Choice {
        id: ids.uuid().to_string(),
        name: (*name).to_owned(),
        color,
        description: None,
    };
    names.iter().map(choice).collect()
}

pub(super) fn status(ids: &mut Ids, names: &[(&str, &'static str)]) -> Kind {
    let choices = choices(ids, names);
    Kind::Status { groups: status_groups(&choices, true, ids), choices }
}

/// A cell by a choice's name.
pub(super) fn chosen(kind: &Kind, name: &str) -> String {
    let found = kind.choices().iter().find(|choice| choice.name == name);
    found.map(|choice| choice.id.clone()).expect("the seed names choices that are there")
}

pub(super) fn day(start: &str, end: Option<&str>) -> Stored {
    Stored::Date(DateValue { start: start.to_owned(), end: end.map(str::to_owned), time_zone: None })
}

impl Planter<'_> {
    fn stamp(&self) -> Stamp {
        Stamp { at: self.at, by: self.by }
    }

    fn hang(&mut self, id: Uuid, parent: Parent, body: Body) {
        let block = Block {
            id,
            workspace: self.workspace,
            parent,
            created: self.stamp(),
            edited: self.stamp(),
            in_trash: false,
            children: Vec::new(),
            body,
        };
        self.content.insert(block, Place::End);
    }

    /// A block below another; its id.
    pub(super) fn block(&mut self, parent: Parent, body: Body) -> Uuid {
        let id = self.ids.uuid();
        self.hang(id, parent, body);
        id
    }

    /// A page with its title and blocks.
    pub(super) fn page(
        &mut self,
        id: Option<Uuid>,
        parent: Parent,
        emoji: &str,
        title: &str,
        blocks: Vec<Body>,
    ) -> Uuid {
        let id = id.unwrap_or_else(|| self.ids.uuid());
        let values = HashMap::from([(TITLE.to_owned(), Stored::Text(plain(title)))]);
        let icon = (!emoji.is_empty()).then(|| Icon::Emoji(emoji.to_owned()));
        self.content.pages.insert(id, Page { icon, values, ..Page::default() });
        self.hang(id, parent, Body::ChildPage);
        self.blocks(Parent::Page(id), blocks);
        id
    }

    /// Blocks below a page or block.
    pub(super) fn blocks(&mut self, parent: Parent, blocks: Vec<Body>) {
        for body in blocks {
            self.block(parent, body);
        }
    }

    /// A database with one table.
    pub(super) fn table(
        &mut self,
        ids: [Uuid; 2],
        parent: Uuid,
        emoji: &str,
        title: &str,
        columns: Vec<Property>,
    ) {
        let [database, table] = ids;
        let icon = Some(Icon::Emoji(emoji.to_owned()));
        let made = Database {
            title: plain(title),
            icon: icon.clone(),
            data_sources: vec![table],
            ..Database::default()
        };
        self.content.databases.insert(database, made);
        let source = DataSource {
            id: table,
            database,
            workspace: self.workspace,
            created: self.stamp(),
            edited: self.stamp(),
            title: plain(title),
            description: Vec::new(),
            icon,
            in_trash: false,
            properties: columns,
            rows: Vec::new(),
            last_unique_id: 0,
        };
        self.content.data_sources.insert(table, source);
        self.hang(database, Parent::Page(parent), Body::ChildDatabase);
    }

    /// A tab of a database, over one of its tables.
    pub(super) fn tab(&mut self, id: Uuid, over: [Uuid; 2], kind: &'static str, name: &str, settings: Value) {
        let [database, table] = over;
        let mut view = SavedView::new(id, database, table, kind, self.stamp());
        name.clone_into(&mut view.name);
        if let Value::Object(settings) = settings {
            view.configuration = Some(settings);
        }
        self.content.insert_tab(view, Place::End);
    }

    /// A row with its title, cells and blocks.
    pub(super) fn row(
        &mut self,
        table: Uuid,
        emoji: &str,
        title: &str,
        cells: Vec<(&str, Stored)>,
        blocks: Vec<Body>,
    ) -> Uuid {
        let id = self.page(None, Parent::DataSource(table), emoji, title, blocks);
        if let Some(page) = self.content.pages.get_mut(&id) {
            page.values.extend(cells.into_iter().map(|(id, stored)| (id.to_owned(), stored)));
        }
        id
    }
}

/// A column.
pub(super) fn column(id: &str, name: &str, kind: Kind) -> Property {
    Property { id: id.to_owned(), name: name.to_owned(), description: None, kind }
}
