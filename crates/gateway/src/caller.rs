//! Who calls, and what they may open. [`Authorized`] is the proof that forwarding asks for, and only this file
//! makes one: from a good key and a connection that it opens. The id part of a key finds the row, the secret part is
//! compared as HMAC in constant time, and an unknown id costs the same work.

mod basic;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use sealing::{Sha256, equal};
use store::records::{ApiKey, ConnectionState, KeyKind};

use crate::config::Integration;
use crate::keys::{KeyText, KeyTextKind};
use crate::pacing::Lane;
use crate::{Error, Gateway, vault};

/// How often a connection's last use is written down, in seconds.
const TOUCH_SECONDS: i64 = 60;

/// An app's back end with a good app key.
pub(crate) struct AppCaller {
    pub(crate) client_id: String,
    pub(crate) key_id: String,
}

/// A call that may be forwarded: whose grant, and under which integration.
pub(crate) struct Authorized(Arc<KnownConnection>);

/// What a call needs to know of its connection, remembered between calls.
pub(crate) struct KnownConnection {
    client_id: String,
    connection_id: String,
    state: ConnectionState,
    grant: Option<(String, Arc<Lane>)>,
    touched_at: AtomicI64,
    called_before: bool,
}

impl Authorized {
    /// The integration's settings.
    pub(crate) fn integration<'g>(&self, gateway: &'g Gateway) -> Result<&'g Integration, Error> {
        gateway.config.by_client_id(&self.0.client_id).map(|(_, i)| i).ok_or(Error::NotFound("integration"))
    }

    /// The connection that is called through.
    pub(crate) fn connection_id(&self) -> &str {
        &self.0.connection_id
    }

    /// The grant that it stands on, and where its calls wait.
    pub(crate) fn grant(&self) -> Result<(&str, &Lane), Error> {
        self.0.grant.as_ref().map(|(id, lane)| (id.as_str(), &**lane)).ok_or(Error::Internal)
    }

    /// Whether this use is worth writing down, and whether it is the first of all. True once a minute.
    pub(crate) fn touch(&self, now: jiff::Timestamp) -> Option<FirstCall> {
        let seconds = now.as_second();
        let before = self.0.touched_at.load(Ordering::Relaxed);
        if before != i64::MIN && seconds - before < TOUCH_SECONDS {
            return None;
        }
        self.0.touched_at.store(seconds, Ordering::Relaxed);
        Some(FirstCall(before == i64::MIN && !self.0.called_before))
    }
}

/// Whether no call went through the connection before.
pub(crate) struct FirstCall(pub(crate) bool);

/// A handler of the HTTP API that takes an [`AppCaller`] runs for an app with a good app key and for nobody else.
impl FromRequestParts<Gateway> for AppCaller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Self, Error> {
        let key = bearer_key(gateway, &parts.headers).await?;
        if key.kind != KeyKind::App {
            return Err(Error::KeyWrongKind("the HTTP API takes an app key"));
        }
        Ok(Self { client_id: key.client_id.clone(), key_id: key.id.clone() })
    }
}

/// The app behind a call of `/v1/oauth/{token,introspect,revoke}`. As an argument it comes before the body, so that nobody
/// else's is waited for.
pub(crate) struct OAuthClient(pub(crate) AppCaller);

impl FromRequestParts<Gateway> for OAuthClient {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Self, Error> {
        oauth_client(gateway, &parts.headers).await.map(Self)
    }
}

/// A call to `/v1/…`: a connection key stands where a Notion token would.
pub(crate) async fn at_root(gateway: &Gateway, headers: &HeaderMap) -> Result<Authorized, Error> {
    let key = bearer_key(gateway, headers).await?;
    let Some(connection_id) = key.connection_id.as_deref() else {
        return Err(Error::KeyWrongKind(
            "at /v1 a connection key was expected; with an app key call /notion/{connection}/v1",
        ));
    };
    open(gateway, &key.client_id, connection_id).await
}

/// A call to `/notion/{connection}/v1/…`: an app key, or that connection's own key.
pub(crate) async fn at_connection(
    gateway: &Gateway,
    headers: &HeaderMap,
    connection_id: &str,
) -> Result<Authorized, Error> {
    let key = bearer_key(gateway, headers).await?;
    match (key.kind, key.connection_id.as_deref()) {
        (KeyKind::App, _) => {}
        (KeyKind::Connection, Some(own)) if own == connection_id => {}
        (KeyKind::Connection, _) => return Err(Error::NotFound("connection")),
        (KeyKind::Secret, _) => {
            return Err(Error::KeyWrongKind("an app secret opens /v1/oauth and nothing else"));
        }
    }
    open(gateway, &key.client_id, connection_id).await
}

/// Basic with client id and app secret.
async fn oauth_client(gateway: &Gateway, headers: &HeaderMap) -> Result<AppCaller, Error> {
    let credentials = basic::read(headers)?;
    let refused = Error::AppRefused(basic::UNKNOWN);
    let key = match checked_key(gateway, &credentials.secret).await {
        Ok(key) => key,
        Err(Error::KeyInvalid | Error::Disconnected) => return Err(refused),
        Err(other) => return Err(other),
    };
    if !credentials.names(&key.client_id) {
        return Err(refused);
    }
    Ok(AppCaller { client_id: key.client_id.clone(), key_id: key.id.clone() })
}

