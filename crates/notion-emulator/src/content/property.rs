//! Properties: the columns of a data source (schema) and the values that its rows have.
//! Source: Notion, "Property object" and "Page property values" (read 2026-11-22).

use serde::{Deserialize, Serialize};
use serde_json::Number;
use uuid::Uuid;

use super::date::DateValue;
use super::file::NamedFile;
use super::rich_text::RichText;
use super::words::{Word, known_word};
use crate::formula::Type;

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

/// Longest name of a choice, in UTF-16 units. Source: refusals that users quote in public issue trackers.
pub(crate) const CHOICE_NAME_MAX: usize = 100;

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
    Relation(Relation),
    Rollup(Rollup),
    Formula(Formula),
    CreatedTime,
    CreatedBy,
    LastEditedTime,
    LastEditedBy,
    UniqueId {
        prefix: Option<String>,
    },
    Button,
    Verification,
    Place,
    Location,
    LastVisitedTime,
}

/// A column of links to rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Relation {
    /// Where the rows are.
    pub(crate) data_source: Uuid,
    /// The id of the column there that shows the same links from the other side, for two-way relations.
    pub(crate) synced: Option<String>,
}

/// A column that sums up what related rows hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rollup {
    /// The id of the relation column in the same data source.
    pub(crate) relation: String,
    /// The id of the column that is summed up, in the data source that the relation leads to.
    pub(crate) target: String,
    /// One of [`ROLLUP_FUNCTIONS`].
    #[serde(deserialize_with = "known_word")]
    pub(crate) function: Word,
}

/// A column that is worked out from what the row holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Formula {
    /// As the API shows it: properties are named by their ids. Without a word in it, it gives nothing.
    pub(crate) expression: String,
    /// What it gives, as far as the columns tell.
    pub(crate) gives: Type,
    /// Whether rows can be filtered by it: of those written through the API a switch decides.
    pub(crate) filterable: bool,
}

/// What a rollup can do. Source: `@notionhq/client` 5.26.0, `RollupFunction`.
pub(crate) const ROLLUP_FUNCTIONS: [&str; 24] = [
    "count",
    "count_values",
    "empty",
    "not_empty",
    "unique",
    "show_unique",
    "percent_empty",
    "percent_not_empty",
    "sum",
    "average",
    "median",
    "min",
    "max",
    "range",
    "earliest_date",
    "latest_date",
    "date_range",
    "checked",
    "unchecked",
    "percent_checked",
    "percent_unchecked",
    "count_per_group",
    "percent_per_group",
    "show_original",
];

/// How numbers are shown. Source: Notion, "Property object", number (read 2026-11-22).
pub(crate) const NUMBER_FORMATS: [&str; 41] = [
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
    "uruguayan_peso",
    "peruvian_sol",
];

/// The columns in the order in which the API shows them: by their ids, the title last. Source: recorded answers of June
/// 2026.
pub(crate) fn in_order(columns: &[Property]) -> Vec<&Property> {
    let mut sorted: Vec<&Property> = columns.iter().collect();
    sorted.sort_by(|a, b| (a.id == TITLE, &a.id).cmp(&(b.id == TITLE, &b.id)));
    sorted
}

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
            Self::Rollup(_) => "rollup",
            Self::Formula(_) => "formula",
            Self::CreatedTime => "created_time",
            Self::CreatedBy => "created_by",
            Self::LastEditedTime => "last_edited_time",
            Self::LastEditedBy => "last_edited_by",
            Self::UniqueId { .. } => "unique_id",
            Self::Button => "button",
            Self::Verification => "verification",
            Self::Place => "place",
            Self::Location => "location",
            Self::LastVisitedTime => "last_visited_time",
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
    Verification(Verified),
    Place(Place),
}

/// That somebody vouches for a page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Verified {
    /// From when until when; without an end for good.
    pub(crate) date: Option<DateValue>,
    pub(crate) by: Uuid,
}

/// A spot on the map.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(crate) lat: Number,
    pub(crate) lon: Number,
    pub(crate) name: Option<String>,
    pub(crate) address: Option<String>,
    pub(crate) aws_place_id: Option<String>,
    pub(crate) google_place_id: Option<String>,
}
