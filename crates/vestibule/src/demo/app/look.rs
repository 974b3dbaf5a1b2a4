//! The sample app's pages as answers: templates, style, script, and the headers that go with them.

use askama::Template;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::demo::notion_blocks::{Run, Shown};

/// Only what the app itself serves. No `form-action`: the connect form's answer leads to the gateway and on to Notion.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'";

/// An attempt's diagram: where its picture is, and the same in words for those who hear it.
pub(super) struct Drawn {
    /// Names the attempt and how far it has come, so that what was drawn before is not taken for it.
    pub(super) picture: String,
    pub(super) in_words: String,
}

impl Drawn {
    /// Reads an attempt of the gateway's API.
    pub(super) fn of(attempt: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let steps = attempt["steps"].as_array().map_or(&[][..], Vec::as_slice);
        let (id, outcome) = (text(&attempt["id"]), text(&attempt["outcome"]));
        let tell = |(number, step): (usize, &Value)| {
            let [from, to, what] = [&step["from"], &step["to"], &step["what"]].map(text);
            format!(" {number}. {from} to {to}: {what}.")
        };
        let steps_told: String = (1..).zip(steps).map(tell).collect();
        let in_words = format!("Outcome: {}.{steps_told}", outcome.replace('_', " "));
        Self { picture: format!("/flow.svg?attempt={id}&seen={}-{outcome}", steps.len()), in_words }
    }
}

#[derive(Template)]
#[template(path = "home.html")]
pub(super) struct Home {
    pub(super) connected: bool,
    pub(super) drawn: Option<Drawn>,
    /// What is said to a visitor who has just disconnected.
    pub(super) disconnected: Option<&'static str>,
}

/// What went wrong, and what to do.
#[derive(Template)]
#[template(path = "trouble.html")]
pub(super) struct Trouble {
    status: StatusCode,
    title: String,
    words: String,
    /// Whether nothing is broken: the visitor decided it, or it is only over.
    calm: bool,
    connected: bool,
    drawn: Option<Drawn>,
}

impl Trouble {
    pub(super) fn new(status: StatusCode, title: &str, words: &str) -> Self {
        let (title, words) = (title.to_owned(), words.to_owned());
        Self { status, title, words, calm: false, connected: false, drawn: None }
    }

    pub(super) fn calm(self) -> Self {
        Self { calm: true, ..self }
    }

    /// The visitor has a workspace all the same.
    pub(super) fn connected(self, connected: bool) -> Self {
        Self { connected, ..self }
    }

    /// Shows the diagram of what happened.
    pub(super) fn with_attempt(self, attempt: Option<&Value>) -> Self {
        Self { drawn: attempt.map(Drawn::of), ..self }
    }

    pub(super) fn page(&self) -> Response {
        page(self.status, self)
    }
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
    pub(super) facts: Vec<(String, Cell)>,
    pub(super) table: Option<String>,
    pub(super) blocks: Vec<Shown>,
}

/// A column of a table: its name, and the type that decides how its cells stand.
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: String,
}

/// What a row holds in a column.
pub(super) struct Cell {
    /// Notion's type of the property.
    pub(super) kind: String,
    /// The parts between which a line may break; empty when the cell is.
    pub(super) parts: Vec<String>,
}

/// A row of a table: its title, where it leads, and its other cells.
pub(super) struct Row {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) cells: Vec<Cell>,
}

#[derive(Template)]
#[template(path = "table.html")]
pub(super) struct Table {
    pub(super) icon: String,
    pub(super) title: String,
    pub(super) columns: Vec<Column>,
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

/// An address that the app does not have.
pub(super) async fn nothing_here() -> Response {
    Trouble::new(StatusCode::NOT_FOUND, "There is nothing here", "The address may be mistyped.").page()
}

/// An address that is asked with a method it does not know.
pub(super) async fn not_in_that_way() -> Response {
    let words = "This address is there for a form of the app, and not to be opened by itself.";
    Trouble::new(StatusCode::METHOD_NOT_ALLOWED, "That does not work here", words).page()
}

/// What the framework refuses before a handler runs it tells in plain text; a person gets a page.
pub(super) async fn dress_refusals(request: Request, next: Next) -> Response {
    let accept = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_person = accept.contains("text/html");
    let response = next.run(request).await;
    let kind = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let is_page = kind.is_some_and(|kind| kind.starts_with("text/html"));
    let status = response.status();
    if !is_person || is_page || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let words = "The address or the form is incomplete, or says something twice. Begin at the start.";
    Trouble::new(status, "That could not be read", words).page()
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
