//! Every route that takes a name of something, with every caller, and the name of its own, of another integration's and of
//! nothing: another's and nothing get the same answer, and nothing of another's is moved by it.

use std::time::Duration;

use axum::http::StatusCode;
use base64::Engine as _;
use gateway::KeyKind;
use serde_json::{Value, json};

use crate::support::{House, RETURN_URL, Reply, basic, house};

/// Names of one integration's things.
#[derive(Clone)]
struct Names {
    connection: String,
    session: String,
    attempt: String,
    key: String,
    key_text: String,
    code: String,
    end_user: String,
}

/// All that an integration has one of, with an app key.
async fn things(t: &House, app_key: &str, end_user: &str) -> Names {
    let api =
        async |method: &str, path: &str, body: Option<Value>| t.call_as(app_key, method, path, body).await;
    let returned = async |person| {
        let asked = json!({"end_user": end_user, "return_url": RETURN_URL});
        let session = api("POST", "/api/connect-sessions", Some(asked)).await.json();
        let mut browser = t.browser();
        browser.person = person;
        let back = browser.connect(session["url"].as_str().unwrap()).await;
        (
            session["id"].as_str().unwrap().to_owned(),
            back.query("code").unwrap(),
            back.query("attempt").unwrap(),
        )
    };
    let (session, code, attempt) = returned(0).await;
    let redeemed = api("POST", "/api/connections", Some(json!({"code": code, "end_user": end_user}))).await;
    let connection = redeemed.json()["id"].as_str().unwrap().to_owned();
    let minted = api("POST", &format!("/api/connections/{connection}/keys"), None).await.json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let (key, key_text) = (text(&minted["id"]), text(&minted["key"]));
    let (_, code, _) = returned(1).await;
    Names { connection, session, attempt, key, key_text, code, end_user: end_user.to_owned() }
}

/// Of the same form, and of nothing.
fn none_like(id: &str) -> String {
    let (before, end) = id.split_at(id.len() - 6);
    format!("{before}{}", if end == "000000" { "111111" } else { "000000" })
}

