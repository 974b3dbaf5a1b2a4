//! Columns: every type is made, shown, filled and read; what changes of name, type and choices do to rows.

use serde_json::{Value, json};

use crate::support::{Notion, notion, text};

async fn page(n: &Notion, id: &str) -> Value {
    n.ok("GET", &format!("pages/{id}"), None).await["properties"].clone()
}

async fn reshape(n: &Notion, source: &str, properties: Value) -> Value {
    n.ok("PATCH", &format!("data_sources/{source}"), Some(json!({"properties": properties}))).await
        ["properties"]
        .clone()
}

#[tokio::test]
async fn every_type_is_made_and_shown_with_its_settings() {
    let n = notion().await;
    let plain = [
        "rich_text",
        "date",
        "people",
        "files",
        "checkbox",
        "url",
        "email",
        "phone_number",
        "created_time",
        "created_by",
        "last_edited_time",
        "last_edited_by",
        "button",
        "verification",
        "place",
        "location",
        "last_visited_time",
    ];
    let mut columns: serde_json::Map<String, Value> =
        plain.iter().map(|kind| ((*kind).to_owned(), json!({*kind: {}}))).collect();
    columns.insert("price".into(), json!({"type": "number", "number": {"format": "euro"}}));
    columns.insert("ID".into(), json!({"unique_id": {"prefix": "TSK"}}));
    let options = json!({"options": [{"name": "A", "color": "red", "description": "first"}, {"name": "B"}]});
    columns.insert("one".into(), json!({"select": options, "description": "which"}));
    columns.insert("some".into(), json!({"multi_select": options}));
    columns.insert("state".into(), json!({"status": {}}));
    let (_, source) = n.database("All", Value::Object(columns)).await;
    let shown = n.ok("GET", &format!("data_sources/{source}"), None).await["properties"].clone();
    for kind in plain {
        assert_eq!((shown[kind]["type"].clone(), shown[kind][kind].clone()), (json!(kind), json!({})));
    }
    assert_eq!(shown["price"]["number"], json!({"format": "euro"}));
    assert_eq!(shown["ID"]["unique_id"], json!({"prefix": "TSK"}));
    assert_eq!(shown["one"]["description"], "which");
    assert_eq!(shown["one"]["select"]["options"][0]["description"], "first");
    let status = &shown["state"]["status"];
    assert_eq!(status["options"].as_array().map(Vec::len), Some(3));
    assert_eq!(status["groups"][0]["option_ids"], json!([status["options"][0]["id"]]));

    let row = n.row(&source, "row", json!({})).await;
    let values = page(&n, &row).await;
    assert_eq!(values["button"]["button"], json!({}));
    assert_eq!(values["place"]["place"], Value::Null);
    assert_eq!(
        values["verification"]["verification"],
        json!({"state": "unverified", "verified_by": null, "date": null})
    );
    assert_eq!(values["ID"]["unique_id"], json!({"prefix": "TSK", "number": 1}));
    assert!(values.get("location").is_none() && values.get("last_visited_time").is_none());
    let (code, _) = n.refused("GET", &format!("pages/{row}/properties/location"), Value::Null).await;
    assert_eq!(code, "501, not_implemented", "nobody knows what its value looks like");
}

#[tokio::test]
async fn places_and_verifications_are_written_and_read() {
    let n = notion().await;
    let (_, source) =
        n.database("Map", json!({"Where": {"place": {}}, "Checked": {"verification": {}}})).await;
    let place = json!({"lat": 59.3, "lon": 18.07, "name": "Stockholm"});
    let date = json!({"start": "2020-01-01", "end": "2020-02-01"});
    let values =
        json!({"Where": {"place": place}, "Checked": {"verification": {"state": "verified", "date": date}}});
    let row = n.row(&source, "r", values).await;
    let read = page(&n, &row).await;
    assert_eq!(read["Where"]["place"]["name"], "Stockholm");
    assert_eq!(read["Where"]["place"]["address"], Value::Null);
    assert_eq!(read["Checked"]["verification"]["state"], "expired", "its last day is long over");
    let path = format!("pages/{row}");
    let update = json!({"properties": {"Checked": {"verification": {"state": "verified"}}}});
    let now = n.ok("PATCH", &path, Some(update)).await;
    let checked = &now["properties"]["Checked"]["verification"];
    assert_eq!(
        (checked["state"].clone(), checked["verified_by"]["type"].clone()),
        (json!("verified"), json!("bot"))
    );
    let update = json!({"properties": {"Checked": {"verification": {"state": "unverified"}}}});
    let now = n.ok("PATCH", &path, Some(update)).await;
    assert_eq!(now["properties"]["Checked"]["verification"]["state"], "unverified");
    let off = json!({"properties": {"Where": {"place": {"lat": 91, "lon": 0}}}});
    assert_eq!(n.refused("PATCH", &path, off).await.0, "400, validation_error");
}

