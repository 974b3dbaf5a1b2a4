//! The writer's and the readers' threads.
//! Writers' jobs are taken in groups: each runs in a savepoint of its own inside one transaction, which is committed
//! once; only then is anybody answered. A job that fails undoes itself alone; a commit that fails fails them all. What is urgent goes
//! before all that waits, in a group of its own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::{Connection as Db, OpenFlags, Transaction, TransactionBehavior};
use tokio::sync::oneshot;

use super::file::StoreFile;
use super::{changes, log};
use crate::{ChangeHook, Changes, Result, StoreError, Trouble};

/// How many jobs may wait for each thread; further callers wait to queue.
const QUEUE_MAX: usize = 1024;
/// How many jobs are committed together.
const GROUP_MAX: usize = 100;
/// How many readers there are: reads take microseconds.
const READERS: usize = 2;
/// So long may the log grow, in pages of 4 KiB.
const LOG_PAGES_MAX: i64 = 10_000;
/// How long to wait for another process that writes the same file.
const BUSY: Duration = Duration::from_secs(5);
/// How long what was deleted waits for readers who still see it before others' writes go on; ours take microseconds.
const FORGET_WAIT: Duration = Duration::from_millis(250);
type ReadJob = Box<dyn FnOnce(&Db) + Send>;

/// A writer's job in two steps: run inside the group (or not at all, if there is none any more), then answer once the group
/// is committed (or not).
type WriteJob = Box<dyn FnOnce(Option<&Transaction<'_>>) -> Answer + Send>;
type Answer = Box<dyn FnOnce(Result<()>) + Send>;

/// A job in the writer's queue; `None` only wakes it, for what is urgent waits elsewhere.
type Queued = Option<WriteJob>;

pub(super) struct Threads {
    marks: Arc<Marks>,
    writer: Option<SyncSender<Queued>>,
    readers: Option<SyncSender<ReadJob>>,
    /// How many jobs there were.
    asked: AtomicU64,
    handles: Vec<JoinHandle<()>>,
}

/// What the jobs tell the writer's thread, and what they learnt.
#[derive(Default)]
pub(super) struct Marks {
    /// Set by a job whose deletion must reach the log too, until it has.
    pub(super) forget: AtomicBool,
    /// Held by whoever brings the log into the file: two at once get in each other's way.
    pub(super) checkpoint: Mutex<()>,
    /// Jobs that wait for no other.
    urgent: Mutex<Vec<WriteJob>>,
    /// Who is told of what changed, and up to where that was done.
    hook: OnceLock<ChangeHook>,
    told: AtomicU64,
    /// Set when a write failed for want of room or at the disk: until as much was written again, the store is not ready.
    short: AtomicBool,
}

impl Marks {
    /// Tells what the last commit changed. What cannot be read may be anything.
    fn tell_changes(&self, db: &Db) {
        let Some(hook) = self.hook.get() else { return };
        let told = self.told.load(Ordering::Acquire);
        let lost = || Changes { upto: told, complete: false, changes: Vec::new() };
        let changes = changes::after(db, told).unwrap_or_else(|_| lost());
        self.told.store(changes.upto, Ordering::Release);
        if !changes.complete || !changes.changes.is_empty() {
            failpoints::hit(failpoints::Point::FeedCommitted);
            hook(&changes);
        }
    }

    fn learn(&self, error: &StoreError) {
        if matches!(error, StoreError::Unavailable(Trouble::Full | Trouble::Failing | Trouble::ReadOnly, _)) {
            self.short.store(true, Ordering::Release);
        }
    }
}

/// Opens the file for writing, as it is: nothing is changed yet.
pub(super) fn open_writer(path: &Path) -> Result<Db> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    // Without links in the folder's name either: SQLite itself follows none with that flag.
    let db = Db::open_with_flags(resolved(path), flags)?;
    db.busy_timeout(BUSY)?;
    Ok(db)
}

/// Opens the file as it is by itself, whatever its log says.
pub(super) fn open_without_log(path: &Path) -> Result<Db> {
    let named =
        resolved(path).display().to_string().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    Ok(Db::open_with_flags(format!("file:{named}?immutable=1"), flags)?)
}

/// Write-ahead log, every commit on the disk before it is answered.
pub(super) fn begin_writing(db: &Db) -> Result<()> {
    db.pragma_update(None, "journal_mode", "WAL")?;
    db.pragma_update(None, "synchronous", "FULL")?;
    // The log is brought into the file beside the writer, so that no commit waits for it. Under a load that never pauses the writer
    // must do it at times, for only then can the log begin anew.
    db.pragma_update(None, "wal_autocheckpoint", LOG_PAGES_MAX)?;
    // A deleted key or token must not stay behind in a free page.
    db.pragma_update(None, "secure_delete", "ON")?;
    Ok(())
}

