//! The API under `/v1` (without `/v1/oauth`): one function from a request and its caller to an answer.

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

pub(crate) use crate::capabilities::{Capabilities, UserInformation};
use crate::state::State;

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
    pub(crate) content_type: Option<String>,
    pub(crate) body: Bytes,
    pub(crate) request_id: Uuid,
}

/// The answer. The server adds `request_id` as the last key, equal to the header `x-notion-request-id`.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

/// Answers one call. `caller` is `None` without a token or with a bad one.
pub(crate) fn answer(_state: &mut State, _caller: Option<&Caller>, _request: &Request) -> Reply {
    let message = "The emulator does not have this endpoint yet.";
    Reply {
        status: 501,
        body: json!({"object": "error", "status": 501, "code": "not_implemented", "message": message}),
    }
}
