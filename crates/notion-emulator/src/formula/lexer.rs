//! Text to words: numbers, strings, names, signs, and the references that the API writes in place of `prop("…")`.
//! Comments (`/* … */`) and white space fall away.

use std::ops::Range;

use super::reference::Reference;
use super::{Mistake, SOURCE_MAX};

/// One word of a formula.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Number(f64),
    Text(String),
    Name(String),
    /// `{{notion:block_property:…}}`
    Reference(Reference),
    Sign(&'static str),
}

/// A word and where it stands, in bytes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Word {
    pub(super) token: Token,
    pub(super) span: Range<usize>,
}

/// Longer signs first, so that `>=` is not read as `>`.
const SIGNS: [&str; 25] = [
    "===", "!==", "==", "!=", ">=", "<=", "&&", "||", "+", "-", "*", "/", "%", "^", ">", "<", "!", "?", ":",
    ".", ",", "(", ")", "[", "]",
];

/// All words of `source`.
pub(super) fn words(source: &str) -> Result<Vec<Word>, Mistake> {
    if source.len() > SOURCE_MAX {
        return Err(Mistake::parse(format!("the formula is longer than {SOURCE_MAX} bytes")));
    }
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(first) = source[at..].chars().next() {
        let rest = &source[at..];
        if first.is_whitespace() {
            at += first.len_utf8();
        } else if rest.starts_with("/*") {
            let end = rest.find("*/").ok_or_else(|| Mistake::parse("a comment does not end"))?;
            at += end + 2;
        } else {
            let (token, length) = word(rest, first)?;
            found.push(Word { token, span: at..at + length });
            at += length;
        }
    }
    Ok(found)
}

/// The word at the start of `rest`, and its length in bytes.
fn word(rest: &str, first: char) -> Result<(Token, usize), Mistake> {
    if rest.starts_with("{{") {
        let length = rest.find("}}").map(|end| end + 2);
        let found = length.and_then(|length| Some((Reference::read(&rest[..length])?, length)));
        let (reference, length) = found.ok_or_else(|| Mistake::parse("a reference is not well formed"))?;
        return Ok((Token::Reference(reference), length));
    }
    if first == '"' {
        return text(rest);
    }
    let second_is_digit = rest[first.len_utf8()..].starts_with(|c: char| c.is_ascii_digit());
    if first.is_ascii_digit() || (first == '.' && second_is_digit) {
        return number(rest);
    }
    if first.is_alphabetic() || first == '_' {
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        return Ok((Token::Name(rest[..length].to_owned()), length));
    }
    let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
    sign.map(|sign| (Token::Sign(sign), sign.len()))
        .ok_or_else(|| Mistake::parse(format!("`{first}` means nothing here")))
}

/// Digits, perhaps with a fraction.
fn number(rest: &str) -> Result<(Token, usize), Mistake> {
    let digits = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let mut length = digits(rest);
    if let Some(fraction) = rest[length..].strip_prefix('.') {
        // A point without digits after it starts a method call: `3.format()`.
        let more = digits(fraction);
        length += if more > 0 { 1 + more } else { 0 };
    }
    let number = rest[..length].parse().map_err(|_| Mistake::parse("a number is not well formed"))?;
    Ok((Token::Number(number), length))
}

/// Text in double quotes. A backslash before any other letter than these stays, so that `"\d"` is a pattern; a guess.
fn text(rest: &str) -> Result<(Token, usize), Mistake> {
    let mut text = String::new();
    let mut letters = rest.char_indices().skip(1);
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Ok((Token::Text(text), at + 1)),
            '\\' => match letters.next() {
                Some((_, 'n')) => text.push('\n'),
                Some((_, 't')) => text.push('\t'),
                Some((_, quoted @ ('"' | '\\'))) => text.push(quoted),
                Some((_, other)) => text.extend(['\\', other]),
                None => break,
            },
            letter => text.push(letter),
        }
    }
    Err(Mistake::parse("a text does not end"))
}
