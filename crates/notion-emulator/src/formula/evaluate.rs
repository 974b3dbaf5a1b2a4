//! A tree to a value, for one row. Work, memory and depth are bounded by [`Run`], which formulas over formulas share, so
//! no formula hangs the emulator, whatever it says and whatever it leads to.

use std::cell::{Cell, RefCell};
use std::cmp::Ordering;
use std::collections::HashMap;

use jiff::Timestamp;
use regex::Regex;
use uuid::Uuid;

use super::numbers::count;
use super::patterns::compile;
use super::tree::{Binary, Each, Expr, Key, Node, Unary};
use super::value::Value;

/// Longest text on the way, in bytes.
pub(super) const TEXT_MAX: usize = 100_000;
/// Most steps for one value: a step is an operation or 64 bytes of text.
const STEPS_MAX: usize = 100_000;
/// How many levels, over all formulas that lead to each other, may be open at once; each costs stack.
const LEVELS_MAX: usize = 160;
/// What a formula that another one leads to counts for in levels, with the rooms in between.
const FORMULA_LEVELS: usize = 4;
/// What making a pattern ready counts for in steps.
const PATTERN_STEPS: usize = 100;

/// The work was too much, or a regular expression beyond this engine: there is no value to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Halt;

/// Where a row's values come from.
pub(crate) trait Lookup {
    /// The row itself.
    fn row(&self) -> Value;

    /// What `page`, or without one the row, holds in a column; nothing if it has no such column.
    fn property(&self, page: Option<Uuid>, key: &Key, run: &Run) -> Result<Value, Halt>;
}

/// One value being worked out: the time, and what was spent.
pub(crate) struct Run {
    pub(super) now: Timestamp,
    steps: Cell<usize>,
    levels: Cell<usize>,
    patterns: RefCell<HashMap<String, Regex>>,
}

impl Run {
    pub(crate) fn new(now: Timestamp) -> Self {
        Self { now, steps: Cell::new(0), levels: Cell::new(0), patterns: RefCell::default() }
    }

    /// Counts work.
    pub(crate) fn spend(&self, steps: usize) -> Result<(), Halt> {
        self.steps.set(self.steps.get().saturating_add(steps));
        if self.steps.get() > STEPS_MAX { Err(Halt) } else { Ok(()) }
    }

    fn deeper<T>(&self, levels: usize, work: impl FnOnce() -> Result<T, Halt>) -> Result<T, Halt> {
        if self.levels.get() + levels > LEVELS_MAX {
            return Err(Halt);
        }
        self.levels.set(self.levels.get() + levels);
        let done = work();
        self.levels.set(self.levels.get() - levels);
        done
    }

    /// Work that one formula leaves to another.
    pub(crate) fn nested<T>(&self, work: impl FnOnce() -> Result<T, Halt>) -> Result<T, Halt> {
        self.deeper(FORMULA_LEVELS, work)
    }

    pub(super) fn pattern(&self, source: &str) -> Result<Regex, Halt> {
        if let Some(known) = self.patterns.borrow().get(source) {
            return Ok(known.clone());
        }
        self.spend(PATTERN_STEPS)?;
        let made = compile(source).ok_or(Halt)?;
        self.patterns.borrow_mut().insert(source.to_owned(), made.clone());
        Ok(made)
    }
}

/// What functions may look at besides their arguments.
pub(super) struct Scene<'a> {
    pub(super) lookup: &'a dyn Lookup,
    pub(super) run: &'a Run,
}

/// Works a formula out.
///
/// # Errors
/// [`Halt`] if it takes more than `run` has left.
pub(crate) fn evaluate(expr: &Expr, lookup: &dyn Lookup, run: &Run) -> Result<Value, Halt> {
    Evaluator { scene: Scene { lookup, run }, scope: Vec::new() }.value(expr)
}

struct Evaluator<'a> {
    scene: Scene<'a>,
    /// The names bound here, with their values.
    scope: Vec<(String, Value)>,
}

