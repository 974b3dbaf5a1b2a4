//! Filters: which rows are meant. A filter is a tree of `and`s and `or`s, two levels deep at most, over conditions on
//! columns and timestamps. Source: Notion, "Filter data source entries" (read 2026-11-27); `@notionhq/client` 5.26.0.

mod dates;
mod test;

use super::super::check::{At, Invalid};
use super::super::failure::Failure;
use super::{Scope, column};
use crate::cells::formula::api_type;
use crate::cells::{Cell, Row};
use crate::content::property::{Formula, Kind, Property};
use test::{Shape, Test};

/// How deep `and` and `or` may be nested. Source: as above.
const NESTING_MAX: usize = 2;

/// How many conditions one `and` or `or` may have: a guess.
const PARTS_MAX: usize = 100;

/// The kinds that a condition may be on, in the order in which Notion's refusals list them.
const KINDS: [&str; 22] = [
    "title",
    "rich_text",
    "number",
    "checkbox",
    "select",
    "multi_select",
    "status",
    "date",
    "people",
    "files",
    "url",
    "email",
    "phone_number",
    "relation",
    "created_by",
    "created_time",
    "last_edited_by",
    "last_edited_time",
    "formula",
    "unique_id",
    "rollup",
    "verification",
];

/// A condition on rows.
pub(super) enum Filter<'p> {
    And(Vec<Filter<'p>>),
    Or(Vec<Filter<'p>>),
    Column(&'p Property, Test),
    /// On the cells that a rollup shows.
    Rollup(&'p Property, Which, Test),
    CreatedTime(Test),
    LastEditedTime(Test),
}

/// Which of the cells of a rollup have to meet a condition.
#[derive(Clone, Copy)]
pub(super) enum Which {
    Any,
    Every,
    None,
}

impl<'p> Filter<'p> {
    /// Reads a filter.
    pub(super) fn read(at: &At<'_>, scope: &Scope<'p>) -> Result<Self, Failure> {
        Self::read_at(at, scope, 0)
    }

    /// Reads a part of a filter; `depth` counts the `and`s and `or`s around it.
    fn read_at(at: &At<'_>, scope: &Scope<'p>, depth: usize) -> Result<Self, Failure> {
        for (key, both) in [("or", false), ("and", true)] {
            let list = at.get(key);
            if list.is_defined() {
                at.only(&[key])?;
                if depth >= NESTING_MAX {
                    return Err(list.should("not present").into());
                }
                let parts = list
                    .items(PARTS_MAX)?
                    .iter()
                    .map(|at| Self::read_at(at, scope, depth + 1))
                    .collect::<Result<_, _>>()?;
                return Ok(if both { Self::And(parts) } else { Self::Or(parts) });
            }
        }
        if at.get("timestamp").is_defined() {
            let which = at.get("timestamp").one_of(&["created_time", "last_edited_time"])?;
            at.only(&["timestamp", "type", which])?;
            let test = Test::read(&at.get(which), Shape::Date, None, scope)?;
            return Ok(if which == "created_time" {
                Self::CreatedTime(test)
            } else {
                Self::LastEditedTime(test)
            });
        }
        if !at.get("property").is_defined() && !KINDS.iter().any(|kind| at.get(kind).is_defined()) {
            at.object()?;
            let all = ["or", "and"].into_iter().chain(KINDS);
            return Err(Invalid::any(all.map(|key| at.get(key).should("defined"))).into());
        }
        let property = column(scope.columns, at.get("property").string()?)?;
        let inner = condition(at, property)?;
        match &property.kind {
            Kind::Rollup(_) => rollup(&inner, property, scope),
            Kind::Formula(formula) => computed(&inner, property, formula, scope),
            kind => Ok(Self::Column(property, Test::read(&inner, shape(kind), Some(property), scope)?)),
        }
    }

    /// Whether a row meets it.
    pub(super) fn accepts(&self, row: &Row<'_>) -> bool {
        match self {
            Self::And(parts) => parts.iter().all(|part| part.accepts(row)),
            Self::Or(parts) => parts.iter().any(|part| part.accepts(row)),
            Self::Column(property, test) => test.accepts(&row.cell(property)),
            Self::Rollup(property, which, test) => {
                let cells = match row.cell(property) {
                    Cell::List(cells) => cells,
                    Cell::Empty => Vec::new(),
                    other => vec![other],
                };
                match which {
                    Which::Any => cells.iter().any(|cell| test.accepts(cell)),
                    // Nothing is not everything. Source: a recorded query of June 2026.
                    Which::Every => !cells.is_empty() && cells.iter().all(|cell| test.accepts(cell)),
                    Which::None => !cells.iter().any(|cell| test.accepts(cell)),
                }
            }
            Self::CreatedTime(test) => test.accepts(&Cell::At(row.block.created.at)),
            Self::LastEditedTime(test) => test.accepts(&Cell::At(row.block.edited.at)),
        }
    }
}

/// What stands under the key that names the column's kind.
fn condition<'a>(at: &At<'a>, property: &Property) -> Result<At<'a>, Failure> {
    let kind = property.kind.name();
    // Text-like columns also take `rich_text`, as older clients send it.
    let is_text = shape(&property.kind) == Shape::Text && !matches!(property.kind, Kind::Formula(_));
    let key = if at.get(kind).is_defined() || !is_text { kind } else { "rich_text" };
    let inner = at.get(key);
    let object = at.object()?;
    let other = object.keys().find(|had| !["property", "type", key].contains(&had.as_str()));
    match other {
        Some(other) if inner.is_defined() => Err(at.get(other).should("not present").into()),
        Some(other) => {
            // Source: refusals that users quote.
            Err(Failure::validation(format!(
                "The property type in the database does not match the property type of the filter provided: database \
                 property {kind} does not match filter {other}"
            )))
        }
        None if !inner.is_defined() => Err(inner.should("defined").into()),
        None if !KINDS.contains(&key) => Err(inner.should("not present").into()),
        None => Ok(inner),
    }
}

/// How the cells of a kind of column can be asked about.
fn shape(kind: &Kind) -> Shape {
    match kind {
        Kind::Title | Kind::RichText | Kind::Url | Kind::Email | Kind::PhoneNumber => Shape::Text,
        Kind::Number { .. } | Kind::UniqueId { .. } => Shape::Number,
        Kind::Checkbox => Shape::Checkbox,
        Kind::Select(_) | Kind::Status { .. } => Shape::Choice,
        Kind::MultiSelect(_) => Shape::Choices,
        Kind::People | Kind::CreatedBy | Kind::LastEditedBy => Shape::People,
        Kind::Relation(_) => Shape::Relation,
        Kind::Date | Kind::CreatedTime | Kind::LastEditedTime => Shape::Date,
        Kind::Verification => Shape::Verification,
        Kind::Formula(formula) => match api_type(&formula.gives) {
            Some("string") => Shape::Text,
            Some("number") => Shape::Number,
            Some("boolean") => Shape::Checkbox,
            Some("date") => Shape::Date,
            _ => Shape::Existence,
        },
        Kind::Files
        | Kind::Rollup(_)
        | Kind::Button
        | Kind::Place
        | Kind::Location
        | Kind::LastVisitedTime => Shape::Existence,
    }
}

/// A condition on what a formula gives, under the name of its type. Notion refuses formulas that give now this, now that, and
/// perhaps all that were written through the API (a switch). Source: tries that users describe in public (2024 to
/// September 2026).
fn computed<'p>(
    at: &At<'_>,
    property: &'p Property,
    formula: &Formula,
    scope: &Scope<'p>,
) -> Result<Filter<'p>, Failure> {
    let key = at.variant(&["string", "checkbox", "number", "date"])?;
    at.only(&[key])?;
    let Some(gives) = api_type(&formula.gives).filter(|_| formula.filterable) else {
        return Err(Failure::validation("Unable to filter based on a formula of unknown type"));
    };
    if key != if gives == "boolean" { "checkbox" } else { gives } {
        // The wording is a guess, after that for columns.
        return Err(Failure::validation(format!("formula of {gives} does not match filter {key}")));
    }
    Ok(Filter::Column(property, Test::read(&at.get(key), shape(&property.kind), None, scope)?))
}

