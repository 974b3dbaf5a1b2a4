//! `[notion]`, as far as it says how Notion is reached: whose certificates are believed, and the network's own proxy. Where no proxy
//! is set, `HTTPS_PROXY` and `NO_PROXY` say, as for other programs.

use std::net::IpAddr;

use gateway::{Certificates, Proxy, Roots, WayOut};
use ipnet::IpNet;
use url::{Host, Url};

use super::readable::Readable;
use super::reader::{Reader, Section};

/// What `proxy` says to go straight whatever the environment says.
const NONE: &str = "none";

pub(super) fn way_out(
    notion: &mut Section,
    base_url: Option<&Url>,
    private: Readable,
    reader: &mut Reader,
) -> WayOut {
    let roots = match notion.word("roots", "NOTION_ROOTS", reader) {
        None => Roots::default(),
        Some((name, word)) => {
            let read = match word.as_str() {
                "built-in" => Ok(Roots::BuiltIn),
                "platform" => Ok(Roots::Platform),
                _ => Err("\"built-in\" or \"platform\" was expected"),
            };
            reader.parsed(&name, read).unwrap_or_default()
        }
    };
    let further_roots = notion.file_if("ca_file", "NOTION_CA_FILE", reader).and_then(|(name, path)| {
        let read = std::fs::read(&path).map_err(|error| error.to_string());
        let parsed = read.and_then(|pem| Certificates::parse(&pem));
        reader.parsed(&name, parsed.map_err(|why| format!("{}: {why}", path.display())))
    });
    let proxy = proxy(notion, base_url, private, reader);
    WayOut { roots, further_roots: further_roots.unwrap_or_default(), proxy }
}

fn proxy(
    notion: &mut Section,
    base_url: Option<&Url>,
    private: Readable,
    reader: &mut Reader,
) -> Option<Proxy> {
    if let Some((name, text)) = notion.secret_if("proxy", "NOTION_PROXY", private, reader) {
        if text.expose() == NONE {
            return None;
        }
        return reader.parsed(&name, Proxy::parse(text.expose()));
    }
    let base_url = base_url.filter(|url| url.scheme() == "https" && !gateway::config::is_loopback(url))?;
    let (name, text) = reader.outer(&["HTTPS_PROXY", "https_proxy"])?;
    let spared = reader.outer(&["NO_PROXY", "no_proxy"]).map(|(_, list)| list).unwrap_or_default();
    if spares(&spared, base_url) {
        return None;
    }
    reader.parsed(&name, Proxy::parse(&text))
}

/// Whether a list as in `NO_PROXY` names a URL's host: `*`, names with all below them, addresses and ranges; with a port if need be.
fn spares(list: &str, url: &Url) -> bool {
    let entries = list.split([',', ' ']).map(str::trim).filter(|entry| !entry.is_empty());
    entries.into_iter().any(|entry| entry == "*" || names(entry, url))
}

fn names(entry: &str, url: &Url) -> bool {
    let address = match url.host() {
        Some(Host::Ipv4(ip)) => Some(IpAddr::V4(ip)),
        Some(Host::Ipv6(ip)) => Some(IpAddr::V6(ip)),
        _ => None,
    };
    if let Some(address) = address {
        let range = entry.parse::<IpNet>().ok().or_else(|| entry.parse::<IpAddr>().ok().map(IpNet::from));
        if let Some(range) = range {
            return range.contains(&address);
        }
    }
    let (host, port) = match entry.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => (host, port.parse::<u16>().ok()),
        _ => (entry, None),
    };
    if port.is_some() && port != url.port_or_known_default() {
        return false;
    }
    let host =
        host.trim_start_matches("*.").trim_start_matches('.').trim_end_matches('.').to_ascii_lowercase();
    let named = url.host_str().unwrap_or_default().trim_end_matches('.').to_ascii_lowercase();
    named == host || named.strip_suffix(&host).is_some_and(|above| above.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_proxy_is_read_as_others_read_it() {
        for (list, url, spared) in [
            ("", "https://api.notion.com", false),
            ("*", "https://api.notion.com", true),
            ("api.notion.com", "https://api.notion.com", true),
            ("a.example, .notion.com", "https://api.notion.com", true),
            ("*.notion.com", "https://api.notion.com", true),
            ("NOTION.COM", "https://api.notion.com", true),
            ("notion.com:443", "https://api.notion.com", true),
            ("notion.com:8443", "https://api.notion.com", false),
            ("otion.com", "https://api.notion.com", false),
            ("notion.com.example", "https://api.notion.com", false),
            ("10.0.0.0/8", "https://10.1.2.3", true),
            ("10.0.0.1 10.1.2.3", "https://10.1.2.3", true),
            ("10.0.0.0/8", "https://192.0.2.1", false),
            ("fd00::/8", "https://[fd00::1]", true),
            ("10.0.0.0/8", "https://api.notion.com", false),
        ] {
            assert_eq!(spares(list, &Url::parse(url).unwrap()), spared, "{list} {url}");
        }
    }
}
