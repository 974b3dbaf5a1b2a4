//! The flow as an SVG sequence diagram: self-contained, light and dark, no script. A step that failed stands out by
//! colour, mark and words; one that is awaited is dashed.

use std::fmt::Write as _;
use std::time::Duration;

use store::records::{Actor, AttemptOutcome, Step, StepOutcome};

/// The lanes, from left to right.
pub(super) const LANES: [(Actor, &str); 4] = [
    (Actor::Browser, "Browser"),
    (Actor::App, "Your app"),
    (Actor::Vestibule, "Vestibule"),
    (Actor::Notion, "Notion"),
];

// All in pixels of the drawing.
const WIDTH: usize = 1000;
const FIRST_LANE: usize = 170;
const LANE_GAP: usize = 240;
const TOP: usize = 112;
const LABEL_LINE: usize = 18;
const NOTE_LINE: usize = 16;
/// How wide an average letter of a label and of a note is.
const LABEL_LETTER: usize = 7;
const NOTE_LETTER: usize = 6;
/// More steps than an attempt should have; the rest are counted, not drawn.
const STEPS_MAX: usize = 60;

const STYLE: &str = "\
:root{--paper:#fff;--ink:#26241f;--soft:#75716a;--line:#d9d5cc;--lane:#f1efea;--go:#0f6b5c;--stop:#b3261e;--stop-paper:#fdecea}\
@media(prefers-color-scheme:dark){:root{--paper:#1f1f1d;--ink:#eae7e1;--soft:#a19c93;--line:#45423c;--lane:#2d2b28;--go:#4cc2aa;--stop:#ff8a80;--stop-paper:#3b211f}}\
text{font-family:ui-sans-serif,system-ui,-apple-system,'Segoe UI','Liberation Sans',Helvetica,Arial,sans-serif;fill:var(--ink)}\
.title{font-size:17px;font-weight:700}.lane{font-size:14px;font-weight:650}.label{font-size:14px;font-weight:550}\
.note,.time,.id{font-size:12px;fill:var(--soft)}.number{font-size:11px;font-weight:700;fill:var(--paper)}\
.halo{stroke:var(--paper);stroke-width:5px;stroke-linejoin:round;paint-order:stroke}\
.failed .label,.failed .note{fill:var(--stop)}.pending .label{fill:var(--soft)}";

/// Draws the steps of an attempt.
pub(crate) fn svg(attempt_id: &str, outcome: AttemptOutcome, steps: &[Step]) -> String {
    let drawn = &steps[..steps.len().min(STEPS_MAX)];
    let mut body = String::new();
    let mut y = TOP;
    for (number, step) in (1..).zip(drawn) {
        let after = drawn.first().map_or(Duration::ZERO, |first| {
            Duration::try_from(step.at.duration_since(first.at)).unwrap_or(Duration::ZERO)
        });
        y += draw(&mut body, y, number, step, after);
    }
    if steps.len() > drawn.len() {
        let left = steps.len() - drawn.len();
        put(
            &mut body,
            format_args!("<text class=\"note\" x=\"20\" y=\"{}\">… and {left} more steps</text>", y + 14),
        );
        y += 30;
    }
    let height = y + 26;
    let words = in_words(outcome);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" role=\"img\" aria-labelledby=\"t d\">\
         <title id=\"t\">Authorization: {words}</title><desc id=\"d\">{}</desc><style>{STYLE}</style>\
         <defs><marker id=\"go\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\"><path d=\"M0 0 10 5 0 10z\" fill=\"var(--go)\"/></marker>\
         <marker id=\"stop\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"10\" markerHeight=\"10\"><path d=\"M1 1 9 9M9 1 1 9\" stroke=\"var(--stop)\" stroke-width=\"2\"/></marker>\
         <marker id=\"wait\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\"><path d=\"M0 0 10 5 0 10z\" fill=\"var(--soft)\"/></marker></defs>\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"var(--paper)\"/>\
         <text class=\"title\" x=\"20\" y=\"32\">{words}</text><text class=\"id\" x=\"980\" y=\"32\" text-anchor=\"end\">{}</text>",
        escape(&description(drawn)),
        escape(attempt_id),
    );
    for (lane, (_, name)) in LANES.iter().enumerate() {
        let x = lane_x(lane);
        put(
            &mut svg,
            format_args!(
                "<line x1=\"{x}\" x2=\"{x}\" y1=\"86\" y2=\"{}\" stroke=\"var(--line)\"/>\
             <rect x=\"{}\" y=\"54\" width=\"120\" height=\"32\" rx=\"9\" fill=\"var(--lane)\"/>\
             <text class=\"lane\" x=\"{x}\" y=\"75\" text-anchor=\"middle\">{name}</text>",
                height - 14,
                x - 60,
            ),
        );
    }
    svg + &body + "</svg>"
}

