//! What a formula gives, worked out from the schema alone, and which properties it names. Only what certainly cannot be is
//! refused: Notion's own rules are known from examples, so where types might fit, they do.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::dates::Unit;
use super::functions::{Function, Gives, Takes};
use super::patterns::compile;
use super::tree::{Binary, Each, Expr, Key, Node, Unary};
use super::value::Value;
use super::{Mistake, Reference};

/// The type of a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Type {
    Text,
    Number,
    Boolean,
    Date,
    Person,
    /// A row of this data source, or a page of which that is not known.
    Page(Option<Uuid>),
    List(Box<Type>),
    /// Always nothing.
    Empty,
    /// Now one type, now another: only the value itself tells.
    Mixed,
}

/// A column, as formulas see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) id: String,
    pub(crate) kind: Type,
}

/// The columns that a formula may name.
pub(crate) trait Schema {
    /// A column of `source`, or without one of the formula's own data source.
    fn column(&self, source: Option<Uuid>, key: &Key) -> Option<Column>;
}

/// What the check found out.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) kind: Type,
    /// The properties that the formula names, and where in its source.
    pub(crate) references: Vec<(Range<usize>, Reference)>,
}

/// Checks a formula against a schema.
///
/// # Errors
/// [`Mistake`] if it cannot be.
pub(crate) fn check(expr: &Expr, schema: &dyn Schema) -> Result<Checked, Mistake> {
    let mut checker = Checker { schema, scope: Vec::new(), references: Vec::new() };
    let kind = checker.of(expr)?;
    Ok(Checked { kind, references: checker.references })
}

impl Type {
    pub(crate) fn list(of: Type) -> Self {
        Self::List(Box::new(of))
    }

    /// What an item of it is; a single value is a list of one.
    pub(crate) fn item(&self) -> Self {
        match self {
            Self::List(item) => (**item).clone(),
            single => single.clone(),
        }
    }

    fn or(self, other: Self) -> Self {
        match (self, other) {
            (a, b) if a == b => a,
            (Self::Empty, other) | (other, Self::Empty) => other,
            (Self::Page(_), Self::Page(_)) => Self::Page(None),
            (Self::List(a), Self::List(b)) => Self::list(a.or(*b)),
            _ => Self::Mixed,
        }
    }

    fn is_open(&self) -> bool {
        matches!(self, Self::Empty | Self::Mixed)
    }

    fn is_number(&self) -> bool {
        matches!(self, Self::Number | Self::Boolean) || self.is_open()
    }

    fn reads_as_text(&self) -> bool {
        matches!(self, Self::Text | Self::Person | Self::Page(_))
    }
}

struct Checker<'a> {
    schema: &'a dyn Schema,
    scope: Vec<(String, Type)>,
    references: Vec<(Range<usize>, Reference)>,
}

type Found = Result<Type, Mistake>;

