//! Views: the tabs of databases and what can be set of them, and dashboards with their widgets.

use notion_emulator::{Capabilities, Switches};
use serde_json::{Value, json};

use crate::support::{Notion, notion, text, with};

/// The seeded tracker, its table and its two tabs.
const TRACKER: &str = "2ac61f0e-7b52-8045-9d31-e8a460b70002";
const TABLE: &str = "2ac61f0e-7b52-80f1-a7c0-000b60b70003";
const LIST: &str = "2ac61f0e-7b52-80f1-a7c0-000c60b70006";
const BOARD: &str = "2ac61f0e-7b52-80f1-a7c0-000c60b70007";
/// The reading list, which a consent shares only if it is picked.
const BOOKS: &str = "2ac61f0e-7b52-8045-9d31-e8a460b70004";
const BOOKS_TABLE: &str = "2ac61f0e-7b52-80f1-a7c0-000b60b70005";
const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

async fn tabs(n: &Notion, database: &str) -> Vec<String> {
    let list = n.ok("GET", &format!("views?database_id={database}"), None).await;
    list["results"].as_array().expect("views").iter().map(|view| text(view, "id")).collect()
}

/// A view on the tracker, with more than the least.
async fn made(n: &Notion, kind: &str, more: Value) -> Value {
    n.ok("POST", "views", Some(view(kind, more))).await
}

fn view(kind: &str, more: Value) -> Value {
    let mut body = json!({"database_id": TRACKER, "data_source_id": TABLE, "name": "New", "type": kind});
    for (key, value) in more.as_object().expect("an object") {
        if value.is_null() {
            body.as_object_mut().expect("an object").remove(key);
        } else {
            body[key] = value.clone();
        }
    }
    body
}

async fn refusal(n: &Notion, method: &str, path: &str, body: Option<Value>) -> String {
    let reply = n.call(&n.running.emulator.internal_token(), method, path, body).await;
    format!("{}: {}", reply.refusal(), text(&reply.json(), "message"))
}

#[tokio::test]
async fn a_new_database_has_a_default_table_view() {
    let n = notion().await;
    let parent = json!({"page_id": n.running.emulator.root_page_id()});
    let body = json!({"parent": parent, "initial_data_source": {"properties": {"Name": {"title": {}}}}});
    let database = n.ok("POST", "databases", Some(body)).await;
    let id = text(&database, "id");
    let views = tabs(&n, &id).await;
    assert_eq!(views.len(), 1);
    let view = n.ok("GET", &format!("views/{}", views[0]), None).await;
    let keys: Vec<&str> = view.as_object().expect("a view").keys().map(String::as_str).collect();
    let expected = "object id parent data_source_id name type created_time created_by last_edited_time \
                    last_edited_by url filter sorts quick_filters configuration request_id";
    assert_eq!(keys.join(" "), expected);
    assert_eq!((&view["name"], &view["type"]), (&json!("Default view"), &json!("table")));
    assert_eq!(view["data_source_id"], database["data_sources"][0]["id"]);
    assert_eq!(view["configuration"], json!({"type": "table"}));
    let address = format!("/{}?v={}", id.replace('-', ""), views[0].replace('-', ""));
    assert!(text(&view, "url").ends_with(&address), "{view}");
}

#[tokio::test]
async fn views_are_listed_by_database_and_by_data_source() {
    let n = notion().await;
    assert_eq!(tabs(&n, TRACKER).await, [LIST, BOARD]);
    let list = n.ok("GET", &format!("views?data_source_id={TABLE}&page_size=1"), None).await;
    assert_eq!(list["results"], json!([{"object": "view", "id": LIST}]));
    assert_eq!((&list["type"], &list["view"], &list["has_more"]), (&json!("view"), &json!({}), &json!(true)));
    let cursor = text(&list, "next_cursor");
    let rest = n.ok("GET", &format!("views?data_source_id={TABLE}&start_cursor={cursor}"), None).await;
    assert_eq!(rest["results"][0]["id"], BOARD);
    let neither = refusal(&n, "GET", "views", None).await;
    assert!(
        neither.starts_with("400, validation_error: At least one of database_id or data_source_id"),
        "{neither}"
    );
    let wrong = refusal(&n, "GET", "views?database_id=x", None).await;
    assert!(wrong.contains("query.database_id should be a valid uuid"), "{wrong}");
    let gone = refusal(&n, "GET", &format!("views?database_id={NOBODY}"), None).await;
    assert!(gone.starts_with("404, object_not_found: Could not find database with ID"), "{gone}");
}

