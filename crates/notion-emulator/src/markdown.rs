//! Notion's "enhanced markdown": blocks to text and text to blocks, as pure functions over a tree of [`Node`]s. The room
//! knows nothing of tokens, versions or JSON; what it has to ask others for (names, addresses of files) it asks through
//! [`Names`]. Reading never fails: what is no markup is text.
//! Source: Notion, "Enhanced markdown format" and "Working with markdown content" (read 2026-11-27); where those are
//! silent, what users of the API quote from real answers.

pub(crate) mod address;
pub(crate) mod read;
mod tag;
pub(crate) mod tree;
pub(crate) mod write;

#[cfg(test)]
mod properties;

use uuid::Uuid;

use crate::content::block::{Body, Text};
use crate::content::file::FileSource;
use crate::content::rich_text::{COLORS, RichText};

/// How deep blocks nest in the text, in levels. Notion has no such limit that is known; here it bounds the recursion of
/// the writer, and what is deeper is told of as not loaded.
pub(crate) const DEPTH_MAX: usize = 100;

/// How many blocks one answer holds. Source: Notion, "Working with markdown content": "approximately 20,000".
pub(crate) const BLOCKS_MAX: usize = 20_000;

/// One block as the dialect sees it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    /// The block that it is, where the text says so or the block is there already.
    pub(crate) id: Option<Uuid>,
    pub(crate) what: What,
    pub(crate) children: Vec<Node>,
}

/// What a block is in the dialect.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum What {
    /// Written out in full.
    Block(Body),
    /// A page below this one, by its address.
    Page { title: String },
    /// A database, by its address.
    Database { title: String, inline: bool, icon: Option<String>, data_source: Option<Uuid> },
    /// Notes of a meeting; its parts are sections below.
    Meeting { title: Vec<RichText> },
    /// One of [`SECTIONS`].
    Section(&'static str),
    /// A block that is not written out: the dialect has no words for its kind (`alt`), or it could not be loaded.
    Unknown { alt: Option<String> },
}

/// The parts of a meeting's notes, in their order.
pub(crate) const SECTIONS: [&str; 3] = ["summary", "notes", "transcript"];

impl Node {
    /// A block without children.
    pub(crate) fn leaf(body: Body) -> Self {
        Self { id: None, what: What::Block(body), children: Vec::new() }
    }

    /// A paragraph.
    pub(crate) fn paragraph(rich_text: Vec<RichText>, color: &'static str) -> Self {
        Self::leaf(Body::Paragraph { text: Text { rich_text, color }, icon: None })
    }

    /// Whether others can stand below it.
    fn holds_children(&self) -> bool {
        match &self.what {
            What::Block(body) => body.holds_children(),
            What::Meeting { .. } | What::Section(_) => true,
            What::Page { .. } | What::Database { .. } | What::Unknown { .. } => false,
        }
    }

    /// Its body, if it is written out.
    pub(crate) fn body(&self) -> Option<&Body> {
        match &self.what {
            What::Block(body) => Some(body),
            _ => None,
        }
    }
}

/// What the dialect has to look up elsewhere.
pub(crate) trait Names {
    /// The page that a block is on.
    fn page_of(&self, block: Uuid) -> Option<Uuid>;
    /// Where a file can be fetched.
    fn file_url(&self, source: &FileSource) -> String;
    /// The name of a custom emoji.
    fn emoji_name(&self, id: Uuid) -> Option<String>;
    /// The custom emoji with this name.
    fn emoji_id(&self, name: &str) -> Option<Uuid>;
}

/// How the dialect calls a colour; nothing for the default ones.
fn color_name(color: &str) -> Option<String> {
    match color.strip_suffix("_background") {
        Some("default") => None,
        Some(name) => Some(format!("{name}_bg")),
        None => (color != "default").then(|| color.to_owned()),
    }
}

/// The colour that the dialect calls so. The API's own names are understood too (a guess: people write them).
fn color_of(name: &str) -> Option<&'static str> {
    let known = |wanted: &str| COLORS.iter().find(|color| **color == wanted).copied();
    match name.strip_suffix("_bg") {
        Some(name) => known(&format!("{name}_background")),
        None => known(name),
    }
}