/// `any`, `every` or `none` of the cells, or the number or date that they come to.
fn rollup<'p>(at: &At<'_>, property: &'p Property, scope: &Scope<'p>) -> Result<Filter<'p>, Failure> {
    let key = at.variant(&["any", "none", "every", "date", "number"])?;
    at.only(&[key])?;
    let inner = at.get(key);
    let which = match key {
        "date" => return Ok(Filter::Column(property, Test::read(&inner, Shape::Date, None, scope)?)),
        "number" => return Ok(Filter::Column(property, Test::read(&inner, Shape::Number, None, scope)?)),
        "any" => Which::Any,
        "every" => Which::Every,
        _ => Which::None,
    };
    let keys = [
        "rich_text",
        "number",
        "checkbox",
        "select",
        "multi_select",
        "relation",
        "date",
        "people",
        "files",
        "status",
    ];
    let key = inner.variant(&keys)?;
    inner.only(&[key])?;
    let target = scope.target_of(property);
    let expected = match target.map_or(Shape::Text, |target| shape(&target.kind)) {
        Shape::Text | Shape::Verification => "rich_text",
        Shape::Number => "number",
        Shape::Checkbox => "checkbox",
        Shape::Choice => target.map_or("select", |target| target.kind.name()),
        Shape::Choices => "multi_select",
        Shape::People => "people",
        Shape::Relation => "relation",
        Shape::Date => "date",
        Shape::Existence => "files",
    };
    if key != expected {
        // The wording is a guess, after that for columns.
        return Err(Failure::validation(format!("rollup of {expected} does not match filter {key}")));
    }
    let shape = target.map_or(Shape::Existence, |target| shape(&target.kind));
    Ok(Filter::Rollup(property, which, Test::read(&inner.get(key), shape, target, scope)?))
}
