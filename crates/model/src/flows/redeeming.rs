//! A redemption: `lifecycle::Redemption` says where the pair comes to stand, as `gateway/redeem.rs` asks it.

use lifecycle::rows::Redeem;
use lifecycle::{Footing, RedeemEffect, Redemption};

use super::Task;
use super::renewing::asked;
use crate::Mutant;
use crate::notion::PairId;
use crate::store::{Activation, Stage};
use crate::world::{Luck, World};

/// A redemption on its way.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Redeeming {
    connection: u8,
    candidate: u8,
    pair: PairId,
    /// The live grant as it was read: its id, generation and pair.
    live: Option<(u8, u64, Option<PairId>)>,
    machine: Redemption,
    effect: RedeemEffect,
    told: bool,
}

impl Redeeming {
    /// Reads the code, its candidate and the live grant.
    pub(crate) fn begin(world: &mut World, node: u8, connection: u8) {
        let stage = world.store.connection(connection).map(|connection| connection.stage);
        let waiting = world.store.candidates.iter().find(|candidate| candidate.of == Some(connection));
        let (Some(Stage::Pending), Some(waiting)) = (stage, waiting.copied()) else { return };
        let live = world.store.live_grant(waiting.bot).map(|id| (id, world.store.grant(id)));
        if live.is_none() && waiting.adopted {
            // What became of the pair waits to be settled, and takes its place.
            return;
        }
        let state = live.map(|(_, grant)| grant.state);
        let same = live.is_some_and(|(_, grant)| grant.pair == Some(waiting.pair));
        let (machine, effect) = match (world.mutant, live) {
            (Some(Mutant::NewestByClock), Some((_, grant))) => {
                let newer = waiting.issued >= grant.issued;
                let footing = if newer {
                    Footing::Renewed { keep_old: false }
                } else {
                    Footing::Joined { keep_new: false }
                };
                (Redemption::begin(state, same, waiting.adopted).0, RedeemEffect::Stand(footing))
            }
            _ => Redemption::begin(state, same, waiting.adopted),
        };
        let live = live.map(|(id, grant)| (id, grant.generation, grant.pair));
        let redeeming = Self {
            connection,
            candidate: waiting.id,
            pair: waiting.pair,
            live,
            machine,
            effect,
            told: false,
        };
        world.node_mut(node).task = Some(Task::Redeeming(redeeming));
    }

    pub(crate) fn kind(&self) -> (bool, bool) {
        match self.effect {
            RedeemEffect::Stand(_) => (true, false),
            RedeemEffect::AskPair | RedeemEffect::AskGrant => (false, true),
        }
    }

    pub(crate) fn perform(mut self, world: &mut World, node: u8, luck: Luck) {
        let about = match self.effect {
            RedeemEffect::Stand(footing) => return self.stand(world, node, footing, luck),
            RedeemEffect::AskPair => Some(self.pair),
            RedeemEffect::AskGrant => self.live.and_then(|(_, _, pair)| pair),
        };
        self.effect = self.machine.told(asked(world, about, luck));
        world.node_mut(node).task = Some(Task::Redeeming(self));
    }

    /// Whoever does not hear that it was done asks for the same again.
    fn stand(mut self, world: &mut World, node: u8, footing: Footing, luck: Luck) {
        let now = world.now;
        let live = self.live.map(|(id, generation, _)| (id, generation));
        let Self { connection, candidate, pair, told, .. } = self;
        let activation = Activation { connection, candidate, pair, live, footing, told };
        if luck == Luck::Failed {
            world.node_mut(node).task = Some(Task::Redeeming(self));
            return;
        }
        let done = world.store.activate(&activation, now);
        match (done, luck) {
            (Redeem::Moved, Luck::Good) => Self::begin(world, node, connection),
            (_, Luck::Good) => {}
            (done, _) => {
                self.told = self.told || done == Redeem::Store;
                world.node_mut(node).task = Some(Task::Redeeming(self));
            }
        }
    }
}
