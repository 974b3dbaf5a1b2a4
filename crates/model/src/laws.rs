//! What must hold whatever happens. A law that is broken is written down in the world, and the search shows how it came to that.

use lifecycle::{GrantState, LISTEN_MAX};

use crate::notion::PairId;
use crate::store::{Connection, Holder, Stage};
use crate::world::{Action, Ask, Orphan, World};

/// Nothing that a living process does ends the last pair that works and that somebody has. What Notion does, what the wire loses
/// and what a kill takes along is no process's doing: under a strict Notion that is the window which cannot be closed.
const LOST: &str = "the only pair that works was let go of";
const REVIVED: &str = "a grant that was ended came back";
const WENT_BACK: &str = "a generation went back";
const FOREIGN: &str = "a grant holds another bot's pair";
const EARLY: &str = "a token was used before it was durable";
const REVOKED: &str = "a live connection was revoked";
const GIVEN_UP: &str = "a grant was given up though something of it works";
const GUESSED: &str = "a grant was given up though an answer may still come";
const SPENT: &str = "a refresh token was sent though what it had given was on record";
const CROSSED: &str = "a refresh token was sent while another sending of it had not been answered";

/// Judges one step.
pub(crate) fn judge(before: &World, after: &mut World, action: Action) {
    let ours = matches!(
        action,
        Action::Step(..) | Action::Hear(..) | Action::Refuse(_) | Action::Disconnect(_) | Action::Renew(..)
    ) || matches!(action, Action::Redeem(..) | Action::Settle(..) | Action::End(..));
    if ours && works(before) && !works(after) && is_wanted(after) {
        after.breaks(LOST);
    }
    judge_grants(before, after);
}

/// Whether a connection stands on the authorization that Notion has, or waits to.
fn is_wanted(world: &World) -> bool {
    let wants = |connection: &Connection| match connection.stage {
        Stage::Active { grant } => Some(world.store.grant(grant).bot) == world.notion.bot(),
        Stage::Pending => true,
        Stage::Ended => false,
    };
    world.store.connections.iter().any(wants)
}

/// Whether somebody has a pair that works.
fn works(world: &World) -> bool {
    world.held().into_iter().any(|pair| world.notion.lives(pair))
}

fn judge_grants(before: &World, after: &mut World) {
    let mut broken = None;
    for (was, is) in before.store.grants.iter().zip(&after.store.grants) {
        if was.state == GrantState::Tombstone
            && (is.state != GrantState::Tombstone || (is.pair.is_some() && is.pair != was.pair))
        {
            broken = Some(REVIVED);
        }
        if is.generation < was.generation {
            broken = Some(WENT_BACK);
        }
        if is.pair.is_some_and(|pair| after.bot_of(pair) != is.bot) {
            broken = Some(FOREIGN);
        }
    }
    if let Some(law) = broken {
        after.breaks(law);
    }
}

/// A pair's access token goes to Notion's API.
pub(crate) fn calling(world: &mut World, pair: PairId) {
    if world.durable & (1 << pair) == 0 {
        world.breaks(EARLY);
    }
}

/// A revocation reaches Notion.
pub(crate) fn revoking(world: &mut World, pair: PairId) {
    let bot = world.bot_of(pair);
    let stands_on = |grant: u8| world.store.grant(grant).bot == bot;
    let live = world
        .store
        .connections
        .iter()
        .any(|it| matches!(it.stage, Stage::Active { grant } if stands_on(grant)));
    if live && world.notion.introspect(pair) {
        world.breaks(REVOKED);
    }
}

/// A grant was given up: neither its own pair nor a consent's may work, and no answer may still come.
pub(crate) fn giving_up(world: &mut World, id: u8, by: u8) {
    let grant = world.store.grant(id);
    let own = grant.pair.is_some_and(|pair| world.notion.lives(pair));
    let kept = world.store.candidates.iter().filter(|candidate| candidate.bot == grant.bot);
    let candidate = kept.into_iter().any(|candidate| world.notion.introspect(candidate.pair));
    let listens = |node: u8| {
        let renewal = world.node(node).renewal.as_ref();
        node != by && renewal.is_some_and(|it| it.listens_for(grant.pair) && is_recent(world, id, node))
    };
    let answer = (0..world.node_count()).any(listens);
    if own || candidate {
        world.breaks(GIVEN_UP);
    }
    if answer {
        world.breaks(GUESSED);
    }
}

/// Whether what this process sent for the grant may still be answered.
fn is_recent(world: &World, id: u8, node: u8) -> bool {
    let by = world.holder(node);
    let listen = i64::try_from(LISTEN_MAX.as_secs()).unwrap_or(i64::MAX);
    let attempts = &world.store.grant(id).attempts;
    attempts.iter().any(|attempt| attempt.by == by && attempt.started + listen > world.now)
}

/// A refresh token goes out. Where a token that is sent twice ends the authorization, two sendings must not cross: an earlier one
/// is waited for until its lease ran out, a dead process's for a moment.
pub(crate) fn sending(world: &mut World, pair: PairId, by: u8) {
    let crosses = |node: u8| {
        let renewal = world.node(node).renewal.as_ref();
        node != by
            && renewal.is_some_and(|it| it.listens_for(Some(pair)) && is_leased(world, world.holder(node)))
    };
    let orphan = world.orphans.contains(&Orphan { ask: Ask::Refresh(pair), leased: true });
    let crossed = orphan || (0..world.node_count()).any(crosses);
    let spent = world.notion.given_by(pair).any(|next| world.durable & (1 << next) != 0);
    if crossed {
        world.breaks(CROSSED);
    }
    if spent {
        world.breaks(SPENT);
    }
}

/// Whether a lease that this process took has not run out.
pub(crate) fn is_leased(world: &World, by: Holder) -> bool {
    let life = i64::try_from(lifecycle::LEASE_LIFE.as_secs()).unwrap_or(i64::MAX);
    let mut attempts = world.store.grants.iter().flat_map(|grant| &grant.attempts);
    attempts
        .any(|attempt| attempt.by == by && attempt.outcome.is_none() && attempt.started + life > world.now)
}
