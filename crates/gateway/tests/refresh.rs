//! What happens when Notion stops accepting a token: asked first, refreshed once, never lost.

use std::time::Duration;

use axum::http::StatusCode;
use futures_util::future::join_all;
use notion_emulator::{Effect, Fault};
use sealing::Secret;
use serde_json::json;
use uuid::Uuid;

use crate::support::house;

const TOKEN: &str = "/v1/oauth/token";
const INTROSPECT: &str = "/v1/oauth/introspect";
/// Sooner than any caller's patience ends.
const SOON: Duration = Duration::from_secs(1);

#[tokio::test]
async fn many_calls_that_meet_a_dead_token_refresh_it_once_and_all_succeed() {
    let t = house().await;
    let id = t.connection("u").await;
    t.notion.emulator.end_access_tokens();
    let exchanged = t.notion_calls(TOKEN);
    let path = format!("/notion/{id}/v1/users/me");
    let replies = join_all((0..250).map(|_| t.api("GET", &path, None))).await;
    for reply in replies {
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    }
    assert_eq!(t.notion_calls(TOKEN) - exchanged, 1);
    assert_eq!(t.notion_calls(INTROSPECT), 1);
    assert!(t.events().await.contains(&"connection.refreshed".to_owned()));
}

#[tokio::test]
async fn a_write_that_was_refused_is_replayed_once_with_its_body() {
    let t = house().await;
    let id = t.connection("u").await;
    t.notion.emulator.end_access_tokens();
    let found = t.api("POST", &format!("/notion/{id}/v1/search"), Some(json!({"query": "tracker"}))).await;
    assert_eq!(found.status, StatusCode::OK, "{}", found.text());
    assert_eq!(t.notion_calls("/v1/search"), 2);
}

