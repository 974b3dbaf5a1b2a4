//! Each endpoint's refusals, as one table: what it needs, and what it says to an id of nothing or of what is not shared, to
//! a word that is no id, and to a token of nobody.

use notion_emulator::{Capabilities, Switches, UserInformation};
use serde_json::{Value, json};

use crate::support::{Notion, notion, text, with};

/// What an endpoint needs, as a change to capabilities that takes it away.
pub(crate) type Needs = fn(&mut Capabilities);

const ANYTHING: Needs = |_| {};
const READ: Needs = |has| has.read_content = false;
const INSERT: Needs = |has| has.insert_content = false;
const UPDATE: Needs = |has| has.update_content = false;
const READ_COMMENTS: Needs = |has| has.read_comments = false;
const INSERT_COMMENTS: Needs = |has| has.insert_comments = false;
const USERS: Needs = |has| has.user_information = UserInformation::None;

const NOTHING: &str = "00000000-0000-4000-8000-000000000000";

/// Method, path (`ID` stands for the id of nothing), what it needs, and whether an id in the path can lead to nothing.
pub(crate) const ENDPOINTS: [(&str, &str, Needs, bool); 44] = [
    ("GET", "users/me", ANYTHING, false),
    ("GET", "users", USERS, false),
    ("GET", "users/ID", USERS, true),
    ("POST", "search", READ, false),
    ("POST", "pages", INSERT, false),
    ("GET", "pages/ID", READ, true),
    ("PATCH", "pages/ID", UPDATE, true),
    ("POST", "pages/ID/move", UPDATE, true),
    ("GET", "pages/ID/properties/title", READ, true),
    ("GET", "pages/ID/markdown", READ, true),
    ("PATCH", "pages/ID/markdown", UPDATE, true),
    ("GET", "blocks/ID", READ, true),
    ("PATCH", "blocks/ID", UPDATE, true),
    ("DELETE", "blocks/ID", UPDATE, true),
    ("GET", "blocks/ID/children", READ, true),
    ("PATCH", "blocks/ID/children", INSERT, true),
    ("POST", "databases", INSERT, false),
    ("GET", "databases/ID", READ, true),
    ("PATCH", "databases/ID", UPDATE, true),
    ("POST", "data_sources", INSERT, false),
    ("GET", "data_sources/ID", READ, true),
    ("PATCH", "data_sources/ID", UPDATE, true),
    ("POST", "data_sources/ID/query", READ, true),
    ("GET", "data_sources/ID/templates", READ, true),
    ("GET", "views?database_id=ID", READ, true),
    ("POST", "views", INSERT, false),
    ("GET", "views/ID", READ, true),
    ("PATCH", "views/ID", UPDATE, true),
    ("DELETE", "views/ID", UPDATE, true),
    ("POST", "views/ID/queries", READ, true),
    ("GET", "views/ID/queries/ID", READ, true),
    ("DELETE", "views/ID/queries/ID", READ, true),
    ("GET", "comments?block_id=ID", READ_COMMENTS, true),
    ("POST", "comments", INSERT_COMMENTS, false),
    ("GET", "comments/ID", READ_COMMENTS, true),
    ("PATCH", "comments/ID", INSERT_COMMENTS, true),
    ("DELETE", "comments/ID", INSERT_COMMENTS, true),
    ("GET", "file_uploads", ANYTHING, false),
    ("POST", "file_uploads", ANYTHING, false),
    ("GET", "file_uploads/ID", ANYTHING, true),
    ("POST", "file_uploads/ID/complete", ANYTHING, true),
    ("GET", "custom_emojis", ANYTHING, false),
    ("GET", "async_tasks/task_00000000000040008000000000000000", ANYTHING, true),
    ("GET", "async_tasks/nothing", ANYTHING, true),
];

/// A body that each of them reads before it finds its path's id to be of nothing, if at all.
fn body(method: &str) -> Option<Value> {
    (method != "GET" && method != "DELETE").then(|| json!({}))
}

/// Everybody's capabilities but those that `needs` takes away.
async fn without(needs: Needs) -> (Notion, String) {
    let mut capabilities = Capabilities::default();
    needs(&mut capabilities);
    let n = with(Switches::default(), capabilities).await;
    let token = text(&n.pair().await, "access_token");
    (n, token)
}

#[tokio::test]
async fn each_endpoint_asks_for_its_capability_first() {
    for (method, path, needs, _) in ENDPOINTS {
        let (n, token) = without(needs).await;
        let reply = n.call(&token, method, &path.replace("ID", NOTHING), body(method)).await;
        let refused = reply.refusal() == "403, restricted_resource";
        let asks = !std::ptr::fn_addr_eq(needs, ANYTHING);
        assert_eq!(refused, asks, "{method} {path}: {}", reply.text());
    }
}

