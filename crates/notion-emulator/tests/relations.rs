//! Relations: one-way and two-way, and how the two sides of the latter stay in step.

use serde_json::{Value, json};

use crate::support::{Notion, notion, text};

async fn schema(n: &Notion, source: &str) -> Value {
    n.ok("GET", &format!("data_sources/{source}"), None).await["properties"].clone()
}

async fn reshape(n: &Notion, source: &str, properties: Value) {
    n.ok("PATCH", &format!("data_sources/{source}"), Some(json!({"properties": properties}))).await;
}

/// The rows that a cell shows.
async fn links(n: &Notion, row: &str, column: &str) -> Vec<String> {
    let page = n.ok("GET", &format!("pages/{row}"), None).await;
    let cell = page["properties"][column]["relation"].as_array().expect("a relation").clone();
    cell.iter().map(|link| text(link, "id")).collect()
}

async fn link(n: &Notion, row: &str, column: &str, to: &[&str]) {
    let to: Vec<Value> = to.iter().map(|id| json!({"id": id})).collect();
    n.ok("PATCH", &format!("pages/{row}"), Some(json!({"properties": {column: {"relation": to}}}))).await;
}

/// Projects, and tasks with a two-way relation to them.
async fn two_way(n: &Notion) -> (String, String) {
    let (_, projects) = n.database("Projects", json!({})).await;
    let relation = json!({"data_source_id": projects, "dual_property": {}});
    let (_, tasks) = n.database("Tasks", json!({"Project": {"relation": relation}})).await;
    (projects, tasks)
}

#[tokio::test]
async fn a_two_way_relation_shows_on_both_sides_under_names_that_can_change() {
    let n = notion().await;
    let (projects, tasks) = two_way(&n).await;
    let (here, there) = (schema(&n, &tasks).await, schema(&n, &projects).await);
    let name = "Related to Tasks (Project)";
    let dual = &here["Project"]["relation"];
    assert_eq!(dual["data_source_id"], projects.as_str());
    assert_eq!(
        dual["dual_property"],
        json!({"synced_property_name": name, "synced_property_id": there[name]["id"]})
    );
    assert_eq!(there[name]["relation"]["dual_property"]["synced_property_name"], "Project");
    reshape(&n, &projects, json!({name: {"name": "Tasks"}})).await;
    assert_eq!(
        schema(&n, &tasks).await["Project"]["relation"]["dual_property"]["synced_property_name"],
        "Tasks"
    );
    let renamed = json!({"data_source_id": projects, "dual_property": {"synced_property_name": "To do"}});
    reshape(&n, &tasks, json!({"Project": {"relation": renamed}})).await;
    assert!(schema(&n, &projects).await.get("To do").is_some());
}

#[tokio::test]
async fn links_are_kept_in_step_in_both_directions() {
    let n = notion().await;
    let (projects, tasks) = two_way(&n).await;
    let back = "Related to Tasks (Project)";
    let (old, new) = (n.row(&projects, "p", json!({})).await, n.row(&projects, "q", json!({})).await);
    let first = n.row(&tasks, "a", json!({"Project": {"relation": [{"id": old}]}})).await;
    let other = n.row(&tasks, "b", json!({})).await;
    assert_eq!(links(&n, &old, back).await, std::slice::from_ref(&first));
    link(&n, &old, back, &[&first, &other]).await;
    assert_eq!(links(&n, &other, "Project").await, std::slice::from_ref(&old));
    link(&n, &first, "Project", &[&new]).await;
    assert_eq!(
        (links(&n, &old, back).await, links(&n, &new, back).await),
        (vec![other.clone()], vec![first.clone()])
    );
    n.ok("PATCH", &format!("pages/{other}"), Some(json!({"in_trash": true}))).await;
    assert!(links(&n, &old, back).await.is_empty(), "a row in the trash is not shown");
    n.ok("PATCH", &format!("pages/{other}"), Some(json!({"in_trash": false}))).await;
    assert_eq!(links(&n, &old, back).await, std::slice::from_ref(&other), "restored, it is back");
}

