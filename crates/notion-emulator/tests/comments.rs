//! Comments: whose they are, where they may be made, which are listed.

use axum::http::StatusCode;
use notion_emulator::{Capabilities, Switches};
use serde_json::{Value, json};

use crate::support::{Notion, notion, text, with};

fn words(text: &str) -> Value {
    json!([{"text": {"content": text}}])
}

/// A comment of the internal integration's on the root page.
async fn comment(n: &Notion, more: Value) -> Value {
    let mut body =
        json!({"parent": {"page_id": n.running.emulator.root_page_id()}, "rich_text": words("hm")});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    n.ok("POST", "comments", Some(body)).await
}

async fn listed(n: &Notion, on: &str) -> usize {
    n.ok("GET", &format!("comments?block_id={on}"), None).await["results"].as_array().unwrap().len()
}

#[tokio::test]
async fn only_who_wrote_a_comment_changes_or_deletes_it() {
    let n = notion().await;
    let path = format!("comments/{}", text(&comment(&n, json!({})).await, "id"));
    let token = text(&n.pair().await, "access_token");
    assert_eq!(n.call(&token, "GET", &path, None).await.status, StatusCode::OK);
    let change = n.call(&token, "PATCH", &path, Some(json!({"rich_text": words("no")}))).await;
    assert_eq!(change.refusal(), "404, object_not_found");
    assert_eq!(n.call(&token, "DELETE", &path, None).await.refusal(), "404, object_not_found");
    n.ok("DELETE", &path, None).await;
}

#[tokio::test]
async fn comments_of_a_discussion_that_is_done_are_not_listed() {
    let n = notion().await;
    let root = n.running.emulator.root_page_id();
    let [first, second] = [comment(&n, json!({})).await, comment(&n, json!({})).await];
    assert_eq!(first["discussion_id"], second["discussion_id"], "a page has one open discussion");
    assert_eq!(listed(&n, &root).await, 2);
    let path = format!("/_emulator/discussions/{}/resolve", text(&first, "discussion_id"));
    assert_eq!(n.control("POST", &path, Value::Null).await.status, StatusCode::NO_CONTENT);
    assert_eq!(listed(&n, &root).await, 0);
    n.ok("GET", &format!("comments/{}", text(&first, "id")), None).await;
    let third = comment(&n, json!({})).await;
    assert_ne!(third["discussion_id"], first["discussion_id"], "what is done is not taken up again");
    assert_eq!(listed(&n, &root).await, 1);
    let unknown = format!("/_emulator/discussions/{root}/resolve");
    assert_eq!(n.control("POST", &unknown, Value::Null).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_comment_hangs_from_one_thing_that_is_not_in_the_trash() {
    let n = notion().await;
    let root = n.running.emulator.root_page_id();
    let token = n.running.emulator.internal_token();
    let first = comment(&n, json!({})).await;
    let both = json!({"parent": {"page_id": root}, "discussion_id": first["discussion_id"], "rich_text": words("x")});
    let refused = n.call(&token, "POST", "comments", Some(both)).await;
    assert!(text(&refused.json(), "message").contains("body.parent should be not present"));
    let unknown = json!({"discussion_id": root, "rich_text": words("x")});
    assert_eq!(n.call(&token, "POST", "comments", Some(unknown)).await.refusal(), "404, object_not_found");
    let page = json!({"parent": {"page_id": root}, "properties": {}});
    let page = text(&n.ok("POST", "pages", Some(page)).await, "id");
    let on_page = json!({"parent": {"page_id": page}, "rich_text": words("x")});
    n.ok("POST", "comments", Some(on_page.clone())).await;
    n.ok("PATCH", &format!("pages/{page}"), Some(json!({"in_trash": true}))).await;
    let refused = n.call(&token, "POST", "comments", Some(on_page)).await;
    assert!(text(&refused.json(), "message").contains("archived"));
    assert_eq!(listed(&n, &page).await, 1, "what was said there can still be read");
}

#[tokio::test]
async fn a_comment_shows_under_the_name_that_was_asked_for() {
    let n = notion().await;
    let root = n.running.emulator.root_page_id();
    let token = text(&n.pair().await, "access_token");
    for (asked, shown) in [
        (json!({"type": "integration"}), json!({"type": "integration", "resolved_name": "An integration"})),
        (json!({"type": "user"}), json!({"type": "user", "resolved_name": "Ada Lindqvist"})),
        (
            json!({"type": "custom", "custom": {"name": "Robot"}}),
            json!({"type": "custom", "resolved_name": "Robot"}),
        ),
    ] {
        let body = json!({"parent": {"block_id": root}, "rich_text": words("x"), "display_name": asked});
        let made = n.call(&token, "POST", "comments", Some(body)).await.json();
        assert_eq!(made["display_name"], shown);
    }
}

#[tokio::test]
async fn who_may_write_but_not_read_is_answered_with_ids() {
    let blind = Capabilities { read_comments: false, read_content: false, ..Capabilities::default() };
    let n = with(Switches::default(), blind).await;
    let token = text(&n.pair().await, "access_token");
    let root = n.running.emulator.root_page_id();
    let keys = |made: Value| made.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let body = json!({"parent": {"page_id": root}, "rich_text": words("x")});
    let made = n.call(&token, "POST", "comments", Some(body)).await.json();
    assert_eq!(keys(made), ["object", "id", "request_id"]);
    let body = json!({"parent": {"page_id": root}, "properties": {}});
    assert_eq!(
        keys(n.call(&token, "POST", "pages", Some(body)).await.json()),
        ["object", "id", "request_id"]
    );
    let children = format!("blocks/{root}/children");
    let made = n.call(&token, "PATCH", &children, Some(json!({"children": [{"divider": {}}]}))).await.json();
    assert_eq!(keys(made["results"][0].clone()), ["object", "id"]);
    assert_eq!(n.call(&token, "GET", &children, None).await.refusal(), "403, restricted_resource");
    let path = format!("comments?block_id={root}");
    assert_eq!(n.call(&token, "GET", &path, None).await.refusal(), "403, restricted_resource");
}
