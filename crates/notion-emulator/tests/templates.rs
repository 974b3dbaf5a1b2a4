//! Templates of a table: listed, applied to new pages and to old ones, found by no query and no search.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::support::{Notion, notion, text};

/// The project tracker's data source.
const TRACKER: &str = "2ac61f0e-7b52-80f1-a7c0-000b60b70003";

async fn templates(n: &Notion, query: &str) -> Vec<Value> {
    let listed = n.ok("GET", &format!("data_sources/{TRACKER}/templates{query}"), None).await;
    listed["templates"].as_array().unwrap().clone()
}

/// Code and message of a refusal.
async fn refused(n: &Notion, body: Value) -> (String, String) {
    let reply = n.call(&n.running.emulator.internal_token(), "POST", "pages", Some(body)).await;
    (reply.refusal(), text(&reply.json(), "message"))
}

/// The plain texts of a page's blocks.
async fn lines(n: &Notion, id: &str) -> Vec<String> {
    let list = n.ok("GET", &format!("blocks/{id}/children"), None).await;
    let line = |block: &Value| {
        let runs = block[block["type"].as_str().unwrap()]["rich_text"].as_array().unwrap().iter();
        runs.map(|run| run["plain_text"].as_str().unwrap()).collect::<String>()
    };
    list["results"].as_array().unwrap().iter().map(line).collect()
}

#[tokio::test]
async fn templates_are_listed_beside_the_rows_that_queries_find() {
    let n = notion().await;
    let all = templates(&n, "").await;
    let names: Vec<_> = all.iter().map(|one| (one["name"].clone(), one["is_default"].clone())).collect();
    assert_eq!(names, [(json!("New project"), json!(true)), (json!("Bug"), json!(false))]);
    assert_eq!(templates(&n, "?name=bug").await.len(), 1);
    let first = n.ok("GET", &format!("data_sources/{TRACKER}/templates?page_size=1"), None).await;
    assert_eq!(
        (first["has_more"].clone(), first["next_cursor"].clone()),
        (json!(true), all[1]["id"].clone())
    );
    let rows = n.ok("POST", &format!("data_sources/{TRACKER}/query"), Some(json!({}))).await;
    assert_eq!(rows["results"].as_array().unwrap().len(), 14);
    let found = n.ok("POST", "search", Some(json!({"query": "Bug"}))).await;
    assert_eq!(found["results"], json!([]));
    let read = n.ok("GET", &format!("pages/{}", text(&all[0], "id")), None).await;
    assert_eq!(read["parent"]["data_source_id"], TRACKER);
}

#[tokio::test]
async fn a_page_is_answered_blank_and_filled_by_its_template_then() {
    let n = notion().await;
    let own = json!({"Priority": {"select": {"name": "Low"}}});
    let body = json!({"parent": {"data_source_id": TRACKER}, "properties": own, "template": {"type": "default", "timezone": "Europe/Stockholm"}});
    let blank = n.ok("POST", "pages", Some(body)).await;
    assert_eq!(
        (blank["icon"].clone(), blank["properties"]["Status"]["status"].clone()),
        (Value::Null, Value::Null)
    );
    let id = text(&blank, "id");
    let filled = n.ok("GET", &format!("pages/{id}"), None).await;
    assert_eq!(filled["icon"]["emoji"], "🌱");
    assert_eq!(filled["properties"]["Name"]["title"][0]["plain_text"], "New project");
    assert_eq!(filled["properties"]["Status"]["status"]["name"], "Not started");
    assert_eq!(filled["properties"]["Priority"]["select"]["name"], "Low", "what the request set stays");
    assert_eq!(filled["properties"]["ID"]["unique_id"]["number"], 15);
    let children = n.ok("GET", &format!("blocks/{id}/children"), None).await;
    let runs = &children["results"][0]["paragraph"]["rich_text"];
    assert_eq!(
        (runs[1]["mention"]["type"].clone(), runs[3]["mention"]["type"].clone()),
        (json!("date"), json!("user"))
    );
    assert_eq!(lines(&n, &id).await[1..], ["Why", "Not in it", "Somebody else has read this"]);
}

#[tokio::test]
async fn a_template_is_appended_to_a_page_that_is_there_or_takes_its_place() {
    let n = notion().await;
    let bug = text(&templates(&n, "?name=Bug").await[0], "id");
    let words = json!({"paragraph": {"rich_text": [{"text": {"content": "mine"}}]}});
    let body =
        json!({"parent": {"data_source_id": TRACKER}, "children": [words], "template": {"type": "none"}});
    let id = text(&n.ok("POST", "pages", Some(body)).await, "id");
    let path = format!("pages/{id}");
    let template = json!({"type": "template_id", "template_id": bug});
    n.ok("PATCH", &path, Some(json!({"template": template}))).await;
    assert_eq!(lines(&n, &id).await, ["mine", "Seen", "Expected", "First, …"]);
    n.ok("PATCH", &path, Some(json!({"template": template, "erase_content": true}))).await;
    assert_eq!(lines(&n, &id).await, ["Seen", "Expected", "First, …"]);
    assert_eq!(lines(&n, &bug).await.len(), 3, "the template is as it was");
}