#[tokio::test]
async fn a_unique_id_numbers_the_rows_that_are_there_and_goes_on() {
    let n = notion().await;
    let (_, source) = n.database("Numbered", json!({})).await;
    let (first, second) = (n.row(&source, "1", json!({})).await, n.row(&source, "2", json!({})).await);
    reshape(&n, &source, json!({"ID": {"unique_id": {"prefix": "N"}}})).await;
    let third = n.row(&source, "3", json!({})).await;
    for (number, row) in (1..).zip([first, second, third]) {
        assert_eq!(page(&n, &row).await["ID"]["unique_id"]["number"], number);
    }
    let renamed = reshape(&n, &source, json!({"ID": {"unique_id": {"prefix": null}}})).await;
    assert_eq!(renamed["ID"]["unique_id"]["prefix"], Value::Null);
    let second = json!({"properties": {"Other": {"unique_id": {}}}});
    let (code, _) = n.refused("PATCH", &format!("data_sources/{source}"), second).await;
    assert_eq!(code, "400, validation_error");
}

#[tokio::test]
async fn choices_keep_their_ids_and_those_left_out_go_with_their_values() {
    let n = notion().await;
    let options = json!([{"name": "A", "color": "red"}, {"name": "B"}]);
    let (_, source) = n.database("Tags", json!({"Tags": {"multi_select": {"options": options}}})).await;
    let tags = |names: &[&str]| {
        let names: Vec<Value> = names.iter().map(|name| json!({"name": name})).collect();
        json!({"Tags": {"multi_select": names}})
    };
    let row = n.row(&source, "r", tags(&["A", "B", "C"])).await;
    let shown = n.ok("GET", &format!("data_sources/{source}"), None).await["properties"]["Tags"].clone();
    let ids: Vec<Value> =
        shown["multi_select"]["options"].as_array().unwrap().iter().map(|o| o["id"].clone()).collect();
    assert_eq!(ids.len(), 3, "a row made the third");
    let options = json!([{"id": ids[2], "name": "See"}, {"name": "A"}, {"name": "D", "color": "pink"}]);
    let changed = reshape(&n, &source, json!({"Tags": {"multi_select": {"options": options}}})).await;
    let changed = &changed["Tags"]["multi_select"]["options"];
    assert_eq!((changed[0]["id"].clone(), changed[0]["name"].clone()), (ids[2].clone(), json!("See")));
    assert_eq!((changed[1]["id"].clone(), changed[1]["color"].clone()), (ids[0].clone(), json!("red")));
    let left = page(&n, &row).await["Tags"]["multi_select"].clone();
    assert_eq!(
        (left[0]["name"].clone(), left[1]["name"].clone(), left[2].clone()),
        (json!("A"), json!("See"), Value::Null)
    );

    let path = format!("data_sources/{source}");
    let recolored =
        json!({"properties": {"Tags": {"multi_select": {"options": [{"name": "A", "color": "blue"}]}}}});
    assert_eq!(n.refused("PATCH", &path, recolored).await.1, "Cannot update color of select with name: A.");
    let comma = json!({"properties": {"Tags": {"multi_select": {"options": [{"name": "x, y"}]}}}});
    assert_eq!(n.refused("PATCH", &path, comma).await.1, "Invalid select option, commas not allowed: x, y");
    let many: Vec<Value> = (0..101).map(|number| json!({"name": number.to_string()})).collect();
    let many = json!({"properties": {"Tags": {"multi_select": {"options": many}}}});
    assert!(
        n.refused("PATCH", &path, many)
            .await
            .1
            .ends_with("options.length should be ≤ `100`, instead was `101`.")
    );
}

