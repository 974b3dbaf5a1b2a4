//! Which of two token pairs of one authorization lives is asked of Notion, never read off a clock.
//! A second consent may have ended the first one's pair, or may not; an answer may have been held back until a newer one
//! was there. So no pair is overwritten, dropped or revoked that Notion has not called inactive, while another stands on
//! the same authorization: the other one is kept and asked about again.

use std::time::Duration;

use crate::{GrantState, Introspected};

/// When a pair that could not be judged is asked about again.
const ASK_AGAIN: Duration = Duration::from_mins(5);
/// When two pairs that both live are asked about again.
const BOTH_LIVE: Duration = Duration::from_hours(6);

/// What stands on the same authorization as a pair that nobody uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rival {
    /// A live grant.
    Grant {
        /// Where it stands.
        state: GrantState,
        /// A refresh of it is under way: its pair is about to be another one.
        renewing: bool,
    },
    /// A candidate that a pending connection waits for.
    Waiting,
    /// Something of the same bot, of which nobody can tell yet whether it is the same person's.
    Stranger,
    /// Nothing.
    Nobody,
}

/// What to do next with a pair that nobody uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SettleEffect {
    /// Ask Notion about the pair's access token.
    AskPair,
    /// Ask Notion about the rival's access token.
    AskRival,
    /// End it at Notion: nothing else stands on the authorization.
    End,
    /// Put it in the rival's place: it lives and the rival's does not.
    Replace,
    /// Forget it: it is dead, or the rival holds the very same tokens.
    Drop,
    /// Keep it, and ask again after this time.
    Keep(Duration),
}

/// The settlement of one pair. Drive it with [`Settlement::begin`], then [`Settlement::told`] with each answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Settlement {
    rival: Rival,
    pair: Option<Introspected>,
}

impl Settlement {
    /// Begins. `same` says whether the rival holds the very same access token, or what became of it.
    pub fn begin(rival: Rival, same: bool) -> (Self, SettleEffect) {
        let effect = match rival {
            Rival::Nobody => SettleEffect::End,
            // To end it might end the other's; to put it in the other's place might give one person's pair to another.
            Rival::Stranger => SettleEffect::Keep(BOTH_LIVE),
            _ if same => SettleEffect::Drop,
            Rival::Grant { renewing: true, .. } => SettleEffect::Keep(ASK_AGAIN),
            Rival::Grant { .. } | Rival::Waiting => SettleEffect::AskPair,
        };
        (Self { rival, pair: None }, effect)
    }

    /// Takes an answer of Notion's and says what to do next.
    pub fn told(&mut self, answer: Introspected) -> SettleEffect {
        use Introspected::{Active, Inactive};
        let Some(pair) = self.pair else {
            self.pair = Some(answer);
            return match answer {
                Active | Inactive => SettleEffect::AskRival,
                unclear => Self::later(unclear),
            };
        };
        // A grant that was given up has nothing to lose; its refresh token was refused.
        let given_up = matches!(self.rival, Rival::Grant { state: GrantState::ReconnectNeeded, .. });
        match (pair, answer) {
            (Active, Inactive) => SettleEffect::Replace,
            (Active, Active) => SettleEffect::Keep(BOTH_LIVE),
            (Inactive, Active) => SettleEffect::Drop,
            (Inactive, Inactive) if given_up => SettleEffect::Replace,
            // Either refresh token may still work: the rival's own calls will tell.
            (Inactive, Inactive) => SettleEffect::Keep(ASK_AGAIN),
            (_, unclear) => Self::later(unclear),
        }
    }

    fn later(unclear: Introspected) -> SettleEffect {
        match unclear {
            Introspected::Throttled(wait) => SettleEffect::Keep(wait.max(ASK_AGAIN)),
            _ => SettleEffect::Keep(ASK_AGAIN),
        }
    }
}

/// Where a redeemed pair comes to stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Footing {
    /// There is no live grant: it makes one.
    New,
    /// It takes the place of the live grant's pair, which is kept beside it unless it is proved dead.
    Renewed {
        /// Keep the pair that was there.
        keep_old: bool,
    },
    /// The live grant's pair stays; the redeemed one is kept beside it unless it is proved dead or the same.
    Joined {
        /// Keep the redeemed pair.
        keep_new: bool,
    },
}

