//! What is hidden from an integration: it shows in no answer, whichever way somebody asks for it.

use notion_emulator::{Capabilities, Switches, UserInformation};
use serde_json::json;

use crate::support::{Notion, exchange, notion, parameter, text, with};

const ADA: &str = "1d3f5a70-42c8-4be1-9a61-0c5e7d20b001";
const TOMAS: &str = "1d3f5a70-42c8-4be1-9a61-0c5e7d20b002";

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
    n.running.emulator.switch(Switches::documented());
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

#[tokio::test]
async fn a_mention_tells_no_title_that_its_reader_may_not_know() {
    let n = notion().await;
    let (_, paper) = out_of_reach(&n).await;
    let words = json!([{"mention": {"page": {"id": paper}}}]);
    let (_, source) = n
        .database(
            "Loans",
            json!({"Note": {"rich_text": {}}, "Same": {"formula": {"expression": "prop(\"Note\")"}}}),
        )
        .await;
    let loan = n.row(&source, "loan", json!({"Note": {"rich_text": words}})).await;
    n.ok("PATCH", &format!("pages/{loan}"), Some(json!({"properties": {"Name": {"title": words}}}))).await;
    let token = text(&n.pair().await, "access_token");
    for path in [format!("pages/{loan}"), format!("blocks/{loan}"), format!("pages/{loan}/properties/title")]
    {
        assert!(n.ok("GET", &path, None).await.to_string().contains("Moby-Dick"), "{path}");
        let shown = n.call(&token, "GET", &path, None).await.text();
        assert!(shown.contains("Untitled") && !shown.contains("Moby"), "{path}: {shown}");
    }
    for property in [
        json!({"property": "Note", "rich_text": {"contains": "Moby"}}),
        json!({"property": "title", "title": {"contains": "Moby"}}),
    ] {
        let query = json!({"filter": property});
        let found = n.call(&token, "POST", &format!("data_sources/{source}/query"), Some(query)).await.json();
        assert_eq!(found["results"], json!([]));
    }
    let found = n.call(&token, "POST", "search", Some(json!({"query": "Moby"}))).await.json();
    assert_eq!(found["results"], json!([]));
    let link = json!({"children": [{"link_to_page": {"page_id": paper}}]});
    let linked = n.call(&token, "PATCH", &format!("blocks/{loan}/children"), Some(link)).await;
    assert_eq!(linked.refusal(), "404, object_not_found");
}

#[tokio::test]
async fn the_other_side_of_a_relation_takes_rights_there() {
    let n = notion().await;
    let (database, papers) = n.database("Papers", json!({})).await;
    let paper = n.row(&papers, "paper", json!({})).await;
    let both = json!({"relation": {"data_source_id": papers, "dual_property": {}}});
    let (_, source) = n.database("Loans", json!({"Book": both})).await;
    let loan = n.row(&source, "loan", json!({"Book": {"relation": [{"id": paper}]}})).await;
    let token = text(&n.pair().await, "access_token");
    let right = json!({"page_id": database, "person_id": ADA, "right": "read"});
    n.control("PUT", "/_emulator/rights", right).await;
    let (page, table) = (format!("pages/{loan}"), format!("data_sources/{source}"));
    let ask = async |path: &str, properties| {
        n.call(&token, "PATCH", path, Some(json!({"properties": properties}))).await
    };
    for (path, properties) in [
        (&page, json!({"Book": {"relation": []}})),
        (&table, json!({"Book": null})),
        (&table, json!({"More": both})),
    ] {
        assert_eq!(ask(path, properties).await.refusal(), "403, restricted_resource");
    }
    assert_eq!(
        ask(&page, json!({"Book": {"relation": [{"id": paper}]}})).await.status,
        200,
        "nothing changes"
    );
    let kept = json!({"page_id": paper, "person_id": ADA, "right": "none"});
    n.control("PUT", "/_emulator/rights", kept).await;
    assert_eq!(ask(&page, json!({"Book": {"relation": []}})).await.status, 200);
    let whole = n.ok("GET", &page, None).await["properties"]["Book"]["relation"].clone();
    assert_eq!(whole, json!([{"id": paper}]), "what nobody sees, nobody takes away");
}

