//! Keys: their text, how they are minted, and how they are kept (as keyed hashes only).
//! A key reads `vst_<kind>_<id>_<secret>`: the id finds the row, the secret (256 random bits) is compared as HMAC.
//! A refresh string has the same form; the connection key's secret is derived one way from it, so that trading the
//! string always gives the same key while the store holds hashes of both and neither.

use sealing::{Keyring, RootKey, Secret};
use store::Store;
use store::records::{ApiKey, Event, EventKind, KeyKind, Listed};

use crate::world::World;
use crate::{BuildError, Error, Gateway, vault};

/// What a key is derived from a refresh string for; keeps the two apart.
const DERIVATION: &[u8] = b"vestibule connection key from refresh string v1";

/// A key as it came in or as it is handed out.
pub(crate) struct KeyText {
    pub(crate) kind: KeyTextKind,
    pub(crate) id: String,
    pub(crate) secret: Secret<String>,
}

/// The word between `vst_` and the id.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum KeyTextKind {
    Key(KeyKind),
    Refresh,
}

impl KeyTextKind {
    const ALL: [(Self, &str); 4] = [
        (Self::Key(KeyKind::App), "app"),
        (Self::Key(KeyKind::Connection), "con"),
        (Self::Key(KeyKind::Secret), "secret"),
        (Self::Refresh, "refresh"),
    ];

    fn word(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _)| *kind == self).map_or("", |(_, word)| word)
    }
}

impl KeyText {
    /// Reads a key; `None` if it has not a key's form.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(4, '_');
        let (Some("vst"), Some(word), Some(id), Some(secret)) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return None;
        };
        let (kind, _) = KeyTextKind::ALL.into_iter().find(|(_, known)| *known == word)?;
        let well_formed = id.len() == 32
            && id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
            && secret.len() == 43
            && secret.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        well_formed.then(|| Self { kind, id: id.to_owned(), secret: Secret::new(secret.to_owned()) })
    }

    pub(crate) fn text(&self) -> Secret<String> {
        Secret::new(format!("vst_{}_{}_{}", self.kind.word(), self.id, self.secret.expose()))
    }
}

/// A key that was just made: the row holds hashes, the texts exist only here.
pub struct MintedKey {
    /// The key's id.
    pub id: String,
    /// The key itself, shown once.
    pub key: Secret<String>,
    /// The string that the refresh grant trades for it (Notion-shaped door only).
    pub refresh_token: Option<Secret<String>>,
    pub(crate) row: ApiKey,
}

/// Makes a key of `kind` with a random secret.
pub(crate) fn mint(
    gateway: &Gateway,
    kind: KeyKind,
    client_id: &str,
    connection_id: Option<&str>,
    label: &str,
) -> MintedKey {
    let secret = Secret::new(gateway.world.token());
    assemble(gateway, kind, client_id, connection_id, label, secret, None)
}

/// Makes a connection key together with its refresh string.
pub(crate) fn mint_refreshable(gateway: &Gateway, client_id: &str, connection_id: &str) -> MintedKey {
    let refresh = Secret::new(gateway.world.token());
    let secret = derived(&refresh);
    let label = "minted at /v1/oauth/token";
    assemble(gateway, KeyKind::Connection, client_id, Some(connection_id), label, secret, Some(refresh))
}

fn assemble(
    gateway: &Gateway,
    kind: KeyKind,
    client_id: &str,
    connection_id: Option<&str>,
    label: &str,
    secret: Secret<String>,
    refresh: Option<Secret<String>>,
) -> MintedKey {
    let id = gateway.world.id("k").split_off(2);
    let hash = |part: &Secret<String>| vault::lookup_hmac(gateway, part);
    let row = ApiKey {
        id: id.clone(),
        kind,
        client_id: client_id.to_owned(),
        connection_id: connection_id.map(str::to_owned),
        label: label.to_owned(),
        secret_hmac: hash(&secret),
        refresh_hmac: refresh.as_ref().map(hash),
        created_at: gateway.world.now(),
        revoked_at: None,
    };
    let text = |kind, secret| KeyText { kind, id: id.clone(), secret }.text();
    let refresh_token = refresh.map(|secret| text(KeyTextKind::Refresh, secret));
    MintedKey { key: text(KeyTextKind::Key(kind), secret), id: id.clone(), refresh_token, row }
}

/// The connection key's secret that belongs to a refresh string's secret.
fn derived(refresh: &Secret<String>) -> Secret<String> {
    use base64::Engine as _;
    let hash = sealing::hmac_sha256(DERIVATION, refresh.expose().as_bytes());
    Secret::new(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(hash.as_bytes()))
}

