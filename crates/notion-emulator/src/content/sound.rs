//! What must hold of content that came from outside, before anybody walks about in it: lists and parents agree, and
//! nothing is above itself. What the emulator makes itself is so anyway.

use std::collections::HashSet;

use uuid::Uuid;

use super::Content;
use super::block::Parent;
use super::tree::DEPTH_MAX;

impl Content {
    /// Every place where the tree is broken, in words; none if it is sound.
    pub(crate) fn breaks(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (id, block) in &self.blocks {
            if block.id != *id {
                found.push(format!("{id} holds another block's record"));
            }
            for child in &block.children {
                self.check_listed(*id, *child, &[Parent::Page(*id), Parent::Block(*id)], &mut found);
            }
            if let Some(why) = self.no_way_up(*id) {
                found.push(format!("{id} {why}"));
            }
        }
        for (id, source) in &self.data_sources {
            if source.id != *id {
                found.push(format!("{id} holds another data source's record"));
            }
            if !self.databases.contains_key(&source.database) {
                found.push(format!("{id} is in a database that is not there"));
            }
            for row in &source.rows {
                self.check_listed(*id, *row, &[Parent::DataSource(*id)], &mut found);
            }
        }
        for (source, templates) in &self.templates {
            for page in &templates.pages {
                self.check_listed(*source, *page, &[Parent::DataSource(*source)], &mut found);
            }
        }
        let records = self.pages.keys().chain(self.databases.keys());
        found.extend(
            records
                .filter(|id| !self.blocks.contains_key(id))
                .map(|id| format!("{id} is no block of the tree")),
        );
        for (id, database) in &self.databases {
            let lost = |view: &&Uuid| self.views.get(view).is_none_or(|view| view.database != *id);
            found.extend(
                database.views.iter().filter(lost).map(|view| format!("{id} lists {view}, not a view of it")),
            );
        }
        let misfiled = self.uploads.iter().filter(|(id, upload)| upload.id != **id);
        found.extend(misfiled.map(|(id, _)| format!("{id} holds another upload's record")));
        for (workspace, listed) in &self.top_level {
            for id in listed {
                self.check_listed(*workspace, *id, &[Parent::Workspace], &mut found);
            }
        }
        found
    }

    fn check_listed(&self, list: Uuid, id: Uuid, parents: &[Parent], found: &mut Vec<String>) {
        if !self.blocks.get(&id).is_some_and(|block| parents.contains(&block.parent)) {
            found.push(format!("{list} lists {id}, which is not below it"));
        }
    }

    /// Why the way up from `id` never ends, if so.
    fn no_way_up(&self, id: Uuid) -> Option<String> {
        let mut seen = HashSet::new();
        for above in self.upwards(id) {
            if !seen.insert(above) {
                return Some("is above itself".to_owned());
            }
        }
        (seen.len() >= DEPTH_MAX).then(|| format!("lies deeper than {DEPTH_MAX}"))
    }
}
