//! The conformance suite on `SQLite`, and what is its own: one file, private, shared by processes, locked by others.

#![expect(clippy::disallowed_methods, reason = "real threads are waited for, up to a bound")]

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use store::records::{ConnectSession, ConnectionState, Event, EventKind};
use store::suite::Subject;
use store::{ConnectionFilter, PageRequest, SqliteStore, Store, StoreError, Trouble};
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
        kind: EventKind::KeyMinted,
        connection_id: None,
        attempt_id: None,
        note: Some("x".repeat(1_000)),
    }
}

/// Sessions that all have the same token.
fn session(number: u32) -> ConnectSession {
    ConnectSession {
        id: format!("cs_{number:032}"),
        client_id: "client-a".to_owned(),
        end_user: "u".to_owned(),
        return_url: "https://app.example/return".to_owned(),
        reconnect: None,
        token_sha256: sealing::sha256(b"token"),
        created_at: jiff::Timestamp::UNIX_EPOCH,
        expires_at: jiff::Timestamp::UNIX_EPOCH,
        spent_at: None,
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
    assert!(
        matches!(SqliteStore::open(&newer), Err(StoreError::Unavailable(_, why)) if why.contains("newer"))
    );
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
    assert!(matches!(refused, Some(StoreError::Unavailable(_, why)) if why.contains("chmod 700")));
}

#[tokio::test]
async fn a_data_key_that_was_destroyed_is_in_no_file_any_more() {
    let (store, folder) = open();
    store.destroy_data_key("grt_none", Some(&event(1)), None).await.expect("nothing to destroy");
    let log = std::fs::metadata(folder.path().join("store.db-wal")).expect("a log");
    assert_eq!(log.len(), 0, "the log keeps what pages held before");
}

#[tokio::test]
async fn what_was_destroyed_while_somebody_read_goes_from_the_log_once_they_have_ended() {
    let (store, folder) = open();
    store.insert_event(&event(1)).await.expect("stored");
    let path = folder.path().join("store.db");
    let reader = rusqlite::Connection::open(&path).expect("it opens");
    reader.execute_batch("BEGIN; SELECT count(*) FROM events").expect("it reads");
    let began = tokio::time::Instant::now();
    store.destroy_data_key("grt_none", Some(&event(2)), None).await.expect("done");
    store.insert_event(&event(3)).await.expect("stored");
    assert!(began.elapsed().as_secs() < 4, "nobody's write waits for the reader: {:?}", began.elapsed());
    let log = || std::fs::metadata(folder.path().join("store.db-wal")).expect("a log").len();
    assert!(log() > 0, "the reader keeps it");
    reader.execute_batch("COMMIT").expect("it ends");
    let until = tokio::time::Instant::now() + std::time::Duration::from_secs(10);
    while log() > 0 {
        assert!(tokio::time::Instant::now() < until, "the log still holds what was destroyed");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_write_that_cannot_be_locked_fails_whole_and_works_later() {
    let (store, folder) = open();
    store.insert_event(&event(1)).await.expect("stored");
    let other = rusqlite::Connection::open(folder.path().join("store.db")).expect("it opens");
    other.execute_batch("BEGIN IMMEDIATE").expect("locked");
    let refused = store.insert_event(&event(2)).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(Trouble::Locked, _))), "{refused:?}");
    assert_eq!(events(&*store).await, 1, "reading goes on");
    other.execute_batch("ROLLBACK").expect("unlocked");
    store.insert_event(&event(2)).await.expect("stored");
    assert_eq!(events(&*store).await, 2);
}

#[tokio::test]
async fn many_writers_are_all_answered_and_one_bad_job_ends_nobody_elses() {
    let (store, _folder) = open();
    store.insert_connect_session(&session(0)).await.expect("stored");
    let writes = (0..200).map(|number| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            match number % 10 {
                // The token of one that is there, which the table refuses.
                9 => store.insert_connect_session(&session(number)).await,
                _ => store.insert_event(&event(number)).await,
            }
        })
    });
    let answers = futures_util::future::join_all(writes).await;
    let failed = answers.iter().filter(|answer| answer.as_ref().expect("it ran").is_err()).count();
    assert_eq!(failed, 20);
    assert_eq!(events(&*store).await, 100, "a page is full");
}

