//! Who reaches what: a capability missing is 403, a page not shared 404, on every endpoint alike; and sharing follows
//! pages as they move.

use notion_emulator::{Capabilities, Switches, UserInformation};
use serde_json::{Value, json};

use crate::support::{Notion, notion, text, with};

/// Every endpoint about the page, its block, its comments and the table `source`, with bodies that would do.
fn calls(page: &str, source: &str) -> Vec<(&'static str, String, Option<Value>)> {
    let words = json!([{"text": {"content": "x"}}]);
    let blocks = json!({"children": [{"divider": {}}]});
    vec![
        ("POST", "pages".into(), Some(json!({"parent": {"page_id": page}, "properties": {}}))),
        ("POST", "pages".into(), Some(json!({"parent": {"data_source_id": source}, "properties": {}}))),
        ("GET", format!("pages/{page}"), None),
        ("PATCH", format!("pages/{page}"), Some(json!({"icon": null}))),
        ("GET", format!("pages/{page}/properties/title"), None),
        ("POST", format!("pages/{page}/move"), Some(json!({"parent": {"page_id": page}}))),
        ("GET", format!("blocks/{page}"), None),
        ("PATCH", format!("blocks/{page}"), Some(json!({"in_trash": false}))),
        ("DELETE", format!("blocks/{page}"), None),
        ("GET", format!("blocks/{page}/children"), None),
        ("PATCH", format!("blocks/{page}/children"), Some(blocks)),
        ("GET", format!("data_sources/{source}/templates"), None),
        ("GET", format!("data_sources/{source}"), None),
        ("POST", format!("data_sources/{source}/query"), Some(json!({}))),
        ("GET", format!("comments?block_id={page}"), None),
        ("POST", "comments".into(), Some(json!({"parent": {"page_id": page}, "rich_text": words}))),
    ]
}

/// The reading list, which the consent of these tests leaves out: a page and its table.
async fn unshared(n: &Notion) -> (String, String) {
    let found = n.ok("POST", "search", Some(json!({"query": "Reading list"}))).await;
    let books = n.ok("POST", "search", Some(json!({"query": "Books"}))).await;
    (text(&found["results"][0], "id"), text(&books["results"][0], "id"))
}

#[tokio::test]
async fn every_endpoint_asks_for_its_capability_first() {
    let nothing = Capabilities {
        read_content: false,
        insert_content: false,
        update_content: false,
        read_comments: false,
        insert_comments: false,
        user_information: UserInformation::None,
    };
    let n = with(Switches::default(), nothing).await;
    let token = text(&n.pair().await, "access_token");
    let (page, source) = unshared(&n).await;
    for (method, path, body) in calls(&page, &source) {
        let reply = n.call(&token, method, &path, body).await;
        assert_eq!(reply.refusal(), "403, restricted_resource", "{method} {path}");
    }
    let search = n.call(&token, "POST", "search", Some(json!({}))).await;
    assert_eq!(search.refusal(), "403, restricted_resource");
}

#[tokio::test]
async fn what_is_not_shared_is_not_there() {
    let n = notion().await;
    let token = text(&n.pair().await, "access_token");
    let (page, source) = unshared(&n).await;
    for (method, path, body) in calls(&page, &source) {
        let reply = n.call(&token, method, &path, body).await;
        assert_eq!(reply.refusal(), "404, object_not_found", "{method} {path}");
        assert!(reply.json()["additional_data"]["integration_id"].is_string());
    }
}

#[tokio::test]
async fn sharing_is_gained_and_lost_by_moves() {
    let n = notion().await;
    let token = text(&n.pair().await, "access_token");
    let root = n.running.emulator.root_page_id();
    let (elsewhere, _) = unshared(&n).await;
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
