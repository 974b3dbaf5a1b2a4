//! The conformance suite: what every [`Store`] must do, each property a function of its own. A backend's test file calls
//! [`conformance`](crate::conformance) with a function that opens a fresh store, and gets one test a property.

#![expect(clippy::disallowed_methods, reason = "callers race")]
#![expect(missing_docs, reason = "the name of each property is its sentence")]

mod again;
mod pairs;
mod scene;

use std::sync::Arc;
use std::time::Duration;

use lifecycle::{Generation, GrantState};
use sealing::{Keyring, RootKey};

use crate::Changed;
use crate::records::{
    ApiKey, Attempt, AttemptOutcome, CodeSpent, Connection, ConnectionStage, ConnectionState, ConnectionView,
    Door, KeyKind, Listed,
};
use crate::{
    Activated, Activation, ArrivalSaved, AttemptFilter, AttemptStart, AttemptTaken, Chosen, ConnectionFilter,
    Disconnected, Imported, PageRequest, Store,
};
use scene::{
    APP, OTHER, activation, all, arrival, arrived, at, attempt, event, grant, hash, id, live, profile,
    session, step,
};

pub use again::*;
pub use pairs::*;

/// Changes a `SQLite` store's file behind the store's back, for tests of what damaged rows do.
pub fn tamper(path: &std::path::Path, sql: &str) {
    let db = rusqlite::Connection::open(path).expect("it opens");
    db.busy_timeout(Duration::from_secs(5)).expect("set");
    db.execute_batch(sql).expect("it is changed");
}

/// Keeps everybody from writing to a `SQLite` store's file until it is dropped, as another process does that writes for long.
pub fn held(path: &std::path::Path) -> impl Drop + Send + use<> {
    let db = rusqlite::Connection::open(path).expect("it opens");
    db.busy_timeout(Duration::from_secs(5)).expect("set");
    db.execute_batch("BEGIN IMMEDIATE").expect("nobody else writes");
    Held(db)
}

struct Held(rusqlite::Connection);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.execute_batch("ROLLBACK").expect("it was begun");
    }
}

/// The store under test. Tasks share it.
pub type Subject = Arc<dyn Store>;

/// Declares one test for each property of the suite. `$open` is an expression that gives a fresh store and whatever keeps
/// it alive, as `(Arc<dyn Store>, guard)`.
#[macro_export]
macro_rules! conformance {
    ($open:expr) => {
        $crate::conformance!(@ $open;
            a_keyring_is_saved_once
            a_store_that_lost_its_keyring_is_given_no_other
            a_session_is_found_by_its_token_and_within_its_integration
            a_session_takes_five_attempts_until_it_ends_or_is_spent
            a_state_is_taken_by_exactly_one_of_many
            another_browser_takes_nothing
            a_state_belongs_to_one_integration_and_ends
            a_lost_state_is_decided_by_the_one_open_cookie
            an_arrival_is_saved_whole_and_ends_the_sessions_other_attempts
            a_code_is_activated_by_exactly_one_of_many
            an_activation_waits_for_nobody_who_moved_the_grant
            a_refused_code_deletes_its_connection_and_frees_its_candidate
            a_code_that_nobody_redeemed_is_found_when_it_ended
            an_older_connection_is_healed_and_the_pending_one_goes
            a_connection_that_was_given_away_or_moved_since_it_was_chosen_is_not_healed
            a_connection_that_was_ended_meanwhile_is_not_healed
            a_candidate_is_adopted_only_at_the_expected_generation
            what_happens_to_a_grant_is_told_of_each_connection_on_it
            a_way_back_to_active_is_told_once_of_each_connection_whatever_brings_it
            a_pair_whose_owner_is_not_known_ends_nobodys_and_becomes_nobodys_until_it_is_named
            nothing_is_revoked_beside_what_may_be_of_the_same_person
            a_second_persons_grant_of_the_same_bot_is_told
            a_candidate_takes_anothers_place_and_nobody_redeems_the_older_pair
            an_older_pair_joins_the_live_grant_and_leaves_its_pair_alone
            the_pair_that_loses_its_place_is_kept_to_be_settled
            a_refresh_lease_is_held_by_one_and_taken_over_when_it_ended
            what_a_process_was_about_to_spend_when_it_ended_is_found
            a_refresh_is_committed_by_the_spent_generation_and_not_by_the_lease
            a_tombstone_is_never_revived_and_makes_room_for_a_new_grant
            a_state_change_tells_once
            no_grant_is_given_up_while_somebody_elses_refresh_is_open
            an_exchange_whose_process_ended_is_found_told_once_and_waited_for_by_nobody
            an_exchange_and_a_revocation_of_one_integration_take_turns
            only_the_last_connection_ends_its_grant
            an_erased_user_leaves_nothing_and_takes_nothing_of_the_others
            keys_end_with_their_connection_and_stay_in_their_integration
            lists_neither_skip_nor_repeat
            a_filter_by_state_finds_what_reads_in_that_state
            every_query_stays_in_its_integration
            an_import_never_replaces_a_live_pair
            an_import_waits_for_a_revocation_that_may_end_its_pair
            a_first_call_is_drawn_once
            each_change_names_what_is_remembered_of_it_and_nothing_else
            who_asks_for_changes_that_were_never_there_is_told_that_anything_may_have_changed
            a_hook_is_told_of_a_change_before_its_write_is_answered
            what_has_outlived_its_use_is_purged
            the_way_in_that_is_walked_twice_is_walked_once
            an_arrival_that_was_settled_since_is_not_saved_anew
            an_activation_whose_answer_was_lost_is_done_and_not_done_twice
            a_lease_whose_answer_was_lost_is_still_that_lease
            a_grant_is_given_up_only_if_no_pair_came_that_was_not_asked_about
            an_adoption_whose_answer_was_lost_is_done_and_told_once
            an_end_or_an_import_that_is_asked_for_twice_happens_once
        );
    };
    (@ $open:expr; $($property:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $property() {
                let (store, _guard) = $open;
                $crate::suite::$property(store).await;
            }
        )*
    };
}