/// The path with its folder's links followed.
fn resolved(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match (folder.canonicalize(), path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    }
}

fn open_reader(path: &Path) -> Result<Db> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let db = Db::open_with_flags(resolved(path), flags)?;
    db.busy_timeout(BUSY)?;
    Ok(db)
}

impl Threads {
    pub(super) fn start(path: &Path, writer: Db, file: Arc<StoreFile>) -> Result<Self> {
        let (write, write_jobs) = sync_channel(QUEUE_MAX);
        let (read, read_jobs) = sync_channel(QUEUE_MAX);
        let marks = Arc::new(Marks::default());
        let (keeper, told) = (open_writer(path)?, Arc::clone(&marks));
        let (written, writes) = sync_channel(1);
        let checkpoints = spawn("store-log", move || log::run(&keeper, &writes, &told))?;
        let told = Arc::clone(&marks);
        let run = move || run_writer(writer, &write_jobs, &written, &told, &file);
        let mut handles = vec![spawn("store-writer", run)?, checkpoints];
        let read_jobs = Arc::new(Mutex::new(read_jobs));
        for _ in 0..READERS {
            let (db, jobs) = (open_reader(path)?, Arc::clone(&read_jobs));
            handles.push(spawn("store-reader", move || run_reader(&db, &jobs))?);
        }
        Ok(Self { marks, writer: Some(write), readers: Some(read), asked: AtomicU64::new(0), handles })
    }

