//! Rich text: runs of text, mentions and equations, each with its annotations.
//! Source: Notion, "Rich text" (read 2026-11-22).

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::date::DateValue;
use super::words::{Word, known_word};

/// The colours of text and blocks.
pub(crate) const COLORS: [&str; 20] = [
    "default",
    "gray",
    "brown",
    "orange",
    "yellow",
    "green",
    "blue",
    "purple",
    "pink",
    "red",
    "default_background",
    "gray_background",
    "brown_background",
    "orange_background",
    "yellow_background",
    "green_background",
    "blue_background",
    "purple_background",
    "pink_background",
    "red_background",
];

/// How a run looks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Annotations {
    pub(crate) bold: bool,
    pub(crate) italic: bool,
    pub(crate) strikethrough: bool,
    pub(crate) underline: bool,
    pub(crate) code: bool,
    /// One of [`COLORS`].
    #[serde(deserialize_with = "known_word")]
    pub(crate) color: Word,
}

impl Default for Annotations {
    fn default() -> Self {
        Self {
            bold: false,
            italic: false,
            strikethrough: false,
            underline: false,
            code: false,
            color: "default",
        }
    }
}

/// What a mention points at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Mention {
    User(Uuid),
    Date(DateValue),
    Page(Uuid),
    Database(Uuid),
    /// `today` or `now`, in templates.
    TemplateDate(#[serde(deserialize_with = "known_word")] Word),
    /// `me`, in templates.
    TemplateUser,
    CustomEmoji(Uuid),
}

/// What a run is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Run {
    Text { content: String, link: Option<String> },
    Mention(Mention),
    Equation(String),
}

/// One run of rich text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RichText {
    pub(crate) run: Run,
    pub(crate) annotations: Annotations,
}

impl RichText {
    /// A run without annotations.
    pub(crate) fn plain(content: &str) -> Self {
        Self {
            run: Run::Text { content: content.to_owned(), link: None },
            annotations: Annotations::default(),
        }
    }
}

/// A whole value as one run without annotations; empty text is no run at all.
pub(crate) fn plain(content: &str) -> Vec<RichText> {
    if content.is_empty() { Vec::new() } else { vec![RichText::plain(content)] }
}
