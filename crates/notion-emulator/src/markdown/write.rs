//! Text from blocks: one line each, children indented by one tab more, a single newline between. Beside the text it says
//! where each block that is there already stands in it.

mod inline;

pub(crate) use inline::escaped;

use std::ops::Range;

use uuid::Uuid;

use super::{DEPTH_MAX, Names, Node, What, address, color_name, read};
use crate::content::block::{Body, Text};
use crate::content::file::Icon;
use crate::content::rich_text::{RichText, Run};

/// A text with the places of its blocks.
#[derive(Debug, Default)]
pub(crate) struct Written {
    pub(crate) text: String,
    /// In the order in which they start; a block comes before those inside it.
    pub(crate) places: Vec<(Uuid, Range<usize>)>,
}

/// Writes blocks.
pub(crate) fn nodes(nodes: &[Node], names: &dyn Names) -> Written {
    let mut writer = Writer { names, written: Written::default() };
    writer.list(nodes, 0);
    writer.written
}

/// Writes one block with those below it.
pub(crate) fn node(node: &Node, names: &dyn Names) -> String {
    nodes(std::slice::from_ref(node), names).text
}

/// Writes one block without those below it.
pub(crate) fn alone(node: &Node, names: &dyn Names) -> String {
    let childless = Node { children: Vec::new(), ..node.clone() };
    self::node(&childless, names)
}

struct Writer<'a> {
    names: &'a dyn Names,
    written: Written,
}

