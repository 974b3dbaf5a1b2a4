//! Taking over connections that a hand-written back end already holds.
//! A pair is stored only after `users/me` named the bot that it claims, and never over a pair that is here already,
//! for that one may be newer: Notion rotates, so two back ends that refresh the same grant lose it.

use std::ops::ControlFlow;
use std::time::Duration;

use failpoints::Point;
use jiff::Timestamp;
use lifecycle::{Generation, GrantState};
use notion_wire::token::{Refusal, TokenResponse, read_token_response};
use serde::Deserialize;
use store::records::{Connection, ConnectionStage, Event, EventKind, Grant, Profile};

use crate::callback::profile;
use crate::link::after;
use crate::notion::TokenError;
use crate::{Error, Gateway, owners, pairs, vault};

/// How often is looked whether a revocation that is on its way is over.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What became of one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Imported {
    /// A new connection, with this pair.
    Created(String),
    /// The authorization is here already: its pair was left alone, and this end user has this connection on it.
    KeptNewer(String),
}

/// Why a line was left out. No message holds a token.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ImportError {
    /// The line does not read as a token response with `end_user`.
    #[error("{0}")]
    Line(&'static str),
    /// Notion does not accept the access token.
    #[error("Notion does not accept the access token: send this user through a connect link")]
    NotAccepted,
    /// The token belongs to another bot than the line says.
    #[error("the access token belongs to another bot than bot_id says")]
    OtherBot,
    /// Notion could not be asked.
    #[error("Notion could not be asked: import this line again later")]
    Unverified,
    /// The store, or the integration's name.
    #[error(transparent)]
    Gateway(#[from] Error),
}

#[derive(Deserialize)]
struct EndUser {
    end_user: String,
}

impl Gateway {
    /// Takes over one connection: a line of JSON, Notion's token response plus `end_user`.
    ///
    /// # Errors
    /// [`ImportError`]; nothing was stored then, and the same line can be tried again.
    pub async fn import(&self, integration: &str, line: &[u8]) -> Result<Imported, ImportError> {
        let config = self.config.integrations.get(integration).ok_or(Error::NotFound("integration"))?;
        let response = read_token_response(line).map_err(ImportError::Line)?;
        let end_user: EndUser = serde_json::from_slice(line)
            .map_err(|_| ImportError::Line("end_user is missing or not a string"))?;
        crate::api::check_end_user(&end_user.end_user)?;
        loop {
            let profile = self.verify(&response).await?;
            failpoints::hit(Point::ImportVerified);
            match self.take_over(&config.client_id, &response, profile, &end_user.end_user).await? {
                ControlFlow::Break(imported) => return Ok(imported),
                // It may be the pair's own authorization that is being ended: whether it lives is asked anew.
                ControlFlow::Continue(until) => {
                    self.world.sleep_until(until.min(after(self.world.now(), LOOK_EVERY))).await;
                }
            }
        }
    }

    /// The token must open, and must be the bot's that the line names; whose that is Notion tells, if the line does not.
    async fn verify(&self, response: &TokenResponse) -> Result<Profile, ImportError> {
        let (token, profile) = (vault::Pair::of(response).access_token, profile(response));
        match self.notion.bot_of(&token).await {
            Ok(bot) if bot.id != profile.bot_id => Err(ImportError::OtherBot),
            Ok(_) if !profile.owner_id.is_empty() => Ok(profile),
            Ok(bot) => owners::named(&profile, bot).ok_or(ImportError::Unverified),
            Err(TokenError::Refused(Refusal::InvalidGrant)) => Err(ImportError::NotAccepted),
            Err(_) => Err(ImportError::Unverified),
        }
    }

    /// Stores it, or says until when a revocation may be on its way.
    async fn take_over(
        &self,
        client_id: &str,
        response: &TokenResponse,
        profile: Profile,
        end_user: &str,
    ) -> Result<ControlFlow<Imported, Timestamp>, Error> {
        let now = self.world.now();
        let (grant_id, connection_id) = (self.world.id("grt"), self.world.id("con"));
        let pair = vault::seal_grant(self, client_id, &grant_id, 1, &vault::Pair::of(response));
        let grant = Grant {
            id: grant_id.clone(),
            client_id: client_id.to_owned(),
            profile,
            generation: Generation(1),
            state: GrantState::Active,
            reason: None,
            pair: Some(pair),
            issued_at: now,
            created_at: now,
            leased_until: None,
        };
        let connection = Connection {
            id: connection_id.clone(),
            client_id: client_id.to_owned(),
            end_user: Some(end_user.to_owned()),
            grant_id: Some(grant_id.clone()),
            stage: ConnectionStage::Active,
            notion_shaped: false,
            created_at: now,
            last_used_at: None,
            disconnected_at: None,
        };
        let event = Event {
            connection_id: Some(connection_id.clone()),
            ..self.event(EventKind::Imported, client_id)
        };
        let done = self.store.import(&grant, &connection, &event).await?;
        failpoints::hit(Point::ImportStored);
        match done {
            store::Imported::Wait(until) => Ok(ControlFlow::Continue(until)),
            store::Imported::Created => Ok(ControlFlow::Break(Imported::Created(connection_id))),
            store::Imported::KeptNewer => {
                let live = self.store.find_live_grant(client_id, &grant.profile).await?;
                let live = live.ok_or(Error::NotFound("grant"))?;
                // Which of the two pairs lives is asked when it is settled; the imported one is known to work now.
                pairs::keep(self, client_id, &grant.profile, now, &vault::Pair::of(response)).await?;
                let held = self.store.find_connection_on_grant(&live.id, Some(end_user), false).await?;
                Ok(ControlFlow::Break(Imported::KeptNewer(held.ok_or(Error::NotFound("connection"))?.id)))
            }
        }
    }
}
