//! Blocks: the tree that pages are made of. A page and a database are blocks too (`child_page`, `child_database`);
//! what they have beyond a block lies beside, under the same id.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::file::{FileSource, Icon};
use super::rich_text::RichText;
use super::words::{Word, known_word, perhaps_known_word};

/// What something hangs from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Parent {
    Workspace,
    Page(Uuid),
    Block(Uuid),
    /// For rows.
    DataSource(Uuid),
}

/// Who did something, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stamp {
    pub(crate) at: Timestamp,
    pub(crate) by: Uuid,
}

/// A node of the tree.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Block {
    pub(crate) id: Uuid,
    pub(crate) workspace: Uuid,
    pub(crate) parent: Parent,
    pub(crate) created: Stamp,
    pub(crate) edited: Stamp,
    pub(crate) in_trash: bool,
    /// In order; those in the trash keep their place.
    pub(crate) children: Vec<Uuid>,
    pub(crate) body: Body,
}

/// Coloured text: the common part of most blocks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Text {
    pub(crate) rich_text: Vec<RichText>,
    /// One of [`super::rich_text::COLORS`].
    #[serde(deserialize_with = "known_word")]
    pub(crate) color: Word,
}

/// What a block says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Body {
    Paragraph {
        text: Text,
        icon: Option<Icon>,
    },
    Heading {
        /// 1 to 4.
        level: u8,
        text: Text,
        is_toggleable: bool,
    },
    BulletedListItem(Text),
    NumberedListItem {
        text: Text,
        /// The number that a list starts at, on its first item.
        start: Option<u64>,
        /// One of [`LIST_FORMATS`], on its first item.
        #[serde(deserialize_with = "perhaps_known_word")]
        format: Option<Word>,
    },
    Quote(Text),
    Toggle(Text),
    ToDo {
        text: Text,
        checked: bool,
    },
    Callout {
        text: Text,
        icon: Option<Icon>,
    },
    Template(Vec<RichText>),
    Code {
        rich_text: Vec<RichText>,
        caption: Vec<RichText>,
        #[serde(deserialize_with = "known_word")]
        language: Word,
    },
    Equation(String),
    Divider,
    Breadcrumb,
    Tab,
    TableOfContents {
        #[serde(deserialize_with = "known_word")]
        color: Word,
    },
    ColumnList,
    Column {
        width_ratio: Option<f64>,
    },
    LinkToPage {
        /// `page_id`, `database_id` or `comment_id`.
        #[serde(deserialize_with = "known_word")]
        kind: Word,
        id: Uuid,
    },
    SyncedBlock {
        from: Option<Uuid>,
    },
    Table {
        width: u64,
        has_column_header: bool,
        has_row_header: bool,
    },
    TableRow(Vec<Vec<RichText>>),
    Media {
        /// `image`, `video`, `pdf`, `file` or `audio`.
        #[serde(deserialize_with = "known_word")]
        kind: Word,
        source: FileSource,
        caption: Vec<RichText>,
        /// Only of `file` blocks.
        name: Option<String>,
    },
    Web {
        /// `embed` or `bookmark`.
        #[serde(deserialize_with = "known_word")]
        kind: Word,
        url: String,
        caption: Vec<RichText>,
    },
    /// A link that the app unfurled; the API only shows it.
    LinkPreview(String),
    /// Notes that the app took of a meeting; the API only shows them.
    MeetingNotes(MeetingNotes),
    /// A kind that the app has and the API does not.
    Unsupported {
        block_type: String,
    },
    ChildPage,
    ChildDatabase,
}

/// How a numbered list counts.
pub(crate) const LIST_FORMATS: [&str; 3] = ["numbers", "letters", "roman"];

/// How far the notes of a meeting are.
pub(crate) const TRANSCRIPTION_STATUSES: [&str; 5] = [
    "transcription_not_started",
    "transcription_paused",
    "transcription_in_progress",
    "summary_in_progress",
    "notes_ready",
];

/// What the app knows of a meeting. Its summary, notes and transcript are blocks below.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct MeetingNotes {
    pub(crate) title: Vec<RichText>,
    /// One of [`TRANSCRIPTION_STATUSES`].
    #[serde(deserialize_with = "known_word")]
    pub(crate) status: Word,
    pub(crate) summary: Option<Uuid>,
    pub(crate) notes: Option<Uuid>,
    pub(crate) transcript: Option<Uuid>,
    /// When the recording began and ended.
    pub(crate) recording: Option<(Timestamp, Timestamp)>,
}

