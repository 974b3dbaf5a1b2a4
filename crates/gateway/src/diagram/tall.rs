//! The tall form: the steps as a list, for a window that is too narrow for four lanes. Who spoke to whom, how it went and when,
//! what was said, what to know.

use super::letters::{pixels, wrap};
use super::svg::{Drawn, band, dash, label, look, put, write_line};
use super::{Told, name};

// All in pixels of the drawing.
const WIDTH: usize = 340;
const EDGE: usize = 14;
/// The rail with the steps' numbers, and where their words begin.
const RAIL: usize = 25;
const WORDS: usize = 46;
const ROOM: usize = WIDTH - WORDS - EDGE;
const TITLE_LINE: usize = 22;
const WHO_LINE: usize = 18;
const LABEL_LINE: usize = 20;
const NOTE_LINE: usize = 18;
/// Notes are of 13 pixels and times of 12, in a lighter hand than widths are estimated for.
const NOTE_SIZE: usize = 12;
const TIME_SIZE: usize = 11;
/// Between two steps.
const PAUSE: usize = 22;

pub(super) fn draw(title: &str, id: &str, told: &[Told<'_>], left: usize) -> Drawn {
    let (mut bands, mut out, mut rail) = (String::new(), String::new(), String::new());
    let mut y = 12;
    for text in wrap(title, 17, WIDTH - 2 * EDGE) {
        y += TITLE_LINE;
        write_line(&mut out, "title", (EDGE, y - 4), "start", &text);
    }
    put(&mut out, format_args!("<text class=\"id\" x=\"{EDGE}\" y=\"{}\">{id}</text>", y + 14));
    y += 38;
    let first = y;
    let mut last = y;
    for one in told {
        last = y;
        y += step(&mut bands, &mut out, y, one) + PAUSE;
    }
    if told.len() > 1 {
        put(
            &mut rail,
            format_args!("<path d=\"M{RAIL} {first}V{last}\" stroke=\"var(--line)\" stroke-width=\"2\"/>"),
        );
    }
    if left > 0 {
        write_line(&mut out, "note", (WORDS, y + 10), "start", &format!("… and {left} more steps"));
        y += 30;
    }
    let body = format!("<rect width=\"{WIDTH}\" height=\"{y}\" fill=\"var(--paper)\"/>{bands}{rail}{out}");
    Drawn { width: WIDTH, height: y, body }
}

/// Draws one step at `y`; how much room it took.
fn step(bands: &mut String, out: &mut String, y: usize, told: &Told<'_>) -> usize {
    let (class, _, colour) = look(told.tone);
    let dash = dash(told.tone);
    put(out, format_args!("<g class=\"{class}\">"));
    // What did not happen is a ring.
    let fill = if dash.is_empty() { colour } else { "--paper" };
    put(
        out,
        format_args!(
            "<circle cx=\"{RAIL}\" cy=\"{y}\" r=\"11\" fill=\"var({fill})\" stroke=\"var({colour})\" stroke-width=\"1.5\"{dash}/>\
             <text class=\"number\" x=\"{RAIL}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            y + 4,
            told.number,
        ),
    );
    let mut line = y + 4;
    let who = if told.step.from == told.step.to {
        format!("{}, by itself", name(told.step.from))
    } else {
        format!("{} → {}", name(told.step.from), name(told.step.to))
    };
    write_line(out, "who", (WORDS, line), "start", &who);
    let how = format!("{} · {}", told.tone.in_words(), told.time);
    if pixels(&who, 12) + pixels(&how, TIME_SIZE) + 10 > ROOM {
        line += WHO_LINE;
        write_line(out, "time", (WORDS, line), "start", &how);
    } else {
        write_line(out, "time", (WIDTH - EDGE, line), "end", &how);
    }
    for text in wrap(&label(told), 15, ROOM) {
        line += LABEL_LINE;
        write_line(out, "label", (WORDS, line), "start", &text);
    }
    for text in wrap(told.step.note.as_deref().unwrap_or_default(), NOTE_SIZE, ROOM) {
        line += NOTE_LINE;
        write_line(out, "note", (WORDS, line), "start", &text);
    }
    out.push_str("</g>");
    let height = line - y;
    if let Some(paper) = band(told.tone) {
        put(
            bands,
            format_args!(
                "<rect x=\"4\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"10\" fill=\"var({paper})\"/>",
                y - 17,
                WIDTH - 8,
                height + 29
            ),
        );
    }
    height
}
