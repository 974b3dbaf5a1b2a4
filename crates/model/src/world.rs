//! The world that is searched: who is in it, what may happen next, and what that leads to.

use lifecycle::{GrantState, Why};
use stateright::{Model, Property};

use crate::Mutant;
use crate::flows::{Redeeming, Renewing, Settling, Task};
use crate::laws;
use crate::notion::{Bot, Kind, Notion, PairId};
use crate::store::{Holder, Stage, Store};

/// For how long an answer is listened to, in seconds.
const LISTENS: i64 = 300;

/// How often each thing may go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Budget {
    /// A process is killed, and begins again.
    pub crashes: u8,
    /// A request or its answer is lost.
    pub losses: u8,
    /// The store fails a write, or does it and does not say so.
    pub faults: u8,
    /// Notion does not say whether a token is active.
    pub unclear: u8,
    /// The person consents again.
    pub consents: u8,
    /// A connection is ended by the app.
    pub disconnects: u8,
    /// All access tokens run out.
    pub expiries: u8,
    /// The app orders a refresh.
    pub orders: u8,
    /// Time passes.
    pub passes: u8,
    /// The person ends the authorization at Notion.
    pub removals: u8,
}

/// One search.
#[derive(Debug, Clone, Copy)]
pub struct Scope {
    /// What Notion is like.
    pub kind: Kind,
    /// How many processes there are.
    pub nodes: u8,
    /// What may go wrong.
    pub budget: Budget,
    /// How many users of the app the person may consent for: the first one is connected.
    pub users: u8,
    /// How long time may pass at once, in seconds.
    pub times: &'static [i64],
    /// What is changed in the protocol.
    pub mutant: Option<Mutant>,
}

/// Which of a process's two flows: it renews one grant at a time, and does one other thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Its renewal.
    Renewal,
    /// An exchange, a redemption, a settlement, an ending.
    Task,
}

/// How an effect goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Luck {
    /// As it should.
    Good,
    /// It was done, and nobody says so.
    Unheard,
    /// It was not done; or Notion does not say.
    Failed,
}

/// What may happen next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// A process begins a renewal: a call was refused, an order came, a suspect or an interrupted refresh is looked into.
    Renew(u8, Why),
    /// The effect that a flow has asked for is done.
    Step(u8, Lane, Luck),
    /// A flow's request reaches Notion, and is answered.
    Arrive(u8, Lane),
    /// The answer is heard.
    Hear(u8, Lane),
    /// The request, or its answer, is lost.
    Lose(u8, Lane),
    /// No connection could be made for the request.
    NotSent(u8, Lane),
    /// A process is killed, and begins its next life.
    Crash(u8),
    /// What a killed process had sent reaches Notion after all, or never will.
    Orphan(bool),
    /// Time passes.
    Pass(i64),
    /// All access tokens run out.
    Expire,
    /// The person ends the authorization at Notion.
    Remove,
    /// A process exchanges the code of a new consent, for this user of the app.
    Consent(u8, u8),
    /// The app redeems a pending connection.
    Redeem(u8, u8),
    /// The app redeems it for somebody else, or not in time.
    Refuse(u8),
    /// A due candidate is settled.
    Settle(u8, u8),
    /// The app ends a connection.
    Disconnect(u8),
    /// A tombstone is ended at Notion.
    End(u8, u8),
}

/// What is on its way to Notion, or back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Ask {
    Exchange,
    Refresh(PairId),
    Revoke(PairId),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Answer {
    Pair(PairId),
    Refused,
    Revoked,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Request {
    pub(crate) ask: Ask,
    pub(crate) answer: Option<Answer>,
}

impl Request {
    pub(crate) fn new(ask: Ask) -> Self {
        Self { ask, answer: None }
    }
}

/// What a killed process had sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Orphan {
    pub(crate) ask: Ask,
    /// Its lease had not run out: nobody else was to send the same.
    pub(crate) leased: bool,
}