#[tokio::test]
async fn a_401_for_a_token_that_notion_calls_active_is_the_callers_to_see() {
    let t = house().await;
    let id = t.connection("u").await;
    let exchanged = t.notion_calls(TOKEN);
    t.notion.emulator.fault(Fault::from(Effect::Unauthorized).on("/v1/users/me"));
    let reply = t.api("GET", &format!("/notion/{id}/v1/users/me"), None).await;
    assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
    assert_eq!(reply.json()["message"], "API token is invalid.");
    assert_eq!(t.notion_calls(TOKEN), exchanged, "nothing was refreshed");
    assert_eq!(t.api("GET", &format!("/notion/{id}/v1/users/me"), None).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_user_who_disconnects_in_notion_is_told_once_and_can_come_back() {
    let t = house().await;
    let id = t.connection("u").await;
    let shown = t.api("GET", &format!("/api/connections/{id}"), None).await.json();
    let bot: Uuid = shown["bot_id"].as_str().unwrap().parse().unwrap();
    assert!(t.notion.emulator.remove_connection(bot));
    let path = format!("/notion/{id}/v1/users/me");
    for _ in 0..3 {
        assert_eq!(t.api("GET", &path, None).await.refusal(), "401, reconnect_needed");
    }
    let shown = t.api("GET", &format!("/api/connections/{id}"), None).await.json();
    assert_eq!(shown["state"], "reconnect_needed");
    let told = t.events().await.iter().filter(|kind| *kind == "connection.reconnect_needed").count();
    assert_eq!(told, 1);
    assert_eq!(t.notion_calls("/v1/users/me"), 1, "a dead grant is not asked again");

    // The app sends the user through a link that reconnects.
    let asked = json!({"end_user": "u", "return_url": crate::support::RETURN_URL, "reconnect": id});
    let link = t.api("POST", "/api/connect-sessions", Some(asked)).await.json();
    let back = t.browser().connect(link["url"].as_str().unwrap()).await;
    let healed = t.redeem(&back.query("code").unwrap(), "u").await.json();
    assert_eq!(healed["id"], id.as_str());
    assert_eq!(t.api("GET", &path, None).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_secret_that_notion_refuses_is_the_operators_fault_and_ends_no_grant() {
    let t = house().await;
    let id = t.connection("u").await;
    let mut client = notion_emulator::Client {
        client_id: "client-demo".to_owned(),
        client_secret: "rotated".to_owned(),
        name: "Sample".to_owned(),
        redirect_uris: Vec::new(),
        capabilities: notion_emulator::Capabilities::default(),
    };
    t.notion.emulator.register_client(client.clone()).expect("its own client");
    let refused = t.api("POST", &format!("/api/connections/{id}/refresh"), None).await;
    assert_eq!(refused.refusal(), "502, client_refused");
    assert_eq!(t.api("GET", &format!("/api/connections/{id}"), None).await.json()["state"], "active");
    client.client_secret = "notion-side-client-secret-canary".to_owned();
    t.notion.emulator.register_client(client).expect("its own client");
    assert_eq!(t.api("POST", &format!("/api/connections/{id}/refresh"), None).await.status, StatusCode::OK);
    let asked = t.api("POST", &format!("/api/connections/{id}/introspect"), None).await;
    assert_eq!(asked.json()["active"], true);
    assert!(asked.json()["scope"].as_str().unwrap().contains("read_content"), "as Notion told it");
}

/// A process with a wrong client secret once left up to a minute of 429 to the next one that had the right one.
#[tokio::test]
async fn after_a_wrong_client_secret_and_a_restart_with_the_right_one_the_next_call_works_at_once() {
    for ordered in [false, true] {
        let t = house().await;
        let id = t.connection("u").await;
        t.wait(Duration::from_mins(5));
        t.notion.emulator.end_access_tokens();
        let wrong = t
            .process_with(|config| {
                let all = config.integrations.values_mut();
                all.for_each(|one| one.client_secret = Secret::new("mistyped".to_owned()));
            })
            .await;
        let (order, call) = (format!("/api/connections/{id}/refresh"), format!("/notion/{id}/v1/users/me"));
        for _ in 0..3 {
            let reply = t.passing(SOON, t.api("POST", &format!("{wrong}{order}"), None)).await;
            assert_eq!(reply.refusal(), "502, client_refused");
            let reply = t.passing(SOON, t.api("GET", &format!("{wrong}{call}"), None)).await;
            assert_ne!(reply.status, StatusCode::OK);
        }
        let began = t.clock.now();
        let right = t.second_process().await;
        let (method, path) = if ordered { ("POST", order) } else { ("GET", call) };
        let reply = t.api(method, &format!("{right}{path}"), None).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
        assert_eq!(t.clock.now(), began, "at once");
        assert_eq!(t.api("GET", &format!("/api/connections/{id}"), None).await.json()["state"], "active");
    }
}

/// Every statement is run for something that the store was asked.
#[tokio::test]
async fn calls_on_connections_that_do_not_change_touch_no_sql_however_many_others_do() {
    let t = house().await;
    let quiet = t.connection("u").await;
    let busy = t.connection_of(1, "v").await;
    let calls = async |id: &str| t.api("GET", &format!("/notion/{id}/v1/users/me"), None).await.status;
    // The first one is written down, the second one finds everything.
    assert_eq!((calls(&quiet).await, calls(&quiet).await), (StatusCode::OK, StatusCode::OK));
    for change in 0..40 {
        match change % 3 {
            0 => {
                let path = format!("/api/connections/{busy}/refresh");
                assert_eq!(t.api("POST", &path, None).await.status, StatusCode::OK);
            }
            1 => {
                t.foreign_key(gateway::KeyKind::App).await;
            }
            _ => {
                let path = format!("/api/connections/{busy}/keys");
                let minted = t.api("POST", &path, Some(json!({"label": "k"}))).await.json();
                let path = format!("{path}/{}", minted["id"].as_str().unwrap());
                assert_eq!(t.api("DELETE", &path, None).await.status, StatusCode::NO_CONTENT);
            }
        }
        let asked = t.own_store.asked();
        assert_eq!(calls(&quiet).await, StatusCode::OK);
        assert_eq!(t.own_store.asked(), asked, "after change {change}");
    }
    let asked = t.own_store.asked();
    assert_eq!(calls(&busy).await, StatusCode::OK);
    assert!(t.own_store.asked() > asked, "what changed is read again");
}

/// Any change once made all that was remembered unread: with many connections each refresh meant many readings.
#[tokio::test]
async fn what_changes_on_one_connection_leaves_the_others_remembered() {
    let t = house().await;
    let quiet = t.connection("u").await;
    let busy = t.connection_of(1, "v").await;
    let calls = async |id: &str| t.api("GET", &format!("/notion/{id}/v1/users/me"), None).await.status;
    assert_eq!((calls(&quiet).await, calls(&busy).await), (StatusCode::OK, StatusCode::OK));
    // Behind everybody's back and without a word in the feed: whoever reads these rows again cannot call.
    let unseen = "CREATE TEMP TABLE before AS SELECT seq FROM sqlite_sequence WHERE name = 'changes';
        UPDATE connections SET stage = 'odd'; UPDATE api_keys SET kind = 'odd' WHERE connection_id IS NOT NULL;
        DELETE FROM changes WHERE seq > (SELECT seq FROM before);
        UPDATE sqlite_sequence SET seq = (SELECT seq FROM before) WHERE name = 'changes'";
    store::suite::tamper(&t.folder.path().join("vestibule.db"), unseen);
    let changed = "UPDATE grants SET state = state WHERE owner_id <> (SELECT min(owner_id) FROM grants)";
    store::suite::tamper(&t.folder.path().join("vestibule.db"), changed);
    // Any write of ours brings what others changed.
    t.foreign_key(gateway::KeyKind::App).await;
    let outcomes = [calls(&quiet).await, calls(&busy).await];
    let read_again = outcomes.iter().filter(|status| **status != StatusCode::OK).count();
    assert_eq!(read_again, 1, "only the connection whose grant changed: {outcomes:?}");
}
