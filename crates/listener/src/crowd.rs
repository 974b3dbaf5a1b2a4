//! All sockets of a process, or of one purpose: how many there may be, and who makes room when one more comes. Each call may
//! need a socket of its own to Notion, and the store needs its files, so sockets get less than half of the descriptors.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::socket::Socket;

/// The most sockets, however many descriptors there are.
const SOCKETS_MAX: usize = 10_000;
/// The fewest, however few descriptors there are.
const SOCKETS_MIN: usize = 16;
/// Descriptors for what is no socket: the store, logs, listeners, files that are being read.
const RESERVE: u64 = 64;
/// How soon to look again for somebody to make room when all are busy.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Raises the soft limit on open files to the hard one. Without it the usual 1,024 would end a busy server.
pub fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    let _best_effort = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}

/// A number of sockets that make room for each other. Clones are the same crowd.
#[derive(Clone)]
pub struct Crowd(Arc<Inner>);

struct Inner {
    max: usize,
    open: Mutex<Open>,
    room: Notify,
    streams: Streams,
}

#[derive(Default)]
struct Open {
    last: u64,
    sockets: HashMap<u64, Arc<Socket>>,
}

/// The calls that are open on all HTTP/2 sockets of a crowd. One socket may carry many, and each may need a socket to Notion as
/// well as a few kilobytes, so there are no more of them than there may be sockets.
#[derive(Clone)]
pub(crate) struct Streams(Arc<OpenStreams>);

struct OpenStreams {
    max: usize,
    open: AtomicUsize,
}

/// One of them.
pub(crate) struct Stream(Streams);

impl Streams {
    pub(crate) fn at_most(max: usize) -> Self {
        Self(Arc::new(OpenStreams { max, open: AtomicUsize::new(0) }))
    }

    /// One more, if there is room.
    pub(crate) fn take(&self) -> Option<Stream> {
        let before = self.0.open.fetch_add(1, Ordering::Relaxed);
        // What does not fit is given back at once, by the drop.
        let stream = Stream(self.clone());
        (before < self.0.max).then_some(stream)
    }

    #[cfg(test)]
    pub(crate) fn open(&self) -> usize {
        self.0.open.load(Ordering::Relaxed)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.0.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A socket's place in the crowd.
pub(crate) struct Place {
    crowd: Crowd,
    number: u64,
}

impl Crowd {
    /// A crowd of at most so many.
    pub fn at_most(max: usize) -> Self {
        let streams = Streams::at_most(max);
        Self(Arc::new(Inner { max, open: Mutex::default(), room: Notify::new(), streams }))
    }

    /// As many as this process's descriptors allow, if it has `crowds` of them.
    pub fn of_process(crowds: usize) -> Self {
        let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        let half = usize::try_from(limit.saturating_sub(RESERVE) / 2).unwrap_or(usize::MAX);
        Self::at_most((half / crowds.max(1)).clamp(SOCKETS_MIN, SOCKETS_MAX))
    }

    pub(crate) fn streams(&self) -> Streams {
        self.0.streams.clone()
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for one more. If there is none, whoever was silent or idle for longest makes room; if all are busy, it waits.
    pub(crate) async fn enter(&self, socket: &Arc<Socket>) -> Place {
        loop {
            if let Some(place) = self.take_place(socket) {
                return place;
            }
            self.make_room();
            let _sooner = timeout(LOOK_AGAIN, self.0.room.notified()).await;
        }
    }

    fn take_place(&self, socket: &Arc<Socket>) -> Option<Place> {
        let mut open = self.open();
        if open.sockets.len() >= self.0.max {
            return None;
        }
        open.last += 1;
        let number = open.last;
        open.sockets.insert(number, Arc::clone(socket));
        drop(open);
        Some(Place { crowd: self.clone(), number })
    }

    /// Sends off whoever can best be spared.
    pub(crate) fn make_room(&self) {
        let open = self.open();
        let spared = open.sockets.values().filter_map(|socket| Some((socket.leave()?, socket)));
        if let Some((_, socket)) = spared.min_by_key(|(leave, _)| *leave) {
            socket.send_off();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.crowd.open().sockets.remove(&self.number);
        self.crowd.0.room.notify_waiters();
    }
}
