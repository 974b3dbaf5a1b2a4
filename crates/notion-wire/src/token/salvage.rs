//! Reads a JSON object that was damaged on its way: something before or after it, or its end cut off.
//! What is cut in the middle of a member loses that member; the ones before it are whole. A cut object counts only if it
//! names its refresh token: one that lost it must not look like one that never had it.

use serde::de::DeserializeOwned;
use serde_json::Value;

/// The byte order mark.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// The object at the beginning of `body`, if it can be read.
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    let body = body.strip_prefix(MARK).unwrap_or(body);
    match first(body) {
        Ok(value) => value,
        Err(error) if error.is_eof() => {
            let whole = completed(body).filter(|object| object.get("refresh_token").is_some())?;
            serde_json::from_value(whole).ok()
        }
        Err(_) => None,
    }
}

/// The first value, whatever comes after it.
fn first<T: DeserializeOwned>(body: &[u8]) -> Result<Option<T>, serde_json::Error> {
    serde_json::Deserializer::from_slice(body).into_iter::<T>().next().transpose()
}

/// The object that `body` is the beginning of, with its last member dropped if that was cut in the middle.
fn completed(body: &[u8]) -> Option<Value> {
    let mut closers = Vec::new();
    let (mut quoted, mut escaped) = (false, false);
    // Where the last member of the object itself ended.
    let mut comma = None;
    for (at, byte) in body.iter().enumerate() {
        match byte {
            _ if std::mem::take(&mut escaped) => {}
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'{' => closers.push(b'}'),
            b'[' => closers.push(b']'),
            b'}' | b']' => {
                closers.pop();
            }
            b',' if closers.len() == 1 => comma = Some(at),
            _ => {}
        }
    }
    let parse = |bytes: Vec<u8>| serde_json::from_slice(&bytes).ok();
    let closed: Vec<u8> = body.iter().chain(closers.iter().rev()).copied().collect();
    parse(closed).or_else(|| parse([&body[..comma?], b"}"].concat()))
}
