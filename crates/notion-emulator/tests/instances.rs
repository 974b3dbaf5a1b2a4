//! Many emulators on one socket: tokens and client ids lead to the right one, and none sees another.

use axum::http::StatusCode;
use serde_json::{Value, json};

use notion_emulator::{Emulator, InstanceError, Options};

use crate::support::{Notion, Reply, exchange, notion, parameter, text};

const REDIRECT_URI: &str = "https://other.example/callback";

async fn control(n: &Notion, method: &str, path: &str, body: Value) -> Reply {
    let headers = [("content-type", "application/json")];
    let body = if body.is_null() { String::new() } else { body.to_string() };
    n.send(method, &format!("/_emulator/{path}"), &headers, body).await.expect("an answer")
}

async fn made(n: &Notion, body: Value) -> Value {
    let reply = control(n, "POST", "instances", body).await;
    assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text());
    reply.json()
}

async fn icon(n: &Notion, token: &str, page: &str) -> Value {
    n.call(token, "GET", &format!("pages/{page}"), None).await.json()["icon"]["emoji"].clone()
}

#[tokio::test]
async fn tests_that_each_make_an_instance_run_side_by_side() {
    let n = notion().await;
    let test = async |emoji: &'static str| {
        let mine = made(&n, Value::Null).await;
        let (token, page) = (text(&mine, "internal_token"), text(&mine, "root_page_id"));
        assert_eq!(icon(&n, &token, &page).await, "🏠");
        let changed =
            n.call(&token, "PATCH", &format!("pages/{page}"), Some(json!({"icon": {"emoji": emoji}}))).await;
        assert_eq!(changed.status, StatusCode::OK, "{}", changed.text());
        tokio::task::yield_now().await;
        assert_eq!(icon(&n, &token, &page).await, emoji);
        let gone = control(&n, "DELETE", &format!("instances/{}", text(&mine, "name")), Value::Null).await;
        assert_eq!(gone.status, StatusCode::NO_CONTENT);
        assert_eq!(n.call(&token, "GET", "users/me", None).await.refusal(), "401, unauthorized");
    };
    tokio::join!(test("🌵"), test("🌊"), test("🌋"));
    assert_eq!(control(&n, "GET", "instances", Value::Null).await.json(), json!({"instances": []}));
    let first = n.running.emulator.internal_token();
    assert_eq!(icon(&n, &first, &n.running.emulator.root_page_id()).await, "🏠");
}

#[tokio::test]
async fn an_instance_has_its_own_clock_switches_faults_and_journal() {
    let n = notion().await;
    let asked = json!({"name": "mine", "time": "2026-11-27T09:00:00Z", "switches": {"refresh": "grace"}});
    let mine = made(&n, asked).await;
    assert!(text(&mine, "controls").ends_with("/_emulator/instances/mine"), "{mine}");
    let token = text(&mine, "internal_token");
    let switches = control(&n, "GET", "instances/mine/switches", Value::Null).await.json();
    assert_eq!(
        (switches["refresh"].as_str(), switches["old_access"].as_str()),
        (Some("grace"), Some("dies"))
    );
    let moved = control(&n, "POST", "instances/mine/clock", json!({"seconds": 60})).await.json();
    assert_eq!(moved["now"], "2026-11-27T09:01:00Z");

    let fault = json!({"effect": "unauthorized", "times": 100});
    control(&n, "POST", "instances/mine/faults", fault).await;
    assert_eq!(n.call(&token, "GET", "users/me", None).await.status, StatusCode::UNAUTHORIZED);
    n.ok("GET", "users/me", None).await;

    let mine = control(&n, "GET", "instances/mine/journal", Value::Null).await.json();
    let first = control(&n, "GET", "journal", Value::Null).await.json();
    assert_eq!(mine["entries"].as_array().map(Vec::len), Some(1), "{mine}");
    assert_eq!(first["entries"].as_array().map(Vec::len), Some(1), "{first}");
}

#[tokio::test]
async fn consent_and_tokens_find_their_instance_by_the_client() {
    let n = notion().await;
    let client = json!({"client_id": "theirs", "client_secret": "s", "name": "Theirs", "redirect_uris": [REDIRECT_URI]});
    made(&n, json!({"name": "oauth", "clients": [client]})).await;
    let authorize = n.authorize("").replace("client_id=client", "client_id=theirs");
    let address: String = url::form_urlencoded::byte_serialize(REDIRECT_URI.as_bytes()).collect();
    let authorize = authorize.split("redirect_uri=").next().expect("a start").to_owned();
    let authorize = format!("{authorize}redirect_uri={address}&response_type=code&owner=user");
    let mut page = n.send("GET", &authorize, &[], String::new()).await.expect("a page");
    for _ in 0..3 {
        page = n.submit(&page, &[]).await;
    }
    let code = parameter(&page.location(), "code").unwrap_or_else(|| panic!("no code: {}", page.text()));
    let mut body = exchange(&code);
    body["redirect_uri"] = REDIRECT_URI.into();
    // base64 of `theirs:s`
    let headers = [("authorization", "Basic dGhlaXJzOnM="), ("content-type", "application/json")];
    let pair = n.send("POST", "/v1/oauth/token", &headers, body.to_string()).await.expect("an answer").json();
    let token = text(&pair, "access_token");
    assert!(token.starts_with("ntn_emulator_oauth_"), "the name leads there");
    assert_eq!(n.call(&token, "GET", "users/me", None).await.json()["name"], "Theirs");
    // Strict libraries encode the client id: it leads to the same instance, whose switches decide. Base64 of `t%68eirs:s`.
    let headers = [("authorization", "Basic dCU2OGVpcnM6cw=="), ("content-type", "application/json")];
    for (basic, status) in [("raw", 401), ("either", 200)] {
        control(&n, "PUT", "instances/oauth/switches", json!({"basic": basic})).await;
        let token = json!({"token": token}).to_string();
        let asked = n.send("POST", "/v1/oauth/introspect", &headers, token).await.expect("an answer");
        assert_eq!((asked.status.as_u16(), asked.json()["active"] == true), (status, status == 200));
    }
    let journal = control(&n, "GET", "journal", Value::Null).await.json();
    assert_eq!(journal["entries"], json!([]), "the first saw nothing of it");
}