/// What to do next with a pair that is being redeemed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RedeemEffect {
    /// Ask Notion about the redeemed pair's access token.
    AskPair,
    /// Ask Notion about the live grant's access token.
    AskGrant,
    /// It stands there.
    Stand(Footing),
}

/// The redemption of one pair. Drive it with [`Redemption::begin`], then [`Redemption::told`] with each answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Redemption {
    pair: Option<Introspected>,
}

impl Redemption {
    /// Begins. `live` is the live grant's state, if there is one; `same` says whether it holds the very same access token, and
    /// `taken_over` whether a grant took this pair over: what became of it is the grant's then, and the redeemed one may be spent.
    pub fn begin(live: Option<GrantState>, same: bool, taken_over: bool) -> (Self, RedeemEffect) {
        let effect = match live {
            None => RedeemEffect::Stand(Footing::New),
            Some(_) if taken_over => RedeemEffect::Stand(Footing::Joined { keep_new: false }),
            Some(GrantState::ReconnectNeeded) => RedeemEffect::Stand(Footing::Renewed { keep_old: false }),
            Some(_) if same => RedeemEffect::Stand(Footing::Joined { keep_new: false }),
            Some(_) => RedeemEffect::AskPair,
        };
        (Self { pair: None }, effect)
    }

    /// Takes an answer of Notion's and says what to do next.
    pub fn told(&mut self, answer: Introspected) -> RedeemEffect {
        use Introspected::{Active, Inactive};
        let Some(pair) = self.pair else {
            self.pair = Some(answer);
            return RedeemEffect::AskGrant;
        };
        RedeemEffect::Stand(match (pair, answer) {
            (Active, Inactive) => Footing::Renewed { keep_old: false },
            (Inactive, Active) => Footing::Joined { keep_new: false },
            (Inactive, _) => Footing::Joined { keep_new: true },
            // What works goes on working while nobody knows about the new one.
            (_, Active) if pair != Active => Footing::Joined { keep_new: true },
            // The person consented to it last, as far as anybody knows.
            _ => Footing::Renewed { keep_old: true },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACTIVE: Introspected = Introspected::Active;
    const INACTIVE: Introspected = Introspected::Inactive;
    const UNCLEAR: Introspected = Introspected::Unclear;
    const THROTTLED: Introspected = Introspected::Throttled(Duration::from_mins(9));
    const ANSWERS: [Introspected; 4] = [ACTIVE, INACTIVE, UNCLEAR, THROTTLED];

    fn grant(state: GrantState) -> Rival {
        Rival::Grant { state, renewing: false }
    }

    fn settled(rival: Rival, pair: Introspected, other: Introspected) -> SettleEffect {
        let (mut settlement, first) = Settlement::begin(rival, false);
        assert_eq!(first, SettleEffect::AskPair);
        match settlement.told(pair) {
            SettleEffect::AskRival => settlement.told(other),
            end => end,
        }
    }

    #[test]
    fn an_unused_pair_is_ended_only_if_nothing_else_stands_on_the_authorization() {
        assert_eq!(Settlement::begin(Rival::Nobody, false).1, SettleEffect::End);
        for rival in [grant(GrantState::Active), grant(GrantState::ReconnectNeeded), Rival::Waiting] {
            for pair in ANSWERS {
                for other in ANSWERS {
                    assert_ne!(
                        settled(rival, pair, other),
                        SettleEffect::End,
                        "{rival:?} {pair:?} {other:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_pair_that_lives_is_kept_and_only_a_dead_one_is_dropped() {
        for rival in [grant(GrantState::Active), grant(GrantState::Suspect), Rival::Waiting] {
            let table = [
                (ACTIVE, INACTIVE, SettleEffect::Replace),
                (ACTIVE, ACTIVE, SettleEffect::Keep(BOTH_LIVE)),
                (INACTIVE, ACTIVE, SettleEffect::Drop),
                (INACTIVE, INACTIVE, SettleEffect::Keep(ASK_AGAIN)),
                (UNCLEAR, INACTIVE, SettleEffect::Keep(ASK_AGAIN)),
                (ACTIVE, UNCLEAR, SettleEffect::Keep(ASK_AGAIN)),
                (THROTTLED, ACTIVE, SettleEffect::Keep(Duration::from_mins(9))),
            ];
            for (pair, other, expected) in table {
                assert_eq!(settled(rival, pair, other), expected, "{rival:?} {pair:?} {other:?}");
            }
        }
    }

    #[test]
    fn a_grant_that_was_given_up_takes_any_pair_that_may_work() {
        let given_up = grant(GrantState::ReconnectNeeded);
        assert_eq!(settled(given_up, INACTIVE, INACTIVE), SettleEffect::Replace);
        assert_eq!(settled(given_up, ACTIVE, INACTIVE), SettleEffect::Replace);
        assert_eq!(
            settled(given_up, INACTIVE, ACTIVE),
            SettleEffect::Drop,
            "the grant's own lives after all"
        );
    }

    #[test]
    fn a_pair_is_not_judged_against_one_that_is_being_renewed_and_the_same_pair_is_dropped() {
        let renewing = Rival::Grant { state: GrantState::Active, renewing: true };
        assert_eq!(Settlement::begin(renewing, false).1, SettleEffect::Keep(ASK_AGAIN));
        assert_eq!(Settlement::begin(renewing, true).1, SettleEffect::Drop);
        assert_eq!(Settlement::begin(Rival::Waiting, true).1, SettleEffect::Drop);
        assert_eq!(Settlement::begin(Rival::Stranger, false).1, SettleEffect::Keep(BOTH_LIVE));
    }

    fn stands(pair: Introspected, live: Introspected) -> Footing {
        let (mut redemption, first) = Redemption::begin(Some(GrantState::Active), false, false);
        assert_eq!(first, RedeemEffect::AskPair);
        assert_eq!(redemption.told(pair), RedeemEffect::AskGrant);
        match redemption.told(live) {
            RedeemEffect::Stand(footing) => footing,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_redeemed_pair_takes_the_place_of_a_dead_one_and_never_of_one_that_lives_alone() {
        let table = [
            (ACTIVE, INACTIVE, Footing::Renewed { keep_old: false }),
            (ACTIVE, ACTIVE, Footing::Renewed { keep_old: true }),
            (ACTIVE, UNCLEAR, Footing::Renewed { keep_old: true }),
            (INACTIVE, ACTIVE, Footing::Joined { keep_new: false }),
            (INACTIVE, INACTIVE, Footing::Joined { keep_new: true }),
            (INACTIVE, UNCLEAR, Footing::Joined { keep_new: true }),
            (UNCLEAR, ACTIVE, Footing::Joined { keep_new: true }),
            (UNCLEAR, INACTIVE, Footing::Renewed { keep_old: true }),
            (THROTTLED, THROTTLED, Footing::Renewed { keep_old: true }),
        ];
        for (pair, live, expected) in table {
            assert_eq!(stands(pair, live), expected, "{pair:?} {live:?}");
        }
    }

    #[test]
    fn a_first_consent_asks_nothing_and_one_after_the_end_takes_its_place() {
        assert_eq!(Redemption::begin(None, false, false).1, RedeemEffect::Stand(Footing::New));
        let renewed = RedeemEffect::Stand(Footing::Renewed { keep_old: false });
        for same in [false, true] {
            assert_eq!(
                Redemption::begin(Some(GrantState::ReconnectNeeded), same, false).1,
                renewed,
                "{same}"
            );
        }
        let joined = RedeemEffect::Stand(Footing::Joined { keep_new: false });
        assert_eq!(Redemption::begin(Some(GrantState::Active), true, false).1, joined);
        for state in GrantState::ALL {
            let (_, effect) = Redemption::begin(Some(state), false, true);
            assert_eq!(effect, joined, "the grant goes on with it: {state:?}");
        }
    }
}
