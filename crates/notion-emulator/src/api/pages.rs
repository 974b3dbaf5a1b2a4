//! Pages and rows: make, read, change, one property at a time.

pub(crate) mod moving;
mod template;

use serde_json::Value;
use template::Template;
use uuid::Uuid;

use super::blocks::addresses::check_texts;
use super::blocks::fit::fit;
use super::call::{Answer, Call};
use super::check::{At, Faults, Invalid};
use super::failure::Failure;
use super::markdown::NewContent;
use super::read::block::{NESTING_MAX, NewBlock, blocks};
use super::read::file::{cover, icon};
use super::read::schema::find_column;
use super::read::value::{Writer, shape, suits, value, zone_fault};
use crate::content::Place;
use crate::content::block::{Block, Body, Parent};
use crate::content::database::DataSource;
use crate::content::ids::Marker;
use crate::content::page::Page;
use crate::content::property::{Kind, Property, Relation, Stored};
use crate::content::rights::Right;

/// `POST pages`
pub(crate) fn create(call: &mut Call<'_>) -> Answer {
    call.needs_insert()?;
    call.needs_room()?;
    let body = call.body.take();
    let at = At::root("body", body.as_ref());
    let known = [
        "parent",
        "properties",
        "icon",
        "cover",
        "children",
        "content",
        "markdown",
        "template",
        "position",
        "allow_async",
    ];
    at.object()?;
    let key = ["children", "content"].into_iter().find(|key| at.get(key).is_defined());
    let mut faults = Faults::default();
    let hangs_from = faults.some(at.get("parent").optional(named_parent));
    faults.note(at.get("properties").optional(shape::check));
    let mut page = Page {
        icon: faults.note(at.get("icon").optional_nullable(icon)).flatten(),
        cover: faults.note(at.get("cover").optional_nullable(cover)).flatten(),
        ..Page::default()
    };
    let children = faults.note(key.map_or(Ok(Vec::new()), |key| blocks(&at.get(key), NESTING_MAX)));
    faults.note(at.only(&known));
    faults.end()?;
    let parent = parent(call, hangs_from.flatten())?;
    call.check_filter_properties(call.state.content.columns_below(parent))?;
    if let Parent::Page(above) | Parent::DataSource(above) = parent {
        call.may_edit(above, None)?;
        call.needs_depth(above, None)?;
    }
    let place = place(call, &at.get("position"), parent)?;
    let template = Template::read(call, &at.get("template"), parent, None)?;
    if template.is_some() {
        // The template brings the content. The words are a guess.
        for key in ["children", "content", "markdown"] {
            if at.get(key).is_defined() {
                return Err(at.get(key).should("not present").into());
            }
        }
    }
    if let Some(key) = key {
        fit(call, &at.get(key), &Body::ChildPage, &children)?;
    }
    let mut columns = columns_of(call, parent);
    let properties = at.get("properties");
    if properties.is_defined() {
        fill(call, &properties, &mut columns, &mut page)?;
    }
    // Only pages of markdown are made later. Source: Notion, "Retrieve an async task" (read 2026-11-27).
    if at.get("markdown").is_defined() && call.defers(&at, "POST /v1/pages")? {
        return Ok(Value::Null);
    }
    let content = markdown(call, &at, parent, &columns, &mut page)?;
    let id = insert(call, (parent, place), page, columns, children);
    content.plant(call, id);
    answer(call, id, template.as_ref())
}

/// The page as it is before its template is applied.
fn answer(call: &mut Call<'_>, id: Uuid, template: Option<&Template>) -> Answer {
    let shown = call.view().page(id, &call.filter_properties()).ok_or_else(Failure::invalid_request_url);
    if let Some(template) = template {
        template.apply(call, id);
    }
    shown
}

/// What `markdown` says, which stands in place of blocks. Without a title in the properties it brings one.
/// Source: Notion, "Working with markdown content" (read 2026-11-27).
fn markdown(
    call: &Call<'_>,
    at: &At<'_>,
    parent: Parent,
    columns: &[Property],
    page: &mut Page,
) -> Result<NewContent, Failure> {
    let Some(text) = at.get("markdown").optional(At::string)? else { return Ok(NewContent::default()) };
    for other in ["children", "content"] {
        if at.get(other).is_defined() {
            return Err(at.get(other).should("not present").into());
        }
    }
    let title = columns.iter().find(|column| matches!(column.kind, Kind::Title));
    let is_untitled = title.is_some_and(|title| !page.values.contains_key(&title.id));
    let mut content = NewContent::read(call, text, parent, is_untitled)?;
    if let (Some(title), Some(text)) = (title, content.title.take()) {
        page.values.insert(title.id.clone(), Stored::Text(text));
    }
    Ok(content)
}

