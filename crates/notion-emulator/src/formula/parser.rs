//! Words to a tree, by recursive descent. Ranks from the loosest: `?:`, `or`, `and`, equality, order, `+ -`, `* / %`, the
//! signs before a value, `^` (from the right), and calls. Method calls put what is before the point first:
//! `prop("Tags").length()` is `length(prop("Tags"))`.

use super::functions::{Function, find};
use super::lexer::{Token, Word, words};
use super::tree::{Binary, Each, Expr, Key, Node, Unary};
use super::value::Value;
use super::{HEIGHT_MAX, Mistake};

/// The operators of each rank, loosest first.
pub(super) const RANKS: [&[(&str, Binary)]; 6] = [
    &[("or", Binary::Or), ("||", Binary::Or)],
    &[("and", Binary::And), ("&&", Binary::And)],
    &[("==", Binary::Equal), ("===", Binary::Equal), ("!=", Binary::NotEqual), ("!==", Binary::NotEqual)],
    &[
        (">=", Binary::GreaterOrEqual),
        ("<=", Binary::LessOrEqual),
        (">", Binary::Greater),
        ("<", Binary::Less),
    ],
    &[("+", Binary::Add), ("-", Binary::Subtract)],
    &[("*", Binary::Multiply), ("/", Binary::Divide), ("%", Binary::Modulo)],
];

/// Reads a formula.
///
/// # Errors
/// [`Mistake::Parse`] says what does not fit.
pub(crate) fn parse(source: &str) -> Result<Expr, Mistake> {
    let mut parser = Parser { words: words(source)?, at: 0, scope: Vec::new(), depth: 0 };
    let expr = parser.expression()?;
    match parser.words.get(parser.at) {
        None => Ok(expr),
        Some(word) => Err(Mistake::parse(format!("`{}` is too much", &source[word.span.clone()]))),
    }
}

struct Parser {
    words: Vec<Word>,
    at: usize,
    /// The names that are bound here.
    scope: Vec<String>,
    depth: usize,
}

