//! What Vestibule remembers, as values: one struct a table row, in the field's own words.
//! Secrets appear only as hashes (`…_sha256`, `…_hmac`) or as [`Sealed`] bytes; a plaintext token has no place here.
//! `client_id` is the wall between apps: every row names its integration and every query is scoped by it.

mod event;

use std::collections::BTreeMap;

use jiff::Timestamp;
use lifecycle::{Generation, GrantState};
use sealing::{Sealed, Sha256, WrappedDataKey};
use serde::{Deserialize, Serialize};

pub use event::{Event, EventKind};

/// Marks sealed bytes as Notion's access token.
#[derive(Debug, Clone, Copy)]
pub enum AccessToken {}
/// Marks sealed bytes as Notion's refresh token.
#[derive(Debug, Clone, Copy)]
pub enum RefreshToken {}
/// Marks sealed bytes as the `state` an app sent to the Notion-shaped door.
#[derive(Debug, Clone, Copy)]
pub enum AppState {}

/// An invitation that an app's back end minted for one of its users.
#[derive(Debug, Clone)]
pub struct ConnectSession {
    /// `cs_` and 32 hex digits.
    pub id: String,
    /// The integration's client id at Notion.
    pub client_id: String,
    /// The app's own name for its user.
    pub end_user: String,
    /// Where the browser goes back to; equals a registered URL.
    pub return_url: String,
    /// The connection to heal, if the session was made to reconnect one.
    pub reconnect: Option<String>,
    /// Hash of the token in the session's link.
    pub token_sha256: Sha256,
    /// When it was minted.
    pub created_at: Timestamp,
    /// When it ends anyway.
    pub expires_at: Timestamp,
    /// When an attempt of it succeeded.
    pub spent_at: Option<Timestamp>,
}

/// The door an attempt came in by, with what that door needs to lead back to the app.
#[derive(Debug, Clone)]
pub enum Door {
    /// A connect session's link.
    Session {
        /// The session.
        connect_session_id: String,
        /// The user that the app's back end named.
        end_user: String,
        /// Where the browser goes back to.
        return_url: String,
        /// The connection to heal, if any.
        reconnect: Option<String>,
    },
    /// `GET /v1/oauth/authorize`.
    NotionShaped {
        /// The app's registered redirect URI.
        redirect_uri: String,
        /// The PKCE S256 challenge, when the app promised a verifier.
        code_challenge: Option<String>,
        /// The app's `state`, echoed on the way back.
        app_state_sealed: Option<Sealed<AppState>>,
        /// Opens `app_state_sealed`.
        data_key_wrapped: Option<WrappedDataKey>,
    },
}

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// The browser was sent to Notion and has not come back.
    WentToNotion,
    /// The callback came and its code is being exchanged.
    Exchanging,
    /// Notion's tokens are sealed; the app has not redeemed our code yet.
    Returned,
    /// The app redeemed the code: the connection is live.
    Connected,
    /// The user pressed Cancel at Notion.
    AccessDenied,
    /// The callback came too late.
    Expired,
    /// Notion failed the consent, refused the code, or did not answer.
    ExchangeFailed,
    /// The app redeemed with another user than the session was made for, or failed its proof.
    RedeemRefused,
    /// The app never redeemed the code.
    Unredeemed,
    /// Another attempt of the same session succeeded first.
    Superseded,
}

/// One run from an opened link to the callback.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// `att_` and 32 hex digits.
    pub id: String,
    /// The integration's client id.
    pub client_id: String,
    /// The door it came in by.
    pub door: Door,
    /// What became of it.
    pub outcome: AttemptOutcome,
    /// Hash of the `state` sent to Notion.
    pub state_sha256: Sha256,
    /// Hash of this attempt's cookie: binds it to one browser.
    pub cookie_sha256: Sha256,
    /// The redirect URI given to Notion, repeated exactly in the exchange.
    pub notion_redirect_uri: String,
    /// When the link was opened.
    pub started_at: Timestamp,
    /// When its `state` ends.
    pub expires_at: Timestamp,
    /// When the callback spent it; from the exchange's beginning on, when that was put on record.
    pub consumed_at: Option<Timestamp>,
    /// The connection it led to.
    pub connection_id: Option<String>,
}

/// A party of the flow diagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// The user's browser.
    Browser,
    /// The developer's app.
    App,
    /// Us.
    Vestibule,
    /// Notion.
    Notion,
}

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepOutcome {
    /// It did what it should.
    Ok,
    /// It went wrong; the note says what and what to do.
    Failed,
    /// Waiting for the other side.
    Pending,
}

/// One arrow of the flow diagram. Never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// When.
    pub at: Timestamp,
    /// Who spoke.
    pub from: Actor,
    /// To whom.
    pub to: Actor,
    /// What was said, in a few words.
    pub what: String,
    /// How it went.
    pub outcome: StepOutcome,
    /// What to know, or what to do.
    pub note: Option<String>,
}

impl Step {
    /// A step that did what it should.
    pub fn ok(at: Timestamp, from: Actor, to: Actor, what: &str) -> Self {
        Self { at, from, to, what: what.to_owned(), outcome: StepOutcome::Ok, note: None }
    }

