//! Blocks from text, line by line. Open blocks lie on a stack with their indentation; a line closes what it is not
//! inside of, and hangs below what is left. Tags that come in pairs hold what stands between them, indented or not.
//! The text is another's: nothing in it is an error, the stack has a limit, and no line is read twice.

mod date;
mod inline;
mod language;
mod line;
mod table;

pub(crate) use inline::rich_text;
pub(super) use line::starts_block;

use super::tag::Tag;
use super::{DEPTH_MAX, Names, Node, SECTIONS, What};
use crate::content::block::{Body, Text};

/// How many columns a tab is worth among spaces. Notion's own indentation is by tabs; two spaces or more nest too (a
/// guess: that is how people write lists elsewhere).
const TAB_COLUMNS: usize = 4;

/// Reads a text.
pub(crate) fn nodes(text: &str, names: &dyn Names) -> Vec<Node> {
    let lines: Vec<&str> = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)).collect();
    let last_ends = PAIRED.map(|name| {
        let end = format!("</{name}>");
        lines.iter().rposition(|line| line.trim_end().ends_with(end.as_str()))
    });
    let mut reader = Reader { lines: &lines, at: 0, names, last_ends, open: Vec::new(), done: Vec::new() };
    while reader.at < lines.len() {
        reader.line();
    }
    reader.close_to(0);
    reader.done
}

/// A block that more may hang below.
struct Frame {
    /// Columns of white space before it.
    indent: usize,
    /// The tag that it ends with, if it has one.
    tag: Option<&'static str>,
    node: Node,
}

impl Frame {
    /// Whether a line at this indentation is inside it.
    fn holds(&self, indent: usize) -> bool {
        // What stands between a toggle's tags without being indented is not inside it, says Notion.
        self.indent < indent || self.tag.is_some_and(|tag| tag != "details")
    }
}

struct Reader<'a> {
    lines: &'a [&'a str],
    at: usize,
    names: &'a dyn Names,
    /// The last line on which each of [`PAIRED`] ends: what has no end does not hold the rest of the text.
    last_ends: [Option<usize>; PAIRED.len()],
    open: Vec<Frame>,
    done: Vec<Node>,
}

/// Tags that come in pairs, on lines of their own.
const PAIRED: [&str; 11] = [
    "details",
    "callout",
    "columns",
    "column",
    "synced_block",
    "synced_block_reference",
    "table",
    "meeting-notes",
    // Only inside of these notes; a toggle's title has a tag of the first one's name.
    "summary",
    "notes",
    "transcript",
];

/// Splits the indentation off: columns, tabs, the rest.
fn indentation(line: &str) -> (usize, &str) {
    let rest = line.trim_start_matches([' ', '\t']);
    let white = &line[..line.len() - rest.len()];
    let columns = white.chars().map(|c| if c == '\t' { TAB_COLUMNS } else { 1 }).sum();
    (if columns < 2 { 0 } else { columns }, rest.trim_end())
}

impl<'a> Reader<'a> {
    /// Reads the line at hand, and those after it that belong to it.
    fn line(&mut self) {
        let raw = self.lines[self.at];
        let (mut indent, mut rest) = indentation(raw);
        self.at += 1;
        if rest.is_empty() {
            return;
        }
        if let Some(tag) = Tag::at(rest)
            && self.tag_line(&tag, indent, rest)
        {
            return;
        }
        self.close_at(indent);
        // A list item may hold another block on its line: an empty item with the block below.
        while let Some((item, more)) = line::list_item(rest)
            && self.open.len() < DEPTH_MAX
            && line::starts_block(more)
        {
            let text = Text { rich_text: Vec::new(), color: "default" };
            self.push(indent, None, Node::leaf(item.body(text)));
            (indent, rest) = (indent + 1, more);
        }
        let fenced = match line::fence(rest) {
            Some(fence) => Some(self.code(&fence, raw)),
            None => self.equation(rest, raw),
        };
        match fenced.or_else(|| self.pipe_table(rest)) {
            Some(node) => self.hang(node),
            None => self.push(indent, None, line::node(rest, self.names)),
        }
    }

    /// A line that starts with a tag; whether it was one that blocks are made of.
    fn tag_line(&mut self, tag: &Tag<'_>, indent: usize, rest: &str) -> bool {
        let after = rest[tag.length..].trim();
        if SECTIONS.contains(&tag.name) && !self.in_meeting() {
            return tag.name == "summary" && !tag.closes && self.summary(after);
        }
        let Some(kind) = PAIRED.iter().position(|name| *name == tag.name) else { return false };
        let name = PAIRED[kind];
        if tag.closes {
            self.close_tag(name);
            if !after.is_empty() {
                self.hang(line::node(after, self.names));
            }
            return true;
        }
        let has_end = self.last_ends[kind].is_some_and(|line| line >= self.at - 1);
        if name == "table" {
            if !has_end {
                return false;
            }
            self.close_at(indent);
            let table = self.table();
            self.hang(table);
            return true;
        }
        self.close_at(indent);
        let node = line::holder(tag, name, self.names);
        if tag.is_empty {
            self.hang(node);
        } else {
            self.push(indent, has_end.then_some(name), node);
            self.inside(name, after);
        }
        true
    }

