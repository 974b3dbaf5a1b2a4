//! Random sequences of calls, after which everything must still fit together: the tree, what is shared, both sides of a
//! relation, counts and cursors, views, and a snapshot that is loaded back. A failing sequence is made as short as it
//! goes. `PROPTEST_CASES` says how many are tried; `cargo xtask long` tries many.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap, HashSet};

use notion_emulator::Options;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::support::{Notion, notion, notion_from, text};

/// Sequences in a usual test run.
const CASES: u32 = 12;

/// Calls in a sequence: enough for things that were made to be moved, trashed and taken back.
const CALLS_MAX: usize = 60;

/// How often each kind of call must succeed in a run of the usual length: refusals alone would prove nothing.
const SUCCESSES_MIN: u32 = 1;

/// Every kind of [`Act`], by name.
const KINDS: [&str; 10] =
    ["Page", "Row", "Append", "Move", "Trash", "Restore", "Edit", "Relate", "View", "DropView"];

/// The page beside the shared one, which nobody picks.
const BESIDE: &str = "Reading list";

/// One call. An index picks among what was made so far.
#[derive(Debug, Clone)]
enum Act {
    Page(Index),
    Row(bool),
    Append { below: Index, nested: bool, after: Option<Index> },
    Move(Index, Index),
    Trash(Index),
    Restore(Index),
    Edit(Index, String),
    Relate { tasks: bool, row: Index, to: Vec<Index> },
    View(bool),
    DropView(bool, Index),
}

/// The name of an act's kind.
fn kind(act: &Act) -> String {
    format!("{act:?}").chars().take_while(char::is_ascii_alphabetic).collect()
}

fn act() -> impl Strategy<Value = Act> {
    let index = any::<Index>;
    prop_oneof![
        2 => index().prop_map(Act::Page),
        3 => any::<bool>().prop_map(Act::Row),
        4 => (index(), any::<bool>(), proptest::option::of(index()))
            .prop_map(|(below, nested, after)| Act::Append { below, nested, after }),
        4 => (index(), index()).prop_map(|(what, to)| Act::Move(what, to)),
        3 => index().prop_map(Act::Trash),
        3 => index().prop_map(Act::Restore),
        2 => (index(), "[a-z]{0,4}").prop_map(|(what, text)| Act::Edit(what, text)),
        4 => (any::<bool>(), index(), vec(index(), 0..4))
            .prop_map(|(tasks, row, to)| Act::Relate { tasks, row, to }),
        3 => any::<bool>().prop_map(Act::View),
        3 => (any::<bool>(), index()).prop_map(|(tasks, view)| Act::DropView(tasks, view)),
    ]
}

/// A table, its database, the column that leads to the other table, and its rows.
struct Table {
    database: String,
    source: String,
    column: &'static str,
    rows: Vec<String>,
}

/// What there is to call about.
struct World {
    n: Notion,
    /// Reaches the workspace.
    internal: String,
    /// Reaches the root page and what is below it.
    user: String,
    /// The pages that stay: below the shared page, and below another.
    homes: [String; 2],
    /// Projects and tasks, with a relation both ways.
    tables: [Table; 2],
    /// Pages that are no rows.
    pages: Vec<String>,
    blocks: Vec<String>,
    /// Calls that succeeded so far.
    successes: Cell<u32>,
}

fn title(text: &str) -> Value {
    json!({"title": [{"text": {"content": text}}]})
}

fn paragraph(text: &str) -> Value {
    json!({"paragraph": {"rich_text": [{"text": {"content": text}}]}})
}

/// The ids of a list's results.
fn ids(list: &Value) -> Vec<String> {
    list["results"].as_array().expect("results").iter().map(|result| text(result, "id")).collect()
}

impl World {
    async fn new() -> Self {
        let n = notion().await;
        let (database, source) = n.database("Projects", json!({})).await;
        let projects = Table { database, source, column: "Tasks", rows: Vec::new() };
        let dual = json!({"synced_property_name": "Tasks"});
        let relation = json!({"relation": {"data_source_id": projects.source, "dual_property": dual}});
        let (database, source) = n.database("Tasks", json!({"Project": relation})).await;
        let tasks = Table { database, source, column: "Project", rows: Vec::new() };
        let beside = n.ok("POST", "search", Some(json!({"query": BESIDE}))).await;
        let mut homes = Vec::new();
        for parent in [n.running.emulator.root_page_id(), text(&beside["results"][0], "id")] {
            let body = json!({"parent": {"page_id": parent}, "properties": {"title": title("Home")}});
            homes.push(text(&n.ok("POST", "pages", Some(body)).await, "id"));
        }
        let homes = homes.try_into().expect("two homes");
        let (internal, user) = (n.running.emulator.internal_token(), text(&n.pair().await, "access_token"));
        Self {
            n,
            internal,
            user,
            homes,
            tables: [projects, tasks],
            pages: Vec::new(),
            blocks: Vec::new(),
            successes: Cell::new(0),
        }
    }

