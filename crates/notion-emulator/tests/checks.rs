//! What Notion checks once the form of a request is right, what it says when much is wrong at once, and what it takes and drops
//! without a word. The words are those of refusals that users quote in public.

use notion_emulator::{Capabilities, Effect, Fault, Switches};
use serde_json::{Value, json};

use crate::support::{Notion, notion, text, with};

const FAILED: &str = "Content creation Failed. Fix the following: ";

fn linked(url: &str) -> Value {
    json!({"paragraph": {"rich_text": [{"text": {"content": "x", "link": {"url": url}}}]}})
}

/// The message of a refused append to the root page.
async fn not_appended(n: &Notion, blocks: Value) -> String {
    let path = format!("blocks/{}/children", n.running.emulator.root_page_id());
    let (code, message) = n.refused("PATCH", &path, json!({"children": blocks})).await;
    assert_eq!(code, "400, validation_error");
    message
}

async fn appended(n: &Notion, blocks: Value) -> Vec<Value> {
    let path = format!("blocks/{}/children", n.running.emulator.root_page_id());
    let made = n.ok("PATCH", &path, Some(json!({"children": blocks}))).await;
    made["results"].as_array().expect("results").clone()
}

#[tokio::test]
async fn links_and_pictures_that_lead_nowhere_are_told_a_line_each() {
    let n = notion().await;
    let image = json!({"image": {"external": {"url": "cat.png"}}});
    let row = json!({"table_row": {"cells": [[], []]}});
    let table = json!({"table": {"table_width": 1, "children": [row]}});
    let said = not_appended(&n, json!([linked("/x"), linked("#a"), image, table])).await;
    let cells = "Number of cells in table row must match the table width of the parent table";
    let link = "Invalid URL for link.";
    assert_eq!(said, format!("{FAILED}\n{link}\n{link}\nInvalid image url.\n{cells}"));
    let nested = json!({"toggle": {"rich_text": [], "children": [linked("not a url")]}});
    assert_eq!(not_appended(&n, json!([nested])).await, format!("{FAILED}\n{link}"));
    let root = n.running.emulator.root_page_id();
    let caption =
        json!({"bookmark": {"url": "https://x.example", "caption": linked("x")["paragraph"]["rich_text"]}});
    let page = json!({"parent": {"page_id": root}, "properties": {}, "children": [caption, linked("https://ok.example")]});
    assert_eq!(n.refused("POST", "pages", page).await.1, format!("{FAILED}\n{link}"));
    let good =
        appended(&n, json!([linked("https://x.example/a"), linked(&format!("/{}", root.replace('-', "")))]))
            .await;
    let path = format!("blocks/{}", text(&good[0], "id"));
    assert_eq!(n.refused("PATCH", &path, linked("?q")).await.1, format!("{FAILED}\n{link}"));
    let title = json!({"properties": {"title": linked("../up")["paragraph"]["rich_text"]}});
    assert_eq!(n.refused("PATCH", &format!("pages/{root}"), title).await.1, format!("{FAILED}\n{link}"));
    let markdown = json!({"type": "replace_content", "replace_content": {"new_str": "[x](/x)", "allow_deleting_content": true}});
    let page = text(&n.ok("POST", "pages", Some(json!({"parent": {"page_id": root}}))).await, "id");
    assert_eq!(
        n.refused("PATCH", &format!("pages/{page}/markdown"), markdown).await.1,
        format!("{FAILED}\n{link}")
    );
}

#[tokio::test]
async fn an_address_of_nothing_is_not_populated() {
    let n = notion().await;
    let said = |place: &str| {
        format!("body failed validation: body.{place} should be populated, instead was `\"\"`.")
    };
    for kind in ["image", "video", "pdf", "file", "audio"] {
        let place = format!("children[0].{kind}.external.url");
        let block = json!({kind: {"type": "external", "external": {"url": ""}}});
        assert_eq!(not_appended(&n, json!([block])).await, said(&place));
    }
    for kind in ["bookmark", "embed"] {
        let place = format!("children[0].{kind}.url");
        assert_eq!(not_appended(&n, json!([{kind: {"url": ""}}])).await, said(&place));
    }
    assert_eq!(
        not_appended(&n, json!([linked("")])).await,
        said("children[0].paragraph.rich_text[0].text.link.url")
    );
    let root = format!("pages/{}", n.running.emulator.root_page_id());
    for key in ["icon", "cover"] {
        let body = json!({key: {"type": "external", "external": {"url": ""}}});
        assert_eq!(n.refused("PATCH", &root, body).await.1, said(&format!("{key}.external.url")));
    }
}

