//! What a new text means for the blocks that are there. Blocks whose text is the same stay what they are; a block that
//! was changed keeps its id; the rest comes and goes. Source: that ids survive was measured by users of the API in April
//! 2026; how Notion pairs old with new is a guess.

use std::collections::{HashMap, VecDeque};

use uuid::Uuid;

use super::edit::Place;
use crate::content::block::Body;
use crate::markdown::{Names, Node, What, read, write};

/// How far to look for an old block of the same kind: enough for hand-made edits, and linear for all others.
const LOOK_AHEAD: usize = 64;

/// The new children of a block, in order.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) children: Vec<Child>,
    /// Old children that are in none of the new places, unless another part of the page takes them.
    pub(super) gone: Vec<Uuid>,
}

/// One child to be.
#[derive(Debug)]
pub(super) enum Child {
    /// Nothing changes.
    Keep(Uuid),
    /// The block stays, with another body or other children. Those of a copy of a synced block are its original's.
    Change { id: Uuid, holder: Uuid, body: Option<Body>, below: Plan },
    /// A block from elsewhere, which only its address stands for. `None`: the address was none.
    Take { id: Option<Uuid>, what: What },
    /// A new block.
    Make { body: Body, below: Plan },
}

/// The plan that makes `old` into `new`.
pub(super) fn of(old: &[Node], new: &[Node], names: &dyn Names) -> Plan {
    let pairs = pairs(old, new, names);
    let mut is_left = vec![true; old.len()];
    let mut children = Vec::with_capacity(new.len());
    for (new, pair) in new.iter().zip(pairs) {
        let Some((at, same)) = pair else {
            children.push(made(new));
            continue;
        };
        is_left[at] = false;
        children.push(if same { Child::Keep(id(&old[at])) } else { changed(&old[at], new, names) });
    }
    let gone = old.iter().zip(is_left).filter(|(_, is_left)| *is_left).map(|(old, _)| id(old));
    Plan { children, gone: gone.collect() }
}

/// Blocks that are there have ids.
fn id(node: &Node) -> Uuid {
    node.id.unwrap_or_default()
}

/// The plan that puts `new` at a place among `old`, or below them.
pub(super) fn inserted(old: &[Node], new: &[Node], place: Place) -> Plan {
    let mut children: Vec<Child> = old.iter().map(|node| Child::Keep(id(node))).collect();
    let added = new.iter().map(made);
    let at = match place {
        Place::Start => 0,
        Place::End => children.len(),
        Place::After(after) => match old.iter().position(|node| node.id == Some(after)) {
            Some(at) => at + 1,
            None => {
                let Some(at) = old.iter().position(|node| has_below(node, after)) else {
                    return Plan { children, gone: Vec::new() };
                };
                let is_column = old[at].body() == Some(&Body::ColumnList)
                    && old[at].children.iter().any(|node| node.id == Some(after));
                if !is_column {
                    children[at] = changed_inside(&old[at], new, after);
                    return Plan { children, gone: Vec::new() };
                }
                // Between columns there is no place: after all of them.
                at + 1
            }
        },
    };
    children.splice(at..at, added);
    Plan { children, gone: Vec::new() }
}

/// The block with `new` somewhere below it.
fn changed_inside(old: &Node, new: &[Node], after: Uuid) -> Child {
    let below = inserted(&old.children, new, Place::After(after));
    Child::Change { id: id(old), holder: holder(old), body: None, below }
}

fn has_below(node: &Node, id: Uuid) -> bool {
    node.children.iter().any(|child| child.id == Some(id) || has_below(child, id))
}

/// Whose children the children of this block are.
fn holder(node: &Node) -> Uuid {
    match node.body() {
        Some(Body::SyncedBlock { from: Some(original) }) => *original,
        _ => id(node),
    }
}

fn made(new: &Node) -> Child {
    match &new.what {
        What::Block(Body::SyncedBlock { from: Some(original) }) => {
            // A new copy shows what its original holds, whatever the text says.
            let body = Body::SyncedBlock { from: Some(*original) };
            Child::Make { body, below: Plan::default() }
        }
        What::Block(body) => {
            let children = new.children.iter().map(made).collect();
            Child::Make { body: body.clone(), below: Plan { children, gone: Vec::new() } }
        }
        what => Child::Take { id: new.id, what: what.clone() },
    }
}

