//! Rows that do not read as what we write, and a store that cannot be written to: each is told as what it is, hides no other,
//! and has a way out.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use store::suite::tamper;
use tower::ServiceExt as _;

use crate::canary::{Log, contains};
use crate::support::{House, Plan, house};

/// How often what could not be stored is offered again.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(500);

/// Changes the store behind the gateway's back.
async fn damage(t: &House, sql: &str) {
    tamper(&t.folder.path().join("vestibule.db"), sql);
    // Any change of our own makes the gateway read what others changed.
    t.foreign_key(gateway::KeyKind::App).await;
}

/// Each connection's state, newest first.
async fn states(t: &House) -> Vec<String> {
    let reply = t.api("GET", "/api/connections", None).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    let data = reply.json()["data"].as_array().expect("a list").clone();
    data.iter().map(|one| one["state"].as_str().expect("a state").to_owned()).collect()
}

#[tokio::test]
async fn a_damaged_authorization_is_told_one_row_at_a_time_and_a_new_consent_mends_it() {
    for (sql, reason) in [
        ("UPDATE grants SET state = 'odd'", "state is unknown"),
        ("UPDATE grants SET access_token_sealed = NULL", "token is gone"),
        ("UPDATE grants SET data_key_wrapped = NULL", "token is gone"),
        ("UPDATE grants SET access_token_sealed = x'00'", "has not the form of one"),
        ("UPDATE grants SET access_token_sealed = refresh_token_sealed", "does not open"),
    ] {
        let t = house().await;
        let id = t.connection("user-1").await;
        damage(&t, sql).await;
        t.wait(std::time::Duration::from_millis(2));
        let other = {
            let mut browser = t.browser();
            browser.person = 1;
            let back = browser.connect(&t.link("user-2").await).await;
            t.redeem(&back.query("code").expect("a code"), "user-2").await.json()["id"].clone()
        };
        assert_eq!(states(&t).await, ["active", "damaged"], "{sql}");
        assert_eq!(t.gateway.damaged().await.expect("counted"), 1, "{sql}");
        let shown = t.api("GET", &format!("/api/connections/{id}"), None).await.json();
        assert_eq!((&shown["state"], &shown["end_user"]), (&"damaged".into(), &"user-1".into()), "{sql}");
        assert!(shown["reason"].as_str().expect("a reason").contains(reason), "{sql}: {shown}");
        let me = |id: &str| format!("/notion/{id}/v1/users/me");
        assert_eq!(t.api("GET", &me(&id), None).await.refusal(), "500, damaged", "{sql}");
        let fine = t.api("GET", &me(other.as_str().expect("an id")), None).await;
        assert_eq!(fine.status, StatusCode::OK, "{sql}");
        assert_eq!(t.connection("user-1").await, id, "{sql}: the same connection, mended");
        assert_eq!(t.api("GET", &me(&id), None).await.status, StatusCode::OK, "{sql}");
    }
}

