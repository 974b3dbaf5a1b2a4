//! Whether a file is a store of ours, whole and not newer than we are; and how its schema is brought up to date.

use rusqlite::{Connection as Db, Transaction};

use super::file::StoreFile;
use super::threads;
use crate::{Result, StoreError, Trouble};

/// The newest schema this program knows.
const MIGRATIONS: [&str; 10] = [
    include_str!("../migrations/sqlite/0001_first.sql"),
    include_str!("../migrations/sqlite/0002_events_in_order.sql"),
    include_str!("../migrations/sqlite/0003_settling.sql"),
    include_str!("../migrations/sqlite/0004_strangers.sql"),
    include_str!("../migrations/sqlite/0005_suspects.sql"),
    include_str!("../migrations/sqlite/0006_changes.sql"),
    include_str!("../migrations/sqlite/0007_interrupted.sql"),
    include_str!("../migrations/sqlite/0008_revocations.sql"),
    include_str!("../migrations/sqlite/0009_adopted.sql"),
    include_str!("../migrations/sqlite/0010_exchanging_by.sql"),
];

/// As [`version`]; a file without any migration must be empty, or it is somebody else's.
pub(super) fn is_ours(db: &Db) -> Result<usize> {
    let seen = version(db)?;
    let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))?;
    let keyring: i64 =
        db.query_row("SELECT count(*) FROM sqlite_master WHERE name = 'keyring'", [], |row| row.get(0))?;
    if (seen == 0 && tables > 0) || (seen > 0 && keyring == 0) {
        let why = "the file is another program's database, or a damaged store: it was left alone";
        return Err(StoreError::Unavailable(Trouble::Failing, why.to_owned()));
    }
    Ok(seen)
}

/// A log that was copied beside the wrong file is replayed into it without a word: what fits replaces the file, what does not
/// tears it. The file's keyring tells the first, its tree of pages the second; then nothing of the log may reach the file.
pub(super) fn fits_its_log(db: &Db, file: &StoreFile) -> Result<()> {
    use rusqlite::config::DbConfig;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    let keyring =
        |db: &Db| db.query_row("SELECT lookup_wrapped FROM keyring", [], |row| row.get::<_, Vec<u8>>(0));
    let alone = threads::open_without_log(file.path()).ok().and_then(|db| keyring(&db).ok());
    let strange = alone.is_some_and(|alone| keyring(db).ok() != Some(alone));
    let torn = || {
        db.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0))
            .is_ok_and(|told| told != "ok")
    };
    if strange || (file.log_without_index && torn()) {
        let why = "the file and the log (-wal) beside it do not belong together, or are damaged: put back the two that were copied together, or move the log away";
        return Err(StoreError::Unavailable(Trouble::Failing, why.to_owned()));
    }
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    Ok(())
}

/// How many migrations the file has seen.
fn version(db: &Db) -> Result<usize> {
    let version: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let seen = usize::try_from(version).unwrap_or(usize::MAX);
    if seen > MIGRATIONS.len() {
        let message = format!("the file has schema {version}, written by a newer version of this program");
        return Err(StoreError::Unavailable(Trouble::Failing, message));
    }
    Ok(seen)
}

/// Brings the schema up to date, forward only, within one transaction; writes nothing if it is.
pub(super) fn migrate(db: &Transaction<'_>) -> Result<()> {
    let seen = version(db)?;
    if seen == MIGRATIONS.len() {
        return Ok(());
    }
    for migration in &MIGRATIONS[seen..] {
        db.execute_batch(migration)?;
    }
    db.pragma_update(None, "user_version", i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX))?;
    Ok(())
}
