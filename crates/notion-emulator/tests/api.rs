//! The API: shapes as recorded, rules as documented, refusals in Notion's words, and 501 for what is not there yet.

use axum::http::StatusCode;
use notion_emulator::{Capabilities, Switches};
use serde_json::{Value, json};

use crate::support::{Notion, VERSION, notion, text, with};

async fn refusal(n: &Notion, method: &str, path: &str, body: Option<Value>) -> (String, String) {
    let reply = n.call(&n.running.emulator.internal_token(), method, path, body).await;
    (reply.refusal(), text(&reply.json(), "message"))
}

async fn page(n: &Notion, title: &str) -> String {
    let root = n.running.emulator.root_page_id();
    let body = json!({"parent": {"page_id": root}, "properties": {"title": [{"text": {"content": title}}]}});
    text(&n.ok("POST", "pages", Some(body)).await, "id")
}

#[tokio::test]
async fn checks_come_in_notions_order_and_say_it_in_notions_words() {
    let n = notion().await;
    let bad = n.call("bad", "GET", "nothing", None).await;
    assert_eq!(bad.refusal(), "400, invalid_request_url", "an unknown address comes before a bad token");
    assert_eq!(n.call("bad", "GET", "users", None).await.refusal(), "401, unauthorized");
    let token = n.running.emulator.internal_token();
    let bearer = format!("Bearer {token}");
    let missing = n.send("GET", "/v1/users", &[("authorization", &bearer)], String::new()).await.unwrap();
    assert_eq!(missing.refusal(), "400, missing_version");
    assert_eq!(
        n.call_in("2020-01-01", &token, "GET", "users", None).await.refusal(),
        "400, validation_error"
    );
    let headers = [("authorization", bearer.as_str()), ("notion-version", VERSION)];
    let json = n.send("POST", "/v1/search", &headers, "{".to_owned()).await.unwrap();
    assert_eq!(json.refusal(), "400, invalid_json");
    let (code, message) = refusal(&n, "GET", "pages/nonsense", None).await;
    assert_eq!(code, "400, validation_error");
    assert_eq!(
        message,
        "path failed validation: path.page_id should be a valid uuid, instead was `\"nonsense\"`."
    );
    let (code, message) = refusal(&n, "GET", "pages/00000000-0000-4000-8000-000000000000", None).await;
    assert_eq!(code, "404, object_not_found");
    assert!(
        message.starts_with("Could not find page with ID: 00000000-0000-4000-8000-000000000000. Make sure"),
        "{message}"
    );
    assert_eq!(refusal(&n, "GET", "agents", None).await.0, "501, not_implemented");
}

#[tokio::test]
async fn a_page_is_made_read_changed_trashed_and_restored() {
    let n = notion().await;
    let id = page(&n, "Draft").await;
    let read = n.ok("GET", &format!("pages/{}", id.replace('-', "")), None).await;
    assert_eq!(read["properties"]["title"]["title"][0]["plain_text"], "Draft");
    assert_eq!((read["in_trash"].clone(), read["archived"].clone()), (json!(false), json!(false)));
    let path = format!("pages/{id}");
    let change = json!({"icon": {"emoji": "🚀"}, "cover": {"external": {"url": "https://x.example/c.png"}}, "is_locked": true});
    let changed = n.ok("PATCH", &path, Some(change)).await;
    assert_eq!((changed["icon"]["emoji"].clone(), changed["is_locked"].clone()), (json!("🚀"), json!(true)));
    n.ok("PATCH", &path, Some(json!({"in_trash": true}))).await;
    assert_eq!(n.ok("GET", &path, None).await["in_trash"], true, "it can still be read");
    let (code, message) = refusal(&n, "PATCH", &path, Some(json!({"icon": null}))).await;
    assert_eq!((code.as_str(), message.contains("archived")), ("400, validation_error", true));
    assert_eq!(n.ok("PATCH", &path, Some(json!({"archived": false}))).await["in_trash"], false);
}