fn changed(old: &Node, new: &Node, names: &dyn Names) -> Child {
    let body = match (old.body(), new.body()) {
        (Some(had), Some(body)) if normal(&write::alone(old, names), names) != write::alone(new, names) => {
            Some(with_the_unsaid(body.clone(), had, names))
        }
        _ => None,
    };
    let below = of(&old.children, &new.children, names);
    Child::Change { id: id(old), holder: holder(old), body, below }
}

/// A changed body with what the text cannot say taken over from the one that it replaces.
fn with_the_unsaid(mut new: Body, old: &Body, names: &dyn Names) -> Body {
    let path = |url: &str| url.split('?').next().unwrap_or_default().to_owned();
    match (&mut new, old) {
        (Body::Paragraph { icon, .. }, Body::Paragraph { icon: had, .. }) => icon.clone_from(had),
        (Body::NumberedListItem { start, format, .. }, Body::NumberedListItem { start: had, format: look, .. }) => {
            (*start, *format) = (*had, *look);
        }
        (Body::Code { caption, .. }, Body::Code { caption: had, .. }) => caption.clone_from(had),
        (Body::Column { width_ratio }, Body::Column { width_ratio: had }) => *width_ratio = *had,
        (Body::Media { source, name, .. }, Body::Media { source: had, name: had_name, .. })
            // The signature of an address differs from read to read.
            if path(&names.file_url(source)) == path(&names.file_url(had)) =>
        {
            source.clone_from(had);
            name.clone_from(had_name);
        }
        _ => {}
    }
    new
}

/// For each new block the old one that it is, and whether nothing about it changed.
fn pairs(old: &[Node], new: &[Node], names: &dyn Names) -> Vec<Option<(usize, bool)>> {
    let mut free: Vec<bool> = vec![true; old.len()];
    let mut pairs: Vec<Option<(usize, bool)>> = vec![None; new.len()];
    let old_texts: Vec<String> = old.iter().map(|node| normal(&write::node(node, names), names)).collect();
    let by_id: HashMap<Uuid, usize> = old.iter().enumerate().map(|(at, node)| (id(node), at)).collect();
    let mut by_text: HashMap<&str, VecDeque<usize>> = HashMap::new();
    for (at, text) in old_texts.iter().enumerate() {
        by_text.entry(text).or_default().push_back(at);
    }
    for (node, pair) in new.iter().zip(&mut pairs) {
        let text = write::node(node, names);
        if let Some(at) = node.id.and_then(|id| by_id.get(&id).copied()).filter(|at| free[*at]) {
            free[at] = false;
            *pair = Some((at, old_texts[at] == text || node.body().is_none()));
        } else if let Some(at) = by_text.get_mut(text.as_str()).and_then(|places| next_free(places, &free)) {
            free[at] = false;
            *pair = Some((at, true));
        }
    }
    pair_by_kind(old, new, &mut pairs, &mut free);
    pairs
}

/// A text as it comes back: what is there may be written in ways that are read as something more, such as a bare address.
fn normal(text: &str, names: &dyn Names) -> String {
    write::nodes(&read::nodes(text, names), names).text
}

fn next_free(places: &mut VecDeque<usize>, free: &[bool]) -> Option<usize> {
    while let Some(at) = places.pop_front() {
        if free[at] {
            return Some(at);
        }
    }
    None
}

/// Pairs what is left with an old block of the same kind that comes next in order.
fn pair_by_kind(old: &[Node], new: &[Node], pairs: &mut [Option<(usize, bool)>], free: &mut [bool]) {
    let mut from = 0;
    for (new, pair) in new.iter().zip(pairs) {
        if let Some((at, _)) = pair {
            from = *at + 1;
            continue;
        }
        let Some(kind) = new.body().filter(|_| new.id.is_none()).map(Body::kind) else { continue };
        let mut next = (from..old.len()).take(LOOK_AHEAD).take_while(|at| free[*at]);
        if let Some(at) = next.find(|at| old[*at].body().map(Body::kind) == Some(kind)) {
            free[at] = false;
            *pair = Some((at, false));
            from = at + 1;
        }
    }
}
