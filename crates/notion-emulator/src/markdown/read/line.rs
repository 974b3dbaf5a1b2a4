//! One line as a block: its marker says the kind, the rest is rich text, and a list of attributes may end it.

use percent_encoding::percent_decode_str;

use super::super::tag::{Tag, split_list};
use super::super::{Names, Node, SECTIONS, What, address, color_of};
use super::inline::{self, rich_text};
use super::language::language_of;
use crate::content::block::{Body, Text};
use crate::content::file::{FileSource, ICON_COLORS, Icon};
use crate::content::rich_text::{RichText, Run};

/// The markers of lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Item {
    Bullet,
    Number,
    ToDo { checked: bool },
}

impl Item {
    pub(super) fn body(self, text: Text) -> Body {
        match self {
            Self::Bullet => Body::BulletedListItem(text),
            // Notion counts anew, whatever the number says. Source: recorded by users of the API, May 2026.
            Self::Number => Body::NumberedListItem { text, start: None, format: None },
            Self::ToDo { checked } => Body::ToDo { text, checked },
        }
    }
}

/// The marker of a list item and what follows it.
pub(super) fn list_item(line: &str) -> Option<(Item, &str)> {
    if let Some(rest) = ["-", "*", "+"].iter().find_map(|marker| after_marker(line, marker)) {
        let boxes = [("[ ]", false), ("[x]", true), ("[X]", true)];
        let to_do = boxes.iter().find_map(|(shown, checked)| Some((after_marker(rest, shown)?, *checked)));
        return Some(match to_do {
            Some((rest, checked)) => (Item::ToDo { checked }, rest),
            None => (Item::Bullet, rest),
        });
    }
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let rest = [".", ")"].iter().find_map(|marker| after_marker(&line[digits..], marker));
    rest.filter(|_| (1..=9).contains(&digits)).map(|rest| (Item::Number, rest))
}

/// What follows a marker and white space, or nothing.
fn after_marker<'a>(line: &'a str, marker: &str) -> Option<&'a str> {
    let rest = line.strip_prefix(marker)?;
    if rest.is_empty() || rest.starts_with([' ', '\t']) { Some(rest.trim()) } else { None }
}

/// A heading's level and text.
fn heading(line: &str) -> Option<(u8, &str)> {
    let level = line.bytes().take_while(|byte| *byte == b'#').count();
    let rest = after_marker(&line[level..], "").filter(|_| (1..=6).contains(&level))?;
    Some((u8::try_from(level.min(4)).unwrap_or(4), rest))
}

fn is_divider(line: &str) -> bool {
    line.len() >= 3 && (line.bytes().all(|byte| byte == b'-') || line.bytes().all(|byte| byte == b'*'))
}

/// The fence that opens a block of code.
pub(super) struct Fence<'a> {
    ticks: usize,
    language: &'a str,
}

/// Reads a fence.
pub(super) fn fence(line: &str) -> Option<Fence<'_>> {
    let ticks = line.bytes().take_while(|byte| *byte == b'`').count();
    let language = line[ticks..].trim();
    if ticks >= 3 && !language.contains('`') { Some(Fence { ticks, language }) } else { None }
}

impl Fence<'_> {
    /// Whether a line closes it.
    pub(super) fn ends_with(&self, line: &str) -> bool {
        line.len() >= self.ticks && line.bytes().all(|byte| byte == b'`')
    }

    /// The block.
    pub(super) fn code(&self, text: &str) -> Body {
        Body::Code {
            rich_text: crate::content::rich_text::plain(text),
            caption: Vec::new(),
            language: language_of(self.language),
        }
    }
}

/// Whether a line is more than a paragraph. The writer asks too: such text is escaped.
pub(crate) fn starts_block(line: &str) -> bool {
    let tag = || {
        let tag = Tag::at(line)?;
        Some(
            super::PAIRED.contains(&tag.name)
                || tag.name == "summary"
                || tagged(line, &tag, &NoNames).is_some(),
        )
    };
    list_item(line).is_some()
        || heading(line).is_some()
        || is_divider(line)
        || line.starts_with('>')
        || fence(line).is_some()
        || line == "$$"
        || image(line, &NoNames).is_some()
        || tag().unwrap_or(false)
}

