//! What a request says that Notion takes and drops without a word: an answer of 200 hides it, so that a developer looks for the
//! bug elsewhere. Here each is given a line, for the journal and the emulator's log.

use serde_json::Value;

use super::version::Version;

/// How many lines one request gets.
const LINES_MAX: usize = 20;

/// How deep to look. Requests are bounded in what they may nest, the rest is not looked at.
const DEPTH_MAX: usize = 12;

/// What is dropped of the body of a good request.
pub(super) fn of(method: &str, path: &[&str], version: Version, body: Option<&Value>) -> Vec<String> {
    let Some(body) = body else { return Vec::new() };
    let mut lines = Lines(Vec::new());
    let writes = matches!(method, "POST" | "PATCH") && path.last() != Some(&"query");
    if writes && path.first() == Some(&"databases") && version.has_data_sources() {
        columns_of_a_database(method, body, &mut lines);
    }
    if writes && path.first() == Some(&"pages") {
        values(body, &mut lines);
    }
    if writes {
        walk("body", body, &mut lines, DEPTH_MAX);
    }
    lines.0
}

struct Lines(Vec<String>);

impl Lines {
    fn add(&mut self, place: &str, why: &str) {
        if self.0.len() < LINES_MAX {
            self.0.push(format!("{place}: {why}"));
        }
    }
}

fn columns_of_a_database(method: &str, body: &Value, lines: &mut Lines) {
    if body.get("properties").is_none() {
        return;
    }
    let why = if method == "POST" {
        "columns stand in initial_data_source.properties since 2025-09-03; here they make none"
    } else {
        "columns are changed by PATCH /v1/data_sources/{id} since 2025-09-03; here nothing changes"
    };
    lines.add("body.properties", why);
}

/// What the values of a page say in vain.
fn values(body: &Value, lines: &mut Lines) {
    let Some(properties) = body.get("properties").and_then(Value::as_object) else { return };
    for (name, value) in properties {
        for kind in ["people", "relation", "multi_select"] {
            let list = value.get(kind).or(Some(value)).and_then(Value::as_array);
            if list.is_some_and(|list| has_twins(list)) {
                lines.add(&format!("body.properties.{name}"), "what is listed twice is kept once");
                break;
            }
        }
        let choice = value.get("select").or_else(|| value.get("status"));
        if choice.is_some_and(|choice| choice.get("description").is_some()) {
            let place = format!("body.properties.{name}");
            lines.add(&place, "a choice gets its description from the data source's schema, not from a page");
        }
    }
}

fn has_twins(list: &[Value]) -> bool {
    let key = |item: &Value| item.get("id").or_else(|| item.get("name")).cloned();
    let keys: Vec<Value> = list.iter().filter_map(key).collect();
    keys.iter().enumerate().any(|(at, key)| keys[..at].contains(key))
}

/// What blocks and texts say in vain, wherever they stand.
fn walk(place: &str, value: &Value, lines: &mut Lines, depth: usize) {
    let Some(depth) = depth.checked_sub(1) else { return };
    match value {
        Value::Array(list) => {
            for (at, item) in list.iter().enumerate() {
                walk(&format!("{place}[{at}]"), item, lines, depth);
            }
        }
        Value::Object(object) => {
            text(place, value, lines);
            for (key, inner) in object {
                if matches!(key.as_str(), "children" | "content") {
                    new_blocks(&format!("{place}.{key}"), inner, lines);
                }
                walk(&format!("{place}.{key}"), inner, lines, depth);
            }
        }
        _ => {}
    }
}

/// A run of text is what `text` and `mention` say; what an answer adds to it for reading is not read back.
fn text(place: &str, run: &Value, lines: &mut Lines) {
    let content = run.get("text").and_then(|text| text.get("content")).and_then(Value::as_str);
    let plain = run.get("plain_text").and_then(Value::as_str);
    if let (Some(content), Some(plain)) = (content, plain)
        && content != plain
    {
        lines.add(&format!("{place}.plain_text"), "only text.content counts, and it says something else");
    }
    let link = run.get("text").and_then(|text| text.get("link"));
    let href = run.get("href").and_then(Value::as_str);
    let url = link.and_then(|link| link.get("url")).and_then(Value::as_str);
    if run.get("text").is_some() && href.is_some() && href != url {
        lines.add(&format!("{place}.href"), "only text.link.url counts, and it says something else");
    }
}

