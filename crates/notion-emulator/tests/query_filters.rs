//! Filters that the seed has no columns for, and those that are refused.

use serde_json::{Value, json};

use crate::support::{Notion, notion, text};

async fn count(n: &Notion, source: &str, filter: &Value) -> usize {
    let list = n.ok("POST", &format!("data_sources/{source}/query"), Some(json!({"filter": filter}))).await;
    list["results"].as_array().expect("rows").len()
}

/// Three rows: one full, one with other values, one empty.
async fn table(n: &Notion) -> (String, Value) {
    let columns = json!({
        "Files": {"files": {}}, "Mail": {"email": {}}, "Phone": {"phone_number": {}}, "Owner": {"people": {}},
        "Checked": {"verification": {}}, "By": {"created_by": {}}, "At": {"created_time": {}},
        "Editor": {"last_edited_by": {}}, "ID": {"unique_id": {}}, "Day": {"date": {}}, "Place": {"place": {}},
    });
    let (_, source) = n.database("Filters", columns).await;
    let single = json!({"relation": {"data_source_id": source, "single_property": {}}});
    n.ok("PATCH", &format!("data_sources/{source}"), Some(json!({"properties": {"Rel": single}}))).await;
    let me = n.ok("GET", "users/me", None).await["id"].clone();
    let empty = n.row(&source, "empty", json!({})).await;
    let file = json!({"name": "f", "type": "external", "external": {"url": "https://x.example/f"}});
    let full = json!({
        "Files": {"files": [file]}, "Mail": {"email": "a@x.example"}, "Phone": {"phone_number": "+46 1"},
        "Owner": {"people": [{"id": me}]}, "Checked": {"verification": {"state": "verified"}},
        "Rel": {"relation": [{"id": empty}]}, "Day": {"date": {"start": "2026-11-27T23:30:00.000-02:00"}},
    });
    n.row(&source, "full", full).await;
    let past = json!({"state": "verified", "date": {"start": "2001-01-01", "end": "2001-01-02"}});
    n.row(
        &source,
        "other",
        json!({"Checked": {"verification": past}, "Day": {"date": {"start": "2026-11-27"}}}),
    )
    .await;
    (source, json!({"empty": empty, "me": me}))
}

#[tokio::test]
async fn each_condition_picks_its_rows() {
    let n = notion().await;
    let (source, ids) = table(&n).await;
    let table = [
        (json!({"property": "Files", "files": {"is_not_empty": true}}), 1),
        (json!({"property": "Files", "files": {"is_empty": true}}), 2),
        (json!({"property": "Mail", "email": {"ends_with": "X.EXAMPLE"}}), 1),
        (json!({"property": "Phone", "phone_number": {"starts_with": "+46"}}), 1),
        (json!({"property": "Phone", "phone_number": {"does_not_equal": "+46 1"}}), 2),
        (json!({"property": "Owner", "people": {"contains": "me"}}), 1),
        (json!({"property": "Owner", "people": {"does_not_contain": ids["me"]}}), 2),
        (json!({"property": "By", "created_by": {"contains": "me"}}), 3),
        (json!({"property": "Editor", "last_edited_by": {"is_not_empty": true}}), 3),
        (json!({"property": "Checked", "verification": {"status": "verified"}}), 1),
        (json!({"property": "Checked", "verification": {"status": "expired"}}), 1),
        (json!({"property": "Checked", "verification": {"does_not_equal": "none"}}), 2),
        (json!({"property": "ID", "unique_id": {"greater_than_or_equal_to": 2}}), 2),
        (json!({"property": "Rel", "relation": {"contains": ids["empty"]}}), 1),
        (json!({"property": "Rel", "relation": {"does_not_contain": ids["empty"]}}), 2),
        (json!({"property": "Day", "date": {"equals": "2026-11-27"}}), 1),
        (json!({"property": "Day", "date": {"on_or_after": "2026-11-28T01:30:00Z"}}), 1),
        (json!({"property": "At", "created_time": {"on_or_before": "today"}}), 3),
        (json!({"property": "At", "created_time": {"after": "yesterday"}}), 3),
        (json!({"property": "At", "created_time": {"before": "one_week_ago"}}), 0),
        (json!({"property": "At", "created_time": {"on_or_after": "tomorrow"}}), 0),
        (json!({"timestamp": "last_edited_time", "last_edited_time": {"before": "one_month_from_now"}}), 3),
        (json!({"timestamp": "created_time", "created_time": {"this_week": {}}}), 3),
        (json!({"timestamp": "created_time", "created_time": {"past_month": {}}}), 3),
        (json!({"and": []}), 3),
    ];
    for (filter, expected) in table {
        assert_eq!(count(&n, &source, &filter).await, expected, "{filter}");
    }
}

