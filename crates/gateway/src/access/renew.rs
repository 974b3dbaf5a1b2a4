//! Carries out a renewal: each effect that `lifecycle::Renewal` asks for is done here, and what came of it handed back.
//! Nothing is decided in this file. A pair that was issued exists nowhere else until it is stored.

use std::time::Duration;

use failpoints::Point;
use jiff::Timestamp;
use lifecycle::{
    Breaker, Effect, GrantState, Input, Introspected, Lease, LeaseReply, Outcome, RefreshReply, Renewal,
    Trouble, Why, Written,
};
use sealing::Secret;
use store::records::{Candidate, Event, EventKind, Grant, Profile};
use store::{Committed, LeaseTaken, Seen, StoreError};
use tokio::sync::OwnedMutexGuard;

use crate::config::Integration;
use crate::notion::{Renewed, TokenError};
use crate::owners::{self, Owner};
use crate::world::Moment;
use crate::{Error, Gateway, callback, pairs, settle, turns, vault};

/// Refreshes are counted by the hour.
const HOUR: Duration = Duration::from_hours(1);

/// Runs one renewal to its end.
pub(super) async fn run(gateway: &Gateway, grant_id: &str, why: Why) -> Result<Outcome, Error> {
    let mut machine = Renewal::new(why);
    let mut flight = Flight::new(gateway, grant_id, why);
    let mut input = Input::Begin;
    loop {
        match machine.step(gateway.world.now(), input) {
            Effect::Done(outcome) => {
                // The newer pair may be another process's.
                gateway.notice_changes().await?;
                return if outcome == Outcome::Failed {
                    Err(flight.error.take().unwrap_or(Error::Internal))
                } else {
                    Ok(outcome)
                };
            }
            effect => {
                input = flight.perform(effect).await.unwrap_or_else(|error| {
                    flight.error = Some(error);
                    Input::Failed
                });
            }
        }
    }
}

/// What one renewal has in hand.
struct Flight<'g> {
    gateway: &'g Gateway,
    grant_id: &'g str,
    why: Why,
    /// As it was read last, with its pair in the clear.
    read: Option<(Grant, vault::Pair)>,
    /// Held from before the lease is taken until it is let go of.
    turn: Option<OwnedMutexGuard<()>>,
    lease: Option<Lease>,
    /// When Notion's answer had been read.
    answered_at: Option<Moment>,
    /// The row with the pair that was issued, sealed once, and the pair itself.
    issued: Option<(Grant, vault::Pair)>,
    kept: Option<Candidate>,
    candidates: Vec<Candidate>,
    /// The ids of all that waited beside the grant when it was looked: those above, and those that are not its to take.
    seen: Vec<String>,
    error: Option<Error>,
}

impl<'g> Flight<'g> {
    fn new(gateway: &'g Gateway, grant_id: &'g str, why: Why) -> Self {
        Self {
            gateway,
            grant_id,
            why,
            read: None,
            turn: None,
            lease: None,
            answered_at: None,
            issued: None,
            kept: None,
            candidates: Vec::new(),
            seen: Vec::new(),
            error: None,
        }
    }

    async fn perform(&mut self, effect: Effect) -> Result<Input, Error> {
        Ok(match effect {
            Effect::Read => self.read().await?,
            Effect::Introspect => {
                let (grant, pair) = self.in_hand()?;
                Input::Introspected(self.introspect(grant, &pair.access_token).await?)
            }
            Effect::AskBreaker { confirmed } => Input::Breaker(self.ask_breaker(confirmed)?),
            Effect::TakeLease { expires_at } => Input::Lease(self.take_lease(expires_at).await?),
            Effect::Send => Input::Replied(self.send().await?),
            Effect::Commit => Input::Written(self.commit().await?),
            Effect::KeepAside => {
                let (grant, pair) = self.issued.as_ref().ok_or(Error::Internal)?;
                let kept = pairs::keep(self.gateway, &grant.client_id, &grant.profile, grant.issued_at, pair)
                    .await?;
                self.kept = Some(kept);
                Input::Kept
            }
            Effect::SettleKept => {
                let kept = self.kept.as_ref().ok_or(Error::Internal)?;
                settle::candidate_now(self.gateway, kept).await?;
                Input::Kept
            }
            Effect::SetState { state, reason } => Input::Written(self.set_state(state, reason).await?),
            Effect::ReadCandidates => {
                self.read_candidates().await?;
                Input::Candidates(self.candidates.len())
            }
            Effect::Probe { candidate } => {
                let candidate = self.candidates.get(candidate).ok_or(Error::Internal)?;
                // One that does not open serves nobody, and must not block the grant for ever.
                let pair = match vault::open_candidate(self.gateway, candidate) {
                    Ok(pair) => pair,
                    Err(error) => {
                        tracing::error!(event = "candidate.damaged", candidate = candidate.id, why = %error);
                        return Ok(Input::Introspected(Introspected::Inactive));
                    }
                };
                Input::Introspected(self.introspect(self.in_hand()?.0, &pair.access_token).await?)
            }
            Effect::Adopt { candidate, keep_own } => Input::Written(self.adopt(candidate, keep_own).await?),
            Effect::Release { word } => {
                self.release(word).await;
                Input::Released
            }
            Effect::Wait { until } => {
                self.gateway.world.sleep_until(until).await;
                Input::Woke
            }
            Effect::Done(_) => Input::Failed,
        })
    }