#[tokio::test]
async fn all_that_is_wrong_is_told_at_once() {
    let n = notion().await;
    let runs = json!([{"text": {"content": 5}}, {"text": {"content": "x", "bold": true}, "annotations": {"code": 1}}]);
    let blocks = json!([{"paragraph": {"rich_text": runs, "color": "mauve", "size": 3}}, {"to_do": {"rich_text": [], "checked": "yes"}}]);
    let said = not_appended(&n, blocks).await;
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[0], "body failed validation. Fix one:");
    for (at, place) in [
        (1, "[0].paragraph.rich_text[0].text.content should be a string"),
        (2, "[0].paragraph.rich_text[1].text.bold should be not present"),
        (3, "[0].paragraph.rich_text[1].annotations.code should be a boolean"),
        (4, "[0].paragraph.color should be `\"default\"`"),
        (5, "[0].paragraph.size should be not present, instead was `3`."),
        (6, "[1].to_do.checked should be a boolean or `undefined`, instead was `\"yes\"`."),
    ] {
        assert!(lines[at].starts_with(&format!("body.children{place}")), "{at}: {said}");
    }
    assert_eq!(lines.len(), 7, "{said}");
    let page = json!({"icon": 5, "cover": true, "is_locked": "no", "colour": 1});
    let (_, said) = n.refused("PATCH", &format!("pages/{}", n.running.emulator.root_page_id()), page).await;
    for key in ["icon", "cover", "is_locked", "colour"] {
        assert!(said.contains(&format!("\nbody.{key} should be ")), "{key}: {said}");
    }
    let (_, said) = n.refused("POST", "databases", json!({"title": "x", "is_inline": 1})).await;
    for place in ["parent should be defined", "title should be an array", "is_inline should be a boolean"] {
        assert!(said.contains(&format!("\nbody.{place}")), "{place}: {said}");
    }
}

#[tokio::test]
async fn a_parent_that_cannot_be_read_names_all_that_it_could_be() {
    let n = notion().await;
    let said = async |parent: Value| n.refused("POST", "pages", json!({"parent": parent})).await.1;
    let undefined = |key: &str| format!("\nbody.parent.{key} should be defined, instead was `undefined`.");
    let (source, workspace) = (undefined("data_source_id"), undefined("workspace"));
    let before = "body failed validation. Fix one:";
    let no_uuid = "\nbody.parent.database_id should be a valid uuid, instead was `\"DATABASE_ID\"`.";
    assert_eq!(
        said(json!({"database_id": "DATABASE_ID"})).await,
        format!("{before}{}{no_uuid}{source}{workspace}", undefined("page_id"))
    );
    assert_eq!(
        said(json!({})).await,
        format!("{before}{}{}{source}{workspace}", undefined("page_id"), undefined("database_id"))
    );
    assert_eq!(
        said(json!("{\"page_id\": \"264b96fc\"}")).await,
        "body failed validation: body.parent should be an object or `undefined`, instead was `\"{\\\"page_id\\\": \\\"264b96fc\\\"}\"`."
    );
    let typed = said(json!({"type": "page_id", "page_id": "x"})).await;
    assert_eq!(
        typed,
        "body failed validation: body.parent.page_id should be a valid uuid, instead was `\"x\"`."
    );
    let odd = said(json!({"type": "block_id", "block_id": "x"})).await;
    assert!(
        odd.starts_with(
            "body failed validation: body.parent.type should be `\"page_id\"`, `\"database_id\"`"
        ),
        "{odd}"
    );
    let comment = json!({"parent": {}, "rich_text": []});
    let (_, said) = n.refused("POST", "comments", comment).await;
    assert_eq!(said, format!("{before}{}{}", undefined("page_id"), undefined("block_id")));
}

