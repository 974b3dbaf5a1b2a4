//! The session door's refusals: each way in which a connect can go wrong has its page or error, and spends, ends or stores no
//! more than it must.

use std::time::Duration;

use axum::body::Bytes;
use axum::http::StatusCode;
use gateway::KeyKind;
use notion_emulator::{Effect, Fault};
use serde_json::json;

use crate::support::{House, Plan, house, token_request};

const TOKEN: &str = "/v1/oauth/token";

#[tokio::test]
async fn a_cancelled_consent_returns_to_the_app_and_says_so() {
    let t = house().await;
    let mut browser = t.browser();
    let callback = browser.cancel(&t.link("u").await).await;
    let back = browser.open(&callback).await;
    assert_eq!(back.query("error").as_deref(), Some("access_denied"));
    let attempt = t.attempt(&back.query("attempt").unwrap()).await;
    assert_eq!(attempt["outcome"], "access_denied");
    let last = attempt["steps"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((last["what"].as_str(), last["outcome"].as_str()), (Some("Cancelled"), Some("failed")));
    assert_eq!(t.notion_calls(TOKEN), 0);
}

#[tokio::test]
async fn a_consent_that_notion_failed_is_not_called_a_cancel() {
    let t = house().await;
    for (link, error) in [(t.link("u").await, "exchange_failed"), (t.authorize_url(&[]), "server_error")] {
        let mut browser = t.browser();
        let callback = browser.cancel(&link).await.replace("access_denied", "temporarily_unavailable");
        let back = browser.open(&callback).await;
        assert_eq!(back.query("error").as_deref(), Some(error));
    }
}

#[tokio::test]
async fn a_cancel_that_lost_its_state_is_decided_by_the_one_open_cookie() {
    let t = house().await;
    let mut browser = t.browser();
    browser.cancel(&t.link("u").await).await;
    let back = browser.open(&format!("{}/callback/demo?error=access_denied&state=", t.url)).await;
    assert_eq!(back.query("error").as_deref(), Some("access_denied"));
    // Another error without a state is anybody's to send.
    let mut open = t.browser();
    let callback = open.consent(&t.link("u").await).await;
    let page = open.open(&format!("{}/callback/demo?error=server_error", t.url)).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    assert!(open.open(&callback).await.query("code").is_some(), "the attempt was left alone");
    // A stranger's browser decides nothing.
    let page = t.browser().open(&format!("{}/callback/demo?error=access_denied&state=", t.url)).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn an_expired_a_used_and_an_unknown_link_have_their_pages() {
    let t = house().await;
    let link = t.link("u").await;
    t.browser().connect(&link).await;
    let used = t.browser().open(&link).await;
    assert_eq!(used.status, StatusCode::GONE);
    assert!(used.text().contains("This link was used"));

    let link = t.link("u").await;
    t.wait(Duration::from_mins(15));
    let expired = t.browser().open(&link).await;
    assert_eq!(expired.status, StatusCode::GONE);
    assert!(expired.text().contains("This link has expired"));
    let unknown = t.browser().open(&format!("{}/connect/nothing", t.url)).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_callback_after_ten_minutes_is_too_late() {
    let t = house().await;
    let mut browser = t.browser();
    let callback = browser.consent(&t.link("u").await).await;
    t.wait(Duration::from_mins(10));
    let back = browser.open(&callback).await;
    assert_eq!(back.query("error").as_deref(), Some("expired"));
    assert_eq!(t.notion_calls(TOKEN), 0);
}

#[tokio::test]
async fn a_replayed_callback_is_refused_and_nothing_is_exchanged_twice() {
    let t = house().await;
    let mut browser = t.browser();
    let callback = browser.consent(&t.link("u").await).await;
    let cookies = browser.cookies.clone();
    assert_eq!(browser.open(&callback).await.status, StatusCode::SEE_OTHER);
    // A reload, which comes without the cookie; and a replay with it. Both see the same page, and the diagram stays clean.
    for cookies in [browser.cookies.clone(), cookies] {
        browser.cookies = cookies;
        let again = browser.open(&callback).await;
        assert_eq!(again.status, StatusCode::CONFLICT);
        assert!(again.text().contains("This was already handled"));
    }
    let attempts = t.api("GET", "/api/attempts", None).await.json();
    let attempt = t.attempt(attempts["data"][0]["id"].as_str().unwrap()).await;
    assert!(attempt["steps"].as_array().unwrap().iter().all(|step| step["outcome"] != "failed"), "{attempt}");
    assert_eq!(t.notion_calls(TOKEN), 1);
}

#[tokio::test]
async fn a_callback_that_two_tabs_send_at_once_is_exchanged_once() {
    let t = house().await;
    let mut browser = t.browser();
    let callback = browser.consent(&t.link("u").await).await;
    let mut other = t.browser();
    other.cookies = browser.cookies.clone();
    let (one, two) = tokio::join!(browser.open(&callback), other.open(&callback));
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 409]);
    assert_eq!(t.notion_calls(TOKEN), 1);
}

#[tokio::test]
async fn another_browser_cannot_finish_and_spends_nothing() {
    let t = house().await;
    let mut browser = t.browser();
    let callback = browser.consent(&t.link("u").await).await;
    for _ in 0..3 {
        let stranger = t.browser().open(&callback).await;
        assert_eq!(stranger.status, StatusCode::FORBIDDEN);
    }
    assert_eq!(t.notion_calls(TOKEN), 0);
    let back = browser.open(&callback).await;
    let attempt = t.attempt(&back.query("attempt").unwrap()).await;
    let steps = attempt["steps"].as_array().unwrap();
    let strange = |step: &&serde_json::Value| {
        step["what"] == "Callback from another browser" && step["outcome"] == "failed"
    };
    assert_eq!(steps.iter().filter(strange).count(), 1, "told once, however often it is tried");
    assert_eq!(attempt["outcome"], "returned");
}

#[tokio::test]
async fn an_unknown_state_another_integrations_path_and_a_foreign_issuer_reach_no_token_endpoint() {
    let t = house().await;
    let mut browser = t.browser();
    let callback = browser.consent(&t.link("u").await).await;
    let unknown = browser.open(&format!("{}/callback/demo?code=c&state=s", t.url)).await;
    assert_eq!(unknown.status, StatusCode::BAD_REQUEST);
    let other = browser.open(&callback.replace("/callback/demo", "/callback/other")).await;
    assert_eq!(other.status, StatusCode::BAD_REQUEST);
    let foreign = browser.open(&format!("{callback}&iss=https%3A%2F%2Fevil.example")).await;
    assert_eq!(foreign.status, StatusCode::BAD_REQUEST);
    assert_eq!(t.notion_calls(TOKEN), 0);
    assert_eq!(browser.open(&callback).await.status, StatusCode::SEE_OTHER, "and the attempt is unspent");
}

#[tokio::test]
async fn the_wrong_end_user_gets_nothing_and_the_pair_is_revoked() {
    let t = house().await;
    let (code, attempt) = t.returned("victim").await;
    let refused = t.redeem(&code, "attacker").await;
    assert_eq!(refused.refusal(), "400, invalid_grant");
    t.gateway.settle().await.unwrap();
    assert!(t.events().await.contains(&"connection.refused".to_owned()));
    assert_eq!(t.attempt(&attempt).await["outcome"], "redeem_refused");
    assert_eq!(t.redeem(&code, "victim").await.refusal(), "400, invalid_grant", "a mismatch spends the code");
    assert_eq!(t.notion_calls("/v1/oauth/revoke"), 1);
    let left = t.api("GET", "/api/connections", None).await.json();
    assert_eq!(left["data"], json!([]));
}

#[tokio::test]
async fn a_strangers_attempt_never_ends_a_live_connection() {
    let t = house().await;
    let live = t.connection("u").await;
    // The same person consents once more, at a link that was made for somebody else: Notion ends the older pair.
    let (code, _) = t.returned("somebody-else").await;
    t.redeem(&code, "mallory").await;
    t.gateway.settle().await.unwrap();
    assert_eq!(t.notion_calls("/v1/oauth/revoke"), 0);
    let me = t.api("GET", &format!("/notion/{live}/v1/users/me"), None).await;
    assert_eq!(me.status, StatusCode::OK, "the newer pair was adopted: {}", me.text());
}

#[tokio::test]
async fn an_unredeemed_code_deletes_its_connection_and_revokes() {
    let t = house().await;
    let (code, attempt) = t.returned("u").await;
    t.wait(Duration::from_mins(5));
    assert_eq!(t.redeem(&code, "u").await.refusal(), "400, invalid_grant");
    t.gateway.settle().await.unwrap();
    assert_eq!(t.attempt(&attempt).await["outcome"], "unredeemed");
    assert_eq!(t.notion_calls("/v1/oauth/revoke"), 1);
    assert_eq!(t.api("GET", "/api/connections", None).await.json()["data"], json!([]));
}

#[tokio::test]
async fn a_code_repeated_by_the_same_key_is_answered_the_same_and_by_another_is_a_replay() {
    let t = house().await;
    let (code, _) = t.returned("u").await;
    let first = t.redeem(&code, "u").await.json();
    assert_eq!(t.redeem(&code, "u").await.json()["id"], first["id"]);
    let other_key = t.gateway.mint_key("demo", KeyKind::App, "second").await.unwrap();
    let body = Some(json!({"code": code, "end_user": "u"}));
    let replay = t.call_as(other_key.key.expose(), "POST", "/api/connections", body).await;
    assert_eq!(replay.refusal(), "400, invalid_grant");
    assert!(t.events().await.contains(&"code.replayed".to_owned()));
    let id = first["id"].as_str().unwrap();
    assert_eq!(t.api("GET", &format!("/notion/{id}/v1/users/me"), None).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_code_opens_only_at_its_door_and_integration_and_stays_unspent_elsewhere() {
    let t = house().await;
    let (code, _) = t.returned("u").await;
    assert_eq!(t.oauth(TOKEN, token_request(&code)).await.refusal(), "400, invalid_grant");
    let foreign = t.foreign_key(KeyKind::App).await;
    let body = Some(json!({"code": code, "end_user": "u"}));
    assert_eq!(t.call_as(&foreign, "POST", "/api/connections", body).await.refusal(), "400, invalid_grant");
    assert_eq!(t.redeem(&code, "u").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_return_url_that_is_not_registered_is_refused_before_anything_begins() {
    let t = house().await;
    for url in ["https://app.example/return/", "https://app.example/other", "https://evil.example/return", ""]
    {
        let asked = json!({"end_user": "u", "return_url": url});
        let reply = t.api("POST", "/api/connect-sessions", Some(asked)).await;
        assert_eq!(reply.refusal(), "400, invalid_request", "{url}");
    }
}

#[tokio::test]
async fn head_and_prefetch_start_and_spend_nothing() {
    let t = house().await;
    let mut browser = t.browser();
    let link = t.link("u").await;
    let authorize = t.authorize_url(&[]);
    for url in [&link, &authorize] {
        assert_eq!(browser.visit("HEAD", url, &[], Bytes::new()).await.status, StatusCode::NO_CONTENT);
        let prefetch =
            browser.visit("GET", url, &[("sec-purpose", "prefetch;prerender")], Bytes::new()).await;
        assert_eq!(prefetch.status, StatusCode::SERVICE_UNAVAILABLE);
    }
    assert_eq!(t.api("GET", "/api/attempts", None).await.json()["data"], json!([]));
    let callback = browser.consent(&link).await;
    browser.visit("HEAD", &callback, &[], Bytes::new()).await;
    browser.visit("GET", &callback, &[("sec-purpose", "prefetch")], Bytes::new()).await;
    assert_eq!(t.notion_calls(TOKEN), 0);
    assert_eq!(browser.open(&callback).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn five_attempts_run_side_by_side_and_the_first_to_succeed_ends_the_others() {
    let t = house().await;
    let link = t.link("u").await;
    let (mut one, mut two) = (t.browser(), t.browser());
    let (first, second) = (one.consent(&link).await, two.consent(&link).await);
    for _ in 0..3 {
        assert_eq!(t.browser().open(&link).await.status, StatusCode::SEE_OTHER);
    }
    assert_eq!(t.browser().open(&link).await.status, StatusCode::TOO_MANY_REQUESTS);
    let back = one.open(&first).await;
    let code = back.query("code").unwrap();
    assert_eq!(t.redeem(&code, "u").await.status, StatusCode::OK);
    let late = two.open(&second).await;
    assert_ne!(late.query("code"), Some(code));
    assert!(late.query("code").is_none(), "{} {}", late.status, late.location());
    assert_eq!(t.browser().open(&link).await.status, StatusCode::GONE);
}

#[tokio::test]
async fn every_page_forbids_what_it_does_not_need() {
    let t = house().await;
    for path in [
        "/",
        "/connect/nothing",
        "/callback/demo?code=c&state=s",
        "/v1/oauth/authorize?client_id=x",
        "/nowhere",
    ] {
        let page = t.browser().open(&format!("{}{path}", t.url)).await;
        assert!(
            page.header("content-security-policy").starts_with("default-src 'none'; style-src 'sha256-"),
            "{path}"
        );
        assert!(page.header("content-security-policy").contains("frame-ancestors 'none'"));
        let three = ["x-content-type-options", "cache-control", "referrer-policy"]
            .map(|name| page.header(name).to_owned());
        assert_eq!(three, ["nosniff", "no-store", "no-referrer"], "{path}");
    }
}

#[tokio::test]
async fn a_failed_exchange_says_what_to_do_in_both_error_shapes() {
    let t = house().await;
    for fault in [Fault::from(Effect::Status(500)), Effect::HangUpAfter.into(), Effect::CutBody.into()] {
        t.notion.emulator.fault(fault.on(TOKEN));
        let mut browser = t.browser();
        let back = browser.connect(&t.link("u").await).await;
        assert_eq!(back.query("error").as_deref(), Some("exchange_failed"));
        let attempt = t.attempt(&back.query("attempt").unwrap()).await;
        let last = attempt["steps"].as_array().unwrap().last().unwrap().clone();
        assert!(last["note"].as_str().unwrap().contains("Open a new link"), "{last}");
    }
    // A refusal by Notion, in RFC 6749's shape and in Notion's envelope.
    for shape in [None, Some(Effect::OAuthErrorInEnvelope)] {
        if let Some(shape) = shape {
            t.notion.emulator.fault(Fault::from(shape).on(TOKEN));
        }
        let mut browser = t.browser();
        let callback = browser.consent(&t.link("u").await).await;
        let code = url::Url::parse(&callback).unwrap().query_pairs().next().unwrap().1.into_owned();
        let back = browser.open(&callback.replace(&code, "00000000-0000-0000-0000-000000000000")).await;
        let attempt = t.attempt(&back.query("attempt").unwrap()).await;
        let last = attempt["steps"].as_array().unwrap().last().unwrap().clone();
        assert!(last["note"].as_str().unwrap().contains("Notion refused the code"), "{last}");
    }
}

#[tokio::test]
async fn a_null_refresh_token_is_tolerated() {
    let t = house().await;
    t.notion.emulator.fault(Fault::from(Effect::NullRefreshToken).on(TOKEN));
    let id = t.connection("u").await;
    assert_eq!(t.api("GET", &format!("/notion/{id}/v1/users/me"), None).await.status, StatusCode::OK);
    let forced = t.api("POST", &format!("/api/connections/{id}/refresh"), None).await;
    assert_eq!(forced.refusal(), "409, no_refresh_token");
    assert_eq!(t.api("GET", &format!("/api/connections/{id}"), None).await.json()["state"], "active");
}

#[tokio::test]
async fn the_same_user_on_the_same_grant_is_the_same_connection_healed() {
    let t = house().await;
    let (one, two) = (t.connection("u").await, t.connection("u").await);
    assert_eq!(one, two);
    let other = t.connection("v").await;
    assert_ne!(one, other);
    let shown = t.api("GET", &format!("/api/connections/{one}"), None).await.json();
    assert_eq!(shown["shared_grant"], true);
    // Only the last one's removal revokes at Notion.
    t.api("DELETE", &format!("/api/connections/{one}"), None).await;
    assert_eq!(t.notion_calls("/v1/oauth/revoke"), 0);
    assert_eq!(t.api("GET", &format!("/notion/{other}/v1/users/me"), None).await.status, StatusCode::OK);
    t.api("DELETE", &format!("/api/connections/{other}"), None).await;
    assert_eq!(t.notion_calls("/v1/oauth/revoke"), 1);
}

#[tokio::test]
async fn a_restarted_gateway_goes_on_where_the_old_one_stopped() {
    let t = house().await;
    let id = t.connection("u").await;
    let folder = tempfile::TempDir::new().unwrap();
    std::fs::copy(t.folder.path().join("vestibule.db"), folder.path().join("vestibule.db")).unwrap();
    std::fs::copy(t.folder.path().join("vestibule.db-wal"), folder.path().join("vestibule.db-wal")).unwrap();
    let second = House::build(Plan { folder: Some(folder), ..Plan::default() }).await;
    let shown = second.api("GET", &format!("/api/connections/{id}"), None).await.json();
    assert_eq!(shown["state"], "active");
    assert_eq!(shown["end_user"], "u");
}
