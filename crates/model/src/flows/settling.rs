//! A settlement: `lifecycle::Settlement` says what becomes of a pair that nobody uses, as `gateway/settle.rs` asks it.

use lifecycle::{Rival, SettleEffect, Settlement};

use super::renewing::asked;
use super::{AGAIN, Ending, Target, Task};
use crate::Mutant;
use crate::notion::PairId;
use crate::store::Candidate;
use crate::world::{Luck, World};

/// What stands on the same authorization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Standing {
    Grant { id: u8, generation: u64 },
    Waiting { candidate: u8 },
    Nothing,
}

/// A settlement on its way.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Settling {
    candidate: u8,
    pair: PairId,
    standing: Standing,
    rival: Option<PairId>,
    machine: Settlement,
    effect: SettleEffect,
}

impl Settling {
    /// Reads the candidate, and what stands beside it.
    pub(crate) fn begin(world: &mut World, node: u8, candidate: u8) {
        let Some(due) = world.store.candidate(candidate).copied() else { return };
        if due.adopted {
            // The grant that took the pair over goes on with it, or ends it.
            return world.store.delete(candidate);
        }
        let (standing, rival, other) = rival_of(world, &due);
        let (machine, effect) = begin_machine(world, &due, rival, other);
        let settling = Self { candidate, pair: due.pair, standing, rival: other, machine, effect };
        world.node_mut(node).task = Some(Task::Settling(settling));
    }

    pub(crate) fn kind(&self) -> (bool, bool) {
        match self.effect {
            SettleEffect::AskPair | SettleEffect::AskRival => (false, true),
            SettleEffect::End => (false, false),
            SettleEffect::Replace | SettleEffect::Drop | SettleEffect::Keep(_) => (true, false),
        }
    }

    pub(crate) fn perform(mut self, world: &mut World, node: u8, luck: Luck) {
        let about = match self.effect {
            SettleEffect::AskPair => Some(self.pair),
            SettleEffect::AskRival => self.rival,
            SettleEffect::End => {
                let ending = Ending::of(Target::Candidate(self.candidate), self.pair);
                world.node_mut(node).task = Some(Task::Ending(ending));
                return;
            }
            _ => return self.finish(world, luck),
        };
        self.effect = self.machine.told(asked(world, about, luck));
        world.node_mut(node).task = Some(Task::Settling(self));
    }

    /// A write that fails leaves the candidate due, later.
    fn finish(self, world: &mut World, luck: Luck) {
        let now = world.now;
        if luck == Luck::Failed {
            return world.store.postpone(self.candidate, now + AGAIN);
        }
        match (self.effect, self.standing) {
            (SettleEffect::Replace, Standing::Grant { id, generation }) => {
                world.store.adopt(self.candidate, id, generation, now);
            }
            (SettleEffect::Replace, Standing::Waiting { candidate }) => {
                world.store.hand_over(self.candidate, candidate);
            }
            (SettleEffect::Drop, _) => world.store.delete(self.candidate),
            (SettleEffect::Keep(wait), _) => {
                let wait = i64::try_from(wait.as_secs()).unwrap_or(AGAIN);
                world.store.postpone(self.candidate, now + wait);
            }
            _ => {}
        }
    }
}

/// The live grant comes first, then a candidate that a pending connection waits for.
fn rival_of(world: &World, due: &Candidate) -> (Standing, Rival, Option<PairId>) {
    if let Some(id) = world.store.live_grant(due.bot) {
        let grant = world.store.grant(id);
        let renewing = grant.lease.is_some_and(|held| held.until > world.now);
        let rival = Rival::Grant { state: grant.state, renewing };
        return (Standing::Grant { id, generation: grant.generation }, rival, grant.pair);
    }
    let waits = |other: &&Candidate| other.bot == due.bot && other.id != due.id && other.of.is_some();
    match world.store.candidates.iter().find(waits) {
        Some(other) => {
            // One that a grant took over is not to come back.
            let pair = Some(other.pair).filter(|_| !other.adopted);
            (Standing::Waiting { candidate: other.id }, Rival::Waiting, pair)
        }
        None => (Standing::Nothing, Rival::Nobody, None),
    }
}

fn begin_machine(
    world: &World,
    due: &Candidate,
    rival: Rival,
    other: Option<PairId>,
) -> (Settlement, SettleEffect) {
    let (machine, effect) = Settlement::begin(rival, other == Some(due.pair));
    let by_clock = match rival {
        Rival::Grant { .. } => world.store.live_grant(due.bot).map(|id| world.store.grant(id).issued),
        Rival::Waiting | Rival::Stranger | Rival::Nobody => None,
    };
    match (world.mutant, by_clock) {
        (Some(Mutant::UnredeemedIsRevoked), _) => Settlement::begin(Rival::Nobody, false),
        (Some(Mutant::NewestByClock), Some(issued)) if due.issued >= issued => {
            (machine, SettleEffect::Replace)
        }
        (Some(Mutant::NewestByClock), Some(_)) => (machine, SettleEffect::Drop),
        _ => (machine, effect),
    }
}
