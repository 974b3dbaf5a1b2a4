//! Requests that are answered before they are done: 202 with a task to poll. The emulator has no workers: a task is done
//! when it is asked for often enough ([`crate::Switches::async_polls`]), or at the next call after the time that Notion
//! tells clients to wait. Until then the page is as it was, which is what a client must expect of Notion.
//! Source: Notion, "Retrieve an async task" (read 2026-11-27); recorded answers of July 2026.

use bytes::Bytes;
use http::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::call::{Answer, Call};
use super::failure::Failure;
use super::{Caller, Reply, Request};
use crate::callers;
use crate::state::State;
use crate::tasks::{Kept, Outcome, Task};

/// The delay that Notion asks for between polls. Source: recorded answers of July 2026.
const POLL_AFTER_SECONDS: u32 = 2;

/// Keeps a request that was found good, to be done later, and says so.
pub(super) fn accept(state: &mut State, caller: &Caller, request: &Request, operation: &str) -> Reply {
    if state.tasks.is_full() {
        // Nothing that was accepted is lost: the oldest is done before it is forgotten.
        run_waiting(state, true);
    }
    let mut body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    if let Value::Object(body) = &mut body {
        body.shift_remove("allow_async");
    }
    let kept = Kept {
        method: request.method.to_string(),
        path: request.path.clone(),
        query: request.query.clone(),
        version: request.version.clone(),
        origin: request.origin.clone(),
        body,
    };
    let task = Task {
        id: state.ids.uuid(),
        created_at: state.clock.now(),
        operation: operation.to_owned(),
        bot: caller.bot_id,
        request: kept,
        polls: 0,
        outcome: None,
    };
    let body = shown(&task, "queued");
    state.tasks.keep(task);
    Reply { status: 202, body, dropped: Vec::new() }
}

/// Does the tasks whose time has come.
pub(super) fn run_due(state: &mut State) {
    while run_waiting(state, false) {}
}

/// Does the oldest task that waits, if its time has come or `now`; whether there was one.
fn run_waiting(state: &mut State, now: bool) -> bool {
    let wait = i64::from(POLL_AFTER_SECONDS) * (1 + i64::from(state.switches.async_polls));
    let since = state.clock.now().checked_sub(SignedDuration::from_secs(wait)).unwrap_or(Timestamp::MIN);
    let Some(task) = state.tasks.waiting(since, now).cloned() else { return false };
    run(state, &task);
    true
}

fn run(state: &mut State, task: &Task) {
    let kept = &task.request;
    let request = Request {
        method: Method::from_bytes(kept.method.as_bytes()).unwrap_or_default(),
        path: kept.path.clone(),
        query: kept.query.clone(),
        version: kept.version.clone(),
        body: Bytes::from(kept.body.to_string()),
        form: None,
        origin: kept.origin.clone(),
    };
    // A bot that has been removed since is nobody: the task fails as its own call would.
    let caller = callers::of_bot(state, task.bot);
    let Reply { status, body, .. } = super::perform(state, caller.as_ref(), &request);
    let outcome = if status == 200 { Outcome::Succeeded(as_recorded(body)) } else { Outcome::Failed(body) };
    state.tasks.finish(task.id, outcome);
}

/// A page's markdown as the result of a task: its keys come in another order than in the answer itself.
fn as_recorded(body: Value) -> Value {
    match body {
        Value::Object(mut body) if body.get("object").is_some_and(|object| object == "page_markdown") => {
            let moved: Vec<_> =
                ["id", "object"].iter().filter_map(|key| body.shift_remove_entry(*key)).collect();
            body.extend(moved);
            Value::Object(body)
        }
        body => body,
    }
}

/// `GET async_tasks/{task_id}`
pub(crate) fn retrieve(call: &mut Call<'_>, id: &str) -> Answer {
    let (now, bot, polls) = (call.now(), call.caller.bot_id, call.state.switches.async_polls);
    // Notion's own words are not known.
    let missing =
        || Failure::with_integration(format!("Could not find async task with ID: {id}."), call.caller);
    let uuid =
        id.strip_prefix("task_").and_then(|digits| Uuid::try_parse(digits).ok()).ok_or_else(missing)?;
    let task = call.state.tasks.find(uuid, bot, now).ok_or_else(missing)?;
    if task.outcome.is_none() && task.polls < polls {
        task.polls += 1;
        // Where there is more than one answer before the last, the first says that nothing has begun.
        let status = if task.polls == 1 && polls > 1 { "queued" } else { "running" };
        return Ok(shown(task, status));
    }
    if task.outcome.is_none() {
        let task = task.clone();
        run(call.state, &task);
    }
    let task = call.state.tasks.find(uuid, bot, now).ok_or_else(missing)?;
    Ok(shown(task, ""))
}

/// A task; `waiting` is its status if it is not done.
fn shown(task: &Task, waiting: &str) -> Value {
    let id = format!("task_{}", task.id.simple());
    let (status, more) = match &task.outcome {
        None => (waiting, None),
        Some(Outcome::Succeeded(result)) => ("succeeded", Some(("result", result))),
        Some(Outcome::Failed(error)) => ("failed", Some(("error", error))),
    };
    let mut body = Map::new();
    body.insert("object".into(), "async_task".into());
    body.insert("id".into(), id.as_str().into());
    body.insert("status".into(), status.into());
    // It leads back to where the task was asked for, as clients follow it.
    body.insert("status_url".into(), format!("{}/v1/async_tasks/{id}", task.request.origin).into());
    body.insert("created_time".into(), task.created_at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string().into());
    if task.outcome.is_none() {
        body.insert("poll_after_seconds".into(), POLL_AFTER_SECONDS.into());
    }
    body.insert("operation".into(), json!({"surface": "rest", "name": task.operation}));
    if let Some((key, value)) = more {
        body.insert(key.into(), value.clone());
    }
    body.into()
}
