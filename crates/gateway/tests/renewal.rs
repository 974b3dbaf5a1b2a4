//! Refreshes whose answers are lost, late, damaged, refused or somebody else's: what each leaves behind, and what everybody
//! who waited is told. Each of these once lost a grant, locked one, or told an untruth.

use std::time::Duration;

use axum::http::StatusCode;
use futures_util::future::join_all;
use notion_emulator::{Effect, Fault, OldPair, Refresh, Switches};
use store::{LeaseTaken, SqliteStore, Store as _};

use crate::support::{House, Plan, house, until};

const TOKEN: &str = "/v1/oauth/token";
const INTROSPECT: &str = "/v1/oauth/introspect";
/// Sooner than any caller's patience ends.
const SOON: Duration = Duration::from_secs(1);

async fn with(switches: Switches) -> House {
    House::build(Plan { switches, ..Plan::default() }).await
}

/// A Notion where a spent refresh token gives the same pair once more.
async fn forgiving() -> House {
    with(Switches { refresh: Refresh::Grace, ..Switches::default() }).await
}

async fn state(t: &House, id: &str) -> String {
    let shown = t.api("GET", &format!("/api/connections/{id}"), None).await.json();
    shown["state"].as_str().unwrap().to_owned()
}

async fn force(t: &House, id: &str) -> crate::support::Reply {
    t.api("POST", &format!("/api/connections/{id}/refresh"), None).await
}

async fn works(t: &House, id: &str) {
    let me = t.api("GET", &format!("/notion/{id}/v1/users/me"), None).await;
    assert_eq!(me.status, StatusCode::OK, "{}", me.text());
}

async fn grant_of(t: &House, id: &str) -> String {
    let found = t.store().find_connection("client-demo", id).await.unwrap().unwrap();
    found.connection.grant_id.unwrap()
}

