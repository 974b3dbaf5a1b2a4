//! Formulas at work: what a row's cells are as values of the language, and what a formula column comes to. A formula and
//! all that it leads to, over rollups and relations, spend from one budget; beyond it there is no value.

use uuid::Uuid;

use super::rollup::{Rolled, roll_up};
use super::{Cell, Row, World};
use crate::capabilities::UserInformation;
use crate::clock::whole_minute;
use crate::content::date::{DateValue, Moment};
use crate::content::property::{Formula, Kind, Property, Stored};
use crate::formula::{
    DateRange, Halt, Individual, Key, Lookup, PageRef, Point, Run, Type, Value, evaluate, parse,
};

/// What a formula column comes to in a row, in the four types that the API knows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Computed {
    Text(Option<String>),
    Number(Option<f64>),
    Boolean(Option<bool>),
    Date(Option<DateValue>),
    /// Too much to work out. Source: Notion, "Page property values", formula (read 2026-11-27).
    Unsupported,
}

/// What the API calls the type of what a formula gives; `None` where only the value tells. Lists, people and pages are
/// given as text: a guess.
pub(crate) fn api_type(gives: &Type) -> Option<&'static str> {
    match gives {
        Type::Number => Some("number"),
        Type::Boolean => Some("boolean"),
        Type::Date => Some("date"),
        Type::Text | Type::Person | Type::Page(_) | Type::List(_) => Some("string"),
        Type::Empty | Type::Mixed => None,
    }
}

/// Works a formula column out.
pub(crate) fn compute(row: &Row<'_>, formula: &Formula) -> Computed {
    let value = match row.world.run {
        Some(run) => run.nested(|| value_of(row, formula, run)),
        None => value_of(row, formula, &Run::new(row.world.now)),
    };
    let Ok(value) = value else { return Computed::Unsupported };
    match (api_type(&formula.gives), value) {
        (Some("number"), Value::Empty) => Computed::Number(None),
        (Some("boolean"), Value::Empty) => Computed::Boolean(None),
        (Some("date"), Value::Empty) => Computed::Date(None),
        (_, Value::Empty) => Computed::Text(None),
        // Infinity and the like are no JSON.
        (_, Value::Number(number)) => Computed::Number(Some(number).filter(|number| number.is_finite())),
        (_, Value::Boolean(boolean)) => Computed::Boolean(Some(boolean)),
        (_, Value::Date(range)) => Computed::Date(Some(DateValue {
            start: range.start.iso(),
            end: range.end.map(Point::iso),
            time_zone: None,
        })),
        (_, value) => Computed::Text(Some(value.text())),
    }
}

/// What a formula column amounts to for filters, sorts and rollups.
pub(super) fn cell(row: &Row<'_>, formula: &Formula) -> Cell {
    match compute(row, formula) {
        Computed::Text(Some(text)) => super::text(text),
        Computed::Number(Some(number)) => Cell::Number(number),
        Computed::Boolean(Some(boolean)) => Cell::Checkbox(boolean),
        Computed::Date(Some(date)) => Cell::Date(date),
        _ => Cell::Empty,
    }
}

fn value_of(row: &Row<'_>, formula: &Formula, run: &Run) -> Result<Value, Halt> {
    // A column that a formula names may have gone since it was checked; that it still parses is certain but for
    // snapshots made by hand.
    let Ok(expr) = parse(&formula.expression) else { return Ok(Value::Empty) };
    evaluate(&expr, &Source { row: *row }, run)
}

/// A row as formulas look at it.
struct Source<'a> {
    row: Row<'a>,
}

impl Lookup for Source<'_> {
    fn row(&self) -> Value {
        page(self.row.world, self.row.block.id)
    }

    fn property(&self, page: Option<Uuid>, key: &Key, run: &Run) -> Result<Value, Halt> {
        let row = match page.filter(|id| *id != self.row.block.id) {
            None => Some(self.row),
            Some(id) => self.row.world.further().ok_or(Halt)?.row(id),
        };
        let Some(row) = row else { return Ok(Value::Empty) };
        let property = row.columns().iter().find(|property| match key {
            Key::Id(reference) => property.id == reference.id,
            Key::Name(name) => property.name == *name,
        });
        property.map_or(Ok(Value::Empty), |property| value(&row, property, run))
    }
}

/// What a row holds in a column. Kinds without a type in formulas are text, or nothing.
/// Source: Notion, "Formula syntax & functions", properties (help, read 2026-11-27).
fn value(row: &Row<'_>, property: &Property, run: &Run) -> Result<Value, Halt> {
    let world = row.world;
    Ok(match &property.kind {
        Kind::CreatedTime => minute(row.block.created.at),
        Kind::LastEditedTime => minute(row.block.edited.at),
        Kind::CreatedBy => person(world, row.block.created.by),
        Kind::LastEditedBy => person(world, row.block.edited.by),
        Kind::Relation(relation) => {
            let ids = row.related(&property.id, relation);
            run.spend(ids.len())?;
            Value::List(ids.into_iter().map(|id| page(world, id)).collect())
        }
        Kind::Formula(formula) => return run.nested(|| value_of(row, formula, run)),
        Kind::Rollup(_) => return run.nested(|| rolled_up(row, property, run)),
        Kind::Verification => Value::Text(row.verification(&property.id).to_owned()),
        kind => match row.page.values.get(&property.id) {
            Some(stored) => of_stored(world, property, stored),
            None => nothing(kind),
        },
    })
}

