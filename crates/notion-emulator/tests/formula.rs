//! Formula columns over HTTP: made, shown with their references, worked out in pages and property items, filtered and
//! sorted by, over other formulas, relations and rollups; and refused where they cannot be.

use serde_json::{Value, json};

use notion_emulator::{Options, Seed, Switches};

use crate::support::{Notion, notion, notion_from, text};

fn formula(expression: &str) -> Value {
    json!({"formula": {"expression": expression}})
}

/// The columns of a table of goods, and formulas over them.
fn columns(formulas: Value) -> Value {
    let mut columns = json!({
        "Price": {"number": {"format": "euro"}},
        "Stock": {"number": {}},
        "Due": {"date": {}},
        "Kind": {"select": {"options": [{"name": "Fruit"}, {"name": "Bread"}]}},
    });
    if let (Some(all), Value::Object(formulas)) = (columns.as_object_mut(), formulas) {
        all.extend(formulas);
    }
    columns
}

/// The goods.
fn goods() -> [(&'static str, Value); 3] {
    [
        (
            "Apple",
            json!({"Price": {"number": 0.5}, "Stock": {"number": 10}, "Due": {"date": {"start": "2026-12-01"}}, "Kind": {"select": {"name": "Fruit"}}}),
        ),
        (
            "Pear",
            json!({"Price": {"number": 0.75}, "Stock": {"number": 4}, "Kind": {"select": {"name": "Fruit"}}}),
        ),
        (
            "Loaf",
            json!({"Price": {"number": 3}, "Due": {"date": {"start": "2026-11-01", "end": "2026-11-05"}}}),
        ),
    ]
}

/// A table of goods, made through the API.
async fn shop(n: &Notion, formulas: Value) -> String {
    let (_, source) = n.database("Shop", columns(formulas)).await;
    for (title, values) in goods() {
        n.row(&source, title, values).await;
    }
    source
}

const SHOP: &str = "10000000-0000-4000-8000-00000000000a";

/// An emulator with the same table, made by a person in the app.
async fn shop_of_a_person(formulas: Value) -> Notion {
    let mut properties = columns(formulas);
    properties["Name"] = json!({"title": {}});
    let rows: Vec<Value> = goods()
        .into_iter()
        .map(|(title, mut values)| {
            values["Name"] = json!({"title": [{"text": {"content": title}}]});
            json!({"properties": values})
        })
        .collect();
    let database =
        json!({"data_source_id": SHOP, "initial_data_source": {"properties": properties}, "rows": rows});
    let page = json!({"properties": {"title": {"title": []}}, "databases": [database]});
    let people = json!([{"name": "Mina", "email": "mina@acme.example"}]);
    let seed = json!({"people": people, "workspaces": [{"name": "Acme", "pages": [page]}]});
    let seed = Seed::of(&seed).unwrap_or_else(|error| panic!("{error}"));
    notion_from(Options { seed, ..Options::default() }).await
}

/// What each row holds in a column, by title, in the order of their making.
async fn column(n: &Notion, source: &str, name: &str) -> Vec<(String, Value)> {
    let list = n.ok("POST", &format!("data_sources/{source}/query"), Some(json!({}))).await;
    let rows = list["results"].as_array().expect("rows").iter().rev();
    rows.map(|row| (title(row), row["properties"][name]["formula"].clone())).collect()
}

fn title(row: &Value) -> String {
    text(&row["properties"]["Name"]["title"][0], "plain_text")
}

async fn names(n: &Notion, source: &str, body: Value) -> Vec<String> {
    let list = n.ok("POST", &format!("data_sources/{source}/query"), Some(body)).await;
    list["results"].as_array().expect("rows").iter().map(title).collect()
}

#[tokio::test]
async fn a_formula_is_worked_out_in_each_of_the_apis_types() {
    let n = notion().await;
    let formulas = json!({
        "Value": formula("prop(\"Price\") * prop(\"Stock\")"),
        "Label": formula("prop(\"Name\").upper() + \": \" + prop(\"Kind\")"),
        "Scarce": formula("prop(\"Stock\") < 5"),
        "Reminder": formula("dateSubtract(prop(\"Due\"), 1, \"weeks\")"),
        "Parts": formula("prop(\"Name\").split(\"p\")"),
    });
    let source = shop(&n, formulas).await;
    let table = [
        ("Value", 0, json!({"type": "number", "number": 5})),
        ("Value", 2, json!({"type": "number", "number": 0})),
        ("Label", 0, json!({"type": "string", "string": "APPLE: Fruit"})),
        ("Label", 2, json!({"type": "string", "string": "LOAF: "})),
        ("Scarce", 0, json!({"type": "boolean", "boolean": false})),
        ("Scarce", 1, json!({"type": "boolean", "boolean": true})),
        (
            "Reminder",
            0,
            json!({"type": "date", "date": {"start": "2026-11-24", "end": null, "time_zone": null}}),
        ),
        ("Reminder", 1, json!({"type": "date", "date": null})),
        (
            "Reminder",
            2,
            json!({"type": "date", "date": {"start": "2026-10-25", "end": "2026-10-29", "time_zone": null}}),
        ),
        ("Parts", 0, json!({"type": "string", "string": "A,,le"})),
    ];
    for (name, row, expected) in table {
        assert_eq!(column(&n, &source, name).await[row].1, expected, "{name} of row {row}");
    }
}

#[tokio::test]
async fn a_property_item_holds_the_formulas_value() {
    let n = notion().await;
    let source = shop(&n, json!({"Twice": formula("prop(\"Stock\") * 2")})).await;
    let list = n.ok("POST", &format!("data_sources/{source}/query"), Some(json!({}))).await;
    let (page, id) =
        (text(&list["results"][2], "id"), text(&list["results"][2]["properties"]["Twice"], "id"));
    let item = n.ok("GET", &format!("pages/{page}/properties/{id}"), None).await;
    let expected = json!({"type": "number", "number": 20});
    assert_eq!(
        (&item["object"], &item["type"], &item["formula"]),
        (&json!("property_item"), &json!("formula"), &expected)
    );
}

#[tokio::test]
async fn an_expression_is_shown_with_references_and_outlives_a_new_name() {
    let n = notion().await;
    let source = shop(&n, json!({"Twice": formula("prop(\"Price\")*2 /* two */")})).await;
    let path = format!("data_sources/{source}");
    let schema = n.ok("GET", &path, None).await["properties"].clone();
    let expression = text(&schema["Twice"]["formula"], "expression");
    let price = text(&schema["Price"], "id");
    let start = format!("{{{{notion:block_property:{price}:{source}:");
    assert!(expression.starts_with(&start) && expression.ends_with("}} * 2"), "{expression}");

    let renamed = json!({"properties": {"Price": {"name": "Cost"}}});
    let after = n.ok("PATCH", &path, Some(renamed)).await["properties"].clone();
    assert_eq!(after["Twice"], schema["Twice"]);
    assert_eq!(column(&n, &source, "Twice").await[0].1["number"], 1);
    // What was shown can be written back, as copies of a schema do.
    let copied = json!({"properties": {"Again": {"formula": {"expression": expression}}}});
    let after = n.ok("PATCH", &path, Some(copied)).await["properties"].clone();
    assert_eq!(after["Again"]["formula"], schema["Twice"]["formula"]);
}

#[tokio::test]
async fn a_formula_can_be_changed_and_a_column_can_become_one() {
    let n = notion().await;
    let source = shop(&n, json!({"Out": formula("prop(\"Stock\")")})).await;
    let path = format!("data_sources/{source}");
    n.ok("PATCH", &path, Some(json!({"properties": {"Out": formula("prop(\"Stock\") == 4")}}))).await;
    assert_eq!(column(&n, &source, "Out").await[1].1, json!({"type": "boolean", "boolean": true}));
    n.ok("PATCH", &path, Some(json!({"properties": {"Due": formula("\"now a formula\"")}}))).await;
    assert_eq!(column(&n, &source, "Due").await[0].1["string"], "now a formula");
    // What it named is gone: the formula stays and gives what is left.
    n.ok("PATCH", &path, Some(json!({"properties": {"Stock": null}}))).await;
    assert_eq!(column(&n, &source, "Out").await[1].1, json!({"type": "boolean", "boolean": false}));
}

#[tokio::test]
async fn rows_are_filtered_by_what_a_persons_formula_gives() {
    let formulas = json!({
        "Value": formula("prop(\"Price\") * prop(\"Stock\")"),
        "Label": formula("prop(\"Name\") + \" \" + prop(\"Kind\")"),
        "Scarce": formula("prop(\"Stock\") < 5"),
        "Reminder": formula("dateSubtract(prop(\"Due\"), 1, \"weeks\")"),
        "Either": formula("if(prop(\"Stock\") < 5, \"few\", prop(\"Due\"))"),
    });
    let n = shop_of_a_person(formulas).await;
    let table = [
        ("Value", json!({"number": {"greater_than": 2}}), vec!["Pear", "Apple"]),
        ("Value", json!({"number": {"equals": 0}}), vec!["Loaf"]),
        ("Label", json!({"string": {"ends_with": "fruit"}}), vec!["Pear", "Apple"]),
        ("Label", json!({"string": {"equals": "Pear Fruit"}}), vec!["Pear"]),
        ("Scarce", json!({"checkbox": {"equals": true}}), vec!["Loaf", "Pear"]),
        ("Reminder", json!({"date": {"before": "2026-11-01"}}), vec!["Loaf"]),
        ("Reminder", json!({"date": {"is_empty": true}}), vec!["Pear"]),
    ];
    for (property, condition, expected) in table {
        let filter = json!({"property": property, "formula": condition});
        assert_eq!(names(&n, SHOP, json!({"filter": filter})).await, expected, "{filter}");
    }
    let either = json!({"property": "Either", "formula": {"string": {"is_empty": true}}});
    assert_eq!(unfiltered(&n, SHOP, either).await, "Unable to filter based on a formula of unknown type");
    let number = json!({"property": "Value", "formula": {"string": {"equals": "5"}}});
    assert_eq!(unfiltered(&n, SHOP, number).await, "formula of number does not match filter string");
    let price = json!({"property": "Price", "formula": {"number": {"equals": 5}}});
    assert_eq!(
        unfiltered(&n, SHOP, price).await,
        "The property type in the database does not match the property type of the filter provided: database property \
         number does not match filter formula"
    );
}

/// What is said of a filter that is refused.
async fn unfiltered(n: &Notion, source: &str, filter: Value) -> String {
    let path = format!("data_sources/{source}/query");
    let (code, message) = n.refused("POST", &path, json!({"filter": filter})).await;
    assert_eq!(code, "400, validation_error");
    message
}

#[tokio::test]
async fn rows_are_not_filtered_by_a_formula_that_the_api_wrote_unless_that_is_documented() {
    let formulas = json!({"Value": formula("prop(\"Price\") * prop(\"Stock\")")});
    let unknown = "Unable to filter based on a formula of unknown type";
    let by_value = json!({"property": "Value", "formula": {"number": {"greater_than": 2}}});
    let n = notion().await;
    let source = shop(&n, formulas.clone()).await;
    assert_eq!(unfiltered(&n, &source, by_value.clone()).await, unknown);
    n.running.emulator.switch(Switches::documented());
    let source = shop(&n, formulas.clone()).await;
    assert_eq!(names(&n, &source, json!({"filter": by_value})).await, ["Pear", "Apple"]);
    // Nor by one that it writes anew.
    let n = shop_of_a_person(formulas.clone()).await;
    assert_eq!(names(&n, SHOP, json!({"filter": by_value})).await, ["Pear", "Apple"]);
    n.ok("PATCH", &format!("data_sources/{SHOP}"), Some(json!({"properties": {"Price": {"name": "Cost"}}})))
        .await;
    assert_eq!(
        names(&n, SHOP, json!({"filter": by_value})).await,
        ["Pear", "Apple"],
        "its own text is as it was"
    );
    let again = json!({"properties": {"Value": formula("prop(\"Cost\") * prop(\"Stock\")")}});
    n.ok("PATCH", &format!("data_sources/{SHOP}"), Some(again)).await;
    assert_eq!(unfiltered(&n, SHOP, by_value).await, unknown);
}

#[tokio::test]
async fn rows_are_sorted_by_what_a_formula_gives() {
    let n = notion().await;
    let formulas = json!({
        "Left": formula("10 - prop(\"Stock\")"),
        "Reminder": formula("dateSubtract(prop(\"Due\"), 1, \"weeks\")"),
    });
    let source = shop(&n, formulas).await;
    let by =
        |property: &str, direction: &str| json!({"sorts": [{"property": property, "direction": direction}]});
    assert_eq!(names(&n, &source, by("Left", "ascending")).await, ["Apple", "Pear", "Loaf"]);
    assert_eq!(names(&n, &source, by("Left", "descending")).await, ["Loaf", "Pear", "Apple"]);
    assert_eq!(names(&n, &source, by("Reminder", "descending")).await, ["Apple", "Loaf", "Pear"]);
}

#[tokio::test]
async fn formulas_lead_to_formulas_whatever_their_order() {
    let n = notion().await;
    let formulas = json!({
        "A total": formula("prop(\"Net\") * 1.2"),
        "Net": formula("prop(\"Price\") * prop(\"Stock\")"),
        "Verdict": formula("if(prop(\"A total\") > 5, \"much\", \"little\")"),
    });
    let source = shop(&n, formulas).await;
    assert_eq!(column(&n, &source, "A total").await[0].1["number"], 6);
    assert_eq!(column(&n, &source, "Verdict").await[1].1["string"], "little");
}

#[tokio::test]
async fn formulas_reach_over_relations_and_into_rollups() {
    let n = notion().await;
    let goods = shop(&n, json!({"Value": formula("prop(\"Price\") * prop(\"Stock\")")})).await;
    let rollup =
        json!({"relation_property_name": "Goods", "rollup_property_name": "Value", "function": "sum"});
    let shown = json!({"relation_property_name": "Goods", "rollup_property_name": "Kind", "function": "show_original"});
    let columns = json!({
        "Goods": {"relation": {"data_source_id": goods, "single_property": {}}},
        "Worth": {"rollup": rollup},
        "Kinds": {"rollup": shown},
        "Double": formula("prop(\"Worth\") * 2"),
        "Dear": formula("prop(\"Goods\").filter(current.prop(\"Value\") > 4).map(current.prop(\"Name\")).join(\" + \")"),
        "List": formula("prop(\"Goods\")"),
        "Which": formula("prop(\"Kinds\").unique()"),
    });
    let (_, orders) = n.database("Orders", columns).await;
    let list = n.ok("POST", &format!("data_sources/{goods}/query"), Some(json!({}))).await;
    let ids: Vec<Value> =
        list["results"].as_array().expect("rows").iter().map(|row| json!({"id": row["id"]})).collect();
    n.row(&orders, "Everything", json!({"Goods": {"relation": ids}})).await;
    for (name, expected) in [
        ("Double", json!({"type": "number", "number": 16})),
        ("Dear", json!({"type": "string", "string": "Apple"})),
        ("List", json!({"type": "string", "string": "Loaf,Pear,Apple"})),
        ("Which", json!({"type": "string", "string": ",Fruit"})),
    ] {
        assert_eq!(column(&n, &orders, name).await[0].1, expected, "{name}");
    }
    let any = json!({"filter": {"property": "Kinds", "rollup": {"any": {"select": {"equals": "Fruit"}}}}});
    assert_eq!(names(&n, &orders, any).await, ["Everything"]);
}

#[tokio::test]
async fn people_and_times_of_the_row_are_read() {
    let n = notion().await;
    let ada = n.ok("GET", "users", None).await["results"][0].clone();
    let columns = json!({
        "Who": {"people": {}},
        "Made": {"created_time": {}},
        "By": {"created_by": {}},
        "Mail": formula("prop(\"Who\").first().email()"),
        "Year": formula("year(prop(\"Made\"))"),
        "Maker": formula("prop(\"By\").name()"),
        "Id": formula("id()"),
    });
    let (_, source) = n.database("People", columns).await;
    let id = n.row(&source, "One", json!({"Who": {"people": [{"id": ada["id"]}]}})).await;
    assert_eq!(column(&n, &source, "Mail").await[0].1["string"], ada["person"]["email"]);
    assert_eq!(column(&n, &source, "Id").await[0].1["string"], id.replace('-', ""));
    let page = n.ok("GET", &format!("pages/{id}"), None).await;
    let year: i32 = text(&page, "created_time")[..4].parse().expect("a year");
    assert_eq!(page["properties"]["Year"]["formula"]["number"], year);
    assert_eq!(page["properties"]["Maker"]["formula"]["string"], n.ok("GET", "users/me", None).await["name"]);
}

#[tokio::test]
async fn a_formula_that_cannot_be_is_refused() {
    let n = notion().await;
    let source = shop(&n, json!({"Ok": formula("1")})).await;
    let path = format!("data_sources/{source}");
    for (expression, expected) in [
        ("prop(\"Nope\")", "Type error with formula"),
        ("prop(\"Name\") * 2", "Type error with formula"),
        ("prop(\"New\") + 1", "Type error with formula"),
        ("1 +", "Parse error with formula"),
        ("round()", "Parse error with formula"),
        ("nothing()", "Parse error with formula"),
    ] {
        let body = json!({"properties": {"New": formula(expression)}});
        let (code, message) = n.refused("PATCH", &path, body).await;
        assert_eq!((code.as_str(), message.as_str()), ("400, validation_error", expected), "{expression}");
    }
    let (code, message) =
        n.refused("PATCH", &path, json!({"properties": {"New": formula("test(\"a\", \"(?<=a)b\")")}})).await;
    assert_eq!(code, "501, not_implemented", "{message}");
    let (_, message) =
        n.refused("PATCH", &path, json!({"properties": {"New": {"formula": {"expression": 1}}}})).await;
    assert!(message.contains("expression should be a string"), "{message}");
    let page = n.ok("POST", &format!("{path}/query"), Some(json!({}))).await;
    let row = text(&page["results"][0], "id");
    let (code, _) = n
        .refused("PATCH", &format!("pages/{row}"), json!({"properties": {"Ok": {"formula": {"number": 1}}}}))
        .await;
    assert_eq!(code, "400, validation_error");
}

#[tokio::test]
async fn a_formula_may_not_lead_back_to_itself() {
    let n = notion().await;
    let source = shop(&n, json!({"One": formula("1"), "Two": formula("prop(\"One\") + 1")})).await;
    let path = format!("data_sources/{source}");
    let circle = json!({"properties": {"One": formula("prop(\"Two\") + 1")}});
    let (_, message) = n.refused("PATCH", &path, circle).await;
    assert_eq!(message, "Type error with formula");
    // Over another table and back.
    let relation =
        json!({"relation": {"data_source_id": source, "dual_property": {"synced_property_name": "Orders"}}});
    let columns =
        json!({"Goods": relation, "Sum": formula("prop(\"Goods\").map(current.prop(\"Two\")).sum()")});
    let (_, _orders) = n.database("Orders", columns).await;
    let circle = json!({"properties": {"One": formula("prop(\"Orders\").map(current.prop(\"Sum\")).sum()")}});
    let (_, message) = n.refused("PATCH", &path, circle).await;
    assert_eq!(message, "Type error with formula");
    let over = json!({"properties": {"Three": formula("prop(\"Orders\").map(current.prop(\"Sum\")).sum()")}});
    n.ok("PATCH", &path, Some(over)).await;
}

#[tokio::test]
async fn a_formula_that_would_not_end_is_unsupported() {
    let n = notion().await;
    let hundred = "repeat(\"x\", 100).split(\"\")";
    let endless = format!("let(l, {hundred}, l.map(l.map(l.map(1).sum()).sum()).sum())");
    let source = shop(&n, json!({"Endless": formula(&endless)})).await;
    assert_eq!(column(&n, &source, "Endless").await[0].1, json!({"type": "unsupported", "unsupported": {}}));
}

#[tokio::test]
async fn formulas_that_lead_too_deep_are_unsupported_and_do_no_harm() {
    let n = notion().await;
    let deep = |of: &str| formula(&format!("{}prop(\"{of}\"){}", "abs(".repeat(60), ")".repeat(60)));
    let source = shop(&n, json!({"One": deep("Stock"), "Two": deep("One"), "Three": deep("Two")})).await;
    assert_eq!(column(&n, &source, "Two").await[0].1, json!({"type": "number", "number": 10}));
    assert_eq!(column(&n, &source, "Three").await[0].1["type"], "unsupported");
    // As many formulas as one likes, each leading to the next.
    let chain: serde_json::Map<String, Value> = (1..100)
        .map(|at| {
            (
                format!("F{at}"),
                if at == 1 { formula("1") } else { formula(&format!("prop(\"F{}\")", at - 1)) },
            )
        })
        .collect();
    let (_, source) = n.database("Chain", chain.into()).await;
    n.row(&source, "Row", json!({})).await;
    assert_eq!(column(&n, &source, "F20").await[0].1["number"], 1);
    assert_eq!(column(&n, &source, "F99").await[0].1["type"], "unsupported");
}
