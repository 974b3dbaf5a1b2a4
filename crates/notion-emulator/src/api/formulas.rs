//! Formulas in a request's schema: checked, typed and stored with their references, or refused in one of Notion's two sentences,
//! as users quote them (2025, 2026). Which mistake gets which is a guess.

use uuid::Uuid;

use super::call::Call;
use super::failure::Failure;
use crate::cells::types::{Table, settle};
use crate::content::property::{Kind, Property};
use crate::formula::Mistake;

/// Settles the formulas among the columns that a request wants for a data source, which is `None` while it is made.
pub(crate) fn check(call: &Call<'_>, source: Option<Uuid>, columns: &mut [Property]) -> Result<(), Failure> {
    let content = &call.state.content;
    let there = source.and_then(|source| content.data_sources.get(&source));
    let before = there.map_or(&[][..], |source| source.properties.as_slice());
    let is_new = |column: &&Property| {
        let old = before.iter().find(|old| old.id == column.id);
        matches!(column.kind, Kind::Formula(_)) && old.map(|old| &old.kind) != Some(&column.kind)
    };
    let wrote: Vec<String> = columns.iter().filter(is_new).map(|column| column.id.clone()).collect();
    // Seeds are written by people, everything else comes through the API.
    let by_person = call.state.accounts.person(call.caller.bot_id).is_some();
    let filterable = by_person || !call.state.switches.refuse_formula_filters;
    for column in columns.iter_mut().filter(|column| wrote.contains(&column.id)) {
        if let Kind::Formula(formula) = &mut column.kind {
            formula.filterable = filterable;
        }
    }
    let table = Table { content, workspace: call.caller.workspace_id, source, view: call.view() };
    settle(&table, columns, &wrote).map_err(|mistake| match mistake {
        Mistake::Parse(why) => Failure::formula("Parse error with formula", &why),
        Mistake::Type(why) => Failure::formula("Type error with formula", &why),
        Mistake::NotHere(what) => Failure::not_implemented_part(what),
    })
}
