//! The renewal of a grant's token pair, as a machine that is driven: it says what to do next, is told what came of it,
//! and ends with an [`Outcome`]. Whoever drives it decides nothing, so production, simulation and model checker run the
//! same protocol.
//!
//! A refresh spends the refresh token, and the answer is the only copy of the next one. So Notion is asked before
//! anything is spent; one holder of a lease sends; what was answered is made durable before anybody uses it; and no grant
//! is given up while a refresh may be under way, while its access token works, or while a newer consent's pair lives.

mod facts;
mod limits;
#[cfg(test)]
mod tests;
mod words;

use std::time::Duration;

use jiff::Timestamp;

use crate::{Generation, GrantState};
use limits::{SuspectWait, is_new, may_refresh};

pub use facts::GrantFacts;
pub use limits::LISTEN_MAX;
pub(crate) use limits::{after, since};
pub use words::{Effect, Input, Introspected, LeaseReply, Outcome, RefreshReply, Why, Written};

/// How long a lease lives: twice the patience for an answer, and a margin.
pub const LEASE_LIFE: Duration = Duration::from_secs(75);
/// A holder that took longer than this between asking for the lease and sending lets go of it instead.
pub(crate) const FENCE: Duration = Duration::from_secs(37);
/// What a process sent just before it died may still be on its way: how long after its end was noticed the next one is sent.
/// Notion answers a refresh in less; and where a token that is sent twice ends the authorization, the two must not cross.
const DIED_PAUSE: Duration = Duration::from_secs(5);
/// How often a refresh that another holder has under way is looked at.
const WATCH_EVERY: Duration = Duration::from_millis(250);
/// How long to wait before something that failed for a moment is tried again.
const PAUSE: Duration = Duration::from_secs(1);
/// How long to wait before a pair that the store did not take is offered to it again.
const COMMIT_PAUSE: Duration = Duration::from_millis(500);
/// A throttled introspection is waited for at most this long, and asked again at most this often.
const THROTTLE_MAX: Duration = Duration::from_secs(20);
const THROTTLED_TRIES: u8 = 3;

const REFUSED: &str = "Notion refused the refresh token";
const NO_REFRESH_TOKEN: &str = "Notion gave no refresh token and the access token ended";
const BOTH_REFUSED: &str = "the access token ended and the refresh token was refused before";
const UNKNOWN: &str = "a refresh was sent and its answer was lost";
const INTERRUPTED: &str = "a process ended in the middle of a refresh";
const LOST_ANSWER: &str = "the answer to a refresh was lost, and Notion has refused the refresh token since";

/// What the machine waits to hear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Phase {
    New,
    Reading,
    /// After [`Effect::Introspect`] because of a 401.
    Asking,
    AskingBreaker,
    Leasing,
    /// Under our lease, just before the token is sent: is it still the grant's?
    Rereading,
    Sending,
    Committing,
    /// After [`Effect::KeepAside`]; the grant is gone if `ended`.
    Keeping {
        ended: bool,
    },
    Settling,
    /// After [`Effect::SetState`] that tells of an interrupted refresh, before it is sent again.
    Telling,
    /// The refresh token was refused: is there a newer pair already?
    ReadingAgain,
    /// The refresh token was refused: does the access token work?
    AskingAfterRefusal {
        again: bool,
    },
    ReadingCandidates(IfNoneLives),
    Probing {
        candidate: usize,
        of: usize,
        otherwise: IfNoneLives,
    },
    Adopting,
    /// After [`Effect::SetState`]; then the end, if the row had not moved.
    Setting(GrantState, Outcome),
    /// As that, to give it up.
    GivingUp {
        reason: &'static str,
    },
    /// It could not be given up: what has moved?
    ReadingMoved {
        reason: &'static str,
    },
    Releasing(Outcome),
    Waiting(Next),
    Over,
}

/// What follows when no pair that waits beside the grant lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum IfNoneLives {
    GiveUp(&'static str),
    Refresh,
}

