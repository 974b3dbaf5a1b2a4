//! Addresses of stored files: signed, and good for an hour, like those of the storage behind Notion. The signature is a
//! keyed hash (HMAC-SHA-256) over the file, its name and the end of the hour, so nobody can make one up or stretch it.

use std::time::Duration;

use axum::http::Uri;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::Sha256;
use uuid::Uuid;

/// How long an address is good. Source: Notion, "Retrieving existing files" (read 2026-11-27).
const LIFE: Duration = Duration::from_hours(1);

/// What a name in an address may hold unescaped.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The folder that all files lie under.
const FOLDER: &str = "/_files/";

/// What it takes to write addresses.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Links<'a> {
    /// Where the caller reached the emulator, such as `http://127.0.0.1:40123`.
    pub(crate) origin: &'a str,
    /// The name of this instance of the emulator; the first has none.
    pub(crate) instance: &'a str,
    /// The secret of this emulator's signatures.
    pub(crate) key: &'a str,
}

impl Links<'_> {
    /// An address for the next hour, and when it ends.
    pub(crate) fn signed(&self, id: Uuid, name: &str, now: Timestamp) -> (String, Timestamp) {
        let ends_at = now.checked_add(LIFE).unwrap_or(Timestamp::MAX);
        let expires = ends_at.as_second();
        let signature = URL_SAFE_NO_PAD.encode(mac(self.key, id, name, expires).finalize().into_bytes());
        let public = self.public(id, name);
        let joint = if public.contains('?') { '&' } else { '?' };
        let address = format!("{public}{joint}expires={expires}&signature={signature}");
        (address, ends_at)
    }

    /// The address of what everybody may see.
    pub(crate) fn public(&self, id: Uuid, name: &str) -> String {
        let address = format!("{}{FOLDER}{id}/{}", self.origin, utf8_percent_encode(name, KEPT));
        if self.instance.is_empty() { address } else { format!("{address}?instance={}", self.instance) }
    }
}

/// The instance that an address names.
pub(crate) fn instance_of(uri: &Uri) -> Option<&str> {
    let query = uri.query().filter(|_| uri.path().starts_with(FOLDER))?;
    query.split('&').find_map(|pair| pair.strip_prefix("instance="))
}

/// Whether `signature` was made with `key` for exactly this.
pub(crate) fn is_genuine(key: &str, id: Uuid, name: &str, expires: i64, signature: &str) -> bool {
    let Ok(signature) = URL_SAFE_NO_PAD.decode(signature) else { return false };
    mac(key, id, name, expires).verify_slice(&signature).is_ok()
}

/// Which file an address that this emulator signed leads to, whether or not its hour is over.
pub(crate) fn signed_file_of(key: &str, address: &str) -> Option<Uuid> {
    let url = url::Url::parse(address).ok()?;
    let (_, name) = url.path().strip_prefix(FOLDER)?.split_once('/')?;
    let name = percent_encoding::percent_decode_str(name).decode_utf8().ok()?;
    let part = |wanted: &str| url.query_pairs().find(|(key, _)| key == wanted).map(|(_, value)| value);
    let (id, expires) = (file_of(address)?, part("expires")?.parse().ok()?);
    is_genuine(key, id, &name, expires, &part("signature")?).then_some(id)
}

/// Which file an address of ours leads to, if it is one of ours.
pub(crate) fn file_of(address: &str) -> Option<Uuid> {
    let url = url::Url::parse(address).ok()?;
    let (id, _) = url.path().strip_prefix(FOLDER)?.split_once('/')?;
    Uuid::try_parse(id).ok()
}

fn mac(key: &str, id: Uuid, name: &str, expires: i64) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("HMAC takes keys of any length");
    // The name comes last: it alone may hold the separator.
    mac.update(format!("{id} {expires} {name}").as_bytes());
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_good_for_one_file_one_name_one_hour_and_one_emulator() {
        let links = Links { origin: "http://here", instance: "", key: "secret" };
        let (address, ends_at) = links.signed(Uuid::nil(), "a b.txt", Timestamp::UNIX_EPOCH);
        assert_eq!(ends_at.as_second(), 3_600);
        assert!(address.starts_with(&format!("http://here/_files/{}/a%20b.txt?expires=3600&", Uuid::nil())));
        assert_eq!(file_of(&address), Some(Uuid::nil()));
        let (_, signature) = address.split_once("signature=").expect("it is signed");
        let genuine = |key, id, name, expires| is_genuine(key, id, name, expires, signature);
        assert!(genuine("secret", Uuid::nil(), "a b.txt", 3_600));
        assert!(!genuine("secret", Uuid::max(), "a b.txt", 3_600));
        assert!(!genuine("secret", Uuid::nil(), "b.txt", 3_600));
        assert!(!genuine("secret", Uuid::nil(), "a b.txt", 3_601));
        assert!(!genuine("guess", Uuid::nil(), "a b.txt", 3_600));
        assert!(!is_genuine("secret", Uuid::nil(), "a b.txt", 3_600, "no base64!"));
        assert_eq!(signed_file_of("secret", &address), Some(Uuid::nil()));
        assert_eq!(signed_file_of("guess", &address), None);
        assert_eq!(signed_file_of("secret", &address.replace("b.txt", "c.txt")), None);
    }

    #[test]
    fn an_address_names_its_instance() {
        let links = Links { origin: "http://here", instance: "i1", key: "secret" };
        let (address, _) = links.signed(Uuid::nil(), "instance=x&a", Timestamp::UNIX_EPOCH);
        assert_eq!(instance_of(&address.parse().expect("a uri")), Some("i1"));
        assert!(address.contains("?instance=i1&expires=3600&signature="), "{address}");
        assert_eq!(instance_of(&"/v1/pages?instance=i1".parse().expect("a uri")), None);
    }
}
