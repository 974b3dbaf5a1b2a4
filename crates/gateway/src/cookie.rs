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
/// More attempt cookies than one browser should hold; the rest are not looked at.
const COOKIES_MAX: usize = 64;

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

/// The hashes of all attempt cookies that a browser sent.
pub(crate) fn hashes(config: &Config, headers: &HeaderMap) -> Vec<Sha256> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().strip_prefix(prefix(config))?.split_once('='))
        .take(COOKIES_MAX)
        .map(|(attempt_id, value)| hash(attempt_id, value))
        .collect()
}
