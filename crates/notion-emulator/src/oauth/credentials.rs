//! Who calls the token endpoints: client id and secret as HTTP Basic, and nothing else. Whether Notion decodes what strict
//! libraries encode (RFC 6749 2.3.1) nobody knows, so it is a switch.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Refused;
use crate::grants::Client;
use crate::state::State;
use crate::switches::Basic;

/// The client, by HTTP Basic. A secret in the body is not looked at, as at Notion.
pub(super) fn authenticate(state: &State, headers: &HeaderMap) -> Result<Client, Refused> {
    let header =
        headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).ok_or_else(Refused::client)?;
    let (scheme, encoded) = header.split_once(' ').ok_or_else(Refused::client)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(Refused::client());
    }
    let decoded = STANDARD.decode(encoded.trim()).map_err(|_| Refused::client())?;
    let decoded = String::from_utf8(decoded).map_err(|_| Refused::client())?;
    let (id, secret) = decoded.split_once(':').ok_or_else(Refused::client)?;
    let known =
        |id: &str, secret: &str| state.grants.client(id).filter(|client| client.client_secret == secret);
    let decoded = || known(&form_decoded(id)?, &form_decoded(secret)?);
    let client = match state.switches.basic {
        Basic::Raw => known(id, secret),
        Basic::Encoded => decoded(),
        Basic::Either => known(id, secret).or_else(decoded),
    };
    client.cloned().ok_or_else(Refused::client)
}

/// The text behind `application/x-www-form-urlencoded`.
pub(crate) fn form_decoded(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    percent_encoding::percent_decode_str(&spaced).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}
