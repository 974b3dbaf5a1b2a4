//! Properties: the columns of a data source (schema) and the values that its rows have.
//! Source: Notion, "Property object" and "Page property values" (read 2026-11-22).

use serde::{Deserialize, Serialize};
use serde_json::Number;
use uuid::Uuid;

use super::date::DateValue;
use super::file::NamedFile;
use super::rich_text::RichText;
use super::words::{Word, known_word};

/// The id of every title property.
pub(crate) const TITLE: &str = "title";

/// One choice of a select, multi-select or status property.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Choice {
    pub(crate) id: String,
    pub(crate) name: String,
    /// One of [`CHOICE_COLORS`].
    #[serde(deserialize_with = "known_word")]
    pub(crate) color: Word,
    pub(crate) description: Option<String>,
}

/// The colours of choices.
pub(crate) const CHOICE_COLORS: [&str; 10] =
    ["default", "gray", "brown", "orange", "yellow", "green", "blue", "purple", "pink", "red"];

/// A group of a status property: to-do, in progress, complete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Group {
    pub(crate) id: String,
    pub(crate) name: String,
    #[serde(deserialize_with = "known_word")]
    pub(crate) color: Word,
    pub(crate) choices: Vec<String>,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Property {
    /// Not percent-encoded; the API shows it encoded.
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) kind: Kind,
}

/// What a column holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Kind {
    Title,
    RichText,
    Number {
        /// One of [`NUMBER_FORMATS`].
        #[serde(deserialize_with = "known_word")]
        format: Word,
    },
    Select(Vec<Choice>),
    MultiSelect(Vec<Choice>),
    Status {
        choices: Vec<Choice>,
        groups: Vec<Group>,
    },
    Date,
    People,
    Files,
    Checkbox,
    Url,
    Email,
    PhoneNumber,
    /// To rows of this data source; it shows on this side only.
    Relation(Uuid),
    CreatedTime,
    CreatedBy,
    LastEditedTime,
    LastEditedBy,
    UniqueId {
        prefix: Option<String>,
    },
}

/// How numbers are shown. Source: Notion, "Property object", number (read 2026-11-22).
pub(crate) const NUMBER_FORMATS: [&str; 39] = [
    "number",
    "number_with_commas",
    "percent",
    "dollar",
    "australian_dollar",
    "canadian_dollar",
    "singapore_dollar",
    "euro",
    "pound",
    "yen",
    "ruble",
    "rupee",
    "won",
    "yuan",
    "real",
    "lira",
    "rupiah",
    "franc",
    "hong_kong_dollar",
    "new_zealand_dollar",
    "krona",
    "norwegian_krone",
    "mexican_peso",
    "rand",
    "new_taiwan_dollar",
    "danish_krone",
    "zloty",
    "baht",
    "forint",
    "koruna",
    "shekel",
    "chilean_peso",
    "philippine_peso",
    "dirham",
    "colombian_peso",
    "riyal",
    "ringgit",
    "leu",
    "argentine_peso",
];

impl Kind {
    /// The value of `type` in schema and values.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::RichText => "rich_text",
            Self::Number { .. } => "number",
            Self::Select(_) => "select",
            Self::MultiSelect(_) => "multi_select",
            Self::Status { .. } => "status",
            Self::Date => "date",
            Self::People => "people",
            Self::Files => "files",
            Self::Checkbox => "checkbox",
            Self::Url => "url",
            Self::Email => "email",
            Self::PhoneNumber => "phone_number",
            Self::Relation(_) => "relation",
            Self::CreatedTime => "created_time",
            Self::CreatedBy => "created_by",
            Self::LastEditedTime => "last_edited_time",
            Self::LastEditedBy => "last_edited_by",
            Self::UniqueId { .. } => "unique_id",
        }
    }

    /// The choices, for the kinds that have some.
    pub(crate) fn choices(&self) -> &[Choice] {
        match self {
            Self::Select(choices) | Self::MultiSelect(choices) | Self::Status { choices, .. } => choices,
            _ => &[],
        }
    }
}

/// What a row holds in a column. A row without a stored value has the empty one of its column's kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Stored {
    /// Of title and text columns.
    Text(Vec<RichText>),
    Number(Number),
    /// The id of the choice, of select and status columns.
    Choice(String),
    Choices(Vec<String>),
    Date(DateValue),
    People(Vec<Uuid>),
    Files(Vec<NamedFile>),
    Checkbox(bool),
    /// Of URL, e-mail and phone columns.
    Line(String),
    Relation(Vec<Uuid>),
    /// The row's number, given when it is made.
    UniqueId(u64),
}
