//! What a write comes to, by the rows that it finds: decisions that a store makes inside its transaction, with the rows in hand.
//! Each takes values and gives one decision, so every backend decides alike and a model checker decides with them. What was
//! written before, by a try whose answer was lost, is told apart from what another one wrote: so repeating is safe.

use jiff::Timestamp;

use crate::renewal::{FENCE, after};
use crate::{Generation, GrantState, LEASE_LIFE, Lease};

/// A grant's row, as far as writes are decided on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct GrantRow {
    /// The current pair's number.
    pub generation: Generation,
    /// Where it stands; `None` if the row does not say, which a new pair mends.
    pub state: Option<GrantState>,
    /// Whether it holds the very pair that is to be written: no two sealings are the same.
    pub holds: bool,
}

/// What a commit that is conditional on the generation did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Committed {
    /// It is stored.
    Done,
    /// The row is at another generation.
    Moved(Generation),
    /// The grant is gone: nothing may be stored for it.
    Tombstoned,
}

/// What to do for a write that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Write {
    /// Write it, and tell of it.
    Store,
    /// It is there already: nothing is to be written or told.
    Stored,
    /// The row does not stand where it should.
    Refuse(Committed),
}

impl Write {
    /// What to answer once it was done.
    pub fn answer(self) -> Committed {
        match self {
            Self::Store | Self::Stored => Committed::Done,
            Self::Refuse(committed) => committed,
        }
    }
}

/// Whether a live grant is still at the generation that was read.
pub fn standing(row: Option<GrantRow>, expected: Generation) -> Committed {
    match row {
        None | Some(GrantRow { state: Some(GrantState::Tombstone), .. }) => Committed::Tombstoned,
        Some(row) if row.generation != expected => Committed::Moved(row.generation),
        Some(_) => Committed::Done,
    }
}

/// Whether a new pair, of generation `next`, is stored: if the row is still at the generation that was **spent**. The lease has no
/// part in it, for a stalled holder may own the only pair that works.
pub fn commit(row: Option<GrantRow>, spent: Generation, next: Generation) -> Write {
    match standing(row, spent) {
        Committed::Done => Write::Store,
        Committed::Moved(to) if to == next && row.is_some_and(|row| row.holds) => Write::Stored,
        other => Write::Refuse(other),
    }
}

/// Whether a grant's state is set: if the row is still at the generation that was read.
pub fn set_state(row: Option<GrantRow>, read: Generation, state: GrantState) -> Write {
    match standing(row, read) {
        Committed::Done if row.is_some_and(|row| row.state == Some(state)) => Write::Stored,
        Committed::Done => Write::Store,
        other => Write::Refuse(other),
    }
}

/// Whether a grant is given up. `unprobed`: a consent's pair waits beside it that was not asked about, and may live. `open`: somebody
/// else has begun a refresh of it since, and its answer may still come.
pub fn give_up(row: Option<GrantRow>, read: Generation, unprobed: bool, open: bool) -> Write {
    match set_state(row, read, GrantState::ReconnectNeeded) {
        Write::Store if unprobed || open => Write::Refuse(Committed::Moved(read)),
        write => write,
    }
}

/// The lease of a grant, as its row tells it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LeaseRow {
    /// The last one that was not let go of.
    pub lease: Option<Lease>,
    /// The number of the last one that was ever taken.
    pub epoch: u64,
    /// Whether the holder is known to have ended.
    pub holder_gone: bool,
    /// Whether the last one was taken over from a holder that had ended.
    pub over_dead: bool,
}

/// What asking for the lease comes to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum LeaseDecision {
    /// The generation is not current any more, or whoever asks was stopped on the way: read again.
    Moved,
    /// Somebody else holds it.
    Held(Lease),
    /// It was taken by this very asking, whose answer was lost.
    Taken {
        /// The lease.
        lease: Lease,
        /// It was taken over from a holder that had ended.
        over_dead: bool,
    },
    /// Take it, and record the attempt; what came of the attempt `died` will not be told any more.
    Take {
        /// The new lease.
        lease: Lease,
        /// The attempt of a holder that has ended.
        died: Option<u64>,
    },
}

