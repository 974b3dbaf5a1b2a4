//! The part of the web that the emulator can reach: documents that a test put there. All else is out of reach, as the
//! emulator is offline.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::content::blob::Blob;

/// How many documents there can be: a test needs a handful.
const DOCUMENTS_MAX: usize = 1_000;

/// What lies at an address.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Document {
    pub(crate) content_type: String,
    pub(crate) body: Blob,
}

/// Documents by address.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Web(HashMap<String, Document>);

impl Web {
    /// Puts a document there, or replaces it. Whether there was room.
    pub(crate) fn put(&mut self, url: String, document: Document) -> bool {
        let fits = self.0.len() < DOCUMENTS_MAX || self.0.contains_key(&url);
        if fits {
            self.0.insert(url, document);
        }
        fits
    }

    /// What lies at `url`.
    pub(crate) fn get(&self, url: &str) -> Option<&Document> {
        self.0.get(url)
    }
}
