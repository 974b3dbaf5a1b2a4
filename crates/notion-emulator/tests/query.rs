//! Querying a data source: each operator picks the rows that a person would pick, sorts sort, and pages neither skip nor repeat.

use serde_json::{Value, json};

use crate::support::{Notion, notion, text};

async fn tracker(n: &Notion) -> String {
    let found = n.ok("POST", "search", Some(json!({"query": "Project tracker"}))).await;
    text(&found["results"][0], "id")
}

async fn names(n: &Notion, source: &str, body: Value) -> Vec<String> {
    let list = n.ok("POST", &format!("data_sources/{source}/query"), Some(body)).await;
    let rows = list["results"].as_array().expect("rows").iter();
    rows.map(|row| row["properties"]["Name"]["title"][0]["plain_text"].as_str().expect("a title").to_owned())
        .collect()
}

#[tokio::test]
async fn every_kind_of_filter_picks_its_rows() {
    let n = notion().await;
    let source = tracker(&n).await;
    let priya = "1d3f5a70-42c8-4be1-9a61-0c5e7d20b003";
    let table = [
        (json!({"property": "Name", "title": {"contains": "PORTAL"}}), 2),
        (json!({"property": "Name", "title": {"equals": "status page"}}), 0),
        (json!({"property": "Name", "rich_text": {"starts_with": "Status"}}), 1),
        (json!({"property": "Summary", "rich_text": {"does_not_contain": "a"}}), 1),
        (json!({"property": "Status", "status": {"equals": "Done"}}), 3),
        (json!({"property": "Status", "status": {"does_not_equal": "Done"}}), 11),
        (json!({"property": "Priority", "select": {"equals": "High"}}), 5),
        (json!({"property": "Area", "multi_select": {"contains": "Data"}}), 3),
        (json!({"property": "Area", "multi_select": {"does_not_contain": "Web"}}), 6),
        (json!({"property": "Owner", "people": {"contains": priya}}), 6),
        (json!({"property": "Owner", "people": {"is_empty": true}}), 2),
        (json!({"property": "Designed", "checkbox": {"equals": true}}), 7),
        (json!({"property": "Designed", "checkbox": {"does_not_equal": true}}), 7),
        (json!({"property": "Estimate", "number": {"greater_than_or_equal_to": 8}}), 5),
        (json!({"property": "Estimate", "number": {"is_empty": true}}), 1),
        (json!({"property": "Estimate", "number": {"does_not_equal": 5}}), 11),
        (json!({"property": "Dates", "date": {"on_or_after": "2026-12-01"}}), 3),
        (json!({"property": "Dates", "date": {"before": "2026-10-10"}}), 2),
        (json!({"property": "Dates", "date": {"equals": "2026-11-09"}}), 1),
        (json!({"property": "Dates", "date": {"is_empty": true}}), 2),
        (json!({"property": "Ticket", "url": {"ends_with": "412"}}), 1),
        (json!({"property": "ID", "unique_id": {"less_than": 4}}), 3),
        (json!({"timestamp": "created_time", "created_time": {"before": "2026-10-04"}}), 1),
        (
            json!({"and": [{"property": "Priority", "select": {"equals": "High"}}, {"property": "Status", "status": {"equals": "Done"}}]}),
            2,
        ),
        (
            json!({"or": [{"property": "Name", "title": {"contains": "banner"}}, {"and": [{"property": "Estimate", "number": {"equals": 13}}, {"property": "Designed", "checkbox": {"equals": false}}]}]}),
            3,
        ),
    ];
    for (filter, expected) in table {
        let found = names(&n, &source, json!({"filter": filter})).await;
        assert_eq!(found.len(), expected, "{filter}: {found:?}");
    }
}

