//! The flow diagram of an attempt, drawn from its steps: an SVG of our own, and Mermaid text.

mod mermaid;
mod svg;

use store::records::{Step, StepOutcome};

pub(crate) use mermaid::mermaid;
pub(crate) use svg::svg;

/// The steps as they stand now: one that was awaited is done once something came after it.
pub(crate) fn settled(mut steps: Vec<Step>) -> Vec<Step> {
    let before_last = steps.len().saturating_sub(1);
    for step in steps.iter_mut().take(before_last).filter(|step| step.outcome == StepOutcome::Pending) {
        step.outcome = StepOutcome::Ok;
    }
    steps
}
