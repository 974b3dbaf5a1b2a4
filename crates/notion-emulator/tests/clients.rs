//! What other people's client libraries rely on, as their recordings of Notion show it.

use serde_json::{Value, json};

use crate::support::{Notion, notion, text};

/// A block of its own on the root page.
async fn block(n: &Notion, block: Value) -> Value {
    let root = n.running.emulator.root_page_id();
    let path = format!("blocks/{root}/children");
    n.ok("PATCH", &path, Some(json!({"children": [block]}))).await["results"][0].clone()
}

/// The name of a file block after an update to another.
async fn renamed(n: &Notion, file: Value, name: &str) -> String {
    let id = text(&block(n, json!({"file": file})).await, "id");
    let update = json!({"type": "file", "file": {"name": name, "caption": []}});
    text(&n.ok("PATCH", &format!("blocks/{id}"), Some(update)).await["file"], "name")
}

#[tokio::test]
async fn a_file_that_is_renamed_keeps_its_ending() {
    let n = notion().await;
    let robots =
        || json!({"external": {"url": "https://www.example/robots.txt?v=1.5"}, "name": "robots.txt"});
    assert_eq!(renamed(&n, robots(), "my_robot").await, "my_robot.txt");
    assert_eq!(
        renamed(&n, robots(), "my_robot.txt").await,
        "my_robot.txt",
        "the one that it brings is not doubled"
    );
    assert_eq!(renamed(&n, robots(), "my_robot.md").await, "my_robot.md");
    let unnamed = json!({"external": {"url": "https://www.example/plan.pdf?v=1.5"}});
    assert_eq!(renamed(&n, unnamed, "Plan, version 2. final").await, "Plan, version 2. final.pdf");
    let bare = json!({"external": {"url": "https://www.example/"}, "name": "LICENSE"});
    assert_eq!(renamed(&n, bare, "COPYING").await, "COPYING");
}
