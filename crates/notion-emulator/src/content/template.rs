//! Templates: pages kept beside a table's rows, which new rows are made after. They are pages like others, but no query
//! and no search finds them. People make them in the app; the API lists and applies them.
//! Source: Notion, "Creating pages from templates" (read 2026-11-27).

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Content;
use super::block::{Block, Body, Parent};
use super::rich_text::{Mention, RichText, Run};

/// The templates of one data source.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Templates {
    /// In order of making.
    pub(crate) pages: Vec<Uuid>,
    pub(crate) default: Option<Uuid>,
}

impl Content {
    /// Whether a page is a template.
    pub(crate) fn is_template(&self, id: Uuid) -> bool {
        match self.blocks.get(&id).map(|block| block.parent) {
            Some(Parent::DataSource(source)) => {
                self.templates.get(&source).is_some_and(|of| of.pages.contains(&id))
            }
            _ => false,
        }
    }

    /// Makes a template of a row. Whether it was one.
    pub(crate) fn make_template(&mut self, id: Uuid, is_default: bool) -> bool {
        let Some(Parent::DataSource(source)) = self.blocks.get(&id).map(|block| block.parent) else {
            return false;
        };
        if let Some(source) = self.data_sources.get_mut(&source) {
            source.rows.retain(|row| *row != id);
        }
        let of = self.templates.entry(source).or_default();
        if !of.pages.contains(&id) {
            of.pages.push(id);
        }
        if is_default {
            of.default = Some(id);
        }
        true
    }

    /// Everything on a page that is not in the trash, above before below; without `except` and what is on that.
    /// Nothing if that is more than `most`.
    pub(crate) fn below(&self, page: Uuid, except: Uuid, most: usize) -> Option<Vec<&Block>> {
        let mut found: Vec<&Block> = Vec::new();
        let mut open: Vec<Uuid> = vec![page];
        while let Some(block) = open.pop().and_then(|id| self.blocks.get(&id)) {
            let children: Vec<&Block> =
                self.live_children(block).filter(|child| child.id != except).collect();
            open.extend(children.iter().map(|child| child.id));
            found.extend(children);
            if found.len() > most {
                return None;
            }
        }
        Some(found)
    }
}

/// Lets a copied block point at copies where its original pointed at originals.
pub(crate) fn redirect(body: &mut Body, copies: &HashMap<Uuid, Uuid>) {
    let to_copy = |id: &mut Uuid| {
        if let Some(copy) = copies.get(id) {
            *id = *copy;
        }
    };
    match body {
        Body::SyncedBlock { from: Some(id) } | Body::LinkToPage { id, .. } => to_copy(id),
        Body::MeetingNotes(notes) => {
            let parts = [&mut notes.summary, &mut notes.notes, &mut notes.transcript];
            parts.into_iter().flatten().for_each(to_copy);
        }
        _ => {}
    }
}

/// Puts what was meant in place of a template's mentions of today, now and me.
pub(crate) fn fill_in(text: &mut [RichText], meant: impl Fn(&Mention) -> Option<Mention>) {
    for run in text {
        if let Run::Mention(mention) = &mut run.run
            && let Some(meant) = meant(mention)
        {
            *mention = meant;
        }
    }
}
