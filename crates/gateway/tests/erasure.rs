//! The erasure of a person: nothing that names them is left in any file, what they gave is revoked at Notion however long that
//! takes, and nobody else loses anything.

use std::time::Duration;

use axum::http::StatusCode;
use notion_emulator::{Effect, Fault};
use serde_json::{Value, json};
use store::suite::tamper;

use crate::support::{House, Plan, RETURN_URL, Reply, house, until};

/// A name that stands nowhere else.
const NAME: &str = "erase-me-canary";
const REVOKE: &str = "/v1/oauth/revoke";

async fn erase(t: &House, end_user: &str) -> Reply {
    t.api("DELETE", &format!("/api/connections?end_user={end_user}"), None).await
}

/// The counts of an erasure: connections, keys, attempts, sessions; ended, shared, dropped.
fn counts(reply: &Reply) -> [u64; 7] {
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    let body = reply.json();
    let names = [
        "connections",
        "keys",
        "attempts",
        "connect_sessions",
        "authorizations_ended",
        "authorizations_shared",
        "consents_dropped",
    ];
    assert_eq!(body.as_object().unwrap().len(), names.len());
    names.map(|name| body[name].as_u64().unwrap())
}

/// What of these stands in any of the store's files, the log among them.
fn left(t: &House, names: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for file in t.store_files() {
        let bytes = std::fs::read(&file).unwrap();
        for name in names {
            if bytes.windows(name.len()).any(|window| window == name.as_bytes()) {
                found.push(format!("{name} in {}", file.display()));
            }
        }
    }
    found
}

/// A live connection of this person of Notion's, for this user of the app.
async fn connected_as(t: &House, person: usize, end_user: &str) -> String {
    let mut browser = t.browser();
    browser.person = person;
    let back = browser.connect(&t.link(end_user).await).await;
    let redeemed = t.redeem(&back.query("code").unwrap(), end_user).await;
    assert_eq!(redeemed.status, StatusCode::OK, "{}", redeemed.text());
    t.wait(Duration::from_secs(10));
    redeemed.json()["id"].as_str().unwrap().to_owned()
}

async fn works(t: &House, id: &str) {
    let me = t.api("GET", &format!("/notion/{id}/v1/users/me"), None).await;
    assert_eq!(me.status, StatusCode::OK, "{}", me.text());
}

#[tokio::test]
async fn an_erased_person_is_in_no_table_and_their_authorization_is_revoked() {
    let t = house().await;
    let id = t.connection(NAME).await;
    let shown = t.api("GET", &format!("/api/connections/{id}"), None).await.json();
    let (name, email) = (shown["owner"]["name"].as_str().unwrap(), shown["owner"]["email"].as_str().unwrap());
    let label = format!("key of {NAME}");
    let key =
        t.api("POST", &format!("/api/connections/{id}/keys"), Some(json!({"label": label}))).await.json();
    let key = key["key"].as_str().unwrap();
    works(&t, &id).await;
    // An earlier connection that was ended, an open attempt, an unused link, a consent that waits to be redeemed.
    t.api("DELETE", &format!("/api/connections/{id}"), None).await;
    let again = t.connection(NAME).await;
    t.link(NAME).await;
    t.browser().open(&t.link(NAME).await).await;
    let (waiting, _) = t.returned(NAME).await;
    let names = [NAME, name, email];
    assert!(!left(&t, &names[..1]).is_empty(), "the scan looks where they are");

    let erased = erase(&t, NAME).await;
    assert_eq!(counts(&erased), [3, 1, 4, 5, 1, 0, 1]);
    assert_eq!(left(&t, &names), Vec::<String>::new());
    for id in [&id, &again] {
        assert_eq!(t.api("GET", &format!("/api/connections/{id}"), None).await.status, StatusCode::NOT_FOUND);
        assert_eq!(
            t.api("GET", &format!("/notion/{id}/v1/users/me"), None).await.refusal(),
            "404, not_found"
        );
    }
    assert_eq!(t.call_as(key, "GET", "/v1/users/me", None).await.refusal(), "401, key_invalid");
    assert_eq!(t.redeem(&waiting, NAME).await.refusal(), "400, invalid_grant");
    t.gateway.settle().await.unwrap();
    let bot = shown["bot_id"].as_str().unwrap().parse().unwrap();
    assert!(!t.notion.emulator.remove_connection(bot), "nothing of it is left at Notion");

    // Repeating it is safe, and finds nothing more.
    assert_eq!(counts(&erase(&t, NAME).await), [0; 7]);
    let told = t.events().await;
    assert_eq!(told.iter().filter(|kind| *kind == "connection.erased").count(), 3, "{told:?}");
    assert_eq!(left(&t, &names), Vec::<String>::new());
}