/// What follows a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Next {
    Read,
    Reread,
    Ask,
    AskAfterRefusal,
    Commit,
}

/// One renewal. Drive it with [`Renewal::step`], beginning with [`Input::Begin`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Renewal {
    why: Why,
    phase: Phase,
    /// What was read last.
    facts: Option<GrantFacts>,
    /// The generation at the first reading.
    began_at: Option<Generation>,
    /// The number of our lease, while we hold one.
    lease: Option<u64>,
    /// When the lease was asked for last.
    leased_at: Option<Timestamp>,
    resent: bool,
    /// Introspections that told nothing.
    unclear: u8,
    throttled: u8,
    asked_new: bool,
    /// That a refresh was interrupted has been told.
    told: bool,
}

impl Renewal {
    /// A renewal for this reason.
    pub fn new(why: Why) -> Self {
        Self {
            why,
            phase: Phase::New,
            facts: None,
            began_at: None,
            lease: None,
            leased_at: None,
            resent: false,
            unclear: 0,
            throttled: 0,
            asked_new: false,
            told: false,
        }
    }

    /// Takes what came of the last effect and says what to do next. An input that does not answer the last effect ends the
    /// renewal as failed.
    pub fn step(&mut self, now: Timestamp, input: Input) -> Effect {
        match (self.phase, input) {
            (Phase::New, Input::Begin) => self.read(),
            (Phase::Reading, Input::Grant(facts)) => self.look(now, facts),
            (Phase::Asking, Input::Introspected(answer)) => self.asked(now, answer),
            (Phase::AskingBreaker, Input::Breaker(Ok(()))) => {
                self.phase = Phase::Leasing;
                self.leased_at = Some(now);
                Effect::TakeLease { expires_at: after(now, LEASE_LIFE) }
            }
            (Phase::AskingBreaker, Input::Breaker(Err(wait))) => self.end(Outcome::Later(wait), "held_back"),
            (Phase::Leasing, Input::Lease(reply)) => self.leasing(now, reply),
            (Phase::Rereading, Input::Grant(facts)) => self.reread(now, facts),
            (Phase::Rereading, Input::Failed) if self.resent => self.suspect(),
            (Phase::Sending, Input::Replied(reply)) => self.replied(now, reply),
            (Phase::Committing, Input::Written(written)) => self.committed(now, written),
            (Phase::Keeping { ended: true }, Input::Kept) => {
                self.phase = Phase::Settling;
                Effect::SettleKept
            }
            (Phase::Keeping { ended: false }, Input::Kept) => self.end(Outcome::Renewed, "issued"),
            (Phase::Settling, Input::Kept) => self.end(Outcome::Disconnected, "issued"),
            (Phase::Telling, Input::Written(written)) => self.told(written),
            (Phase::ReadingAgain, Input::Grant(facts)) => self.read_again(facts),
            (Phase::AskingAfterRefusal { again }, Input::Introspected(answer)) => {
                self.asked_after_refusal(now, again, answer)
            }
            (Phase::ReadingCandidates(otherwise), Input::Candidates(of)) => self.probe(now, 0, of, otherwise),
            (Phase::Probing { candidate, of, otherwise }, Input::Introspected(answer)) => {
                self.probed(now, (candidate, of), otherwise, answer)
            }
            (Phase::Adopting, Input::Written(written)) => self.adopted(written),
            (Phase::Setting(state, outcome), Input::Written(written)) => self.set(state, outcome, written),
            (Phase::GivingUp { reason }, Input::Written(written)) => self.gave_up(reason, written),
            (Phase::ReadingMoved { reason }, Input::Grant(facts)) => {
                self.is_unmoved(facts).unwrap_or_else(|| self.give_up_still(now, reason))
            }
            (Phase::Releasing(outcome), Input::Released | Input::Failed) => self.done(outcome),
            (Phase::Waiting(next), Input::Woke) => self.go_on(next),
            _ => self.end(Outcome::Failed, "failed"),
        }
    }

    fn read(&mut self) -> Effect {
        self.phase = Phase::Reading;
        Effect::Read
    }

