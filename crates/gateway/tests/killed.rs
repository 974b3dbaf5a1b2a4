//! A process that was killed in the middle of a consent's exchange, at the next start and beside another process: the app is told, what
//! the consent may have ended is looked into though nobody calls, and nobody waits for what will not come.

use std::time::Duration;

use axum::http::StatusCode;
use notion_emulator::{OldPair, Switches};
use serde_json::json;
use store::records::{Actor, Step};
use store::{ExchangeStart, Store as _};

use crate::support::{CLIENT_SECRET, House, Plan, RETURN_URL, basic, house};

const REVOKE: &str = "/v1/oauth/revoke";
const NOTE: &str = "The process ended while it exchanged the code, so what Notion gave is lost, if it gave anything. Nothing was connected: open a new link.";

/// A consent of this user whose exchange a process was killed in: the attempt's id, and the callback that it had taken.
async fn killed(t: &House, end_user: &str, reconnect: Option<&str>) -> (String, String) {
    let asked = json!({"end_user": end_user, "return_url": RETURN_URL, "reconnect": reconnect});
    let link = t.api("POST", "/api/connect-sessions", Some(asked)).await.json();
    let callback = t.browser().consent(link["url"].as_str().unwrap()).await;
    let path = format!("/api/attempts?end_user={end_user}&outcome=went_to_notion");
    let attempts = t.api("GET", &path, None).await.json();
    let attempt = attempts["data"][0]["id"].as_str().unwrap().to_owned();
    let step = Step::ok(t.clock.now(), Actor::Notion, Actor::Vestibule, "Callback with a code");
    let begun = t.store().begin_exchange("client-demo", &attempt, "node_killed", &step, t.clock.now()).await;
    assert_eq!(begun.unwrap(), ExchangeStart::Begun);
    (attempt, callback)
}

/// Notion does what the killed process had asked of it; nobody hears the answer.
async fn done_by_notion(t: &House, callback: &str) {
    let callback = url::Url::parse(callback).unwrap();
    let code = callback.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    let redirect_uri = format!("{}/callback/demo", t.url);
    let asked = json!({"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri});
    let url = format!("{}/v1/oauth/token", t.notion.url);
    let basic = basic("client-demo", CLIENT_SECRET);
    let answer = t.send("POST", &url, &[("authorization", &basic)], Some(asked)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
}

async fn state(t: &House, id: &str) -> String {
    let shown = t.api("GET", &format!("/api/connections/{id}"), None).await.json();
    shown["state"].as_str().unwrap().to_owned()
}

async fn is_told(t: &House, attempt: &str) {
    let shown = t.attempt(attempt).await;
    assert_eq!(shown["outcome"], "exchange_failed");
    assert_eq!(shown["steps"].as_array().unwrap().last().unwrap()["note"], NOTE);
    let told = t.events().await;
    assert_eq!(told.iter().filter(|kind| *kind == "consent.interrupted").count(), 1, "{told:?}");
}

/// It once stayed `exchanging`, and its connection `active` with a dead pair until somebody called.
#[tokio::test]
async fn a_consent_that_was_killed_in_its_exchange_is_told_and_so_is_what_it_ended() {
    for (older_pair, expected) in [(OldPair::Dies, "reconnect_needed"), (OldPair::Lives, "active")] {
        for (by_settling, names_it) in [(false, false), (false, true), (true, false), (true, true)] {
            let switches = Switches { older_pair, ..Switches::default() };
            let t = House::build(Plan { switches, ..Plan::default() }).await;
            let (id, other) = (t.connection("u").await, t.connection_of(1, "v").await);
            let (attempt, callback) = killed(&t, "u", names_it.then_some(&*id)).await;
            done_by_notion(&t, &callback).await;
            assert_eq!(state(&t, &id).await, "active");
            for _ in 0..2 {
                if by_settling {
                    t.gateway.settle().await.unwrap();
                } else {
                    t.gateway.look_into_interrupted().await.unwrap();
                }
            }
            is_told(&t, &attempt).await;
            assert_eq!((state(&t, &id).await, state(&t, &other).await), (expected.into(), "active".into()));
        }
    }
}

/// What was sent just before the end is done a moment later.
#[tokio::test]
async fn an_exchange_that_notion_does_after_its_process_ended_is_found_a_moment_later() {
    let t = house().await;
    let id = t.connection("u").await;
    let (attempt, callback) = killed(&t, "u", None).await;
    t.gateway.look_into_interrupted().await.unwrap();
    is_told(&t, &attempt).await;
    done_by_notion(&t, &callback).await;
    assert_eq!(state(&t, &id).await, "active");
    let found = async { while state(&t, &id).await == "active" {} };
    t.passing(Duration::from_secs(5), found).await;
    assert_eq!(state(&t, &id).await, "reconnect_needed");
}

/// A disconnect waited for up to six minutes for what could not come any more.
#[tokio::test]
async fn nothing_waits_for_an_exchange_whose_process_was_killed() {
    let t = house().await;
    let (id, ended) = (t.connection("u").await, t.connection_of(1, "v").await);
    let (_, callback) = killed(&t, "u", None).await;
    assert_eq!(
        t.api("DELETE", &format!("/api/connections/{ended}"), None).await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(t.notion_calls(REVOKE), 1, "though nobody has told of it yet");
    // Nor is anybody kept from hearing that the connection has ended.
    done_by_notion(&t, &callback).await;
    let me = t.api("GET", &format!("/notion/{id}/v1/users/me"), None).await;
    assert_eq!(me.refusal(), "401, reconnect_needed");
}

/// One that stands still may still store what it was given.
#[tokio::test]
async fn an_exchange_of_a_process_that_is_alive_is_left_alone() {
    let t = house().await;
    let stopped = t.store();
    stopped.enter("node_killed").await.unwrap();
    let ended = t.connection_of(1, "v").await;
    let (attempt, _) = killed(&t, "u", None).await;
    t.gateway.look_into_interrupted().await.unwrap();
    assert_eq!(t.attempt(&attempt).await["outcome"], "exchanging");
    t.api("DELETE", &format!("/api/connections/{ended}"), None).await;
    assert_eq!(t.notion_calls(REVOKE), 0, "it waits its turn");
    drop(stopped);
    t.gateway.look_into_interrupted().await.unwrap();
    is_told(&t, &attempt).await;
    t.wait(Duration::from_secs(5));
    t.gateway.settle().await.unwrap();
    assert_eq!(t.notion_calls(REVOKE), 1);
}
