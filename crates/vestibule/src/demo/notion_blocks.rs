//! Notion's blocks as the sample app shows them: read from the API's JSON, written by the template.

use serde_json::Value;

/// A block, ready to be shown.
pub(super) struct Shown {
    pub(super) id: String,
    /// Notion's `type`.
    pub(super) kind: String,
    pub(super) runs: Vec<Run>,
    pub(super) checked: bool,
    pub(super) icon: String,
    /// The title of a child page or database.
    pub(super) title: String,
    /// How far it is indented.
    pub(super) depth: usize,
    /// Of a heading: its level on the page, from 2 on; else 0.
    pub(super) level: usize,
}

/// A piece of text that looks alike.
pub(super) struct Run {
    pub(super) text: String,
    pub(super) class: String,
    /// An address to follow; only http and https.
    pub(super) href: Option<String>,
}

/// Reads a block of the API.
pub(super) fn shown(block: &Value, depth: usize) -> Shown {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let kind = text(&block["type"]);
    let inner = &block[kind.as_str()];
    Shown {
        id: text(&block["id"]),
        runs: runs(&inner["rich_text"]),
        checked: inner["checked"].as_bool().unwrap_or(false),
        icon: icon(inner),
        title: text(&inner["title"]),
        kind,
        depth,
        level: 0,
    }
}

/// Gives the headings their levels: below the page's title, and none more than one deeper than the one before it.
pub(super) fn outline(blocks: &mut [Shown]) {
    let mut last = 1;
    for block in blocks {
        let wanted = match block.kind.as_str() {
            "heading_1" => 2,
            "heading_2" => 3,
            "heading_3" | "heading_4" => 4,
            _ => continue,
        };
        block.level = wanted.min(last + 1);
        last = block.level;
    }
}

/// Reads rich text.
pub(super) fn runs(rich_text: &Value) -> Vec<Run> {
    rich_text.as_array().into_iter().flatten().map(run).collect()
}

fn run(run: &Value) -> Run {
    let looks = ["bold", "italic", "strikethrough", "underline", "code"];
    let class: Vec<&str> = looks.into_iter().filter(|look| run["annotations"][look] == true).collect();
    let href =
        run["href"].as_str().filter(|href| href.starts_with("https://") || href.starts_with("http://"));
    Run {
        text: run["plain_text"].as_str().unwrap_or_default().to_owned(),
        class: class.join(" "),
        href: href.map(str::to_owned),
    }
}

/// Rich text without its looks.
pub(super) fn plain(rich_text: &Value) -> String {
    rich_text.as_array().into_iter().flatten().filter_map(|run| run["plain_text"].as_str()).collect()
}

/// An emoji, if the icon is one: no picture is fetched from anywhere.
pub(super) fn icon(of: &Value) -> String {
    of["icon"]["emoji"].as_str().unwrap_or_default().to_owned()
}

/// The title of a page or data source.
pub(super) fn title(of: &Value) -> String {
    let title = if of["object"] == "page" {
        let properties = of["properties"].as_object();
        let title = properties.and_then(|all| all.values().find(|property| property["type"] == "title"));
        title.map(|property| plain(&property["title"])).unwrap_or_default()
    } else {
        plain(&of["title"])
    };
    if title.is_empty() { "Untitled".to_owned() } else { title }
}
