//! The wide form: a sequence diagram with a lane for each actor. A caption stands in one gap between two lanes, beside the
//! actor who speaks, so it crosses no lane and covers no arrow's end.

use store::records::Actor;

use super::letters::wrap;
use super::svg::{Drawn, band, dash, label, look, put, write_line};
use super::{Told, name};

/// The lanes, from left to right.
pub(super) const LANES: [Actor; 4] = [Actor::Browser, Actor::App, Actor::Vestibule, Actor::Notion];

// All in pixels of the drawing.
const WIDTH: usize = 1000;
const FIRST_LANE: usize = 190;
const LANE_GAP: usize = 232;
const TOP: usize = 112;
const LABEL_LINE: usize = 18;
const NOTE_LINE: usize = 16;
/// Notes are of 12 pixels, and in a lighter hand than widths are estimated for.
const NOTE_SIZE: usize = 11;
/// What stays free between a caption and a lane: an arrow's end is 16 long.
const MARGIN: usize = 19;
/// How far a loop on one lane hangs out, and where its words begin.
const LOOP: usize = 36;
const LOOP_WORDS: usize = 50;

pub(super) fn draw(title: &str, id: &str, told: &[Told<'_>], left: usize) -> Drawn {
    let (mut bands, mut steps) = (String::new(), String::new());
    let mut y = TOP;
    for one in told {
        y += step(&mut bands, &mut steps, y, one);
    }
    if left > 0 {
        write_line(&mut steps, "note", (20, y + 14), "start", &format!("… and {left} more steps"));
        y += 30;
    }
    let height = y + 26;
    let mut body = format!(
        "<rect width=\"{WIDTH}\" height=\"{height}\" fill=\"var(--paper)\"/>{bands}\
         <text class=\"title\" x=\"20\" y=\"32\">{title}</text><text class=\"id\" x=\"980\" y=\"32\" text-anchor=\"end\">{id}</text>"
    );
    for (lane, actor) in LANES.iter().enumerate() {
        let x = lane_x(lane);
        put(
            &mut body,
            format_args!(
                "<line class=\"lane-line\" x1=\"{x}\" x2=\"{x}\" y1=\"86\" y2=\"{}\" stroke=\"var(--line)\"/>\
                 <rect x=\"{}\" y=\"54\" width=\"120\" height=\"32\" rx=\"9\" fill=\"var(--lane)\"/>\
                 <text class=\"lane\" x=\"{x}\" y=\"75\" text-anchor=\"middle\">{}</text>",
                height - 14,
                x - 60,
                name(*actor),
            ),
        );
    }
    Drawn { width: WIDTH, height, body: body + &steps }
}

/// Where a step's words stand: their `x`, how they hang on it, and how wide they may be.
struct Place {
    x: usize,
    anchor: &'static str,
    room: usize,
}

fn place(from: usize, to: usize) -> Place {
    let (from_x, gap) = (lane_x(from), LANE_GAP - 2 * MARGIN);
    if from != to {
        let x = if from < to { from_x + LANE_GAP / 2 } else { from_x - LANE_GAP / 2 };
        return Place { x, anchor: "middle", room: gap };
    }
    let room = LANE_GAP - LOOP_WORDS - MARGIN;
    // The last lane has no gap to its right.
    if from + 1 == LANES.len() {
        Place { x: from_x - LOOP_WORDS, anchor: "end", room }
    } else {
        Place { x: from_x + LOOP_WORDS, anchor: "start", room }
    }
}

/// Draws one step at `y`; how much room it took.
fn step(bands: &mut String, out: &mut String, y: usize, told: &Told<'_>) -> usize {
    let (from, to) = (lane(told.step.from), lane(told.step.to));
    let (class, end, colour) = look(told.tone);
    let Place { x, anchor, room } = place(from, to);
    let labels = wrap(&label(told), 14, room);
    let notes = wrap(told.step.note.as_deref().unwrap_or_default(), NOTE_SIZE, room);
    let line_y = y + labels.len() * LABEL_LINE + 6;
    let height = labels.len() * LABEL_LINE + notes.len() * NOTE_LINE + 38;
    if let Some(paper) = band(told.tone) {
        put(
            bands,
            format_args!(
                "<rect x=\"8\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"10\" fill=\"var({paper})\"/>",
                y - 8,
                WIDTH - 16,
                height - 8
            ),
        );
    }
    put(out, format_args!("<g class=\"{class}\">"));
    put(
        out,
        format_args!(
            "<circle cx=\"30\" cy=\"{line_y}\" r=\"11\" fill=\"var({colour})\"/><text class=\"number\" x=\"30\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            line_y + 4,
            told.number,
        ),
    );
    write_line(out, "time", (50, line_y + 4), "start", &told.time);
    for (at, text) in labels.iter().enumerate() {
        write_line(out, "label", (x, y + 12 + at * LABEL_LINE), anchor, text);
    }
    let dash = dash(told.tone);
    put(
        out,
        format_args!(
            "<path class=\"arrow\" d=\"{}\" fill=\"none\" stroke=\"var({colour})\" stroke-width=\"2\" marker-end=\"url(#{end})\"{dash}/>",
            path(from, to, line_y)
        ),
    );
    for (at, text) in notes.iter().enumerate() {
        write_line(out, "note", (x, line_y + 21 + at * NOTE_LINE), anchor, text);
    }
    out.push_str("</g>");
    height
}

fn path(from: usize, to: usize, y: usize) -> String {
    let (from_x, to_x) = (lane_x(from), lane_x(to));
    if from != to {
        return format!("M{from_x} {y}H{to_x}");
    }
    let side = if from + 1 == LANES.len() { "-" } else { "" };
    let back = if side.is_empty() { from_x + 2 } else { from_x - 2 };
    format!("M{from_x} {}h{side}{LOOP}v16H{back}", y - 8)
}

fn lane(actor: Actor) -> usize {
    LANES.iter().position(|lane| *lane == actor).unwrap_or_default()
}

fn lane_x(lane: usize) -> usize {
    FIRST_LANE + LANE_GAP * lane
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caption_stands_between_two_lanes_and_clear_of_an_arrows_end() {
        for from in 0..LANES.len() {
            for to in 0..LANES.len() {
                let Place { x, anchor, room } = place(from, to);
                let (left, right) = match anchor {
                    "middle" => (x - room / 2, x + room / 2),
                    "start" => (x, x + room),
                    _ => (x - room, x),
                };
                for lane in (0..LANES.len()).map(lane_x) {
                    // An arrow's end is 16 long.
                    assert!(
                        right + 16 <= lane || lane + 16 <= left,
                        "{from} to {to}: {left} to {right} at {lane}"
                    );
                }
                assert!(right <= WIDTH && room >= 150, "{from} to {to}");
            }
        }
    }
}