pub async fn a_keyring_is_saved_once(store: Subject) {
    assert!(store.find_keyring().await.expect("read").is_none());
    let ring = |byte: u8| {
        let root = RootKey::parse(&"22".repeat(32)).expect("a root key");
        Keyring::create(&root, &mut |buffer: &mut [u8]| buffer.fill(byte)).1
    };
    assert!(store.insert_keyring(&ring(1)).await.expect("stored"));
    assert!(!store.insert_keyring(&ring(2)).await.expect("refused"), "the first one stays");
    assert_eq!(store.find_keyring().await.expect("read"), Some(ring(1)));
    store.prepare().await.expect("it is up to date");
}

pub async fn a_store_that_lost_its_keyring_is_given_no_other(store: Subject) {
    live(&store, "u", "bot").await;
    let root = RootKey::parse(&"22".repeat(32)).expect("a root key");
    let fresh = Keyring::create(&root, &mut |buffer: &mut [u8]| buffer.fill(1)).1;
    let refused = store.insert_keyring(&fresh).await;
    assert!(matches!(refused, Err(crate::StoreError::Damaged { table: "keyring", .. })), "{refused:?}");
    assert!(store.find_keyring().await.expect("read").is_none());
}

pub async fn a_session_is_found_by_its_token_and_within_its_integration(store: Subject) {
    let made = session("u");
    store.insert_connect_session(&made).await.expect("stored");
    let found = store.find_connect_session_by_token(&made.token_sha256).await.expect("read").expect("there");
    assert_eq!((found.id.as_str(), found.end_user.as_str()), (made.id.as_str(), "u"));
    assert!(store.find_connect_session(APP, &made.id).await.expect("read").is_some());
    assert!(store.find_connect_session(OTHER, &made.id).await.expect("read").is_none());
    assert!(store.find_connect_session_by_token(&hash("another")).await.expect("read").is_none());
}

pub async fn a_session_takes_five_attempts_until_it_ends_or_is_spent(store: Subject) {
    let made = session("u");
    store.insert_connect_session(&made).await.expect("stored");
    let begin = async |second| {
        store.insert_attempt(&attempt(Some(&made)), &[], 5, at(second)).await.expect("answered")
    };
    assert_eq!(begin(900).await, AttemptStart::SessionExpired);
    for _ in 0..5 {
        assert_eq!(begin(1).await, AttemptStart::Started);
    }
    assert_eq!(begin(1).await, AttemptStart::TooMany);
    let spent = arrived(&store, Some("v"), "bot").await;
    let (found, _) = store.find_attempt(APP, &spent.attempt_id).await.expect("read").expect("there");
    let Door::Session { connect_session_id, end_user, return_url, reconnect } = found.door else {
        panic!("its door")
    };
    let again = Attempt {
        door: Door::Session { connect_session_id, end_user, return_url, reconnect },
        ..attempt(None)
    };
    assert_eq!(
        store.insert_attempt(&again, &[], 5, at(2)).await.expect("answered"),
        AttemptStart::SessionSpent
    );
}