/// The connection key that a refresh string trades for.
pub(crate) fn traded(refresh: &KeyText) -> Secret<String> {
    let kind = KeyTextKind::Key(KeyKind::Connection);
    KeyText { kind, id: refresh.id.clone(), secret: derived(&refresh.secret) }.text()
}

/// The keyring of this store: opened with the root key, or made for a store that has none yet.
pub(crate) async fn open_keyring(
    store: &dyn Store,
    root_key: &RootKey,
    world: &World,
) -> Result<Keyring, BuildError> {
    if let Some(stored) = store.find_keyring().await? {
        return Ok(Keyring::open(root_key, &stored)?);
    }
    let (_, fresh) = Keyring::create(root_key, &mut |buffer| world.fill(buffer));
    // Another node may have been faster: what is stored counts.
    store.insert_keyring(&fresh).await?;
    let stored = store.find_keyring().await?.unwrap_or(fresh);
    Ok(Keyring::open(root_key, &stored)?)
}

impl Gateway {
    /// Mints an app key or an app secret for an integration. The text is in the answer and nowhere else.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no integration of that name, [`Error::Invalid`] for a connection key,
    /// [`Error::StoreUnavailable`] if it could not be stored.
    pub async fn mint_key(&self, integration: &str, kind: KeyKind, label: &str) -> Result<MintedKey, Error> {
        let config = self.config.integrations.get(integration).ok_or(Error::NotFound("integration"))?;
        if kind == KeyKind::Connection {
            return Err(Error::Invalid("a connection key is minted on its connection".into()));
        }
        let minted = mint(self, kind, &config.client_id, None, label);
        let event = self.key_event(EventKind::KeyMinted, &minted.row);
        self.store.insert_api_key(&minted.row, &event).await?;
        Ok(minted)
    }

    /// An integration's app keys and app secrets, ended ones too; never their texts.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no integration of that name, [`Error::StoreUnavailable`].
    pub async fn app_keys(&self, integration: &str) -> Result<Vec<Listed<ApiKey>>, Error> {
        let config = self.config.integrations.get(integration).ok_or(Error::NotFound("integration"))?;
        Ok(self.store.list_api_keys(&config.client_id, None).await?)
    }

    /// Ends a key of an integration; whatever holds it is refused within a second.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such key or integration, [`Error::StoreUnavailable`].
    pub async fn end_key(&self, integration: &str, id: &str) -> Result<(), Error> {
        let config = self.config.integrations.get(integration).ok_or(Error::NotFound("integration"))?;
        let note = Some(format!("key {id} ended by the operator"));
        let event = Event { note, ..self.event(EventKind::KeyRevoked, &config.client_id) };
        if !self.store.revoke_api_key(&config.client_id, None, id, &event).await? {
            return Err(Error::NotFound("key"));
        }
        Ok(())
    }

    pub(crate) fn key_event(&self, kind: EventKind, key: &ApiKey) -> Event {
        let note = format!("key {} ({})", key.id, key.label);
        Event {
            connection_id: key.connection_id.clone(),
            note: Some(note),
            ..self.event(kind, &key.client_id)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back_as_it_was_written() {
        let key = KeyText {
            kind: KeyTextKind::Key(KeyKind::Secret),
            id: "0".repeat(32),
            secret: Secret::new("a_-".repeat(14) + "z"),
        };
        let again = KeyText::parse(key.text().expose()).expect("it is a key");
        assert_eq!(again.kind, key.kind);
        assert_eq!(again.id, key.id);
        assert_eq!(again.secret.expose(), key.secret.expose());
    }

    #[test]
    fn what_is_not_a_key_is_not_read_as_one() {
        let id = "0".repeat(32);
        let secret = "a".repeat(43);
        for text in [
            String::new(),
            "ntn_123".into(),
            format!("vst_app_{id}"),
            format!("vst_root_{id}_{secret}"),
            format!("vst_app_{}_{secret}", "G".repeat(32)),
            format!("vst_app_{id}_{}", "a".repeat(42)),
            format!("vst_app_{id}_{}", "é".repeat(21) + "a"),
        ] {
            assert!(KeyText::parse(&text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_refresh_string_always_trades_for_the_same_key() {
        let refresh = || KeyText {
            kind: KeyTextKind::Refresh,
            id: "1".repeat(32),
            secret: Secret::new("b".repeat(43)),
        };
        assert_eq!(traded(&refresh()).expose(), traded(&refresh()).expose());
        assert!(!traded(&refresh()).expose().contains(&"b".repeat(43)));
    }
}
