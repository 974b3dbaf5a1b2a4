//! The store in memory: rows, and the decisions of `lifecycle::rows` carried out on them, as `SQLite` does.

use jiff::Timestamp;
use lifecycle::rows::{
    self, CandidateRow, Committed, GrantRow, LeaseDecision, LeaseRow, Redeem, RedeemRows, Stand, Write,
};
use lifecycle::{Footing, Generation, GrantFacts, GrantState, Lease, RefreshSeen};

use crate::Mutant;
use crate::notion::{Bot, PairId};

/// The moment at which every search begins.
const BEGIN: i64 = 1_800_000_000;
/// The first grant's pair was issued that long before.
const OLD: i64 = -3_600;

/// An exchange counts as on its way for so long, whoever has died, and a revocation; in seconds.
const EXCHANGE_MAX: i64 = 360;
const REVOCATION_MAX: i64 = 35;

/// What asking for a revocation's turn gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Turn {
    Begun,
    Exchanging,
    Shared,
}

/// A moment of the search, in seconds after its beginning.
pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(BEGIN + second).expect("a search is short")
}

/// The second of a moment, rounded up.
pub(crate) fn second(at: Timestamp) -> i64 {
    let whole = at.as_second() - BEGIN;
    if at.subsec_nanosecond() > 0 { whole + 1 } else { whole }
}

/// A process, in one of its lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Holder {
    pub(crate) node: u8,
    pub(crate) life: u8,
}

impl Holder {
    fn name(self) -> String {
        format!("node_{}_{}", self.node, self.life)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Held {
    pub(crate) by: Holder,
    pub(crate) generation: u64,
    pub(crate) until: i64,
}

/// A refresh on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Attempt {
    pub(crate) epoch: u64,
    pub(crate) generation: u64,
    pub(crate) by: Holder,
    pub(crate) started: i64,
    pub(crate) outcome: Option<&'static str>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Grant {
    pub(crate) bot: Bot,
    pub(crate) generation: u64,
    pub(crate) state: GrantState,
    /// `None` once its data key was destroyed.
    pub(crate) pair: Option<PairId>,
    pub(crate) issued: i64,
    pub(crate) lease: Option<Held>,
    pub(crate) epoch: u64,
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) revoke_after: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Candidate {
    pub(crate) id: u8,
    pub(crate) bot: Bot,
    pub(crate) pair: PairId,
    /// The pending connection that waits for it.
    pub(crate) of: Option<u8>,
    pub(crate) issued: i64,
    pub(crate) due: i64,
    /// Its grant took the pair over.
    pub(crate) adopted: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Stage {
    Pending,
    Active { grant: u8 },
    Ended,
}

/// A connection, with the code that opens it while it is pending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Connection {
    pub(crate) id: u8,
    pub(crate) user: u8,
    pub(crate) stage: Stage,
}

/// All rows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Store {
    pub(crate) grants: Vec<Grant>,
    pub(crate) candidates: Vec<Candidate>,
    pub(crate) connections: Vec<Connection>,
    /// Attempts that are exchanging, and since when.
    exchanges: Vec<(u8, i64)>,
    /// Until when a revocation is on its way, if one is.
    revoking: Option<i64>,
    pub(crate) made: u8,
}

/// What a redemption brings to the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Activation {
    pub(crate) connection: u8,
    pub(crate) candidate: u8,
    pub(crate) pair: PairId,
    /// The live grant that was read, and its generation.
    pub(crate) live: Option<(u8, u64)>,
    pub(crate) footing: Footing,
    pub(crate) told: bool,
}

impl Store {
    /// One person's connection on a grant that holds the first pair.
    pub(crate) fn new(bot: Bot, pair: PairId) -> Self {
        let grant = Grant { issued: OLD, ..Self::grant_of(bot, pair, 0) };
        let connection = Connection { id: 0, user: 0, stage: Stage::Active { grant: 0 } };
        Self {
            grants: vec![grant],
            candidates: Vec::new(),
            connections: vec![connection],
            exchanges: Vec::new(),
            revoking: None,
            made: 1,
        }
    }

    fn grant_of(bot: Bot, pair: PairId, now: i64) -> Grant {
        Grant {
            bot,
            generation: 1,
            state: GrantState::Active,
            pair: Some(pair),
            issued: now,
            lease: None,
            epoch: 0,
            attempts: Vec::new(),
            revoke_after: i64::MIN,
        }
    }

    fn id(&mut self) -> u8 {
        self.made += 1;
        self.made - 1
    }

    /// Whether an exchange may begin: no revocation is on its way.
    pub(crate) fn may_exchange(&self, now: i64) -> bool {
        self.revoking.is_none_or(|until| until <= now)
    }

    pub(crate) fn begin_exchange(&mut self, now: i64) -> u8 {
        let id = self.id();
        self.exchanges.push((id, now));
        id
    }