pub async fn a_state_is_taken_by_exactly_one_of_many(store: Subject) {
    let made = attempt(None);
    store.insert_attempt(&made, &[], 5, at(0)).await.expect("stored");
    let mut tasks = Vec::new();
    for _ in 0..16 {
        let (store, state, cookie) = (Arc::clone(&store), made.state_sha256, made.cookie_sha256);
        tasks.push(tokio::spawn(async move {
            store.take_attempt(APP, &state, &[cookie], at(1), &step("stranger")).await.expect("answered")
        }));
    }
    let mut taken = 0;
    for task in tasks {
        match task.await.expect("it ran") {
            AttemptTaken::Taken(_) => taken += 1,
            other => assert!(matches!(other, AttemptTaken::Spent(_)), "{other:?}"),
        }
    }
    assert_eq!(taken, 1);
}

pub async fn another_browser_takes_nothing(store: Subject) {
    let made = attempt(None);
    store.insert_attempt(&made, &[], 5, at(0)).await.expect("stored");
    let take = async |made: &Attempt, cookies: &[sealing::Sha256], second| {
        let stranger = step("stranger");
        store.take_attempt(APP, &made.state_sha256, cookies, at(second), &stranger).await.expect("answered")
    };
    let strangers = async |made: &Attempt| {
        let (_, steps) = store.find_attempt(APP, &made.id).await.expect("read").expect("there");
        steps.len()
    };
    for cookies in [vec![], vec![hash("another")], vec![]] {
        let taken = take(&made, &cookies, 1).await;
        assert!(matches!(taken, AttemptTaken::WrongBrowser(_)), "{taken:?}");
    }
    assert_eq!(strangers(&made).await, 1, "whoever knows a state writes once, not as often as they like");
    let taken = take(&made, &[hash("another"), made.cookie_sha256], 1).await;
    assert!(matches!(taken, AttemptTaken::Taken(_)), "{taken:?}");
    let reloaded = take(&made, &[], 1).await;
    assert!(matches!(reloaded, AttemptTaken::Spent(_)), "its cookie ended with it: {reloaded:?}");
    let ended = attempt(None);
    store.insert_attempt(&ended, &[], 5, at(0)).await.expect("stored");
    assert!(matches!(take(&ended, &[], 600).await, AttemptTaken::WrongBrowser(_)));
    assert_eq!(strangers(&ended).await, 0, "nothing is written of what is over");
    let many: Vec<_> = (0..100).map(|number| step(&format!("step {number}"))).collect();
    store.update_attempt(&ended.id, None, &many).await.expect("stored");
    assert_eq!(strangers(&ended).await, 64, "a diagram has a last step");
}

pub async fn a_state_belongs_to_one_integration_and_ends(store: Subject) {
    let made = attempt(None);
    store.insert_attempt(&made, &[], 5, at(0)).await.expect("stored");
    let take = async |client_id: &str, second| {
        store
            .take_attempt(client_id, &made.state_sha256, &[made.cookie_sha256], at(second), &step("stranger"))
            .await
            .expect("answered")
    };
    assert!(matches!(take(OTHER, 1).await, AttemptTaken::Unknown));
    assert!(matches!(take(APP, 600).await, AttemptTaken::Expired(_)));
}

pub async fn a_lost_state_is_decided_by_the_one_open_cookie(store: Subject) {
    let (one, two) = (attempt(None), attempt(None));
    for made in [&one, &two] {
        store.insert_attempt(made, &[], 5, at(0)).await.expect("stored");
    }
    let both = [one.cookie_sha256, two.cookie_sha256];
    let taken = store.take_attempt_by_cookie(APP, &both, at(1)).await.expect("answered");
    assert!(matches!(taken, AttemptTaken::Unknown), "two are open: {taken:?}");
    let taken = store.take_attempt_by_cookie(OTHER, &both[..1], at(1)).await.expect("answered");
    assert!(matches!(taken, AttemptTaken::Unknown));
    let taken = store.take_attempt_by_cookie(APP, &both[..1], at(1)).await.expect("answered");
    assert!(matches!(&taken, AttemptTaken::Taken(attempt) if attempt.id == one.id), "{taken:?}");
    let taken = store.take_attempt_by_cookie(APP, &both, at(1)).await.expect("answered");
    assert!(matches!(&taken, AttemptTaken::Taken(attempt) if attempt.id == two.id), "one is left: {taken:?}");
}

