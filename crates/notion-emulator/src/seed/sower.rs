//! Plants the content of a seed file by asking the API for it, as the person who made it. Order: pages with what is in
//! them and their databases, depth first; then all rows; last what must not get in the way before (trash, privacy, the
//! times of edits). Ids that the file gives are handed to what the API makes next.

use http::Method;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::body::{Blocks, body};
use super::file::{Head, Problems, list, member, time};
use crate::api::check::{At, Invalid, uuid_of};
use crate::api::{self, Access, Caller};
use crate::capabilities::Capabilities;
use crate::clock::Clock;
use crate::content::block::Stamp;
use crate::content::ids::Marker;
use crate::state::State;

/// What a page of a seed has besides the body that makes it at Notion.
const PAGE_KEYS: [&str; 10] = [
    "id",
    "children",
    "pages",
    "databases",
    "comments",
    "created_time",
    "created_by",
    "last_edited_time",
    "private_to",
    "in_trash",
];

/// The same of a database.
const DATABASE_KEYS: [&str; 8] =
    ["id", "data_source_id", "views", "rows", "data_sources", "created_time", "created_by", "in_trash"];

/// The same of one more data source in it.
const DATA_SOURCE_KEYS: [&str; 5] = ["id", "views", "rows", "created_time", "created_by"];

/// Who makes what is read, when, and in which workspace.
#[derive(Clone, Copy)]
pub(super) struct Maker {
    pub(super) workspace: Uuid,
    pub(super) by: Uuid,
    pub(super) at: Timestamp,
}

/// A state on its way to being planted.
pub(super) struct Sower<'a> {
    head: &'a Head,
    state: &'a mut State,
    problems: Problems,
    /// Rows to come: where they stand in the file, their data source, and its maker.
    rows: Vec<(At<'a>, Uuid, Maker)>,
    edits: Vec<(Uuid, Stamp)>,
    private: Vec<(Uuid, Uuid)>,
    trash: Vec<Uuid>,
}

impl<'a> Sower<'a> {
    pub(super) fn new(head: &'a Head, state: &'a mut State) -> Self {
        Self {
            head,
            state,
            problems: Problems::default(),
            rows: Vec::new(),
            edits: Vec::new(),
            private: Vec::new(),
            trash: Vec::new(),
        }
    }

    /// A workspace's tree, without rows.
    pub(super) fn workspace(&mut self, at: &At<'a>, workspace: Uuid) {
        let members = self.state.accounts.workspace(workspace).map(|workspace| &workspace.members);
        match members.and_then(|members| members.first()) {
            Some(by) => {
                let maker = Maker { workspace, by: *by, at: self.head.time };
                self.below(at, &json!({"workspace": true}), maker);
            }
            None if at.get("pages").is_defined() || at.get("databases").is_defined() => {
                self.noted::<()>(Err(at.get("members").should("a list with somebody who makes the content")));
            }
            None => {}
        }
    }

    /// The rows, and what was put off; all problems.
    pub(super) fn finish(mut self) -> Vec<String> {
        let mut next = 0;
        // Rows may hold databases, whose rows come behind: as many as the file has.
        while let Some((at, source, maker)) = self.rows.get(next).cloned() {
            self.page(&at, &json!({"data_source_id": source}), maker);
            next += 1;
        }
        let content = &mut self.state.content;
        for (id, stamp) in self.edits {
            if let Some(source) = content.data_sources.get_mut(&id) {
                source.edited = stamp;
            } else if let Some(block) = content.blocks.get_mut(&id) {
                block.edited = stamp;
            }
        }
        for (id, person) in self.private {
            content.pages.entry(id).and_modify(|page| page.private_to = Some(person));
        }
        for id in self.trash {
            content.blocks.entry(id).and_modify(|block| block.in_trash = true);
        }
        self.problems.0
    }