#[tokio::test]
async fn the_id_of_nothing_is_not_found() {
    let n = notion().await;
    let token = n.running.emulator.internal_token();
    for (method, path, _, _) in ENDPOINTS.iter().filter(|(.., finds)| *finds) {
        let reply = n.call(&token, method, &path.replace("ID", NOTHING), body(method)).await;
        assert_eq!(reply.refusal(), "404, object_not_found", "{method} {path}: {}", reply.text());
    }
}

/// Every endpoint about content with an id, its path filled in with what the consent of these tests leaves out: the reading
/// list, its table, a comment.
async fn about_the_unshared(n: &Notion) -> Vec<(&'static str, String, Value)> {
    let found =
        async |query: &str| n.ok("POST", "search", Some(json!({"query": query}))).await["results"][0].clone();
    let (page, table) = (text(&found("Reading list").await, "id"), found("Books").await);
    let (source, database) = (text(&table, "id"), text(&table["parent"], "database_id"));
    let views = n.ok("GET", &format!("views?database_id={database}"), None).await;
    let view = text(&views["results"][0], "id");
    let words = json!([{"text": {"content": "x"}}]);
    let new_comment = json!({"parent": {"page_id": page}, "rich_text": words});
    let comment = text(&n.ok("POST", "comments", Some(new_comment.clone())).await, "id");
    let new_view = json!({"database_id": database, "data_source_id": source, "name": "V", "type": "table"});
    let schema = json!({"Name": {"title": {}}});
    let below = json!({"page_id": page});
    let mut calls = vec![
        ("POST", "pages".to_owned(), json!({"parent": below, "properties": {}})),
        ("POST", "pages".to_owned(), json!({"parent": {"data_source_id": source}, "properties": {}})),
        (
            "POST",
            "databases".to_owned(),
            json!({"parent": below, "initial_data_source": {"properties": schema}}),
        ),
        (
            "POST",
            "data_sources".to_owned(),
            json!({"parent": {"database_id": database}, "properties": schema}),
        ),
        ("POST", "views".to_owned(), new_view),
        ("POST", "comments".to_owned(), new_comment),
    ];
    for (method, path, _, _) in ENDPOINTS.iter().filter(|(_, path, ..)| path.contains("ID")) {
        let id = match path.split_once("ID").expect("it has one").0 {
            "pages/" | "blocks/" | "comments?block_id=" => &page,
            "databases/" | "views?database_id=" => &database,
            "data_sources/" => &source,
            "views/" => &view,
            "comments/" => &comment,
            // Users and uploads are not shared.
            _ => continue,
        };
        calls.push((method, path.replace("ID", id), body(method).unwrap_or_default()));
    }
    calls
}

#[tokio::test]
async fn what_is_not_shared_is_not_there() {
    let n = notion().await;
    let token = text(&n.pair().await, "access_token");
    for (method, path, body) in about_the_unshared(&n).await {
        let body = Some(body).filter(|body| !body.is_null());
        let reply = n.call(&token, method, &path, body).await;
        assert_eq!(reply.refusal(), "404, object_not_found", "{method} {path}: {}", reply.text());
        assert!(reply.json()["additional_data"]["integration_id"].is_string(), "{method} {path}");
    }
}

#[tokio::test]
async fn a_word_that_is_no_id_is_told_where_it_stands() {
    let n = notion().await;
    let token = n.running.emulator.internal_token();
    for (method, path, _, _) in ENDPOINTS.iter().filter(|(_, path, ..)| path.contains("ID")) {
        let reply = n.call(&token, method, &path.replace("ID", "no-id"), body(method)).await;
        assert_eq!(reply.refusal(), "400, validation_error", "{method} {path}");
        let message = text(&reply.json(), "message");
        assert!(message.contains("should be a valid uuid"), "{method} {path}: {message}");
    }
}

#[tokio::test]
async fn a_token_of_nobody_gets_nowhere() {
    let n = notion().await;
    for (method, path, _, _) in ENDPOINTS {
        let reply = n.call("ntn_nobody", method, &path.replace("ID", NOTHING), body(method)).await;
        assert_eq!(reply.refusal(), "401, unauthorized", "{method} {path}");
    }
}

#[tokio::test]
async fn a_page_size_that_is_no_number_is_refused_by_every_list() {
    let n = notion().await;
    let token = n.running.emulator.internal_token();
    let root = n.running.emulator.root_page_id();
    let lists = [
        "users?".to_owned(),
        "file_uploads?".to_owned(),
        "custom_emojis?".to_owned(),
        format!("blocks/{root}/children?"),
        format!("comments?block_id={root}&"),
    ];
    for path in lists {
        for size in ["ten", "101", "1.5"] {
            let reply = n.call(&token, "GET", &format!("{path}page_size={size}"), None).await;
            assert_eq!(reply.refusal(), "400, validation_error", "{path} {size}");
        }
    }
}

#[tokio::test]
async fn a_user_is_found_by_id() {
    let n = notion().await;
    let users = n.ok("GET", "users", None).await;
    for user in users["results"].as_array().expect("a list") {
        let found = n.ok("GET", &format!("users/{}", text(user, "id")), None).await;
        assert_eq!(found["name"], user["name"]);
    }
}
