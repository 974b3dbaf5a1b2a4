//! One call on its way to an answer: what it may see, what it may change, and the words when it may not.

use std::cell::Cell;

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Caller;
use super::check::{At, uuid_of};
use super::failure::Failure;
use super::show::View;
use super::version::Version;
use crate::accounts::Workspace;
use crate::content::block::{Block, Stamp};
use crate::content::ids::{Marker, stamped};
use crate::content::property::Property;
use crate::content::rights::Right;
use crate::form::Form;
use crate::signing::Links;
use crate::state::State;

/// The largest and the usual page of a list.
const PAGE_SIZE_MAX: u64 = 100;

/// A call that came with a good token.
pub(crate) struct Call<'a> {
    pub(crate) state: &'a mut State,
    pub(crate) caller: &'a Caller,
    pub(crate) version: Version,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) body: Option<Value>,
    /// What the capability that the endpoint asked for amounts to among people: whatever it then looks up, the
    /// authorizing person must have this right on.
    pub(crate) takes: Cell<Right>,
    /// Where the caller reached the emulator, for addresses that lead back to it.
    pub(crate) origin: &'a str,
    /// Of the one endpoint that takes a form.
    pub(crate) form: Option<&'a Form>,
    /// The name of the endpoint, if it found the request good and leaves it for later.
    pub(crate) later: Option<&'static str>,
}

/// What an endpoint gives.
pub(crate) type Answer = Result<Value, Failure>;

impl<'a> Call<'a> {
    pub(crate) fn new(
        state: &'a mut State,
        caller: &'a Caller,
        version: Version,
        query: Vec<(String, String)>,
        body: Option<Value>,
    ) -> Self {
        let takes = Cell::new(Right::Read);
        Self { state, caller, version, query, body, takes, form: None, origin: "", later: None }
    }
}