fn new_blocks(place: &str, list: &Value, lines: &mut Lines) {
    let Some(list) = list.as_array() else { return };
    for (at, block) in list.iter().enumerate() {
        let place = format!("{place}[{at}]");
        let said = |key: &str| block.get(key);
        for key in ["id", "parent", "created_time", "last_edited_time", "created_by", "last_edited_by"] {
            if said(key).is_some() {
                lines.add(&format!("{place}.{key}"), "a new block gets its own");
            }
        }
        for key in ["has_children", "archived", "in_trash"] {
            if said(key) == Some(&Value::Bool(true)) {
                lines.add(
                    &format!("{place}.{key}"),
                    "a new block has the children that it brings, and is not in the trash",
                );
            }
        }
        for level in ["heading_1", "heading_2", "heading_3", "heading_4"] {
            let Some(heading) = said(level) else { continue };
            let children =
                heading.get("children").and_then(Value::as_array).is_some_and(|list| !list.is_empty());
            if children && heading.get("is_toggleable") == Some(&Value::Bool(false)) {
                lines.add(&format!("{place}.{level}.is_toggleable"), "a heading with children is toggleable");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn places(method: &str, path: &[&str], version: &str, body: &Value) -> Vec<String> {
        let version = Version::of(Some(version)).expect("a version");
        let lines = of(method, path, version, Some(body));
        lines.iter().filter_map(|line| line.split(": ").next()).map(str::to_owned).collect()
    }

    #[test]
    fn columns_where_they_stood_before_there_were_data_sources_are_named() {
        let body = json!({"properties": {"Name": {"title": {}}}});
        for version in ["2025-09-03", "2026-03-11"] {
            assert_eq!(places("POST", &["databases"], version, &body), ["body.properties"]);
            assert_eq!(places("PATCH", &["databases", "x"], version, &body), ["body.properties"]);
        }
        assert!(places("POST", &["databases"], "2022-06-28", &body).is_empty());
        assert!(places("PATCH", &["data_sources", "x"], "2026-03-11", &body).is_empty());
    }

    #[test]
    fn what_an_answer_says_of_a_block_is_named_when_it_is_sent_back() {
        let inner = json!({"id": "x", "archived": true, "has_children": false, "divider": {}});
        let body = json!({"children": [{"toggle": {"rich_text": [], "children": [inner]}}]});
        let path = ["blocks", "x", "children"];
        let inside = "body.children[0].toggle.children[0]";
        let found = places("PATCH", &path, "2025-09-03", &body);
        assert_eq!(found, [format!("{inside}.id"), format!("{inside}.archived")]);
    }

    #[test]
    fn a_text_that_is_changed_where_it_does_not_count_is_named() {
        let run =
            |plain: &str, href: Value| json!({"text": {"content": "a"}, "plain_text": plain, "href": href});
        let body = |run: Value| json!({"paragraph": {"rich_text": [run]}});
        let path = ["blocks", "x"];
        let found = places("PATCH", &path, "2026-03-11", &body(run("b", json!("https://x.example"))));
        let at = "body.paragraph.rich_text[0]";
        assert_eq!(found, [format!("{at}.plain_text"), format!("{at}.href")]);
        assert!(places("PATCH", &path, "2026-03-11", &body(run("a", Value::Null))).is_empty());
    }

    #[test]
    fn twins_descriptions_and_headings_are_named() {
        let body = json!({
            "properties": {"P": {"people": [{"id": "a"}, {"id": "a"}]}, "S": {"select": {"name": "x", "description": "y"}}},
            "children": [{"heading_2": {"rich_text": [], "is_toggleable": false, "children": [{"divider": {}}]}}],
        });
        let found = places("POST", &["pages"], "2026-03-11", &body);
        let heading = "body.children[0].heading_2.is_toggleable";
        assert_eq!(found, ["body.properties.P", "body.properties.S", heading]);
    }
}
