//! What an expression amounts to, how values compare, and how they read as text.

use std::cmp::Ordering;

use uuid::Uuid;

use super::dates::DateRange;
use super::numbers;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// Nothing: an empty cell, or what an operation without a result gives.
    Empty,
    Text(String),
    Number(f64),
    Boolean(bool),
    Date(DateRange),
    List(Vec<Value>),
    Person(Individual),
    Page(PageRef),
}

/// A person, as far as formulas see one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Individual {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    /// Bots have none.
    pub(crate) email: Option<String>,
}

/// A page, with its title for when it is read as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PageRef {
    pub(crate) id: Uuid,
    pub(crate) title: String,
}

impl Value {
    /// How it reads as text, as `format()` gives it.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Empty => String::new(),
            Self::Text(text) => text.clone(),
            Self::Number(number) => numbers::shown(*number),
            Self::Boolean(boolean) => boolean.to_string(),
            Self::Date(date) => date.text(),
            // With commas and no blanks: a guess, after JavaScript.
            Self::List(items) => items.iter().map(Self::text).collect::<Vec<_>>().join(","),
            Self::Person(person) => person.name.clone(),
            Self::Page(page) => page.title.clone(),
        }
    }

    /// As a number for arithmetic: empty counts as 0, a guess that other implementations share; `None` if it is none.
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Boolean(boolean) => Some(f64::from(u8::from(*boolean))),
            Self::Empty => Some(0.0),
            _ => None,
        }
    }

    /// Whether it counts as empty. Source: "Formula syntax & functions", `empty`: 0, "" and [] do. That `false` does is
    /// what users report.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Text(text) => text.is_empty(),
            Self::Number(number) => *number == 0.0,
            Self::Boolean(boolean) => !boolean,
            Self::List(items) => items.is_empty(),
            Self::Date(_) | Self::Person(_) | Self::Page(_) => false,
        }
    }

    /// As a list: a single value is a list of one, so that a relation limited to one page is treated like any other.
    pub(super) fn items(&self) -> &[Value] {
        match self {
            Self::Empty => &[],
            Self::List(items) => items,
            single => std::slice::from_ref(single),
        }
    }

    /// Whether `==` holds. Nothing equals empty text and the empty list; values of different kinds are never equal.
    pub(super) fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Empty, Self::Text(text)) | (Self::Text(text), Self::Empty) => text.is_empty(),
            (Self::Empty, Self::List(list)) | (Self::List(list), Self::Empty) => list.is_empty(),
            (Self::Date(a), Self::Date(b)) => a.start.at == b.start.at && a.end == b.end,
            (Self::List(a), Self::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.equals(b)),
            (Self::Person(a), Self::Person(b)) => a.id == b.id,
            (Self::Page(a), Self::Page(b)) => a.id == b.id,
            (a, b) => a == b,
        }
    }

    /// Which comes first; `None` where there is no order. Beside a number or text, empty counts as 0 or "" (a guess).
    pub(super) fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Date(a), Self::Date(b)) => Some(a.start.at.cmp(&b.start.at)),
            (Self::Text(_) | Self::Empty, Self::Text(_)) | (Self::Text(_), Self::Empty) => {
                Some(self.text().cmp(&other.text()))
            }
            (Self::Person(_), Self::Person(_)) | (Self::Page(_), Self::Page(_)) => {
                Some(self.text().cmp(&other.text()))
            }
            _ => self.number()?.partial_cmp(&other.number()?),
        }
    }

    /// How much memory it stands for, roughly in words of text; the budget of a run goes by it.
    pub(super) fn weight(&self) -> usize {
        match self {
            Self::Text(text) => 1 + text.len() / 64,
            Self::List(items) => items.iter().map(Self::weight).sum::<usize>() + 1,
            _ => 1,
        }
    }
}
