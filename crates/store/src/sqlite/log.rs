//! Brings what was written to the log into the file, in a thread of its own: a pair that Notion has just issued must not wait for it.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use rusqlite::Connection as Db;

use super::threads::{Marks, empty_log};

/// Once nothing was written for so long, what is in the log is brought into the file; people copy that file alone.
const CHECKPOINT_IDLE: Duration = Duration::from_millis(100);
/// Under a steady load, it is brought there so often.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(1);

/// Until the writer ends.
pub(super) fn run(db: &Db, writes: &Receiver<()>, marks: &Marks) {
    let mut log = Log::new();
    loop {
        let next = match log.pause() {
            Some(pause) => writes.recv_timeout(pause),
            None => writes.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match next {
            Ok(()) => {
                log.written();
                if log.is_late() {
                    log.checkpoint(db, marks);
                }
            }
            Err(RecvTimeoutError::Timeout) => log.checkpoint(db, marks),
            Err(RecvTimeoutError::Disconnected) => return log.checkpoint(db, marks),
        }
    }
}

/// What the write-ahead log holds that the file does not. `SQLite` by itself brings it there every thousand pages, so the file
/// of a small store would stay empty for days.
struct Log {
    /// When the first of it was written; none of it is left otherwise.
    behind_since: Option<Instant>,
    /// A reader kept some of it back, or the disk did.
    held: bool,
}

impl Log {
    /// What was written when the store was made or brought up to date is in the log yet.
    fn new() -> Self {
        Self { behind_since: Some(now()), held: false }
    }

    /// How long to wait for another job before it is brought into the file.
    fn pause(&self) -> Option<Duration> {
        let pause = if self.held { CHECKPOINT_EVERY } else { CHECKPOINT_IDLE };
        self.behind_since.map(|_| pause)
    }

    fn written(&mut self) {
        self.behind_since.get_or_insert_with(now);
    }

    fn is_late(&self) -> bool {
        self.behind_since.is_some_and(|since| since.elapsed() >= CHECKPOINT_EVERY)
    }

    /// Passive: it waits for nobody and nobody waits for it.
    fn checkpoint(&mut self, db: &Db, marks: &Marks) {
        let _alone = marks.checkpoint.lock().unwrap_or_else(PoisonError::into_inner);
        if marks.forget.load(Ordering::Acquire) {
            empty_log(db, marks, Duration::ZERO);
            self.held = marks.forget.load(Ordering::Acquire);
            self.behind_since = self.held.then(now);
            return;
        }
        let pages = db.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
        });
        self.held = !matches!(pages, Ok((0, in_log, done)) if in_log == done);
        self.behind_since = self.held.then(now);
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "it times the thread's own pauses; nothing that is stored depends on it"
)]
fn now() -> Instant {
    Instant::now()
}
