//! What a token reaches: what its person picked, what its bot made, and everything below, as far as the person who
//! authorized it sees it still.

use std::collections::HashSet;

use uuid::Uuid;

use super::Access;
use super::show::View;
use crate::content::property::{Kind, Property};
use crate::content::rights::Right;
use crate::formula::references;

impl View<'_> {
    /// Whether the token reaches `id`: it or something above it was picked, or made by this bot, and the authorizing
    /// person sees it still.
    pub(crate) fn reaches(&self, id: Uuid) -> bool {
        let content = self.content;
        let workspace = content
            .blocks
            .get(&id)
            .map(|block| block.workspace)
            .or_else(|| content.data_sources.get(&id).map(|source| source.workspace));
        if workspace != Some(self.caller.workspace_id) {
            return false;
        }
        let private = |above: &Uuid| content.pages.get(above).is_some_and(|page| page.private_to.is_some());
        match &self.caller.access {
            Access::Workspace => !content.upwards(id).any(|above| private(&above)),
            Access::Shared(picks) => {
                let made = content.made_by.get(&self.caller.bot_id);
                let given =
                    |above: Uuid| picks.contains(&above) || made.is_some_and(|made| made.contains(&above));
                content.upwards(id).any(given) && self.has_right(id, Right::Read)
            }
        }
    }

    /// Whether the authorizing person, if there is one, has this right.
    pub(crate) fn has_right(&self, id: Uuid, right: Right) -> bool {
        self.caller.owner.is_none_or(|person| self.content.right(person, id) >= right)
    }

    /// Whether the authorizing person sees a page in a list that is within reach: not if it was kept from them by itself.
    pub(crate) fn sees(&self, id: Uuid) -> bool {
        self.content.rights.is_empty() || self.has_right(id, Right::Read)
    }

    /// The columns that are shown.
    pub(crate) fn shown(&self, columns: &[Property]) -> Vec<Property> {
        columns.iter().filter(|column| self.shows(column, columns)).cloned().collect()
    }

    /// Whether a column is shown among its neighbours: a relation is not, nor is what is based on it, unless the table
    /// that it leads to is within reach too. Source: Notion, "Retrieve a database" (read 2026-11-27); that formulas are
    /// based on what they name is a guess.
    pub(crate) fn shows(&self, property: &Property, columns: &[Property]) -> bool {
        // A list of what is still to be looked at, not recursion: what is based on what comes from outside.
        let mut open = vec![(None, property)];
        let mut seen = HashSet::new();
        while let Some((source, property)) = open.pop() {
            if !seen.insert((source, property.id.as_str())) {
                continue;
            }
            let find = |source: Option<Uuid>, id: &str| {
                let of = |source| self.content.data_sources.get(&source).map(|source| &source.properties[..]);
                let columns = source.map_or(Some(columns), of)?;
                columns.iter().find(|column| column.id == id).map(|column| (source, column))
            };
            match &property.kind {
                Kind::Relation(relation) if !self.reaches(relation.data_source) => return false,
                Kind::Rollup(rollup) => {
                    let relation = find(source, &rollup.relation);
                    if let Some((_, Property { kind: Kind::Relation(to), .. })) = relation {
                        open.extend(find(Some(to.data_source), &rollup.target));
                    }
                    open.extend(relation);
                }
                Kind::Formula(formula) => {
                    let named = references(&formula.expression).into_iter();
                    open.extend(named.filter_map(|named| find(named.source.or(source), &named.id)));
                }
                _ => {}
            }
        }
        true
    }
}
