//! The searches. An ordinary run goes through a hundred thousand states, the long one (`cargo xtask long`) through millions; each
//! mutant of the protocol is caught. Every search prints how many unique states it went through.

use model::{Budget, Kind, Mutant, Refreshing, Scope, World};
use stateright::{Checker, Model, Path};

const STRICT: Kind = Kind {
    refresh: Refreshing::Strict,
    old_access_dies: true,
    older_pair_dies: true,
    older_access_lives: false,
    same_pair: false,
};
const GRACE: Kind = Kind { refresh: Refreshing::Grace, ..STRICT };
const FAMILY: Kind = Kind { refresh: Refreshing::Family, ..STRICT };
/// What was replaced goes on working.
const MILD: Kind = Kind { old_access_dies: false, older_pair_dies: false, ..GRACE };
/// The access token of a pair that cannot be refreshed any more works on beside a newer consent's.
const OUTLIVED: Kind = Kind { older_access_lives: true, ..STRICT };
/// A second consent gives the same pair again.
const SAME: Kind = Kind { same_pair: true, ..STRICT };

/// Nothing goes wrong.
const NOTHING: Budget = Budget {
    crashes: 0,
    losses: 0,
    faults: 0,
    unclear: 0,
    consents: 0,
    disconnects: 0,
    expiries: 0,
    orders: 0,
    passes: 0,
    removals: 0,
};
/// The access tokens run out, so that calls are refused.
const EXPIRY: Budget = Budget { expiries: 1, ..NOTHING };

/// Two processes under this Notion.
fn scope(kind: Kind, budget: Budget) -> Scope {
    Scope { kind, nodes: 2, budget, users: 1, times: &[6, 40, 600], mutant: None }
}

/// What is searched, by what goes wrong in it.
fn scopes() -> Vec<(&'static str, Scope)> {
    let mut all = Vec::new();
    for (kind, name) in [(STRICT, "strict"), (GRACE, "grace"), (FAMILY, "family")] {
        let killed = Budget { crashes: 1, losses: 1, ..EXPIRY };
        all.push((name, scope(kind, killed)));
        all.push((name, scope(kind, Budget { passes: 2, faults: 1, ..killed })));
        all.push((name, scope(kind, Budget { orders: 1, unclear: 1, faults: 1, losses: 1, ..EXPIRY })));
        all.push((name, scope(kind, Budget { consents: 1, ..EXPIRY })));
        all.push((name, scope(kind, Budget { consents: 1, disconnects: 1, ..EXPIRY })));
        all.push((name, scope(kind, Budget { consents: 2, crashes: 1, losses: 1, faults: 1, ..EXPIRY })));
        all.push((name, Scope { nodes: 3, ..scope(kind, Budget { passes: 1, ..killed }) }));
        all.push((name, scope(kind, Budget { orders: 2, passes: 3, losses: 1, ..EXPIRY })));
        all.push((name, scope(kind, Budget { expiries: 2, consents: 1, losses: 1, passes: 1, ..NOTHING })));
        // One is ended, and revoked, while the person consents again.
        all.push((
            name,
            scope(kind, Budget { consents: 2, disconnects: 1, passes: 1, unclear: 1, ..NOTHING }),
        ));
    }
    for budget in [
        Budget { consents: 1, orders: 1, losses: 1, ..EXPIRY },
        Budget { consents: 2, disconnects: 1, expiries: 2, ..NOTHING },
        Budget { consents: 1, expiries: 2, passes: 1, crashes: 1, ..NOTHING },
    ] {
        all.push(("outlived", Scope { users: 2, ..scope(OUTLIVED, budget) }));
    }
    all.push(("three", Scope { nodes: 3, users: 2, ..scope(FAMILY, Budget { consents: 1, ..EXPIRY }) }));
    all.push(("mild", Scope { users: 2, ..scope(MILD, Budget { consents: 2, disconnects: 1, ..EXPIRY }) }));
    all.push(("same", Scope { users: 2, ..scope(SAME, Budget { consents: 2, orders: 1, ..EXPIRY }) }));
    all.push(("removed", scope(STRICT, Budget { removals: 1, consents: 1, orders: 1, ..EXPIRY })));
    all
}

