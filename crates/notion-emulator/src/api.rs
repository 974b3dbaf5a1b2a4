//! The API under `/v1` (without `/v1/oauth`): one function from a request and its caller to an answer.

mod async_tasks;
mod attachments;
mod beyond;
mod blocks;
mod call;
pub(crate) mod check;
mod comments;
mod custom_emojis;
mod data_sources;
mod databases;
mod dropped;
mod failure;
mod file_uploads;
mod formulas;
mod markdown;
mod pages;
mod properties;
mod query;
mod reach;
pub(crate) mod read;
mod schema;
mod search;
mod show;
mod templates;
mod users;
mod version;
mod views;

use bytes::Bytes;
use http::Method;
use serde_json::Value;
use uuid::Uuid;

pub(crate) use crate::capabilities::{Capabilities, UserInformation};
use crate::form::Form;
use crate::index::Findable;
use crate::state::State;
use call::{Answer, Call};
use failure::Failure;
pub(crate) use show::View;
use version::Version;

/// The largest JSON body. Source: Notion, "Request limits" (autumn 2026).
const BODY_MAX: usize = 500 * 1024;

/// Who calls, as the bearer token says.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) bot_id: Uuid,
    /// The integration's name.
    pub(crate) bot_name: String,
    pub(crate) workspace_id: Uuid,
    pub(crate) workspace_name: String,
    /// The authorizing person; `None` for the internal token, whose owner is the workspace.
    pub(crate) owner: Option<Uuid>,
    pub(crate) capabilities: Capabilities,
    pub(crate) access: Access,
}

/// Which content a token reaches.
#[derive(Debug, Clone)]
pub(crate) enum Access {
    /// The whole workspace (internal tokens).
    Workspace,
    /// These pages and databases, with everything below them.
    Shared(Vec<Uuid>),
}

/// One call, as it came.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    /// After `/v1`, raw, with its leading slash: `/pages/…`.
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    /// The header `Notion-Version`.
    pub(crate) version: Option<String>,
    pub(crate) body: Bytes,
    /// What the body holds, if it is `multipart/form-data`.
    pub(crate) form: Option<Form>,
    /// Where the caller reached the emulator: scheme, host and port.
    pub(crate) origin: String,
}

/// The answer. The server adds `request_id` as the last key, equal to the header `x-notion-request-id`.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Value,
    /// What the request said in vain.
    pub(crate) dropped: Vec<String>,
}

/// Answers one call. `caller` is `None` without a token or with a bad one.
pub(crate) fn answer(state: &mut State, caller: Option<&Caller>, request: &Request) -> Reply {
    async_tasks::run_due(state);
    perform(state, caller, request)
}

fn perform(state: &mut State, caller: Option<&Caller>, request: &Request) -> Reply {
    attempt(state, caller, request).unwrap_or_else(Failure::into_reply)
}

/// What search could find for a caller now.
pub(crate) fn findable(state: &mut State, caller: &Caller) -> Findable {
    let call = Call::new(state, caller, Version::NEWEST, Vec::new(), None);
    search::findable(&call)
}

/// The parts of a path. (A slash at its end is gone by now: see `instances.rs`.)
fn segments_of(path: &str) -> Vec<String> {
    let decoded = |part| percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned();
    path.split('/').skip(1).map(decoded).collect()
}

/// The checks in Notion's order: the address, the token, the version, the body; then what the endpoint asks.
fn attempt(state: &mut State, caller: Option<&Caller>, request: &Request) -> Result<Reply, Failure> {
    let segments = segments_of(&request.path);
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let endpoint = endpoint(&request.method, &segments).ok_or_else(Failure::invalid_request_url)?;
    let caller = caller.ok_or_else(Failure::unauthorized)?;
    let version = Version::of(request.version.as_deref())?;
    let form = request.form.as_ref().filter(|_| takes_form(&segments));
    let body = if form.is_some() { None } else { json_of(&request.body)? };
    let query = url::form_urlencoded::parse(request.query.as_deref().unwrap_or_default().as_bytes());
    let query = query.map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    let used = match &body {
        Some(body) if may_attach(caller, &segments) => attachments::check(state, caller, body)?,
        _ => Vec::new(),
    };
    let told = body.as_ref().filter(|_| state.switches.name_dropped);
    let in_vain = dropped::of(request.method.as_str(), &segments, version, told);
    let call = Call::new(state, caller, version, query, body);
    let mut call = Call { form, origin: &request.origin, ..call };
    let body = endpoint(&mut call)?;
    Ok(match call.later {
        // What it attaches is looked at again when it is done.
        Some(operation) => async_tasks::accept(state, caller, request, operation),
        None => {
            attachments::keep(call.state, &used);
            Reply { status: 200, body, dropped: in_vain }
        }
    })
}

fn json_of(body: &Bytes) -> Result<Option<Value>, Failure> {
    if body.is_empty() {
        return Ok(None);
    }
    // First, since reading takes time in which nobody else is answered.
    if body.len() > BODY_MAX {
        return Err(Failure::validation("body failed validation: the payload is larger than 500 KB."));
    }
    serde_json::from_slice(body).map(Some).map_err(|_| Failure::invalid_json())
}

