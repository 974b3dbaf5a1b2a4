//! Seed files: the manual's example grows as it says, and what is wrong with a file is told with its place.

use axum::http::StatusCode;
use serde_json::{Value, json};

use notion_emulator::{Options, Seed};

use crate::support::{Notion, notion, notion_from, text};

const HANDBOOK: &str = "10000000-0000-4000-8000-000000000001";
const TO_DO: &str = "10000000-0000-4000-8000-000000000002";
const TASKS: &str = "10000000-0000-4000-8000-000000000003";
const TASKS_TABLE: &str = "10000000-0000-4000-8000-000000000004";
const CHAIRS: &str = "10000000-0000-4000-8000-000000000005";

/// The example in the manual.
fn example() -> Value {
    let manual = include_str!("../../../docs/emulator.md");
    let section = manual.split("\n## Seed files\n").nth(1).expect("the manual has the section");
    let example = section.split("```json\n").nth(1).and_then(|rest| rest.split("```").next());
    serde_json::from_str(example.expect("the section has an example")).expect("which is JSON")
}

async fn planted(seed: &Value) -> Notion {
    let seed = Seed::of(seed).unwrap_or_else(|error| panic!("{error}"));
    notion_from(Options { seed, ..Options::default() }).await
}

fn problems(seed: &Value) -> Vec<String> {
    Seed::of(seed).err().expect("a refusal").problems
}

fn titled(title: &str) -> Value {
    json!({"properties": {"title": {"title": [{"text": {"content": title}}]}}})
}

/// A seed of one workspace with these pages.
fn with_pages(pages: Value) -> Value {
    let people = json!([{"name": "Mina", "email": "mina@acme.example"}]);
    json!({"people": people, "workspaces": [{"name": "Acme", "pages": pages}]})
}

#[tokio::test]
async fn the_manuals_example_is_there_under_the_ids_that_it_gives() {
    let n = planted(&example()).await;
    assert_eq!(n.running.emulator.root_page_id(), HANDBOOK);
    let me = n.ok("GET", "users/me", None).await;
    assert_eq!(me["bot"]["workspace_name"], "Acme");
    let page = n.ok("GET", &format!("pages/{HANDBOOK}"), None).await;
    assert_eq!(page["created_by"]["id"], "00000000-0000-4000-8000-000000000001");
    assert_eq!(page["created_time"], "2026-11-02T09:00:00.000Z");
    assert_eq!(page["last_edited_time"], page["created_time"]);
    assert_eq!(page["parent"], json!({"type": "workspace", "workspace": true}));
    let to_do = n.ok("GET", &format!("blocks/{TO_DO}"), None).await;
    assert_eq!(to_do["to_do"]["checked"], true);
    let children = n.ok("GET", &format!("blocks/{HANDBOOK}/children"), None).await;
    assert_eq!(children["results"][0]["id"], TO_DO);
    assert_eq!(children["results"][1]["id"], TASKS);
    let comments = n.ok("GET", &format!("comments?block_id={HANDBOOK}"), None).await;
    assert_eq!(comments["results"][0]["rich_text"][0]["plain_text"], "Still true?");
}

#[tokio::test]
async fn rows_hold_their_values_and_what_is_in_the_trash_is_not_found() {
    let n = planted(&example()).await;
    let found = n.ok("POST", &format!("data_sources/{TASKS_TABLE}/query"), Some(json!({}))).await;
    assert_eq!(found["results"].as_array().map(Vec::len), Some(1), "{found}");
    let row = &found["results"][0];
    assert_eq!(row["id"], CHAIRS);
    assert_eq!(row["properties"]["State"]["select"]["name"], "Open");
    assert_eq!(row["properties"]["Owner"]["people"][0]["name"], "Mina Sato");
    // What is private is nobody else's: the internal integration does not see it.
    let drafts = n.ok("POST", "search", Some(json!({"query": "drafts"}))).await;
    assert_eq!(drafts["results"], json!([]));
}

