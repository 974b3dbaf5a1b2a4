//! Pages: where they can be made, moved and emptied.

use serde_json::{Value, json};

use crate::support::{Notion, notion, text};

fn words(text: &str) -> Value {
    json!([{"text": {"content": text}}])
}

/// A page below another; its id.
async fn page(n: &Notion, parent: &str, title: &str) -> String {
    let body = json!({"parent": {"page_id": parent}, "properties": {"title": words(title)}});
    text(&n.ok("POST", "pages", Some(body)).await, "id")
}

/// Code and message of a refusal.
async fn refused(n: &Notion, method: &str, path: &str, body: Value) -> (String, String) {
    let reply = n.call(&n.running.emulator.internal_token(), method, path, Some(body)).await;
    (reply.refusal(), text(&reply.json(), "message"))
}

/// The titles of the pages on a page, in order.
async fn titles(n: &Notion, id: &str) -> Vec<String> {
    let list = n.ok("GET", &format!("blocks/{id}/children"), None).await;
    let blocks = list["results"].as_array().unwrap().iter();
    blocks.map(|block| block["child_page"]["title"].as_str().unwrap_or("-").to_owned()).collect()
}

/// A table with these columns below the root page: its database and its data source.
async fn table(n: &Notion, columns: Value) -> (String, String) {
    let root = n.running.emulator.root_page_id();
    let body = json!({"parent": {"page_id": root}, "title": words("T"), "initial_data_source": {"properties": columns}});
    let database = n.ok("POST", "databases", Some(body)).await;
    (text(&database, "id"), text(&database["data_sources"][0], "id"))
}

#[tokio::test]
async fn a_page_is_made_where_its_position_says() {
    let n = notion().await;
    let home = page(&n, &n.running.emulator.root_page_id(), "Home").await;
    let first = page(&n, &home, "one").await;
    page(&n, &home, "three").await;
    let at = async |title: &str, position: Value| {
        let body =
            json!({"parent": {"page_id": home}, "properties": {"title": words(title)}, "position": position});
        n.ok("POST", "pages", Some(body)).await;
    };
    at("two", json!({"type": "after_block", "after_block": {"id": first}})).await;
    at("zero", json!({"type": "page_start"})).await;
    at("four", json!({"type": "page_end"})).await;
    assert_eq!(titles(&n, &home).await, ["zero", "one", "two", "three", "four"]);
    let elsewhere = json!({"type": "after_block", "after_block": {"id": home}});
    let body = json!({"parent": {"page_id": home}, "properties": {}, "position": elsewhere});
    assert_eq!(refused(&n, "POST", "pages", body).await.0, "404, object_not_found");
    let (_, source) = table(&n, json!({"Name": {"title": {}}})).await;
    let row =
        json!({"parent": {"data_source_id": source}, "properties": {}, "position": {"type": "page_end"}});
    let (_, message) = refused(&n, "POST", "pages", row).await;
    assert!(message.contains("body.position should be not present"), "{message}");
}

#[tokio::test]
async fn a_page_without_a_parent_is_private_to_who_authorized() {
    let n = notion().await;
    let token = text(&n.pair().await, "access_token");
    for parent in [json!({}), json!({"parent": {"type": "workspace", "workspace": true}})] {
        let made = n.call(&token, "POST", "pages", Some(parent.clone())).await.json();
        assert_eq!(made["parent"], json!({"type": "workspace", "workspace": true}), "{made}");
        let path = format!("pages/{}", text(&made, "id"));
        assert_eq!(n.call(&token, "GET", &path, None).await.status.as_u16(), 200);
        let internal = n.running.emulator.internal_token();
        assert_eq!(n.call(&internal, "GET", &path, None).await.refusal(), "404, object_not_found");
        let (code, message) = refused(&n, "POST", "pages", parent).await;
        assert_eq!(code, "400, validation_error");
        assert!(message.starts_with("Internal integrations aren't owned by a single user"), "{message}");
    }
    let block = json!({"parent": {"block_id": n.running.emulator.root_page_id()}});
    let (_, message) = refused(&n, "POST", "pages", block).await;
    assert!(message.contains("body.parent.page_id should be defined"), "{message}");
}