    pub(crate) fn end_exchange(&mut self, id: u8) {
        self.exchanges.retain(|(other, _)| *other != id);
    }

    /// Whether an exchange with a lower number than this is on its way.
    pub(crate) fn is_exchanging(&self, before: u8, now: i64) -> bool {
        self.exchanges.iter().any(|(id, since)| *id < before && since + EXCHANGE_MAX > now)
    }

    pub(crate) fn begin_revocation(&mut self, bot: Bot, now: i64) -> Turn {
        let waits = |candidate: &Candidate| candidate.bot == bot && candidate.of.is_some();
        if self.is_exchanging(self.made, now) {
            Turn::Exchanging
        } else if self.live_grant(bot).is_some() || self.candidates.iter().any(waits) {
            Turn::Shared
        } else {
            self.revoking = Some(now + REVOCATION_MAX);
            Turn::Begun
        }
    }

    pub(crate) fn end_revocation(&mut self) {
        self.revoking = None;
    }

    pub(crate) fn grant(&self, id: u8) -> &Grant {
        &self.grants[usize::from(id)]
    }

    pub(crate) fn grant_mut(&mut self, id: u8) -> &mut Grant {
        &mut self.grants[usize::from(id)]
    }

    pub(crate) fn live_grant(&self, bot: Bot) -> Option<u8> {
        let live = |grant: &Grant| grant.bot == bot && grant.state != GrantState::Tombstone;
        self.grants.iter().position(live).and_then(|id| u8::try_from(id).ok())
    }

    /// Whether a connection that was not ended stands on the grant.
    pub(crate) fn is_used(&self, id: u8) -> bool {
        self.connections.iter().any(|connection| connection.stage == Stage::Active { grant: id })
    }

    pub(crate) fn candidate(&self, id: u8) -> Option<&Candidate> {
        self.candidates.iter().find(|candidate| candidate.id == id)
    }

    pub(crate) fn connection(&self, id: u8) -> Option<&Connection> {
        self.connections.iter().find(|connection| connection.id == id)
    }

    #[expect(clippy::unnecessary_wraps, reason = "a row may be missing, as far as the decisions know")]
    fn row(&self, id: u8, pair: Option<PairId>) -> Option<GrantRow> {
        let grant = self.grant(id);
        let holds = pair.is_some() && grant.pair == pair;
        Some(GrantRow { generation: Generation(grant.generation), state: Some(grant.state), holds })
    }

    fn candidate_row(&self, id: u8) -> Option<CandidateRow> {
        self.candidate(id)
            .map(|candidate| CandidateRow { waiting: candidate.of.is_some(), adopted: candidate.adopted })
    }

    /// What a renewal is decided on; `gone` says which lives have ended.
    pub(crate) fn facts(&self, id: u8, gone: impl Fn(Holder) -> bool) -> GrantFacts {
        let grant = self.grant(id);
        let seen = |attempt: &Attempt| RefreshSeen {
            epoch: attempt.epoch,
            generation: Generation(attempt.generation),
            started_at: at(attempt.started),
            outcome: attempt.outcome.or_else(|| gone(attempt.by).then_some("died")).map(str::to_owned),
        };
        GrantFacts {
            state: grant.state,
            generation: Generation(grant.generation),
            issued_at: at(grant.issued),
            refreshable: grant.pair.is_some(),
            leased_until: grant.lease.filter(|held| !gone(held.by)).map(|held| at(held.until)),
            refreshes: grant.attempts.iter().map(seen).collect(),
        }
    }

    /// Takes the lease and records the attempt; `Err` is what stands in the way.
    pub(crate) fn take_lease(
        &mut self,
        id: u8,
        wanted: Held,
        now: i64,
        gone: impl Fn(Holder) -> bool,
    ) -> LeaseDecision {
        let held = self.grant(id).lease;
        let epoch = self.grant(id).epoch;
        let lease = held.map(|held| Lease {
            holder: held.by.name(),
            generation: Generation(held.generation),
            epoch,
            expires_at: at(held.until),
        });
        let died = |attempt: &Attempt| attempt.epoch + 1 == epoch && attempt.outcome == Some("died");
        let over_dead = self.grant(id).attempts.iter().any(died);
        let before =
            LeaseRow { lease, epoch, holder_gone: held.is_some_and(|held| gone(held.by)), over_dead };
        let generation = Generation(wanted.generation);
        let (row, name) = (self.row(id, None), wanted.by.name());
        let decided = rows::take_lease(row, before, generation, &name, at(now), at(wanted.until));
        if let LeaseDecision::Take { lease, died } = &decided {
            self.carry_out(id, wanted, now, lease.epoch, *died);
        }
        decided
    }

