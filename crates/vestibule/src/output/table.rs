//! A plain table: columns as wide as they need to be on a terminal, where a Chinese character or an emoji takes two places and
//! an accent none. On a narrow terminal the widest columns are cut, never the first, which holds the ids to be copied.

use std::io::IsTerminal as _;

use unicode_width::UnicodeWidthStr as _;

use super::{print, printable};

/// No column is cut below this many places.
const CUT_MIN: usize = 10;
/// Between two columns.
const GAP: &str = "  ";

/// A head and rows.
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

    /// Prints it, cut to the terminal's width if it goes to one.
    pub(crate) fn print(&self) -> anyhow::Result<()> {
        print(&self.within(terminal_width()))
    }

    /// All of it, however wide.
    pub(crate) fn text(&self) -> String {
        self.within(None)
    }

    fn within(&self, width: Option<usize>) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let needs =
            |column: usize| self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width()).max();
        let mut widths: Vec<usize> = (0..columns).map(|column| needs(column).unwrap_or(0)).collect();
        if let Some(width) = width {
            fit(&mut widths, width);
        }
        let line = |row: &Vec<String>| {
            let cells = row.iter().zip(&widths).map(|(cell, width)| {
                let cell = cut(cell, *width);
                let padding = " ".repeat(width.saturating_sub(cell.width()));
                format!("{cell}{padding}")
            });
            format!("{}\n", cells.collect::<Vec<_>>().join(GAP).trim_end())
        };
        self.rows.iter().map(line).collect()
    }
}

/// Narrows the widest columns but the first, place by place, until all fit or none can be narrowed.
fn fit(widths: &mut [usize], width: usize) {
    let gaps = GAP.len() * widths.len().saturating_sub(1);
    while widths.iter().sum::<usize>() + gaps > width {
        match widths.iter_mut().skip(1).max() {
            Some(widest) if *widest > CUT_MIN => *widest -= 1,
            _ => return,
        }
    }
}

/// The text in at most so many places; what was left out is shown as `…`.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    for c in text.chars() {
        kept.push(c);
        if kept.width() >= width {
            kept.pop();
            break;
        }
    }
    let kept = kept.trim_end_matches('\u{200d}');
    format!("{kept}…")
}

/// The terminal's width, if that is where the table goes.
fn terminal_width() -> Option<usize> {
    let out = std::io::stdout();
    if !out.is_terminal() {
        return None;
    }
    let size = rustix::termios::tcgetwinsize(&out).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In which place the second column begins, in each line.
    fn second_column(table: &str) -> Vec<usize> {
        table.lines().map(|line| line[..line.find('|').expect("a mark")].width()).collect()
    }

    #[test]
    fn columns_stand_under_their_heads() {
        let mut table = Table::new(&["id", "name"]);
        table.row(["con_1", "Ada"]);
        table.row(["c", "Jürgen"]);
        assert_eq!(table.text(), "ID     NAME\ncon_1  Ada\nc      Jürgen\n");
    }

    #[test]
    fn wide_and_joined_and_combining_characters_shift_nothing() {
        let mut table = Table::new(&["workspace", "|"]);
        let names = [
            "株式会社ノースウィンド",
            "👩‍👩‍👧 family",
            "❤️ hearts",
            "e\u{301}te\u{301}",
            "🇩🇪 flag",
            "한국어",
            "plain",
        ];
        for name in names {
            table.row([name, "|"]);
        }
        let places = second_column(&table.text());
        assert!(places.iter().all(|place| *place == places[0]), "{places:?}\n{}", table.text());
    }

    #[test]
    fn a_narrow_terminal_cuts_the_widest_column_and_never_the_ids() {
        let mut table = Table::new(&["id", "name", "state"]);
        table.row(["con_019aa0c4a1c07d1e9c41b1f1f4b7a001", "株式会社ノースウィンドの長い長い名前", "active"]);
        let narrow = table.within(Some(60));
        assert!(
            narrow.contains("con_019aa0c4a1c07d1e9c41b1f1f4b7a001")
                && narrow.contains('…')
                && narrow.contains("active")
        );
        assert!(narrow.lines().all(|line| line.width() <= 60), "{narrow}");
        // Where nothing fits, nothing is lost but the width.
        assert!(table.within(Some(10)).contains("con_019aa0c4a1c07d1e9c41b1f1f4b7a001"));
    }

    #[test]
    fn a_hostile_name_cannot_steer_the_terminal() {
        let mut table = Table::new(&["name"]);
        table.row(["\u{1b}[2Jgone\r\n\u{202e}"]);
        assert!(!table.text().contains(['\u{1b}', '\r', '\u{202e}']));
        assert_eq!(table.text().lines().count(), 2);
    }
}
