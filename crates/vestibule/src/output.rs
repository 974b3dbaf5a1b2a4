//! What commands print: a table for people, JSON for programs.
//! Names come from Notion and from strangers, so nothing that steers a terminal is passed on.

use std::io::{ErrorKind, Write as _};

use clap::ValueEnum;
use serde_json::Value;

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    // Without doc comments: they would stretch every command's help over two pages.
    Text,
    Json,
}

/// Writes to standard output; a reader that went away (`| head`) is no failure.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Prints a value as JSON, indented, with a newline.
pub(crate) fn print_json(value: &Value) -> anyhow::Result<()> {
    print(&format!("{value:#}\n"))
}

/// A plain table: a head and rows, columns as wide as they need to be.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(head: &[&str]) -> Self {
        Self { rows: vec![head.iter().map(|title| title.to_uppercase()).collect()] }
    }

    pub(crate) fn row<const N: usize>(&mut self, cells: [&str; N]) {
        self.rows.push(cells.into_iter().map(printable).collect());
    }

    pub(crate) fn text(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            self.rows
                .iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let line = |row: &Vec<String>| {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
            format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
        };
        self.rows.iter().map(line).collect()
    }
}

/// The text with control and direction characters made harmless.
pub(crate) fn printable(text: &str) -> String {
    let harmless = |c: char| {
        let steers = c.is_control()
            || matches!(c, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if steers { '\u{fffd}' } else { c }
    };
    text.chars().map(harmless).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_their_heads() {
        let mut table = Table::new(&["id", "name"]);
        table.row(["con_1", "Ada"]);
        table.row(["c", "Jürgen"]);
        assert_eq!(table.text(), "ID     NAME\ncon_1  Ada\nc      Jürgen\n");
    }

    #[test]
    fn a_hostile_name_cannot_steer_the_terminal() {
        let mut table = Table::new(&["name"]);
        table.row(["\u{1b}[2Jgone\r\n\u{202e}"]);
        assert!(!table.text().contains(['\u{1b}', '\r', '\u{202e}']));
        assert_eq!(table.text().lines().count(), 2);
    }
}
