//! The page for somebody who chose another workspace than a link was to reconnect. It is the one page that repeats names from
//! Notion: that of the workspace that was expected, and those of what came, shortened and escaped. Whoever was expected is
//! told to the app alone: a link may have been passed on.

use axum::http::StatusCode;
use axum::response::Response;

use super::whole;
use crate::diagram::escape;
use crate::reconnect::{Mismatch, Party};

/// The longest name that is shown, in characters.
const NAME_MAX: usize = 80;

/// The page: `again` leads back to the choice, `onward` to the app with what was chosen.
pub(crate) fn mismatch_page(
    mismatch: &Mismatch,
    again: Option<&str>,
    onward: &str,
    attempt_id: &str,
) -> Response {
    let title = if mismatch.is_of_workspace() {
        "You chose another workspace"
    } else {
        "Another person was expected"
    };
    let (expected, came) = (workspace(&mismatch.expected), party(&mismatch.received));
    let again = again.map(|url| button(url, "Choose again")).unwrap_or_default();
    let onward = button(onward, "Add it as a further connection");
    let card = format!(
        "<main class=\"calm\"><div role=\"status\"><p class=\"mark\" aria-hidden=\"true\">i</p><h1>{title}</h1>\
         <p>This link was made to reconnect {expected}. What came is {came}. Nothing was changed.</p></div>{again}{onward}\
         <small>If you ask for help, mention attempt {attempt_id}</small></main>"
    );
    whole(StatusCode::CONFLICT, title, &card)
}

fn button(url: &str, text: &str) -> String {
    format!("<p class=\"way\"><a href=\"{}\" rel=\"noreferrer\">{text}</a></p>", escape(url))
}

/// The workspace in words.
fn workspace(party: &Party) -> String {
    party.workspace().map_or_else(
        || "a workspace whose name Notion does not tell".to_owned(),
        |name| format!("the workspace “{}”", shown(name)),
    )
}

/// Workspace and person in words.
fn party(party: &Party) -> String {
    let workspace = workspace(party);
    match party.owner() {
        Some(name) => format!("{workspace} of {}", shown(name)),
        None => workspace,
    }
}

/// A name from outside: short, escaped, and without what turns the text around it.
fn shown(name: &str) -> String {
    let turns = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let short: String = name.chars().filter(|letter| !turns(*letter)).take(NAME_MAX).collect();
    escape(&short)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_from_notion_is_short_and_steers_nothing() {
        assert_eq!(shown("<b>Ada</b>\u{202e}\n"), "&lt;b&gt;Ada&lt;/b&gt;");
        assert_eq!(shown(&"x".repeat(1_000)).len(), NAME_MAX);
    }
}
