//! Notion's formula language: text to a tree, the tree to a value for one row. A pure room: what a row holds comes in
//! through [`Lookup`], what the columns are through [`Schema`], and the time through [`Run`].
//! Source: Notion, "Formula syntax & functions" (help, read 2026-11-27). Where that is silent (coercions, empty values,
//! odd arguments) the lines below say that they guess. Times are in UTC, as the API has them.

mod check;
mod dates;
mod evaluate;
mod format_date;
mod functions;
mod lexer;
mod numbers;
mod parser;
mod patterns;
mod print;
mod reference;
mod tree;
mod value;

#[cfg(test)]
mod tests;

pub(crate) use check::{Column, Schema, Type, check};
pub(crate) use dates::{DateRange, Point};
pub(crate) use evaluate::{Halt, Lookup, Run, evaluate};
pub(crate) use numbers::middle;
pub(crate) use parser::parse;
pub(crate) use print::print;
pub(crate) use reference::{Reference, at_home, references, rewrite};
pub(crate) use tree::Key;
pub(crate) use value::{Individual, PageRef, Value};

/// Longest source, in bytes: Notion's editor takes some tens of thousands of characters; the bound keeps parsing short.
const SOURCE_MAX: usize = 50_000;

/// How deep a tree may be: real formulas nest a few dozen `if`s, and each level costs stack when evaluated.
const HEIGHT_MAX: usize = 64;

/// Why a formula cannot be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mistake {
    /// It is not well formed, or calls what is not there.
    Parse(String),
    /// It names a property that is not there, or puts types together that do not fit.
    Type(String),
    /// Notion can do it and the emulator cannot.
    NotHere(&'static str),
}

impl Mistake {
    fn parse(why: impl Into<String>) -> Self {
        Self::Parse(why.into())
    }

    fn of_type(why: impl Into<String>) -> Self {
        Self::Type(why.into())
    }
}