#[tokio::test]
async fn what_cannot_be_told_apart_is_refused() {
    let n = notion().await;
    made(&n, json!({"name": "one"})).await;
    let client = json!({"client_id": "client", "client_secret": "s", "name": "C", "redirect_uris": []});
    let cases = [
        (json!({"name": "one"}), "An instance has this name"),
        (json!({"name": "No"}), "A name is 1 to 40"),
        (json!({"clients": [client]}), "leads to another instance"),
        (json!({"seed": {"workspaces": []}}), "The seed cannot be planted"),
        (json!({"nmae": "one"}), "unknown field `nmae`"),
    ];
    for (body, why) in cases {
        let reply = control(&n, "POST", "instances", body).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST);
        assert!(text(&reply.json(), "message").contains(why), "{}", reply.text());
    }
    assert_eq!(control(&n, "DELETE", "instances/two", Value::Null).await.status, StatusCode::NOT_FOUND);
    assert_eq!(control(&n, "GET", "instances/two/clock", Value::Null).await.status, StatusCode::NOT_FOUND);
    let nested = control(&n, "GET", "instances/one/instances", Value::Null).await;
    assert_eq!(nested.status, StatusCode::NOT_FOUND, "an instance has no instances");
}

#[tokio::test]
async fn a_client_id_leads_to_one_emulator_however_it_comes_there() {
    let n = notion().await;
    let client = |id: &str| json!({"client_id": id, "client_secret": "s", "name": "C", "redirect_uris": []});
    made(&n, json!({"name": "one", "clients": [client("ones")]})).await;
    made(&n, json!({"name": "two"})).await;
    let ids = async |instance: &str| {
        let clients = control(&n, "GET", &format!("{instance}clients"), Value::Null).await.json();
        let ids: Vec<String> =
            clients["clients"].as_array().expect("clients").iter().map(|c| text(c, "client_id")).collect();
        ids
    };
    for (whose, taken) in [("instances/two/", "ones"), ("instances/two/", "client"), ("", "ones")] {
        let before = ids(whose).await;
        let workspaces = json!([{"name": "W", "pages": [{}]}]);
        let seed = json!({"people": [{"name": "P", "email": "p@w.example"}], "workspaces": workspaces, "clients": [client(taken)]});
        for (path, body) in [("clients", client(taken)), ("reset", seed)] {
            let reply = control(&n, "POST", &format!("{whose}{path}"), body).await;
            assert_eq!(reply.status, StatusCode::CONFLICT, "{whose}{path} {taken}: {}", reply.text());
            assert!(text(&reply.json(), "message").contains("leads to another instance"), "{}", reply.text());
        }
        assert_eq!(ids(whose).await, before);
    }
    let theirs = control(&n, "GET", "snapshot", Value::Null).await.json();
    let loaded = control(&n, "PUT", "instances/two/snapshot", theirs).await;
    assert!(text(&loaded.json(), "message").contains("leads to another instance"), "{}", loaded.text());
    for (whose, own) in [("instances/one/", "ones"), ("", "client"), ("instances/two/", "new")] {
        let reply = control(&n, "POST", &format!("{whose}clients"), client(own)).await;
        assert_eq!(reply.status, StatusCode::NO_CONTENT, "its own, again: {}", reply.text());
    }
}

#[tokio::test]
async fn the_controls_of_an_instance_refuse_other_sites_too() {
    let n = notion().await;
    made(&n, json!({"name": "one"})).await;
    for path in ["instances", "instances/one/internal"] {
        let headers = [("host", "evil.example")];
        let reply =
            n.send("GET", &format!("/_emulator/{path}"), &headers, String::new()).await.expect("an answer");
        assert_eq!(reply.status, StatusCode::FORBIDDEN, "{path}");
    }
}

#[test]
fn an_instance_keeps_its_token_when_it_loads_the_snapshot_of_another() {
    let first = Emulator::new(Options::default());
    let one = first.add_instance(Some("one".to_owned()), Options::default()).expect("an instance");
    let before = one.internal_token();
    one.load(&first.snapshot()).expect("it loads");
    assert_eq!(one.internal_token(), before);
    let own = one.snapshot();
    one.reset();
    one.load(&own).expect("it loads");
    assert_eq!(one.internal_token(), before);
    let again = first.add_instance(Some("one".to_owned()), Options::default());
    assert_eq!(again.err(), Some(InstanceError::Taken));
}