/// Hangs a new page in the tree.
fn insert(
    call: &mut Call<'_>,
    (parent, place): (Parent, Place),
    mut page: Page,
    columns: Vec<Property>,
    children: Vec<NewBlock>,
) -> Uuid {
    let (id, stamp, workspace) = (call.new_id(Marker::Plain), call.stamp(), call.caller.workspace_id);
    let content = &mut call.state.content;
    if let Parent::DataSource(source) = parent
        && let Some(source) = content.data_sources.get_mut(&source)
    {
        source.properties = columns;
        number(source, &mut page);
    }
    if parent == Parent::Workspace {
        page.private_to = call.caller.owner;
        content.made_by.entry(call.caller.bot_id).or_default().insert(id);
    }
    content.pages.insert(id, page);
    let block = Block {
        id,
        workspace,
        parent,
        created: stamp,
        edited: stamp,
        in_trash: false,
        children: Vec::new(),
        body: Body::ChildPage,
    };
    content.insert(block, place);
    content.keep_in_step(id, None);
    super::blocks::hang(call, Parent::Page(id), children, Place::End);
    id
}

/// Gives a row that has come to a table its number, if the table counts.
fn number(source: &mut DataSource, page: &mut Page) {
    let counts = |column: &&Property| matches!(column.kind, Kind::UniqueId { .. });
    if let Some(column) = source.properties.iter().find(counts) {
        source.last_unique_id += 1;
        page.values.insert(column.id.clone(), Stored::UniqueId(source.last_unique_id));
    }
}

/// Where on the parent page the new page's block goes.
fn place(call: &Call<'_>, at: &At<'_>, parent: Parent) -> Result<Place, Failure> {
    if !at.is_defined() {
        return Ok(Place::End);
    }
    // Rows have no order of their own, and a sidebar none that the API tells of. A guess.
    let Parent::Page(page) = parent else { return Err(at.should("not present").into()) };
    match at.get("type").one_of(&["after_block", "page_start", "page_end"])? {
        "page_start" => Ok(Place::Start),
        "page_end" => Ok(Place::End),
        _ => {
            let id = at.get("after_block").get("id").uuid()?;
            let sibling = call.block(id)?.parent == Parent::Page(page);
            if sibling { Ok(Place::After(id)) } else { Err(Failure::not_found("block", id, call.caller)) }
        }
    }
}

/// What a request says that a new page is to hang from: the kind, in Notion's order, and the id.
fn named_parent(at: &At<'_>) -> Result<(&'static str, Uuid), Invalid> {
    at.alternative(&["page_id", "database_id", "data_source_id", "workspace"], |kind, at| {
        Ok((kind, if kind == "workspace" { at.boolean().map(|_| Uuid::nil())? } else { at.uuid()? }))
    })
}

/// What the new page is to hang from; without a word, the private section of whoever authorized the integration.
/// Source: Notion, "Create a page" (read 2026-11-27).
fn parent(call: &Call<'_>, named: Option<(&'static str, Uuid)>) -> Result<Parent, Failure> {
    match named {
        Some(("page_id", id)) => Ok(Parent::Page(call.page(id)?)),
        Some(("data_source_id", id)) => Ok(Parent::DataSource(call.data_source(id)?)),
        Some(("database_id", id)) => Ok(Parent::DataSource(call.only_data_source(call.database(id)?)?)),
        _ => match call.caller.owner {
            Some(_) => Ok(Parent::Workspace),
            None => Err(Failure::validation(
                "Internal integrations aren't owned by a single user, so creating workspace-level private pages is not supported.",
            )),
        },
    }
}

/// The columns that a page below `parent` has.
fn columns_of(call: &Call<'_>, parent: Parent) -> Vec<Property> {
    call.state.content.columns_below(parent).to_vec()
}

/// Reads the properties that a request sets into `page`; columns may grow choices on the way.
fn fill(call: &mut Call<'_>, at: &At<'_>, columns: &mut [Property], page: &mut Page) -> Result<(), Failure> {
    let entries = at.entries()?;
    let found = |columns: &[Property], key: &str| {
        let found = find_column(columns, key).filter(|column| call.view().shows(column, columns));
        found.map(|column| column.id.clone())
    };
    let ids: Vec<Option<String>> = entries.iter().map(|(key, _)| found(columns, key)).collect();
    let told = entries.iter().zip(&ids).filter_map(|((key, at), id)| {
        let column = columns.iter().find(|column| Some(&column.id) == id.as_ref());
        misfit(key, at, column)
    });
    let told: Vec<String> = told.collect();
    if !told.is_empty() {
        return Err(Failure::validation(told.join(" ")));
    }
    for ((_, at), id) in entries.into_iter().zip(ids) {
        let Some(column) = columns.iter_mut().find(|column| Some(&column.id) == id.as_ref()) else {
            continue;
        };
        let (by, now) = (call.caller.bot_id, call.now());
        let mut writer = Writer { ids: &mut call.state.ids, by, now };
        let mut new = value(&at, column, &mut writer)?;
        if let Kind::Relation(relation) = &column.kind {
            new = Some(Stored::Relation(relate(call, relation, page.values.get(&column.id), new)?));
        }
        if let Some(Stored::Text(text)) = &new {
            check_texts([text.as_slice()])?;
        }
        match new {
            Some(stored) => {
                page.values.insert(column.id.clone(), stored);
            }
            None => {
                page.values.remove(&column.id);
            }
        }
    }
    Ok(())
}