/// How a search ended in a broken law.
fn tell(path: Path<World, model::Action>) -> String {
    let law = path.last_state().broken().unwrap_or_default();
    let steps: Vec<_> = path.into_actions().iter().map(|action| format!("  {action:?}")).collect();
    format!("{law}:\n{}", steps.join("\n"))
}

/// Searches each scope up to so many states, in which some are met again and again; the unique ones.
fn search(target: usize) -> usize {
    let mut unique = 0;
    for (name, scope) in scopes() {
        let found = scope.checker().threads(2).target_state_count(target).spawn_bfs().join();
        if let Some(path) = found.discovery("the laws hold") {
            panic!("{name}, {:?}: {}", scope.budget, tell(path));
        }
        println!(
            "{name}: {} unique states, {} deep, {:?}",
            found.unique_state_count(),
            found.max_depth(),
            scope.budget
        );
        unique += found.unique_state_count();
    }
    println!("figure: unique states of the refresh protocol | {unique}");
    unique
}

#[test]
fn the_laws_hold_in_a_hundred_thousand_states() {
    assert!(search(100_000) >= 100_000);
}

#[test]
#[ignore = "minutes; `cargo xtask long` runs it"]
fn the_laws_hold_in_millions_of_states() {
    assert!(search(4_000_000) >= 1_000_000);
}

#[test]
fn a_pair_is_renewed_a_grant_is_suspect_and_one_is_given_up_somewhere_in_it() {
    let budget = Budget { losses: 1, crashes: 1, ..EXPIRY };
    let found = scope(STRICT, budget).checker().threads(2).spawn_bfs().join();
    println!("{} unique states, all there are", found.unique_state_count());
    for property in ["a pair is renewed", "a grant is suspect", "a grant is given up"] {
        found.assert_any_discovery(property);
    }
}

/// The law that a mutant breaks, within so much going wrong; without the mutant it holds there.
fn caught(mutant: Mutant, budget: Budget, law: &str) {
    let sound = Scope { times: &[40], ..scope(STRICT, budget) };
    let found = Scope { mutant: Some(mutant), ..sound }.checker().threads(2).spawn_bfs().join();
    let path = found.discovery("the laws hold").unwrap_or_else(|| panic!("{mutant:?} was not caught"));
    println!("{mutant:?} after {} unique states: {}", found.unique_state_count(), tell(path.clone()));
    assert_eq!(path.last_state().broken(), Some(law));
    let sound = sound.checker().threads(2).spawn_bfs().join();
    assert!(sound.discovery("the laws hold").is_none(), "and without it: {}", sound.unique_state_count());
}

const LOST: &str = "the only pair that works was let go of";

#[test]
fn last_writer_wins_is_caught() {
    caught(Mutant::LastWriterWins, Budget { consents: 1, ..EXPIRY }, LOST);
}

#[test]
fn a_lease_in_the_commits_condition_is_caught() {
    caught(Mutant::LeaseInCondition, Budget { passes: 2, ..EXPIRY }, LOST);
}

#[test]
fn a_refused_refresh_token_that_is_final_at_once_is_caught() {
    let law = "a grant was given up though an answer may still come";
    caught(Mutant::InvalidGrantIsFinal, Budget { passes: 2, ..EXPIRY }, law);
}

#[test]
fn a_token_that_is_used_before_it_is_durable_is_caught() {
    caught(Mutant::UsedBeforeDurable, EXPIRY, "a token was used before it was durable");
}

#[test]
fn an_unredeemed_consent_that_is_revoked_under_a_live_connection_is_caught() {
    let consent = Budget { consents: 1, ..NOTHING };
    caught(Mutant::UnredeemedIsRevoked, consent, "a live connection was revoked");
}

#[test]
fn the_newest_by_the_clock_that_overwrites_is_caught() {
    caught(Mutant::NewestByClock, Budget { consents: 1, ..EXPIRY }, LOST);
}