#[tokio::test]
async fn titles_may_mention_each_other() {
    let n = notion().await;
    let (_, source) = n.database("Loans", json!({})).await;
    let (one, other) = (n.row(&source, "a", json!({})).await, n.row(&source, "b", json!({})).await);
    for (from, to) in [(&one, &other), (&other, &one)] {
        let title = json!([{"text": {"content": "to "}}, {"mention": {"page": {"id": to}}}]);
        n.ok("PATCH", &format!("pages/{from}"), Some(json!({"properties": {"Name": {"title": title}}})))
            .await;
    }
    let shown = n.ok("GET", &format!("blocks/{one}"), None).await;
    assert_eq!(shown["child_page"]["title"], "to to Untitled");
}

#[tokio::test]
async fn nobody_of_another_workspace_is_named() {
    let n = notion().await;
    let workspaces = n.control("GET", "/_emulator/workspaces", serde_json::Value::Null).await.json();
    let home = text(&workspaces["workspaces"][1], "id");
    let chosen = n.authorize(&format!("&person={ADA}&workspace={home}"));
    let page = n.send("GET", &chosen, &[], String::new()).await.unwrap();
    let page = n.submit(&page, &[]).await;
    let code = parameter(&page.location(), "code").expect("a code");
    let pair = n.oauth("token", exchange(&code)).await.json();
    assert_eq!(pair["workspace_id"], home.as_str());
    let token = text(&pair, "access_token");
    let columns = json!({
        "Name": {"title": {}},
        "Who": {"people": {}},
        "Mail": {"formula": {"expression": "prop(\"Who\").map(current.email() + current.name()).join(\", \")"}},
    });
    let parent = text(
        &n.call(&token, "POST", "pages", Some(json!({"parent": {"workspace": true}, "properties": {}})))
            .await
            .json(),
        "id",
    );
    let body = json!({"parent": {"page_id": parent}, "initial_data_source": {"properties": columns}});
    let source = n.call(&token, "POST", "databases", Some(body)).await.json()["data_sources"][0].clone();
    let title = json!([{"mention": {"user": {"id": TOMAS}}}]);
    for (person, is_told) in [(ADA, true), (TOMAS, false)] {
        let row = json!({
            "parent": {"data_source_id": source["id"]},
            "properties": {"Name": {"title": title}, "Who": {"people": [{"id": person}]}},
        });
        let made = n.call(&token, "POST", "pages", Some(row)).await.text();
        assert_eq!(made.contains("ada@northwind.example"), is_told, "{made}");
        assert!(!made.contains("Okafor") && !made.contains("tomas@"), "{made}");
    }
}

#[tokio::test]
async fn formulas_and_mentions_tell_of_people_what_the_capability_allows() {
    for (told, has_name, has_email) in [
        (UserInformation::None, false, false),
        (UserInformation::WithoutEmail, true, false),
        (UserInformation::WithEmail, true, true),
    ] {
        let n = with(Switches::default(), Capabilities { user_information: told, ..Capabilities::default() })
            .await;
        let formula = "prop(\"Who\").map(current.email() + current.name()).join(\", \")";
        let columns = json!({"Who": {"people": {}}, "Mail": {"formula": {"expression": formula}}});
        let (_, source) = n.database("Team", columns).await;
        let row = n.row(&source, "x", json!({"Who": {"people": [{"id": ADA}]}})).await;
        let title = json!({"Name": {"title": [{"mention": {"user": {"id": ADA}}}]}});
        n.ok("PATCH", &format!("pages/{row}"), Some(json!({"properties": title}))).await;
        let token = text(&n.pair().await, "access_token");
        let shown = n.call(&token, "GET", &format!("pages/{row}"), None).await.json()["properties"].clone();
        let mail = text(&shown["Mail"]["formula"], "string");
        assert_eq!((mail.contains("Lindqvist"), mail.contains("ada@")), (has_name, has_email), "{mail}");
        assert_eq!(shown["Name"].to_string().contains("@Ada"), has_name);
    }
}
