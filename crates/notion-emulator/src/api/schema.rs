//! What a request does to the columns of a data source, and what follows from it: the other sides of relations, what
//! rollups point at, and the values of rows whose column went or got another type.

use uuid::Uuid;

use super::call::Call;
use super::check::At;
use super::failure::Failure;
use super::read::schema::{self, Plan, find_column, short_id};
use crate::content::Content;
use crate::content::convert::convert;
use crate::content::property::{Kind, Property, Relation, Stored};
use crate::content::rights::Right;

/// The largest schema, as JSON in bytes. Source: Notion, "Update a data source" (read 2026-11-27).
const SCHEMA_BYTES_MAX: usize = 50 * 1024;

/// Reads the columns of a new data source.
pub(crate) fn new(call: &mut Call<'_>, at: &At<'_>) -> Result<Plan, Failure> {
    let mut ids = std::mem::take(&mut call.state.ids);
    let plan = schema::new(at, &|config| related(call, config), &mut ids);
    call.state.ids = ids;
    checked(call, None, plan?)
}

/// Changes the columns of a data source.
pub(crate) fn update(call: &mut Call<'_>, source: Uuid, at: &At<'_>) -> Result<(), Failure> {
    let before = call.state.content.data_sources.get(&source).map(|source| source.properties.clone());
    let before = before.unwrap_or_default();
    for (key, _) in at.entries()? {
        if let Some(column) = find_column(&before, key) {
            hidden(call, column, &before, key)?;
        }
    }
    let mut ids = std::mem::take(&mut call.state.ids);
    let plan = schema::update(at, &before, &|config| related(call, config), &mut ids);
    call.state.ids = ids;
    let plan = checked(call, Some(source), plan?)?;
    for old in &before {
        // That it takes the same rights to take away the other side as to make it is a guess.
        if let Kind::Relation(relation) = &old.kind
            && relation.synced.is_some()
            && plan.columns.iter().find(|new| new.id == old.id).map(|new| &new.kind) != Some(&old.kind)
            && !call.view().has_right(relation.data_source, Right::Edit)
        {
            return Err(Failure::restricted());
        }
    }
    settle(call, source, &before, plan);
    Ok(())
}

/// The data source that a relation leads to; older versions name its database.
fn related(call: &Call<'_>, config: &At<'_>) -> Result<Uuid, Failure> {
    if !config.get("data_source_id").is_defined() && !call.version.has_data_sources() {
        return call.only_data_source(call.database(config.get("database_id").uuid()?)?);
    }
    call.data_source(config.get("data_source_id").uuid()?)
}

/// Finds what the plan's rollups name, and refuses what cannot be.
fn checked(call: &Call<'_>, source: Option<Uuid>, mut plan: Plan) -> Result<Plan, Failure> {
    let mut columns = plan.columns.clone();
    for id in &plan.rollups {
        let Some(place) = columns.iter().position(|column| column.id == *id) else { continue };
        let Kind::Rollup(mut rollup) = columns[place].kind.clone() else { continue };
        let relation = named(&plan.columns, &rollup.relation)?;
        hidden(call, relation, &plan.columns, &rollup.relation)?;
        let Kind::Relation(to) = &relation.kind else {
            // The wordings here are guesses.
            return Err(Failure::validation(format!("{} is not a relation property.", relation.name)));
        };
        let there = if Some(to.data_source) == source {
            &plan.columns
        } else {
            let there = call.state.content.data_sources.get(&to.data_source);
            there.map_or(&plan.columns, |there| &there.properties)
        };
        let target = named(there, &rollup.target)?;
        hidden(call, target, there, &rollup.target)?;
        if matches!(target.kind, Kind::Rollup(_)) {
            return Err(Failure::validation("Rollups of rollups are not supported."));
        }
        rollup.relation.clone_from(&relation.id);
        rollup.target.clone_from(&target.id);
        columns[place].kind = Kind::Rollup(rollup);
    }
    super::formulas::check(call, source, &mut columns)?;
    plan.columns = columns;
    let bytes = serde_json::to_vec(&plan.columns).map_or(0, |schema| schema.len());
    if bytes > SCHEMA_BYTES_MAX {
        return Err(Failure::validation(format!(
            "The schema is too large: it should be at most {SCHEMA_BYTES_MAX} bytes, instead was {bytes}."
        )));
    }
    Ok(plan)
}

/// A column by name, or by id in any spelling.
fn named<'p>(columns: &'p [Property], key: &str) -> Result<&'p Property, Failure> {
    find_column(columns, key).ok_or_else(|| not_found(key))
}

/// Refuses a column that is hidden from the caller, as if it were not there.
fn hidden(call: &Call<'_>, column: &Property, columns: &[Property], key: &str) -> Result<(), Failure> {
    if call.view().shows(column, columns) { Ok(()) } else { Err(not_found(key)) }
}

fn not_found(key: &str) -> Failure {
    Failure::validation(format!("Could not find property with name or id: {key}"))
}

