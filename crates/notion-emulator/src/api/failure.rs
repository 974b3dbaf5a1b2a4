//! Refusals in Notion's envelope. Source: Notion, "Status codes" (read 2026-11-22), and recorded answers of July 2026.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Caller, Reply};

/// An answer that says no.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    status: u16,
    code: &'static str,
    message: String,
    additional_data: Option<Value>,
}

impl Failure {
    fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), additional_data: None }
    }

    /// 400, the request says something that cannot be.
    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self::new(400, "validation_error", message)
    }

    /// 400, the request has the right form, and says what cannot be.
    /// Source: refusals that users quote in public issue trackers; the space before the line's end is Notion's.
    pub(crate) fn content(lines: &[String]) -> Self {
        Self::validation(format!("Content creation Failed. Fix the following: \n{}", lines.join("\n")))
    }

    /// 400, what is in the trash cannot be changed.
    /// Source: refusals that users quote in public issue trackers, of pages and blocks; for databases a guess.
    pub(crate) fn in_trash() -> Self {
        Self::validation("Can't edit block that is archived. You must unarchive the block before editing.")
    }

    /// 400, the body is not JSON.
    pub(crate) fn invalid_json() -> Self {
        Self::new(400, "invalid_json", "Error parsing JSON body.")
    }

    /// 400, there is no such endpoint.
    pub(crate) fn invalid_request_url() -> Self {
        Self::new(400, "invalid_request_url", "Invalid request URL.")
    }

    /// 400, no `Notion-Version`.
    pub(crate) fn missing_version() -> Self {
        let message = "Notion-Version header failed validation: Notion-Version header should be defined, \
                       instead was `undefined`.";
        Self::new(400, "missing_version", message)
    }

    /// 401.
    pub(crate) fn unauthorized() -> Self {
        Self::new(401, "unauthorized", "API token is invalid.")
    }

    /// 403, the integration lacks the capability, or who authorized it the right.
    pub(crate) fn restricted() -> Self {
        Self::new(403, "restricted_resource", "Insufficient permissions for this endpoint.")
    }

    /// 403, the workspace has made all the blocks that its plan allows. The message is a guess.
    /// Source: Notion, "Workspace block limits" (autumn 2026).
    pub(crate) fn block_limit() -> Self {
        let message =
            "This workspace has reached the block limit of its plan. Upgrade the plan to create more blocks.";
        let mut failure = Self::new(403, "restricted_resource", message);
        failure.additional_data = Some(json!({"block_limit": "block_creation"}));
        failure
    }

    /// 404, `kind` (as Notion calls it in the message) is not there, or not shared: one cannot tell which.
    pub(crate) fn not_found(kind: &str, id: Uuid, caller: &Caller) -> Self {
        let message = format!(
            "Could not find {kind} with ID: {id}. Make sure the relevant pages and databases are shared with your \
             integration \"{}\".",
            caller.bot_name
        );
        Self::with_integration(message, caller)
    }

    /// 404 for a person or bot.
    pub(crate) fn user_not_found(id: Uuid, caller: &Caller) -> Self {
        let message = format!(
            "Could not find user with ID: {id}. Make sure your integration has capabilities to read user information. \
             With those capabilities, only members and guests in the integration's workspace are visible."
        );
        Self::with_integration(message, caller)
    }

    /// 404 with a message of its own.
    pub(crate) fn with_integration(message: impl Into<String>, caller: &Caller) -> Self {
        let mut failure = Self::new(404, "object_not_found", message);
        failure.additional_data = Some(json!({"integration_id": caller.bot_id}));
        failure
    }

    /// 400 for a database with several data sources, asked for by a version that knows only one.
    pub(crate) fn several_data_sources(database: Uuid, data_sources: &[Uuid]) -> Self {
        let mut failure =
            Self::validation("Databases with multiple data sources are not supported in this API version.");
        failure.additional_data = Some(json!({
            "error_type": "multiple_data_sources_for_database",
            "database_id": database,
            "child_data_source_ids": data_sources,
            "minimum_api_version": "2025-09-03",
        }));
        failure
    }

    /// 400 for a database that shows no table within reach, as a linked one may.
    /// Source: refusals that users quote, of versions that know no data sources.
    pub(crate) fn no_data_source(database: Uuid) -> Self {
        Self::validation(format!(
            "Database with ID {database} does not contain any data sources accessible by this API bot."
        ))
    }

    /// 400 for a cursor that leads nowhere.
    pub(crate) fn cursor(cursor: &str) -> Self {
        Self::validation(format!("The start_cursor provided is invalid: {cursor}"))
    }

    /// 400 for a formula. Notion says no more than `message`; what is wrong is the emulator's own addition, in a place
    /// where clients expect data that they do not know.
    pub(crate) fn formula(message: &str, why: &str) -> Self {
        let mut failure = Self::validation(message);
        failure.additional_data = Some(json!({"emulator_hint": why}));
        failure
    }

    /// 501 for a part of an endpoint.
    pub(crate) fn not_implemented_part(what: &str) -> Self {
        Self::new(501, "not_implemented", format!("The emulator does not have {what} yet."))
    }

    /// The answer.
    pub(crate) fn into_reply(self) -> Reply {
        let mut body = Map::new();
        body.insert("object".into(), "error".into());
        body.insert("status".into(), self.status.into());
        body.insert("code".into(), self.code.into());
        body.insert("message".into(), self.message.into());
        if let Some(data) = self.additional_data {
            body.insert("additional_data".into(), data);
        }
        Reply { status: self.status, body: Value::Object(body), dropped: Vec::new() }
    }
}
