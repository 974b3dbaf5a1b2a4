//! The flow as Mermaid text.

use std::fmt::Write as _;

use store::records::{Actor, AttemptOutcome, Step, StepOutcome};

/// A `sequenceDiagram` of the steps.
pub(crate) fn mermaid(outcome: AttemptOutcome, steps: &[Step]) -> String {
    let mut text = String::from("sequenceDiagram\n");
    for (actor, name) in super::svg::LANES {
        let _infallible = writeln!(text, "    participant {} as {name}", id(actor));
    }
    for step in steps {
        let (arrow, mark) = match step.outcome {
            StepOutcome::Ok => ("->>", ""),
            StepOutcome::Failed => ("-x", "FAILED: "),
            StepOutcome::Pending => ("-->>", ""),
        };
        let _infallible =
            writeln!(text, "    {}{arrow}{}: {mark}{}", id(step.from), id(step.to), plain(&step.what));
        if let Some(note) = &step.note {
            let _infallible =
                writeln!(text, "    Note over {},{}: {}", id(step.from), id(step.to), plain(note));
        }
    }
    let _infallible = writeln!(text, "    %% outcome: {outcome:?}");
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

/// Mermaid ends a statement at `;` and a line's end, and reads `#` as an entity.
fn plain(text: &str) -> String {
    let safe = |c: char| match c {
        ';' => ',',
        c if c.is_control() || matches!(c, '#' | '<' | '>') => ' ',
        c => c,
    };
    text.chars().map(safe).collect()
}
