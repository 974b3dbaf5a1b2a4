//! Bodies: a request's may pause, but not for ever; an answer's keeps its call open until it has ended.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures_util::{StreamExt as _, stream};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyStream;
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};

use crate::socket::{Call, Reader};

/// How long a client may pause in the middle of a body.
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// How long a body may take altogether: a part of an upload is at most 20 MB.
const WHOLE_MAX: Duration = Duration::from_mins(10);

/// An answer's body that keeps its call open.
pub(crate) struct Counted {
    body: Body,
    call: Call,
}

impl Counted {
    pub(crate) fn new(body: Body, call: Call) -> Self {
        call.answers();
        Self { body, call }
    }
}

impl http_body::Body for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
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

/// A body whose sender may pause, but not for ever: one that stalls would hold its socket and its call.
pub(crate) fn patient(body: Incoming, reader: Reader) -> Body {
    if body.is_end_stream() {
        return Body::empty();
    }
    let end = Instant::now() + WHOLE_MAX;
    Body::from_stream(stream::unfold(
        Some((BodyStream::new(body), reader)),
        move |going: Option<(BodyStream<Incoming>, Reader)>| async move {
            let (mut frames, reader) = going?;
            let by = end.min(Instant::now() + PAUSE_MAX);
            let waiting = reader.wait();
            let next = timeout_at(by, frames.next()).await;
            drop(waiting);
            let failed = match next {
                Ok(None) => return None,
                Ok(Some(Ok(frame))) => {
                    return Some((Ok(frame.into_data().unwrap_or_default()), Some((frames, reader))));
                }
                Ok(Some(Err(error))) => std::io::Error::other(error),
                Err(_) => std::io::Error::new(std::io::ErrorKind::TimedOut, "the body stalled"),
            };
            Some((Err(failed), None))
        },
    ))
}
