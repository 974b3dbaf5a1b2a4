//! What Notion checks once a request has the right form: that links and pictures have addresses that lead somewhere, and that
//! rows fit their table. It tells all that is wrong, a line each, without saying where.
//! Source: refusals that users quote (2022 to 2026), of links, images and rows; the words for other files are guesses.

use url::Url;

use super::super::failure::Failure;
use super::super::read::block::NewBlock;
use crate::content::block::Body;
use crate::content::file::FileSource;
use crate::content::rich_text::{RichText, Run};

/// Of a row that has another number of cells than its table has columns.
const CELLS: &str = "Number of cells in table row must match the table width of the parent table";

/// What is wrong with new blocks that are to hang below `parent`.
pub(crate) fn check_new(parent: &Body, new: &[NewBlock]) -> Result<(), Failure> {
    let mut lines = Vec::new();
    below(parent, new, &mut lines);
    refuse(lines)
}

fn below(parent: &Body, new: &[NewBlock], lines: &mut Vec<String>) {
    for NewBlock { body, children } in new {
        of_body(Some(parent), body, lines);
        below(body, children, lines);
    }
}

/// The same for what a block that is there is to say from now on.
pub(crate) fn check_body(parent: Option<&Body>, body: &Body) -> Result<(), Failure> {
    let mut lines = Vec::new();
    of_body(parent, body, &mut lines);
    refuse(lines)
}

/// The same for texts that stand in no block: in titles, columns and comments. That Notion says the same there is a guess.
pub(crate) fn check_texts<'t>(texts: impl IntoIterator<Item = &'t [RichText]>) -> Result<(), Failure> {
    let mut lines = Vec::new();
    texts.into_iter().for_each(|text| of_text(text, &mut lines));
    refuse(lines)
}

fn refuse(lines: Vec<String>) -> Result<(), Failure> {
    if lines.is_empty() { Ok(()) } else { Err(Failure::content(&lines)) }
}

fn of_body(parent: Option<&Body>, body: &Body, lines: &mut Vec<String>) {
    match (parent, body) {
        (Some(Body::Table { width, .. }), Body::TableRow(cells)) if cells.len() as u64 != *width => {
            lines.push(CELLS.to_owned());
        }
        (_, Body::Media { kind, source: FileSource::External(url), .. } | Body::Web { kind, url, .. })
            if !is_absolute(url) =>
        {
            lines.push(format!("Invalid {kind} url."));
        }
        _ => {}
    }
    body.texts().into_iter().for_each(|text| of_text(text, lines));
}

fn of_text(text: &[RichText], lines: &mut Vec<String>) {
    for run in text {
        if let Run::Text { link: Some(link), .. } = &run.run
            && !is_absolute(link)
            && !leads_to_page(link)
        {
            lines.push("Invalid URL for link.".to_owned());
        }
    }
}

/// Whether an address says where to, and how.
fn is_absolute(address: &str) -> bool {
    Url::parse(address).is_ok()
}

/// `/` and a page's id: how Notion itself shows links inside the workspace.
fn leads_to_page(address: &str) -> bool {
    let id = address.strip_prefix('/').and_then(|rest| rest.split(['?', '#']).next());
    id.is_some_and(|id| super::super::check::uuid_of(id).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_says_where_it_leads() {
        let page = "/3b2152ed827181878e73d21be2176197#a";
        for good in ["https://x.example/a?b#c", "http://localhost:1", "mailto:a@b.example", page] {
            assert!(is_absolute(good) || leads_to_page(good), "{good}");
        }
        for bad in
            ["/x", "#a", "not a url", "url", "x.example/a", "//x.example", "https://", "?a", "../b", "/", " "]
        {
            assert!(!is_absolute(bad) && !leads_to_page(bad), "{bad}");
        }
    }
}
