//! The tree of a formula. Chains of operators are flat and the height is checked at every new node, so that no walk over
//! a tree, and no dropping of one, can use up the stack.

use std::ops::Range;

use super::functions::Function;
use super::value::Value;
use super::{HEIGHT_MAX, Mistake};

/// An expression.
#[derive(Debug, Clone)]
pub(crate) struct Expr {
    pub(super) node: Node,
    height: usize,
}

/// What an expression is.
#[derive(Debug, Clone)]
pub(super) enum Node {
    Literal(Value),
    List(Vec<Expr>),
    /// Bound by `let`, or `current` and `index`.
    Variable(String),
    /// A property of a page, or without one of the row itself.
    Property {
        of: Option<Box<Expr>>,
        key: Key,
        span: Range<usize>,
    },
    Unary(Unary, Box<Expr>),
    /// Operators of one rank, from the left.
    Chain(Box<Expr>, Vec<(Binary, Expr)>),
    /// The first true condition's value, or the last one.
    Choose(Vec<(Expr, Expr)>, Box<Expr>),
    /// Each name holds from its own place on.
    Let(Vec<(String, Expr)>, Box<Expr>),
    /// Something done with each item of a list, which is `current` in the second expression.
    Each(Each, Box<Expr>, Box<Expr>),
    Call(&'static Function, Vec<Expr>),
}

/// How a property is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Key {
    Name(String),
    Id(super::Reference),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unary {
    Minus,
    Plus,
    Not,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Binary {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Power,
}

/// The functions whose second argument is worked out per item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Each {
    Map,
    Filter,
    Find,
    FindIndex,
    Some,
    Every,
    Sort,
}

impl Expr {
    /// # Errors
    /// [`Mistake::Parse`] if the tree grows too high.
    pub(super) fn new(node: Node) -> Result<Self, Mistake> {
        let height = 1 + node.children().map(|child| child.height).max().unwrap_or(0);
        if height > HEIGHT_MAX {
            return Err(Mistake::parse(format!("the formula is nested more than {HEIGHT_MAX} levels deep")));
        }
        Ok(Self { node, height })
    }
}

impl Node {
    /// The expressions directly below.
    pub(super) fn children(&self) -> Box<dyn Iterator<Item = &Expr> + '_> {
        match self {
            Self::Literal(_) | Self::Variable(_) => Box::new(std::iter::empty()),
            Self::List(items) | Self::Call(_, items) => Box::new(items.iter()),
            Self::Property { of, .. } => Box::new(of.iter().map(|of| &**of)),
            Self::Unary(_, inner) => Box::new(std::iter::once(&**inner)),
            Self::Chain(first, rest) => {
                Box::new(std::iter::once(&**first).chain(rest.iter().map(|(_, expr)| expr)))
            }
            Self::Choose(cases, otherwise) => {
                let cases = cases.iter().flat_map(|(condition, value)| [condition, value]);
                Box::new(cases.chain(std::iter::once(&**otherwise)))
            }
            Self::Let(bindings, body) => {
                Box::new(bindings.iter().map(|(_, value)| value).chain(std::iter::once(&**body)))
            }
            Self::Each(_, list, body) => Box::new([&**list, &**body].into_iter()),
        }
    }
}