    pub(super) async fn write<T, F>(&self, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T> + Send + 'static,
    {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let (answer, answered) = oneshot::channel();
        queue(self.writer.as_ref(), Some(write_job(job, answer))).await?;
        self.answer(answered).await
    }

    /// Like `write`, before all that waits, and with no other job in its transaction that is not as urgent: until it is committed
    /// there is no second copy of what it stores.
    pub(super) async fn write_at_once<T, F>(&self, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T> + Send + 'static,
    {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let (answer, answered) = oneshot::channel();
        let writer = self.writer.as_ref().ok_or_else(stopped)?;
        self.marks.urgent.lock().unwrap_or_else(PoisonError::into_inner).push(write_job(job, answer));
        // A writer that does not wait looks there before it takes another group.
        if let Err(TrySendError::Disconnected(_)) = writer.try_send(None) {
            return Err(stopped());
        }
        self.answer(answered).await
    }

    async fn answer<T>(&self, answered: oneshot::Receiver<Result<T>>) -> Result<T> {
        let result = answered.await.unwrap_or_else(|_| Err(stopped()));
        if let Err(error) = &result {
            self.marks.learn(error);
        }
        result
    }

    /// Whether a write failed for want of room or at the disk, and none that proves otherwise was done since.
    pub(super) fn was_short(&self) -> bool {
        self.marks.short.load(Ordering::Acquire)
    }

    /// How many jobs there were so far.
    pub(super) fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    /// Who is told of changes from now on; only the first is.
    pub(super) fn on_change(&self, hook: ChangeHook) {
        let _first = self.marks.hook.set(hook);
    }

    /// Such a write was done.
    pub(super) fn is_well(&self) {
        self.marks.short.store(false, Ordering::Release);
    }

    /// Like `write`; what the job deleted is gone from the write-ahead log as well before it is answered, or as soon as nobody
    /// reads what was there before, such as somebody else's copying. `secure_delete` overwrites pages in the file, and the
    /// log keeps what they held before.
    pub(super) async fn forget<T, F>(&self, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T> + Send + 'static,
    {
        let marks = Arc::clone(&self.marks);
        let job = move |transaction: &Transaction<'_>| {
            marks.forget.store(true, Ordering::Release);
            job(transaction)
        };
        self.write(job).await
    }

    pub(super) async fn read<T, F>(&self, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Db) -> Result<T> + Send + 'static,
    {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let (answer, answered) = oneshot::channel();
        let job: ReadJob = Box::new(move |db| {
            let _gone = answer.send(guarded(|| job(db)));
        });
        queue(self.readers.as_ref(), job).await?;
        answered.await.unwrap_or_else(|_| Err(stopped()))
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // Those who may write were started first and end last: only they can bring the rest of the log into the file and remove it.
        drop(self.readers.take());
        for handle in self.handles.drain(2..) {
            let _ended = handle.join();
        }
        drop(self.writer.take());
        for handle in self.handles.drain(..) {
            let _ended = handle.join();
        }
    }
}

fn write_job<T, F>(job: F, answer: oneshot::Sender<Result<T>>) -> WriteJob
where
    T: Send + 'static,
    F: FnOnce(&Transaction<'_>) -> Result<T> + Send + 'static,
{
    Box::new(move |transaction| {
        let result = transaction.map_or_else(|| Err(stopped()), |whole| in_savepoint(whole, job));
        Box::new(move |committed| {
            let result = match committed {
                Ok(()) => result,
                Err(error) => Err(error),
            };
            // Whoever asked may have gone away.
            let _gone = answer.send(result);
        })
    })
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(run);
    thread.map_err(|error| failing(format!("a thread could not be started: {error}")))
}

fn stopped() -> StoreError {
    failing("the store's threads have stopped".to_owned())
}

fn failing(why: String) -> StoreError {
    StoreError::Unavailable(Trouble::Failing, why)
}

/// Queues a job without blocking the caller's thread for long: a full queue is waited for elsewhere.
async fn queue<J: Send + 'static>(sender: Option<&SyncSender<J>>, job: J) -> Result<()> {
    let sender = sender.ok_or_else(stopped)?;
    match sender.try_send(job) {
        Ok(()) => Ok(()),
        Err(TrySendError::Disconnected(_)) => Err(stopped()),
        Err(TrySendError::Full(job)) => {
            let sender = sender.clone();
            #[expect(clippy::disallowed_methods, reason = "a thread is waited for, which no seam can hasten")]
            let sent = tokio::task::spawn_blocking(move || sender.send(job).is_ok()).await;
            if sent.unwrap_or(false) { Ok(()) } else { Err(stopped()) }
        }
    }
}

/// A defect in one job must not end the thread that serves all.
fn guarded<T>(job: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(job)).unwrap_or_else(|_| Err(failing("a store job panicked".to_owned())))
}

fn in_savepoint<T>(
    transaction: &Transaction<'_>,
    job: impl FnOnce(&Transaction<'_>) -> Result<T>,
) -> Result<T> {
    transaction.execute_batch("SAVEPOINT job")?;
    // Caught here, inside the savepoint: what a panicking job wrote goes with it.
    let result = guarded(|| job(transaction));
    let end = if result.is_ok() { "RELEASE job" } else { "ROLLBACK TO job; RELEASE job" };
    transaction.execute_batch(end)?;
    result
}

fn run_writer(
    mut db: Db,
    jobs: &Receiver<Queued>,
    written: &SyncSender<()>,
    marks: &Marks,
    file: &StoreFile,
) {
    while let Ok(first) = jobs.recv() {
        let mut group: Vec<WriteJob> = first.into_iter().collect();
        group.extend(jobs.try_iter().take(GROUP_MAX - 1).flatten());
        let urgent = std::mem::take(&mut *marks.urgent.lock().unwrap_or_else(PoisonError::into_inner));
        for group in [urgent, group].into_iter().filter(|group| !group.is_empty()) {
            match file.still_there() {
                Ok(()) => run_group(&mut db, group, marks),
                Err(error) => tell(group.into_iter().map(|job| job(None)).collect(), &Err(error)),
            }
        }
        // Whoever keeps the log knows already if this does not fit.
        let _known = written.try_send(());
    }
}

fn run_group(db: &mut Db, group: Vec<WriteJob>, marks: &Marks) {
    let transaction = match db.transaction_with_behavior(TransactionBehavior::Immediate) {
        Ok(transaction) => transaction,
        Err(error) => {
            let answers: Vec<Answer> = group.into_iter().map(|job| job(None)).collect();
            return tell(answers, &Err(error.into()));
        }
    };
    // When the disk is full or fails, SQLite may roll the whole transaction back by itself; the jobs after that would each
    // commit alone, and be told that they had not.
    let stands = |transaction: &Transaction<'_>| !transaction.is_autocommit();
    let mut answers = Vec::with_capacity(group.len());
    for job in group {
        answers.push(job(stands(&transaction).then_some(&transaction)));
    }
    let committed = if stands(&transaction) {
        transaction.commit().map_err(StoreError::from)
    } else {
        drop(transaction);
        // It does so by itself when the disk is full or fails.
        Err(failing("the database rolled the transaction back".to_owned()))
    };
    if marks.forget.load(Ordering::Acquire) {
        let _alone = marks.checkpoint.lock().unwrap_or_else(PoisonError::into_inner);
        empty_log(db, marks, FORGET_WAIT);
    }
    if committed.is_ok() {
        marks.tell_changes(db);
    }
    tell(answers, &committed);
}

/// Brings the log into the file and leaves nothing of it. Whoever still reads what it holds keeps it; then it stays to be done.
pub(super) fn empty_log(db: &Db, marks: &Marks, wait: Duration) {
    let held = db
        .busy_timeout(wait)
        .and_then(|()| db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0)));
    marks.forget.store(held != Ok(0), Ordering::Release);
    let _it_was_set_before = db.busy_timeout(BUSY);
}