/// A process. What it has in hand is gone when it is killed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Node {
    pub(crate) life: u8,
    pub(crate) renewal: Option<Renewing>,
    pub(crate) task: Option<Task>,
}

/// Everything, at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct World {
    pub(crate) mutant: Option<Mutant>,
    pub(crate) now: i64,
    pub(crate) notion: Notion,
    pub(crate) store: Store,
    pub(crate) nodes: Vec<Node>,
    pub(crate) left: Budget,
    users: u8,
    times: &'static [i64],
    /// What killed processes had sent and Notion has not seen yet.
    pub(crate) orphans: Vec<Orphan>,
    /// Pairs that were durable once, a bit each.
    pub(crate) durable: u32,
    /// The law that was broken.
    pub(crate) broken: Option<&'static str>,
}

impl World {
    fn new(scope: &Scope) -> Self {
        let mut notion = Notion::new(scope.kind);
        let pair = notion.exchange();
        let store = Store::new(notion.bot_of(pair), pair);
        let node = Node { life: 0, renewal: None, task: None };
        let nodes = vec![node; usize::from(scope.nodes)];
        Self {
            mutant: scope.mutant,
            now: 0,
            notion,
            store,
            nodes,
            left: scope.budget,
            users: scope.users,
            times: scope.times,
            orphans: Vec::new(),
            durable: 1,
            broken: None,
        }
    }

