//! The pages that a browser may meet on the way: fixed texts that say what happened and what to do, with a way back to the app.
//! Nothing from outside is repeated on them, names on one page apart: the attempt's id is ours, and the way back is the operator's own setting.

mod mismatch;

use std::sync::LazyLock;

use axum::http::StatusCode;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::Url;

use crate::config::{Config, Integration};
use crate::diagram::escape;

pub(crate) use mismatch::mismatch_page;

/// Why the browser sees a page instead of going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notice {
    LinkUnknown,
    LinkExpired,
    LinkUsed,
    TooManyAttempts,
    ClientUnknown,
    RedirectUriNotRegistered,
    AuthorizeInvalid,
    StateUnknown,
    WrongBrowser,
    AlreadyHandled,
    NotFound,
    MethodNotAllowed,
    Internal,
}

impl Notice {
    fn status(self) -> StatusCode {
        match self {
            Self::LinkUnknown | Self::NotFound => StatusCode::NOT_FOUND,
            Self::LinkExpired | Self::LinkUsed => StatusCode::GONE,
            Self::TooManyAttempts => StatusCode::TOO_MANY_REQUESTS,
            Self::AlreadyHandled => StatusCode::CONFLICT,
            Self::WrongBrowser => StatusCode::FORBIDDEN,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::ClientUnknown
            | Self::RedirectUriNotRegistered
            | Self::AuthorizeInvalid
            | Self::StateUnknown => StatusCode::BAD_REQUEST,
        }
    }

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::LinkUnknown => {
                ("This link is not known", "It may be incomplete. Go back to the app and start again.")
            }
            Self::LinkExpired => {
                ("This link has expired", "Links live fifteen minutes. Go back to the app and start again.")
            }
            Self::LinkUsed => (
                "This link was used",
                "It has done its work. If something is missing, go back to the app and start again.",
            ),
            Self::TooManyAttempts => {
                ("Too many tries", "Wait a few minutes, then go back to the app and start again.")
            }
            Self::ClientUnknown => (
                "This app is not known here",
                "The client_id in the link is not one of this gateway's integrations. Tell the app's developer.",
            ),
            Self::RedirectUriNotRegistered => (
                "Missing or invalid redirect_uri",
                "The redirect_uri in the link must be exactly one of the integration's registered return URLs. Tell the app's developer.",
            ),
            Self::AuthorizeInvalid => (
                "This link is not complete",
                "The authorization request cannot be read. Tell the app's developer.",
            ),
            Self::StateUnknown => (
                "Nothing to finish here",
                "This page belongs to a connection that is not known. Go back to the app and start again.",
            ),
            Self::WrongBrowser => (
                "Please finish where you began",
                "This connection was started in another browser. Nothing was changed. Open the link again in the browser that you want to use.",
            ),
            Self::AlreadyHandled => {
                ("This was already handled", "You can close this page and go back to the app.")
            }
            Self::NotFound => ("There is nothing here", "Check the address."),
            Self::MethodNotAllowed => ("That does not work here", "This page cannot be used in that way."),
            Self::Internal => ("Something went wrong", "Nothing was lost. Go back to the app and try again."),
        }
    }

    /// Whether nothing is wrong: it is only done already.
    fn is_calm(self) -> bool {
        matches!(self, Self::LinkUsed | Self::AlreadyHandled)
    }
}

/// Back to the app: the origin of one of its registered return URLs, and never of anything else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WayBack {
    origin: String,
}

impl WayBack {
    /// To where this return URL leads, if it is registered.
    pub(crate) fn to(integration: &Integration, return_url: &str) -> Option<Self> {
        let registered = integration.return_urls.iter().find(|url| *url == return_url)?;
        let url = Url::parse(registered).ok()?;
        matches!(url.scheme(), "https" | "http").then(|| Self { origin: url.origin().ascii_serialization() })
    }

    /// To the integration's app, if its return URLs all lead to one place.
    pub(crate) fn of(integration: &Integration) -> Option<Self> {
        Self::one(integration.return_urls.iter().map(|url| Self::to(integration, url)))
    }

    /// To the app, if there is only one.
    pub(crate) fn only(config: &Config) -> Option<Self> {
        Self::one(config.integrations.values().map(Self::of))
    }

    fn one(ways: impl Iterator<Item = Option<Self>>) -> Option<Self> {
        let mut ways = ways.collect::<Option<Vec<_>>>()?.into_iter();
        let first = ways.next()?;
        ways.all(|way| way == first).then_some(first)
    }

    fn button(&self) -> String {
        let origin = escape(&self.origin);
        let place = origin.split_once("://").map_or(origin.as_str(), |(_, place)| place);
        format!("<p class=\"way\"><a href=\"{origin}/\" rel=\"noreferrer\">Back to {place}</a></p>")
    }
}

