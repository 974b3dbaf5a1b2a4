//! What OAuth libraries send at the Notion-shaped door: credentials encoded or not, `state` from nothing to thousands of
//! characters, parameters of other servers; and the sentences that name the cure for the usual mistakes.

use axum::http::StatusCode;
use axum::http::header::LOCATION;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use gateway::KeyKind;
use serde_json::json;

use crate::support::{APP_STATE, House, Plan, REDIRECT_URI, Reply, basic, house, token_request};

const TOKEN: &str = "/v1/oauth/token";
const ENDPOINTS: [&str; 3] = [TOKEN, "/v1/oauth/introspect", "/v1/oauth/revoke"];

/// As RFC 6749 2.3.1 asks, in the strictest reading: all but letters and digits escaped.
fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// The link without its `state`, and with `more` as it stands.
fn link(t: &House, more: &str) -> String {
    format!("{}{more}", t.authorize_url(&[]).replace(&format!("&state={APP_STATE}"), ""))
}

/// What stands after `state=` in the redirect, byte for byte.
fn raw_state(reply: &Reply) -> Option<String> {
    let location = reply.headers.get(LOCATION)?.to_str().ok()?.to_owned();
    location.split_once('?')?.1.split('&').find_map(|pair| pair.strip_prefix("state=")).map(str::to_owned)
}

