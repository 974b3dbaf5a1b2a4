//! Rollups: each function over the same few rows, how they are paged, filtered and sorted.

use serde_json::{Value, json};

use crate::support::{Notion, notion, text};

/// Orders with four lines each: prices 1, 2, 2 and none; two of them paid.
struct Shop {
    orders: String,
    lines: String,
    order: String,
}

async fn shop(n: &Notion) -> Shop {
    let columns = json!({
        "Price": {"number": {}}, "Paid": {"checkbox": {}}, "Day": {"date": {}},
        "Kind": {"select": {"options": [{"name": "Book"}, {"name": "Pen"}]}},
        "Tags": {"multi_select": {}}, "Note": {"rich_text": {}},
    });
    let (_, lines) = n.database("Lines", columns).await;
    let relation = json!({"relation": {"data_source_id": lines, "single_property": {}}});
    let (_, orders) = n.database("Orders", json!({"Lines": relation})).await;
    let rows = [
        (json!(1), true, "2026-01-05", "Book", vec!["a", "b"]),
        (json!(2), true, "2026-03-01", "Pen", vec!["a"]),
        (json!(2), false, "2026-02-01", "Pen", vec![]),
        (Value::Null, false, "", "", vec![]),
    ];
    let mut ids = Vec::new();
    for (price, paid, day, kind, tags) in rows {
        let day = if day.is_empty() { Value::Null } else { json!({"start": day}) };
        let kind = if kind.is_empty() { Value::Null } else { json!({"name": kind}) };
        let tags: Vec<Value> = tags.iter().map(|name| json!({"name": name})).collect();
        let values = json!({
            "Price": {"number": price}, "Paid": {"checkbox": paid}, "Day": {"date": day},
            "Kind": {"select": kind}, "Tags": {"multi_select": tags},
        });
        ids.push(json!({"id": n.row(&lines, "line", values).await}));
    }
    let order = n.row(&orders, "order", json!({"Lines": {"relation": ids}})).await;
    Shop { orders, lines, order }
}

async fn roll(n: &Notion, shop: &Shop, function: &str, column: &str) -> Value {
    let rollup =
        json!({"function": function, "relation_property_name": "Lines", "rollup_property_name": column});
    let body = json!({"properties": {"Sum": {"rollup": rollup}}});
    n.ok("PATCH", &format!("data_sources/{}", shop.orders), Some(body)).await;
    let page = n.ok("GET", &format!("pages/{}", shop.order), None).await;
    let rollup = page["properties"]["Sum"]["rollup"].clone();
    assert_eq!(rollup["function"], function);
    let kind = text(&rollup, "type");
    rollup[kind].clone()
}

#[tokio::test]
async fn every_function_comes_to_what_a_person_would_count() {
    let n = notion().await;
    let shop = shop(&n).await;
    let date = |start: &str, end: Value| json!({"start": start, "end": end, "time_zone": null});
    let table = [
        ("count", "Price", json!(4)),
        ("count_values", "Price", json!(3)),
        ("count_values", "Tags", json!(3)),
        ("unique", "Price", json!(2)),
        ("empty", "Price", json!(1)),
        ("not_empty", "Price", json!(3)),
        ("percent_empty", "Price", json!(0.25)),
        ("percent_not_empty", "Price", json!(0.75)),
        ("sum", "Price", json!(5)),
        ("average", "Price", json!(5.0 / 3.0)),
        ("median", "Price", json!(2)),
        ("min", "Price", json!(1)),
        ("max", "Price", json!(2)),
        ("range", "Price", json!(1)),
        ("sum", "Note", json!(0)),
        ("average", "Note", Value::Null),
        ("checked", "Paid", json!(2)),
        ("unchecked", "Paid", json!(2)),
        ("percent_checked", "Paid", json!(0.5)),
        ("percent_unchecked", "Paid", json!(0.5)),
        ("earliest_date", "Day", date("2026-01-05", Value::Null)),
        ("latest_date", "Day", date("2026-03-01", Value::Null)),
        ("date_range", "Day", date("2026-01-05", json!("2026-03-01"))),
        ("count_per_group", "Kind", json!({})),
        ("percent_per_group", "Kind", json!({})),
    ];
    for (function, column, expected) in table {
        assert_eq!(roll(&n, &shop, function, column).await, expected, "{function} of {column}");
    }
    let shown = roll(&n, &shop, "show_original", "Price").await;
    let number = |number: Value| json!({"type": "number", "number": number});
    assert_eq!(shown, json!([number(json!(1)), number(json!(2)), number(json!(2)), number(Value::Null)]));
    assert_eq!(roll(&n, &shop, "show_unique", "Price").await.as_array().map(Vec::len), Some(3));
}

