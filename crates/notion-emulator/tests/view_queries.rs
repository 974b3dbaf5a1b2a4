//! View queries: the rows that a view shows, kept for a quarter of an hour and paged through without shifting.

use std::time::Duration;

use notion_emulator::{Capabilities, Switches};
use serde_json::{Value, json};

use crate::support::{Notion, notion, text, with};

/// The seeded tracker, its table and its table view.
const TRACKER: &str = "2ac61f0e-7b52-8045-9d31-e8a460b70002";
const TABLE: &str = "2ac61f0e-7b52-80f1-a7c0-000b60b70003";
const LIST: &str = "2ac61f0e-7b52-80f1-a7c0-000c60b70006";
const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

async fn view(n: &Notion, more: Value) -> String {
    let mut body = json!({"database_id": TRACKER, "data_source_id": TABLE, "name": "New", "type": "table"});
    body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    text(&n.ok("POST", "views", Some(body)).await, "id")
}

fn ids(list: &Value) -> Vec<String> {
    list["results"].as_array().expect("results").iter().map(|row| text(row, "id")).collect()
}

async fn refusal(n: &Notion, method: &str, path: &str, body: Option<Value>) -> String {
    let reply = n.call(&n.running.emulator.internal_token(), method, path, body).await;
    format!("{}: {}", reply.refusal(), text(&reply.json(), "message"))
}

#[tokio::test]
async fn a_view_finds_the_rows_that_its_filter_and_sorts_find() {
    let n = notion().await;
    let filter = json!({"property": "Priority", "select": {"equals": "High"}});
    let sorts = json!([{"property": "Name", "direction": "descending"}]);
    let asked = json!({"filter": filter, "sorts": sorts});
    let rows = n.ok("POST", &format!("data_sources/{TABLE}/query"), Some(asked.clone())).await;
    let view = view(&n, asked).await;
    let query = n.ok("POST", &format!("views/{view}/queries"), Some(json!({}))).await;
    let keys: Vec<&str> = query.as_object().expect("a query").keys().map(String::as_str).collect();
    let expected = "object id view_id expires_at total_count results next_cursor has_more request_id";
    assert_eq!(keys.join(" "), expected);
    assert_eq!((&query["object"], &query["view_id"]), (&json!("view_query"), &json!(view)));
    assert_eq!(query["results"][0]["object"], "page");
    assert_eq!(ids(&query), ids(&rows));
    assert_eq!((&query["total_count"], &query["has_more"]), (&json!(5), &json!(false)));
}

#[tokio::test]
async fn its_pages_do_not_shift_when_rows_change() {
    let n = notion().await;
    let view = view(&n, json!({"sorts": [{"property": "Estimate", "direction": "ascending"}]})).await;
    let path = format!("views/{view}/queries");
    let all = ids(&n.ok("POST", &path, None).await);
    let query = n.ok("POST", &path, Some(json!({"page_size": 3}))).await;
    assert_eq!(query["total_count"], 14);
    let mut seen = ids(&query);
    let first = n.ok("PATCH", &format!("pages/{}", all[0]), Some(json!({"in_trash": true}))).await;
    assert_eq!(first["in_trash"], true);
    n.ok("PATCH", &format!("pages/{}", all[13]), Some(json!({"properties": {"Estimate": {"number": 0}}})))
        .await;
    let mut cursor = query["next_cursor"].clone();
    while let Some(at) = cursor.as_str() {
        let page = format!("{path}/{}?page_size=5&start_cursor={at}", text(&query, "id"));
        let list = n.ok("GET", &page, None).await;
        assert_eq!(
            (&list["type"], &list["page"], list["has_more"] == json!(true)),
            (&json!("page"), &json!({}), list["next_cursor"].is_string())
        );
        seen.extend(ids(&list));
        cursor = list["next_cursor"].clone();
    }
    assert_eq!(seen, all);
}