#[tokio::test]
async fn sorts_go_by_choices_numbers_and_dates_with_empty_cells_last() {
    let n = notion().await;
    let source = tracker(&n).await;
    let sorts = json!({"sorts": [{"property": "Estimate", "direction": "descending"}, {"property": "Name", "direction": "ascending"}]});
    let sorted = names(&n, &source, sorts).await;
    assert_eq!(sorted[..2], ["Search that forgives typos", "Webhooks for partners"]);
    assert_eq!(sorted.last().unwrap(), "Accessibility pass", "its estimate is empty");
    let by_priority =
        names(&n, &source, json!({"sorts": [{"property": "Priority", "direction": "ascending"}]})).await;
    assert_eq!(
        by_priority[0], "Database upgrade",
        "High is the first choice, and its newest row comes first"
    );
    let newest =
        names(&n, &source, json!({"sorts": [{"timestamp": "created_time", "direction": "descending"}]}))
            .await;
    assert_eq!(newest[0], "Holiday banner");
}

#[tokio::test]
async fn pages_of_any_size_neither_skip_nor_repeat() {
    let n = notion().await;
    let source = tracker(&n).await;
    let all = names(&n, &source, json!({})).await;
    for size in [1, 3, 5, 14, 100] {
        let mut seen = Vec::new();
        let mut cursor = Value::Null;
        loop {
            let body = if cursor.is_null() {
                json!({"page_size": size})
            } else {
                json!({"page_size": size, "start_cursor": cursor})
            };
            let list = n.ok("POST", &format!("data_sources/{source}/query"), Some(body)).await;
            for row in list["results"].as_array().unwrap() {
                seen.push(row["properties"]["Name"]["title"][0]["plain_text"].as_str().unwrap().to_owned());
            }
            assert_eq!(list["has_more"], !list["next_cursor"].is_null());
            cursor = list["next_cursor"].clone();
            if cursor.is_null() {
                break;
            }
        }
        assert_eq!(seen, all, "{size} at a time");
    }
}

#[tokio::test]
async fn a_filter_that_does_not_fit_is_refused_in_notions_words() {
    let n = notion().await;
    let source = tracker(&n).await;
    let token = n.running.emulator.internal_token();
    let message = async |body: Value| {
        let reply = n.call(&token, "POST", &format!("data_sources/{source}/query"), Some(body)).await;
        assert_eq!(reply.refusal(), "400, validation_error");
        text(&reply.json(), "message")
    };
    let unknown = message(json!({"filter": {"property": "Nope", "number": {"equals": 1}}})).await;
    assert_eq!(unknown, "Could not find property with name or id: Nope");
    let kind = message(json!({"filter": {"property": "Status", "number": {"equals": 1}}})).await;
    assert_eq!(
        kind,
        "The property type in the database does not match the property type of the filter provided: database property \
         status does not match filter number"
    );
    let status = message(json!({"filter": {"property": "Status", "status": {"equals": "Nope"}}})).await;
    assert_eq!(
        status,
        "status option \"Nope\" not found for property \"Status\". Available options: \"Not started\", \"In progress\", \"In review\", \"Done\"."
    );
    for (column, kind, operator) in
        [("Priority", "select", "does_not_equal"), ("Area", "multi_select", "contains")]
    {
        let filter = json!({"and": [{"property": column, kind: {operator: "Nope"}}]});
        let option = message(json!({"filter": filter})).await;
        let begins =
            format!("{kind} option \"Nope\" not found for property \"{column}\". Available options: \"");
        assert!(option.starts_with(&begins), "{option}");
    }
    let sort = message(json!({"sorts": [{"property": "Nope", "direction": "ascending"}]})).await;
    assert!(sort.contains("Nope"), "{sort}");
    let cursor = message(json!({"start_cursor": "00000000-0000-4000-8000-000000000000"})).await;
    assert_eq!(cursor, "The start_cursor provided is invalid: 00000000-0000-4000-8000-000000000000");
    let bogus = message(json!({"start_cursor": "bogus"})).await;
    assert_eq!(bogus, "The start_cursor provided is invalid: bogus");
}