#[tokio::test]
async fn a_relation_becomes_two_way_and_one_way_again() {
    let n = notion().await;
    let (_, projects) = n.database("Projects", json!({})).await;
    let single =
        json!({"relation": {"data_source_id": projects, "type": "single_property", "single_property": {}}});
    let (_, tasks) = n.database("Tasks", json!({"Project": single})).await;
    assert_eq!(schema(&n, &tasks).await["Project"]["relation"]["type"], "single_property");
    let p = n.row(&projects, "p", json!({})).await;
    let a = n.row(&tasks, "a", json!({"Project": {"relation": [{"id": p}]}})).await;
    assert_eq!(schema(&n, &projects).await.as_object().map(serde_json::Map::len), Some(1));
    let dual = json!({"data_source_id": projects, "dual_property": {"synced_property_name": "Tasks"}});
    reshape(&n, &tasks, json!({"Project": {"relation": dual}})).await;
    assert_eq!(
        links(&n, &p, "Tasks").await,
        std::slice::from_ref(&a),
        "what was linked shows on the other side too"
    );
    reshape(&n, &tasks, json!({"Project": single})).await;
    let left = schema(&n, &projects).await["Tasks"]["relation"].clone();
    assert_eq!(left["type"], "single_property", "the other side stays, and is one-way too");
    assert_eq!(links(&n, &p, "Tasks").await, std::slice::from_ref(&a));
    link(&n, &p, "Tasks", &[]).await;
    assert_eq!(links(&n, &a, "Project").await, std::slice::from_ref(&p), "they are not in step any more");
    reshape(&n, &projects, json!({"Tasks": null})).await;
    assert_eq!(links(&n, &a, "Project").await, [p], "nor does the one go with the other");
}

#[tokio::test]
async fn a_relation_that_was_parted_gets_a_new_other_side_beside_the_old_one() {
    let n = notion().await;
    let (projects, tasks) = two_way(&n).await;
    let back = "Related to Tasks (Project)";
    let to =
        |kind: &str| json!({"Project": {"relation": {"data_source_id": projects, "type": kind, kind: {}}}});
    reshape(&n, &tasks, to("single_property")).await;
    reshape(&n, &tasks, to("dual_property")).await;
    let there = schema(&n, &projects).await;
    assert_eq!(there[back]["relation"]["type"], "single_property");
    let twin = &there[format!("{back} (1)")];
    assert_eq!(twin["relation"]["dual_property"]["synced_property_name"], "Project", "{there}");
    let here = schema(&n, &tasks).await["Project"]["relation"]["dual_property"].clone();
    assert_eq!(here["synced_property_id"], twin["id"]);
}

#[tokio::test]
async fn when_one_side_goes_the_other_goes_too() {
    let n = notion().await;
    let (projects, tasks) = two_way(&n).await;
    reshape(&n, &projects, json!({"Related to Tasks (Project)": null})).await;
    assert!(schema(&n, &tasks).await.get("Project").is_none());
    let (projects, tasks) = two_way(&n).await;
    reshape(&n, &tasks, json!({"Project": {"rich_text": {}}})).await;
    assert_eq!(schema(&n, &projects).await.as_object().map(serde_json::Map::len), Some(1));
}

#[tokio::test]
async fn a_table_relates_to_itself() {
    let n = notion().await;
    let (_, source) = n.database("Parts", json!({})).await;
    let dual = json!({"data_source_id": source, "dual_property": {"synced_property_name": "Whole"}});
    reshape(&n, &source, json!({"Parts": {"relation": dual}})).await;
    let (car, wheel) = (n.row(&source, "car", json!({})).await, n.row(&source, "wheel", json!({})).await);
    link(&n, &car, "Parts", &[&wheel, &car]).await;
    assert_eq!(links(&n, &wheel, "Whole").await, std::slice::from_ref(&car));
    assert_eq!(links(&n, &car, "Whole").await, std::slice::from_ref(&car));
    link(&n, &car, "Whole", &[]).await;
    assert_eq!(links(&n, &car, "Parts").await, [wheel]);
    reshape(&n, &source, json!({"Whole": null})).await;
    assert_eq!(schema(&n, &source).await.as_object().map(serde_json::Map::len), Some(1));
}

#[tokio::test]
async fn a_relation_leads_only_to_rows_of_its_table() {
    let n = notion().await;
    let (_, tasks) = two_way(&n).await;
    let root = n.running.emulator.root_page_id();
    let row =
        json!({"parent": {"data_source_id": tasks}, "properties": {"Project": {"relation": [{"id": root}]}}});
    assert_eq!(n.refused("POST", "pages", row).await.0, "404, object_not_found");
    let many: Vec<Value> = (0..101).map(|_| json!({"id": root})).collect();
    let row = json!({"parent": {"data_source_id": tasks}, "properties": {"Project": {"relation": many}}});
    assert!(n.refused("POST", "pages", row).await.1.contains("relation.length should be ≤ `100`"));
    let nowhere = json!({"properties": {"R": {"relation": {"data_source_id": root, "single_property": {}}}}});
    assert_eq!(
        n.refused("PATCH", &format!("data_sources/{tasks}"), nowhere).await.0,
        "404, object_not_found"
    );
    let neither = json!({"properties": {"R": {"relation": {"data_source_id": tasks}}}});
    let (_, message) = n.refused("PATCH", &format!("data_sources/{tasks}"), neither).await;
    assert!(message.contains("relation.single_property should be defined"), "{message}");
}

