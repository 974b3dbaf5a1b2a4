//! The sample app's pages as answers: templates, style, script, and the headers that go with them.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::demo::notion_blocks::{Run, Shown};

/// Only what the app itself serves. No `form-action`: the connect form's answer leads to the gateway and on to Notion.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'";

#[derive(Template)]
#[template(path = "home.html")]
pub(super) struct Home {
    pub(super) connected: bool,
    pub(super) begun: bool,
    /// Whether the visitor has just disconnected.
    pub(super) disconnected: bool,
}

#[derive(Template)]
#[template(path = "trouble.html")]
struct Trouble<'a> {
    title: &'a str,
    words: &'a str,
    flow: bool,
}

/// One line of the list of pages.
pub(super) struct Entry {
    pub(super) href: String,
    pub(super) icon: String,
    pub(super) title: String,
    pub(super) kind: &'static str,
    pub(super) edited: String,
}

#[derive(Template)]
#[template(path = "pages.html")]
pub(super) struct Pages {
    pub(super) entries: Vec<Entry>,
}

#[derive(Template)]
#[template(path = "page.html")]
pub(super) struct Page {
    pub(super) id: String,
    pub(super) icon: String,
    pub(super) title: String,
    /// Of a row: its columns with what it holds in them, and the table that it is in.
    pub(super) facts: Vec<(String, String)>,
    pub(super) table: Option<String>,
    pub(super) blocks: Vec<Shown>,
}

/// A row of a table: its title, where it leads, and its other cells.
pub(super) struct Row {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) cells: Vec<String>,
}

#[derive(Template)]
#[template(path = "table.html")]
pub(super) struct Table {
    pub(super) icon: String,
    pub(super) title: String,
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<Row>,
    /// The column to filter by, its choices, and the one that is chosen.
    pub(super) filter: String,
    pub(super) choices: Vec<String>,
    pub(super) chosen: String,
}

/// A whole page.
pub(super) fn page(status: StatusCode, template: &impl Template) -> Response {
    let body = template.render().unwrap_or_else(|_| "The page could not be made.".to_owned());
    let headers = [
        ("content-type", "text/html; charset=utf-8"),
        ("content-security-policy", POLICY),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store"),
        ("referrer-policy", "same-origin"),
    ];
    (status, headers, body).into_response()
}

/// What went wrong, and what to do; with the diagram of what happened, if there is one.
pub(super) fn trouble(status: StatusCode, title: &str, words: &str, flow: bool) -> Response {
    page(status, &Trouble { title, words, flow })
}

/// An address that the app does not have.
pub(super) async fn nothing_here() -> Response {
    trouble(StatusCode::NOT_FOUND, "There is nothing here", "The address may be mistyped.", false)
}

/// The diagram, drawn by the gateway.
pub(super) fn picture(svg: axum::body::Bytes) -> Response {
    let headers = [
        ("content-type", "image/svg+xml"),
        ("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store"),
    ];
    (headers, svg).into_response()
}

pub(super) async fn style() -> Response {
    let headers = [("content-type", "text/css; charset=utf-8"), ("x-content-type-options", "nosniff")];
    (headers, include_str!("../../../templates/style.css")).into_response()
}

pub(super) async fn script() -> Response {
    let headers = [("content-type", "text/javascript; charset=utf-8"), ("x-content-type-options", "nosniff")];
    (headers, include_str!("../../../templates/flow.js")).into_response()
}

/// Used by the templates: a run's text with its looks.
pub(super) fn is_plain(run: &Run) -> bool {
    run.class.is_empty() && run.href.is_none()
}
