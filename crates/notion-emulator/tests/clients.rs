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

#[tokio::test]
async fn dates_are_compared_to_the_minute() {
    let n = notion().await;
    let (_, source) = n.database("Dates", json!({"Due": {"date": {}}, "Made": {"created_time": {}}})).await;
    let due = |at: &str| json!({"Due": {"date": {"start": at}}});
    let made = n.row(&source, "now", due("2026-06-24T17:33:21.134864+01:00")).await;
    n.row(&source, "then", due("2026-06-24T16:34:05Z")).await;
    let found = async |filter: Value| {
        let path = format!("data_sources/{source}/query");
        let rows = n.ok("POST", &path, Some(json!({"filter": filter}))).await["results"].clone();
        let title = |row: &Value| text(&row["properties"]["Name"]["title"][0], "plain_text");
        rows.as_array().expect("rows").iter().map(title).collect::<Vec<_>>()
    };
    let now = "2026-06-24T17:33:21.134864+01:00";
    for (condition, expected) in
        [("equals", &["now"][..]), ("before", &[]), ("on_or_before", &["now"]), ("after", &["then"])]
    {
        assert_eq!(
            found(json!({"property": "Due", "date": {condition: now}})).await,
            expected,
            "{condition}"
        );
    }
    let minute = text(&n.ok("GET", &format!("pages/{made}"), None).await, "created_time");
    let late = minute.replace(":00.000Z", ":59.999Z");
    assert!(
        found(json!({"property": "Made", "created_time": {"equals": late}}))
            .await
            .contains(&"now".to_owned())
    );
    let timestamp = json!({"timestamp": "created_time", "created_time": {"before": late}});
    assert!(
        !found(timestamp).await.contains(&"now".to_owned()),
        "the minute in which it was made is not before it"
    );
}
