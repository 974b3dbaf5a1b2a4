//! The app's own `state`, which goes back to it exactly as it came. Libraries put a random word into it, JSON, or a signed
//! token of a thousand characters; what it holds is theirs, and so is its encoding: `%20` stays `%20` and `+` stays `+`.

use crate::parameters;

/// The longest `state`, in bytes once decoded. The longest that libraries are known to send are below 2 KiB; with every
/// byte escaped this one still fits into a request's head and into a `Location`, both ways.
const BYTES_MAX: usize = 8 * 1024;
/// Fewer characters than this do not hold the 64 random bits that make a `state` hard to guess.
const GUESSABLE_BELOW: usize = 16;

/// The app's `state`, percent-encoded for the way back. It guards the app's login, so it does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct EchoedState {
    encoded: String,
    chars: usize,
}

impl EchoedState {
    /// Reads the `state` of an authorization request's query, which has exactly one.
    ///
    /// Any text is taken that has no control characters in it: RFC 6749 A.5 allows visible ASCII and spaces, and what apps
    /// write into JSON goes beyond ASCII.
    ///
    /// # Errors
    /// A sentence for the developer, if it is no such text or longer than 8 KiB.
    pub fn read(query: &str) -> Result<Self, &'static str> {
        const NOT_TEXT: &str = "state must be text without control characters, in UTF-8";
        let raw = parameters::raw(query, "state").unwrap_or_default();
        let spaced = raw.replace('+', " ");
        let decoded: Vec<u8> = percent_encoding::percent_decode_str(&spaced).collect();
        if decoded.len() > BYTES_MAX {
            return Err("state must be at most 8192 bytes long");
        }
        let text = String::from_utf8(decoded).map_err(|_| NOT_TEXT)?;
        if text.is_empty() || text.chars().any(char::is_control) {
            return Err(NOT_TEXT);
        }
        let encoded = if is_well_encoded(raw) { raw.to_owned() } else { encode(&text) };
        Ok(Self { encoded, chars: text.chars().count() })
    }

    /// What stands after `state=` on the way back: characters of a URL's query and nothing else.
    pub fn encoded(&self) -> &str {
        &self.encoded
    }

    /// Whether it is too short to be hard to guess. That is the app's own risk.
    pub fn is_guessable(&self) -> bool {
        self.chars < GUESSABLE_BELOW
    }
}

impl std::fmt::Debug for EchoedState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Whether it is a part of a query as RFC 3986 3.4 has it. Some apps escape less than they should.
fn is_well_encoded(raw: &str) -> bool {
    let bytes = raw.as_bytes();
    let escaped =
        |at: usize| bytes[at..].iter().skip(1).take(2).filter(|b| b.is_ascii_hexdigit()).count() == 2;
    bytes.iter().enumerate().all(|(at, byte)| match byte {
        b'%' => escaped(at),
        _ => byte.is_ascii_alphanumeric() || b"-._~!$'()*+,;=:@/?".contains(byte),
    })
}

/// Everything but the unreserved characters escaped (RFC 3986 2.3), so that any decoder reads it alike.
fn encode(text: &str) -> String {
    const ESCAPED: &percent_encoding::AsciiSet =
        &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    percent_encoding::utf8_percent_encode(text, ESCAPED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn echoed(raw: &str) -> Result<String, &'static str> {
        EchoedState::read(&format!("a=1&state={raw}&b=2")).map(|state| state.encoded)
    }

    #[test]
    fn what_came_goes_back_byte_for_byte() {
        let long = "eyJ".repeat(700);
        for raw in [
            "x",
            "a+b",
            "a%20b",
            "a%2Bb%3D%3D",
            "%7B%22next%22%3A%22%2Fhome%22%7D",
            "Zo%C3%AB",
            "a=b/c?d:e@f",
            "%2520",
            &long,
            &"x".repeat(BYTES_MAX),
            &"%20".repeat(BYTES_MAX),
        ] {
            assert_eq!(echoed(raw).as_deref(), Ok(raw));
        }
    }

    #[test]
    fn what_was_escaped_too_little_is_escaped_whole() {
        assert_eq!(echoed("100%").as_deref(), Ok("100%25"));
        assert_eq!(echoed("%zz+%4").as_deref(), Ok("%25zz%20%254"));
        assert_eq!(echoed("{\"a\":1}").as_deref(), Ok("%7B%22a%22%3A1%7D"));
        assert_eq!(echoed("<b>é").as_deref(), Ok("%3Cb%3E%C3%A9"));
    }

    #[test]
    fn control_characters_broken_text_and_what_nobody_sends_are_refused() {
        for raw in ["", "%0D%0ASet-Cookie:x", "%00", "%7F", "%C2%85", "%FF", "%C3"] {
            assert!(echoed(raw).is_err(), "{raw}");
        }
        assert!(echoed(&"x".repeat(BYTES_MAX + 1)).is_err());
        assert!(echoed(&"%41".repeat(BYTES_MAX + 1)).is_err());
    }

    #[test]
    fn only_a_short_one_can_be_guessed() {
        let guessable = |raw: &str| EchoedState::read(&format!("state={raw}")).unwrap().is_guessable();
        assert!(guessable("xyz") && guessable("%41%42") && guessable("123456789012345"));
        assert!(!guessable("1234567890123456"));
    }

    #[test]
    fn an_escaped_name_is_the_same_name() {
        assert_eq!(EchoedState::read("st%61te=x").unwrap().encoded(), "x");
    }

    proptest! {
        #[test]
        fn an_app_reads_what_it_sent(state in "[^\\p{Cc}]{1,60}", form: bool) {
            let sent = if form {
                url::form_urlencoded::byte_serialize(state.as_bytes()).collect()
            } else {
                encode(&state)
            };
            let echoed = echoed(&sent).unwrap();
            prop_assert_eq!(&echoed, &sent);
            let query = format!("state={echoed}");
            let (_, read) = url::form_urlencoded::parse(query.as_bytes()).next().unwrap();
            prop_assert_eq!(read, state);
        }

        #[test]
        fn whatever_comes_goes_back_as_visible_ascii_or_not_at_all(raw in "\\PC{0,80}") {
            if let Ok(echoed) = echoed(&raw) {
                prop_assert!(echoed.bytes().all(|b| b.is_ascii_graphic() && b != b'&' && b != b'#'));
            }
        }
    }
}
