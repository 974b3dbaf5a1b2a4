//! The control plane: what a test suite in another language needs, and what a hostile page must not reach.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::support::{Notion, exchange, notion, text};

async fn control(n: &Notion, method: &str, path: &str, body: Value) -> crate::support::Reply {
    let headers = [("content-type", "application/json")];
    let body = if body.is_null() { String::new() } else { body.to_string() };
    n.send(method, &format!("/_emulator/{path}"), &headers, body).await.expect("an answer")
}

#[tokio::test]
async fn a_suite_in_any_language_registers_a_client_injects_a_fault_and_reads_the_journal() {
    let n = notion().await;
    let client = json!({"client_id": "new", "client_secret": "hidden", "name": "New", "redirect_uris": ["https://new.example/"]});
    assert_eq!(control(&n, "POST", "clients", client).await.status, StatusCode::NO_CONTENT);
    let listed = control(&n, "GET", "clients", Value::Null).await;
    assert!(listed.text().contains("new.example") && !listed.text().contains("hidden"));
    let fault = json!({"effect": {"rate_limited": {"retry_after": 1}}, "path": "/v1/users"});
    assert_eq!(control(&n, "POST", "faults", fault).await.status, StatusCode::NO_CONTENT);
    let internal = control(&n, "GET", "internal", Value::Null).await.json();
    let limited = n.call(&text(&internal, "token"), "GET", "users/me", None).await;
    assert_eq!(limited.status, StatusCode::TOO_MANY_REQUESTS);
    let journal = control(&n, "GET", "journal", Value::Null).await.json();
    assert_eq!(journal["entries"][0]["path"], "/v1/users/me");
    assert_eq!(journal["entries"][0]["status"], 429);
}

#[tokio::test]
async fn tokens_expire_the_clock_moves_and_a_reset_goes_back_to_the_seed() {
    let n = notion().await;
    let pair = n.pair().await;
    let token = text(&pair, "access_token");
    control(&n, "POST", "tokens/expire", Value::Null).await;
    assert_eq!(n.call(&token, "GET", "users/me", None).await.refusal(), "401, unauthorized");
    let before = control(&n, "GET", "clock", Value::Null).await.json();
    let after = control(&n, "POST", "clock", json!({"seconds": 3600})).await.json();
    let time = |of: &Value| of["now"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_second();
    assert!(time(&after) - time(&before) >= 3600);
    let root = n.running.emulator.root_page_id();
    n.ok("PATCH", &format!("pages/{root}"), Some(json!({"icon": null}))).await;
    control(&n, "POST", "reset", Value::Null).await;
    assert_eq!(n.ok("GET", &format!("pages/{root}"), None).await["icon"]["emoji"], "🏠");
    let gone = control(&n, "GET", "authorizations", Value::Null).await.json();
    assert_eq!(gone["authorizations"], json!([]));
}

#[tokio::test]
async fn a_hostile_page_reaches_neither_the_controls_nor_a_write() {
    let n = notion().await;
    for headers in
        [[("host", "evil.example")], [("sec-fetch-site", "cross-site")], [("sec-fetch-site", "same-site")]]
    {
        let reply = n.send("GET", "/_emulator/internal", &headers, String::new()).await.unwrap();
        assert_eq!(reply.status, StatusCode::FORBIDDEN, "{headers:?}");
        assert!(!reply.text().contains("ntn_emulator"));
    }
    let foreign = [("sec-fetch-site", "cross-site"), ("content-type", "application/x-www-form-urlencoded")];
    let reply = n.send("POST", "/v1/oauth/authorize", &foreign, "client_id=client".to_owned()).await.unwrap();
    assert_eq!(reply.status, StatusCode::FORBIDDEN);
    let allowed = [("host", "localhost:8472"), ("sec-fetch-site", "same-origin")];
    assert_eq!(
        n.send("GET", "/_emulator/internal", &allowed, String::new()).await.unwrap().status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_consent_can_be_had_without_its_screens() {
    let n = notion().await;
    let reply = control(&n, "POST", "consent", json!({"client_id": "client"})).await;
    let traded = n.oauth("token", exchange(&text(&reply.json(), "code"))).await.json();
    let found = n.call(&text(&traded, "access_token"), "POST", "search", Some(json!({}))).await.json();
    assert!(!found["results"].as_array().expect("a list").is_empty());

    let reply = control(&n, "POST", "consent", json!({"client_id": "nobody"})).await;
    assert_eq!(reply.status, StatusCode::NOT_FOUND);
}
