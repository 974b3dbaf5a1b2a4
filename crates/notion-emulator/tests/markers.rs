//! No answer holds what its reader may not see: a word stands in everything that is kept from an integration, things that
//! it sees lead there in every way, and it calls every endpoint.

use serde_json::{Value, json};

use crate::refusals::ENDPOINTS;
use crate::support::{Notion, exchange, notion, parameter, text};

const ADA: &str = "1d3f5a70-42c8-4be1-9a61-0c5e7d20b001";
const MARKER: &str = "Zanzibar";

fn words() -> Value {
    json!([{"text": {"content": MARKER}}])
}

/// A page of this title and text below another, with a comment.
async fn page(n: &Notion, token: &str, parent: Value) -> String {
    let paragraph = json!({"paragraph": {"rich_text": words()}});
    let copied = json!({"synced_block": {"synced_from": null, "children": [paragraph]}});
    let body = json!({"parent": parent, "properties": {"title": words()}, "children": [paragraph, copied]});
    let made = n.call(token, "POST", "pages", Some(body)).await.json();
    let comment = json!({"parent": {"page_id": made["id"]}, "rich_text": words()});
    n.call(token, "POST", "comments", Some(comment)).await;
    text(&made, "id")
}

/// A page in a workspace that the integration of the test is not in.
async fn elsewhere(n: &Notion) -> String {
    let workspaces = n.control("GET", "/_emulator/workspaces", Value::Null).await.json();
    let home = text(&workspaces["workspaces"][1], "id");
    let chosen = n.authorize(&format!("&person={ADA}&workspace={home}"));
    let picks = n.send("GET", &chosen, &[], String::new()).await.unwrap();
    let code = parameter(&n.submit(&picks, &[]).await.location(), "code").expect("a code");
    let token = text(&n.oauth("token", exchange(&code)).await.json(), "access_token");
    page(n, &token, json!({"workspace": true})).await
}

/// Things within reach that lead to each of `secrets`, pages, and to `table` with its `row`; their ids.
async fn leading_to(n: &Notion, secrets: &[String], table: &str, row: &str) -> Vec<String> {
    let relation = |source: &str| json!({"relation": {"data_source_id": source, "single_property": {}}});
    let (database, source) =
        n.database("Seen", json!({"Away": relation(table), "Note": {"rich_text": {}}})).await;
    let rollup = |of: &str| json!({"rollup": {"function": "show_original", "relation_property_name": of, "rollup_property_id": "title"}});
    let path = format!("data_sources/{source}");
    let more = json!({"Near": relation(&source), "Rolled": rollup("Away")});
    n.ok("PATCH", &path, Some(json!({"properties": more}))).await;
    let formula = |text: &str| json!({"formula": {"expression": text}});
    let more = json!({
        "Rolled near": rollup("Near"),
        "Formula": formula("prop(\"Away\").join(\", \")"),
        "Formula near": formula("prop(\"Near\").join(\", \") + prop(\"Note\")"),
    });
    n.ok("PATCH", &path, Some(json!({"properties": more}))).await;
    let kept = n.row(&source, MARKER, json!({})).await;
    let hide = json!({"page_id": kept, "person_id": ADA, "right": "none"});
    n.control("PUT", "/_emulator/rights", hide).await;
    let mentions: Value = secrets.iter().map(|id| json!({"mention": {"page": {"id": id}}})).collect();
    let values = json!({
        "Away": {"relation": [{"id": row}]},
        "Near": {"relation": [{"id": kept}]},
        "Note": {"rich_text": mentions},
    });
    let seen = n.row(&source, "seen", values).await;
    let title = json!({"properties": {"Name": {"title": mentions}}});
    n.ok("PATCH", &format!("pages/{seen}"), Some(title)).await;
    let mut blocks = vec![json!({"paragraph": {"rich_text": mentions}})];
    let originals = n.ok("GET", &format!("blocks/{}/children", secrets[0]), None).await;
    blocks.push(json!({"synced_block": {"synced_from": {"block_id": originals["results"][1]["id"]}}}));
    blocks.push(json!({"link_to_page": {"page_id": secrets[0]}}));
    let body = json!({"children": blocks});
    let made = n.ok("PATCH", &format!("blocks/{seen}/children"), Some(body)).await;
    let made = made["results"].as_array().unwrap().iter().map(|block| text(block, "id"));
    let comment = json!({"parent": {"page_id": seen}, "rich_text": mentions});
    n.ok("POST", "comments", Some(comment)).await;
    [database, source, kept, seen].into_iter().chain(made).collect()
}

#[tokio::test]
async fn no_answer_holds_what_its_reader_may_not_see() {
    let n = notion().await;
    let internal = n.running.emulator.internal_token();
    let root = n.running.emulator.root_page_id();
    let token = text(&n.pair().await, "access_token");
    let list = n.ok("POST", "search", Some(json!({"query": "Reading list"}))).await["results"][0].clone();
    let unshared = page(&n, &internal, json!({"page_id": list["id"]})).await;
    let kept = page(&n, &internal, json!({"page_id": root})).await;
    let hide = json!({"page_id": kept, "person_id": ADA, "right": "none"});
    n.control("PUT", "/_emulator/rights", hide).await;
    let secrets = [unshared.clone(), kept, elsewhere(&n).await];
    let columns = json!({"Name": {"title": {}}});
    let body = json!({"parent": {"page_id": unshared}, "title": words(), "initial_data_source": {"properties": columns}});
    let away = n.ok("POST", "databases", Some(body)).await;
    let table = text(&away["data_sources"][0], "id");
    let row = n.row(&table, MARKER, json!({})).await;
    let mut ids = leading_to(&n, &secrets, &table, &row).await;
    ids.extend(secrets);
    ids.extend([root, table, row, text(&away, "id")]);

    let (mut held, mut read) = (0, 0);
    // What goes to the trash is not asked for afterwards.
    for (deletes, (method, path, ..)) in
        [false, true].into_iter().flat_map(|last| ENDPOINTS.map(|one| (last, one)))
    {
        if deletes != (method == "DELETE") {
            continue;
        }
        let body = (method != "GET" && method != "DELETE").then(|| json!({}));
        for id in &ids {
            let path = path.replace("ID", id);
            let answer = n.call(&token, method, &path, body.clone()).await;
            read += usize::from(answer.status.is_success());
            let answer = answer.text();
            assert!(!answer.contains(MARKER), "{method} {path}: {answer}");
            if method == "GET" {
                let whole = n.call(&internal, method, &path, None).await.text();
                held += usize::from(whole.contains(MARKER));
            }
        }
    }
    assert!(held > 20 && read > 40, "the word is there for who may see it: {held}, {read}");
}
