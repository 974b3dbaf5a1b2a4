//! How a formula names a property. People write `prop("Name")`; the API gives
//! `{{notion:block_property:<id>:<data source>:<workspace>}}` back, with the id encoded as in addresses. Renaming a property
//! therefore changes no formula. Formulas are kept with zeros for their own data source, which is not there yet when they are
//! read first, and which older answers and people's own formulas have.
//! Source: Notion, "Property object", formula (read 2026-11-27), and recorded answers of June 2026, in which the last part is
//! the same for all data sources of a workspace.

use std::ops::Range;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use uuid::Uuid;

/// What stands before the parts.
const OPENING: &str = "{{notion:block_property:";

/// As the ids of properties are encoded elsewhere in the API.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A property by its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reference {
    /// Not encoded.
    pub(crate) id: String,
    /// `None`: the data source of the formula itself.
    pub(crate) source: Option<Uuid>,
}

impl Reference {
    /// Reads the API's form.
    pub(super) fn read(text: &str) -> Option<Self> {
        let inner = text.strip_prefix(OPENING)?.strip_suffix("}}")?;
        let mut parts = inner.split(':');
        let id = percent_decode_str(parts.next()?).decode_utf8().ok()?.into_owned();
        let source = parts.next().map_or(Some(Uuid::nil()), |part| Uuid::try_parse(part).ok())?;
        Some(Self { id, source: (!source.is_nil()).then_some(source) })
    }

    fn write(&self, workspace: Uuid) -> String {
        let id = utf8_percent_encode(&self.id, KEPT);
        format!("{OPENING}{id}:{}:{workspace}}}}}", self.source.unwrap_or_default())
    }
}

/// The formula with each named property as a reference; `found` says where which property stands.
pub(crate) fn rewrite(source: &str, found: &[(Range<usize>, Reference)], workspace: Uuid) -> String {
    let mut sorted: Vec<_> = found.iter().collect();
    sorted.sort_by_key(|(span, _)| span.start);
    let mut text = String::with_capacity(source.len());
    let mut done = 0;
    for (span, reference) in sorted {
        text.push_str(&source[done..span.start]);
        text.push_str(&reference.write(workspace));
        done = span.end;
    }
    text.push_str(&source[done..]);
    text
}

/// The formula as it is shown for the data source `home`: its own properties are named with it.
pub(crate) fn at_home(source: &str, home: Uuid) -> String {
    let words = super::lexer::words(source).unwrap_or_default();
    let (own, named) = (format!(":{}:", Uuid::nil()), format!(":{home}:"));
    let mut text = String::with_capacity(source.len());
    let mut done = 0;
    for word in words.iter().filter(|word| matches!(word.token, super::lexer::Token::Reference(_))) {
        text.push_str(&source[done..word.span.start]);
        text.push_str(&source[word.span.clone()].replacen(&own, &named, 1));
        done = word.span.end;
    }
    text.push_str(&source[done..]);
    text
}

/// The properties that a formula names by their ids.
pub(crate) fn references(source: &str) -> Vec<Reference> {
    let words = super::lexer::words(source).unwrap_or_default();
    let named = words.into_iter().filter_map(|word| match word.token {
        super::lexer::Token::Reference(reference) => Some(reference),
        _ => None,
    });
    named.collect()
}
