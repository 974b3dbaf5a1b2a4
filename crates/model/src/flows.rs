//! What a process does besides holding still: a renewal, driven by `lifecycle::Renewal`, and one other thing at a time. Each flow
//! performs the effects that its machine asks for, one a step, as the gateway's interpreters do; between any two steps
//! everything else may happen.

mod ending;
mod redeeming;
mod renewing;
mod settling;

use crate::laws;
use crate::notion::{Bot, PairId};
use crate::world::{Answer, Ask, Luck, Request, World};

pub(crate) use ending::{Ending, Target};
pub(crate) use redeeming::Redeeming;
pub(crate) use renewing::Renewing;
pub(crate) use settling::Settling;

/// When a pair that could not be settled is tried again, in seconds.
pub(crate) const AGAIN: i64 = 300;

/// The one other thing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Task {
    /// A code is exchanged: it is on record, and waits for revocations before it is sent.
    Exchanging {
        id: u8,
        user: u8,
        request: Option<Request>,
    },
    /// What it brought is saved.
    Saving {
        id: u8,
        user: u8,
        bot: Bot,
        pair: PairId,
        saved: bool,
    },
    Redeeming(Redeeming),
    Settling(Settling),
    Ending(Ending),
}

impl Task {
    /// Whether it is work that a renewal of the same process waits for.
    pub(crate) fn holds_turn(&self) -> bool {
        matches!(self, Self::Ending(ending) if matches!(ending.target, Target::Grant(_)))
    }

    pub(crate) fn request(&self) -> Option<Request> {
        match self {
            Self::Exchanging { request, .. } => *request,
            Self::Ending(ending) => ending.request,
            Self::Saving { .. } | Self::Redeeming(_) | Self::Settling(_) => None,
        }
    }

    pub(crate) fn request_mut(&mut self) -> Option<&mut Option<Request>> {
        match self {
            Self::Exchanging { request, .. } => Some(request),
            Self::Ending(ending) => Some(&mut ending.request),
            Self::Saving { .. } | Self::Redeeming(_) | Self::Settling(_) => None,
        }
    }

    /// A pair that is nowhere else.
    pub(crate) fn in_hand(&self) -> Option<PairId> {
        match self {
            Self::Saving { pair, .. } => Some(*pair),
            _ => None,
        }
    }

    /// Whether its next step is a write, or a question to Notion.
    pub(crate) fn kind(&self) -> (bool, bool) {
        match self {
            Self::Exchanging { .. } => (false, false),
            Self::Saving { .. } => (true, false),
            Self::Redeeming(redeeming) => redeeming.kind(),
            Self::Settling(settling) => settling.kind(),
            Self::Ending(ending) => ending.kind(),
        }
    }

    pub(crate) fn perform(world: &mut World, node: u8, luck: Luck) {
        if luck == Luck::Unheard || luck == Luck::Failed {
            match world.node(node).task.as_ref().map(Self::kind) {
                Some((true, _)) => world.left.faults -= 1,
                _ => world.left.unclear -= 1,
            }
        }
        let may_exchange = world.store.may_exchange(world.now);
        match world.node_mut(node).task.take() {
            Some(Self::Exchanging { id, user, request: None }) if may_exchange => {
                let request = Some(Request::new(Ask::Exchange));
                world.node_mut(node).task = Some(Self::Exchanging { id, user, request });
            }
            Some(saving @ Self::Saving { .. }) => save(world, node, saving, luck),
            Some(Self::Redeeming(redeeming)) => redeeming.perform(world, node, luck),
            Some(Self::Settling(settling)) => settling.perform(world, node, luck),
            Some(Self::Ending(ending)) => ending.perform(world, node, luck),
            other => world.node_mut(node).task = other,
        }
    }

    pub(crate) fn heard(world: &mut World, node: u8, answer: Option<Answer>) {
        match world.node_mut(node).task.take() {
            Some(Self::Exchanging { id, user, .. }) => match answer {
                Some(Answer::Pair(pair)) => {
                    let bot = world.bot_of(pair);
                    world.node_mut(node).task = Some(Self::Saving { id, user, bot, pair, saved: false });
                }
                _ => world.store.end_exchange(id),
            },
            Some(Self::Ending(ending)) => ending.heard(world, node, answer),
            other => world.node_mut(node).task = other,
        }
    }

    /// Begins to end a tombstone at Notion. If anything else stands on the authorization its pair is kept, to be settled with that.
    pub(crate) fn end_grant(world: &mut World, node: u8, id: u8) {
        let grant = world.store.grant(id);
        let (bot, issued) = (grant.bot, grant.issued);
        let Some(pair) = grant.pair else { return };
        let alone = world.store.live_grant(bot).is_none()
            && world.store.candidates.iter().all(|candidate| candidate.bot != bot);
        if alone {
            world.node_mut(node).task = Some(Self::Ending(Ending::of(Target::Grant(id), pair)));
        } else {
            let now = world.now;
            world.store.keep(bot, pair, issued, now);
            world.store.grant_mut(id).pair = None;
        }
    }
}

/// The store is asked until it answers, for the pair exists nowhere else. What it has saved already it does not save again.
fn save(world: &mut World, node: u8, saving: Task, luck: Luck) {
    let Task::Saving { id, user, bot, pair, saved } = saving else { return };
    let now = world.now;
    if luck != Luck::Failed && !saved {
        world.store.arrive(user, bot, pair, now);
        world.store.end_exchange(id);
    }
    if luck != Luck::Good {
        let saved = saved || luck == Luck::Unheard;
        world.node_mut(node).task = Some(Task::Saving { id, user, bot, pair, saved });
    }
}

/// A call goes through with what the row of a grant holds.
pub(crate) fn call(world: &mut World, grant: u8) {
    if let Some(pair) = world.store.grant(grant).pair {
        laws::calling(world, pair);
    }
}
