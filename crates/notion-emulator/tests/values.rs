//! Values: what is refused, with its place and its measure, and the property endpoint's own rules.

use notion_emulator::{Capabilities, Switches};
use serde_json::{Value, json};

use crate::support::{Notion, notion, text, with};

/// A table with a column of each kind that is written, each named after its kind.
async fn table(n: &Notion) -> String {
    let kinds = [
        "rich_text",
        "number",
        "select",
        "multi_select",
        "status",
        "date",
        "people",
        "files",
        "checkbox",
        "url",
        "email",
        "phone_number",
        "place",
        "verification",
        "created_time",
        "unique_id",
        "button",
    ];
    let columns: serde_json::Map<String, Value> =
        kinds.iter().map(|kind| ((*kind).to_owned(), json!({*kind: {}}))).collect();
    n.database("Values", Value::Object(columns)).await.1
}

/// What is said of a value under its kind that is none of the kinds that can be written, or fails as near to the top: all
/// that it could have been, then what it would take without the kind.
fn of_all(column: &str, said: &str) -> String {
    let kinds = "title rich_text number url select multi_select people email phone_number date checkbox relation files status \
                 place verification id name start lat state";
    let line = |key: &str| {
        let said = if key == column { said } else { "should be defined, instead was `undefined`." };
        format!("\nbody.properties.{column}.{key} {said}")
    };
    format!("body failed validation. Fix one:{}", kinds.split_whitespace().map(line).collect::<String>())
}

#[tokio::test]
async fn what_does_not_fit_a_column_is_refused() {
    let n = notion().await;
    let source = table(&n).await;
    let long = |length: usize| "x".repeat(length);
    let many = |item: Value| Value::Array(vec![item; 101]);
    let run = json!({"text": {"content": "x"}});
    let id = "00000000-0000-4000-8000-000000000000";
    let at =
        |column: &str, rest: &str| format!("body failed validation: body.properties.{column}.{column}{rest}");
    let table = [
        ("number", json!("12"), of_all("number", "should be a number or `null`, instead was `\"12\"`.")),
        ("checkbox", json!("yes"), of_all("checkbox", "should be a boolean, instead was `\"yes\"`.")),
        ("url", json!(long(2001)), at("url", ".length should be ≤ `2000`, instead was `2001`.")),
        ("url", json!(""), of_all("url", "should be populated or `null`, instead was `\"\"`.")),
        ("email", json!(""), of_all("email", "should be populated or `null`, instead was `\"\"`.")),
        ("email", json!(long(201)), at("email", ".length should be ≤ `200`, instead was `201`.")),
        (
            "phone_number",
            json!(long(201)),
            at("phone_number", ".length should be ≤ `200`, instead was `201`."),
        ),
        ("rich_text", many(run), at("rich_text", ".length should be ≤ `100`, instead was `101`.")),
        (
            "multi_select",
            many(json!({"name": "a"})),
            at("multi_select", ".length should be ≤ `100`, instead was `101`."),
        ),
        ("people", many(json!({"id": id})), at("people", ".length should be ≤ `100`, instead was `101`.")),
        (
            "people",
            json!([{"id": "me"}]),
            at("people", "[0].id should be a valid uuid, instead was `\"me\"`."),
        ),
        (
            "select",
            json!({"name": long(101)}),
            at("select", ".name.length should be ≤ `100`, instead was `101`."),
        ),
        ("select", json!({"name": "a, b"}), "Invalid select option, commas not allowed: a, b".to_owned()),
        (
            "date",
            json!({"start": "soon"}),
            at("date", ".start should be a valid ISO 8601 date string, instead was `\"soon\"`."),
        ),
        (
            "date",
            json!({"start": "2026-01-01", "time_zone": "Mars"}),
            at("date", ".time_zone should be a valid time zone, instead was `\"Mars\"`."),
        ),
        ("place", json!({"lat": 1}), at("place", ".lon should be defined, instead was `undefined`.")),
        (
            "verification",
            json!({"state": "sure"}),
            at(
                "verification",
                ".state should be `\"verified\"` or `\"unverified\"`, instead was `\"sure\"`.",
            ),
        ),
        ("created_time", json!("2026-01-01"), of_all("created_time", "")),
        ("unique_id", json!({"number": 1}), of_all("unique_id", "")),
        ("button", json!({}), of_all("button", "")),
    ];
    for (column, value, expected) in table {
        let row = json!({"parent": {"data_source_id": source}, "properties": {column: {column: value}}});
        let refused = n.refused("POST", "pages", row).await;
        assert_eq!(refused, ("400, validation_error".to_owned(), expected), "{column}");
    }
    let list = n.ok("POST", &format!("data_sources/{source}/query"), Some(json!({}))).await;
    assert_eq!(list["results"], json!([]), "nothing was made by the way");
}

