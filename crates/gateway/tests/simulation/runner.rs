//! Runs all tasks of a simulation on one thread, in an order that its dice choose. Tasks belong to groups, one for each life of a
//! process: a group can rest while the others go on, and end with all its tasks at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::future::BoxFuture;
use gateway::Spawn;

use crate::dice::Dice;

/// Whose a task is.
pub(crate) type Group = u64;

/// What belongs to no process: the network, the actors, fate.
pub(crate) const OUTSIDE: Group = 0;

#[derive(Clone)]
pub(crate) struct Runner(Arc<Mutex<Inner>>);

struct Inner {
    tasks: BTreeMap<u64, Slot>,
    ready: Vec<u64>,
    queued: BTreeSet<u64>,
    /// Ready, and of a group that rests.
    held: Vec<u64>,
    resting: BTreeSet<Group>,
    next: u64,
    dice: Dice,
}

struct Slot {
    group: Group,
    /// Taken out while it is polled.
    task: Option<BoxFuture<'static, ()>>,
}

struct TaskWaker {
    id: u64,
    runner: Weak<Mutex<Inner>>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        if let Some(inner) = self.runner.upgrade() {
            inner.lock().unwrap_or_else(PoisonError::into_inner).queue(self.id);
        }
    }
}

impl Inner {
    fn queue(&mut self, id: u64) {
        if self.tasks.contains_key(&id) && self.queued.insert(id) {
            self.ready.push(id);
        }
    }

    /// The next task to poll.
    fn take(&mut self) -> Option<(u64, BoxFuture<'static, ()>)> {
        while !self.ready.is_empty() {
            let place = self.dice.index(self.ready.len());
            let id = self.ready.swap_remove(place);
            let Some(slot) = self.tasks.get_mut(&id) else {
                self.queued.remove(&id);
                continue;
            };
            if self.resting.contains(&slot.group) {
                self.held.push(id);
                continue;
            }
            self.queued.remove(&id);
            if let Some(task) = slot.task.take() {
                return Some((id, task));
            }
        }
        None
    }
}

impl Runner {
    pub(crate) fn new(dice: Dice) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            tasks: BTreeMap::new(),
            ready: Vec::new(),
            queued: BTreeSet::new(),
            held: Vec::new(),
            resting: BTreeSet::new(),
            next: 0,
            dice,
        })))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs this one in a group.
    pub(crate) fn spawn(&self, group: Group, task: impl Future<Output = ()> + Send + 'static) {
        self.spawn_boxed(group, Box::pin(task));
    }

    fn spawn_boxed(&self, group: Group, task: BoxFuture<'static, ()>) {
        let mut inner = self.inner();
        let id = inner.next;
        inner.next += 1;
        inner.tasks.insert(id, Slot { group, task: Some(task) });
        inner.queue(id);
    }

    /// What spawns in this group.
    pub(crate) fn group(&self, group: Group) -> Arc<dyn Spawn> {
        Arc::new(InGroup { runner: self.clone(), group })
    }

    /// Polls whoever is ready until nobody is.
    pub(crate) fn run(&self) {
        loop {
            let Some((id, mut task)) = self.inner().take() else { return };
            let waker = Waker::from(Arc::new(TaskWaker { id, runner: Arc::downgrade(&self.0) }));
            let polled = task.as_mut().poll(&mut Context::from_waker(&waker));
            let mut inner = self.inner();
            let over = match (polled, inner.tasks.get_mut(&id)) {
                (Poll::Pending, Some(slot)) => {
                    slot.task = Some(task);
                    None
                }
                // It is done, or its group ended while it was polled.
                _ => {
                    inner.tasks.remove(&id);
                    Some(task)
                }
            };
            drop(inner);
            drop(over);
        }
    }

    /// Lets a group rest.
    pub(crate) fn rest(&self, group: Group) {
        self.inner().resting.insert(group);
    }

    /// Lets it go on.
    pub(crate) fn go_on(&self, group: Group) {
        let mut inner = self.inner();
        inner.resting.remove(&group);
        let held = std::mem::take(&mut inner.held);
        inner.ready.extend(held);
    }

    /// Ends all tasks of a group where they are.
    pub(crate) fn end(&self, group: Group) {
        let mut inner = self.inner();
        let ended: Vec<u64> =
            inner.tasks.iter().filter(|(_, slot)| slot.group == group).map(|(id, _)| *id).collect();
        let ended: Vec<Option<Slot>> = ended.iter().map(|id| inner.tasks.remove(id)).collect();
        drop(inner);
        // Dropping a task may wake others.
        drop(ended);
    }
}

struct InGroup {
    runner: Runner,
    group: Group,
}

impl Spawn for InGroup {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        self.runner.spawn_boxed(self.group, task);
    }
}

struct Parked(std::thread::Thread);

impl Wake for Parked {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits here for something that another thread does.
pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    let waker = Waker::from(Arc::new(Parked(std::thread::current())));
    loop {
        match work.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(done) => return done,
            Poll::Pending => std::thread::park(),
        }
    }
}