/// For asking what a line is, when what it says does not matter.
struct NoNames;

impl Names for NoNames {
    fn page_of(&self, _: uuid::Uuid) -> Option<uuid::Uuid> {
        None
    }

    fn file_url(&self, _: &FileSource) -> String {
        String::new()
    }

    fn emoji_name(&self, _: uuid::Uuid) -> Option<String> {
        None
    }

    fn emoji_id(&self, _: &str) -> Option<uuid::Uuid> {
        None
    }
}

/// The block that a line is; a paragraph, if it is nothing else.
pub(super) fn node(line: &str, names: &dyn Names) -> Node {
    if let Some(node) = Tag::at(line).and_then(|tag| tagged(line, &tag, names)) {
        return node;
    }
    if let Some(image) = image(line, names) {
        return Node::leaf(image);
    }
    if is_divider(line) {
        return Node::leaf(Body::Divider);
    }
    let (inner, attributes) = split_list(line);
    let get = |name: &str| attributes.iter().find(|(had, _)| *had == name).map(|(_, value)| *value);
    let color = get("color").and_then(color_of);
    let is_toggleable = get("toggle") == Some("true");
    // A list that says nothing known is text.
    let inner = if color.is_some() || is_toggleable { inner } else { line };
    let text = |rest: &str| Text { rich_text: rich_text(rest, names), color: color.unwrap_or("default") };
    let body = if let Some((level, rest)) = heading(inner) {
        Body::Heading { level, text: text(rest), is_toggleable }
    } else if let Some((item, rest)) = list_item(inner) {
        item.body(text(rest))
    } else if let Some(rest) = inner.strip_prefix('>') {
        Body::Quote(text(rest.trim()))
    } else {
        return Node::paragraph(rich_text(inner, names), color.unwrap_or("default"));
    };
    Node::leaf(body)
}

/// `![caption](address)`, alone on its line.
fn image(line: &str, names: &dyn Names) -> Option<Body> {
    // The colour that may follow is dropped, as Notion does. Source: recorded by users of the API, May 2026.
    let (line, _) = split_list(line);
    let (caption, url) = inline::image(line.strip_prefix('!').filter(|rest| rest.starts_with('['))?, names)?;
    Some(media("image", &url, caption))
}

fn media(kind: &'static str, url: &str, caption: Vec<RichText>) -> Body {
    let last = url.split(['?', '#']).next().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
    let name = (kind == "file").then(|| percent_decode_str(last).decode_utf8_lossy().into_owned());
    Body::Media { kind, source: FileSource::External(url.to_owned()), caption, name }
}

/// A tag that is a block of its own, alone on its line.
fn tagged(line: &str, tag: &Tag<'_>, names: &dyn Names) -> Option<Node> {
    let rest = &line[tag.length..];
    let inner = if tag.is_empty && rest.is_empty() {
        ""
    } else {
        let (inner, closing) = rest.rsplit_once("</")?;
        (closing.strip_suffix('>') == Some(tag.name)).then_some(inner)?
    };
    let id = tag.get("url").and_then(address::id_in);
    let what = match tag.name {
        "empty-block" => return Some(Node::paragraph(Vec::new(), "default")),
        "table_of_contents" => {
            let color = tag.get("color").and_then(color_of).unwrap_or("default");
            return Some(Node::leaf(Body::TableOfContents { color }));
        }
        "audio" | "video" | "file" | "pdf" => {
            let kind = ["audio", "video", "file", "pdf"].into_iter().find(|kind| *kind == tag.name)?;
            return Some(Node::leaf(media(kind, tag.get("src")?, rich_text(inner, names))));
        }
        "page" => What::Page { title: plain(inner, names) },
        "database" => What::Database {
            title: plain(inner, names),
            inline: tag.is("inline"),
            icon: tag.get("icon").map(str::to_owned),
            data_source: tag.get("data-source-url").and_then(address::id_in),
        },
        "unknown" => What::Unknown { alt: tag.get("alt").map(str::to_owned) },
        _ => return None,
    };
    Some(Node { id, what, children: Vec::new() })
}

