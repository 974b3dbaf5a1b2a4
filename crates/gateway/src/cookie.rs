//! The cookie that binds an attempt to the browser that started it.
//! One cookie an attempt, its name carrying the attempt's id. Over https it is `__Host-`, Secure and `HttpOnly`; when
//! the configured public URL is plain http on the loopback it does without prefix and Secure (a browser would drop
//! it) and is kept to the callback's path. It carries the binding and nothing else: every port of a host sees it.

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};
use sealing::{Sha256, sha256};

use crate::config::Config;

/// An hour, in seconds: longer than the attempt, so that one that comes too late is told so.
const MAX_AGE_SECONDS: u32 = 3600;
/// More attempts than one browser has open: beyond it, the oldest are not looked up one by one.
pub(crate) const LOOKED_UP_MAX: usize = 64;

fn prefix(config: &Config) -> &'static str {
    if config.public_url.scheme() == "https" { "__Host-vst_" } else { "vst_" }
}

fn attributes(config: &Config) -> &'static str {
    if config.public_url.scheme() == "https" {
        "Path=/; Secure; HttpOnly; SameSite=Lax"
    } else {
        "Path=/callback; HttpOnly; SameSite=Lax"
    }
}

/// The `Set-Cookie` that binds an attempt.
pub(crate) fn bind(config: &Config, attempt_id: &str, value: &str) -> HeaderValue {
    let text =
        format!("{}{attempt_id}={value}; Max-Age={MAX_AGE_SECONDS}; {}", prefix(config), attributes(config));
    HeaderValue::try_from(text).expect("ids and tokens are visible ASCII")
}

/// The `Set-Cookie` that ends the binding.
pub(crate) fn unbind(config: &Config, attempt_id: &str) -> HeaderValue {
    let text = format!("{}{attempt_id}=; Max-Age=0; {}", prefix(config), attributes(config));
    HeaderValue::try_from(text).expect("ids are visible ASCII")
}

/// The hash under which an attempt's cookie is stored; the attempt's id is part of it.
pub(crate) fn hash(attempt_id: &str, value: &str) -> Sha256 {
    sha256(format!("{attempt_id}={value}").as_bytes())
}

/// The hashes of all attempt cookies that a browser sent, the newest attempt's first. Another cookie of the host may hold any
/// bytes; it must not hide ours.
pub(crate) fn hashes(config: &Config, headers: &HeaderMap) -> Vec<Sha256> {
    let mut found: Vec<(&str, &str)> = headers
        .get_all(COOKIE)
        .iter()
        .flat_map(|header| header.as_bytes().split(|byte| *byte == b';'))
        .filter_map(|pair| {
            std::str::from_utf8(pair).ok()?.trim().strip_prefix(prefix(config))?.split_once('=')
        })
        .collect();
    // Ids sort by time.
    found.sort_unstable_by(|one, other| other.cmp(one));
    found.into_iter().map(|(attempt_id, value)| hash(attempt_id, value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use url::Url;

    fn config(public_url: &str) -> Config {
        Config {
            public_url: Url::parse(public_url).unwrap(),
            notion_url: Url::parse(crate::config::NOTION_URL).unwrap(),
            integrations: std::collections::BTreeMap::new(),
            trusted_proxies: Vec::new(),
            plain_http_hosts: Vec::new(),
            way_out: crate::WayOut::default(),
            attempts_per_address: 1,
        }
    }

    #[test]
    fn over_https_the_cookie_is_the_hosts_alone_and_no_script_sees_it() {
        let config = config("https://connect.example.com");
        let set = bind(&config, "att_1", "v");
        assert_eq!(
            set.to_str().unwrap(),
            "__Host-vst_att_1=v; Max-Age=3600; Path=/; Secure; HttpOnly; SameSite=Lax"
        );
        let end = unbind(&config, "att_1");
        assert_eq!(
            end.to_str().unwrap(),
            "__Host-vst_att_1=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax"
        );
        // One without the prefix may have been set by a sibling host.
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, HeaderValue::from_static("vst_att_1=v"));
        assert!(hashes(&config, &headers).is_empty());
    }

    #[test]
    fn a_cookie_of_odd_bytes_beside_ours_hides_nothing() {
        let config = config("http://127.0.0.1:8470");
        let mut headers = HeaderMap::new();
        let odd = HeaderValue::from_bytes(b"name=caf\xe9; vst_att_1=one;vst_att_2=two; other=\xff").unwrap();
        headers.append(COOKIE, odd);
        headers.append(COOKIE, HeaderValue::from_static("vst_att_3=three"));
        let expected = [hash("att_3", "three"), hash("att_2", "two"), hash("att_1", "one")];
        assert_eq!(hashes(&config, &headers), expected);
    }
}
