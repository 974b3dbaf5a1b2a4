//! The cipher: AES-256-GCM-SIV with random 96-bit nonces, which forgives a repeated one.
//! One format for all that is sealed: version, key id, nonce, ciphertext with tag. The version and key id are part of
//! the associated data, so neither can be changed unnoticed.

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

use crate::Random;

/// The format's version, the first byte of everything sealed.
const VERSION: u8 = 1;
const KEY_ID_LEN: usize = 4;
const HEADER_LEN: usize = 1 + KEY_ID_LEN + NONCE_LEN;
const TAG_LEN: usize = 16;
/// The largest sealed value, in bytes: tokens are far smaller.
const LENGTH_MAX: usize = 64 * 1024;

/// A 256-bit key, wiped when dropped.
#[derive(Clone)]
pub(crate) struct Key(Zeroizing<[u8; 32]>);

impl Key {
    pub(crate) fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    pub(crate) fn random(random: Random<'_>) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        random(&mut *bytes);
        Self(bytes)
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn cipher(&self) -> LessSafeKey {
        LessSafeKey::new(
            UnboundKey::new(&AES_256_GCM_SIV, &*self.0).expect("the key has the cipher's 32 bytes"),
        )
    }
}

/// Seals `plaintext` under `key`, which `key_id` names, bound to `context`.
pub(crate) fn seal(key: &Key, key_id: u32, context: &[u8], plaintext: &[u8], random: Random<'_>) -> Vec<u8> {
    let mut nonce = [0; NONCE_LEN];
    random(&mut nonce);
    let mut body = Zeroizing::new(plaintext.to_vec());
    let tag = key
        .cipher()
        .seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(bound(key_id, context)),
            &mut body,
        )
        .expect("a bounded plaintext can be sealed");
    let mut sealed = Vec::with_capacity(HEADER_LEN + body.len() + TAG_LEN);
    sealed.push(VERSION);
    sealed.extend_from_slice(&key_id.to_be_bytes());
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(&body);
    sealed.extend_from_slice(tag.as_ref());
    sealed
}

/// Opens what [`seal`] made; `None` if key, context or a single bit differ.
pub(crate) fn open(key: &Key, context: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let key_id = key_id(sealed)?;
    let nonce: [u8; NONCE_LEN] = sealed.get(1 + KEY_ID_LEN..HEADER_LEN)?.try_into().ok()?;
    let mut body = Zeroizing::new(sealed.get(HEADER_LEN..)?.to_vec());
    let aad = Aad::from(bound(key_id, context));
    let length = key.cipher().open_in_place(Nonce::assume_unique_for_key(nonce), aad, &mut body).ok()?.len();
    body.truncate(length);
    Some(body)
}

/// Which key sealed this; `None` if it has not the format.
pub(crate) fn key_id(sealed: &[u8]) -> Option<u32> {
    let fits = (HEADER_LEN + TAG_LEN..=LENGTH_MAX).contains(&sealed.len());
    let version = *sealed.first()?;
    let id = sealed.get(1..=KEY_ID_LEN)?.try_into().ok()?;
    (fits && version == VERSION).then(|| u32::from_be_bytes(id))
}

fn bound(key_id: u32, context: &[u8]) -> Vec<u8> {
    let mut aad = vec![VERSION];
    aad.extend_from_slice(&key_id.to_be_bytes());
    aad.extend_from_slice(context);
    aad
}
