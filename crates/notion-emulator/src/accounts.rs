//! People, workspaces and the bots that integrations act as.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A person who can log in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Person {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) avatar_url: Option<String>,
}

/// What a workspace pays for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Plan {
    Free,
    #[default]
    Plus,
    Business,
    Enterprise,
}

/// A workspace and who is in it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Workspace {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) members: Vec<Uuid>,
    #[serde(default)]
    pub(crate) plan: Plan,
}

impl Workspace {
    /// The largest upload, in bytes. Source: Notion, "Working with files and media" (read 2026-11-22): 5 MiB on the free
    /// plan, 5 GiB on paid ones.
    pub(crate) fn file_bytes_max(&self) -> u64 {
        match self.plan {
            Plan::Free => 5 * 1024 * 1024,
            Plan::Plus | Plan::Business | Plan::Enterprise => 5 * 1024 * 1024 * 1024,
        }
    }

    /// Whether the number of its blocks is bounded at all: free workspaces of one person's are not.
    /// Source: Notion, "Workspace block limits" (autumn 2026).
    pub(crate) fn counts_blocks(&self) -> bool {
        self.plan == Plan::Free && self.members.len() > 1
    }
}

/// Several people, who can be named together in a people property.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Group {
    pub(crate) id: Uuid,
    pub(crate) workspace: Uuid,
    pub(crate) name: String,
}

/// The user that an integration acts as in one workspace.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Bot {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    /// The authorizing person; `None` for an internal integration, which the workspace owns.
    pub(crate) owner: Option<Uuid>,
}

/// Who there is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Accounts {
    pub(crate) people: Vec<Person>,
    pub(crate) workspaces: Vec<Workspace>,
    pub(crate) bots: Vec<(Uuid, Bot)>,
    #[serde(default)]
    pub(crate) groups: Vec<Group>,
}

impl Accounts {
    /// The workspace with this id.
    pub(crate) fn workspace(&self, id: Uuid) -> Option<&Workspace> {
        self.workspaces.iter().find(|workspace| workspace.id == id)
    }

    /// The person with this id, in whatever workspace.
    pub(crate) fn person(&self, id: Uuid) -> Option<&Person> {
        self.people.iter().find(|person| person.id == id)
    }

    /// The group with this id.
    pub(crate) fn group(&self, id: Uuid) -> Option<&Group> {
        self.groups.iter().find(|group| group.id == id)
    }

    /// The members of a workspace, in order of joining.
    pub(crate) fn people_of(&self, workspace: Uuid) -> Vec<&Person> {
        let members = self.workspace(workspace).map_or(&[][..], |workspace| &workspace.members);
        members.iter().filter_map(|id| self.person(*id)).collect()
    }

    /// The bots of a workspace, in order of installation.
    pub(crate) fn bots_of(&self, workspace: Uuid) -> Vec<&Bot> {
        self.bots.iter().filter(|(of, _)| *of == workspace).map(|(_, bot)| bot).collect()
    }
}