    /// A step that went wrong; `note` says what and what to do.
    pub fn failed(at: Timestamp, from: Actor, to: Actor, what: &str, note: &str) -> Self {
        Self { outcome: StepOutcome::Failed, ..Self::ok(at, from, to, what).with_note(note) }
    }

    /// Adds what to know.
    pub fn with_note(mut self, note: &str) -> Self {
        self.note = Some(note.to_owned());
        self
    }
}

/// What Notion told about the authorization, apart from its tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Identifies the authorization; the bot user's id.
    pub bot_id: String,
    /// The workspace's id.
    pub workspace_id: String,
    /// Its name, unless withheld.
    pub workspace_name: Option<String>,
    /// Its icon: a URL or an emoji.
    pub workspace_icon: Option<String>,
    /// The authorizing person's user id, or a word for the workspace; empty while nobody knows.
    pub owner_id: String,
    /// Their name, unless withheld.
    pub owner_name: Option<String>,
    /// Their e-mail, unless withheld.
    pub owner_email: Option<String>,
    /// The page made from the integration's template, if one was.
    pub duplicated_template_id: Option<String>,
}

impl Profile {
    /// Whether both are known to be of one person, or of one workspace's own bot.
    pub fn is_same_owner(&self, other: &Self) -> bool {
        !self.owner_id.is_empty() && self.owner_id == other.owner_id
    }
}

/// A token pair, sealed under a data key of its own row.
#[derive(Debug, Clone)]
pub struct SealedPair {
    /// Wrapped by the keyring's current epoch.
    pub data_key_wrapped: WrappedDataKey,
    /// Notion's access token.
    pub access_token_sealed: Sealed<AccessToken>,
    /// Notion's refresh token, if it gave one.
    pub refresh_token_sealed: Option<Sealed<RefreshToken>>,
}

/// What Notion gave for (client id, bot, owner): a token pair and its state.
#[derive(Debug, Clone)]
pub struct Grant {
    /// `grt_` and 32 hex digits.
    pub id: String,
    /// The integration's client id.
    pub client_id: String,
    /// Workspace, owner and bot.
    pub profile: Profile,
    /// Counts token pairs; never goes back.
    pub generation: Generation,
    /// Where the grant stands.
    pub state: GrantState,
    /// Why, when it is not simply active.
    pub reason: Option<String>,
    /// The current pair; `None` once the data key was destroyed.
    pub pair: Option<SealedPair>,
    /// When the current pair was issued.
    pub issued_at: Timestamp,
    /// When the first pair came.
    pub created_at: Timestamp,
    /// Until when a refresh holds its lease, unless it releases it before or died with it.
    pub leased_until: Option<Timestamp>,
}

/// A token pair that is not current yet: sealed at the callback, waiting for the app to redeem.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// `can_` and 32 hex digits.
    pub id: String,
    /// The integration's client id.
    pub client_id: String,
    /// The pending connection it belongs to; `None` when it only waits to be settled.
    pub connection_id: Option<String>,
    /// The attempt that brought it, if one did.
    pub attempt_id: Option<String>,
    /// Workspace, owner and bot.
    pub profile: Profile,
    /// The sealed pair.
    pub pair: SealedPair,
    /// When Notion issued it.
    pub issued_at: Timestamp,
    /// When it must be settled if nobody redeemed it.
    pub expires_at: Timestamp,
    /// Its grant took the pair over, and may have spent it since.
    pub adopted: bool,
}

/// How far a connection itself has come; the grant's state refines `Active`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionStage {
    /// Not redeemed yet: unusable.
    Pending,
    /// Usable as far as its grant is.
    Active,
    /// Ended; shown for 30 days.
    Disconnected,
}

/// Where a connection stands, as whoever reads it is told: its stage, refined by its grant's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionState {
    /// Not redeemed yet.
    Pending,
    /// Both tokens are good, as far as we know.
    Active,
    /// A refresh's outcome is unknown.
    Suspect,
    /// It cannot be refreshed; its access token works.
    Degraded,
    /// Notion accepts neither token.
    ReconnectNeeded,
    /// Ended.
    Disconnected,
    /// What is stored of it does not read as what we write.
    Damaged,
}

impl ConnectionState {
    /// Every state, with its word in the HTTP API.
    const WORDS: [(Self, &'static str); 7] = [
        (Self::Pending, "pending"),
        (Self::Active, "active"),
        (Self::Suspect, "suspect"),
        (Self::Degraded, "degraded"),
        (Self::ReconnectNeeded, "reconnect_needed"),
        (Self::Disconnected, "disconnected"),
        (Self::Damaged, "damaged"),
    ];

    /// Every state's word.
    pub fn words() -> impl Iterator<Item = &'static str> {
        Self::WORDS.into_iter().map(|(_, word)| word)
    }

    /// Its word.
    pub fn as_str(self) -> &'static str {
        Self::WORDS.iter().find(|(state, _)| *state == self).map_or("", |(_, word)| word)
    }

    /// Reads its word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::WORDS.into_iter().find(|(_, known)| *known == word).map(|(state, _)| state)
    }
}

