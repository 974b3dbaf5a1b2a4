//! Several consents of one person: each may end the pair of the one before, and whatever order they are redeemed,
//! refused or forgotten in, the pair that Notion still takes must be the one that is kept.

use std::time::Duration;

use axum::http::StatusCode;
use notion_emulator::{Effect, Fault, Reauthorize, Switches};
use serde_json::json;

use crate::support::{House, Plan, house, until};

const REVOKE: &str = "/v1/oauth/revoke";

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

#[tokio::test]
async fn a_link_that_the_same_person_finishes_elsewhere_never_ends_a_live_connection() {
    let t = house().await;
    let live = t.connection("u").await;
    later(&t);
    // Notion ends the older pair; the newer one waits for somebody else's app user to redeem it.
    let (code, _) = t.returned("somebody-else").await;
    works(&t, &live).await;
    let shown = t.api("GET", &format!("/api/connections/{live}"), None).await.json();
    assert_eq!(shown["state"], "active");
    let told = t.events().await;
    assert!(told.contains(&"connection.adopted".to_owned()), "{told:?}");
    assert!(!told.contains(&"connection.reconnect_needed".to_owned()), "{told:?}");
    // Redeemed, it stands on the same grant.
    let other = redeemed(&t, &code, "somebody-else").await;
    works(&t, &other).await;
    works(&t, &live).await;
}

#[tokio::test]
async fn a_consent_whose_pair_was_taken_over_may_be_forgotten_and_nothing_is_revoked() {
    let t = house().await;
    let live = t.connection("u").await;
    later(&t);
    t.returned("somebody-else").await;
    works(&t, &live).await;
    t.wait(Duration::from_mins(5));
    t.gateway.settle().await.unwrap();
    t.gateway.settle().await.unwrap();
    works(&t, &live).await;
    assert_eq!(t.notion_calls("/v1/oauth/revoke"), 0);
}

#[tokio::test]
async fn a_grant_that_ends_leaves_its_newer_pair_to_the_consent_that_still_waits() {
    let t = house().await;
    let live = t.connection("u").await;
    later(&t);
    let (code, _) = t.returned("v").await;
    works(&t, &live).await;
    later(&t);
    // The pair that waits is spent by this.
    t.api("POST", &format!("/api/connections/{live}/refresh"), None).await;
    t.api("DELETE", &format!("/api/connections/{live}"), None).await;
    t.gateway.settle().await.unwrap();
    assert_eq!(t.notion_calls("/v1/oauth/revoke"), 0, "another consent stands on the authorization");
    assert!(!t.events().await.contains(&"connection.revoked".to_owned()), "nothing was revoked");
    let other = redeemed(&t, &code, "v").await;
    works(&t, &other).await;
}

#[tokio::test]
async fn a_disconnect_while_a_refresh_is_on_its_way_ends_what_the_refresh_brings() {
    let t = House::build(Plan { gate: true, ..Plan::default() }).await;
    let gate = t.gate.clone().unwrap();
    let id = t.connection("u").await;
    gate.hold("/v1/oauth/token");
    let (refresh, own) = (format!("/api/connections/{id}/refresh"), format!("/api/connections/{id}"));
    let race = async {
        gate.arrived().await;
        // Notion has rotated the pair and we do not know the new one yet.
        let end = t.api("DELETE", &own, None);
        let answer = async {
            let shown = async || t.api("GET", &own, None).await.json()["state"].clone();
            until("disconnected", async || shown().await == "disconnected").await;
            gate.open();
        };
        tokio::join!(end, answer).0
    };
    let (refreshed, ended) = tokio::join!(t.api("POST", &refresh, None), race);
    assert_eq!(refreshed.refusal(), "401, disconnected");
    assert_eq!(ended.status, StatusCode::NO_CONTENT);
    // It once revoked with the token that had been rotated away, which Notion answers with success, and left the new one.
    assert_eq!(t.notion_calls("/v1/oauth/revoke"), 1);
    assert!(!t.still_authorized(&id).await);
}

