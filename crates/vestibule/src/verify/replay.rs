//! Replaying recorded exchanges: each story in order, with recorded ids exchanged for those that the other side answers
//! with. Status, keys and their order, types, nulls and words must agree; ids, times and what belongs to the recorded
//! workspace must be of the same form.

use std::collections::HashMap;
use std::path::Path;

use anyhow::Context as _;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::pattern::{Difference, is_uuid};
use super::story::{CallerKind, Upload};
use super::target::{Body, Call, Target};

/// One recorded exchange, as `vestibule emulate --record` writes them too.
#[derive(Debug, Deserialize)]
pub(crate) struct Recorded {
    /// The story that it belongs to; exchanges without one are one story.
    #[serde(default)]
    pub(crate) test: String,
    #[serde(default)]
    notion_version: Option<String>,
    pub(crate) method: String,
    pub(crate) path: String,
    #[serde(default)]
    request: Option<Value>,
    pub(crate) status: u16,
    response: Value,
}

/// What became of one exchange.
pub(crate) struct Outcome {
    pub(crate) test: String,
    pub(crate) call: String,
    pub(crate) differences: Vec<Difference>,
}

/// Reads recorded exchanges, one JSON object a line.
pub(crate) fn read(file: &Path) -> anyhow::Result<Vec<Recorded>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(at, line)| {
            serde_json::from_str(line)
                .with_context(|| format!("{}, line {}: no recorded exchange", file.display(), at + 1))
        })
        .collect()
}

/// Replays all of them. `root` is the page that stands for the one that the recording worked in: the first parent that it
/// names without having made it.
pub(crate) async fn run(
    target: &mut Target,
    recorded: &[Recorded],
    root: &str,
) -> anyhow::Result<Vec<Outcome>> {
    let mut ids = Ids::default();
    if let Some(theirs) = recorded.iter().find_map(parent_page) {
        ids.learn(&theirs, root);
    }
    let me = target.call(Call::get("/v1/users/me")).await?.json();
    let theirs = recorded.iter().find(|exchange| exchange.path == "/v1/users/me" && exchange.status == 200);
    let theirs = theirs.map(|exchange| &exchange.response);
    if let (Some(theirs), Some(ours)) = (theirs.and_then(|them| them["id"].as_str()), me["id"].as_str()) {
        ids.learn(theirs, ours);
    }
    if let (Some(theirs), Some(ours)) = (theirs.and_then(|them| them["name"].as_str()), me["name"].as_str()) {
        ids.name = Some((theirs.to_owned(), ours.to_owned()));
    }
    let mut outcomes = Vec::with_capacity(recorded.len());
    for exchange in recorded {
        outcomes.push(replay(target, exchange, &mut ids).await?);
    }
    Ok(outcomes)
}

/// The page that a request to create something names as its parent.
fn parent_page(exchange: &Recorded) -> Option<String> {
    exchange.request.as_ref()?["parent"]["page_id"].as_str().map(str::to_owned)
}

async fn replay(target: &mut Target, exchange: &Recorded, ids: &mut Ids) -> anyhow::Result<Outcome> {
    let path = ids.translate(&exchange.path);
    let body = match &exchange.request {
        None | Some(Value::Null) => Body::Nothing,
        Some(Value::Object(fields)) if fields.contains_key("_content_type") => {
            Body::Form(file_of(&exchange.response))
        }
        Some(request) => Body::Json(ids.translate_all(request)),
    };
    let caller = if exchange.status == 401 { CallerKind::BadToken } else { CallerKind::Token };
    let version = exchange.notion_version.as_deref().unwrap_or("2025-09-03");
    let answer = target.call(Call { method: &exchange.method, path: &path, version, caller, body }).await?;
    let mut differences = Vec::new();
    let actual = answer.json();
    if answer.status.as_u16() == exchange.status {
        let mut compared = Comparison {
            ids,
            origin: target.base(),
            loose: is_of_the_workspace(exchange),
            found: Vec::new(),
        };
        compared.values(&exchange.response, &actual, "answer", "");
        differences = compared.found;
    } else {
        let was = format!("{} {}", answer.status.as_u16(), actual["message"].as_str().unwrap_or_default());
        differences.push(Difference { at: "status".to_owned(), expected: exchange.status.to_string(), was });
        // What follows may name what this would have made.
        ids.learn_all(&exchange.response, &actual);
    }
    Ok(Outcome {
        test: exchange.test.clone(),
        call: format!("{} {}", exchange.method, exchange.path),
        differences,
    })
}

