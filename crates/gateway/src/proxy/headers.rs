//! Which headers pass, in each direction: an allow-list, so a new header is a decision and not an accident.

use axum::http::header::{
    ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONNECTION, CONTENT_DISPOSITION, CONTENT_ENCODING,
    CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_TYPE, DATE, HeaderName, RETRY_AFTER, USER_AGENT, VARY,
};
use axum::http::{HeaderMap, HeaderValue};

use crate::Error;

const NOTION_VERSION: HeaderName = HeaderName::from_static("notion-version");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-notion-request-id");
const CF_RAY: HeaderName = HeaderName::from_static("cf-ray");
const NOSNIFF: HeaderName = HeaderName::from_static("x-content-type-options");

/// What of a caller's headers goes on to Notion. Host and Authorization are ours, and so is the framing: it is made from the body
/// that was read, not from what was said of it. Everything else stays here.
const OUTGOING: [HeaderName; 6] =
    [ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, USER_AGENT, NOTION_VERSION];

/// What of Notion's headers goes back. Cookies and caching rules do not: they are about our socket, not the caller's.
const INCOMING: [HeaderName; 10] = [
    CONTENT_TYPE,
    CONTENT_LENGTH,
    CONTENT_ENCODING,
    CONTENT_LANGUAGE,
    CONTENT_DISPOSITION,
    DATE,
    RETRY_AFTER,
    VARY,
    REQUEST_ID,
    CF_RAY,
];

/// Refuses what could be read in two ways.
///
/// # Errors
/// [`Error::Invalid`] if `Notion-Version`, `Content-Type` or `Content-Length` came twice.
pub(crate) fn check(from: &HeaderMap) -> Result<(), Error> {
    for single in [NOTION_VERSION, CONTENT_TYPE, CONTENT_LENGTH] {
        if from.get_all(&single).iter().nth(1).is_some() {
            return Err(Error::Invalid(format!("the {single} header was given twice").into()));
        }
    }
    Ok(())
}

/// The outgoing set, but for the credentials. `version` is used only if the caller names none.
pub(crate) fn outgoing(from: &HeaderMap, version: Option<&str>) -> HeaderMap {
    let mut to = HeaderMap::with_capacity(OUTGOING.len() + 2);
    copy(from, &OUTGOING, &mut to);
    if let (false, Some(version)) = (from.contains_key(NOTION_VERSION), version)
        && let Ok(version) = HeaderValue::try_from(version)
    {
        to.insert(NOTION_VERSION, version);
    }
    to
}

/// The answer's headers.
pub(crate) fn incoming(from: &HeaderMap) -> HeaderMap {
    let mut to = HeaderMap::with_capacity(INCOMING.len() + 8);
    copy(from, &INCOMING, &mut to);
    // What is read with a user's token belongs to that user alone.
    to.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    to.insert(NOSNIFF, HeaderValue::from_static("nosniff"));
    to
}

/// Copies what is allowed, unless the sender's `Connection` header says that it is for this hop only.
fn copy(from: &HeaderMap, allowed: &[HeaderName], to: &mut HeaderMap) {
    let hops = from.contains_key(CONNECTION);
    for name in allowed {
        if hops && *name != CONTENT_LENGTH && is_for_this_hop(from, name) {
            continue;
        }
        for value in from.get_all(name) {
            to.append(name, value.clone());
        }
    }
}

fn is_for_this_hop(from: &HeaderMap, name: &HeaderName) -> bool {
    let named =
        from.get_all(CONNECTION).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    named.map(<[u8]>::trim_ascii).any(|hop| hop.eq_ignore_ascii_case(name.as_str().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        map
    }

    fn names(map: &HeaderMap) -> Vec<&str> {
        map.keys().map(HeaderName::as_str).collect()
    }

    #[test]
    fn only_what_is_allowed_goes_out() {
        let from = headers(&[
            ("authorization", "Bearer vst_app_x"),
            ("cookie", "a=b"),
            ("host", "evil"),
            ("x-forwarded-for", "1.2.3.4"),
            ("x_forwarded_for", "1.2.3.4"),
            ("transfer-encoding", "chunked"),
            ("content-length", "5"),
            ("content-type", "application/json"),
            ("notion-version", "2022-06-28"),
        ]);
        assert_eq!(names(&outgoing(&from, Some("2026-03-11"))), ["content-type", "notion-version"]);
        assert_eq!(outgoing(&from, Some("2026-03-11"))["notion-version"], "2022-06-28");
    }

    #[test]
    fn a_missing_version_is_filled_in_and_two_are_refused() {
        assert_eq!(outgoing(&HeaderMap::new(), Some("2026-03-11"))["notion-version"], "2026-03-11");
        assert!(outgoing(&HeaderMap::new(), None).is_empty());
        let twice = headers(&[("notion-version", "2022-06-28"), ("notion-version", "2025-09-03")]);
        assert!(check(&twice).is_err());
        assert!(check(&headers(&[("content-length", "5"), ("content-length", "5")])).is_err());
    }

    #[test]
    fn what_connection_names_stays_on_its_hop() {
        let from = headers(&[("connection", "close, User-Agent"), ("user-agent", "x"), ("accept", "*/*")]);
        assert_eq!(names(&outgoing(&from, None)), ["accept"]);
    }

    #[test]
    fn cookies_and_caching_rules_do_not_come_back() {
        let from = headers(&[
            ("set-cookie", "__cf_bm=1"),
            ("cache-control", "public"),
            ("location", "https://evil.example/"),
            ("server", "cloudflare"),
            ("x-notion-request-id", "r"),
            ("retry-after", "3"),
        ]);
        let to = incoming(&from);
        assert_eq!(to["cache-control"], "private, no-store");
        assert_eq!(to["x-notion-request-id"], "r");
        assert!(!to.contains_key("set-cookie") && !to.contains_key("location") && !to.contains_key("server"));
    }
}
