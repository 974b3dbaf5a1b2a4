//! What only a table of ten thousand rows shows: where a query stops, and what its pages cost.

use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::{Access, Caller, Capabilities, Request, answer};
use super::ROWS_MAX;
use crate::Options;
use crate::content::Place;
use crate::content::block::{Block, Body, Parent, Stamp};
use crate::content::page::Page;
use crate::seed::{ADA, NORTHWIND};
use crate::state::State;

/// The seed's project tracker with this many rows, all made at one time.
fn with_rows(count: usize) -> (State, Uuid) {
    let mut state = State::at_seed(&Options::default());
    let tables = state.content.data_sources.values_mut();
    let table = tables.into_iter().find(|table| table.workspace == NORTHWIND).expect("the seed has tables");
    let (source, made) = (table.id, Stamp { at: jiff::Timestamp::UNIX_EPOCH, by: ADA });
    table.rows.clear();
    for number in 1..=count {
        let id = Uuid::from_u128(number as u128);
        let block = Block {
            id,
            workspace: NORTHWIND,
            parent: Parent::DataSource(source),
            created: made,
            edited: made,
            in_trash: false,
            children: Vec::new(),
            body: Body::ChildPage,
        };
        state.content.pages.insert(id, Page::default());
        state.content.insert(block, Place::End);
    }
    (state, source)
}

fn query(state: &mut State, source: Uuid, body: &Value) -> Value {
    let caller = Caller {
        bot_id: Uuid::from_u128(1),
        bot_name: "A bot".to_owned(),
        workspace_id: NORTHWIND,
        workspace_name: "Northwind".to_owned(),
        owner: None,
        capabilities: Capabilities::default(),
        access: Access::Workspace,
    };
    let request = Request {
        method: Method::POST,
        path: format!("/data_sources/{source}/query"),
        query: Some("filter_properties=title".to_owned()),
        version: Some("2025-09-03".to_owned()),
        body: body.to_string().into(),
        form: None,
        origin: String::new(),
    };
    let reply = answer(state, Some(&caller), &request);
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.body
}

/// All pages of a query, and the last of them.
fn all(state: &mut State, source: Uuid, mut body: Value) -> (usize, Value) {
    let mut count = 0;
    loop {
        let page = query(state, source, &body);
        count += page["results"].as_array().map_or(0, Vec::len);
        if page["next_cursor"].is_null() {
            return (count, page);
        }
        assert!(page.get("request_status").is_none(), "only the last page tells");
        body["start_cursor"] = page["next_cursor"].clone();
    }
}

#[test]
fn a_query_stops_at_ten_thousand_rows_and_says_so() {
    let (mut state, source) = with_rows(ROWS_MAX + 1);
    let sorts = json!([{"timestamp": "created_time", "direction": "ascending"}]);
    for body in [json!({}), json!({"sorts": sorts})] {
        let (count, last) = all(&mut state, source, body);
        assert_eq!((count, last["has_more"].clone()), (ROWS_MAX, json!(false)));
        let incomplete = json!({"type": "incomplete", "incomplete_reason": "query_result_limit_reached"});
        assert_eq!(last["request_status"], incomplete);
    }
}

#[test]
fn a_query_of_just_so_many_rows_is_complete() {
    let (mut state, source) = with_rows(ROWS_MAX);
    let (count, last) = all(&mut state, source, json!({}));
    assert_eq!((count, last.get("request_status")), (ROWS_MAX, None));
}

#[test]
fn only_so_many_queries_can_be_gone_on_with() {
    let (mut state, source) = with_rows(2);
    let first = query(&mut state, source, &json!({"page_size": 1}))["next_cursor"].clone();
    let go_on = json!({"page_size": 1, "start_cursor": first});
    assert_eq!(query(&mut state, source, &go_on)["results"].as_array().map(Vec::len), Some(1));
    for _ in 0..1_000 {
        query(&mut state, source, &json!({"page_size": 1}));
    }
    let written = serde_json::to_value(&state.queries).expect("JSON");
    assert!(written["kept"].as_array().is_some_and(|kept| kept.len() < 100), "old ones made room");
}
