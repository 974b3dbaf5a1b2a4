//! What others recorded of Notion (May 2024 to June 2026), and what follows from it for the cases beside.

use serde_json::{Map, Value, json};

use crate::support::{Notion, notion, text};

pub(super) fn runs(content: &str) -> Value {
    json!([{"text": {"content": content}}])
}

pub(super) fn said(runs: &Value) -> String {
    runs.as_array().into_iter().flatten().filter_map(|run| run["plain_text"].as_str()).collect()
}

/// A call in the oldest version that is still in use.
async fn old(n: &Notion, method: &str, path: &str, body: Option<Value>) -> Value {
    let reply = n.call_in("2022-06-28", &n.running.emulator.internal_token(), method, path, body).await;
    assert_eq!(reply.status, 200, "{method} {path}: {}", reply.text());
    reply.json()
}

pub(super) async fn page(n: &Notion, title: &str) -> String {
    let root = n.running.emulator.root_page_id();
    let body = json!({"parent": {"page_id": root}, "properties": {"title": {"title": runs(title)}}});
    text(&n.ok("POST", "pages", Some(body)).await, "id")
}

/// A database with these columns beside its title, and more in its body: its id and its data source's.
async fn table(n: &Notion, columns: Value, more: Value) -> (String, String) {
    let mut properties = json!({"Name": {"title": {}}});
    properties.as_object_mut().unwrap().extend(columns.as_object().unwrap().clone());
    let parent = json!({"page_id": n.running.emulator.root_page_id()});
    let mut body = json!({"parent": parent, "initial_data_source": {"properties": properties}});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let made = n.ok("POST", "databases", Some(body)).await;
    (text(&made, "id"), text(&made["data_sources"][0], "id"))
}

async fn row(n: &Notion, source: &str, name: &str, properties: Value) -> Value {
    let mut all = json!({"Name": {"title": runs(name)}});
    all.as_object_mut().unwrap().extend(properties.as_object().unwrap().clone());
    n.ok("POST", "pages", Some(json!({"parent": {"data_source_id": source}, "properties": all}))).await
}

async fn names(n: &Notion, source: &str, body: Value) -> Vec<String> {
    let found = n.ok("POST", &format!("data_sources/{source}/query"), Some(body)).await;
    found["results"].as_array().unwrap().iter().map(|row| said(&row["properties"]["Name"]["title"])).collect()
}

pub(super) async fn append(n: &Notion, to: &str, body: Value) -> Vec<Value> {
    let list = n.ok("PATCH", &format!("blocks/{to}/children"), Some(body)).await;
    list["results"].as_array().unwrap().clone()
}

#[tokio::test]
async fn rows_that_no_sort_tells_apart_come_newest_first() {
    let n = notion().await;
    let (database, source) = table(&n, json!({"N": {"number": {}}}), json!({})).await;
    for (name, number) in [("a", 1), ("b", 2), ("c", 1)] {
        row(&n, &source, name, json!({"N": {"number": number}})).await;
    }
    assert_eq!(names(&n, &source, json!({})).await, ["c", "b", "a"]);
    let ones = json!({"filter": {"property": "N", "number": {"equals": 1}}});
    assert_eq!(names(&n, &source, ones).await, ["c", "a"]);
    let sorted = json!({"sorts": [{"property": "N", "direction": "ascending"}]});
    assert_eq!(names(&n, &source, sorted).await, ["c", "a", "b"]);
    let earlier = old(&n, "POST", &format!("databases/{database}/query"), Some(json!({}))).await;
    assert_eq!(said(&earlier["results"][0]["properties"]["Name"]["title"]), "c");
}