/// Why a value cannot be in its column. Source: refusals that users quote: one sentence for each value, in their order.
fn misfit(key: &str, at: &At<'_>, column: Option<&Property>) -> Option<String> {
    let Some(column) = column else { return Some(format!("{key} is not a property that exists.")) };
    if !suits(at, &column.kind) {
        return Some(format!("{} is expected to be {}.", column.name, column.kind.name()));
    }
    matches!(column.kind, Kind::Date).then(|| zone_fault(at, column)).flatten()
}

/// What a relation links to from now on. The rows must be there, in the data source that it leads to. A two-way relation
/// changes them too, so the person must be allowed to; links that are kept from the person stay. Both are guesses.
fn relate(
    call: &Call<'_>,
    relation: &Relation,
    old: Option<&Stored>,
    new: Option<Stored>,
) -> Result<Vec<Uuid>, Failure> {
    let links = |stored| match stored {
        Some(Stored::Relation(ids)) => ids,
        _ => Vec::new(),
    };
    let (old, mut new): (Vec<Uuid>, Vec<Uuid>) = (links(old.cloned()), links(new));
    for id in &new {
        let block = call.state.content.blocks.get(id);
        let there = block.is_some_and(|block| block.parent == Parent::DataSource(relation.data_source));
        if !there || !call.reaches(*id) {
            return Err(Failure::not_found("page", *id, call.caller));
        }
    }
    let view = call.view();
    new.extend(old.iter().filter(|id| !view.sees(**id)));
    let changed = new.iter().filter(|id| !old.contains(id)).chain(old.iter().filter(|id| !new.contains(id)));
    let may = |id: &Uuid| view.has_right(*id, Right::Edit);
    if relation.synced.is_some() && !changed.into_iter().all(may) {
        return Err(Failure::restricted());
    }
    Ok(new)
}

/// `GET pages/{page_id}`
pub(crate) fn retrieve(call: &Call<'_>, id: &str) -> Answer {
    call.needs_read()?;
    let id = call.page(call.path_id("page_id", id)?)?;
    call.check_filter_properties(call.state.content.columns_below(call.block(id)?.parent))?;
    call.view().page(id, &call.filter_properties()).ok_or_else(Failure::invalid_request_url)
}

/// `PATCH pages/{page_id}`
pub(crate) fn update(call: &mut Call<'_>, id: &str) -> Answer {
    call.needs_update()?;
    let id = call.page(call.path_id("page_id", id)?)?;
    let body = call.body.take();
    let at = At::root("body", body.as_ref());
    at.object()?;
    let mut faults = Faults::default();
    faults.note(at.get("properties").optional(shape::check));
    let new_icon = faults.note(at.get("icon").optional_nullable(icon));
    let new_cover = faults.note(at.get("cover").optional_nullable(cover));
    let flags = ["is_locked", "is_archived", "erase_content"];
    let [is_locked, is_archived, erase] = flags.map(|key| faults.note(at.get(key).optional(At::boolean)));
    let known = ["properties", "icon", "cover", "in_trash", "archived", "is_locked", "is_archived"];
    let known: Vec<&str> = known.into_iter().chain(["template", "erase_content"]).collect();
    faults.note(at.only(&known));
    faults.end()?;
    let parent = call.block(id)?.parent;
    call.check_filter_properties(call.state.content.columns_below(parent))?;
    let in_trash = call.trash_flag(&at)?;
    call.may_edit(id, in_trash)?;
    let template = Template::read(call, &at.get("template"), parent, Some(id))?;
    let mut page = call.state.content.pages.get(&id).cloned().unwrap_or_default();
    page.icon = new_icon.unwrap_or(page.icon);
    page.cover = new_cover.unwrap_or(page.cover);
    page.is_locked = is_locked.unwrap_or(page.is_locked);
    page.is_archived = is_archived.unwrap_or(page.is_archived);
    let mut columns = columns_of(call, parent);
    let properties = at.get("properties");
    if properties.is_defined() {
        fill(call, &properties, &mut columns, &mut page)?;
    }
    let stamp = call.stamp();
    let content = &mut call.state.content;
    if let Parent::DataSource(source) = parent
        && let Some(source) = content.data_sources.get_mut(&source)
    {
        source.properties = columns;
    }
    let before = content.pages.insert(id, page);
    content.keep_in_step(id, before.as_ref());
    if let (Some(in_trash), Some(block)) = (in_trash, content.blocks.get_mut(&id)) {
        block.in_trash = in_trash;
    }
    if erase == Some(true) {
        content.erase(id);
    }
    content.touch(id, stamp);
    answer(call, id, template.as_ref())
}
