//! What the formulas of the tests read: a row with a column of each type, and two rows that it is related to.

use std::collections::HashMap;

use uuid::Uuid;

use super::*;

const ROW: Uuid = Uuid::from_u128(1);
const TASKS: Uuid = Uuid::from_u128(7);

/// A row and two rows of another data source that it is related to.
pub(super) struct World;

pub(super) fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn page(number: u128, title: &str) -> Value {
    Value::Page(PageRef { id: Uuid::from_u128(number), title: title.to_owned() })
}

fn person(name: &str, email: Option<&str>) -> Value {
    Value::Person(Individual { id: Uuid::nil(), name: name.to_owned(), email: email.map(str::to_owned) })
}

fn date(text: &str) -> Value {
    let mut ends = text.split('/').map(|end| Point::parse(end).expect("a date"));
    Value::Date(DateRange { start: ends.next().expect("a start"), end: ends.next() })
}

impl World {
    fn columns() -> Vec<(&'static str, &'static str, Type, Value)> {
        let tags = Value::List(vec![text("Web"), text("Data")]);
        let tasks = Value::List(vec![page(2, "Draw"), page(3, "Build")]);
        let people = Value::List(vec![person("Ada", Some("ada@northwind.example")), person("Bot", None)]);
        vec![
            ("title", "Name", Type::Text, text("Portal")),
            ("a:b", "Price", Type::Number, Value::Number(12.0)),
            ("none", "Estimate", Type::Number, Value::Empty),
            ("done", "Done", Type::Boolean, Value::Boolean(true)),
            ("due", "Due", Type::Date, date("2026-12-01")),
            ("span", "Dates", Type::Date, date("2026-11-02/2026-11-27")),
            ("open", "No date", Type::Date, Value::Empty),
            ("tags", "Tags", Type::list(Type::Text), tags),
            ("by", "Created by", Type::Person, person("Ada", Some("ada@northwind.example"))),
            ("who", "Owners", Type::list(Type::Person), people),
            ("task", "Tasks", Type::list(Type::Page(Some(TASKS))), tasks),
        ]
    }
}

impl Lookup for World {
    fn row(&self) -> Value {
        Value::Page(PageRef { id: ROW, title: "Portal".to_owned() })
    }

    fn property(&self, of: Option<Uuid>, key: &Key, run: &Run) -> Result<Value, Halt> {
        let fits = |id: &str, name: &str| match key {
            Key::Name(wanted) => wanted == name,
            Key::Id(reference) => reference.id == id,
        };
        if of.is_some_and(|of| of != ROW) {
            let hours = HashMap::from([(Uuid::from_u128(2), 3.0), (Uuid::from_u128(3), 5.0)]);
            return Ok(hours
                .get(&of.expect("some"))
                .filter(|_| fits("h", "Hours"))
                .map_or(Value::Empty, |hours| Value::Number(*hours)));
        }
        if fits("loop", "Loop") {
            let expr = parse("prop(\"Loop\") + 1").expect("it parses");
            return run.nested(|| evaluate(&expr, self, run));
        }
        let found = Self::columns().into_iter().find(|(id, name, ..)| fits(id, name));
        Ok(found.map_or(Value::Empty, |(.., value)| value))
    }
}

impl Schema for World {
    fn column(&self, source: Option<Uuid>, key: &Key) -> Option<Column> {
        let mut columns = Self::columns();
        columns.push(("loop", "Loop", Type::Number, Value::Empty));
        if source == Some(TASKS) {
            columns = vec![("h", "Hours", Type::Number, Value::Empty)];
        }
        let found = columns.into_iter().find(|(id, name, ..)| match key {
            Key::Name(wanted) => wanted == name,
            Key::Id(reference) => reference.id == *id,
        });
        found.map(|(id, _, kind, _)| Column { id: id.to_owned(), kind })
    }
}
