//! Numbers: arithmetic by name, sums over lists, and the usual functions of one number.

use super::super::evaluate::arithmetic;
use super::super::numbers::{count, float, middle, read, rounded, whole};
use super::super::tree::Binary;
use super::super::value::Value;
use super::{Function, Gives, MANY, Takes, argument, plain};

const NUMBER: &[Takes] = &[Takes::Number];
const NUMBERS: &[Takes] = &[Takes::Numbers];
const ONE: (usize, usize) = (1, 1);
const TWO: (usize, usize) = (2, 2);
const SEVERAL: (usize, usize) = (1, MANY);

pub(super) static FUNCTIONS: &[Function] = &[
    plain("add", TWO, &[Takes::Any], Gives::Joined, |all| pair(Binary::Add, all)),
    plain("subtract", TWO, NUMBER, Gives::Number, |all| pair(Binary::Subtract, all)),
    plain("multiply", TWO, NUMBER, Gives::Number, |all| pair(Binary::Multiply, all)),
    plain("divide", TWO, NUMBER, Gives::Number, |all| pair(Binary::Divide, all)),
    plain("mod", TWO, NUMBER, Gives::Number, |all| pair(Binary::Modulo, all)),
    plain("pow", TWO, NUMBER, Gives::Number, |all| pair(Binary::Power, all)),
    plain("min", SEVERAL, NUMBERS, Gives::Number, |all| fold(all, |a| a.reduce(f64::min))),
    plain("max", SEVERAL, NUMBERS, Gives::Number, |all| fold(all, |a| a.reduce(f64::max))),
    plain("sum", SEVERAL, NUMBERS, Gives::Number, |all| fold(all, |a| Some(a.sum()))),
    plain("mean", SEVERAL, NUMBERS, Gives::Number, mean),
    plain("median", SEVERAL, NUMBERS, Gives::Number, median),
    plain("abs", ONE, NUMBER, Gives::Number, |all| one(all, f64::abs)),
    plain("round", (1, 2), NUMBER, Gives::Number, |all| {
        let places = argument(all, 1).number().map_or(0, whole).clamp(-15, 15);
        one(all, |number| rounded(number, i32::try_from(places).unwrap_or(0)))
    }),
    plain("ceil", ONE, NUMBER, Gives::Number, |all| one(all, f64::ceil)),
    plain("floor", ONE, NUMBER, Gives::Number, |all| one(all, f64::floor)),
    plain("sqrt", ONE, NUMBER, Gives::Number, |all| one(all, f64::sqrt)),
    plain("cbrt", ONE, NUMBER, Gives::Number, |all| one(all, f64::cbrt)),
    plain("exp", ONE, NUMBER, Gives::Number, |all| one(all, f64::exp)),
    plain("ln", ONE, NUMBER, Gives::Number, |all| one(all, f64::ln)),
    plain("log10", ONE, NUMBER, Gives::Number, |all| one(all, f64::log10)),
    plain("log2", ONE, NUMBER, Gives::Number, |all| one(all, f64::log2)),
    plain("sign", ONE, NUMBER, Gives::Number, |all| {
        one(all, |number| if number == 0.0 { 0.0 } else { number.signum() })
    }),
    plain("pi", (0, 0), NUMBER, Gives::Number, |_| Value::Number(std::f64::consts::PI)),
    plain("e", (0, 0), NUMBER, Gives::Number, |_| Value::Number(std::f64::consts::E)),
    plain("toNumber", ONE, &[Takes::Any], Gives::Number, to_number),
];

fn pair(operator: Binary, all: &[Value]) -> Value {
    arithmetic(operator, argument(all, 0), argument(all, 1))
}

fn one(all: &[Value], change: impl Fn(f64) -> f64) -> Value {
    argument(all, 0).number().map_or(Value::Empty, |number| Value::Number(change(number)))
}

/// All numbers of the arguments and of the lists among them; empty ones do not count.
fn numbers(all: &[Value]) -> impl Iterator<Item = f64> {
    let items = all.iter().flat_map(Value::items);
    items.filter(|value| **value != Value::Empty).filter_map(Value::number)
}

fn fold(all: &[Value], with: impl Fn(std::vec::IntoIter<f64>) -> Option<f64>) -> Value {
    let found: Vec<f64> = numbers(all).collect();
    with(found.into_iter()).map_or(Value::Empty, Value::Number)
}

fn mean(all: &[Value]) -> Value {
    let found: Vec<f64> = numbers(all).collect();
    if found.is_empty() {
        return Value::Empty;
    }
    Value::Number(found.iter().sum::<f64>() / count(found.len()))
}

fn median(all: &[Value]) -> Value {
    let mut found: Vec<f64> = numbers(all).collect();
    found.sort_by(f64::total_cmp);
    middle(&found).map_or(Value::Empty, Value::Number)
}

/// Text that says no number gives nothing.
fn to_number(all: &[Value]) -> Value {
    let number = match argument(all, 0) {
        Value::Text(text) => read(text),
        Value::Date(date) => Some(float(date.start.milliseconds())),
        Value::Empty => None,
        value => value.number(),
    };
    number.map_or(Value::Empty, Value::Number)
}