#[tokio::test]
async fn what_does_not_fit_is_refused_with_its_place() {
    let n = notion().await;
    let (source, _) = table(&n).await;
    let path = format!("data_sources/{source}/query");
    let tell = async |filter: Value| n.refused("POST", &path, json!({"filter": filter})).await.1;
    let none = tell(json!({})).await;
    assert!(none.starts_with("body failed validation. Fix one:\nbody.filter.or should be defined, instead was `undefined`.\nbody.filter.and should"), "{none}");
    let leaf = json!({"property": "Mail", "email": {"equals": "x"}});
    let deep = json!({"and": [{"or": [{"and": [leaf]}]}]});
    assert!(tell(deep).await.contains("body.filter.and[0].or[0].and should be not present"));
    assert_eq!(count(&n, &source, &json!({"and": [{"or": [leaf]}]})).await, 0, "two levels are well");
    let table = [
        (
            json!({"property": "Files", "files": {"equals": "f"}}),
            "body.filter.files.equals should be not present",
        ),
        (
            json!({"property": "Files", "files": {"is_empty": false}}),
            "body.filter.files.is_empty should be `true`",
        ),
        (
            json!({"property": "Day", "date": {"equals": "soon"}}),
            "body.filter.date.equals should be a valid ISO 8601 date string",
        ),
        (
            json!({"property": "Day", "date": {"past_week": {"n": 1}}}),
            "body.filter.date.past_week.n should be not present",
        ),
        (
            json!({"property": "Owner", "people": {"contains": "you"}}),
            "body.filter.people.contains should be a valid uuid",
        ),
        (
            json!({"property": "Mail", "email": {"equals": "a", "contains": "b"}}),
            "body.filter.email.contains should be not present",
        ),
        (json!({"property": "Mail", "email": {"equals": 1}}), "body.filter.email.equals should be a string"),
        (
            json!({"property": "ID", "unique_id": {"equals": "1"}}),
            "body.filter.unique_id.equals should be a number",
        ),
        (
            json!({"property": "Place", "place": {"is_empty": true}}),
            "body.filter.place should be not present",
        ),
        (
            json!({"property": "Place", "rich_text": {"equals": "x"}}),
            "database property place does not match filter rich_text",
        ),
        (
            json!({"property": "Checked", "verification": {"status": "maybe"}}),
            "body.filter.verification.status should be `\"verified\"`",
        ),
    ];
    for (filter, expected) in table {
        let message = tell(filter.clone()).await;
        assert!(message.contains(expected), "{filter}: {message}");
    }
    let sort = n.refused("POST", &path, json!({"sorts": [{"property": "Mail", "direction": "up"}]})).await.1;
    assert!(sort.contains("body.sorts[0].direction should be `\"ascending\"`"), "{sort}");
}

#[tokio::test]
async fn several_choices_can_be_named_at_once() {
    let n = notion().await;
    let found = n.ok("POST", "search", Some(json!({"query": "Project tracker"}))).await;
    let source = text(&found["results"][0], "id");
    let on = |column: &str, kind: &str, operator: &str| json!({"property": column, kind: {operator: ["High", "Low"]}});
    let (all, not) = (on("Priority", "select", "equals"), on("Priority", "select", "does_not_equal"));
    let (high, rest) = (count(&n, &source, &all).await, count(&n, &source, &not).await);
    assert!(high > 5 && rest > 0 && high + rest == 14, "{high} and {rest}");
    let tags = json!({"property": "Area", "multi_select": {"contains": ["Data", "Billing"]}});
    assert!(count(&n, &source, &tags).await > 3);
}

#[tokio::test]
async fn times_in_filters_are_compared_by_the_minute() {
    let n = notion().await;
    let (_, source) = n.database("Times", json!({"At": {"date": {}}})).await;
    let start = "2026-06-24T17:33:21.134864";
    n.row(&source, "now", json!({"At": {"date": {"start": start, "time_zone": "Europe/London"}}})).await;
    n.row(&source, "later", json!({"At": {"date": {"start": "2026-06-24T16:34:00Z"}}})).await;
    for (order, expected) in
        [("equals", 1), ("before", 0), ("on_or_before", 1), ("after", 1), ("on_or_after", 2)]
    {
        let filter = json!({"property": "At", "date": {order: format!("{start}+01:00")}});
        assert_eq!(count(&n, &source, &filter).await, expected, "{order}");
    }
    let made = json!({"timestamp": "created_time", "created_time": {"after": "2026-06-24T16:33:59Z"}});
    assert_eq!(count(&n, &source, &made).await, 2);
}

#[tokio::test]
async fn a_rollup_of_nothing_meets_no_condition_on_every_value() {
    let n = notion().await;
    let (_, source) = n.database("Chain", json!({"Number": {"number": {}}})).await;
    let path = format!("data_sources/{source}");
    let relation = json!({"relation": {"data_source_id": source, "single_property": {}}});
    n.ok("PATCH", &path, Some(json!({"properties": {"Up": relation}}))).await;
    let rollup = |of: &str| json!({"rollup": {"relation_property_name": "Up", "rollup_property_name": of, "function": "show_original"}});
    let rollups = json!({"properties": {"Titles": rollup("Name"), "Numbers": rollup("Number")}});
    n.ok("PATCH", &path, Some(rollups)).await;
    let first = n.row(&source, "Item 1", json!({"Number": {"number": 1}})).await;
    n.row(&source, "Item 2", json!({"Up": {"relation": [{"id": first}]}})).await;
    for (column, condition, expected) in [
        ("Titles", json!({"every": {"rich_text": {"starts_with": "Item"}}}), 1),
        ("Titles", json!({"none": {"rich_text": {"is_empty": true}}}), 2),
        ("Titles", json!({"any": {"rich_text": {"equals": "Item 1"}}}), 1),
        ("Numbers", json!({"every": {"number": {"less_than": 2}}}), 1),
        ("Numbers", json!({"every": {"number": {"greater_than": 2}}}), 0),
        ("Numbers", json!({"none": {"number": {"greater_than": 2}}}), 2),
    ] {
        let filter = json!({"property": column, "rollup": condition});
        assert_eq!(count(&n, &source, &filter).await, expected, "{filter}");
    }
}
