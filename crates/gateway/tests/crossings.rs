//! What is on its way to Notion while the same person consents anew: a revocation, or another exchange. Whichever Notion does
//! first, and whether a newer pair ends the older one or not, whoever redeemed a consent stays connected.

use std::time::Duration;

use axum::http::StatusCode;
use notion_emulator::{Effect, Fault, OldPair, Reauthorize, Switches};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::gate::Gate;
use crate::support::{House, Plan, Reply, until};

const TOKEN: &str = "/v1/oauth/token";
const REVOKE: &str = "/v1/oauth/revoke";
const INTROSPECT: &str = "/v1/oauth/introspect";
/// How often a turn is looked for.
const LOOK: Duration = Duration::from_millis(250);

async fn gated(older_pair: OldPair) -> (House, Gate) {
    let switches = Switches { older_pair, ..Switches::default() };
    let t = House::build(Plan { switches, gate: true, ..Plan::default() }).await;
    let gate = t.gate.clone().unwrap();
    (t, gate)
}

/// Holds what is asked next at this path: before Notion does it, or the answer after that.
fn hold(gate: &Gate, path: &str, notion_has_done_it: bool) {
    if notion_has_done_it {
        gate.hold(path);
    } else {
        gate.hold_request(path);
    }
}

async fn reached(gate: &Gate, notion_has_done_it: bool) {
    if notion_has_done_it {
        gate.arrived().await;
    } else {
        gate.asked().await;
    }
}

fn let_go(gate: &Gate, notion_has_done_it: bool) {
    if notion_has_done_it {
        gate.open();
    } else {
        gate.pass();
    }
}

async fn works(t: &House, id: &str) {
    let me = t.api("GET", &format!("/notion/{id}/v1/users/me"), None).await;
    assert_eq!(me.status, StatusCode::OK, "{}", me.text());
}

async fn state(t: &House, id: &str) -> String {
    let shown = t.api("GET", &format!("/api/connections/{id}"), None).await.json();
    shown["state"].as_str().unwrap().to_owned()
}

async fn end(t: &House, id: &str) -> Reply {
    t.api("DELETE", &format!("/api/connections/{id}"), None).await
}

async fn redeemed(t: &House, code: &str, end_user: &str) -> String {
    let reply = t.redeem(code, end_user).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    reply.json()["id"].as_str().unwrap().to_owned()
}

/// Hours go by, in which everything is settled that can be.
async fn hours(t: &House) {
    for _ in 0..12 {
        t.wait(Duration::from_mins(10));
        t.gateway.settle().await.unwrap();
    }
}

/// It is connected, and nobody was told otherwise.
async fn stays(t: &House, id: &str) {
    works(t, id).await;
    hours(t).await;
    works(t, id).await;
    assert_eq!(state(t, id).await, "active");
    let told = t.events().await;
    assert!(!told.contains(&"connection.reconnect_needed".to_owned()), "{told:?}");
}

/// Waits until somebody in the gateway waits for a turn.
async fn waiting(t: &House) {
    until("somebody waits", async || t.clock.next_wake().is_some_and(|wait| wait <= LOOK)).await;
}

/// It once was exchanged while the revocation was under way, and ended by it.
#[tokio::test]
async fn a_consent_is_not_exchanged_while_a_revocation_is_on_its_way() {
    for older_pair in [OldPair::Dies, OldPair::Lives] {
        for notion_has_done_it in [false, true] {
            let (t, gate) = gated(older_pair).await;
            let id = t.connection("u").await;
            let mut browser = t.browser();
            let callback = browser.consent(&t.link("u").await).await;
            hold(&gate, REVOKE, notion_has_done_it);
            let (sent, over) = (t.notion_calls(TOKEN), Notify::new());
            let crossing = async {
                reached(&gate, notion_has_done_it).await;
                let letting_go = async {
                    waiting(&t).await;
                    assert_eq!(t.notion_calls(TOKEN), sent, "it waits its turn");
                    let_go(&gate, notion_has_done_it);
                    over.notified().await;
                    t.wait(LOOK);
                };
                tokio::join!(browser.open(&callback), letting_go).0
            };
            let ending = async {
                let ended = end(&t, &id).await;
                over.notify_one();
                ended
            };
            let (ended, back) = tokio::join!(ending, crossing);
            assert_eq!(ended.status, StatusCode::NO_CONTENT);
            let new = redeemed(&t, &back.query("code").expect("a code"), "u").await;
            assert_ne!(new, id, "what was ended is not revived");
            stays(&t, &new).await;
            assert_eq!(t.notion_calls(REVOKE), 1);
        }
    }
}

