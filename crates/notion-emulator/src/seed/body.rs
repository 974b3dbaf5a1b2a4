//! Takes a thing of a seed file apart: what belongs into the body of Notion's request, and what is the file's own. Blocks
//! may have ids, which Notion's bodies do not know: they are taken out, and given to the blocks when those are there.

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::api::check::{At, Invalid};
use crate::api::read::LIST_MAX;
use crate::content::Content;

/// How deep blocks lie in a body, at most: far more than Notion takes.
const NESTING_MAX: usize = 10;

/// The body without the file's own keys, with those of `place`, which say what it belongs to.
pub(super) fn body(at: &At<'_>, own: &[&str], place: &Value) -> Result<Map<String, Value>, Invalid> {
    let mut body = at.object()?.clone();
    body.retain(|key, _| !own.contains(&key.as_str()));
    for (key, value) in place.as_object().into_iter().flatten() {
        if body.contains_key(key) {
            return Err(at.get(key).should("not present: the place in the file says it"));
        }
        body.insert(key.clone(), value.clone());
    }
    Ok(body)
}

/// The blocks of a page, without their ids.
pub(super) struct Blocks<'a> {
    at: At<'a>,
    json: Vec<Value>,
    /// Where in the tree of blocks which id goes.
    ids: Vec<(Vec<usize>, Uuid)>,
}

impl<'a> Blocks<'a> {
    pub(super) fn read(at: &At<'a>) -> Result<Self, Invalid> {
        let mut json = match at.raw() {
            None => Vec::new(),
            Some(Value::Array(blocks)) => blocks.clone(),
            Some(_) => return Err(at.should("an array")),
        };
        let mut ids = Vec::new();
        take_ids(at, &mut json, &mut Vec::new(), &mut ids)?;
        Ok(Self { at: at.clone(), json, ids })
    }

    /// The blocks in portions that a request may bring.
    pub(super) fn chunks(&self) -> impl Iterator<Item = Value> + use<> {
        let chunks: Vec<Value> = self.json.chunks(LIST_MAX).map(|chunk| chunk.to_vec().into()).collect();
        chunks.into_iter()
    }

    /// Gives the ids to the blocks below `page`, which has just been made from these.
    pub(super) fn name(&self, page: Uuid, content: &mut Content) -> Result<(), Invalid> {
        for (places, id) in &self.ids {
            let mut found = Some(page);
            for place in places {
                found = found.and_then(|id| content.blocks.get(&id)?.children.get(*place).copied());
            }
            if !found.is_some_and(|found| content.rename_block(found, *id)) {
                return Err(self.at.should(&format!("a list of blocks in which {id} is given once")));
            }
        }
        Ok(())
    }
}

/// Takes the ids out of blocks and, level by level, of their children.
fn take_ids(
    at: &At<'_>,
    blocks: &mut [Value],
    places: &mut Vec<usize>,
    found: &mut Vec<(Vec<usize>, Uuid)>,
) -> Result<(), Invalid> {
    if places.len() >= NESTING_MAX {
        return Err(at.should("a list of blocks that are not nested so deep"));
    }
    for (place, block) in blocks.iter_mut().enumerate() {
        let Some(block) = block.as_object_mut() else { continue };
        places.push(place);
        for value in block.values_mut() {
            if let Some(Value::Array(children)) = value.get_mut("children") {
                take_ids(at, children, places, found)?;
            }
        }
        if let Some(id) = block.shift_remove("id") {
            let path = format!("{}[…{place}].id", at.path());
            found.push((places.clone(), At::root(&path, Some(&id)).uuid()?));
        }
        places.pop();
    }
    Ok(())
}