    fn carry_out(&mut self, id: u8, wanted: Held, now: i64, epoch: u64, died: Option<u64>) {
        if let Some(died) = died {
            self.end_attempt(id, died, "died");
        }
        let Held { by, generation, .. } = wanted;
        let grant = self.grant_mut(id);
        (grant.lease, grant.epoch) = (Some(wanted), epoch);
        grant.attempts.push(Attempt { epoch, generation, by, started: now, outcome: None });
    }

    pub(crate) fn release_lease(&mut self, id: u8, epoch: u64, word: &'static str) {
        if self.grant(id).epoch == epoch {
            self.grant_mut(id).lease = None;
        }
        self.end_attempt(id, epoch, word);
    }

    fn end_attempt(&mut self, id: u8, epoch: u64, word: &'static str) {
        let mut attempts = self.grant_mut(id).attempts.iter_mut();
        if let Some(attempt) = attempts.find(|attempt| attempt.epoch == epoch) {
            attempt.outcome = Some(word);
        }
    }

    /// Stores a refreshed pair. `epoch` is the lease's number, which only a mutant looks at.
    pub(crate) fn commit(
        &mut self,
        id: u8,
        pair: PairId,
        spent: u64,
        epoch: Option<u64>,
        now: i64,
        mutant: Option<Mutant>,
    ) -> Committed {
        let next = spent + 1;
        let decided = match mutant {
            Some(Mutant::LastWriterWins) => Write::Store,
            Some(Mutant::LeaseInCondition) if epoch.is_some_and(|epoch| epoch != self.grant(id).epoch) => {
                Write::Refuse(Committed::Moved(Generation(self.grant(id).generation)))
            }
            _ => rows::commit(self.row(id, Some(pair)), Generation(spent), Generation(next)),
        };
        self.renew(id, pair, next, now, decided)
    }

    fn renew(&mut self, id: u8, pair: PairId, next: u64, now: i64, decided: Write) -> Committed {
        if decided == Write::Store {
            let grant = self.grant_mut(id);
            (grant.pair, grant.generation, grant.issued) = (Some(pair), next, now);
            grant.state = GrantState::Active;
        }
        decided.answer()
    }

    pub(crate) fn set_state(&mut self, id: u8, read: u64, state: GrantState) -> Committed {
        let decided = rows::set_state(self.row(id, None), Generation(read), state);
        if decided == Write::Store {
            self.grant_mut(id).state = state;
        }
        decided.answer()
    }

    pub(crate) fn give_up(&mut self, id: u8, read: u64, probed: &[(u8, PairId)], open: bool) -> Committed {
        let bot = self.grant(id).bot;
        let unprobed = |other: &Candidate| {
            other.bot == bot && !other.adopted && probed.iter().all(|(id, _)| *id != other.id)
        };
        let unprobed = self.candidates.iter().any(unprobed);
        let decided = rows::give_up(self.row(id, None), Generation(read), unprobed, open);
        if decided == Write::Store {
            self.grant_mut(id).state = GrantState::ReconnectNeeded;
        }
        decided.answer()
    }

    /// Keeps a pair beside its grant, due at once.
    pub(crate) fn keep(&mut self, bot: Bot, pair: PairId, issued: i64, now: i64) -> u8 {
        let id = self.id();
        self.candidates.push(Candidate { id, bot, pair, of: None, issued, due: now, adopted: false });
        id
    }

    pub(crate) fn adopt(&mut self, candidate: u8, grant: u8, expected: u64, now: i64) -> Committed {
        let Some(pair) = self.candidate(candidate).map(|found| found.pair) else {
            return Committed::Moved(Generation(expected));
        };
        let (row, next) = (self.row(grant, Some(pair)), expected + 1);
        let due = self.candidate_row(candidate);
        let decided = rows::adopt(due, row, Generation(expected), Generation(next));
        if decided == Write::Store {
            self.candidates.retain(|other| other.id != candidate || other.of.is_some());
            for waiting in self.candidates.iter_mut().filter(|other| other.id == candidate) {
                waiting.adopted = true;
            }
        }
        self.renew(grant, pair, next, now, decided)
    }

    pub(crate) fn hand_over(&mut self, from: u8, to: u8) {
        if rows::hand_over(self.candidate_row(from), self.candidate_row(to)) {
            let of = self.candidate(to).and_then(|to| to.of);
            self.delete(to);
            for candidate in self.candidates.iter_mut().filter(|candidate| candidate.id == from) {
                candidate.of = of;
            }
        }
    }

    pub(crate) fn delete(&mut self, candidate: u8) {
        self.candidates.retain(|other| other.id != candidate);
    }

    pub(crate) fn postpone(&mut self, candidate: u8, until: i64) {
        let due = |other: &&mut Candidate| other.id == candidate && other.of.is_none();
        for candidate in self.candidates.iter_mut().filter(due) {
            candidate.due = until;
        }
    }