pub async fn an_arrival_is_saved_whole_and_ends_the_sessions_other_attempts(store: Subject) {
    let made = session("u");
    store.insert_connect_session(&made).await.expect("stored");
    let (one, two) = (attempt(Some(&made)), attempt(Some(&made)));
    for begun in [&one, &two] {
        store.insert_attempt(begun, &[], 5, at(0)).await.expect("stored");
        store
            .take_attempt(APP, &begun.state_sha256, &[begun.cookie_sha256], at(1), &step("stranger"))
            .await
            .expect("taken");
    }
    let (first, second) = (arrival(&one, Some("u"), "bot"), arrival(&two, Some("u"), "bot"));
    assert_eq!(store.save_arrival(&first, at(1)).await.expect("saved"), ArrivalSaved::Saved);
    let found = store.find_code(&first.code.code_sha256).await.expect("read").expect("there");
    assert_eq!(found.attempt.outcome, AttemptOutcome::Returned);
    assert!(found.candidate.is_some());
    let view = store.find_connection(APP, &first.connection.id).await.expect("read").expect("there");
    assert_eq!((view.connection.stage, view.profile.bot_id.as_str()), (ConnectionStage::Pending, "bot"));

    for _ in 0..2 {
        // Asked again, for the first answer may have been lost with the commit done: it is no second arrival.
        assert_eq!(store.save_arrival(&first, at(2)).await.expect("saved"), ArrivalSaved::Saved);
        assert_eq!(store.save_arrival(&second, at(2)).await.expect("saved"), ArrivalSaved::Superseded);
    }
    assert!(store.find_code(&second.code.code_sha256).await.expect("read").is_none());
    assert!(store.find_connection(APP, &second.connection.id).await.expect("read").is_none());
    let due = store.due_candidates(at(3), 10).await.expect("read");
    assert_eq!(due.len(), 1, "its pair is kept, to be settled");
    let (late, _) = store.find_attempt(APP, &two.id).await.expect("read").expect("there");
    assert_eq!(late.outcome, AttemptOutcome::Superseded);
}

pub async fn a_code_is_activated_by_exactly_one_of_many(store: Subject) {
    let arrival = arrived(&store, Some("u"), "bot").await;
    let mut tasks = Vec::new();
    for _ in 0..8 {
        let (store, activation) =
            (Arc::clone(&store), activation(&arrival, grant(&id("grt"), "bot", 1), None));
        tasks.push(tokio::spawn(async move { store.activate(&activation).await.expect("answered") }));
    }
    let mut done = 0;
    for task in tasks {
        done += usize::from(task.await.expect("it ran") == Activated::Done);
    }
    assert_eq!(done, 1);
    let view = store.find_connection(APP, &arrival.connection.id).await.expect("read").expect("there");
    assert_eq!(
        (view.connection.stage, view.grant_state),
        (ConnectionStage::Active, Some(GrantState::Active))
    );
    let found = store.find_code(&arrival.code.code_sha256).await.expect("read").expect("there");
    let spent =
        CodeSpent::Redeemed { key_id: "key".to_owned(), connection_id: arrival.connection.id.clone() };
    assert_eq!(found.code.spent, Some(spent));
    assert!(found.candidate.is_none(), "its pair is the grant's now");
}

pub async fn an_activation_waits_for_nobody_who_moved_the_grant(store: Subject) {
    let (_, grant_id) = live(&store, "u", "bot").await;
    let arrival = arrived(&store, Some("v"), "bot").await;
    let blind = activation(&arrival, grant(&id("grt"), "bot", 1), None);
    assert_eq!(store.activate(&blind).await.expect("answered"), Activated::GrantMoved);
    let stale = activation(&arrival, grant(&grant_id, "bot", 6), Some(5));
    assert_eq!(store.activate(&stale).await.expect("answered"), Activated::GrantMoved);
    let right = activation(&arrival, grant(&grant_id, "bot", 2), Some(1));
    assert_eq!(store.activate(&right).await.expect("answered"), Activated::Done);
    let found = store.find_grant(&grant_id).await.expect("read").expect("there");
    assert_eq!(found.generation, Generation(2));
    let view = store.find_connection(APP, &arrival.connection.id).await.expect("read").expect("there");
    assert!(view.shared_grant);
}