#[tokio::test]
async fn a_revocation_is_not_sent_while_a_consent_is_exchanged_in_whatever_process() {
    for older_pair in [OldPair::Dies, OldPair::Lives] {
        for (elsewhere, notion_has_done_it) in [(false, false), (false, true), (true, false), (true, true)] {
            let (t, gate) = gated(older_pair).await;
            let id = t.connection("u").await;
            let other = if elsewhere { t.second_process().await } else { t.url.clone() };
            let mut browser = t.browser();
            let callback = browser.consent(&t.link("u").await).await;
            hold(&gate, TOKEN, notion_has_done_it);
            let crossing = async {
                reached(&gate, notion_has_done_it).await;
                let ended = t.api("DELETE", &format!("{other}/api/connections/{id}"), None).await;
                assert_eq!(ended.status, StatusCode::NO_CONTENT);
                t.wait(Duration::from_secs(5));
                t.gateway.settle().await.unwrap();
                assert_eq!(t.notion_calls(REVOKE), 0, "it waits its turn");
                let_go(&gate, notion_has_done_it);
            };
            let (back, ()) = tokio::join!(browser.open(&callback), crossing);
            let new = redeemed(&t, &back.query("code").expect("a code"), "u").await;
            stays(&t, &new).await;
            assert_eq!(t.notion_calls(REVOKE), 0, "the authorization is the new connection's");
            // It is revoked with the last one that stands on it.
            end(&t, &new).await;
            hours(&t).await;
            assert!(!t.still_authorized(&new).await);
        }
    }
}

/// It once was overtaken by every revocation that was asked for while it waited.
#[tokio::test]
async fn no_further_revocation_begins_while_a_consent_waits_for_one() {
    let (t, gate) = gated(OldPair::Dies).await;
    let ids = [t.connection("u").await, t.connection_of(1, "v").await];
    t.wait(Duration::from_secs(10));
    let mut browser = t.browser();
    let callback = browser.consent(&t.link("u").await).await;
    gate.hold_request(REVOKE);
    let over = Notify::new();
    let crossing = async {
        gate.asked().await;
        let further = async {
            waiting(&t).await;
            assert_eq!(end(&t, &ids[1]).await.status, StatusCode::NO_CONTENT);
            assert_eq!(t.notion_calls(REVOKE), 0, "it waits for the consent");
            gate.pass();
            over.notified().await;
            t.wait(LOOK);
        };
        tokio::join!(browser.open(&callback), further).0
    };
    let ending = async {
        end(&t, &ids[0]).await;
        over.notify_one();
    };
    let ((), back) = tokio::join!(ending, crossing);
    let new = redeemed(&t, &back.query("code").expect("a code"), "u").await;
    stays(&t, &new).await;
    assert!(!t.still_authorized(&ids[1]).await, "it had its turn afterwards");
}

/// It once was sent when its turn had ended by the clock, and ended what had been exchanged meanwhile.
#[tokio::test]
async fn a_revocation_whose_turn_was_long_on_its_way_is_begun_anew() {
    let (t, gate) = gated(OldPair::Dies).await;
    let id = t.connection("u").await;
    let mut browser = t.browser();
    let callback = browser.consent(&t.link("v").await).await;
    gate.hold(INTROSPECT);
    let slow = async {
        gate.arrived().await;
        let (held, asked) = (store::suite::held(&t.folder.path().join("vestibule.db")), t.own_store.asked());
        gate.hold_request(REVOKE);
        gate.open();
        until("the store is asked", async || t.own_store.asked() != asked).await;
        t.wait(Duration::from_secs(40));
        drop(held);
        gate.asked().await;
        let sent = t.notion_calls(TOKEN);
        let letting_go = async {
            waiting(&t).await;
            assert_eq!(t.notion_calls(TOKEN), sent, "the turn is the revocation's");
            gate.pass();
            until("revoked", async || t.notion_calls(REVOKE) > 0).await;
        };
        let letting_go = t.passing(LOOK, letting_go);
        tokio::join!(browser.open(&callback), letting_go).0
    };
    let (_, back) = tokio::join!(end(&t, &id), t.passing(LOOK, slow));
    let new = redeemed(&t, &back.query("code").expect("a code"), "v").await;
    stays(&t, &new).await;
}

