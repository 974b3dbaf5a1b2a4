//! The functions of the language, as tables: name, how many arguments, what they must be, what comes out, and how.
//! Those that take names or work per item (`let`, `if`, `map` …) are parts of the tree instead.

mod date;
mod list;
mod logic;
mod number;
mod text;

use super::evaluate::{Halt, Scene};
use super::value::Value;

/// A function.
#[derive(Debug)]
pub(super) struct Function {
    pub(super) name: &'static str,
    pub(super) least: usize,
    pub(super) most: usize,
    /// What the arguments must be; the last holds for all that follow.
    pub(super) takes: &'static [Takes],
    pub(super) gives: Gives,
    pub(super) run: Body,
}

/// What works out a call.
#[derive(Debug)]
pub(super) enum Body {
    /// From the arguments alone, and never too much.
    Plain(fn(&[Value]) -> Value),
    /// With a look at the time, the row and what may still be spent.
    Seeing(fn(&[Value], &Scene<'_>) -> Result<Value, Halt>),
}

/// What an argument must be, where the wrong one is certainly a mistake. Everything can be read as text and as a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    Any,
    Number,
    /// A number or a list of numbers.
    Numbers,
    Date,
    Person,
    Page,
    /// A regular expression.
    Pattern,
    /// A unit of time.
    Unit,
}

/// What comes out, by what went in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gives {
    Text,
    Number,
    Boolean,
    Date,
    Texts,
    /// An item of the first argument.
    Item,
    /// A list of the first argument's items.
    Items,
    /// A list of what is in the first argument's items.
    Flat,
    /// A list if lists went in, else text.
    Joined,
}

/// So many arguments that nobody writes more.
const MANY: usize = 1_000;

const fn plain(
    name: &'static str,
    (least, most): (usize, usize),
    takes: &'static [Takes],
    gives: Gives,
    run: fn(&[Value]) -> Value,
) -> Function {
    Function { name, least, most, takes, gives, run: Body::Plain(run) }
}

const fn seeing(
    name: &'static str,
    (least, most): (usize, usize),
    takes: &'static [Takes],
    gives: Gives,
    run: fn(&[Value], &Scene<'_>) -> Result<Value, Halt>,
) -> Function {
    Function { name, least, most, takes, gives, run: Body::Seeing(run) }
}

impl Function {
    /// Works out a call.
    pub(super) fn call(&self, arguments: &[Value], scene: &Scene<'_>) -> Result<Value, Halt> {
        match self.run {
            Body::Plain(run) => Ok(run(arguments)),
            Body::Seeing(run) => run(arguments, scene),
        }
    }
}

/// The function of this name.
pub(super) fn find(name: &str) -> Option<&'static Function> {
    let tables = [text::FUNCTIONS, logic::FUNCTIONS, number::FUNCTIONS, date::FUNCTIONS, list::FUNCTIONS];
    tables.into_iter().flatten().find(|function| function.name == name)
}

/// An argument, or nothing if it was left out.
fn argument(arguments: &[Value], at: usize) -> &Value {
    arguments.get(at).unwrap_or(&Value::Empty)
}