#[tokio::test]
async fn every_layout_can_be_made() {
    let n = notion().await;
    let grouped = json!({"type": "select", "property_id": "Priority", "sort": {"type": "manual"}});
    let layouts = [
        ("table", json!({"wrap_cells": true, "frozen_column_index": 1})),
        ("board", json!({"group_by": grouped, "cover": {"type": "page_cover"}, "card_layout": "compact"})),
        ("list", json!({"properties": [{"property_id": "Name", "visible": true}]})),
        ("calendar", json!({"date_property_id": "Dates", "view_range": "week"})),
        ("timeline", json!({"date_property_id": "Dates", "preference": {"zoom_level": "bi_week"}})),
        ("gallery", json!({"cover_size": "large", "cover_aspect": "contain"})),
        ("form", json!({"is_form_closed": true, "submission_permissions": "reader"})),
        (
            "chart",
            json!({"chart_type": "bar", "x_axis": grouped, "y_axis": {"aggregator": "sum", "property_id": "Estimate"}}),
        ),
        ("map", json!({"height": "small"})),
    ];
    for (kind, mut settings) in layouts {
        settings["type"] = kind.into();
        let view = made(&n, kind, json!({"configuration": settings})).await;
        assert_eq!((&view["type"], &view["configuration"]["type"]), (&json!(kind), &json!(kind)));
        let bare = made(&n, kind, json!({})).await;
        let has_one = matches!(kind, "table" | "list" | "gallery" | "form" | "map");
        assert_eq!(bare["configuration"].is_object(), has_one, "{kind}: {bare}");
    }
    assert_eq!(tabs(&n, TRACKER).await.len(), 20);
}

#[tokio::test]
async fn columns_are_kept_by_id_and_shown_with_their_names() {
    let n = notion().await;
    let settings = json!({"type": "calendar", "date_property_id": "day%3D", "properties": [{"property_id": "Status", "visible": false}]});
    let more = json!({
        "configuration": settings,
        "filter": {"and": [{"property": "Status", "status": {"equals": "Done"}}]},
        "sorts": [{"property": "Estimate", "direction": "descending"}, {"timestamp": "created_time", "direction": "ascending"}],
        "quick_filters": {"Priority": {"select": {"equals": "High"}}, "Owner": {}},
    });
    let view = made(&n, "calendar", more).await;
    let shown = json!({
        "type": "calendar",
        "date_property_id": "day=",
        "date_property_name": "Dates",
        "properties": [{"property_id": "stat", "property_name": "Status", "visible": false}],
    });
    assert_eq!(view["configuration"], shown);
    assert_eq!(view["filter"], json!({"and": [{"property": "stat", "status": {"equals": "Done"}}]}));
    assert_eq!(view["sorts"][0], json!({"property": "est_", "direction": "descending"}));
    assert_eq!(view["quick_filters"], json!({"pr:o": {"select": {"equals": "High"}}, "who~": {}}));
    let rename = json!({"properties": {"Status": {"name": "State"}}});
    n.ok("PATCH", &format!("data_sources/{TABLE}"), Some(rename)).await;
    let path = format!("views/{}", text(&view, "id"));
    let view = n.ok("GET", &path, None).await;
    assert_eq!(view["configuration"]["properties"][0]["property_name"], "State");
}