    /// What was read, or nothing and a problem more.
    fn noted<T>(&mut self, read: Result<T, Invalid>) -> Option<T> {
        self.problems.noted(read)
    }

    /// The databases and pages below `parent`.
    fn below(&mut self, at: &At<'a>, parent: &Value, above: Maker) {
        for at in self.noted(list(at, "databases")).unwrap_or_default() {
            self.database(&at, parent, above);
        }
        for at in self.noted(list(at, "pages")).unwrap_or_default() {
            self.page(&at, parent, above);
        }
    }

    /// A page or row with everything below it. (JSON that reads is not deep, which bounds the recursion.)
    fn page(&mut self, at: &At<'a>, parent: &Value, above: Maker) {
        let known = self.problems.0.len();
        // Each part is judged, whatever is wrong with the others.
        let read = self.maker(at, above);
        let maker = self.noted(read).unwrap_or(above);
        let read = at.get("private_to").optional(|at| member(at, self.state));
        let private_to = self.noted(read).flatten();
        let edited_at = self.noted(at.get("last_edited_time").optional(time)).flatten();
        let in_trash = self.noted(at.get("in_trash").optional(At::boolean)).flatten();
        let made = self.noted(body(at, &PAGE_KEYS, &json!({"parent": parent})));
        let blocks = self.noted(Blocks::read(&at.get("children")));
        let planted = match (made, blocks) {
            (Some(made), Some(blocks)) => self.plant_page(at, made, &blocks, maker),
            _ => None,
        };
        match planted {
            Some(id) => {
                self.below(at, &json!({"page_id": id}), maker);
                self.edits.push((id, Stamp { at: edited_at.unwrap_or(maker.at), by: maker.by }));
                self.private.extend(private_to.map(|person| (id, person)));
                self.trash.extend(in_trash.filter(|trash| *trash).map(|_| id));
            }
            // What is below it is judged all the same, at the top of the workspace.
            None if self.problems.0.len() > known => self.below(at, &json!({"workspace": true}), maker),
            None => {}
        }
    }

    /// Makes a page with its blocks and comments; its id.
    fn plant_page(
        &mut self,
        at: &At<'a>,
        mut made: Map<String, Value>,
        blocks: &Blocks<'_>,
        maker: Maker,
    ) -> Option<Uuid> {
        let mut chunks = blocks.chunks();
        if let Some(first) = chunks.next() {
            made.insert("children".into(), first);
        }
        let id = self.make(at, "/pages", made, maker, &[("id", Marker::Plain)])?;
        // At Notion a person's top-level page is theirs alone until they share it; here the file says what is private.
        self.state.content.pages.entry(id).and_modify(|page| page.private_to = None);
        self.state.content.made_by.remove(&maker.by);
        for chunk in chunks {
            let more = Map::from_iter([("children".to_owned(), chunk)]);
            self.ask(at, Method::PATCH, format!("/blocks/{id}/children"), more, maker)?;
        }
        let named = blocks.name(id, &mut self.state.content);
        self.noted(named)?;
        for comment in self.noted(list(at, "comments"))? {
            let place = json!({"parent": {"page_id": id}});
            let made = self.noted(body(&comment, &[], &place))?;
            self.ask(&comment, Method::POST, "/comments".to_owned(), made, maker);
        }
        Some(id)
    }

