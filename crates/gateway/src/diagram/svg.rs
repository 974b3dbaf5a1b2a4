//! The flow as an SVG: self-contained, light and dark, no script. The wide form is a sequence diagram, the tall one a list for
//! narrow windows; a picture that fits its window holds both. What is not done stands out by colour, mark and words.

use std::fmt::Write as _;

use store::records::{AttemptOutcome, Step};

use super::letters::escape;
use super::{Told, Tone, in_words, name, tall, told, wide};

/// Which form to draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Both; the window's width decides which is seen.
    Fitting,
    Wide,
    Tall,
}

/// Windows below it, in pixels, see the tall form.
const NARROW: usize = 700;
/// The tall form is not enlarged beyond it, in pixels.
const TALL_MAX: usize = 480;

const STYLE: &str = "\
.vst-flow{--paper:#fff;--ink:#26241f;--soft:#67635b;--line:#d9d5cc;--lane:#f1efea;--go:#0f6b5c;--stop:#b3261e;--stop-paper:#fdecea;color-scheme:light dark;background:var(--paper)}\
@media(prefers-color-scheme:dark){.vst-flow{--paper:#1f1f1d;--ink:#eae7e1;--soft:#aba69d;--line:#45423c;--lane:#2d2b28;--go:#4cc2aa;--stop:#ff8a80;--stop-paper:#3b211f}}\
.vst-flow text{font-family:ui-sans-serif,system-ui,-apple-system,'Segoe UI','Liberation Sans',Helvetica,Arial,sans-serif;fill:var(--ink)}\
.vst-flow .title{font-size:17px;font-weight:700}.vst-flow .lane{font-size:14px;font-weight:650}.vst-flow .label{font-size:14px;font-weight:550}\
.vst-flow .note,.vst-flow .time,.vst-flow .id,.vst-flow .who{font-size:12px;fill:var(--soft)}.vst-flow .number{font-size:11px;font-weight:700;fill:var(--paper)}\
.vst-flow .tall .label{font-size:15px}.vst-flow .tall .note{font-size:13px}.vst-flow .who{font-weight:650}.vst-flow .tall .waiting .number{fill:var(--soft)}\
.vst-flow .failed .label,.vst-flow .failed .note,.vst-flow .failed .time{fill:var(--stop)}.vst-flow .waiting .label{fill:var(--soft)}";

/// A form, drawn: its size and what is inside.
pub(super) struct Drawn {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) body: String,
}

/// Draws the steps of an attempt.
pub(crate) fn svg(attempt_id: &str, outcome: AttemptOutcome, steps: &[Step], form: Form) -> String {
    let steps_told = told(outcome, steps);
    let left = steps.len() - steps_told.len();
    let (title, id) = (in_words(outcome), escape(attempt_id));
    let wide = || wide::draw(title, &id, &steps_told, left);
    let tall = || tall::draw(title, &id, &steps_told, left);
    let (first, fitting, inside) = match form {
        Form::Wide => (wide(), String::new(), None),
        Form::Tall => (tall(), String::new(), None),
        Form::Fitting => {
            let (wide, tall) = (wide(), tall());
            (wide, String::new(), Some(tall))
        }
    };
    let fitting = inside.as_ref().map_or(fitting, |tall| fit(&first, tall));
    let (width, height) = (first.width, first.height);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"vst-flow\" width=\"{width}\" height=\"{height}\"{} role=\"img\" aria-labelledby=\"vst-t vst-d\">\
         <title id=\"vst-t\">Authorization: {title}</title><desc id=\"vst-d\">{}</desc><style>{STYLE}{fitting}</style>\
         <defs><marker id=\"vst-go\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\"><path d=\"M0 0 10 5 0 10z\" fill=\"var(--go)\"/></marker>\
         <marker id=\"vst-stop\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"10\" markerHeight=\"10\"><path d=\"M1 1 9 9M9 1 1 9\" stroke=\"var(--stop)\" stroke-width=\"2\"/></marker>\
         <marker id=\"vst-wait\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\"><path d=\"M0 0 10 5 0 10z\" fill=\"var(--soft)\"/></marker></defs>",
        // With a second form inside, each has a view box of its own.
        if inside.is_some() { String::new() } else { format!(" viewBox=\"0 0 {width} {height}\"") },
        escape(&description(&steps_told)),
    );
    match inside {
        None => put(&mut svg, format_args!("<g class=\"{}\">{}</g>", class(form), first.body)),
        Some(tall) => {
            nest(&mut svg, "wide", &first);
            nest(&mut svg, "tall", &tall);
        }
    }
    svg + "</svg>"
}