#[tokio::test]
async fn a_disconnect_with_an_access_token_that_ran_out_still_ends_the_authorization() {
    let t = house().await;
    let id = t.connection("u").await;
    t.notion.emulator.end_access_tokens();
    t.api("DELETE", &format!("/api/connections/{id}"), None).await;
    assert!(!t.still_authorized(&id).await);
}

/// It once was told when the pair that was fetched to revoke with was only kept.
#[tokio::test]
async fn a_revocation_is_told_when_it_was_done_and_not_while_a_renewed_pair_waits_for_it() {
    let t = house().await;
    let ended = t.connection("u").await;
    // And of a consent that nobody redeems.
    let mut other = t.browser();
    other.person = 1;
    assert!(other.connect(&t.link("v").await).await.query("code").is_some());
    t.notion.emulator.end_access_tokens();
    t.notion.emulator.fault(Fault::from(Effect::Status(500)).on(REVOKE).times(u32::MAX));
    let told = async || t.events().await.into_iter().filter(|kind| kind.ends_with(".revoked")).count();
    t.api("DELETE", &format!("/api/connections/{ended}"), None).await;
    for _ in 0..3 {
        t.wait(Duration::from_mins(6));
        t.gateway.settle().await.unwrap();
    }
    assert!(t.notion_calls(REVOKE) >= 2);
    assert_eq!(told().await, 0);
    let faults = format!("{}/_emulator/faults", t.notion.url);
    assert!(t.send("DELETE", &faults, &[], None).await.status.is_success());
    t.wait(Duration::from_mins(6));
    t.gateway.settle().await.unwrap();
    assert_eq!(told().await, 2);
    assert!(!t.still_authorized(&ended).await);
}

#[tokio::test]
async fn a_revocation_that_notion_refuses_waits_and_is_tried_again() {
    let t = house().await;
    let id = t.connection("u").await;
    t.notion.emulator.fault(Fault::from(Effect::Status(500)).on(REVOKE));
    let gone = t.api("DELETE", &format!("/api/connections/{id}"), None).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT, "it is disconnected here all the same");
    t.gateway.settle().await.unwrap();
    assert_eq!(t.notion_calls(REVOKE), 1, "it waits, and keeps nobody else from being settled");
    t.wait(Duration::from_mins(5));
    t.gateway.settle().await.unwrap();
    assert_eq!(t.notion_calls(REVOKE), 2);
    assert!(t.events().await.contains(&"connection.revoked".to_owned()));
}

#[tokio::test]
async fn a_pending_connection_can_be_deleted_and_only_it_is_settled() {
    let t = house().await;
    let (code, _) = t.returned("u").await;
    let pending = t.api("GET", "/api/connections?state=pending", None).await.json();
    let id = pending["data"][0]["id"].as_str().unwrap().to_owned();
    let gone = t.api("DELETE", &format!("/api/connections/{id}"), None).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    assert_eq!(t.notion_calls(REVOKE), 1);
    assert_eq!(t.redeem(&code, "u").await.refusal(), "400, invalid_grant");
    assert_eq!(t.events().await.last().map(String::as_str), Some("code.replayed"));
}

/// A new consent of the same person is redeemed while a refresh is on its way: Notion has rotated the pair, the consent ends the
/// rotated one, and only then does the refresh's answer come. It once was taken for the newer pair, because it came later.
#[tokio::test]
async fn a_refresh_whose_answer_comes_after_a_newer_consent_does_not_replace_its_pair() {
    for settle_first in [false, true] {
        let t = House::build(Plan { gate: true, ..Plan::default() }).await;
        let gate = t.gate.clone().unwrap();
        let live = t.connection("u").await;
        gate.hold("/v1/oauth/token");
        let refresh = format!("/api/connections/{live}/refresh");
        let crossing = async {
            gate.arrived().await;
            later(&t);
            let (code, _) = t.returned("v").await;
            let second = redeemed(&t, &code, "v").await;
            later(&t);
            gate.open();
            second
        };
        let (_, second) = tokio::join!(t.api("POST", &refresh, None), crossing);
        if settle_first {
            t.gateway.settle().await.unwrap();
        }
        works(&t, &second).await;
        works(&t, &live).await;
        t.wait(Duration::from_mins(5));
        t.gateway.settle().await.unwrap();
        works(&t, &second).await;
        works(&t, &live).await;
        assert!(!t.events().await.contains(&"connection.reconnect_needed".to_owned()));
        assert_eq!(t.notion_calls(REVOKE), 0);
    }
}

