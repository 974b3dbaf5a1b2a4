//! What commands print: text for people, JSON for programs.
//! Names, titles and error texts come from Notion, from files and from strangers. Whatever is printed goes through here, and
//! nothing that steers a terminal, reorders a line or cannot be seen gets out; what is ours has none of it.

mod table;

use std::fmt::Write as _;
use std::io::{ErrorKind, Write as _};

use clap::ValueEnum;
use serde_json::Value;

pub(crate) use table::Table;

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    // Without doc comments: they would stretch every command's help over two pages.
    Text,
    Json,
}

/// Writes text to standard output, harmless but for its line ends; a reader that went away (`| head`) is no failure.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(harmless_lines(text).as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Prints a value as JSON, indented, with a newline. Inside its texts what would steer a terminal is written as JSON's own
/// escapes: programs read the same value.
pub(crate) fn print_json(value: &Value) -> anyhow::Result<()> {
    print(&harmless_json(&format!("{value:#}\n")))
}

/// Writes a line about what went wrong to standard error. If nobody can read it there is nobody to tell.
pub(crate) fn complain(text: &str) {
    let _nobody_reads = writeln!(std::io::stderr().lock(), "{}", harmless_lines(text));
}

/// Asks on standard error, and stays on the line.
pub(crate) fn ask(text: &str) {
    let mut out = std::io::stderr().lock();
    let _nobody_reads = write!(out, "{}", printable(text)).and_then(|()| out.flush());
}

/// Text on one line: each character that steers is written as its escape.
pub(crate) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut before = None;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        // Between two pictures a joiner makes one of them, such as a family.
        let joins =
            c == JOINER && before.is_some_and(is_picture) && rest.peek().copied().is_some_and(is_picture);
        match c {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            c if steers(c) && !joins => {
                let _a_string_takes_it = write!(shown, "\\u{{{:x}}}", u32::from(c));
            }
            c => shown.push(c),
        }
        before = Some(c);
    }
    shown
}

/// Text of several lines, each of them harmless.
pub(crate) fn harmless_lines(text: &str) -> String {
    text.split('\n')
        .map(|line| line.split('\t').map(printable).collect::<Vec<_>>().join("\t"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// A line of the log for a terminal: what a value holds makes no second line. Colours would be escapes like any others.
pub(crate) fn log_line(line: &[u8]) -> String {
    format!("{}\n", printable(String::from_utf8_lossy(line).trim_end_matches('\n')))
}

fn harmless_json(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c != '\n' && steers(c) && c != JOINER {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                let _a_string_takes_it = write!(shown, "\\u{unit:04x}");
            }
        } else {
            shown.push(c);
        }
    }
    shown
}

/// U+200D.
const JOINER: char = '\u{200d}';

/// Control characters (C0, DEL, C1), directions, what ends a line or a paragraph, and what nobody sees.
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Whether a joiner may stand beside this: emoji, their variation selector and skin tones.
fn is_picture(c: char) -> bool {
    matches!(c, '\u{2190}'..='\u{2bff}' | '\u{fe0f}' | '\u{1f000}'..='\u{1faff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_shown_as_its_escape() {
        for (hostile, shown) in [
            ("\u{1b}[2J", "\\u{1b}[2J"),
            ("a\r\nb", "a\\r\\nb"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("\u{7f}", "\\u{7f}"),
            ("\u{202e}gpj.exe", "\\u{202e}gpj.exe"),
            ("\u{2066}x\u{2069}", "\\u{2066}x\\u{2069}"),
            ("zero\u{200b}width\u{feff}", "zero\\u{200b}width\\u{feff}"),
            ("line\u{2028}paragraph\u{2029}", "line\\u{2028}paragraph\\u{2029}"),
            ("a\u{200d}b", "a\\u{200d}b"),
        ] {
            assert_eq!(printable(hostile), shown);
        }
    }

    #[test]
    fn what_is_harmless_stays_as_it_is() {
        for text in ["Jürgen", "日本語", "👩‍👩‍👧", "❤️", "e\u{301}", "مرحبا"] {
            assert_eq!(printable(text), text);
        }
    }

    #[test]
    fn a_line_of_the_log_stays_one_line() {
        assert_eq!(log_line("WARN why=a\nb\u{9b}31m\n".as_bytes()), "WARN why=a\\nb\\u{9b}31m\n");
    }

    #[test]
    fn json_reads_back_as_it_was() {
        let value = serde_json::json!({"name": "\u{1b}]0;x\u{7}\u{9b}\u{202e}\u{e0041}", "lines": "a\nb"});
        let shown = harmless_json(&format!("{value:#}"));
        assert!(!shown.chars().any(|c| c != '\n' && steers(c)), "{shown}");
        assert_eq!(serde_json::from_str::<Value>(&shown).expect("JSON"), value);
    }
}
