//! What `verify` found, as a table for people and as JSON for us. It names stories, places and kinds of values; of texts it
//! shows only words of the protocol, so that it can be sent to somebody without showing what is in a workspace.

use serde_json::{Value, json};

use super::pattern::Difference;
use super::replay;
use super::story::{Basis, Story};
use super::tell::Outcome;
use crate::output::{Table, printable};

/// The longest part of a value that is shown, in characters.
const SHOWN_MAX: usize = 160;

/// A run's outcome.
pub(crate) struct Report {
    pub(crate) against: String,
    pub(crate) stories: Vec<(Story, Outcome)>,
    pub(crate) calls: usize,
}

impl Report {
    /// How many stories differ though something stands behind the belief.
    pub(crate) fn wrong(&self) -> usize {
        self.differing().filter(|(story, _)| story.basis != Basis::Guessed).count()
    }

    fn differing(&self) -> impl Iterator<Item = (&Story, &Vec<(String, Difference)>)> {
        self.stories.iter().filter_map(|(story, outcome)| match outcome {
            Outcome::Differs(differences) => Some((story, differences)),
            _ => None,
        })
    }

    pub(crate) fn text(&self) -> String {
        let mut table = Table::new(&["story", "basis", "result"]);
        for (story, outcome) in &self.stories {
            table.row([&story.name, story.basis.name(), word(story, outcome)]);
        }
        let mut parts = vec![table.text(), "\n".to_owned()];
        for (story, differences) in self.differing() {
            parts.push(format!("{}: {}\n", story.name, story.asks));
            parts.extend(differences.iter().map(|(step, difference)| line(step, difference)));
            parts.push("\n".to_owned());
        }
        parts.push(self.sum());
        parts.concat()
    }

    fn sum(&self) -> String {
        let count = |fits: fn(&Story, &Outcome) -> bool| {
            self.stories.iter().filter(|(story, outcome)| fits(story, outcome)).count()
        };
        format!(
            "{} agree, {} differ, {} guesses were wrong, {} left out; {} calls to {}\n",
            count(|_, outcome| matches!(outcome, Outcome::Agrees)),
            self.wrong(),
            self.differing().count() - self.wrong(),
            count(|_, outcome| matches!(outcome, Outcome::Skipped(_))),
            self.calls,
            self.against,
        )
    }

    pub(crate) fn json(&self) -> Value {
        let story = |(story, outcome): &(Story, Outcome)| {
            let differences = match outcome {
                Outcome::Differs(differences) => differences.iter().map(shown).collect(),
                _ => Vec::new(),
            };
            json!({
                "story": story.name,
                "asks": story.asks,
                "basis": story.basis.name(),
                "result": word(story, outcome),
                "differences": differences,
            })
        };
        json!({
            "format": 1,
            "vestibule": env!("CARGO_PKG_VERSION"),
            "against": self.against,
            "calls": self.calls,
            "stories": self.stories.iter().map(story).collect::<Vec<_>>(),
        })
    }
}

fn word(story: &Story, outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Agrees => "agrees",
        Outcome::Differs(_) if story.basis == Basis::Guessed => "guessed wrong",
        Outcome::Differs(_) => "DIFFERS",
        Outcome::Skipped(why) => why,
    }
}

fn line(step: &str, difference: &Difference) -> String {
    let cut = |text: &str| {
        let text = printable(text);
        let cut: String = text.chars().take(SHOWN_MAX).collect();
        if cut.len() < text.len() { format!("{cut}…") } else { cut }
    };
    format!(
        "  {}: {} is {}, expected {}\n",
        cut(step),
        cut(&difference.at),
        cut(&difference.was),
        cut(&difference.expected)
    )
}

fn shown((step, difference): &(String, Difference)) -> Value {
    json!({"step": step, "at": difference.at, "expected": difference.expected, "was": difference.was})
}

/// A replay's outcome: each difference under its story, then the share that agrees.
pub(crate) fn replayed(outcomes: &[replay::Outcome]) -> String {
    let mut parts = Vec::new();
    let mut story = "";
    for outcome in outcomes.iter().filter(|outcome| !outcome.differences.is_empty()) {
        if outcome.test != story {
            story = &outcome.test;
            parts.push(format!("{}\n", printable(story)));
        }
        parts.extend(outcome.differences.iter().map(|difference| line(&outcome.call, difference)));
    }
    let agree = outcomes.iter().filter(|outcome| outcome.differences.is_empty()).count();
    parts.push(format!("{agree} of {} exchanges agree\n", outcomes.len()));
    parts.concat()
}

/// The same as JSON.
pub(crate) fn replayed_json(outcomes: &[replay::Outcome]) -> Value {
    let differing = outcomes.iter().filter(|outcome| !outcome.differences.is_empty());
    let shown = differing.map(|outcome| {
        let differences: Vec<Value> =
            outcome.differences.iter().map(|found| shown(&(outcome.call.clone(), found.clone()))).collect();
        json!({"story": outcome.test, "differences": differences})
    });
    let agree = outcomes.iter().filter(|outcome| outcome.differences.is_empty()).count();
    json!({"exchanges": outcomes.len(), "agree": agree, "differing": shown.collect::<Vec<_>>()})
}