    /// A database with its data sources; their rows wait.
    fn database(&mut self, at: &At<'a>, parent: &Value, above: Maker) -> Option<()> {
        let read = self.maker(at, above);
        let maker = self.noted(read)?;
        let in_trash = self.noted(at.get("in_trash").optional(At::boolean))?;
        let made = self.noted(body(at, &DATABASE_KEYS, &json!({"parent": parent})))?;
        let ids = [("id", Marker::Plain), ("data_source_id", Marker::DataSource)];
        let id = self.make(at, "/databases", made, maker, &ids)?;
        let first = self.state.content.databases.get(&id).and_then(|made| made.data_sources.first()).copied();
        self.table(at, id, first?, maker);
        for more in self.noted(list(at, "data_sources"))? {
            let read = self.maker(&more, maker);
            let maker = self.noted(read)?;
            let place = json!({"parent": {"database_id": id}});
            let made = self.noted(body(&more, &DATA_SOURCE_KEYS, &place))?;
            if let Some(made) = self.make(&more, "/data_sources", made, maker, &[("id", Marker::DataSource)])
            {
                self.table(&more, id, made, maker);
            }
        }
        self.edits.push((id, Stamp { at: maker.at, by: maker.by }));
        self.trash.extend(in_trash.filter(|trash| *trash).map(|_| id));
        Some(())
    }

    /// Makes a data source's views, and notes its rows for later.
    fn table(&mut self, at: &At<'a>, database: Uuid, source: Uuid, maker: Maker) {
        let place = json!({"database_id": database, "data_source_id": source});
        for view in self.noted(list(at, "views")).unwrap_or_default() {
            if let Some(made) = self.noted(body(&view, &["id"], &place)) {
                self.make(&view, "/views", made, maker, &[("id", Marker::View)]);
            }
        }
        let rows = self.noted(list(at, "rows")).unwrap_or_default();
        self.rows.extend(rows.into_iter().map(|row| (row, source, maker)));
        self.edits.push((source, Stamp { at: maker.at, by: maker.by }));
    }

    /// Who made this and when: what it says, else as what it is in.
    fn maker(&self, at: &At<'_>, above: Maker) -> Result<Maker, Invalid> {
        let by = at.get("created_by").optional(|at| member(at, self.state))?.unwrap_or(above.by);
        let time = at.get("created_time").optional(time)?.unwrap_or(above.at);
        Ok(Maker { by, at: time, ..above })
    }

    /// Makes something under the ids that the file gives; its id.
    fn make(
        &mut self,
        at: &At<'_>,
        path: &str,
        body: Map<String, Value>,
        maker: Maker,
        ids: &[(&str, Marker)],
    ) -> Option<Uuid> {
        let mut wanted = Vec::new();
        for (key, marker) in ids {
            let at = at.get(key);
            if let Some(id) = self.noted(at.clone().optional(At::uuid))? {
                if self.is_taken(id) {
                    return self.noted(Err(at.should("an id that nothing else has")));
                }
                wanted.push((*marker, id));
            }
        }
        self.state.ids.next.clone_from(&wanted);
        let made = self.ask(at, Method::POST, path.to_owned(), body, maker);
        self.state.ids.next.clear();
        uuid_of(made?["id"].as_str()?)
    }

    fn is_taken(&self, id: Uuid) -> bool {
        let content = &self.state.content;
        content.blocks.contains_key(&id)
            || content.data_sources.contains_key(&id)
            || content.views.contains_key(&id)
    }

    /// Asks the API, as the maker and at that time.
    fn ask(
        &mut self,
        at: &At<'_>,
        method: Method,
        path: String,
        body: Map<String, Value>,
        maker: Maker,
    ) -> Option<Value> {
        let caller = Caller {
            bot_id: maker.by,
            bot_name: "Seed".to_owned(),
            workspace_id: maker.workspace,
            workspace_name: String::new(),
            owner: Some(maker.by),
            capabilities: Capabilities::default(),
            access: Access::Workspace,
        };
        let request = api::Request {
            method,
            path,
            query: None,
            version: Some(self.head.version.clone()),
            body: Value::Object(body).to_string().into(),
            form: None,
            origin: String::new(),
        };
        self.state.clock = Clock::Manual(maker.at);
        let reply = api::answer(self.state, Some(&caller), &request);
        if reply.status == 200 {
            return Some(reply.body);
        }
        let message = reply.body["message"].as_str().unwrap_or("it cannot be made");
        self.problems.0.push(format!("{}: {message}", at.path()));
        None
    }
}
