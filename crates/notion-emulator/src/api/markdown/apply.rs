//! A plan on its way into the content: first whether it may be, then done.

use std::collections::HashSet;

use uuid::Uuid;

use super::super::blocks::addresses::check_texts;
use super::super::call::Call;
use super::super::failure::Failure;
use super::super::show::View;
use super::plan::{Child, Plan};
use crate::content::block::{Block, Body, Parent};
use crate::content::ids::Marker;
use crate::content::rich_text::RichText;
use crate::content::{Content, Place};
use crate::markdown::{BLOCKS_MAX, What};

/// Refuses a plan that names what is not there, is too large, or deletes pages and databases without leave.
///
/// `above` is the page, or what it will hang from: what is there cannot be hung below itself.
pub(super) fn check(
    call: &Call<'_>,
    above: Option<Uuid>,
    plan: &Plan,
    allows_deleting: bool,
) -> Result<(), Failure> {
    let mut wanted = Wanted::default();
    wanted.collect(plan);
    if wanted.made > 0 {
        call.needs_room()?;
    }
    if wanted.made > BLOCKS_MAX {
        // Whether Notion has this limit for writing too is not known.
        return Err(Failure::validation(format!("The markdown holds more than {BLOCKS_MAX} blocks.")));
    }
    if let Some(above) = above {
        call.needs_depth(above, None)?;
    }
    for (id, what) in &wanted.taken {
        can_take(call, above, *id, what)?;
    }
    // That Notion says the same of links in markdown as of links in blocks is a guess.
    check_texts(wanted.texts)?;
    if allows_deleting {
        return Ok(());
    }
    let taken: HashSet<Uuid> = wanted.taken.iter().filter_map(|(id, _)| *id).collect();
    let lost = protected(&call.state.content, &wanted.gone, &taken);
    if lost.is_empty() { Ok(()) } else { Err(refusal(&call.view(), &lost)) }
}

/// All that a plan asks for.
#[derive(Default)]
struct Wanted<'a> {
    made: usize,
    taken: Vec<(Option<Uuid>, &'a What)>,
    gone: Vec<Uuid>,
    /// What is written anew.
    texts: Vec<&'a [RichText]>,
}

impl<'a> Wanted<'a> {
    fn collect(&mut self, plan: &'a Plan) {
        self.gone.extend(&plan.gone);
        for child in &plan.children {
            match child {
                Child::Keep(_) => {}
                Child::Change { body, below, .. } => {
                    self.texts.extend(body.iter().flat_map(Body::texts));
                    self.collect(below);
                }
                Child::Take { id, what } => self.taken.push((*id, what)),
                Child::Make { body, below } => {
                    self.made += 1;
                    self.texts.extend(body.texts());
                    self.collect(below);
                }
            }
        }
    }
}

/// Whether a block from elsewhere can be hung in this page. Pages and databases can come from anywhere within reach, other
/// blocks only from the page itself. The words are those that users of the API quote, May 2026.
fn can_take(call: &Call<'_>, page: Option<Uuid>, id: Option<Uuid>, what: &What) -> Result<(), Failure> {
    let failed = || Failure::validation("Failed to parse markdown content: Failed to create block");
    if matches!(what, What::Meeting { .. } | What::Section(_)) {
        return Err(Failure::not_implemented_part("meeting notes that markdown makes or changes"));
    }
    let content = &call.state.content;
    let id = id.filter(|id| call.reaches(*id)).ok_or_else(failed)?;
    let block = content.blocks.get(&id).filter(|block| !block.in_trash).ok_or_else(failed)?;
    let fits = match what {
        What::Page { .. } => content.pages.contains_key(&id),
        What::Database { .. } => content.databases.contains_key(&id),
        _ => content.upwards(id).skip(1).any(|above| Some(above) == page),
    };
    if let Parent::DataSource(_) = block.parent {
        return Err(Failure::not_implemented_part("rows that markdown takes out of their data source"));
    }
    let is_above = page.is_some_and(|page| content.upwards(page).any(|above| above == id));
    if !fits || is_above {
        return Err(failed());
    }
    page.map_or(Ok(()), |page| call.needs_depth(page, Some(id)))
}

/// The pages and databases that go with these blocks, in the order of the page.
fn protected(content: &Content, gone: &[Uuid], taken: &HashSet<Uuid>) -> Vec<Uuid> {
    let mut found = Vec::new();
    let mut open: Vec<Uuid> = gone.iter().rev().copied().collect();
    while let Some(id) = open.pop() {
        let Some(block) = content.blocks.get(&id).filter(|block| !block.in_trash && !taken.contains(&id))
        else {
            continue;
        };
        if matches!(block.body, Body::ChildPage | Body::ChildDatabase) {
            found.push(id);
        } else {
            open.extend(block.children.iter().rev());
        }
    }
    found
}

/// Source: an answer quoted in a public issue tracker, May 2026.
fn refusal(view: &View<'_>, lost: &[Uuid]) -> Failure {
    let line = |id: &Uuid| {
        let kind = if view.content.pages.contains_key(id) { "page" } else { "database" };
        format!("- {kind}: \"{}\" (id: {id})\n", view.title(*id))
    };
    let lines: String = lost.iter().map(line).collect();
    Failure::validation(format!(
        "This operation would delete {} child page(s) or database(s):\n{lines}\nTo proceed, either:\n1. Include these items \
         in new_str using <page url=\"...\"> or <database url=\"...\"> tags, OR\n2. Set allow_deleting_content: true to \
         confirm deletion.",
        lost.len()
    ))
}

/// Does what a plan says.
pub(super) fn apply(call: &mut Call<'_>, page: Uuid, plan: Plan) {
    hang(call, page, plan);
    let stamp = call.stamp();
    call.state.content.touch(page, stamp);
}

/// Gives a block its new children.
fn hang(call: &mut Call<'_>, holder: Uuid, plan: Plan) {
    let stamp = call.stamp();
    let is_page = call.state.content.is_page(holder);
    let parent = if is_page { Parent::Page(holder) } else { Parent::Block(holder) };
    let mut order = Vec::with_capacity(plan.children.len());
    for child in plan.children {
        order.push(match child {
            Child::Keep(id) => id,
            Child::Change { id, holder, body, below } => {
                if let (Some(body), Some(block)) = (body, call.state.content.blocks.get_mut(&id)) {
                    block.body = body;
                    block.edited = stamp;
                }
                hang(call, holder, below);
                id
            }
            Child::Take { id, .. } => {
                let Some(id) = id else { continue };
                call.state.content.detach(id);
                if let Some(block) = call.state.content.blocks.get_mut(&id) {
                    block.parent = parent;
                    block.edited = stamp;
                    // An inner list, done before this one, may have counted it among what is gone.
                    block.in_trash = false;
                }
                id
            }
            Child::Make { body, below } => {
                let id = call.new_id(Marker::Plain);
                make(call, id, parent, body);
                hang(call, id, below);
                id
            }
        });
    }
    for id in plan.gone {
        // What another part of the page took is not gone.
        if let Some(block) = call.state.content.blocks.get_mut(&id).filter(|block| block.parent == parent) {
            block.in_trash = true;
            block.edited = stamp;
        }
    }
    call.state.content.order_children(holder, &order);
}

fn make(call: &mut Call<'_>, id: Uuid, parent: Parent, body: Body) {
    let (workspace, stamp) = (call.caller.workspace_id, call.stamp());
    let (children, in_trash) = (Vec::new(), false);
    let block = Block { id, workspace, parent, created: stamp, edited: stamp, in_trash, children, body };
    call.state.content.insert(block, Place::End);
}