fn of_stored(world: World<'_>, property: &Property, stored: &Stored) -> Value {
    let name = |id: &String| property.kind.choices().iter().find(|choice| choice.id == *id);
    match stored {
        Stored::Text(runs) => Value::Text(world.view.plain(runs)),
        Stored::Line(line) => Value::Text(line.clone()),
        Stored::Number(number) => number.as_f64().map_or(Value::Empty, Value::Number),
        Stored::Checkbox(checked) => Value::Boolean(*checked),
        Stored::Choice(id) => name(id).map_or(Value::Empty, |choice| Value::Text(choice.name.clone())),
        Stored::Choices(ids) => {
            Value::List(ids.iter().filter_map(name).map(|choice| Value::Text(choice.name.clone())).collect())
        }
        Stored::People(ids) => Value::List(ids.iter().map(|id| person(world, *id)).collect()),
        Stored::Date(date) => range(date),
        Stored::Files(files) => {
            Value::List(files.iter().map(|file| Value::Text(file.name.clone())).collect())
        }
        Stored::UniqueId(number) => match &property.kind {
            Kind::UniqueId { prefix: Some(prefix) } => Value::Text(format!("{prefix}-{number}")),
            _ => Value::Text(number.to_string()),
        },
        Stored::Place(place) => {
            Value::Text(place.name.clone().or_else(|| place.address.clone()).unwrap_or_default())
        }
        // These depend on more than what is stored.
        Stored::Relation(_) | Stored::Verification(_) => Value::Empty,
    }
}

/// What a row holds in a column that nobody filled in.
fn nothing(kind: &Kind) -> Value {
    match kind {
        Kind::Title | Kind::RichText | Kind::Url | Kind::Email | Kind::PhoneNumber => {
            Value::Text(String::new())
        }
        Kind::MultiSelect(_) | Kind::People | Kind::Files => Value::List(Vec::new()),
        Kind::Checkbox => Value::Boolean(false),
        _ => Value::Empty,
    }
}

/// A rollup's number or date; or the values that it shows, in one list.
fn rolled_up(row: &Row<'_>, property: &Property, run: &Run) -> Result<Value, Halt> {
    let Kind::Rollup(rollup) = &property.kind else { return Ok(Value::Empty) };
    let row = Row { world: World { run: Some(run), ..row.world }, ..*row };
    Ok(match roll_up(&row, rollup, usize::MAX) {
        Rolled::Number(number) => number.map_or(Value::Empty, Value::Number),
        Rolled::Date(date) => date.as_ref().map_or(Value::Empty, range),
        Rolled::Cells(rows, target) => {
            let mut found = Vec::new();
            for row in &rows {
                run.spend(1)?;
                match value(row, target, run)? {
                    Value::List(items) => found.extend(items),
                    value => found.push(value),
                }
            }
            Value::List(found)
        }
        Rolled::Unsupported => Value::Empty,
    })
}

/// The times of pages are whole minutes, as everywhere in the API.
fn minute(at: jiff::Timestamp) -> Value {
    Value::Date(DateRange::single(Point::moment(whole_minute(at))))
}

fn range(date: &DateValue) -> Value {
    let point = |text: &str| match Moment::parse(text, &date.zone())? {
        Moment::Day(day) => Some(Point::day(day)),
        Moment::Instant(at) => Some(Point::moment(at)),
    };
    let Some(start) = point(&date.start) else { return Value::Empty };
    Value::Date(DateRange { start, end: date.end.as_deref().and_then(point) })
}

/// A person or bot, as far as the caller is told about them. (Whether Notion's formulas tell more is not known.)
fn person(world: World<'_>, id: Uuid) -> Value {
    let (view, told) = (world.view, world.view.caller.capabilities.user_information);
    let (name, email) = if let Some(person) = view.member(id) {
        (&person.name, Some(&person.email).filter(|_| told == UserInformation::WithEmail))
    } else {
        let bots = world.accounts.bots_of(view.caller.workspace_id);
        let Some(bot) = bots.into_iter().find(|bot| bot.id == id) else { return Value::Empty };
        (&bot.name, None)
    };
    let name = if told == UserInformation::None { "Anonymous".to_owned() } else { name.clone() };
    Value::Person(Individual { id, name, email: email.cloned() })
}

fn page(world: World<'_>, id: Uuid) -> Value {
    Value::Page(PageRef { id, title: world.view.title(id) })
}