impl Writer<'_> {
    /// Writes siblings. Numbered ones are counted from one, or from where the first of them says.
    fn list(&mut self, nodes: &[Node], depth: usize) {
        let mut number = 0;
        for node in nodes {
            number = match node.body() {
                Some(Body::NumberedListItem { start, .. }) => start.unwrap_or(number + 1),
                _ => 0,
            };
            self.block(node, depth, number);
        }
    }

    /// Starts a line.
    fn line(&mut self, depth: usize, text: &str) {
        if !self.written.text.is_empty() {
            self.written.text.push('\n');
        }
        self.written.text.extend(std::iter::repeat_n('\t', depth));
        self.written.text.push_str(text);
    }

    fn block(&mut self, node: &Node, depth: usize, number: u64) {
        let from = self.written.text.len() + usize::from(!self.written.text.is_empty());
        let place = node.id.map(|id| {
            self.written.places.push((id, from..from));
            self.written.places.len() - 1
        });
        match &node.what {
            What::Page { .. } | What::Database { .. } | What::Unknown { .. } => {
                let line = self.named(node);
                self.line(depth, &line);
            }
            What::Meeting { title } => {
                self.line(depth, "<meeting-notes>");
                self.block(&Node::paragraph(title.clone(), "default"), below(depth), 0);
                self.list(&node.children, below(depth));
                self.line(depth, "</meeting-notes>");
            }
            What::Section(name) => self.holder(name, node, depth),
            What::Block(body) => self.body(node, body, depth, number),
        }
        if let Some(place) = place {
            self.written.places[place].1.end = self.written.text.len();
        }
    }

    /// A block that only its address stands for.
    fn named(&self, node: &Node) -> String {
        let id = node.id.unwrap_or_default();
        match &node.what {
            What::Page { title } => {
                format!("<page url=\"{}\">{}</page>", address::of_page(id), escaped(title))
            }
            What::Database { title, inline, icon, data_source } => {
                let icon = icon.as_ref().map_or_else(String::new, |icon| format!(" icon=\"{icon}\""));
                let source = data_source
                    .map_or_else(String::new, |id| format!(" data-source-url=\"collection://{id}\""));
                let url = address::of_page(id);
                format!(
                    "<database url=\"{url}\" inline=\"{inline}\"{icon}{source}>{}</database>",
                    escaped(title)
                )
            }
            What::Unknown { alt } => {
                let alt = alt.as_ref().map_or_else(String::new, |alt| format!(" alt=\"{alt}\""));
                format!("<unknown url=\"{}\"{alt}/>", self.block_address(id))
            }
            What::Meeting { .. } | What::Section(_) | What::Block(_) => String::new(),
        }
    }

    fn block_address(&self, id: Uuid) -> String {
        match self.names.page_of(id) {
            Some(page) => address::of_block(page, id),
            None => address::of_page(id),
        }
    }

    /// The line of a kind that is one: `marker`, text, attributes; children below.
    fn text_line(&mut self, marker: &str, text: &Text, toggle: bool, node: &Node, depth: usize) {
        let mut line = inline::line(&text.rich_text, self.names).trim().to_owned();
        // After these markers the rest of the line is text, whatever it looks like.
        let is_text = marker.starts_with(['#', '>']);
        if !is_text && read::starts_block(&line) {
            line = shielded(&line);
        }
        if line.is_empty() && marker.is_empty() {
            line.push_str("<empty-block/>");
        } else {
            line.push_str(&attribute_list(toggle, text.color));
        }
        self.line(depth, format!("{marker}{line}").trim_end());
        self.list(&node.children, below(depth));
    }

    fn body(&mut self, node: &Node, body: &Body, depth: usize, number: u64) {
        let text = |rich_text: &[RichText]| inline::line(rich_text, self.names);
        match body {
            Body::Paragraph { text, .. } => self.text_line("", text, false, node, depth),
            Body::Heading { level, text, is_toggleable } => {
                let marker = format!("{} ", "#".repeat(usize::from(*level)));
                self.text_line(&marker, text, *is_toggleable, node, depth);
            }
            Body::BulletedListItem(text) => self.text_line("- ", text, false, node, depth),
            Body::NumberedListItem { text, .. } => {
                self.text_line(&format!("{number}. "), text, false, node, depth);
            }
            Body::ToDo { text, checked } => {
                self.text_line(if *checked { "- [x] " } else { "- [ ] " }, text, false, node, depth);
            }
            Body::Quote(text) => self.text_line("> ", text, false, node, depth),
            Body::Toggle(Text { rich_text, color }) => {
                let title = format!("<summary>{}</summary>", text(rich_text));
                self.line(depth, &format!("<details{}>", attribute("color", color_name(color).as_deref())));
                self.line(depth, &title);
                self.list(&node.children, below(depth));
                self.line(depth, "</details>");
            }
            Body::Callout { text, icon } => {
                let icon = attribute("icon", icon.as_ref().and_then(|icon| self.icon(icon)).as_deref());
                let color = attribute("color", color_name(text.color).as_deref());
                self.line(depth, &format!("<callout{icon}{color}>"));
                let first = Node::paragraph(text.rich_text.clone(), "default");
                self.block(&first, below(depth), 0);
                self.list(&node.children, below(depth));
                self.line(depth, "</callout>");
            }
            Body::ColumnList => self.holder("columns", node, depth),
            Body::Column { .. } => self.holder("column", node, depth),
            Body::SyncedBlock { from } => self.synced(*from, node, depth),
            Body::Code { rich_text, language, .. } => self.code(&plain(rich_text), language, depth),
            Body::Equation(expression) => self.raw("$$", expression, "$$", depth),
            Body::Divider => self.line(depth, "---"),
            Body::TableOfContents { color } => {
                let color = attribute("color", color_name(color).as_deref());
                self.line(depth, &format!("<table_of_contents{color}/>"));
            }
            Body::Table { has_column_header, has_row_header, .. } => {
                self.table(node, *has_column_header, *has_row_header, depth);
            }
            Body::Media { kind, source, caption, .. } => {
                let (url, caption) = (self.names.file_url(source).replace('"', "%22"), text(caption));
                let line = match *kind {
                    "image" => format!("![{caption}]({})", inline::target(&url)),
                    kind => format!("<{kind} src=\"{url}\">{caption}</{kind}>"),
                };
                self.line(depth, &line);
            }
            // The kinds that have no words come as `What::Unknown`.
            _ => {}
        }
    }

    /// A pair of tags with blocks between.
    fn holder(&mut self, name: &str, node: &Node, depth: usize) {
        self.line(depth, &format!("<{name}>"));
        self.list(&node.children, below(depth));
        self.line(depth, &format!("</{name}>"));
    }

    fn synced(&mut self, from: Option<Uuid>, node: &Node, depth: usize) {
        let name = if from.is_some() { "synced_block_reference" } else { "synced_block" };
        let url = from.or(node.id).map(|id| self.block_address(id));
        self.line(depth, &format!("<{name}{}>", attribute("url", url.as_deref())));
        self.list(&node.children, below(depth));
        self.line(depth, &format!("</{name}>"));
    }

    fn code(&mut self, content: &str, language: &str, depth: usize) {
        let longest = content.split(|c| c != '`').map(str::len).max().unwrap_or(0);
        let fence = "`".repeat(3.max(longest + 1));
        self.raw(&format!("{fence}{language}"), content, &fence, depth);
    }

    /// Lines that stand as they are between two others.
    fn raw(&mut self, opening: &str, content: &str, closing: &str, depth: usize) {
        self.line(depth, opening);
        for line in content.split('\n') {
            self.line(if line.is_empty() { 0 } else { depth }, line);
        }
        self.line(depth, closing);
    }

    /// A table. Its tags are not indented among themselves. Source: recorded by users of the API, 2026.
    fn table(&mut self, node: &Node, header_row: bool, header_column: bool, depth: usize) {
        let flag = |name, is: bool| attribute(name, is.then_some("true"));
        let headers = flag("header-row", header_row) + &flag("header-column", header_column);
        self.line(depth, &format!("<table{headers}>"));
        for row in &node.children {
            let Some(Body::TableRow(cells)) = row.body() else { continue };
            self.line(depth, "<tr>");
            for cell in cells {
                let cell = inline::line(cell, self.names);
                self.line(depth, &format!("<td>{cell}</td>"));
            }
            self.line(depth, "</tr>");
        }
        self.line(depth, "</table>");
    }

    /// An icon as an attribute; see the reader.
    fn icon(&self, icon: &Icon) -> Option<String> {
        match icon {
            Icon::Emoji(emoji) => Some(emoji.clone()),
            Icon::CustomEmoji(id) => self.names.emoji_name(*id).map(|name| format!(":{name}:")),
            Icon::Named { name, color } => Some(format!("/icons/{name}_{color}.svg")),
            Icon::File(source) => Some(self.names.file_url(source).replace('"', "%22")),
        }
    }
}

