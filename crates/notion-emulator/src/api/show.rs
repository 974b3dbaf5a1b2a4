//! From content to a version's JSON: the renderer. Keys come in the order in which Notion sends them.

pub(crate) mod block;
pub(crate) mod database;
pub(crate) mod file;
pub(crate) mod page;
pub(crate) mod property;
pub(crate) mod rich_text;
pub(crate) mod schema;
pub(crate) mod view;

use jiff::{Timestamp, Unit};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::version::Version;
use super::{Caller, UserInformation};
use crate::accounts::{Accounts, Bot, Person, Workspace};
use crate::cells::World;
use crate::clock::whole_minute;
use crate::content::Content;
use crate::content::block::Parent;
use crate::content::comment::{Comment, DisplayName};
use crate::signing::Links;

/// What rendering needs: all content, who looks at it, in which version, and from where.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) content: &'a Content,
    pub(crate) accounts: &'a Accounts,
    pub(crate) caller: &'a Caller,
    pub(crate) version: Version,
    pub(crate) now: Timestamp,
    /// What it takes to sign the addresses of files.
    pub(crate) links: Links<'a>,
    /// Whether formulas and rollups come to nothing that the API has a word for.
    pub(crate) computed_unsupported: bool,
}

/// `2026-11-22T09:30:00.000Z`: Notion rounds the times of pages and blocks down to the minute.
pub(crate) fn minute(at: Timestamp) -> String {
    whole_minute(at).strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string()
}

/// `2026-11-22T09:30:12.345+00:00`: the times of databases.
pub(crate) fn exact(at: Timestamp) -> String {
    let at = at.round(Unit::Millisecond).unwrap_or(at);
    at.strftime("%Y-%m-%dT%H:%M:%S.%3f+00:00").to_string()
}

/// The 32 digits of an id, as addresses have them.
pub(crate) fn digits(id: Uuid) -> String {
    id.simple().to_string()
}

/// A user by id only.
pub(crate) fn partial_user(id: Uuid) -> Value {
    json!({"object": "user", "id": id})
}

/// The envelope of a list.
pub(crate) fn list(kind: &str, results: Vec<Value>, next_cursor: Option<String>) -> Value {
    let mut body = Map::new();
    body.insert("object".into(), "list".into());
    body.insert("results".into(), results.into());
    let has_more = next_cursor.is_some();
    body.insert("next_cursor".into(), next_cursor.into());
    body.insert("has_more".into(), has_more.into());
    body.insert("type".into(), kind.into());
    body.insert(kind.into(), json!({}));
    body.into()
}

/// A number as JSON, whole where it is whole; what is no number is `null`.
pub(crate) fn number(number: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "it is whole and small enough")]
    if number.fract() == 0.0 && number.abs() < WHOLE_MAX { (number as i64).into() } else { number.into() }
}

/// Above this, not every whole number is one in floating point.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

impl<'a> View<'a> {
    /// What working out a cell needs.
    pub(crate) fn world(&self) -> World<'a> {
        World::new(*self)
    }

    /// The person of this id in the caller's workspace. Who is only in others is nobody here.
    pub(crate) fn member(&self, id: Uuid) -> Option<&'a Person> {
        let workspace = self.accounts.workspace(self.caller.workspace_id)?;
        self.accounts.person(id).filter(|_| workspace.members.contains(&id))
    }
}