/// The file that a recorded answer tells of: its bytes are not in a recording.
fn file_of(response: &Value) -> Upload {
    Upload {
        filename: response["filename"].as_str().unwrap_or("file.txt").to_owned(),
        content_type: response["content_type"].as_str().unwrap_or("text/plain").to_owned(),
        bytes: response["content_length"].as_u64().and_then(|bytes| bytes.try_into().ok()).unwrap_or(1),
        part_number: None,
    }
}

/// Whether an answer shows what happened to be in the recorded workspace: there only the form can agree.
fn is_of_the_workspace(exchange: &Recorded) -> bool {
    let path = exchange.path.split('?').next().unwrap_or_default();
    path == "/v1/search"
        || (exchange.method == "GET"
            && (path.starts_with("/v1/users") || matches!(path, "/v1/file_uploads" | "/v1/custom_emojis")))
}

/// Recorded ids and what they are here.
#[derive(Default)]
struct Ids {
    ours: HashMap<String, String>,
    /// The name of the integration that was recorded, and of the one that replays.
    name: Option<(String, String)>,
}

impl Ids {
    fn learn(&mut self, theirs: &str, ours: &str) {
        self.ours.insert(theirs.replace('-', ""), ours.to_owned());
    }

    /// Learns from two answers of the same shape.
    fn learn_all(&mut self, theirs: &Value, ours: &Value) {
        match (theirs, ours) {
            (Value::String(theirs), Value::String(ours)) if is_id(theirs) && is_id(ours) => {
                self.learn(theirs, ours);
            }
            (Value::Object(theirs), Value::Object(ours)) => {
                for (key, value) in theirs {
                    if let Some(ours) = ours.get(key) {
                        self.learn_all(value, ours);
                    }
                }
            }
            (Value::Array(theirs), Value::Array(ours)) => {
                for (theirs, ours) in theirs.iter().zip(ours) {
                    self.learn_all(theirs, ours);
                }
            }
            _ => {}
        }
    }

    /// The text with every known id exchanged, dashed or not as it was.
    fn translate(&self, text: &str) -> String {
        let bytes = text.as_bytes();
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        while at < text.len() {
            let rest = &text[at..];
            let found = [36, 32].into_iter().find_map(|length| {
                let word = rest.get(..length)?;
                let digits = word.replace('-', "");
                let whole = digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
                let ours = self.ours.get(&digits).filter(|_| whole)?;
                Some((length, if length == 36 { ours.clone() } else { ours.replace('-', "") }))
            });
            if let Some((length, ours)) = found {
                out.push_str(&ours);
                at += length;
            } else {
                let length = rest.chars().next().map_or(1, char::len_utf8);
                out.push_str(&rest[..length]);
                at += length;
            }
        }
        debug_assert_eq!(at, bytes.len());
        out
    }

    fn translate_all(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.translate(text)),
            Value::Array(items) => items.iter().map(|item| self.translate_all(item)).collect(),
            Value::Object(fields) => {
                let fields = fields.iter().map(|(key, value)| (key.clone(), self.translate_all(value)));
                Value::Object(fields.collect::<Map<_, _>>())
            }
            other => other.clone(),
        }
    }
}

/// An id of an object or of a task.
fn is_id(text: &str) -> bool {
    is_uuid(text)
}

/// A time with what may differ made alike: what remains is its form, and whether it is rounded to the minute.
fn time_form(text: &str) -> Option<String> {
    text.parse::<jiff::Timestamp>().ok().filter(|_| text.len() > 10)?;
    let rounded = text.ends_with(":00.000Z");
    let form = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect::<String>();
    Some(if rounded { format!("{form} to the minute") } else { form })
}

struct Comparison<'a> {
    ids: &'a mut Ids,
    origin: &'a str,
    /// Whether only forms can agree.
    loose: bool,
    found: Vec<Difference>,
}