#[tokio::test]
async fn the_same_file_gives_the_same_ids() {
    let seed = with_pages(json!([titled("One"), titled("Two")]));
    let ids = async |seed: &Value| {
        let found = planted(seed).await.ok("POST", "search", None).await;
        let ids = found["results"].as_array().expect("results").iter().map(|page| text(page, "id"));
        ids.collect::<Vec<_>>()
    };
    assert_eq!(ids(&seed).await, ids(&seed).await);
}

#[tokio::test]
async fn a_page_may_have_more_blocks_than_a_request() {
    let mut page = titled("Long");
    let block =
        |number: usize| json!({"paragraph": {"rich_text": [{"text": {"content": number.to_string()}}]}});
    page["children"] = (0..250).map(block).collect();
    page["children"][205]["id"] = TO_DO.into();
    page["id"] = HANDBOOK.into();
    let n = planted(&with_pages(json!([page]))).await;
    let third = n.ok("GET", &format!("blocks/{HANDBOOK}/children?start_cursor={TO_DO}"), None).await;
    assert_eq!(third["results"][0]["paragraph"]["rich_text"][0]["plain_text"], "205");
    assert_eq!(third["results"].as_array().map(Vec::len), Some(45));
}

#[tokio::test]
async fn a_database_may_have_views_and_more_data_sources() {
    let named = |title: &str| json!([{"text": {"content": title}}]);
    let row = json!({"properties": {"Name": {"title": named("A row")}}});
    let columns = json!({"Name": {"title": {}}});
    let second = json!({"id": TASKS_TABLE, "title": named("Second"), "properties": columns, "rows": [row]});
    let mut page = titled("Holder");
    page["databases"] = json!([{
        "id": TASKS,
        "title": named("Both"),
        "initial_data_source": {"properties": columns},
        "views": [{"id": TO_DO, "name": "Board", "type": "gallery"}],
        "data_sources": [second],
    }]);
    let n = planted(&with_pages(json!([page]))).await;
    let view = n.ok("GET", &format!("views/{TO_DO}"), None).await;
    assert_eq!((&view["name"], &view["type"]), (&json!("Board"), &json!("gallery")));
    let rows = n.ok("POST", &format!("data_sources/{TASKS_TABLE}/query"), Some(json!({}))).await;
    assert_eq!(rows["results"][0]["properties"]["Name"]["title"][0]["plain_text"], "A row");
    assert_eq!(rows["results"][0]["parent"]["database_id"], TASKS);
}

#[tokio::test]
async fn a_page_may_be_written_as_markdown() {
    let page = json!({"id": HANDBOOK, "markdown": "# Handbook\n\nRead this."});
    let n = planted(&with_pages(json!([page]))).await;
    let read = n.ok("GET", &format!("pages/{HANDBOOK}/markdown"), None).await;
    assert!(text(&read, "markdown").contains("Read this."), "{read}");
}

#[test]
fn all_problems_are_told_at_once_with_their_places() {
    let mut wrong = titled("Wrong");
    wrong["children"] =
        json!([{"type": "paragraph", "paragraph": {"rich_text": [{"text": {"content": 5}}]}}]);
    let mut below = titled("Below");
    below["pages"] = json!([{"properties": {}, "colour": "red"}, {"created_by": "nobody@acme.example"}]);
    let found = problems(&with_pages(json!([wrong, below])));
    assert_eq!(
        found,
        [
            "seed.workspaces[0].pages[0]: body failed validation: body.children[0].paragraph.rich_text[0].text.content \
             should be a string, instead was `5`.",
            "seed.workspaces[0].pages[1].pages[0]: body failed validation: body.colour should be not present, instead \
             was `\"red\"`.",
            "seed.workspaces[0].pages[1].pages[1].created_by should be the e-mail address or id of one of `seed.people` \
             or `undefined`, instead was `\"nobody@acme.example\"`.",
        ]
    );
}

