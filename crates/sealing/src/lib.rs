//! Secrets at rest: what turns a token into bytes that may be stored, and back.
//! A root key wraps a ring of epoch keys; each row has a random data key wrapped by the current epoch; the data
//! key seals the row's cells with the row's identity as associated data. This is the only crate on the gateway's
//! side that depends on the cipher; random bytes come in as an argument.

mod aead;
mod hash;
mod keyring;
mod sealed;
mod secret;

pub use hash::{Sha256, equal, hmac_sha256, sha256};
pub use keyring::{Keyring, KeyringError, RootKey, RootKeyError, StoredKeyring};
pub use sealed::{Cell, DataKey, OpenError, Row, Sealed, WrappedDataKey};
pub use secret::Secret;

/// Fills a buffer with random bytes: the caller's CSPRNG.
pub type Random<'a> = &'a mut dyn FnMut(&mut [u8]);