/// Whether the body of a call at this address is a form.
fn takes_form(path: &[&str]) -> bool {
    matches!(path, ["file_uploads", _, "send"])
}

/// Whether files in the body are to be attached: not in a query, and not by a bot that the endpoint will turn away.
fn may_attach(caller: &Caller, path: &[&str]) -> bool {
    let has = caller.capabilities;
    path.last() != Some(&"query") && (has.insert_content || has.update_content || has.insert_comments)
}

/// What answers a call.
type Endpoint<'p> = Box<dyn FnOnce(&mut Call<'_>) -> Answer + 'p>;

/// Every endpoint that there is at this address.
fn endpoint<'p>(method: &Method, path: &[&'p str]) -> Option<Endpoint<'p>> {
    let found: Endpoint<'p> = match (method.as_str(), path) {
        ("GET", ["users"]) => Box::new(users::list),
        ("GET", ["users", "me"]) => Box::new(|call| users::me(call)),
        ("GET", ["users", id]) => Box::new(|call| users::one(call, id)),
        ("POST", ["search"]) => Box::new(search::search),
        ("POST", ["pages"]) => Box::new(pages::create),
        ("GET", ["pages", id]) => Box::new(|call| pages::retrieve(call, id)),
        ("PATCH", ["pages", id]) => Box::new(|call| pages::update(call, id)),
        ("POST", ["pages", id, "move"]) => Box::new(|call| pages::moving::relocate(call, id)),
        ("GET", ["pages", id, "properties", property]) => {
            Box::new(|call| properties::retrieve(call, id, property))
        }
        ("GET", ["pages", id, "markdown"]) => Box::new(|call| markdown::retrieve(call, id)),
        ("PATCH", ["pages", id, "markdown"]) => Box::new(|call| markdown::update(call, id)),
        ("GET", ["async_tasks", id]) => Box::new(|call| async_tasks::retrieve(call, id)),
        ("GET", ["blocks", id]) => Box::new(|call| blocks::retrieve(call, id)),
        ("PATCH", ["blocks", id]) => Box::new(|call| blocks::update(call, id)),
        ("DELETE", ["blocks", id]) => Box::new(|call| blocks::delete(call, id)),
        ("GET", ["blocks", id, "children"]) => Box::new(|call| blocks::children(call, id)),
        ("PATCH", ["blocks", id, "children"]) => Box::new(|call| blocks::append(call, id)),
        ("GET", ["databases"]) => Box::new(|call| databases::list(call)),
        ("POST", ["databases"]) => Box::new(databases::create),
        ("GET", ["databases", id]) => Box::new(|call| databases::retrieve(call, id)),
        ("PATCH", ["databases", id]) => Box::new(|call| databases::update(call, id)),
        ("POST", ["databases", id, "query"]) => Box::new(|call| databases::query(call, id)),
        ("POST", ["data_sources"]) => Box::new(data_sources::create),
        ("GET", ["data_sources", id]) => Box::new(|call| data_sources::retrieve(call, id)),
        ("PATCH", ["data_sources", id]) => Box::new(|call| data_sources::update(call, id)),
        ("GET", ["data_sources", id, "templates"]) => Box::new(|call| templates::list(call, id)),
        ("POST", ["data_sources", id, "query"]) => Box::new(|call| data_sources::query(call, id)),
        ("GET", ["views"]) => Box::new(views::list),
        ("POST", ["views"]) => Box::new(views::create),
        ("GET", ["views", id]) => Box::new(|call| views::retrieve(call, id)),
        ("PATCH", ["views", id]) => Box::new(|call| views::update(call, id)),
        ("DELETE", ["views", id]) => Box::new(|call| views::delete(call, id)),
        ("POST", ["views", id, "queries"]) => Box::new(|call| views::queries::create(call, id)),
        ("GET", ["views", id, "queries", query]) => Box::new(|call| views::queries::results(call, id, query)),
        ("DELETE", ["views", id, "queries", query]) => {
            Box::new(|call| views::queries::delete(call, id, query))
        }
        ("GET", ["comments"]) => Box::new(comments::list),
        ("POST", ["comments"]) => Box::new(comments::create),
        ("GET", ["comments", id]) => Box::new(|call| comments::retrieve(call, id)),
        ("PATCH", ["comments", id]) => Box::new(|call| comments::update(call, id)),
        ("DELETE", ["comments", id]) => Box::new(|call| comments::delete(call, id)),
        ("GET", ["file_uploads"]) => Box::new(file_uploads::list),
        ("POST", ["file_uploads"]) => Box::new(file_uploads::create),
        ("GET", ["file_uploads", id]) => Box::new(|call| file_uploads::retrieve(call, id)),
        ("POST", ["file_uploads", id, "send"]) => Box::new(|call| file_uploads::send::send(call, id)),
        ("POST", ["file_uploads", id, "complete"]) => Box::new(|call| file_uploads::send::complete(call, id)),
        ("GET", ["custom_emojis"]) => Box::new(custom_emojis::list),
        _ => {
            let what = beyond::what(method, path)?;
            Box::new(move |_| Err(Failure::not_implemented_part(what)))
        }
    };
    Some(found)
}
