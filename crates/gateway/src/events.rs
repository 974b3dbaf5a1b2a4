//! What happened to connections and keys: the closed list of event kinds, and how one is made.
//! An event is stored in the same transaction as the change it tells of; `GET /api/events` reads them back.

use store::records::Event;

use crate::Gateway;

/// Every kind of event there is, with what it means; the HTTP reference lists them from here.
pub const KINDS: &[(&str, &str)] = &[
    ("connection.connected", "the app redeemed a code: the connection is live"),
    ("connection.reconnected", "a connection that was there before was given a new consent's tokens"),
    (
        "connection.second_owner",
        "it stands on another person's authorization of a bot that is connected already",
    ),
    ("connection.imported", "a hand-written back end's connection was taken over"),
    ("connection.refreshed", "its token pair was refreshed at Notion"),
    ("connection.adopted", "its token pair was replaced by that of a newer consent of the same person"),
    (
        "connection.suspect",
        "a refresh was sent and its answer was lost, or a process ended in the middle of it: it is looked into until that is settled",
    ),
    ("connection.degraded", "Notion refused its refresh token; its access token still works"),
    ("connection.reconnect_needed", "Notion no longer accepts it: the user must connect again"),
    ("connection.disconnected", "it was ended, with its keys"),
    (
        "connection.revoked",
        "the last one on its authorization ended: that was revoked at Notion unless a newer consent stands on it, and the data key destroyed",
    ),
    ("connection.end_user_changed", "the app gave it another user"),
    ("connection.unredeemed", "the app never redeemed the code: the pending connection was deleted"),
    ("connection.refused", "the redeemer was not who the link was made for, or failed its proof"),
    ("consent.revoked", "a consent that nobody redeemed was ended at Notion"),
    ("code.replayed", "a code was presented again; nothing was ended"),
    ("key.minted", "a key was made"),
    ("key.revoked", "a key was ended"),
];

impl Gateway {
    /// An event of now; fill in what it is about.
    pub(crate) fn event(&self, kind: &str, client_id: &str) -> Event {
        debug_assert!(KINDS.iter().any(|(known, _)| *known == kind), "{kind} is not in the list");
        Event {
            id: self.world.id("evt"),
            client_id: client_id.to_owned(),
            at: self.world.now(),
            kind: kind.to_owned(),
            connection_id: None,
            attempt_id: None,
            note: None,
        }
    }
}