impl View<'_> {
    /// What something hangs from.
    pub(crate) fn parent(&self, parent: Parent) -> Value {
        match parent {
            Parent::Workspace => json!({"type": "workspace", "workspace": true}),
            Parent::Page(id) => json!({"type": "page_id", "page_id": id}),
            Parent::Block(id) => json!({"type": "block_id", "block_id": id}),
            Parent::DataSource(id) => {
                let database = self.content.data_sources.get(&id).map(|source| source.database);
                if self.version.has_data_sources() {
                    json!({"type": "data_source_id", "data_source_id": id, "database_id": database})
                } else {
                    json!({"type": "database_id", "database_id": database})
                }
            }
        }
    }

    /// A person, as far as the integration sees people.
    pub(crate) fn person(&self, person: &Person) -> Value {
        let details = match self.caller.capabilities.user_information {
            UserInformation::None => return partial_user(person.id),
            UserInformation::WithoutEmail => json!({}),
            UserInformation::WithEmail => json!({"email": person.email, "email_verified": true}),
        };
        json!({
            "object": "user",
            "id": person.id,
            "name": person.name,
            "avatar_url": person.avatar_url,
            "type": "person",
            "person": details,
        })
    }

    /// A bot. The workspace is told only of the caller's own.
    pub(crate) fn bot(&self, bot: &Bot) -> Value {
        let owner = match bot.owner.and_then(|id| self.accounts.person(id)) {
            Some(person) => json!({"type": "user", "user": self.person(person)}),
            None => json!({"type": "workspace", "workspace": true}),
        };
        let details = if bot.id == self.caller.bot_id {
            let workspace = self.accounts.workspace(self.caller.workspace_id);
            let bytes = workspace.map_or(0, Workspace::file_bytes_max);
            json!({
                "owner": owner,
                "workspace_name": self.caller.workspace_name,
                "workspace_id": self.caller.workspace_id,
                "workspace_limits": {"max_file_upload_size_in_bytes": bytes},
            })
        } else {
            json!({})
        };
        json!({"object": "user", "id": bot.id, "name": bot.name, "avatar_url": null, "type": "bot", "bot": details})
    }

    /// Whoever made or edited a row, as its columns tell it: of a bot not even the caller learns more than its name.
    /// Source: recorded answers of June 2026.
    pub(crate) fn author(&self, id: Uuid) -> Value {
        let mut user = self.user(id);
        if let Some(bot) = user.get_mut("bot") {
            *bot = json!({});
        }
        user
    }

    /// Whoever has this id in the workspace, in full; someone gone as an id.
    pub(crate) fn user(&self, id: Uuid) -> Value {
        if self.caller.capabilities.user_information == UserInformation::None {
            return partial_user(id);
        }
        if let Some(person) = self.member(id) {
            return self.person(person);
        }
        let bot = self.accounts.bots_of(self.caller.workspace_id).into_iter().find(|bot| bot.id == id);
        bot.map_or_else(|| partial_user(id), |bot| self.bot(bot))
    }

    /// Who is named in a people property.
    pub(crate) fn user_or_group(&self, id: Uuid) -> Value {
        match self.accounts.group(id).filter(|group| group.workspace == self.caller.workspace_id) {
            Some(group) => json!({"id": group.id, "object": "group", "name": group.name}),
            None => self.user(id),
        }
    }

    /// A comment.
    pub(crate) fn comment(&self, comment: &Comment) -> Value {
        if !self.caller.capabilities.read_comments {
            return json!({"object": "comment", "id": comment.id});
        }
        let kind = match comment.display_name {
            DisplayName::Integration => "integration",
            DisplayName::User => "user",
            DisplayName::Custom(_) => "custom",
        };
        let mut body = json!({
            "object": "comment",
            "id": comment.id,
            "parent": self.parent(comment.parent),
            "discussion_id": comment.discussion,
            "created_time": minute(comment.created_at),
            "last_edited_time": minute(comment.edited_at),
            "created_by": partial_user(comment.created_by),
            "rich_text": self.rich_text(&comment.rich_text),
            "display_name": {"type": kind, "resolved_name": comment.resolved_name},
        });
        // Recorded comments without attachments do not have the key.
        if !comment.attachments.is_empty() {
            body["attachments"] = comment.attachments.iter().map(|id| self.attachment(*id)).collect();
        }
        body
    }

    /// Adds `archived` where this version still has it.
    pub(crate) fn archived(&self, body: &mut Map<String, Value>, in_trash: bool) {
        if self.version.has_archived() {
            body.insert("archived".into(), in_trash.into());
        }
    }
}
