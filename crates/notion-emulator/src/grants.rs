//! What people granted to integrations: clients, codes, authorizations and their token pairs.
//! Everything here is a rule about tokens; HTTP is next door in `oauth.rs`. No type here prints a token.

#![expect(clippy::disallowed_methods, reason = "the emulator's only secrets are made here")]

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::capabilities::Capabilities;
use crate::clock::mix;
use crate::switches::{OldPair, Reauthorize, Refresh, Switches};

/// How long a code may wait. Notion says only "temporary".
const CODE_LIFE: Duration = Duration::from_mins(10);
/// The name space of bot ids: the same person, workspace and integration get the same ids in every run.
const BOTS: Uuid = Uuid::from_u128(0x5e0c_7a52_61f1_4b5e_9d3b_70c5_29ae_11d4);

/// An integration as its owner registers it in Notion's developer portal.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// A UUID at Notion; any string here.
    pub client_id: String,
    /// The Basic password of the token endpoint.
    pub client_secret: String,
    /// What the consent screen calls it.
    pub name: String,
    /// Where a code may be sent, compared as strings.
    pub redirect_uris: Vec<String>,
    /// What it may do.
    #[serde(default)]
    pub capabilities: Capabilities,
}

/// One person's grant to one integration in one workspace.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Authorization {
    pub(crate) bot_id: Uuid,
    pub(crate) client_id: String,
    pub(crate) workspace: Uuid,
    pub(crate) person: Uuid,
    /// The pages and databases that were ticked.
    pub(crate) picks: Vec<Uuid>,
    /// Rises with each pair, so that older pairs can be told.
    pair: u64,
}

/// What a consent led to, waiting to be exchanged.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Consent {
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
    pub(crate) workspace: Uuid,
    pub(crate) person: Uuid,
    pub(crate) picks: Vec<Uuid>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Code {
    consent: Consent,
    ends_at: Timestamp,
    spent: bool,
}

#[derive(Clone, Serialize, Deserialize)]
struct AccessToken {
    bot_id: Uuid,
    pair: u64,
    made_at: Timestamp,
    ends_at: Option<Timestamp>,
}

#[derive(Clone, Serialize, Deserialize)]
struct RefreshToken {
    bot_id: Uuid,
    pair: u64,
    used: bool,
    /// The pair whose refresh token gave this one; `None` if a consent did.
    #[serde(default)]
    given_by: Option<u64>,
    /// One that it gave was used: whoever has that one has no need of this.
    #[serde(default)]
    followed: bool,
}

/// A token pair on its way to the client.
pub(crate) struct Pair {
    pub(crate) access_token: String,
    pub(crate) refresh_token: String,
    pub(crate) authorization: Authorization,
    /// Whether the bot joins the workspace with this pair.
    pub(crate) first: bool,
}

/// Why a code or a refresh token was refused; all are `invalid_grant`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    CodeUnknown,
    CodeSpent,
    CodeExpired,
    OtherClient,
    RedirectUriDiffers,
    RefreshTokenUnknown,
    RefreshTokenUsed,
}

impl Refusal {
    pub(crate) fn message(self) -> &'static str {
        match self {
            Self::CodeUnknown | Self::OtherClient => "Invalid code.",
            // Source: Notion, "Status codes" (read 2026-11-22).
            Self::CodeSpent => "Invalid code: this code has been revoked.",
            Self::CodeExpired => "Invalid code: this code has expired.",
            Self::RedirectUriDiffers => "Invalid redirect_uri: it differs from the authorization request's.",
            Self::RefreshTokenUnknown | Self::RefreshTokenUsed => "Invalid refresh token",
        }
    }
}

/// All grants.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Grants {
    /// The instance's name, which its tokens carry; empty for the first emulator.
    #[serde(default)]
    pub(crate) instance: String,
    pub(crate) clients: Vec<Client>,
    pub(crate) authorizations: BTreeMap<Uuid, Authorization>,
    codes: BTreeMap<String, Code>,
    access: BTreeMap<String, AccessToken>,
    refresh: BTreeMap<String, RefreshToken>,
    /// How often a person disconnected and came back: a new bot each time.
    removals: u64,
    pairs: u64,
    /// Where the series of a simulation's secrets stands; without one they are random.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) secrets_seed: Option<u64>,
}

/// How access tokens begin; refresh tokens begin with `nrt_emulator_`.
pub(crate) const ACCESS_PREFIX: &str = "ntn_emulator_";

