//! Lists, and the little that people and pages offer. A single value is taken for a list of one.

use super::super::evaluate::{Halt, Scene};
use super::super::numbers::{count, whole};
use super::super::value::Value;
use super::{Function, Gives, Takes, argument, plain, seeing};

const ANY: &[Takes] = &[Takes::Any];
const PLACES: &[Takes] = &[Takes::Any, Takes::Number];

pub(super) static FUNCTIONS: &[Function] = &[
    plain("at", (2, 2), PLACES, Gives::Item, |all| {
        let at = usize::try_from(argument(all, 1).number().map_or(-1, whole));
        item(at.ok().and_then(|at| argument(all, 0).items().get(at)))
    }),
    plain("first", (1, 1), ANY, Gives::Item, |all| item(argument(all, 0).items().first())),
    plain("last", (1, 1), ANY, Gives::Item, |all| item(argument(all, 0).items().last())),
    plain("slice", (2, 3), PLACES, Gives::Items, slice),
    plain("reverse", (1, 1), ANY, Gives::Items, |all| {
        Value::List(argument(all, 0).items().iter().rev().cloned().collect())
    }),
    seeing("unique", (1, 1), ANY, Gives::Items, unique),
    plain("includes", (2, 2), ANY, Gives::Boolean, |all| {
        let wanted = argument(all, 1);
        Value::Boolean(argument(all, 0).items().iter().any(|item| item.equals(wanted)))
    }),
    plain("flat", (1, 1), ANY, Gives::Flat, |all| {
        Value::List(argument(all, 0).items().iter().flat_map(|item| item.items().to_vec()).collect())
    }),
    plain("count", (1, 1), ANY, Gives::Number, |all| Value::Number(count(argument(all, 0).items().len()))),
    plain("name", (1, 1), &[Takes::Person], Gives::Text, |all| match argument(all, 0) {
        Value::Person(person) => Value::Text(person.name.clone()),
        Value::Page(page) => Value::Text(page.title.clone()),
        _ => Value::Empty,
    }),
    plain("email", (1, 1), &[Takes::Person], Gives::Text, |all| match argument(all, 0) {
        Value::Person(person) => person.email.clone().map_or(Value::Empty, Value::Text),
        _ => Value::Empty,
    }),
    // Of the row, or of a page; 32 digits, a guess after the addresses of pages.
    seeing("id", (0, 1), &[Takes::Page], Gives::Text, |all, scene| {
        let row = scene.lookup.row();
        Ok(match all.first().unwrap_or(&row) {
            Value::Page(page) => Value::Text(page.id.simple().to_string()),
            _ => Value::Empty,
        })
    }),
];

fn item(found: Option<&Value>) -> Value {
    found.cloned().unwrap_or(Value::Empty)
}

/// From a place on, up to another; places below zero count from the end, as in JavaScript.
fn slice(all: &[Value]) -> Value {
    let items = argument(all, 0).items();
    let place = |at: usize, otherwise: usize| match all.get(at).and_then(Value::number).map(whole) {
        None => otherwise,
        Some(place) if place < 0 => {
            items.len().saturating_sub(usize::try_from(place.unsigned_abs()).unwrap_or(usize::MAX))
        }
        Some(place) => usize::try_from(place).unwrap_or(usize::MAX).min(items.len()),
    };
    let (start, end) = (place(1, 0), place(2, items.len()));
    Value::List(items.get(start..end).unwrap_or_default().to_vec())
}

/// Each value once, in order of appearance.
fn unique(all: &[Value], scene: &Scene<'_>) -> Result<Value, Halt> {
    let mut kept: Vec<Value> = Vec::new();
    for item in argument(all, 0).items() {
        scene.run.spend(kept.len() / 16)?;
        if !kept.iter().any(|known| known.equals(item)) {
            kept.push(item.clone());
        }
    }
    Ok(Value::List(kept))
}