pub async fn a_refused_code_deletes_its_connection_and_frees_its_candidate(store: Subject) {
    let arrival = arrived(&store, Some("u"), "bot").await;
    let refuse = async || {
        let outcome = AttemptOutcome::RedeemRefused;
        let (hash, event) = (arrival.code.code_sha256, event("connection.refused"));
        store.refuse_code(&hash, outcome, &[step("refused")], &event, at(2)).await.expect("answered")
    };
    assert!(refuse().await);
    assert!(!refuse().await, "it is spent");
    assert!(store.find_connection(APP, &arrival.connection.id).await.expect("read").is_none());
    let due = store.due_candidates(at(2), 10).await.expect("read");
    assert_eq!(due.iter().map(|due| due.id.as_str()).collect::<Vec<_>>(), [arrival.candidate.id.as_str()]);
    let late = activation(&arrival, grant(&id("grt"), "bot", 1), None);
    assert_eq!(store.activate(&late).await.expect("answered"), Activated::CodeSpent);
    store.postpone_candidate(&arrival.candidate.id, at(8)).await.expect("put off");
    assert!(store.due_candidates(at(7), 10).await.expect("read").is_empty());
    assert_eq!(store.due_candidates(at(8), 10).await.expect("read").len(), 1);
    store.insert_candidate(&due[0]).await.expect("there already");
    assert_eq!(store.candidates_of(APP, &profile("bot")).await.expect("read").len(), 1);
    store.delete_candidate(&arrival.candidate.id, None).await.expect("deleted");
    assert!(store.due_candidates(at(9), 10).await.expect("read").is_empty());
}

pub async fn a_code_that_nobody_redeemed_is_found_when_it_ended(store: Subject) {
    let arrival = arrived(&store, Some("u"), "bot").await;
    assert!(store.unredeemed_codes(at(300), 10).await.expect("read").is_empty());
    let found = store.unredeemed_codes(at(301), 10).await.expect("read");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].connection_id, arrival.connection.id);
    assert!(
        store.due_candidates(at(301), 10).await.expect("read").is_empty(),
        "its connection still holds it"
    );
}

pub async fn an_older_connection_is_healed_and_the_pending_one_goes(store: Subject) {
    let (older, grant_id) = live(&store, "u", "bot").await;
    let held = store.find_connection_on_grant(&grant_id, Some("u"), false).await.expect("read");
    assert_eq!(held.map(|held| held.id), Some(older.clone()));
    assert!(store.find_connection_on_grant(&grant_id, Some("v"), false).await.expect("read").is_none());
    let arrival = arrived(&store, Some("u"), "bot").await;
    let healing = Activation {
        connection_id: older.clone(),
        ..activation(&arrival, grant(&grant_id, "bot", 2), Some(1))
    };
    assert_eq!(store.activate(&healing).await.expect("answered"), Activated::Done);
    assert!(store.find_connection(APP, &arrival.connection.id).await.expect("read").is_none());
    let (attempt, steps) = store.find_attempt(APP, &arrival.attempt_id).await.expect("read").expect("there");
    assert_eq!(attempt.connection_id.as_deref(), Some(older.as_str()));
    assert_eq!(
        steps.iter().map(|step| step.what.as_str()).collect::<Vec<_>>(),
        ["opened", "arrived", "redeemed"]
    );
}

pub async fn a_connection_that_was_given_away_or_moved_since_it_was_chosen_is_not_healed(store: Subject) {
    let (older, grant_id) = live(&store, "u", "bot").await;
    let arrival = arrived(&store, Some("u"), "bot").await;
    let healing = |end_user: &str, on: &str| Activation {
        connection_id: older.clone(),
        chosen: Some(Chosen { end_user: Some(end_user.to_owned()), grant_id: Some(on.to_owned()) }),
        ..activation(&arrival, grant(&grant_id, "bot", 2), Some(1))
    };
    for stale in [healing("v", &grant_id), healing("u", "grt_before")] {
        assert_eq!(store.activate(&stale).await.expect("answered"), Activated::GrantMoved);
    }
    let given = event("connection.end_user_changed");
    assert!(store.update_end_user(APP, &older, "v", &given).await.expect("changed"));
    let activate = async |activation: Activation| store.activate(&activation).await.expect("answered");
    assert_eq!(activate(healing("u", &grant_id)).await, Activated::GrantMoved);
    assert_eq!(activate(healing("v", &grant_id)).await, Activated::Done);
}

pub async fn a_connection_that_was_ended_meanwhile_is_not_healed(store: Subject) {
    let (older, grant_id) = live(&store, "u", "bot").await;
    let shared = arrived(&store, Some("v"), "bot").await;
    let joined = activation(&shared, grant(&grant_id, "bot", 2), Some(1));
    assert_eq!(store.activate(&joined).await.expect("answered"), Activated::Done);
    let arrival = arrived(&store, Some("u"), "bot").await;
    store.disconnect(APP, &older, &event("connection.disconnected"), at(5)).await.expect("ended");
    let healing = Activation {
        connection_id: older.clone(),
        ..activation(&arrival, grant(&grant_id, "bot", 3), Some(2))
    };
    assert_eq!(store.activate(&healing).await.expect("answered"), Activated::GrantMoved);
    let view = store.find_connection(APP, &older).await.expect("read").expect("there");
    assert_eq!(view.connection.stage, ConnectionStage::Disconnected);
    assert_eq!(store.find_grant(&grant_id).await.expect("read").expect("there").generation, Generation(2));
}