impl Body {
    /// The value of the block's `type`, which is also the name of the key that its content is under.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Paragraph { .. } => "paragraph",
            Self::Heading { level: 1, .. } => "heading_1",
            Self::Heading { level: 2, .. } => "heading_2",
            Self::Heading { level: 3, .. } => "heading_3",
            Self::Heading { .. } => "heading_4",
            Self::BulletedListItem(_) => "bulleted_list_item",
            Self::NumberedListItem { .. } => "numbered_list_item",
            Self::Quote(_) => "quote",
            Self::Toggle(_) => "toggle",
            Self::ToDo { .. } => "to_do",
            Self::Callout { .. } => "callout",
            Self::Template(_) => "template",
            Self::Code { .. } => "code",
            Self::Equation(_) => "equation",
            Self::Divider => "divider",
            Self::Breadcrumb => "breadcrumb",
            Self::Tab => "tab",
            Self::TableOfContents { .. } => "table_of_contents",
            Self::ColumnList => "column_list",
            Self::Column { .. } => "column",
            Self::LinkToPage { .. } => "link_to_page",
            Self::SyncedBlock { .. } => "synced_block",
            Self::Table { .. } => "table",
            Self::TableRow(_) => "table_row",
            Self::Media { kind, .. } | Self::Web { kind, .. } => kind,
            Self::LinkPreview(_) => "link_preview",
            Self::MeetingNotes(_) => "meeting_notes",
            Self::Unsupported { .. } => "unsupported",
            Self::ChildPage => "child_page",
            Self::ChildDatabase => "child_database",
        }
    }

    /// The coloured text of the kinds that are a line of it.
    pub(crate) fn text(&self) -> Option<&Text> {
        match self {
            Self::Paragraph { text, .. }
            | Self::Heading { text, .. }
            | Self::NumberedListItem { text, .. }
            | Self::ToDo { text, .. }
            | Self::Callout { text, .. }
            | Self::BulletedListItem(text)
            | Self::Quote(text)
            | Self::Toggle(text) => Some(text),
            _ => None,
        }
    }

    /// The one kind that may be below this one, if there is only one.
    pub(crate) fn only_child(&self) -> Option<&'static str> {
        match self {
            Self::Table { .. } => Some("table_row"),
            Self::ColumnList => Some("column"),
            Self::Tab => Some("paragraph"),
            _ => None,
        }
    }

    /// The text of the kinds that are a line of it.
    pub(crate) fn rich_text(&self) -> Option<&[RichText]> {
        match self {
            Self::Template(rich_text) | Self::Code { rich_text, .. } => Some(rich_text),
            _ => self.text().map(|text| text.rich_text.as_slice()),
        }
    }

    /// Every text in it.
    pub(crate) fn texts(&self) -> Vec<&[RichText]> {
        match self {
            Self::Code { rich_text, caption, .. } => vec![rich_text, caption],
            Self::TableRow(cells) => cells.iter().map(Vec::as_slice).collect(),
            Self::Media { caption, .. } | Self::Web { caption, .. } => vec![caption],
            _ => self.rich_text().into_iter().collect(),
        }
    }

    /// Every text in it, to be changed.
    pub(crate) fn texts_mut(&mut self) -> Vec<&mut Vec<RichText>> {
        match self {
            Self::Paragraph { text, .. }
            | Self::Heading { text, .. }
            | Self::NumberedListItem { text, .. }
            | Self::ToDo { text, .. }
            | Self::Callout { text, .. }
            | Self::BulletedListItem(text)
            | Self::Quote(text)
            | Self::Toggle(text) => vec![&mut text.rich_text],
            Self::Template(rich_text) => vec![rich_text],
            Self::Code { rich_text, caption, .. } => vec![rich_text, caption],
            Self::TableRow(cells) => cells.iter_mut().collect(),
            Self::Media { caption, .. } | Self::Web { caption, .. } => vec![caption],
            _ => Vec::new(),
        }
    }

    /// Whether blocks of this kind can have children at all.
    pub(crate) fn holds_children(&self) -> bool {
        match self {
            Self::Heading { is_toggleable, .. } => *is_toggleable,
            Self::Paragraph { .. }
            | Self::BulletedListItem(_)
            | Self::NumberedListItem { .. }
            | Self::Quote(_)
            | Self::Toggle(_)
            | Self::ToDo { .. }
            | Self::Callout { .. }
            | Self::Template(_)
            | Self::Tab
            | Self::ColumnList
            | Self::Column { .. }
            | Self::SyncedBlock { .. }
            | Self::Table { .. }
            | Self::ChildPage => true,
            _ => false,
        }
    }
}
