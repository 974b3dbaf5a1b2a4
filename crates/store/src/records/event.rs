//! What happened to connections, keys and consents: the closed list of kinds, and the row that tells of one.

use jiff::Timestamp;

/// Something that happened; committed with the change itself.
#[derive(Debug, Clone)]
pub struct Event {
    /// `evt_` and 32 hex digits.
    pub id: String,
    /// The integration's client id.
    pub client_id: String,
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: EventKind,
    /// The connection it is about.
    pub connection_id: Option<String>,
    /// The attempt it came from.
    pub attempt_id: Option<String>,
    /// A sentence for people; never a secret.
    pub note: Option<String>,
}

/// Declares the list once: each kind with its word and what it means.
macro_rules! kinds {
    ($($kind:ident, $word:literal, $meaning:literal;)*) => {
        /// Every kind of event there is, stored and shown as its word.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum EventKind {
            $(#[doc = $meaning] $kind,)*
        }

        impl EventKind {
            /// All of them, in the order of the HTTP reference.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)*];

            /// Its word.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$kind => $word,)* }
            }

            /// What it means, as the HTTP reference says it.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$kind => $meaning,)* }
            }
        }
    };
}

kinds! {
    Connected, "connection.connected", "the app redeemed a code: the connection is live";
    Reconnected, "connection.reconnected", "a connection that was there before was given a new consent's tokens";
    Switched, "connection.switched", "the app moved it to the other workspace or person that came through a link which was to reconnect it; its keys ended";
    SecondOwner, "connection.second_owner", "it stands on another person's authorization of a bot that is connected already";
    Imported, "connection.imported", "a hand-written back end's connection was taken over";
    Refreshed, "connection.refreshed", "its token pair was refreshed at Notion";
    Adopted, "connection.adopted", "its token pair was replaced by that of a newer consent of the same person";
    Suspect, "connection.suspect", "a refresh was sent and its answer was lost, or a process ended in the middle of it: it is looked into until that is settled";
    Degraded, "connection.degraded", "Notion refused its refresh token; its access token still works";
    ReconnectNeeded, "connection.reconnect_needed", "Notion no longer accepts it: the user must connect again";
    Recovered, "connection.recovered", "it is `active` again after `suspect`, `degraded` or `reconnect_needed`, or was moved from there to what is";
    Disconnected, "connection.disconnected", "it was ended, with its keys";
    Erased, "connection.erased", "it was deleted with all that was stored of its user";
    Revoked, "connection.revoked", "the last one on its authorization ended, and that was revoked at Notion and its data key destroyed. Not told while a newer pair of it stands: that one ends as `consent.revoked`";
    EndUserChanged, "connection.end_user_changed", "the app gave it another user";
    Unredeemed, "connection.unredeemed", "the app never redeemed the code: the pending connection was deleted";
    Refused, "connection.refused", "the redeemer was not who the link was made for, or failed its proof";
    ConsentRevoked, "consent.revoked", "a consent that nobody redeemed, or a pair that was kept when its connection ended, was ended at Notion";
    ConsentInterrupted, "consent.interrupted", "a process ended while it exchanged a consent's code: nothing was connected, and the user must open a new link. What stands on the same person's authorization is looked into";
    CodeReplayed, "code.replayed", "a code was presented again; nothing was ended";
    KeyMinted, "key.minted", "a key was made";
    KeyRevoked, "key.revoked", "a key was ended";
}

impl EventKind {
    /// Reads the stored word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_http_reference_lists_every_kind_with_its_meaning_and_no_other() {
        let reference = include_str!("../../../../docs/http-api.md");
        let (_, section) = reference.split_once("\n## Events\n").expect("a section on events");
        let section = section.split("\n## ").next().expect("its text");
        let listed: Vec<&str> = section.lines().filter(|line| line.starts_with("| `")).collect();
        let expected: Vec<String> = EventKind::ALL
            .iter()
            .map(|kind| format!("| `{}` | {} |", kind.as_str(), kind.meaning()))
            .collect();
        assert_eq!(listed, expected);
    }

    #[test]
    fn every_kind_reads_back_from_a_word_of_its_own() {
        for kind in EventKind::ALL {
            assert_eq!(EventKind::parse(kind.as_str()), Some(*kind));
        }
        assert_eq!(EventKind::parse("connection.blessed"), None);
    }
}