/// The connection key of this integration that `text` is, whatever became of it since; `None` for anything else.
pub(crate) async fn connection_key(
    gateway: &Gateway,
    client_id: &str,
    text: &str,
) -> Result<Option<Arc<ApiKey>>, Error> {
    let Some(text) = KeyText::parse(text) else { return Ok(None) };
    let (key, good) = match text.kind {
        KeyTextKind::Key(_) => proven(gateway, &text, |key| Some(key.secret_hmac)).await?,
        KeyTextKind::Refresh => proven(gateway, &text, |key| key.refresh_hmac).await?,
    };
    Ok(key.filter(|key| good && key.kind == KeyKind::Connection && key.client_id == client_id))
}

/// Does an authorized call's connection stand?
async fn open(gateway: &Gateway, client_id: &str, connection_id: &str) -> Result<Authorized, Error> {
    let known = known(gateway, client_id, connection_id).await?;
    match known.state {
        ConnectionState::Disconnected => return Err(Error::Disconnected),
        ConnectionState::Pending => return Err(Error::Pending),
        ConnectionState::Damaged => return Err(Error::Damaged("connection's")),
        ConnectionState::ReconnectNeeded => return Err(Error::ReconnectNeeded),
        ConnectionState::Active | ConnectionState::Suspect | ConnectionState::Degraded => {}
    }
    Ok(Authorized(known))
}

async fn known(
    gateway: &Gateway,
    client_id: &str,
    connection_id: &str,
) -> Result<Arc<KnownConnection>, Error> {
    let connections = &gateway.memory.connections;
    // Under both ids: a foreign connection that somebody else just used must take as long as one that does not exist.
    let remembered = format!("{client_id}/{connection_id}");
    if let Some(known) = connections.get(&remembered) {
        return Ok(known);
    }
    let reading = connections.reading();
    let view = gateway
        .store
        .find_connection(client_id, connection_id)
        .await?
        .ok_or(Error::NotFound("connection"))?;
    if let Some(what) = &view.damage {
        tracing::error!(event = "store.damaged", table = "connections", id = connection_id, what);
    }
    let state = view.state();
    let known = KnownConnection {
        client_id: client_id.to_owned(),
        connection_id: connection_id.to_owned(),
        state,
        grant: view.connection.grant_id.map(|id| {
            let lane = gateway.pacing.lane(&id);
            (id, lane)
        }),
        touched_at: AtomicI64::new(view.connection.last_used_at.map_or(i64::MIN, jiff::Timestamp::as_second)),
        called_before: view.connection.last_used_at.is_some(),
    };
    Ok(connections.put(&remembered, reading, known))
}

async fn bearer_key(gateway: &Gateway, headers: &HeaderMap) -> Result<Arc<ApiKey>, Error> {
    let (scheme, text) = single_authorization(headers)?.split_once(' ').ok_or(Error::KeyMissing)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Error::KeyMissing);
    }
    let text = text.trim();
    let Some(key) = KeyText::parse(text) else {
        let of_notion = ["ntn_", "secret_"].iter().any(|prefix| text.starts_with(prefix));
        return Err(if of_notion { Error::KeyOfNotion } else { Error::KeyInvalid });
    };
    checked_key(gateway, &key).await
}

/// The row of a key whose secret is right and which is not ended.
async fn checked_key(gateway: &Gateway, text: &KeyText) -> Result<Arc<ApiKey>, Error> {
    let KeyTextKind::Key(kind) = text.kind else { return Err(Error::KeyInvalid) };
    let (key, good) = proven(gateway, text, |key| Some(key.secret_hmac)).await?;
    let key = key.filter(|key| good && key.kind == kind).ok_or(Error::KeyInvalid)?;
    if key.revoked_at.is_none() {
        return Ok(key);
    }
    // A disconnect ends the connection's keys: say what happened rather than that the key is bad.
    match &key.connection_id {
        Some(connection)
            if known(gateway, &key.client_id, connection).await?.state == ConnectionState::Disconnected =>
        {
            Err(Error::Disconnected)
        }
        _ => Err(Error::KeyInvalid),
    }
}

/// The row with this id, and whether the secret part matches the hash that `of` picks. Whoever does not know the secret is told
/// nothing by the time that it takes: wrong or unknown, remembered or not, the store is asked once and one hash is compared.
async fn proven(
    gateway: &Gateway,
    text: &KeyText,
    of: impl Fn(&ApiKey) -> Option<Sha256>,
) -> Result<(Option<Arc<ApiKey>>, bool), Error> {
    let presented = vault::lookup_hmac(gateway, &text.secret);
    let is_good = |key: Option<&ApiKey>| {
        let expected = key.and_then(&of);
        equal(presented.as_bytes(), expected.unwrap_or(Sha256::ZERO).as_bytes()) && expected.is_some()
    };
    let keys = &gateway.memory.keys;
    if let Some(key) = keys.get(&text.id).filter(|key| is_good(Some(key))) {
        return Ok((Some(key), true));
    }
    let reading = keys.reading();
    let key = gateway.store.find_api_key(&text.id).await?;
    if !is_good(key.as_ref()) {
        return Ok((key.map(Arc::new), false));
    }
    Ok((key.map(|key| keys.put(&text.id, reading, key)), true))
}

fn single_authorization(headers: &HeaderMap) -> Result<&str, Error> {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    match (all.next(), all.next()) {
        (None, _) => Err(Error::KeyMissing),
        (Some(one), None) => one.to_str().map_err(|_| Error::KeyInvalid),
        (Some(_), Some(_)) => Err(Error::Invalid("the Authorization header was given twice".into())),
    }
}
