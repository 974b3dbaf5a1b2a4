//! An answer's body on its way to the caller: Notion's, which may pause but not for ever, or one of ours.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::BoxError;
use axum::body::{Body, Bytes};
use http_body::{Frame, SizeHint};
use http_body_util::Either;

use crate::notion::AnswerBody;
use crate::world::World;

/// How long Notion may pause in the middle of an answer: a stalled one would hold its caller's socket and one to Notion.
const STALL_MAX: Duration = Duration::from_mins(2);

/// The body of what a door answers: Notion's, or ours.
pub(crate) type Forwarded = Either<Moving, Body>;

/// Notion's answer, frame by frame.
pub(crate) struct Moving {
    body: AnswerBody,
    world: World,
    /// Over when it has stalled for too long; there while it pauses.
    patience: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    stalled: bool,
}

impl Moving {
    pub(super) fn new(world: &World, body: AnswerBody) -> Self {
        Self { body, world: world.clone(), patience: None, stalled: false }
    }

    fn stall(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let patience = self.patience.get_or_insert_with(|| {
            let world = self.world.clone();
            Box::pin(async move { world.within(STALL_MAX, std::future::pending()).await.unwrap_or_default() })
        });
        patience.as_mut().poll(context)
    }
}

impl http_body::Body for Moving {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if self.stalled {
            return Poll::Ready(None);
        }
        while let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            self.patience = None;
            // Trailers end here: a header behind the body would go round the list of allowed ones.
            if frame.as_ref().is_none_or(|frame| frame.as_ref().map_or(true, Frame::is_data)) {
                return Poll::Ready(frame);
            }
        }
        ready!(self.stall(context));
        self.stalled = true;
        Poll::Ready(Some(Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into())))
    }

    fn is_end_stream(&self) -> bool {
        self.stalled || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderMap, HeaderValue};
    use http_body_util::{BodyExt as _, StreamBody};

    fn moving(world: &World, frames: Vec<Frame<Bytes>>, stalls: bool) -> Forwarded {
        let frames = futures_util::stream::iter(frames.into_iter().map(Ok::<_, std::io::Error>));
        let rest = futures_util::stream::iter(stalls.then_some(futures_util::stream::pending()));
        let whole = futures_util::StreamExt::chain(frames, futures_util::StreamExt::flatten(rest));
        Forwarded::Left(Moving::new(world, AnswerBody::Right(Body::new(StreamBody::new(whole)))))
    }

    #[tokio::test]
    async fn trailers_end_here() {
        let trailers =
            HeaderMap::from_iter([("set-cookie".parse().unwrap(), HeaderValue::from_static("a=b"))]);
        let frames = vec![Frame::data(Bytes::from_static(b"hi")), Frame::trailers(trailers)];
        let read = moving(&World::real(), frames, false).collect().await.unwrap();
        assert!(read.trailers().is_none());
        assert_eq!(read.to_bytes(), "hi");
    }

    #[tokio::test]
    async fn an_answer_that_stalls_for_two_minutes_is_cut() {
        let (world, clock) = World::manual(jiff::Timestamp::UNIX_EPOCH);
        let mut body = moving(&world, vec![Frame::data(Bytes::from_static(b"hi"))], true);
        assert!(body.frame().await.unwrap().is_ok());
        let mut next = std::pin::pin!(body.frame());
        let mut context = Context::from_waker(std::task::Waker::noop());
        assert!(next.as_mut().poll(&mut context).is_pending());
        clock.advance(Duration::from_secs(119));
        assert!(next.as_mut().poll(&mut context).is_pending());
        clock.advance(Duration::from_secs(1));
        assert!(next.await.unwrap().is_err());
        assert!(body.frame().await.is_none(), "once");
    }
}
