//! What the doors have in common: whose address counts, what a changed configuration ends, and that whatever is refused is
//! refused in the door's own shape.

use std::time::Duration;

use axum::http::StatusCode;
use gateway::KeyKind;
use lifecycle::Generation;
use notion_emulator::Switches;
use serde_json::json;
use store::{LeaseTaken, SqliteStore, Store};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::{House, Plan, REDIRECT_URI, basic, house, token_request};

const TOKEN: &str = "/v1/oauth/token";

#[tokio::test]
async fn a_code_of_the_notion_shaped_door_is_unknown_at_the_session_door_and_stays_unspent() {
    let t = house().await;
    let code = t.browser().connect(&t.authorize_url(&[])).await.query("code").unwrap();
    assert_eq!(t.redeem(&code, "u").await.refusal(), "400, invalid_grant");
    assert_eq!(t.oauth(TOKEN, token_request(&code)).await.status, StatusCode::OK);
}

/// Opens the way in as this forwarded client; the status.
async fn start(t: &House, forwarded: &str) -> u16 {
    let url = t.authorize_url(&[]);
    let headers = [("x-forwarded-for", forwarded)];
    t.browser().visit("GET", &url, &headers, axum::body::Bytes::new()).await.status.as_u16()
}

#[tokio::test]
async fn an_address_starts_only_so_many_attempts_and_a_stranger_cannot_name_another() {
    let config = Some((|config| config.attempts_per_address = 2) as fn(&mut gateway::Config));
    let t = House::build(Plan { config, ..Plan::default() }).await;
    assert_eq!([start(&t, "192.0.2.1").await, start(&t, "192.0.2.2").await], [303, 303]);
    assert_eq!(start(&t, "192.0.2.3").await, 429, "who is not a trusted proxy speaks for itself alone");
    t.wait(Duration::from_mins(10));
    assert_eq!(start(&t, "192.0.2.3").await, 303);
}

#[tokio::test]
async fn a_trusted_proxy_names_its_clients_and_the_last_one_it_saw_counts() {
    let config = Some(
        (|config| {
            config.attempts_per_address = 1;
            config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap(), "10.0.0.1/32".parse().unwrap()];
        }) as fn(&mut gateway::Config),
    );
    let t = House::build(Plan { config, ..Plan::default() }).await;
    assert_eq!([start(&t, "192.0.2.1").await, start(&t, "192.0.2.2").await], [303, 303]);
    assert_eq!(start(&t, "192.0.2.1, 10.0.0.1").await, 429);
    assert_eq!(
        start(&t, "203.0.113.9, 192.0.2.2").await,
        429,
        "what the client wrote before is its own tale"
    );
}

#[tokio::test]
async fn an_attempt_ends_with_its_session_even_if_it_is_younger_than_ten_minutes() {
    let t = house().await;
    let link = t.link("u").await;
    t.wait(Duration::from_mins(10));
    let mut browser = t.browser();
    let callback = browser.consent(&link).await;
    t.wait(Duration::from_mins(5));
    assert_eq!(browser.open(&callback).await.query("error").as_deref(), Some("expired"));
    assert_eq!(t.notion_calls(TOKEN), 0);
}

