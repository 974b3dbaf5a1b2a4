//! What one socket is doing: silent since it came, at rest between two calls, sending a head, or in the middle of calls. From
//! that follows how long it may go on, and who goes first when there is no room.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::BoxError;
use axum::http::{Method, Uri, Version};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::crowd::{Stream, Streams};
use crate::lines::Lines;

/// How long a client may take for a request's head; for the first one, connecting included.
pub(crate) const HEAD_TIME: Duration = Duration::from_secs(15);
/// How long a client may leave the answer of an open call unread.
const UNREAD_MAX: Duration = Duration::from_mins(2);
/// How long a call may wait for its client before its socket may have to make room for others.
const STUCK_AFTER: Duration = Duration::from_secs(2);
/// How long a socket that has just come may take before it counts as silent: its head is on its way.
const NEW_FOR: Duration = Duration::from_millis(500);
/// For sockets in the middle of a call: far away.
const LONG: Duration = Duration::from_hours(24);

/// One socket.
pub(crate) struct Socket {
    doing: Mutex<Doing>,
    /// All that are open beside its own.
    streams: Streams,
    sent_off: Notify,
}

struct Doing {
    /// The calls that are open: one in HTTP/1, a few in HTTP/2.
    calls: Vec<Open>,
    /// The number of the latest call.
    last: u64,
    /// Whether it ever began one.
    spoke: bool,
    /// Since when it has been without an open call.
    quiet_since: Instant,
    /// In HTTP/1, when the first bytes of a head came that is not whole yet.
    head_since: Option<Instant>,
    http2: bool,
    /// In HTTP/1, what the request lines looked like.
    lines: Lines,
    /// Since when bytes wait for the client to read.
    unread_since: Option<Instant>,
    /// Whether it was told to make room.
    leaving: bool,
}

/// One open call.
#[derive(Default)]
struct Open {
    number: u64,
    /// Since when it waits for the next piece of its body.
    body_since: Option<Instant>,
    /// Whether its answer has begun. Then it no longer matters whether all of its body came.
    answering: bool,
    /// Since when its client has taken nothing of an answer that may go on. In HTTP/2 a call's client can hold back its own
    /// answer while the socket writes on.
    untaken_since: Option<Instant>,
}

impl Doing {
    /// Since when all open calls have waited for their clients, if they all do.
    fn stuck_since(&self) -> Option<Instant> {
        let since = |call: &Open| {
            let own = match (call.answering, self.http2) {
                (false, _) => call.body_since,
                (true, true) => call.untaken_since,
                // Its socket has no other, and knows better.
                (true, false) => None,
            };
            own.or(self.unread_since)
        };
        let all: Option<Vec<Instant>> = self.calls.iter().map(since).collect();
        all?.into_iter().max()
    }

    /// Whether, and how soon, it may have to make room.
    fn leave(&self) -> Option<Leave> {
        let stuck = if self.calls.is_empty() { self.unread_since } else { self.stuck_since() };
        match (self.calls.is_empty(), stuck, self.spoke) {
            (_, Some(since), _) => (since.elapsed() >= STUCK_AFTER).then_some(Leave::Stuck(since)),
            (false, None, _) => None,
            (true, None, true) => Some(Leave::Idle(self.head_since.unwrap_or(self.quiet_since))),
            (true, None, false) if self.quiet_since.elapsed() < NEW_FOR => Some(Leave::New(self.quiet_since)),
            (true, None, false) => Some(Leave::Silent(self.quiet_since)),
        }
    }
}

/// Why a socket may have to make room for others; who has done so for longest goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Leave {
    /// It never began a call.
    Silent(Instant),
    /// It has no open call.
    Idle(Instant),
    /// All that is open on it waits for its client.
    Stuck(Instant),
    /// It has only just come.
    New(Instant),
}

impl Socket {
    pub(crate) fn among(streams: Streams) -> Self {
        let doing = Doing {
            calls: Vec::new(),
            last: 0,
            spoke: false,
            quiet_since: Instant::now(),
            head_since: None,
            http2: false,
            lines: Lines::default(),
            unread_since: None,
            leaving: false,
        };
        Self { doing: Mutex::new(doing), streams, sent_off: Notify::new() }
    }