type Outcome = Result<Value, Halt>;

impl Evaluator<'_> {
    fn value(&mut self, expr: &Expr) -> Outcome {
        let run = self.scene.run;
        run.spend(1)?;
        let value = run.deeper(1, || self.node(&expr.node))?;
        if matches!(&value, Value::Text(text) if text.len() > TEXT_MAX) {
            return Err(Halt);
        }
        run.spend(value.weight())?;
        Ok(value)
    }

    fn node(&mut self, node: &Node) -> Outcome {
        match node {
            Node::Literal(value) => Ok(value.clone()),
            Node::List(items) => Ok(Value::List(self.values(items)?)),
            Node::Variable(name) => Ok(self.variable(name)),
            Node::Property { of, key, .. } => self.property(of.as_deref(), key),
            Node::Unary(sign, inner) => {
                let inner = self.value(inner)?;
                Ok(unary(*sign, &inner))
            }
            Node::Chain(first, rest) => self.chain(first, rest),
            Node::Choose(cases, otherwise) => self.choose(cases, otherwise),
            Node::Let(bindings, body) => self.bind(bindings, body),
            Node::Each(each, list, body) => self.each(*each, list, body),
            Node::Call(function, arguments) => {
                let arguments = self.values(arguments)?;
                function.call(&arguments, &self.scene)
            }
        }
    }

    fn values(&mut self, exprs: &[Expr]) -> Result<Vec<Value>, Halt> {
        exprs.iter().map(|expr| self.value(expr)).collect()
    }

    fn variable(&self, name: &str) -> Value {
        let found = self.scope.iter().rev().find(|(bound, _)| bound == name);
        found.map_or(Value::Empty, |(_, value)| value.clone())
    }

    fn property(&mut self, of: Option<&Expr>, key: &Key) -> Outcome {
        let page = match of.map(|of| self.value(of)).transpose()? {
            None => None,
            Some(Value::Page(page)) => Some(page.id),
            // Nothing has no properties, and neither has what is no page.
            Some(_) => return Ok(Value::Empty),
        };
        self.scene.lookup.property(page, key, self.scene.run)
    }

    /// From the left; `and` and `or` stop when they know.
    fn chain(&mut self, first: &Expr, rest: &[(Binary, Expr)]) -> Outcome {
        let mut value = self.value(first)?;
        for (operator, next) in rest {
            value = match operator {
                Binary::And if !truth(&value) => Value::Boolean(false),
                Binary::Or if truth(&value) => Value::Boolean(true),
                Binary::And | Binary::Or => Value::Boolean(truth(&self.value(next)?)),
                operator => {
                    let next = self.value(next)?;
                    self.scene.run.spend(value.weight())?;
                    binary(*operator, &value, &next)
                }
            };
        }
        Ok(value)
    }

    fn choose(&mut self, cases: &[(Expr, Expr)], otherwise: &Expr) -> Outcome {
        for (condition, value) in cases {
            if truth(&self.value(condition)?) {
                return self.value(value);
            }
        }
        self.value(otherwise)
    }

    fn bind(&mut self, bindings: &[(String, Expr)], body: &Expr) -> Outcome {
        let before = self.scope.len();
        for (name, value) in bindings {
            let value = self.value(value)?;
            self.scope.push((name.clone(), value));
        }
        let value = self.value(body);
        self.scope.truncate(before);
        value
    }

    fn each(&mut self, each: Each, list: &Expr, body: &Expr) -> Outcome {
        let list = self.value(list)?;
        let items = list.items();
        let mut outcomes = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let before = self.scope.len();
            self.scope.push(("current".to_owned(), item.clone()));
            self.scope.push(("index".to_owned(), Value::Number(count(index))));
            let outcome = self.value(body);
            self.scope.truncate(before);
            outcomes.push(outcome?);
        }
        let found = outcomes.iter().position(truth);
        Ok(match each {
            Each::Map => Value::List(outcomes),
            Each::Filter => {
                let kept = items.iter().zip(&outcomes).filter(|(_, outcome)| truth(outcome));
                Value::List(kept.map(|(item, _)| item.clone()).collect())
            }
            Each::Find => found.and_then(|at| items.get(at)).cloned().unwrap_or(Value::Empty),
            Each::FindIndex => Value::Number(found.map_or(-1.0, count)),
            Each::Some => Value::Boolean(found.is_some()),
            Each::Every => Value::Boolean(outcomes.iter().all(truth)),
            Each::Sort => {
                let mut keyed: Vec<(&Value, Value)> = items.iter().zip(outcomes).collect();
                keyed.sort_by(|(_, a), (_, b)| sort_order(a, b));
                Value::List(keyed.into_iter().map(|(item, _)| item.clone()).collect())
            }
        })
    }
}

