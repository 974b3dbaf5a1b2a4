//! Damaged answers of Notion's token endpoint: another bot's, a web page, without refresh token, without owner. What can be kept
//! is kept, what cannot is told as what it is, nothing of anybody else is stored, and no token reaches a log.

use std::time::Duration;

use axum::http::StatusCode;
use notion_emulator::{Effect, Fault, OldPair, Refresh, Switches};
use serde_json::{Value, json};

use crate::canary::{Log, contains};
use crate::gate::{Gate, Rewrite};
use crate::support::{House, Plan, Reply};

const TOKEN: &str = "/v1/oauth/token";

async fn gated(refresh: Refresh) -> (House, Gate) {
    let switches = Switches { refresh, ..Switches::default() };
    let t = House::build(Plan { switches, gate: true, ..Plan::default() }).await;
    let gate = t.gate.clone().unwrap();
    (t, gate)
}

async fn shown(t: &House, id: &str) -> Value {
    t.api("GET", &format!("/api/connections/{id}"), None).await.json()
}

async fn force(t: &House, id: &str) -> Reply {
    t.api("POST", &format!("/api/connections/{id}/refresh"), None).await
}

async fn works(t: &House, id: &str) {
    let me = t.api("GET", &format!("/notion/{id}/v1/users/me"), None).await;
    assert_eq!(me.status, StatusCode::OK, "{}", me.text());
}

/// No token that Notion gave out stands in the log or the store.
fn nothing_leaked(t: &House, gate: &Gate, log: &Log) {
    let tokens = gate.tokens();
    assert!(tokens.len() >= 2, "there is something to look for");
    let mut written = vec![("the log".to_owned(), log.bytes())];
    assert!(!written[0].1.is_empty(), "the log is looked at");
    written.extend(
        t.store_files().into_iter().map(|file| (file.display().to_string(), std::fs::read(file).unwrap())),
    );
    for (place, bytes) in &written {
        for token in &tokens {
            assert!(!contains(bytes, token), "{place} holds a token");
        }
        assert!(!contains(bytes, "canary-of-another-bot"), "{place} holds what is another bot's");
    }
}

fn of_another_bot(mut answer: Value) -> String {
    answer["bot_id"] = json!("11111111-2222-4333-8444-555555555555");
    answer["access_token"] = json!("ntn_emulator_canary-of-another-bot");
    answer["refresh_token"] = json!("nrt_emulator_canary-of-another-bot");
    answer.to_string()
}

fn of_another_workspace(mut answer: Value) -> String {
    answer["workspace_id"] = json!("11111111-2222-4333-8444-555555555555");
    answer.to_string()
}

#[tokio::test]
async fn a_pair_of_another_bot_or_workspace_is_stored_for_nobody() {
    let log = Log::begin();
    for rewrite in [of_another_bot as Rewrite, of_another_workspace] {
        let (t, gate) = gated(Refresh::Grace).await;
        let id = t.connection("u").await;
        let before = shown(&t, &id).await;
        gate.rewrite(rewrite);
        assert_eq!(force(&t, &id).await.refusal(), "502, notion_odd_answer");
        let after = shown(&t, &id).await;
        assert_eq!((&after["state"], &after["bot_id"]), (&json!("suspect"), &before["bot_id"]));
        assert_eq!(after["workspace"], before["workspace"]);
        // It is looked into like any other whose answer was lost.
        t.wait(Duration::from_secs(30));
        t.gateway.look_into_suspects().await.unwrap();
        assert_eq!(shown(&t, &id).await["state"], "active");
        works(&t, &id).await;
        nothing_leaked(&t, &gate, &log);
    }
}

