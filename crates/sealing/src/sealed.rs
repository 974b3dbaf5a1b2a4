//! Data keys and what they seal. Every row has a data key of its own; every cell is bound to its table, column,
//! client id, row and generation, so sealed bytes that are copied elsewhere do not open there.

use std::fmt;
use std::marker::PhantomData;

use crate::aead::{self, Key};
use crate::{Random, Secret};

/// A row's identity.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// The table.
    pub table: &'static str,
    /// The integration that it belongs to.
    pub client_id: &'a str,
    /// The row's id.
    pub id: &'a str,
}

/// A cell's identity.
#[derive(Debug, Clone, Copy)]
pub struct Cell<'a> {
    /// Its row.
    pub row: Row<'a>,
    /// Its column.
    pub column: &'static str,
    /// The generation of its value; 0 where there is none.
    pub generation: u64,
}

impl Row<'_> {
    pub(crate) fn context(&self) -> Vec<u8> {
        joined(&[self.table, self.client_id, self.id])
    }
}

impl Cell<'_> {
    fn context(&self) -> Vec<u8> {
        let mut context = self.row.context();
        context.extend(joined(&[self.column]));
        context.extend_from_slice(&self.generation.to_be_bytes());
        context
    }
}

/// Each part after its length, so that no two identities read the same.
fn joined(parts: &[&str]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes
}

/// Sealed bytes cannot be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The bytes have not our format.
    #[error("the sealed bytes have not the expected format")]
    Format,
    /// The key that sealed them is not in the keyring.
    #[error("the key that sealed these bytes (epoch {0}) is not in the keyring")]
    KeyUnknown(u32),
    /// They were changed, or belong to another place.
    #[error("the sealed bytes do not open here: they were changed or belong to another row")]
    Refused,
}

/// A key for one row's cells. It is stored wrapped, and destroyed to make its cells unreadable for good.
pub struct DataKey(pub(crate) Key);

/// A data key, wrapped by an epoch of the keyring.
#[derive(Clone, PartialEq, Eq)]
pub struct WrappedDataKey(Vec<u8>);

/// A sealed value of kind `T`.
pub struct Sealed<T> {
    bytes: Vec<u8>,
    kind: PhantomData<fn() -> T>,
}

/// The key id that cells carry: their row has one data key only.
const ROW_KEY: u32 = 0;

impl DataKey {
    /// Seals a value for a cell.
    pub fn seal<T>(&self, cell: &Cell<'_>, value: &Secret<String>, random: Random<'_>) -> Sealed<T> {
        let bytes = aead::seal(&self.0, ROW_KEY, &cell.context(), value.expose().as_bytes(), random);
        Sealed { bytes, kind: PhantomData }
    }

    /// Opens a cell.
    ///
    /// # Errors
    /// [`OpenError::Refused`] if key, cell or a single bit differ.
    pub fn open<T>(&self, cell: &Cell<'_>, sealed: &Sealed<T>) -> Result<Secret<String>, OpenError> {
        let plain = aead::open(&self.0, &cell.context(), &sealed.bytes).ok_or(OpenError::Refused)?;
        let text = std::str::from_utf8(&plain).map_err(|_| OpenError::Format)?;
        Ok(Secret::new(text.to_owned()))
    }
}

impl WrappedDataKey {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// From stored bytes.
    ///
    /// # Errors
    /// [`OpenError::Format`].
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, OpenError> {
        aead::key_id(&bytes).map(|_| Self(bytes)).ok_or(OpenError::Format)
    }

    /// To be stored.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The epoch that wrapped it.
    pub fn epoch(&self) -> Option<u32> {
        aead::key_id(&self.0)
    }
}

impl<T> Sealed<T> {
    /// From stored bytes.
    ///
    /// # Errors
    /// [`OpenError::Format`].
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, OpenError> {
        aead::key_id(&bytes).map(|_| Self { bytes, kind: PhantomData }).ok_or(OpenError::Format)
    }

    /// To be stored.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl<T> Clone for Sealed<T> {
    fn clone(&self) -> Self {
        Self { bytes: self.bytes.clone(), kind: PhantomData }
    }
}

impl<T> fmt::Debug for Sealed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[sealed, {} bytes]", self.bytes.len())
    }
}

impl fmt::Debug for WrappedDataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[wrapped key]")
    }
}