#[tokio::test]
async fn values_are_told_apart_by_their_kind_or_not_at_all() {
    let n = notion().await;
    let columns = json!({"Count": {"number": {}}, "State": {"select": {"options": [{"name": "Low"}]}}, "Day": {"date": {}}, "Seen": {"checkbox": {}}, "Site": {"url": {}}});
    let (_, source) = n.database("Forms", columns).await;
    let row = n.row(&source, "r", json!({})).await;
    let path = format!("pages/{row}");
    let bare = json!({"Count": 4, "State": {"name": "Low"}, "Day": {"start": "2026-11-02"}, "Seen": true, "Site": "https://x.example", "Name": [{"text": {"content": "bare"}}]});
    let shown = n.ok("PATCH", &path, Some(json!({"properties": bare}))).await["properties"].clone();
    assert_eq!(
        (
            shown["Count"]["number"].clone(),
            shown["State"]["select"]["name"].clone(),
            shown["Day"]["date"]["start"].clone()
        ),
        (json!(4), json!("Low"), json!("2026-11-02"))
    );
    assert_eq!(
        (shown["Seen"]["checkbox"].clone(), shown["Name"]["title"][0]["plain_text"].clone()),
        (json!(true), json!("bare"))
    );
    let mixed = json!({"properties": {"State": {"select": {"name": "Low"}}, "Count": 4}});
    let lines = ["id", "name", "start", "lat", "state"];
    let lines =
        lines.map(|key| format!("\nbody.properties.State.{key} should be defined, instead was `undefined`."));
    assert_eq!(
        n.refused("PATCH", &path, mixed).await.1,
        format!("body failed validation. Fix one:{}", lines.concat())
    );
    let wrong = json!({"properties": {"Count": {"select": {"name": "x"}}, "Nope": {"number": 1}, "State": {"rich_text": []}}});
    assert_eq!(
        n.refused("PATCH", &path, wrong).await.1,
        "Count is expected to be number. Nope is not a property that exists. State is expected to be select."
    );
    let wrong = json!({"properties": {"Count": {"number": "4"}, "Site": {"url": ""}}});
    let (_, said) = n.refused("PATCH", &path, wrong).await;
    for line in [
        "Count.number should be a number or `null`, instead was `\"4\"`.",
        "Site.url should be populated or `null`, instead was `\"\"`.",
        "Count.title should be defined, instead was `undefined`.",
    ] {
        assert!(said.contains(&format!("\nbody.properties.{line}")), "{said}");
    }
    let nulls = json!({"properties": {"Count": null, "State": {"select": null}, "Day": {"date": null}}});
    n.ok("PATCH", &path, Some(nulls)).await;
}

#[tokio::test]
async fn a_date_and_its_zone_must_agree() {
    let n = notion().await;
    let (_, source) = n.database("Days", json!({"Day": {"date": {}}})).await;
    let schema = n.ok("GET", &format!("data_sources/{source}"), None).await;
    let shown = text(&schema["properties"]["Day"], "id");
    let id = percent_encoding::percent_decode_str(&shown).decode_utf8_lossy().into_owned();
    let said = async |date: Value| {
        let body = json!({"parent": {"data_source_id": source}, "properties": {"Day": {"date": date}}});
        n.refused("POST", "pages", body).await.1
    };
    let begins = format!("{id} has an invalid date. If time zone is explicitly provided, start and end");
    let zone = "Europe/London";
    let days = format!("{begins} must contain date and time.");
    assert_eq!(said(json!({"start": "2026-11-02", "time_zone": zone})).await, days);
    assert_eq!(
        said(json!({"start": "2026-11-02T10:00:00", "end": "2026-11-03", "time_zone": zone})).await,
        days
    );
    let offset = format!("{begins} can't have non-zero time offsets from UTC.");
    assert_eq!(said(json!({"start": "2026-11-02T10:00:00+02:00", "time_zone": zone})).await, offset);
    for start in ["2026-11-02T10:00:00", "2026-11-02T10:00:00Z", "2026-11-02T10:00:00+00:00"] {
        n.row(&source, "ok", json!({"Day": {"date": {"start": start, "time_zone": zone}}})).await;
    }
}

