//! Text: its parts, patterns in it, and making it. Lengths and places count UTF-16 units, as JavaScript does.

use regex::Regex;

use super::super::evaluate::{Halt, Scene, TEXT_MAX, plus};
use super::super::numbers::{count, whole};
use super::super::patterns::substitute;
use super::super::value::Value;
use super::{Function, Gives, MANY, Takes, argument, plain, seeing};

/// How many bytes of text an engine that looks for a match reads in the time of one step.
const MATCH_BYTES: usize = 16;

const ANY: &[Takes] = &[Takes::Any];
const PATTERN: &[Takes] = &[Takes::Any, Takes::Pattern, Takes::Any];
const PADDING: &[Takes] = &[Takes::Any, Takes::Number, Takes::Any];

pub(super) static FUNCTIONS: &[Function] = &[
    plain("length", (1, 1), ANY, Gives::Number, length),
    plain("substring", (2, 3), &[Takes::Any, Takes::Number], Gives::Text, substring),
    plain("contains", (2, 2), ANY, Gives::Boolean, contains),
    seeing("test", (2, 2), PATTERN, Gives::Boolean, |all, scene| {
        let pattern = scene.run.pattern(&text(all, 1))?;
        Ok(Value::Boolean(pattern.is_match(&text(all, 0))))
    }),
    seeing("match", (2, 2), PATTERN, Gives::Texts, |all, scene| {
        let pattern = scene.run.pattern(&text(all, 1))?;
        let text = text(all, 0);
        let (steps, mut found) = (search_steps(&pattern), Vec::new());
        for part in pattern.find_iter(&text) {
            scene.run.spend(steps(text.len() - part.start()))?;
            found.push(Value::Text(part.as_str().to_owned()));
        }
        Ok(Value::List(found))
    }),
    seeing("replace", (3, 3), PATTERN, Gives::Text, |all, scene| replace(all, scene, 1)),
    seeing("replaceAll", (3, 3), PATTERN, Gives::Text, |all, scene| replace(all, scene, usize::MAX)),
    plain("lower", (1, 1), ANY, Gives::Text, |all| Value::Text(text(all, 0).to_lowercase())),
    plain("upper", (1, 1), ANY, Gives::Text, |all| Value::Text(text(all, 0).to_uppercase())),
    plain("trim", (1, 1), ANY, Gives::Text, |all| Value::Text(text(all, 0).trim().to_owned())),
    seeing("repeat", (2, 2), &[Takes::Any, Takes::Number], Gives::Text, repeat),
    seeing("padStart", (2, 3), PADDING, Gives::Text, |all, _| pad(all, true)),
    seeing("padEnd", (2, 3), PADDING, Gives::Text, |all, _| pad(all, false)),
    // The API gives a formula's text without links and styles.
    plain("link", (2, 2), ANY, Gives::Text, |all| Value::Text(text(all, 0))),
    plain("style", (1, MANY), ANY, Gives::Text, |all| Value::Text(text(all, 0))),
    plain("unstyle", (1, MANY), ANY, Gives::Text, |all| Value::Text(text(all, 0))),
    plain("format", (1, 1), ANY, Gives::Text, |all| Value::Text(text(all, 0))),
    plain("concat", (1, MANY), ANY, Gives::Joined, concat),
    seeing("join", (2, 2), ANY, Gives::Text, |all, _| join(argument(all, 0).items(), &text(all, 1))),
    plain("split", (2, 2), ANY, Gives::Texts, |all| {
        let (text, between) = (text(all, 0), text(all, 1));
        // Nothing between: letter by letter, without the empty parts that Rust adds at both ends.
        let parts: Vec<Value> = if between.is_empty() {
            text.chars().map(|letter| Value::Text(letter.to_string())).collect()
        } else {
            text.split(&between).map(|part| Value::Text(part.to_owned())).collect()
        };
        Value::List(parts)
    }),
];

fn text(all: &[Value], at: usize) -> String {
    argument(all, at).text()
}

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

fn length(all: &[Value]) -> Value {
    let length = match argument(all, 0) {
        Value::List(items) => items.len(),
        value => units(&value.text()),
    };
    Value::Number(count(length))
}