    /// A call that may be refused, but never goes wrong. Its answer, if it succeeded.
    async fn attempt(&self, method: &str, path: &str, body: Value) -> Option<Value> {
        let reply = self.n.call(&self.internal, method, path, Some(body)).await;
        let status = reply.status.as_u16();
        assert!(matches!(status, 200 | 400 | 404), "{method} {path}: {status} {}", reply.text());
        (status == 200).then(|| {
            self.successes.set(self.successes.get() + 1);
            reply.json()
        })
    }

    /// Plays an act; whether its call succeeded.
    async fn succeeds(&mut self, act: &Act) -> bool {
        let before = self.successes.get();
        self.play(act).await;
        self.successes.get() > before
    }

    /// Everything that can be moved, trashed, edited.
    fn things(&self) -> Vec<String> {
        let rows = self.tables.iter().flat_map(|table| &table.rows);
        self.pages.iter().chain(&self.blocks).chain(rows).cloned().collect()
    }

    /// What pages and blocks can be below.
    fn holders(&self) -> Vec<String> {
        self.homes.iter().cloned().chain(self.things()).collect()
    }

    async fn play(&mut self, act: &Act) {
        let things = self.things();
        let some = |index: &Index| (!things.is_empty()).then(|| index.get(&things).clone());
        match act {
            Act::Page(below) => {
                let parent = below.get(&self.holders()).clone();
                let body = json!({"parent": {"page_id": parent}, "properties": {"title": title("Page")}});
                let made = self.attempt("POST", "pages", body).await;
                self.pages.extend(made.map(|page| text(&page, "id")));
            }
            Act::Row(tasks) => {
                let source = &self.tables[usize::from(*tasks)].source;
                let body =
                    json!({"parent": {"data_source_id": source}, "properties": {"Name": title("Row")}});
                let made = self.attempt("POST", "pages", body).await;
                self.tables[usize::from(*tasks)].rows.extend(made.map(|page| text(&page, "id")));
            }
            Act::Append { below, nested, after } => self.append(below, *nested, after.as_ref()).await,
            Act::Move(what, to) => {
                // Blocks cannot be moved.
                let movable: Vec<String> =
                    things.iter().filter(|thing| !self.blocks.contains(thing)).cloned().collect();
                if movable.is_empty() {
                    return;
                }
                let what = what.get(&movable).clone();
                let body = json!({"parent": {"type": "page_id", "page_id": to.get(&self.holders())}});
                if self.attempt("POST", &format!("pages/{what}/move"), body).await.is_some() {
                    // A row that leaves its table is a page like others.
                    for table in &mut self.tables {
                        table.rows.retain(|row| *row != what);
                    }
                    if !self.pages.contains(&what) {
                        self.pages.push(what);
                    }
                }
            }
            Act::Trash(what) => {
                let Some(what) = some(what) else { return };
                self.attempt("DELETE", &format!("blocks/{what}"), Value::Null).await;
            }
            Act::Restore(what) => {
                let Some(what) = some(what) else { return };
                self.attempt("PATCH", &format!("blocks/{what}"), json!({"in_trash": false})).await;
            }
            Act::Edit(what, text) => {
                let Some(what) = some(what) else { return };
                if self.blocks.contains(&what) {
                    self.attempt("PATCH", &format!("blocks/{what}"), paragraph(text)).await;
                } else {
                    let body = json!({"properties": {"title": title(text)}});
                    self.attempt("PATCH", &format!("pages/{what}"), body).await;
                }
            }
            Act::Relate { tasks, row, to } => self.relate(usize::from(*tasks), row, to).await,
            Act::View(tasks) => {
                let table = &self.tables[usize::from(*tasks)];
                let body = json!({"database_id": table.database, "data_source_id": table.source, "name": "View", "type": "list"});
                self.attempt("POST", "views", body).await;
            }
            Act::DropView(tasks, which) => {
                let views = self.views(&self.tables[usize::from(*tasks)]).await;
                let path = format!("views/{}", which.get(&views));
                self.attempt("DELETE", &path, Value::Null).await;
            }
        }
    }