#[tokio::test]
async fn a_web_page_is_asked_again_once_and_then_makes_it_suspect_and_fails_a_consent() {
    let log = Log::begin();
    let (t, gate) = gated(Refresh::Grace).await;
    let id = t.connection("u").await;
    for status in [200, 502] {
        t.notion.emulator.fault(Fault::from(Effect::HtmlPage(status)).on(TOKEN).times(2));
        assert_eq!(force(&t, &id).await.refusal(), "504, notion_no_answer");
        assert_eq!(shown(&t, &id).await["state"], "suspect", "{status}");
        t.wait(Duration::from_secs(30));
        t.gateway.look_into_suspects().await.unwrap();
        assert_eq!(shown(&t, &id).await["state"], "active", "{status}");
        t.notion.emulator.fault(Fault::from(Effect::HtmlPage(status)).on(TOKEN));
        let back = t.browser().connect(&t.link("v").await).await;
        assert_eq!(back.query("error").as_deref(), Some("exchange_failed"), "{status}");
        works(&t, &id).await;
    }
    nothing_leaked(&t, &gate, &log);
}

fn without(answer: Value, name: &str) -> String {
    let mut answer = answer;
    answer.as_object_mut().unwrap().remove(name);
    answer.to_string()
}

/// Where Notion sends no new refresh token the old one goes on; where a consent brings none, there is nothing to refresh with.
#[tokio::test]
async fn a_missing_refresh_token_is_none_and_takes_nothing_away() {
    let log = Log::begin();
    for rewrite in [(|answer| without(answer, "refresh_token")) as Rewrite, |mut answer: Value| {
        answer["refresh_token"] = Value::Null;
        answer.to_string()
    }] {
        let (t, gate) = gated(Refresh::Grace).await;
        let id = t.connection("u").await;
        gate.rewrite(rewrite);
        assert_eq!(force(&t, &id).await.status, StatusCode::OK);
        works(&t, &id).await;
        t.wait(Duration::from_mins(2));
        assert_eq!(force(&t, &id).await.status, StatusCode::OK, "the old one still refreshes");
        works(&t, &id).await;

        gate.rewrite(rewrite);
        let mut other = t.browser();
        other.person = 1;
        let back = other.connect(&t.link("v").await).await;
        let bare = t.redeem(&back.query("code").unwrap(), "v").await.json();
        let bare = bare["id"].as_str().unwrap();
        works(&t, bare).await;
        assert_eq!(force(&t, bare).await.refusal(), "409, no_refresh_token");
        assert_eq!(shown(&t, bare).await["state"], "active");
        nothing_leaked(&t, &gate, &log);
    }
}

const OWNERLESS: [Rewrite; 3] = [
    |answer| without(answer, "owner"),
    |mut answer: Value| {
        answer["owner"] = Value::Null;
        answer.to_string()
    },
    |mut answer: Value| {
        answer["owner"] = json!({});
        answer.to_string()
    },
];

fn of_the_workspace(mut answer: Value) -> String {
    answer["owner"] = json!({"type": "workspace", "workspace": true});
    answer.to_string()
}

/// The code of a consent of the emulator's second person, for end user `v`.
async fn consent_of_another(t: &House) -> String {
    let mut other = t.browser();
    other.person = 1;
    other.connect(&t.link("v").await).await.query("code").unwrap()
}

/// Whose the bot is that a connection's token opens.
async fn owner_at_notion(t: &House, id: &str) -> Value {
    let me = t.api("GET", &format!("/notion/{id}/v1/users/me"), None).await.json();
    let user = &me["bot"]["owner"]["user"];
    json!({"id": user["id"], "name": user["name"], "email": user["person"]["email"]})
}