    fn ask(&mut self) -> Effect {
        self.phase = Phase::Asking;
        Effect::Introspect
    }

    fn wait(&mut self, until: Timestamp, next: Next) -> Effect {
        self.phase = Phase::Waiting(next);
        Effect::Wait { until }
    }

    fn go_on(&mut self, next: Next) -> Effect {
        match next {
            Next::Read => self.read(),
            Next::Reread => self.read_before_sending(),
            Next::Ask => self.ask(),
            Next::AskAfterRefusal => {
                self.phase = Phase::AskingAfterRefusal { again: true };
                Effect::Introspect
            }
            Next::Commit => {
                self.phase = Phase::Committing;
                Effect::Commit
            }
        }
    }

    /// Ends it, after letting go of the lease if it is ours.
    fn end(&mut self, outcome: Outcome, word: &'static str) -> Effect {
        if self.lease.take().is_some() {
            self.phase = Phase::Releasing(outcome);
            Effect::Release { word }
        } else {
            self.done(outcome)
        }
    }

    fn done(&mut self, outcome: Outcome) -> Effect {
        self.phase = Phase::Over;
        Effect::Done(outcome)
    }

    /// The grant was read, and nothing is spent yet.
    fn look(&mut self, now: Timestamp, facts: Option<GrantFacts>) -> Effect {
        let Some(facts) = facts else { return self.done(Outcome::Disconnected) };
        let began_at = *self.began_at.get_or_insert(facts.generation);
        let (state, generation, leased_until) = (facts.state, facts.generation, facts.leased_until);
        let due = SuspectWait::of(&facts).is_over(now);
        self.facts = Some(facts);
        let moved_on = generation > began_at;
        match (state, self.why) {
            (GrantState::Tombstone, _) => return self.done(Outcome::Disconnected),
            // A 401 counts against the generation that it was made with.
            (_, Why::Refused401 { used } | Why::Doubted { used }) if generation > used => {
                return self.done(Outcome::Renewed);
            }
            (_, Why::Forced | Why::Suspect | Why::Interrupted) if moved_on => {
                return self.done(Outcome::Renewed);
            }
            (GrantState::ReconnectNeeded, Why::Refused401 { .. } | Why::Doubted { .. }) => {
                return self.done(Outcome::ReconnectNeeded);
            }
            _ => {}
        }
        if self.why == Why::Interrupted && !self.told && leased_until.is_none_or(|until| until <= now) {
            return self.tell();
        }
        if let Some(until) = leased_until.filter(|until| *until > now) {
            // Another refresh is under way: its outcome is ours.
            return self.wait(until.min(after(now, WATCH_EVERY)), Next::Read);
        }
        match self.why {
            Why::Refused401 { .. } | Why::Doubted { .. } => self.ask(),
            Why::Forced => self.refresh(now, true),
            Why::Suspect if state != GrantState::Suspect || !due => self.done(Outcome::Good),
            // Somebody else may have settled it meanwhile.
            Why::Interrupted if state != GrantState::Suspect => self.done(Outcome::Good),
            // The token may be spent, and where one that is sent twice ends the authorization, a newer consent's pair ends with it:
            // if one lives, it serves this grant too.
            Why::Suspect | Why::Interrupted => self.look_beside(IfNoneLives::Refresh),
        }
    }

    /// A process ended in the middle of a refresh: nobody knows whether the token is spent, and that is told at once. Then the same
    /// token is sent again, which brings the pair where Notion gives it once more, or was never asked.
    fn tell(&mut self) -> Effect {
        let Some(facts) = &self.facts else { return self.end(Outcome::Failed, "failed") };
        // A suspect one is looked into by its own schedule.
        if facts.state == GrantState::Suspect || !facts.is_interrupted() {
            return self.done(Outcome::Good);
        }
        self.phase = Phase::Telling;
        Effect::SetState { state: GrantState::Suspect, reason: INTERRUPTED }
    }