    /// What a good callback brings: a pending connection, and the pair that waits for it.
    pub(crate) fn arrive(&mut self, user: u8, bot: Bot, pair: PairId, now: i64) -> u8 {
        let (connection, candidate) = (self.id(), self.id());
        self.connections.push(Connection { id: connection, user, stage: Stage::Pending });
        self.candidates.push(Candidate {
            id: candidate,
            bot,
            pair,
            of: Some(connection),
            issued: now,
            due: now,
            adopted: false,
        });
        connection
    }

    /// The code is spent, or was never redeemed: the connection goes, the pair is due.
    pub(crate) fn refuse(&mut self, connection: u8, now: i64) {
        self.connections.retain(|other| other.id != connection);
        for candidate in self.candidates.iter_mut().filter(|candidate| candidate.of == Some(connection)) {
            (candidate.of, candidate.due) = (None, now);
        }
    }

    /// Makes a redeemed connection live.
    pub(crate) fn activate(&mut self, asked: &Activation, now: i64) -> Redeem {
        let live = asked.live.map(|(id, _)| id);
        let bot = self.candidate(asked.candidate).map(|candidate| candidate.bot);
        let found = live.or_else(|| bot.and_then(|bot| self.live_grant(bot)));
        let (stand, at) = match (asked.footing, asked.live) {
            (Footing::Renewed { .. }, Some((_, at))) => {
                (Stand::Renewed { spent: Generation(at), next: Generation(at + 1) }, at)
            }
            (Footing::Joined { .. }, Some((_, at))) => (Stand::Joined { at: Generation(at) }, at),
            _ => (Stand::New, 0),
        };
        let pending = self.connection(asked.connection).map(|connection| connection.stage);
        let rows = RedeemRows {
            told: asked.told,
            spent: pending != Some(Stage::Pending),
            adopted: self.candidate(asked.candidate).is_some_and(|candidate| candidate.adopted),
            same_candidate: self
                .candidate(asked.candidate)
                .is_some_and(|candidate| candidate.of == Some(asked.connection)),
            may_live: true,
            grant: found.and_then(|id| self.row(id, None)),
        };
        let decided = rows::redeem(&rows, stand);
        if decided == Redeem::Store {
            let grant = self.stand(asked, live, at, bot.unwrap_or_default(), now);
            self.make_live(asked.connection, grant);
        }
        decided
    }

    /// Puts the pair where the redemption said; the grant.
    fn stand(&mut self, asked: &Activation, live: Option<u8>, at: u64, bot: Bot, now: i64) -> u8 {
        let issued = self.candidate(asked.candidate).map_or(now, |candidate| candidate.issued);
        match (asked.footing, live) {
            (Footing::Renewed { keep_old }, Some(id)) => {
                let (old, old_issued) = (self.grant(id).pair, self.grant(id).issued);
                self.delete(asked.candidate);
                if let Some(old) = old.filter(|_| keep_old) {
                    self.keep(bot, old, old_issued, now);
                }
                self.renew(id, asked.pair, at + 1, issued, Write::Store);
                id
            }
            (Footing::Joined { keep_new }, Some(id)) => {
                self.refuse_candidate(asked, keep_new, now);
                id
            }
            _ => {
                self.delete(asked.candidate);
                self.grants.push(Self::grant_of(bot, asked.pair, issued));
                u8::try_from(self.grants.len() - 1).expect("few")
            }
        }
    }

    fn refuse_candidate(&mut self, asked: &Activation, keep: bool, now: i64) {
        if !keep {
            return self.delete(asked.candidate);
        }
        for candidate in self.candidates.iter_mut().filter(|candidate| candidate.id == asked.candidate) {
            (candidate.of, candidate.due) = (None, now);
        }
    }

    /// The pending connection becomes live, or gives way to the same user's older one on that grant.
    fn make_live(&mut self, pending: u8, grant: u8) {
        let user = self.connection(pending).map(|connection| connection.user);
        let older = |other: &Connection| Some(other.user) == user && other.stage == Stage::Active { grant };
        if self.connections.iter().any(older) {
            self.connections.retain(|other| other.id != pending);
        } else {
            for connection in self.connections.iter_mut().filter(|other| other.id == pending) {
                connection.stage = Stage::Active { grant };
            }
        }
    }

    /// Ends a connection; the last one makes its grant a tombstone.
    pub(crate) fn disconnect(&mut self, id: u8) {
        let Some(Stage::Active { grant }) = self.connection(id).map(|connection| connection.stage) else {
            return;
        };
        for connection in self.connections.iter_mut().filter(|connection| connection.id == id) {
            connection.stage = Stage::Ended;
        }
        if !self.is_used(grant) {
            self.grant_mut(grant).state = GrantState::Tombstone;
        }
    }
}
