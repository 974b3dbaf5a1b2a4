//! Databases and data sources: made, moved, trashed and restored, and what older versions see of them.

use notion_emulator::{Capabilities, Switches};
use serde_json::{Value, json};

use crate::support::{Notion, notion, text, with};

async fn page(n: &Notion, title: &str) -> String {
    let root = n.running.emulator.root_page_id();
    let body = json!({"parent": {"page_id": root}, "properties": {"title": [{"text": {"content": title}}]}});
    text(&n.ok("POST", "pages", Some(body)).await, "id")
}

async fn rows(n: &Notion, source: &str, body: Value) -> usize {
    let list = n.ok("POST", &format!("data_sources/{source}/query"), Some(body)).await;
    list["results"].as_array().expect("rows").len()
}

#[tokio::test]
async fn a_database_moves_to_another_page_but_not_into_itself() {
    let n = notion().await;
    let (database, source) = n.database("Moving", json!({})).await;
    let row = n.row(&source, "row", json!({})).await;
    let to = page(&n, "Elsewhere").await;
    let path = format!("databases/{database}");
    let moved = n.ok("PATCH", &path, Some(json!({"parent": {"type": "page_id", "page_id": to}}))).await;
    assert_eq!(moved["parent"], json!({"type": "page_id", "page_id": to}));
    let children = n.ok("GET", &format!("blocks/{to}/children"), None).await;
    assert_eq!(children["results"][0]["child_database"]["title"], "Moving");
    let inside = json!({"parent": {"type": "page_id", "page_id": row}});
    assert_eq!(n.refused("PATCH", &path, inside).await.0, "400, validation_error");
    let top = json!({"parent": {"type": "workspace", "workspace": true}});
    assert_eq!(
        n.refused("PATCH", &path, top).await.0,
        "400, validation_error",
        "internal integrations have no top level"
    );
}

#[tokio::test]
async fn a_public_integration_makes_databases_at_the_top_level() {
    let n = notion().await;
    let token = text(&n.pair().await, "access_token");
    let body =
        json!({"parent": {"type": "workspace", "workspace": true}, "title": [{"text": {"content": "Mine"}}]});
    let made = n.call(&token, "POST", "databases", Some(body)).await.json();
    assert_eq!(made["parent"], json!({"type": "workspace", "workspace": true}), "{made}");
    let path = format!("databases/{}", text(&made, "id"));
    assert_eq!(n.call(&token, "GET", &path, None).await.json()["title"][0]["plain_text"], "Mine");
}

#[tokio::test]
async fn a_database_is_locked_inline_and_titled() {
    let n = notion().await;
    let (database, _) = n.database("Flags", json!({})).await;
    let change = json!({"is_locked": true, "is_inline": true, "icon": {"type": "emoji", "emoji": "🔒"}, "description": [{"text": {"content": "why"}}]});
    let changed = n.ok("PATCH", &format!("databases/{database}"), Some(change)).await;
    assert_eq!((changed["is_locked"].clone(), changed["is_inline"].clone()), (json!(true), json!(true)));
    assert_eq!(changed["description"][0]["plain_text"], "why");
    let unknown = n.refused("PATCH", &format!("databases/{database}"), json!({"columns": {}})).await;
    assert_eq!(unknown.1, "body failed validation: body.columns should be not present, instead was `{}`.");
}

#[tokio::test]
async fn the_trash_takes_a_table_with_its_rows_and_gives_them_back() {
    let n = notion().await;
    let (database, source) = n.database("Bin", json!({})).await;
    n.row(&source, "one", json!({})).await;
    let path = format!("databases/{database}");
    n.ok("PATCH", &path, Some(json!({"in_trash": true}))).await;
    assert_eq!(n.ok("GET", &format!("data_sources/{source}"), None).await["in_trash"], true);
    assert_eq!(
        (rows(&n, &source, json!({})).await, rows(&n, &source, json!({"in_trash": true})).await),
        (0, 1)
    );
    let (code, message) = n.refused("PATCH", &path, json!({"is_inline": true})).await;
    assert_eq!((code.as_str(), message.contains("archived")), ("400, validation_error", true));
    let inner = json!({"title": [{"text": {"content": "x"}}]});
    assert_eq!(n.refused("PATCH", &format!("data_sources/{source}"), inner).await.0, "400, validation_error");
    n.ok("PATCH", &path, Some(json!({"in_trash": false}))).await;
    assert_eq!(rows(&n, &source, json!({})).await, 1);
}

#[tokio::test]
async fn a_second_table_hides_the_database_from_older_versions_until_it_is_in_the_trash() {
    let n = notion().await;
    let token = n.running.emulator.internal_token();
    let (database, first) = n.database("Two", json!({})).await;
    let body = json!({"parent": {"type": "database_id", "database_id": database}, "title": [{"text": {"content": "Second"}}], "properties": {"Key": {"title": {}}}});
    let second = text(&n.ok("POST", "data_sources", Some(body)).await, "id");
    let listed = n.ok("GET", &format!("databases/{database}"), None).await["data_sources"].clone();
    assert_eq!(listed, json!([{"id": first, "name": "Two"}, {"id": second, "name": "Second"}]));
    let old = async || n.call_in("2022-06-28", &token, "GET", &format!("databases/{database}"), None).await;
    let several = old().await.json();
    assert_eq!(several["additional_data"]["child_data_source_ids"], json!([first, second]));
    assert_eq!(several["additional_data"]["minimum_api_version"], "2025-09-03");
    n.ok("PATCH", &format!("data_sources/{second}"), Some(json!({"in_trash": true}))).await;
    assert!(old().await.json()["properties"]["Name"].is_object());
    n.ok("PATCH", &format!("data_sources/{second}"), Some(json!({"in_trash": false}))).await;
    assert_eq!(old().await.refusal(), "400, validation_error");
}