#[tokio::test]
async fn while_notion_does_not_answer_the_names_are_gone_and_the_revocation_is_tried_for_days() {
    let t = house().await;
    let id = t.connection(NAME).await;
    let shown = t.api("GET", &format!("/api/connections/{id}"), None).await.json();
    let name = shown["owner"]["name"].as_str().unwrap();
    let email = shown["owner"]["email"].as_str().unwrap();
    t.notion.emulator.fault(Fault::from(Effect::HangUpBefore).on("/v1/oauth/").times(u32::MAX));
    assert_eq!(counts(&erase(&t, NAME).await)[4], 1);
    assert_eq!(left(&t, &[NAME, name, email]), Vec::<String>::new());
    for _ in 0..3 {
        t.wait(Duration::from_hours(24));
        t.gateway.settle().await.unwrap();
    }
    assert_eq!(t.notion_calls(REVOKE), 0);
    let faults = format!("{}/_emulator/faults", t.notion.url);
    assert!(t.send("DELETE", &faults, &[], None).await.status.is_success());
    t.wait(Duration::from_mins(5));
    t.gateway.settle().await.unwrap();
    assert_eq!(t.notion_calls(REVOKE), 1);
    assert!(!t.notion.emulator.remove_connection(shown["bot_id"].as_str().unwrap().parse().unwrap()));
}

/// Four authorizations of one user of the app: of three people in a workspace, and of one of them in another.
async fn connected_four_times(t: &House) {
    for (person, workspace) in [(0, 0), (1, 0), (2, 0), (0, 1)] {
        let mut browser = t.browser();
        (browser.person, browser.workspace) = (person, workspace);
        let code = browser.connect(&t.link(NAME).await).await.query("code").unwrap();
        assert_eq!(t.redeem(&code, NAME).await.status, StatusCode::OK);
    }
    t.wait(Duration::from_secs(10));
}

/// They were ended one after the other: fifty took as long as fifty revocations, and one that hung held up all.
#[tokio::test]
async fn of_many_authorizations_none_waits_until_another_is_revoked() {
    let t = House::build(Plan { gate: true, ..Plan::default() }).await;
    let gate = t.gate.clone().unwrap();
    connected_four_times(&t).await;
    gate.hold_request(REVOKE);
    let meanwhile = async {
        gate.asked().await;
        until("the others are revoked", async || {
            // All of it is gone already, whoever is waited for.
            assert_eq!(t.api("GET", "/api/connections", None).await.json()["data"], json!([]));
            t.notion_calls(REVOKE) == 3
        })
        .await;
        gate.pass();
    };
    let (erased, ()) = tokio::join!(erase(&t, NAME), meanwhile);
    assert_eq!(counts(&erased), [4, 0, 4, 4, 4, 0, 0]);
    assert_eq!(t.notion_calls(REVOKE), 4);
    let told = t.events().await;
    assert_eq!(told.iter().filter(|kind| *kind == "connection.revoked").count(), 4, "{told:?}");
}

#[tokio::test]
async fn a_notion_that_does_not_answer_is_not_asked_about_every_one_of_many() {
    let t = house().await;
    connected_four_times(&t).await;
    let asked = t.notion_calls("/v1/oauth/introspect");
    let fault = Fault::from(Effect::Status(503)).on("/v1/oauth/introspect");
    t.notion.emulator.fault(fault.times(u32::MAX));
    assert_eq!(counts(&erase(&t, NAME).await)[4], 4);
    assert_eq!(t.notion_calls("/v1/oauth/introspect"), asked + 3, "a few at a time");
    let faults = format!("{}/_emulator/faults", t.notion.url);
    assert!(t.send("DELETE", &faults, &[], None).await.status.is_success());
    t.wait(Duration::from_mins(5));
    t.gateway.settle().await.unwrap();
    assert_eq!(t.notion_calls(REVOKE), 4, "they stay due");
}