async fn leased(t: &House, grant: &str) -> bool {
    t.store().find_grant(grant).await.unwrap().unwrap().leased_until.is_some()
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_once_more_at_once() {
    for lost in [
        Effect::HangUpBefore,
        Effect::HangUpAfter,
        Effect::DoneBut503,
        Effect::CutBody,
        Effect::HtmlPage(200),
    ] {
        let t = forgiving().await;
        let id = t.connection("u").await;
        t.notion.emulator.fault(Fault::from(lost.clone()).on(TOKEN));
        let forced = force(&t, &id).await;
        assert_eq!(forced.status, StatusCode::OK, "{lost:?}: {}", forced.text());
        assert_eq!(state(&t, &id).await, "active", "{lost:?}");
        works(&t, &id).await;
    }
}

#[tokio::test]
async fn a_refresh_that_stays_unanswered_makes_the_grant_suspect_and_is_looked_into_until_it_is_not() {
    let t = house().await;
    let id = t.connection("u").await;
    t.notion.emulator.fault(Fault::from(Effect::HangUpBefore).on(TOKEN).times(4));
    assert_eq!(force(&t, &id).await.refusal(), "504, notion_no_answer");
    assert_eq!(state(&t, &id).await, "suspect");
    works(&t, &id).await;
    let sent = t.notion_calls(TOKEN);
    t.gateway.look_into_suspects().await.unwrap();
    assert_eq!(t.notion_calls(TOKEN), sent, "it is not time yet");
    t.wait(Duration::from_secs(30));
    t.gateway.look_into_suspects().await.unwrap();
    assert_eq!((t.notion_calls(TOKEN), state(&t, &id).await.as_str()), (sent + 2, "suspect"));
    t.wait(Duration::from_secs(119));
    t.gateway.look_into_suspects().await.unwrap();
    assert_eq!(t.notion_calls(TOKEN), sent + 2);
    t.wait(Duration::from_secs(1));
    t.gateway.look_into_suspects().await.unwrap();
    assert_eq!(state(&t, &id).await, "active");
    works(&t, &id).await;
    let told = t.events().await;
    assert_eq!(told.iter().filter(|kind| *kind == "connection.suspect").count(), 1, "{told:?}");
    assert!(told.contains(&"connection.refreshed".to_owned()), "{told:?}");
}

#[tokio::test]
async fn a_rotation_whose_answer_is_lost_for_good_is_told_as_what_it_is() {
    // Notion ends the old pair at once and gives the new one to nobody: this cannot be mended, only told.
    let t = house().await;
    let id = t.connection("u").await;
    t.notion.emulator.fault(Fault::from(Effect::HangUpAfter).on(TOKEN));
    assert_eq!(force(&t, &id).await.refusal(), "401, reconnect_needed");
    assert_eq!(state(&t, &id).await, "reconnect_needed");
}

#[tokio::test]
async fn a_refused_refresh_says_so_and_leaves_what_works() {
    let t = with(Switches { old_access: OldPair::Lives, ..Switches::default() }).await;
    let id = t.connection("u").await;
    t.notion.emulator.fault(Fault::from(Effect::HangUpAfter).on(TOKEN));
    assert_eq!(force(&t, &id).await.refusal(), "409, refresh_refused");
    assert_eq!(state(&t, &id).await, "degraded");
    works(&t, &id).await;
    assert!(t.events().await.contains(&"connection.degraded".to_owned()));
}

#[tokio::test]
async fn a_throttled_token_endpoint_is_waited_for_and_locks_nothing() {
    let t = house().await;
    let id = t.connection("u").await;
    t.notion.emulator.end_access_tokens();
    let path = format!("/notion/{id}/v1/users/me");
    for _ in 0..6 {
        t.notion.emulator.fault(Fault::rate_limited(Duration::from_secs(7)).on(TOKEN));
        let held = t.api("GET", &path, None).await;
        assert_eq!((held.refusal().as_str(), held.header("retry-after")), ("429, token_renewing", "7"));
        // Nobody sends before that.
        let again = t.api("GET", &path, None).await;
        assert_eq!(again.refusal(), "429, token_renewing");
        t.wait(Duration::from_secs(7));
    }
    works(&t, &id).await;
}

#[tokio::test]
async fn a_throttled_introspection_never_leads_to_a_refresh() {
    let t = house().await;
    let id = t.connection("u").await;
    let sent = t.notion_calls(TOKEN);
    t.notion.emulator.fault(Fault::from(Effect::Unauthorized).on("/v1/users/me"));
    t.notion.emulator.fault(Fault::rate_limited(Duration::from_secs(1)).on(INTROSPECT).times(3));
    let call = async { t.api("GET", &format!("/notion/{id}/v1/users/me"), None).await };
    let reply = t.passing(SOON, call).await;
    assert_eq!(reply.refusal(), "429, token_renewing");
    assert_eq!((t.notion_calls(INTROSPECT), t.notion_calls(TOKEN)), (3, sent));
}

#[tokio::test]
async fn a_brand_new_token_that_is_refused_once_is_tried_again_and_not_refreshed() {
    let t = house().await;
    let (code, _) = t.returned("u").await;
    let id = t.redeem(&code, "u").await.json()["id"].as_str().unwrap().to_owned();
    let sent = t.notion_calls(TOKEN);
    t.notion.emulator.fault(Fault::from(Effect::Unauthorized).on("/v1/users/me"));
    t.passing(SOON, works(&t, &id)).await;
    assert_eq!((t.notion_calls(TOKEN), t.notion_calls("/v1/users/me")), (sent, 2));
}

#[tokio::test]
async fn everybody_who_waits_for_a_dead_grant_is_told_the_same() {
    let t = house().await;
    let id = t.connection("u").await;
    let shown = t.api("GET", &format!("/api/connections/{id}"), None).await.json();
    assert!(t.notion.emulator.remove_connection(shown["bot_id"].as_str().unwrap().parse().unwrap()));
    let path = format!("/notion/{id}/v1/users/me");
    let replies = join_all((0..10).map(|_| t.api("GET", &path, None))).await;
    for reply in replies {
        assert_eq!(reply.refusal(), "401, reconnect_needed");
    }
    assert_eq!(t.notion_calls(INTROSPECT), 2, "once before the refresh, once after it was refused");
}

/// Takes the lease on the connection's grant for another process.
async fn lease(t: &House, other: &SqliteStore, id: &str, holder: &str) {
    let (grant, now) = (grant_of(t, id).await, t.clock.now());
    let generation = other.find_grant(&grant).await.unwrap().unwrap().generation;
    let until = now.checked_add(lifecycle::LEASE_LIFE).unwrap();
    let taken = other.take_refresh_lease(&grant, generation, holder, now, until).await.unwrap();
    assert!(matches!(taken, LeaseTaken::Taken(_)));
}

/// It once got Notion's own 401 after 25 seconds, and for 75.
#[tokio::test]
async fn a_lease_of_a_process_that_was_killed_is_taken_over_after_a_moment() {
    let t = house().await;
    let id = t.connection("u").await;
    lease(&t, &t.store(), &id, "node_killed").await;
    t.notion.emulator.end_access_tokens();
    // What it sent may still be on its way for a moment.
    t.passing(Duration::from_secs(5), works(&t, &id)).await;
    assert_eq!(state(&t, &id).await, "active");
}

/// What the connection is and why, without a call through it.
async fn shown(t: &House, id: &str) -> (String, Option<String>) {
    let shown = t.api("GET", &format!("/api/connections/{id}"), None).await.json();
    (shown["state"].as_str().unwrap().to_owned(), shown["reason"].as_str().map(str::to_owned))
}

/// After one round that looks for interrupted refreshes, and after its refreshes.
async fn interrupted(t: &House, id: &str) -> [(String, Option<String>); 2] {
    let looked = t.passing(SOON, t.gateway.look_into_interrupted()).await;
    looked.unwrap();
    // The round may have ended before the store took it; the refresh goes on and waits for its time.
    until("told", async || shown(t, id).await.0 != "active").await;
    let at_once = shown(t, id).await;
    t.passing(Duration::from_secs(5), t.gateway.drain()).await;
    [at_once, shown(t, id).await]
}

/// Nothing was said of it, and nothing done, until somebody called.
#[tokio::test]
async fn what_a_process_was_sending_when_it_was_killed_is_told_at_once_and_sent_again_though_nobody_calls() {
    for switches in [Switches::default(), Switches { refresh: Refresh::Grace, ..Switches::default() }] {
        let t = with(switches).await;
        let (id, other) = (t.connection("u").await, t.connection("v").await);
        lease(&t, &t.store(), &id, "node_killed").await;
        let [at_once, later] = interrupted(&t, &id).await;
        let reason = Some("a process ended in the middle of a refresh".to_owned());
        assert_eq!(at_once, ("suspect".to_owned(), reason));
        assert_eq!(later, ("active".to_owned(), None));
        works(&t, &id).await;
        let told = t.events().await;
        let told: Vec<&str> = told.iter().map(String::as_str).filter(|kind| kind.contains("sus")).collect();
        assert_eq!(told, ["connection.suspect"; 2], "of both connections on it");
        let sent = t.notion_calls(TOKEN);
        t.gateway.look_into_interrupted().await.unwrap();
        t.gateway.drain().await;
        assert_eq!(state(&t, &other).await, "active");
        assert_eq!(t.notion_calls(TOKEN), sent, "it is settled");
    }
}

#[tokio::test]
async fn a_pair_that_was_lost_with_its_process_is_told_with_its_cause() {
    let t = house().await;
    let id = t.connection("u").await;
    lease(&t, &t.store(), &id, "node_killed").await;
    // As if Notion had rotated it.
    assert!(t.still_authorized(&id).await);
    let [at_once, later] = interrupted(&t, &id).await;
    assert_eq!(at_once.0, "suspect");
    let reason = "the answer to a refresh was lost, and Notion has refused the refresh token since";
    assert_eq!(later, ("reconnect_needed".to_owned(), Some(reason.to_owned())));
    let sent = t.notion_calls(TOKEN);
    assert_eq!(interrupted(&t, &id).await[1].0, "reconnect_needed");
    assert_eq!(t.notion_calls(TOKEN), sent, "it is known");
}

#[tokio::test]
async fn what_is_interrupted_while_notion_is_away_stays_suspect_until_it_answers() {
    let t = house().await;
    let id = t.connection("u").await;
    lease(&t, &t.store(), &id, "node_killed").await;
    t.notion.emulator.fault(Fault::from(Effect::HangUpBefore).on(TOKEN).times(2));
    assert_eq!(interrupted(&t, &id).await[1].0, "suspect");
    t.wait(Duration::from_secs(30));
    t.gateway.look_into_suspects().await.unwrap();
    assert_eq!(state(&t, &id).await, "active");
}

#[tokio::test]
async fn under_a_lease_of_a_process_that_only_stands_still_callers_are_told_to_come_back() {
    let t = house().await;
    let id = t.connection("u").await;
    let stopped = t.store();
    stopped.enter("node_stopped").await.unwrap();
    lease(&t, &stopped, &id, "node_stopped").await;
    t.notion.emulator.end_access_tokens();
    let call = async { t.api("GET", &format!("/notion/{id}/v1/users/me"), None).await };
    assert_eq!(t.passing(SOON, call).await.refusal(), "429, token_renewing");
    // The renewal goes on without its caller, and takes the lease when that has ended.
    let grant = grant_of(&t, &id).await;
    let generation = async || t.store().find_grant(&grant).await.unwrap().unwrap().generation.0;
    let renewed = until("renewed", async || generation().await >= 2);
    t.passing(SOON, renewed).await;
    works(&t, &id).await;
}

#[tokio::test]
async fn a_second_process_waits_for_the_firsts_refresh_and_shares_its_outcome() {
    let t = House::build(Plan { gate: true, ..Plan::default() }).await;
    let gate = t.gate.clone().unwrap();
    let id = t.connection("u").await;
    let (other, grant) = (t.second_process().await, grant_of(&t, &id).await);
    let sent = t.notion_calls(TOKEN);
    gate.hold(TOKEN);
    let first = force(&t, &id);
    let second = async {
        gate.arrived().await;
        let path = format!("{other}/api/connections/{id}/refresh");
        let asked = t.api("POST", &path, None);
        let open = async {
            // The callers wait for 30 seconds; the second one's renewal watches the lease.
            until("the second one watches", async || t.clock.next_wake().is_some_and(|wait| wait <= SOON))
                .await;
            gate.open();
            until("the lease is let go of", async || !leased(&t, &grant).await).await;
            t.wait(SOON);
        };
        tokio::join!(asked, open).0
    };
    let (first, second) = tokio::join!(first, second);
    assert_eq!((first.status, second.status), (StatusCode::OK, StatusCode::OK), "{}", second.text());
    assert_eq!(t.notion_calls(TOKEN), sent + 1, "one refresh for both");
}

#[tokio::test]
async fn an_answer_that_comes_after_everybody_went_away_is_stored() {
    let t = House::build(Plan { gate: true, ..Plan::default() }).await;
    let gate = t.gate.clone().unwrap();
    let id = t.connection("u").await;
    t.notion.emulator.end_access_tokens();
    gate.hold(TOKEN);
    let call = async { t.api("GET", &format!("/notion/{id}/v1/users/me"), None).await };
    let late = async {
        gate.arrived().await;
        t.wait(Duration::from_secs(31));
    };
    let (reply, ()) = tokio::join!(call, late);
    assert_eq!(reply.refusal(), "429, token_renewing");
    gate.open();
    t.gateway.drain().await;
    works(&t, &id).await;
    assert_eq!(state(&t, &id).await, "active");
}

#[tokio::test]
async fn a_notion_that_never_answers_does_not_keep_the_process_from_ending() {
    let t = House::build(Plan { gate: true, ..Plan::default() }).await;
    let gate = t.gate.clone().unwrap();
    let id = t.connection("u").await;
    gate.hold(TOKEN);
    let call = force(&t, &id);
    let ends = async {
        gate.arrived().await;
        let began = t.clock.now();
        t.passing(Duration::from_secs(75), t.gateway.drain()).await;
        assert_eq!(t.clock.now().duration_since(began).as_secs(), 75);
    };
    let (asked, ()) = tokio::join!(call, ends);
    assert_eq!(asked.refusal(), "429, token_renewing");
    gate.open();
}
