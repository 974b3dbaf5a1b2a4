//! Several consents of one person: each may end the pair of the one before, and whatever order they are redeemed,
//! refused or forgotten in, the pair that Notion still takes must be the one that is kept.

use std::time::Duration;

use axum::http::StatusCode;
use notion_emulator::{Reauthorize, Switches};

use crate::support::{House, Plan, house};

/// Time passes: which pair is newer is told by when it came.
fn later(t: &House) {
    t.wait(Duration::from_secs(1));
}

async fn works(t: &House, connection: &str) {
    let me = t.api("GET", &format!("/notion/{connection}/v1/users/me"), None).await;
    assert_eq!(me.status, StatusCode::OK, "{}", me.text());
}

async fn redeemed(t: &House, code: &str, end_user: &str) -> String {
    let reply = t.redeem(code, end_user).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    reply.json()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_older_consent_redeemed_after_a_newer_one_leaves_the_newer_pair_in_place() {
    let t = house().await;
    let (older, _) = t.returned("u").await;
    later(&t);
    let (newer, _) = t.returned("v").await;
    let second = redeemed(&t, &newer, "v").await;
    // It once became the grant's pair, though the newer consent had ended it at Notion.
    let first = redeemed(&t, &older, "u").await;
    works(&t, &second).await;
    works(&t, &first).await;
    let shown = t.api("GET", &format!("/api/connections/{first}"), None).await.json();
    assert_eq!((shown["state"].as_str(), shown["shared_grant"].as_bool()), (Some("active"), Some(true)));
    assert!(!t.events().await.contains(&"connection.reconnect_needed".to_owned()));
}

#[tokio::test]
async fn a_consent_redeemed_after_a_refresh_does_not_bring_the_spent_pair_back() {
    let switches = Switches { reauthorize: Reauthorize::Same, ..Switches::default() };
    let t = House::build(Plan { switches, ..Plan::default() }).await;
    let first = t.connection("u").await;
    later(&t);
    let (code, _) = t.returned("v").await;
    later(&t);
    let forced = t.api("POST", &format!("/api/connections/{first}/refresh"), None).await;
    assert_eq!(forced.status, StatusCode::OK, "{}", forced.text());
    let second = redeemed(&t, &code, "v").await;
    works(&t, &second).await;
    works(&t, &first).await;
}

#[tokio::test]
async fn a_refused_consents_newer_pair_goes_to_the_one_that_still_waits() {
    let t = house().await;
    let (waiting, _) = t.returned("u").await;
    later(&t);
    let (refused, _) = t.returned("v").await;
    assert_eq!(t.redeem(&refused, "mallory").await.refusal(), "400, invalid_grant");
    t.gateway.settle().await.unwrap();
    assert_eq!(t.notion_calls("/v1/oauth/revoke"), 0);
    let connection = redeemed(&t, &waiting, "u").await;
    works(&t, &connection).await;
}