    async fn append(&mut self, below: &Index, nested: bool, after: Option<&Index>) {
        let below = below.get(&self.holders()).clone();
        let mut block = paragraph("Block");
        if nested {
            block["paragraph"]["children"] = json!([paragraph("Inner"), paragraph("Inner")]);
        }
        let mut body = json!({"children": [block, paragraph("Next")]});
        if let Some(after) = after.filter(|_| !self.blocks.is_empty()) {
            body["after"] = after.get(&self.blocks).as_str().into();
        }
        let Some(made) = self.attempt("PATCH", &format!("blocks/{below}/children"), body).await else {
            return;
        };
        for id in ids(&made) {
            let inner = self.n.ok("GET", &format!("blocks/{id}/children"), None).await;
            self.blocks.extend(ids(&inner));
            self.blocks.push(id);
        }
    }

    async fn relate(&self, side: usize, row: &Index, to: &[Index]) {
        let (table, other) = (&self.tables[side], &self.tables[1 - side]);
        if table.rows.is_empty() || other.rows.is_empty() {
            return;
        }
        let to: HashSet<&String> = to.iter().map(|index| index.get(&other.rows)).collect();
        let to: Vec<Value> = to.iter().map(|id| json!({"id": id})).collect();
        let body = json!({"properties": {table.column: {"relation": to}}});
        self.attempt("PATCH", &format!("pages/{}", row.get(&table.rows)), body).await;
    }

    async fn views(&self, table: &Table) -> Vec<String> {
        ids(&self.n.ok("GET", &format!("views?database_id={}", table.database), None).await)
    }

    async fn block(&self, id: &str) -> Value {
        self.n.ok("GET", &format!("blocks/{id}"), None).await
    }

    /// All results of a list, which are the same page by page and at once.
    async fn all(&self, method: &str, path: &str) -> Vec<Value> {
        let get = async |size: usize, cursor: &Value| {
            let mut asked = json!({"page_size": size});
            if !cursor.is_null() {
                asked["start_cursor"] = cursor.clone();
            }
            if method == "POST" {
                return self.n.ok("POST", path, Some(asked)).await;
            }
            let cursor = cursor.as_str().map(|cursor| format!("&start_cursor={cursor}")).unwrap_or_default();
            self.n.ok("GET", &format!("{path}?page_size={size}{cursor}"), None).await
        };
        let (mut found, mut cursor) = (Vec::new(), Value::Null);
        loop {
            let list = get(2, &cursor).await;
            found.extend(list["results"].as_array().expect("results").clone());
            cursor = list["next_cursor"].clone();
            assert_eq!(list["has_more"] == json!(true), cursor.is_string(), "{path}");
            if cursor.is_null() {
                break;
            }
        }
        let at_once = get(100, &Value::Null).await["results"].clone();
        assert_eq!(Value::from(found.clone()), at_once, "{path}: pages skip or repeat");
        found
    }

    /// Walks everything below the homes and in the tables: each thing once, with the parent that it is listed by.
    async fn walk(&self) -> HashMap<String, Value> {
        let mut seen = HashMap::new();
        let mut open: Vec<String> = self.homes.to_vec();
        for table in &self.tables {
            for row in self.all("POST", &format!("data_sources/{}/query", table.source)).await {
                assert_eq!(row["parent"]["data_source_id"], table.source.as_str(), "{row}");
                assert_eq!(row["in_trash"], false, "a query shows no trash: {row}");
                let id = text(&row, "id");
                assert!(seen.insert(id.clone(), row["parent"].clone()).is_none(), "{id} is there twice");
                open.push(id);
            }
        }
        while let Some(id) = open.pop() {
            let children = self.all("GET", &format!("blocks/{id}/children")).await;
            assert_eq!(self.block(&id).await["has_children"] == json!(true), !children.is_empty(), "{id}");
            for child in children {
                let parent = &child["parent"];
                let key = text(parent, "type");
                assert_eq!(parent[&key], id.as_str(), "{child} is listed by {id}");
                assert_eq!(child["in_trash"], false, "{child} is listed by {id}");
                let child_id = text(&child, "id");
                assert!(seen.insert(child_id.clone(), parent.clone()).is_none(), "{child_id} is there twice");
                open.push(child_id);
            }
        }
        seen
    }