fn class(form: Form) -> &'static str {
    if form == Form::Tall { "tall" } else { "wide" }
}

fn nest(svg: &mut String, class: &str, drawn: &Drawn) {
    let Drawn { width, height, body } = drawn;
    put(
        svg,
        format_args!(
            "<svg class=\"{class}\" width=\"100%\" height=\"100%\" viewBox=\"0 0 {width} {height}\" preserveAspectRatio=\"xMinYMin\">{body}</svg>"
        ),
    );
}

/// Shows the form that fits the window. In an `img` the window is the picture's own box, which has the wide form's shape
/// whatever its width: there it stays wide, and a page that wants the other asks for it. On a phone a drawing that is opened by
/// itself is laid out as wide as a desk's window and then made small, so the device is looked at too.
fn fit(wide: &Drawn, tall: &Drawn) -> String {
    let below = NARROW - 1;
    let (slimmer, broader) = (wide.height * 51 / 50 + 1, wide.height * 49 / 50);
    let shapes = [
        format!("(max-aspect-ratio:{}/{slimmer})", wide.width),
        format!("(min-aspect-ratio:{}/{broader})", wide.width),
    ];
    let sizes = [format!("(max-width:{below}px)"), format!("(max-device-width:{below}px)")];
    let cases: Vec<String> =
        sizes.iter().flat_map(|size| shapes.iter().map(move |shape| format!("{size} and {shape}"))).collect();
    format!(
        ".vst-flow{{width:100%;max-width:{}px;height:auto;aspect-ratio:{}/{}}}.vst-flow>.tall{{display:none}}\
         @media {}{{.vst-flow{{max-width:{TALL_MAX}px;aspect-ratio:{}/{}}}.vst-flow>.wide{{display:none}}.vst-flow>.tall{{display:inline}}}}\
         @media (max-device-width:{below}px) and (min-width:{NARROW}px){{.vst-flow{{max-width:none}}}}",
        wide.width,
        wide.width,
        wide.height,
        cases.join(","),
        tall.width,
        tall.height,
    )
}

/// How a tone is drawn: its class, its arrow's end, its colour.
pub(super) fn look(tone: Tone) -> (&'static str, &'static str, &'static str) {
    match tone {
        Tone::Done => ("done", "vst-go", "--go"),
        Tone::Waiting | Tone::Unfinished => ("waiting", "vst-wait", "--soft"),
        Tone::Cancelled => ("cancelled", "vst-wait", "--soft"),
        Tone::Failed => ("failed", "vst-stop", "--stop"),
    }
}

/// What lies behind a step that needs to be noticed.
pub(super) fn band(tone: Tone) -> Option<&'static str> {
    match tone {
        Tone::Done | Tone::Waiting | Tone::Unfinished => None,
        Tone::Cancelled => Some("--lane"),
        Tone::Failed => Some("--stop-paper"),
    }
}

/// How a step is dashed that did not happen.
pub(super) fn dash(tone: Tone) -> &'static str {
    if matches!(tone, Tone::Waiting | Tone::Unfinished) { " stroke-dasharray=\"5 4\"" } else { "" }
}

/// What a step says, with its mark.
pub(super) fn label(told: &Told<'_>) -> String {
    let mark = if told.tone == Tone::Failed { "✕ " } else { "" };
    format!("{mark}{}", told.step.what)
}