#[tokio::test]
async fn a_moved_page_takes_along_what_is_below_it() {
    let n = notion().await;
    let root = n.running.emulator.root_page_id();
    let [from, to] = [page(&n, &root, "From").await, page(&n, &root, "To").await];
    let moved = page(&n, &from, "Moved").await;
    let below = page(&n, &moved, "Below").await;
    let path = format!("pages/{moved}/move");
    let answer = n.ok("POST", &path, Some(json!({"parent": {"page_id": to}}))).await;
    assert_eq!(answer["parent"], json!({"type": "page_id", "page_id": to}));
    assert!(titles(&n, &from).await.is_empty());
    assert_eq!(titles(&n, &to).await, ["Moved"]);
    assert_eq!(titles(&n, &moved).await, ["Below"]);
    for target in [&moved, &below] {
        let (code, message) = refused(&n, "POST", &path, json!({"parent": {"page_id": target}})).await;
        assert_eq!(code, "400, validation_error");
        assert_eq!(message, "A page cannot be moved into itself or a page below it.");
    }
    let (_, message) = refused(&n, "POST", &path, json!({"parent": {"workspace": true}})).await;
    assert!(message.contains("body.parent.page_id should be defined"), "{message}");
    n.ok("PATCH", &format!("pages/{from}"), Some(json!({"in_trash": true}))).await;
    let (_, message) = refused(&n, "POST", &path, json!({"parent": {"page_id": from}})).await;
    assert!(message.contains("archived"), "{message}");
    let nowhere = json!({"parent": {"page_id": "00000000-0000-4000-8000-000000000000"}});
    assert_eq!(refused(&n, "POST", &path, nowhere).await.0, "404, object_not_found");
}