pub async fn only_the_last_connection_ends_its_grant(store: Subject) {
    let (one, grant_id) = live(&store, "u", "bot").await;
    let arrival = arrived(&store, Some("v"), "bot").await;
    let joined = activation(&arrival, grant(&grant_id, "bot", 2), Some(1));
    assert_eq!(store.activate(&joined).await.expect("answered"), Activated::Done);
    let end = async |client_id: &str, id: &str| {
        store.disconnect(client_id, id, &event("connection.disconnected"), at(5)).await.expect("answered")
    };
    assert!(matches!(end(OTHER, &one).await, Disconnected::Unknown));
    assert!(matches!(end(APP, &one).await, Disconnected::GrantKept));
    assert!(matches!(end(APP, &one).await, Disconnected::Already));
    assert!(matches!(end(APP, &arrival.connection.id).await, Disconnected::GrantEnded(_)));
    let pending = arrived(&store, Some("w"), "another-bot").await;
    let ended = end(APP, &pending.connection.id).await;
    let Disconnected::WasPending(Some(due)) = ended else { panic!("it was pending: {ended:?}") };
    assert_eq!((due.id, due.connection_id), (pending.candidate.id, None));
}

fn key(kind: KeyKind, connection_id: Option<&str>) -> ApiKey {
    let id = id("k").split_off(2);
    ApiKey {
        secret_hmac: hash(&id),
        id,
        kind,
        client_id: APP.to_owned(),
        connection_id: connection_id.map(str::to_owned),
        label: "label".to_owned(),
        refresh_hmac: None,
        created_at: at(0),
        revoked_at: None,
    }
}

pub async fn keys_end_with_their_connection_and_stay_in_their_integration(store: Subject) {
    let (connection, _) = live(&store, "u", "bot").await;
    let (own, app) = (key(KeyKind::Connection, Some(&connection)), key(KeyKind::App, None));
    for made in [&own, &app] {
        store.insert_api_key(made, &event("key.minted")).await.expect("stored");
    }
    let listed = store.list_api_keys(APP, Some(&connection)).await.expect("read");
    assert_eq!(
        listed.into_iter().filter_map(Listed::sound).map(|key| key.id).collect::<Vec<_>>(),
        std::slice::from_ref(&own.id)
    );
    assert_eq!(store.list_api_keys(APP, None).await.expect("read").len(), 1, "app keys are listed apart");
    let revoked = event("key.revoked");
    assert!(!store.revoke_api_key(OTHER, None, &app.id, &revoked).await.expect("answered"));
    assert!(!store.revoke_api_key(APP, Some(&connection), &app.id, &revoked).await.expect("answered"));
    assert!(store.revoke_api_key(APP, None, &app.id, &revoked).await.expect("answered"));
    assert!(!store.revoke_api_key(APP, None, &app.id, &event("key.revoked")).await.expect("answered"));
    store.disconnect(APP, &connection, &event("connection.disconnected"), at(5)).await.expect("ended");
    let found = store.find_api_key(&own.id).await.expect("read").expect("there");
    assert!(found.revoked_at.is_some());
    assert_eq!(found.secret_hmac, own.secret_hmac);
}

pub async fn lists_neither_skip_nor_repeat(store: Subject) {
    let mut made = Vec::new();
    for number in 0..7 {
        made.push(live(&store, "u", &format!("bot-{number}")).await.0);
    }
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = PageRequest { after: after.take(), size: 3 };
        let page = store.list_connections(APP, &ConnectionFilter::default(), &page).await.expect("read");
        after.clone_from(&page.next);
        seen.extend(page.sound().into_iter().map(|view| view.connection.id));
        if after.is_none() {
            break;
        }
    }
    made.reverse();
    assert_eq!(seen, made, "newest first");
    let attempts =
        store.list_attempts(APP, &AttemptFilter::default(), &PageRequest { after: None, size: 4 }).await;
    assert!(attempts.expect("read").next.is_some());
    assert_eq!(store.list_events(APP, &all()).await.expect("read").rows.len(), 7);
    // Ids are made before the commit: one that sorts earlier may be stored later, and is the newer one all the same.
    let (early, late) = (event("key.minted"), event("key.minted"));
    for told in [&late, &early] {
        store.insert_event(told).await.expect("stored");
    }
    let newest = store.list_events(APP, &PageRequest { after: None, size: 1 }).await.expect("read");
    let before = PageRequest { after: newest.next.clone(), size: 9 };
    assert_eq!(newest.sound().first().map(|event| event.id.clone()), Some(early.id));
    let rest = store.list_events(APP, &before).await.expect("read").sound();
    assert_eq!((rest.len(), rest.first().map(|event| event.id.clone())), (8, Some(late.id)));
    let filter = ConnectionFilter { bot_id: Some("bot-3".to_owned()), ..ConnectionFilter::default() };
    assert_eq!(store.list_connections(APP, &filter, &all()).await.expect("read").rows.len(), 1);
    let filter =
        ConnectionFilter { state: Some(ConnectionState::Disconnected), ..ConnectionFilter::default() };
    assert!(store.list_connections(APP, &filter, &all()).await.expect("read").rows.is_empty());
}