#[tokio::test]
async fn whoever_shares_the_authorization_goes_on_and_so_does_every_other_user() {
    let t = house().await;
    let (mine, shared) = (t.connection(NAME).await, t.connection("somebody-else").await);
    let other = connected_as(&t, 1, "another-person").await;
    assert_eq!(counts(&erase(&t, NAME).await), [1, 0, 1, 1, 0, 1, 0]);
    assert_eq!(left(&t, &[NAME]), Vec::<String>::new());
    for id in [&shared, &other] {
        works(&t, id).await;
        let shown = t.api("GET", &format!("/api/connections/{id}"), None).await.json();
        assert!(shown["owner"]["name"].is_string(), "their own names stay");
        assert_eq!(shown["shared_grant"], false);
    }
    assert_eq!(t.notion_calls(REVOKE), 0);
    assert_eq!(t.api("GET", &format!("/api/connections/{mine}"), None).await.status, StatusCode::NOT_FOUND);
    // The last one to go ends it.
    assert_eq!(counts(&erase(&t, "somebody-else").await)[4..], [1, 0, 0]);
    assert_eq!(t.notion_calls(REVOKE), 1);
    works(&t, &other).await;
}

#[tokio::test]
async fn another_integrations_user_of_the_same_name_is_not_touched() {
    let t = house().await;
    let id = t.connection(NAME).await;
    let theirs = t.foreign_key(gateway::KeyKind::App).await;
    let path = format!("/api/connections?end_user={NAME}");
    assert_eq!(counts(&t.call_as(&theirs, "DELETE", &path, None).await), [0; 7]);
    works(&t, &id).await;
    for path in ["/api/connections", "/api/connections?end_user=", "/api/connections?end_user=a&state=active"]
    {
        assert_eq!(t.api("DELETE", path, None).await.refusal(), "400, invalid_request", "{path}");
    }
    let key = t.api("POST", &format!("/api/connections/{id}/keys"), None).await.json();
    let refused = t.call_as(key["key"].as_str().unwrap(), "DELETE", &path, None).await;
    assert_eq!(refused.refusal(), "403, key_wrong_kind");
    works(&t, &id).await;
}

/// The user is erased while Notion's code is exchanged: the pair that comes is nobody's, is revoked, and names nobody.
#[tokio::test]
async fn a_consent_that_is_on_its_way_during_the_erasure_is_ended_when_it_comes() {
    let t = House::build(Plan { gate: true, ..Plan::default() }).await;
    let gate = t.gate.clone().unwrap();
    let mut browser = t.browser();
    let callback = browser.consent(&t.link(NAME).await).await;
    gate.hold("/v1/oauth/token");
    let meanwhile = async {
        gate.arrived().await;
        assert_eq!(counts(&erase(&t, NAME).await), [0, 0, 1, 1, 0, 0, 0]);
        gate.open();
    };
    let (back, ()) = tokio::join!(browser.open(&callback), meanwhile);
    assert_eq!(back.status, StatusCode::CONFLICT, "{}", back.text());
    assert_eq!(left(&t, &[NAME, "Ada", "ada@northwind.example"]), Vec::<String>::new());
    t.gateway.settle().await.unwrap();
    assert_eq!(t.notion_calls(REVOKE), 1);
    assert_eq!(t.api("GET", "/api/attempts", None).await.json()["data"], json!([]));
}

/// Open attempts, unused links and a consent that waits name somebody too.
#[tokio::test]
async fn whoever_never_came_to_a_connection_is_in_no_file_either() {
    let t = house().await;
    t.link(NAME).await;
    t.browser().open(&t.link(NAME).await).await;
    assert_eq!(counts(&erase(&t, NAME).await)[2..4], [1, 2]);
    assert_eq!(left(&t, &[NAME]), Vec::<String>::new());
    t.returned(NAME).await;
    assert_eq!(counts(&erase(&t, NAME).await)[6], 1);
    assert_eq!(left(&t, &[NAME, "Ada", "ada@northwind.example"]), Vec::<String>::new());
}