/// Where a consent gives the pair that is there, it once was taken over while its own authorization was being ended, and was dead.
#[tokio::test]
async fn a_pair_is_not_imported_while_a_revocation_of_it_is_on_its_way() {
    for notion_has_done_it in [false, true] {
        let switches = Switches { reauthorize: Reauthorize::Same, ..Switches::default() };
        let t = House::build(Plan { switches, gate: true, ..Plan::default() }).await;
        let gate = t.gate.clone().unwrap();
        let id = t.connection("u").await;
        let line = t.line_of_another_back_end("v").await;
        hold(&gate, REVOKE, notion_has_done_it);
        let crossing = async {
            reached(&gate, notion_has_done_it).await;
            let letting_go = async {
                // Verified, held back, and verified once more.
                let asked = async || t.notion_calls("/v1/users/me") >= 2;
                if !notion_has_done_it {
                    until("the import waits", asked).await;
                }
                let_go(&gate, notion_has_done_it);
            };
            let import = t.gateway.import("demo", line.as_bytes());
            tokio::join!(t.passing(Duration::from_secs(1), import), letting_go).0
        };
        let (ended, imported) = tokio::join!(end(&t, &id), crossing);
        assert_eq!(ended.status, StatusCode::NO_CONTENT);
        let refused = imported.expect_err("Notion has ended it").to_string();
        assert!(refused.contains("does not accept"), "{refused}");
        let shown = t.api("GET", "/api/connections?state=active", None).await.json();
        assert_eq!(shown["data"], serde_json::json!([]));
    }
}

/// They once waited for a refresh as long as Notion took to answer it.
#[tokio::test]
async fn a_disconnect_and_an_erasure_are_answered_while_a_refresh_hangs_and_end_it_when_it_comes() {
    for path in ["/api/connections/{id}", "/api/connections?end_user=u"] {
        let (t, gate) = gated(OldPair::Dies).await;
        let id = t.connection("u").await;
        let shown = t.api("GET", &format!("/api/connections/{id}"), None).await.json();
        let bot = shown["bot_id"].as_str().unwrap().parse().unwrap();
        gate.hold(TOKEN);
        let refresh = format!("/api/connections/{id}/refresh");
        let (began, path) = (t.clock.now(), path.replace("{id}", &id));
        let ending = async {
            gate.arrived().await;
            assert!(t.api("DELETE", &path, None).await.status.is_success());
        };
        let both = async { tokio::join!(t.api("POST", &refresh, None), ending) };
        t.passing(Duration::from_secs(30), both).await;
        assert!(t.clock.now().duration_since(began).as_secs() <= 60);
        assert_eq!(t.notion_calls(REVOKE), 0, "the refresh is still on its way");
        gate.open();
        let revoked = async || {
            t.wait(Duration::from_secs(1));
            t.notion_calls(REVOKE) > 0
        };
        until("revoked", revoked).await;
        hours(&t).await;
        assert!(!t.notion.emulator.remove_connection(bot), "nothing of it is left at Notion");
    }
}

/// An exchange that never ends keeps nobody's authorization alive for ever.
#[tokio::test]
async fn a_revocation_waits_for_a_hanging_exchange_for_minutes_and_no_longer() {
    let (t, gate) = gated(OldPair::Dies).await;
    let id = t.connection("u").await;
    let mut other = t.browser();
    other.person = 1;
    let callback = other.consent(&t.link("v").await).await;
    gate.hold_request(TOKEN);
    let hanging = async {
        gate.asked().await;
        end(&t, &id).await;
        assert_eq!(t.notion_calls(REVOKE), 0);
        t.wait(Duration::from_mins(7));
        t.gateway.settle().await.unwrap();
        assert_eq!(t.notion_calls(REVOKE), 1);
        gate.pass();
    };
    let (back, ()) = tokio::join!(other.open(&callback), hanging);
    assert_eq!(back.query("error").as_deref(), Some("exchange_failed"), "the browser waited no longer");
}

/// Two consents of one person cross: one's exchange is held before or after Notion did it, while the other is exchanged, redeemed
/// and used; then it comes too, and is redeemed or forgotten.
#[tokio::test]
async fn of_two_consents_that_cross_the_redeemed_one_lives_in_every_order() {
    for older_pair in [OldPair::Dies, OldPair::Lives] {
        for notion_has_done_it in [false, true] {
            for late_one_is_redeemed in [false, true] {
                let (t, gate) = gated(older_pair).await;
                let mut browser = t.browser();
                let callback = browser.consent(&t.link("late").await).await;
                hold(&gate, TOKEN, notion_has_done_it);
                let crossing = async {
                    reached(&gate, notion_has_done_it).await;
                    let (code, _) = t.returned("u").await;
                    let id = redeemed(&t, &code, "u").await;
                    works(&t, &id).await;
                    t.wait(Duration::from_secs(10));
                    let_go(&gate, notion_has_done_it);
                    id
                };
                let (back, id) = tokio::join!(browser.open(&callback), crossing);
                if late_one_is_redeemed {
                    let late = redeemed(&t, &back.query("code").expect("a code"), "late").await;
                    works(&t, &late).await;
                    stays(&t, &id).await;
                    stays(&t, &late).await;
                } else {
                    stays(&t, &id).await;
                }
                assert_eq!(t.notion_calls(REVOKE), 0);
            }
        }
    }
}