/// From the start on and up to the end, held within the text; a pair of units is not torn apart visibly.
fn substring(all: &[Value]) -> Value {
    let units: Vec<u16> = text(all, 0).encode_utf16().collect();
    let place = |at: usize, otherwise: usize| match all.get(at).and_then(Value::number) {
        Some(number) => usize::try_from(whole(number)).unwrap_or(0).min(units.len()),
        None => otherwise,
    };
    let (start, end) = (place(1, 0), place(2, units.len()));
    // As JavaScript's substring: ends in the wrong order change places.
    let (start, end) = if start <= end { (start, end) } else { (end, start) };
    Value::Text(String::from_utf16_lossy(&units[start..end]))
}

fn contains(all: &[Value]) -> Value {
    let wanted = argument(all, 1);
    let there = match argument(all, 0) {
        Value::List(items) => items.iter().any(|item| item.equals(wanted)),
        value => value.text().contains(&wanted.text()),
    };
    Value::Boolean(there)
}

/// What one match among several counts for in steps. To find it the engine may read on to the end of the text, so that
/// all matches together may take time in proportion to the text's square. A pattern that is a mere text never needs that.
fn search_steps(pattern: &Regex) -> impl Fn(usize) -> usize {
    let is_text = regex::escape(pattern.as_str()) == pattern.as_str();
    move |left| if is_text { 1 } else { 1 + left / MATCH_BYTES }
}

fn replace(all: &[Value], scene: &Scene<'_>, most: usize) -> Result<Value, Halt> {
    let (whole, with) = (text(all, 0), text(all, 2));
    let pattern = scene.run.pattern(&text(all, 1))?;
    let (steps, mut made, mut done) = (search_steps(&pattern), String::new(), 0);
    for captures in pattern.captures_iter(&whole).take(most) {
        let Some(found) = captures.get(0) else { continue };
        scene.run.spend(steps(whole.len() - found.start()) + with.len() / MATCH_BYTES)?;
        made.push_str(&whole[done..found.start()]);
        substitute(&captures, &with, &mut made, TEXT_MAX)?;
        done = found.end();
    }
    made.push_str(&whole[done..]);
    Ok(Value::Text(made))
}

fn repeat(all: &[Value], _: &Scene<'_>) -> Result<Value, Halt> {
    let (text, times) = (text(all, 0), argument(all, 1).number().map_or(0, whole));
    let times = usize::try_from(times).unwrap_or(0);
    if text.is_empty() {
        return Ok(Value::Text(text));
    }
    if text.len().saturating_mul(times) > TEXT_MAX {
        return Err(Halt);
    }
    Ok(Value::Text(text.repeat(times)))
}

fn pad(all: &[Value], before: bool) -> Result<Value, Halt> {
    let (text, wanted) = (text(all, 0), argument(all, 1).number().map_or(0, whole));
    let padding = all.get(2).map_or_else(|| " ".to_owned(), Value::text);
    let missing = usize::try_from(wanted).unwrap_or(0).saturating_sub(units(&text));
    if missing == 0 || padding.is_empty() {
        return Ok(Value::Text(text));
    }
    if missing > TEXT_MAX {
        return Err(Halt);
    }
    let filling: Vec<u16> =
        padding.encode_utf16().collect::<Vec<_>>().into_iter().cycle().take(missing).collect();
    let filling = String::from_utf16_lossy(&filling);
    Ok(Value::Text(if before { filling + &text } else { text + &filling }))
}

/// Lists into one list; without lists, texts into one text.
fn concat(all: &[Value]) -> Value {
    if all.iter().any(|value| matches!(value, Value::List(_))) {
        return Value::List(all.iter().flat_map(|value| value.items().to_vec()).collect());
    }
    all.iter().fold(Value::Text(String::new()), |joined, value| plus(&joined, value))
}

fn join(items: &[Value], between: &str) -> Result<Value, Halt> {
    let texts: Vec<String> = items.iter().map(Value::text).collect();
    let length = texts.iter().map(String::len).sum::<usize>();
    if length.saturating_add(between.len().saturating_mul(texts.len())) > TEXT_MAX {
        return Err(Halt);
    }
    Ok(Value::Text(texts.join(between)))
}
