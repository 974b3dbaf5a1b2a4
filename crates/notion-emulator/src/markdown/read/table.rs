//! Tables: Notion's own, of tags, and those of bars that other dialects have. Rows are made equally wide.

use super::super::tag::Tag;
use super::super::{Names, Node};
use super::inline::{closing_ticks, rich_text};
use crate::content::block::Body;
use crate::content::rich_text::RichText;

/// The widest table, in cells. Source: the API's own limit for `table_width`.
const WIDTH_MAX: usize = 100;

type Row = Vec<Vec<RichText>>;

fn table(mut rows: Vec<Row>, has_column_header: bool, has_row_header: bool) -> Node {
    if rows.is_empty() {
        rows.push(Row::new());
    }
    let width = rows.iter().map(Vec::len).max().unwrap_or(0).clamp(1, WIDTH_MAX);
    let children = rows.into_iter().map(|mut row| {
        row.resize(width, Vec::new());
        Node::leaf(Body::TableRow(row))
    });
    let body = Body::Table { width: width as u64, has_column_header, has_row_header };
    Node { children: children.collect(), ..Node::leaf(body) }
}

/// Reads `<table>…</table>`. The colours of columns, rows and cells have no place in the API's blocks.
pub(super) fn from_tags(text: &str, names: &dyn Names) -> Node {
    let (mut rows, mut headers) = (Vec::<Row>::new(), (false, false));
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        rest = &rest[at..];
        let Some(tag) = Tag::at(rest).filter(|tag| !tag.closes) else {
            rest = &rest[1..];
            continue;
        };
        rest = &rest[tag.length..];
        match tag.name {
            "table" => headers = (tag.is("header-row"), tag.is("header-column")),
            "tr" => rows.push(Row::new()),
            "td" | "th" => {
                let closing = if tag.name == "td" { "</td>" } else { "</th>" };
                let (cell, more) = rest.split_at(outside_code(rest, closing).unwrap_or(rest.len()));
                rest = more;
                if rows.is_empty() {
                    rows.push(Row::new());
                }
                if let Some(row) = rows.last_mut().filter(|_| !tag.is_empty) {
                    row.push(rich_text(cell.trim(), names));
                }
            }
            _ => {}
        }
    }
    table(rows, headers.0, headers.1)
}

/// Where `wanted` is found first, code and what is escaped aside.
fn outside_code(text: &str, wanted: &str) -> Option<usize> {
    let mut at = 0;
    loop {
        let next = at + text[at..].find(['<', '`', '\\'])?;
        if text[next..].starts_with('\\') {
            at = next + 1 + text[next + 1..].chars().next()?.len_utf8();
            continue;
        }
        if text[next..].starts_with(wanted) {
            return Some(next);
        }
        let count = text[next..].bytes().take_while(|byte| *byte == b'`').count();
        let after = next + count.max(1);
        at = closing_ticks(&text[after..], count)
            .filter(|_| count > 0)
            .map_or(after, |end| after + end + count);
    }
}

/// Whether a line is the one of dashes below a first row of bars.
pub(super) fn is_ruler(line: &str) -> bool {
    line.contains('-')
        && line.contains('|')
        && line.chars().all(|c| matches!(c, '|' | '-' | ':' | ' ' | '\t'))
}

/// Reads rows of cells between bars. The first row is a header: that is what the line of dashes says.
pub(super) fn from_bars(rows: &[&str], names: &dyn Names) -> Node {
    let row = |line: &&str| cells(line).iter().map(|cell| rich_text(cell, names)).collect();
    table(rows.iter().map(row).collect(), true, false)
}

/// The cells of a row; a bar behind a backslash is text.
fn cells(line: &str) -> Vec<String> {
    let line = line.trim().trim_start_matches('|');
    let (mut cells, mut cell, mut escaped) = (Vec::new(), String::new(), false);
    for c in line.chars() {
        match c {
            '|' if !escaped => cells.push(std::mem::take(&mut cell).trim().to_owned()),
            _ => cell.push(c),
        }
        escaped = c == '\\' && !escaped;
    }
    if !cell.trim().is_empty() {
        cells.push(cell.trim().to_owned());
    }
    cells
}