#[tokio::test]
async fn a_change_of_a_file_does_not_say_its_type() {
    let n = notion().await;
    for kind in ["image", "video", "pdf", "file", "audio"] {
        let file = |url: &str| json!({"type": "external", "external": {"url": url}});
        let made = appended(&n, json!([{kind: file("https://x.example/a")}])).await;
        let path = format!("blocks/{}", text(&made[0], "id"));
        assert_eq!(
            n.refused("PATCH", &path, json!({kind: file("https://x.example/b")})).await.1,
            format!(
                "body failed validation: body.{kind}.type should be not present, instead was `\"external\"`."
            )
        );
        n.ok("PATCH", &path, Some(json!({kind: {"external": {"url": "https://x.example/b"}}}))).await;
    }
}

#[tokio::test]
async fn an_internal_integration_comments_in_no_persons_name() {
    let n = notion().await;
    let root = n.running.emulator.root_page_id();
    let comment = |name: Value| json!({"parent": {"page_id": root}, "rich_text": [{"text": {"content": "x"}}], "display_name": name});
    assert_eq!(
        n.refused("POST", "comments", comment(json!({"type": "user"}))).await.1,
        "Internal integrations cannot use display_name type \"user\" because they aren't owned by a single user. Only \
         \"integration\" and \"custom\" types are allowed."
    );
    assert_eq!(
        n.refused("POST", "comments", comment(json!({"type": "custom"}))).await.1,
        "body failed validation. Fix one:\nbody.display_name.type should be `\"integration\"` or `\"user\"`, instead was \
         `\"custom\"`.\nbody.display_name.custom should be defined, instead was `undefined`."
    );
    for name in [json!({"type": "integration"}), json!({"type": "custom", "custom": {"name": "Robo"}})] {
        n.ok("POST", "comments", Some(comment(name))).await;
    }
    let bad = json!({"parent": {"page_id": root}, "rich_text": linked("/x")["paragraph"]["rich_text"]});
    assert_eq!(n.refused("POST", "comments", bad).await.1, format!("{FAILED}\nInvalid URL for link."));
}

#[tokio::test]
async fn a_kind_of_block_that_there_is_not_lists_all_that_there_are() {
    let n = notion().await;
    let said =
        not_appended(&n, json!([{"object": "block", "type": "note", "note": {"rich_text": []}}])).await;
    let kinds = "embed bookmark image video pdf file audio code equation divider breadcrumb tab table_of_contents \
                 link_to_page table_row ai_block meeting_notes custom_block table column_list column heading_1 heading_2 \
                 heading_3 heading_4 paragraph bulleted_list_item numbered_list_item quote to_do toggle template callout \
                 synced_block";
    let line = |kind: &str| format!("\nbody.children[0].{kind} should be defined, instead was `undefined`.");
    let lines: String = kinds.split_whitespace().map(line).collect();
    assert_eq!(said, format!("body failed validation. Fix one:{lines}"));
}

#[tokio::test]
async fn what_is_dropped_in_silence_is_in_the_journal() {
    let n = notion().await;
    let root = n.running.emulator.root_page_id();
    let body =
        json!({"parent": {"page_id": root}, "properties": {"Name": {"title": {}}, "Count": {"number": {}}}});
    let made = n.ok("POST", "databases", Some(body)).await;
    let source = text(&made["data_sources"][0], "id");
    let schema = n.ok("GET", &format!("data_sources/{source}"), None).await;
    assert_eq!(schema["properties"].as_object().expect("columns").len(), 1, "only a title: {schema}");
    let changed = json!({"properties": {"Count": {"number": {}}}});
    n.ok("PATCH", &format!("databases/{}", text(&made, "id")), Some(changed)).await;
    appended(&n, json!([{"id": root, "divider": {}}])).await;
    let journal = n.control("GET", "/_emulator/journal", Value::Null).await.json();
    let dropped: Vec<&str> = journal["entries"]
        .as_array()
        .expect("entries")
        .iter()
        .flat_map(|entry| entry["dropped"].as_array().expect("a list").iter().filter_map(Value::as_str))
        .collect();
    let places: Vec<&str> = dropped.iter().filter_map(|line| line.split(": ").next()).collect();
    assert_eq!(places, ["body.properties", "body.properties", "body.children[0].id"]);
    let silent = with(Switches { name_dropped: false, ..Switches::default() }, Capabilities::default()).await;
    appended(&silent, json!([{"id": root, "divider": {}}])).await;
    assert!(silent.running.emulator.journal().iter().all(|entry| entry.dropped.is_empty()));
}

