//! The client id and app secret of `/v1/oauth/*`, as HTTP Basic. Libraries that follow RFC 6749 2.3.1 form-encode both
//! parts first, others send them as they are, and either is taken: an app secret has no character that could be mistaken.
//! What is not one is refused by its form alone, in a sentence that names the cure; nothing is looked up for it.

use axum::http::HeaderMap;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use sealing::Secret;
use store::records::KeyKind;

use super::single_authorization;
use crate::Error;
use crate::keys::{KeyText, KeyTextKind};

/// Base64 as most write it; some leave the padding out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What is said of every secret that has the right form, whatever is wrong with it.
pub(super) const UNKNOWN: &str = "the client id or the app secret is not valid: it was mistyped, ended, or belongs to another integration or another Vestibule";
const MISSING: &str = "no client credentials: send the client id and an app secret as HTTP Basic (client_secret_basic); a client_secret in the body is not taken, here as at Notion";
const BEARER: &str =
    "HTTP Basic with the client id and an app secret was expected (client_secret_basic), not a Bearer key";
const OTHER_SCHEME: &str =
    "HTTP Basic with the client id and an app secret was expected (client_secret_basic)";
const UNREADABLE: &str = "the Authorization header cannot be read: `Basic` and the base64 of client_id:app_secret, in UTF-8, were expected";
const EMPTY: &str = "the app secret is empty: `vestibule keys mint --kind secret` makes one";
const NOT_OURS: &str = "the password is not an app secret of Vestibule, which begins with vst_secret_. The client secret from Notion's portal belongs into Vestibule's configuration; for the app, `vestibule keys mint --kind secret` makes one";
const CUT: &str = "the app secret is not whole: it was cut or changed on its way. Copy it again, or make another with `vestibule keys mint --kind secret`";
const APP_KEY: &str = "this is an app key, which opens the HTTP API; here an app secret was expected: `vestibule keys mint --kind secret` makes one";
const CONNECTION_KEY: &str = "this is a connection key, which stands where a Notion token would; here an app secret was expected: `vestibule keys mint --kind secret` makes one";
const REFRESH: &str =
    "this is a refresh token; here an app secret was expected: `vestibule keys mint --kind secret` makes one";

/// What a client says it is.
pub(super) struct Credentials {
    client_id: String,
    /// Of the form of an app secret.
    pub(super) secret: KeyText,
}

impl Credentials {
    /// Whether the client id is this one, as it was sent or decoded.
    pub(super) fn names(&self, client_id: &str) -> bool {
        self.client_id == client_id || form_decoded(&self.client_id).as_deref() == Some(client_id)
    }
}

/// Reads the credentials of a request.
///
/// # Errors
/// [`Error::AppRefused`] with what to do, by the form of what was sent and nothing else.
pub(super) fn read(headers: &HeaderMap) -> Result<Credentials, Error> {
    let header = single_authorization(headers).map_err(|error| match error {
        Error::KeyMissing => Error::AppRefused(MISSING),
        Error::KeyInvalid => Error::AppRefused(UNREADABLE),
        other => other,
    })?;
    parse(header).map_err(Error::AppRefused)
}

fn parse(header: &str) -> Result<Credentials, &'static str> {
    let (scheme, encoded) = header.trim().split_once(' ').unwrap_or((header.trim(), ""));
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(if scheme.eq_ignore_ascii_case("bearer") { BEARER } else { OTHER_SCHEME });
    }
    let decoded = BASE64.decode(encoded.trim()).map_err(|_| UNREADABLE)?;
    let decoded = Secret::new(String::from_utf8(decoded).map_err(|_| UNREADABLE)?);
    let (client_id, password) = decoded.expose().split_once(':').ok_or(UNREADABLE)?;
    Ok(Credentials { client_id: client_id.to_owned(), secret: app_secret(password)? })
}

/// The app secret that a password is, as it was sent or decoded.
fn app_secret(password: &str) -> Result<KeyText, &'static str> {
    if password.is_empty() {
        return Err(EMPTY);
    }
    let plain = form_decoded(password).map(Secret::new);
    let plain = plain.as_ref().map_or(password, |plain| plain.expose());
    let Some(text) = KeyText::parse(password).or_else(|| KeyText::parse(plain)) else {
        return Err(if plain.starts_with("vst_") { CUT } else { NOT_OURS });
    };
    match text.kind {
        KeyTextKind::Key(KeyKind::Secret) => Ok(text),
        KeyTextKind::Key(KeyKind::App) => Err(APP_KEY),
        KeyTextKind::Key(KeyKind::Connection) => Err(CONNECTION_KEY),
        KeyTextKind::Refresh => Err(REFRESH),
    }
}

