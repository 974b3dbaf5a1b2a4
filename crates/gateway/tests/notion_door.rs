//! The Notion-shaped door: code written for Notion works with host and secret changed, and what RFC 9700 forbids is refused.

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gateway::KeyKind;
use serde_json::json;

use crate::support::{APP_STATE, House, Plan, REDIRECT_URI, basic, house, token_request};

const TOKEN: &str = "/v1/oauth/token";

#[tokio::test]
async fn an_app_written_for_notion_gets_tokens_in_notions_shape() {
    let t = house().await;
    let mut browser = t.browser();
    let back = browser.connect(&t.authorize_url(&[])).await;
    assert!(back.location().starts_with(REDIRECT_URI));
    assert_eq!(back.query("state").as_deref(), Some(APP_STATE));
    let token = t.oauth(TOKEN, token_request(&back.query("code").unwrap())).await;
    assert_eq!(token.header("cache-control"), "no-store");
    let token = token.json();
    let keys: Vec<&String> = token.as_object().unwrap().keys().collect();
    for key in
        ["access_token", "token_type", "refresh_token", "bot_id", "workspace_id", "workspace_name", "owner"]
    {
        assert!(keys.contains(&&key.to_owned()), "{key} is not in {keys:?}");
    }
    let key = token["access_token"].as_str().unwrap();
    assert!(key.starts_with("vst_con_"));
    assert_eq!(t.call_as(key, "GET", "/v1/users/me", None).await.json()["id"], token["bot_id"]);

    // The refresh grant gives the same key each time.
    let refresh = json!({"grant_type": "refresh_token", "refresh_token": token["refresh_token"]});
    for _ in 0..2 {
        assert_eq!(t.oauth(TOKEN, refresh.clone()).await.json()["access_token"], key);
    }
    let introspected = t.oauth("/v1/oauth/introspect", json!({"token": key})).await.json();
    assert_eq!(introspected["active"], true);
    // As Notion has it: milliseconds, and the capabilities, which only Notion knows.
    assert_eq!(introspected["iat"], 1_795_424_400_000_i64);
    assert!(
        introspected["scope"].as_str().unwrap().starts_with("read_content insert_content update_content")
    );
    let again = t.oauth("/v1/oauth/introspect", json!({"token": key})).await.json();
    assert_eq!(
        (&again["scope"], t.notion_calls("/v1/oauth/introspect")),
        (&introspected["scope"], 1),
        "asked once"
    );
    assert_eq!(t.oauth("/v1/oauth/revoke", json!({"token": key})).await.status, StatusCode::OK);
    assert_eq!(t.notion_calls("/v1/oauth/revoke"), 1);
    assert_eq!(t.call_as(key, "GET", "/v1/users/me", None).await.refusal(), "401, disconnected");
    assert_eq!(t.oauth("/v1/oauth/introspect", json!({"token": key})).await.json()["active"], false);
    assert_eq!(t.oauth(TOKEN, refresh).await.refusal(), "400, invalid_grant");
}

#[tokio::test]
async fn a_form_body_is_taken_like_json() {
    let t = house().await;
    let back = t.browser().connect(&t.authorize_url(&[])).await;
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "authorization_code")
        .append_pair("code", &back.query("code").unwrap())
        .append_pair("redirect_uri", REDIRECT_URI)
        .finish();
    let mut browser = t.browser();
    let (authorization, kind) = (t.basic(), "application/x-www-form-urlencoded");
    let headers = [("authorization", authorization.as_str()), ("content-type", kind)];
    let reply = browser.visit("POST", &format!("{}{TOKEN}", t.url), &headers, form.into()).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
}