    fn doing(&self) -> MutexGuard<'_, Doing> {
        self.doing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When it ends if nothing happens until then.
    pub(crate) fn deadline(&self, idle: Duration) -> Instant {
        let doing = self.doing();
        if !doing.calls.is_empty() {
            return doing.stuck_since().map_or_else(|| Instant::now() + LONG, |since| since + UNREAD_MAX);
        }
        if let Some(since) = doing.unread_since {
            return since + UNREAD_MAX;
        }
        match (doing.spoke, doing.head_since) {
            (false, _) => doing.quiet_since + HEAD_TIME,
            (true, Some(began)) => began + HEAD_TIME,
            (true, None) => doing.quiet_since + idle,
        }
    }

    pub(crate) fn is_busy(&self) -> bool {
        !self.doing().calls.is_empty()
    }

    /// Whether, and how soon, it may have to make room. One that was told to is on its way.
    pub(crate) fn leave(&self) -> Option<Leave> {
        let doing = self.doing();
        if doing.leaving { None } else { doing.leave() }
    }

    /// Tells it to make room.
    pub(crate) fn send_off(&self) {
        self.doing().leaving = true;
        self.sent_off.notify_one();
    }

    /// Whether it goes, now that it was told to. A call may have begun since it was chosen: then it stays.
    pub(crate) fn goes(&self) -> bool {
        let mut doing = self.doing();
        doing.leaving = doing.leave().is_some();
        doing.leaving
    }

    /// Done once it was told to make room.
    pub(crate) async fn sent_off(&self) {
        self.sent_off.notified().await;
    }

    /// Bytes came.
    pub(crate) fn heard(&self, bytes: &[u8]) {
        let mut doing = self.doing();
        if doing.http2 {
            return;
        }
        doing.lines.heard(bytes);
        if doing.calls.is_empty() {
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

    /// Notes something of a call that is still open.
    fn note(&self, number: u64, change: impl FnOnce(&mut Open)) {
        if let Some(call) = self.doing().calls.iter_mut().find(|call| call.number == number) {
            change(call);
        }
    }
}

/// One call, open until its answer's body has ended or was dropped.
pub(crate) struct Call {
    socket: Arc<Socket>,
    number: u64,
    /// In HTTP/2, its place among all that are open. In HTTP/1 there is one call a socket.
    _stream: Option<Stream>,
}

impl Call {
    /// The call, and whether its target went on with a `#` that the HTTP library has left out.
    ///
    /// # Errors
    /// In HTTP/2, if there is no room for one more: the stream is reset, which says that nothing was done with it (RFC 9113 8.7). An
    /// answer would stay open as long as its client does not take it.
    pub(crate) fn begin(
        socket: &Arc<Socket>,
        version: Version,
        method: &Method,
        uri: &Uri,
    ) -> Result<(Self, bool), BoxError> {
        let http2 = version == Version::HTTP_2;
        let stream = if http2 {
            Some(socket.streams.take().ok_or_else(|| h2::Error::from(h2::Reason::REFUSED_STREAM))?)
        } else {
            None
        };
        let mut doing = socket.doing();
        doing.last += 1;
        let number = doing.last;
        doing.calls.push(Open { number, ..Open::default() });
        doing.spoke = true;
        doing.head_since = None;
        doing.http2 = http2;
        let cut = !http2 && doing.lines.cut(method, uri);
        drop(doing);
        Ok((Self { socket: Arc::clone(socket), number, _stream: stream }, cut))
    }

    /// The call as its body knows it.
    pub(crate) fn reader(&self) -> Reader {
        Reader { socket: Arc::clone(&self.socket), number: self.number }
    }

    /// Whether its socket heard lines that may be requests' with a `#`. Those of a body must not be held against who comes next: behind
    /// a proxy that is somebody else.
    pub(crate) fn is_doubtful(&self) -> bool {
        self.socket.doing().lines.has_noted()
    }

    /// Its answer has begun, or a piece of it was handed on: now it is the client's to take it.
    pub(crate) fn answers(&self) {
        self.socket.note(self.number, |call| {
            (call.answering, call.untaken_since) = (true, Some(Instant::now()));
        });
    }

    /// Its answer goes on when whoever makes it does.
    pub(crate) fn answer_is_made(&self) {
        self.socket.note(self.number, |call| call.untaken_since = None);
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let mut doing = self.socket.doing();
        doing.calls.retain(|call| call.number != self.number);
        if doing.calls.is_empty() {
            doing.quiet_since = Instant::now();
        }
    }
}

/// Who reads a call's body. It does not keep the call open.
pub(crate) struct Reader {
    socket: Arc<Socket>,
    number: u64,
}

impl Reader {
    /// The call begins, or ends, to wait for its client to send.
    pub(crate) fn waits(&self, begins: bool) {
        self.socket.note(self.number, |call| call.body_since = begins.then(Instant::now));
    }
}