impl Checker<'_> {
    fn of(&mut self, expr: &Expr) -> Found {
        match &expr.node {
            Node::Literal(value) => Ok(literal(value)),
            Node::List(items) => self.any_of(items).map(Type::list),
            Node::Variable(name) => {
                let found = self.scope.iter().rev().find(|(bound, _)| bound == name);
                Ok(found.map_or(Type::Mixed, |(_, kind)| kind.clone()))
            }
            Node::Property { of, key, span } => self.property(of.as_deref(), key, span),
            Node::Unary(Unary::Not, inner) => self.of(inner).map(|_| Type::Boolean),
            Node::Unary(_, inner) => number(&self.of(inner)?),
            Node::Chain(first, rest) => {
                let mut kind = self.of(first)?;
                for (operator, next) in rest {
                    kind = binary(*operator, &kind, &self.of(next)?)?;
                }
                Ok(kind)
            }
            Node::Choose(cases, otherwise) => {
                let mut kind = self.of(otherwise)?;
                for (condition, value) in cases {
                    self.of(condition)?;
                    kind = self.of(value)?.or(kind);
                }
                Ok(kind)
            }
            Node::Let(bindings, body) => {
                let before = self.scope.len();
                for (name, value) in bindings {
                    let kind = self.of(value)?;
                    self.scope.push((name.clone(), kind));
                }
                let kind = self.of(body);
                self.scope.truncate(before);
                kind
            }
            Node::Each(each, list, body) => self.each(*each, list, body),
            Node::Call(function, arguments) => self.call(function, arguments),
        }
    }

    fn any_of(&mut self, exprs: &[Expr]) -> Found {
        exprs.iter().try_fold(Type::Empty, |kind, expr| Ok(kind.or(self.of(expr)?)))
    }

    fn property(&mut self, of: Option<&Expr>, key: &Key, span: &Range<usize>) -> Found {
        let source = match of.map(|of| self.of(of)).transpose()? {
            None => None,
            Some(Type::Page(Some(source))) => Some(source),
            // Which data source it is shows only with the row; the name stays a name.
            Some(Type::Page(None) | Type::Empty | Type::Mixed) => return Ok(Type::Mixed),
            Some(_) => return Err(Mistake::of_type("only pages have properties")),
        };
        let named = match key {
            Key::Name(name) => name,
            Key::Id(reference) => &reference.id,
        };
        let column = self.schema.column(source, key);
        let column = column.ok_or_else(|| Mistake::of_type(format!("there is no property \"{named}\"")))?;
        self.references.push((span.clone(), Reference { id: column.id, source }));
        Ok(column.kind)
    }

    fn each(&mut self, each: Each, list: &Expr, body: &Expr) -> Found {
        let item = match self.of(list)?.item() {
            Type::Empty => Type::Mixed,
            item => item,
        };
        let before = self.scope.len();
        self.scope.push(("current".to_owned(), item.clone()));
        self.scope.push(("index".to_owned(), Type::Number));
        let outcome = self.of(body);
        self.scope.truncate(before);
        let outcome = outcome?;
        Ok(match each {
            Each::Map => Type::list(outcome),
            Each::Filter | Each::Sort => Type::list(item),
            Each::Find => item,
            Each::FindIndex => Type::Number,
            Each::Some | Each::Every => Type::Boolean,
        })
    }

    fn call(&mut self, function: &Function, arguments: &[Expr]) -> Found {
        let kinds = arguments.iter().map(|expr| self.of(expr)).collect::<Result<Vec<_>, _>>()?;
        for (at, (expr, kind)) in arguments.iter().zip(&kinds).enumerate() {
            let takes = function.takes.get(at).or(function.takes.last()).unwrap_or(&Takes::Any);
            if !accepts(*takes, kind) {
                let name = function.name;
                return Err(Mistake::of_type(format!(
                    "{name}() does not take {kind:?} as argument {}",
                    at + 1
                )));
            }
            if let Node::Literal(Value::Text(text)) = &expr.node {
                written(*takes, text)?;
            }
        }
        if function.name == "add" {
            return binary(Binary::Add, &kinds[0], &kinds[1]);
        }
        if function.name == "empty" && kinds.is_empty() {
            return Ok(Type::Empty);
        }
        let first = kinds.first().map_or(Type::Empty, Type::item);
        Ok(match function.gives {
            Gives::Text => Type::Text,
            Gives::Number => Type::Number,
            Gives::Boolean => Type::Boolean,
            Gives::Date => Type::Date,
            Gives::Texts => Type::list(Type::Text),
            Gives::Item => first,
            Gives::Items => Type::list(first),
            Gives::Flat => Type::list(first.item()),
            Gives::Joined if kinds.iter().any(|kind| matches!(kind, Type::List(_))) => {
                Type::list(kinds.iter().fold(Type::Empty, |kind, next| kind.or(next.item())))
            }
            Gives::Joined => Type::Text,
        })
    }
}

fn literal(value: &Value) -> Type {
    match value {
        Value::Text(_) => Type::Text,
        Value::Number(_) => Type::Number,
        Value::Boolean(_) => Type::Boolean,
        // The parser makes no other literals.
        _ => Type::Empty,
    }
}

fn number(kind: &Type) -> Found {
    if kind.is_number() { Ok(Type::Number) } else { Err(Mistake::of_type(format!("{kind:?} is no number"))) }
}

fn binary(operator: Binary, a: &Type, b: &Type) -> Found {
    let fits = |fits: bool, kind: Type| {
        if fits {
            Ok(kind)
        } else {
            Err(Mistake::of_type(format!("{operator:?} does not take {a:?} and {b:?}")))
        }
    };
    let open = a.is_open() || b.is_open();
    match operator {
        Binary::Or | Binary::And | Binary::Equal | Binary::NotEqual => Ok(Type::Boolean),
        Binary::Less | Binary::LessOrEqual | Binary::Greater | Binary::GreaterOrEqual => {
            let alike = (a.is_number() && b.is_number()) || a == b;
            fits((alike || open) && !matches!((a, b), (Type::List(_), _) | (_, Type::List(_))), Type::Boolean)
        }
        Binary::Add if a.reads_as_text() || b.reads_as_text() => Ok(Type::Text),
        Binary::Add if *a == Type::Mixed || *b == Type::Mixed => Ok(Type::Mixed),
        _ => fits(a.is_number() && b.is_number(), Type::Number),
    }
}

fn accepts(takes: Takes, kind: &Type) -> bool {
    match takes {
        Takes::Any | Takes::Pattern | Takes::Unit => true,
        Takes::Number => kind.is_number(),
        Takes::Numbers => kind.item().is_number(),
        Takes::Date => *kind == Type::Date || kind.is_open(),
        Takes::Person => *kind == Type::Person || kind.is_open(),
        Takes::Page => matches!(kind, Type::Page(_)) || kind.is_open(),
    }
}

/// Whether text that stands in the formula itself is what the function needs.
fn written(takes: Takes, text: &str) -> Result<(), Mistake> {
    match takes {
        Takes::Pattern if compile(text).is_none() => {
            Err(Mistake::NotHere("formulas with regular expressions of this kind"))
        }
        Takes::Unit if Unit::named(text).is_none() => {
            Err(Mistake::of_type(format!("`{text}` is no unit of time")))
        }
        _ => Ok(()),
    }
}