#[tokio::test]
async fn a_cursor_of_a_query_names_its_run_and_the_next_row() {
    let n = notion().await;
    let (_, source) = table(&n, json!({}), json!({})).await;
    let first = text(&row(&n, &source, "a", json!({})).await, "id");
    row(&n, &source, "b", json!({})).await;
    let path = format!("data_sources/{source}/query");
    let list = n.ok("POST", &path, Some(json!({"page_size": 1}))).await;
    let cursor = text(&list, "next_cursor");
    assert!(cursor.starts_with("s:") && cursor.ends_with(&format!(":{first}")), "{cursor}");
    let next = n.ok("POST", &path, Some(json!({"start_cursor": cursor}))).await;
    assert_eq!((&next["results"][0]["id"], &next["has_more"]), (&json!(first), &json!(false)));
}

#[tokio::test]
async fn a_date_keeps_its_minute_and_tells_no_zone() {
    let n = notion().await;
    let (_, source) = table(&n, json!({"D": {"date": {}}}), json!({})).await;
    let cases = [
        (
            json!({"start": "2026-06-27T17:57:32.424991", "time_zone": "Europe/London"}),
            "2026-06-27T17:57:00.000+01:00",
            Value::Null,
        ),
        (
            json!({"start": "2026-06-27T17:57:59Z", "end": "2026-06-28T00:00:01+02:00"}),
            "2026-06-27T17:57:00.000+00:00",
            json!("2026-06-28T00:00:00.000+02:00"),
        ),
        (json!({"start": "2026-06-27"}), "2026-06-27", Value::Null),
    ];
    for (sent, start, end) in cases {
        let made = row(&n, &source, "a", json!({"D": {"date": sent}})).await;
        let shown = json!({"start": start, "end": end, "time_zone": null});
        assert_eq!(made["properties"]["D"]["date"], shown);
        let mention = json!({"type": "mention", "mention": {"type": "date", "date": sent}});
        let block = json!({"children": [{"paragraph": {"rich_text": [mention]}}]});
        let made = append(&n, &text(&made, "id"), block).await;
        let run = &made[0]["paragraph"]["rich_text"][0];
        assert_eq!(run["mention"]["date"], shown);
        assert!(text(run, "plain_text").starts_with(start), "{run}");
    }
}

#[tokio::test]
async fn a_database_nobody_named_has_a_name_all_the_same() {
    let n = notion().await;
    let (database, source) = table(&n, json!({}), json!({})).await;
    let name = async || {
        let block = n.ok("GET", &format!("blocks/{database}"), None).await;
        let database = n.ok("GET", &format!("databases/{database}"), None).await;
        let source = n.ok("GET", &format!("data_sources/{source}"), None).await;
        [
            said(&database["title"]),
            text(&database["data_sources"][0], "name"),
            text(&block["child_database"], "title"),
            said(&source["title"]),
        ]
    };
    let untitled = ["New database", "New database", "New database", ""];
    assert_eq!(name().await, untitled);
    n.ok("PATCH", &format!("data_sources/{source}"), Some(json!({"title": runs("Plants")}))).await;
    assert_eq!(name().await, ["Plants"; 4]);
    n.ok("PATCH", &format!("databases/{database}"), Some(json!({"title": []}))).await;
    assert_eq!(name().await, untitled);
}

#[tokio::test]
async fn what_a_database_is_called_stands_on_its_first_data_source_too() {
    let n = notion().await;
    let (database, source) = table(&n, json!({}), json!({"description": runs("at birth")})).await;
    let source_path = format!("data_sources/{source}");
    let database_path = format!("databases/{database}");
    assert_eq!(said(&n.ok("GET", &source_path, None).await["description"]), "at birth");
    let (hand, snake) = (json!({"type": "emoji", "emoji": "🤝"}), json!({"type": "emoji", "emoji": "🐍"}));
    let later = json!({"description": runs("later"), "icon": hand, "title": runs("Contacts")});
    n.ok("PATCH", &database_path, Some(later)).await;
    let shown = n.ok("GET", &source_path, None).await;
    assert_eq!((said(&shown["description"]), said(&shown["title"])), ("later".into(), "Contacts".into()));
    assert_eq!(shown["icon"], hand);
    n.ok("PATCH", &source_path, Some(json!({"icon": snake, "description": []}))).await;
    let shown = n.ok("GET", &database_path, None).await;
    assert_eq!((&shown["icon"], &shown["description"]), (&snake, &json!([])));
    // A second data source has a name of its own.
    let second = json!({"parent": {"database_id": database}, "title": runs("People"), "properties": {"Name": {"title": {}}}});
    n.ok("POST", "data_sources", Some(second)).await;
    let shown = n.ok("GET", &database_path, None).await;
    let names: Vec<String> = [0, 1].map(|at| text(&shown["data_sources"][at], "name")).to_vec();
    assert_eq!((said(&shown["title"]), names), ("Contacts".into(), vec!["Contacts".into(), "People".into()]));
}