/// One app user's handle on a grant.
#[derive(Debug, Clone)]
pub struct Connection {
    /// `con_` and 32 hex digits.
    pub id: String,
    /// The integration's client id.
    pub client_id: String,
    /// The app's name for its user; `None` at the Notion-shaped door until set.
    pub end_user: Option<String>,
    /// The grant it stands on; `None` while pending.
    pub grant_id: Option<String>,
    /// How far it has come.
    pub stage: ConnectionStage,
    /// Made at the Notion-shaped door.
    pub notion_shaped: bool,
    /// When the callback made it.
    pub created_at: Timestamp,
    /// When a call last went through it (to the minute or so).
    pub last_used_at: Option<Timestamp>,
    /// When it was disconnected.
    pub disconnected_at: Option<Timestamp>,
}

/// A stored row that does not read as what we write.
#[derive(Debug, Clone)]
pub struct DamagedRow {
    /// Its id; empty if even that is gone.
    pub id: String,
    /// What is wrong with it, as a sentence without any value of the row.
    pub what: String,
    /// The texts that can be read, by column.
    pub texts: BTreeMap<String, String>,
}

/// A row of a list. A damaged one keeps its place, and hides no other.
#[derive(Debug, Clone)]
pub enum Listed<T> {
    /// It reads as it should.
    Sound(T),
    /// It does not.
    Damaged(DamagedRow),
}

impl<T> Listed<T> {
    /// The row, if it is sound.
    pub fn sound(self) -> Option<T> {
        match self {
            Self::Sound(row) => Some(row),
            Self::Damaged(_) => None,
        }
    }
}

/// A connection with what its grant (or, while pending, its candidate) says.
#[derive(Debug, Clone)]
pub struct ConnectionView {
    /// What is damaged of its grant or candidate, if anything: nothing can be called through it.
    pub damage: Option<String>,
    /// The grant's generation and current pair, while the connection stands on one that has a pair.
    pub sealed: Option<(Generation, SealedPair)>,
    /// The row.
    pub connection: Connection,
    /// Workspace, owner and bot.
    pub profile: Profile,
    /// The grant's state; `None` while pending.
    pub grant_state: Option<GrantState>,
    /// The grant's reason.
    pub reason: Option<String>,
    /// Until when a refresh holds the grant's lease, if one does.
    pub leased_until: Option<Timestamp>,
    /// Whether other connections that are not disconnected share the grant.
    pub shared_grant: bool,
}

impl ConnectionView {
    /// Where it stands. The list's filter says the same in SQL; the stores' suite holds the two equal.
    pub fn state(&self) -> ConnectionState {
        use ConnectionState as S;
        match (self.connection.stage, self.grant_state) {
            (ConnectionStage::Disconnected, _) | (_, Some(GrantState::Tombstone)) => S::Disconnected,
            _ if self.damage.is_some() => S::Damaged,
            (ConnectionStage::Pending, _) => S::Pending,
            (ConnectionStage::Active, Some(GrantState::Suspect)) => S::Suspect,
            (ConnectionStage::Active, Some(GrantState::Degraded)) => S::Degraded,
            (ConnectionStage::Active, Some(GrantState::ReconnectNeeded)) => S::ReconnectNeeded,
            (ConnectionStage::Active, Some(GrantState::Active) | None) => S::Active,
        }
    }
}

/// A code of ours, on its way through the browser to the app.
#[derive(Debug, Clone)]
pub struct Code {
    /// Its hash.
    pub code_sha256: Sha256,
    /// The integration's client id.
    pub client_id: String,
    /// The attempt that made it.
    pub attempt_id: String,
    /// The pending connection that it opens.
    pub connection_id: String,
    /// When it ends.
    pub expires_at: Timestamp,
    /// What became of it.
    pub spent: Option<CodeSpent>,
}

/// How a code was spent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CodeSpent {
    /// Redeemed by this key, giving this connection (an older one if that was healed).
    Redeemed {
        /// The app key's or app secret's id.
        key_id: String,
        /// The connection answered.
        connection_id: String,
    },
    /// Refused for good: wrong user, redirect URI or verifier, or never redeemed.
    Refused,
}

/// What a key opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyKind {
    /// The HTTP API and all connections of its integration.
    App,
    /// One connection, where a Notion token would stand.
    Connection,
    /// The Basic password of `/v1/oauth/*`, and nothing else.
    Secret,
}

/// A key, as a keyed hash.
#[derive(Debug, Clone)]
pub struct ApiKey {
    /// The id part of the key: 32 hex digits.
    pub id: String,
    /// What it opens.
    pub kind: KeyKind,
    /// The integration's client id.
    pub client_id: String,
    /// The one connection of a connection key.
    pub connection_id: Option<String>,
    /// A name for people.
    pub label: String,
    /// Keyed hash of the secret part.
    pub secret_hmac: Sha256,
    /// Keyed hash of the refresh string that trades for this key (Notion-shaped door only).
    pub refresh_hmac: Option<Sha256>,
    /// When it was minted.
    pub created_at: Timestamp,
    /// When it was ended.
    pub revoked_at: Option<Timestamp>,
}
