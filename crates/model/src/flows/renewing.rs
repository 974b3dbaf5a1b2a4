//! A renewal: the effects of `lifecycle::Renewal`, done as `gateway/access/renew.rs` does them.

use jiff::Timestamp;
use lifecycle::rows::{Committed, LeaseDecision};
use lifecycle::{
    Effect, GrantState, Input, Introspected, LeaseReply, Outcome, RefreshReply, Renewal, Why, Written,
};

use crate::notion::PairId;
use crate::store::{Held, at, second};
use crate::world::{Answer, Ask, Luck, Request, World};
use crate::{Mutant, laws};

/// A wait that is not longer than this passes by itself; for a longer one time must pass.
const SOON: i64 = 2;

/// A renewal on its way.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Renewing {
    grant: u8,
    machine: Renewal,
    effect: Effect,
    /// The generation and the pair that were read last.
    read: Option<(u64, PairId)>,
    /// No other work on this grant goes on in the process.
    pub(crate) turn: bool,
    lease: Option<u64>,
    /// The pair that was issued, until it is stored.
    pub(crate) issued: Option<PairId>,
    candidates: Vec<(u8, PairId)>,
    /// What the store had made when the effect began.
    began: u8,
    pub(crate) request: Option<Request>,
}

impl Renewing {
    pub(crate) fn begin(grant: u8, why: Why, now: Timestamp) -> Self {
        let mut machine = Renewal::new(why);
        let effect = machine.step(now, Input::Begin);
        Self {
            grant,
            machine,
            effect,
            read: None,
            turn: false,
            lease: None,
            issued: None,
            candidates: Vec::new(),
            began: 0,
            request: None,
        }
    }

    /// Whether the answer to a sending of this pair is in its hands, or on the way there.
    pub(crate) fn listens_for(&self, pair: Option<PairId>) -> bool {
        let sent = self.read.map(|(_, pair)| pair);
        sent.is_some() && sent == pair && (self.issued.is_some() || self.request.is_some())
    }

    /// Whether its effect can be done now, and what it is: a write, or a question to Notion.
    pub(crate) fn kind(&self, world: &World, node: u8) -> Option<(bool, bool)> {
        let (now, turn_is_free) = (world.now, world.turn_is_free(node));
        match self.effect {
            // The exchanges that were on their way are waited for.
            Effect::ReadCandidates if world.store.is_exchanging(self.began, now) => None,
            Effect::Introspect | Effect::Probe { .. } => Some((false, true)),
            Effect::TakeLease { .. } if !self.turn && !turn_is_free => None,
            Effect::TakeLease { .. }
            | Effect::Commit
            | Effect::SetState { .. }
            | Effect::Adopt { .. }
            | Effect::Release { .. } => Some((true, false)),
            Effect::Wait { until } if second(until) > now => None,
            Effect::Send | Effect::Done(_) => None,
            _ => Some((false, false)),
        }
    }

    pub(crate) fn perform(world: &mut World, node: u8, luck: Luck) {
        let Some(mut flight) = world.node_mut(node).renewal.take() else { return };
        if luck != Luck::Good {
            match flight.effect {
                Effect::Introspect | Effect::Probe { .. } => world.left.unclear -= 1,
                _ => world.left.faults -= 1,
            }
        }
        let input = flight.do_effect(world, node, luck);
        flight.go_on(world, node, input);
    }

    pub(crate) fn heard(world: &mut World, node: u8, answer: Option<Answer>, sent: bool) {
        let Some(mut flight) = world.node_mut(node).renewal.take() else { return };
        let reply = match answer {
            Some(Answer::Pair(pair)) => {
                flight.issued = Some(pair);
                if world.mutant == Some(Mutant::UsedBeforeDurable) {
                    laws::calling(world, pair);
                }
                RefreshReply::Issued { same_bot: true }
            }
            Some(Answer::Refused) => RefreshReply::InvalidGrant,
            Some(Answer::Revoked) => RefreshReply::Ambiguous,
            None if sent => RefreshReply::Ambiguous,
            None => RefreshReply::NotSent,
        };
        if reply == RefreshReply::InvalidGrant && world.mutant == Some(Mutant::InvalidGrantIsFinal) {
            return flight.give_up_at_once(world, node);
        }
        flight.go_on(world, node, Input::Replied(reply));
    }

