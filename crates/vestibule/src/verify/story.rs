//! Stories: short sequences of calls with what is believed of the answers, written as JSON beside this file. A story says
//! how sure the belief is, so that a difference is either our mistake or the answer to an open question.

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde::Deserialize;
use serde_json::Value;

/// The stories, by topic.
const FILES: [(&str, &str); 10] = [
    ("requests", include_str!("stories/requests.json")),
    ("pages", include_str!("stories/pages.json")),
    ("blocks", include_str!("stories/blocks.json")),
    ("checks", include_str!("stories/checks.json")),
    ("data sources", include_str!("stories/data_sources.json")),
    ("formulas", include_str!("stories/formulas.json")),
    ("comments", include_str!("stories/comments.json")),
    ("files", include_str!("stories/files.json")),
    ("tokens", include_str!("stories/tokens.json")),
    ("recorded by others", include_str!("stories/recorded.json")),
];

/// One story.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Story {
    pub(crate) name: String,
    /// What it asks, as a sentence.
    pub(crate) asks: String,
    pub(crate) basis: Basis,
    #[serde(default)]
    pub(crate) needs: Needs,
    /// Only for an internal integration: a public one may do what is refused here, outside the page that stories keep to.
    #[serde(default)]
    pub(crate) internal: bool,
    pub(crate) steps: Vec<Step>,
}

/// Where the belief comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Basis {
    /// Seen in recorded answers.
    Recorded,
    /// Said in Notion's documentation or its client's types.
    Documented,
    /// Quoted by users of Notion, or measured by them, in public.
    Reported,
    /// Nobody outside Notion knows: what is written here is the emulator's guess.
    Guessed,
}

impl Needs {
    /// Which flag gives it.
    pub(crate) fn flag(self) -> &'static str {
        match self {
            Self::Grant => "needs --spend-grant",
            Self::Token | Self::Client => "needs --client-id",
        }
    }
}

impl Basis {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Recorded => "recorded",
            Self::Documented => "documented",
            Self::Reported => "reported",
            Self::Guessed => "guessed",
        }
    }
}

/// What a story cannot do without.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Needs {
    /// A token and a page.
    #[default]
    Token,
    /// Client id and secret too.
    Client,
    /// A refresh token as well, which the story spends.
    Grant,
}

/// One call and what should come of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    pub(crate) method: String,
    /// With its query; `{name}` stands for what an earlier step saved.
    pub(crate) path: String,
    /// `Notion-Version`; an empty one sends no header.
    #[serde(default = "usual_version")]
    pub(crate) version: String,
    #[serde(default, rename = "as")]
    pub(crate) caller: CallerKind,
    #[serde(default)]
    pub(crate) request: Option<Value>,
    /// A body that is not JSON.
    #[serde(default)]
    pub(crate) raw: Option<String>,
    /// A file for the one endpoint that takes one.
    #[serde(default)]
    pub(crate) upload: Option<Upload>,
    pub(crate) status: u16,
    /// What the answer must hold; what is not named may be anything.
    #[serde(default)]
    pub(crate) answer: Value,
    /// Names for parts of the answer, by JSON pointer.
    #[serde(default)]
    pub(crate) save: BTreeMap<String, String>,
}

fn usual_version() -> String {
    "2025-09-03".to_owned()
}

/// With what a call authenticates.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CallerKind {
    #[default]
    Token,
    /// A token that nobody issued.
    BadToken,
    Nobody,
    /// Client id and secret.
    Client,
}

/// A file to be sent as a form.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Upload {
    pub(crate) filename: String,
    pub(crate) content_type: String,
    /// How many bytes it has; they are all the letter a.
    pub(crate) bytes: usize,
    #[serde(default)]
    pub(crate) part_number: Option<u32>,
}

/// All stories, in reading order.
pub(crate) fn all() -> anyhow::Result<Vec<Story>> {
    let mut stories = Vec::new();
    for (topic, text) in FILES {
        let read: Vec<Story> =
            serde_json::from_str(text).with_context(|| format!("the stories of {topic} do not read"))?;
        stories.extend(read);
    }
    Ok(stories)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_story_reads_and_has_a_name_of_its_own() {
        let stories = all().expect("they read");
        let names: BTreeSet<&str> = stories.iter().map(|story| story.name.as_str()).collect();
        assert_eq!(names.len(), stories.len());
        for story in &stories {
            assert!(story.asks.ends_with('?'), "{} asks nothing", story.name);
            assert!(!story.steps.is_empty(), "{} tells nothing", story.name);
        }
    }
}
