//! Reading a request's JSON: a cursor that knows where it stands, so that a refusal can say it in Notion's words
//! ("body failed validation: body.children[0].type should be …"). The words are those of real refusals, as users quote
//! them in public issue trackers; none is in the recordings.

mod invalid;

use serde_json::{Map, Value};
use uuid::Uuid;

pub(crate) use invalid::{Faults, Invalid};

/// Longer values are cut in messages.
const SHOWN_CHARS_MAX: usize = 55;

/// How a message shows what it got.
fn shown(value: Option<&Value>) -> String {
    let Some(value) = value else { return "undefined".to_owned() };
    let text = value.to_string();
    if text.chars().count() <= SHOWN_CHARS_MAX {
        return text;
    }
    let cut: String = text.chars().take(SHOWN_CHARS_MAX).collect();
    format!("{cut}...")
}

/// A place in the request's JSON.
#[derive(Debug, Clone)]
pub(crate) struct At<'a> {
    path: String,
    depth: usize,
    value: Option<&'a Value>,
    /// Allowed besides the expected type; only words in messages.
    absence: Absence,
}

/// What may be there instead of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Absence {
    None,
    Undefined,
    NullOrUndefined,
    Null,
}

impl<'a> At<'a> {
    /// The whole of `body`; `None` if there was none.
    pub(crate) fn root(name: &str, value: Option<&'a Value>) -> Self {
        Self { path: name.to_owned(), depth: 0, value, absence: Absence::None }
    }