#[tokio::test]
async fn an_update_changes_what_it_names_and_null_clears() {
    let n = notion().await;
    let sorts = json!([{"property": "Estimate", "direction": "ascending"}]);
    let more = json!({"sorts": sorts, "quick_filters": {"Status": {}, "Area": {}}, "configuration": {"type": "table", "wrap_cells": true}});
    let path = format!("views/{}", text(&made(&n, "table", more).await, "id"));
    let grouped =
        json!({"type": "status", "property_id": "stat", "group_by": "group", "sort": {"type": "manual"}});
    let change = json!({
        "name": "Renamed",
        "type": "board",
        "filter": {"property": "Designed", "checkbox": {"equals": true}},
        "quick_filters": {"Status": null, "Owner": {"people": {"is_empty": true}}},
        "configuration": {"type": "table", "group_by": grouped},
    });
    let changed = n.ok("PATCH", &path, Some(change)).await;
    assert_eq!((&changed["name"], &changed["type"]), (&json!("Renamed"), &json!("table")));
    assert_eq!(changed["sorts"].as_array().expect("kept").len(), 1);
    let quick: Vec<&String> = changed["quick_filters"].as_object().expect("some").keys().collect();
    assert_eq!(quick, ["ar@s", "who~"]);
    let settings = &changed["configuration"];
    assert_eq!(
        (&settings["wrap_cells"], &settings["group_by"]["property_name"]),
        (&json!(true), &json!("Status"))
    );
    let clear = json!({"filter": null, "sorts": null, "quick_filters": null, "configuration": {"type": "table", "group_by": null}});
    let cleared = n.ok("PATCH", &path, Some(clear)).await;
    for key in ["filter", "sorts", "quick_filters"] {
        assert!(cleared[key].is_null(), "{key}: {cleared}");
    }
    assert_eq!(cleared["configuration"], json!({"type": "table", "wrap_cells": true}));
}

#[tokio::test]
async fn a_view_that_cannot_be_is_refused() {
    let n = notion().await;
    let cases = [
        (
            json!({"database_id": null}),
            "Exactly one of database_id, view_id, or create_database must be provided.",
        ),
        (json!({"view_id": BOARD}), "Exactly one of"),
        (json!({"type": "carousel"}), "body.type should be `\"table\"`, `\"board\"`"),
        (json!({"name": null}), "body.name should be defined, instead was `undefined`."),
        (json!({"data_source_id": null}), "body.data_source_id should be defined"),
        (json!({"placement": {"type": "new_row"}}), "body.placement should be not present"),
        (
            json!({"configuration": {"type": "gallery"}}),
            "Configuration type \"gallery\" does not match view type \"table\"",
        ),
        (
            json!({"filter": {"property": "Nope", "number": {"equals": 1}}}),
            "Could not find property with name or id: Nope",
        ),
        (json!({"sorts": [{"property": "Nope", "direction": "ascending"}]}), "Nope"),
        (json!({"quick_filters": {"Nope": {}}}), "Could not find property with name or id: Nope"),
        (json!({"quick_filters": {"Status": {"number": {"equals": 1}}}}), "does not match filter number"),
        (
            json!({"type": "dashboard", "filter": {"property": "Name", "title": {"is_empty": true}}}),
            "body.filter should be not present",
        ),
        (json!({"colour": "red"}), "body.colour should be not present"),
    ];
    for (more, words) in cases {
        let message = refusal(&n, "POST", "views", Some(view("table", more.clone()))).await;
        assert!(message.starts_with("400, validation_error") && message.contains(words), "{more}: {message}");
    }
    let timestamps = json!({"sorts": [{"timestamp": "created_time", "direction": "ascending"}]});
    let message = refusal(&n, "PATCH", &format!("views/{LIST}"), Some(timestamps)).await;
    assert!(message.contains("body.sorts[0].property should be defined"), "{message}");
    let gone = refusal(&n, "POST", "views", Some(view("table", json!({"data_source_id": NOBODY})))).await;
    assert!(gone.starts_with("404, object_not_found: Could not find data_source"), "{gone}");
    assert_eq!(tabs(&n, TRACKER).await.len(), 2, "nothing was made on the way");
}

#[tokio::test]
async fn tabs_go_where_they_are_put() {
    let n = notion().await;
    let first = text(&made(&n, "list", json!({"position": {"type": "start"}})).await, "id");
    let after = json!({"position": {"type": "after_view", "view_id": LIST}});
    let third = text(&made(&n, "list", after).await, "id");
    assert_eq!(tabs(&n, TRACKER).await, [&first, LIST, &third, BOARD]);
    let nowhere = json!({"position": {"type": "after_view", "view_id": NOBODY}});
    let gone = refusal(&n, "POST", "views", Some(view("list", nowhere))).await;
    assert!(gone.starts_with("404, object_not_found: Could not find view with ID"), "{gone}");
}