/// What a refusal says, and that it left the files alone.
fn refusal(path: &std::path::Path) -> String {
    match SqliteStore::open(path) {
        Err(StoreError::Unavailable(_, why)) => why,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("{} was opened", path.display()),
    }
}

fn mode(path: &std::path::Path) -> u32 {
    std::fs::metadata(path).expect("a file").permissions().mode() & 0o777
}

#[test]
fn nothing_is_changed_through_a_link_and_nothing_that_is_no_store() {
    let folder = TempDir::new().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let letter = at("letter.txt");
    std::fs::write(&letter, "somebody's letter, which others may read").expect("a file");
    std::fs::set_permissions(&letter, std::fs::Permissions::from_mode(0o644)).expect("set");
    std::os::unix::fs::symlink(&letter, at("link.db")).expect("a link");
    assert!(refusal(&at("link.db")).contains("symbolic link"));
    std::os::unix::fs::symlink(at("nothing"), at("dangling.db")).expect("a link");
    assert!(refusal(&at("dangling.db")).contains("symbolic link"));
    assert!(!at("nothing").exists());
    assert!(refusal(&letter).contains("no store"));
    assert_eq!(mode(&letter), 0o644);
    // A store that is fine, with a link where its log belongs.
    drop(SqliteStore::open(&at("good.db")).expect("it opens"));
    std::os::unix::fs::symlink(&letter, at("good.db-wal")).expect("a link");
    assert!(refusal(&at("good.db")).contains("good.db-wal: it is a symbolic link"));
    assert_eq!(mode(&letter), 0o644);
    std::fs::remove_file(at("good.db-wal")).expect("removed");
    // A second name: SQLite would keep two logs.
    std::fs::hard_link(at("good.db"), at("again.db")).expect("a second name");
    assert!(refusal(&at("again.db")).contains("hard link"));
    std::fs::create_dir(at("folder.db")).expect("a folder");
    assert!(refusal(&at("folder.db")).contains("is a folder"));
    assert!(refusal(std::path::Path::new("/dev/null")).contains("no ordinary file"));
}

#[test]
fn a_folder_that_is_a_link_is_followed_knowingly() {
    let folder = TempDir::new().expect("a folder");
    let (real, link) = (folder.path().join("real"), folder.path().join("link"));
    std::fs::create_dir(&real).expect("a folder");
    std::os::unix::fs::symlink(&real, &link).expect("a link");
    let before = mode(&real);
    drop(SqliteStore::open(&link.join("store.db")).expect("it opens"));
    assert_eq!((mode(&real), mode(&real.join("store.db"))), (before, 0o600));
    std::fs::remove_dir_all(&real).expect("removed");
    assert!(refusal(&link.join("store.db")).contains("symbolic link to nothing"));
}

#[test]
fn another_programs_database_is_refused_and_left_alone() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("recipes.db");
    let db = rusqlite::Connection::open(&path).expect("it opens");
    db.execute_batch("CREATE TABLE recipes (name TEXT); INSERT INTO recipes VALUES ('soup')").expect("made");
    drop(db);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("set");
    let before = std::fs::read(&path).expect("a file");
    assert!(refusal(&path).contains("another program's database"));
    assert_eq!((mode(&path), std::fs::read(&path).expect("a file")), (0o644, before));
}