/// The same, with the consent not redeemed by anybody: its pair is the one that lives.
#[tokio::test]
async fn a_refresh_whose_answer_comes_after_a_consent_that_nobody_redeems_loses_no_connection() {
    let t = House::build(Plan { gate: true, ..Plan::default() }).await;
    let gate = t.gate.clone().unwrap();
    let live = t.connection("u").await;
    gate.hold("/v1/oauth/token");
    let refresh = format!("/api/connections/{live}/refresh");
    let crossing = async {
        gate.arrived().await;
        later(&t);
        t.returned("somebody-else").await;
        later(&t);
        gate.open();
    };
    let (refreshed, ()) = tokio::join!(t.api("POST", &refresh, None), crossing);
    assert_eq!(refreshed.status, StatusCode::OK, "{}", refreshed.text());
    t.wait(Duration::from_mins(6));
    for _ in 0..2 {
        t.gateway.settle().await.unwrap();
    }
    works(&t, &live).await;
    let shown = t.api("GET", &format!("/api/connections/{live}"), None).await.json();
    assert_eq!(shown["state"], "active");
}

#[tokio::test]
async fn where_both_pairs_live_neither_is_dropped_until_one_is_dead() {
    let t = House::build(Plan { switches: Switches::documented(), ..Plan::default() }).await;
    let first = t.connection("u").await;
    later(&t);
    let second = t.connection("v").await;
    works(&t, &first).await;
    works(&t, &second).await;
    // Both are kept, and nothing is revoked: that would end the authorization of both.
    t.wait(Duration::from_hours(7));
    t.gateway.settle().await.unwrap();
    assert_eq!(t.notion_calls(REVOKE), 0);
    works(&t, &first).await;
    works(&t, &second).await;
}

#[tokio::test]
async fn an_exchange_that_is_answered_late_is_stored_and_ends_nothing() {
    let t = House::build(Plan { gate: true, ..Plan::default() }).await;
    let gate = t.gate.clone().unwrap();
    let live = t.connection("u").await;
    let link = t.link("u").await;
    let mut browser = t.browser();
    let callback = browser.consent(&link).await;
    gate.hold("/v1/oauth/token");
    let late = async {
        gate.arrived().await;
        // Notion has ended the older pair. The browser waits no longer than this.
        t.wait(Duration::from_secs(45));
    };
    let (back, ()) = tokio::join!(browser.open(&callback), late);
    assert_eq!(back.query("error").as_deref(), Some("exchange_failed"));
    gate.open();
    t.gateway.drain().await;
    works(&t, &live).await;
    let shown = t.api("GET", &format!("/api/connections/{live}"), None).await.json();
    assert_eq!(shown["state"], "active");
}

/// `connections import` of somebody who is connected already brought the living pair, threw it away and kept the dead one.
#[tokio::test]
async fn an_imported_pair_of_a_connected_person_is_kept_until_it_is_known_which_one_lives() {
    for settled in [false, true] {
        let t = house().await;
        let live = t.connection("u").await;
        // The hand-written back end had the same person consent again: Notion ended the pair that is here.
        t.gateway.import("demo", t.line_of_another_back_end("v").await.as_bytes()).await.unwrap();
        if settled {
            t.gateway.settle().await.unwrap();
        }
        works(&t, &live).await;
        let shown = t.api("GET", "/api/connections", None).await.json();
        let states: Vec<&str> =
            shown["data"].as_array().unwrap().iter().map(|one| one["state"].as_str().unwrap()).collect();
        assert_eq!(states, ["active", "active"]);
    }
}