#[tokio::test]
async fn authorizing_again_gives_a_further_key_to_the_same_connection() {
    let t = house().await;
    let (one, two) = (t.notion_shaped().await, t.notion_shaped().await);
    assert_ne!(one["access_token"], two["access_token"]);
    assert_eq!(one["bot_id"], two["bot_id"]);
    for token in [&one, &two] {
        let reply = t.call_as(token["access_token"].as_str().unwrap(), "GET", "/v1/users/me", None).await;
        assert_eq!(reply.status, StatusCode::OK);
    }
    let all = t.api("GET", "/api/connections", None).await.json();
    assert_eq!(all["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_request_that_cannot_name_its_app_gets_a_page_and_no_redirect() {
    let t = house().await;
    for more in [
        ("client_id", "unknown"),
        ("redirect_uri", "https://evil.example/callback"),
        ("redirect_uri", "https://app.example/auth/notion/callback/"),
    ] {
        let page = t.browser().open(&t.authorize_url(&[more])).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{more:?}");
        assert_eq!(page.location(), "");
    }
    let twice = format!("{}&redirect_uri=https%3A%2F%2Fevil.example", t.authorize_url(&[]));
    assert_eq!(t.browser().open(&twice).await.location(), "");
}

#[tokio::test]
async fn a_faulty_request_goes_back_to_the_app_with_its_error() {
    let t = house().await;
    let challenge = URL_SAFE_NO_PAD.encode(sealing::sha256(b"v").as_bytes());
    let refused = async |more: &[(&str, &str)]| {
        let reply = t.browser().open(&t.authorize_url(more)).await;
        assert!(reply.location().starts_with(REDIRECT_URI), "{more:?} {}", reply.text());
        reply.query("error").unwrap()
    };
    assert_eq!(refused(&[("state", "line\nbreak")]).await, "invalid_request");
    assert_eq!(refused(&[("response_type", "token")]).await, "unsupported_response_type");
    assert_eq!(refused(&[("owner", "workspace")]).await, "invalid_request");
    assert_eq!(refused(&[("code_challenge", &challenge)]).await, "invalid_request");
    let plain = [("code_challenge", challenge.as_str()), ("code_challenge_method", "plain")];
    assert_eq!(refused(&plain).await, "invalid_request");
    let without = t.authorize_url(&[]).replace(&format!("&state={APP_STATE}"), "");
    assert_eq!(t.browser().open(&without).await.query("error").as_deref(), Some("invalid_request"));
    assert_eq!(t.api("GET", "/api/attempts", None).await.json()["data"], json!([]));
}

#[tokio::test]
async fn a_switch_waives_state_and_another_demands_pkce() {
    let waived = House::build(Plan { adjust: Some(|of| of.require_state = false), ..Plan::default() }).await;
    let without = waived.authorize_url(&[]).replace(&format!("&state={APP_STATE}"), "");
    let back = waived.browser().connect(&without).await;
    assert!(back.query("code").is_some() && back.query("state").is_none());
    let strict = House::build(Plan { adjust: Some(|of| of.require_pkce = true), ..Plan::default() }).await;
    let refused = strict.browser().open(&strict.authorize_url(&[])).await;
    assert_eq!(refused.query("error").as_deref(), Some("invalid_request"));
}

#[tokio::test]
async fn pkce_is_never_downgraded_and_a_wrong_verifier_spends_the_code() {
    let t = house().await;
    let verifier = "a".repeat(43);
    let challenge = URL_SAFE_NO_PAD.encode(sealing::sha256(verifier.as_bytes()).as_bytes());
    let pkce = [("code_challenge", challenge.as_str()), ("code_challenge_method", "S256")];
    let code = async |more: &[(&str, &str)]| {
        t.browser().connect(&t.authorize_url(more)).await.query("code").unwrap()
    };
    let trade = async |code: &str, verifier: Option<&str>| {
        let mut body = token_request(code);
        if let Some(verifier) = verifier {
            body["code_verifier"] = json!(verifier);
        }
        t.oauth(TOKEN, body).await
    };
    assert_eq!(trade(&code(&pkce).await, Some(&verifier)).await.status, StatusCode::OK);
    let missing = code(&pkce).await;
    assert_eq!(trade(&missing, None).await.refusal(), "400, invalid_grant");
    assert_eq!(trade(&missing, Some(&verifier)).await.refusal(), "400, invalid_grant", "it was spent");
    assert_eq!(trade(&code(&pkce).await, Some(&"b".repeat(43))).await.refusal(), "400, invalid_grant");
    assert_eq!(trade(&code(&[]).await, Some(&verifier)).await.refusal(), "400, invalid_grant");
}

#[tokio::test]
async fn a_wrong_redirect_uri_spends_the_code_and_failed_authentication_does_not() {
    let t = house().await;
    let code = t.browser().connect(&t.authorize_url(&[])).await.query("code").unwrap();
    for wrong in [
        basic("client-demo", "vst_secret_wrong"),
        basic("client-other", &t.app_secret),
        "Bearer x".to_owned(),
    ] {
        let reply = t.send("POST", TOKEN, &[("authorization", &wrong)], Some(token_request(&code))).await;
        assert_eq!(reply.refusal(), "401, invalid_client");
    }
    let foreign = t.foreign_key(KeyKind::Secret).await;
    let foreign = basic("client-other", &foreign);
    let reply = t.send("POST", TOKEN, &[("authorization", &foreign)], Some(token_request(&code))).await;
    assert_eq!(reply.refusal(), "400, invalid_grant");
    let mut body = token_request(&code);
    body["redirect_uri"] = json!("https://app.example/return");
    assert_eq!(t.oauth(TOKEN, body).await.refusal(), "400, invalid_grant");
    assert_eq!(t.oauth(TOKEN, token_request(&code)).await.refusal(), "400, invalid_grant", "it was spent");
}

#[tokio::test]
async fn a_replayed_code_ends_nothing_that_was_issued() {
    let t = house().await;
    let code = t.browser().connect(&t.authorize_url(&[])).await.query("code").unwrap();
    let token = t.oauth(TOKEN, token_request(&code)).await.json();
    assert_eq!(t.oauth(TOKEN, token_request(&code)).await.refusal(), "400, invalid_grant");
    assert!(t.events().await.contains(&"code.replayed".to_owned()));
    let key = token["access_token"].as_str().unwrap();
    assert_eq!(t.call_as(key, "GET", "/v1/users/me", None).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_cancelled_consent_and_a_failed_exchange_speak_rfc_6749() {
    let t = house().await;
    let mut browser = t.browser();
    let callback = browser.cancel(&t.authorize_url(&[])).await;
    let back = browser.open(&callback).await;
    assert_eq!(
        (back.query("error").as_deref(), back.query("state").as_deref()),
        (Some("access_denied"), Some(APP_STATE))
    );
    t.notion.emulator.fault(notion_emulator::Fault::from(notion_emulator::Effect::Status(500)).on(TOKEN));
    let back = t.browser().connect(&t.authorize_url(&[])).await;
    assert_eq!(
        (back.query("error").as_deref(), back.query("state").as_deref()),
        (Some("server_error"), Some(APP_STATE))
    );
}

#[tokio::test]
async fn each_kind_of_key_opens_its_own_door_only() {
    let t = house().await;
    let token = t.notion_shaped().await;
    let key = token["access_token"].as_str().unwrap();
    let id =
        t.api("GET", "/api/connections", None).await.json()["data"][0]["id"].as_str().unwrap().to_owned();
    let (app, secret) = (t.app_key.clone(), t.app_secret.clone());
    let own = format!("/notion/{id}/v1/users/me");
    assert_eq!(t.call_as(key, "GET", &own, None).await.status, StatusCode::OK);
    assert_eq!(t.call_as(key, "GET", "/api/connections", None).await.refusal(), "403, key_wrong_kind");
    assert_eq!(t.call_as(&app, "GET", "/v1/users/me", None).await.refusal(), "403, key_wrong_kind");
    assert_eq!(t.call_as(&secret, "GET", &own, None).await.refusal(), "403, key_wrong_kind");
    assert_eq!(t.call_as(&secret, "GET", "/api/connections", None).await.refusal(), "403, key_wrong_kind");
    let as_secret = basic("client-demo", &app);
    let reply = t.send("POST", TOKEN, &[("authorization", &as_secret)], Some(token_request("c"))).await;
    assert_eq!(reply.refusal(), "401, invalid_client");
    // Another connection, another integration's and a made-up one look alike.
    let foreign = t.foreign_key(KeyKind::App).await;
    let texts = [
        t.call_as(key, "GET", "/notion/con_00000000000000000000000000000000/v1/users/me", None)
            .await
            .refusal(),
        t.call_as(&foreign, "GET", &own, None).await.refusal(),
        t.call_as(&app, "GET", "/notion/nothing/v1/users/me", None).await.refusal(),
    ];
    assert_eq!(texts, ["404, not_found", "404, not_found", "404, not_found"]);
    let ended = t.api("GET", &format!("/api/connections/{id}/keys"), None).await.json();
    let key_id = ended["data"][0]["id"].as_str().unwrap();
    t.api("DELETE", &format!("/api/connections/{id}/keys/{key_id}"), None).await;
    assert_eq!(t.call_as(key, "GET", "/v1/users/me", None).await.refusal(), "401, key_invalid");
}
