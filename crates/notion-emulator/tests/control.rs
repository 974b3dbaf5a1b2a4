//! The control plane: what a test suite in another language needs, and what a hostile page must not reach.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::support::{Notion, exchange, notion, notion_from, text};

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

#[tokio::test]
async fn where_an_origin_is_sent_it_decides_who_may_use_controls_and_consent() {
    let n = notion().await;
    let host = n.running.url.trim_start_matches("http://").to_owned();
    let own = n.running.url.clone();
    let shouted = own.to_uppercase();
    let tls = own.replace("http://", "https://");
    for (origin, fine) in [
        (own.as_str(), true),
        (&shouted, true),
        ("null", false),
        ("https://evil.example", false),
        ("http://127.0.0.1:1", false),
        ("http://localhost", false),
        (&tls, false),
    ] {
        // As an older browser would: no word on the site, and a kind of body that needs no leave.
        let headers = [("host", host.as_str()), ("origin", origin), ("content-type", "text/plain")];
        for (method, path) in [
            ("POST", "/_emulator/reset"),
            ("POST", "/_emulator/tokens/expire"),
            ("DELETE", "/_emulator/journal"),
            ("POST", "/_emulator/instances"),
            ("GET", "/_emulator/internal"),
        ] {
            let reply = n.send(method, path, &headers, String::new()).await.unwrap();
            assert_eq!(reply.status != StatusCode::FORBIDDEN, fine, "{method} {path} from {origin}");
        }
        let form = "client_id=client&redirect_uri=x".to_owned();
        let reply = n.send("POST", "/v1/oauth/authorize", &headers, form).await.unwrap();
        assert_eq!(reply.status != StatusCode::FORBIDDEN, fine, "consent from {origin}");
    }
    // A call with a token is nobody's page: a development server in between may pass a browser's headers on.
    let token = format!("Bearer {}", n.running.emulator.internal_token());
    let headers = [
        ("authorization", token.as_str()),
        ("origin", "http://localhost:5173"),
        ("sec-fetch-site", "cross-site"),
        ("content-type", "application/json"),
        ("notion-version", "2025-09-03"),
    ];
    let found = n.send("POST", "/v1/search", &headers, "{}".to_owned()).await.unwrap();
    assert_eq!(found.status, StatusCode::OK);
    assert!(found.headers.get("access-control-allow-origin").is_none());
}

#[tokio::test]
async fn the_controls_and_the_consent_answer_to_the_names_that_were_listed() {
    let names = notion_emulator::Names::with(["notion-emulator".to_owned()]).expect("a name");
    let n = notion_from(notion_emulator::Options { names, ..notion_emulator::Options::default() }).await;
    for (host, origin, expected) in [
        ("notion-emulator:8472", None, StatusCode::OK),
        ("Notion-Emulator:8472", Some("http://notion-emulator:8472"), StatusCode::OK),
        ("localhost:8472", None, StatusCode::OK),
        ("notion-emulator:8472", Some("http://notion-emulator:3000"), StatusCode::FORBIDDEN),
        ("notion-emulator.evil.example", None, StatusCode::FORBIDDEN),
        ("evil.example:8472", Some("http://evil.example:8472"), StatusCode::FORBIDDEN),
    ] {
        let mut headers = vec![("host", host)];
        headers.extend(origin.map(|origin| ("origin", origin)));
        let reply = n.send("GET", "/_emulator/internal", &headers, String::new()).await.unwrap();
        assert_eq!(reply.status, expected, "{host} {origin:?}");
        if origin.is_some() {
            let reply = n.send("POST", "/v1/oauth/authorize", &headers, String::new()).await.unwrap();
            assert_eq!(reply.status == StatusCode::FORBIDDEN, expected == StatusCode::FORBIDDEN, "{host}");
        }
    }
}

#[tokio::test]
async fn an_address_that_misses_the_api_by_a_little_is_told_as_notion_would() {
    let n = notion().await;
    for path in ["//v1/users/me", "/V1/users/me", "/users/me", "/v1", "//v1/oauth/token"] {
        let reply = n.send("GET", path, &[], String::new()).await.unwrap();
        assert_eq!(reply.refusal(), "400, invalid_request_url", "{path}");
    }
    assert!(
        n.send("GET", "//v1/users", &[], String::new())
            .await
            .unwrap()
            .text()
            .contains("base URL end in a slash")
    );
    assert_eq!(n.send("GET", "/else", &[], String::new()).await.unwrap().status, StatusCode::NOT_FOUND);
}