#[tokio::test]
async fn an_empty_owner_changes_nobodys_and_is_asked_for() {
    let log = Log::begin();
    let of_persons = OWNERLESS.map(|rewrite| (rewrite, false));
    for (rewrite, is_workspaces) in of_persons.into_iter().chain([(of_the_workspace as Rewrite, true)]) {
        let (t, gate) = gated(Refresh::Strict).await;
        let id = t.connection("u").await;
        let before = shown(&t, &id).await["owner"].clone();
        gate.rewrite(rewrite);
        assert_eq!(force(&t, &id).await.status, StatusCode::OK);
        assert_eq!(shown(&t, &id).await["owner"], before);
        works(&t, &id).await;
        // It is the same authorization still: the next consent of the same person meets it.
        assert_eq!(t.connection("u").await, id);

        gate.rewrite(rewrite);
        let code = consent_of_another(&t).await;
        let theirs = t.redeem(&code, "v").await.json();
        let (it, owner) = (theirs["id"].as_str().unwrap(), &theirs["owner"]);
        if is_workspaces {
            assert_eq!(*owner, json!({"id": null, "name": null, "email": null}));
        } else {
            assert_eq!(*owner, owner_at_notion(&t, it).await);
        }
        works(&t, it).await;
        t.gateway.settle().await.unwrap();
        works(&t, &id).await;
        nothing_leaked(&t, &gate, &log);
    }
}

/// A pair of nobody known was once taken for whoever stood on its bot.
#[tokio::test]
async fn a_consent_opens_nothing_until_notion_says_whose_it_is_and_its_code_stays_good() {
    for effect in [Effect::Status(500), Effect::HtmlPage(200), Effect::Status(429)] {
        let (t, gate) = gated(Refresh::Strict).await;
        let id = t.connection("u").await;
        gate.rewrite(OWNERLESS[0]);
        t.notion.emulator.fault(Fault::from(effect.clone()).on("/v1/users/me").times(2));
        let code = consent_of_another(&t).await;
        assert_eq!(t.redeem(&code, "v").await.refusal(), "502, owner_untold", "{effect:?}");
        let theirs = t.redeem(&code, "v").await.json();
        let it = theirs["id"].as_str().unwrap();
        assert_eq!(theirs["owner"], owner_at_notion(&t, it).await);
        works(&t, it).await;
        works(&t, &id).await;
    }
}

/// The same person's living pair: whether it heals the connection that waits for it, or is ended, is not decided before it is known
/// whose it is.
#[tokio::test]
async fn a_pair_that_nobody_redeems_is_settled_once_notion_says_whose_it_is() {
    let switches = Switches { refresh: Refresh::Strict, older_pair: OldPair::Dies, ..Switches::default() };
    let t = House::build(Plan { switches, gate: true, ..Plan::default() }).await;
    let gate = t.gate.clone().unwrap();
    let id = t.connection("u").await;
    gate.rewrite(OWNERLESS[0]);
    t.notion.emulator.fault(Fault::from(Effect::Status(500)).on("/v1/users/me").times(2));
    t.browser().connect(&t.link("u").await).await.query("code").expect("a code");
    t.wait(Duration::from_mins(6));
    t.gateway.settle().await.unwrap();
    let adopted = async || t.events().await.contains(&"connection.adopted".to_owned());
    assert!(!adopted().await, "it waits");
    assert_eq!(t.notion_calls("/v1/oauth/revoke"), 0);
    t.wait(Duration::from_mins(6));
    t.gateway.settle().await.unwrap();
    assert!(adopted().await);
    works(&t, &id).await;
}

/// A consent whose answer does not say whose it is opens nothing, for nobody knows what it would be compared with.
#[tokio::test]
async fn a_consent_without_its_bot_or_workspace_fails_and_a_refresh_without_them_is_taken() {
    let log = Log::begin();
    for rewrite in [(|answer| without(answer, "bot_id")) as Rewrite, |answer| without(answer, "workspace_id")]
    {
        let (t, gate) = gated(Refresh::Strict).await;
        let id = t.connection("u").await;
        gate.rewrite(rewrite);
        assert_eq!(force(&t, &id).await.status, StatusCode::OK);
        works(&t, &id).await;
        gate.rewrite(rewrite);
        let mut other = t.browser();
        other.person = 1;
        let back = other.connect(&t.link("v").await).await;
        assert_eq!(back.query("error").as_deref(), Some("exchange_failed"));
        assert_eq!(t.attempt(&back.query("attempt").unwrap()).await["outcome"], "exchange_failed");
        works(&t, &id).await;
        nothing_leaked(&t, &gate, &log);
    }
}
