//! From stored blocks to nodes: what is in the trash is left out, what cannot be shown is named as unknown, copies of
//! synced blocks show what their original holds. Bounded in depth and number, so circles of copies end too.

use uuid::Uuid;

use super::{BLOCKS_MAX, DEPTH_MAX, Node, SECTIONS, What, address};
use crate::content::block::{Block, Body, MeetingNotes};
use crate::content::file::Icon;
use crate::content::rich_text::{Annotations, RichText, Run};
use crate::content::{self, Content};

/// The blocks of a page, or one block with those below it.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) nodes: Vec<Node>,
    /// Blocks that were not loaded: there are too many of them, or the token does not reach them.
    pub(crate) not_loaded: Vec<Uuid>,
}

/// Reads the children of a page, or any other block itself, as `reader` sees them.
pub(crate) fn of(content: &Content, id: Uuid, by: &dyn content::Reader, with_transcripts: bool) -> Tree {
    let mut reader = Reader { content, by, with_transcripts, left: BLOCKS_MAX, not_loaded: Vec::new() };
    let nodes = match content.blocks.get(&id) {
        Some(block) if block.body == Body::ChildPage => reader.children(block, 0),
        Some(block) => vec![reader.node(block, 0)],
        None => Vec::new(),
    };
    Tree { nodes, not_loaded: reader.not_loaded }
}

struct Reader<'a> {
    content: &'a Content,
    by: &'a dyn content::Reader,
    with_transcripts: bool,
    /// How many blocks may still be loaded.
    left: usize,
    not_loaded: Vec<Uuid>,
}

impl Reader<'_> {
    fn children(&mut self, block: &Block, depth: usize) -> Vec<Node> {
        self.content.live_children(block).map(|child| self.node(child, depth)).collect()
    }

    fn node(&mut self, block: &Block, depth: usize) -> Node {
        let id = Some(block.id);
        if self.left == 0 || depth >= DEPTH_MAX || !self.by.reads(block.id) {
            self.not_loaded.push(block.id);
            return Node { id, what: What::Unknown { alt: None }, children: Vec::new() };
        }
        self.left -= 1;
        let what = self.what(block);
        let children = match (&what, &block.body) {
            (What::Block(_), _) => self.children(self.content.original(block), depth + 1),
            (_, Body::MeetingNotes(notes)) => self.sections(block.id, notes, depth + 1),
            _ => Vec::new(),
        };
        Node { id, what, children }
    }

    /// The parts of a meeting's notes.
    fn sections(&mut self, meeting: Uuid, notes: &MeetingNotes, depth: usize) -> Vec<Node> {
        let mut sections = Vec::new();
        for (name, id) in SECTIONS.into_iter().zip([notes.summary, notes.notes, notes.transcript]) {
            let Some(block) = id.and_then(|id| self.content.blocks.get(&id)).filter(|block| !block.in_trash)
            else {
                continue;
            };
            let inner = if name == "transcript" && !self.with_transcripts {
                Node::paragraph(placeholder(self.content, meeting), "default")
            } else {
                self.node(block, depth + 1)
            };
            sections.push(Node { id: None, what: What::Section(name), children: vec![inner] });
        }
        sections
    }

    fn title(&self, id: Uuid) -> String {
        let runs = self.content.title_runs(id).iter();
        runs.map(|run| content::plain_run(self.content, run, self.by)).collect()
    }

    fn what(&self, block: &Block) -> What {
        let content = self.content;
        match &block.body {
            Body::ChildPage => What::Page { title: self.title(block.id) },
            Body::ChildDatabase => {
                let database = content.databases.get(&block.id);
                What::Database {
                    title: self.title(block.id),
                    inline: database.is_some_and(|database| database.is_inline),
                    icon: database.and_then(|database| match &database.icon {
                        Some(Icon::Emoji(emoji)) => Some(emoji.clone()),
                        _ => None,
                    }),
                    data_source: database.and_then(|database| database.data_sources.first().copied()),
                }
            }
            Body::MeetingNotes(notes) => What::Meeting { title: notes.title.clone() },
            Body::Unsupported { block_type } => What::Unknown { alt: Some(block_type.clone()) },
            // Notion's own name for it. Source: recorded by users of the API, May 2026.
            Body::LinkToPage { .. } => What::Unknown { alt: Some("alias".to_owned()) },
            // Source: Notion, "Working with markdown content", unsupported block types; tabs are not mentioned there.
            body @ (Body::Web { .. }
            | Body::LinkPreview(_)
            | Body::Breadcrumb
            | Body::Template(_)
            | Body::Tab) => What::Unknown { alt: Some(body.kind().to_owned()) },
            body => What::Block(body.clone()),
        }
    }
}

/// What stands for a transcript that was not asked for: words (a guess) and the address of the notes, as Notion says.
fn placeholder(content: &Content, meeting: Uuid) -> Vec<RichText> {
    let page = content.upwards(meeting).find(|above| content.pages.contains_key(above));
    let url = page.map_or_else(|| address::of_page(meeting), |page| address::of_block(page, meeting));
    let link = RichText {
        run: Run::Text { content: url.clone(), link: Some(url) },
        annotations: Annotations::default(),
    };
    vec![RichText::plain("Transcript omitted. View it in Notion: "), link]
}