    fn told(&mut self, written: Written) -> Effect {
        match written {
            Written::Done => {
                self.told = true;
                self.read()
            }
            Written::Moved => self.done(Outcome::Renewed),
            Written::Tombstoned => self.done(Outcome::Disconnected),
            // The record stays, and is found again.
            Written::Unknown => self.done(Outcome::Failed),
        }
    }

    /// What Notion says of a token that was refused with 401.
    fn asked(&mut self, now: Timestamp, answer: Introspected) -> Effect {
        let Some(facts) = &self.facts else { return self.end(Outcome::Failed, "failed") };
        let new = is_new(facts, now);
        let degraded = facts.state == GrantState::Degraded;
        match answer {
            Introspected::Active if new => self.done(Outcome::TryAgain),
            Introspected::Active => self.done(Outcome::Good),
            // A token that was issued a moment ago may not be known everywhere yet.
            Introspected::Inactive if new && !std::mem::replace(&mut self.asked_new, true) => {
                self.wait(after(now, PAUSE), Next::Ask)
            }
            Introspected::Inactive => self.refresh(now, true),
            Introspected::Throttled(wait) => {
                self.throttled += 1;
                if wait > THROTTLE_MAX || self.throttled >= THROTTLED_TRIES {
                    return self.done(Outcome::Later(wait));
                }
                self.wait(after(now, wait.max(PAUSE)), Next::Ask)
            }
            Introspected::Unclear => {
                self.unclear += 1;
                match self.unclear {
                    1 => self.wait(after(now, PAUSE), Next::Ask),
                    _ if degraded || matches!(self.why, Why::Doubted { .. }) => self.done(Outcome::Good),
                    _ => self.refresh(now, false),
                }
            }
        }
    }

    /// A refresh is called for: may it be, and is there anything to do it with?
    fn refresh(&mut self, now: Timestamp, confirmed: bool) -> Effect {
        let Some(facts) = &self.facts else { return self.end(Outcome::Failed, "failed") };
        let asked_notion = matches!(self.why, Why::Refused401 { .. } | Why::Doubted { .. });
        if asked_notion && facts.state == GrantState::Degraded {
            return self.give_up_still(now, BOTH_REFUSED);
        }
        if !facts.refreshable {
            // Nobody said that the access token ended, so nothing ends here.
            return match (asked_notion, confirmed) {
                (true, true) => self.give_up(NO_REFRESH_TOKEN),
                (true, false) => self.done(Outcome::Good),
                (false, _) => self.done(Outcome::NoRefreshToken),
            };
        }
        if asked_notion && let Err(wait) = may_refresh(facts, now) {
            return self.done(Outcome::TooSoon(wait));
        }
        self.phase = Phase::AskingBreaker;
        Effect::AskBreaker { confirmed }
    }

    fn leasing(&mut self, now: Timestamp, reply: LeaseReply) -> Effect {
        match reply {
            LeaseReply::Taken(epoch) => {
                self.lease = Some(epoch);
                self.send(now)
            }
            LeaseReply::TakenOver(epoch) => {
                self.lease = Some(epoch);
                self.wait(after(now, DIED_PAUSE), Next::Reread)
            }
            LeaseReply::Held(until) => self.wait(until.min(after(now, WATCH_EVERY)), Next::Read),
            LeaseReply::Moved => self.read(),
        }
    }

    /// Whether so little of the lease has passed that nobody else is about to take it over.
    fn is_in_time(&self, now: Timestamp) -> bool {
        self.leased_at.is_some_and(|since| after(since, FENCE) > now)
    }

    fn send(&mut self, now: Timestamp) -> Effect {
        if !self.is_in_time(now) {
            // We were stopped in between; by now somebody else may be about to take over.
            return self.end(Outcome::Later(PAUSE), "fenced");
        }
        self.phase = Phase::Sending;
        Effect::Send
    }

    fn read_before_sending(&mut self) -> Effect {
        self.phase = Phase::Rereading;
        Effect::Read
    }

