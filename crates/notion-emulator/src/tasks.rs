//! Requests that were accepted to be done later (202), and what became of them. A task waits with all that it takes to do
//! it, so that a snapshot holds it too.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// How many tasks are kept; the oldest makes room. Each holds at most one request and one answer, 1 MB together.
const KEPT_MAX: usize = 64;

/// How long a task can be asked for. Notion says "a bounded period"; a day is a guess.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(24);

/// A request, kept for later.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) version: Option<String>,
    /// Where the caller reached the emulator.
    pub(crate) origin: String,
    /// Without `allow_async`.
    pub(crate) body: Value,
}

/// What a task came to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Outcome {
    Succeeded(Value),
    Failed(Value),
}

/// One task.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Task {
    pub(crate) id: Uuid,
    pub(crate) created_at: Timestamp,
    /// The endpoint, such as `PATCH /v1/pages/:page_id/markdown`.
    pub(crate) operation: String,
    /// Who asked: what they may do is looked at again when it is done.
    pub(crate) bot: Uuid,
    pub(crate) request: Kept,
    /// How often it was asked for before it was done.
    pub(crate) polls: u32,
    pub(crate) outcome: Option<Outcome>,
}

/// All tasks, oldest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Tasks {
    kept: VecDeque<Task>,
}

impl Tasks {
    /// Whether a new task has to wait for an old one to be done and forgotten.
    pub(crate) fn is_full(&self) -> bool {
        self.kept.len() >= KEPT_MAX
    }

    pub(crate) fn keep(&mut self, task: Task) {
        while self.is_full() {
            self.kept.pop_front();
        }
        self.kept.push_back(task);
    }

    /// A task of this bot's that can still be asked for.
    pub(crate) fn find(&mut self, id: Uuid, bot: Uuid, now: Timestamp) -> Option<&mut Task> {
        let is_it = |task: &&mut Task| task.id == id && task.bot == bot;
        self.kept.iter_mut().find(is_it).filter(|task| now.duration_since(task.created_at) < KEPT_FOR)
    }

    /// The first that is not done, if it is as old as this, or if `any` will do.
    pub(crate) fn waiting(&self, since: Timestamp, any: bool) -> Option<&Task> {
        self.kept.iter().find(|task| task.outcome.is_none()).filter(|task| any || task.created_at <= since)
    }

    pub(crate) fn finish(&mut self, id: Uuid, outcome: Outcome) {
        if let Some(task) = self.kept.iter_mut().find(|task| task.id == id) {
            task.outcome = Some(outcome);
        }
    }
}
