//! Telling the stories: each call is sent, its answer held against the belief, and what it gave kept for the next.

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde_json::{Map, Value, json};

use super::pattern::{Difference, compare, without_quoted};
use super::story::{Needs, Step, Story};
use super::target::{Body, Call, Target};

/// An id that belongs to nothing.
const MISSING: &str = "00000000-0000-4000-8000-000000000000";

/// What became of a story.
pub(crate) enum Outcome {
    Agrees,
    /// Some of its answers were not as believed.
    Differs(Vec<(String, Difference)>),
    /// It was not told, for this reason.
    Skipped(&'static str),
}

/// What the stories know by name.
pub(crate) struct Names(BTreeMap<String, String>);

impl Names {
    /// `root` is the page that they may write below.
    pub(crate) fn new(root: &str, more: &[(&str, &str)]) -> Self {
        let mut names = BTreeMap::from([
            ("root".to_owned(), root.to_owned()),
            ("missing".to_owned(), MISSING.to_owned()),
        ]);
        names.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        Self(names)
    }

    /// The text with `{name}` replaced.
    fn fill(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
    }

    /// The value with `{name}` replaced in all texts; `"<long:n>"` is a text of n letters, `"<list:n>"` before an element a
    /// list of n of it, so that stories about limits stay short.
    fn fill_all(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => match number_after(text, "<long:") {
                Some(length) => Value::String("a".repeat(length)),
                None => Value::String(self.fill(text)),
            },
            Value::Array(items) => {
                if let [Value::String(times), item] = items.as_slice()
                    && let Some(times) = number_after(times, "<list:")
                {
                    return std::iter::repeat_n(self.fill_all(item), times).collect();
                }
                items.iter().map(|item| self.fill_all(item)).collect()
            }
            Value::Object(fields) => {
                let filled = fields.iter().map(|(key, value)| (self.fill(key), self.fill_all(value)));
                Value::Object(filled.collect::<Map<_, _>>())
            }
            other => other.clone(),
        }
    }
}

fn number_after(text: &str, prefix: &str) -> Option<usize> {
    text.strip_prefix(prefix)?.strip_suffix('>')?.parse().ok()
}

/// Tells one story. `names` are those of the run; what the story saves is its own.
pub(crate) async fn tell(
    target: &mut Target,
    story: &Story,
    names: &Names,
    has: Needs,
    internal: bool,
) -> anyhow::Result<Outcome> {
    if story.needs > has {
        return Ok(Outcome::Skipped(story.needs.flag()));
    }
    if story.internal && !internal {
        return Ok(Outcome::Skipped("internal only"));
    }
    let mut names = Names(names.0.clone());
    let mut differences = Vec::new();
    for (place, step) in story.steps.iter().enumerate() {
        let label = format!("step {}, {} {}", place + 1, step.method, step.path);
        let found =
            one(target, step, &mut names).await.with_context(|| format!("{}, {label}", story.name))?;
        let stop = found.iter().any(|difference| difference.at == STATUS || difference.at == SAVED);
        differences.extend(found.into_iter().map(|difference| (label.clone(), difference)));
        // What follows may need what this step did not give.
        if stop {
            break;
        }
    }
    Ok(if differences.is_empty() { Outcome::Agrees } else { Outcome::Differs(differences) })
}

/// Where a difference in status stands.
const STATUS: &str = "status";
/// Where a missing value that later steps name stands.
const SAVED: &str = "what later steps need";

async fn one(target: &mut Target, step: &Step, names: &mut Names) -> anyhow::Result<Vec<Difference>> {
    let path = names.fill(&step.path);
    let body = match (&step.upload, &step.raw, &step.request) {
        (Some(upload), _, _) => Body::Form(upload.clone()),
        (_, Some(raw), _) => Body::Raw(raw.clone()),
        (_, _, Some(request)) => Body::Json(names.fill_all(request)),
        _ => Body::Nothing,
    };
    let call = Call { method: &step.method, path: &path, version: &step.version, caller: step.caller, body };
    let answer = target.call(call).await?;
    let actual = answer.json();
    let mut found = Vec::new();
    if answer.status.as_u16() != step.status {
        let code = actual["code"].as_str().or(actual["error"].as_str()).unwrap_or("no code");
        let message = without_quoted(actual["message"].as_str().unwrap_or("no message"));
        let was = format!("{} {code}: {message}", answer.status.as_u16());
        found.push(Difference { at: STATUS.to_owned(), expected: step.status.to_string(), was });
        return Ok(found);
    }
    let expected = if step.answer.is_null() { json!("<any>") } else { names.fill_all(&step.answer) };
    compare(&expected, Some(&actual), "answer", &mut found);
    // Every answer carries its request's id, in the header and the body alike. Source: recorded answers of July 2026.
    let header = answer.headers.get("x-notion-request-id").and_then(|value| value.to_str().ok());
    let in_body = actual["request_id"].as_str();
    if actual.is_object() && in_body.is_some() && in_body != header {
        let was = if header.is_some() { "another id" } else { "absent" };
        let expected = "the answer's request_id".to_owned();
        found.push(Difference { at: "header x-notion-request-id".to_owned(), expected, was: was.to_owned() });
    }
    for (name, pointer) in &step.save {
        match actual.pointer(pointer) {
            Some(Value::String(text)) => {
                names.0.insert(name.clone(), text.clone());
            }
            _ => found.push(Difference {
                at: SAVED.to_owned(),
                expected: format!("a text at {pointer}"),
                was: "none".to_owned(),
            }),
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_filled_in_and_long_values_written_short() {
        let names = Names::new("page-1", &[("bot", "bot-1")]);
        let filled = names.fill_all(&json!({"{bot}": ["<list:2>", {"id": "{root}"}], "text": "<long:3>"}));
        assert_eq!(filled, json!({"bot-1": [{"id": "page-1"}, {"id": "page-1"}], "text": "aaa"}));
    }
}
