//! Bodies: a request's may pause, but not for ever; an answer's keeps its call open until it has ended.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::socket::{Call, Reader};

/// How long a client may pause in the middle of a body.
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// How long a body may take altogether: a part of an upload is at most 20 MB.
const WHOLE_MAX: Duration = Duration::from_mins(10);

/// An answer's body that keeps its call open.
pub(crate) struct Counted<B> {
    body: B,
    call: Call,
}

impl<B> Counted<B> {
    pub(crate) fn new(body: B, call: Call) -> Self {
        call.answers();
        Self { body, call }
    }
}

impl<B: Body + Unpin> Body for Counted<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if polled.is_ready() {
            self.call.answers();
        } else {
            self.call.answer_is_made();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A request's body, whose sender may pause, but not for ever: one that stalls would hold its socket and its call.
pub struct Patient {
    body: Incoming,
    reader: Reader,
    /// Set while the sender is waited for.
    pause: Option<Pause>,
    end: Instant,
    stalled: bool,
}

/// Waiting for the sender.
struct Pause {
    over: Pin<Box<Sleep>>,
}

impl Patient {
    pub(crate) fn new(body: Incoming, reader: Reader) -> Self {
        Self { body, reader, pause: None, end: Instant::now() + WHOLE_MAX, stalled: false }
    }

    /// The sender has sent nothing so far; whether it has waited for too long.
    fn wait(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let pause = self.pause.get_or_insert_with(|| {
            self.reader.waits(true);
            Pause { over: Box::pin(sleep_until(self.end.min(Instant::now() + PAUSE_MAX))) }
        });
        pause.over.as_mut().poll(context)
    }

    fn go_on(&mut self) {
        if self.pause.take().is_some() {
            self.reader.waits(false);
        }
    }
}

impl Body for Patient {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.stalled {
            return Poll::Ready(None);
        }
        while let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            self.go_on();
            // Trailers end here: a header behind the body would go round every list of allowed ones.
            if frame.as_ref().is_none_or(|frame| frame.as_ref().map_or(true, Frame::is_data)) {
                return Poll::Ready(frame.map(|frame| frame.map_err(io::Error::other)));
            }
        }
        ready!(self.wait(context));
        self.go_on();
        self.stalled = true;
        Poll::Ready(Some(Err(io::Error::new(io::ErrorKind::TimedOut, "the body stalled"))))
    }

    fn is_end_stream(&self) -> bool {
        self.stalled || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Patient {
    fn drop(&mut self) {
        self.go_on();
    }
}
