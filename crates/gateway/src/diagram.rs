//! The flow diagram of an attempt, drawn from its steps: an SVG of our own, wide and tall, and Mermaid text.
//! What is told of a step is decided here once; the rooms below only say where it stands.

mod letters;
mod mermaid;
mod svg;
mod tall;
mod wide;

use std::time::Duration;

use jiff::Timestamp;
use store::records::{Actor, AttemptOutcome, Step, StepOutcome};

pub(crate) use letters::escape;
pub(crate) use mermaid::mermaid;
pub(crate) use svg::{Form, svg};

/// More steps than an attempt should have; the rest are counted, not drawn.
const STEPS_MAX: usize = 60;

/// The steps as they stand now: one that was awaited is done once something came after it.
pub(crate) fn settled(mut steps: Vec<Step>) -> Vec<Step> {
    let before_last = steps.len().saturating_sub(1);
    for step in steps.iter_mut().take(before_last).filter(|step| step.outcome == StepOutcome::Pending) {
        step.outcome = StepOutcome::Ok;
    }
    steps
}

/// How a step is to be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tone {
    Done,
    Waiting,
    /// It was awaited when the attempt ended.
    Unfinished,
    /// The user said no. Nothing is broken, so it is no alarm.
    Cancelled,
    Failed,
}

impl Tone {
    fn of(outcome: AttemptOutcome, step: &Step) -> Self {
        match step.outcome {
            StepOutcome::Ok => Self::Done,
            StepOutcome::Pending if is_open(outcome) => Self::Waiting,
            StepOutcome::Pending => Self::Unfinished,
            // The other thing that may have failed in a cancelled attempt, a callback from another browser, is from there.
            StepOutcome::Failed if outcome == AttemptOutcome::AccessDenied && step.from == Actor::Notion => {
                Self::Cancelled
            }
            StepOutcome::Failed => Self::Failed,
        }
    }

    fn in_words(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Waiting => "waiting",
            Self::Unfinished => "unfinished",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }
}

/// Whether the attempt goes on.
fn is_open(outcome: AttemptOutcome) -> bool {
    use AttemptOutcome::{Exchanging, Returned, WentToNotion};
    matches!(outcome, WentToNotion | Exchanging | Returned)
}

/// A step as it is told.
struct Told<'a> {
    number: usize,
    step: &'a Step,
    tone: Tone,
    /// Since the first step.
    time: String,
}

fn told(outcome: AttemptOutcome, steps: &[Step]) -> Vec<Told<'_>> {
    let drawn = &steps[..steps.len().min(STEPS_MAX)];
    let times = times(&drawn.iter().map(|step| step.at).collect::<Vec<_>>());
    let tell = |((number, step), time)| Told { number, step, tone: Tone::of(outcome, step), time };
    (1..).zip(drawn).zip(times).map(tell).collect()
}

/// When each step was, from the first one on: in milliseconds for the first minute, and wherever two of them would be told
/// alike without.
fn times(all: &[Timestamp]) -> Vec<String> {
    let first = all.first().copied().unwrap_or_default();
    // A clock that was set back meanwhile makes no step come before the first.
    let since = |at: &Timestamp| Duration::try_from(at.duration_since(first)).unwrap_or_default();
    let since: Vec<Duration> = all.iter().map(since).collect();
    let alone =
        |after: &Duration| since.iter().filter(|other| other.as_secs() == after.as_secs()).count() == 1;
    since.iter().map(|after| elapsed(*after, !alone(after))).collect()
}

fn elapsed(after: Duration, exact: bool) -> String {
    let (seconds, millis) = (after.as_secs(), after.subsec_millis());
    let tail =
        if exact { format!("{:02}.{millis:03}", seconds % 60) } else { format!("{:02}", seconds % 60) };
    match seconds {
        0 => format!("+{millis} ms"),
        1..60 => format!("+{seconds}.{millis:03} s"),
        60..3600 => format!("+{} min {tail} s", seconds / 60),
        _ => format!("+{} h {:02} min {tail} s", seconds / 3600, seconds / 60 % 60),
    }
}

/// What became of the attempt.
fn in_words(outcome: AttemptOutcome) -> &'static str {
    match outcome {
        AttemptOutcome::WentToNotion => "Waiting for the user at Notion",
        AttemptOutcome::Exchanging => "Exchanging the code",
        AttemptOutcome::Returned => "Waiting for the app to redeem",
        AttemptOutcome::Connected => "Connected",
        AttemptOutcome::AccessDenied => "Cancelled by the user",
        AttemptOutcome::Expired => "The consent took too long",
        AttemptOutcome::ExchangeFailed => "The exchange failed",
        AttemptOutcome::RedeemRefused => "The redemption was refused",
        AttemptOutcome::Unredeemed => "The app never redeemed the code",
        AttemptOutcome::Superseded => "Another attempt was faster",
    }
}

fn name(actor: Actor) -> &'static str {
    match actor {
        Actor::Browser => "Browser",
        Actor::App => "Your app",
        Actor::Vestibule => "Vestibule",
        Actor::Notion => "Notion",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(1_800_000_000_000 + millis).unwrap()
    }

    fn told_at(millis: &[i64]) -> Vec<String> {
        times(&millis.iter().map(|millis| at(*millis)).collect::<Vec<_>>())
    }

    #[test]
    fn steps_within_the_same_second_are_told_apart() {
        assert_eq!(told_at(&[0, 12, 1_034, 1_035]), ["+0 ms", "+12 ms", "+1.034 s", "+1.035 s"]);
        assert_eq!(told_at(&[0, 59_999, 60_000]), ["+0 ms", "+59.999 s", "+1 min 00 s"]);
        let late = told_at(&[0, 125_034, 125_041, 130_000, 3_725_000]);
        assert_eq!(late[1..], ["+2 min 05.034 s", "+2 min 05.041 s", "+2 min 10 s", "+1 h 02 min 05 s"]);
    }

    #[test]
    fn a_clock_that_was_set_back_makes_no_odd_time() {
        assert_eq!(told_at(&[500, 0]), ["+0 ms", "+0 ms"]);
        assert_eq!(told_at(&[]), [""; 0]);
    }

    #[test]
    fn nothing_is_awaited_once_the_attempt_is_over() {
        let now = at(0);
        let awaited =
            Step { outcome: StepOutcome::Pending, ..Step::ok(now, Actor::Browser, Actor::Notion, "Choose") };
        assert_eq!(Tone::of(AttemptOutcome::WentToNotion, &awaited), Tone::Waiting);
        assert_eq!(Tone::of(AttemptOutcome::Superseded, &awaited), Tone::Unfinished);
    }

    #[test]
    fn a_cancel_is_no_alarm_and_a_stranger_in_the_same_attempt_is() {
        let cancel =
            Step::failed(at(0), Actor::Notion, Actor::Vestibule, "Cancelled", "Offer the link again.");
        let stranger =
            Step::failed(at(0), Actor::Browser, Actor::Vestibule, "Another browser", "Begin there.");
        assert_eq!(Tone::of(AttemptOutcome::AccessDenied, &cancel), Tone::Cancelled);
        assert_eq!(Tone::of(AttemptOutcome::AccessDenied, &stranger), Tone::Failed);
        assert_eq!(Tone::of(AttemptOutcome::ExchangeFailed, &cancel), Tone::Failed);
        assert_eq!(Tone::of(AttemptOutcome::Expired, &cancel), Tone::Failed);
    }
}
