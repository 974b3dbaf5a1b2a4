//! Pages made after a template. At Notion that happens in the background: the answer shows the page before it. Here
//! too, but the template is applied before the next request can look, so that a test need not wait.
//! Source: Notion, "Creating pages from templates" (read 2026-11-27).

use std::collections::{HashMap, HashSet};

use jiff::tz::TimeZone;
use uuid::Uuid;

use super::super::call::Call;
use super::super::check::At;
use super::super::failure::Failure;
use crate::content::block::{Block, Body, Parent};
use crate::content::date::{DateValue, with_offset};
use crate::content::ids::Marker;
use crate::content::property::{Kind, Property, Stored};
use crate::content::rich_text::Mention;
use crate::content::template::{fill_in, redirect};
use crate::content::{Content, Place};

/// How many blocks, with those on pages below, a template can bring: as many as one request can make of its own. Without
/// a bound, pages that are templates of each other in turn would grow without end.
const COPIED_MAX: usize = 1_000;

/// A template to apply.
pub(super) struct Template {
    /// The page that is the pattern.
    page: Uuid,
    /// In which zone today and now are meant.
    zone: TimeZone,
}

impl Template {
    /// Reads `template` for the page `to`, or for a new one, which alone can ask for `none`. `parent` is the page's own.
    pub(super) fn read(
        call: &Call<'_>,
        at: &At<'_>,
        parent: Parent,
        to: Option<Uuid>,
    ) -> Result<Option<Self>, Failure> {
        if !at.is_defined() {
            return Ok(None);
        }
        let kinds: &[&str] =
            if to.is_none() { &["none", "default", "template_id"] } else { &["default", "template_id"] };
        let page = match at.get("type").one_of(kinds)? {
            "none" => {
                at.only(&["type"])?;
                return Ok(None);
            }
            "default" => {
                at.only(&["type", "timezone"])?;
                default_of(&call.state.content, parent)?
            }
            _ => {
                at.only(&["type", "template_id", "timezone"])?;
                let id = at.get("template_id").uuid()?;
                // Reading it is enough. Any page will do.
                let there = call.state.content.pages.contains_key(&id) && call.reaches(id);
                if !there {
                    return Err(Failure::not_found("page", id, call.caller));
                }
                id
            }
        };
        // Without a zone Notion takes the person's; people here have none, so UTC, as for internal integrations.
        let zone = at
            .get("timezone")
            .optional(|at| TimeZone::get(at.string()?).map_err(|_| at.should("a valid IANA time zone")))?;
        may_copy(call, page, to)?;
        if let Some(above) = to.or(call.state.content.above(parent)) {
            call.needs_depth(above, Some(page))?;
        }
        Ok(Some(Self { page, zone: zone.unwrap_or(TimeZone::UTC) }))
    }

    /// Fills what the page leaves empty, and appends what is on the template. A workspace that has run out of blocks in
    /// the meantime stays without.
    pub(super) fn apply(&self, call: &mut Call<'_>, to: Uuid) {
        if call.needs_room().is_ok() {
            self.merge(call, to);
            self.copy(call, to);
        }
    }

    /// Icon, cover and values, where the page has none of its own.
    fn merge(&self, call: &mut Call<'_>, to: Uuid) {
        let content = &call.state.content;
        let Some(mut pattern) = content.pages.get(&self.page).cloned() else { return };
        let columns: HashSet<String> = match content.blocks.get(&to) {
            Some(block) => content.columns(block).iter().filter_map(copied_column).collect(),
            None => return,
        };
        for stored in pattern.values.values_mut() {
            if let Stored::Text(text) = stored {
                fill_in(text, |mention| self.meant(call, mention));
            }
        }
        let content = &mut call.state.content;
        let before = content.pages.get(&to).cloned();
        let Some(page) = content.pages.get_mut(&to) else { return };
        page.icon = page.icon.take().or(pattern.icon);
        page.cover = page.cover.take().or(pattern.cover);
        for (id, value) in pattern.values {
            if columns.contains(&id) {
                page.values.entry(id).or_insert(value);
            }
        }
        content.keep_in_step(to, before.as_ref());
    }

