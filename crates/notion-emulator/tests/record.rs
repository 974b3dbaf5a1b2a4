//! Writing exchanges down: enough to tell the story again, and nothing secret.

use std::path::Path;

use notion_emulator::{Options, Recorder};
use serde_json::{Value, json};

use crate::support::notion_from;

#[tokio::test]
async fn what_was_asked_and_answered_is_written_down_without_a_token() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("record.jsonl");
    let record = Some(Recorder::create(&file).expect("a file"));
    let n = notion_from(Options { record, ..Options::default() }).await;
    let token = n.running.emulator.internal_token();
    let found = n.ok("POST", "search?x=1", Some(json!({"query": "Project"}))).await;
    n.call(&token, "GET", "nowhere", None).await;
    n.oauth("token", json!({"grant_type": "refresh_token", "refresh_token": "secret"})).await;

    let written = std::fs::read_to_string(&file).expect("written");
    assert!(!written.contains(&token) && !written.contains("refresh_token"), "{written}");
    let lines: Vec<Value> = written.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(
        lines[0],
        json!({
            "notion_version": "2025-09-03",
            "method": "POST",
            "path": "/v1/search?x=1",
            "request": {"query": "Project"},
            "status": 200,
            "response": found,
        })
    );
    assert_eq!((&lines[1]["request"], &lines[1]["status"]), (&Value::Null, &json!(400)));
    assert_eq!(lines.len(), 2);
}