/// What such a refresh brought was once kept with the names that its grant had before, for as long as Notion did not answer.
#[tokio::test]
async fn a_refresh_that_comes_after_the_erasure_names_nobody_while_its_pair_waits_to_be_revoked() {
    let t = House::build(Plan { gate: true, ..Plan::default() }).await;
    let gate = t.gate.clone().unwrap();
    let id = t.connection(NAME).await;
    let shown = t.api("GET", &format!("/api/connections/{id}"), None).await.json();
    let told = ["/owner/name", "/owner/email", "/workspace/name"];
    let told = told.map(|path| shown.pointer(path).and_then(Value::as_str).unwrap());
    gate.hold("/v1/oauth/token");
    let path = format!("/api/connections/{id}/refresh");
    let meanwhile = async {
        gate.arrived().await;
        for path in ["/v1/oauth/introspect", REVOKE] {
            t.notion.emulator.fault(Fault::from(Effect::HangUpBefore).on(path).times(u32::MAX));
        }
        let answered = async {
            let shown = async || t.api("GET", &format!("/api/connections/{id}"), None).await.status;
            until("erased", async || shown().await == StatusCode::NOT_FOUND).await;
            gate.open();
        };
        tokio::join!(erase(&t, NAME), answered).0
    };
    let (_, erased) = tokio::join!(t.api("POST", &path, None), meanwhile);
    assert_eq!(counts(&erased)[4], 1);
    assert_eq!(t.notion_calls(REVOKE), 0);
    assert_eq!(left(&t, &told), Vec::<String>::new());
}

/// A refresh whose answer comes after the person was erased brings nothing back.
#[tokio::test]
async fn a_refresh_that_is_on_its_way_during_the_erasure_is_ended_when_it_comes() {
    let t = House::build(Plan { gate: true, ..Plan::default() }).await;
    let gate = t.gate.clone().unwrap();
    let id = t.connection(NAME).await;
    let shown = t.api("GET", &format!("/api/connections/{id}"), None).await.json();
    let name = shown["owner"]["name"].as_str().unwrap();
    gate.hold("/v1/oauth/token");
    let path = format!("/api/connections/{id}/refresh");
    let meanwhile = async {
        gate.arrived().await;
        let answered = async {
            let shown = async || t.api("GET", &format!("/api/connections/{id}"), None).await.status;
            until("erased", async || shown().await == StatusCode::NOT_FOUND).await;
            gate.open();
        };
        tokio::join!(erase(&t, NAME), answered).0
    };
    let (refreshed, erased) = tokio::join!(t.api("POST", &path, None), meanwhile);
    assert_eq!(refreshed.refusal(), "401, disconnected");
    assert_eq!(counts(&erased)[4], 1);
    t.gateway.settle().await.unwrap();
    assert_eq!(left(&t, &[NAME, name]), Vec::<String>::new());
    assert!(!t.notion.emulator.remove_connection(shown["bot_id"].as_str().unwrap().parse().unwrap()));
}

#[tokio::test]
async fn a_person_whose_rows_are_damaged_can_be_erased_too() {
    let t = house().await;
    let id = t.connection(NAME).await;
    let damage = format!(
        "UPDATE connections SET created_at = {0} WHERE id = '{id}'; UPDATE attempts SET outcome = 'odd';
         UPDATE grants SET access_token_sealed = x'00'",
        i64::MAX
    );
    tamper(&t.folder.path().join("vestibule.db"), &damage);
    assert_eq!(counts(&erase(&t, NAME).await)[..3], [1, 0, 1]);
    assert_eq!(left(&t, &[NAME]), Vec::<String>::new());
    let _: Value = t.api("GET", "/api/connections", None).await.json();
}

/// Given to another user while it was pending, a connection could still be redeemed for the first one.
#[tokio::test]
async fn a_pending_connection_that_was_given_away_goes_with_the_person_whose_link_it_was() {
    let t = house().await;
    let (code, _) = t.returned(NAME).await;
    let pending = t.api("GET", "/api/connections?state=pending", None).await.json();
    let id = pending["data"][0]["id"].as_str().unwrap();
    t.api("PATCH", &format!("/api/connections/{id}"), Some(json!({"end_user": "v"}))).await;
    assert_eq!(counts(&erase(&t, NAME).await), [1, 0, 1, 1, 0, 0, 1]);
    assert_eq!(t.redeem(&code, NAME).await.refusal(), "400, invalid_grant");
    let asked = json!({"end_user": NAME, "return_url": RETURN_URL, "reconnect": id});
    assert_eq!(t.api("POST", "/api/connect-sessions", Some(asked)).await.refusal(), "404, not_found");
}