impl Comparison<'_> {
    fn differ(&mut self, at: &str, expected: impl Into<String>, was: impl Into<String>) {
        self.found.push(Difference { at: at.to_owned(), expected: expected.into(), was: was.into() });
    }

    fn values(&mut self, theirs: &Value, ours: &Value, at: &str, key: &str) {
        match (theirs, ours) {
            (Value::Object(theirs), Value::Object(ours)) => self.objects(theirs, ours, at),
            (Value::Array(theirs), Value::Array(ours)) => self.lists(theirs, ours, at, key),
            (Value::String(theirs), Value::String(ours)) => self.texts(theirs, ours, at, key),
            (Value::Bool(_), Value::Bool(_)) | (Value::Number(_), Value::Number(_)) if self.loose => {}
            _ if self.loose
                && matches!(key, "next_cursor" | "avatar_url" | "icon" | "cover" | "content_length") => {}
            _ if theirs == ours => {}
            _ => self.differ(at, theirs.to_string(), ours.to_string()),
        }
    }

    fn objects(&mut self, theirs: &Map<String, Value>, ours: &Map<String, Value>, at: &str) {
        let keys = |of: &Map<String, Value>, other: &Map<String, Value>| -> Vec<String> {
            of.keys().filter(|key| !other.contains_key(*key)).cloned().collect()
        };
        let is_open = at.ends_with(".properties") && self.loose;
        for key in keys(theirs, ours).into_iter().filter(|_| !is_open) {
            self.differ(&format!("{at}.{key}"), "present", "absent");
        }
        for key in keys(ours, theirs).into_iter().filter(|_| !is_open) {
            self.differ(&format!("{at}.{key}"), "absent", "present");
        }
        let common: Vec<&String> = theirs.keys().filter(|key| ours.contains_key(*key)).collect();
        let order: Vec<&String> = ours.keys().filter(|key| theirs.contains_key(*key)).collect();
        if common != order {
            self.differ(at, format!("keys in the order {common:?}"), format!("{order:?}"));
        }
        for key in common {
            if key != "request_id" {
                self.values(&theirs[key], &ours[key], &format!("{at}.{key}"), key);
            }
        }
    }

    fn lists(&mut self, theirs: &[Value], ours: &[Value], at: &str, key: &str) {
        if self.loose {
            // Each of ours must be like one of theirs of its kind, and one at least must have its like.
            let has_like = |item| theirs.iter().any(|other| kind(other) == kind(item));
            if !theirs.is_empty() && !ours.iter().any(has_like) {
                let expected = format!("an element like one of {}", theirs.len());
                self.differ(at, expected, format!("{} elements, none like those", ours.len()));
            }
            for (place, item) in ours.iter().enumerate() {
                let alike = theirs.iter().filter(|other| kind(other) == kind(item)).map(|other| {
                    let mut inner = Comparison {
                        ids: &mut Ids::default(),
                        origin: self.origin,
                        loose: true,
                        found: Vec::new(),
                    };
                    inner.values(other, item, &format!("{at}[{place}]"), key);
                    inner.found
                });
                if let Some(nearest) = alike.min_by_key(Vec::len) {
                    self.found.extend(nearest);
                }
            }
            return;
        }
        if theirs.len() != ours.len() {
            return self.differ(at, format!("{} elements", theirs.len()), format!("{} elements", ours.len()));
        }
        for (place, (theirs, ours)) in theirs.iter().zip(ours).enumerate() {
            self.values(theirs, ours, &format!("{at}[{place}]"), key);
        }
    }

    fn texts(&mut self, theirs: &str, ours: &str, at: &str, key: &str) {
        if is_id(theirs) {
            if !is_id(ours) {
                return self.differ(at, "an id", ours);
            }
            if key == "next_cursor" {
                self.ids.learn(theirs, ours);
            } else if !self.loose {
                let known = self.ids.ours.get(&theirs.replace('-', "")).cloned();
                if known.is_some_and(|known| known != ours) {
                    return self.differ(at, format!("the id that {theirs} became"), ours);
                }
                self.ids.learn(theirs, ours);
            }
            return;
        }
        if let Some(form) = time_form(theirs) {
            if time_form(ours).as_ref() != Some(&form) {
                self.differ(at, form, ours);
            }
            return;
        }
        // Ids of properties and choices are made up by whoever keeps them, and so is a task's.
        if key == "id" && theirs != "title" {
            if let (Some(theirs), Some(ours)) = (theirs.strip_prefix("task_"), ours.strip_prefix("task_")) {
                self.ids.learn(theirs, ours);
            }
            return;
        }
        let is_word = matches!(key, "object" | "type" | "status" | "code" | "color");
        if self.loose && !is_word {
            return;
        }
        if self
            .ids
            .name
            .as_ref()
            .is_some_and(|(their_name, our_name)| theirs == their_name && ours == our_name)
        {
            return;
        }
        let expected = self.ids.translate(&theirs.replace("https://api.notion.com", self.origin));
        let (expected, ours) = (without_name(&expected), without_name(ours));
        if expected != ours {
            self.differ(at, expected, ours);
        }
    }
}