/// A title, which is text without looks.
fn plain(text: &str, names: &dyn Names) -> String {
    let runs = rich_text(text, names).into_iter();
    let content = runs.map(|run| match run.run {
        Run::Text { content, .. } | Run::Equation(content) => content,
        Run::Mention(_) => String::new(),
    });
    content.collect()
}

/// The block that a tag opens for others to stand inside.
pub(super) fn holder(tag: &Tag<'_>, name: &str, names: &dyn Names) -> Node {
    let color = tag.get("color").and_then(color_of).unwrap_or("default");
    let text = Text { rich_text: Vec::new(), color };
    let id = tag.get("url").and_then(address::id_in);
    if let Some(section) = SECTIONS.iter().find(|section| **section == name) {
        return Node { id: None, what: What::Section(section), children: Vec::new() };
    }
    let (id, body) = match name {
        "meeting-notes" => {
            return Node { id: None, what: What::Meeting { title: Vec::new() }, children: Vec::new() };
        }
        "details" => (None, Body::Toggle(text)),
        "callout" => {
            (None, Body::Callout { text, icon: tag.get("icon").and_then(|icon| icon_of(icon, names)) })
        }
        "columns" => (None, Body::ColumnList),
        "column" => (None, Body::Column { width_ratio: None }),
        "synced_block" => (id, Body::SyncedBlock { from: None }),
        _ => (None, Body::SyncedBlock { from: id }),
    };
    Node { id, what: What::Block(body), children: Vec::new() }
}

/// An icon as an attribute says it: an emoji, `:custom:`, an address, or the path of one of Notion's own (a guess).
fn icon_of(text: &str, names: &dyn Names) -> Option<Icon> {
    if let Some(name) = text.strip_prefix(':').and_then(|text| text.strip_suffix(':')) {
        return names.emoji_id(name).map(Icon::CustomEmoji);
    }
    if let Some(name) = text.strip_prefix("/icons/").and_then(|text| text.strip_suffix(".svg")) {
        let (name, color) = name.rsplit_once('_')?;
        let color = ICON_COLORS.iter().find(|known| **known == color)?;
        return Some(Icon::Named { name: name.to_owned(), color });
    }
    if text.starts_with("https://") || text.starts_with("http://") {
        return Some(Icon::File(FileSource::External(text.to_owned())));
    }
    let is_emoji = !text.is_empty() && text.chars().count() <= EMOJI_CHARS_MAX && !text.is_ascii();
    is_emoji.then(|| Icon::Emoji(text.to_owned()))
}

/// The longest emoji, in characters: families are put together from several.
const EMOJI_CHARS_MAX: usize = 12;

/// What becomes of a block when nothing more can come below it.
pub(super) fn finished(mut node: Node, parent: Option<&Node>) -> Vec<Node> {
    match &mut node.what {
        What::Block(Body::Callout { text: Text { rich_text, .. }, .. })
        | What::Meeting { title: rich_text } => {
            *rich_text = first_line(&mut node.children);
        }
        What::Block(Body::ColumnList) => {
            // A list of columns holds nothing else, and columns stand nowhere else.
            for child in &mut node.children {
                if !is_column(child) {
                    let column = Node::leaf(Body::Column { width_ratio: None });
                    let stray = std::mem::replace(child, column);
                    child.children.push(stray);
                }
            }
        }
        What::Block(Body::Column { .. })
            if !parent.is_some_and(|parent| parent.body() == Some(&Body::ColumnList)) =>
        {
            return node.children;
        }
        _ => {}
    }
    vec![node]
}

/// Takes the first block, if it is a plain line: what holds others by tags has its text there.
fn first_line(children: &mut Vec<Node>) -> Vec<RichText> {
    let is_line = children.first().is_some_and(|first| {
        let plain =
            matches!(first.body(), Some(Body::Paragraph { text, icon: None }) if text.color == "default");
        plain && first.children.is_empty()
    });
    if !is_line {
        return Vec::new();
    }
    match children.remove(0).what {
        What::Block(Body::Paragraph { text, .. }) => text.rich_text,
        _ => Vec::new(),
    }
}

fn is_column(node: &Node) -> bool {
    matches!(node.body(), Some(Body::Column { .. }))
}