    /// Time has passed since the lease was taken. One that held it long before may have stored its pair late: then the token
    /// that we have is spent, and where that ends the authorization it must not be sent.
    fn reread(&mut self, now: Timestamp, found: Option<GrantFacts>) -> Effect {
        let read = self.facts.as_ref().map(|facts| facts.generation);
        let Some(found) = found.filter(|found| found.state != GrantState::Tombstone) else {
            return self.end(Outcome::Disconnected, self.unsent());
        };
        if Some(found.generation) != read {
            return self.end(Outcome::Renewed, self.unsent());
        }
        self.facts = Some(found);
        if self.resent && !self.is_in_time(now) {
            return self.suspect();
        }
        self.send(now)
    }

    fn suspect(&mut self) -> Effect {
        self.set_state(GrantState::Suspect, UNKNOWN, Outcome::Unknown)
    }

    /// What is written down of an attempt that sends nothing more.
    fn unsent(&self) -> &'static str {
        if self.resent { "unknown" } else { "not_sent" }
    }

    fn replied(&mut self, now: Timestamp, reply: RefreshReply) -> Effect {
        match reply {
            RefreshReply::Issued { same_bot: true } => {
                self.phase = Phase::Committing;
                Effect::Commit
            }
            RefreshReply::Issued { same_bot: false } => {
                self.set_state(GrantState::Suspect, UNKNOWN, Outcome::Foreign)
            }
            RefreshReply::NotSent if !self.resent => self.end(Outcome::Unreachable, "not_sent"),
            RefreshReply::Throttled(wait) if !self.resent => self.end(Outcome::Later(wait), "throttled"),
            RefreshReply::ClientRefused if !self.resent => self.end(Outcome::ClientRefused, "client_refused"),
            RefreshReply::InvalidGrant => {
                self.phase = Phase::ReadingAgain;
                Effect::Read
            }
            // Once more, at once: where Notion has a retry window the same token gives the same pair. Not if the answer was waited for
            // so long that somebody else may be sending it.
            RefreshReply::Ambiguous if !self.resent && self.is_in_time(now) => {
                self.resent = true;
                self.read_before_sending()
            }
            _ => self.suspect(),
        }
    }

    fn committed(&mut self, now: Timestamp, written: Written) -> Effect {
        match written {
            Written::Done => self.end(Outcome::Renewed, "issued"),
            Written::Moved | Written::Tombstoned => {
                self.phase = Phase::Keeping { ended: written == Written::Tombstoned };
                Effect::KeepAside
            }
            // The pair exists nowhere else: the store is asked until it answers.
            Written::Unknown => self.wait(after(now, COMMIT_PAUSE), Next::Commit),
        }
    }

    /// A refused refresh token is not final: somebody may have put a newer pair there.
    fn read_again(&mut self, facts: Option<GrantFacts>) -> Effect {
        self.is_unmoved(facts).unwrap_or_else(|| {
            self.phase = Phase::AskingAfterRefusal { again: false };
            Effect::Introspect
        })
    }

    /// Takes what was read anew; the end, if the grant has another pair now or has ended.
    fn is_unmoved(&mut self, facts: Option<GrantFacts>) -> Option<Effect> {
        let before = self.facts.as_ref().map(|facts| facts.generation);
        let Some(facts) = facts.filter(|facts| facts.state != GrantState::Tombstone) else {
            return Some(self.end(Outcome::Disconnected, "invalid_grant"));
        };
        if Some(facts.generation) > before {
            return Some(self.end(Outcome::Renewed, "invalid_grant"));
        }
        self.facts = Some(facts);
        None
    }

    fn asked_after_refusal(&mut self, now: Timestamp, again: bool, answer: Introspected) -> Effect {
        let Some(facts) = &self.facts else { return self.end(Outcome::Failed, "failed") };
        match answer {
            Introspected::Active => {
                let outcome =
                    if matches!(self.why, Why::Forced) { Outcome::RefreshRefused } else { Outcome::Good };
                self.set_state(GrantState::Degraded, REFUSED, outcome)
            }
            // Somebody else's refresh of this generation may still bring the pair that this one was refused for.
            Introspected::Inactive if facts.has_open_refresh(self.lease, now) => self.suspect(),
            Introspected::Inactive => {
                self.give_up(if facts.lost_an_answer() { LOST_ANSWER } else { REFUSED })
            }
            Introspected::Throttled(_) | Introspected::Unclear if !again => {
                self.wait(after(now, PAUSE), Next::AskAfterRefusal)
            }
            Introspected::Throttled(_) | Introspected::Unclear => {
                self.set_state(GrantState::Suspect, REFUSED, Outcome::Unknown)
            }
        }
    }

    /// Neither token works. Somebody may have finished another link for the same person, which ends the older tokens at
    /// Notion: then its pair serves this grant too.
    fn give_up(&mut self, reason: &'static str) -> Effect {
        self.look_beside(IfNoneLives::GiveUp(reason))
    }

    fn look_beside(&mut self, otherwise: IfNoneLives) -> Effect {
        self.phase = Phase::ReadingCandidates(otherwise);
        Effect::ReadCandidates
    }

    /// Not while an answer to a refresh may still come that brings the next pair.
    fn give_up_still(&mut self, now: Timestamp, reason: &'static str) -> Effect {
        match &self.facts {
            Some(facts) if facts.has_open_refresh(self.lease, now) => self.suspect(),
            _ => self.give_up(reason),
        }
    }

    fn probe(&mut self, now: Timestamp, candidate: usize, of: usize, otherwise: IfNoneLives) -> Effect {
        if candidate < of {
            self.phase = Phase::Probing { candidate, of, otherwise };
            return Effect::Probe { candidate };
        }
        match otherwise {
            IfNoneLives::Refresh => self.refresh(now, true),
            IfNoneLives::GiveUp(reason) => {
                self.phase = Phase::GivingUp { reason };
                Effect::SetState { state: GrantState::ReconnectNeeded, reason }
            }
        }
    }

    fn probed(
        &mut self,
        now: Timestamp,
        (candidate, of): (usize, usize),
        otherwise: IfNoneLives,
        answer: Introspected,
    ) -> Effect {
        match answer {
            Introspected::Active => {
                self.phase = Phase::Adopting;
                Effect::Adopt { candidate, keep_own: otherwise == IfNoneLives::Refresh }
            }
            Introspected::Inactive => self.probe(now, candidate + 1, of, otherwise),
            // It may live: nobody is given up on a guess.
            Introspected::Throttled(wait) => self.end(Outcome::Later(wait), "invalid_grant"),
            Introspected::Unclear => self.end(Outcome::Later(PAUSE), "invalid_grant"),
        }
    }

    fn adopted(&mut self, written: Written) -> Effect {
        match written {
            Written::Done | Written::Moved => self.end(Outcome::Renewed, "invalid_grant"),
            Written::Tombstoned => self.end(Outcome::Disconnected, "invalid_grant"),
            // The candidate is still there for the next one.
            Written::Unknown => self.end(Outcome::Failed, "invalid_grant"),
        }
    }

    /// Another consent's pair may have come since the last one was probed; then that is asked about.
    fn gave_up(&mut self, reason: &'static str, written: Written) -> Effect {
        if written == Written::Moved {
            self.phase = Phase::ReadingMoved { reason };
            return Effect::Read;
        }
        self.set(GrantState::ReconnectNeeded, Outcome::ReconnectNeeded, written)
    }

    fn set_state(&mut self, state: GrantState, reason: &'static str, outcome: Outcome) -> Effect {
        self.phase = Phase::Setting(state, outcome);
        Effect::SetState { state, reason }
    }

    fn set(&mut self, state: GrantState, outcome: Outcome, written: Written) -> Effect {
        let word = if state == GrantState::Suspect { "unknown" } else { "invalid_grant" };
        match written {
            Written::Done => self.end(outcome, word),
            Written::Moved => self.end(Outcome::Renewed, word),
            Written::Tombstoned => self.end(Outcome::Disconnected, word),
            Written::Unknown => self.end(Outcome::Failed, word),
        }
    }
}
