//! The connected part of the sample app: what was shared, a page, a table.

use anyhow::Context as _;
use axum::extract::{Form, Path, Query, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::look::{self, Cell, Column, Entry, Page, Pages, Row, Table, Trouble};
use super::{Shop, Visitor, see, user};
use crate::demo::notion_blocks::{Shown, icon, outline, plain, shown, title};

/// How deep blocks are followed, and how many are shown.
const DEPTH_MAX: usize = 3;
const BLOCKS_MAX: usize = 300;

/// Turns a failed call into a page.
fn answer(result: anyhow::Result<Response>) -> Response {
    result.unwrap_or_else(|error| {
        Trouble::new(StatusCode::BAD_GATEWAY, "That did not work", &format!("{error:#}")).page()
    })
}

fn visitor(shop: &Shop, headers: &HeaderMap) -> Visitor {
    shop.visitor(&user(headers).0)
}

/// `GET /pages`: everything that the user shared.
pub(super) async fn list(State(shop): State<Shop>, headers: HeaderMap) -> Response {
    let visitor = visitor(&shop, &headers);
    if visitor.connection.is_none() {
        return see("/");
    }
    answer(entries(&shop, &visitor).await.map(|entries| look::page(StatusCode::OK, &Pages { entries })))
}

async fn entries(shop: &Shop, visitor: &Visitor) -> anyhow::Result<Vec<Entry>> {
    let found = shop.notion(visitor, Method::POST, "search", Some(json!({"page_size": 100}))).await?;
    let results = found["results"].as_array().cloned().unwrap_or_default();
    // Rows are shown with their table.
    let results = results.iter().filter(|found| found["parent"]["type"] != "data_source_id");
    Ok(results.map(entry).collect())
}

fn entry(found: &Value) -> Entry {
    let id = found["id"].as_str().unwrap_or_default();
    let is_page = found["object"] == "page";
    let edited: String = found["last_edited_time"].as_str().unwrap_or_default().chars().take(10).collect();
    let usual = if is_page { "📄" } else { "🗂" };
    let icon = Some(icon(found)).filter(|icon| !icon.is_empty()).unwrap_or_else(|| usual.to_owned());
    Entry {
        href: if is_page { format!("/pages/{id}") } else { format!("/tables/{id}") },
        icon,
        title: title(found),
        kind: if is_page { "Page" } else { "Table" },
        edited,
    }
}

/// `GET /pages/{id}`: a page, rendered.
pub(super) async fn page(State(shop): State<Shop>, headers: HeaderMap, Path(id): Path<String>) -> Response {
    let visitor = visitor(&shop, &headers);
    if visitor.connection.is_none() {
        return see("/");
    }
    answer(read_page(&shop, &visitor, &id).await)
}

async fn read_page(shop: &Shop, visitor: &Visitor, id: &str) -> anyhow::Result<Response> {
    check_id(id)?;
    let found = shop.notion(visitor, Method::GET, &format!("pages/{id}"), None).await?;
    let mut blocks = Vec::new();
    read_blocks(shop, visitor, id, &mut blocks).await?;
    outline(&mut blocks);
    let table = found["parent"]["data_source_id"].as_str().map(str::to_owned);
    let columns = found["properties"].as_object().filter(|_| table.is_some()).into_iter().flatten();
    let facts = columns.filter(|(_, value)| is_shown(value)).map(|(name, value)| (name.clone(), cell(value)));
    let facts = facts.filter(|(_, cell)| !cell.parts.is_empty()).collect();
    let page = Page { id: id.to_owned(), icon: icon(&found), title: title(&found), facts, table, blocks };
    Ok(look::page(StatusCode::OK, &page))
}

/// Ids come from our own links, but an address can be typed by anybody.
fn check_id(id: &str) -> anyhow::Result<()> {
    let sound = id.len() <= 36 && id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    if sound { Ok(()) } else { anyhow::bail!("The address holds no page's id.") }
}

/// Reads the blocks below `id`, children after their parent.
async fn read_blocks(
    shop: &Shop,
    visitor: &Visitor,
    id: &str,
    blocks: &mut Vec<Shown>,
) -> anyhow::Result<()> {
    let mut open = vec![(id.to_owned(), 0)];
    while let Some((id, depth)) = open.pop() {
        let place = blocks.iter().position(|block| block.id == id).map_or(blocks.len(), |at| at + 1);
        let children =
            shop.notion(visitor, Method::GET, &format!("blocks/{id}/children?page_size=100"), None).await?;
        let children = children["results"].as_array().cloned().unwrap_or_default();
        for child in children.iter().rev() {
            let block = shown(child, depth);
            let below = child["has_children"] == true && !block.kind.starts_with("child_");
            if below && depth < DEPTH_MAX {
                open.push((block.id.clone(), depth + 1));
            }
            if blocks.len() < BLOCKS_MAX {
                blocks.insert(place.min(blocks.len()), block);
            }
        }
    }
    Ok(())
}

#[derive(Deserialize)]
pub(super) struct Tick {
    block: String,
    checked: String,
}

/// `POST /pages/{id}/to-do`: ticks or unticks.
pub(super) async fn tick(
    State(shop): State<Shop>,
    headers: HeaderMap,
    Path(id): Path<String>,
    Form(tick): Form<Tick>,
) -> Response {
    let change = async {
        check_id(&id)?;
        check_id(&tick.block)?;
        let to_do = json!({"to_do": {"checked": tick.checked == "yes"}});
        let path = format!("blocks/{}", tick.block);
        shop.notion(&visitor(&shop, &headers), Method::PATCH, &path, Some(to_do)).await?;
        Ok(see(&format!("/pages/{id}#{}", tick.block)))
    };
    answer(change.await)
}

#[derive(Deserialize)]
pub(super) struct Append {
    text: String,
}

/// `POST /pages/{id}/paragraph`: appends one.
pub(super) async fn append(
    State(shop): State<Shop>,
    headers: HeaderMap,
    Path(id): Path<String>,
    Form(append): Form<Append>,
) -> Response {
    let change = async {
        check_id(&id)?;
        let text = append.text.trim();
        if !text.is_empty() {
            let paragraph =
                json!({"type": "paragraph", "paragraph": {"rich_text": [{"text": {"content": text}}]}});
            let body = json!({"children": [paragraph]});
            let path = format!("blocks/{id}/children");
            shop.notion(&visitor(&shop, &headers), Method::PATCH, &path, Some(body)).await?;
        }
        Ok(see(&format!("/pages/{id}#end")))
    };
    answer(change.await)
}

/// `GET /databases/{id}`: to the database's first table.
pub(super) async fn database(
    State(shop): State<Shop>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Response {
    let find = async {
        check_id(&id)?;
        let found =
            shop.notion(&visitor(&shop, &headers), Method::GET, &format!("databases/{id}"), None).await?;
        let table = found["data_sources"][0]["id"].as_str().context("the database has no table")?;
        Ok(see(&format!("/tables/{table}")))
    };
    answer(find.await)
}

#[derive(Deserialize)]
pub(super) struct Filter {
    #[serde(default)]
    show: String,
}

/// `GET /tables/{id}?show=`: the rows, filtered by status if one is named.
pub(super) async fn table(
    State(shop): State<Shop>,
    headers: HeaderMap,
    Path(id): Path<String>,
    Query(filter): Query<Filter>,
) -> Response {
    let visitor = visitor(&shop, &headers);
    if visitor.connection.is_none() {
        return see("/");
    }
    answer(read_table(&shop, &visitor, &id, filter.show).await)
}

async fn read_table(shop: &Shop, visitor: &Visitor, id: &str, chosen: String) -> anyhow::Result<Response> {
    check_id(id)?;
    let schema = shop.notion(visitor, Method::GET, &format!("data_sources/{id}"), None).await?;
    let columns = schema["properties"].as_object().cloned().unwrap_or_default();
    // A status says more than any other choice, wherever it stands.
    let first = |kind: &str| columns.values().find(|column| column["type"] == kind);
    let by = first("status").or_else(|| first("select"));
    let (by_name, by_kind) = by.map_or(("", ""), |column| {
        (column["name"].as_str().unwrap_or_default(), column["type"].as_str().unwrap_or_default())
    });
    let options = by.and_then(|column| column[by_kind]["options"].as_array().cloned()).unwrap_or_default();
    let choices: Vec<String> =
        options.iter().filter_map(|option| option["name"].as_str().map(str::to_owned)).collect();
    let mut asked = json!({"page_size": 100});
    if choices.contains(&chosen) {
        asked["filter"] = json!({"property": by_name, by_kind: {"equals": chosen}});
    }
    let found = shop.notion(visitor, Method::POST, &format!("data_sources/{id}/query"), Some(asked)).await?;
    let shown = columns.iter().filter(|(_, column)| is_shown(column));
    let column = |(name, column): (&String, &Value)| Column {
        name: name.clone(),
        kind: column["type"].as_str().unwrap_or_default().to_owned(),
    };
    let columns: Vec<Column> = shown.map(column).collect();
    let row = |row: &Value| Row {
        id: row["id"].as_str().unwrap_or_default().to_owned(),
        title: title(row),
        cells: columns.iter().map(|column| cell(&row["properties"][&column.name])).collect(),
    };
    let rows = found["results"].as_array().into_iter().flatten().map(row).collect();
    let table = Table {
        icon: icon(&schema),
        title: title(&schema),
        rows,
        filter: by_name.to_owned(),
        choices,
        chosen,
        columns,
    };
    Ok(look::page(StatusCode::OK, &table))
}

/// Whether a column, or a value of it, is of a kind that fits into a table of this app.
fn is_shown(column: &Value) -> bool {
    const KINDS: [&str; 6] = ["status", "select", "people", "date", "number", "checkbox"];
    column["type"].as_str().is_some_and(|kind| KINDS.contains(&kind))
}

/// A property's value as a person reads it.
fn cell(property: &Value) -> Cell {
    let kind = property["type"].as_str().unwrap_or_default();
    let value = &property[kind];
    let texts = |one: &Value| one.as_str().map(str::to_owned).into_iter().collect();
    let parts: Vec<String> = match kind {
        "status" | "select" => texts(&value["name"]),
        "people" => {
            let names: Vec<&str> =
                value.as_array().into_iter().flatten().filter_map(|one| one["name"].as_str()).collect();
            let last = names.len().saturating_sub(1);
            let with_comma =
                |(at, name): (usize, &&str)| if at < last { format!("{name},") } else { (*name).to_owned() };
            names.iter().enumerate().map(with_comma).collect()
        }
        "date" => match (value["start"].as_str(), value["end"].as_str()) {
            (Some(start), Some(end)) => vec![format!("{} –", day_and_time(start)), day_and_time(end)],
            (Some(start), None) => vec![day_and_time(start)],
            _ => Vec::new(),
        },
        "checkbox" => vec![if value == true { "yes" } else { "no" }.to_owned()],
        "number" => value.as_number().map(ToString::to_string).into_iter().collect(),
        _ => Some(plain(value)).filter(|text| !text.is_empty()).into_iter().collect(),
    };
    Cell { kind: kind.to_owned(), parts }
}

/// A date of the API without what nobody reads: `2026-11-28`, `2026-11-28 09:30`, `2026-11-28 09:30 +02:00`.
fn day_and_time(date: &str) -> String {
    let Some((day, time)) = date.split_once('T') else { return date.to_owned() };
    let zone = time.find(['Z', '+', '-']).map_or("", |at| &time[at..]);
    let minute: String = time.chars().take(5).collect();
    let zone = if matches!(zone, "" | "Z" | "+00:00") { String::new() } else { format!(" {zone}") };
    format!("{day} {minute}{zone}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_what_a_person_reads() {
        let parts = |property: Value| cell(&property).parts;
        assert_eq!(parts(json!({"type": "status", "status": {"name": "In progress"}})), ["In progress"]);
        assert_eq!(parts(json!({"type": "select", "select": null})), [""; 0]);
        assert_eq!(parts(json!({"type": "number", "number": 0})), ["0"]);
        assert_eq!(parts(json!({"type": "number", "number": null})), [""; 0]);
        assert_eq!(parts(json!({"type": "checkbox", "checkbox": false})), ["no"]);
        let range = json!({"type": "date", "date": {"start": "2026-11-01", "end": "2026-11-05"}});
        assert_eq!(parts(range), ["2026-11-01 –", "2026-11-05"]);
        let people =
            json!({"type": "people", "people": [{"name": "Ada"}, {"id": "nameless"}, {"name": "Bo"}]});
        assert_eq!(parts(people), ["Ada,", "Bo"]);
    }

    #[test]
    fn a_time_is_told_to_the_minute_with_its_zone_unless_that_is_utc() {
        assert_eq!(day_and_time("2026-11-28T09:30:00.000+00:00"), "2026-11-28 09:30");
        assert_eq!(day_and_time("2026-11-28T09:30:00.000-05:00"), "2026-11-28 09:30 -05:00");
        assert_eq!(day_and_time("2026-11-28"), "2026-11-28");
    }
}
