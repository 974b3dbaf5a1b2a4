//! What happened, in order, as a reader of a failed seed wants it; and every log line, which must hold no secret.

use std::fmt::Write as _;
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gateway::ClockHand;
use jiff::Timestamp;
use tracing_subscriber::fmt::MakeWriter;

#[derive(Clone)]
pub(crate) struct History {
    hand: ClockHand,
    began: Timestamp,
    text: Arc<Mutex<String>>,
}

impl History {
    pub(crate) fn new(hand: &ClockHand) -> Self {
        Self { hand: hand.clone(), began: hand.now(), text: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, String> {
        self.text.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a line.
    pub(crate) fn note(&self, who: &str, what: &str) {
        let at = self.hand.now().duration_since(self.began).as_millis();
        let (seconds, millis) = (at / 1000, at % 1000);
        writeln!(self.lock(), "{seconds:>5}.{millis:03}  {who:<10} {what}").expect("a String takes it");
    }

    pub(crate) fn text(&self) -> String {
        self.lock().clone()
    }
}

/// A line of the log, as the subscriber hands it over.
pub(crate) struct Line(History);

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.note("log", String::from_utf8_lossy(bytes).trim_end());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for History {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line(self.clone())
    }
}

/// Prints the history if its story ends in a panic.
pub(crate) struct Witness(pub(crate) History);

impl Drop for Witness {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.0.text());
        }
    }
}