    /// Whether the innermost block that has a title or sections is a meeting's notes.
    fn in_meeting(&self) -> bool {
        let innermost = self.open.iter().rev().find_map(|frame| match &frame.node.what {
            What::Meeting { .. } => Some(true),
            What::Block(Body::Toggle(_)) => Some(false),
            _ => None,
        });
        innermost.unwrap_or(false)
    }

    /// Closes the innermost block that this tag opened.
    fn close_tag(&mut self, name: &str) {
        if let Some(at) = self.open.iter().rposition(|frame| frame.tag == Some(name)) {
            self.close_to(at);
        }
    }

    /// What stands behind an opening tag on its line: `<callout>text</callout>`, `<details><summary>…</summary>`.
    fn inside(&mut self, name: &str, more: &str) {
        let closing = format!("</{name}>");
        let (inner, closes) = match more.strip_suffix(closing.as_str()) {
            Some(inner) => (inner.trim(), true),
            None => (more, false),
        };
        if let Some(tag) = Tag::at(inner).filter(|tag| tag.name == "summary" && !tag.closes) {
            self.summary(&inner[tag.length..]);
        } else if !inner.is_empty() {
            let node = line::node(inner, self.names);
            self.hang(node);
        }
        if closes {
            self.close_tag(name);
        }
    }

    /// The title of the innermost `<details>`.
    fn summary(&mut self, title: &str) -> bool {
        let title = title.trim().strip_suffix("</summary>").unwrap_or(title).trim();
        let rich_text = inline::rich_text(title, self.names);
        for frame in self.open.iter_mut().rev() {
            if let What::Block(Body::Toggle(text)) = &mut frame.node.what {
                text.rich_text = rich_text;
                return true;
            }
        }
        false
    }

    /// Closes what a line at this indentation is not inside of.
    fn close_at(&mut self, indent: usize) {
        let depth = self.open.iter().rposition(|frame| frame.holds(indent)).map_or(0, |at| at + 1);
        self.close_to(depth);
    }

    /// Closes all but the outermost `depth` blocks.
    fn close_to(&mut self, depth: usize) {
        while self.open.len() > depth {
            if let Some(frame) = self.open.pop() {
                for node in line::finished(frame.node, self.open.last().map(|frame| &frame.node)) {
                    self.hang(node);
                }
            }
        }
    }

    /// Hangs a finished block below the innermost open one.
    fn hang(&mut self, node: Node) {
        match self.open.last_mut() {
            Some(frame) => frame.node.children.push(node),
            None => self.done.push(node),
        }
    }

    /// Opens a block, if more can hang below it.
    fn push(&mut self, indent: usize, tag: Option<&'static str>, node: Node) {
        if node.holds_children() && self.open.len() < DEPTH_MAX {
            self.open.push(Frame { indent, tag, node });
        } else {
            self.hang(node);
        }
    }

    /// The lines up to the one that ends what was opened on the line before, without the opening line's indentation.
    fn lines_until(&mut self, opening: &str, ends: impl Fn(&str) -> bool) -> (Vec<&'a str>, bool) {
        let indented = opening.len() - opening.trim_start_matches([' ', '\t']).len();
        let from = self.at;
        while self.at < self.lines.len() {
            let line = self.lines[self.at];
            self.at += 1;
            if ends(line.trim()) {
                let inner = self.lines[from..self.at - 1].iter().map(|line| without_indent(line, indented));
                return (inner.collect(), true);
            }
        }
        (self.lines[from..].iter().map(|line| without_indent(line, indented)).collect(), false)
    }

    /// A block of code; without an end it takes all that is left.
    fn code(&mut self, fence: &line::Fence<'_>, raw: &str) -> Node {
        let (lines, _) = self.lines_until(raw, |line| fence.ends_with(line));
        Node::leaf(fence.code(&lines.join("\n")))
    }

    /// An equation on lines of its own.
    fn equation(&mut self, rest: &str, raw: &str) -> Option<Node> {
        if rest != "$$" {
            return None;
        }
        let from = self.at;
        match self.lines_until(raw, |line| line == "$$") {
            (lines, true) => Some(Node::leaf(Body::Equation(lines.join("\n")))),
            (_, false) => {
                self.at = from;
                None
            }
        }
    }

    /// A `<table>`, up to its end.
    fn table(&mut self) -> Node {
        let from = self.at - 1;
        let lines = self.lines[from..].iter().position(|line| line.trim_end().ends_with("</table>"));
        self.at = from + lines.unwrap_or(0) + 1;
        table::from_tags(&self.lines[from..self.at].join("\n"), self.names)
    }

    /// A table of the kind that other dialects have: cells between bars, with a line of dashes below the first row.
    fn pipe_table(&mut self, rest: &str) -> Option<Node> {
        let (_, dashes) = indentation(self.lines.get(self.at)?);
        if !rest.starts_with('|') || !table::is_ruler(dashes) {
            return None;
        }
        let mut rows = vec![rest];
        self.at += 1;
        while let Some((_, row)) = self.lines.get(self.at).map(|line| indentation(line))
            && row.starts_with('|')
        {
            rows.push(row);
            self.at += 1;
        }
        Some(table::from_bars(&rows, self.names))
    }
}

/// A line without as much white space as its block is indented by, as far as it has it.
fn without_indent(line: &str, indented: usize) -> &str {
    let white = line.len() - line.trim_start_matches([' ', '\t']).len();
    &line[white.min(indented)..]
}