    /// The law that was broken, if one was.
    pub fn broken(&self) -> Option<&'static str> {
        self.broken
    }

    /// Where each grant stands.
    pub fn states(&self) -> impl Iterator<Item = GrantState> {
        self.store.grants.iter().map(|grant| grant.state)
    }

    pub(crate) fn node(&self, node: u8) -> &Node {
        &self.nodes[usize::from(node)]
    }

    pub(crate) fn node_mut(&mut self, node: u8) -> &mut Node {
        &mut self.nodes[usize::from(node)]
    }

    pub(crate) fn holder(&self, node: u8) -> Holder {
        Holder { node, life: self.node(node).life }
    }

    /// Whether that life of a process has ended.
    pub(crate) fn is_gone(&self, holder: Holder) -> bool {
        self.node(holder.node).life != holder.life
    }

    pub(crate) fn breaks(&mut self, law: &'static str) {
        self.broken.get_or_insert(law);
    }

    /// Whether nothing of this process stands in the way of work that only one does at a time.
    pub(crate) fn turn_is_free(&self, node: u8) -> bool {
        let node = self.node(node);
        !node.renewal.as_ref().is_some_and(|renewal| renewal.turn)
            && !node.task.as_ref().is_some_and(Task::holds_turn)
    }

    pub(crate) fn request(&self, node: u8, lane: Lane) -> Option<Request> {
        match lane {
            Lane::Renewal => self.node(node).renewal.as_ref()?.request,
            Lane::Task => self.node(node).task.as_ref()?.request(),
        }
    }

    pub(crate) fn request_mut(&mut self, node: u8, lane: Lane) -> Option<&mut Option<Request>> {
        match lane {
            Lane::Renewal => self.node_mut(node).renewal.as_mut().map(|renewal| &mut renewal.request),
            Lane::Task => self.node_mut(node).task.as_mut().and_then(Task::request_mut),
        }
    }

    /// Pairs that somebody has: in a row, in a living process's hands, or answered and on the way to one.
    pub(crate) fn held(&self) -> Vec<PairId> {
        let mut held: Vec<_> = self.store.grants.iter().filter_map(|grant| grant.pair).collect();
        held.extend(self.store.candidates.iter().map(|candidate| candidate.pair));
        for node in &self.nodes {
            let requests = [
                node.renewal.as_ref().and_then(|renewal| renewal.request),
                node.task.as_ref().and_then(Task::request),
            ];
            held.extend(requests.into_iter().flatten().filter_map(|request| match request.answer {
                Some(Answer::Pair(pair)) => Some(pair),
                _ => None,
            }));
            held.extend(node.renewal.as_ref().and_then(|renewal| renewal.issued));
            held.extend(node.task.as_ref().and_then(Task::in_hand));
        }
        held
    }

    fn note_durable(&mut self) {
        let rows = self.store.grants.iter().filter_map(|grant| grant.pair);
        let pairs = rows.chain(self.store.candidates.iter().map(|candidate| candidate.pair));
        self.durable = pairs.fold(self.durable, |durable, pair| durable | 1 << pair);
    }

    /// Notion does what it is asked to.
    fn serve(&mut self, ask: Ask) -> Answer {
        match ask {
            Ask::Exchange => Answer::Pair(self.notion.exchange()),
            Ask::Refresh(pair) => self.notion.refresh(pair).map_or(Answer::Refused, Answer::Pair),
            Ask::Revoke(pair) => {
                laws::revoking(self, pair);
                self.notion.revoke(pair);
                Answer::Revoked
            }
        }
    }

    /// Whether no process with a lower number is just as idle and as new: what one of them begins, the other need not.
    fn is_first_of_its_kind(&self, node: u8) -> bool {
        let tried = |node: u8| {
            self.store.grants.iter().flat_map(|grant| &grant.attempts).any(|it| it.by.node == node)
        };
        let fresh = |node: u8| {
            let it = self.node(node);
            it.renewal.is_none() && it.task.is_none() && !tried(node)
        };
        !fresh(node) || !(0..node).any(fresh)
    }

    /// The grant that calls go through, with its bot: live, and used by a connection.
    fn called(&self) -> impl Iterator<Item = u8> {
        let ids = 0..u8::try_from(self.store.grants.len()).unwrap_or(u8::MAX);
        ids.filter(|id| self.store.grant(*id).state != GrantState::Tombstone && self.store.is_used(*id))
    }

    fn renewals(&self, node: u8, actions: &mut Vec<Action>) {
        if self.node(node).renewal.is_some() {
            return;
        }
        // One live grant is called at a time: the newest.
        let Some(id) = self.called().last() else { return };
        let grant = self.store.grant(id);
        let refused = grant.pair.is_some_and(|pair| !self.notion.introspect(pair));
        if refused && grant.state != GrantState::ReconnectNeeded {
            let used = lifecycle::Generation(grant.generation);
            actions.push(Action::Renew(node, Why::Refused401 { used }));
        }
        if self.left.orders > 0 {
            actions.push(Action::Renew(node, Why::Forced));
        }
        if grant.state == GrantState::Suspect {
            actions.push(Action::Renew(node, Why::Suspect));
        }
        let open = |attempt: &&crate::store::Attempt| {
            attempt.generation == grant.generation && attempt.outcome.is_none_or(|outcome| outcome == "died")
        };
        if grant.attempts.iter().filter(open).any(|attempt| self.is_gone(attempt.by)) {
            actions.push(Action::Renew(node, Why::Interrupted));
        }
    }

    fn tasks(&self, node: u8, actions: &mut Vec<Action>) {
        if self.node(node).task.is_some() {
            return;
        }
        if self.left.consents > 0 {
            actions.extend((0..self.users).map(|user| Action::Consent(node, user)));
        }
        for connection in self.store.connections.iter().filter(|it| it.stage == Stage::Pending) {
            actions.push(Action::Redeem(node, connection.id));
        }
        for candidate in self.store.candidates.iter().filter(|it| it.of.is_none() && it.due <= self.now) {
            actions.push(Action::Settle(node, candidate.id));
        }
        for (id, grant) in (0_u8..).zip(&self.store.grants) {
            let due = grant.state == GrantState::Tombstone
                && grant.pair.is_some()
                && grant.revoke_after <= self.now;
            let leased = grant.lease.is_some_and(|held| held.until > self.now);
            if due && !leased && self.turn_is_free(node) {
                actions.push(Action::End(node, id));
            }
        }
    }

    fn flow(&self, node: u8, lane: Lane, actions: &mut Vec<Action>) {
        if let Some(request) = self.request(node, lane) {
            match request.answer {
                None => actions.push(Action::Arrive(node, lane)),
                Some(_) => actions.push(Action::Hear(node, lane)),
            }
            if self.left.losses > 0 {
                actions.push(Action::Lose(node, lane));
                if request.answer.is_none() {
                    actions.push(Action::NotSent(node, lane));
                }
            }
            return;
        }
        let Some((writes, asks)) = self.next_effect(node, lane) else { return };
        actions.push(Action::Step(node, lane, Luck::Good));
        if writes && self.left.faults > 0 {
            actions.extend([Luck::Unheard, Luck::Failed].map(|luck| Action::Step(node, lane, luck)));
        }
        if asks && self.left.unclear > 0 {
            actions.push(Action::Step(node, lane, Luck::Failed));
        }
    }

    /// Whether a flow's effect can be done now, and what it is: a write, or a question to Notion.
    fn next_effect(&self, node: u8, lane: Lane) -> Option<(bool, bool)> {
        match lane {
            Lane::Renewal => self.node(node).renewal.as_ref()?.kind(self, node),
            Lane::Task => self.node(node).task.as_ref().map(Task::kind),
        }
    }

    fn happenings(&self, actions: &mut Vec<Action>) {
        if !self.orphans.is_empty() {
            actions.extend([true, false].map(Action::Orphan));
        }
        if self.left.expiries > 0 {
            actions.push(Action::Expire);
        }
        if self.left.removals > 0 && self.notion.bot().is_some() {
            actions.push(Action::Remove);
        }
        for connection in &self.store.connections {
            match connection.stage {
                Stage::Pending => actions.push(Action::Refuse(connection.id)),
                Stage::Active { .. } if self.left.disconnects > 0 => {
                    actions.push(Action::Disconnect(connection.id));
                }
                _ => {}
            }
        }
        // What a dead process sent arrives within seconds or not at all; no request is on its way for longer than it is listened to.
        if self.left.passes > 0 && self.orphans.is_empty() {
            let waits = self.nodes_wait();
            let times = self.times.iter().filter(|time| **time < LISTENS || !waits);
            actions.extend(times.map(|time| Action::Pass(*time)));
        }
    }

    /// Whether a request is on its way to Notion.
    fn nodes_wait(&self) -> bool {
        let waits = |node: u8| {
            [Lane::Renewal, Lane::Task]
                .into_iter()
                .filter_map(|lane| self.request(node, lane))
                .any(|request| request.answer.is_none())
        };
        (0..self.node_count()).any(waits)
    }

    pub(crate) fn node_count(&self) -> u8 {
        u8::try_from(self.nodes.len()).unwrap_or(u8::MAX)
    }

    fn crash(&mut self, node: u8) {
        self.left.crashes -= 1;
        for lane in [Lane::Renewal, Lane::Task] {
            if let Some(Request { ask, answer: None }) = self.request(node, lane) {
                let leased = lane == Lane::Renewal && laws::is_leased(self, self.holder(node));
                self.orphans.push(Orphan { ask, leased });
            }
        }
        let node = self.node_mut(node);
        *node = Node { life: node.life + 1, renewal: None, task: None };
    }

    fn apply(&mut self, action: Action) {
        match action {
            Action::Renew(node, why) => {
                if why == Why::Forced {
                    self.left.orders -= 1;
                }
                let grant = self.called().last().unwrap_or_default();
                self.node_mut(node).renewal = Some(Renewing::begin(grant, why, crate::store::at(self.now)));
            }
            Action::Step(node, Lane::Renewal, luck) => Renewing::perform(self, node, luck),
            Action::Step(node, Lane::Task, luck) => Task::perform(self, node, luck),
            Action::Arrive(node, lane) => {
                let asked = self.request(node, lane).map(|request| request.ask);
                if let Some(answer) = asked.map(|ask| self.serve(ask))
                    && let Some(Some(request)) = self.request_mut(node, lane)
                {
                    request.answer = Some(answer);
                }
            }
            Action::Hear(node, lane) => {
                let heard = self.request_mut(node, lane).and_then(Option::take);
                self.heard(node, lane, heard.and_then(|request| request.answer), true);
            }
            Action::Lose(node, lane) | Action::NotSent(node, lane) => {
                self.left.losses -= 1;
                self.request_mut(node, lane).and_then(Option::take);
                self.heard(node, lane, None, matches!(action, Action::Lose(..)));
            }
            Action::Crash(node) => self.crash(node),
            Action::Orphan(arrives) => {
                let orphan = self.orphans.remove(0);
                if arrives {
                    self.serve(orphan.ask);
                }
            }
            Action::Pass(seconds) => {
                self.left.passes -= 1;
                self.now += seconds;
            }
            Action::Expire => {
                self.left.expiries -= 1;
                self.notion.end_access();
            }
            Action::Remove => {
                self.left.removals -= 1;
                self.notion.remove();
            }
            Action::Consent(node, user) => {
                self.left.consents -= 1;
                let id = self.store.begin_exchange(self.now);
                let sent = self.store.may_exchange(self.now);
                let request = sent.then(|| Request::new(Ask::Exchange));
                self.node_mut(node).task = Some(Task::Exchanging { id, user, request });
            }
            Action::Redeem(node, connection) => Redeeming::begin(self, node, connection),
            Action::Refuse(connection) => self.store.refuse(connection, self.now),
            Action::Settle(node, candidate) => Settling::begin(self, node, candidate),
            Action::Disconnect(connection) => {
                self.left.disconnects -= 1;
                self.store.disconnect(connection);
            }
            Action::End(node, grant) => Task::end_grant(self, node, grant),
        }
    }

    /// `sent`: the request may have reached Notion.
    fn heard(&mut self, node: u8, lane: Lane, answer: Option<Answer>, sent: bool) {
        match lane {
            Lane::Renewal => Renewing::heard(self, node, answer, sent),
            Lane::Task => Task::heard(self, node, answer),
        }
    }

    /// Whose authorization a pair is of.
    pub(crate) fn bot_of(&self, pair: PairId) -> Bot {
        self.notion.bot_of(pair)
    }
}

