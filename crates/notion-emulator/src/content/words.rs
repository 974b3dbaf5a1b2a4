//! Words that Notion has a closed list of: colours, languages, formats. They are kept as `&'static str`, so a snapshot
//! that is read back must find each of them in its list: a word of nobody's list is refused.

use serde::{Deserialize as _, Deserializer};

use super::block::{LIST_FORMATS, TRANSCRIPTION_STATUSES};
use super::file::ICON_COLORS;
use super::languages::LANGUAGES;
use super::property::{CHOICE_COLORS, NUMBER_FORMATS, ROLLUP_FUNCTIONS};
use super::rich_text::COLORS;
use super::view::VIEW_KINDS;

/// A word of such a list. (An alias: serde would otherwise borrow it from what it reads.)
pub(crate) type Word = &'static str;

/// Every list that a stored word may come from.
const LISTS: &[&[&str]] = &[
    &COLORS,
    &CHOICE_COLORS,
    &ICON_COLORS,
    &LANGUAGES,
    &NUMBER_FORMATS,
    &ROLLUP_FUNCTIONS,
    &BLOCK_WORDS,
    &TEMPLATE_DATES,
    &LIST_FORMATS,
    &TRANSCRIPTION_STATUSES,
    &VIEW_KINDS,
];

/// Kinds that blocks keep as a word: of media, of what is on the web, of what a link leads to.
const BLOCK_WORDS: [&str; 10] =
    ["image", "video", "pdf", "file", "audio", "embed", "bookmark", "page_id", "database_id", "comment_id"];

/// What a template's date mention may say.
const TEMPLATE_DATES: [&str; 2] = ["today", "now"];

/// Reads a word of one of the lists.
pub(crate) fn known_word<'de, D: Deserializer<'de>>(from: D) -> Result<Word, D::Error> {
    find(&String::deserialize(from)?)
}

/// The same, where there may be none.
pub(crate) fn perhaps_known_word<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Word>, D::Error> {
    Option::<String>::deserialize(from)?.map(|word| find(&word)).transpose()
}

fn find<E: serde::de::Error>(word: &str) -> Result<Word, E> {
    let known = LISTS.iter().flat_map(|list| list.iter()).find(|known| **known == word);
    known.copied().ok_or_else(|| E::custom(format!("`{word}` is no word of Notion's")))
}