#[tokio::test]
async fn a_rollup_is_shown_in_the_schema_and_needs_what_it_names() {
    let n = notion().await;
    let shop = shop(&n).await;
    roll(&n, &shop, "sum", "Price").await;
    let path = format!("data_sources/{}", shop.orders);
    let schema = n.ok("GET", &path, None).await["properties"].clone();
    let lines = n.ok("GET", &format!("data_sources/{}", shop.lines), None).await["properties"].clone();
    let plain = |id: &Value| {
        id.as_str().map(|id| percent_encoding::percent_decode_str(id).decode_utf8_lossy().into_owned())
    };
    assert_eq!(
        schema["Sum"]["rollup"],
        json!({
            "rollup_property_name": "Price",
            "relation_property_name": "Lines",
            "rollup_property_id": plain(&lines["Price"]["id"]),
            "relation_property_id": plain(&schema["Lines"]["id"]),
            "function": "sum",
        })
    );
    let rollup = |relation: &str, target: &str| {
        let rollup =
            json!({"function": "sum", "relation_property_name": relation, "rollup_property_name": target});
        json!({"properties": {"Other": {"rollup": rollup}}})
    };
    let (_, message) = n.refused("PATCH", &path, rollup("Lines", "Nope")).await;
    assert_eq!(message, "Could not find property with name or id: Nope");
    assert_eq!(
        n.refused("PATCH", &path, rollup("Name", "Price")).await.1,
        "Name is not a relation property."
    );
    let unknown = json!({"properties": {"Other": {"rollup": {"function": "guess", "relation_property_name": "Lines", "rollup_property_name": "Price"}}}});
    assert!(n.refused("PATCH", &path, unknown).await.1.contains("rollup.function should be `\"count\"`"));
    let written = json!({"properties": {"Sum": {"rollup": {}}}});
    assert_eq!(
        n.refused("PATCH", &format!("pages/{}", shop.order), written).await.0,
        "400, validation_error"
    );
    n.ok("PATCH", &path, Some(json!({"properties": {"Lines": null}}))).await;
    let page = n.ok("GET", &format!("pages/{}", shop.order), None).await;
    assert_eq!(page["properties"]["Sum"]["rollup"]["type"], "unsupported", "its relation is gone");
}

#[tokio::test]
async fn the_property_endpoint_pages_a_rollup_and_tells_its_result_last() {
    let n = notion().await;
    let shop = shop(&n).await;
    roll(&n, &shop, "sum", "Price").await;
    let page = n.ok("GET", &format!("pages/{}", shop.order), None).await;
    let path = format!("pages/{}/properties/{}", shop.order, text(&page["properties"]["Sum"], "id"));
    let first = n.ok("GET", &format!("{path}?page_size=3"), None).await;
    assert_eq!(first["results"][0]["type"], "relation", "the rows that are summed up");
    assert_eq!(
        first["property_item"]["rollup"],
        json!({"type": "incomplete", "incomplete": {}, "function": "sum"})
    );
    let last =
        n.ok("GET", &format!("{path}?page_size=3&start_cursor={}", text(&first, "next_cursor")), None).await;
    assert_eq!(last["property_item"]["rollup"], json!({"type": "number", "number": 5, "function": "sum"}));

    roll(&n, &shop, "show_original", "Name").await;
    let shown = n.ok("GET", &path, None).await;
    assert_eq!(shown["results"][3]["title"]["plain_text"], "line");
    assert_eq!(
        shown["property_item"]["rollup"],
        json!({"type": "array", "array": [], "function": "show_original"})
    );
    roll(&n, &shop, "median", "Price").await;
    let listed = n.ok("GET", &path, None).await;
    assert_eq!(listed["results"][0]["number"], 1);
    assert_eq!(listed["property_item"]["rollup"]["type"], "unsupported");
}

#[tokio::test]
async fn rows_are_filtered_and_sorted_by_their_rollups() {
    let n = notion().await;
    let shop = shop(&n).await;
    n.row(&shop.orders, "empty order", json!({})).await;
    let found = async |filter: Value| {
        let path = format!("data_sources/{}/query", shop.orders);
        let list = n.ok("POST", &path, Some(json!({"filter": filter}))).await;
        list["results"].as_array().unwrap().len()
    };
    let on = |condition: Value| json!({"property": "Sum", "rollup": condition});
    roll(&n, &shop, "sum", "Price").await;
    assert_eq!(found(on(json!({"number": {"greater_than": 4}}))).await, 1);
    assert_eq!(found(on(json!({"number": {"equals": 0}}))).await, 1);
    roll(&n, &shop, "earliest_date", "Day").await;
    assert_eq!(found(on(json!({"date": {"before": "2026-01-06"}}))).await, 1);
    assert_eq!(found(on(json!({"date": {"is_empty": true}}))).await, 1);
    roll(&n, &shop, "show_original", "Price").await;
    assert_eq!(found(on(json!({"any": {"number": {"equals": 2}}}))).await, 1);
    assert_eq!(
        found(on(json!({"every": {"number": {"is_not_empty": true}}}))).await,
        0,
        "nothing is not every one"
    );
    assert_eq!(found(on(json!({"none": {"number": {"equals": 2}}}))).await, 1);
    roll(&n, &shop, "show_original", "Kind").await;
    assert_eq!(found(on(json!({"any": {"select": {"equals": "Pen"}}}))).await, 1);
    assert_eq!(found(on(json!({"any": {"select": {"equals": ["Book", "Pen"]}}}))).await, 1);
    let path = format!("data_sources/{}/query", shop.orders);
    let wrong = json!({"filter": on(json!({"any": {"number": {"equals": 2}}}))});
    assert_eq!(n.refused("POST", &path, wrong).await.1, "rollup of select does not match filter number");
    roll(&n, &shop, "count", "Price").await;
    let sorts = json!({"sorts": [{"property": "Sum", "direction": "ascending"}]});
    let sorted = n.ok("POST", &path, Some(sorts)).await;
    assert_eq!(sorted["results"][0]["properties"]["Sum"]["rollup"]["number"], 0);
}
