//! The walk: link, consent, callback, sealed token, API call. Read this first.

use axum::http::StatusCode;
use serde_json::json;

use crate::support::{RETURN_URL, house};

#[tokio::test]
async fn a_user_connects_and_the_app_reads_and_changes_their_pages() {
    let t = house().await;

    // The app's back end mints a link for one of its users.
    let asked = json!({"end_user": "user-7", "return_url": RETURN_URL});
    let session = t.api("POST", "/api/connect-sessions", Some(asked)).await;
    assert_eq!(session.status, StatusCode::CREATED);
    let session = session.json();
    let link = session["url"].as_str().unwrap();

    // The browser opens it and is sent to Notion, bound by a cookie.
    let mut browser = t.browser();
    let callback = browser.consent(link).await;
    assert!(callback.starts_with(&format!("{}/callback/demo?code=", t.url)), "{callback}");
    assert_eq!(browser.cookies.len(), 1);

    // Notion sends it back; our code goes on to the app, and the cookie has done its work.
    let back = browser.open(&callback).await;
    assert_eq!(back.status, StatusCode::SEE_OTHER);
    assert!(back.location().starts_with(&format!("{RETURN_URL}?code=")), "{}", back.location());
    assert!(browser.cookies.is_empty());
    let (code, attempt) = (back.query("code").unwrap(), back.query("attempt").unwrap());

    // Until the app redeems it, nothing works.
    let pending = t.api("GET", "/api/connections?state=pending", None).await.json();
    let id = pending["data"][0]["id"].as_str().unwrap().to_owned();
    let early = t.api("GET", &format!("/notion/{id}/v1/users/me"), None).await;
    assert_eq!(early.refusal(), "401, pending");

    // The app redeems it for the user of its own session.
    let connection = t.redeem(&code, "user-7").await.json();
    assert_eq!(connection["id"], id.as_str());
    assert_eq!(connection["state"], "active");
    assert_eq!(connection["end_user"], "user-7");
    assert_eq!(connection["workspace"]["name"], "Northwind Studio");
    assert_eq!(connection["owner"]["email"], "ada@northwind.example");

    // And calls Notion as that user, with an id and its own key.
    let me = t.api("GET", &format!("/notion/{id}/v1/users/me"), None).await;
    assert_eq!(me.status, StatusCode::OK, "{}", me.text());
    assert_eq!(me.json()["id"], connection["bot_id"]);
    assert_eq!(me.header("x-notion-request-id"), me.json()["request_id"].as_str().unwrap());
    assert_ne!(me.header("vestibule-request-id"), "");

    // The attempt tells the whole story.
    let attempt = t.attempt(&attempt).await;
    assert_eq!(attempt["outcome"], "connected");
    assert_eq!(attempt["connect_session_id"], session["id"]);
    let story: Vec<&str> =
        attempt["steps"].as_array().unwrap().iter().map(|step| step["what"].as_str().unwrap()).collect();
    let expected = [
        "Ask for a connect link",
        "Open the connect link",
        "Redirect to Notion's consent screen",
        "Choose a workspace and pages",
        "Callback with a code",
        "Exchange the code",
        "Access and refresh token",
        "Seal the tokens and store them",
        "Return with a code of ours",
        "Redeem the code",
        "The connection is live",
        "First API call",
        "Forwarded with the user's token",
        "200 OK",
    ];
    assert_eq!(story, expected);

    // Disconnecting revokes at Notion and ends the calls.
    let gone = t.api("DELETE", &format!("/api/connections/{id}"), None).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    assert_eq!(t.notion_calls("/v1/oauth/revoke"), 1);
    let expected =
        ["key.minted", "key.minted", "connection.connected", "connection.disconnected", "connection.revoked"];
    assert_eq!(t.events().await, expected);
    let after = t.api("GET", &format!("/notion/{id}/v1/users/me"), None).await;
    assert_eq!(after.refusal(), "401, disconnected");
    assert_eq!(t.api("GET", &format!("/api/connections/{id}"), None).await.json()["state"], "disconnected");
}
