//! Which paths are forwarded, byte for byte. Whatever two programs could read differently is refused: an encoded
//! slash, a dot segment in any spelling, a double encoding. `/v1/oauth` in any spelling never reaches Notion with a
//! user's token.

use percent_encoding::percent_decode_str;

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
    } else if !path.starts_with("/v1/") {
        Some("it must begin with /v1/, for an SDK's base URL is …/notion/{connection}")
    } else if !query.bytes().all(|b| b.is_ascii_graphic()) {
        Some("the query has characters that are not visible ASCII")
    } else {
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        let odd = segments.iter().find_map(|segment| wrong_segment(segment));
        odd.or_else(|| {
            is_oauth(segments.get(1).copied()).then_some("/v1/oauth does not take a connection's key")
        })
    };
    reason.map_or(Ok(()), |reason| Err(Error::PathRefused(reason)))
}

/// RFC 3986 `pchar`, less what reads ambiguously.
fn wrong_segment(segment: &str) -> Option<&'static str> {
    let bytes = segment.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'%' => {
                let Some(escape) =
                    bytes.get(at + 1..at + 3).filter(|hex| hex.iter().all(u8::is_ascii_hexdigit))
                else {
                    return Some("it has a malformed escape");
                };
                match escape.to_ascii_uppercase().as_slice() {
                    b"00" => return Some("it has an escaped zero byte"),
                    b"2F" => return Some("it has an escaped slash"),
                    b"25" if doubly(bytes, at) => return Some("it is escaped twice"),
                    _ => {}
                }
            }
            b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b','
            | b'=' | b':' | b'@' => {}
            b if b.is_ascii_alphanumeric() => {}
            _ => return Some("it has a character that must be escaped"),
        }
    }
    let decoded: Vec<u8> = percent_decode_str(segment).collect();
    (decoded == b"." || decoded == b"..").then_some("it has a dot segment")
}

/// Is `%25` at `at` followed by two hex digits, so that decoding twice gives something else?
fn doubly(bytes: &[u8], at: usize) -> bool {
    bytes.get(at + 3..at + 5).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit))
}

fn is_oauth(segment: Option<&str>) -> bool {
    segment.is_some_and(|segment| {
        percent_decode_str(segment).collect::<Vec<u8>>().to_ascii_lowercase().trim_ascii() == b"oauth"
    })
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
            "/v1/%252e",
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