/// Who gets the lease on `generation`. One that ran out is taken over, and so is one whose holder has ended.
pub fn take_lease(
    row: Option<GrantRow>,
    before: LeaseRow,
    generation: Generation,
    holder: &str,
    now: Timestamp,
    expires_at: Timestamp,
) -> LeaseDecision {
    // A lease that was asked for so long ago would be let go of without sending; and taken over from the dead, it might run out before
    // what that one had sent arrived.
    let late = after(now, LEASE_LIFE.saturating_sub(FENCE)) > expires_at;
    if late || standing(row, generation) != Committed::Done {
        return LeaseDecision::Moved;
    }
    let lease = Lease { holder: holder.to_owned(), generation, epoch: before.epoch + 1, expires_at };
    match before.lease {
        Some(held) if held == (Lease { epoch: held.epoch, ..lease.clone() }) => {
            LeaseDecision::Taken { lease: held, over_dead: before.over_dead }
        }
        Some(held) if before.holder_gone => LeaseDecision::Take { lease, died: Some(held.epoch) },
        Some(held) if held.expires_at > now => LeaseDecision::Held(held),
        _ => LeaseDecision::Take { lease, died: None },
    }
}

/// A candidate's row, as far as writes are decided on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CandidateRow {
    /// A pending connection waits for it.
    pub waiting: bool,
    /// A grant took its pair over, and spends it.
    pub adopted: bool,
}

/// Whether a candidate's pair becomes current in its live grant. It may have been settled, or taken over, since it was read.
pub fn adopt(
    candidate: Option<CandidateRow>,
    row: Option<GrantRow>,
    expected: Generation,
    next: Generation,
) -> Write {
    match commit(row, expected, next) {
        Write::Store if candidate.is_none_or(|candidate| candidate.adopted) => {
            Write::Refuse(Committed::Moved(expected))
        }
        write => write,
    }
}

/// Whether a due candidate takes the place of one that a pending connection waits for.
pub fn hand_over(from: Option<CandidateRow>, to: Option<CandidateRow>) -> bool {
    from.is_some_and(|from| !from.waiting) && to.is_some_and(|to| to.waiting)
}

/// Where a redeemed connection is to stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stand {
    /// On a new grant: there must be no live one of its identity.
    New,
    /// On the live grant, with the redeemed pair as generation `next`.
    Renewed {
        /// The generation whose place it takes.
        spent: Generation,
        /// The pair's own.
        next: Generation,
    },
    /// On the live grant as it is.
    Joined {
        /// The generation that it must still have.
        at: Generation,
    },
}

/// What a redemption finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RedeemRows {
    /// What this very redemption tells is on record: it was done, and its answer was lost.
    pub told: bool,
    /// The code was spent.
    pub spent: bool,
    /// The candidate that waits for this code is still the one that was read.
    pub same_candidate: bool,
    /// A grant took its pair over, and may have spent it: then it makes no grant of its own.
    pub adopted: bool,
    /// The connection that becomes live has not been ended, and an older one is as it was when it was chosen.
    pub may_live: bool,
    /// The grant: for [`Stand::New`] the live one of its identity, else the one that was read.
    pub grant: Option<GrantRow>,
}

/// What a redemption comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Redeem {
    /// Make the connection live.
    Store,
    /// It is live already, by an earlier try.
    Stored,
    /// The code was spent by somebody else.
    CodeSpent,
    /// Something moved since it was read: read again and decide anew.
    Moved,
}