    fn in_hand(&self) -> Result<(&Grant, &vault::Pair), Error> {
        self.read.as_ref().map(|(grant, pair)| (grant, pair)).ok_or(Error::Internal)
    }

    fn integration(&self, grant: &Grant) -> Result<&'g Integration, Error> {
        self.gateway
            .config
            .by_client_id(&grant.client_id)
            .map(|(_, i)| i)
            .ok_or(Error::NotFound("integration"))
    }

    async fn read(&mut self) -> Result<Input, Error> {
        let since = self.gateway.world.now().checked_sub(HOUR).unwrap_or(Timestamp::MIN);
        let Some((grant, facts)) = self.gateway.store.find_grant_with_facts(self.grant_id, since).await?
        else {
            return Ok(Input::Grant(None));
        };
        // A tombstone's pair may be gone; nothing is done with it.
        let pair = vault::open_grant(self.gateway, &grant)?;
        if pair.is_none() && grant.state != GrantState::Tombstone {
            return Err(super::tokenless(&grant));
        }
        self.read = pair.map(|pair| (grant, pair));
        Ok(Input::Grant(Some(facts)))
    }

    async fn introspect(&self, grant: &Grant, token: &Secret<String>) -> Result<Introspected, Error> {
        Ok(self.gateway.notion.introspect(self.integration(grant)?, token).await)
    }

    /// What waits beside the grant, of the same person. A pair that the grant took over before is none: what became of it is the
    /// grant's own.
    async fn read_candidates(&mut self) -> Result<(), Error> {
        let gateway = self.gateway;
        let (grant, _) = self.in_hand()?;
        // One that is on its way may bring the pair that this one's was ended for.
        turns::exchanges_end(gateway, &grant.client_id).await?;
        let (mut mine, mut seen) = (Vec::new(), Vec::new());
        for mut candidate in gateway.store.candidates_of(&grant.client_id, &grant.profile).await? {
            seen.push(candidate.id.clone());
            if owners::name(gateway, &mut candidate).await? == Owner::Unanswered {
                // It may be what the grant lives on.
                return Err(Error::NotionNoAnswer);
            }
            if candidate.profile.is_same_owner(&grant.profile) && !candidate.adopted {
                mine.push(candidate);
            }
        }
        (self.candidates, self.seen) = (mine, seen);
        Ok(())
    }

    fn ask_breaker(&self, confirmed: bool) -> Result<Result<(), Duration>, Error> {
        let (grant, _) = self.in_hand()?;
        let (ordered, now) = (matches!(self.why, Why::Forced), self.gateway.world.now());
        let ask = |breaker: &mut Breaker| breaker.ask(self.grant_id, confirmed, ordered, now);
        Ok(self.gateway.renewing.breaker(&grant.client_id, ask))
    }

    async fn take_lease(&mut self, expires_at: Timestamp) -> Result<LeaseReply, Error> {
        let gateway = self.gateway;
        self.turn = Some(gateway.flights.turn(self.grant_id).await);
        failpoints::hit(Point::RefreshUnleased);
        let (grant, _) = self.in_hand()?;
        let (generation, now) = (grant.generation, gateway.world.now());
        let taken = gateway
            .store
            .take_refresh_lease(self.grant_id, generation, &gateway.node, now, expires_at)
            .await?;
        let reply = match taken {
            LeaseTaken::Taken(lease) => {
                failpoints::hit(Point::RefreshLeased);
                return Ok(LeaseReply::Taken(self.lease.insert(lease).epoch));
            }
            LeaseTaken::TakenOver(lease) => {
                return Ok(LeaseReply::TakenOver(self.lease.insert(lease).epoch));
            }
            LeaseTaken::Held(held) => LeaseReply::Held(held.expires_at),
            LeaseTaken::Moved => LeaseReply::Moved,
        };
        self.turn = None;
        Ok(reply)
    }

    async fn release(&mut self, word: &'static str) {
        if let Some(lease) = self.lease.take() {
            // What was committed stands whether or not the lease is let go of: it ends by itself.
            if let Err(error) = self.gateway.store.release_refresh_lease(self.grant_id, &lease, word).await {
                tracing::warn!(event = "refresh.lease_kept", grant = self.grant_id, why = %error);
            }
            failpoints::hit(Point::RefreshReleased);
        }
        self.turn = None;
    }

    async fn send(&mut self) -> Result<RefreshReply, Error> {
        let (grant, pair) = self.in_hand()?;
        let refresh_token = pair.refresh_token.as_ref().ok_or(Error::NoRefreshToken)?;
        failpoints::hit(Point::RefreshUnsent);
        let reply = self.gateway.notion.refresh(self.integration(grant)?, refresh_token).await;
        let answered_at = self.gateway.world.moment();
        self.tell_breaker(grant, &reply);
        let renewed = match reply {
            Ok(renewed) => renewed,
            Err(error) => {
                let reply = error.reply();
                if reply == RefreshReply::InvalidGrant {
                    failpoints::hit(Point::RefreshDenied);
                }
                return Ok(reply);
            }
        };
        let same_bot = renewed.is_of(&grant.profile.bot_id, &grant.profile.workspace_id);
        if same_bot {
            let mut next = vault::Pair::of_tokens(renewed.tokens());
            if next.refresh_token.is_none() {
                // Notion sent none: the old one goes on.
                next.refresh_token =
                    pair.refresh_token.as_ref().map(|old| Secret::new(old.expose().to_owned()));
            }
            let profile = profile(&grant.profile, &renewed);
            let row = Grant { profile, ..pairs::renewed(self.gateway, grant, &next) };
            self.issued = Some((row, next));
            self.answered_at = Some(answered_at);
        } else {
            // It is not this grant's and is never stored. It should not happen; if it does, an operator must know.
            tracing::error!(event = "refresh.foreign_pair", grant = grant.id);
        }
        Ok(RefreshReply::Issued { same_bot })
    }

    fn tell_breaker(&self, grant: &Grant, reply: &Result<Renewed, TokenError>) {
        let now = self.gateway.world.now();
        self.gateway.renewing.breaker(&grant.client_id, |breaker| match reply {
            Ok(_) => breaker.note_good(),
            Err(error) => match error.reply() {
                RefreshReply::ClientRefused => {
                    tracing::error!(event = "refresh.client_refused", client_id = grant.client_id);
                    breaker.note(Trouble::ClientRefused, now);
                }
                RefreshReply::Throttled(wait) => breaker.note(Trouble::Throttled(wait), now),
                _ => {}
            },
        });
    }

    async fn commit(&self) -> Result<Written, Error> {
        let (row, _) = self.issued.as_ref().ok_or(Error::Internal)?;
        let (spent, _) = self.in_hand()?;
        let event = self.gateway.event(EventKind::Refreshed, &row.client_id);
        failpoints::hit(Point::RefreshSealed);
        let committed = self.gateway.store.commit_refresh(row, spent.generation, &event).await;
        failpoints::hit(Point::RefreshCommitted);
        if let Some(answered_at) = self.answered_at.filter(|_| committed.is_ok()) {
            // How long the pair existed in our memory alone.
            let window_us =
                u64::try_from(self.gateway.world.since(answered_at).as_micros()).unwrap_or(u64::MAX);
            tracing::info!(event = "refresh.stored", grant = row.id, window_us);
        }
        Ok(match committed {
            // The row will not read better later; a candidate needs no row.
            Err(error @ StoreError::Damaged { .. }) => {
                tracing::error!(event = "refresh.uncommitted", grant = row.id, why = %error);
                Written::Moved
            }
            other => written(other, &row.id),
        })
    }

    async fn adopt(&mut self, candidate: usize, keep_own: bool) -> Result<Written, Error> {
        let (grant, pair) = self.in_hand()?;
        let candidate = self.candidates.get(candidate).ok_or(Error::Internal)?;
        if keep_own {
            // If the grant moves meanwhile it holds the very same pair, and settling forgets the second one.
            pairs::keep(self.gateway, &grant.client_id, &grant.profile, grant.issued_at, pair).await?;
        }
        let (taken, event) = pairs::adopted(self.gateway, candidate, grant)?;
        let committed =
            self.gateway.store.adopt_candidate(&candidate.id, &taken, grant.generation, &event).await;
        let written = written(committed, self.grant_id);
        self.note_unavailable(written);
        Ok(written)
    }

    async fn set_state(&mut self, state: GrantState, reason: &'static str) -> Result<Written, Error> {
        let (grant, _) = self.in_hand()?;
        let kind = match state {
            GrantState::ReconnectNeeded => Some(EventKind::ReconnectNeeded),
            GrantState::Degraded => Some(EventKind::Degraded),
            GrantState::Suspect => Some(EventKind::Suspect),
            GrantState::Active | GrantState::Tombstone => None,
        };
        let event = kind.map(|kind| Event {
            note: Some(reason.to_owned()),
            ..self.gateway.event(kind, &grant.client_id)
        });
        let (store, generation) = (&self.gateway.store, grant.generation);
        let set = match &event {
            Some(event) if state == GrantState::ReconnectNeeded => {
                let lease = self.lease.as_ref().map(|lease| lease.epoch);
                let seen = Seen { candidates: self.seen.clone(), lease };
                store.give_up_grant(self.grant_id, generation, &seen, reason, event).await
            }
            event => {
                store.set_grant_state(self.grant_id, generation, state, Some(reason), event.as_ref()).await
            }
        };
        let written = written(set, self.grant_id);
        self.note_unavailable(written);
        Ok(written)
    }

    fn note_unavailable(&mut self, written: Written) {
        if written == Written::Unknown {
            self.error = Some(Error::StoreUnavailable);
        }
    }
}