impl Model for Scope {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![World::new(self)]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        if world.broken.is_some() {
            return;
        }
        for node in 0..world.node_count() {
            if world.is_first_of_its_kind(node) {
                world.renewals(node, actions);
                world.tasks(node, actions);
            }
            world.flow(node, Lane::Renewal, actions);
            world.flow(node, Lane::Task, actions);
            let busy = world.node(node).renewal.is_some() || world.node(node).task.is_some();
            if world.left.crashes > 0 && busy {
                actions.push(Action::Crash(node));
            }
        }
        world.happenings(actions);
    }

    fn next_state(&self, before: &World, action: Action) -> Option<World> {
        let mut world = before.clone();
        world.apply(action);
        world.note_durable();
        laws::judge(before, &mut world, action);
        (world != *before).then_some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("the laws hold", |_, world: &World| world.broken.is_none()),
            Property::sometimes("a pair is renewed", |_, world: &World| {
                world.store.grants.iter().any(|grant| grant.generation > 1)
            }),
            Property::sometimes("a grant is suspect", |_, world: &World| {
                world.states().any(|state| state == GrantState::Suspect)
            }),
            Property::sometimes("a grant is given up", |_, world: &World| {
                world.states().any(|state| state == GrantState::ReconnectNeeded)
            }),
        ]
    }
}
