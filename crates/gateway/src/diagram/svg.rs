//! The flow as an SVG sequence diagram.

use std::fmt::Write as _;

use store::records::{Actor, AttemptOutcome, Step, StepOutcome};

/// The lanes, from left to right.
pub(super) const LANES: [(Actor, &str); 4] = [
    (Actor::Browser, "Browser"),
    (Actor::App, "Your app"),
    (Actor::Vestibule, "Vestibule"),
    (Actor::Notion, "Notion"),
];

/// Draws the steps.
pub(crate) fn svg(title: &str, outcome: AttemptOutcome, steps: &[Step]) -> String {
    let height = 90 + steps.len() * 46;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"840\" height=\"{height}\" role=\"img\" font-family=\"sans-serif\" font-size=\"13\">\
         <title>{}: {outcome:?}</title>",
        escape(title)
    );
    for (at, (_, name)) in LANES.iter().enumerate() {
        let x = 100 + at * 210;
        let _infallible = write!(
            svg,
            "<text x=\"{x}\" y=\"24\" text-anchor=\"middle\">{name}</text><line x1=\"{x}\" x2=\"{x}\" y1=\"36\" y2=\"{height}\" stroke=\"#999\"/>"
        );
    }
    for (at, step) in steps.iter().enumerate() {
        let y = 70 + at * 46;
        let (from, to) = (lane(step.from), lane(step.to));
        let colour = if step.outcome == StepOutcome::Failed { "#c00" } else { "#246" };
        let _infallible = write!(
            svg,
            "<line x1=\"{from}\" x2=\"{to}\" y1=\"{y}\" y2=\"{y}\" stroke=\"{colour}\"/><text x=\"{}\" y=\"{}\" text-anchor=\"middle\" fill=\"{colour}\">{}. {}</text>",
            usize::midpoint(from, to),
            y - 6,
            at + 1,
            escape(&step.what)
        );
    }
    svg.push_str("</svg>");
    svg
}

fn lane(actor: Actor) -> usize {
    100 + 210 * LANES.iter().position(|(lane, _)| *lane == actor).unwrap_or_default()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
