//! What one socket is doing: silent since it came, at rest between two calls, sending a head, or in the middle of calls. From
//! that follows how long it may go on, and who goes first when there is no room.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::Version;
use tokio::sync::Notify;
use tokio::time::Instant;

/// How long a client may take for a request's head; for the first one, connecting included.
pub(crate) const HEAD_TIME: Duration = Duration::from_secs(15);
/// How long a client may leave the answer of an open call unread.
const UNREAD_MAX: Duration = Duration::from_mins(2);
/// How long a call may wait for its client before its socket may have to make room for others.
const STUCK_AFTER: Duration = Duration::from_secs(2);
/// For sockets in the middle of a call: far away.
const LONG: Duration = Duration::from_hours(24);

/// One socket.
pub(crate) struct Socket {
    doing: Mutex<Doing>,
    sent_off: Notify,
}

struct Doing {
    /// How many calls are open.
    calls: u32,
    /// Whether it ever began one.
    spoke: bool,
    /// Since when it has been without an open call.
    quiet_since: Instant,
    /// In HTTP/1, when the first bytes of a head came that is not whole yet.
    head_since: Option<Instant>,
    http2: bool,
    /// Since when an open call waits for the next piece of its body.
    body_since: Option<Instant>,
    /// Since when an answer waits for its client to read.
    unread_since: Option<Instant>,
    /// Whether it was told to make room.
    leaving: bool,
}

/// Why a socket may have to make room for others; who has done so for longest goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Leave {
    /// It never began a call.
    Silent(Instant),
    /// It has no open call.
    Idle(Instant),
    /// Its call waits for nobody but itself.
    Stuck(Instant),
}

impl Socket {
    pub(crate) fn new() -> Self {
        let doing = Doing {
            calls: 0,
            spoke: false,
            quiet_since: Instant::now(),
            head_since: None,
            http2: false,
            body_since: None,
            unread_since: None,
            leaving: false,
        };
        Self { doing: Mutex::new(doing), sent_off: Notify::new() }
    }

    fn doing(&self) -> MutexGuard<'_, Doing> {
        self.doing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When it ends if nothing happens until then.
    pub(crate) fn deadline(&self, idle: Duration) -> Instant {
        let doing = self.doing();
        if doing.calls > 0 {
            return doing.unread_since.map_or_else(|| Instant::now() + LONG, |since| since + UNREAD_MAX);
        }
        match (doing.spoke, doing.head_since) {
            (false, _) => doing.quiet_since + HEAD_TIME,
            (true, Some(began)) => began + HEAD_TIME,
            (true, None) => doing.quiet_since + idle,
        }
    }

    pub(crate) fn is_busy(&self) -> bool {
        self.doing().calls > 0
    }

    /// Whether, and how soon, it may have to make room.
    pub(crate) fn leave(&self) -> Option<Leave> {
        let doing = self.doing();
        if doing.leaving {
            return None;
        }
        match (doing.calls, doing.spoke) {
            (0, false) => Some(Leave::Silent(doing.quiet_since)),
            (0, true) => Some(Leave::Idle(doing.quiet_since)),
            (1, _) => {
                let since = doing.body_since.or(doing.unread_since)?;
                (since.elapsed() >= STUCK_AFTER).then_some(Leave::Stuck(since))
            }
            _ => None,
        }
    }

    /// Tells it to make room.
    pub(crate) fn send_off(&self) {
        self.doing().leaving = true;
        self.sent_off.notify_one();
    }

    /// Done once it was told to make room.
    pub(crate) async fn sent_off(&self) {
        self.sent_off.notified().await;
    }

    /// Bytes came.
    pub(crate) fn heard(&self) {
        let mut doing = self.doing();
        if doing.calls == 0 && !doing.http2 {
            doing.head_since.get_or_insert_with(Instant::now);
        }
    }

    /// Bytes went out, or could not because the client does not read.
    pub(crate) fn wrote(&self, all_well: bool) {
        let mut doing = self.doing();
        if all_well {
            doing.unread_since = None;
        } else {
            doing.unread_since.get_or_insert_with(Instant::now);
        }
    }

    /// A call waits for its body, or no longer does.
    pub(crate) fn awaits_body(&self, waits: bool) {
        self.doing().body_since = waits.then(Instant::now);
    }
}

/// One call, open until its answer's body has ended or was dropped.
pub(crate) struct Call(Arc<Socket>);

impl Call {
    pub(crate) fn begin(socket: &Arc<Socket>, version: Version) -> Self {
        let mut doing = socket.doing();
        doing.calls += 1;
        doing.spoke = true;
        doing.head_since = None;
        doing.http2 = version == Version::HTTP_2;
        drop(doing);
        Self(Arc::clone(socket))
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let mut doing = self.0.doing();
        doing.calls = doing.calls.saturating_sub(1);
        if doing.calls == 0 {
            doing.quiet_since = Instant::now();
            doing.body_since = None;
        }
    }
}