#[tokio::test]
async fn a_damaged_row_hides_no_other_in_any_list_of_the_api() {
    let t = house().await;
    let id = t.connection("user-1").await;
    t.connection("user-2").await;
    let key = t.api("POST", &format!("/api/connections/{id}/keys"), Some(serde_json::json!({}))).await.json();
    let bad_time = i64::MAX;
    damage(&t, &format!(
        "UPDATE attempts SET outcome = 'odd' WHERE end_user = 'user-1'; UPDATE steps SET step = 'no JSON' WHERE id = 1;
         UPDATE api_keys SET kind = 'odd' WHERE connection_id = '{id}';
         UPDATE events SET at = {bad_time} WHERE kind = 'connection.connected' AND connection_id = '{id}';
         UPDATE connections SET stage = 'odd' WHERE id = '{id}'"
    ))
    .await;
    for (path, rows) in [("/api/attempts", 2), ("/api/connections", 2), ("/api/connections?state=damaged", 1)]
    {
        let reply = t.api("GET", path, None).await;
        assert_eq!(reply.status, StatusCode::OK, "{path} {}", reply.text());
        let data = reply.json()["data"].clone();
        let told =
            data.as_array().expect("a list").iter().filter(|row| row.to_string().contains("does not read"));
        assert_eq!((data.as_array().expect("a list").len(), told.count()), (rows, 1), "{path} {data}");
    }
    let events = t.api("GET", "/api/events?page_size=100", None).await.json();
    let damaged: Vec<_> =
        events["data"].as_array().expect("a list").iter().filter(|row| !row["damaged"].is_null()).collect();
    assert_eq!((damaged.len(), &damaged[0]["connection"]), (1, &id.clone().into()), "{events}");
    // What is called through it, with whatever key, says so; it can be ended, and then it is gone.
    assert_eq!(t.api("GET", &format!("/notion/{id}/v1/users/me"), None).await.refusal(), "500, damaged");
    let own = key["key"].as_str().expect("a key");
    assert_eq!(t.call_as(own, "GET", "/v1/users/me", None).await.refusal(), "500, damaged");
    assert_eq!(t.api("DELETE", &format!("/api/connections/{id}"), None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(states(&t).await.iter().filter(|state| *state == "disconnected").count(), 1);
    assert_eq!(t.api("GET", &format!("/notion/{id}/v1/users/me"), None).await.refusal(), "401, disconnected");
}

#[tokio::test]
async fn a_code_that_nobody_redeemed_is_settled_though_its_attempt_cannot_be_read() {
    let t = house().await;
    t.returned("user-1").await;
    t.returned("user-2").await;
    damage(&t, "UPDATE attempts SET outcome = 'odd' WHERE end_user = 'user-1'").await;
    t.wait(std::time::Duration::from_secs(301));
    t.gateway.settle().await.expect("it goes on");
    let ended = t.events().await.iter().filter(|kind| *kind == "connection.unredeemed").count();
    assert_eq!(ended, 2, "once its connection stayed pending, and its authorization with it");
    assert!(states(&t).await.is_empty());
    t.gateway.settle().await.expect("it goes on");
    assert_eq!(t.notion_calls("/v1/oauth/revoke"), 1, "both stand on one authorization");
}

/// Each kind of pair that is to be settled, two of it, one of them damaged in every way; and after them the kinds that come later
/// in the round. One row once ended it, and what came later was never settled.
#[tokio::test]
async fn no_damaged_row_of_any_kind_keeps_others_of_its_kind_or_of_a_later_one_from_being_settled() {
    let candidate = "FROM candidates WHERE owner_id = (SELECT min(owner_id) FROM candidates)";
    let tombstone = "FROM grants WHERE state = 'tombstone'";
    let cases = [
        ("attempts", "UPDATE codes SET attempt_id = 'gone' WHERE rowid = (SELECT min(rowid) FROM codes WHERE spent IS NULL)".to_owned()),
        ("codes", format!("UPDATE codes SET expires_at = {} WHERE rowid = (SELECT min(rowid) FROM codes WHERE spent IS NULL)", i64::MIN)),
        ("candidates", format!("UPDATE candidates SET access_token_sealed = x'00' WHERE id = (SELECT id {candidate})")),
        ("candidates", format!("UPDATE candidates SET issued_at = {} WHERE id = (SELECT id {candidate})", i64::MAX)),
        ("candidates", format!("UPDATE candidates SET access_token_sealed = (SELECT access_token_sealed FROM candidates c WHERE c.id <> candidates.id) WHERE id = (SELECT id {candidate})")),
        ("tombstones", format!("UPDATE grants SET access_token_sealed = x'00' WHERE id = (SELECT min(id) {tombstone})")),
        ("tombstones", format!("UPDATE grants SET created_at = {} WHERE id = (SELECT min(id) {tombstone})", i64::MAX)),
        ("tombstones", format!("UPDATE grants SET data_key_wrapped = (SELECT data_key_wrapped FROM grants g WHERE g.id <> grants.id AND g.state = 'tombstone') WHERE id = (SELECT min(id) {tombstone})")),
    ];
    for (kind, sql) in cases {
        let t = house().await;
        let mut browsers = [(1, 0), (2, 0), (0, 0), (0, 1)].map(|(person, workspace)| {
            let mut browser = t.browser();
            (browser.person, browser.workspace) = (person, workspace);
            browser
        });
        // Two that end while Notion does not take it; two that nobody redeems.
        let [one, two, three, four] = &mut browsers;
        let mut ended = Vec::new();
        for browser in [one, two] {
            let code = browser.connect(&t.link("u").await).await.query("code").expect("a code");
            ended.push(t.redeem(&code, "u").await.json()["id"].as_str().expect("an id").to_owned());
        }
        t.notion.emulator.fault(
            notion_emulator::Fault::from(notion_emulator::Effect::Status(500))
                .on("/v1/oauth/revoke")
                .times(2),
        );
        for id in &ended {
            t.api("DELETE", &format!("/api/connections/{id}"), None).await;
        }
        for browser in [three, four] {
            browser.connect(&t.link("v").await).await.query("code").expect("a code");
        }
        let took = |kind: &'static str| {
            let t = &t;
            async move { t.events().await.iter().filter(|told| *told == kind).count() }
        };
        if ["codes", "attempts"].contains(&kind) {
            damage(&t, &sql).await;
        }
        t.wait(std::time::Duration::from_mins(6));
        if kind == "candidates" {
            // Their codes are over; the pairs are due, and not settled yet.
            damage(&t, "UPDATE candidates SET connection_id = NULL; DELETE FROM codes").await;
        }
        if ["candidates", "tombstones"].contains(&kind) {
            damage(&t, &sql).await;
        }
        for _ in 0..2 {
            t.gateway.settle().await.expect("it goes on");
        }
        let (consents, authorizations) = (took("consent.revoked").await, took("connection.revoked").await);
        let expected = match kind {
            "tombstones" => (2, 1),
            "attempts" => (2, 2),
            _ => (1, 2),
        };
        assert_eq!((consents, authorizations), expected, "{kind}: {sql}");
    }
}

/// It was dropped once: the connection whose pair it had ended at Notion was left with nothing.
#[tokio::test]
async fn the_pair_of_a_consent_whose_rows_are_damaged_meanwhile_is_kept_and_heals_what_it_ended() {
    for (sql, other) in [
        ("UPDATE attempts SET outcome = 'odd' WHERE end_user = 'v'", false),
        ("UPDATE attempts SET started_at = 9223372036854775807 WHERE end_user = 'v'", false),
        ("UPDATE connect_sessions SET created_at = 9223372036854775807 WHERE end_user = 'v'", false),
        ("UPDATE connect_sessions SET token_sha256 = x'00' WHERE end_user = 'v'", true),
    ] {
        let t = House::build(Plan { gate: true, ..Plan::default() }).await;
        let gate = t.gate.clone().expect("a gate");
        let id = t.connection("u").await;
        let mut browser = t.browser();
        browser.person = usize::from(other);
        let callback = browser.consent(&t.link("v").await).await;
        gate.hold("/v1/oauth/token");
        let meanwhile = async {
            gate.arrived().await;
            damage(&t, sql).await;
            gate.open();
        };
        let (back, ()) = tokio::join!(browser.open(&callback), meanwhile);
        assert_eq!(back.status, StatusCode::INTERNAL_SERVER_ERROR, "{sql}");
        t.gateway.settle().await.expect("settled");
        let me = t.api("GET", &format!("/notion/{id}/v1/users/me"), None).await;
        assert_eq!(me.status, StatusCode::OK, "{sql}: {}", me.text());
        // One of somebody who has no connection is ended at Notion, and at once: nothing is on its way any more.
        let told = t.events().await;
        let expected = if other { "consent.revoked" } else { "connection.adopted" };
        assert_eq!(told.last().map(String::as_str), Some(expected), "{sql}: {told:?}");
        assert!(!told.contains(&"connection.reconnect_needed".to_owned()), "{sql}: {told:?}");
    }
}

/// One that failed once stayed `exchanging`, and revocations waited for it.
#[tokio::test]
async fn what_comes_of_an_exchange_while_the_store_is_away_is_stored_when_it_is_back() {
    for refused in [false, true] {
        let t = House::build(Plan { gate: true, ..Plan::default() }).await;
        let gate = t.gate.clone().expect("a gate");
        let mut browser = t.browser();
        let callback = browser.consent(&t.link("u").await).await;
        if refused {
            let fault = notion_emulator::Fault::from(notion_emulator::Effect::Status(400));
            t.notion.emulator.fault(fault.on("/v1/oauth/token"));
        }
        let (path, away) = (t.folder.path().join("vestibule.db"), t.folder.path().join("away"));
        gate.hold("/v1/oauth/token");
        let meanwhile = async {
            gate.arrived().await;
            std::fs::rename(&path, &away).expect("moved");
            gate.open();
            while t.clock.next_wake().is_none_or(|wait| wait > PAUSE) {
                tokio::task::yield_now().await;
            }
            std::fs::rename(&away, &path).expect("moved back");
            t.wait(PAUSE);
        };
        let (back, ()) = tokio::join!(browser.open(&callback), meanwhile);
        if refused {
            assert_eq!(back.query("error").as_deref(), Some("exchange_failed"));
        } else {
            let code = back.query("code").expect("a code");
            assert_eq!(t.redeem(&code, "u").await.status, StatusCode::OK);
        }
        let attempts = t.api("GET", "/api/attempts", None).await.json();
        let expected = if refused { "exchange_failed" } else { "connected" };
        assert_eq!(attempts["data"][0]["outcome"], expected);
    }
}

/// The token was remembered; when it ended there was nothing left to renew.
#[tokio::test]
async fn a_call_whose_authorization_lost_its_tokens_since_it_was_remembered_is_told_that() {
    let t = house().await;
    let id = t.connection("u").await;
    let me = format!("/notion/{id}/v1/users/me");
    assert_eq!(t.api("GET", &me, None).await.status, StatusCode::OK);
    t.notion.emulator.end_access_tokens();
    tamper(&t.folder.path().join("vestibule.db"), "UPDATE grants SET access_token_sealed = NULL");
    assert_eq!(t.api("GET", &me, None).await.refusal(), "500, damaged");
}

/// Nobody is given up whose end cannot be put on record, and the caller is told that it is the store.
#[tokio::test]
async fn a_store_that_does_not_take_a_state_is_told_as_what_it_is_and_the_state_stays() {
    let t = house().await;
    let id = t.connection("u").await;
    assert!(t.still_authorized(&id).await);
    damage(
        &t,
        "CREATE TRIGGER full BEFORE UPDATE OF state ON grants BEGIN SELECT RAISE(FAIL, 'no room'); END",
    )
    .await;
    let me = format!("/notion/{id}/v1/users/me");
    assert_eq!(t.api("GET", &me, None).await.refusal(), "503, store_unavailable");
    assert_eq!(states(&t).await, ["active"]);
    damage(&t, "DROP TRIGGER full").await;
    t.wait(std::time::Duration::from_mins(2));
    assert_eq!(t.api("GET", &me, None).await.refusal(), "401, reconnect_needed");
}

/// A kept pair whose sealed bytes do not open once could have been taken for an end of the look for one that lives.
#[tokio::test]
async fn a_kept_pair_that_does_not_open_is_told_and_passed_over_and_the_others_are_tried() {
    let (log, _guard) = Log::of_this_thread();
    let t = house().await;
    let id = t.connection("user-1").await;
    // The same person's consent, which ended the pair that is in use; nobody redeems it.
    t.returned("user-2").await;
    let copy = "CREATE TEMP TABLE copied AS SELECT * FROM candidates;
        UPDATE copied SET id = 'can_' || hex(randomblob(16)), connection_id = NULL, attempt_id = NULL,
            issued_at = issued_at + 1000, expires_at = expires_at + 1000000000;
        INSERT INTO candidates SELECT * FROM copied";
    // Newer than the good one, so that it is tried first; bound to another row, so that it does not open.
    damage(&t, copy).await;
    let me = t.api("GET", &format!("/notion/{id}/v1/users/me"), None).await;
    assert_eq!(me.status, StatusCode::OK, "{}", me.text());
    assert_eq!(states(&t).await.iter().filter(|state| *state == "active").count(), 1);
    assert!(!t.events().await.contains(&"connection.reconnect_needed".to_owned()));
    assert!(contains(&log.bytes(), "candidate.damaged"), "{}", String::from_utf8_lossy(&log.bytes()));
}

#[tokio::test]
async fn readiness_says_in_a_word_why_the_store_is_not_ready() {
    let t = house().await;
    let ready = async || {
        let request = Request::get("/readyz").body(Body::empty()).expect("a request");
        let answer = t.gateway.operations_router().oneshot(request).await.expect("an answer");
        let status = answer.status();
        let body = answer.into_body().collect().await.expect("a body").to_bytes();
        (status, String::from_utf8_lossy(&body).into_owned())
    };
    assert_eq!(ready().await, (StatusCode::OK, "ready\n".to_owned()));
    let (path, away) = (t.folder.path().join("vestibule.db"), t.folder.path().join("away"));
    std::fs::rename(&path, &away).expect("moved");
    let moved = (StatusCode::SERVICE_UNAVAILABLE, "the store is not ready: moved\n".to_owned());
    assert_eq!(ready().await, moved);
    // Nothing is begun that would be lost when the process ends.
    let asked = serde_json::json!({"end_user": "u", "return_url": crate::support::RETURN_URL});
    assert_eq!(t.api("POST", "/api/connect-sessions", Some(asked)).await.refusal(), "503, store_unavailable");
    std::fs::rename(&away, &path).expect("moved back");
    assert_eq!(ready().await.0, StatusCode::OK);
}