#[tokio::test]
async fn a_page_shows_25_links_and_the_property_endpoint_all() {
    let n = notion().await;
    let (projects, tasks) = two_way(&n).await;
    let mut ids = Vec::new();
    for number in 0..30 {
        let id = n.row(&projects, &number.to_string(), json!({})).await;
        ids.push(json!({"id": id}));
    }
    let row = n.row(&tasks, "t", json!({"Project": {"relation": ids}})).await;
    let cell = n.ok("GET", &format!("pages/{row}"), None).await["properties"]["Project"].clone();
    assert_eq!((cell["relation"].as_array().unwrap().len(), cell["has_more"].clone()), (25, json!(true)));
    let path = format!("pages/{row}/properties/{}", text(&cell, "id"));
    let first = n.ok("GET", &format!("{path}?page_size=20"), None).await;
    assert_eq!(first["results"][0]["relation"], ids[0]);
    assert_eq!((first["has_more"].clone(), first["type"].clone()), (json!(true), json!("property_item")));
    let cursor = text(&first, "next_cursor");
    assert!(text(&first["property_item"], "next_url").ends_with(&format!(
        "/v1/pages/{}/properties/{}?start_cursor={cursor}&page_size=20",
        row.replace('-', ""),
        text(&cell, "id")
    )));
    let rest = n.ok("GET", &format!("{path}?page_size=20&start_cursor={cursor}"), None).await;
    assert_eq!(rest["results"].as_array().unwrap().len(), 10);
    assert_eq!(rest["results"][0]["relation"], ids[20]);
}

#[tokio::test]
async fn a_relation_to_a_table_out_of_reach_is_not_shown_nor_what_is_based_on_it() {
    let n = notion().await;
    let found = n
        .ok(
            "POST",
            "search",
            Some(json!({"query": "Books", "filter": {"property": "object", "value": "data_source"}})),
        )
        .await;
    let books = text(&found["results"][0], "id");
    let relation = json!({"relation": {"data_source_id": books, "single_property": {}}});
    let (_, source) = n.database("Loans", json!({"Book": relation})).await;
    let rollup =
        json!({"function": "count", "relation_property_name": "Book", "rollup_property_name": "Title"});
    reshape(&n, &source, json!({"Count": {"rollup": rollup}})).await;
    let row = n.row(&source, "r", json!({})).await;
    let token = text(&n.pair().await, "access_token");
    let keys = async |path: String| {
        let shown = n.call(&token, "GET", &path, None).await.json()["properties"].clone();
        shown.as_object().expect("properties").keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(keys(format!("data_sources/{source}")).await, ["Name"], "books are not shared with this one");
    assert_eq!(keys(format!("pages/{row}")).await, ["Name"]);
    let schema = schema(&n, &source).await;
    assert_eq!(schema.as_object().map(serde_json::Map::len), Some(3));
    let path = format!("pages/{row}/properties/{}", text(&schema["Count"], "id"));
    assert_eq!(n.call(&token, "GET", &path, None).await.refusal(), "400, validation_error");
}

#[tokio::test]
async fn a_relation_that_leads_elsewhere_starts_empty_on_both_sides() {
    let n = notion().await;
    let (projects, tasks) = two_way(&n).await;
    let project = n.row(&projects, "p", json!({})).await;
    let task = n.row(&tasks, "t", json!({"Project": {"relation": [{"id": project}]}})).await;
    let (_, people) = n.database("People", json!({"Tasks": {"number": {}}})).await;
    let dual = json!({"data_source_id": people, "dual_property": {"synced_property_name": "Tasks"}});
    reshape(&n, &tasks, json!({"Project": {"name": "Who", "relation": dual}})).await;
    assert!(links(&n, &task, "Who").await.is_empty());
    assert_eq!(schema(&n, &projects).await.as_object().map(serde_json::Map::len), Some(1));
    let person = n.row(&people, "x", json!({})).await;
    link(&n, &person, "Tasks (1)", &[&task]).await;
    assert_eq!(links(&n, &task, "Who").await, [person], "a name that is taken gets a number");
}