#[test]
fn a_head_that_does_not_fit_is_told_whole() {
    let seed = json!({"people": [{"name": "Mina"}], "workspaces": [{"plan": "gold"}], "color": 1});
    let found = problems(&seed).join("\n");
    for part in [
        "seed.color should be not present",
        "seed.people[0].email should be defined",
        "seed.workspaces[0].plan",
    ] {
        assert!(found.contains(part), "{part} is not in {found}");
    }
    assert_eq!(problems(&json!({})), ["seed.workspaces should hold at least one."]);
    assert!(problems(&json!([]))[0].contains("should be an object"));
}

#[test]
fn an_id_is_given_once() {
    let page = |title: &str| {
        let mut page = titled(title);
        page["id"] = HANDBOOK.into();
        page
    };
    let found = problems(&with_pages(json!([page("One"), page("Two")])));
    assert!(
        found[0].starts_with("seed.workspaces[0].pages[1].id should be an id that nothing else has"),
        "{found:?}"
    );
}

#[tokio::test]
async fn a_reset_may_bring_a_seed_which_later_resets_go_back_to() {
    let n = notion().await;
    let token = n.running.emulator.internal_token();
    let send = async |body: String| n.send("POST", "/_emulator/reset", &[], body).await.expect("an answer");
    let refused = send(json!({"workspaces": []}).to_string()).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert_eq!(refused.json()["problems"], json!(["seed.workspaces should hold at least one."]));
    assert_eq!(n.ok("GET", "users/me", None).await["bot"]["workspace_name"], "Northwind Studio");

    assert_eq!(send(example().to_string()).await.status, StatusCode::NO_CONTENT);
    n.ok("PATCH", &format!("pages/{HANDBOOK}"), Some(json!({"icon": null}))).await;
    assert_eq!(send(String::new()).await.status, StatusCode::NO_CONTENT);
    assert_eq!(n.ok("GET", &format!("pages/{HANDBOOK}"), None).await["icon"]["emoji"], "🧭");
    assert_eq!(n.running.emulator.internal_token(), token);
    let clients = n.send("GET", "/_emulator/clients", &[], String::new()).await.expect("an answer").text();
    assert!(clients.contains("acme-integration") && clients.contains("\"client\""), "{clients}");
}

#[tokio::test]
async fn a_workspace_brings_custom_emojis_that_pages_and_texts_use() {
    let id = "20000000-0000-4000-8000-000000000009";
    let mut seed = with_pages(json!([titled("Root")]));
    let svg = "<svg xmlns=\"http://www.w3.org/2000/svg\"/>";
    seed["workspaces"][0]["custom_emojis"] =
        json!([{"id": id, "name": "logo", "svg": svg}, {"name": "plain"}]);
    seed["workspaces"][0]["pages"][0]["icon"] = json!({"custom_emoji": {"id": id}});
    let n = planted(&seed).await;
    let list = n.ok("GET", "custom_emojis", None).await["results"].clone();
    assert_eq!((text(&list[0], "name"), text(&list[1], "name")), ("logo".to_owned(), "plain".to_owned()));
    let root = n.ok("GET", &format!("pages/{}", n.running.emulator.root_page_id()), None).await;
    assert_eq!(root["icon"]["custom_emoji"]["name"], "logo");
    for emoji in [&list[0], &list[1]] {
        let path = text(emoji, "url").replace(&n.running.url, "");
        let picture = n.send("GET", &path, &[], String::new()).await.expect("an answer");
        assert!(picture.text().starts_with("<svg"), "{}", picture.text());
    }
    let twice = json!([{"id": id, "name": "a"}, {"id": id, "name": ":b:"}]);
    seed["workspaces"][0]["custom_emojis"] = twice;
    let told = problems(&seed);
    assert_eq!(
        told,
        ["seed.workspaces[0].custom_emojis[1].id should be an id that nothing else has, instead was \
                       `\"20000000-0000-4000-8000-000000000009\"`."]
    );
}