#[tokio::test]
async fn a_deleted_view_answers_its_place_and_the_last_one_stays() {
    let n = notion().await;
    let path = format!("views/{BOARD}");
    let mut gone = n.ok("DELETE", &path, None).await;
    gone.as_object_mut().expect("a view").remove("request_id");
    let parent = json!({"type": "database_id", "database_id": TRACKER});
    assert_eq!(gone, json!({"object": "view", "id": BOARD, "parent": parent, "type": "board"}));
    let message = refusal(&n, "GET", &path, None).await;
    assert!(message.starts_with("404, object_not_found: Could not find view with ID"), "{message}");
    let message = refusal(&n, "DELETE", &format!("views/{LIST}"), None).await;
    assert!(message.starts_with("400, validation_error: Cannot delete the last view"), "{message}");
    assert_eq!(tabs(&n, TRACKER).await, [LIST]);
}

#[tokio::test]
async fn widgets_share_the_rows_of_a_dashboard() {
    let n = notion().await;
    let dashboard = made(&n, "dashboard", json!({})).await;
    let on = text(&dashboard, "id");
    assert!(dashboard["data_source_id"].is_null());
    assert_eq!(dashboard["configuration"], json!({"type": "dashboard", "rows": []}));
    let widget = |more: Value| {
        let mut body = json!({"database_id": null, "view_id": on});
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        view("table", body)
    };
    let beside = json!({"placement": {"type": "existing_row", "row_index": 0}});
    let empty = refusal(&n, "POST", "views", Some(widget(beside.clone()))).await;
    assert!(empty.contains("no rows yet"), "{empty}");
    let first = n.ok("POST", "views", Some(widget(json!({})))).await;
    assert_eq!((&first["dashboard_view_id"], &first["parent"]["database_id"]), (&json!(on), &json!(TRACKER)));
    for _ in 0..3 {
        n.ok("POST", "views", Some(widget(beside.clone()))).await;
    }
    let full = refusal(&n, "POST", "views", Some(widget(beside))).await;
    assert!(full.contains("at most 4 widgets"), "{full}");
    let top = json!({"placement": {"type": "new_row", "row_index": 0}});
    let top = text(&n.ok("POST", "views", Some(widget(top))).await, "id");
    let rows = n.ok("GET", &format!("views/{on}"), None).await["configuration"]["rows"].clone();
    let widths = [rows[0]["widgets"][0]["width"].clone(), rows[1]["widgets"][3]["width"].clone()];
    assert_eq!((widths, &rows[1]["widgets"][3]["row_index"]), ([json!(12), json!(3)], &json!(1)));
    let nested = refusal(&n, "POST", "views", Some(widget(json!({"type": "dashboard"})))).await;
    assert!(nested.contains("cannot be a widget"), "{nested}");
    let on_a_list = refusal(&n, "POST", "views", Some(widget(json!({"view_id": LIST})))).await;
    assert!(on_a_list.contains("dashboard view"), "{on_a_list}");
    assert!(!tabs(&n, TRACKER).await.contains(&top), "widgets are no tabs");

    n.ok("DELETE", &format!("views/{top}"), None).await;
    let rows = n.ok("GET", &format!("views/{on}"), None).await["configuration"]["rows"].clone();
    assert_eq!(rows.as_array().expect("rows").len(), 1, "an empty row goes with its last widget");
    n.ok("DELETE", &format!("views/{on}"), None).await;
    let message = refusal(&n, "GET", &format!("views/{}", text(&first, "id")), None).await;
    assert!(message.starts_with("404"), "a dashboard takes its widgets along: {message}");
}

#[tokio::test]
async fn a_linked_database_shows_rows_of_another() {
    let n = notion().await;
    let root = n.running.emulator.root_page_id();
    let children = n.ok("GET", &format!("blocks/{root}/children"), None).await;
    let first = text(&children["results"][0], "id");
    let position = json!({"type": "after_block", "block_id": first});
    let create = json!({"parent": {"type": "page_id", "page_id": root}, "position": position});
    let linked = made(&n, "gallery", json!({"database_id": null, "create_database": create})).await;
    let database = text(&linked["parent"], "database_id");
    assert_ne!(database, TRACKER);
    assert_eq!(linked["data_source_id"], TABLE);
    assert_eq!(tabs(&n, &database).await, [text(&linked, "id")]);
    let children = n.ok("GET", &format!("blocks/{root}/children"), None).await;
    assert_eq!(children["results"][1]["id"], database.as_str());
    let over = n.ok("GET", &format!("views?data_source_id={TABLE}"), None).await;
    assert_eq!(over["results"].as_array().expect("views").len(), 3);
    let nowhere = json!({"parent": {"type": "page_id", "page_id": NOBODY}});
    let gone = view("table", json!({"database_id": null, "create_database": nowhere}));
    let gone = refusal(&n, "POST", "views", Some(gone)).await;
    assert!(gone.starts_with("404, object_not_found: Could not find page"), "{gone}");
}

