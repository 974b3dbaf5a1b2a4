//! What an embedder, or the command line, decides: plain structs, read once.
//! [`Config::check`] refuses what could not be served safely and tells all problems together.

use std::collections::BTreeMap;

use ipnet::IpNet;
use notion_wire::redirect::check_return_url;
use sealing::Secret;
use url::{Host, Url};

use crate::way_out::WayOut;

/// Notion's own address.
pub const NOTION_URL: &str = "https://api.notion.com";

/// Everything the gateway must be told.
#[derive(Debug)]
pub struct Config {
    /// Where browsers reach the gateway: an origin, https or http on the loopback. Links and redirect URIs are built from it alone.
    pub public_url: Url,
    /// Notion, or an emulator: an origin, https, or http on the loopback and the hosts below.
    pub notion_url: Url,
    /// Hosts other than the loopback that `notion_url` may name with plain http: an emulator's, in a network of one's own.
    pub plain_http_hosts: Vec<String>,
    /// How Notion is reached.
    pub way_out: WayOut,
    /// The developer's apps at Notion, by their lower-case names.
    pub integrations: BTreeMap<String, Integration>,
    /// Ranges of peers whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// How many attempts one client address may start per integration in ten minutes, with links that the app minted; and as
    /// many with others.
    pub attempts_per_address: u32,
}

/// One of the developer's apps at Notion.
#[derive(Debug)]
pub struct Integration {
    /// Its client id at Notion.
    pub client_id: String,
    /// Its client secret at Notion.
    pub client_secret: Secret<String>,
    /// The app's return URLs and redirect URIs; a request must name one of them exactly.
    pub return_urls: Vec<String>,
    /// Whether an app at the Notion-shaped door must send `state` or PKCE. Without both, login CSRF is open there.
    pub require_state: bool,
    /// Whether PKCE must be offered at the Notion-shaped door.
    pub require_pkce: bool,
    /// The `Notion-Version` of calls that come without one.
    pub notion_version: Option<String>,
    /// Notion's budget for each authorization: calls in any 60 seconds. 180, or 600 on Business and Enterprise plans.
    pub requests_per_minute: u32,
}

impl Config {
    /// How many attempts one address may start per integration in ten minutes, unless told otherwise.
    pub const ATTEMPTS_PER_ADDRESS: u32 = 300;

    /// All that is wrong with it, in sentences; empty when it can be served.
    pub fn check(&self) -> Vec<String> {
        let mut problems = Vec::new();
        check_origin("public_url", &self.public_url, &[], &mut problems);
        check_origin("notion_url", &self.notion_url, &self.plain_http_hosts, &mut problems);
        if self.integrations.is_empty() {
            problems.push("there is no integration: name at least one".to_owned());
        }
        let mut seen = BTreeMap::new();
        for (name, integration) in &self.integrations {
            integration.check(name, &mut problems);
            if let Some(other) = seen.insert(&integration.client_id, name) {
                problems.push(format!("integrations {other} and {name} have the same client_id"));
            }
        }
        problems
    }

    /// The integration with this client id, and its name.
    pub fn by_client_id(&self, client_id: &str) -> Option<(&str, &Integration)> {
        self.integrations.iter().find(|(_, i)| i.client_id == client_id).map(|(name, i)| (name.as_str(), i))
    }

    /// The redirect URI to register at Notion for an integration.
    pub fn redirect_uri(&self, integration: &str) -> String {
        format!("{}/callback/{integration}", self.origin())
    }

    /// The public URL without a trailing slash.
    pub fn origin(&self) -> String {
        self.public_url.as_str().trim_end_matches('/').to_owned()
    }
}

impl Integration {
    fn check(&self, name: &str, problems: &mut Vec<String>) {
        let well_named = (1..=40).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !well_named {
            problems.push(format!(
                "integration name {name:?}: 1 to 40 lower-case letters, digits and hyphens were expected"
            ));
        }
        if self.client_id.is_empty() {
            problems.push(format!("integrations.{name}.client_id is empty"));
        }
        if self.client_secret.expose().is_empty() {
            problems.push(format!("integrations.{name}.client_secret is empty"));
        }
        if self.requests_per_minute == 0 {
            problems.push(format!("integrations.{name}.requests_per_minute must be at least 1"));
        }
        for url in &self.return_urls {
            if let Err(error) = check_return_url(url) {
                problems.push(format!("integrations.{name}.return_urls: {url:?}: {error}"));
            }
        }
    }
}

/// `plain_http` are the hosts besides the loopback that need no https. Notion's own is never one.
fn check_origin(what: &str, url: &Url, plain_http: &[String], problems: &mut Vec<String>) {
    let host = url.host_str().unwrap_or_default();
    let listed = plain_http.iter().any(|listed| listed.eq_ignore_ascii_case(host));
    // A dot at the end names the same host.
    let named = host.trim_end_matches('.').to_ascii_lowercase();
    let is_notions = named == "notion.com" || named.ends_with(".notion.com");
    let safe =
        url.scheme() == "https" || (url.scheme() == "http" && (is_loopback(url) || (listed && !is_notions)));
    if !safe {
        let hint = if what == "notion_url" && !is_notions && url.scheme() == "http" {
            format!("; an emulator in a network of your own needs plain_http_hosts = [{host:?}]")
        } else {
            String::new()
        };
        problems.push(format!("{what} {url}: https, or http on the loopback, was expected{hint}"));
    }
    let bare = url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    if !bare {
        problems
            .push(format!("{what}: only scheme, host and port were expected, without path, query or user"));
    }
}

/// Whether the URL's host is this machine itself.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notion_itself_is_never_asked_in_the_clear() {
        let problems = |url: &str| {
            let url = Url::parse(url).expect("a URL");
            let listed = [url.host_str().unwrap_or_default().to_owned()];
            let mut problems = Vec::new();
            check_origin("notion_url", &url, &listed, &mut problems);
            problems.len()
        };
        assert_eq!((problems("http://notion-emulator:8472"), problems("https://api.notion.com")), (0, 0));
        for url in
            ["http://api.notion.com", "http://api.notion.com.", "http://API.Notion.com", "http://notion.com."]
        {
            assert_eq!(problems(url), 1, "{url}");
        }
    }
}