/// Draws one step at `y`; how much room it took.
fn draw(out: &mut String, y: usize, number: usize, step: &Step, after: Duration) -> usize {
    let (from, to) = (lane_x(lane(step.from)), lane_x(lane(step.to)));
    let (class, marker, colour, dash) = match step.outcome {
        StepOutcome::Ok => ("ok", "go", "--go", ""),
        StepOutcome::Failed => ("failed", "stop", "--stop", ""),
        StepOutcome::Pending => ("pending", "wait", "--soft", " stroke-dasharray=\"5 5\""),
    };
    let span = from.abs_diff(to).max(LANE_GAP) - 24;
    // A loop hangs to the right of its lane, so its words stand there too.
    let (middle, anchor) =
        if from == to { (from + 52, "start") } else { (usize::midpoint(from, to), "middle") };
    let mark = match step.outcome {
        StepOutcome::Failed => "✕ ",
        _ => "",
    };
    let labels = wrap(&format!("{mark}{}", step.what), span / LABEL_LETTER);
    let notes = wrap(step.note.as_deref().unwrap_or_default(), span / NOTE_LETTER);
    let line_y = y + labels.len() * LABEL_LINE + 6;
    let room = labels.len() * LABEL_LINE + notes.len() * NOTE_LINE + 34;
    put(out, format_args!("<g class=\"{class}\">"));
    if step.outcome == StepOutcome::Failed {
        put(
            out,
            format_args!(
                "<rect x=\"8\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"10\" fill=\"var(--stop-paper)\"/>",
                y - 10,
                WIDTH - 16,
                room - 6
            ),
        );
    }
    put(
        out,
        format_args!(
            "<circle cx=\"30\" cy=\"{0}\" r=\"11\" fill=\"var({colour})\"/><text class=\"number\" x=\"30\" y=\"{1}\" text-anchor=\"middle\">{number}</text>\
         <text class=\"time\" x=\"50\" y=\"{1}\">{2}</text>",
            line_y,
            line_y + 4,
            elapsed(after)
        ),
    );
    for (at, text) in labels.iter().enumerate() {
        let halo = if step.outcome == StepOutcome::Failed { "" } else { " halo" };
        put(
            out,
            format_args!(
                "<text class=\"label{halo}\" x=\"{middle}\" y=\"{}\" text-anchor=\"{anchor}\">{}</text>",
                y + 12 + at * LABEL_LINE,
                escape(text)
            ),
        );
    }
    if from == to {
        put(
            out,
            format_args!(
                "<path d=\"M{from} {0}h36v16h-34\" fill=\"none\" stroke=\"var({colour})\" stroke-width=\"2\" marker-end=\"url(#{marker})\"{dash}/>",
                line_y - 8
            ),
        );
    } else {
        put(
            out,
            format_args!(
                "<line x1=\"{from}\" x2=\"{to}\" y1=\"{line_y}\" y2=\"{line_y}\" stroke=\"var({colour})\" stroke-width=\"2\" marker-end=\"url(#{marker})\"{dash}/>"
            ),
        );
    }
    let failed = usize::from(step.outcome == StepOutcome::Failed);
    let below = if from == to { line_y + 8 } else { line_y };
    for (at, text) in notes.iter().enumerate() {
        let halo = if step.outcome == StepOutcome::Failed { "" } else { " halo" };
        put(
            out,
            format_args!(
                "<text class=\"note{halo}\" x=\"{middle}\" y=\"{}\" text-anchor=\"{anchor}\">{}</text>",
                below + 17 + failed * 6 + at * NOTE_LINE,
                escape(text)
            ),
        );
    }
    out.push_str("</g>");
    room
}

