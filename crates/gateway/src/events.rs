//! How an event is made. Its kinds are a closed list of the store's records; it is stored in the same transaction as the
//! change it tells of, and `GET /api/events` reads it back.

use store::records::{Event, EventKind};

use crate::Gateway;

impl Gateway {
    /// An event of now; fill in what it is about.
    pub(crate) fn event(&self, kind: EventKind, client_id: &str) -> Event {
        Event {
            id: self.world.id("evt"),
            client_id: client_id.to_owned(),
            at: self.world.now(),
            kind,
            connection_id: None,
            attempt_id: None,
            note: None,
        }
    }
}