/// Whether a redeemed connection becomes live.
pub fn redeem(rows: &RedeemRows, stand: Stand) -> Redeem {
    let stands = match stand {
        Stand::New => rows.grant.is_none() && !rows.adopted,
        Stand::Renewed { spent, next } => commit(rows.grant, spent, next) == Write::Store,
        Stand::Joined { at } => standing(rows.grant, at) == Committed::Done,
    };
    match rows {
        RedeemRows { told: true, .. } => Redeem::Stored,
        RedeemRows { spent: true, .. } => Redeem::CodeSpent,
        RedeemRows { same_candidate: true, may_live: true, .. } if stands => Redeem::Store,
        _ => Redeem::Moved,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT_3: Generation = Generation(3);
    const AT_4: Generation = Generation(4);

    #[expect(clippy::unnecessary_wraps, reason = "every decision takes the row that may not be there")]
    fn row(generation: Generation, state: GrantState) -> Option<GrantRow> {
        Some(GrantRow { generation, state: Some(state), holds: false })
    }

    fn holding(generation: Generation, state: GrantState) -> Option<GrantRow> {
        row(generation, state).map(|row| GrantRow { holds: true, ..row })
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    #[test]
    fn a_new_pair_is_stored_over_the_generation_that_was_spent_and_over_no_other() {
        for state in GrantState::ALL.into_iter().filter(|state| *state != GrantState::Tombstone) {
            assert_eq!(commit(row(AT_3, state), AT_3, AT_4), Write::Store, "{state:?}");
            assert_eq!(
                commit(row(AT_4, state), AT_3, AT_4),
                Write::Refuse(Committed::Moved(AT_4)),
                "another pair came first: {state:?}"
            );
        }
        assert_eq!(commit(holding(AT_4, GrantState::Active), AT_3, AT_4), Write::Stored, "by an earlier try");
        let beyond = holding(Generation(5), GrantState::Active);
        assert_eq!(commit(beyond, AT_3, AT_4), Write::Refuse(Committed::Moved(Generation(5))));
        let unreadable = Some(GrantRow { generation: AT_3, state: None, holds: false });
        assert_eq!(commit(unreadable, AT_3, AT_4), Write::Store, "it is mended by the pair");
    }

    #[test]
    fn nothing_is_written_for_a_grant_that_was_ended_or_is_not_there() {
        for gone in [None, row(AT_3, GrantState::Tombstone), holding(AT_4, GrantState::Tombstone)] {
            let refused = Write::Refuse(Committed::Tombstoned);
            assert_eq!(commit(gone, AT_3, AT_4), refused);
            assert_eq!(set_state(gone, AT_3, GrantState::Active), refused);
            assert_eq!(
                adopt(Some(CandidateRow { waiting: false, adopted: false }), gone, AT_3, AT_4),
                refused
            );
        }
    }

    #[test]
    fn a_state_is_set_and_told_once_and_only_of_the_generation_that_was_read() {
        let set = |row, state| set_state(row, AT_3, state);
        let active = row(AT_3, GrantState::Active);
        assert_eq!(set(active, GrantState::Suspect), Write::Store);
        assert_eq!(set(active, GrantState::Active), Write::Stored);
        let moved = row(AT_4, GrantState::Active);
        assert_eq!(set(moved, GrantState::ReconnectNeeded), Write::Refuse(Committed::Moved(AT_4)));
        assert_eq!(give_up(active, AT_3, false, false), Write::Store);
        assert_eq!(
            give_up(active, AT_3, true, false),
            Write::Refuse(Committed::Moved(AT_3)),
            "a consent came"
        );
        assert_eq!(
            give_up(active, AT_3, false, true),
            Write::Refuse(Committed::Moved(AT_3)),
            "a refresh began"
        );
        let given_up = row(AT_3, GrantState::ReconnectNeeded);
        assert_eq!(give_up(given_up, AT_3, true, true), Write::Stored, "by an earlier try");
    }

    #[test]
    fn a_candidate_is_adopted_once_whether_or_not_somebody_waits_for_it() {
        let due = Some(CandidateRow { waiting: false, adopted: false });
        let waited_for = Some(CandidateRow { waiting: true, adopted: false });
        let grant = row(AT_3, GrantState::Active);
        assert_eq!(adopt(due, grant, AT_3, AT_4), Write::Store);
        assert_eq!(adopt(waited_for, grant, AT_3, AT_4), Write::Store);
        for gone in [None, Some(CandidateRow { waiting: true, adopted: true })] {
            assert_eq!(adopt(gone, grant, AT_3, AT_4), Write::Refuse(Committed::Moved(AT_3)));
        }
        assert_eq!(
            adopt(None, holding(AT_4, GrantState::Active), AT_3, AT_4),
            Write::Stored,
            "by an earlier try"
        );
        assert!(hand_over(due, waited_for));
        for (from, to) in [(waited_for, waited_for), (None, waited_for), (due, due), (due, None)] {
            assert!(!hand_over(from, to), "{from:?} {to:?}");
        }
    }

    fn taken(before: Option<Lease>, holder_gone: bool, holder: &str, second: i64) -> LeaseDecision {
        let epoch = before.as_ref().map_or(6, |lease| lease.epoch);
        let before = LeaseRow { lease: before, epoch, holder_gone, over_dead: true };
        take_lease(row(AT_3, GrantState::Active), before, AT_3, holder, at(second), at(second + 75))
    }

    #[test]
    fn one_holds_the_lease_until_it_runs_out_or_its_holder_ended() {
        let LeaseDecision::Take { lease, died: None } = taken(None, false, "a", 0) else {
            panic!("it is free")
        };
        assert_eq!((lease.epoch, lease.expires_at), (7, at(75)));
        let held = || Some(lease.clone());
        assert_eq!(taken(held(), false, "b", 74), LeaseDecision::Held(lease.clone()));
        assert_eq!(taken(held(), false, "a", 74), LeaseDecision::Held(lease.clone()), "asked anew");
        let again = LeaseDecision::Taken { lease: lease.clone(), over_dead: true };
        assert_eq!(taken(held(), false, "a", 0), again, "the same asking");
        let next = |second: i64| Lease {
            holder: "b".to_owned(),
            epoch: 8,
            expires_at: at(second + 75),
            ..lease.clone()
        };
        assert_eq!(taken(held(), false, "b", 75), LeaseDecision::Take { lease: next(75), died: None });
        assert_eq!(taken(held(), true, "b", 5), LeaseDecision::Take { lease: next(5), died: Some(7) });
    }

    /// Stopped between asking and taking, one took a lease that had run out; the next one took that over, and sent what a dead one
    /// was sending.
    #[test]
    fn no_lease_is_given_to_whoever_was_stopped_on_the_way() {
        let free = || LeaseRow { lease: None, epoch: 0, holder_gone: false, over_dead: false };
        let ask = |second| take_lease(row(AT_3, GrantState::Active), free(), AT_3, "a", at(second), at(75));
        assert!(matches!(ask(37), LeaseDecision::Take { .. }));
        for second in [38, 75, 600] {
            assert_eq!(ask(second), LeaseDecision::Moved, "{second}");
        }
    }

    #[test]
    fn no_lease_is_given_on_a_generation_that_is_not_current() {
        for gone in [None, row(AT_4, GrantState::Active), row(AT_3, GrantState::Tombstone)] {
            let free = LeaseRow { lease: None, epoch: 0, holder_gone: false, over_dead: false };
            assert_eq!(take_lease(gone, free, AT_3, "a", at(0), at(75)), LeaseDecision::Moved, "{gone:?}");
        }
    }

    #[test]
    fn a_redemption_is_done_once_and_only_where_everything_stands_as_it_was_read() {
        let rows = RedeemRows {
            told: false,
            spent: false,
            same_candidate: true,
            adopted: false,
            may_live: true,
            grant: None,
        };
        let active = row(AT_3, GrantState::Active);
        let on = |grant, stand| redeem(&RedeemRows { grant, ..rows }, stand);
        let renewed = Stand::Renewed { spent: AT_3, next: AT_4 };
        assert_eq!(on(None, Stand::New), Redeem::Store);
        assert_eq!(on(active, Stand::New), Redeem::Moved, "somebody made it meanwhile");
        assert_eq!(on(active, renewed), Redeem::Store);
        assert_eq!(on(row(AT_4, GrantState::Active), renewed), Redeem::Moved);
        assert_eq!(on(active, Stand::Joined { at: AT_3 }), Redeem::Store);
        assert_eq!(on(active, Stand::Joined { at: AT_4 }), Redeem::Moved);
        for ended in [None, row(AT_3, GrantState::Tombstone)] {
            assert_eq!(on(ended, renewed), Redeem::Moved);
            assert_eq!(on(ended, Stand::Joined { at: AT_3 }), Redeem::Moved);
        }
        let with = |rows| redeem(&rows, Stand::New);
        assert_eq!(with(RedeemRows { same_candidate: false, ..rows }), Redeem::Moved);
        assert_eq!(with(RedeemRows { may_live: false, ..rows }), Redeem::Moved);
        assert_eq!(
            with(RedeemRows { adopted: true, ..rows }),
            Redeem::Moved,
            "its grant was ended meanwhile"
        );
        assert_eq!(with(RedeemRows { spent: true, ..rows }), Redeem::CodeSpent);
        let repeated = RedeemRows { told: true, spent: true, same_candidate: false, grant: active, ..rows };
        assert_eq!(with(repeated), Redeem::Stored);
    }
}