/// The filter is SQL and the word that is shown is not: one says what the other says.
pub async fn a_filter_by_state_finds_what_reads_in_that_state(store: Subject) {
    arrived(&store, Some("u"), "waiting").await;
    let (ended, _) = live(&store, "u", "ended").await;
    store.disconnect(APP, &ended, &event("connection.disconnected"), at(5)).await.expect("ended");
    for state in GrantState::ALL.into_iter().filter(|state| *state != GrantState::Tombstone) {
        let (_, grant) = live(&store, "u", state.as_str()).await;
        store.set_grant_state(&grant, Generation(1), state, None, None).await.expect("set");
    }
    let everything = store.list_connections(APP, &ConnectionFilter::default(), &all()).await.expect("read");
    let read: Vec<ConnectionState> = everything.sound().iter().map(ConnectionView::state).collect();
    for word in ConnectionState::words() {
        let state = ConnectionState::parse(word);
        let filter = ConnectionFilter { state, ..ConnectionFilter::default() };
        let found = store.list_connections(APP, &filter, &all()).await.expect("read").sound();
        assert!(found.iter().all(|view| Some(view.state()) == state), "{word}");
        assert_eq!(found.len(), read.iter().filter(|read| Some(**read) == state).count(), "{word}");
        assert_eq!(found.len(), usize::from(word != "damaged"), "there is one of each: {word}");
    }
}

pub async fn every_query_stays_in_its_integration(store: Subject) {
    let (connection, _) = live(&store, "u", "bot").await;
    let attempts = store.list_attempts(APP, &AttemptFilter::default(), &all()).await.expect("read");
    let attempt = attempts.sound().first().expect("one").id.clone();
    assert!(store.find_connection(OTHER, &connection).await.expect("read").is_none());
    assert!(store.find_attempt(OTHER, &attempt).await.expect("read").is_none());
    assert!(
        store
            .list_connections(OTHER, &ConnectionFilter::default(), &all())
            .await
            .expect("read")
            .rows
            .is_empty()
    );
    assert!(
        store.list_attempts(OTHER, &AttemptFilter::default(), &all()).await.expect("read").rows.is_empty()
    );
    assert!(store.list_events(OTHER, &all()).await.expect("read").rows.is_empty());
    assert!(store.find_live_grant(OTHER, &profile("bot")).await.expect("read").is_none());
    let changed = event("connection.end_user_changed");
    assert!(!store.update_end_user(OTHER, &connection, "v", &changed).await.expect("answered"));
    assert!(store.update_end_user(APP, &connection, "v", &changed).await.expect("answered"));
    let view = store.find_connection(APP, &connection).await.expect("read").expect("there");
    assert_eq!(view.connection.end_user.as_deref(), Some("v"));
}

pub async fn an_import_never_replaces_a_live_pair(store: Subject) {
    let (_, grant_id) = live(&store, "u", "bot").await;
    let connection = |end_user: &str, on: &str| Connection {
        id: id("con"),
        client_id: APP.to_owned(),
        end_user: Some(end_user.to_owned()),
        grant_id: Some(on.to_owned()),
        stage: ConnectionStage::Active,
        notion_shaped: false,
        created_at: at(1),
        last_used_at: None,
        disconnected_at: None,
    };
    let imported = grant(&id("grt"), "bot", 1);
    let done = store
        .import(&imported, &connection("v", &imported.id), &event("connection.imported"))
        .await
        .expect("done");
    assert_eq!(done, Imported::KeptNewer);
    assert_eq!(store.find_live_grant(APP, &profile("bot")).await.expect("read").expect("there").id, grant_id);
    let joined = store.find_connection_on_grant(&grant_id, Some("v"), false).await.expect("read");
    assert!(joined.is_some(), "the end user is connected all the same");
    let fresh = grant(&id("grt"), "new-bot", 1);
    let done =
        store.import(&fresh, &connection("v", &fresh.id), &event("connection.imported")).await.expect("done");
    assert_eq!(done, Imported::Created);
}

