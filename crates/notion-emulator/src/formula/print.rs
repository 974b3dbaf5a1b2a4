//! A formula as the API gives it back: not the text that was written but one made anew from its words. Spare brackets,
//! comments and line breaks go; commas and operators get their blanks; an operator inside another gets brackets, whether
//! they are needed or not. Source: recorded answers of June 2026. They show calls, comparisons, sums and remainders; that
//! words, signs and method calls stay as they were written is a guess.

use super::lexer::{Token, Word, words};
use super::numbers::shown;
use super::parser::RANKS;
use super::{HEIGHT_MAX, Mistake};

/// A part of a formula that is printed.
struct Part {
    text: String,
    /// Whether it is an operator with its two sides, which needs brackets inside another.
    is_operation: bool,
}

impl Part {
    fn whole(text: String) -> Self {
        Self { text, is_operation: false }
    }

    fn operation(text: String) -> Self {
        Self { text, is_operation: true }
    }

    /// As a side of an operator, or before a point.
    fn inside(self) -> String {
        if self.is_operation { format!("({})", self.text) } else { self.text }
    }
}

/// Prints a formula that parses.
///
/// # Errors
/// [`Mistake::Parse`] if it does not.
pub(crate) fn print(source: &str) -> Result<String, Mistake> {
    let mut printer = Printer { source, words: words(source)?, at: 0, depth: 0 };
    let text = printer.expression()?.text;
    if printer.at == printer.words.len() { Ok(text) } else { Err(Mistake::parse("a word is too much")) }
}

struct Printer<'s> {
    source: &'s str,
    words: Vec<Word>,
    at: usize,
    depth: usize,
}

type Printed = Result<Part, Mistake>;

impl Printer<'_> {
    fn is_next(&self, wanted: &str) -> bool {
        match self.words.get(self.at).map(|word| &word.token) {
            Some(Token::Sign(sign)) => *sign == wanted,
            Some(Token::Name(name)) => name == wanted,
            _ => false,
        }
    }

    fn take(&mut self, wanted: &str) -> bool {
        let there = self.is_next(wanted);
        self.at += usize::from(there);
        there
    }

    fn expect(&mut self, wanted: &str) -> Result<(), Mistake> {
        if self.take(wanted) { Ok(()) } else { Err(Mistake::parse(format!("`{wanted}` is missing"))) }
    }

    fn deeper(&mut self, read: impl FnOnce(&mut Self) -> Printed) -> Printed {
        if self.depth >= HEIGHT_MAX {
            return Err(Mistake::parse("the formula is nested too deep"));
        }
        self.depth += 1;
        let read = read(self);
        self.depth -= 1;
        read
    }

    fn expression(&mut self) -> Printed {
        self.deeper(|printer| {
            let condition = printer.chain(0)?;
            if !printer.take("?") {
                return Ok(condition);
            }
            let value = printer.expression()?.inside();
            printer.expect(":")?;
            let otherwise = printer.expression()?.inside();
            Ok(Part::operation(format!("{} ? {value} : {otherwise}", condition.inside())))
        })
    }

    fn chain(&mut self, rank: usize) -> Printed {
        let Some(operators) = RANKS.get(rank) else { return self.unary() };
        let mut left = self.chain(rank + 1)?;
        while let Some((sign, _)) = operators.iter().find(|(sign, _)| self.take(sign)) {
            let right = self.chain(rank + 1)?.inside();
            left = Part::operation(format!("{} {sign} {right}", left.inside()));
        }
        Ok(left)
    }

    fn unary(&mut self) -> Printed {
        for (sign, shown) in [("-", "-"), ("+", "+"), ("!", "!"), ("not", "not ")] {
            if self.take(sign) {
                let inner = self.deeper(Self::unary)?;
                return Ok(Part::whole(format!("{shown}{}", inner.inside())));
            }
        }
        let base = self.postfix()?;
        if !self.take("^") {
            return Ok(base);
        }
        let exponent = self.deeper(Self::unary)?.inside();
        Ok(Part::operation(format!("{} ^ {exponent}", base.inside())))
    }

    fn postfix(&mut self) -> Printed {
        let mut part = self.primary()?;
        while self.take(".") {
            let method = self.primary()?.text;
            part = Part::whole(format!("{}.{method}", part.inside()));
        }
        Ok(part)
    }

    fn primary(&mut self) -> Printed {
        let word = self.words.get(self.at).cloned();
        let word = word.ok_or_else(|| Mistake::parse("the formula ends too early"))?;
        self.at += 1;
        match word.token {
            Token::Sign("(") => {
                let inner = self.expression()?;
                self.expect(")")?;
                Ok(inner)
            }
            Token::Sign("[") => Ok(Part::whole(format!("[{}]", self.list("]")?))),
            Token::Sign(sign) => Err(Mistake::parse(format!("`{sign}` is out of place"))),
            Token::Number(number) => Ok(Part::whole(shown(number))),
            Token::Name(name) if self.take("(") => Ok(Part::whole(format!("{name}({})", self.list(")")?))),
            Token::Name(name) => Ok(Part::whole(name)),
            Token::Text(_) | Token::Reference(_) => Ok(Part::whole(self.source[word.span].to_owned())),
        }
    }

    /// Expressions with commas between them, up to `end`.
    fn list(&mut self, end: &str) -> Result<String, Mistake> {
        let mut items = Vec::new();
        while !self.take(end) {
            if !items.is_empty() {
                self.expect(",")?;
            }
            items.push(self.expression()?.text);
        }
        Ok(items.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_is_printed_anew() {
        let cases = [
            // Recorded.
            (
                "50000 + dateBetween(now(), now(), \"years\")*1000",
                "50000 + (dateBetween(now(), now(), \"years\") * 1000)",
            ),
            ("if((pi == \"Done\"),\"yes\",\"no\")", "if(pi == \"Done\", \"yes\", \"no\")"),
            (
                "now()>(if(or(e>=now(),empty(e)),e,(fromTimestamp(toNumber(\"\")))))",
                "now() > if(or(e >= now(), empty(e)), e, fromTimestamp(toNumber(\"\")))",
            ),
            ("(hour(e)-(hour(e)%2))+2", "(hour(e) - (hour(e) % 2)) + 2"),
            // Guessed after these.
            ("1+2*3", "1 + (2 * 3)"),
            ("(1 + 2) * 3", "(1 + 2) * 3"),
            ("((1))", "1"),
            ("1 /* one */\n + 2.50", "1 + 2.5"),
            ("-(1+2)^2", "-((1 + 2) ^ 2)"),
            ("not (true and false)", "not (true and false)"),
            ("true?1:2", "true ? 1 : 2"),
            ("[1,2,3].map(current*2).sum()", "[1, 2, 3].map(current * 2).sum()"),
            ("(1+2).format()", "(1 + 2).format()"),
            ("let(x,1,x+1)", "let(x, 1, x + 1)"),
            ("\"a \\\" b\"+\"\"", "\"a \\\" b\" + \"\""),
            ("test(\"a\",\"\\d\")", "test(\"a\", \"\\d\")"),
        ];
        for (written, printed) in cases {
            assert_eq!(print(written).as_deref(), Ok(printed), "{written}");
            assert_eq!(print(printed).as_deref(), Ok(printed), "again: {printed}");
        }
    }
}