/// How all pages look. It stands in the page itself, so that a page needs nothing else; the policy names its hash.
const STYLE: &str = "\
:root{--paper:#fff;--desk:#f6f5f2;--ink:#26241f;--soft:#67635b;--line:#e4e1da;--accent:#0f6b5c;--on-accent:#fff;--stop:#b3261e}\
@media(prefers-color-scheme:dark){:root{--paper:#1f1f1d;--desk:#161614;--ink:#eae7e1;--soft:#aba69d;--line:#383631;--accent:#3fae98;--on-accent:#06231e;--stop:#ff8a80}}\
body{margin:0;min-height:100vh;display:grid;place-items:center;background:var(--desk);color:var(--ink);font:17px/1.6 ui-sans-serif,system-ui,-apple-system,'Segoe UI','Liberation Sans',Helvetica,Arial,sans-serif;overflow-wrap:anywhere}\
main{box-sizing:border-box;width:min(480px,calc(100vw - 32px));margin:16px 0;padding:36px 40px 32px;background:var(--paper);border:1px solid var(--line);border-top:4px solid var(--accent);border-radius:14px}\
main.stop{border-top-color:var(--stop)}main.calm{border-top-color:var(--soft)}\
.mark{display:grid;place-items:center;width:38px;height:38px;margin:0 0 16px;border-radius:50%;background:var(--stop);color:var(--paper);font-size:22px;font-weight:700;line-height:1}\
.calm .mark{background:var(--soft)}\
h1{margin:0 0 10px;font-size:25px;line-height:1.25;letter-spacing:-.01em;text-wrap:balance}p{margin:0}\
.way{margin-top:26px}.way a{display:inline-block;box-sizing:border-box;max-width:100%;min-height:44px;padding:9px 20px;border-radius:10px;background:var(--accent);color:var(--on-accent);font-weight:650;line-height:26px;text-decoration:none}\
a:focus-visible{outline:3px solid var(--accent);outline-offset:3px}\
small{display:block;margin-top:28px;padding-top:14px;border-top:1px solid var(--line);color:var(--soft);font-size:13px}\
@media(max-width:480px){main{padding:28px 24px 26px}}";

/// What a page may load: nothing but its own style.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = STANDARD.encode(sealing::sha256(STYLE.as_bytes()).as_bytes());
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    )
});

/// The page for a notice, where nobody knows the way back.
pub(crate) fn page(notice: Notice, attempt_id: Option<&str>) -> Response {
    page_with(notice, attempt_id, None)
}

/// The page for a notice.
pub(crate) fn page_with(notice: Notice, attempt_id: Option<&str>, way: Option<WayBack>) -> Response {
    let (title, text) = notice.words();
    let (kind, role, mark) = if notice.is_calm() { ("calm", "status", "i") } else { ("stop", "alert", "!") };
    let way = way.map(|way| way.button()).unwrap_or_default();
    // The id is ours: letters, digits and `_`.
    let attempt = attempt_id.map(|id| format!("<small>If you ask for help, mention attempt {id}</small>"));
    let card = format!(
        "<main class=\"{kind}\"><div role=\"{role}\"><p class=\"mark\" aria-hidden=\"true\">{mark}</p><h1>{title}</h1><p>{text}</p></div>{way}{}</main>",
        attempt.unwrap_or_default()
    );
    whole(notice.status(), title, &card)
}

/// `GET /`
pub(crate) async fn index() -> Response {
    let text = "This address stands between an app and its users' Notion workspaces. There is nothing to see here: begin in the app.";
    whole(StatusCode::OK, "Vestibule", &format!("<main><h1>Vestibule</h1><p>{text}</p></main>"))
}

fn whole(status: StatusCode, title: &str, card: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>{title}</title><style>{STYLE}</style></head>\
         <body>{card}</body></html>"
    );
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY.as_str()),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
    ];
    (status, headers, html).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn integration(return_urls: &[&str]) -> Integration {
        Integration {
            client_id: "client".to_owned(),
            client_secret: sealing::Secret::new("secret".to_owned()),
            return_urls: return_urls.iter().map(|url| (*url).to_owned()).collect(),
            require_state: true,
            require_pkce: false,
            notion_version: None,
            requests_per_minute: 180,
        }
    }

    fn origin(way: Option<WayBack>) -> Option<String> {
        way.map(|way| way.origin)
    }

    #[test]
    fn the_way_back_leads_to_the_origin_of_a_registered_return_url_and_nowhere_else() {
        let app = integration(&["https://app.example.com/return?x=1", "http://localhost:3000/return"]);
        let to = |url| origin(WayBack::to(&app, url));
        assert_eq!(to("https://app.example.com/return?x=1").as_deref(), Some("https://app.example.com"));
        assert_eq!(to("http://localhost:3000/return").as_deref(), Some("http://localhost:3000"));
        for other in
            ["https://app.example.com/return", "https://evil.example/return", "javascript:alert(1)", ""]
        {
            assert_eq!(to(other), None, "{other}");
        }
    }

    #[test]
    fn without_a_return_url_there_is_a_way_only_to_the_one_place_that_there_is() {
        let one = integration(&["https://app.example.com/a", "https://app.example.com/b"]);
        assert_eq!(origin(WayBack::of(&one)).as_deref(), Some("https://app.example.com"));
        let two = integration(&["https://app.example.com/a", "https://app.example.com:8443/a"]);
        assert_eq!(origin(WayBack::of(&two)), None);
        assert_eq!(origin(WayBack::of(&integration(&[]))), None);
    }

    #[test]
    fn a_button_repeats_no_markup() {
        let way = WayBack { origin: "https://a\"b&c".to_owned() };
        assert!(way.button().contains("href=\"https://a&quot;b&amp;c/\""));
    }
}