/// One level deeper. What is made from blocks is never deeper than [`DEPTH_MAX`]; this only keeps the text bounded.
fn below(depth: usize) -> usize {
    (depth + 1).min(2 * DEPTH_MAX)
}

/// ` name="value"`, or nothing.
fn attribute(name: &str, value: Option<&str>) -> String {
    value.map_or_else(String::new, |value| format!(" {name}=\"{value}\""))
}

/// The attributes at the end of a line.
fn attribute_list(toggle: bool, color: &str) -> String {
    match (toggle, color_name(color)) {
        (false, None) => String::new(),
        (true, None) => " {toggle=\"true\"}".to_owned(),
        (false, Some(color)) => format!(" {{color=\"{color}\"}}"),
        (true, Some(color)) => format!(" {{toggle=\"true\" color=\"{color}\"}}"),
    }
}

/// Text that would be read as another kind of block, with a backslash that keeps it text.
fn shielded(line: &str) -> String {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    format!("{}\\{}", &line[..digits], &line[digits..])
}

/// Code has no looks.
fn plain(rich_text: &[RichText]) -> String {
    let content = rich_text.iter().map(|run| match &run.run {
        Run::Text { content, .. } | Run::Equation(content) => content.as_str(),
        Run::Mention(_) => "",
    });
    content.collect()
}
