//! The versions of the API that the emulator speaks.

use super::failure::Failure;

/// A value of `Notion-Version`, in order of age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Version {
    /// A database is one table.
    V2022_06_28,
    /// A database holds data sources.
    V2025_09_03,
    /// `archived` is gone, `position` has come.
    V2026_03_11,
}

/// All that Notion knows; the older ones are answered as 2022-06-28, from which they differ in ways that no client of
/// today relies on. Source: Notion, "Versioning" (read 2026-11-22).
const KNOWN: [(&str, Version); 7] = [
    ("2021-05-11", Version::V2022_06_28),
    ("2021-05-13", Version::V2022_06_28),
    ("2021-08-16", Version::V2022_06_28),
    ("2022-02-22", Version::V2022_06_28),
    ("2022-06-28", Version::V2022_06_28),
    ("2025-09-03", Version::V2025_09_03),
    ("2026-03-11", Version::V2026_03_11),
];

impl Version {
    /// The last of them.
    pub(crate) const NEWEST: Self = Self::V2026_03_11;

    /// Reads the header.
    pub(crate) fn of(header: Option<&str>) -> Result<Self, Failure> {
        let Some(header) = header else { return Err(Failure::missing_version()) };
        KNOWN.iter().find(|(name, _)| *name == header).map(|(_, version)| *version).ok_or_else(|| {
            let names: Vec<String> = KNOWN.iter().map(|(name, _)| format!("`\"{name}\"`")).collect();
            let (last, others) = names.split_last().expect("the table of versions is not empty");
            Failure::validation(format!(
                "Notion-Version header failed validation: Notion-Version header should be {}, or {last}, instead was \
                 `\"{header}\"`.",
                others.join(", ")
            ))
        })
    }

    /// Whether objects still carry `archived` beside `in_trash`.
    pub(crate) fn has_archived(self) -> bool {
        self < Self::V2026_03_11
    }

    /// Whether a database is a container of data sources.
    pub(crate) fn has_data_sources(self) -> bool {
        self >= Self::V2025_09_03
    }
}
