//! An answer's body on its way to the caller: Notion's, which may pause but not for ever, or one of ours.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes};
use http_body::{Frame, SizeHint};

use crate::notion::AnswerBody;
use crate::world::World;

/// How long Notion may pause in the middle of an answer: a stalled one would hold its caller's socket and one to Notion.
const STALL_MAX: Duration = Duration::from_mins(2);

/// The body of what a door answers.
pub(crate) enum Forwarded {
    /// Notion's.
    Notions(Moving),
    /// Ours.
    Ours(Body),
}

impl Default for Forwarded {
    fn default() -> Self {
        Self::Ours(Body::empty())
    }
}

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

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.stalled {
            return Poll::Ready(None);
        }
        if let Poll::Ready(frame) = http_body::Body::poll_frame(Pin::new(&mut self.body), context) {
            self.patience = None;
            return Poll::Ready(frame);
        }
        ready!(self.stall(context));
        self.stalled = true;
        let stalled = std::io::Error::from(std::io::ErrorKind::TimedOut);
        Poll::Ready(Some(Err(axum::Error::new(stalled))))
    }
}

impl http_body::Body for Forwarded {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        match self.get_mut() {
            Self::Notions(body) => body.poll(context),
            Self::Ours(body) => Pin::new(body).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Notions(moving) => moving.stalled || moving.body.is_end_stream(),
            Self::Ours(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Notions(moving) => moving.body.size_hint(),
            Self::Ours(body) => body.size_hint(),
        }
    }
}
