//! What a story says of an answer, held against the answer. A pattern is JSON in which an object names only the keys that
//! matter, `"<uuid>"` and its kin stand for any value of a kind, and `["<each>", pattern]` for a list of such things, `["<some>", pattern]` for one
//! that is not empty.

use serde_json::Value;

/// One difference: where, what was expected, what was there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) at: String,
    pub(crate) expected: String,
    pub(crate) was: String,
}

/// Adds what differs between `pattern` and `actual`, which stands at `at`.
pub(crate) fn compare(pattern: &Value, actual: Option<&Value>, at: &str, found: &mut Vec<Difference>) {
    let fits = match pattern {
        Value::String(text) if text == "<absent>" => actual.is_none(),
        Value::String(text) if text.starts_with('<') && text.ends_with('>') => {
            actual.is_some_and(|actual| is_kind(&text[1..text.len() - 1], actual))
        }
        Value::Object(keys) => {
            let Some(Value::Object(there)) = actual else { return differ(pattern, actual, at, found) };
            for (key, pattern) in keys {
                compare(pattern, there.get(key), &format!("{at}.{key}"), found);
            }
            return;
        }
        Value::Array(items) => {
            let Some(Value::Array(there)) = actual else { return differ(pattern, actual, at, found) };
            if let [Value::String(each), pattern] = items.as_slice()
                && (each == "<each>" || each == "<some>")
            {
                if each == "<some>" && there.is_empty() {
                    differ(pattern, None, &format!("{at}[0]"), found);
                }
                for (place, item) in there.iter().enumerate() {
                    compare(pattern, Some(item), &format!("{at}[{place}]"), found);
                }
                return;
            }
            if items.len() != there.len() {
                found.push(Difference {
                    at: at.to_owned(),
                    expected: format!("{} elements", items.len()),
                    was: format!("{} elements", there.len()),
                });
                return;
            }
            for (place, (pattern, item)) in items.iter().zip(there).enumerate() {
                compare(pattern, Some(item), &format!("{at}[{place}]"), found);
            }
            return;
        }
        plain => actual == Some(plain),
    };
    if !fits {
        differ(pattern, actual, at, found);
    }
}

fn differ(pattern: &Value, actual: Option<&Value>, at: &str, found: &mut Vec<Difference>) {
    found.push(Difference { at: at.to_owned(), expected: shown(pattern), was: kind_of(actual, at) });
}

fn shown(pattern: &Value) -> String {
    match pattern {
        Value::Object(_) => "an object".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        other => other.to_string(),
    }
}

/// What was there. Only words of the protocol are shown: a report must not carry what people wrote.
fn kind_of(actual: Option<&Value>, at: &str) -> String {
    let last = at.rsplit('.').next().unwrap_or_default();
    match actual {
        None => "absent".to_owned(),
        Some(Value::String(text))
            if matches!(last, "code" | "message" | "object" | "type" | "error" | "scope" | "status") =>
        {
            format!("{:?}", without_quoted(text))
        }
        Some(Value::String(_)) => "another text".to_owned(),
        Some(Value::Object(_)) => "an object".to_owned(),
        Some(Value::Array(_)) => "a list".to_owned(),
        Some(other) => other.to_string(),
    }
}

/// A message without what it quotes, which may be an integration's name or pages' titles: those may hold quotes themselves,
/// so nothing from the first quote to the last is shown.
pub(super) fn without_quoted(message: &str) -> String {
    let Some((before, rest)) = message.split_once('"') else { return message.to_owned() };
    let after = rest.rsplit_once('"').map_or("", |(_, after)| after);
    format!("{before}\"…\"{after}")
}

fn is_kind(kind: &str, actual: &Value) -> bool {
    match (kind, actual) {
        ("any", _) => true,
        ("text", Value::String(_)) | ("number", Value::Number(_)) | ("bool", Value::Bool(_)) => true,
        ("object", Value::Object(_)) | ("list", Value::Array(_)) => true,
        ("uuid", Value::String(text)) => is_uuid(text),
        ("time", Value::String(text)) => text.parse::<jiff::Timestamp>().is_ok(),
        ("url", Value::String(text)) => url::Url::parse(text).is_ok(),
        (kind, Value::String(text)) => {
            kind.strip_prefix("contains:").is_some_and(|part| text.contains(part))
                || kind.strip_prefix("begins:").is_some_and(|part| text.starts_with(part))
        }
        _ => false,
    }
}

/// Whether this is an id as Notion writes them: dashed, lower case.
pub(crate) fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn differences(pattern: Value, actual: Value) -> Vec<String> {
        let mut found = Vec::new();
        compare(&pattern, Some(&actual), "answer", &mut found);
        found.iter().map(|found| format!("{}: {}, not {}", found.at, found.was, found.expected)).collect()
    }

    #[test]
    fn what_a_pattern_does_not_name_may_be_anything() {
        let actual =
            json!({"id": "393abc1e-edcd-8178-a193-000baf4739c9", "more": 1, "list": [{"a": 1}, {"a": 2}]});
        let pattern = json!({"id": "<uuid>", "list": ["<each>", {"a": "<number>"}], "gone": "<absent>"});
        assert!(differences(pattern, actual).is_empty());
    }

    #[test]
    fn a_message_is_shown_without_what_it_quotes() {
        for (message, shown) in [
            ("Not found.", "Not found."),
            ("Share it with \"Ada's bot\".", "Share it with \"…\"."),
            ("- page: \"My \"secret\" diary\" (id: 1)\n- page: \"Debts\" (id: 2)", "- page: \"…\" (id: 2)"),
            ("cut: \"My dia", "cut: \"…\""),
        ] {
            assert_eq!(without_quoted(message), shown);
        }
        let differ = differences(json!({"message": "<number>"}), json!({"message": "No \"diary\"."}));
        assert_eq!(differ, [r#"answer.message: "No \"…\".", not "<number>""#]);
    }

    #[test]
    fn an_empty_list_holds_none_of_what_some_are_expected_of() {
        let list = |word: &str, actual: Value| differences(json!([word, "<number>"]), actual);
        assert!(list("<each>", json!([])).is_empty());
        assert!(list("<some>", json!([1, 2])).is_empty());
        assert_eq!(list("<some>", json!([])), [r#"answer[0]: absent, not "<number>""#]);
        assert_eq!(list("<some>", json!(["a"])), [r#"answer[0]: another text, not "<number>""#]);
    }

    #[test]
    fn a_difference_says_where_and_shows_no_text_that_people_wrote() {
        let actual = json!({"code": "validation_error", "name": "My diary", "list": [1]});
        let pattern = json!({"code": "object_not_found", "name": "Theirs", "list": [], "id": "<uuid>"});
        assert_eq!(
            differences(pattern, actual),
            [
                "answer.code: \"validation_error\", not \"object_not_found\"",
                "answer.name: another text, not \"Theirs\"",
                "answer.list: 1 elements, not 0 elements",
                "answer.id: absent, not \"<uuid>\"",
            ]
        );
    }
}