type Parsed = Result<Expr, Mistake>;

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.words.get(self.at).map(|word| &word.token)
    }

    /// Takes a sign or a keyword if it comes next.
    fn take(&mut self, wanted: &str) -> bool {
        let there = match self.peek() {
            Some(Token::Sign(sign)) => *sign == wanted,
            Some(Token::Name(name)) => name == wanted,
            _ => false,
        };
        self.at += usize::from(there);
        there
    }

    fn expect(&mut self, wanted: &str) -> Result<(), Mistake> {
        if self.take(wanted) { Ok(()) } else { Err(Mistake::parse(format!("`{wanted}` is missing"))) }
    }

    /// A whole expression. Everything that nests comes through here or [`Self::unary`], which count the levels.
    fn expression(&mut self) -> Parsed {
        self.deeper(|parser| {
            let condition = parser.chain(0)?;
            if !parser.take("?") {
                return Ok(condition);
            }
            let value = parser.expression()?;
            parser.expect(":")?;
            let otherwise = parser.expression()?;
            Expr::new(Node::Choose(vec![(condition, value)], Box::new(otherwise)))
        })
    }

    fn deeper(&mut self, read: impl FnOnce(&mut Self) -> Parsed) -> Parsed {
        if self.depth >= HEIGHT_MAX {
            return Err(Mistake::parse(format!("the formula is nested more than {HEIGHT_MAX} levels deep")));
        }
        self.depth += 1;
        let read = read(self);
        self.depth -= 1;
        read
    }

    fn chain(&mut self, rank: usize) -> Parsed {
        let Some(operators) = RANKS.get(rank) else { return self.unary() };
        let first = self.chain(rank + 1)?;
        let mut rest = Vec::new();
        while let Some((_, operator)) = operators.iter().find(|(sign, _)| self.take(sign)) {
            rest.push((*operator, self.chain(rank + 1)?));
        }
        if rest.is_empty() { Ok(first) } else { Expr::new(Node::Chain(Box::new(first), rest)) }
    }

    fn unary(&mut self) -> Parsed {
        let signs = [("-", Unary::Minus), ("+", Unary::Plus), ("!", Unary::Not), ("not", Unary::Not)];
        // `not(…)` may be meant as a function; as an operator before brackets it says the same.
        if let Some((_, sign)) = signs.iter().find(|(word, _)| self.take(word)) {
            let inner = self.deeper(Self::unary)?;
            return Expr::new(Node::Unary(*sign, Box::new(inner)));
        }
        let base = self.postfix()?;
        if !self.take("^") {
            return Ok(base);
        }
        let exponent = self.deeper(Self::unary)?;
        Expr::new(Node::Chain(Box::new(base), vec![(Binary::Power, exponent)]))
    }

    fn postfix(&mut self) -> Parsed {
        let mut expr = self.primary()?;
        while self.take(".") {
            let start = self.at;
            expr = match self.next()? {
                Token::Reference(reference) => self.property(start, Some(expr), Key::Id(reference))?,
                Token::Name(name) if name == "prop" => {
                    let key = self.key()?;
                    self.property(start, Some(expr), key)?
                }
                Token::Name(name) => {
                    self.expect("(")?;
                    self.call(&name, Some(expr))?
                }
                _ => return Err(Mistake::parse("a function's name is missing after the point")),
            };
        }
        Ok(expr)
    }

    fn next(&mut self) -> Result<Token, Mistake> {
        let token = self.peek().cloned().ok_or_else(|| Mistake::parse("the formula ends too early"))?;
        self.at += 1;
        Ok(token)
    }

    fn primary(&mut self) -> Parsed {
        let start = self.at;
        match self.next()? {
            Token::Number(number) => Expr::new(Node::Literal(Value::Number(number))),
            Token::Text(text) => Expr::new(Node::Literal(Value::Text(text))),
            Token::Reference(reference) => self.property(start, None, Key::Id(reference)),
            Token::Sign("(") => {
                let inner = self.expression()?;
                self.expect(")")?;
                Ok(inner)
            }
            Token::Sign("[") => {
                let items = self.list("]")?;
                Expr::new(Node::List(items))
            }
            Token::Sign(sign) => Err(Mistake::parse(format!("`{sign}` is out of place"))),
            Token::Name(name) => self.name(start, &name),
        }
    }

    /// A name: a call, a variable, or one of the few words that mean something by themselves.
    fn name(&mut self, start: usize, name: &str) -> Parsed {
        if name == "prop" {
            let key = self.key()?;
            return self.property(start, None, key);
        }
        if self.take("(") {
            return self.call(name, None);
        }
        if self.scope.iter().any(|bound| bound == name) {
            return Expr::new(Node::Variable(name.to_owned()));
        }
        let literal = match name {
            "true" => Value::Boolean(true),
            "false" => Value::Boolean(false),
            "pi" => Value::Number(std::f64::consts::PI),
            "e" => Value::Number(std::f64::consts::E),
            _ => return Err(Mistake::parse(format!("`{name}` is not defined"))),
        };
        Expr::new(Node::Literal(literal))
    }

    /// `("Name")`
    fn key(&mut self) -> Result<Key, Mistake> {
        self.expect("(")?;
        let Token::Text(name) = self.next()? else {
            return Err(Mistake::parse("prop() takes a property's name in quotes"));
        };
        self.expect(")")?;
        Ok(Key::Name(name))
    }

    /// A property whose words began at `start`.
    fn property(&self, start: usize, of: Option<Expr>, key: Key) -> Parsed {
        let span = self.words[start].span.start..self.words[self.at - 1].span.end;
        Expr::new(Node::Property { of: of.map(Box::new), key, span })
    }

    /// Expressions with commas between them, up to `end`.
    fn list(&mut self, end: &str) -> Result<Vec<Expr>, Mistake> {
        let mut items = Vec::new();
        if self.take(end) {
            return Ok(items);
        }
        loop {
            items.push(self.expression()?);
            if self.take(end) {
                return Ok(items);
            }
            self.expect(",")?;
        }
    }

    /// A call, after its opening bracket.
    fn call(&mut self, name: &str, receiver: Option<Expr>) -> Parsed {
        match name {
            "let" | "lets" => self.bindings(name, receiver),
            "if" | "ifs" => self.choice(name, receiver),
            "map" => self.each(name, Each::Map, receiver),
            "filter" => self.each(name, Each::Filter, receiver),
            "find" => self.each(name, Each::Find, receiver),
            "findIndex" => self.each(name, Each::FindIndex, receiver),
            "some" => self.each(name, Each::Some, receiver),
            "every" => self.each(name, Each::Every, receiver),
            "sort" => self.each(name, Each::Sort, receiver),
            _ => {
                let function = find(name).ok_or_else(|| Mistake::parse(format!("there is no {name}()")))?;
                let mut arguments: Vec<Expr> = receiver.into_iter().collect();
                arguments.extend(self.list(")")?);
                fits(function, arguments.len())?;
                Expr::new(Node::Call(function, arguments))
            }
        }
    }

    /// `let(name, value, body)` and `lets(name, value, name, value, …, body)`.
    fn bindings(&mut self, function: &str, receiver: Option<Expr>) -> Parsed {
        if receiver.is_some() {
            return Err(Mistake::parse(format!("{function}() begins with a name")));
        }
        let before = self.scope.len();
        let mut bindings = Vec::new();
        while let (Some(Token::Name(name)), Some(Token::Sign(","))) =
            (self.peek().cloned(), self.words.get(self.at + 1).map(|word| &word.token))
        {
            if function == "let" && !bindings.is_empty() {
                break;
            }
            self.at += 2;
            let value = self.expression()?;
            self.expect(",")?;
            self.scope.push(name.clone());
            bindings.push((name, value));
        }
        if bindings.is_empty() {
            return Err(Mistake::parse(format!("{function}() begins with a name and its value")));
        }
        let body = self.expression()?;
        self.scope.truncate(before);
        self.expect(")")?;
        Expr::new(Node::Let(bindings, Box::new(body)))
    }

    /// `if(condition, value, otherwise)` and `ifs(condition, value, condition, value, …, otherwise)`. Without an
    /// `otherwise` that is empty.
    fn choice(&mut self, name: &str, receiver: Option<Expr>) -> Parsed {
        let mut arguments: Vec<Expr> = receiver.into_iter().collect();
        arguments.extend(self.list(")")?);
        let count = arguments.len();
        if count < 2 || (name == "if" && count > 3) {
            return Err(Mistake::parse(format!("{name}() does not take {count} arguments")));
        }
        let otherwise = if count % 2 == 1 { arguments.pop() } else { None };
        let otherwise = otherwise.map_or_else(|| Expr::new(Node::Literal(Value::Empty)), Ok)?;
        let mut cases = Vec::new();
        let mut rest = arguments.into_iter();
        while let (Some(condition), Some(value)) = (rest.next(), rest.next()) {
            cases.push((condition, value));
        }
        Expr::new(Node::Choose(cases, Box::new(otherwise)))
    }

    /// `map(list, body)` and its like. `sort(list)` needs no body.
    fn each(&mut self, name: &str, each: Each, receiver: Option<Expr>) -> Parsed {
        let list = match receiver {
            Some(list) => list,
            None => {
                let list = self.expression()?;
                if !(each == Each::Sort && self.peek() == Some(&Token::Sign(")"))) {
                    self.expect(",")?;
                }
                list
            }
        };
        if each == Each::Sort && self.take(")") {
            let body = Expr::new(Node::Variable("current".to_owned()))?;
            return Expr::new(Node::Each(each, Box::new(list), Box::new(body)));
        }
        let before = self.scope.len();
        self.scope.extend(["current".to_owned(), "index".to_owned()]);
        let body = self.expression()?;
        self.scope.truncate(before);
        if !self.take(")") {
            return Err(Mistake::parse(format!("{name}() takes a list and one expression")));
        }
        Expr::new(Node::Each(each, Box::new(list), Box::new(body)))
    }
}

/// Whether a function takes so many arguments.
fn fits(function: &Function, count: usize) -> Result<(), Mistake> {
    if (function.least..=function.most).contains(&count) {
        return Ok(());
    }
    Err(Mistake::parse(format!("{}() does not take {count} arguments", function.name)))
}
