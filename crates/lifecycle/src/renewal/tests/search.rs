//! A search through all that can happen to a renewal, eleven answers deep: what must hold on every path, and which moves between
//! states there are.

use std::collections::BTreeSet;
use std::time::Duration;

use super::*;
use crate::RENEWAL_EDGES;

/// Every answer that an effect can be given, good and bad.
fn answers(effect: Effect) -> Vec<Input> {
    let written = || {
        [Written::Done, Written::Moved, Written::Tombstoned, Written::Unknown].map(Input::Written).to_vec()
    };
    let mut all = match effect {
        Effect::Read => vec![
            Input::Grant(None),
            grant(facts()),
            grant(GrantFacts { issued_at: NOW, ..facts() }),
            grant(GrantFacts { generation: Generation(4), ..facts() }),
            grant(GrantFacts { state: GrantState::Suspect, refreshes: vec![seen(6, 100, None)], ..facts() }),
            grant(GrantFacts { state: GrantState::Suspect, ..facts() }),
            grant(GrantFacts { refreshes: vec![seen(6, 100, Some("died"))], ..facts() }),
            grant(GrantFacts { state: GrantState::Degraded, refreshable: false, ..facts() }),
            grant(GrantFacts { state: GrantState::ReconnectNeeded, ..facts() }),
            grant(GrantFacts { state: GrantState::Tombstone, ..facts() }),
            grant(GrantFacts { leased_until: Some(after(NOW, LEASE_LIFE)), ..facts() }),
        ],
        Effect::Introspect | Effect::Probe { .. } => vec![
            ACTIVE,
            INACTIVE,
            UNCLEAR,
            Input::Introspected(Introspected::Throttled(Duration::from_secs(2))),
        ],
        Effect::AskBreaker { .. } => vec![GO, Input::Breaker(Err(PAUSE))],
        Effect::TakeLease { .. } => vec![
            TAKEN,
            Input::Lease(LeaseReply::Held(after(NOW, LEASE_LIFE))),
            Input::Lease(LeaseReply::TakenOver(7)),
            Input::Lease(LeaseReply::Moved),
        ],
        Effect::Send => [
            RefreshReply::Issued { same_bot: true },
            RefreshReply::Issued { same_bot: false },
            RefreshReply::NotSent,
            RefreshReply::Throttled(PAUSE),
            RefreshReply::InvalidGrant,
            RefreshReply::ClientRefused,
            RefreshReply::Ambiguous,
        ]
        .map(Input::Replied)
        .to_vec(),
        Effect::Commit | Effect::SetState { .. } | Effect::Adopt { .. } => written(),
        Effect::KeepAside | Effect::SettleKept => vec![Input::Kept],
        Effect::ReadCandidates => vec![Input::Candidates(0), Input::Candidates(2)],
        Effect::Release { .. } => vec![Input::Released],
        Effect::Wait { .. } => return vec![Input::Woke],
        Effect::Done(_) => return Vec::new(),
    };
    all.push(Input::Failed);
    all
}

/// What must hold on every path, kept along it.
#[derive(Clone, Default)]
struct Watch {
    leased: bool,
    sends: usize,
    issued: bool,
    stored: bool,
    asked: Option<Introspected>,
    open: bool,
}

impl Watch {
    fn see(&mut self, input: &Input, effect: Effect, path: &[Effect]) {
        let complain = |what: &str| panic!("{what}: {path:?}");
        match input {
            Input::Lease(LeaseReply::Taken(_) | LeaseReply::TakenOver(_)) => self.leased = true,
            Input::Introspected(answer) => self.asked = Some(*answer),
            Input::Replied(RefreshReply::Issued { same_bot: true }) => self.issued = true,
            Input::Written(Written::Done) if path.ends_with(&[Effect::Commit, effect]) => self.stored = true,
            Input::Kept => self.stored = true,
            Input::Grant(Some(facts)) => self.open = facts.has_open_refresh(Some(7), NOW),
            _ => {}
        }
        match effect {
            Effect::Send => {
                self.sends += 1;
                if !self.leased || self.sends > 2 {
                    complain("sent without a lease, or too often");
                }
            }
            Effect::SetState { state: GrantState::ReconnectNeeded, .. } => {
                if self.asked != Some(Introspected::Inactive) {
                    complain("given up though Notion did not call the last token inactive");
                }
                if self.open && self.sends > 0 {
                    complain("given up while an answer may still come");
                }
            }
            Effect::Release { .. } => self.leased = false,
            Effect::Done(outcome) => {
                if self.leased {
                    complain("the lease was not let go of");
                }
                if self.issued && !self.stored && outcome != Outcome::Failed {
                    complain("a pair was issued and is nowhere");
                }
            }
            _ => {}
        }
    }
}

/// What a search came upon.
#[derive(Default)]
struct Found {
    ends: usize,
    /// From which state to which a grant was moved.
    edges: BTreeSet<(&'static str, &'static str)>,
}

impl Found {
    fn see(&mut self, renewal: &Renewal, input: &Input, effect: Effect, path: &[Effect]) {
        if matches!(effect, Effect::Done(_)) {
            self.ends += 1;
        }
        let Some(from) = renewal.facts.as_ref().map(|facts| facts.state) else { return };
        let to = match path {
            [.., Effect::SetState { state, .. }, _] => *state,
            [.., Effect::Commit | Effect::Adopt { .. }, _] => GrantState::Active,
            _ => return,
        };
        if *input == DONE && from != to {
            self.edges.insert((from.as_str(), to.as_str()));
        }
    }
}

fn search(renewal: &Renewal, path: &mut Vec<Effect>, watch: &Watch, depth: usize, found: &mut Found) {
    let effect = *path.last().expect("it began");
    if depth == 0 {
        return;
    }
    for input in answers(effect) {
        let (mut renewal, mut watch) = (renewal.clone(), watch.clone());
        let next = renewal.step(NOW, input.clone());
        path.push(next);
        watch.see(&input, next, path);
        found.see(&renewal, &input, next, path);
        search(&renewal, path, &watch, depth - 1, found);
        path.pop();
    }
}

#[test]
fn on_every_path_what_is_sent_is_leased_what_is_issued_is_kept_and_nobody_is_given_up_on_a_guess() {
    let mut found = Found::default();
    for why in [USED, Why::Forced, Why::Suspect, Why::Interrupted] {
        let mut renewal = Renewal::new(why);
        let mut path = vec![renewal.step(NOW, Input::Begin)];
        search(&renewal, &mut path, &Watch::default(), 11, &mut found);
    }
    assert!(found.ends > 10_000, "only {} paths ended", found.ends);
    let told = RENEWAL_EDGES.map(|(from, to, _)| (from.as_str(), to.as_str()));
    assert_eq!(found.edges, BTreeSet::from(told), "what a renewal does, and what is told of it");
}