/// Whether a condition holds: what is not empty does.
pub(super) fn truth(value: &Value) -> bool {
    !value.is_empty()
}

fn unary(sign: Unary, value: &Value) -> Value {
    match sign {
        Unary::Not => Value::Boolean(!truth(value)),
        Unary::Minus => value.number().map_or(Value::Empty, |number| Value::Number(-number)),
        Unary::Plus => value.number().map_or(Value::Empty, Value::Number),
    }
}

fn binary(operator: Binary, a: &Value, b: &Value) -> Value {
    let ordered = |holds: fn(Ordering) -> bool| Value::Boolean(a.order(b).is_some_and(holds));
    match operator {
        Binary::Equal => Value::Boolean(a.equals(b)),
        Binary::NotEqual => Value::Boolean(!a.equals(b)),
        Binary::Less => ordered(Ordering::is_lt),
        Binary::LessOrEqual => ordered(Ordering::is_le),
        Binary::Greater => ordered(Ordering::is_gt),
        Binary::GreaterOrEqual => ordered(Ordering::is_ge),
        operator => arithmetic(operator, a, b),
    }
}

/// `+` puts texts together and reads everything beside a text as text; else it adds.
pub(super) fn plus(a: &Value, b: &Value) -> Value {
    let is_text = |value: &Value| matches!(value, Value::Text(_) | Value::Person(_) | Value::Page(_));
    if is_text(a) || is_text(b) {
        return Value::Text(a.text() + &b.text());
    }
    match (a.number(), b.number()) {
        (Some(a), Some(b)) => Value::Number(a + b),
        _ => Value::Empty,
    }
}

/// The operators on numbers; other values give nothing.
pub(super) fn arithmetic(operator: Binary, a: &Value, b: &Value) -> Value {
    if operator == Binary::Add {
        return plus(a, b);
    }
    let (Some(a), Some(b)) = (a.number(), b.number()) else { return Value::Empty };
    Value::Number(match operator {
        Binary::Subtract => a - b,
        Binary::Multiply => a * b,
        Binary::Divide => a / b,
        Binary::Modulo => a % b,
        _ => a.powf(b),
    })
}

/// An order among all values, for `sort`: numbers, texts, dates, then what is empty.
fn sort_order(a: &Value, b: &Value) -> Ordering {
    let rank = |value: &Value| match value {
        Value::Number(_) | Value::Boolean(_) => 0,
        Value::Text(_) | Value::Person(_) | Value::Page(_) | Value::List(_) => 1,
        Value::Date(_) => 2,
        Value::Empty => 3,
    };
    rank(a).cmp(&rank(b)).then_with(|| match (a, b) {
        (Value::Date(a), Value::Date(b)) => a.start.at.cmp(&b.start.at),
        (Value::Number(_) | Value::Boolean(_), _) => {
            a.number().unwrap_or(0.0).total_cmp(&b.number().unwrap_or(0.0))
        }
        _ => a.text().cmp(&b.text()),
    })
}
