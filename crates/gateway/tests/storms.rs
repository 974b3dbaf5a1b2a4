//! Trouble that meets many authorizations at once, or one at the worst moment: nothing is spent on a guess, and a call that was made
//! with an older token is sent again with the newer one.

use std::time::Duration;

use axum::http::StatusCode;
use futures_util::future::join_all;
use notion_emulator::{Effect, Fault, Seed};
use serde_json::{Value, json};

use crate::support::{CLIENT_SECRET, House, Plan, Reply, house};

const TOKEN: &str = "/v1/oauth/token";
const INTROSPECT: &str = "/v1/oauth/introspect";
const ME: &str = "/v1/users/me";
const MANY: usize = 30;
/// Sooner than any caller's patience ends.
const SOON: Duration = Duration::from_secs(1);

/// A house with a connection each for many people, all of one workspace.
async fn crowd() -> (House, Vec<String>) {
    let config = Some((|config: &mut gateway::Config| config.attempts_per_address = 1_000) as fn(&mut _));
    let t = House::build(Plan { config, ..Plan::default() }).await;
    let person =
        |number: usize| json!({"name": format!("P {number}"), "email": format!("p{number}@crowd.example")});
    let people: Vec<Value> = (0..MANY).map(person).collect();
    let members: Vec<&Value> = people.iter().map(|person| &person["email"]).collect();
    let title = json!({"title": {"title": [{"text": {"content": "Home"}}]}});
    let workspace = json!({"name": "Crowd", "members": members, "pages": [{"properties": title}]});
    let client = json!({
        "client_id": "client-demo", "client_secret": CLIENT_SECRET, "name": "Sample",
        "redirect_uris": [format!("{}/callback/demo", t.url)],
    });
    let seed = json!({"people": people, "workspaces": [workspace], "clients": [client]});
    t.notion.emulator.reset_to(Seed::read(&seed.to_string()).expect("a seed")).expect("its own clients");
    let mut all = Vec::new();
    for number in 0..MANY {
        let mut browser = t.browser();
        browser.person = number;
        let end_user = format!("u{number}");
        let back = browser.connect(&t.link(&end_user).await).await;
        let redeemed = t.redeem(&back.query("code").expect("a code"), &end_user).await.json();
        all.push(redeemed["id"].as_str().expect("an id").to_owned());
    }
    t.wait(Duration::from_secs(10));
    (t, all)
}

async fn all_call(t: &House, all: &[String]) -> Vec<Reply> {
    let paths: Vec<String> = all.iter().map(|id| format!("/notion/{id}/v1/users/me")).collect();
    t.passing(SOON, join_all(paths.iter().map(|path| t.api("GET", path, None)))).await
}

/// 30 refreshes were once sent, of tokens that were all good.
#[tokio::test]
async fn a_401_on_every_call_of_many_grants_refreshes_five_a_minute_and_gives_nobody_up() {
    let (t, all) = crowd().await;
    t.notion.emulator.fault(Fault::from(Effect::Unauthorized).on(ME).times(u32::MAX));
    t.notion.emulator.fault(Fault::from(Effect::Status(500)).on(INTROSPECT).times(u32::MAX));
    let began = t.notion_calls(TOKEN);
    let refreshes = || t.notion_calls(TOKEN) - began;
    let replies = all_call(&t, &all).await;
    assert_eq!(refreshes(), 5);
    let held = replies.iter().filter(|reply| reply.status == StatusCode::TOO_MANY_REQUESTS).count();
    assert_eq!(held, MANY - 5, "the others are told to come back");
    all_call(&t, &all).await;
    assert_eq!(refreshes(), 5, "not before the minute is over");
    t.wait(Duration::from_mins(1));
    all_call(&t, &all).await;
    assert_eq!(refreshes(), 10);
    let shown = t.api("GET", "/api/connections?state=active&page_size=100", None).await.json();
    assert_eq!(shown["data"].as_array().unwrap().len(), MANY, "nobody's state moved");
    let faults = format!("{}/_emulator/faults", t.notion.url);
    t.send("DELETE", &faults, &[], None).await;
    for reply in all_call(&t, &all).await {
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    }
    assert_eq!(refreshes(), 10);
}

