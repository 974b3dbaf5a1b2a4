//! The flow as Mermaid text.

use std::fmt::Write as _;

use store::records::{Actor, AttemptOutcome, Step};

use super::wide::LANES;
use super::{Tone, in_words, name};

/// A `sequenceDiagram` of the steps.
pub(crate) fn mermaid(outcome: AttemptOutcome, steps: &[Step]) -> String {
    let mut text = String::from("sequenceDiagram\n");
    for actor in LANES {
        let _infallible = writeln!(text, "    participant {} as {}", id(actor), name(actor));
    }
    for step in steps {
        let (arrow, mark) = match Tone::of(outcome, step) {
            Tone::Done => ("->>", ""),
            Tone::Failed => ("-x", "FAILED: "),
            Tone::Waiting | Tone::Unfinished => ("-->>", ""),
            Tone::Cancelled => ("--)", ""),
        };
        let _infallible =
            writeln!(text, "    {}{arrow}{}: {mark}{}", id(step.from), id(step.to), plain(&step.what));
        if let Some(note) = &step.note {
            let _infallible =
                writeln!(text, "    Note over {},{}: {}", id(step.from), id(step.to), plain(note));
        }
    }
    let _infallible = writeln!(text, "    %% {}", in_words(outcome));
    text
}

fn id(actor: Actor) -> &'static str {
    match actor {
        Actor::Browser => "B",
        Actor::App => "A",
        Actor::Vestibule => "V",
        Actor::Notion => "N",
    }
}

/// Mermaid ends a statement at `;` and a line's end, reads `#` as an entity, `%%` as a comment or an order, and a text of
/// nothing as a fault. None of that is left.
fn plain(text: &str) -> String {
    let safe = |c: char| match c {
        ';' => ',',
        c if c.is_control()
            || matches!(c, '#' | '<' | '>' | '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') =>
        {
            ' '
        }
        c => c,
    };
    let safe: String = text.chars().map(safe).collect();
    let mut safe = safe.split_whitespace().collect::<Vec<_>>().join(" ");
    while safe.contains("%%") {
        safe = safe.replace("%%", "% %");
    }
    if safe.is_empty() { "…".to_owned() } else { safe }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    #[test]
    fn no_text_ends_its_statement_or_begins_another() {
        let now = Timestamp::UNIX_EPOCH;
        let hostile = "a;b\nB->>N: c\u{2028}#quot; %%{init: {}}%% <br/>";
        let steps = [
            Step::failed(now, Actor::App, Actor::Vestibule, hostile, hostile),
            Step::ok(now, Actor::Vestibule, Actor::Vestibule, " \t"),
        ];
        let text = mermaid(AttemptOutcome::Connected, &steps);
        // The head, four participants, a step with its note, the step without words, the outcome.
        assert_eq!(text.lines().count(), 1 + 4 + 2 + 1 + 1, "{text}");
        let told = text.lines().filter(|line| line.contains("a,b")).collect::<Vec<_>>();
        assert_eq!(told.len(), 2);
        assert!(told.iter().all(|line| !line.contains(['#', '<', ';']) && !line.contains("%%")), "{text}");
        assert!(text.contains("V->>V: …\n"), "{text}");
    }

    #[test]
    fn a_cancel_is_told_as_one() {
        let step =
            Step::failed(Timestamp::UNIX_EPOCH, Actor::Notion, Actor::Vestibule, "Cancelled", "Again.");
        let text = mermaid(AttemptOutcome::AccessDenied, std::slice::from_ref(&step));
        assert!(text.contains("N--)V: Cancelled") && !text.contains("FAILED"), "{text}");
        assert!(mermaid(AttemptOutcome::ExchangeFailed, &[step]).contains("N-xV: FAILED: Cancelled"));
    }
}
