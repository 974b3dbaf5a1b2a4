//! Rows that do not read as what we write. In a list such a row is told as damaged and hides no other; a background round
//! goes on past it; alone it is an error that names its table.

use rusqlite::types::ValueRef;
use rusqlite::{Row, Rows};

use crate::records::{DamagedRow, Listed};
use crate::{Result, StoreError};

/// A row of a list, read by `read`, or what is wrong with it.
pub(super) fn listed<T>(
    row: &Row<'_>,
    read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Listed<T>> {
    match read(row) {
        Ok(sound) => Ok(Listed::Sound(sound)),
        Err(error) => match what(&error, Some(row)) {
            Some(what) => Ok(Listed::Damaged(damaged(row, what))),
            None => Err(error),
        },
    }
}

/// The first `limit` rows that can be read. Those that cannot are passed over, so that they never stand in the others' way.
pub(super) fn sound<T>(
    mut rows: Rows<'_>,
    limit: usize,
    read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>> {
    let mut found = Vec::new();
    while found.len() < limit
        && let Some(row) = rows.next()?
    {
        match read(row) {
            Ok(one) => found.push(one),
            Err(error) if what(&error, Some(row)).is_some() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(found)
}

/// For one row of `table` that was asked for by itself.
pub(super) fn of(table: &'static str) -> impl Fn(rusqlite::Error) -> StoreError {
    move |error| match what(&error, None) {
        Some(what) => StoreError::Damaged { table, what },
        None => error.into(),
    }
}

/// What is wrong with a row, if that is what the error says.
fn what(error: &rusqlite::Error, row: Option<&Row<'_>>) -> Option<String> {
    let name = |column: usize| {
        let named = row.and_then(|row| row.as_ref().column_name(column).ok().map(str::to_owned));
        named.unwrap_or_else(|| format!("column {column}"))
    };
    match error {
        rusqlite::Error::FromSqlConversionFailure(column, _, _) => {
            Some(format!("its {} does not read as what is written there", name(*column)))
        }
        rusqlite::Error::InvalidColumnType(_, column, _) => {
            Some(format!("its {column} does not read as what is written there"))
        }
        rusqlite::Error::IntegralValueOutOfRange(column, _) => {
            Some(format!("its {} is out of range", name(*column)))
        }
        rusqlite::Error::QueryReturnedNoRows if row.is_some() => Some("a part of it is missing".to_owned()),
        _ => None,
    }
}

/// What can still be read of a row: its texts, by column. Hashes and sealed values are no texts.
fn damaged(row: &Row<'_>, what: String) -> DamagedRow {
    let columns = row.as_ref().column_names();
    let text = |(place, name): (usize, &str)| match row.get_ref(place) {
        Ok(ValueRef::Text(bytes)) => Some((name.to_owned(), String::from_utf8_lossy(bytes).into_owned())),
        _ => None,
    };
    let texts: std::collections::BTreeMap<_, _> = columns.enumerate().filter_map(text).collect();
    DamagedRow { id: texts.get("id").cloned().unwrap_or_default(), what, texts }
}
