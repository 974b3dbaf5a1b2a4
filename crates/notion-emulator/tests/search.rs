//! Search: titles only, in the order asked for, with the trash apart.

use serde_json::{Value, json};

use crate::support::{Notion, notion, text};

/// The ids that a search finds, in order.
async fn found(n: &Notion, body: Value) -> Vec<String> {
    let list = n.ok("POST", "search", Some(body)).await;
    list["results"].as_array().unwrap().iter().map(|hit| text(hit, "id")).collect()
}

async fn page(n: &Notion, title: &str) -> String {
    let root = n.running.emulator.root_page_id();
    let body = json!({"parent": {"page_id": root}, "properties": {"title": [{"text": {"content": title}}]}});
    let id = text(&n.ok("POST", "pages", Some(body)).await, "id");
    n.running.emulator.advance(std::time::Duration::from_mins(1));
    id
}

#[tokio::test]
async fn results_come_newest_first_oldest_first_or_by_how_well_they_fit() {
    let n = notion().await;
    let [part, whole, start] =
        [page(&n, "My zebra").await, page(&n, "Zebra").await, page(&n, "Zebras").await];
    let query = |sort: Value| json!({"query": "zebra", "sort": sort});
    let by_time = |direction: &str| query(json!({"timestamp": "last_edited_time", "direction": direction}));
    assert_eq!(found(&n, json!({"query": "ZEBRA"})).await, [&*start, &*whole, &*part]);
    assert_eq!(found(&n, by_time("descending")).await, [&*start, &*whole, &*part]);
    assert_eq!(found(&n, by_time("ascending")).await, [&*part, &*whole, &*start]);
    assert_eq!(found(&n, query(json!({"property": "relevance"}))).await, [whole, start, part.clone()]);
    assert!(found(&n, json!({"query": part})).await.is_empty(), "an id is no title");
}

#[tokio::test]
async fn what_is_in_the_trash_is_found_when_asked_for() {
    let n = notion().await;
    let id = page(&n, "Walrus").await;
    n.ok("PATCH", &format!("pages/{id}"), Some(json!({"in_trash": true}))).await;
    let with = |filter: Value| json!({"query": "walrus", "filter": filter});
    assert!(found(&n, json!({"query": "walrus"})).await.is_empty());
    assert!(found(&n, with(json!({"in_trash": false}))).await.is_empty());
    assert_eq!(found(&n, with(json!({"in_trash": true}))).await, [&*id]);
    let pages = json!({"property": "object", "value": "page", "in_trash": true});
    assert_eq!(found(&n, with(pages)).await, [id]);
    let tables = json!({"property": "object", "value": "data_source", "in_trash": true});
    assert!(found(&n, with(tables)).await.is_empty());
}

#[tokio::test]
async fn a_data_source_thrown_away_by_itself_is_still_found() {
    let n = notion().await;
    let table = found(&n, json!({"query": "Project tracker"})).await;
    n.ok("PATCH", &format!("data_sources/{}", table[0]), Some(json!({"in_trash": true}))).await;
    assert_eq!(found(&n, json!({"query": "Project tracker"})).await, table);
    let alive = json!({"query": "Project tracker", "filter": {"in_trash": false}});
    assert!(found(&n, alive).await.is_empty());
}

#[tokio::test]
async fn a_search_that_makes_no_sense_is_refused() {
    let n = notion().await;
    let token = n.running.emulator.internal_token();
    for (body, place) in [
        (json!({"filter": {"value": "page"}}), "body.filter.property should be defined"),
        (
            json!({"filter": {"property": "object", "value": "block"}}),
            "body.filter.value should be `\"page\"` or `\"data_source\"`",
        ),
        (json!({"filter": {}}), "body.filter.property should be defined"),
        (
            json!({"sort": {"timestamp": "created_time", "direction": "ascending"}}),
            "body.sort.timestamp should be \"last_edited_time\" when sorting by timestamp.",
        ),
        (
            json!({"sort": {"timestamp": "last_edited_time", "direction": "up"}}),
            "body.sort.direction should be `\"ascending\"`, `\"descending\"`, or `undefined`, instead was `\"up\"`.",
        ),
        (json!({"sort": {"direction": "ascending"}}), "body.sort.timestamp should be defined"),
        (
            json!({"sort": {"property": "relevance", "direction": "ascending"}}),
            "body.sort.direction should be not present",
        ),
    ] {
        let reply = n.call(&token, "POST", "search", Some(body)).await;
        assert_eq!(reply.refusal(), "400, validation_error");
        assert!(text(&reply.json(), "message").contains(place), "{}", reply.text());
    }
}