#[tokio::test]
async fn an_exchange_that_another_attempt_overtook_opens_nothing_and_loses_nothing() {
    let t = House::build(Plan { gate: true, switches: Switches::documented(), ..Plan::default() }).await;
    let gate = t.gate.clone().unwrap();
    let link = t.link("u").await;
    let (mut slow, mut fast) = (t.browser(), t.browser());
    let (first, second) = (slow.consent(&link).await, fast.consent(&link).await);
    gate.hold(TOKEN);
    let race = async {
        gate.arrived().await;
        let back = fast.open(&second).await;
        gate.open();
        back
    };
    let (late, back) = tokio::join!(slow.open(&first), race);
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(late.text().contains("This was already handled"));
    let outcomes = t.api("GET", "/api/attempts?outcome=superseded", None).await.json();
    assert_eq!(outcomes["data"].as_array().unwrap().len(), 1);
    // Its pair is settled among those that stand on the same authorization: nothing is revoked.
    t.gateway.settle().await.unwrap();
    assert_eq!(t.notion_calls("/v1/oauth/revoke"), 0);
    let id = t.redeem(&back.query("code").unwrap(), "u").await.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(t.api("GET", &format!("/notion/{id}/v1/users/me"), None).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_call_waits_for_a_renewal_no_longer_than_for_anything_else() {
    let t = House::build(Plan { gate: true, ..Plan::default() }).await;
    let gate = t.gate.clone().unwrap();
    let path = format!("/notion/{}/v1/users/me", t.connection("u").await);
    t.notion.emulator.end_access_tokens();
    gate.hold("/v1/oauth/token");
    let silent = async {
        gate.arrived().await;
        t.wait(Duration::from_secs(30));
    };
    let (reply, ()) = tokio::join!(t.api("GET", &path, None), silent);
    assert_eq!((reply.refusal().as_str(), reply.header("retry-after")), ("429, token_renewing", "1"));
    // The renewal went on without it.
    gate.open();
    assert_eq!(t.api("GET", &path, None).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_refresh_that_died_with_its_holder_is_not_under_way_for_ever() {
    let t = house().await;
    let id = t.connection("u").await;
    let refreshing =
        async || t.api("GET", &format!("/api/connections/{id}"), None).await.json()["refreshing"] == true;
    let store = SqliteStore::open(&t.folder.path().join("vestibule.db")).unwrap();
    let view = store.find_connection("client-demo", &id).await.unwrap().unwrap();
    let grant = view.connection.grant_id.unwrap();
    let now = "2026-11-23T09:00:00Z".parse().unwrap();
    let until = "2026-11-23T09:01:15Z".parse().unwrap();
    let taken =
        store.take_refresh_lease(&grant, Generation(1), "a node that dies", now, until).await.unwrap();
    assert!(matches!(taken, LeaseTaken::Taken(_)));
    assert!(refreshing().await);
    t.wait(Duration::from_secs(75));
    assert!(!refreshing().await);
}

#[tokio::test]
async fn a_return_url_that_was_taken_from_the_configuration_gets_no_more_codes() {
    let t = house().await;
    let link = t.link("u").await;
    let folder = tempfile::TempDir::new().unwrap();
    for name in ["vestibule.db", "vestibule.db-wal"] {
        std::fs::copy(t.folder.path().join(name), folder.path().join(name)).unwrap();
    }
    let adjust = Some((|of| of.return_urls = vec![REDIRECT_URI.to_owned()]) as fn(&mut gateway::Integration));
    let restarted = House::build(Plan { folder: Some(folder), adjust, ..Plan::default() }).await;
    let link = link.replace(&t.url, &restarted.url);
    assert_eq!(restarted.browser().open(&link).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_the_framework_refuses_is_refused_in_the_doors_shape() {
    let t = house().await;
    for path in ["/connect/%FF", "/callback/%FF?code=c&state=s"] {
        let page = t.browser().open(&format!("{}{path}", t.url)).await;
        assert!(page.status.is_client_error());
        assert!(page.header("content-security-policy").starts_with("default-src 'none'"), "{path}");
    }
    assert_eq!(t.api("GET", "/notion/%FF/v1/users/me", None).await.refusal(), "400, path_refused");
    assert_eq!(t.api("GET", "/api/connections/%FF", None).await.refusal(), "400, invalid_request");
    let large = json!({"code": "c".repeat(70_000), "end_user": "u"});
    assert_eq!(t.api("POST", "/api/connections", Some(large.clone())).await.refusal(), "413, body_too_large");
    assert_eq!(t.oauth(TOKEN, large).await.refusal(), "413, invalid_request");
}

#[tokio::test]
async fn a_body_of_the_wrong_type_is_refused_without_quoting_it() {
    let t = house().await;
    for body in
        [json!("vst_app_canary"), json!({"code": {"vst": "canary"}, "end_user": "u"}), json!(["canary"])]
    {
        let refused = t.api("POST", "/api/connections", Some(body)).await;
        assert_eq!(refused.refusal(), "400, invalid_request");
        assert!(!refused.text().contains("canary"), "{}", refused.text());
    }
    let unknown = t.api("POST", "/api/connections", Some(json!({"code": "c", "enduser": "u"}))).await;
    assert!(unknown.text().contains("enduser"), "a mistyped name is told: {}", unknown.text());
}

#[tokio::test]
async fn a_client_that_is_not_known_is_refused_before_its_body_is_waited_for() {
    let t = house().await;
    let foreign = t.foreign_key(KeyKind::App).await;
    for path in [TOKEN, "/v1/oauth/introspect", "/v1/oauth/revoke"] {
        let address = t.url.trim_start_matches("http://").to_owned();
        let mut socket = tokio::net::TcpStream::connect(&address).await.unwrap();
        let authorization = basic("client-other", &foreign);
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: {authorization}\r\ncontent-length: 9\r\n\r\n"
        );
        // The head alone; the body never comes.
        socket.write_all(head.as_bytes()).await.unwrap();
        let mut status = [0; 12];
        socket.read_exact(&mut status).await.unwrap();
        assert_eq!(&status, b"HTTP/1.1 401", "{path}");
    }
}

#[tokio::test]
async fn a_wrong_secret_costs_what_an_unknown_key_costs() {
    let t = house().await;
    let id = t.connection("u").await;
    let own = t.notion_shaped().await["access_token"].as_str().unwrap().to_owned();
    assert_eq!(t.call_as(&own, "GET", "/v1/users/me", None).await.status, StatusCode::OK, "it is remembered");
    let never_used = t.gateway.mint_key("demo", KeyKind::App, "test").await.unwrap().key.expose().clone();
    let with = |key: &str, id: Option<String>| {
        let mut parts: Vec<String> = key.splitn(4, '_').map(str::to_owned).collect();
        parts[2] = id.unwrap_or_else(|| parts[2].clone());
        parts[3] = "b".repeat(43);
        parts.join("_")
    };
    let nobodys = || Some("0123456789abcdef".repeat(2));
    for path in
        [format!("/notion/{id}/v1/users/me"), "/v1/users/me".to_owned(), "/api/connections".to_owned()]
    {
        for key in [&t.app_key, &own, &never_used] {
            for wrong in [with(key, None), with(key, nobodys()), with(key, None)] {
                let asked = t.own_store.asked();
                let reply = t.call_as(&wrong, "GET", &path, None).await;
                assert_eq!(reply.refusal(), "401, key_invalid");
                assert_eq!(t.own_store.asked(), asked + 1, "the store is asked once for {wrong} at {path}");
            }
        }
    }
    let asked = t.own_store.asked();
    assert_eq!(t.call_as(&own, "GET", "/v1/users/me", None).await.status, StatusCode::OK);
    assert_eq!(t.own_store.asked(), asked, "the right one is still remembered");
}
