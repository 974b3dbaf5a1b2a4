//! A link that is to reconnect a connection, and a person who chose another workspace, or is another person: that is refused until
//! the app says whether it wants a further connection, or this one moved. Keys that were minted for one person's workspace must
//! not open another's without a word.

use notion_wire::token::Owner;
use serde_json::{Value, json};
use store::records::{ConnectionStage, ConnectionView, Profile};

/// What the app says of a consent that is not the one which the link was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OnMismatch {
    /// Nothing yet: it is told, and the code stays unspent.
    #[default]
    Refuse,
    /// A further connection.
    Add,
    /// The connection moves to what came, and its keys end.
    Switch,
}

/// Workspace and person of an authorization, as far as Notion told them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Party {
    workspace: (String, Option<String>),
    owner: (String, Option<String>),
}

impl Party {
    fn of(profile: &Profile) -> Self {
        Self {
            workspace: (profile.workspace_id.clone(), profile.workspace_name.clone()),
            owner: (profile.owner_id.clone(), profile.owner_name.clone()),
        }
    }

    /// The workspace's name, if it has one.
    pub(crate) fn workspace(&self) -> Option<&str> {
        self.workspace.1.as_deref()
    }

    /// The person's name, if it is known.
    pub(crate) fn owner(&self) -> Option<&str> {
        self.owner.1.as_deref()
    }

    fn to_json(&self) -> Value {
        let shown = |(id, name): &(String, Option<String>)| {
            let id = Some(id).filter(|id| !["", Owner::WORKSPACE].contains(&id.as_str()));
            json!({ "id": id, "name": name })
        };
        json!({ "workspace": shown(&self.workspace), "owner": shown(&self.owner) })
    }
}

/// Whom the link was made for, and who came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    connection_id: String,
    pub(crate) expected: Party,
    pub(crate) received: Party,
}

impl Mismatch {
    /// Whether the workspace is another one, not only the person.
    pub(crate) fn is_of_workspace(&self) -> bool {
        self.expected.workspace.0 != self.received.workspace.0
    }

    /// What the attempt's diagram tells.
    pub(crate) fn note(&self) -> &'static str {
        if self.is_of_workspace() {
            "The user chose another workspace than the connection stands on that the link was to reconnect. Nothing was changed; the app may add it or switch to it while the code lives."
        } else {
            "Another person of the workspace consented than the connection stands on that the link was to reconnect. Nothing was changed; the app may add it or switch to it while the code lives."
        }
    }

    /// What the app is told of it, beside the error.
    pub(crate) fn to_json(&self) -> Value {
        let differs = if self.is_of_workspace() { "workspace" } else { "owner" };
        json!({
            "connection": self.connection_id,
            "differs": differs,
            "expected": self.expected.to_json(),
            "received": self.received.to_json(),
        })
    }
}

/// What becomes of the connection that a link names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reconnect {
    /// The same person chose the same workspace: it is healed.
    Heal,
    /// Somebody or something else came.
    Other(Box<Mismatch>),
    /// It was ended, or belongs to another user of the app by now: nothing is to be reconnected, nor told of it.
    Gone,
}

/// Judges what came for this user against the connection that the link names.
pub(crate) fn judge(named: &ConnectionView, end_user: &str, came: &Profile) -> Reconnect {
    let connection = &named.connection;
    if connection.end_user.as_deref() != Some(end_user) || connection.stage != ConnectionStage::Active {
        return Reconnect::Gone;
    }
    let expected = &named.profile;
    if expected.workspace_id.is_empty() {
        // Its authorization's row is gone: nobody knows who was expected.
        return Reconnect::Gone;
    }
    if expected.workspace_id == came.workspace_id && expected.is_same_owner(came) {
        return Reconnect::Heal;
    }
    Reconnect::Other(Box::new(Mismatch {
        connection_id: connection.id.clone(),
        expected: Party::of(expected),
        received: Party::of(came),
    }))
}