/// How long the random part of a token is: 32 bytes as base64url without padding.
pub(crate) const SECRET_CHARS: usize = 43;

impl Grants {
    /// A secret of 256 random bits after `prefix`.
    pub(crate) fn secret(&mut self, prefix: &str) -> String {
        let mut bytes = [0; 32];
        self.fill(&mut bytes);
        format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes))
    }

    /// A new access token's text. In an instance its name stands before the secret, for requests to be led by.
    pub(crate) fn access_secret(&mut self) -> String {
        let prefix = format!("{ACCESS_PREFIX}{}", self.infix());
        self.secret(&prefix)
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        let Some(seed) = &mut self.secrets_seed else {
            return getrandom::fill(bytes).expect("the operating system gives random bytes");
        };
        for chunk in bytes.chunks_mut(8) {
            *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
            chunk.copy_from_slice(&mix(*seed).to_le_bytes()[..chunk.len()]);
        }
    }

    fn infix(&self) -> String {
        if self.instance.is_empty() { String::new() } else { format!("{}_", self.instance) }
    }

    pub(crate) fn client(&self, client_id: &str) -> Option<&Client> {
        self.clients.iter().find(|client| client.client_id == client_id)
    }

    /// Adds a client, or replaces the one with its id.
    pub(crate) fn register(&mut self, client: Client) {
        self.clients.retain(|other| other.client_id != client.client_id);
        self.clients.push(client);
    }

    /// Makes the code that the browser carries back.
    pub(crate) fn code(&mut self, consent: Consent, now: Timestamp) -> String {
        let mut bytes = [0; 16];
        self.fill(&mut bytes);
        let code = uuid::Builder::from_random_bytes(bytes).into_uuid().to_string();
        let ends_at = now.checked_add(CODE_LIFE).unwrap_or(Timestamp::MAX);
        self.codes.insert(code.clone(), Code { consent, ends_at, spent: false });
        code
    }

    /// Trades a code for a pair. Pages are shared only now, not at the consent.
    pub(crate) fn exchange(
        &mut self,
        client_id: &str,
        code: &str,
        redirect_uri: &str,
        switches: &Switches,
        now: Timestamp,
    ) -> Result<Pair, Refusal> {
        let kept = self.codes.get_mut(code).ok_or(Refusal::CodeUnknown)?;
        if kept.consent.client_id != client_id {
            return Err(Refusal::OtherClient);
        }
        if kept.spent {
            return Err(Refusal::CodeSpent);
        }
        if kept.ends_at <= now {
            return Err(Refusal::CodeExpired);
        }
        if redirect_uri != kept.consent.redirect_uri {
            return Err(Refusal::RedirectUriDiffers);
        }
        kept.spent = true;
        let (workspace, person, picks) =
            (kept.consent.workspace, kept.consent.person, kept.consent.picks.clone());
        let known = self
            .authorizations
            .values_mut()
            .find(|had| had.client_id == client_id && had.workspace == workspace && had.person == person);
        let (bot_id, first) = if let Some(had) = known {
            had.picks = picks;
            (had.bot_id, false)
        } else {
            let bot_id = self.bot_id(client_id, workspace, person);
            let client_id = client_id.to_owned();
            let made = Authorization { bot_id, client_id, workspace, person, picks, pair: 0 };
            self.authorizations.insert(bot_id, made);
            (bot_id, true)
        };
        if !first
            && switches.reauthorize == Reauthorize::Same
            && let Some(pair) = self.current(bot_id, now)
        {
            return Ok(pair);
        }
        if switches.older_pair == OldPair::Dies {
            self.end_tokens(bot_id);
        }
        Ok(self.issue(bot_id, first, None, switches, now))
    }

    /// Trades a refresh token for the next pair.
    pub(crate) fn refresh(
        &mut self,
        client_id: &str,
        token: &str,
        switches: &Switches,
        now: Timestamp,
    ) -> Result<Pair, Refusal> {
        let kept = self.refresh.get_mut(token).ok_or(Refusal::RefreshTokenUnknown)?;
        let (bot_id, pair, used, given_by, followed) =
            (kept.bot_id, kept.pair, kept.used, kept.given_by, kept.followed);
        let authorization = self.authorizations.get(&bot_id).ok_or(Refusal::RefreshTokenUnknown)?;
        if authorization.client_id != client_id {
            return Err(Refusal::RefreshTokenUnknown);
        }
        if used {
            match switches.refresh {
                // No token that it gave was used yet: perhaps the answer was lost.
                Refresh::Grace if !followed => {}
                Refresh::Family => {
                    self.remove(bot_id);
                    return Err(Refusal::RefreshTokenUsed);
                }
                Refresh::Strict | Refresh::Grace => return Err(Refusal::RefreshTokenUsed),
            }
        }
        kept.used = true;
        for older in self.refresh.values_mut().filter(|older| Some(older.pair) == given_by) {
            older.followed = true;
        }
        if switches.old_access == OldPair::Dies {
            self.access.retain(|_, access| access.bot_id != bot_id);
        }
        Ok(self.issue(bot_id, false, Some(pair), switches, now))
    }

    /// Whose live access token this is.
    pub(crate) fn authorization_of(&self, access_token: &str, now: Timestamp) -> Option<&Authorization> {
        let kept =
            self.access.get(access_token).filter(|kept| kept.ends_at.is_none_or(|ends_at| now < ends_at))?;
        self.authorizations.get(&kept.bot_id)
    }

    /// When a live access token of this client was made.
    pub(crate) fn introspect(
        &self,
        client_id: &str,
        access_token: &str,
        now: Timestamp,
    ) -> Option<Timestamp> {
        self.authorization_of(access_token, now).filter(|found| found.client_id == client_id)?;
        self.access.get(access_token).map(|kept| kept.made_at)
    }

    /// Ends the authorization behind an access token of this client; the bot that leaves.
    pub(crate) fn revoke(&mut self, client_id: &str, access_token: &str) -> Option<Uuid> {
        let bot_id = self.access.get(access_token)?.bot_id;
        self.authorizations.get(&bot_id).filter(|found| found.client_id == client_id)?;
        self.remove(bot_id);
        Some(bot_id)
    }

    /// Ends an authorization with all its tokens.
    pub(crate) fn remove(&mut self, bot_id: Uuid) -> bool {
        self.end_tokens(bot_id);
        self.removals += 1;
        self.authorizations.remove(&bot_id).is_some()
    }

    /// Ends all access tokens, as if their time were over; refresh tokens go on working.
    pub(crate) fn end_access_tokens(&mut self) {
        self.access.clear();
    }

    fn end_tokens(&mut self, bot_id: Uuid) {
        self.access.retain(|_, kept| kept.bot_id != bot_id);
        self.refresh.retain(|_, kept| kept.bot_id != bot_id);
    }

    /// The pair that is live, if both halves are.
    fn current(&self, bot_id: Uuid, now: Timestamp) -> Option<Pair> {
        let authorization = self.authorizations.get(&bot_id)?;
        let (access_token, _) = self.access.iter().find(|(token, kept)| {
            kept.pair == authorization.pair && self.authorization_of(token, now).is_some()
        })?;
        let (refresh_token, _) =
            self.refresh.iter().find(|(_, kept)| kept.pair == authorization.pair && !kept.used)?;
        Some(Pair {
            access_token: access_token.clone(),
            refresh_token: refresh_token.clone(),
            authorization: authorization.clone(),
            first: false,
        })
    }

    /// `given_by` is the pair whose refresh token is traded for the new one.
    fn issue(
        &mut self,
        bot_id: Uuid,
        first: bool,
        given_by: Option<u64>,
        switches: &Switches,
        now: Timestamp,
    ) -> Pair {
        self.pairs += 1;
        let pair = self.pairs;
        let authorization = self.authorizations.get_mut(&bot_id).expect("the caller has just found it");
        authorization.pair = pair;
        let authorization = authorization.clone();
        let prefix = format!("nrt_emulator_{}", self.infix());
        let (access_token, refresh_token) = (self.access_secret(), self.secret(&prefix));
        let ends_at = switches.access_life().map(|life| now.checked_add(life).unwrap_or(Timestamp::MAX));
        self.access.insert(access_token.clone(), AccessToken { bot_id, pair, made_at: now, ends_at });
        let kept = RefreshToken { bot_id, pair, used: false, given_by, followed: false };
        self.refresh.insert(refresh_token.clone(), kept);
        Pair { access_token, refresh_token, authorization, first }
    }

    fn bot_id(&self, client_id: &str, workspace: Uuid, person: Uuid) -> Uuid {
        let name = format!("{client_id}/{workspace}/{person}/{}", self.removals);
        // Bots carry this marker in the recordings.
        let hashed = Uuid::new_v5(&BOTS, name.as_bytes()).as_u128();
        Uuid::from_u128(hashed & !(0xffff << 32) | 0x0027 << 32)
    }
}