fn written(committed: Result<Committed, StoreError>, grant_id: &str) -> Written {
    match committed {
        Ok(Committed::Done) => Written::Done,
        Ok(Committed::Moved(_)) => Written::Moved,
        Ok(Committed::Tombstoned) => Written::Tombstoned,
        Err(error) => {
            tracing::error!(event = "refresh.uncommitted", grant = grant_id, why = %error);
            Written::Unknown
        }
    }
}

/// What is known of the authorization after a refresh. Whose it is does not change with an answer that leaves it out, or says otherwise.
fn profile(before: &Profile, renewed: &Renewed) -> Profile {
    let Renewed::Whole(response) = renewed else { return before.clone() };
    let told = callback::profile(response);
    if !told.is_same_owner(before) {
        return Profile {
            owner_id: before.owner_id.clone(),
            owner_name: before.owner_name.clone(),
            owner_email: before.owner_email.clone(),
            ..told
        };
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use notion_wire::token::{TokenOutcome, read_token_answer};

    /// A refresh answered without its owner was once kept under an owner of no name, and then revoked.
    #[test]
    fn an_answer_that_leaves_out_the_owner_leaves_the_owner_as_it_was() {
        let text = |value: &str| Some(value.to_owned());
        let before = Profile {
            bot_id: "b".to_owned(),
            workspace_id: "w".to_owned(),
            workspace_name: text("Old name"),
            workspace_icon: None,
            owner_id: "u".to_owned(),
            owner_name: text("Ada"),
            owner_email: text("ada@northwind.example"),
            duplicated_template_id: None,
        };
        let body = br#"{"access_token":"ntn_a","refresh_token":"nrt_b","bot_id":"b","workspace_id":"w","workspace_name":"New name"}"#;
        let TokenOutcome::Issued(response) = read_token_answer(200, body) else { panic!("it is a pair") };
        let after = profile(&before, &Renewed::Whole(response));
        assert_eq!((after.owner_id.as_str(), after.owner_name), ("u", before.owner_name));
        assert_eq!(after.owner_email, before.owner_email);
        assert_eq!(after.workspace_name, text("New name"));
    }
}
