//! Blocks of every kind: what can be made, what an answer shows, what an update may change.

use serde_json::{Value, json};

use crate::support::{Notion, notion, text};

/// The children of a block in a version.
async fn children(n: &Notion, version: &str, id: &str) -> Vec<Value> {
    let token = n.running.emulator.internal_token();
    let list = n.call_in(version, &token, "GET", &format!("blocks/{id}/children"), None).await.json();
    list["results"].as_array().unwrap_or_else(|| panic!("{list}")).clone()
}

#[tokio::test]
async fn what_only_the_app_makes_is_shown_under_its_versions_name() {
    let n = notion().await;
    let found = n.ok("POST", "search", Some(json!({"query": "Portal kickoff"}))).await;
    let page = text(&found["results"][0], "id");
    let new = children(&n, "2026-03-11", &page).await;
    let kinds: Vec<&str> = new.iter().map(|block| block["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["meeting_notes", "link_preview", "unsupported"]);
    assert_eq!(new[0]["meeting_notes"]["status"], "notes_ready");
    assert_eq!(new[1]["link_preview"]["url"], "https://tickets.northwind.example/412");
    assert_eq!(new[2]["unsupported"], json!({"block_type": "button"}));
    let old = children(&n, "2025-09-03", &page).await;
    assert_eq!(old[0]["type"], "transcription");
    let notes = text(&old[0], "id");
    assert_eq!(
        old[0]["transcription"]["children"]["summary_block_id"],
        children(&n, "2025-09-03", &notes).await[0]["id"]
    );
}

#[tokio::test]
async fn a_synced_copy_shows_what_its_original_holds() {
    let n = notion().await;
    let root = n.running.emulator.root_page_id();
    let path = format!("blocks/{root}/children");
    let words = json!({"paragraph": {"rich_text": [{"text": {"content": "once"}}]}});
    let original = json!({"children": [{"synced_block": {"synced_from": null, "children": [words]}}]});
    let original = text(&n.ok("PATCH", &path, Some(original)).await["results"][0], "id");
    let copy = json!({"children": [{"synced_block": {"synced_from": {"block_id": original}}}]});
    let copy = n.ok("PATCH", &path, Some(copy)).await["results"][0].clone();
    assert_eq!(copy["has_children"], true);
    assert_eq!(copy["synced_block"]["synced_from"], json!({"type": "block_id", "block_id": original}));
    let shown = children(&n, "2025-09-03", &text(&copy, "id")).await;
    assert_eq!(shown[0]["paragraph"]["rich_text"][0]["plain_text"], "once");
    assert_eq!(shown[0]["parent"]["block_id"], original);
}

fn words(text: &str) -> Value {
    json!([{"text": {"content": text}}])
}

/// Appends blocks to the root page; the answer's results.
async fn append(n: &Notion, to: &str, blocks: Value) -> Vec<Value> {
    let made = n.ok("PATCH", &format!("blocks/{to}/children"), Some(json!({"children": blocks}))).await;
    made["results"].as_array().unwrap().clone()
}

/// Status, code and message of a refusal.
async fn refused(n: &Notion, method: &str, path: &str, body: Value) -> (String, String) {
    let reply = n.call(&n.running.emulator.internal_token(), method, path, Some(body)).await;
    (reply.refusal(), text(&reply.json(), "message"))
}

#[tokio::test]
async fn a_new_callout_has_a_light_bulb_unless_it_speaks_of_its_icon() {
    let n = notion().await;
    let root = n.running.emulator.root_page_id();
    let (bulb, none) = (json!({"type": "emoji", "emoji": "💡"}), Value::Null);
    let asked = json!([
        {"callout": {"rich_text": words("x")}},
        {"callout": {"rich_text": words("x"), "icon": null}},
        {"callout": {"rich_text": words("x"), "icon": {"emoji": "🚀"}}},
        {"paragraph": {"rich_text": words("x")}},
    ]);
    let made = append(&n, &root, asked).await;
    let icons = [&made[0]["callout"]["icon"], &made[1]["callout"]["icon"], &made[3]["paragraph"]["icon"]];
    assert_eq!(icons, [&bulb, &none, &none]);
    assert_eq!(made[2]["callout"]["icon"]["emoji"], "🚀");
}

#[tokio::test]
async fn every_kind_that_can_be_made_comes_back_as_it_went() {
    let n = notion().await;
    let root = n.running.emulator.root_page_id();
    let text_of = |more: Value| {
        let mut body = json!({"rich_text": words("x"), "color": "blue"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let file = json!({"external": {"url": "https://files.example/a"}, "caption": words("cap")});
    let all = [
        ("paragraph", text_of(json!({"icon": {"emoji": "🚀"}}))),
        ("heading_1", text_of(json!({"is_toggleable": true}))),
        ("heading_2", text_of(json!({}))),
        ("heading_3", text_of(json!({}))),
        ("heading_4", text_of(json!({}))),
        ("bulleted_list_item", text_of(json!({}))),
        ("numbered_list_item", text_of(json!({}))),
        ("quote", text_of(json!({}))),
        ("toggle", text_of(json!({}))),
        ("to_do", text_of(json!({"checked": true}))),
        ("callout", text_of(json!({"icon": {"emoji": "💡"}}))),
        ("template", json!({"rich_text": words("again")})),
        ("code", json!({"rich_text": words("1"), "language": "rust", "caption": words("cap")})),
        ("equation", json!({"expression": "e=mc^2"})),
        ("divider", json!({})),
        ("breadcrumb", json!({})),
        ("table_of_contents", json!({"color": "gray"})),
        ("link_to_page", json!({"page_id": root})),
        ("embed", json!({"url": "https://x.example/", "caption": words("cap")})),
        ("bookmark", json!({"url": "https://x.example/"})),
        ("image", file.clone()),
        ("video", file.clone()),
        ("pdf", file.clone()),
        ("audio", file.clone()),
        ("file", json!({"external": {"url": "https://files.example/a"}, "name": "a.txt"})),
        ("synced_block", json!({"synced_from": null})),
    ];
    let blocks: Vec<Value> = all.iter().map(|(kind, body)| json!({*kind: body})).collect();
    let made = append(&n, &root, json!(blocks)).await;
    for ((kind, asked), made) in all.iter().zip(&made) {
        assert_eq!(made["type"], *kind);
        for (key, asked) in asked.as_object().unwrap() {
            let got = &made[kind][key];
            let same = match asked {
                Value::Array(runs) => got[0]["text"]["content"] == runs[0]["text"]["content"],
                Value::Object(_) => asked.as_object().unwrap().iter().all(|(key, value)| got[key] == *value),
                _ => got == asked,
            };
            assert!(same, "{kind}.{key}: {got}");
        }
    }
    let icons: Vec<&Value> = made.iter().filter(|block| block["type"] == "paragraph").collect();
    assert_eq!(icons[0]["paragraph"]["icon"], json!({"type": "emoji", "emoji": "🚀"}));
}

#[tokio::test]
async fn tables_columns_and_tabs_come_with_what_is_in_them() {
    let n = notion().await;
    let root = n.running.emulator.root_page_id();
    let paragraph = |text: &str| json!({"paragraph": {"rich_text": words(text)}});
    let row = |cells: &[&str]| json!({"table_row": {"cells": cells.iter().map(|cell| words(cell)).collect::<Vec<_>>()}});
    let column = |ratio: f64| json!({"column": {"width_ratio": ratio, "children": [paragraph("in")]}});
    let made = append(&n, &root, json!([
        {"table": {"table_width": 2, "has_column_header": true, "children": [row(&["a", "b"])]}},
        {"column_list": {"children": [column(0.25), column(0.75)]}},
        {"tab": {"children": [{"paragraph": {"rich_text": words("one"), "icon": {"emoji": "1️⃣"}, "children": [paragraph("deep")]}}]}},
    ])).await;
    let [table, list, tab] = [0, 1, 2].map(|at: usize| text(&made[at], "id"));
    let columns = children(&n, "2025-09-03", &list).await;
    assert_eq!(columns[1]["column"]["width_ratio"], 0.75);
    assert_eq!(children(&n, "2025-09-03", &text(&columns[0], "id")).await.len(), 1);
    let item = children(&n, "2025-09-03", &tab).await[0].clone();
    assert_eq!((item["type"].clone(), item["has_children"].clone()), (json!("paragraph"), json!(true)));

    append(&n, &table, json!([row(&["c", "d"])])).await;
    let rows = children(&n, "2025-09-03", &table).await;
    assert_eq!(rows.len(), 2);
    let path = format!("blocks/{table}/children");
    let (_, message) = refused(&n, "PATCH", &path, json!({"children": [row(&["only one"])]})).await;
    let cells = "Number of cells in table row must match the table width of the parent table";
    assert_eq!(message, format!("Content creation Failed. Fix the following: \n{cells}"));
    let (_, message) = refused(&n, "PATCH", &path, json!({"children": [paragraph("no")]})).await;
    assert_eq!(message, "A paragraph block cannot be a child of a table block.");
    let (_, message) =
        refused(&n, "PATCH", &format!("blocks/{root}/children"), json!({"children": [row(&["a"])]})).await;
    assert_eq!(message, "A table_row block cannot be a child of a child_page block.");
    let row_path = format!("blocks/{}", text(&rows[0], "id"));
    let (code, message) = refused(&n, "PATCH", &row_path, json!({"table_row": {"cells": []}})).await;
    assert_eq!((code.as_str(), message.contains(cells)), ("400, validation_error", true));
    let one = json!({"children": [{"column_list": {"children": [column(0.5)]}}]});
    let (_, message) = refused(&n, "PATCH", &format!("blocks/{root}/children"), one).await;
    assert!(message.contains("column_list.children should be an array of length ≥ `2`"), "{message}");
}

#[tokio::test]
async fn an_update_keeps_what_it_leaves_out_and_the_kind() {
    let n = notion().await;
    let root = n.running.emulator.root_page_id();
    let file = json!({"external": {"url": "https://files.example/a"}, "caption": words("cap")});
    let made = append(
        &n,
        &root,
        json!([
            {"code": {"rich_text": words("1"), "language": "rust", "caption": words("cap")}},
            {"image": file},
            {"callout": {"rich_text": words("c"), "icon": {"emoji": "💡"}, "color": "red"}},
            {"table": {"table_width": 1, "children": [{"table_row": {"cells": [words("a")]}}]}},
            {"heading_2": {"rich_text": words("h"), "is_toggleable": true, "children": [{"divider": {}}]}},
            {"quote": {"rich_text": words("q")}},
        ]),
    )
    .await;
    let path = |at: usize| format!("blocks/{}", text(&made[at], "id"));
    let code = n.ok("PATCH", &path(0), Some(json!({"code": {"language": "go"}}))).await;
    assert_eq!(
        (code["code"]["language"].clone(), code["code"]["caption"][0]["plain_text"].clone()),
        (json!("go"), json!("cap"))
    );
    let image = n.ok("PATCH", &path(1), Some(json!({"image": {"caption": words("new")}}))).await;
    assert_eq!(image["image"]["external"]["url"], "https://files.example/a");
    let callout = n.ok("PATCH", &path(2), Some(json!({"callout": {"color": "blue"}}))).await;
    assert_eq!(callout["callout"]["icon"]["emoji"], "💡");
    assert_eq!(callout["callout"]["rich_text"][0]["plain_text"], "c");
    let bare = n.ok("PATCH", &path(2), Some(json!({"callout": {"icon": null}}))).await;
    assert_eq!(bare["callout"]["icon"], Value::Null);
    let kept = n.ok("PATCH", &path(2), Some(json!({"callout": {"color": "red"}}))).await;
    assert_eq!(kept["callout"]["icon"], Value::Null);
    let table = n.ok("PATCH", &path(3), Some(json!({"table": {"has_row_header": true}}))).await;
    assert_eq!(table["table"], json!({"table_width": 1, "has_column_header": false, "has_row_header": true}));
    let (_, message) = refused(&n, "PATCH", &path(3), json!({"table": {"table_width": 2}})).await;
    assert_eq!(
        message,
        "body failed validation: body.table.table_width should be not present, instead was `2`."
    );
    let (_, message) =
        refused(&n, "PATCH", &path(4), json!({"heading_2": {"rich_text": [], "is_toggleable": false}})).await;
    assert_eq!(message, "A heading that has children cannot stop being toggleable.");
    let (_, message) = refused(&n, "PATCH", &path(5), json!({"quote": {"color": "red"}})).await;
    assert_eq!(
        message,
        "body failed validation: body.quote.rich_text should be defined, instead was `undefined`."
    );
    let (_, message) = refused(&n, "PATCH", &path(5), json!({"paragraph": {"rich_text": []}})).await;
    assert!(message.contains("body.paragraph should be not present"), "{message}");
    let (_, message) =
        refused(&n, "PATCH", &format!("blocks/{root}"), json!({"child_page": {"title": "no"}})).await;
    assert!(message.contains("body.child_page should be not present"), "{message}");
}

#[tokio::test]
async fn nesting_and_number_are_bounded() {
    let n = notion().await;
    let path = format!("blocks/{}/children", n.running.emulator.root_page_id());
    let item = |children: Value| json!({"bulleted_list_item": {"rich_text": [], "children": children}});
    let deep = item(json!([item(json!([item(json!([{"divider": {}}]))]))]));
    let (_, message) = refused(&n, "PATCH", &path, json!({"children": [deep]})).await;
    let place = "body.children[0].bulleted_list_item.children[0].bulleted_list_item.children[0].bulleted_list_item.children";
    assert!(message.contains(&format!("{place} should be not present")), "{message}");
    let hundred = json!((0..100).map(|_| json!({"divider": {}})).collect::<Vec<_>>());
    let eleven: Vec<Value> = (0..11).map(|_| item(hundred.clone())).collect();
    let (code, _) = refused(&n, "PATCH", &path, json!({"children": eleven})).await;
    assert_eq!(code, "400, validation_error");
    n.ok(
        "PATCH",
        &path,
        Some(json!({"children": (0..9).map(|_| item(hundred.clone())).collect::<Vec<_>>()})),
    )
    .await;
    let divider =
        text(&append(&n, &n.running.emulator.root_page_id(), json!([{"divider": {}}])).await[0], "id");
    let (_, message) =
        refused(&n, "PATCH", &format!("blocks/{divider}/children"), json!({"children": []})).await;
    assert_eq!(message, "Block does not support children.");
}

#[tokio::test]
async fn a_copy_is_of_an_original_that_is_there() {
    let n = notion().await;
    let root = n.running.emulator.root_page_id();
    let path = format!("blocks/{root}/children");
    let copy = |of: &str| json!({"children": [{"synced_block": {"synced_from": {"block_id": of}}}]});
    let (code, _) = refused(&n, "PATCH", &path, copy("00000000-0000-4000-8000-000000000000")).await;
    assert_eq!(code, "404, object_not_found");
    let divider = text(&append(&n, &root, json!([{"divider": {}}])).await[0], "id");
    let (_, message) = refused(&n, "PATCH", &path, copy(&divider)).await;
    assert_eq!(message, format!("Block {divider} is not an original synced block."));
}