#[tokio::test]
async fn a_status_takes_new_choices_but_neither_names_nor_colors_nor_groups() {
    let n = notion().await;
    let options = json!({"options": [{"name": "Open"}, {"name": "Doing"}, {"name": "Done"}]});
    let (_, source) = n.database("Work", json!({"State": {"status": options}})).await;
    let shown = n.ok("GET", &format!("data_sources/{source}"), None).await["properties"]["State"].clone();
    let id = shown["status"]["options"][0]["id"].clone();
    let more = json!({"options": [{"id": id}, {"name": "Doing"}, {"name": "Done"}, {"name": "Later"}]});
    let more = reshape(&n, &source, json!({"State": {"status": more}})).await["State"]["status"].clone();
    assert_eq!(
        more["groups"][0]["option_ids"],
        json!(more["options"].as_array().unwrap().iter().map(|one| &one["id"]).collect::<Vec<_>>())
    );
    let path = format!("data_sources/{source}");
    let groups = json!([{"name": "Complete", "color": "green", "option_ids": ["New", "Doing"]}]);
    let renamed = json!({"options": [{"id": id, "name": "New"}, {"name": "Doing"}], "groups": groups});
    let left = reshape(&n, &source, json!({"State": {"status": renamed}})).await["State"]["status"].clone();
    assert_eq!(left["options"][0]["name"], "Open", "the new name is dropped in silence");
    assert_eq!(left["groups"][2]["option_ids"], json!([]), "and so are the groups");
    assert_eq!(left["options"].as_array().map(Vec::len), Some(2), "what the list leaves out goes");
    let red = |option: Value| json!({"properties": {"State": {"status": {"options": [option]}}}});
    let (_, message) = n.refused("PATCH", &path, red(json!({"id": id, "color": "red"}))).await;
    assert_eq!(
        message,
        format!("Cannot update color of select with id: {}.", text(&left["options"][0], "id"))
    );
    let (_, message) = n.refused("PATCH", &path, red(json!({"name": "Open", "color": "red"}))).await;
    assert_eq!(message, "Cannot update color of select with name: Open.");
    let (_, made) = n.database("More", json!({"State": {"status": {"options": [], "groups": groups}}})).await;
    let made = n.ok("GET", &format!("data_sources/{made}"), None).await["properties"]["State"].clone();
    assert_eq!(made["status"]["options"].as_array().map(Vec::len), Some(3), "the usual ones");
    let row =
        json!({"parent": {"data_source_id": source}, "properties": {"State": {"status": {"name": "Nope"}}}});
    let (_, message) = n.refused("POST", "pages", row).await;
    assert_eq!(message, "Invalid status option. Status option \"Nope\" does not exist.");
}

#[tokio::test]
async fn a_new_type_keeps_what_can_be_read_as_it() {
    let n = notion().await;
    let (_, source) = n.database("Types", json!({"Col": {"rich_text": {}}, "Num": {"rich_text": {}}})).await;
    let rich = |content: &str| json!({"rich_text": [{"text": {"content": content}}]});
    let row = n.row(&source, "r", json!({"Col": rich("red, blue"), "Num": rich("12")})).await;
    reshape(&n, &source, json!({"Num": {"number": {}}})).await;
    assert_eq!(page(&n, &row).await["Num"]["number"], 12);
    reshape(&n, &source, json!({"Col": {"multi_select": {}}})).await;
    let tags = page(&n, &row).await["Col"]["multi_select"].clone();
    assert_eq!((tags[0]["name"].clone(), tags[1]["name"].clone()), (json!("red"), json!("blue")));
    reshape(&n, &source, json!({"Col": {"url": {}}})).await;
    assert_eq!(page(&n, &row).await["Col"]["url"], "red, blue");
    reshape(&n, &source, json!({"Col": {"select": {}}})).await;
    assert_eq!(page(&n, &row).await["Col"]["select"]["name"], "red  blue");
    reshape(&n, &source, json!({"Col": {"date": {}}})).await;
    assert_eq!(page(&n, &row).await["Col"]["date"], Value::Null, "no date can be read from it");
    let days = json!({"start": "2026-11-01", "end": "2026-11-03", "time_zone": null});
    let row = n.row(&source, "r", json!({"Col": {"date": days}, "Num": {"number": 3.0}})).await;
    assert_eq!(page(&n, &row).await["Num"]["number"].to_string(), "3", "as JavaScript writes it");
    reshape(&n, &source, json!({"Col": {"rich_text": {}}})).await;
    assert_eq!(page(&n, &row).await["Col"]["rich_text"][0]["plain_text"], "2026-11-01 → 2026-11-03");
    reshape(&n, &source, json!({"Col": {"date": {}}})).await;
    assert_eq!(page(&n, &row).await["Col"]["date"], days);
}