    /// A mutant's: the refresh token was refused, so the grant is given up.
    fn give_up_at_once(self, world: &mut World, node: u8) {
        let Some((generation, _)) = self.read else { return };
        let state = GrantState::ReconnectNeeded;
        if world.store.set_state(self.grant, generation, state) == Committed::Done {
            laws::giving_up(world, self.grant, node);
        }
        if let Some(epoch) = self.lease {
            world.store.release_lease(self.grant, epoch, "invalid_grant");
        }
    }

    /// The machine says what is next; a request goes out at once, for nobody looks at the clock in between.
    fn go_on(mut self, world: &mut World, node: u8, input: Input) {
        self.effect = self.machine.step(at(world.now), input);
        while let Some(input) = self.by_itself(world.now) {
            self.effect = self.machine.step(at(world.now), input);
        }
        if self.effect == Effect::ReadCandidates {
            self.began = world.store.made;
        }
        match self.effect {
            Effect::Done(outcome) => {
                if matches!(outcome, Outcome::Renewed | Outcome::Good | Outcome::TryAgain) {
                    super::call(world, self.grant);
                }
                return;
            }
            Effect::Send => {
                let Some((_, pair)) = self.read else { return };
                laws::sending(world, pair, node);
                self.request = Some(Request::new(Ask::Refresh(pair)));
            }
            _ => {}
        }
        world.node_mut(node).renewal = Some(self);
    }

    /// What comes of an effect that touches nothing that others see.
    fn by_itself(&self, now: i64) -> Option<Input> {
        match self.effect {
            Effect::AskBreaker { .. } => Some(Input::Breaker(Ok(()))),
            Effect::Wait { until } if second(until) <= now + SOON => Some(Input::Woke),
            // It is settled as every candidate that is due.
            Effect::SettleKept => Some(Input::Kept),
            _ => None,
        }
    }

    fn do_effect(&mut self, world: &mut World, node: u8, luck: Luck) -> Input {
        match self.effect {
            Effect::Read => self.read(world),
            Effect::Introspect => {
                let pair = self.read.map(|(_, pair)| pair);
                Input::Introspected(asked(world, pair, luck))
            }
            Effect::TakeLease { expires_at } => self.take_lease(world, node, expires_at, luck),
            Effect::Commit => self.commit(world, luck),
            Effect::KeepAside => self.keep_aside(world),
            Effect::SetState { state, .. } => self.set_state(world, node, state, luck),
            Effect::ReadCandidates => self.read_candidates(world),
            Effect::Probe { candidate } => {
                let pair = self.candidates.get(candidate).map(|(_, pair)| *pair);
                Input::Introspected(asked(world, pair, luck))
            }
            Effect::Adopt { candidate, keep_own } => self.adopt(world, candidate, keep_own, luck),
            Effect::Release { word } => {
                if let Some(epoch) = self.lease.take().filter(|_| luck != Luck::Failed) {
                    world.store.release_lease(self.grant, epoch, word);
                }
                self.turn = false;
                Input::Released
            }
            Effect::Wait { .. } => Input::Woke,
            _ => Input::Failed,
        }
    }

    fn read(&mut self, world: &World) -> Input {
        let grant = world.store.grant(self.grant);
        self.read = grant.pair.map(|pair| (grant.generation, pair));
        Input::Grant(Some(world.store.facts(self.grant, |holder| world.is_gone(holder))))
    }

    fn take_lease(&mut self, world: &mut World, node: u8, expires_at: Timestamp, luck: Luck) -> Input {
        let Some((generation, _)) = self.read else { return Input::Failed };
        self.turn = true;
        let wanted = Held { by: world.holder(node), generation, until: second(expires_at) };
        let lives: Vec<u8> = world.nodes.iter().map(|node| node.life).collect();
        let (now, grant) = (world.now, self.grant);
        let gone = |holder: crate::store::Holder| lives[usize::from(holder.node)] != holder.life;
        if luck == Luck::Failed {
            return Input::Failed;
        }
        let decided = world.store.take_lease(grant, wanted, now, gone);
        if luck == Luck::Unheard {
            return Input::Failed;
        }
        Input::Lease(match decided {
            LeaseDecision::Take { lease, died: None } | LeaseDecision::Taken { lease, over_dead: false } => {
                self.lease = Some(lease.epoch);
                LeaseReply::Taken(lease.epoch)
            }
            LeaseDecision::Take { lease, .. } | LeaseDecision::Taken { lease, .. } => {
                self.lease = Some(lease.epoch);
                LeaseReply::TakenOver(lease.epoch)
            }
            LeaseDecision::Held(held) => {
                self.turn = false;
                LeaseReply::Held(held.expires_at)
            }
            LeaseDecision::Moved => {
                self.turn = false;
                LeaseReply::Moved
            }
        })
    }