#[tokio::test]
async fn an_old_version_sees_a_database_as_a_table() {
    let n = notion().await;
    let (database, _) = table(&n, json!({"B": {"number": {}}}), json!({"title": runs("Old")})).await;
    let shown = old(&n, "GET", &format!("databases/{database}"), None).await;
    let keys: Vec<&str> = shown.as_object().unwrap().keys().map(String::as_str).collect();
    let start = [
        "object",
        "id",
        "cover",
        "icon",
        "created_time",
        "created_by",
        "last_edited_by",
        "last_edited_time",
        "title",
    ];
    assert_eq!(keys[..9], start);
    assert!(text(&shown, "created_time").ends_with(":00.000Z"), "{shown}");
    assert_eq!(shown["properties"]["B"]["number"], json!({"format": "number"}));
}

#[tokio::test]
async fn options_of_a_status_are_to_do_until_people_sort_them() {
    let n = notion().await;
    let options = json!({"options": [{"name": "Backlog"}, {"name": "In Progress"}, {"name": "Done"}]});
    let columns = json!({"S": {"status": options}, "T": {"status": {}}});
    let (_, source) = table(&n, columns, json!({})).await;
    let groups = async |column: &str| {
        let shown = n.ok("GET", &format!("data_sources/{source}"), None).await;
        let groups = shown["properties"][column]["status"]["groups"].as_array().unwrap().clone();
        groups.iter().map(|group| group["option_ids"].as_array().unwrap().len()).collect::<Vec<_>>()
    };
    assert_eq!(groups("S").await, [3, 0, 0]);
    assert_eq!(groups("T").await, [1, 1, 1], "the usual ones are sorted");
    let more = json!({"properties": {"T": {"status": {"options": [{"name": "Not started"}, {"name": "In progress"}, {"name": "Done"}, {"name": "Late"}]}}}});
    n.ok("PATCH", &format!("data_sources/{source}"), Some(more)).await;
    assert_eq!(groups("T").await, [2, 1, 1]);
}

#[tokio::test]
async fn columns_come_by_their_ids_and_the_title_last() {
    let n = notion().await;
    let columns: Map<String, Value> =
        "abcdef".chars().map(|name| (name.into(), json!({"number": {}}))).collect();
    let (database, source) = table(&n, columns.into(), json!({})).await;
    let made = row(&n, &source, "a", json!({})).await;
    let shown = n.ok("GET", &format!("data_sources/{source}"), None).await;
    let earlier = old(&n, "GET", &format!("databases/{database}"), None).await;
    for properties in [&shown["properties"], &made["properties"], &earlier["properties"]] {
        let ids: Vec<String> =
            properties.as_object().unwrap().values().map(|column| decoded(&text(column, "id"))).collect();
        let (title, others) = ids.split_last().unwrap();
        assert_eq!((title.as_str(), others.len()), ("title", 6));
        assert!(others.is_sorted(), "{others:?}");
    }
}

fn decoded(id: &str) -> String {
    percent_encoding::percent_decode_str(id).decode_utf8_lossy().into_owned()
}