#[tokio::test]
async fn what_a_template_cannot_do_is_refused() {
    let n = notion().await;
    let root = n.running.emulator.root_page_id();
    let default = json!({"type": "default"});
    let on_page = json!({"parent": {"page_id": root}, "template": default});
    assert_eq!(refused(&n, on_page).await.1, "Only pages in a data source can use a default template.");
    let with_blocks = json!({"parent": {"data_source_id": TRACKER}, "template": default, "children": []});
    let (_, message) = refused(&n, with_blocks).await;
    assert_eq!(message, "body failed validation: body.children should be not present, instead was `[]`.");
    let nowhere = json!({"type": "template_id", "template_id": "00000000-0000-4000-8000-000000000000"});
    let (code, _) = refused(&n, json!({"parent": {"data_source_id": TRACKER}, "template": nowhere})).await;
    assert_eq!(code, "404, object_not_found");
    let zone = json!({"type": "default", "timezone": "Mars/Base"});
    let (_, message) = refused(&n, json!({"parent": {"data_source_id": TRACKER}, "template": zone})).await;
    assert!(message.contains("body.template.timezone should be a valid IANA time zone"), "{message}");
    let root_template = json!({"type": "template_id", "template_id": root});
    let (code, _) = refused(&n, json!({"parent": {"page_id": root}, "template": root_template})).await;
    assert_eq!(code, "501, not_implemented", "it has a database in it");
}

#[tokio::test]
async fn people_make_templates_of_rows() {
    let n = notion().await;
    let row = json!({"parent": {"data_source_id": TRACKER}, "properties": {"Name": {"title": [{"text": {"content": "Spike"}}]}}});
    let id = text(&n.ok("POST", "pages", Some(row)).await, "id");
    let body = json!({"page_id": id, "is_default": true});
    assert_eq!(n.control("POST", "/_emulator/templates", body).await.status, StatusCode::NO_CONTENT);
    let spike = templates(&n, "?name=Spike").await;
    assert_eq!(spike[0]["is_default"], true);
    n.ok("PATCH", &format!("pages/{id}"), Some(json!({"in_trash": true}))).await;
    assert!(templates(&n, "?name=Spike").await.is_empty());
    let gone = json!({"parent": {"data_source_id": TRACKER}, "template": {"type": "default"}});
    assert_eq!(refused(&n, gone).await.1, "The data source does not have a default template.");
    let root = n.running.emulator.root_page_id();
    let no_row = n.control("POST", "/_emulator/templates", json!({"page_id": root})).await;
    assert_eq!(no_row.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn templates_of_each_other_do_not_grow_without_end() {
    let n = notion().await;
    let root = n.running.emulator.root_page_id();
    let made = json!({"parent": {"page_id": root}, "children": [{"divider": {}}, {"divider": {}}]});
    let mut pages = Vec::new();
    for _ in 0..2 {
        pages.push(text(&n.ok("POST", "pages", Some(made.clone())).await, "id"));
    }
    let template = |id: &str| json!({"template": {"type": "template_id", "template_id": id}});
    let (_, message) = n.refused("PATCH", &format!("pages/{}", pages[0]), template(&pages[0])).await;
    assert_eq!(message, "A page cannot be its own template.");
    for turn in 0..30 {
        let (to, from) = (&pages[turn % 2], &pages[(turn + 1) % 2]);
        let token = n.running.emulator.internal_token();
        let reply = n.call(&token, "PATCH", &format!("pages/{to}"), Some(template(from))).await;
        if reply.status != StatusCode::OK {
            assert_eq!(text(&reply.json(), "message"), "The template holds more than 1000 blocks.");
            return;
        }
    }
    panic!("thirty times, and no end");
}

#[tokio::test]
async fn a_template_that_leaves_its_table_is_its_default_no_more() {
    let n = notion().await;
    let id = text(&templates(&n, "").await[0], "id");
    let root = json!({"parent": {"page_id": n.running.emulator.root_page_id()}});
    n.ok("POST", &format!("pages/{id}/move"), Some(root)).await;
    let gone = json!({"parent": {"data_source_id": TRACKER}, "template": {"type": "default"}});
    assert_eq!(refused(&n, gone).await.1, "The data source does not have a default template.");
}

#[tokio::test]
async fn what_is_kept_from_the_person_is_not_copied() {
    let n = notion().await;
    let (_, source) = n.database("Loans", json!({})).await;
    let pattern = n.row(&source, "pattern", json!({})).await;
    let mut below = Vec::new();
    for title in ["open", "secret"] {
        let page = json!({
            "parent": {"page_id": pattern},
            "properties": {"title": [{"text": {"content": title}}]},
            "children": [{"paragraph": {"rich_text": [{"text": {"content": "words"}}]}}],
        });
        below.push(text(&n.ok("POST", "pages", Some(page)).await, "id"));
    }
    let ada = "1d3f5a70-42c8-4be1-9a61-0c5e7d20b001";
    n.control("PUT", "/_emulator/rights", json!({"page_id": below[1], "person_id": ada, "right": "none"}))
        .await;
    let token = text(&n.pair().await, "access_token");
    let body = json!({
        "parent": {"data_source_id": source},
        "properties": {},
        "template": {"type": "template_id", "template_id": pattern},
    });
    let made = n.call(&token, "POST", "pages", Some(body)).await.json();
    let list = n.ok("GET", &format!("blocks/{}/children", text(&made, "id")), None).await;
    let titles: Vec<_> =
        list["results"].as_array().unwrap().iter().map(|one| one["child_page"]["title"].clone()).collect();
    assert_eq!(titles, [json!("open")]);
}