#[tokio::test]
async fn names_and_the_title_are_guarded() {
    let n = notion().await;
    let (_, source) = n.database("Guarded", json!({"A": {"number": {}}, "B": {"number": {}}})).await;
    let path = format!("data_sources/{source}");
    let tell = async |properties: Value| n.refused("PATCH", &path, json!({"properties": properties})).await.1;
    assert_eq!(tell(json!({"Name": null})).await, "Cannot delete the title property.");
    assert_eq!(tell(json!({"Name": {"number": {}}})).await, "The title property cannot change its type.");
    assert_eq!(tell(json!({"Second": {"title": {}}})).await, "There can be only one title property.");
    assert_eq!(tell(json!({"A": {"name": "B"}})).await, "A property with the name \"B\" already exists.");
    assert!(
        tell(json!({"A": {"number": {"format": "beans"}}}))
            .await
            .contains("number.format should be `\"number\"`")
    );
    assert!(
        tell(json!({"New": {"nonsense": {}}}))
            .await
            .contains("Fix one:\nbody.properties.New.title should be defined")
    );
    let swapped = reshape(&n, &source, json!({"A": {"name": "B"}, "B": {"name": "A"}})).await;
    let names: Vec<&String> = swapped.as_object().unwrap().keys().collect();
    assert!(names.len() == 3 && names[2] == "Name", "{names:?}");
    let by_id = text(&swapped["A"], "id");
    let gone = reshape(&n, &source, json!({by_id: null})).await;
    assert!(gone.get("A").is_none() && gone.get("B").is_some(), "{gone}");
    let options: Vec<Value> = (0..100).map(|at| json!({"name": format!("{at}{}", "x".repeat(90))})).collect();
    let columns: serde_json::Map<String, Value> =
        (0..4).map(|at| (format!("c{at}"), json!({"select": {"options": options}}))).collect();
    assert!(tell(Value::Object(columns)).await.starts_with("The schema is too large"));
}

#[tokio::test]
async fn a_people_column_names_people_bots_and_groups_each_once() {
    let n = notion().await;
    let (_, source) = n.database("Team", json!({"Who": {"people": {}}})).await;
    let (priya, group) = ("1d3f5a70-42c8-4be1-9a61-0c5e7d20b003", "1d3f5a70-42c8-4be1-9a61-0c5e7d20b101");
    let who = json!([{"id": priya}, {"object": "group", "id": group}, {"object": "user", "id": priya}]);
    let row = n.row(&source, "r", json!({"Who": {"people": who}})).await;
    let read = page(&n, &row).await["Who"]["people"].clone();
    assert_eq!((read[0]["type"].clone(), read[2].clone()), (json!("person"), Value::Null));
    assert_eq!(read[1], json!({"id": group, "object": "group", "name": "Engineering"}));
    let filter = json!({"filter": {"property": "Who", "people": {"contains": group}}});
    let list = n.ok("POST", &format!("data_sources/{source}/query"), Some(filter)).await;
    assert_eq!(list["results"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_page_shows_text_whole_however_many_mentions_it_has() {
    let n = notion().await;
    let to = json!({"Text": {"rich_text": {}}, "Who": {"people": {}}});
    let (_, source) = n.database("Mentions", to).await;
    let root = n.running.emulator.root_page_id();
    let plain = |at: usize| json!({"text": {"content": at.to_string()}});
    let mention = json!({"mention": {"page": {"id": root}}});
    let runs: Vec<Value> = (0..30).flat_map(|at| [plain(at), mention.clone()]).collect();
    let row = n.row(&source, "r", json!({"Text": {"rich_text": runs}})).await;
    let shown = page(&n, &row).await["Text"].clone();
    assert_eq!(shown["rich_text"].as_array().unwrap().len(), 60);
    let path = format!("pages/{row}/properties/{}", text(&shown, "id"));
    assert_eq!(n.ok("GET", &path, None).await["results"].as_array().unwrap().len(), 60);
}

#[tokio::test]
async fn a_column_may_be_called_as_another_ones_id() {
    let n = notion().await;
    let (_, source) = n.database("Names", json!({"title": {"number": {}}})).await;
    let row = n.row(&source, "r", json!({"title": {"number": 4}})).await;
    let read = page(&n, &row).await;
    assert_eq!((read["title"]["number"].clone(), read["Name"]["id"].clone()), (json!(4), json!("title")));
    let item = n.ok("GET", &format!("pages/{row}/properties/title"), None).await;
    assert_eq!(item["property_item"]["type"], "title", "the endpoint goes by ids first");
}
