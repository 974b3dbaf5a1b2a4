//! The rights of whoever authorized an integration bound what it may do, page by page.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::support::{Notion, notion, text};

const ADA: &str = "1d3f5a70-42c8-4be1-9a61-0c5e7d20b001";

/// Gives Ada, who authorized the integration, a right on a page.
async fn may(n: &Notion, page: &str, right: Value) {
    let body = json!({"page_id": page, "person_id": ADA, "right": right});
    assert_eq!(n.control("PUT", "/_emulator/rights", body).await.status, StatusCode::NO_CONTENT);
}

/// What reading, commenting on and changing a page answer.
async fn tried(n: &Notion, token: &str, page: &str) -> [u16; 3] {
    let path = format!("pages/{page}");
    let comment = json!({"parent": {"page_id": page}, "rich_text": [{"text": {"content": "hm"}}]});
    let calls = [
        ("GET", path.as_str(), None),
        ("POST", "comments", Some(comment)),
        ("PATCH", path.as_str(), Some(json!({"icon": null}))),
    ];
    let mut answers = [0; 3];
    for (answer, (method, path, body)) in answers.iter_mut().zip(calls) {
        *answer = n.call(token, method, path, body).await.status.as_u16();
    }
    answers
}

#[tokio::test]
async fn each_right_allows_what_the_ones_before_it_do_not() {
    let n = notion().await;
    let token = text(&n.pair().await, "access_token");
    let root = n.running.emulator.root_page_id();
    for (right, answers) in [
        ("none", [404, 404, 404]),
        ("read", [200, 403, 403]),
        ("comment", [200, 200, 403]),
        ("edit", [200, 200, 200]),
        ("full_access", [200, 200, 200]),
    ] {
        may(&n, &root, json!(right)).await;
        assert_eq!(tried(&n, &token, &root).await, answers, "{right}");
    }
    may(&n, &root, json!("read")).await;
    let refused = n.call(&token, "PATCH", &format!("pages/{root}"), Some(json!({"icon": null}))).await;
    assert_eq!(refused.refusal(), "403, restricted_resource");
}

#[tokio::test]
async fn a_right_holds_below_until_a_page_says_otherwise() {
    let n = notion().await;
    let token = text(&n.pair().await, "access_token");
    let root = n.running.emulator.root_page_id();
    let found = n.ok("POST", "search", Some(json!({"query": "Meeting notes"}))).await;
    let below = text(&found["results"][0], "id");
    may(&n, &root, json!("read")).await;
    assert_eq!(tried(&n, &token, &below).await, [200, 403, 403]);
    may(&n, &below, json!("edit")).await;
    assert_eq!(tried(&n, &token, &below).await, [200, 200, 200]);
    assert_eq!(tried(&n, &token, &root).await, [200, 403, 403]);
    may(&n, &below, json!("none")).await;
    let search = n.call(&token, "POST", "search", Some(json!({"query": "Meeting notes"}))).await.json();
    assert_eq!(search["results"], json!([]));
    may(&n, &below, Value::Null).await;
    assert_eq!(tried(&n, &token, &below).await, [200, 403, 403]);
    let listed = n.control("GET", "/_emulator/rights", Value::Null).await.json();
    assert_eq!(listed["rights"], json!([{"page_id": root, "person_id": ADA, "right": "read"}]));
}

#[tokio::test]
async fn a_page_that_is_kept_from_somebody_is_in_no_list() {
    let n = notion().await;
    let token = text(&n.pair().await, "access_token");
    let root = n.running.emulator.root_page_id();
    let tracker =
        n.ok("POST", "search", Some(json!({"query": "Project tracker"}))).await["results"][0].clone();
    let query = format!("data_sources/{}/query", text(&tracker, "id"));
    let row = text(&n.ok("POST", &query, Some(json!({}))).await["results"][0], "id");
    let notes = n.ok("POST", "search", Some(json!({"query": "Meeting notes"}))).await;
    let notes = text(&notes["results"][0], "id");
    let children = format!("blocks/{root}/children");
    let listed = async || {
        let mut ids = Vec::new();
        for (method, path, body) in [("POST", &query, Some(json!({}))), ("GET", &children, None)] {
            let list = n.call(&token, method, path, body).await.json();
            ids.extend(list["results"].as_array().unwrap().iter().map(|one| text(one, "id")));
        }
        (ids.contains(&row), ids.contains(&notes), ids.len())
    };
    let (_, _, all) = listed().await;
    assert_eq!(listed().await, (true, true, all));
    may(&n, &row, json!("none")).await;
    may(&n, &notes, json!("none")).await;
    assert_eq!(listed().await, (false, false, all - 2));
}

#[tokio::test]
async fn only_pages_of_full_access_can_be_picked() {
    let n = notion().await;
    let root = n.running.emulator.root_page_id();
    may(&n, &root, json!("edit")).await;
    let mut page = n.send("GET", &n.authorize(""), &[], String::new()).await.unwrap();
    for _ in 0..2 {
        page = n.submit(&page, &[]).await;
    }
    let text = page.text();
    assert!(!text.contains("Product home") && !text.contains("Project tracker"), "{text}");
    assert!(text.contains("Reading list"));
}

#[tokio::test]
async fn a_right_on_nothing_or_for_nobody_is_not_found() {
    let n = notion().await;
    let root = n.running.emulator.root_page_id();
    for body in [
        json!({"page_id": ADA, "person_id": ADA, "right": "read"}),
        json!({"page_id": root, "person_id": root, "right": "read"}),
    ] {
        assert_eq!(n.control("PUT", "/_emulator/rights", body).await.status, StatusCode::NOT_FOUND);
    }
}