#[tokio::test]
async fn null_empties_a_cell() {
    let n = notion().await;
    let source = table(&n).await;
    let full = json!({
        "number": {"number": 1}, "select": {"select": {"name": "a"}}, "date": {"date": {"start": "2026-01-01"}},
        "url": {"url": "https://x.example"}, "email": {"email": "a@x.example"}, "place": {"place": {"lat": 1, "lon": 2}},
    });
    let row = n.row(&source, "r", full.clone()).await;
    let kinds: Vec<&String> = full.as_object().unwrap().keys().collect();
    let nulls: serde_json::Map<String, Value> =
        kinds.iter().map(|kind| ((*kind).clone(), json!({kind.as_str(): null}))).collect();
    let emptied = n.ok("PATCH", &format!("pages/{row}"), Some(json!({"properties": nulls}))).await;
    for kind in kinds {
        assert_eq!(emptied["properties"][kind][kind], Value::Null, "{kind}");
    }
}

#[tokio::test]
async fn one_property_is_read_by_id_or_name_by_who_may() {
    let n = notion().await;
    let source = table(&n).await;
    let row = n.row(&source, "r", json!({"number": {"number": 7}})).await;
    let page = n.ok("GET", &format!("pages/{row}"), None).await;
    let id = text(&page["properties"]["number"], "id");
    let item = json!({"object": "property_item", "type": "number", "id": id, "number": 7});
    for name in [id.as_str(), "number"] {
        let mut read = n.ok("GET", &format!("pages/{row}/properties/{name}"), None).await;
        read.as_object_mut().unwrap().remove("request_id");
        assert_eq!(read, item, "{name}");
    }
    let people = n.ok("GET", &format!("pages/{row}/properties/people"), None).await;
    assert_eq!(
        (people["results"].clone(), people["property_item"]["next_url"].clone()),
        (json!([]), Value::Null)
    );
    let (code, message) = n.refused("GET", &format!("pages/{row}/properties/nope"), Value::Null).await;
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("400, validation_error", "Could not find property with ID: nope")
    );
    let nobody = "pages/00000000-0000-4000-8000-000000000000/properties/title";
    assert_eq!(n.refused("GET", nobody, Value::Null).await.0, "404, object_not_found");
    let blind =
        with(Switches::default(), Capabilities { read_content: false, ..Capabilities::default() }).await;
    let token = text(&blind.pair().await, "access_token");
    assert_eq!(blind.call(&token, "GET", nobody, None).await.refusal(), "403, restricted_resource");
}

#[tokio::test]
async fn years_before_the_first_are_no_dates_and_the_last_day_sorts_last() {
    let n = notion().await;
    let (_, source) = n.database("Dates", json!({"When": {"date": {}}})).await;
    for day in ["9999-12-31", "2026-11-27"] {
        n.row(&source, day, json!({"When": {"date": {"start": day}}})).await;
    }
    let sorted = json!({"sorts": [{"property": "When", "direction": "ascending"}]});
    let rows = n.ok("POST", &format!("data_sources/{source}/query"), Some(sorted)).await;
    assert_eq!(rows["results"][1]["properties"]["When"]["date"]["start"], "9999-12-31");
    for early in ["-000005-01-01", "-000005-01-01T10:00:00Z", "0000-06-01"] {
        let body =
            json!({"parent": {"data_source_id": source}, "properties": {"When": {"date": {"start": early}}}});
        let (code, _) = n.refused("POST", "pages", body).await;
        assert_eq!(code, "400, validation_error", "{early}");
        let root = n.running.emulator.root_page_id();
        let said =
            json!({"parent": {"page_id": root}, "markdown": format!("<mention-date start=\"{early}\"/>")});
        let page = n.ok("POST", "pages", Some(said)).await;
        let read = n.ok("GET", &format!("pages/{}/markdown", text(&page, "id")), None).await;
        assert!(text(&read, "markdown").contains("start="), "it stays as it was written: {read}");
    }
}