/// Writing to a `String` cannot fail.
fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _infallible = out.write_fmt(text);
}

fn in_words(outcome: AttemptOutcome) -> &'static str {
    match outcome {
        AttemptOutcome::WentToNotion => "Waiting for the user at Notion",
        AttemptOutcome::Exchanging => "Exchanging the code",
        AttemptOutcome::Returned => "Waiting for the app to redeem",
        AttemptOutcome::Connected => "Connected",
        AttemptOutcome::AccessDenied => "The consent was refused",
        AttemptOutcome::Expired => "The consent took too long",
        AttemptOutcome::ExchangeFailed => "The exchange failed",
        AttemptOutcome::RedeemRefused => "The redemption was refused",
        AttemptOutcome::Unredeemed => "The app never redeemed the code",
        AttemptOutcome::Superseded => "Another attempt was faster",
    }
}

/// The story for those who hear it.
fn description(steps: &[Step]) -> String {
    let name = |actor: Actor| LANES[lane(actor)].1;
    let tell = |step: &Step| {
        let failed = if step.outcome == StepOutcome::Failed { " (failed)" } else { "" };
        format!("{} to {}: {}{failed}. ", name(step.from), name(step.to), step.what)
    };
    steps.iter().map(tell).collect()
}

fn elapsed(after: Duration) -> String {
    match after.as_secs() {
        0..10 => format!("+{:.1} s", after.as_secs_f32()),
        10..100 => format!("+{} s", after.as_secs()),
        seconds => format!("+{} min", seconds / 60),
    }
}

fn lane(actor: Actor) -> usize {
    LANES.iter().position(|(lane, _)| *lane == actor).unwrap_or_default()
}

fn lane_x(lane: usize) -> usize {
    FIRST_LANE + LANE_GAP * lane
}

/// Breaks a text into lines of at most about `letters`, between words.
fn wrap(text: &str, letters: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let word: String = word.chars().take(letters).collect();
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= letters => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    lines
}

/// Makes any text safe inside the drawing, characters that XML cannot hold included.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use proptest::prelude::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    #[test]
    fn a_failed_step_says_so_in_words_and_not_only_in_colour() {
        let steps = [
            Step::ok(at(0), Actor::Browser, Actor::Vestibule, "Open the link"),
            Step::failed(at(3), Actor::Notion, Actor::Vestibule, "Cancelled", "Offer the link again."),
        ];
        let drawing = svg("att_1", AttemptOutcome::AccessDenied, &steps);
        assert!(drawing.contains("✕ Cancelled") && drawing.contains("Offer the link again."));
        assert!(drawing.contains("class=\"failed\"") && drawing.contains("(failed)"));
        assert!(drawing.contains("+3.0 s"));
    }

    #[test]
    fn long_texts_are_broken_between_words() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("", 7), Vec::<String>::new());
        assert_eq!(wrap("unbreakable", 4), ["unbr"]);
    }

    proptest! {
        #[test]
        fn hostile_words_draw_nothing_of_their_own(what in ".{0,80}", note in ".{0,200}", id in ".{0,40}") {
            let step = Step::failed(at(0), Actor::App, Actor::Vestibule, &what, &note);
            let drawing = svg(&id, AttemptOutcome::Connected, &[step]);
            let plain = svg("i", AttemptOutcome::Connected, &[Step::failed(at(0), Actor::App, Actor::Vestibule, "w", "n")]);
            // However long the texts, every tag in the drawing is one of ours.
            let kinds = |drawing: &str| -> std::collections::BTreeSet<String> {
                drawing.split('<').skip(1).map(|tag| tag.split([' ', '>']).next().unwrap_or_default().to_owned()).collect()
            };
            prop_assert!(kinds(&drawing).is_subset(&kinds(&plain)));
            prop_assert!(!drawing.chars().any(char::is_control));
        }
    }
}