    fn commit(&mut self, world: &mut World, luck: Luck) -> Input {
        let (Some((spent, _)), Some(pair)) = (self.read, self.issued) else { return Input::Failed };
        if luck == Luck::Failed {
            return Input::Written(Written::Unknown);
        }
        let (now, mutant) = (world.now, world.mutant);
        let committed = world.store.commit(self.grant, pair, spent, self.lease, now, mutant);
        if luck == Luck::Good && committed == Committed::Done {
            self.issued = None;
        }
        self.written(committed, luck)
    }

    fn keep_aside(&mut self, world: &mut World) -> Input {
        let Some(pair) = self.issued.take() else { return Input::Failed };
        // The mutant believes that whoever has the lease now has a newer pair.
        if world.mutant != Some(Mutant::LeaseInCondition) {
            let (bot, now) = (world.bot_of(pair), world.now);
            world.store.keep(bot, pair, now, now);
        }
        Input::Kept
    }

    fn set_state(&mut self, world: &mut World, node: u8, state: GrantState, luck: Luck) -> Input {
        let Some((generation, _)) = self.read else { return Input::Failed };
        if luck == Luck::Failed {
            return Input::Written(Written::Unknown);
        }
        let before = world.store.grant(self.grant).state;
        let committed = match state {
            GrantState::ReconnectNeeded => {
                let facts = world.store.facts(self.grant, |holder| world.is_gone(holder));
                let open = facts.has_open_refresh(self.lease, at(world.now));
                world.store.give_up(self.grant, generation, &self.candidates, open)
            }
            _ => world.store.set_state(self.grant, generation, state),
        };
        let given_up = state == GrantState::ReconnectNeeded && before != state;
        if given_up && committed == Committed::Done {
            laws::giving_up(world, self.grant, node);
        }
        self.written(committed, luck)
    }

    fn read_candidates(&mut self, world: &World) -> Input {
        let bot = world.store.grant(self.grant).bot;
        let mut found: Vec<_> =
            world.store.candidates.iter().filter(|other| other.bot == bot && !other.adopted).collect();
        found.sort_by_key(|candidate| (std::cmp::Reverse(candidate.issued), candidate.id));
        self.candidates = found.into_iter().map(|candidate| (candidate.id, candidate.pair)).collect();
        Input::Candidates(self.candidates.len())
    }

    fn adopt(&mut self, world: &mut World, candidate: usize, keep_own: bool, luck: Luck) -> Input {
        let (Some((spent, _)), Some((id, _))) = (self.read, self.candidates.get(candidate).copied()) else {
            return Input::Failed;
        };
        if luck == Luck::Failed {
            return Input::Written(Written::Unknown);
        }
        let now = world.now;
        if let (true, Some(own)) = (keep_own, world.store.grant(self.grant).pair) {
            let (bot, issued) = (world.store.grant(self.grant).bot, world.store.grant(self.grant).issued);
            world.store.keep(bot, own, issued, now);
        }
        let committed = world.store.adopt(id, self.grant, spent, now);
        self.written(committed, luck)
    }

    fn written(&self, committed: Committed, luck: Luck) -> Input {
        Input::Written(match committed {
            _ if luck == Luck::Unheard => Written::Unknown,
            Committed::Done => Written::Done,
            Committed::Moved(_) => Written::Moved,
            Committed::Tombstoned => Written::Tombstoned,
        })
    }
}

/// What Notion says of a pair's access token.
pub(crate) fn asked(world: &World, pair: Option<PairId>, luck: Luck) -> Introspected {
    match pair {
        _ if luck != Luck::Good => Introspected::Unclear,
        Some(pair) if world.notion.introspect(pair) => Introspected::Active,
        _ => Introspected::Inactive,
    }
}