impl Call<'_> {
    pub(crate) fn view(&self) -> View<'_> {
        View {
            content: &self.state.content,
            accounts: &self.state.accounts,
            caller: self.caller,
            version: self.version,
            now: self.now(),
            computed_unsupported: self.state.switches.computed_unsupported,
            links: Links {
                origin: self.origin,
                instance: &self.state.grants.instance,
                key: &self.state.files_key,
            },
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.state.clock.now()
    }

    /// The caller, now.
    pub(crate) fn stamp(&self) -> Stamp {
        Stamp { at: self.now(), by: self.caller.bot_id }
    }

    pub(crate) fn new_id(&mut self, marker: Marker) -> Uuid {
        if let Some(given) = self.state.ids.given(marker) {
            return given;
        }
        let (now, workspace) = (self.now(), self.caller.workspace_id);
        stamped(self.state.ids.uuid(), workspace, now, marker)
    }

    /// Refuses unless the integration has this capability.
    pub(crate) fn needs(&self, has: bool) -> Result<(), Failure> {
        if has { Ok(()) } else { Err(Failure::restricted()) }
    }

    pub(crate) fn needs_read(&self) -> Result<(), Failure> {
        self.needs(self.caller.capabilities.read_content)
    }

    pub(crate) fn needs_insert(&self) -> Result<(), Failure> {
        self.takes.set(Right::Edit);
        self.needs(self.caller.capabilities.insert_content)
    }

    pub(crate) fn needs_update(&self) -> Result<(), Failure> {
        self.takes.set(Right::Edit);
        self.needs(self.caller.capabilities.update_content)
    }

    pub(crate) fn needs_read_comments(&self) -> Result<(), Failure> {
        self.needs(self.caller.capabilities.read_comments)
    }

    pub(crate) fn needs_insert_comments(&self) -> Result<(), Failure> {
        self.takes.set(Right::Comment);
        self.needs(self.caller.capabilities.insert_comments)
    }

    /// Refuses new blocks in a workspace whose plan allows no more. Integrations that any workspace can install are
    /// exempt, as the emulator's OAuth clients are; its internal one is not. Source: Notion, "Workspace block limits"
    /// (autumn 2026).
    pub(crate) fn needs_room(&self) -> Result<(), Failure> {
        let workspace = self.caller.workspace_id;
        let counts = self.state.accounts.workspace(workspace).is_some_and(Workspace::counts_blocks);
        let usage = self.state.content.usage.get(&workspace);
        let full = usage.is_some_and(|usage| usage.is_full(self.now()));
        if counts && full && self.caller.owner.is_none() { Err(Failure::block_limit()) } else { Ok(()) }
    }

    /// An id from the path.
    pub(crate) fn path_id(&self, name: &str, text: &str) -> Result<Uuid, Failure> {
        uuid_of(text).ok_or_else(|| {
            Failure::validation(format!(
                "path failed validation: path.{name} should be a valid uuid, instead was `\"{text}\"`."
            ))
        })
    }

    /// Whether the token reaches `id`.
    pub(crate) fn reaches(&self, id: Uuid) -> bool {
        self.view().reaches(id)
    }

    /// Refuses what is not there or out of reach (404) and what takes a right that the authorizing person lacks (403;
    /// Notion's code for this is unknown, so it is a guess). `shown` is what the refusal names.
    pub(crate) fn within(&self, kind: &str, shown: Uuid, there: Option<Uuid>) -> Result<Uuid, Failure> {
        let Some(id) = there.filter(|id| self.reaches(*id)) else {
            return Err(Failure::not_found(kind, shown, self.caller));
        };
        if self.view().has_right(id, self.takes.get()) { Ok(id) } else { Err(Failure::restricted()) }
    }

    /// A page's id, if there is such a page within reach.
    pub(crate) fn page(&self, id: Uuid) -> Result<Uuid, Failure> {
        let there = self.state.content.pages.contains_key(&id);
        self.within("page", id, there.then_some(id))
    }

    /// A block, page or database within reach.
    pub(crate) fn block(&self, id: Uuid) -> Result<&Block, Failure> {
        let found = self.state.content.blocks.get(&id);
        self.within("block", id, found.map(|block| block.id))?;
        found.ok_or_else(|| Failure::not_found("block", id, self.caller))
    }

    /// A database's id.
    pub(crate) fn database(&self, id: Uuid) -> Result<Uuid, Failure> {
        let there = self.state.content.databases.contains_key(&id);
        self.within("database", id, there.then_some(id))
    }

    /// A data source's id.
    pub(crate) fn data_source(&self, id: Uuid) -> Result<Uuid, Failure> {
        let there = self.state.content.data_sources.contains_key(&id);
        self.within("data_source", id, there.then_some(id))
    }

    /// The one data source of a database, for versions that know only one. Those in the trash do not count, unless there
    /// is no other.
    pub(crate) fn only_data_source(&self, database: Uuid) -> Result<Uuid, Failure> {
        let content = &self.state.content;
        let all = content.databases.get(&database).map_or(&[][..], |found| &found.data_sources);
        let live = content.live_data_sources(database);
        let linked = content.linked_data_sources(database);
        let reached: Vec<Uuid> = linked.into_iter().filter(|id| self.reaches(*id)).collect();
        match (live.as_slice(), all) {
            ([one], _) | ([], [one]) => Ok(*one),
            ([], []) => match reached.as_slice() {
                [] => Err(Failure::no_data_source(database)),
                [one] => Ok(*one),
                several => Err(Failure::several_data_sources(database, several)),
            },
            (several, _) => Err(Failure::several_data_sources(database, several)),
        }
    }

    /// Refuses to change a database or data source in the trash, unless the change takes it out.
    pub(crate) fn may_edit(&self, id: Uuid, in_trash: Option<bool>) -> Result<(), Failure> {
        let content = &self.state.content;
        let own = content.blocks.get(&id).map(|block| block.in_trash);
        let own = own.or(content.data_sources.get(&id).map(|source| source.in_trash)).unwrap_or(false);
        let stays = own && in_trash != Some(false);
        if stays || content.ancestor_in_trash(id) { Err(Failure::in_trash()) } else { Ok(()) }
    }

    /// Refuses to hang something new, and `brought` with all below it, deeper than the emulator can tell what it is in.
    /// Whether Notion has a limit is not known.
    pub(crate) fn needs_depth(&self, above: Uuid, brought: Option<Uuid>) -> Result<(), Failure> {
        if self.state.content.has_depth(above, brought) {
            return Ok(());
        }
        Err(Failure::not_implemented_part("content that lies some 900 levels deep"))
    }

    /// The largest file that the workspace's plan allows, in bytes.
    pub(crate) fn file_bytes_max(&self) -> u64 {
        let workspace = self.state.accounts.workspace(self.caller.workspace_id);
        workspace.map_or(0, Workspace::file_bytes_max)
    }

    /// Whether the request allows to be done later. If so the endpoint, `operation` by name, stops here: what it gives is
    /// not sent.
    pub(crate) fn defers(&mut self, at: &At<'_>, operation: &'static str) -> Result<bool, Failure> {
        let allowed = at.get("allow_async").optional(At::boolean)?.unwrap_or(false);
        self.later = allowed.then_some(operation);
        Ok(allowed)
    }

    /// The whole body as a place to read from.
    pub(crate) fn at_body(&self) -> At<'_> {
        At::root("body", self.body.as_ref())
    }

    /// `in_trash`, or `archived` in the versions that still have it.
    pub(crate) fn trash_flag(&self, at: &At<'_>) -> Result<Option<bool>, Failure> {
        let archived = at.get("archived");
        if archived.is_defined() && !self.version.has_archived() {
            return Err(archived.should("not present").into());
        }
        let in_trash = at.get("in_trash").optional(At::boolean)?;
        Ok(in_trash.or(archived.optional(At::boolean)?))
    }

    /// A query parameter.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(had, _)| had == name).map(|(_, value)| value.as_str())
    }

    /// A query parameter that says `true` or `false`, the latter if it is not there.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, Failure> {
        let asked = self.parameter(name).map(|text| match text.parse::<bool>() {
            Ok(flag) => Value::Bool(flag),
            Err(_) => Value::from(text),
        });
        let asked = asked.map_or_else(|| json!({}), |asked| json!({name: asked}));
        let flag = At::root("query", Some(&asked)).get(name).optional(At::boolean);
        Ok(flag.map_err(|invalid| invalid.of("query"))?.unwrap_or(false))
    }

    /// The ids of the properties that the answer is to show; none for all.
    pub(crate) fn filter_properties(&self) -> Vec<String> {
        let named = ["filter_properties", "filter_properties[]"];
        let wanted = self.query.iter().filter(|(name, _)| named.contains(&name.as_str()));
        wanted.map(|(_, value)| value.clone()).collect()
    }

    /// Refuses what is not the id of one of these columns: a name, or an id that is still encoded as answers show it.
    /// Source: refusals that users quote.
    pub(crate) fn check_filter_properties(&self, columns: &[Property]) -> Result<(), Failure> {
        let view = self.view();
        let there = |wanted: &&String| {
            columns.iter().any(|column| column.id == **wanted && view.shows(column, columns))
        };
        let unknown: Vec<String> = self
            .filter_properties()
            .iter()
            .filter(|wanted| !there(wanted))
            .map(|wanted| format!("{wanted} is not a property that exists."))
            .collect();
        if unknown.is_empty() { Ok(()) } else { Err(Failure::validation(unknown.join(" "))) }
    }

    /// Which slice of a list the query asks for.
    pub(crate) fn slice_of_query(&self) -> Result<Slice, Failure> {
        let number = |text: &str| text.parse::<u64>().map_or_else(|_| Value::from(text), Value::from);
        let mut asked = serde_json::Map::new();
        if let Some(size) = self.parameter("page_size") {
            asked.insert("page_size".into(), number(size));
        }
        if let Some(cursor) = self.parameter("start_cursor").filter(|cursor| !cursor.is_empty()) {
            asked.insert("start_cursor".into(), cursor.into());
        }
        let asked = Value::Object(asked);
        let at = At::root("query", Some(&asked));
        let read = |at: &At<'_>| {
            let start = at.get("start_cursor").optional(At::uuid)?;
            Ok(Slice { start, size: Slice::size(at)? })
        };
        read(&at).map_err(|invalid: super::check::Invalid| invalid.of("query"))
    }

    /// As [`Self::slice_of_query`], where a size of nothing is refused rather than passed over.
    /// Source: a user's report of October 2026, of comments.
    pub(crate) fn filled_slice_of_query(&self) -> Result<Slice, Failure> {
        if self.parameter("page_size") == Some("0") {
            let asked = json!({"page_size": 0});
            let size = At::root("query", Some(&asked)).get("page_size");
            size.optional(|at| at.integer(1, PAGE_SIZE_MAX)).map_err(|invalid| invalid.of("query"))?;
        }
        self.slice_of_query()
    }

    /// Which slice of a list the body asks for.
    pub(crate) fn slice_of_body(&self) -> Result<Slice, Failure> {
        Ok(Slice::read(&self.at_body())?)
    }
}

