//! Hashes of what is random already (tokens, codes, states), keyed hashes of keys, and comparison in constant time.

use aws_lc_rs::{constant_time, digest, hmac};

/// A SHA-256 or HMAC-SHA-256 value.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sha256([u8; 32]);

impl Sha256 {
    /// Stands where there is no hash, so that a comparison costs the same.
    pub const ZERO: Self = Self([0; 32]);

    /// From stored bytes; `None` unless there are exactly 32.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[hash]")
    }
}

/// SHA-256. Only for values of 256 random bits: nothing shorter is safe behind a plain hash.
pub fn sha256(message: &[u8]) -> Sha256 {
    let hash = digest::digest(&digest::SHA256, message);
    Sha256::from_slice(hash.as_ref()).expect("SHA-256 gives 32 bytes")
}

/// HMAC-SHA-256.
pub fn hmac_sha256(key: &[u8], message: &[u8]) -> Sha256 {
    HmacKey::new(key).sign(message)
}

/// A key of HMAC-SHA-256, ready to be used often.
pub(crate) struct HmacKey(hmac::Key);

impl HmacKey {
    pub(crate) fn new(key: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Sha256 {
        Sha256::from_slice(hmac::sign(&self.0, message).as_ref()).expect("HMAC-SHA-256 gives 32 bytes")
    }
}

/// Whether two values are equal, in time that depends on their lengths alone.
pub fn equal(a: &[u8], b: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(a, b).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(hash: Sha256) -> String {
        hash.as_bytes().iter().map(|b| format!("{b:02x}")).collect()
    }

    #[test]
    fn the_hashes_are_those_of_the_standards() {
        // FIPS 180-2 B.1 and RFC 4231 4.3.
        assert_eq!(hex(sha256(b"abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(
            hex(hmac_sha256(b"Jefe", b"what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn only_equal_values_are_equal() {
        assert!(equal(b"abc", b"abc"));
        assert!(!equal(b"abc", b"abd") && !equal(b"abc", b"ab"));
    }
}
