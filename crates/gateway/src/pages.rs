//! The pages that a browser may meet on the way: fixed texts that say what happened and what to do.
//! Nothing from outside is repeated on them, apart from the attempt's id, which is ours.

use axum::http::StatusCode;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{IntoResponse, Response};

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

/// The page for a notice.
pub(crate) fn page(notice: Notice, attempt_id: Option<&str>) -> Response {
    let (title, text) = notice.words();
    let attempt = attempt_id.map(|id| format!("<p><small>Attempt {id}</small></p>")).unwrap_or_default();
    let html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title}</title><h1>{title}</h1><p>{text}</p>{attempt}</html>"
    );
    whole(notice.status(), html)
}

/// `GET /`
pub(crate) async fn index() -> Response {
    let html = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Vestibule</title>\
        <h1>Vestibule</h1><p>A gateway between an app and its users' Notion workspaces. Start in the app.</p></html>";
    whole(StatusCode::OK, html.to_owned())
}

fn whole(status: StatusCode, html: String) -> Response {
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
        ),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
    ];
    (status, headers, html).into_response()
}
