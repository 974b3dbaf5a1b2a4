//! Search behind its time: titles and sharing reach the index late, direct reads are never late.

use std::time::Duration;

use serde_json::{Value, json};

use notion_emulator::{Capabilities, Options, Switches};

use crate::support::{Notion, notion, text, with};

async fn found(n: &Notion, token: &str, query: &str) -> Vec<String> {
    let answer = n.call(token, "POST", "search", Some(json!({"query": query}))).await.json();
    answer["results"]
        .as_array()
        .unwrap_or_else(|| panic!("{answer}"))
        .iter()
        .map(|hit| text(hit, "id"))
        .collect()
}

fn titled(title: &str) -> Value {
    json!({"properties": {"title": {"title": [{"text": {"content": title}}]}}})
}

fn lagging() -> Switches {
    Switches { search_lag_seconds: 30, ..Switches::default() }
}

#[tokio::test]
async fn a_new_title_is_found_late_and_read_at_once() {
    let n = with(lagging(), Capabilities::default()).await;
    let emulator = &n.running.emulator;
    emulator.advance(Duration::ZERO);
    let (token, page) = (emulator.internal_token(), emulator.root_page_id());
    n.ok("PATCH", &format!("pages/{page}"), Some(titled("Zanzibar"))).await;
    let read = n.ok("GET", &format!("pages/{page}"), None).await;
    assert_eq!(read["properties"]["title"]["title"][0]["plain_text"], "Zanzibar");
    assert_eq!(found(&n, &token, "zanzibar").await, [""; 0]);
    assert_eq!(
        found(&n, &token, "product home").await,
        *std::slice::from_ref(&page),
        "under the title that it had"
    );
    emulator.advance(Duration::from_secs(29));
    assert_eq!(found(&n, &token, "zanzibar").await, [""; 0]);
    emulator.advance(Duration::from_secs(1));
    assert_eq!(found(&n, &token, "zanzibar").await, [page]);
    assert_eq!(found(&n, &token, "product home").await, [""; 0]);
}

#[tokio::test]
async fn what_was_shared_just_now_is_not_found_yet() {
    let n = with(lagging(), Capabilities::default()).await;
    n.running.emulator.advance(Duration::ZERO);
    let token = text(&n.pair().await, "access_token");
    let page = n.running.emulator.root_page_id();
    assert_eq!(n.call(&token, "GET", &format!("pages/{page}"), None).await.status, 200);
    assert_eq!(found(&n, &token, "product home").await, [""; 0]);
    n.running.emulator.advance(Duration::from_secs(30));
    assert_eq!(found(&n, &token, "product home").await, [page]);
}

#[tokio::test]
async fn what_went_to_the_trash_is_found_a_while_longer() {
    let n = with(lagging(), Capabilities::default()).await;
    n.running.emulator.advance(Duration::ZERO);
    let (token, page) = (n.running.emulator.internal_token(), n.running.emulator.root_page_id());
    n.ok("DELETE", &format!("blocks/{page}"), None).await;
    assert_eq!(found(&n, &token, "product home").await, [page]);
    n.running.emulator.advance(Duration::from_secs(30));
    assert_eq!(found(&n, &token, "product home").await, [""; 0]);
}

#[tokio::test]
async fn the_switch_begins_with_what_is_there_and_ends_at_once() {
    let n = notion().await;
    let emulator = &n.running.emulator;
    emulator.advance(Duration::ZERO);
    let (token, page) = (emulator.internal_token(), emulator.root_page_id());
    emulator.switch(lagging());
    n.ok("PATCH", &format!("pages/{page}"), Some(titled("Zanzibar"))).await;
    assert_eq!(found(&n, &token, "product home").await, *std::slice::from_ref(&page));

    let snapshot = emulator.snapshot();
    let seed = notion_emulator::Seed::of_snapshot(&snapshot).expect("a seed");
    let other = crate::support::notion_from(Options { seed, ..Options::default() }).await;
    assert_eq!(found(&other, &token, "zanzibar").await, [""; 0], "what waits is in a snapshot too");

    emulator.switch(Switches::default());
    assert_eq!(found(&n, &token, "zanzibar").await, [page]);
}