#[tokio::test]
async fn a_fault_refuses_the_cursor_of_a_long_loop() {
    let n = notion().await;
    n.running.emulator.fault(Fault::from(Effect::CursorRefused).on("/v1/search"));
    let first = n.ok("POST", "search", Some(json!({"page_size": 1}))).await;
    let cursor = text(&first, "next_cursor");
    let on = json!({"page_size": 1, "start_cursor": cursor});
    let (code, message) = n.refused("POST", "search", on.clone()).await;
    assert_eq!(
        (code.as_str(), message),
        ("400, validation_error", format!("The start_cursor provided is invalid: {cursor}"))
    );
    n.ok("POST", "search", Some(on)).await;
    let faults: Vec<_> = n.running.emulator.journal().iter().filter_map(|entry| entry.fault).collect();
    assert_eq!(faults, ["cursor_refused"]);
    n.running.emulator.fault(Fault::from(Effect::CursorRefused).on("/v1/users"));
    let path = format!("users?page_size=1&start_cursor={cursor}");
    assert!(n.refused("GET", &path, Value::Null).await.1.contains(&cursor));
}

#[tokio::test]
async fn computed_values_can_be_of_a_type_that_clients_do_not_know() {
    let n =
        with(Switches { computed_unsupported: true, ..Switches::default() }, Capabilities::default()).await;
    let columns = json!({"Twice": {"formula": {"expression": "1 + 1"}}, "Count": {"number": {}}});
    let (_, source) = n.database("Computed", columns).await;
    let row = n.row(&source, "r", json!({"Count": {"number": 2}})).await;
    let shown = n.ok("GET", &format!("pages/{row}"), None).await["properties"].clone();
    assert_eq!(shown["Twice"]["formula"], json!({"type": "unsupported", "unsupported": {}}));
    assert_eq!(shown["Count"]["number"], 2, "what is written is not computed");
}

#[tokio::test]
async fn a_linked_database_shows_the_tables_that_are_within_reach() {
    let n = notion().await;
    let pair = n.pair().await;
    let (token, person) = (text(&pair, "access_token"), text(&pair["owner"]["user"], "id"));
    let page = n.running.emulator.root_page_id();
    let home = text(&n.ok("POST", "pages", Some(json!({"parent": {"page_id": page}}))).await, "id");
    let table =
        json!({"parent": {"page_id": home}, "initial_data_source": {"properties": {"Name": {"title": {}}}}});
    let source = text(&n.ok("POST", "databases", Some(table)).await["data_sources"][0], "id");
    let place = json!({"parent": {"type": "page_id", "page_id": page}});
    let view = json!({"name": "L", "type": "table", "data_source_id": source, "create_database": place});
    let view = n.ok("POST", "views", Some(view)).await;
    let database = text(&view["parent"], "database_id");
    let path = format!("databases/{database}");
    let seen = async || n.call(&token, "GET", &path, None).await.json()["data_sources"].clone();
    assert_eq!(seen().await[0]["id"], source.as_str());
    let old = n.call_in("2022-06-28", &token, "GET", &path, None).await;
    assert_eq!(old.json()["properties"]["Name"]["type"], "title");
    let none = json!({"page_id": home, "person_id": person, "right": "none"});
    assert_eq!(n.control("PUT", "/_emulator/rights", none).await.status, 204);
    assert_eq!(seen().await, json!([]), "the link is shared, what it shows is not");
    let said =
        format!("Database with ID {database} does not contain any data sources accessible by this API bot.");
    let query = format!("{path}/query");
    for (method, path, body) in [("GET", &path, None), ("POST", &query, Some(json!({})))] {
        let old = n.call_in("2022-06-28", &token, method, path, body).await;
        assert_eq!(
            (old.refusal(), text(&old.json(), "message")),
            ("400, validation_error".to_owned(), said.clone())
        );
    }
}

