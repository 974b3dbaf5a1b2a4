//! What a connection's state says, and that each of its moves is told: once for each connection that stands on the
//! authorization, the way back included, with the cause where one is on record.

use std::time::Duration;

use axum::http::StatusCode;
use notion_emulator::{Effect, Fault, OldPair, Switches};
use serde_json::Value;

use crate::support::{House, Plan, house};

const TOKEN: &str = "/v1/oauth/token";
/// The kinds that tell where a connection stands now.
const MOVES: [&str; 4] =
    ["connection.suspect", "connection.degraded", "connection.reconnect_needed", "connection.recovered"];

/// The moves that were told of this connection, oldest first, each with its note.
async fn moves(t: &House, id: &str) -> Vec<(String, Value)> {
    let told = t.api("GET", "/api/events?page_size=100", None).await.json();
    let of_it =
        |event: &&Value| event["connection"] == id && MOVES.contains(&event["type"].as_str().unwrap());
    let all = told["data"].as_array().unwrap().iter().rev().filter(of_it);
    all.map(|event| (event["type"].as_str().unwrap().to_owned(), event["note"].clone())).collect()
}

async fn kinds(t: &House, id: &str) -> Vec<String> {
    moves(t, id).await.into_iter().map(|(kind, _)| kind).collect()
}

/// State and reason.
async fn shown(t: &House, id: &str) -> (String, Value) {
    let shown = t.api("GET", &format!("/api/connections/{id}"), None).await.json();
    (shown["state"].as_str().unwrap().to_owned(), shown["reason"].clone())
}

/// Two users of the app on one authorization.
async fn two(t: &House) -> [String; 2] {
    [t.connection("u").await, t.connection("v").await]
}

async fn call(t: &House, id: &str) -> StatusCode {
    t.api("GET", &format!("/notion/{id}/v1/users/me"), None).await.status
}

async fn force(t: &House, id: &str) -> crate::support::Reply {
    t.api("POST", &format!("/api/connections/{id}/refresh"), None).await
}

fn remove(t: &House, shown: &Value) {
    let bot = shown["bot_id"].as_str().unwrap().parse().unwrap();
    assert!(t.notion.emulator.remove_connection(bot));
}

#[tokio::test]
async fn a_suspect_that_is_cleared_up_is_told_both_ways_of_both_its_connections() {
    let t = house().await;
    let both = two(&t).await;
    for id in &both {
        assert_eq!((shown(&t, id).await, kinds(&t, id).await), (("active".to_owned(), Value::Null), vec![]));
    }
    t.notion.emulator.fault(Fault::from(Effect::HangUpBefore).on(TOKEN).times(2));
    force(&t, &both[0]).await;
    for id in &both {
        let (state, reason) = shown(&t, id).await;
        assert_eq!(state, "suspect");
        assert_eq!(moves(&t, id).await, [("connection.suspect".to_owned(), reason)], "with the cause");
    }
    t.wait(Duration::from_secs(30));
    t.gateway.look_into_suspects().await.unwrap();
    for id in &both {
        assert_eq!(shown(&t, id).await, ("active".to_owned(), Value::Null));
        assert_eq!(kinds(&t, id).await, ["connection.suspect", "connection.recovered"]);
    }
    force(&t, &both[0]).await;
    assert_eq!(kinds(&t, &both[0]).await.len(), 2, "a refresh of one that is active is no move");
}

/// One end user consents again, and nobody else of the authorization needs to.
#[tokio::test]
async fn a_consent_after_the_end_heals_every_connection_of_the_authorization_and_tells_each() {
    let t = house().await;
    let both = two(&t).await;
    // Notion gave the next pair to nobody.
    t.notion.emulator.fault(Fault::from(Effect::HangUpAfter).on(TOKEN));
    assert_eq!(force(&t, &both[0]).await.refusal(), "401, reconnect_needed");
    for id in &both {
        let (state, reason) = shown(&t, id).await;
        assert_eq!(state, "reconnect_needed");
        assert_eq!(moves(&t, id).await, [("connection.reconnect_needed".to_owned(), reason)]);
    }
    assert_eq!(t.connection("u").await, both[0]);
    for id in &both {
        assert_eq!(call(&t, id).await, StatusCode::OK);
        assert_eq!(shown(&t, id).await, ("active".to_owned(), Value::Null));
        assert_eq!(kinds(&t, id).await, ["connection.reconnect_needed", "connection.recovered"]);
    }
}

#[tokio::test]
async fn a_consent_that_ends_the_older_pair_heals_what_was_degraded_and_what_nobody_noticed() {
    let t = House::build(Plan {
        switches: Switches { old_access: OldPair::Lives, ..Switches::default() },
        ..Plan::default()
    })
    .await;
    let both = two(&t).await;
    t.notion.emulator.fault(Fault::from(Effect::HangUpAfter).on(TOKEN));
    assert_eq!(force(&t, &both[1]).await.refusal(), "409, refresh_refused");
    for id in &both {
        let (state, reason) = shown(&t, id).await;
        assert_eq!((state.as_str(), reason.is_string()), ("degraded", true));
    }
    t.connection("w").await;
    for id in &both {
        assert_eq!(shown(&t, id).await, ("active".to_owned(), Value::Null));
        assert_eq!(kinds(&t, id).await, ["connection.degraded", "connection.recovered"]);
    }
    // A further one ends the pair that all three stand on, while everything seems well: nobody is told of anything.
    t.connection("x").await;
    for id in &both {
        assert_eq!(call(&t, id).await, StatusCode::OK);
        assert_eq!(kinds(&t, id).await.len(), 2);
    }
}

#[tokio::test]
async fn one_that_was_ended_says_nothing_of_what_became_of_the_others_authorization() {
    let t = house().await;
    let [ended, left] = two(&t).await;
    let before = t.api("GET", &format!("/api/connections/{ended}"), None).await.json();
    t.api("DELETE", &format!("/api/connections/{ended}"), None).await;
    remove(&t, &before);
    call(&t, &left).await;
    assert_eq!(shown(&t, &left).await.0, "reconnect_needed");
    assert_eq!(shown(&t, &ended).await, ("disconnected".to_owned(), Value::Null));
    assert_eq!((kinds(&t, &ended).await.len(), kinds(&t, &left).await.len()), (0, 1));
}
