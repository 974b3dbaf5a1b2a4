//! Connections, once they are there: shown, given to another user, refreshed by order, asked about, ended, erased.
//! Whoever wants such a thing of a connection asks here; the doors only translate.

mod show;

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use futures_util::future::join_all;
use lifecycle::Introspected;
use store::records::{Candidate, ConnectionState, ConnectionView, Event, EventKind, Listed};
use store::{ConnectionFilter, Disconnected, Erased, PageRequest};

use crate::link::after;
use crate::proxy::PATIENCE;
use crate::settle::Settled;
use crate::world::Task;
use crate::{Error, Gateway, access, settle, vault};

pub(crate) use show::{damaged, shown};

/// How many authorizations of one person are ended at a time: each takes two or three calls of Notion, one after the other.
const AT_ONCE: usize = 3;

/// The connection, ended ones too.
pub(crate) async fn find(gateway: &Gateway, client_id: &str, id: &str) -> Result<ConnectionView, Error> {
    gateway.store.find_connection(client_id, id).await?.ok_or(Error::NotFound("connection"))
}

/// Gives it to another user of the app.
pub(crate) async fn rename(
    gateway: &Gateway,
    client_id: &str,
    id: &str,
    end_user: &str,
) -> Result<ConnectionView, Error> {
    let event =
        Event { connection_id: Some(id.to_owned()), ..gateway.event(EventKind::EndUserChanged, client_id) };
    let changed = gateway.store.update_end_user(client_id, id, end_user, &event).await?;
    let view = find(gateway, client_id, id).await?;
    if changed { Ok(view) } else { Err(Error::Disconnected) }
}

/// Ends a connection. The tombstone is stored first; then a refresh on its way is waited out and the revocation tried once, and
/// again later if Notion does not take it. That runs to its end even if the caller goes away, who waits for it no longer than
/// for anything.
pub(crate) async fn end(gateway: &Gateway, client_id: &str, id: &str) -> Result<Disconnected, Error> {
    let (inner, client_id, id) = (gateway.clone(), client_id.to_owned(), id.to_owned());
    let stored = async move {
        let event =
            Event { connection_id: Some(id.clone()), ..inner.event(EventKind::Disconnected, &client_id) };
        let done = inner.store.disconnect(&client_id, &id, &event, inner.world.now()).await?;
        failpoints::hit(failpoints::Point::DisconnectStored);
        let (ended, due) = match &done {
            Disconnected::GrantEnded(grant) => (vec![grant.id.clone()], Vec::new()),
            Disconnected::WasPending(Some(candidate)) => (Vec::new(), vec![candidate.as_ref().clone()]),
            Disconnected::WasPending(None)
            | Disconnected::GrantKept
            | Disconnected::Already
            | Disconnected::Unknown => (Vec::new(), Vec::new()),
        };
        Ok((done, begin_settling(&inner, ended, due)))
    };
    let (done, settling) = gateway.uninterrupted(stored).await?;
    for_a_while(gateway, settling).await?;
    Ok(done)
}

/// Erases one of the app's users, whatever stage their connections are in. All that names them is gone before anybody is waited
/// for; then what they gave is revoked at Notion, or tried again until Notion takes it.
pub(crate) async fn erase(gateway: &Gateway, client_id: &str, end_user: &str) -> Result<Erased, Error> {
    let (inner, client_id, end_user) = (gateway.clone(), client_id.to_owned(), end_user.to_owned());
    let stored = async move {
        let event = inner.event(EventKind::Erased, &client_id);
        let now = inner.world.now();
        let erased = inner.store.erase_end_user(&client_id, &end_user, &event, now).await?;
        let settling = begin_settling(&inner, erased.ended.clone(), erased.due.clone());
        Ok((erased, settling))
    };
    let (erased, settling) = gateway.uninterrupted(stored).await?;
    for_a_while(gateway, settling).await?;
    Ok(erased)
}

type Settling = Task<Result<(), Error>>;

/// Settles what was ended, in a task that outlives whoever asked.
fn begin_settling(gateway: &Gateway, ended: Vec<String>, due: Vec<Candidate>) -> Settling {
    let (outer, inner) = (gateway.clone(), gateway.clone());
    let work = async move { settle_ended(&inner, ended, due).await };
    gateway.world.spawn(async move { outer.uninterrupted(work).await })
}

