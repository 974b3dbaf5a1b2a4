//! Truth: the operators as functions, and what is empty.

use super::super::evaluate::truth;
use super::super::value::Value;
use super::{Function, Gives, MANY, Takes, argument, plain};

const ANY: &[Takes] = &[Takes::Any];

pub(super) static FUNCTIONS: &[Function] = &[
    plain("and", (1, MANY), ANY, Gives::Boolean, |all| Value::Boolean(all.iter().all(truth))),
    plain("or", (1, MANY), ANY, Gives::Boolean, |all| Value::Boolean(all.iter().any(truth))),
    plain("not", (1, 1), ANY, Gives::Boolean, |all| Value::Boolean(!truth(argument(all, 0)))),
    // Without an argument it is the empty value, for `if(…, …, empty())`.
    plain("empty", (0, 1), ANY, Gives::Boolean, |all| {
        all.first().map_or(Value::Empty, |value| Value::Boolean(value.is_empty()))
    }),
    plain("equal", (2, 2), ANY, Gives::Boolean, |all| {
        Value::Boolean(argument(all, 0).equals(argument(all, 1)))
    }),
    plain("unequal", (2, 2), ANY, Gives::Boolean, |all| {
        Value::Boolean(!argument(all, 0).equals(argument(all, 1)))
    }),
];
