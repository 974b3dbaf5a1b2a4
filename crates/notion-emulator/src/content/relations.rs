//! Relations that show on both sides: a column here and its twin in the other table hold the same links, seen from
//! either end. Every change goes through here, so that the two never disagree. Rows in the trash keep their links, on
//! both sides; they are only not shown.

use std::collections::HashMap;

use uuid::Uuid;

use super::Content;
use super::page::Page;
use super::property::{Kind, Property, Relation, Stored};

/// The rows that a cell links to.
fn links<'v>(values: &'v HashMap<String, Stored>, column: &str) -> &'v [Uuid] {
    match values.get(column) {
        Some(Stored::Relation(ids)) => ids,
        _ => &[],
    }
}

impl Content {
    /// Brings the other sides of a row's relations in step with the row, which was `before` until now.
    pub(crate) fn keep_in_step(&mut self, row: Uuid, before: Option<&Page>) {
        let Some(block) = self.blocks.get(&row) else { return };
        let two_way = self.columns(block).iter().filter_map(|column| match &column.kind {
            Kind::Relation(Relation { synced: Some(twin), .. }) => Some((column.id.clone(), twin.clone())),
            _ => None,
        });
        for (column, twin) in two_way.collect::<Vec<_>>() {
            let Some(page) = self.pages.get(&row) else { return };
            let old = before.map_or(&[][..], |before| links(&before.values, &column));
            let new = links(&page.values, &column).to_vec();
            for gone in old.iter().filter(|id| !new.contains(id)) {
                self.unlink(*gone, &twin, row);
            }
            for added in new.iter().filter(|id| !old.contains(id)) {
                self.link(*added, &twin, row);
            }
        }
    }

    fn link(&mut self, from: Uuid, column: &str, to: Uuid) {
        let Some(page) = self.pages.get_mut(&from) else { return };
        match page.values.get_mut(column) {
            Some(Stored::Relation(ids)) if ids.contains(&to) => {}
            Some(Stored::Relation(ids)) => ids.push(to),
            _ => {
                page.values.insert(column.to_owned(), Stored::Relation(vec![to]));
            }
        }
    }

    fn unlink(&mut self, from: Uuid, column: &str, to: Uuid) {
        let cell = self.pages.get_mut(&from).and_then(|page| page.values.get_mut(column));
        if let Some(Stored::Relation(ids)) = cell {
            ids.retain(|id| *id != to);
        }
    }

    /// Makes the twin of a relation column, under this id and name, and links what the column links.
    pub(crate) fn add_twin(&mut self, source: Uuid, column: &str, id: &str, name: &str) {
        let own = self.data_sources.get_mut(&source);
        let Some(own) = own.and_then(|own| own.properties.iter_mut().find(|own| own.id == column)) else {
            return;
        };
        let Kind::Relation(relation) = &mut own.kind else { return };
        relation.synced = Some(id.to_owned());
        let there = relation.data_source;
        let kind = Kind::Relation(Relation { data_source: source, synced: Some(column.to_owned()) });
        let (id, name) = (id.to_owned(), self.free_name(there, name));
        if let Some(there) = self.data_sources.get_mut(&there) {
            there.properties.push(Property { id: id.clone(), name, description: None, kind });
        }
        let rows = self.data_sources.get(&source).map(|source| source.rows.clone()).unwrap_or_default();
        for row in rows {
            let linked = self.pages.get(&row).map(|page| links(&page.values, column).to_vec());
            for other in linked.unwrap_or_default() {
                self.link(other, &id, row);
            }
        }
    }

    /// Makes a relation column one-way, with all that it links.
    pub(crate) fn part_twin(&mut self, source: Uuid, id: &str) {
        let columns = self.data_sources.get_mut(&source).map(|source| &mut source.properties);
        let column = columns.and_then(|columns| columns.iter_mut().find(|column| column.id == id));
        if let Some(Kind::Relation(relation)) = column.map(|column| &mut column.kind) {
            relation.synced = None;
        }
    }

    /// Gives a column another name, with a number if another column has it.
    pub(crate) fn rename_column(&mut self, source: Uuid, id: &str, name: &str) {
        let columns = self.data_sources.get(&source).map_or(&[][..], |source| &source.properties);
        if columns.iter().any(|column| column.id == id && column.name == name) {
            return;
        }
        let name = self.free_name(source, name);
        let columns = self.data_sources.get_mut(&source).map(|source| &mut source.properties);
        if let Some(column) = columns.and_then(|columns| columns.iter_mut().find(|column| column.id == id)) {
            column.name = name;
        }
    }

    /// A name that no column of the table has: this one, or this one with a number.
    fn free_name(&self, source: Uuid, name: &str) -> String {
        let columns = self.data_sources.get(&source).map_or(&[][..], |source| &source.properties);
        let taken = |name: &str| columns.iter().any(|column| column.name == name);
        let numbered = (1..).map(|number| format!("{name} ({number})"));
        let mut names = std::iter::once(name.to_owned()).chain(numbered);
        names.find(|name| !taken(name)).unwrap_or_default()
    }

    /// Removes a column and what the rows hold in it.
    pub(crate) fn remove_column(&mut self, source: Uuid, id: &str) {
        let Some(source) = self.data_sources.get_mut(&source) else { return };
        source.properties.retain(|column| column.id != id);
        for row in &source.rows {
            if let Some(page) = self.pages.get_mut(row) {
                page.values.remove(id);
            }
        }
    }
}
