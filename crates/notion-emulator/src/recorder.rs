//! Writing down what was asked of the API and what it answered, one JSON object a line: for a bug report, or to be told to
//! the real Notion. No header is written, so no token is; `/v1/oauth` is left out.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value, json};

use crate::api;

/// A file that exchanges are written to; clones share it.
#[derive(Debug, Clone)]
pub struct Recorder(Arc<Mutex<File>>);

impl Recorder {
    /// Writes to a new file; one that is there is emptied.
    ///
    /// # Errors
    /// If the file cannot be made.
    pub fn create(path: &Path) -> std::io::Result<Self> {
        Ok(Self(Arc::new(Mutex::new(File::create(path)?))))
    }

    /// Writes one exchange. A full disk must not change what the emulator answers, so a failure is ignored.
    pub(crate) fn write(
        &self,
        asked: &api::Request,
        content_type: Option<&str>,
        status: u16,
        answer: &Map<String, Value>,
    ) {
        let query = asked.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
        let line = json!({
            "notion_version": asked.version,
            "method": asked.method.as_str(),
            "path": format!("/v1{}{query}", asked.path),
            "request": request(asked, content_type),
            "status": status,
            "response": answer,
        });
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let _best_effort = file.write_all(format!("{line}\n").as_bytes());
    }
}

/// The body as JSON, or what it was instead.
fn request(asked: &api::Request, content_type: Option<&str>) -> Value {
    if asked.body.is_empty() {
        return Value::Null;
    }
    let other = || json!({"_content_type": content_type});
    serde_json::from_slice(&asked.body).unwrap_or_else(|_| other())
}