    /// The blocks, with the pages below.
    fn copy(&self, call: &mut Call<'_>, to: Uuid) {
        // They were counted before; only the page itself, which does not count, has come between.
        let Some(originals) = call.state.content.below(self.page, to, COPIED_MAX) else { return };
        // What is kept from the person is not copied, nor is what is on it.
        let mut kept = HashSet::from([self.page]);
        let view = call.view();
        let seen = |block: &&Block| {
            let above = view.content.above(block.parent).is_some_and(|above| kept.contains(&above));
            above && view.sees(block.id) && kept.insert(block.id)
        };
        let originals: Vec<Block> = originals.into_iter().filter(seen).cloned().collect();
        let mut copies = HashMap::from([(self.page, to)]);
        for original in &originals {
            copies.insert(original.id, call.new_id(Marker::Plain));
        }
        let stamp = call.stamp();
        for Block { id, parent, mut body, workspace, .. } in originals {
            let copy = copies.get(&id).copied().unwrap_or(id);
            let copied = |id: Uuid| copies.get(&id).copied().unwrap_or(id);
            let parent = match parent {
                Parent::Page(id) => Parent::Page(copied(id)),
                Parent::Block(id) => Parent::Block(copied(id)),
                other => other,
            };
            redirect(&mut body, &copies);
            for text in body.texts_mut() {
                fill_in(text, |mention| self.meant(call, mention));
            }
            let content = &mut call.state.content;
            if let Some(page) = content.pages.get(&id).cloned() {
                content.pages.insert(copy, page);
            }
            let block = Block {
                id: copy,
                workspace,
                parent,
                created: stamp,
                edited: stamp,
                in_trash: false,
                children: Vec::new(),
                body,
            };
            content.insert(block, Place::End);
        }
    }

    /// What a template's mention means today: `me` is who authorized the integration, or else its bot (a guess).
    fn meant(&self, call: &Call<'_>, mention: &Mention) -> Option<Mention> {
        let now = call.now().to_zoned_datetime(self.zone.clone());
        let start = match mention {
            Mention::TemplateUser => {
                return Some(Mention::User(call.caller.owner.unwrap_or(call.caller.bot_id)));
            }
            Mention::TemplateDate("today") => now.date().to_string(),
            Mention::TemplateDate(_) => with_offset(&now),
            _ => return None,
        };
        Some(Mention::Date(DateValue { start, end: None, time_zone: None }))
    }
}

/// Refuses what cannot be a template for `to`. The words are guesses.
fn may_copy(call: &Call<'_>, page: Uuid, to: Option<Uuid>) -> Result<(), Failure> {
    if to == Some(page) {
        return Err(Failure::validation("A page cannot be its own template."));
    }
    let Some(copied) = call.state.content.below(page, to.unwrap_or(page), COPIED_MAX) else {
        return Err(Failure::validation(format!("The template holds more than {COPIED_MAX} blocks.")));
    };
    if copied.iter().any(|block| block.body == Body::ChildDatabase) {
        return Err(Failure::not_implemented_part("templates with databases in them"));
    }
    Ok(())
}

/// The column's id, but for the number that each row has for itself.
fn copied_column(column: &Property) -> Option<String> {
    (!matches!(column.kind, Kind::UniqueId { .. })).then(|| column.id.clone())
}

/// The default template of the table that a page is in. The words are guesses.
fn default_of(content: &Content, parent: Parent) -> Result<Uuid, Failure> {
    let Parent::DataSource(source) = parent else {
        return Err(Failure::validation("Only pages in a data source can use a default template."));
    };
    let default = content.templates.get(&source).and_then(|of| of.default);
    let default = default.filter(|id| content.lives(*id));
    default.ok_or_else(|| Failure::validation("The data source does not have a default template."))
}