#[tokio::test]
async fn a_data_source_moves_to_another_database() {
    let n = notion().await;
    let (from, source) = n.database("From", json!({})).await;
    let row = n.row(&source, "row", json!({})).await;
    let (to, stays) = n.database("To", json!({})).await;
    let moved = json!({"parent": {"type": "database_id", "database_id": to}});
    let moved = n.ok("PATCH", &format!("data_sources/{source}"), Some(moved)).await;
    assert_eq!(moved["parent"]["database_id"], to.as_str());
    let ids = n.ok("GET", &format!("databases/{to}"), None).await["data_sources"].clone();
    assert_eq!((ids[0]["id"].clone(), ids[1]["id"].clone()), (json!(stays), json!(source)));
    assert_eq!(n.ok("GET", &format!("pages/{row}"), None).await["parent"]["database_id"], to.as_str());
    let left = n.ok("GET", &format!("databases/{from}"), None).await["data_sources"].clone();
    assert_eq!(left[0]["id"], source.as_str(), "its tab shows the table still, as a linked database's does");
    let views = n.ok("GET", &format!("views?database_id={to}"), None).await;
    let last = text(&views["results"][1], "id");
    assert_eq!(n.ok("GET", &format!("views/{last}"), None).await["data_source_id"], source.as_str());
}

#[tokio::test]
async fn older_versions_list_databases_and_make_them_with_their_properties() {
    let n = notion().await;
    let token = n.running.emulator.internal_token();
    let old = "2022-06-28";
    let root = n.running.emulator.root_page_id();
    let body = json!({"parent": {"page_id": root}, "title": [{"text": {"content": "Old"}}], "properties": {"N": {"title": {}}}});
    let made = n.call_in(old, &token, "POST", "databases", Some(body)).await.json();
    assert!(made["properties"]["N"].is_object(), "{made}");
    let relation = json!({"relation": {"database_id": made["id"], "dual_property": {}}});
    let body = json!({"parent": {"page_id": root}, "properties": {"N": {"title": {}}, "R": relation}});
    let related = n.call_in(old, &token, "POST", "databases", Some(body)).await.json();
    assert_eq!(related["properties"]["R"]["relation"]["database_id"], made["id"]);
    assert!(related["properties"]["R"]["relation"].get("data_source_id").is_none());
    let list = n.call_in(old, &token, "GET", "databases?page_size=1", None).await.json();
    assert_eq!((list["type"].clone(), list["has_more"].clone()), (json!("database"), json!(true)));
    assert_eq!(n.call(&token, "GET", "databases", None).await.refusal(), "400, invalid_request_url");
    let missing =
        n.call_in(old, &token, "POST", "databases", Some(json!({"parent": {"page_id": root}}))).await;
    assert_eq!(
        text(&missing.json(), "message"),
        "body failed validation: body.properties should be defined, instead was `undefined`."
    );
    let row = json!({"parent": {"database_id": made["id"]}, "properties": {"N": {"title": []}}});
    let row = n.call_in(old, &token, "POST", "pages", Some(row)).await.json();
    assert_eq!(row["parent"], json!({"type": "database_id", "database_id": made["id"]}));
}

#[tokio::test]
async fn each_endpoint_asks_for_its_capability_and_for_sharing() {
    let reader = Capabilities { insert_content: false, update_content: false, ..Capabilities::default() };
    let n = with(Switches::default(), reader).await;
    let token = text(&n.pair().await, "access_token");
    let (database, source) = n.database("Shared", json!({})).await;
    let (databases, sources) = (format!("databases/{database}"), format!("data_sources/{source}"));
    for (method, path) in [
        ("POST", "databases"),
        ("PATCH", databases.as_str()),
        ("POST", "data_sources"),
        ("PATCH", sources.as_str()),
    ] {
        assert_eq!(
            n.call(&token, method, path, Some(json!({}))).await.refusal(),
            "403, restricted_resource",
            "{path}"
        );
    }
    let blind =
        with(Switches::default(), Capabilities { read_content: false, ..Capabilities::default() }).await;
    let token = text(&blind.pair().await, "access_token");
    let query = format!("{sources}/query");
    for (method, path) in [("GET", databases.as_str()), ("GET", sources.as_str()), ("POST", query.as_str())] {
        assert_eq!(
            blind.call(&token, method, path, None).await.refusal(),
            "403, restricted_resource",
            "{path}"
        );
    }
    let nobody = "00000000-0000-4000-8000-000000000000";
    for path in ["databases", "data_sources"] {
        let (code, _) = n.refused("GET", &format!("{path}/{nobody}"), Value::Null).await;
        assert_eq!(code, "404, object_not_found");
    }
}