/// A connection's pair is ended by a consent whose exchange Notion has answered and we have not heard yet.
async fn ended_by_one_on_its_way(t: &House, gate: &Gate) -> (String, JoinHandle<Reply>) {
    let id = t.connection("u").await;
    let mut browser = t.browser();
    let callback = browser.consent(&t.link("late").await).await;
    gate.hold(TOKEN);
    let exchange = tokio::spawn(async move { browser.open(&callback).await });
    gate.arrived().await;
    (id, exchange)
}

#[tokio::test]
async fn nobody_is_told_to_reconnect_while_the_exchange_that_heals_it_is_on_its_way() {
    let (t, gate) = gated(OldPair::Dies).await;
    let (id, exchange) = ended_by_one_on_its_way(&t, &gate).await;
    let asked = t.notion_calls(INTROSPECT);
    let answer = async {
        // Before the refresh, and after it was refused: now only the exchange is waited for.
        until("asked twice", async || t.notion_calls(INTROSPECT) >= asked + 2).await;
        waiting(&t).await;
        assert_eq!(state(&t, &id).await, "active");
        gate.open();
        assert!(exchange.await.unwrap().query("code").is_some());
        t.wait(LOOK);
    };
    tokio::join!(works(&t, &id), answer);
    stays(&t, &id).await;
    let told = t.events().await;
    assert!(told.contains(&"connection.adopted".to_owned()), "{told:?}");
}

#[tokio::test]
async fn an_exchange_that_never_ends_is_waited_for_for_minutes_and_no_longer() {
    let (t, gate) = gated(OldPair::Dies).await;
    let (id, exchange) = ended_by_one_on_its_way(&t, &gate).await;
    let began = t.clock.now();
    let call = async { t.api("GET", &format!("/notion/{id}/v1/users/me"), None).await };
    assert_eq!(t.passing(LOOK, call).await.refusal(), "429, token_renewing", "its caller waits 30 seconds");
    let told = until("told", async || state(&t, &id).await != "active");
    t.passing(LOOK, told).await;
    assert_eq!(state(&t, &id).await, "reconnect_needed");
    let waited = t.clock.now().duration_since(began).as_secs();
    assert!((300..=420).contains(&waited), "{waited}");
    assert_eq!(exchange.await.unwrap().query("error").as_deref(), Some("exchange_failed"));
}

/// Two processes have found the same pair due, and Notion has told both that its access token has ended: to revoke with, one of them
/// refreshes it. Twice might end what a newer consent stands on.
#[tokio::test]
async fn two_processes_that_end_one_authorization_spend_its_refresh_token_once() {
    for unredeemed in [false, true] {
        let (t, gate) = gated(OldPair::Dies).await;
        if unredeemed {
            t.returned("u").await;
        } else {
            let id = t.connection("u").await;
            t.notion.emulator.fault(Fault::from(Effect::Status(503)).on(INTROSPECT));
            end(&t, &id).await;
        }
        t.notion.emulator.end_access_tokens();
        t.wait(Duration::from_mins(6));
        let (other, sent) = (t.second_gateway(|_| {}).await, t.notion_calls(TOKEN));
        gate.hold(INTROSPECT);
        let meanwhile = async {
            gate.arrived().await;
            other.settle().await.unwrap();
            gate.open();
        };
        let (settled, ()) = tokio::join!(t.gateway.settle(), meanwhile);
        settled.unwrap();
        assert_eq!((t.notion_calls(TOKEN), t.notion_calls(REVOKE)), (sent + 1, 1), "{unredeemed}");
    }
}

/// The refresh is another process's, which keeps what it brings and ends it; the pair that is here is being spent.
#[tokio::test]
async fn a_disconnect_while_another_process_refreshes_leaves_the_end_to_that_one() {
    let (t, gate) = gated(OldPair::Dies).await;
    let id = t.connection("u").await;
    let bot = t.api("GET", &format!("/api/connections/{id}"), None).await.json()["bot_id"].clone();
    let (other, sent) = (t.second_process().await, t.notion_calls(TOKEN));
    gate.hold(TOKEN);
    let refresh = format!("{other}/api/connections/{id}/refresh");
    let ending = async {
        gate.arrived().await;
        assert_eq!(end(&t, &id).await.status, StatusCode::NO_CONTENT);
        t.gateway.settle().await.unwrap();
        assert_eq!((t.notion_calls(TOKEN), t.notion_calls(REVOKE)), (sent + 1, 0));
        gate.open();
    };
    let (refreshed, ()) = tokio::join!(t.api("POST", &refresh, None), ending);
    assert_eq!(refreshed.refusal(), "401, disconnected");
    hours(&t).await;
    assert_eq!(t.notion_calls(TOKEN), sent + 1);
    assert!(!t.notion.emulator.remove_connection(bot.as_str().unwrap().parse().unwrap()), "nothing is left");
}