#[tokio::test]
async fn a_row_that_moves_keeps_what_the_other_table_has_too() {
    let n = notion().await;
    let options = |names: &[&str]| json!({"select": {"options": names.iter().map(|name| json!({"name": name})).collect::<Vec<_>>()}});
    let (_, from) = table(&n, json!({"Name": {"title": {}}, "Kind": options(&["a", "b"]), "Size": {"number": {}}, "Old": {"checkbox": {}}})).await;
    let (database, to) = table(&n, json!({"Titel": {"title": {}}, "Kind": options(&["b"]), "Size": {"rich_text": {}}, "ID": {"unique_id": {}}})).await;
    let row = json!({"parent": {"data_source_id": from}, "properties": {"Name": {"title": words("r")}, "Kind": {"select": {"name": "b"}}, "Size": {"number": 3}, "Old": {"checkbox": true}}});
    let id = text(&n.ok("POST", "pages", Some(row)).await, "id");
    let path = format!("pages/{id}/move");
    let moved = n.ok("POST", &path, Some(json!({"parent": {"page_id": database}}))).await;
    assert_eq!(moved["parent"]["data_source_id"], to, "a database with one data source stands for it");
    assert_eq!(moved["properties"]["Titel"]["title"][0]["plain_text"], "r");
    assert_eq!(moved["properties"]["Kind"]["select"]["name"], "b");
    assert_eq!(moved["properties"]["Size"]["rich_text"], json!([]), "another type");
    assert_eq!(moved["properties"]["ID"]["unique_id"]["number"], 1);
    let rows = async |source: &str| {
        n.ok("POST", &format!("data_sources/{source}/query"), Some(json!({}))).await["results"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!((rows(&from).await, rows(&to).await), (0, 1));
    let root = n.running.emulator.root_page_id();
    let out = n.ok("POST", &path, Some(json!({"parent": {"page_id": root}}))).await;
    assert_eq!(out["properties"].as_object().unwrap().keys().collect::<Vec<_>>(), ["title"]);
    let more = json!({"parent": {"database_id": database}, "properties": {"Name": {"title": {}}}});
    n.ok("POST", "data_sources", Some(more)).await;
    let (_, message) = refused(&n, "POST", &path, json!({"parent": {"page_id": database}})).await;
    assert!(message.starts_with("Databases with multiple data sources"), "{message}");
}

#[tokio::test]
async fn erasing_throws_away_what_is_on_a_page() {
    let n = notion().await;
    let home = page(&n, &n.running.emulator.root_page_id(), "Home").await;
    let below = page(&n, &home, "Below").await;
    let path = format!("pages/{home}");
    n.ok("PATCH", &path, Some(json!({"erase_content": true, "icon": {"emoji": "🧹"}}))).await;
    assert!(titles(&n, &home).await.is_empty());
    assert_eq!(n.ok("GET", &format!("pages/{below}"), None).await["in_trash"], true);
}

/// Pages one below the other, as deep as they can be; the topmost and the deepest.
async fn shaft(n: &Notion) -> (String, String) {
    let top = page(n, &n.running.emulator.root_page_id(), "Top").await;
    let mut deepest = top.clone();
    for _ in 0..1_000 {
        let body = json!({"parent": {"page_id": deepest}, "properties": {}});
        let reply = n.call(&n.running.emulator.internal_token(), "POST", "pages", Some(body)).await;
        if reply.status.as_u16() != 200 {
            assert_eq!(reply.refusal(), "501, not_implemented");
            return (top, deepest);
        }
        deepest = text(&reply.json(), "id");
    }
    panic!("a thousand pages deep, and no end");
}

#[tokio::test]
async fn nothing_hangs_so_deep_that_what_it_is_in_is_not_seen() {
    let n = notion().await;
    let root = n.running.emulator.root_page_id();
    let (top, deepest) = shaft(&n).await;
    let other = page(&n, &root, "Other").await;
    let tower = page(&n, &other, "Tower").await;
    let too_deep = async |method: &str, path: &str, body: Value| {
        assert_eq!(refused(&n, method, path, body).await.0, "501, not_implemented", "{method} {path}");
    };
    let below = json!({"parent": {"page_id": deepest}});
    let (code, message) = refused(&n, "POST", &format!("pages/{top}/move"), below.clone()).await;
    assert_eq!((code.as_str(), message.contains("into itself")), ("400, validation_error", true));
    too_deep("POST", &format!("pages/{tower}/move"), below).await;
    let (database, source) = table(&n, json!({"Name": {"title": {}}})).await;
    too_deep("PATCH", &format!("databases/{database}"), json!({"parent": {"page_id": deepest}})).await;
    let block = json!({"children": [{"divider": {}}]});
    too_deep("PATCH", &format!("blocks/{deepest}/children"), block).await;
    let made = json!({"parent": {"page_id": deepest}, "initial_data_source": {"properties": {"Name": {"title": {}}}}});
    too_deep("POST", "databases", made).await;
    let linked = json!({"type": "page_id", "page_id": deepest});
    let view = json!({"create_database": {"parent": linked}, "data_source_id": source, "name": "V", "type": "table"});
    too_deep("POST", "views", view).await;
    // Where there is room for a page, there is none for a page with so many below it.
    let template = json!({"type": "template_id", "template_id": top});
    too_deep("POST", "pages", json!({"parent": {"page_id": other}, "template": template})).await;
    let snapshot = n.running.emulator.snapshot();
    n.running.emulator.load(&snapshot).expect("it reads its own snapshots");
}

#[tokio::test]
async fn a_data_source_cannot_move_below_its_own_rows() {
    let n = notion().await;
    let (_, source) = table(&n, json!({"Name": {"title": {}}})).await;
    let row = json!({"parent": {"data_source_id": source}, "properties": {}});
    let row = text(&n.ok("POST", "pages", Some(row)).await, "id");
    let below =
        json!({"parent": {"page_id": row}, "initial_data_source": {"properties": {"Name": {"title": {}}}}});
    let below = text(&n.ok("POST", "databases", Some(below)).await, "id");
    let (_, message) =
        refused(&n, "PATCH", &format!("data_sources/{source}"), json!({"parent": {"database_id": below}}))
            .await;
    assert_eq!(message, "A data source cannot be moved into a database below it.");
}