/// A slice of a list.
pub(crate) struct Slice {
    pub(super) start: Option<Uuid>,
    pub(super) size: usize,
}

impl Slice {
    pub(crate) fn read(at: &At<'_>) -> Result<Self, super::check::Invalid> {
        let start = at.get("start_cursor").optional_nullable(At::uuid)?.flatten();
        Ok(Self { start, size: Self::size(at)? })
    }

    /// How much of a list is asked for. Nothing is as good as no wish; source: a user's report of October 2026.
    pub(crate) fn size(at: &At<'_>) -> Result<usize, super::check::Invalid> {
        let read = |at: &At<'_>| at.integer(0, 0).or_else(|_| at.integer(1, PAGE_SIZE_MAX));
        let asked = at.get("page_size").optional(read)?.filter(|size| *size > 0);
        let size = asked.unwrap_or(PAGE_SIZE_MAX);
        Ok(usize::try_from(size).unwrap_or(100))
    }

    /// Cuts the slice out of `all`; the cursor of what follows is the id of its first.
    pub(crate) fn cut(&self, all: &[Uuid]) -> Result<(Vec<Uuid>, Option<String>), Failure> {
        let begin = match self.start {
            None => 0,
            Some(cursor) => {
                all.iter().position(|id| *id == cursor).ok_or_else(|| Failure::cursor(&cursor.to_string()))?
            }
        };
        let end = (begin + self.size).min(all.len());
        Ok((all[begin..end].to_vec(), all.get(end).map(Uuid::to_string)))
    }
}
