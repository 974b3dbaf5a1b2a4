//! The root key and the ring of keys that it wraps: one key-encrypting key an epoch, and the key of keyed hashes.
//! The root key comes from a file or the environment and never touches the store; the store holds the ring wrapped.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

use crate::aead::{self, Key};
use crate::hash::HmacKey;
use crate::sealed::{DataKey, OpenError, Row, WrappedDataKey};
use crate::{Random, Secret, Sha256};

/// The key id of what the root key itself wraps.
const ROOT: u32 = 0;
/// The first epoch.
const FIRST_EPOCH: u32 = 1;

/// The key above all others: 32 bytes, from a file or the environment.
pub struct RootKey(Key);

/// A root key does not read as one. The value is not in the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a root key is 32 bytes as base64 (44 characters) or hex (64 characters)")]
pub struct RootKeyError;

impl RootKey {
    /// Reads a root key from base64 or hex; white space around it is ignored.
    ///
    /// # Errors
    /// [`RootKeyError`].
    pub fn parse(text: &str) -> Result<Self, RootKeyError> {
        let text = text.trim();
        let bytes = if text.len() == 64 { from_hex(text) } else { STANDARD.decode(text).ok() };
        let bytes = Zeroizing::new(bytes.ok_or(RootKeyError)?);
        let key: [u8; 32] = bytes.as_slice().try_into().map_err(|_| RootKeyError)?;
        Ok(Self(Key::new(key)))
    }

    /// A fresh root key.
    pub fn generate(random: Random<'_>) -> Self {
        Self(Key::random(random))
    }

    /// As base64, to be written to a file once.
    pub fn to_text(&self) -> Secret<String> {
        Secret::new(STANDARD.encode(self.0.as_bytes()))
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    text.as_bytes().chunks(2).map(|pair| Some(16 * digit(*pair.first()?)? + digit(*pair.get(1)?)?)).collect()
}

/// The keyring as the store holds it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredKeyring {
    /// The epoch that wraps new data keys.
    pub current: u32,
    /// Each epoch's key, wrapped by the root key.
    pub epochs: Vec<(u32, Vec<u8>)>,
    /// The key of keyed hashes, wrapped by the root key.
    pub lookup: Vec<u8>,
}

/// A keyring cannot be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// Most likely another root key.
    #[error(
        "this root key does not open the store's keyring: it was made with another one. Nothing was written"
    )]
    WrongRootKey,
    /// The stored ring itself is broken.
    #[error("the store's keyring is damaged: restore it from a backup")]
    Damaged,
}

/// The keys that data keys are wrapped by.
pub struct Keyring {
    current: u32,
    epochs: BTreeMap<u32, Key>,
    /// Its schedule is made once: a hash of each call's key is taken with it.
    lookup: HmacKey,
}

impl Keyring {
    /// A fresh keyring, and what to store of it.
    pub fn create(root: &RootKey, random: Random<'_>) -> (Self, StoredKeyring) {
        let (epoch, lookup) = (Key::random(random), Key::random(random));
        let stored = StoredKeyring {
            current: FIRST_EPOCH,
            epochs: vec![(
                FIRST_EPOCH,
                aead::seal(&root.0, ROOT, &epoch_context(FIRST_EPOCH), epoch.as_bytes(), random),
            )],
            lookup: aead::seal(&root.0, ROOT, LOOKUP_CONTEXT, lookup.as_bytes(), random),
        };
        let lookup = HmacKey::new(lookup.as_bytes());
        (Self { current: FIRST_EPOCH, epochs: BTreeMap::from([(FIRST_EPOCH, epoch)]), lookup }, stored)
    }

    /// Opens a stored keyring.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub fn open(root: &RootKey, stored: &StoredKeyring) -> Result<Self, KeyringError> {
        let unwrap = |context: &[u8], wrapped: &[u8]| {
            aead::key_id(wrapped).ok_or(KeyringError::Damaged)?;
            let plain = aead::open(&root.0, context, wrapped).ok_or(KeyringError::WrongRootKey)?;
            let bytes: [u8; 32] = plain.as_slice().try_into().map_err(|_| KeyringError::Damaged)?;
            Ok(Key::new(bytes))
        };
        let epochs = stored
            .epochs
            .iter()
            .map(|(epoch, wrapped)| Ok((*epoch, unwrap(&epoch_context(*epoch), wrapped)?)))
            .collect::<Result<BTreeMap<_, _>, _>>()?;
        if !epochs.contains_key(&stored.current) {
            return Err(KeyringError::Damaged);
        }
        let lookup = HmacKey::new(unwrap(LOOKUP_CONTEXT, &stored.lookup)?.as_bytes());
        Ok(Self { current: stored.current, epochs, lookup })
    }

    /// A fresh data key for a row, and its wrapped form to store beside it.
    pub fn new_data_key(&self, row: &Row<'_>, random: Random<'_>) -> (DataKey, WrappedDataKey) {
        let key = Key::random(random);
        let epoch = self.epochs.get(&self.current).expect("open checked that the current epoch is there");
        let wrapped = aead::seal(epoch, self.current, &row.context(), key.as_bytes(), random);
        (DataKey(key), WrappedDataKey::new(wrapped))
    }

    /// Unwraps a row's data key. The epoch in it selects the key; nothing is tried.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open_data_key(&self, row: &Row<'_>, wrapped: &WrappedDataKey) -> Result<DataKey, OpenError> {
        let id = wrapped.epoch().ok_or(OpenError::Format)?;
        let epoch = self.epochs.get(&id).ok_or(OpenError::KeyUnknown(id))?;
        let plain = aead::open(epoch, &row.context(), wrapped.as_bytes()).ok_or(OpenError::Refused)?;
        let bytes: [u8; 32] = plain.as_slice().try_into().map_err(|_| OpenError::Format)?;
        Ok(DataKey(Key::new(bytes)))
    }

    /// The keyed hash under which an API key's secret part is stored.
    pub fn lookup_hmac(&self, secret: &[u8]) -> Sha256 {
        self.lookup.sign(secret)
    }
}

const LOOKUP_CONTEXT: &[u8] = b"vestibule keyring lookup v1";

fn epoch_context(epoch: u32) -> Vec<u8> {
    let mut context = b"vestibule keyring epoch v1".to_vec();
    context.extend_from_slice(&epoch.to_be_bytes());
    context
}