    /// The value under a key; a place without a value if there is none.
    pub(crate) fn get(&self, key: &str) -> At<'a> {
        let value = self.value.and_then(|value| value.get(key));
        At { path: format!("{}.{key}", self.path), depth: self.depth + 1, value, absence: Absence::None }
    }

    /// Where this is, such as `body.children[0]`.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Whether something, `null` included, is there.
    pub(crate) fn is_defined(&self) -> bool {
        self.value.is_some()
    }

    /// Whether `null` is there.
    pub(crate) fn is_null(&self) -> bool {
        self.value.is_some_and(Value::is_null)
    }

    /// A refusal that says what should be here.
    pub(crate) fn should(&self, be: &str) -> Invalid {
        self.should_be_one_of(&[be.to_owned()])
    }

    /// A refusal that says which of several things should be here.
    fn should_be_one_of(&self, things: &[String]) -> Invalid {
        let absence: &[&str] = match self.absence {
            Absence::None => &[],
            Absence::Undefined => &["`undefined`"],
            Absence::NullOrUndefined => &["`null`", "`undefined`"],
            Absence::Null => &["`null`"],
        };
        let missing = ["defined".to_owned()];
        let things = if self.value.is_none() && absence.is_empty() { &missing } else { things };
        let all: Vec<&str> = things.iter().map(String::as_str).chain(absence.iter().copied()).collect();
        let be = match all.as_slice() {
            [] => "not present".to_owned(),
            [one] => (*one).to_owned(),
            [one, two] => format!("{one} or {two}"),
            [others @ .., last] => format!("{}, or {last}", others.join(", ")),
        };
        Invalid::one(self, format!("{} should be {be}, instead was `{}`.", self.path, shown(self.value)))
    }

    /// Reads with `read` unless nothing is there.
    pub(crate) fn optional<T>(
        mut self,
        read: impl FnOnce(&At<'a>) -> Result<T, Invalid>,
    ) -> Result<Option<T>, Invalid> {
        self.absence = Absence::Undefined;
        if self.is_defined() { read(&self).map(Some) } else { Ok(None) }
    }

    /// Reads with `read` unless `null` is there.
    pub(crate) fn nullable<T>(
        mut self,
        read: impl FnOnce(&At<'a>) -> Result<T, Invalid>,
    ) -> Result<Option<T>, Invalid> {
        if !self.is_defined() {
            return Err(self.should("defined"));
        }
        self.absence = Absence::Null;
        if self.is_null() { Ok(None) } else { read(&self).map(Some) }
    }

    /// Reads with `read` unless nothing or `null` is there: `None` for nothing, `Some(None)` for `null`.
    pub(crate) fn optional_nullable<T>(
        mut self,
        read: impl FnOnce(&At<'a>) -> Result<T, Invalid>,
    ) -> Result<Option<Option<T>>, Invalid> {
        self.absence = Absence::NullOrUndefined;
        if !self.is_defined() {
            Ok(None)
        } else if self.is_null() {
            Ok(Some(None))
        } else {
            read(&self).map(|value| Some(Some(value)))
        }
    }

    /// An object.
    pub(crate) fn object(&self) -> Result<&'a Map<String, Value>, Invalid> {
        self.value.and_then(Value::as_object).ok_or_else(|| self.should("an object"))
    }

    /// The entries of an object.
    pub(crate) fn entries(&self) -> Result<Vec<(&'a str, At<'a>)>, Invalid> {
        Ok(self.object()?.keys().map(|key| (key.as_str(), self.get(key))).collect())
    }

    /// An object without keys other than these.
    pub(crate) fn only(&self, keys: &[&str]) -> Result<(), Invalid> {
        let mut faults = Faults::default();
        for key in self.object()?.keys().filter(|key| !keys.contains(&key.as_str())) {
            faults.note(Err::<(), _>(self.get(key).should("not present")));
        }
        faults.end()
    }

    /// A list of at most `max`.
    pub(crate) fn items(&self, max: usize) -> Result<Vec<At<'a>>, Invalid> {
        let list = self.value.and_then(Value::as_array).ok_or_else(|| self.should("an array"))?;
        self.no_longer_than(list.len(), max)?;
        let item = |(at, value)| At {
            path: format!("{}[{at}]", self.path),
            depth: self.depth + 1,
            value: Some(value),
            absence: Absence::None,
        };
        Ok(list.iter().enumerate().map(item).collect())
    }

    /// A list of at most `max`, each read with `read`.
    pub(crate) fn each<T>(
        &self,
        max: usize,
        read: impl Fn(&At<'a>) -> Result<T, Invalid>,
    ) -> Result<Vec<T>, Invalid> {
        let mut faults = Faults::default();
        let all: Vec<T> = self.items(max)?.iter().filter_map(|at| faults.some(read(at))).collect();
        faults.end().map(|()| all)
    }

    /// Checks a length.
    fn no_longer_than(&self, length: usize, max: usize) -> Result<(), Invalid> {
        if length <= max {
            return Ok(());
        }
        Err(Invalid::length(self, &format!("≤ `{max}`"), length))
    }

    /// Any text.
    pub(crate) fn string(&self) -> Result<&'a str, Invalid> {
        self.value.and_then(Value::as_str).ok_or_else(|| self.should("a string"))
    }

    /// Text of at most `max` UTF-16 units, as Notion counts.
    pub(crate) fn text(&self, max: usize) -> Result<String, Invalid> {
        let text = self.string()?;
        // Every char is at least one unit, so most text needs no counting.
        if text.len() > max {
            self.no_longer_than(text.encode_utf16().count(), max)?;
        }
        Ok(text.to_owned())
    }

    /// Text with something in it.
    pub(crate) fn filled_text(&self, max: usize) -> Result<String, Invalid> {
        if self.string()?.is_empty() {
            return Err(Invalid::length(self, "≥ `1`", 0));
        }
        self.text(max)
    }

    /// Text with something in it, where Notion's word for that is "populated".
    /// Source: refusals that users quote, of URLs and of e-mail addresses.
    pub(crate) fn populated_text(&self, max: usize) -> Result<String, Invalid> {
        if self.string()?.is_empty() { Err(self.should("populated")) } else { self.text(max) }
    }

    /// True or false.
    pub(crate) fn boolean(&self) -> Result<bool, Invalid> {
        self.value.and_then(Value::as_bool).ok_or_else(|| self.should("a boolean"))
    }

    /// A number.
    pub(crate) fn number(&self) -> Result<serde_json::Number, Invalid> {
        self.value.and_then(Value::as_number).cloned().ok_or_else(|| self.should("a number"))
    }

    /// A whole number between two bounds.
    pub(crate) fn integer(&self, min: u64, max: u64) -> Result<u64, Invalid> {
        let number = self.number()?;
        // Source of the absence besides a bound: a recorded refusal of a number of parts (2026).
        let bound = |sign, bound| self.should(&format!("{sign} `{bound}`"));
        match number.as_u64() {
            Some(number) if number > max => Err(bound("≤", max)),
            Some(number) if number >= min => Ok(number),
            None if number.as_f64().is_some_and(|number| number > 0.0) => Err(self.should("an integer")),
            _ => Err(bound("≥", min)),
        }
    }

    /// One of a few words.
    pub(crate) fn one_of(&self, words: &[&'static str]) -> Result<&'static str, Invalid> {
        let found =
            self.value.and_then(Value::as_str).and_then(|text| words.iter().find(|word| **word == text));
        found.copied().ok_or_else(|| {
            let quoted: Vec<String> = words.iter().map(|word| format!("`\"{word}\"`")).collect();
            self.should_be_one_of(&quoted)
        })
    }

    /// An id, with or without dashes.
    pub(crate) fn uuid(&self) -> Result<Uuid, Invalid> {
        uuid_of(self.string()?).ok_or_else(|| self.should("a valid uuid"))
    }

    /// Which of these keys the object has, if it has exactly one kind's key. Without one, the refusal names all.
    pub(crate) fn variant(&self, keys: &[&'static str]) -> Result<&'static str, Invalid> {
        let object = self.object()?;
        if let Some(key) = keys.iter().find(|key| object.contains_key(**key)) {
            return Ok(key);
        }
        Err(Invalid::any(keys.iter().map(|key| self.get(key).should("defined"))))
    }

    /// Reads one of several kinds of object, each with a key of its own: the kind that `type` says, or the first that can be
    /// read. If none can, the refusal is about all of them.
    pub(crate) fn alternative<T>(
        &self,
        keys: &[&'static str],
        read: impl Fn(&'static str, &At<'a>) -> Result<T, Invalid>,
    ) -> Result<T, Invalid> {
        let object = self.object()?;
        let one = |key: &'static str| {
            let read = read(key, &self.get(key))?;
            self.only(&["type", key]).map(|()| read)
        };
        if let Some(key) = self.get("type").optional(|at| at.one_of(keys))? {
            return one(key);
        }
        let mut failed = Vec::with_capacity(keys.len());
        for key in keys {
            match if object.contains_key(*key) { one(key) } else { Err(self.get(key).should("defined")) } {
                Ok(read) => return Ok(read),
                Err(invalid) => failed.push(invalid),
            }
        }
        Err(Invalid::any(failed))
    }

    /// The raw value.
    pub(crate) fn raw(&self) -> Option<&'a Value> {
        self.value
    }
}

/// Reads an id: 32 hexadecimal digits, perhaps with dashes.
pub(crate) fn uuid_of(text: &str) -> Option<Uuid> {
    match text.len() {
        32 | 36 => Uuid::try_parse(text).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::failure::Failure;
    use super::*;

    fn message(invalid: Invalid) -> String {
        let body = Failure::from(invalid).into_reply().body;
        body["message"].as_str().expect("a message").to_owned()
    }

    #[test]
    fn a_missing_value_is_named_with_its_place() {
        let body = json!({"children": [{}]});
        let at = At::root("body", Some(&body));
        let child = &at.get("children").items(100).expect("a list")[0];
        assert_eq!(
            message(child.get("paragraph").object().expect_err("missing")),
            "body failed validation: body.children[0].paragraph should be defined, instead was `undefined`."
        );
    }

    #[test]
    fn alternatives_are_listed() {
        let body = json!({});
        let invalid = At::root("body", Some(&body)).variant(&["text", "mention"]).expect_err("neither");
        assert_eq!(
            message(invalid),
            "body failed validation. Fix one:\nbody.text should be defined, instead was `undefined`.\nbody.mention \
             should be defined, instead was `undefined`."
        );
    }

    #[test]
    fn too_long_a_text_is_measured_in_utf16_units() {
        let body = json!({"content": "😀".repeat(3)});
        let invalid = At::root("body", Some(&body)).get("content").text(5).expect_err("too long");
        assert_eq!(
            message(invalid),
            "body failed validation: body.content.length should be ≤ `5`, instead was `6`."
        );
    }

    #[test]
    fn a_page_size_is_held_between_its_bounds() {
        let body = json!({"page_size": 101, "other": "ten", "zero": 0});
        let at = At::root("body", Some(&body));
        let over = at.get("page_size").optional(|at| at.integer(1, 100)).expect_err("over");
        assert_eq!(
            message(over),
            "body failed validation: body.page_size should be ≤ `100` or `undefined`, instead was `101`."
        );
        let word = at.get("other").optional(|at| at.integer(1, 100)).expect_err("a word");
        assert_eq!(
            message(word),
            "body failed validation: body.other should be a number or `undefined`, instead was `\"ten\"`."
        );
        let zero = at.get("zero").integer(1, 100).expect_err("zero");
        assert_eq!(message(zero), "body failed validation: body.zero should be ≥ `1`, instead was `0`.");
    }
}