#[tokio::test]
async fn blocks_are_appended_in_place_changed_and_deleted() {
    let n = notion().await;
    let id = page(&n, "Blocks").await;
    let paragraph = |text: &str| json!({"paragraph": {"rich_text": [{"text": {"content": text}}]}});
    let children = format!("blocks/{id}/children");
    let made =
        n.ok("PATCH", &children, Some(json!({"children": [paragraph("one"), paragraph("three")]}))).await;
    let first = text(&made["results"][0], "id");
    n.ok("PATCH", &children, Some(json!({"children": [paragraph("two")], "after": first}))).await;
    let token = n.running.emulator.internal_token();
    let start = json!({"children": [paragraph("zero")], "position": {"type": "start"}});
    let reply = n.call_in("2026-03-11", &token, "PATCH", &children, Some(start)).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    let old = json!({"children": [paragraph("x")], "after": first});
    assert_eq!(
        n.call_in("2026-03-11", &token, "PATCH", &children, Some(old)).await.refusal(),
        "400, validation_error"
    );
    let words = async || {
        let list = n.ok("GET", &children, None).await;
        let runs = list["results"].as_array().unwrap().iter();
        runs.map(|block| block["paragraph"]["rich_text"][0]["plain_text"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(words().await, ["zero", "one", "two", "three"]);
    n.ok("DELETE", &format!("blocks/{first}"), None).await;
    assert_eq!(words().await, ["zero", "two", "three"]);

    let nested = json!({"children": [{"toggle": {"rich_text": [], "children": [{"to_do": {"rich_text": [{"text": {"content": "in"}}], "checked": true}}]}}]});
    let toggle = text(&n.ok("PATCH", &children, Some(nested)).await["results"][0], "id");
    let inner = n.ok("GET", &format!("blocks/{toggle}/children"), None).await;
    let to_do = text(&inner["results"][0], "id");
    let changed = n.ok("PATCH", &format!("blocks/{to_do}"), Some(json!({"to_do": {"checked": false}}))).await;
    assert_eq!(changed["to_do"]["checked"], false);
    assert_eq!(changed["to_do"]["rich_text"][0]["plain_text"], "in", "what was not named stays");
}

#[tokio::test]
async fn limits_are_refused_with_their_place_and_measure() {
    let n = notion().await;
    let id = page(&n, "Limits").await;
    let long = json!({"children": [{"paragraph": {"rich_text": [{"text": {"content": "x".repeat(2001)}}]}}]});
    let (_, message) = refusal(&n, "PATCH", &format!("blocks/{id}/children"), Some(long)).await;
    let expected = "body failed validation: body.children[0].paragraph.rich_text[0].text.content.length should be ≤ `2000`, instead was `2001`.";
    assert_eq!(message, expected);
    let many: Vec<Value> = (0..101).map(|_| json!({"divider": {}})).collect();
    let (_, message) =
        refusal(&n, "PATCH", &format!("blocks/{id}/children"), Some(json!({"children": many}))).await;
    assert_eq!(message, "body failed validation: body.children.length should be ≤ `100`, instead was `101`.");
    let (_, message) = refusal(&n, "GET", "users?page_size=101", None).await;
    assert!(message.contains("query.page_size should be ≤ `100` or `undefined`"), "{message}");
}

#[tokio::test]
async fn a_page_size_of_nothing_is_no_wish_but_at_comments() {
    let n = notion().await;
    let id = page(&n, "Sizes").await;
    let token = n.running.emulator.internal_token();
    for path in ["users?page_size=0".to_owned(), format!("blocks/{id}/children?page_size=0")] {
        assert_eq!(n.call(&token, "GET", &path, None).await.status, 200, "{path}");
    }
    assert_eq!(n.call(&token, "POST", "search", Some(json!({"page_size": 0}))).await.status, 200);
    let (_, message) = refusal(&n, "GET", &format!("comments?block_id={id}&page_size=0"), None).await;
    assert_eq!(
        message,
        "query failed validation: query.page_size should be ≥ `1` or `undefined`, instead was `0`."
    );
}

#[tokio::test]
async fn a_cursor_that_nobody_gave_out_is_refused_in_each_lists_words() {
    let n = notion().await;
    let id = page(&n, "Cursors").await;
    let strange = "fd000000-0000-4000-8000-000100000099";
    for (path, words) in [
        (
            format!("blocks/{id}/children?start_cursor=bogus"),
            "query failed validation: query.start_cursor should be a valid uuid or `undefined`, instead was `\"bogus\"`.".to_owned(),
        ),
        ("users?start_cursor=bogus".to_owned(), "The start_cursor provided is invalid: bogus".to_owned()),
        (format!("users?start_cursor={strange}"), format!("The start_cursor provided is invalid: {strange}")),
    ] {
        assert_eq!(refusal(&n, "GET", &path, None).await.1, words);
    }
}

#[tokio::test]
async fn databases_and_schemas_are_made_and_changed() {
    let n = notion().await;
    let root = n.running.emulator.root_page_id();
    let properties = json!({"Name": {"title": {}}, "Kind": {"select": {"options": [{"name": "A", "color": "red"}]}}, "Old": {"number": {}}});
    let body = json!({"parent": {"page_id": root}, "title": [{"text": {"content": "Things"}}], "initial_data_source": {"properties": properties}});
    let database = n.ok("POST", "databases", Some(body)).await;
    let source = text(&database["data_sources"][0], "id");
    let path = format!("data_sources/{source}");
    let change = json!({"properties": {"Old": null, "Kind": {"name": "Sort"}, "Due": {"date": {}}}});
    let changed = n.ok("PATCH", &path, Some(change)).await;
    let mut names: Vec<&str> =
        changed["properties"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names.last(), Some(&"Name"), "the title is last");
    names.sort_unstable();
    assert_eq!(names, ["Due", "Name", "Sort"]);
    let row = json!({"parent": {"data_source_id": source}, "properties": {"Name": {"title": [{"text": {"content": "r"}}]}, "Sort": {"select": {"name": "B"}}}});
    let row = n.ok("POST", "pages", Some(row)).await;
    assert_eq!(row["properties"]["Sort"]["select"]["name"], "B", "a new choice was made");
    assert_eq!(
        row["parent"],
        json!({"type": "data_source_id", "data_source_id": source, "database_id": database["id"]})
    );
    let wrong = json!({"parent": {"data_source_id": source}, "properties": {"Sort": {"number": 1}}});
    assert_eq!(refusal(&n, "POST", "pages", Some(wrong)).await.1, "Sort is expected to be select.");
    let unknown = json!({"parent": {"data_source_id": source}, "properties": {"Nope": {"number": 1}}});
    assert_eq!(refusal(&n, "POST", "pages", Some(unknown)).await.1, "Nope is not a property that exists.");
    let untitled =
        json!({"parent": {"page_id": root}, "initial_data_source": {"properties": {"N": {"number": {}}}}});
    assert_eq!(refusal(&n, "POST", "databases", Some(untitled)).await.1, "Title is not provided");
}

#[tokio::test]
async fn each_version_has_its_own_words_for_databases_and_the_trash() {
    let n = notion().await;
    let token = n.running.emulator.internal_token();
    let found = n.ok("POST", "search", Some(json!({"query": "Project tracker"}))).await;
    let database = text(&found["results"][0]["parent"], "database_id");
    let old = n.call_in("2022-06-28", &token, "GET", &format!("databases/{database}"), None).await.json();
    assert!(old["properties"]["Status"].is_object() && old.get("data_sources").is_none());
    let new = n.call_in("2026-03-11", &token, "GET", &format!("databases/{database}"), None).await.json();
    assert!(
        new["data_sources"].is_array() && new.get("properties").is_none() && new.get("archived").is_none()
    );
    let rows = n
        .call_in(
            "2022-06-28",
            &token,
            "POST",
            &format!("databases/{database}/query"),
            Some(json!({"page_size": 1})),
        )
        .await
        .json();
    assert_eq!(rows["results"][0]["parent"], json!({"type": "database_id", "database_id": database}));
    let query = format!("databases/{database}/query");
    assert_eq!(n.call(&token, "POST", &query, Some(json!({}))).await.refusal(), "400, invalid_request_url");
    n.ok(
        "POST",
        "data_sources",
        Some(json!({"parent": {"database_id": database}, "properties": {"Name": {"title": {}}}})),
    )
    .await;
    let several = n.call_in("2022-06-28", &token, "GET", &format!("databases/{database}"), None).await.json();
    assert_eq!(several["additional_data"]["error_type"], "multiple_data_sources_for_database");
}

#[tokio::test]
async fn comments_are_written_answered_changed_and_deleted() {
    let n = notion().await;
    let id = page(&n, "Talk").await;
    let words = |text: &str| json!([{"text": {"content": text}}]);
    let first =
        n.ok("POST", "comments", Some(json!({"parent": {"page_id": id}, "rich_text": words("first")}))).await;
    let reply = json!({"discussion_id": first["discussion_id"], "rich_text": words("second")});
    assert_eq!(n.ok("POST", "comments", Some(reply)).await["discussion_id"], first["discussion_id"]);
    let path = format!("comments/{}", text(&first, "id"));
    n.ok("PATCH", &path, Some(json!({"rich_text": words("changed")}))).await;
    assert_eq!(n.ok("GET", &path, None).await["rich_text"][0]["plain_text"], "changed");
    n.ok("DELETE", &path, None).await;
    let left = n.ok("GET", &format!("comments?block_id={id}"), None).await;
    assert_eq!(left["results"].as_array().unwrap().len(), 1);
    assert_eq!(refusal(&n, "GET", "comments", None).await.0, "400, validation_error");
}

#[tokio::test]
async fn a_missing_capability_is_403_and_missing_sharing_is_404() {
    let none = Capabilities {
        read_content: true,
        insert_content: false,
        update_content: false,
        read_comments: false,
        ..Capabilities::default()
    };
    let n = with(Switches::default(), none).await;
    let token = text(&n.pair().await, "access_token");
    let root = n.running.emulator.root_page_id();
    let make = json!({"parent": {"page_id": root}, "properties": {}});
    assert_eq!(n.call(&token, "POST", "pages", Some(make)).await.refusal(), "403, restricted_resource");
    let change = n.call(&token, "PATCH", &format!("pages/{root}"), Some(json!({"icon": null}))).await;
    assert_eq!(change.refusal(), "403, restricted_resource");
    let comments = n.call(&token, "GET", &format!("comments?block_id={root}"), None).await;
    assert_eq!(comments.refusal(), "403, restricted_resource");
    let books = n.ok("POST", "search", Some(json!({"query": "Reading list"}))).await;
    let books = text(&books["results"][0], "id");
    assert_eq!(
        n.call(&token, "GET", &format!("pages/{books}"), None).await.refusal(),
        "404, object_not_found"
    );
}

#[tokio::test]
async fn a_body_that_is_too_large_is_not_even_read() {
    let n = notion().await;
    let bearer = format!("Bearer {}", n.running.emulator.internal_token());
    let headers = [("authorization", bearer.as_str()), ("notion-version", VERSION)];
    let refusal = async |body: String| {
        let reply = n.send("POST", "/v1/search", &headers, body).await.expect("an answer");
        (reply.refusal(), text(&reply.json(), "message"))
    };
    let too_large = "body failed validation: the payload is larger than 500 KB.".to_owned();
    assert_eq!(refusal("[".repeat(501 * 1024)).await, ("400, validation_error".to_owned(), too_large));
    assert_eq!(refusal("[".repeat(499 * 1024)).await.0, "400, invalid_json");
}