/// What Notion confirms is not held back: each of many dead access tokens is refreshed, once.
#[tokio::test]
async fn many_tokens_that_notion_calls_dead_are_each_refreshed_once() {
    let (t, all) = crowd().await;
    let began = t.notion_calls(TOKEN);
    t.notion.emulator.end_access_tokens();
    let thrice: Vec<String> = all.iter().cycle().take(3 * MANY).cloned().collect();
    for reply in all_call(&t, &thrice).await {
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    }
    assert_eq!(t.notion_calls(TOKEN) - began, MANY);
}

/// A call is on its way with the first consent's token; the second one's takes its place before Notion looks at it. The caller
/// once got Notion's 401, for the row that was read was the newer one, and that was good.
#[tokio::test]
async fn a_call_that_was_overtaken_by_a_newer_pair_is_sent_again_with_it_and_its_body() {
    // Before Notion refuses the call; and before Notion is asked why it did.
    for held in ["/v1/search", INTROSPECT] {
        let t = House::build(Plan { gate: true, ..Plan::default() }).await;
        let gate = t.gate.clone().unwrap();
        let id = t.connection("u").await;
        let path = format!("/notion/{id}/v1/search");
        if held == INTROSPECT {
            t.notion.emulator.end_access_tokens();
        }
        gate.hold_request(held);
        let overtaking = async {
            gate.asked().await;
            let (code, _) = t.returned("v").await;
            assert_eq!(t.redeem(&code, "v").await.status, StatusCode::OK);
            gate.pass();
        };
        let body = json!({"query": "tracker"});
        let (found, ()) = tokio::join!(t.api("POST", &path, Some(body)), overtaking);
        assert_eq!(found.status, StatusCode::OK, "{held}: {}", found.text());
        assert!(!found.json()["results"].as_array().unwrap().is_empty(), "{held}: with its body");
        assert_eq!(t.notion_calls("/v1/search"), 2, "{held}: once more, and no more");
        let told = t.events().await;
        assert!(!told.contains(&"connection.refreshed".to_owned()), "{held}: {told:?}");
    }
}

/// A refresh that was never sent, or not processed, was answered "it may have been done".
#[tokio::test]
async fn a_refresh_that_was_never_sent_says_that_nothing_was() {
    let t = house().await;
    let id = t.connection("u").await;
    let path = format!("/api/connections/{id}/refresh");
    t.notion.emulator.fault(Fault::rate_limited(Duration::from_secs(9)).on(TOKEN));
    let throttled = t.api("POST", &path, None).await;
    assert_eq!((throttled.refusal().as_str(), throttled.header("retry-after")), ("429, token_renewing", "9"));
    let shown = async || t.api("GET", &format!("/api/connections/{id}"), None).await.json()["state"].clone();
    assert_eq!(shown().await, "active");
    // Ordered again it is sent: what was not processed counts for nothing.
    for _ in 0..6 {
        t.notion.emulator.fault(Fault::rate_limited(Duration::from_secs(1)).on(TOKEN));
        assert_eq!(t.api("POST", &path, None).await.refusal(), "429, token_renewing");
    }
    assert_eq!(t.api("POST", &path, None).await.status, StatusCode::OK);
    assert_eq!(shown().await, "active");
}

/// Notion could not be reached: nothing is spent, nothing counts, nobody is told anything, and when it can be reached all is as before.
#[tokio::test]
async fn refreshes_that_could_not_be_sent_leave_no_trace() {
    let t = house().await;
    let id = t.connection("u").await;
    let nobody_there = "http://127.0.0.1:1".parse().expect("a URL");
    let cut_off = t.process_with(|config| config.notion_url = nobody_there).await;
    let path = format!("/api/connections/{id}");
    let (before, told, sent) =
        (t.api("GET", &path, None).await.json(), t.events().await, t.notion_calls(TOKEN));
    for _ in 0..20 {
        let reply = t.passing(SOON, t.api("POST", &format!("{cut_off}{path}/refresh"), None)).await;
        assert_eq!(reply.refusal(), "502, notion_unreachable");
    }
    assert_eq!((t.api("GET", &path, None).await.json(), t.events().await), (before, told));
    assert_eq!(t.notion_calls(TOKEN), sent);
    // There is room for all that an hour has: an order, and what a call needs.
    assert_eq!(t.api("POST", &format!("{path}/refresh"), None).await.status, StatusCode::OK);
    t.wait(Duration::from_mins(2));
    t.notion.emulator.end_access_tokens();
    let me = t.api("GET", &format!("/notion/{id}{ME}"), None).await;
    assert_eq!(me.status, StatusCode::OK, "{}", me.text());
    assert_eq!(t.notion_calls(TOKEN), sent + 2);
}
