//! Paging through a query while the table changes, and what else of it is not filter or sort.

use serde_json::{Value, json};

use crate::support::{Notion, notion, text};

/// A table of ten rows, `0` to `9`.
async fn ten(n: &Notion) -> (String, Vec<String>) {
    let (_, source) = n.database("Ten", json!({"No": {"number": {}}})).await;
    let mut rows = Vec::new();
    for number in 0..10 {
        rows.push(n.row(&source, &number.to_string(), json!({"No": {"number": number}})).await);
    }
    (source, rows)
}

fn titles(list: &Value) -> Vec<String> {
    let rows = list["results"].as_array().expect("rows").iter();
    rows.map(|row| row["properties"]["Name"]["title"][0]["plain_text"].as_str().expect("a title").to_owned())
        .collect()
}

#[tokio::test]
async fn rows_made_edited_or_deleted_between_pages_are_neither_skipped_nor_repeated() {
    let sorts = json!([{"property": "No", "direction": "descending"}]);
    for first in [json!({"page_size": 4}), json!({"page_size": 4, "sorts": sorts})] {
        let n = notion().await;
        let (source, rows) = ten(&n).await;
        let path = format!("data_sources/{source}/query");
        let mut list = n.ok("POST", &path, Some(first.clone())).await;
        let mut seen = titles(&list);
        n.row(&source, "new", json!({"No": {"number": 5.5}})).await;
        let behind_and_ahead = [(&rows[0], 100), (&rows[9], -100)];
        for (row, number) in behind_and_ahead {
            let edit = json!({"properties": {"No": {"number": number}}});
            n.ok("PATCH", &format!("pages/{row}"), Some(edit)).await;
        }
        n.ok("PATCH", &format!("pages/{}", rows[5]), Some(json!({"in_trash": true}))).await;
        while !list["next_cursor"].is_null() {
            let mut next = first.clone();
            next["start_cursor"] = list["next_cursor"].clone();
            list = n.ok("POST", &path, Some(next)).await;
            seen.extend(titles(&list));
        }
        seen.sort();
        assert_eq!(seen, ["0", "1", "2", "3", "4", "6", "7", "8", "9"], "{first}");
    }
}

#[tokio::test]
async fn a_cursor_is_good_for_its_query_only() {
    let n = notion().await;
    let (source, _) = ten(&n).await;
    let (_, other) = n.database("Other", json!({})).await;
    let list = n.ok("POST", &format!("data_sources/{source}/query"), Some(json!({"page_size": 1}))).await;
    let cursor = json!({"start_cursor": list["next_cursor"]});
    let message = format!("The start_cursor provided is invalid: {}", text(&list, "next_cursor"));
    let elsewhere = n.refused("POST", &format!("data_sources/{other}/query"), cursor.clone()).await;
    assert_eq!(elsewhere, ("400, validation_error".to_owned(), message));
    let token = text(&n.pair().await, "access_token");
    let stranger = n.call(&token, "POST", &format!("data_sources/{source}/query"), Some(cursor)).await;
    assert_eq!(stranger.refusal(), "400, validation_error", "another integration's");
}

#[tokio::test]
async fn the_trash_and_tables_in_tables_are_asked_for_by_name() {
    let n = notion().await;
    let (source, rows) = ten(&n).await;
    n.ok("PATCH", &format!("pages/{}", rows[3]), Some(json!({"in_trash": true}))).await;
    let path = format!("data_sources/{source}/query");
    let ask = async |body: Value| titles(&n.ok("POST", &path, Some(body)).await);
    assert_eq!(ask(json!({})).await.len(), 9);
    assert_eq!(ask(json!({"in_trash": true})).await, ["3"]);
    assert_eq!(ask(json!({"archived": true})).await, ["3"], "as older versions say it");
    assert_eq!(ask(json!({"result_type": "page"})).await.len(), 9);
    assert!(ask(json!({"result_type": "data_source"})).await.is_empty());
    let wrong = n.refused("POST", &path, json!({"result_type": "row"})).await.1;
    assert!(
        wrong.contains("body.result_type should be `\"page\"`, `\"data_source\"`, or `undefined`"),
        "{wrong}"
    );
}

#[tokio::test]
async fn properties_are_chosen_in_the_query_not_in_the_body() {
    let n = notion().await;
    let (source, _) = ten(&n).await;
    let schema = n.ok("GET", &format!("data_sources/{source}"), None).await;
    let id = text(&schema["properties"]["No"], "id");
    let path = format!("data_sources/{source}/query");
    let twice: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
    let list = n.ok("POST", &format!("{path}?filter_properties={id}"), Some(json!({}))).await;
    let keys: Vec<&String> = list["results"][0]["properties"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["No"]);
    // An id is an id: neither a name nor an id that was encoded once too often stands for it, at any endpoint.
    let row = text(&list["results"][0], "id");
    let wrong = if id == twice { "No" } else { twice.as_str() };
    for asked in [wrong, "No"] {
        let decoded = percent_encoding::percent_decode_str(asked).decode_utf8_lossy();
        let said = format!("{decoded} is not a property that exists.");
        let query = format!("filter_properties={id}&filter_properties={asked}");
        assert_eq!(n.refused("POST", &format!("{path}?{query}"), json!({})).await.1, said);
        assert_eq!(n.refused("GET", &format!("pages/{row}?{query}"), Value::Null).await.1, said);
        assert_eq!(n.refused("PATCH", &format!("pages/{row}?{query}"), json!({})).await.1, said);
    }
    let (_, message) = n.refused("POST", &format!("{path}?page_size=1"), json!({})).await;
    assert_eq!(
        message,
        "query failed validation: query.page_size should be not present, instead was `\"1\"`."
    );
    let (_, message) = n.refused("POST", &path, json!({"filter_properties": ["ID"]})).await;
    assert_eq!(
        message,
        "body failed validation: body.filter_properties should be not present, instead was `[\"ID\"]`."
    );
}
