//! What is wrong with a request, and how Notion tells it: several faults and several alternatives look alike.

use super::super::failure::Failure;
use super::At;

/// What is wrong with a request, one line each, under "Fix one": alternatives, of which one has to be met, and faults that
/// all have to be mended. Notion does not tell them apart.
#[derive(Debug, Clone)]
pub(crate) struct Invalid {
    faults: Vec<Fault>,
}

/// One line.
#[derive(Debug, Clone)]
struct Fault {
    /// How deep in the request it is.
    depth: usize,
    line: String,
}

impl Invalid {
    pub(super) fn one(at: &At<'_>, line: String) -> Self {
        Self { faults: vec![Fault { depth: at.depth, line }] }
    }

    /// About the length of what is at a place, which counts as a place inside it.
    pub(super) fn length(at: &At<'_>, bound: &str, was: usize) -> Self {
        let line = format!("{}.length should be {bound}, instead was `{was}`.", at.path);
        Self { faults: vec![Fault { depth: at.depth + 1, line }] }
    }

    /// Alternatives, of which the caller has to meet one. Those that fail deepest are the ones that can have been meant, and
    /// the others are not told. Source: refusals that users quote (2022 to August 2026): an id that is none lists each kind
    /// of parent, as they fail at the same depth, but a bad tick of a to-do lists no other kind of block.
    pub(crate) fn any(alternatives: impl IntoIterator<Item = Self>) -> Self {
        let alternatives: Vec<Self> = alternatives.into_iter().collect();
        let deepest = alternatives.iter().map(Self::depth).max();
        let meant = alternatives.into_iter().filter(|alternative| Some(alternative.depth()) == deepest);
        Self { faults: meant.flat_map(|alternative| alternative.faults).collect() }
    }

    fn depth(&self) -> usize {
        self.faults.iter().map(|fault| fault.depth).max().unwrap_or(0)
    }

    /// What is wrong, one line each.
    pub(crate) fn lines(self) -> Vec<String> {
        let mut lines: Vec<String> = Vec::with_capacity(self.faults.len());
        for fault in self.faults {
            if !lines.contains(&fault.line) {
                lines.push(fault.line);
            }
        }
        lines
    }

    /// As an answer about `part` of the request: `body`, `path` or `query`.
    pub(crate) fn of(self, part: &str) -> Failure {
        match self.lines().as_slice() {
            [line] => Failure::validation(format!("{part} failed validation: {line}")),
            lines => Failure::validation(format!("{part} failed validation. Fix one:\n{}", lines.join("\n"))),
        }
    }
}

/// Reads on after a fault, so that one answer tells them all.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    /// What was read, or its default if there is something wrong with it.
    pub(crate) fn note<T: Default>(&mut self, read: Result<T, Invalid>) -> T {
        read.unwrap_or_else(|invalid| {
            self.0.extend(invalid.faults);
            T::default()
        })
    }

    /// The same for what has no default; `None` must not outlive [`Faults::end`].
    pub(crate) fn some<T>(&mut self, read: Result<T, Invalid>) -> Option<T> {
        self.note(read.map(Some))
    }

    /// Refuses if anything was wrong.
    pub(crate) fn end(self) -> Result<(), Invalid> {
        if self.0.is_empty() { Ok(()) } else { Err(Invalid { faults: self.0 }) }
    }
}

impl From<Invalid> for Failure {
    fn from(invalid: Invalid) -> Self {
        invalid.of("body")
    }
}
