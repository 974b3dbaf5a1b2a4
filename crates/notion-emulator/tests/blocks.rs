//! Blocks of every kind: what can be made, what an answer shows, what an update may change.

use serde_json::{Value, json};

use crate::support::{Notion, notion, text};

/// The children of a block in a version.
async fn children(n: &Notion, version: &str, id: &str) -> Vec<Value> {
    let token = n.running.emulator.internal_token();
    let list = n.call_in(version, &token, "GET", &format!("blocks/{id}/children"), None).await.json();
    list["results"].as_array().unwrap_or_else(|| panic!("{list}")).clone()
}

#[tokio::test]
async fn what_only_the_app_makes_is_shown_under_its_versions_name() {
    let n = notion().await;
    let found = n.ok("POST", "search", Some(json!({"query": "Portal kickoff"}))).await;
    let page = text(&found["results"][0], "id");
    let new = children(&n, "2026-03-11", &page).await;
    let kinds: Vec<&str> = new.iter().map(|block| block["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["meeting_notes", "link_preview", "unsupported"]);
    assert_eq!(new[0]["meeting_notes"]["status"], "notes_ready");
    assert_eq!(new[1]["link_preview"]["url"], "https://tickets.northwind.example/412");
    assert_eq!(new[2]["unsupported"], json!({"block_type": "button"}));
    let old = children(&n, "2025-09-03", &page).await;
    assert_eq!(old[0]["type"], "transcription");
    let notes = text(&old[0], "id");
    assert_eq!(
        old[0]["transcription"]["children"]["summary_block_id"],
        children(&n, "2025-09-03", &notes).await[0]["id"]
    );
}

#[tokio::test]
async fn a_synced_copy_shows_what_its_original_holds() {
    let n = notion().await;
    let root = n.running.emulator.root_page_id();
    let path = format!("blocks/{root}/children");
    let words = json!({"paragraph": {"rich_text": [{"text": {"content": "once"}}]}});
    let original = json!({"children": [{"synced_block": {"synced_from": null, "children": [words]}}]});
    let original = text(&n.ok("PATCH", &path, Some(original)).await["results"][0], "id");
    let copy = json!({"children": [{"synced_block": {"synced_from": {"block_id": original}}}]});
    let copy = n.ok("PATCH", &path, Some(copy)).await["results"][0].clone();
    assert_eq!(copy["has_children"], true);
    assert_eq!(copy["synced_block"]["synced_from"], json!({"type": "block_id", "block_id": original}));
    let shown = children(&n, "2025-09-03", &text(&copy, "id")).await;
    assert_eq!(shown[0]["paragraph"]["rich_text"][0]["plain_text"], "once");
    assert_eq!(shown[0]["parent"]["block_id"], original);
}