#[tokio::test]
async fn views_need_the_capabilities_of_content() {
    let none = Capabilities {
        read_content: false,
        insert_content: false,
        update_content: false,
        ..Capabilities::default()
    };
    let list = format!("views?database_id={TRACKER}");
    let one = format!("views/{LIST}");
    let calls = [
        ("GET", list.as_str(), Capabilities { read_content: true, ..none }),
        ("GET", one.as_str(), Capabilities { read_content: true, ..none }),
        ("POST", "views", Capabilities { insert_content: true, update_content: true, ..none }),
        ("PATCH", one.as_str(), Capabilities { update_content: true, ..none }),
        ("DELETE", one.as_str(), Capabilities { update_content: true, ..none }),
    ];
    let hidden = with(Switches::default(), none).await;
    let token = text(&hidden.pair().await, "access_token");
    for (method, path, needed) in calls {
        let body = match method {
            "POST" => Some(view("list", json!({}))),
            "PATCH" => Some(json!({})),
            _ => None,
        };
        let reply = hidden.call(&token, method, path, body.clone()).await;
        assert_eq!(reply.refusal(), "403, restricted_resource", "{method} {path}");
        let n = with(Switches::default(), needed).await;
        let token = text(&n.pair().await, "access_token");
        let reply = n.call(&token, method, path, body).await;
        assert_eq!(reply.status, 200, "{method} {path}: {}", reply.text());
        let is_partial = reply.json().get("name").is_none();
        assert_eq!(is_partial, !needed.read_content || path == list || method == "DELETE", "{method} {path}");
    }
}

#[tokio::test]
async fn a_view_is_reached_with_its_database() {
    let n = notion().await;
    let token = text(&n.pair().await, "access_token");
    let books = tabs(&n, BOOKS).await.remove(0);
    for path in [
        format!("views/{books}"),
        format!("views?database_id={BOOKS}"),
        format!("views?data_source_id={BOOKS_TABLE}"),
    ] {
        assert_eq!(n.call(&token, "GET", &path, None).await.refusal(), "404, object_not_found", "{path}");
    }
    let over_books = view("table", json!({"data_source_id": BOOKS_TABLE}));
    let reply = n.call(&token, "POST", "views", Some(over_books.clone())).await;
    assert_eq!(reply.refusal(), "404, object_not_found", "both databases must be shared");
    // A view over the books in the tracker is in sight, one over the tracker among the books is not.
    n.ok("POST", "views", Some(over_books)).await;
    n.ok("POST", "views", Some(view("table", json!({"database_id": BOOKS})))).await;
    let over = n.call(&token, "GET", &format!("views?data_source_id={TABLE}"), None).await.json();
    assert_eq!(over["results"].as_array().expect("views").len(), 2, "{over}");
}

#[tokio::test]
async fn in_the_trash_views_can_be_read_and_not_changed() {
    let n = notion().await;
    n.ok("DELETE", &format!("blocks/{TRACKER}"), None).await;
    assert_eq!(n.ok("GET", &format!("views/{BOARD}"), None).await["name"], "By status");
    let path = format!("views/{BOARD}");
    for (method, path, body) in [
        ("PATCH", path.as_str(), Some(json!({"name": "x"}))),
        ("DELETE", path.as_str(), None),
        ("POST", "views", Some(view("list", json!({})))),
    ] {
        let message = refusal(&n, method, path, body).await;
        assert!(
            message.starts_with("400, validation_error") && message.contains("archived"),
            "{method}: {message}"
        );
    }
}

#[tokio::test]
async fn versions_without_data_sources_have_no_views() {
    let n = notion().await;
    let token = n.running.emulator.internal_token();
    let path = format!("views/{LIST}");
    let old = n.call_in("2022-06-28", &token, "GET", &path, None).await;
    assert_eq!(old.refusal(), "400, invalid_request_url");
    for version in ["2025-09-03", "2026-03-11"] {
        assert_eq!(n.call_in(version, &token, "GET", &path, None).await.status, 200, "{version}");
    }
}