/// `{C}` and its kin stand for what is named, `{OWN}` for the caller's own connection.
const ROUTES: [(&str, &str, &str); 32] = [
    ("GET", "/api/connections/{C}", ""),
    ("PATCH", "/api/connections/{C}", r#"{"end_user": "x"}"#),
    ("POST", "/api/connections/{C}/refresh", ""),
    ("POST", "/api/connections/{C}/introspect", ""),
    ("GET", "/api/connections/{C}/keys", ""),
    ("POST", "/api/connections/{C}/keys", ""),
    ("DELETE", "/api/connections/{C}/keys/{K}", ""),
    ("DELETE", "/api/connections/{OWN}/keys/{K}", ""),
    ("DELETE", "/api/connections/{C}", ""),
    ("GET", "/api/connections?end_user={U}", ""),
    ("GET", "/api/connections?cursor={C}", ""),
    ("DELETE", "/api/connections?end_user={U}", ""),
    ("POST", "/api/connections", r#"{"code": "{O}", "end_user": "{U}"}"#),
    ("POST", "/api/connections", r#"{"code": "{O}", "end_user": "somebody"}"#),
    ("POST", "/api/connect-sessions", r#"{"end_user": "x", "return_url": "{R}", "reconnect": "{C}"}"#),
    ("GET", "/api/connect-sessions/{S}", ""),
    ("GET", "/api/attempts/{A}", ""),
    ("GET", "/api/attempts/{A}.svg", ""),
    ("GET", "/api/attempts/{A}.mmd", ""),
    ("GET", "/api/attempts?end_user={U}", ""),
    ("GET", "/notion/{C}/v1/users/me", ""),
    ("HEAD", "/notion/{C}/v1/users/me", ""),
    ("POST", "/notion/{C}/v1/search", "{}"),
    ("PATCH", "/notion/{C}/v1/pages/x", "{}"),
    ("DELETE", "/notion/{C}/v1/blocks/x", ""),
    ("GET", "/notion/{C}/v1/oauth/token", ""),
    ("PUT", "/notion/{C}/v1/users/me", ""),
    ("GET", "/notion/{C}/users/me", ""),
    ("POST", "/v1/oauth/introspect", r#"{"token": "{T}"}"#),
    ("POST", "/v1/oauth/revoke", r#"{"token": "{T}"}"#),
    ("POST", "/v1/oauth/token", r#"{"grant_type": "refresh_token", "refresh_token": "{T}"}"#),
    (
        "POST",
        "/v1/oauth/token",
        r#"{"grant_type": "authorization_code", "code": "{O}", "redirect_uri": "https://app.example/auth/notion/callback"}"#,
    ),
];

fn filled(text: &str, own: &Names, named: &Names) -> String {
    [
        ("{C}", &named.connection),
        ("{S}", &named.session),
        ("{A}", &named.attempt),
        ("{K}", &named.key),
        ("{T}", &named.key_text),
        ("{O}", &named.code),
        ("{U}", &named.end_user),
        ("{OWN}", &own.connection),
        ("{R}", &RETURN_URL.to_owned()),
    ]
    .iter()
    .fold(text.to_owned(), |text, (sign, name)| text.replace(sign, name))
}

/// An answer without what is new in each, and without the name that was asked for.
fn seen(reply: &Reply, named: &Names) -> String {
    let mut headers: Vec<String> = Vec::new();
    for (name, value) in &reply.headers {
        if !["date", "vestibule-request-id", "content-length"].contains(&name.as_str()) {
            headers.push(format!("{name}: {}", value.to_str().unwrap()));
        }
    }
    headers.sort();
    let body = reply.text().replace(reply.header("vestibule-request-id"), "ID");
    let names = [&named.connection, &named.session, &named.attempt, &named.key, &named.end_user];
    let body = names.iter().fold(body, |body, name| body.replace(*name, "NAME"));
    format!("{} {headers:?} {body}", reply.status)
}

#[tokio::test]
async fn what_is_anothers_is_answered_like_what_is_nothing_whoever_asks_for_it() {
    let t = house().await;
    let other_key = t.foreign_key(KeyKind::App).await;
    let own = things(&t, &t.app_key, "ada").await;
    let foreign = things(&t, &other_key, "bob").await;
    let missing = Names {
        connection: none_like(&foreign.connection),
        session: none_like(&foreign.session),
        attempt: none_like(&foreign.attempt),
        key: none_like(&foreign.key),
        key_text: none_like(&foreign.key_text),
        code: none_like(&foreign.code),
        end_user: "nobody".to_owned(),
    };
    let bearer = |key: &str| format!("Bearer {key}");
    let callers = [
        ("an app key", bearer(&t.app_key)),
        ("a connection key", bearer(&own.key_text)),
        ("an app secret", bearer(&t.app_secret)),
        ("an app secret as Basic", t.basic()),
        ("an app secret under another name", basic("client-other", &t.app_secret)),
        ("a key that is none", bearer(&none_like(&t.app_key))),
        ("a token of Notion's", bearer("ntn_123")),
        ("no Basic", format!("Basic {}", base64::engine::general_purpose::STANDARD.encode("x"))),
        ("nobody", String::new()),
    ];
    let mut kinds = std::collections::BTreeSet::new();
    for (method, path, body) in ROUTES {
        for (caller, authorization) in &callers {
            let ask = async |named: &Names| {
                let body = (!body.is_empty()).then(|| filled(body, &own, named));
                let body = body.map(|body| serde_json::from_str(&body).unwrap());
                let mut headers = vec![("authorization", authorization.as_str())];
                headers.retain(|(_, value)| !value.is_empty());
                seen(&t.send(method, &filled(path, &own, named), &headers, body).await, named)
            };
            let (of_another, of_nothing) = (ask(&foreign).await, ask(&missing).await);
            assert_eq!(of_another, of_nothing, "{method} {path} {body}, {caller}");
            kinds.insert(of_another);
        }
    }
    assert!(kinds.len() > 20, "they are of many kinds: {}", kinds.len());
    // What they name is there, and was not touched.
    for (app_key, names) in [(&t.app_key, &own), (&other_key, &foreign)] {
        t.passing(Duration::from_mins(1), untouched(&t, app_key, names)).await;
    }
}

async fn untouched(t: &House, app_key: &str, names: &Names) {
    let paths = [
        "/api/connections/{C}",
        "/api/connect-sessions/{S}",
        "/api/attempts/{A}.svg",
        "/notion/{C}/v1/users/me",
    ];
    for path in paths {
        let reply = t.call_as(app_key, "GET", &filled(path, names, names), None).await;
        assert_eq!(reply.status, StatusCode::OK, "{path}: {}", reply.text());
    }
    let shown =
        t.call_as(app_key, "GET", &format!("/api/connections/{}", names.connection), None).await.json();
    assert_eq!(
        (shown["state"].as_str(), shown["end_user"].as_str()),
        (Some("active"), Some(&*names.end_user))
    );
    let called = t.call_as(&names.key_text, "GET", "/v1/users/me", None).await;
    assert_eq!(called.status, StatusCode::OK, "its key lives: {}", called.text());
    let body = json!({"code": names.code, "end_user": names.end_user});
    let redeemed = t.call_as(app_key, "POST", "/api/connections", Some(body)).await;
    assert_eq!(redeemed.status, StatusCode::OK, "its code is unspent: {}", redeemed.text());
}