#[tokio::test]
async fn it_is_over_after_a_quarter_of_an_hour() {
    let n = notion().await;
    n.running.emulator.advance(Duration::ZERO);
    let query = n.ok("POST", &format!("views/{LIST}/queries"), Some(json!({}))).await;
    let path = format!("views/{LIST}/queries/{}", text(&query, "id"));
    n.running.emulator.advance(Duration::from_mins(14));
    assert_eq!(ids(&n.ok("GET", &path, None).await).len(), 14);
    n.running.emulator.advance(Duration::from_mins(1));
    let over = refusal(&n, "GET", &path, None).await;
    assert!(over.starts_with("404, object_not_found: Could not find view query with ID"), "{over}");
}

#[tokio::test]
async fn deleting_it_succeeds_also_when_it_is_gone() {
    let n = notion().await;
    let id = text(&n.ok("POST", &format!("views/{LIST}/queries"), None).await, "id");
    let path = format!("views/{LIST}/queries/{id}");
    for _ in 0..2 {
        let mut gone = n.ok("DELETE", &path, None).await;
        gone.as_object_mut().expect("an object").remove("request_id");
        assert_eq!(gone, json!({"object": "view_query", "id": id, "deleted": true}));
        assert!(refusal(&n, "GET", &path, None).await.starts_with("404"));
    }
}

#[tokio::test]
async fn what_cannot_be_queried_is_refused() {
    let n = notion().await;
    let path = format!("views/{LIST}/queries");
    let size = refusal(&n, "POST", &path, Some(json!({"page_size": 101}))).await;
    assert!(size.contains("body.page_size should be ≤ `100`"), "{size}");
    let more = refusal(&n, "POST", &path, Some(json!({"filter": {}}))).await;
    assert!(more.contains("body.filter should be not present"), "{more}");
    let dashboard = view(&n, json!({"type": "dashboard"})).await;
    let dashboard = refusal(&n, "POST", &format!("views/{dashboard}/queries"), None).await;
    assert!(dashboard.starts_with("400, validation_error: A dashboard"), "{dashboard}");
    let unknown = refusal(&n, "POST", &format!("views/{NOBODY}/queries"), None).await;
    assert!(unknown.starts_with("404, object_not_found: Could not find view with ID"), "{unknown}");
    let wrong = refusal(&n, "GET", &format!("{path}/x"), None).await;
    assert!(wrong.contains("path.query_id should be a valid uuid"), "{wrong}");
    let gone = view(&n, json!({"filter": {"property": "Designed", "checkbox": {"equals": true}}})).await;
    n.ok("PATCH", &format!("data_sources/{TABLE}"), Some(json!({"properties": {"Designed": null}}))).await;
    let gone = refusal(&n, "POST", &format!("views/{gone}/queries"), None).await;
    assert!(gone.starts_with("400, validation_error: Could not find property"), "{gone}");
}

#[tokio::test]
async fn another_bot_does_not_see_it_and_reading_is_needed() {
    let n = notion().await;
    let path = format!("views/{LIST}/queries");
    let id = text(&n.ok("POST", &path, None).await, "id");
    let token = text(&n.pair().await, "access_token");
    let theirs = n.call(&token, "GET", &format!("{path}/{id}"), None).await;
    assert_eq!(theirs.refusal(), "404, object_not_found");
    n.call(&token, "DELETE", &format!("{path}/{id}"), None).await;
    n.ok("GET", &format!("{path}/{id}"), None).await;

    let n = with(Switches::default(), Capabilities { read_content: false, ..Capabilities::default() }).await;
    let token = text(&n.pair().await, "access_token");
    let one = format!("{path}/{NOBODY}");
    for (method, path) in [("POST", &path), ("GET", &one), ("DELETE", &one)] {
        assert_eq!(
            n.call(&token, method, path, None).await.refusal(),
            "403, restricted_resource",
            "{method}"
        );
    }
}
