//! The writer's and the readers' threads.
//! Writers' jobs are taken in groups: each runs in a savepoint of its own inside one transaction, which is committed
//! once; only then is anybody answered. A job that fails undoes itself alone; a commit that fails fails them all.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::{Connection as Db, OpenFlags, Transaction, TransactionBehavior};
use tokio::sync::oneshot;

use crate::{Result, StoreError};

/// How many jobs may wait for each thread; further callers wait to queue.
const QUEUE_MAX: usize = 1024;
/// How many jobs are committed together.
const GROUP_MAX: usize = 100;
/// How many readers there are: reads take microseconds.
const READERS: usize = 2;
/// How long to wait for another process that writes the same file.
const BUSY: Duration = Duration::from_secs(5);

type ReadJob = Box<dyn FnOnce(&Db) + Send>;

/// A writer's job in two steps: run inside the group (or not at all, if there is none any more), then answer once the group
/// is committed (or not).
type WriteJob = Box<dyn FnOnce(Option<&Transaction<'_>>) -> Answer + Send>;
type Answer = Box<dyn FnOnce(std::result::Result<(), String>) + Send>;

pub(super) struct Threads {
    /// Set by a job whose deletion must reach the log too.
    forget: Arc<AtomicBool>,
    writer: Option<SyncSender<WriteJob>>,
    readers: Option<SyncSender<ReadJob>>,
    handles: Vec<JoinHandle<()>>,
}

/// The writing connection: write-ahead log, every commit on the disk before it is answered.
pub(super) fn open_writer(path: &Path) -> Result<Db> {
    let db = Db::open(path)?;
    db.busy_timeout(BUSY)?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    db.pragma_update(None, "synchronous", "FULL")?;
    // A deleted key or token must not stay behind in a free page.
    db.pragma_update(None, "secure_delete", "ON")?;
    Ok(db)
}

fn open_reader(path: &Path) -> Result<Db> {
    let db = Db::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    db.busy_timeout(BUSY)?;
    Ok(db)
}

impl Threads {
    pub(super) fn start(path: &Path, writer: Db) -> Result<Self> {
        let (write, write_jobs) = sync_channel(QUEUE_MAX);
        let (read, read_jobs) = sync_channel(QUEUE_MAX);
        let forget = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&forget);
        let mut handles = vec![spawn("store-writer", move || run_writer(writer, &write_jobs, &told))?];
        let read_jobs = Arc::new(Mutex::new(read_jobs));
        for _ in 0..READERS {
            let (db, jobs) = (open_reader(path)?, Arc::clone(&read_jobs));
            handles.push(spawn("store-reader", move || run_reader(&db, &jobs))?);
        }
        Ok(Self { forget, writer: Some(write), readers: Some(read), handles })
    }

    pub(super) async fn write<T, F>(&self, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        queue(self.writer.as_ref(), write_job(job, answer)).await?;
        answered.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// Like `write`; what the job deleted is gone from the write-ahead log as well before it is answered. `secure_delete`
    /// overwrites pages in the file, and the log keeps what they held before.
    pub(super) async fn forget<T, F>(&self, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T> + Send + 'static,
    {
        let forget = Arc::clone(&self.forget);
        let job = move |transaction: &Transaction<'_>| {
            forget.store(true, Ordering::Release);
            job(transaction)
        };
        self.write(job).await
    }

    pub(super) async fn read<T, F>(&self, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Db) -> Result<T> + Send + 'static,
    {
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
        drop(self.writer.take());
        drop(self.readers.take());
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
                Err(why) => Err(StoreError::Unavailable(why)),
            };
            // Whoever asked may have gone away.
            let _gone = answer.send(result);
        })
    })
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(run);
    thread.map_err(|error| StoreError::Unavailable(format!("a thread could not be started: {error}")))
}

fn stopped() -> StoreError {
    StoreError::Unavailable("the store's threads have stopped".to_owned())
}

/// Queues a job without blocking the caller's thread for long: a full queue is waited for elsewhere.
async fn queue<J: Send + 'static>(sender: Option<&SyncSender<J>>, job: J) -> Result<()> {
    use std::sync::mpsc::TrySendError;
    let sender = sender.ok_or_else(stopped)?;
    match sender.try_send(job) {
        Ok(()) => Ok(()),
        Err(TrySendError::Disconnected(_)) => Err(stopped()),
        Err(TrySendError::Full(job)) => {
            let sender = sender.clone();
            let sent = tokio::task::spawn_blocking(move || sender.send(job).is_ok()).await;
            if sent.unwrap_or(false) { Ok(()) } else { Err(stopped()) }
        }
    }
}

/// A defect in one job must not end the thread that serves all.
fn guarded<T>(job: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(job))
        .unwrap_or_else(|_| Err(StoreError::Unavailable("a store job panicked".to_owned())))
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

fn run_writer(mut db: Db, jobs: &Receiver<WriteJob>, forget: &AtomicBool) {
    while let Ok(first) = jobs.recv() {
        let mut group = vec![first];
        group.extend(jobs.try_iter().take(GROUP_MAX - 1));
        run_group(&mut db, group, forget);
    }
}

fn run_group(db: &mut Db, group: Vec<WriteJob>, forget: &AtomicBool) {
    let transaction = match db.transaction_with_behavior(TransactionBehavior::Immediate) {
        Ok(transaction) => transaction,
        Err(error) => {
            let answers: Vec<Answer> = group.into_iter().map(|job| job(None)).collect();
            return tell(answers, &Err(error.to_string()));
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
        transaction.commit().map_err(|error| error.to_string())
    } else {
        drop(transaction);
        Err("the database rolled the transaction back".to_owned())
    };
    if forget.swap(false, Ordering::AcqRel) {
        // A reader that holds an old page keeps the log; the next checkpoint then does it.
        let _best_effort = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    }
    tell(answers, &committed);
}

fn tell(answers: Vec<Answer>, committed: &std::result::Result<(), String>) {
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
        run_group(&mut db, group, &AtomicBool::new(false));
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
}
