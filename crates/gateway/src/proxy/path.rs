//! Which paths are forwarded, byte for byte. Whatever two programs could read differently is refused: an encoded
//! slash, a dot segment in any spelling, an escape that stands for an escape, bytes that are no UTF-8. `/v1/oauth` in any
//! spelling never reaches Notion with a user's token.

use percent_encoding::percent_decode;

use crate::Error;

/// The longest path and query, in bytes.
const LENGTH_MAX: usize = 8 * 1024;

/// Checks a raw path and query.
///
/// # Errors
/// [`Error::PathRefused`] with the reason.
pub(crate) fn check(target: &str) -> Result<(), Error> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let reason = if target.len() > LENGTH_MAX {
        Some("it is longer than 8 KiB")
    } else if path.contains("//") {
        Some("there are two slashes in a row in it: does the base URL end in a slash?")
    } else if !query.bytes().all(|b| b.is_ascii_graphic()) {
        Some("the query has characters that are not visible ASCII")
    } else if let Some(below) = path.strip_prefix("/v1/") {
        wrong_path(below)
    } else {
        Some("it must begin with /v1/, for an SDK's base URL is …/notion/{connection}")
    };
    reason.map_or(Ok(()), |reason| Err(Error::PathRefused(reason)))
}

/// What is wrong with a path below `/v1/`.
fn wrong_path(below: &str) -> Option<&'static str> {
    if below.is_empty() {
        return Some("it ends too soon: the name of something at Notion must follow, such as /v1/users/me");
    }
    let mut segments = below.split('/');
    let first = segments.next().unwrap_or_default();
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    // A sign that a program in between might cut the name at ends it here.
    let name = first.split(|c: char| !c.is_ascii() || !plain(c as u8)).next().unwrap_or_default();
    if name.eq_ignore_ascii_case("oauth") {
        return Some("/v1/oauth does not take a connection's key");
    }
    wrong_segment(first)
        .or_else(|| first.contains('%').then_some("the name after /v1/ must be spelled without escapes"))
        .or_else(|| segments.find_map(wrong_segment))
}

/// RFC 3986 `pchar`, less what reads ambiguously.
fn wrong_segment(segment: &str) -> Option<&'static str> {
    let bytes = segment.as_bytes();
    let mut escaped = false;
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'%' => {
                escaped = true;
                if !bytes.get(at + 1..at + 3).is_some_and(is_hex) {
                    return Some("it has a malformed escape");
                }
            }
            b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b','
            | b'=' | b':' | b'@' => {}
            b if b.is_ascii_alphanumeric() => {}
            _ => return Some("it has a character that must be escaped"),
        }
    }
    if escaped { wrong_text(&percent_decode(bytes).collect::<Vec<u8>>()) } else { dot_segment(segment) }
}

/// What is wrong with the text that escapes stand for.
fn wrong_text(decoded: &[u8]) -> Option<&'static str> {
    let Ok(text) = std::str::from_utf8(decoded) else { return Some("an escape in it is no UTF-8") };
    if decoded.iter().any(u8::is_ascii_control) {
        return Some("it has an escaped control character");
    }
    if decoded.contains(&b'/') {
        return Some("it has an escaped slash");
    }
    if decoded.windows(3).any(|three| three[0] == b'%' && is_hex(&three[1..])) {
        return Some("it is escaped twice");
    }
    // Some programs take a backslash for a slash, or cut a segment at its semicolon.
    let goes_up = text.split('\\').any(|piece| piece.split(';').next() == Some(".."));
    dot_segment(text).or_else(|| goes_up.then_some("it has a dot segment"))
}

fn dot_segment(segment: &str) -> Option<&'static str> {
    matches!(segment, "." | "..").then_some("it has a dot segment")
}

fn is_hex(two: &[u8]) -> bool {
    two.iter().all(u8::is_ascii_hexdigit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_notion_has_is_forwarded() {
        for good in [
            "/v1/users/me",
            "/v1/pages/59833787-2cf9-4fdf-8782-e53db20768a5?filter_properties=a&filter_properties=%3FB%3AW",
            "/v1/pages/x/properties/%3FB%3AW",
            "/v1/pages/x/properties/a%3Bb%5Cc",
            "/v1/pages/x/properties/%25",
            "/v1/pages/x/properties/%25%3B",
            "/v1/pages/x/properties/%C3%BC...",
            "/v1/pages/x/properties/..a",
            "/v1/search/",
            "/v1/oauthx",
        ] {
            assert!(check(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn what_reads_two_ways_is_refused() {
        for bad in [
            "/v2/users",
            "//v1/users",
            "/v1//users",
            "/v1/users;x",
            "/v1/a\\b",
            "/v1/a%2Fb",
            "/v1/a%2fb",
            "/v1/a%00",
            "/v1/..",
            "/v1/../admin",
            "/v1/%2e%2E/x",
            "/v1/./x",
            "/v1/x/%252e",
            "/v1/x/%25252e",
            "/v1/x/%25%32%65",
            "/v1/x/%25%2565",
            "/v1/x/a%25%34%31",
            "/v1/x/%C0%AE",
            "/v1/x/%c0%af",
            "/v1/x/%E0%80%AF",
            "/v1/x/%FF",
            "/v1/x/%0d%0ahost:y",
            "/v1/x/%7f",
            "/v1/x/%2e%2e%3b/y",
            "/v1/x/..%3Ba/y",
            "/v1/x/..%5Cy",
            "/v1/x/a%5C..%5Cy",
            "/v1/%75sers",
            "/v1/oauth%3Bx/token",
            "/v1/oauth.json",
            "/v1/oauth~/token",
            "/v1/%EF%BD%8Fauth/token",
            "/v1/%2",
            "/v1/%zz",
            "/v1/ü",
            "/v1/oauth/token",
            "/v1/OAuth/token",
            "/v1/o%61uth/token",
            "/v1/oauth",
            "/v1/a?b=\u{1}",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
        assert!(check(&format!("/v1/{}", "a".repeat(LENGTH_MAX))).is_err());
    }

    proptest! {
        #[test]
        fn whatever_passes_stays_below_v1(rest in "[a-z%0-9./;]{0,30}") {
            let target = format!("/v1/{rest}");
            if check(&target).is_ok() {
                let url = url::Url::parse("https://api.notion.com").unwrap().join(&target).unwrap();
                prop_assert_eq!(url.path(), &target);
            }
        }

        #[test]
        fn any_text_is_judged(text in "\\PC{0,100}") {
            let _either = check(&text);
        }
    }
}
