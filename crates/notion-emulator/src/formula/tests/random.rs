//! Formulas that nobody would write, some of them torn: none panics or runs away, and each value is of the type that the
//! check foretold.

use super::*;

/// What stands at the ends of an expression.
const LEAVES: &str = "0 1 -1 2.5 99999999999999999999 \"\" \"ab\" \"2026-02-30\" \"[\" \"days\" \"YYYY-[Q]Q-LLLL-X\" true \
    [] now() today() prop(\"Dates\") prop(\"Tasks\") prop(\"Owners\") prop(\"Estimate\") \
    fromTimestamp(1/0)";

/// Between two.
const OPERATORS: &str = "+ - * / % ^ == < >= and or !=";

/// What is called.
const FUNCTIONS: &str = "length substring contains test match replace replaceAll lower upper trim repeat padStart padEnd link \
    style format concat join split and not empty equal add subtract multiply divide mod pow min max sum \
    mean median abs round ceil floor sqrt cbrt exp ln log10 log2 sign toNumber minute hour day date week \
    month year dateAdd dateSubtract dateBetween dateRange dateStart dateEnd timestamp fromTimestamp \
    formatDate parseDate at first last slice reverse unique includes flat count name email id map filter \
    sort";

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % bound
    }

    fn pick(&mut self, of: &'static str) -> &'static str {
        let all: Vec<&str> = of.split_whitespace().collect();
        all[self.below(all.len())]
    }

    /// An expression that parses more often than not.
    fn expression(&mut self, depth: usize) -> String {
        if depth == 0 || self.below(5) == 0 {
            return self.pick(LEAVES).to_owned();
        }
        let inner = |dice: &mut Self| dice.expression(depth - 1);
        match self.below(6) {
            0 => format!("{} {} {}", inner(self), self.pick(OPERATORS), inner(self)),
            1 => format!("[{}, {}]", inner(self), inner(self)),
            2 => format!("if({}, {}, {})", inner(self), inner(self), inner(self)),
            3 => format!("({}).map({} + index)", inner(self), inner(self)),
            _ => {
                let arguments: Vec<String> = (0..=self.below(3)).map(|_| inner(self)).collect();
                format!("{}({})", self.pick(FUNCTIONS), arguments.join(", "))
            }
        }
    }
}

/// Whether a value is of the type that the check foretold. Nothing is of every type.
fn is(value: &Value, kind: &Type) -> bool {
    match (value, kind) {
        (Value::Empty, _) | (_, Type::Mixed) => true,
        (Value::Text(_), Type::Text)
        | (Value::Number(_), Type::Number)
        | (Value::Boolean(_), Type::Boolean) => true,
        (Value::Date(_), Type::Date) | (Value::Person(_), Type::Person) | (Value::Page(_), Type::Page(_)) => {
            true
        }
        (Value::List(items), Type::List(kind)) => items.iter().all(|item| is(item, kind)),
        _ => false,
    }
}

#[test]
fn whatever_is_typed_nothing_panics_and_types_hold() {
    let mut dice = Dice(42);
    let mut worked = 0;
    for _ in 0..5_000 {
        let mut source = dice.expression(4);
        // Some are cut off or stirred, so that they do not parse.
        if dice.below(4) == 0 {
            let (cut, at) = (dice.below(source.len() + 1), dice.below(source.len() + 1));
            source = format!("{}{}", &source[cut.min(at)..], &source[..at]);
        }
        let Ok(expr) = parse(&source) else { continue };
        // What the check refuses runs, too: cells change their types under formulas that passed.
        let checked = check(&expr, &World);
        if let (Ok(value), Ok(checked)) = (evaluate(&expr, &World, &at("2026-11-27T04:00:00Z")), checked) {
            assert!(is(&value, &checked.kind), "{source}: {value:?} is no {:?}", checked.kind);
            worked += 1;
        }
    }
    assert!(worked > 700, "{worked} passed the check and gave a value");
}