/// Writing to a `String` cannot fail.
pub(super) fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _infallible = out.write_fmt(text);
}

/// A line of text in a class, at a place.
pub(super) fn write_line(out: &mut String, class: &str, (x, y): (usize, usize), anchor: &str, text: &str) {
    put(
        out,
        format_args!(
            "<text class=\"{class}\" x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\">{}</text>",
            escape(text)
        ),
    );
}

/// The story for those who hear it.
fn description(told: &[Told<'_>]) -> String {
    let tell = |told: &Told<'_>| {
        let tone =
            if told.tone == Tone::Done { String::new() } else { format!(" ({})", told.tone.in_words()) };
        format!("{} to {}: {}{tone}. ", name(told.step.from), name(told.step.to), told.step.what)
    };
    told.iter().map(tell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use proptest::prelude::*;
    use store::records::Actor;

    const FORMS: [Form; 3] = [Form::Fitting, Form::Wide, Form::Tall];

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    #[test]
    fn a_failed_step_says_so_in_words_and_not_only_in_colour() {
        let steps = [
            Step::ok(at(0), Actor::Browser, Actor::Vestibule, "Open the link"),
            Step::failed(at(3), Actor::Vestibule, Actor::Notion, "Exchange", "Open a new link."),
        ];
        for form in FORMS {
            let drawing = svg("att_1", AttemptOutcome::ExchangeFailed, &steps, form);
            assert!(drawing.contains("✕ Exchange") && drawing.contains("Open a new link."));
            assert!(drawing.contains("class=\"failed\"") && drawing.contains("(failed)"));
            assert!(drawing.contains("+3.000 s"));
        }
    }

    #[test]
    fn a_cancel_is_drawn_without_alarm_in_every_form() {
        let steps =
            [Step::failed(at(0), Actor::Notion, Actor::Vestibule, "Cancelled", "Offer the link again.")];
        for form in FORMS {
            let drawing = svg("att_1", AttemptOutcome::AccessDenied, &steps, form);
            assert!(drawing.contains("Cancelled by the user") && drawing.contains("class=\"cancelled\""));
            assert!(!drawing.contains('✕') && !drawing.contains("class=\"failed\""), "{drawing}");
            assert!(!drawing.contains("url(#vst-stop)") && !drawing.contains("fill=\"var(--stop-paper)\""));
        }
    }

    #[test]
    fn an_attempt_without_steps_and_one_with_too_many_are_drawn() {
        let step = Step::ok(at(0), Actor::Vestibule, Actor::Notion, "Again");
        for form in FORMS {
            assert!(svg("att_1", AttemptOutcome::WentToNotion, &[], form).contains("Waiting for the user"));
            let many = vec![step.clone(); super::super::STEPS_MAX + 3];
            assert!(svg("att_1", AttemptOutcome::Connected, &many, form).contains("… and 3 more steps"));
        }
    }

    proptest! {
        #[test]
        fn hostile_words_draw_nothing_of_their_own(what in ".{0,80}", note in ".{0,200}", id in ".{0,40}") {
            let step = |what: &str, note: &str| Step::failed(at(0), Actor::App, Actor::Vestibule, what, note);
            let drawing = svg(&id, AttemptOutcome::Connected, &[step(&what, &note)], Form::Fitting);
            let plain = svg("i", AttemptOutcome::Connected, &[step("w", "n")], Form::Fitting);
            // However long the texts, every tag in the drawing is one of ours.
            let kinds = |drawing: &str| -> std::collections::BTreeSet<String> {
                drawing.split('<').skip(1).map(|tag| tag.split([' ', '>']).next().unwrap_or_default().to_owned()).collect()
            };
            prop_assert!(kinds(&drawing).is_subset(&kinds(&plain)));
            prop_assert!(!drawing.chars().any(char::is_control));
        }
    }
}
