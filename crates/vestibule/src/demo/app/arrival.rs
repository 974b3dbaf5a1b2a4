//! The return URL, where a visitor comes back from consent. Anybody can type its address, so it believes none of it: what
//! happened is read from the attempt itself, and only from one that this visitor began here.

use axum::extract::{Query, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::look::Trouble;
use super::{Shop, Visitor, end_user, see, user};

/// What the address says. A parameter without a value says nothing.
#[derive(Deserialize)]
pub(super) struct Back {
    code: Option<String>,
    attempt: Option<String>,
    error: Option<String>,
}

/// `GET /connected`: redeems the code for the user of **this** session, which is what makes the connection theirs.
pub(super) async fn connected(
    State(shop): State<Shop>,
    headers: HeaderMap,
    Query(back): Query<Back>,
) -> Response {
    let (user, _) = user(&headers);
    let said = |value: Option<String>| value.filter(|value| !value.is_empty());
    let attempt = said(back.attempt);
    match (said(back.code), said(back.error)) {
        (Some(code), None) => redeem(&shop, &user, &code, attempt.as_deref()).await,
        // Nobody sends a code and an error together; such a code is left alone.
        _ => nothing_came(&shop, &shop.visitor(&user), attempt.as_deref(), None).await,
    }
}

async fn redeem(shop: &Shop, user: &str, code: &str, attempt: Option<&str>) -> Response {
    let asked = json!({"code": code, "end_user": end_user(user)});
    let redeemed = shop.0.api.expect(Method::POST, "/api/connections", Some(asked)).await;
    let visitor = shop.visitor(user);
    let connection = match redeemed {
        // The same code again is answered the same, even after a disconnect.
        Ok(connection) if connection["state"] == "disconnected" => {
            let words = "You disconnected this workspace after you had connected it. To use it again, connect it again.";
            return Trouble::new(StatusCode::GONE, "This workspace is disconnected", words).calm().page();
        }
        Ok(connection) => connection,
        Err(error) => return nothing_came(shop, &visitor, attempt, Some(&error.to_string())).await,
    };
    let own = match attempt {
        Some(id) => own_attempt(shop, &visitor, id).await.ok().flatten(),
        None => None,
    };
    let made_it = own.filter(|attempt| attempt["connection"] == connection["id"]);
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let mut visitors = shop.visitors();
    let visitor = visitors.entry(user.to_owned()).or_default();
    visitor.connection = text(&connection["id"]);
    visitor.attempt = made_it.and_then(|attempt| text(&attempt["id"]));
    see("/pages")
}

/// An attempt, if it is one that this visitor began.
pub(super) async fn own_attempt(shop: &Shop, visitor: &Visitor, id: &str) -> anyhow::Result<Option<Value>> {
    let sound = id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !sound {
        return Ok(None);
    }
    let answer = shop.0.api.call(Method::GET, &format!("/api/attempts/{id}"), None).await?;
    match answer.status {
        StatusCode::NOT_FOUND => return Ok(None),
        status if !status.is_success() => anyhow::bail!("{}", answer.words()),
        _ => {}
    }
    let attempt = answer.json();
    let session = attempt["connect_session_id"].as_str();
    let theirs = session.is_some_and(|id| visitor.connect_sessions.iter().any(|had| had == id));
    Ok(theirs.then_some(attempt))
}

/// Nothing was connected: the page that says why, with the diagram of this attempt or with none.
async fn nothing_came(
    shop: &Shop,
    visitor: &Visitor,
    attempt: Option<&str>,
    refused: Option<&str>,
) -> Response {
    let found = match attempt {
        Some(id) => own_attempt(shop, visitor, id).await,
        None => Ok(None),
    };
    let attempt = match found {
        Ok(attempt) => attempt,
        Err(error) => {
            let title = "Vestibule could not be asked";
            return Trouble::new(StatusCode::BAD_GATEWAY, title, &error.to_string()).page();
        }
    };
    let story = tell(attempt.as_ref().and_then(|attempt| attempt["outcome"].as_str()), refused);
    let mut words = story.words;
    if visitor.connection.is_some() {
        words += " The workspace that you connected before is still connected.";
    }
    let trouble = Trouble::new(StatusCode::BAD_REQUEST, story.title, &words);
    let trouble = if story.calm { trouble.calm() } else { trouble };
    let drawn = attempt.filter(|_| story.draw);
    trouble.with_attempt(drawn.as_ref()).connected(visitor.connection.is_some()).page()
}

/// What the page tells.
#[derive(Debug, PartialEq, Eq)]
struct Story {
    title: &'static str,
    words: String,
    /// Whether nothing went wrong: the visitor, or time, decided it.
    calm: bool,
    /// Whether the attempt's diagram says the same as the page.
    draw: bool,
}

/// Tells what became of this visitor's attempt by its outcome; `refused` is why the gateway did not take the code.
fn tell(outcome: Option<&str>, refused: Option<&str>) -> Story {
    let story = |title, words: &str| Story { title, words: words.to_owned(), calm: false, draw: true };
    let nothing = "Nothing was connected";
    match (outcome, refused) {
        (Some("access_denied"), _) => {
            let words = "You pressed Cancel at Notion. That is fine; try again whenever you like.";
            Story { calm: true, ..story(nothing, words) }
        }
        (Some("expired"), _) => {
            story("That took too long", "The consent must be finished within ten minutes. Please try again.")
        }
        (Some("exchange_failed"), _) => story(
            "That did not work",
            "Notion could not be reached, or refused. Please try again in a moment.",
        ),
        (Some("superseded"), _) => {
            let words = "Another attempt from the same link was faster, so this one was ended.";
            Story { calm: true, ..story("This attempt is over", words) }
        }
        // A diagram that says "connected" would contradict the page.
        (Some("connected"), _) => {
            let words = "This attempt was finished before, and its address does nothing more.";
            Story { calm: true, draw: false, ..story("Nothing new was connected", words) }
        }
        (None, None) => {
            let words = "This address belongs to nothing that you began in this browser. Begin at the start.";
            Story { draw: false, ..story(nothing, words) }
        }
        (outcome, Some(why)) => {
            let words = format!("The code in this address opened nothing: {}.", why.trim_end_matches('.'));
            Story { draw: outcome.is_some(), ..story(nothing, &words) }
        }
        (Some("went_to_notion" | "exchanging"), None) => {
            let words =
                "This attempt is still open. Go on in the tab that shows Notion's consent, or begin again.";
            Story { calm: true, ..story("Nothing was connected yet", words) }
        }
        (Some(_), None) => {
            story(nothing, "This address holds no code that could be redeemed. Please try again.")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_says_nothing_was_connected_never_draws_a_finished_attempt() {
        for refused in [None, Some("the code is unknown here")] {
            assert!(!tell(Some("connected"), refused).draw);
            assert!(!tell(None, refused).draw, "an attempt that is not this visitor's");
        }
        assert!(tell(Some("access_denied"), None).draw && tell(Some("redeem_refused"), Some("no")).draw);
    }

    #[test]
    fn a_cancel_and_what_time_decided_are_no_alarm() {
        assert!(tell(Some("access_denied"), None).calm && tell(Some("went_to_notion"), None).calm);
        assert!(!tell(Some("exchange_failed"), None).calm && !tell(None, Some("unknown")).calm);
    }
}