#[tokio::test]
async fn blocks_come_as_recorded() {
    let n = notion().await;
    let words = |text: &str| json!([{"text": {"content": text}}]);
    let root = n.running.emulator.root_page_id();
    let said = json!({"object": "block", "id": root, "has_children": false, "archived": false, "created_time": "2024-05-01T00:00:00.000Z", "type": "divider", "divider": {}});
    let inside = json!([{"divider": {}}]);
    let heading = json!({"heading_3": {"rich_text": words("H"), "is_toggleable": false, "children": inside}});
    let plain = json!({"heading_2": {"rich_text": words("H"), "is_toggleable": false, "children": []}});
    let columns =
        json!({"column_list": {"children": [{"column": {"children": []}}, {"column": {"children": []}}]}});
    let made = appended(
        &n,
        json!([said, heading, plain, columns, {"synced_block": {"synced_from": null, "children": inside}}]),
    )
    .await;
    assert_ne!(made[0]["id"], root);
    assert_eq!(
        (made[1]["heading_3"]["is_toggleable"].clone(), made[2]["heading_2"]["is_toggleable"].clone()),
        (json!(true), json!(false))
    );
    let copy = json!({"synced_block": {"synced_from": {"block_id": made[4]["id"]}, "children": []}});
    assert_eq!(appended(&n, json!([copy])).await[0]["has_children"], true);
    let path = format!("blocks/{}", text(&made[2], "id"));
    n.ok("PATCH", &path, Some(json!({"heading_2": {"rich_text": words("I"), "children": []}}))).await;
    let with_more = json!({"heading_2": {"rich_text": words("I"), "children": inside}});
    assert!(
        n.refused("PATCH", &path, with_more).await.1.contains("heading_2.children should be not present")
    );
    let column = text(
        &n.ok("GET", &format!("blocks/{}/children", text(&made[3], "id")), None).await["results"][0],
        "id",
    );
    n.ok("PATCH", &format!("blocks/{column}"), Some(json!({"column": {"children": [], "width_ratio": 0.5}})))
        .await;
    let body = json!({"children": [{"divider": {}}], "position": {"type": "after_block", "after_block": {"id": made[2]["id"]}}});
    let follow = n.ok("PATCH", &format!("blocks/{root}/children"), Some(body)).await;
    let kinds: Vec<&str> = follow["results"]
        .as_array()
        .expect("results")
        .iter()
        .filter_map(|block| block["type"].as_str())
        .collect();
    assert_eq!(kinds, ["divider", "column_list", "synced_block", "synced_block"]);
}

#[tokio::test]
async fn what_was_answered_can_be_sent_back() {
    let n = notion().await;
    let (_, source) = n.database("Sent back", json!({"Count": {"number": {}}, "Who": {"people": {}}})).await;
    let row = n.row(&source, "r", json!({"Count": {"number": 1}})).await;
    let path = format!("pages/{row}");
    let properties = n.ok("GET", &path, None).await["properties"].clone();
    n.ok("PATCH", &path, Some(json!({"properties": properties}))).await;
    let made = appended(&n, json!([{"to_do": {"rich_text": [], "checked": true}}, {"divider": {}}])).await;
    for block in &made {
        let answered = n.ok("PATCH", &format!("blocks/{}", text(block, "id")), Some(block.clone())).await;
        assert_eq!(answered["type"], block["type"]);
    }
    let path = format!("blocks/{}", text(&made[0], "id"));
    let (_, said) = n.refused("PATCH", &path, json!({"type": {"to_do": {"checked": false}}})).await;
    assert!(said.starts_with("body failed validation. Fix one:\nbody.embed should be defined"), "{said}");
    assert!(
        said.ends_with("body.type should be not present, instead was `{\"to_do\":{\"checked\":false}}`."),
        "{said}"
    );
    let both = json!({"to_do": {"checked": "no"}, "colour": 1});
    let (_, said) = n.refused("PATCH", &path, both).await;
    assert_eq!(said.lines().count(), 3, "both are told: {said}");
}

#[tokio::test]
async fn a_slash_at_the_end_changes_nothing() {
    let n = notion().await;
    let root = n.running.emulator.root_page_id();
    n.ok("GET", "users/me/", None).await;
    n.ok("GET", &format!("blocks/{root}/children/?page_size=1"), None).await;
    let made = n.ok("POST", "databases/", Some(json!({"parent": {"page_id": root}}))).await;
    assert_eq!(made["object"], "database");
    assert_eq!(n.refused("GET", "nothing/", Value::Null).await.0, "400, invalid_request_url");
    let pair = n.pair().await;
    let token = json!({"token": pair["access_token"]});
    assert_eq!(n.oauth("introspect/", token).await.json()["active"], true);
}
