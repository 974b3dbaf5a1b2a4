//! A request's body on its way to Notion: kept, so that it can be sent again, or streaming, once.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::BoxError;
use axum::body::{Body, Bytes};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_LENGTH;
use futures_util::{StreamExt as _, stream};
use http_body::{Frame, SizeHint};
use http_body_util::{BodyExt as _, BodyStream, Full, Limited, StreamBody};

use crate::Error;
use crate::notion::CallBody;
use crate::world::{Moment, World};

/// Bodies up to this size, in bytes, are kept until the answer's head arrives.
const KEPT_MAX: usize = 64 * 1024;
/// The largest body that is forwarded, in bytes: a part of an upload is at most 20 MB.
const BODY_MAX: usize = 25 * 1024 * 1024;

/// How long Notion may take for an answer's head once it has the whole body, and for a piece of the body: it ends a call after a
/// minute itself.
const HEAD_DEADLINE: Duration = Duration::from_secs(65);
/// How long a body may take altogether: a part of an upload is at most 20 MB.
const WHOLE_MAX: Duration = Duration::from_mins(10);
const BROKEN: Error =
    Error::Invalid(std::borrow::Cow::Borrowed("the body ended early, stalled, or is larger than 25 MiB"));

pub(super) enum RequestBody {
    Kept(Bytes),
    Streaming(Option<Body>, Arc<Mutex<Progress>>),
}

/// How far a body that streams has come.
pub(super) struct Progress {
    /// When it last gave a piece, or its end.
    moved: Moment,
    broke: bool,
}

/// A body that tells how far it has come.
struct Told<B> {
    body: B,
    progress: Arc<Mutex<Progress>>,
    world: World,
}

impl RequestBody {
    /// Keeps a body that is known, or found, to be small.
    pub(super) async fn load<B>(world: &World, headers: &HeaderMap, body: B) -> Result<Self, Error>
    where
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
    {
        if body.is_end_stream() {
            return Ok(Self::Kept(Bytes::new()));
        }
        let declared = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        if declared.is_some_and(|length| length > BODY_MAX as u64) {
            return Err(Error::BodyTooLarge(BODY_MAX));
        }
        let mut body = Limited::new(body, BODY_MAX);
        if declared.is_some_and(|length| length > KEPT_MAX as u64) {
            return Ok(Self::streaming(world, body));
        }
        let mut read = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| BROKEN)?;
            read.extend_from_slice(frame.data_ref().map_or(&[], |data| data));
            if read.len() > KEPT_MAX {
                let begun = stream::iter([Ok(Frame::data(Bytes::from(read)))]);
                let whole = StreamBody::new(begun.chain(BodyStream::new(body)));
                return Ok(Self::streaming(world, whole));
            }
        }
        Ok(Self::Kept(Bytes::from(read)))
    }

    fn streaming<B>(world: &World, body: B) -> Self
    where
        B: http_body::Body<Data = Bytes, Error = BoxError> + Send + Unpin + 'static,
    {
        let progress = Arc::new(Mutex::new(Progress { moved: world.moment(), broke: false }));
        let told = Told { body, progress: Arc::clone(&progress), world: world.clone() };
        Self::Streaming(Some(Body::new(told)), progress)
    }

    /// What sending comes to, if it does in time: the answer's head has its time from when the whole body was taken, and so has
    /// each piece of the body, up to ten minutes in all.
    pub(super) async fn in_time<F: Future + Unpin>(
        &mut self,
        world: &World,
        mut sending: F,
    ) -> Option<F::Output> {
        let began = world.moment();
        let mut by = began.after(HEAD_DEADLINE);
        loop {
            if let Some(sent) = world.by(by, &mut sending).await {
                return Some(sent);
            }
            let Self::Streaming(_, progress) = self else { return None };
            let later = moved(progress).after(HEAD_DEADLINE).min(began.after(WHOLE_MAX + HEAD_DEADLINE));
            if later <= by {
                return None;
            }
            by = later;
        }
    }

    /// What is wrong if the body, and not Notion, is why nothing came of the call.
    pub(super) fn broken(&self) -> Option<Error> {
        let Self::Streaming(_, progress) = self else { return None };
        progress.lock().unwrap_or_else(PoisonError::into_inner).broke.then_some(BROKEN)
    }

    pub(super) fn is_kept(&self) -> bool {
        matches!(self, Self::Kept(_))
    }

    /// The body, to be sent; one that streams is there once.
    pub(super) fn take(&mut self) -> CallBody {
        match self {
            Self::Kept(bytes) => CallBody::Left(Full::new(bytes.clone())),
            Self::Streaming(body, _) => CallBody::Right(body.take().unwrap_or_default()),
        }
    }
}

fn moved(progress: &Mutex<Progress>) -> Moment {
    progress.lock().unwrap_or_else(PoisonError::into_inner).moved
}

impl<B> http_body::Body for Told<B>
where
    B: http_body::Body<Data = Bytes, Error = BoxError> + Unpin,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        progress.moved = self.world.moment();
        progress.broke |= matches!(frame, Some(Err(_)));
        drop(progress);
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
