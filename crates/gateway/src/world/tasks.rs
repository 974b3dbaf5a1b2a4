//! Work beside work: tokio's tasks, or a simulation's, which can let all tasks of one process rest, or end them at once.

#![expect(clippy::disallowed_methods, reason = "this is the one room that may")]

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Who runs tasks where tokio does not.
pub trait Spawn: Send + Sync + 'static {
    /// Runs this one, beside the others.
    fn spawn(&self, task: BoxFuture<'static, ()>);
}

#[derive(Clone)]
pub(super) enum Tasks {
    Runtime,
    Given(Arc<dyn Spawn>),
}

/// What a task comes to; `None` if it ended before its end, by a defect in it. It goes on when this is dropped.
pub(crate) enum Task<T> {
    Runtime(JoinHandle<T>),
    Given(oneshot::Receiver<T>),
}

impl Tasks {
    pub(super) fn spawn<T, F>(&self, work: F) -> Task<T>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        match self {
            Self::Runtime => Task::Runtime(tokio::spawn(work)),
            Self::Given(runner) => {
                let (tell, told) = oneshot::channel();
                runner.spawn(Box::pin(async move {
                    let _nobody_waits = tell.send(work.await);
                }));
                Task::Given(told)
            }
        }
    }
}

impl<T> Future for Task<T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        match self.get_mut() {
            Self::Runtime(handle) => Pin::new(handle).poll(context).map(Result::ok),
            Self::Given(told) => Pin::new(told).poll(context).map(Result::ok),
        }
    }
}