/// Puts the new columns in place of those `before`, with all that follows.
pub(crate) fn settle(call: &mut Call<'_>, source: Uuid, before: &[Property], plan: Plan) {
    let content = &mut call.state.content;
    for old in before {
        let new = plan.columns.iter().find(|column| column.id == old.id);
        if let Kind::Relation(relation) = &old.kind
            && let Some(twin) = &relation.synced
            && new.map(|new| &new.kind) != Some(&old.kind)
        {
            if new.is_some_and(|new| becomes_one_way(relation, &new.kind)) {
                content.part_twin(relation.data_source, twin);
            } else {
                // That the other side goes too is what Notion's app does; for the API it is a guess.
                content.remove_column(relation.data_source, twin);
            }
        }
        if new.is_none() {
            content.remove_column(source, &old.id);
        }
    }
    // A twin in this same table may just have gone.
    let still_there = |column: &Property| match before.iter().find(|old| old.id == column.id) {
        None => true,
        Some(_) => content
            .data_sources
            .get(&source)
            .is_some_and(|source| source.properties.iter().any(|there| there.id == column.id)),
    };
    let mut columns: Vec<Property> = plan.columns.into_iter().filter(|column| still_there(column)).collect();
    for column in &mut columns {
        let old = before.iter().find(|old| old.id == column.id).map(|old| &old.kind);
        revalue(content, &mut call.state.ids, source, old, column);
    }
    if let Some(source) = content.data_sources.get_mut(&source) {
        source.properties = columns;
    }
    for two_way in plan.two_way {
        join(call, source, &two_way.column, two_way.name);
    }
}

/// Whether a two-way relation leads where it led, but one way. Its other side then stays, one-way too.
/// Source: `ultimate-notion` 0.10.1 (June 2026), which deletes that column itself, and is answered 200.
fn becomes_one_way(old: &Relation, new: &Kind) -> bool {
    matches!(new, Kind::Relation(new) if new.synced.is_none() && new.data_source == old.data_source)
}

/// Makes the other side of a relation, or gives it another name.
fn join(call: &mut Call<'_>, source: Uuid, column: &str, name: Option<String>) {
    let content = &mut call.state.content;
    let Some(own) = content.data_sources.get(&source) else { return };
    let Some(property) = own.properties.iter().find(|property| property.id == column) else { return };
    let Kind::Relation(relation) = &property.kind else { return };
    match (relation.synced.clone(), relation.data_source) {
        (Some(twin), there) => {
            if let Some(name) = name {
                content.rename_column(there, &twin, &name);
            }
        }
        (None, _) => {
            let title = crate::content::plain_text(content, &own.title);
            let name = name.unwrap_or_else(|| format!("Related to {title} ({})", property.name));
            let id = short_id(&mut call.state.ids);
            content.add_twin(source, column, &id, &name);
        }
    }
}

/// What the rows hold in a column whose type or choices changed, or that is new and counts them.
fn revalue(
    content: &mut Content,
    ids: &mut crate::clock::Ids,
    source: Uuid,
    old: Option<&Kind>,
    column: &mut Property,
) {
    let rows = content.data_sources.get(&source).map(|source| source.rows.clone()).unwrap_or_default();
    let same = old.is_some_and(|old| old.name() == column.kind.name() && !leads_elsewhere(old, &column.kind));
    if matches!(column.kind, Kind::UniqueId { .. }) && !same {
        number(content, source, &rows, &column.id);
        return;
    }
    let Some(old) = old.filter(|old| **old != column.kind) else { return };
    for row in rows {
        let Some(value) = content.pages.get(&row).and_then(|page| page.values.get(&column.id)) else {
            continue;
        };
        let value = if same {
            kept(value, &column.kind)
        } else {
            let value = value.clone();
            convert(content, &value, old, &mut column.kind, ids)
        };
        let Some(page) = content.pages.get_mut(&row) else { continue };
        match value {
            Some(value) => page.values.insert(column.id.clone(), value),
            None => page.values.remove(&column.id),
        };
    }
}

/// Whether a relation leads to another table now, so that no link of the old ones is left.
fn leads_elsewhere(old: &Kind, new: &Kind) -> bool {
    match (old, new) {
        (Kind::Relation(old), Kind::Relation(new)) => old.data_source != new.data_source,
        _ => false,
    }
}

/// Numbers the rows in their order.
fn number(content: &mut Content, source: Uuid, rows: &[Uuid], column: &str) {
    for (number, row) in (1..).zip(rows) {
        if let Some(page) = content.pages.get_mut(row) {
            page.values.insert(column.to_owned(), Stored::UniqueId(number));
        }
    }
    if let Some(source) = content.data_sources.get_mut(&source) {
        source.last_unique_id = rows.len() as u64;
    }
}

/// What is left of a value when the settings of its column changed: not the choices that went.
fn kept(value: &Stored, kind: &Kind) -> Option<Stored> {
    let known = |id: &String| kind.choices().iter().any(|choice| choice.id == *id);
    match value {
        Stored::Choice(id) if !known(id) => None,
        Stored::Choices(ids) => Some(Stored::Choices(ids.iter().filter(|id| known(id)).cloned().collect())),
        other => Some(other.clone()),
    }
}