fn tell(answers: Vec<Answer>, committed: &Result<()>) {
    for answer in answers {
        answer(committed.clone());
    }
}

fn run_reader(db: &Db, jobs: &Mutex<Receiver<ReadJob>>) {
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match job {
            Ok(job) => job(db),
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Job = fn(&Transaction<'_>) -> Result<()>;

    fn insert(row: &str) -> String {
        format!("INSERT INTO t (name) VALUES ('{row}')")
    }

    /// Runs these jobs as one group; which of them were told that they are done, and what is in the table afterwards.
    fn group(jobs: Vec<Job>) -> (Vec<bool>, Vec<String>) {
        let mut db = Db::open_in_memory().unwrap();
        db.execute_batch("CREATE TABLE t (name TEXT)").unwrap();
        let (mut group, mut told) = (Vec::new(), Vec::new());
        for job in jobs {
            let (answer, answered) = oneshot::channel();
            group.push(write_job(job, answer));
            told.push(answered);
        }
        run_group(&mut db, group, &Marks::default());
        let told = told.into_iter().map(|mut answered| answered.try_recv().unwrap().is_ok()).collect();
        let mut rows = db.prepare("SELECT name FROM t ORDER BY rowid").unwrap();
        let rows = rows.query_map([], |row| row.get(0)).unwrap().collect::<rusqlite::Result<_>>().unwrap();
        (told, rows)
    }

    #[test]
    fn a_job_that_panics_half_way_leaves_nothing_behind() {
        let (told, rows) = group(vec![
            |db| Ok(db.execute_batch(&insert("before"))?),
            |db| {
                db.execute_batch(&insert("half"))?;
                panic!("a defect")
            },
            |db| Ok(db.execute_batch(&insert("after"))?),
        ]);
        assert_eq!((told, rows), (vec![true, false, true], vec!["before".to_owned(), "after".to_owned()]));
    }

    #[test]
    fn a_transaction_that_the_database_rolled_back_fails_all_that_was_in_it() {
        let (told, rows) = group(vec![
            |db| Ok(db.execute_batch(&insert("before"))?),
            // As SQLite does by itself when the disk is full.
            |db| Ok(db.execute_batch("ROLLBACK")?),
            |db| Ok(db.execute_batch(&insert("alone"))?),
        ]);
        assert_eq!((told, rows), (vec![false, false, false], Vec::new()));
    }

    #[tokio::test]
    async fn what_is_urgent_goes_before_all_that_waits_and_in_a_transaction_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let file = Arc::new(StoreFile::open(&path).unwrap());
        let writer = open_writer(&path).unwrap();
        begin_writing(&writer).unwrap();
        let threads = Threads::start(&path, writer, file).unwrap();
        let (begun, seen) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let (go, wait) = sync_channel::<()>(1);
        let job = |name: &'static str| {
            let seen = Arc::clone(&seen);
            move |db: &Transaction<'_>| {
                db.execute_batch("CREATE TABLE IF NOT EXISTS t (name TEXT)")?;
                let before: i64 = db.query_row("SELECT count(*) FROM t", [], |row| row.get(0))?;
                db.execute_batch(&insert(name))?;
                seen.lock().unwrap().push((name, before));
                // A defect of the others does not concern it.
                if name == "waits" { Err(failing("undone".to_owned())) } else { Ok(()) }
            }
        };
        let (at_work, first) = (Arc::clone(&begun), job("first"));
        let first = threads.write(move |db| {
            at_work.store(true, Ordering::Release);
            wait.recv().map_err(|_| stopped())?;
            first(db)
        });
        let rest = async {
            while !begun.load(Ordering::Acquire) {
                tokio::task::yield_now().await;
            }
            let queued = async { tokio::join!(threads.write(job("waits")), threads.write(job("too"))) };
            let go = async { go.send(()).unwrap() };
            tokio::join!(queued, threads.write_at_once(job("urgent")), go)
        };
        let (first, ((undone, too), urgent, ())) = tokio::join!(first, rest);
        assert!(first.is_ok() && undone.is_err() && too.is_ok() && urgent.is_ok());
        assert_eq!(*seen.lock().unwrap(), [("first", 0), ("urgent", 1), ("waits", 2), ("too", 2)]);
    }
}
