//! What is wrong with a field of an OAuth request, in the words that Notion has for it.
//! Source: the example in Notion's `OpenAPI` of a missing `redirect_uri`; users' quotations of an empty `client_id` (2024 to 2025).

use serde_json::{Map, Value};

/// The text in a field of a body that needs it, or what is wrong with it.
pub(super) fn text_of<'a>(fields: &'a Map<String, Value>, name: &str) -> Result<&'a str, String> {
    let wrong = match fields.get(name) {
        Some(Value::String(text)) if !text.is_empty() => return Ok(text),
        None => "defined, instead was `undefined`".to_owned(),
        Some(Value::String(_)) => "populated, instead was `\"\"`".to_owned(),
        Some(other) => format!("a string, instead was `{other}`"),
    };
    Err(format!("body failed validation: body.{name} should be {wrong}."))
}

/// What is wrong with a parameter of the consent's address, if it is not one text. Notion reads an empty one as a number.
pub(super) fn not_one_text(name: &str, values: &[&str], is_list: bool) -> Option<String> {
    let shown = match values {
        [""] if !is_list => "0".to_owned(),
        [] | [_] if !is_list => return None,
        many => serde_json::to_string(many).unwrap_or_default(),
    };
    Some(format!(
        "query failed validation: query.{name} should be a string or `undefined`, instead was `{shown}`."
    ))
}
