//! The app's return URLs and redirect URIs: which may be registered, and how parameters are added to them.

use url::{Host, Url};

/// The longest URL that may be registered, in bytes.
const LENGTH_MAX: usize = 2000;

/// Why a URL cannot be registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReturnUrlError {
    /// Not an absolute URL of visible ASCII.
    #[error("an absolute URL of at most 2000 visible ASCII characters was expected")]
    NotAbsolute,
    /// Neither https nor the loopback.
    #[error("https, or http on the loopback (localhost, 127.0.0.1, [::1]), was expected")]
    NotSafe,
    /// A fragment, a user or a wildcard.
    #[error("a URL without fragment, user name and wildcard was expected")]
    NotPlain,
}

/// Whether a URL may be registered as a return URL or redirect URI.
///
/// # Errors
/// [`ReturnUrlError`]. Source: RFC 6749 3.1.2 (no fragment), RFC 9700 4.1 (https, exact match).
pub fn check_return_url(text: &str) -> Result<(), ReturnUrlError> {
    if text.len() > LENGTH_MAX || !text.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(ReturnUrlError::NotAbsolute);
    }
    let url = Url::parse(text).map_err(|_| ReturnUrlError::NotAbsolute)?;
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => return Err(ReturnUrlError::NotAbsolute),
    };
    if url.scheme() != "https" && !(url.scheme() == "http" && loopback) {
        return Err(ReturnUrlError::NotSafe);
    }
    // The parser forgives a missing or an extra slash; a browser and the app might each forgive it differently.
    let (_, rest) = text.split_once("://").ok_or(ReturnUrlError::NotAbsolute)?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.is_empty() {
        return Err(ReturnUrlError::NotAbsolute);
    }
    let plain = !authority.contains('@')
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none()
        && !text.contains('*')
        && !text.contains('\\');
    if plain { Ok(()) } else { Err(ReturnUrlError::NotPlain) }
}

/// Adds parameters to a URL, keeping what it has byte for byte (RFC 6749 4.1.2 keeps a redirect URI's own query).
pub fn with_query(url: &str, pairs: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(pairs);
    let joint = match url.split_once('?') {
        None => "?",
        Some((_, "")) => "",
        Some(_) => "&",
    };
    format!("{url}{joint}{}", query.finish())
}

/// The same, with the app's own `state` at the end as it came.
pub fn with_query_and_state(url: &str, pairs: &[(&str, &str)], state: Option<&str>) -> String {
    let url = with_query(url, pairs);
    match state {
        Some(state) => format!("{url}&state={state}"),
        None => url,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_the_loopback_can_be_registered() {
        for good in [
            "https://app.example/cb",
            "https://app.example/cb?x=1",
            "http://localhost:3000/auth/notion/callback",
            "http://127.0.0.1:3000/cb",
            "http://[::1]:3000/",
        ] {
            assert_eq!(check_return_url(good), Ok(()), "{good}");
        }
        for bad in [
            "http://app.example/cb",
            "http://localhost.evil.example/cb",
            "/cb",
            "app://cb",
            "https://app.example/cb#x",
            "https://user@app.example/",
            "https://*.app.example/",
            "https:\\\\app.example/",
            "https:/app.example/",
            "https:///app.example/",
            "https://@app.example/",
            "https://app.example/ü",
            "javascript:alert(1)",
        ] {
            assert!(check_return_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn parameters_join_a_query_that_is_there() {
        assert_eq!(with_query("https://a/", &[("code", "x y")]), "https://a/?code=x+y");
        assert_eq!(with_query("https://a/?k=%2F", &[("a", "b")]), "https://a/?k=%2F&a=b");
        assert_eq!(with_query("https://a/?", &[("a", "b")]), "https://a/?a=b");
        assert_eq!(
            with_query_and_state("https://a/", &[("code", "x y")], Some("a%20b")),
            "https://a/?code=x+y&state=a%20b"
        );
    }
}
