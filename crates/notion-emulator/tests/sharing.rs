//! Sharing follows pages as they move; the trash holds what is below a page. What each endpoint says to what is not shared is
//! in `refusals`.

use serde_json::{Value, json};

use crate::support::{Notion, notion, text};

/// The reading list, which the consent of these tests leaves out.
async fn unshared(n: &Notion) -> String {
    let found = n.ok("POST", "search", Some(json!({"query": "Reading list"}))).await;
    text(&found["results"][0], "id")
}

#[tokio::test]
async fn sharing_is_gained_and_lost_by_moves() {
    let n = notion().await;
    let token = text(&n.pair().await, "access_token");
    let root = n.running.emulator.root_page_id();
    let elsewhere = unshared(&n).await;
    let page = json!({"parent": {"page_id": root}, "properties": {}});
    let page = text(&n.ok("POST", "pages", Some(page)).await, "id");
    let status = async || n.call(&token, "GET", &format!("pages/{page}"), None).await.status.as_u16();
    assert_eq!(status().await, 200);
    let path = format!("pages/{page}/move");
    n.ok("POST", &path, Some(json!({"parent": {"page_id": elsewhere}}))).await;
    assert_eq!(status().await, 404);
    n.ok("POST", &path, Some(json!({"parent": {"page_id": root}}))).await;
    assert_eq!(status().await, 200);
    let away = n.call(&token, "POST", &path, Some(json!({"parent": {"page_id": elsewhere}}))).await;
    assert_eq!(away.refusal(), "404, object_not_found", "nobody moves a page to where they see nothing");
}

#[tokio::test]
async fn what_is_below_a_page_in_the_trash_is_there_with_it() {
    let n = notion().await;
    let root = n.running.emulator.root_page_id();
    let token = n.running.emulator.internal_token();
    let words = json!([{"text": {"content": "x"}}]);
    let body = json!({"parent": {"page_id": root}, "properties": {}, "children": [{"paragraph": {"rich_text": words}}]});
    let page = text(&n.ok("POST", "pages", Some(body)).await, "id");
    let below = json!({"parent": {"page_id": page}, "properties": {}});
    let below = text(&n.ok("POST", "pages", Some(below)).await, "id");
    let children = format!("blocks/{page}/children");
    let block = text(&n.ok("GET", &children, None).await["results"][0], "id");
    n.ok("DELETE", &format!("blocks/{page}"), None).await;
    assert_eq!(n.ok("GET", &format!("blocks/{block}"), None).await["in_trash"], true);
    assert_eq!(n.ok("GET", &format!("pages/{below}"), None).await["in_trash"], true);
    for (method, path, body) in [
        ("PATCH", format!("blocks/{block}"), json!({"paragraph": {"rich_text": words}})),
        ("PATCH", format!("pages/{below}"), json!({"in_trash": false})),
        ("DELETE", format!("blocks/{block}"), Value::Null),
        ("PATCH", children.clone(), json!({"children": [{"divider": {}}]})),
        ("POST", "pages".to_owned(), json!({"parent": {"page_id": page}, "properties": {}})),
        ("POST", format!("pages/{below}/move"), json!({"parent": {"page_id": root}})),
    ] {
        let body = Some(body).filter(|body| !body.is_null());
        let reply = n.call(&token, method, &path, body).await;
        assert!(text(&reply.json(), "message").contains("archived"), "{method} {path}: {}", reply.text());
    }
    n.ok("PATCH", &format!("blocks/{page}"), Some(json!({"in_trash": false}))).await;
    assert_eq!(n.ok("GET", &format!("pages/{below}"), None).await["in_trash"], false);
    n.ok("PATCH", &format!("blocks/{block}"), Some(json!({"paragraph": {"rich_text": []}}))).await;
}
