//! The pages that a browser may meet on the way: fixed texts that say what happened and what to do.
//! Nothing from outside is repeated on them, apart from the attempt's id, which is ours.

use std::sync::LazyLock;

use axum::http::StatusCode;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

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
}

/// How all pages look. It stands in the page itself, so that a page needs nothing else; the policy names its hash.
const STYLE: &str = "\
:root{--paper:#fff;--desk:#f6f5f2;--ink:#26241f;--soft:#75716a;--line:#e4e1da;--accent:#0f6b5c}\
@media(prefers-color-scheme:dark){:root{--paper:#1f1f1d;--desk:#161614;--ink:#eae7e1;--soft:#a19c93;--line:#383631;--accent:#4cc2aa}}\
body{margin:0;min-height:100vh;display:grid;place-items:center;background:var(--desk);color:var(--ink);font:17px/1.6 ui-sans-serif,system-ui,-apple-system,'Segoe UI','Liberation Sans',Helvetica,Arial,sans-serif}\
main{box-sizing:border-box;width:min(480px,calc(100vw - 32px));padding:40px 40px 32px;background:var(--paper);border:1px solid var(--line);border-top:4px solid var(--accent);border-radius:14px}\
h1{margin:0 0 10px;font-size:25px;line-height:1.25;letter-spacing:-.01em;text-wrap:balance}p{margin:0}\
small{display:block;margin-top:28px;padding-top:14px;border-top:1px solid var(--line);color:var(--soft);font-size:13px;overflow-wrap:anywhere}";

/// What a page may load: nothing but its own style.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = STANDARD.encode(sealing::sha256(STYLE.as_bytes()).as_bytes());
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    )
});

/// The page for a notice.
pub(crate) fn page(notice: Notice, attempt_id: Option<&str>) -> Response {
    let (title, text) = notice.words();
    // The id is ours: letters, digits and `_`.
    let attempt = attempt_id.map(|id| format!("<small>If you ask for help, mention attempt {id}</small>"));
    whole(notice.status(), title, text, &attempt.unwrap_or_default())
}

/// `GET /`
pub(crate) async fn index() -> Response {
    let text = "This address stands between an app and its users' Notion workspaces. There is nothing to see here: begin in the app.";
    whole(StatusCode::OK, "Vestibule", text, "")
}

fn whole(status: StatusCode, title: &str, text: &str, small: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>{title}</title><style>{STYLE}</style></head>\
         <body><main><h1>{title}</h1><p>{text}</p>{small}</main></body></html>"
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
