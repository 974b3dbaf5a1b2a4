//! Notion's error envelope, which SDKs classify errors by.

use serde_json::{Map, Value, json};

/// An error as Notion's API answers it.
///
/// Source: Notion, "Status codes" (read 2026-11-22); the order of keys is that of real answers of July 2026.
#[derive(Debug, Clone, PartialEq)]
pub struct NotionError {
    /// The HTTP status.
    pub status: u16,
    /// A code of Notion's list, so that SDKs know the class.
    pub code: String,
    /// A sentence for the developer.
    pub message: String,
    /// Values are strings or lists of strings.
    pub additional_data: Option<Map<String, Value>>,
    /// The id of this answer.
    pub request_id: Option<String>,
}

impl NotionError {
    /// The envelope.
    pub fn to_json(&self) -> Value {
        let mut envelope = json!({
            "object": "error",
            "status": self.status,
            "code": self.code,
            "message": self.message,
        });
        if let Some(data) = &self.additional_data {
            envelope["additional_data"] = Value::Object(data.clone());
        }
        if let Some(id) = &self.request_id {
            envelope["request_id"] = json!(id);
        }
        envelope
    }
}