/// What is told of events of this kind: connection, attempt, note.
async fn told(t: &House, kind: &str) -> [serde_json::Value; 3] {
    let events = t.api("GET", "/api/events", None).await.json();
    let event = events["data"].as_array().unwrap().iter().find(|event| event["type"] == kind).expect(kind);
    ["connection", "attempt", "note"].map(|name| event[name].clone())
}

async fn pending(t: &House) -> serde_json::Value {
    t.api("GET", "/api/connections?state=pending", None).await.json()["data"][0]["id"].clone()
}

/// Nobody has to wait for the next round.
#[tokio::test]
async fn a_consent_whose_redeemer_is_refused_is_ended_at_once_and_told_of_its_attempt() {
    let t = house().await;
    let (code, attempt) = t.returned("u").await;
    let (attempt, pending) = (json!(attempt), pending(&t).await);
    assert_eq!(t.redeem(&code, "somebody-else").await.refusal(), "400, invalid_grant");
    until("it is ended", async || t.events().await.contains(&"consent.revoked".to_owned())).await;
    let why = json!("the end user is not the one that the link was made for");
    assert_eq!(told(&t, "connection.refused").await, [pending.clone(), attempt.clone(), why]);
    assert_eq!(told(&t, "consent.revoked").await[1], attempt);
    assert_eq!(t.redeem(&code, "u").await.refusal(), "400, invalid_grant");
    assert_eq!(told(&t, "code.replayed").await[..2], [pending, attempt]);
}

#[tokio::test]
async fn a_code_and_its_repetition_end_to_the_moment() {
    let t = house().await;
    let codes = [t.returned("u").await.0, t.returned("v").await.0];
    assert_eq!(t.redeem(&codes[0], "u").await.status, StatusCode::OK);
    t.wait(Duration::from_secs(299));
    assert_eq!(t.redeem(&codes[0], "u").await.status, StatusCode::OK, "the same again");
    t.wait(Duration::from_secs(1));
    for (code, user) in codes.iter().zip(["u", "v"]) {
        assert_eq!(t.redeem(code, user).await.refusal(), "400, invalid_grant");
    }
}

/// It is another authorization's, which nobody ended.
#[tokio::test]
async fn what_a_last_refresh_brings_of_another_bot_is_not_revoked() {
    let t = House::build(Plan { gate: true, ..Plan::default() }).await;
    let id = t.connection("u").await;
    t.notion.emulator.end_access_tokens();
    t.gate.as_ref().unwrap().rewrite(|mut answer| {
        answer["bot_id"] = json!("00000000-0000-4000-8000-000000000000");
        answer.to_string()
    });
    let sent = t.notion_calls("/v1/oauth/token");
    t.api("DELETE", &format!("/api/connections/{id}"), None).await;
    assert_eq!((t.notion_calls("/v1/oauth/token"), t.notion_calls("/v1/oauth/revoke")), (sent + 1, 0));
}

#[tokio::test]
async fn that_a_code_was_never_redeemed_is_told_of_the_connection_and_the_attempt_that_it_was_of() {
    let t = house().await;
    let (_, attempt) = t.returned("u").await;
    let pending = pending(&t).await;
    t.wait(Duration::from_mins(6));
    t.gateway.settle().await.unwrap();
    assert_eq!(told(&t, "connection.unredeemed").await[..2], [pending, json!(attempt)]);
}

/// Its access token had ended when it was settled, so it was put off; by the time that the grant is given up it may be all there is.
#[tokio::test]
async fn a_pair_that_was_put_off_is_tried_as_soon_as_its_grant_is_given_up() {
    let t = house().await;
    let id = t.connection("u").await;
    t.returned("v").await;
    t.notion.emulator.end_access_tokens();
    t.wait(Duration::from_mins(6));
    for _ in 0..2 {
        t.gateway.settle().await.unwrap();
    }
    let me = format!("/notion/{id}/v1/users/me");
    assert_eq!(t.api("GET", &me, None).await.refusal(), "401, reconnect_needed");
    t.gateway.settle().await.unwrap();
    t.wait(Duration::from_mins(2));
    assert_eq!(t.api("GET", &me, None).await.status, StatusCode::OK);
}
