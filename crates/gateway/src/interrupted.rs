//! Consents whose code a process was exchanging when it ended. What Notion gave for it is lost, if it gave anything, and that is told.
//! It may have ended the pair of a connection that the same person has: those of the same user of the app are asked about, for no
//! call would find out before the next one.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
use store::records::{Actor, Attempt, Door, Event, EventKind, Step};
use store::{ConnectionFilter, PageRequest};

use crate::link::after;
use crate::{Error, Gateway, access};

/// How many attempts are looked into in one round, and how long it waits for Notion. What was asked goes on without it.
const ROUND_MAX: usize = 100;
const ROUND: Duration = Duration::from_secs(1);
/// Of how many connections of one user it is asked.
const CONNECTIONS_MAX: usize = 100;
/// What was sent just before the end may be done a little later: then it is asked once more.
const ON_ITS_WAY: Duration = Duration::from_secs(5);

const NOTE: &str = "The process ended while it exchanged the code, so what Notion gave is lost, if it gave anything. Nothing was connected: open a new link.";

/// Ends the attempts whose process ended in the middle of their exchange, after it was asked about what they may have ended: so
/// that is asked again if this process ends as well.
pub(crate) async fn end_exchanges(gateway: &Gateway) -> Result<(), Error> {
    let found = gateway.store.interrupted_exchanges(gateway.world.now(), ROUND_MAX).await?;
    let deadline = after(gateway.world.now(), ROUND);
    join_all(found.iter().map(|attempt| look_into(gateway, attempt, deadline))).await;
    for attempt in found {
        match tell(gateway, &attempt).await {
            Ok(true) => look_once_more(gateway, attempt),
            Ok(false) => {}
            // It stays on record, and keeps nothing else from being done.
            Err(error) => {
                tracing::error!(event = "exchange.interrupted", attempt = attempt.id, why = %error);
            }
        }
    }
    Ok(())
}

async fn tell(gateway: &Gateway, attempt: &Attempt) -> Result<bool, Error> {
    let now = gateway.world.now();
    let step = Step::failed(now, Actor::Vestibule, Actor::Notion, "Exchange the code", NOTE);
    let connection_id = match &attempt.door {
        Door::Session { reconnect, .. } => reconnect.clone(),
        Door::NotionShaped { .. } => None,
    };
    let event = Event {
        connection_id,
        attempt_id: Some(attempt.id.clone()),
        note: Some(NOTE.to_owned()),
        ..gateway.event(EventKind::ConsentInterrupted, &attempt.client_id)
    };
    tracing::warn!(event = "exchange.interrupted", attempt = attempt.id);
    Ok(gateway.store.end_interrupted_exchange(&attempt.id, &step, &event).await?)
}

fn look_once_more(gateway: &Gateway, attempt: Attempt) {
    let inner = gateway.clone();
    gateway.world.spawn(async move {
        let at = after(inner.world.now(), ON_ITS_WAY);
        inner.world.sleep_until(at).await;
        look_into(&inner, &attempt, after(at, ROUND)).await;
    });
}

/// Asks about the pairs of whoever the attempt's link was for.
async fn look_into(gateway: &Gateway, attempt: &Attempt, deadline: Timestamp) {
    let looked = async {
        let grants = at_stake(gateway, attempt).await?;
        let each = grants.iter().map(|grant_id| access::look_into(gateway, grant_id, deadline));
        join_all(each).await.into_iter().collect::<Result<(), Error>>()
    };
    if let Err(error) = looked.await {
        tracing::warn!(event = "exchange.interrupted", attempt = attempt.id, why = %error);
    }
}

/// The grants of the user's connections. At the Notion-shaped door nobody knows whose the link was.
async fn at_stake(gateway: &Gateway, attempt: &Attempt) -> Result<BTreeSet<String>, Error> {
    let Door::Session { end_user, .. } = &attempt.door else { return Ok(BTreeSet::new()) };
    let filter = ConnectionFilter { end_user: Some(end_user.clone()), ..ConnectionFilter::default() };
    let page = PageRequest { after: None, size: CONNECTIONS_MAX };
    let found = gateway.store.list_connections(&attempt.client_id, &filter, &page).await?;
    Ok(found.sound().into_iter().filter_map(|view| view.connection.grant_id).collect())
}