/// Waits, within bounds, until something holds.
async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..200 {
        if holds().await {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("{what} did not come to be");
}

#[tokio::test]
async fn a_copy_of_the_file_alone_of_a_running_store_holds_what_was_answered() {
    let (store, folder) = open();
    for number in 0..20 {
        store.insert_event(&event(number)).await.expect("stored");
    }
    let copies = TempDir::new().expect("a folder");
    let mut number = 0;
    eventually("a whole copy", async || {
        number += 1;
        let copy = copies.path().join(format!("copy-{number}.db"));
        std::fs::copy(folder.path().join("store.db"), &copy).expect("copied");
        // A copy that was taken too early is a store all the same, but an older one.
        let copied = SqliteStore::open(&copy).expect("it opens");
        events(&copied).await == 20
    })
    .await;
}

#[tokio::test]
async fn a_store_that_was_closed_is_one_file() {
    let (store, folder) = open();
    store.insert_event(&event(1)).await.expect("stored");
    events(&*store).await;
    drop(store);
    let names: Vec<_> =
        std::fs::read_dir(folder.path()).expect("a folder").flatten().map(|one| one.file_name()).collect();
    assert_eq!(names, ["store.db"]);
}

#[tokio::test]
async fn under_a_steady_load_the_file_is_about_a_second_behind() {
    let (store, folder) = open();
    let copies = TempDir::new().expect("a folder");
    let mut written = 0;
    // Never idle: each event follows the last at once.
    eventually("a copy with most of it", async || {
        for _ in 0..50 {
            store.insert_event(&event(written)).await.expect("stored");
            written += 1;
        }
        let copy = copies.path().join(format!("copy-{written}.db"));
        std::fs::copy(folder.path().join("store.db"), &copy).expect("copied");
        let db = rusqlite::Connection::open(&copy).expect("it opens");
        db.query_row("SELECT count(*) FROM events", [], |row| row.get::<_, u32>(0))
            .is_ok_and(|count| count > 0)
    })
    .await;
}

#[tokio::test]
async fn a_log_beside_the_wrong_file_is_refused_and_reaches_no_file() {
    let (store, folder) = open();
    store.insert_event(&event(1)).await.expect("stored");
    let keyring =
        |byte| sealing::StoredKeyring { current: 1, epochs: vec![(1, vec![byte])], lookup: vec![byte] };
    store.insert_keyring(&keyring(1)).await.expect("stored");
    let (other, elsewhere) = open();
    other.insert_keyring(&keyring(2)).await.expect("stored");
    for number in 0..300 {
        other.insert_event(&event(number)).await.expect("stored");
    }
    drop(other);
    let copy = TempDir::new().expect("a folder");
    let at = |name: &str| copy.path().join(name);
    // The log of one, beside the file of the other, without its index.
    std::fs::copy(elsewhere.path().join("store.db"), at("store.db")).expect("copied");
    std::fs::copy(folder.path().join("store.db-wal"), at("store.db-wal")).expect("copied");
    let before = std::fs::read(at("store.db")).expect("a file");
    assert!(refusal(&at("store.db")).contains("do not belong together"));
    assert!(std::fs::read(at("store.db")).expect("a file") == before, "no byte of the log reached it");
    // The log alone, without the file, or with an empty one: SQLite would throw it away.
    std::fs::remove_file(at("store.db")).expect("removed");
    assert!(refusal(&at("store.db")).contains("missing or empty"));
    std::fs::write(at("store.db"), "").expect("written");
    assert!(refusal(&at("store.db")).contains("missing or empty"));
    assert!(std::fs::metadata(at("store.db-wal")).expect("still there").len() > 0);
}

#[tokio::test]
async fn a_log_without_its_index_is_read_and_an_empty_file_is_a_new_store() {
    let (store, folder) = open();
    store.insert_event(&event(1)).await.expect("stored");
    let copy = TempDir::new().expect("a folder");
    for name in ["store.db", "store.db-wal"] {
        std::fs::copy(folder.path().join(name), copy.path().join(name)).expect("copied");
    }
    let second = SqliteStore::open(&copy.path().join("store.db")).expect("it opens");
    assert_eq!(events(&second).await, 1);
    std::fs::write(copy.path().join("empty.db"), "").expect("a file");
    let empty = SqliteStore::open(&copy.path().join("empty.db")).expect("it opens");
    assert!(empty.contents().await.expect("counted").is_empty());
    // A name that differs in capitals alone was mistyped.
    assert!(refusal(&copy.path().join("STORE.db")).contains("store.db is beside it"));
}

#[tokio::test]
async fn a_file_that_was_moved_away_takes_no_more_writes_until_it_is_back() {
    let (store, folder) = open();
    store.insert_event(&event(1)).await.expect("stored");
    let (path, away) = (folder.path().join("store.db"), folder.path().join("away.db"));
    std::fs::rename(&path, &away).expect("moved");
    for refused in [store.check().await, store.insert_event(&event(2)).await] {
        assert!(matches!(refused, Err(StoreError::Unavailable(Trouble::Moved, _))), "{refused:?}");
    }
    // Another store in its place is not it either.
    drop(SqliteStore::open(&folder.path().join("other.db")).expect("it opens"));
    std::fs::rename(folder.path().join("other.db"), &path).expect("moved");
    assert!(matches!(store.check().await, Err(StoreError::Unavailable(Trouble::Moved, _))));
    std::fs::rename(&away, &path).expect("moved back");
    store.check().await.expect("it is well");
    store.insert_event(&event(2)).await.expect("stored");
    assert_eq!(events(&*store).await, 2);
}

#[tokio::test]
async fn a_second_server_on_a_store_is_known() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("store.db");
    let one = SqliteStore::open(&path).expect("it opens");
    assert!(one.hold_as_server());
    let two = SqliteStore::open(&path).expect("it opens");
    assert!(!two.hold_as_server());
    drop(one);
    assert!(two.hold_as_server());
}