/// Waits for it as long as a caller does: a refresh on its way may take minutes, and ends without them.
async fn for_a_while(gateway: &Gateway, settling: Settling) -> Result<(), Error> {
    let deadline = after(gateway.world.now(), PATIENCE);
    tokio::select! {
        biased;
        done = settling => done.unwrap_or(Err(Error::Internal)),
        () = gateway.world.sleep_until(deadline) => Ok(()),
    }
}

/// A few at a time, so that one that waits for Notion keeps no other waiting.
async fn settle_ended(gateway: &Gateway, ended: Vec<String>, due: Vec<Candidate>) -> Result<(), Error> {
    let due = due.into_iter().map(|candidate| Ended::Pair(Box::new(candidate)));
    let left = Mutex::new(ended.into_iter().map(Ended::Grant).chain(due).collect());
    join_all((0..AT_ONCE).map(|_| settle_each(gateway, &left))).await.into_iter().collect()
}

/// What ended with a connection, and is to be settled.
enum Ended {
    Grant(String),
    Pair(Box<Candidate>),
}

/// Takes one after the other. What is left when Notion does not answer stays due.
async fn settle_each(gateway: &Gateway, left: &Mutex<VecDeque<Ended>>) -> Result<(), Error> {
    let left = || left.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let next = left().pop_front();
        let settled = match next {
            None => return Ok(()),
            Some(Ended::Grant(id)) => settle::tombstone_now(gateway, &id).await?,
            Some(Ended::Pair(candidate)) => settle::candidate_now(gateway, &candidate).await?,
        };
        if settled == Settled::Unanswered {
            left().clear();
        }
    }
}

/// Refreshes it because somebody asked.
pub(crate) async fn refresh(gateway: &Gateway, client_id: &str, id: &str) -> Result<ConnectionView, Error> {
    let grant_id = usable_grant(&find(gateway, client_id, id).await?)?;
    access::force(gateway, &grant_id, after(gateway.world.now(), PATIENCE)).await?;
    find(gateway, client_id, id).await
}

/// Whether Notion calls its access token active, and what the token may do.
pub(crate) async fn introspect(
    gateway: &Gateway,
    client_id: &str,
    id: &str,
) -> Result<(bool, Option<String>), Error> {
    let grant_id = usable_grant(&find(gateway, client_id, id).await?)?;
    let grant = gateway.store.find_grant(&grant_id).await?.ok_or(Error::Disconnected)?;
    let pair = vault::open_grant(gateway, &grant)?.ok_or_else(|| access::tokenless(&grant))?;
    let (_, integration) = gateway.config.by_client_id(client_id).ok_or(Error::NotFound("integration"))?;
    let (told, scope) = gateway.notion.introspection(integration, &pair.access_token).await;
    match told {
        Introspected::Active => Ok((true, scope)),
        Introspected::Inactive => Ok((false, scope)),
        Introspected::Throttled(retry_after) => Err(Error::Renewing { retry_after }),
        Introspected::Unclear => Err(Error::NotionNoAnswer),
    }
}

/// The grant behind a connection that is neither pending nor ended.
fn usable_grant(view: &ConnectionView) -> Result<String, Error> {
    match view.state() {
        ConnectionState::Pending => return Err(Error::Pending),
        ConnectionState::Disconnected => return Err(Error::Disconnected),
        ConnectionState::Damaged => return Err(Error::Damaged("connection's")),
        ConnectionState::Active
        | ConnectionState::Suspect
        | ConnectionState::Degraded
        | ConnectionState::ReconnectNeeded => {}
    }
    view.connection.grant_id.clone().ok_or(Error::Damaged("connection's"))
}

impl Gateway {
    /// How many connections are damaged. Each token is opened: one that does not open shows in no other way.
    ///
    /// # Errors
    /// [`Error::StoreUnavailable`].
    pub async fn damaged(&self) -> Result<usize, Error> {
        let (filter, mut damaged) = (ConnectionFilter::default(), 0);
        for integration in self.config.integrations.values() {
            let mut request = PageRequest { after: None, size: 100 };
            loop {
                let page = self.store.list_connections(&integration.client_id, &filter, &request).await?;
                let is_damaged = |row: &&Listed<_>| match row {
                    Listed::Sound(view) => show::damage(self, view).is_some(),
                    Listed::Damaged(_) => true,
                };
                damaged += page.rows.iter().filter(is_damaged).count();
                request.after = page.next;
                if request.after.is_none() {
                    break;
                }
            }
        }
        Ok(damaged)
    }
}
