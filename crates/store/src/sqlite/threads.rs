//! The writer's and the readers' threads.
//! Writers' jobs are taken in groups: each runs in a savepoint of its own inside one transaction, which is committed
//! once; only then is anybody answered. A job that fails undoes itself alone; a commit that fails fails them all.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
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

/// A writer's job in two steps: run inside the group, then answer once the group is committed (or not).
type WriteJob = Box<dyn FnOnce(&Transaction<'_>) -> Answer + Send>;
type Answer = Box<dyn FnOnce(std::result::Result<(), String>) + Send>;

pub(super) struct Threads {
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
        let mut handles = vec![spawn("store-writer", move || run_writer(writer, &write_jobs))?];
        let read_jobs = Arc::new(Mutex::new(read_jobs));
        for _ in 0..READERS {
            let (db, jobs) = (open_reader(path)?, Arc::clone(&read_jobs));
            handles.push(spawn("store-reader", move || run_reader(&db, &jobs))?);
        }
        Ok(Self { writer: Some(write), readers: Some(read), handles })
    }

    pub(super) async fn write<T, F>(&self, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job: WriteJob = Box::new(move |transaction| {
            let result = guarded(|| in_savepoint(transaction, job));
            Box::new(move |committed| {
                let result = match committed {
                    Ok(()) => result,
                    Err(why) => Err(StoreError::Unavailable(why)),
                };
                // Whoever asked may have gone away.
                let _gone = answer.send(result);
            })
        });
        queue(self.writer.as_ref(), job).await?;
        answered.await.unwrap_or_else(|_| Err(stopped()))
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
    let result = job(transaction);
    let end = if result.is_ok() { "RELEASE job" } else { "ROLLBACK TO job; RELEASE job" };
    transaction.execute_batch(end)?;
    result
}

fn run_writer(mut db: Db, jobs: &Receiver<WriteJob>) {
    while let Ok(first) = jobs.recv() {
        let mut group = vec![first];
        group.extend(jobs.try_iter().take(GROUP_MAX - 1));
        run_group(&mut db, group);
    }
}

fn run_group(db: &mut Db, group: Vec<WriteJob>) {
    let transaction = match db.transaction_with_behavior(TransactionBehavior::Immediate) {
        Ok(transaction) => transaction,
        // Dropping the jobs answers each with "stopped"; the reason is worth more, so it is told in the log line of the
        // caller: every later job meets it again.
        Err(error) => return refuse(group, &error.to_string()),
    };
    let answers: Vec<Answer> = group.into_iter().map(|job| job(&transaction)).collect();
    let committed = transaction.commit().map_err(|error| error.to_string());
    for answer in answers {
        answer(committed.clone());
    }
}

/// No transaction could be begun: the jobs are run against a connection that holds nothing, only to be answered.
fn refuse(group: Vec<WriteJob>, why: &str) {
    let Ok(mut nowhere) = Db::open_in_memory() else { return };
    let Ok(transaction) = nowhere.transaction() else { return };
    let answers: Vec<Answer> = group.into_iter().map(|job| job(&transaction)).collect();
    for answer in answers {
        answer(Err(why.to_owned()));
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
