//! What is hidden from an integration: it shows in no answer, whichever way somebody asks for it.

use serde_json::json;

use crate::support::{Notion, notion, text};

const ADA: &str = "1d3f5a70-42c8-4be1-9a61-0c5e7d20b001";

/// A table with a relation to `to`, and a rollup and formulas on that; the ids of the table and of its one row.
async fn based_on(n: &Notion, to: &str, row: &str) -> (String, String) {
    let relation = json!({"relation": {"data_source_id": to, "single_property": {}}});
    let (_, source) = n.database("Loans", json!({"Book": relation})).await;
    let rollup =
        json!({"function": "show_original", "relation_property_name": "Book", "rollup_property_id": "title"});
    let columns = json!({
        "Titles": {"rollup": rollup},
        "Count": {"formula": {"expression": "prop(\"Book\").length()"}},
        "Word": {"formula": {"expression": "prop(\"Book\").join(\", \")"}},
    });
    let columns = json!({"properties": columns});
    n.ok("PATCH", &format!("data_sources/{source}"), Some(columns)).await;
    let further = json!({"properties": {"Words": {"formula": {"expression": "prop(\"Word\") + \"!\""}}}});
    n.ok("PATCH", &format!("data_sources/{source}"), Some(further)).await;
    let loan = n.row(&source, "loan", json!({"Book": {"relation": [{"id": row}]}})).await;
    (source, loan)
}

/// Makes a page that the bot of these tests does not reach, with a table and a row in it.
async fn out_of_reach(n: &Notion) -> (String, String) {
    let found = n.ok("POST", "search", Some(json!({"query": "Reading list"}))).await;
    let body = json!({
        "parent": {"page_id": found["results"][0]["id"]},
        "title": [{"text": {"content": "Papers"}}],
        "initial_data_source": {"properties": {"Name": {"title": {}}}},
    });
    let source = text(&n.ok("POST", "databases", Some(body)).await["data_sources"][0], "id");
    let row = n.row(&source, "Moby-Dick", json!({})).await;
    (source, row)
}

#[tokio::test]
async fn what_is_based_on_a_table_out_of_reach_is_not_there_for_any_request() {
    let n = notion().await;
    let (papers, paper) = out_of_reach(&n).await;
    let (source, loan) = based_on(&n, &papers, &paper).await;
    let token = text(&n.pair().await, "access_token");
    let shown = n.call(&token, "GET", &format!("pages/{loan}"), None).await.json()["properties"].clone();
    assert_eq!(shown.as_object().unwrap().keys().collect::<Vec<_>>(), ["Name"]);
    let (table, query) = (format!("data_sources/{source}"), format!("data_sources/{source}/query"));
    let rollup =
        json!({"function": "count", "relation_property_name": "Book", "rollup_property_id": "title"});
    for (method, path, body) in [
        ("POST", &query, json!({"filter": {"property": "Book", "relation": {"contains": paper}}})),
        ("POST", &query, json!({"filter": {"property": "Count", "formula": {"number": {"equals": 1}}}})),
        (
            "POST",
            &query,
            json!({"filter": {"property": "Titles", "rollup": {"any": {"title": {"is_not_empty": true}}}}}),
        ),
        ("POST", &query, json!({"sorts": [{"property": "Words", "direction": "ascending"}]})),
        ("PATCH", &table, json!({"properties": {"Mine": {"rollup": rollup}}})),
        (
            "PATCH",
            &table,
            json!({"properties": {"Mine": {"formula": {"expression": "prop(\"Book\").length()"}}}}),
        ),
        ("PATCH", &table, json!({"properties": {"Mine": {"formula": {"expression": "prop(\"Words\")"}}}})),
        ("PATCH", &table, json!({"properties": {"Book": null}})),
        ("PATCH", &format!("pages/{loan}"), json!({"properties": {"Book": {"relation": []}}})),
    ] {
        let reply = n.call(&token, method, path, Some(body.clone())).await;
        assert_eq!(reply.refusal(), "400, validation_error", "{body} {}", reply.text());
    }
    let whole = n.ok("GET", &table, None).await["properties"].clone();
    assert_eq!(whole.as_object().map(serde_json::Map::len), Some(6), "nothing of it has changed");
}

#[tokio::test]
async fn a_row_kept_from_the_person_is_in_no_relation_and_counts_in_nothing() {
    let n = notion().await;
    let (_, papers) = n.database("Papers", json!({})).await;
    let paper = n.row(&papers, "Moby-Dick", json!({})).await;
    let (source, loan) = based_on(&n, &papers, &paper).await;
    let token = text(&n.pair().await, "access_token");
    let read =
        async || n.call(&token, "GET", &format!("pages/{loan}"), None).await.json()["properties"].clone();
    let before = read().await;
    assert_eq!(before["Count"]["formula"]["number"], 1);
    assert!(before.to_string().contains("Moby-Dick") && before.to_string().contains(&paper));
    let kept = json!({"page_id": paper, "person_id": ADA, "right": "none"});
    n.control("PUT", "/_emulator/rights", kept).await;
    let after = read().await;
    assert_eq!(after["Count"]["formula"]["number"], 0);
    assert!(!after.to_string().contains("Moby-Dick") && !after.to_string().contains(&paper), "{after}");
    let filter = json!({"filter": {"property": "Word", "formula": {"string": {"contains": "Moby"}}}});
    let found = n.call(&token, "POST", &format!("data_sources/{source}/query"), Some(filter)).await.json();
    assert_eq!(found["results"], json!([]));
}
