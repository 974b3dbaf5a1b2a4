//! The end of a pair at Notion, as `gateway/settle.rs` brings it about: a token that has merely run out is refreshed once more, only
//! to have one to revoke with.

use super::renewing::asked;
use super::{AGAIN, Task};
use crate::Mutant;
use crate::notion::PairId;
use crate::store::Turn;
use crate::world::{Answer, Ask, Luck, Request, World};
use lifecycle::Introspected;

/// How long a revocation waits while a consent is exchanged, in seconds.
const TURN: i64 = 5;

/// Whose pair it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Target {
    Candidate(u8),
    Grant(u8),
}

/// An end on its way.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Ending {
    pub(crate) target: Target,
    pair: PairId,
    /// The candidate that holds the pair which is revoked instead.
    instead: Option<u8>,
    /// The pair that waits for its turn to be revoked.
    revokes: Option<PairId>,
    pub(crate) request: Option<Request>,
}

impl Ending {
    pub(crate) fn of(target: Target, pair: PairId) -> Self {
        Self { target, pair, instead: None, revokes: None, request: None }
    }

    pub(crate) fn kind(&self) -> (bool, bool) {
        (false, self.revokes.is_none())
    }

    /// Asks whether the token is active; then for the turn to revoke it.
    pub(crate) fn perform(mut self, world: &mut World, node: u8, luck: Luck) {
        if let Some(pair) = self.revokes.take() {
            return self.revoke(world, node, pair);
        }
        match asked(world, Some(self.pair), luck) {
            Introspected::Active => self.revokes = Some(self.pair),
            Introspected::Inactive => self.request = Some(Request::new(Ask::Refresh(self.pair))),
            Introspected::Throttled(_) | Introspected::Unclear => return self.postpone(world, AGAIN),
        }
        world.node_mut(node).task = Some(Task::Ending(self));
    }

    /// Exchanges and revocations take turns; and what came meanwhile decides.
    fn revoke(mut self, world: &mut World, node: u8, pair: PairId) {
        let (bot, now) = (world.bot_of(pair), world.now);
        match (world.store.begin_revocation(bot, now), world.mutant) {
            (Turn::Begun, _) | (_, Some(Mutant::UnredeemedIsRevoked)) => {
                self.request = Some(Request::new(Ask::Revoke(pair)));
                world.node_mut(node).task = Some(Task::Ending(self));
            }
            // The newer pair is a candidate like any other by now.
            _ if self.instead.is_some() => self.finish(world),
            (Turn::Exchanging, _) => self.postpone(world, TURN),
            (Turn::Shared, _) => self.postpone(world, 0),
        }
    }

    pub(crate) fn heard(mut self, world: &mut World, node: u8, answer: Option<Answer>) {
        match answer {
            Some(Answer::Revoked) => {
                world.store.end_revocation();
                if let Some(instead) = self.instead {
                    world.store.delete(instead);
                }
                self.finish(world);
            }
            // The pair is kept until it is revoked; then the older one is of no use.
            Some(Answer::Pair(pair)) => {
                let (bot, now) = (world.bot_of(pair), world.now);
                self.instead = Some(world.store.keep(bot, pair, now, now));
                self.revokes = Some(pair);
                world.node_mut(node).task = Some(Task::Ending(self));
            }
            Some(Answer::Refused) => self.finish(world),
            None if self.instead.is_some() => self.finish(world),
            None => self.postpone(world, AGAIN),
        }
    }

    fn finish(self, world: &mut World) {
        match self.target {
            Target::Candidate(id) => world.store.delete(id),
            Target::Grant(id) => world.store.grant_mut(id).pair = None,
        }
    }

    fn postpone(self, world: &mut World, wait: i64) {
        let until = world.now + wait;
        match self.target {
            Target::Candidate(id) => world.store.postpone(id, until),
            Target::Grant(id) => world.store.grant_mut(id).revoke_after = until,
        }
    }
}