/// The text behind `application/x-www-form-urlencoded`; `None` if it is no such encoding.
fn form_decoded(encoded: &str) -> Option<String> {
    let spaced = encoded.replace('+', " ");
    let bytes: Vec<u8> = percent_encoding::percent_decode_str(&spaced).collect();
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
    use proptest::prelude::*;

    fn good() -> String {
        format!("vst_secret_{}_{}", "0a".repeat(16), "a_-".repeat(14) + "z")
    }

    /// As oauth4webapi does it: all but letters and digits escaped.
    fn strictly(text: &str) -> String {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    }

    fn header(pair: &str) -> String {
        format!("Basic {}", STANDARD.encode(pair))
    }

    #[test]
    fn raw_and_form_encoded_credentials_are_taken() {
        let (id, secret) = ("client id:ü+1", good());
        let form: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
        let colon = |text: &str| text.replace(':', "%3A");
        for pair in [
            format!("{}:{}", strictly(id), strictly(&secret)),
            format!("{form}:{secret}"),
            format!("{}:{secret}", strictly(id)),
            format!("{}:{}", strictly(id), colon(&secret)),
            format!("{}:{}", strictly(id), strictly(&secret).to_ascii_lowercase().replace("%5f", "%5F")),
        ] {
            let read = parse(&header(&pair)).unwrap_or_else(|why| panic!("{pair}: {why}"));
            assert!(read.names(id), "{pair}");
            assert_eq!(read.secret.text().expose(), &secret);
        }
        // What looks encoded may be what was meant.
        let read = parse(&header(&format!("a%2Bb:{secret}"))).ok().unwrap();
        assert!(read.names("a%2Bb") && read.names("a+b") && !read.names("a b"));
    }

    #[test]
    fn the_header_is_read_as_it_is_written_in_the_wild() {
        let pair = format!("client:{}", good());
        for header in [
            format!("basic {}", STANDARD.encode(&pair)),
            format!("BASIC  {} ", STANDARD.encode(&pair)),
            format!("Basic {}", STANDARD_NO_PAD.encode(&pair)),
        ] {
            assert!(parse(&header).is_ok_and(|read| read.names("client")), "{header}");
        }
    }

    #[test]
    fn each_mistake_has_its_sentence() {
        let key = |word: &str| format!("vst_{word}_{}_{}", "0a".repeat(16), "b".repeat(43));
        let mistakes = [
            ("secret_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789abcdefg".to_owned(), NOT_OURS),
            ("ntn_123".to_owned(), NOT_OURS),
            ("%73ecret%5Fabc".to_owned(), NOT_OURS),
            ("100%".to_owned(), NOT_OURS),
            ("%ff%".to_owned(), NOT_OURS),
            (String::new(), EMPTY),
            (good()[..60].to_owned(), CUT),
            (format!("{}\n", good()), CUT),
            ("vst_secret_%".to_owned(), CUT),
            (key("app"), APP_KEY),
            (strictly(&key("app")), APP_KEY),
            (key("con"), CONNECTION_KEY),
            (key("refresh"), REFRESH),
        ];
        for (password, sentence) in mistakes {
            assert_eq!(parse(&header(&format!("c:{password}"))).err(), Some(sentence), "{password}");
        }
        assert_eq!(parse("Bearer x").err(), Some(BEARER));
        assert_eq!(parse("Digest x").err(), Some(OTHER_SCHEME));
        for unreadable in ["Basic", "Basic ", "Basic !", "Basic /w==", &header("no colon")] {
            assert_eq!(parse(unreadable).err(), Some(UNREADABLE), "{unreadable}");
        }
    }

    proptest! {
        #[test]
        fn any_pair_is_read_or_refused(pair in "\\PC{0,80}", raw in "\\PC{0,40}") {
            let _either = parse(&header(&pair));
            let _either = parse(&raw);
            let _either = parse(&header(&format!("c:vst_secret_{pair}")));
        }
    }
}