#[tokio::test]
async fn one_damaged_row_hides_no_other_in_any_list() {
    let (store, folder) = open();
    for number in 0..3 {
        store.insert_event(&event(number)).await.expect("stored");
    }
    let db = rusqlite::Connection::open(folder.path().join("store.db")).expect("it opens");
    let key = "INSERT INTO api_keys (id, kind, client_id, label, secret_hmac, created_at) VALUES";
    let odd = format!("{key} ('k1', 'app', 'client-a', 'good', zeroblob(32), 0), ('k2', 'odd', 'client-a', 'bad', zeroblob(32), 0),
        ('k3', 'app', 'client-a', 'short', zeroblob(31), 0);
        UPDATE events SET at = {} WHERE id = '{}';
        INSERT INTO connections (id, client_id, stage, notion_shaped, created_at) VALUES
            ('con_1', 'client-a', 'odd', 0, 0), ('con_2', 'client-a', 'active', 0, 0), ('con_3', 'client-a', 'pending', 0, {});",
        i64::MAX, event(1).id, i64::MAX);
    db.execute_batch(&odd).expect("damaged");
    let told = |listed: Vec<store::records::Listed<_>>| -> Vec<bool> {
        listed
            .into_iter()
            .map(|row: store::records::Listed<store::records::ApiKey>| row.sound().is_some())
            .collect()
    };
    assert_eq!(told(store.list_api_keys("client-a", None).await.expect("read")), [false, false, true]);
    assert_eq!(events(&*store).await, 3, "the damaged one keeps its place");
    let page = PageRequest { after: None, size: 10 };
    let listed =
        store.list_connections("client-a", &ConnectionFilter::default(), &page).await.expect("read").rows;
    assert_eq!(listed.len(), 3);
    for state in [ConnectionState::Active, ConnectionState::Pending] {
        let filter = ConnectionFilter { state: Some(state), ..ConnectionFilter::default() };
        assert!(
            store.list_connections("client-a", &filter, &page).await.expect("read").rows.is_empty(),
            "{state:?}"
        );
    }
    let filter = ConnectionFilter { state: Some(ConnectionState::Damaged), ..ConnectionFilter::default() };
    assert_eq!(store.list_connections("client-a", &filter, &page).await.expect("read").rows.len(), 3);
    assert!(matches!(store.find_connection("client-a", "con_1").await, Err(StoreError::Damaged { .. })));
    let view = store.find_connection("client-a", "con_2").await.expect("read").expect("there");
    assert!(view.damage.is_some_and(|damage| damage.contains("authorization is gone")));
    // It can be ended all the same.
    let ended = store.disconnect("client-a", "con_1", &event(9), jiff::Timestamp::UNIX_EPOCH).await;
    assert!(matches!(ended, Ok(store::Disconnected::GrantKept)), "{ended:?}");
}
