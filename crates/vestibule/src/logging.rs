//! Logs go to standard error: lines for people on a terminal, one JSON object each otherwise. Nobody waits for whoever reads
//! them: a thread of its own writes, what finds its queue full is dropped and counted, and a reader that has gone is no
//! failure. Ready-made writers of this kind tell their own trouble on standard output, where it may block or end the process.

use std::fs::File;
use std::io::{self, ErrorKind, IsTerminal as _, Write};
use std::os::fd::AsFd as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::time::Duration;

use tracing_subscriber::EnvFilter;

use crate::output::{harmless_lines, log_line};

/// How many lines may wait to be written.
const WAITING_MAX: usize = 4_096;
/// How long the end of the process waits for lines that are on their way.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// How long to wait before writing again where writing would block.
const BLOCKED: Duration = Duration::from_millis(20);

/// Where lines wait; there is none before [`begin`].
static QUEUE: OnceLock<SyncSender<Entry>> = OnceLock::new();
/// How many lines were dropped and not told of yet.
static DROPPED: AtomicU64 = AtomicU64::new(0);
/// How many lines were dropped altogether.
static DROPPED_EVER: AtomicU64 = AtomicU64::new(0);

enum Entry {
    Line(Vec<u8>),
    /// Answered once everything before it is written.
    Mark(SyncSender<()>),
}

/// Begins to log. `VESTIBULE_LOG` chooses what, in `tracing`'s filter syntax; without it `usual`.
pub(crate) fn begin(usual: &str) {
    let filter = EnvFilter::try_from_env("VESTIBULE_LOG").unwrap_or_else(|_| EnvFilter::new(usual));
    let (queue, waiting) = sync_channel(WAITING_MAX);
    // Not by way of the library's handle: whoever holds its lock while the pipe is full would block all others.
    match io::stderr().as_fd().try_clone_to_owned() {
        Ok(descriptor) => {
            let file = File::from(descriptor);
            let _detached = std::thread::Builder::new().name("log".to_owned()).spawn(|| write(waiting, file));
        }
        Err(_) => drop(waiting),
    }
    let _first = QUEUE.set(queue);
    let log = tracing_subscriber::fmt().with_env_filter(filter);
    if io::stderr().is_terminal() {
        // Without colours: what steers the terminal is escaped, whoever it came from.
        log.with_ansi(false).with_writer(|| TerminalPen).init();
    } else {
        log.with_writer(|| Pen)
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .init();
    }
    // Else the panic of one call would wait for the reader.
    std::panic::set_hook(Box::new(|panic| {
        let at = panic.location().map(ToString::to_string);
        tracing::error!(event = "panic", at, what = panic.payload_as_str());
    }));
}

/// How many lines nobody could read.
pub(crate) fn dropped() -> u64 {
    DROPPED_EVER.load(Ordering::Relaxed)
}

/// Waits a moment for the lines that are on their way.
pub(crate) fn finish() {
    let Some(queue) = QUEUE.get() else { return };
    let (done, written) = sync_channel(1);
    if queue.try_send(Entry::Mark(done)).is_ok() {
        let _in_time = written.recv_timeout(LAST_WORDS);
    }
}

/// Says why the process ends: as everything else while it logs, else without haste.
pub(crate) fn last_words(words: &str) {
    say(words);
    finish();
}

/// Tells a person something beside the log. It may quote strangers, so what steers a terminal is escaped.
pub(crate) fn say(words: &str) {
    let line = format!("vestibule: {}\n", harmless_lines(words));
    if QUEUE.get().is_some() {
        let _or_dropped = Pen.write(line.as_bytes());
    } else {
        // A reader that went away is no failure.
        let _best_effort = io::stderr().write_all(line.as_bytes());
    }
}

/// Puts lines in the queue. Each write is one whole line.
struct Pen;

impl Write for Pen {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let queued = QUEUE.get().is_some_and(|queue| queue.try_send(Entry::Line(line.to_vec())).is_ok());
        if !queued {
            drop_one();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The same where a person reads it.
struct TerminalPen;

impl Write for TerminalPen {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let _queued = Pen.write(log_line(line).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn drop_one() {
    DROPPED.fetch_add(1, Ordering::Relaxed);
    DROPPED_EVER.fetch_add(1, Ordering::Relaxed);
}

/// The thread that writes.
fn write(waiting: Receiver<Entry>, mut file: File) {
    let mut reader_is_there = true;
    loop {
        let entry = match waiting.try_recv() {
            Ok(entry) => entry,
            Err(TryRecvError::Empty) => {
                if reader_is_there {
                    tell_dropped();
                }
                let Ok(entry) = waiting.recv() else { return };
                entry
            }
            Err(TryRecvError::Disconnected) => return,
        };
        match entry {
            Entry::Line(line) => {
                reader_is_there = put(&mut file, &line).is_ok();
                if !reader_is_there {
                    drop_one();
                }
            }
            Entry::Mark(done) => {
                let _nobody_waits = done.try_send(());
            }
        }
    }
}

/// Once all that waited is written: how much is missing.
fn tell_dropped() {
    let lines = DROPPED.swap(0, Ordering::Relaxed);
    if lines > 0 {
        tracing::warn!(event = "log.dropped", lines, "nobody read the log for a while");
    }
}

/// Writes a line whole, however long that takes.
fn put(file: &mut File, mut line: &[u8]) -> io::Result<()> {
    while !line.is_empty() {
        match file.write(line) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => line = &line[written..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // The other end of a pipe or terminal may have made it so.
            Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::sleep(BLOCKED),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