    async fn check(&self) {
        let seen = self.walk().await;
        for id in self.things() {
            let block = self.block(&id).await;
            let in_trash = block["in_trash"] == json!(true);
            assert_eq!(
                seen.contains_key(&id),
                !in_trash,
                "what is not in the trash is in its place: {block}"
            );
            let reply = self.n.call(&self.user, "GET", &format!("blocks/{id}"), None).await;
            assert_eq!(reply.status == 200, self.is_shared(&id).await, "{id}: {}", reply.text());
        }
        self.check_relations(&seen).await;
        for table in &self.tables {
            let views = self.views(table).await;
            assert!(!views.is_empty(), "a database always has a view");
            for id in views {
                let view = self.n.ok("GET", &format!("views/{id}"), None).await;
                assert_eq!(view["parent"]["database_id"], table.database.as_str());
            }
        }
        self.check_snapshot().await;
    }

    /// Whether something above, or the thing itself, is the page that the person picked.
    async fn is_shared(&self, id: &str) -> bool {
        let (root, mut at) = (self.n.running.emulator.root_page_id(), id.to_owned());
        while at != root {
            let parent = self.block(&at).await["parent"].clone();
            let Some(above) =
                ["page_id", "block_id", "database_id"].iter().find_map(|key| parent[key].as_str())
            else {
                return false;
            };
            above.clone_into(&mut at);
        }
        true
    }

    /// Where one side of a relation names the other, the other names the one; the trash aside.
    async fn check_relations(&self, seen: &HashMap<String, Value>) {
        let mut links: [HashSet<(String, String)>; 2] = Default::default();
        for (side, table) in self.tables.iter().enumerate() {
            for row in table.rows.iter().filter(|row| seen.contains_key(*row)) {
                let page = self.n.ok("GET", &format!("pages/{row}"), None).await;
                for to in page["properties"][table.column]["relation"].as_array().expect("a relation") {
                    let to = text(to, "id");
                    if seen.contains_key(&to) {
                        let (project, task) = if side == 0 { (row.clone(), to) } else { (to, row.clone()) };
                        assert!(links[side].insert((project, task)), "{row} names a row twice");
                    }
                }
            }
        }
        assert_eq!(links[0], links[1], "the two sides of the relation differ");
    }

    /// An emulator that starts from a snapshot of this one answers as it does.
    async fn check_snapshot(&self) {
        let other = notion_from(Options::default()).await;
        other.running.emulator.load(&self.n.running.emulator.snapshot()).expect("the snapshot loads");
        for id in self.holders() {
            for path in [format!("blocks/{id}"), format!("blocks/{id}/children"), format!("pages/{id}")] {
                let [here, there] = [&self.n, &other].map(|n| n.call(&self.user, "GET", &path, None));
                let strip = |reply: crate::support::Reply| {
                    let mut body = reply.json();
                    body.as_object_mut().expect("an object").remove("request_id");
                    body
                };
                assert_eq!(strip(here.await), strip(there.await), "{path}");
            }
        }
    }
}

fn config() -> ProptestConfig {
    let usual = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    // What the environment says is in the defaults already.
    if std::env::var_os("PROPTEST_CASES").is_some() {
        usual
    } else {
        ProptestConfig { cases: CASES, ..usual }
    }
}

#[test]
fn no_sequence_of_calls_tears_the_world_apart() {
    let config = config();
    let is_usual = config.cases >= CASES;
    let succeeded = RefCell::new(BTreeMap::from(KINDS.map(|kind| (kind.to_owned(), 0))));
    let mut runner = TestRunner::new(config);
    let outcome = runner.run(&vec(act(), 1..CALLS_MAX), |acts| {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let mut world = World::new().await;
            for act in &acts {
                if world.succeeds(act).await {
                    *succeeded.borrow_mut().get_mut(&kind(act)).expect("KINDS has them all") += 1;
                }
            }
            world.check().await;
        });
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}\n{runner}");
    }
    let succeeded = succeeded.into_inner();
    let too_few = succeeded.values().any(|count| *count < SUCCESSES_MIN);
    assert!(!(is_usual && too_few), "calls that succeeded: {succeeded:?}");
}