/// A message without the name of the integration that it quotes.
fn without_name(text: &str) -> String {
    match text.split_once("integration \"") {
        Some((before, rest)) => match rest.split_once('"') {
            Some((_, after)) => format!("{before}integration \"…\"{after}"),
            None => text.to_owned(),
        },
        None => text.to_owned(),
    }
}

/// What kind of thing an element of a list is: what a recording does not show one of cannot be compared with it.
fn kind(value: &Value) -> [Option<&str>; 3] {
    let word = |key: &str| value[key].as_str();
    [word("object"), word("type").or(value["parent"]["type"].as_str()), word("status")]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const THEIRS: &str = "393abc1e-edcd-8178-a193-000baf4739c9";
    const OURS: &str = "11111111-2222-8333-8444-555555555555";

    fn compared(theirs: Value, ours: Value) -> Vec<String> {
        let mut ids = Ids::default();
        let mut comparison =
            Comparison { ids: &mut ids, origin: "http://here", loose: false, found: Vec::new() };
        comparison.values(&theirs, &ours, "answer", "");
        comparison.found.into_iter().map(|found| found.at).collect()
    }

    #[test]
    fn ids_are_exchanged_in_either_spelling() {
        let mut ids = Ids::default();
        ids.learn(THEIRS, OURS);
        let undashed = THEIRS.replace('-', "");
        assert_eq!(
            ids.translate(&format!("/v1/pages/{THEIRS}?x={undashed}é")),
            format!("/v1/pages/{OURS}?x={}é", OURS.replace('-', ""))
        );
    }

    #[test]
    fn one_id_cannot_become_two() {
        let other = "22222222-2222-8333-8444-555555555555";
        assert_eq!(compared(json!([THEIRS, THEIRS]), json!([OURS, other])), ["answer[1]"]);
    }

    #[test]
    fn a_list_of_the_workspace_shows_one_that_can_be_compared() {
        let loose = |theirs: Value, ours: Value| {
            let mut ids = Ids::default();
            let mut comparison =
                Comparison { ids: &mut ids, origin: "http://here", loose: true, found: Vec::new() };
            comparison.values(&theirs, &ours, "answer", "");
            comparison.found.into_iter().map(|found| found.at).collect::<Vec<_>>()
        };
        let (page, database) = (json!({"object": "page", "url": "a"}), json!({"object": "database"}));
        assert!(loose(json!([page]), json!([{"object": "page", "url": "b"}, database])).is_empty());
        assert!(loose(json!([]), json!([])).is_empty());
        assert_eq!(loose(json!([page]), json!([])), ["answer"]);
        assert_eq!(loose(json!([page]), json!([database])), ["answer"]);
        assert_eq!(loose(json!([page]), json!([{"object": "page"}])), ["answer[0].url"]);
    }

    #[test]
    fn times_agree_by_form_and_rounding() {
        let theirs = json!(["2026-07-04T09:11:00.000Z", "2026-07-04T09:10:20.602+00:00"]);
        assert!(
            compared(theirs.clone(), json!(["2026-11-27T10:00:00.000Z", "2026-11-27T10:00:01.001+00:00"]))
                .is_empty()
        );
        assert_eq!(
            compared(theirs, json!(["2026-11-27T10:00:07.000Z", "2026-11-27T10:00:01.001Z"])),
            ["answer[0]", "answer[1]"]
        );
    }

    #[test]
    fn keys_nulls_and_order_count() {
        let theirs = json!({"a": null, "b": 1, "c": []});
        assert_eq!(
            compared(theirs.clone(), json!({"a": 1, "b": 1, "d": []})),
            ["answer.c", "answer.d", "answer.a"]
        );
        assert_eq!(compared(theirs, json!({"b": 1, "a": null, "c": []})), ["answer"]);
    }
}