pub async fn a_first_call_is_drawn_once(store: Subject) {
    let (connection, _) = live(&store, "u", "bot").await;
    for second in [10, 100] {
        store.touch_connection(&connection, at(second), &[step("first call")]).await.expect("noted");
    }
    let view = store.find_connection(APP, &connection).await.expect("read").expect("there");
    assert_eq!(view.connection.last_used_at, Some(at(100)));
    let attempts = store.list_attempts(APP, &AttemptFilter::default(), &all()).await.expect("read");
    let (_, steps) = store.find_attempt(APP, &attempts.sound()[0].id).await.expect("read").expect("there");
    assert_eq!(steps.iter().filter(|step| step.what == "first call").count(), 1);
}

pub async fn each_change_names_what_is_remembered_of_it_and_nothing_else(store: Subject) {
    let (connection, grant_id) = live(&store, "u", "bot").await;
    let (_, other_grant) = live(&store, "v", "another-bot").await;
    let in_feed = format!("{APP}/{connection}");
    let mut upto = store.newest_change().await.expect("read");
    let mut told = async || {
        let feed = store.changes_after(upto).await.expect("read");
        assert!(feed.complete);
        upto = feed.upto;
        assert!(feed.changes.iter().all(|change| change.id != other_grant));
        let mut told: Vec<_> = feed.changes.into_iter().map(|change| (change.kind, change.id)).collect();
        told.dedup();
        told
    };
    assert_eq!(told().await, []);
    let of_grant = || vec![(Changed::Grant, grant_id.clone()), (Changed::Connection, in_feed.clone())];
    let renewed = grant(&grant_id, "bot", 2);
    store.commit_refresh(&renewed, Generation(1), &event("connection.refreshed")).await.expect("stored");
    assert_eq!(told().await, of_grant(), "a pair was renewed");
    let state = GrantState::ReconnectNeeded;
    store.set_grant_state(&grant_id, Generation(2), state, None, None).await.expect("set");
    assert_eq!(told().await, of_grant(), "a grant changed its state");
    store.enter("node_1").await.expect("entered");
    store.take_refresh_lease(&grant_id, Generation(2), "node_1", at(0), at(75)).await.expect("taken");
    store.touch_connection(&connection, at(9), &[]).await.expect("noted");
    assert_eq!(told().await, [], "a lease and a use change nothing that is remembered");
    let minted = key(KeyKind::App, None);
    store.insert_api_key(&minted, &event("key.minted")).await.expect("stored");
    assert_eq!(told().await, [], "nobody has remembered what is new");
    store.revoke_api_key(APP, None, &minted.id, &event("key.revoked")).await.expect("ended");
    assert_eq!(told().await, [(Changed::Key, minted.id.clone())]);
    store.disconnect(APP, &connection, &event("connection.disconnected"), at(5)).await.expect("ended");
    let ended = told().await;
    assert!(of_grant().iter().all(|change| ended.contains(change)), "{ended:?}");
}

pub async fn who_asks_for_changes_that_were_never_there_is_told_that_anything_may_have_changed(
    store: Subject,
) {
    let newest = store.newest_change().await.expect("read");
    let feed = store.changes_after(newest + 5).await.expect("read");
    assert_eq!((feed.upto, feed.complete), (newest, false), "the store was put back to an older copy");
}

pub async fn a_hook_is_told_of_a_change_before_its_write_is_answered(store: Subject) {
    let (_, grant_id) = live(&store, "u", "bot").await;
    let told = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let heard = std::sync::Arc::clone(&told);
    store.on_change(std::sync::Arc::new(move |feed: &crate::Changes| {
        heard.lock().expect("nobody panicked").extend(feed.changes.iter().map(|change| change.id.clone()));
    }));
    let renewed = grant(&grant_id, "bot", 2);
    store.commit_refresh(&renewed, Generation(1), &event("connection.refreshed")).await.expect("stored");
    assert!(told.lock().expect("nobody panicked").contains(&grant_id));
}

pub async fn what_has_outlived_its_use_is_purged(store: Subject) {
    let (connection, _) = live(&store, "u", "bot").await;
    store.disconnect(APP, &connection, &event("connection.disconnected"), at(5)).await.expect("ended");
    let later = |days: u64| at(5).checked_add(Duration::from_hours(24 * days)).expect("in range");
    store.purge(later(29)).await.expect("purged");
    assert!(store.find_connection(APP, &connection).await.expect("read").is_some(), "shown for thirty days");
    store.purge(later(31)).await.expect("purged");
    assert!(store.find_connection(APP, &connection).await.expect("read").is_none());
    store.check().await.expect("it reads and writes");
}