#[tokio::test]
async fn a_formula_names_its_data_source_and_is_printed_anew() {
    let n = notion().await;
    let columns = json!({
        "N": {"number": {}},
        "F": {"formula": {"expression": "if( (prop(\"N\")==2) ,1+prop(\"N\")*3, 0)"}},
        "G": {"formula": {"expression": "\"prop(\" + prop(\"F\")"}},
    });
    let (_, source) = table(&n, columns, json!({})).await;
    let shown = n.ok("GET", &format!("data_sources/{source}"), None).await["properties"].clone();
    let (number, workspace) = (text(&shown["N"], "id"), "7a902c1e-5b3d-4f60-8e17-3f0a9c44a001");
    let name = |id: &str| format!("{{{{notion:block_property:{id}:{source}:{workspace}}}}}");
    let (own, formula) = (name(&number), name(&text(&shown["F"], "id")));
    assert_eq!(shown["F"]["formula"]["expression"], format!("if({own} == 2, 1 + ({own} * 3), 0)"));
    assert_eq!(shown["G"]["formula"]["expression"], format!("\"prop(\" + {formula}"));
    let made = row(&n, &source, "a", json!({"N": {"number": 2}})).await;
    assert_eq!(made["properties"]["G"]["formula"]["string"], "prop(7");
}

#[tokio::test]
async fn a_rollup_names_its_columns_as_they_are() {
    let n = notion().await;
    let (_, there) = table(&n, json!({}), json!({})).await;
    // Ids are random; of thirty relations some need encoding.
    let mut columns = Map::new();
    for at in 0..30 {
        let relation = json!({"relation": {"data_source_id": there, "single_property": {}}});
        columns.insert(format!("R{at}"), relation);
        let rollup = json!({"function": "count", "relation_property_name": format!("R{at}"), "rollup_property_name": "Name"});
        columns.insert(format!("U{at}"), json!({"rollup": rollup}));
    }
    let (_, source) = table(&n, columns.into(), json!({})).await;
    let shown = n.ok("GET", &format!("data_sources/{source}"), None).await["properties"].clone();
    let mut encoded = 0;
    for at in 0..30 {
        let id = text(&shown[format!("R{at}")], "id");
        encoded += usize::from(id.contains('%'));
        assert_eq!(shown[format!("U{at}")]["rollup"]["relation_property_id"], decoded(&id));
    }
    assert!(encoded > 0, "none was encoded");
}

#[tokio::test]
async fn columns_tell_little_of_a_bot_and_users_all() {
    let n = notion().await;
    let columns = json!({"C": {"created_by": {}}, "E": {"last_edited_by": {}}});
    let (_, source) = table(&n, columns, json!({})).await;
    let made = row(&n, &source, "a", json!({})).await["properties"].clone();
    for (column, kind) in [("C", "created_by"), ("E", "last_edited_by")] {
        assert_eq!((&made[column][kind]["bot"], &made[column][kind]["type"]), (&json!({}), &json!("bot")));
    }
    assert_ne!(n.ok("GET", "users/me", None).await["bot"], json!({}));
}

#[tokio::test]
async fn a_text_is_told_whole_however_many_mentions_it_has() {
    let n = notion().await;
    let users = n.ok("GET", "users", None).await["results"].clone();
    let person = users.as_array().unwrap().iter().find(|user| user["type"] == "person").unwrap();
    let mention = json!({"mention": {"user": {"id": person["id"]}}});
    let runs: Vec<Value> =
        (0..50).flat_map(|_| [mention.clone(), json!({"text": {"content": ", "}})]).collect();
    let (_, source) = table(&n, json!({"T": {"rich_text": {}}}), json!({})).await;
    let body = json!({"parent": {"data_source_id": source}, "properties": {"Name": {"title": runs}, "T": {"rich_text": runs}}});
    let made = n.ok("POST", "pages", Some(body)).await;
    let read = n.ok("GET", &format!("pages/{}", text(&made, "id")), None).await;
    for page in [made, read] {
        assert_eq!(page["properties"]["Name"]["title"].as_array().unwrap().len(), 100);
        assert_eq!(page["properties"]["T"]["rich_text"].as_array().unwrap().len(), 100);
    }
}
