//! What a workspace's plan allows: the size of uploads, and a thousand blocks for life on the free one.

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::support::{Notion, notion, text};

const NORTHWIND: &str = "7a902c1e-5b3d-4f60-8e17-3f0a9c44a001";

async fn on_the_free_plan() -> Notion {
    let n = notion().await;
    let path = format!("/_emulator/workspaces/{NORTHWIND}");
    assert_eq!(n.control("PATCH", &path, json!({"plan": "free"})).await.status, StatusCode::NO_CONTENT);
    n
}

/// Makes blocks until the workspace has made a thousand.
async fn fill(n: &Notion) {
    let children = format!("blocks/{}/children", n.running.emulator.root_page_id());
    let hundred: Vec<Value> = (0..100).map(|_| json!({"divider": {}})).collect();
    for _ in 0..10 {
        n.ok("PATCH", &children, Some(json!({"children": hundred}))).await;
    }
}

#[tokio::test]
async fn the_plan_decides_how_large_an_upload_may_be() {
    let n = notion().await;
    let limit = async |n: &Notion| {
        n.ok("GET", "users/me", None).await["bot"]["workspace_limits"]["max_file_upload_size_in_bytes"]
            .clone()
    };
    assert_eq!(limit(&n).await, 5_368_709_120_u64);
    assert_eq!(limit(&on_the_free_plan().await).await, 5_242_880);
}

#[tokio::test]
async fn a_free_workspace_makes_no_blocks_once_its_grace_is_over() {
    let n = on_the_free_plan().await;
    fill(&n).await;
    let children = format!("blocks/{}/children", n.running.emulator.root_page_id());
    let one = json!({"children": [{"divider": {}}]});
    n.ok("PATCH", &children, Some(one.clone())).await;
    n.running.emulator.advance(Duration::from_hours(3 * 24));
    let token = n.running.emulator.internal_token();
    let refused = n.call(&token, "PATCH", &children, Some(one)).await;
    assert_eq!(refused.refusal(), "403, restricted_resource");
    assert_eq!(refused.json()["additional_data"], json!({"block_limit": "block_creation"}));
    let root = n.running.emulator.root_page_id();
    n.ok("PATCH", &format!("pages/{root}"), Some(json!({"icon": null}))).await;
}

#[tokio::test]
async fn what_any_workspace_can_install_has_no_block_limit() {
    let n = on_the_free_plan().await;
    fill(&n).await;
    n.running.emulator.advance(Duration::from_hours(4 * 24));
    let token = text(&n.pair().await, "access_token");
    let children = format!("blocks/{}/children", n.running.emulator.root_page_id());
    let made = n.call(&token, "PATCH", &children, Some(json!({"children": [{"divider": {}}]}))).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text());
    let listed = n.control("GET", "/_emulator/workspaces", Value::Null).await.json();
    assert!(listed["workspaces"][0]["blocks_made"].as_u64().unwrap() > 1_000);
}
