//! The conformance suite on `SQLite`, and what is its own: one file, private, shared by processes, locked by others.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use store::records::Event;
use store::suite::Subject;
use store::{PageRequest, SqliteStore, Store, StoreError};
use tempfile::TempDir;

fn open() -> (Subject, TempDir) {
    let folder = TempDir::new().expect("a folder");
    let store = SqliteStore::open(&folder.path().join("store.db")).expect("it opens");
    (Arc::new(store), folder)
}

store::conformance!(open());

fn event(number: u32) -> Event {
    Event {
        id: format!("evt_{number:032}"),
        client_id: "client-a".to_owned(),
        at: jiff::Timestamp::UNIX_EPOCH,
        kind: "key.minted".to_owned(),
        connection_id: None,
        attempt_id: None,
        note: Some("x".repeat(1_000)),
    }
}

async fn events(store: &dyn Store) -> usize {
    let page = PageRequest { after: None, size: 100 };
    store.list_events("client-a", &page).await.expect("read").rows.len()
}

#[tokio::test]
async fn the_file_and_its_companions_are_the_owners_alone() {
    let (store, folder) = open();
    store.insert_event(&event(1)).await.expect("stored");
    for entry in std::fs::read_dir(folder.path()).expect("a folder").flatten() {
        let mode = entry.metadata().expect("a file").permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", entry.path().display());
    }
}

#[tokio::test]
async fn a_file_that_others_could_read_is_narrowed() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("store.db");
    std::fs::write(&path, "").expect("a file");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("set");
    SqliteStore::open(&path).expect("it opens");
    assert_eq!(std::fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn what_was_answered_is_there_after_the_store_was_dropped_without_goodbye() {
    let (store, folder) = open();
    for number in 0..20 {
        store.insert_event(&event(number)).await.expect("stored");
    }
    // The files as a crash would leave them: copied while the store is open.
    let copy = TempDir::new().expect("a folder");
    for name in ["store.db", "store.db-wal"] {
        std::fs::copy(folder.path().join(name), copy.path().join(name)).expect("copied");
    }
    let second = SqliteStore::open(&copy.path().join("store.db")).expect("it opens");
    assert_eq!(events(&second).await, 20);
}

#[tokio::test]
async fn two_stores_on_one_file_see_each_others_changes() {
    let (one, folder) = open();
    let two = SqliteStore::open(&folder.path().join("store.db")).expect("it opens");
    one.insert_event(&event(1)).await.expect("stored");
    two.insert_event(&event(2)).await.expect("stored");
    assert_eq!((events(&*one).await, events(&two).await), (2, 2));
}

#[tokio::test]
async fn a_newer_programs_file_and_a_strange_file_are_refused_and_left_alone() {
    let folder = TempDir::new().expect("a folder");
    let newer = folder.path().join("newer.db");
    let db = rusqlite::Connection::open(&newer).expect("it opens");
    db.pragma_update(None, "user_version", 999).expect("set");
    drop(db);
    assert!(matches!(SqliteStore::open(&newer), Err(StoreError::Unavailable(why)) if why.contains("newer")));
    let strange = folder.path().join("strange.db");
    std::fs::write(&strange, "this is somebody's letter, and no database at all, however long it may be")
        .expect("a file");
    assert!(SqliteStore::open(&strange).is_err());
    assert!(std::fs::read_to_string(&strange).expect("a file").starts_with("this is somebody's letter"));
}

#[tokio::test]
async fn an_older_file_is_left_alone_until_its_key_was_proved() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("store.db");
    let db = rusqlite::Connection::open(&path).expect("it opens");
    db.execute_batch(include_str!("../src/migrations/sqlite/0001_first.sql")).expect("made");
    db.execute_batch("INSERT INTO events VALUES ('evt_1', 'client-a', 0, 'key.minted', NULL, NULL, NULL)")
        .expect("one event");
    db.pragma_update(None, "user_version", 1).expect("set");
    let version = |db: &rusqlite::Connection| -> i64 {
        db.pragma_query_value(None, "user_version", |row| row.get(0)).expect("read")
    };
    let store = SqliteStore::open(&path).expect("it opens");
    assert!(store.find_keyring().await.expect("read").is_none());
    assert_eq!(version(&db), 1);
    store.prepare().await.expect("brought up to date");
    assert!(version(&db) > 1);
    assert_eq!(events(&store).await, 1);
}

#[tokio::test]
async fn a_folder_is_made_for_its_owner_and_one_that_everybody_may_write_to_is_refused() {
    let folder = TempDir::new().expect("a folder");
    let made = folder.path().join("made");
    SqliteStore::open(&made.join("store.db")).expect("it opens");
    assert_eq!(std::fs::metadata(&made).expect("a folder").permissions().mode() & 0o777, 0o700);
    std::fs::set_permissions(&made, std::fs::Permissions::from_mode(0o777)).expect("set");
    let refused = SqliteStore::open(&made.join("store.db")).err();
    assert!(matches!(refused, Some(StoreError::Unavailable(why)) if why.contains("chmod 700")));
}

#[tokio::test]
async fn a_data_key_that_was_destroyed_is_in_no_file_any_more() {
    let (store, folder) = open();
    store.destroy_data_key("grt_none", &event(1)).await.expect("nothing to destroy");
    let log = std::fs::metadata(folder.path().join("store.db-wal")).expect("a log");
    assert_eq!(log.len(), 0, "the log keeps what pages held before");
}

#[tokio::test]
async fn a_write_that_cannot_be_locked_fails_whole_and_works_later() {
    let (store, folder) = open();
    store.insert_event(&event(1)).await.expect("stored");
    let other = rusqlite::Connection::open(folder.path().join("store.db")).expect("it opens");
    other.execute_batch("BEGIN IMMEDIATE").expect("locked");
    let refused = store.insert_event(&event(2)).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    assert_eq!(events(&*store).await, 1, "reading goes on");
    other.execute_batch("ROLLBACK").expect("unlocked");
    store.insert_event(&event(2)).await.expect("stored");
    assert_eq!(events(&*store).await, 2);
}

#[tokio::test]
async fn many_writers_are_all_answered_and_one_bad_job_ends_nobody_elses() {
    let (store, _folder) = open();
    let writes = (0..200).map(|number| {
        let store = Arc::clone(&store);
        // Every tenth repeats an id, which the table refuses.
        tokio::spawn(
            async move { store.insert_event(&event(if number % 10 == 9 { 0 } else { number })).await },
        )
    });
    let answers = futures_util::future::join_all(writes).await;
    let failed = answers.iter().filter(|answer| answer.as_ref().expect("it ran").is_err()).count();
    assert_eq!(failed, 20);
    assert_eq!(events(&*store).await, 100, "a page is full");
}
