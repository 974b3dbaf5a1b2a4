//! Exchanges and revocations of one integration take turns at Notion. Whose pair an exchange will bring nobody knows before it is
//! answered; a revocation that Notion does after it would end that pair too, and with it a connection that somebody just made.
//! The store keeps the turns, so they hold among processes.

use std::time::Duration;

use failpoints::Point;
use jiff::Timestamp;
use store::records::{Attempt, Profile, Step};
use store::{ExchangeStart, Revocation, RevocationStart};

use crate::config::Integration;
use crate::link::after;
use crate::{Error, Gateway, vault};

/// How often a turn is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// A revocation is over after this, answered or not: it is sent within five seconds, and its answer is waited for 30.
const REVOCATION_MAX: Duration = Duration::from_secs(35);
/// How long its turn may be on its way from the store until it is sent; after that an exchange could begin before Notion does it.
const UNSENT_MAX: Duration = Duration::from_secs(5);

/// Begins an attempt's exchange when it is its turn; false if the attempt is gone.
pub(crate) async fn begin_exchange(gateway: &Gateway, attempt: &Attempt, step: &Step) -> Result<bool, Error> {
    loop {
        let now = gateway.world.now();
        match gateway.store.begin_exchange(&attempt.client_id, &attempt.id, &gateway.node, step, now).await? {
            ExchangeStart::Begun => return Ok(true),
            ExchangeStart::Gone => return Ok(false),
            ExchangeStart::Wait(until) => {
                gateway.world.sleep_until(until.min(after(now, LOOK_EVERY))).await;
            }
        }
    }
}

/// Waits for the exchanges that are on their way now: one of them may bring the pair that an authorization's own was ended for.
pub(crate) async fn exchanges_end(gateway: &Gateway, client_id: &str) -> Result<(), Error> {
    let begun_by = gateway.world.now();
    while gateway.store.is_exchanging(client_id, begun_by, gateway.world.now()).await? {
        gateway.world.sleep_until(after(gateway.world.now(), LOOK_EVERY)).await;
    }
    Ok(())
}

/// What came of a revocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Revoked {
    /// Notion took it (an unknown token counts as revoked).
    Done,
    /// Notion said no.
    Refused,
    /// Notion does not answer.
    Unanswered,
    /// An exchange is on its way: it is not this one's turn.
    Exchanging,
    /// Something else stands on the authorization by now.
    Shared,
}

/// Revokes a pair at Notion, if it is its turn and nothing else stands on the authorization.
pub(crate) async fn revoke(
    gateway: &Gateway,
    integration: &Integration,
    profile: &Profile,
    pair: &vault::Pair,
) -> Result<Revoked, Error> {
    let revocation = loop {
        let revocation = revocation(gateway, integration, profile, gateway.world.now());
        match gateway.store.begin_revocation(&revocation).await? {
            RevocationStart::Begun => {}
            RevocationStart::Exchanging => return Ok(Revoked::Exchanging),
            RevocationStart::Shared => return Ok(Revoked::Shared),
        }
        failpoints::hit(Point::RevokeUnsent);
        if gateway.world.now() <= after(revocation.now, UNSENT_MAX) {
            break revocation;
        }
        // The store was slow, or the machine slept: the turn may be over by now.
        gateway.store.end_revocation(&revocation.id).await?;
    };
    let answer = gateway.notion.revoke(integration, &pair.access_token).await;
    failpoints::hit(Point::RevokeAnswered);
    let Ok(taken) = answer else {
        // It may still be done: its turn ends by itself.
        return Ok(Revoked::Unanswered);
    };
    gateway.store.end_revocation(&revocation.id).await?;
    Ok(if taken { Revoked::Done } else { Revoked::Refused })
}

fn revocation(gateway: &Gateway, integration: &Integration, profile: &Profile, now: Timestamp) -> Revocation {
    Revocation {
        id: gateway.world.id("rev"),
        client_id: integration.client_id.clone(),
        profile: profile.clone(),
        now,
        ends_at: after(now, REVOCATION_MAX),
    }
}