#[tokio::test]
async fn form_encoded_credentials_open_each_endpoint() {
    let t = house().await;
    let (id, secret) = (encoded("client-demo"), encoded(&t.app_secret));
    assert!(id.contains('%') && secret.contains("%5F"));
    for credentials in [
        basic(&id, &secret),
        basic("client-demo", &secret),
        basic(&id, &t.app_secret),
        basic("client-demo", &t.app_secret).replace("Basic", "basic"),
        format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")).trim_end_matches('=')),
    ] {
        let back = t.browser().connect(&t.authorize_url(&[])).await;
        let authorized = [("authorization", credentials.as_str())];
        let body = token_request(&back.query("code").unwrap());
        let reply = t.send("POST", TOKEN, &authorized, Some(body)).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
        let token = json!({"token": reply.json()["access_token"]});
        let introspected = t.send("POST", "/v1/oauth/introspect", &authorized, Some(token.clone())).await;
        assert_eq!(introspected.json()["active"], true);
        let revoked = t.send("POST", "/v1/oauth/revoke", &authorized, Some(token)).await;
        assert_eq!(revoked.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_client_id_that_needs_encoding_is_known_in_either_form() {
    let odd = |of: &mut gateway::Integration| {
        if of.client_id == "client-demo" {
            of.client_id = "a+b%2B c:ü".to_owned();
        }
    };
    let t = House::build(Plan { adjust: Some(odd), ..Plan::default() }).await;
    let id = "a+b%2B c:ü";
    // Raw Basic cannot say an id with a colon in it (RFC 7617 2): only the encoded form can.
    for credentials in [basic(&encoded(id), &t.app_secret), basic(&encoded(id), &encoded(&t.app_secret))] {
        let reply = t.send("POST", TOKEN, &[("authorization", &credentials)], Some(token_request("c"))).await;
        assert_eq!(reply.refusal(), "400, invalid_grant", "it was let in");
    }
    let reply = t.send("POST", TOKEN, &[("authorization", &basic(id, &t.app_secret))], None).await;
    assert_eq!(reply.refusal(), "401, invalid_client");
}

#[tokio::test]
async fn notion_is_sent_its_secret_as_it_is() {
    // The emulator decodes nothing, as Notion may: an encoded secret would be refused.
    let t = house().await;
    assert_eq!(t.notion_shaped().await["token_type"], "bearer");
    let refused = t.notion.emulator.journal().iter().filter(|entry| entry.status == 401).count();
    assert_eq!(refused, 0);
}

#[tokio::test]
async fn each_mistake_with_the_secret_is_answered_with_its_cure() {
    let t = house().await;
    let foreign = t.foreign_key(KeyKind::Secret).await;
    let connection = t.notion_shaped().await;
    let (key, refresh) = (&connection["access_token"], &connection["refresh_token"]);
    let mut changed = t.app_secret.clone();
    changed.replace_range(changed.len() - 4.., "AAAA");
    let told = [
        (
            basic("client-demo", "secret_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789abcdefg"),
            "`vestibule keys mint --kind secret`",
        ),
        (basic("client-demo", "anything"), "Notion's portal belongs into Vestibule's configuration"),
        (basic("client-demo", &t.app_key), "this is an app key"),
        (basic("client-demo", &encoded(&t.app_key)), "this is an app key"),
        (basic("client-demo", key.as_str().unwrap()), "this is a connection key"),
        (basic("client-demo", refresh.as_str().unwrap()), "this is a refresh token"),
        (basic("client-demo", &t.app_secret[..70]), "is not whole"),
        (basic("client-demo", ""), "is empty"),
        (format!("Bearer {}", t.app_secret), "HTTP Basic"),
        ("Basic %%%".to_owned(), "cannot be read"),
        (basic("client-demo", "%E0%80%"), "not an app secret"),
    ];
    // All that has the right form is told alike: who guesses learns nothing.
    let alike = [
        basic("client-demo", &foreign),
        basic("client-other", &t.app_secret),
        basic("client-demo", &changed),
        basic("nobody", &changed),
    ];
    let unknown = "the client id or the app secret is not valid";
    let cases = told.iter().map(|(sent, said)| (sent, *said)).chain(alike.iter().map(|sent| (sent, unknown)));
    for (sent, said) in cases {
        for endpoint in ENDPOINTS {
            let body = json!({"grant_type": "refresh_token", "refresh_token": refresh, "token": key});
            let reply = t.send("POST", endpoint, &[("authorization", sent)], Some(body)).await;
            assert_eq!(reply.refusal(), "401, invalid_client");
            let challenge = reply.header("www-authenticate");
            assert!(challenge.starts_with("Basic ") && challenge.contains(said), "{challenge}");
            let description = reply.json()["error_description"].as_str().unwrap().to_owned();
            assert!(description.contains(said), "{description}");
            assert!(!description.contains("AAAA") && !description.contains(&t.app_secret));
        }
    }
}

#[tokio::test]
async fn a_secret_in_the_body_is_refused_and_told_how_to_send_it() {
    let t = house().await;
    let form = |more: &str| format!("grant_type=authorization_code&code=c&redirect_uri=r{more}");
    let mut browser = t.browser();
    let in_body = form(&format!("&client_id=client-demo&client_secret={}", t.app_secret));
    let kind = ("content-type", "application/x-www-form-urlencoded;charset=UTF-8");
    let url = format!("{}{TOKEN}", t.url);
    let reply = browser.visit("POST", &url, &[kind], in_body.clone().into()).await;
    assert_eq!(reply.refusal(), "401, invalid_client");
    assert!(reply.header("www-authenticate").starts_with("Basic "));
    let said = reply.json()["error_description"].as_str().unwrap().to_owned();
    assert!(said.contains("HTTP Basic (client_secret_basic)") && said.contains("in the body"), "{said}");
    // With Basic beside it, what the body says of the client changes nothing.
    let authorization = t.basic();
    let headers =
        [kind, ("authorization", authorization.as_str()), ("accept", "application/x-www-form-urlencoded")];
    let reply = browser.visit("POST", &url, &headers, in_body.into()).await;
    assert_eq!(reply.refusal(), "400, invalid_grant");
}

#[tokio::test]
async fn a_token_of_notions_own_is_told_from_a_key() {
    let t = house().await;
    for token in ["ntn_123456789", "secret_123456789"] {
        let reply = t.call_as(token, "GET", "/v1/users/me", None).await;
        assert_eq!(reply.refusal(), "401, key_invalid");
        assert!(reply.json()["message"].as_str().unwrap().contains("connection key"), "{}", reply.text());
    }
    let reply = t.call_as("something", "GET", "/v1/users/me", None).await;
    assert!(reply.json()["message"].as_str().unwrap().contains("mistyped"));
}

#[tokio::test]
async fn any_state_comes_back_byte_for_byte_with_a_code_and_with_an_error() {
    let t = house().await;
    let jwt = format!("eyJhbGciOiJIUzI1NiJ9.{}.c2ln", "eyJzdWIiOiI3In0".repeat(100));
    for state in [
        "x",
        "0123456789abcdef",
        "%7B%22next%22%3A%22%2Fhome%3Fa%3D1%26b%3D2%22%2C%22n%22%3A%20%22Zo%C3%AB%22%7D",
        "a+b%20c%2Bd%2520e",
        "YWJj/ZGVm==",
        "~!'()*,;:@$?/",
        jwt.as_str(),
        &"%20".repeat(8192),
    ] {
        let back = t.browser().connect(&link(&t, &format!("&state={state}"))).await;
        assert!(back.query("code").is_some());
        assert_eq!(raw_state(&back).as_deref(), Some(state));
        let faulty = link(&t, &format!("&state={state}")).replace("=code&", "=token&");
        let refused = t.browser().open(&faulty).await;
        assert_eq!(refused.query("error").as_deref(), Some("unsupported_response_type"));
        assert_eq!(raw_state(&refused).as_deref(), Some(state));
        let mut browser = t.browser();
        let callback = browser.cancel(&link(&t, &format!("&state={state}"))).await;
        let cancelled = browser.open(&callback).await;
        assert_eq!(cancelled.query("error").as_deref(), Some("access_denied"));
        assert_eq!(raw_state(&cancelled).as_deref(), Some(state));
    }
}

#[tokio::test]
async fn what_is_no_state_is_refused_and_an_empty_one_is_none() {
    let t = house().await;
    let open = async |more: &str| t.browser().open(&link(&t, more)).await;
    for more in ["&state=a&state=b", "&state=a&state=", "&state=%00", "&state=%FF", "&state=%0D%0Ax%3A%20y"] {
        let refused = open(more).await;
        assert_eq!(refused.query("error").as_deref(), Some("invalid_request"), "{more}");
        assert_eq!(raw_state(&refused), None, "{more}");
    }
    let long = open(&format!("&state={}", "x".repeat(8193))).await;
    assert!(long.query("error_description").unwrap().contains("8192"));
    let empty = open("&state=").await;
    assert!(empty.query("error_description").unwrap().contains("state or PKCE is required"));
}

#[tokio::test]
async fn pkce_stands_in_for_state_and_with_neither_the_error_names_every_way_out() {
    let t = house().await;
    let verifier = "v".repeat(64);
    let challenge = URL_SAFE_NO_PAD.encode(sealing::sha256(verifier.as_bytes()).as_bytes());
    let pkce = format!("&code_challenge={challenge}&code_challenge_method=S256");
    for more in [pkce.clone(), format!("{pkce}&state=")] {
        let back = t.browser().connect(&link(&t, &more)).await;
        assert_eq!(raw_state(&back), None);
        let mut body = token_request(&back.query("code").unwrap());
        body["code_verifier"] = json!(verifier);
        assert_eq!(t.oauth(TOKEN, body).await.status, StatusCode::OK);
    }
    // Its verifier is asked for all the same: the code alone is worth nothing.
    let back = t.browser().connect(&link(&t, &pkce)).await;
    let alone = t.oauth(TOKEN, token_request(&back.query("code").unwrap())).await;
    assert_eq!(alone.refusal(), "400, invalid_grant");
    let plain = format!("&code_challenge={challenge}&code_challenge_method=plain");
    for more in [String::new(), plain] {
        let refused = t.browser().open(&link(&t, &more)).await;
        assert_eq!(refused.query("error").as_deref(), Some("invalid_request"), "{more}");
    }
    let said = t.browser().open(&link(&t, "")).await.query("error_description").unwrap();
    for way in ["state", "code_challenge_method=S256", "require_state = false"] {
        assert!(said.contains(way), "{said}");
    }
    // RFC 6749 4.1.2.1 has no quotation mark and no backslash in a description.
    assert!(said.bytes().all(|b| (0x20..=0x7E).contains(&b) && b != b'"' && b != b'\\'));
}

#[tokio::test]
async fn a_short_state_works_and_the_attempt_tells_the_operator() {
    let t = house().await;
    let note = async |more: &str| {
        assert!(t.browser().connect(&link(&t, more)).await.query("code").is_some());
        let attempts = t.api("GET", "/api/attempts", None).await.json();
        let id = attempts["data"][0]["id"].as_str().unwrap().to_owned();
        t.attempt(&id).await["steps"][0]["note"].clone()
    };
    assert!(note("&state=xyz").await.as_str().unwrap().contains("shorter than 16"));
    t.wait(std::time::Duration::from_secs(1));
    assert_eq!(note("&state=0123456789abcdef").await, json!(null));
    let waived = House::build(Plan { adjust: Some(|of| of.require_state = false), ..Plan::default() }).await;
    assert!(waived.browser().connect(&link(&waived, "")).await.query("code").is_some());
    let attempts = waived.api("GET", "/api/attempts", None).await.json();
    let id = attempts["data"][0]["id"].as_str().unwrap();
    let note = waived.attempt(id).await["steps"][0]["note"].clone();
    assert!(note.as_str().unwrap().contains("login CSRF"));
}

#[tokio::test]
async fn parameters_of_other_servers_are_ignored() {
    let t = house().await;
    let more = "&state=s&scope=read+write&nonce=n&prompt=consent&access_type=offline&response_mode=query&resource=https%3A%2F%2Fa&resource=https%3A%2F%2Fb";
    let back = t.browser().connect(&link(&t, more)).await;
    let mut body = token_request(&back.query("code").unwrap());
    body["scope"] = json!("read write");
    body["client_id"] = json!("client-demo");
    let reply = t.oauth(TOKEN, body).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
}

#[tokio::test]
async fn a_token_call_that_lacks_something_is_told_what_and_spends_nothing() {
    let t = house().await;
    let code = t.browser().connect(&t.authorize_url(&[])).await.query("code").unwrap();
    for lacking in ["grant_type", "code", "redirect_uri"] {
        let mut body = token_request(&code);
        body.as_object_mut().unwrap().remove(lacking);
        let reply = t.oauth(TOKEN, body).await;
        assert_eq!(reply.refusal(), "400, invalid_request");
        assert_eq!(reply.json()["error_description"], format!("{lacking} is missing"));
    }
    let reply = t.oauth(TOKEN, token_request(&code)).await;
    assert_eq!(reply.status, StatusCode::OK, "{REDIRECT_URI} {}", reply.text());
}
