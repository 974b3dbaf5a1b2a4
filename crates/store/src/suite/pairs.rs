//! The suite's second half: token pairs that wait, are adopted, handed over and joined; leases, commits and tombstones.

use lifecycle::{Generation, GrantState};

use super::Subject;
use super::scene::{
    APP, OTHER, activation, all, arrival, arrived, at, attempt, event, grant, id, live, profile, sealed, step,
};
use crate::records::{
    AttemptOutcome, Candidate, Connection, ConnectionStage, Event, EventKind, Grant, Profile,
};
use crate::{
    Activated, Activation, ArrivalSaved, Committed, Disconnected, ExchangeStart, Footing, Imported,
    LeaseTaken, Revocation, RevocationStart, Seen,
};

pub async fn a_candidate_is_adopted_only_at_the_expected_generation(store: Subject) {
    let (_, grant_id) = live(&store, "u", "bot").await;
    let candidate =
        Candidate { connection_id: None, attempt_id: None, ..arrival(&attempt(None), None, "bot").candidate };
    store.insert_candidate(&candidate).await.expect("stored");
    let adopt = async |generation, expected| {
        store
            .adopt_candidate(
                &candidate.id,
                &grant(&grant_id, "bot", generation),
                Generation(expected),
                &event("connection.adopted"),
            )
            .await
            .expect("answered")
    };
    assert_eq!(adopt(8, 7).await, Committed::Moved(Generation(1)));
    assert_eq!(store.due_candidates(at(400), 10).await.expect("read").len(), 1, "it is still there");
    assert_eq!(adopt(2, 1).await, Committed::Done);
    assert!(store.due_candidates(at(400), 10).await.expect("read").is_empty());
    assert_eq!(store.find_grant(&grant_id).await.expect("read").expect("there").generation, Generation(2));
    // One that a pending connection waits for stays that connection's, and is taken over once.
    let waiting = arrived(&store, Some("v"), "bot").await.candidate.id;
    let take_over = async |generation, pair| {
        let taken = Grant { pair: Some(sealed(pair)), ..grant(&grant_id, "bot", generation) };
        let expected = Generation(generation - 1);
        let adopted = event("connection.adopted");
        store.adopt_candidate(&waiting, &taken, expected, &adopted).await.expect("answered")
    };
    assert_eq!(take_over(3, "once").await, Committed::Done);
    let found = store.candidates_of(APP, &profile("bot")).await.expect("read");
    assert!(found.iter().all(|left| left.adopted && left.connection_id.is_some()) && found.len() == 1);
    assert!(matches!(take_over(4, "twice").await, Committed::Moved(_)));
}

pub async fn what_happens_to_a_grant_is_told_of_each_connection_on_it(store: Subject) {
    let (one, grant_id) = live(&store, "u", "bot").await;
    let arrival = arrived(&store, Some("v"), "bot").await;
    let joined = activation(&arrival, grant(&grant_id, "bot", 2), Some(1));
    assert_eq!(store.activate(&joined).await.expect("answered"), Activated::Done);
    let two = arrival.connection.id;
    let told = async |kind: &str| {
        let events = store.list_events(APP, &all()).await.expect("read").sound();
        let mut of: Vec<_> = events
            .into_iter()
            .filter(|event| event.kind.as_str() == kind)
            .map(|event| event.connection_id)
            .collect();
        of.sort();
        of
    };
    let both = vec![Some(one.clone()), Some(two.clone())];
    let renewed = event("connection.refreshed");
    store.commit_refresh(&grant(&grant_id, "bot", 3), Generation(2), &renewed).await.expect("stored");
    assert_eq!(told("connection.refreshed").await, both);
    let (state, needed) = (GrantState::ReconnectNeeded, event("connection.reconnect_needed"));
    store.set_grant_state(&grant_id, Generation(3), state, None, Some(&needed)).await.expect("set");
    assert_eq!(told("connection.reconnect_needed").await, both);
    for id in [&one, &two] {
        store.disconnect(APP, id, &event("connection.disconnected"), at(5)).await.expect("ended");
    }
    for _ in 0..2 {
        store.destroy_data_key(&grant_id, Some(&event("connection.revoked")), None).await.expect("destroyed");
    }
    assert_eq!(told("connection.revoked").await, both, "once each, though it was asked for twice");
}

pub async fn a_way_back_to_active_is_told_once_of_each_connection_whatever_brings_it(store: Subject) {
    let (one, grant_id) = live(&store, "u", "bot").await;
    let two = arrived(&store, Some("v"), "bot").await;
    let joined = activation(&two, grant(&grant_id, "bot", 2), Some(1));
    assert_eq!(store.activate(&joined).await.expect("answered"), Activated::Done);
    let both = vec![Some(one.clone()), Some(two.connection.id.clone())];
    let told = async || {
        let events = store.list_events(APP, &all()).await.expect("read").sound();
        let recovered = events.into_iter().filter(|event| event.kind == EventKind::Recovered);
        let mut of: Vec<_> = recovered.map(|event| event.connection_id).collect();
        of.sort();
        of
    };
    let mut generation = 2;
    let mut expected = Vec::new();
    for state in [GrantState::Suspect, GrantState::Degraded, GrantState::ReconnectNeeded, GrantState::Active]
    {
        store
            .set_grant_state(&grant_id, Generation(generation), state, Some("why"), None)
            .await
            .expect("set");
        let renewed = grant(&grant_id, "bot", generation + 1);
        let refreshed = event("connection.refreshed");
        // Twice: the first answer may have been lost.
        for _ in 0..2 {
            store.commit_refresh(&renewed, Generation(generation), &refreshed).await.expect("stored");
        }
        generation += 1;
        if state != GrantState::Active {
            expected.extend(both.clone());
            expected.sort();
        }
        assert_eq!(told().await, expected, "{state:?}");
    }
    // A consent heals whoever stands there, and the one that comes with it was never ill.
    let state = GrantState::ReconnectNeeded;
    store.set_grant_state(&grant_id, Generation(generation), state, Some("why"), None).await.expect("set");
    let three = arrived(&store, Some("w"), "bot").await;
    let healing = activation(&three, grant(&grant_id, "bot", generation + 1), Some(generation));
    assert_eq!(store.activate(&healing).await.expect("answered"), Activated::Done);
    expected.extend(both);
    expected.sort();
    assert_eq!(told().await, expected);
    let healed = store.find_grant(&grant_id).await.expect("read").expect("there");
    assert_eq!((healed.state, healed.reason), (GrantState::Active, None));
}

pub async fn an_erased_user_leaves_nothing_and_takes_nothing_of_the_others(store: Subject) {
    let (mine, grant_id) = live(&store, "u", "bot").await;
    let (alone, alone_grant) = live(&store, "u", "another-bot").await;
    let joining = arrived(&store, Some("v"), "bot").await;
    let joined = activation(&joining, grant(&grant_id, "bot", 2), Some(1));
    assert_eq!(store.activate(&joined).await.expect("answered"), Activated::Done);
    let waiting = arrived(&store, Some("u"), "third-bot").await;
    let late = attempt(None);
    let erase = async |client_id: &str| {
        store.erase_end_user(client_id, "u", &event("connection.erased"), at(9)).await.expect("answered")
    };
    let of_others = erase(OTHER).await;
    assert_eq!((of_others.connections, of_others.attempts), (0, 0));
    let erased = erase(APP).await;
    assert_eq!((erased.connections, erased.attempts, erased.connect_sessions), (3, 3, 3));
    assert_eq!((erased.shared, &erased.ended), (1, &vec![alone_grant.clone()]));
    assert_eq!(erased.due.len(), 1);
    for id in [&mine, &alone, &waiting.connection.id] {
        assert!(store.find_connection(APP, id).await.expect("read").is_none());
    }
    let tombstone = store.find_grant(&alone_grant).await.expect("read").expect("there");
    assert!(tombstone.pair.is_some(), "it is to be revoked");
    assert_eq!((tombstone.state, tombstone.profile.workspace_name), (GrantState::Tombstone, None));
    assert_eq!(store.unrevoked_grants(at(9), 10).await.expect("read").len(), 1);
    let left = store.find_connection(APP, &joining.connection.id).await.expect("read").expect("there");
    assert_eq!(left.profile.workspace_name.as_deref(), Some("Northwind"), "it is theirs");
    let again = erase(APP).await;
    assert_eq!((again.connections, again.attempts, again.connect_sessions), (0, 0, 0));
    // What an erased attempt still brings is nobody's, and nameless.
    let arriving = arrival(&late, Some("u"), "fourth-bot");
    for _ in 0..2 {
        let saved = store.save_arrival(&arriving, at(10)).await.expect("saved");
        assert_eq!(saved, ArrivalSaved::Superseded);
    }
    let due = store.due_candidates(at(10), 10).await.expect("read");
    assert!(due.iter().all(|due| due.attempt_id.is_none() && due.profile.workspace_name.is_none()));
    assert_eq!(due.len(), 2);
}

/// It once counted as on its way for six minutes, and nobody was told.
pub async fn an_exchange_whose_process_ended_is_found_told_once_and_waited_for_by_nobody(store: Subject) {
    store.enter("node_1").await.expect("entered");
    let exchange = async |node: &str| {
        let made = attempt(None);
        store.insert_attempt(&made, &[], 5, at(0)).await.expect("stored");
        let begun = store.begin_exchange(APP, &made.id, node, &step("asked"), at(1)).await.expect("answered");
        assert_eq!(begun, ExchangeStart::Begun);
        made.id
    };
    let found = async || -> Vec<String> {
        let found = store.interrupted_exchanges(at(2), 10).await.expect("read");
        found.into_iter().map(|attempt| attempt.id).collect()
    };
    let killed = exchange("node_killed").await;
    assert!(!store.is_exchanging(APP, at(2), at(2)).await.expect("read"));
    let under_way = exchange("node_1").await;
    assert!(store.is_exchanging(APP, at(2), at(2)).await.expect("read"));
    assert_eq!(found().await, std::slice::from_ref(&killed));
    for told in [true, false] {
        let event = event("consent.interrupted");
        let ended = store.end_interrupted_exchange(&killed, &step("lost"), &event).await.expect("ended");
        assert_eq!(ended, told);
    }
    assert_eq!(found().await, Vec::<String>::new());
    let (ended, steps) = store.find_attempt(APP, &killed).await.expect("read").expect("there");
    assert_eq!((ended.outcome, steps.len()), (AttemptOutcome::ExchangeFailed, 2));
    let events = store.list_events(APP, &all()).await.expect("read").sound();
    assert_eq!(events.len(), 1);
    store.update_attempt(&under_way, Some(AttemptOutcome::Returned), &[]).await.expect("updated");
    let event = event("consent.interrupted");
    assert!(!store.end_interrupted_exchange(&under_way, &step("lost"), &event).await.expect("answered"));
}

pub async fn an_exchange_and_a_revocation_of_one_integration_take_turns(store: Subject) {
    store.enter("node_1").await.expect("entered");
    let made = attempt(None);
    store.insert_attempt(&made, &[], 5, at(0)).await.expect("stored");
    let cookies = [made.cookie_sha256];
    store.take_attempt(APP, &made.state_sha256, &cookies, at(1), &step("stranger")).await.expect("taken");
    let asked = |client: &str, second| Revocation {
        id: format!("rev_{client}"),
        client_id: client.to_owned(),
        profile: profile("bot"),
        now: at(second),
        ends_at: at(second + 35),
    };
    let revoke =
        async |client: &str, second| store.begin_revocation(&asked(client, second)).await.expect("answered");
    let exchange = async |second| {
        store.begin_exchange(APP, &made.id, "node_1", &step("asked"), at(second)).await.expect("answered")
    };
    let exchanging = async |by, now| store.is_exchanging(APP, at(by), at(now)).await.expect("read");
    // Whoever comes first goes first; another integration's turns are its own.
    for _ in 0..2 {
        assert_eq!(revoke(APP, 2).await, RevocationStart::Begun);
    }
    assert_eq!(exchange(3).await, ExchangeStart::Wait(at(37)));
    assert_eq!(exchange(4).await, ExchangeStart::Wait(at(37)));
    // It is on record while it waits: no further one begins, whatever was its time when it was asked for.
    assert_eq!((exchanging(2, 4).await, exchanging(3, 4).await), (false, true));
    let further = Revocation { id: "rev_further".to_owned(), ..asked(APP, 2) };
    assert_eq!(store.begin_revocation(&further).await.expect("answered"), RevocationStart::Exchanging);
    store.end_revocation("rev_client-a").await.expect("ended");
    for _ in 0..2 {
        assert_eq!(exchange(5).await, ExchangeStart::Begun);
    }
    for second in [1, 4] {
        assert_eq!(revoke(APP, second).await, RevocationStart::Exchanging);
    }
    assert_eq!(revoke(OTHER, 4).await, RevocationStart::Begun);
    // One that began later is none of those that were waited for.
    assert_eq!((exchanging(3, 5).await, exchanging(2, 5).await), (true, false));
    assert_eq!(
        (exchanging(3, 363).await, exchanging(3, 364).await),
        (true, false),
        "it is over after six minutes"
    );
    store.update_attempt(&made.id, Some(AttemptOutcome::ExchangeFailed), &[]).await.expect("updated");
    assert_eq!(revoke(APP, 5).await, RevocationStart::Begun);
    // It ends by itself.
    assert_eq!((exchange(39).await, exchange(40).await), (ExchangeStart::Wait(at(40)), ExchangeStart::Begun));
    store.update_attempt(&made.id, Some(AttemptOutcome::Returned), &[]).await.expect("updated");
    assert_eq!(
        store.begin_exchange(APP, "att_gone", "node_1", &step("asked"), at(41)).await.expect("answered"),
        ExchangeStart::Gone
    );
    // Whatever stands on the authorization keeps it: a pending connection, a live one.
    let arrival = arrived(&store, Some("u"), "bot").await;
    assert_eq!(revoke(APP, 42).await, RevocationStart::Shared);
    let grant_id = id("grt");
    let live = activation(&arrival, grant(&grant_id, "bot", 1), None);
    assert_eq!(store.activate(&live).await.expect("answered"), Activated::Done);
    assert_eq!(revoke(APP, 42).await, RevocationStart::Shared);
    store
        .disconnect(APP, &arrival.connection.id, &event("connection.disconnected"), at(43))
        .await
        .expect("ended");
    // A pair that nobody waits for keeps nothing.
    let due = Candidate { connection_id: None, attempt_id: None, ..arrival.candidate.clone() };
    store.insert_candidate(&due).await.expect("stored");
    assert_eq!(revoke(APP, 44).await, RevocationStart::Begun);
}

pub async fn an_import_waits_for_a_revocation_that_may_end_its_pair(store: Subject) {
    let revocation = Revocation {
        id: "rev_1".to_owned(),
        client_id: APP.to_owned(),
        profile: profile("bot"),
        now: at(0),
        ends_at: at(35),
    };
    assert_eq!(store.begin_revocation(&revocation).await.expect("answered"), RevocationStart::Begun);
    let brought = grant(&id("grt"), "bot", 1);
    let connection = Connection {
        grant_id: Some(brought.id.clone()),
        stage: ConnectionStage::Active,
        ..arrival(&attempt(None), Some("u"), "bot").connection
    };
    let import = async |second| {
        let event = Event { at: at(second), ..event("connection.imported") };
        store.import(&brought, &connection, &event).await.expect("answered")
    };
    assert_eq!(import(1).await, Imported::Wait(at(35)));
    assert!(store.find_live_grant(APP, &profile("bot")).await.expect("read").is_none());
    store.end_revocation("rev_1").await.expect("ended");
    // And the other way round: a pair that is here is not ended by one that comes later, nor does its import wait for another's.
    for _ in 0..2 {
        assert_eq!(import(2).await, Imported::Created);
    }
    assert_eq!(store.begin_revocation(&revocation).await.expect("answered"), RevocationStart::Shared);
    let others = Revocation { profile: profile("another"), ..revocation };
    assert_eq!(store.begin_revocation(&others).await.expect("answered"), RevocationStart::Begun);
    assert_eq!(import(3).await, Imported::Created);
}

pub async fn a_candidate_takes_anothers_place_and_nobody_redeems_the_older_pair(store: Subject) {
    let waiting = arrived(&store, Some("u"), "bot").await;
    let unused =
        Candidate { connection_id: None, attempt_id: None, ..arrival(&attempt(None), None, "bot").candidate };
    store.insert_candidate(&unused).await.expect("stored");
    let of = store.candidates_of(APP, &profile("bot")).await.expect("read");
    assert!(of.iter().any(|one| one.id == waiting.candidate.id), "{of:?}");
    assert!(store.candidates_of(OTHER, &profile("bot")).await.expect("read").is_empty());
    let to = &waiting.candidate.id;
    assert!(store.hand_over_candidate(&unused.id, to).await.expect("answered"));
    let found = store.find_code(&waiting.code.code_sha256).await.expect("read").expect("there");
    assert_eq!(found.candidate.expect("it waits").id, unused.id);
    assert!(
        store.due_candidates(at(400), 10).await.expect("read").is_empty(),
        "one pair is left, and it waits"
    );
    assert!(!store.hand_over_candidate(&unused.id, "can_gone").await.expect("answered"));
    assert!(!store.hand_over_candidate(to, &unused.id).await.expect("answered"), "it is gone");
    // Whoever read the older pair before must not make it live and lose the newer one.
    let stale = activation(&waiting, grant(&id("grt"), "bot", 1), None);
    assert_eq!(store.activate(&stale).await.expect("answered"), Activated::GrantMoved);
    let found = store.find_code(&waiting.code.code_sha256).await.expect("read").expect("there");
    assert_eq!(found.code.spent, None);
    let right = Activation { candidate_id: unused.id, ..stale };
    assert_eq!(store.activate(&right).await.expect("answered"), Activated::Done);
}

pub async fn an_older_pair_joins_the_live_grant_and_leaves_its_pair_alone(store: Subject) {
    let (_, grant_id) = live(&store, "u", "bot").await;
    let arrival = arrived(&store, Some("v"), "bot").await;
    let join = |at| {
        let footing = Footing::Joined { grant_id: grant_id.clone(), at: Generation(at), kept: false };
        Activation { footing, ..activation(&arrival, grant(&grant_id, "bot", 1), None) }
    };
    assert_eq!(store.activate(&join(2)).await.expect("answered"), Activated::GrantMoved);
    let before = store.find_grant(&grant_id).await.expect("read").expect("there");
    assert_eq!(store.activate(&join(1)).await.expect("answered"), Activated::Done);
    let after = store.find_grant(&grant_id).await.expect("read").expect("there");
    let token = |of: &Grant| of.pair.as_ref().map(|pair| pair.access_token_sealed.as_bytes().to_vec());
    assert_eq!((after.generation, token(&after)), (before.generation, token(&before)));
    assert!(store.candidates_of(APP, &profile("bot")).await.expect("read").is_empty());
    let view = store.find_connection(APP, &arrival.connection.id).await.expect("read").expect("there");
    assert_eq!((view.connection.stage, view.shared_grant), (ConnectionStage::Active, true));
}

pub async fn the_pair_that_loses_its_place_is_kept_to_be_settled(store: Subject) {
    let (_, grant_id) = live(&store, "u", "bot").await;
    let waiting = async || store.candidates_of(APP, &profile("bot")).await.expect("read");
    let due = async || store.due_candidates(at(1_000), 10).await.expect("read").len();

    let joins = arrived(&store, Some("v"), "bot").await;
    let footing = Footing::Joined { grant_id: grant_id.clone(), at: Generation(1), kept: true };
    let activation_of = |arrival: &crate::Arrival, footing| Activation {
        footing,
        ..activation(arrival, grant(&grant_id, "bot", 2), None)
    };
    assert_eq!(store.activate(&activation_of(&joins, footing)).await.expect("answered"), Activated::Done);
    assert_eq!((waiting().await.len(), due().await), (1, 1), "the redeemed pair");

    let renews = arrived(&store, Some("w"), "bot").await;
    let old =
        Candidate { connection_id: None, attempt_id: None, ..arrival(&attempt(None), None, "bot").candidate };
    let footing = Footing::Renewed {
        grant: grant(&grant_id, "bot", 2),
        spent: Generation(1),
        kept: Some(Box::new(old.clone())),
    };
    assert_eq!(store.activate(&activation_of(&renews, footing)).await.expect("answered"), Activated::Done);
    assert!(waiting().await.iter().any(|kept| kept.id == old.id), "the pair that was there");
    assert_eq!(due().await, 2);
}

pub async fn a_refresh_lease_is_held_by_one_and_taken_over_when_it_ended(store: Subject) {
    let (_, grant_id) = live(&store, "u", "bot").await;
    for node in ["node_1", "node_2", "node_3"] {
        store.enter(node).await.expect("entered");
    }
    let take = async |generation, holder: &str, second| {
        store
            .take_refresh_lease(&grant_id, Generation(generation), holder, at(second), at(second + 75))
            .await
            .expect("answered")
    };
    let LeaseTaken::Taken(lease) = take(1, "node_1", 0).await else { panic!("the first one gets it") };
    assert!(matches!(take(1, "node_2", 74).await, LeaseTaken::Held(held) if held.holder == "node_1"));
    assert!(matches!(take(9, "node_2", 10).await, LeaseTaken::Moved));
    let leased = store.find_grant(&grant_id).await.expect("read").expect("there").leased_until;
    assert_eq!(leased, Some(at(75)), "a holder that died holds it no longer than that");
    let LeaseTaken::Taken(second) = take(1, "node_2", 75).await else { panic!("it had ended") };
    assert!(second.epoch > lease.epoch);
    store.release_refresh_lease(&grant_id, &lease, "late").await.expect("released");
    assert!(
        matches!(take(1, "node_3", 76).await, LeaseTaken::Held(held) if held.holder == "node_2"),
        "only one's own is released"
    );
    store.release_refresh_lease(&grant_id, &second, "issued").await.expect("released");
    let read = store.find_grant_with_facts(&grant_id, at(-10)).await.expect("read").expect("there");
    let mut outcomes: Vec<_> =
        read.1.refreshes.iter().map(|seen| (seen.epoch, seen.outcome.as_deref())).collect();
    outcomes.sort_unstable();
    assert_eq!((read.0.generation, read.1.generation), (Generation(1), Generation(1)));
    assert_eq!(outcomes, [(lease.epoch, Some("late")), (second.epoch, Some("issued"))]);
}

/// That a process which never entered has ended is known for certain: nothing of it is there.
pub async fn what_a_process_was_about_to_spend_when_it_ended_is_found(store: Subject) {
    let mut grants = Vec::new();
    for bot in ["bot-1", "bot-2", "bot-3"] {
        grants.push(live(&store, "u", bot).await.1);
    }
    let [grant_id, of_another, third] = [grants[0].clone(), grants[1].clone(), grants[2].clone()];
    store.enter("node_1").await.expect("entered");
    let take = async |id: &str, holder: &str, second| {
        let lease = store
            .take_refresh_lease(id, Generation(1), holder, at(second), at(second + 75))
            .await
            .expect("answered");
        match lease {
            LeaseTaken::Taken(lease) | LeaseTaken::TakenOver(lease) => lease,
            other => panic!("nobody else holds it: {other:?}"),
        }
    };
    let one = [grant_id.clone()];
    let found = async || store.interrupted_grants(10).await.expect("read");
    let ended = async |id: &str, lease, word: &str| {
        store.release_refresh_lease(id, &lease, word).await.expect("released");
    };
    let state = async |id: &str, state| {
        let set = store.set_grant_state(id, Generation(1), state, None, None).await.expect("answered");
        assert_eq!(set, Committed::Done);
    };
    let alive = take(&of_another, "node_1", 0).await;
    take(&third, "node_gone", 0).await;
    state(&third, GrantState::Tombstone).await;
    assert_eq!(found().await, Vec::<String>::new(), "one is under way, one is a tombstone's");
    ended(&of_another, alive, "issued").await;
    take(&grant_id, "node_gone", 0).await;
    assert_eq!(found().await, one);
    // Who takes over and sends nothing has learnt nothing.
    let second = take(&grant_id, "node_1", 1).await;
    ended(&grant_id, second, "not_sent").await;
    assert_eq!(found().await, one);
    let (_, facts) = store.find_grant_with_facts(&grant_id, at(3_600)).await.expect("read").expect("there");
    assert_eq!(facts.refreshes.len(), 2, "those of this generation, however long ago");
    state(&grant_id, GrantState::Suspect).await;
    assert_eq!(found().await, Vec::<String>::new(), "it is looked into anyway");
    let third = take(&grant_id, "node_1", 2).await;
    ended(&grant_id, third, "invalid_grant").await;
    state(&grant_id, GrantState::Degraded).await;
    assert_eq!(found().await, Vec::<String>::new(), "what became of it is known");
    take(&grant_id, "node_gone", 3).await;
    assert_eq!(found().await, one);
    let renewed = store
        .commit_refresh(&grant(&grant_id, "bot-1", 2), Generation(1), &event("connection.refreshed"))
        .await;
    assert_eq!(renewed.expect("answered"), Committed::Done);
    assert_eq!(found().await, Vec::<String>::new(), "that generation is spent and over");
}

pub async fn a_refresh_is_committed_by_the_spent_generation_and_not_by_the_lease(store: Subject) {
    let (_, grant_id) = live(&store, "u", "bot").await;
    let commit = async |renewed: &Grant, spent| {
        store
            .commit_refresh(renewed, Generation(spent), &event("connection.refreshed"))
            .await
            .expect("answered")
    };
    let one = grant(&grant_id, "bot", 2);
    let other = Grant { pair: Some(sealed("another")), ..grant(&grant_id, "bot", 2) };
    // No lease is held at all: a stalled holder may own the only valid pair.
    assert_eq!(commit(&one, 1).await, Committed::Done);
    assert_eq!(commit(&one, 1).await, Committed::Done, "the answer to the first try may have been lost");
    assert_eq!(commit(&other, 1).await, Committed::Moved(Generation(2)), "another pair");
}

pub async fn a_tombstone_is_never_revived_and_makes_room_for_a_new_grant(store: Subject) {
    let (connection, grant_id) = live(&store, "u", "bot").await;
    let ended =
        store.disconnect(APP, &connection, &event("connection.disconnected"), at(5)).await.expect("ended");
    let Disconnected::GrantEnded(tombstone) = ended else { panic!("it was the last: {ended:?}") };
    assert!(tombstone.pair.is_some(), "there is something to revoke with");
    let late = grant(&grant_id, "bot", 2);
    let committed =
        store.commit_refresh(&late, Generation(1), &event("connection.refreshed")).await.expect("answered");
    assert_eq!(committed, Committed::Tombstoned);
    let state = store
        .set_grant_state(&grant_id, Generation(1), GrantState::Active, None, None)
        .await
        .expect("answered");
    assert_eq!(state, Committed::Tombstoned);
    let unrevoked = async |second| store.unrevoked_grants(at(second), 10).await.expect("read").len();
    assert_eq!(unrevoked(5).await, 1);
    assert!(store.claim_revocation(&grant_id, at(40), at(50)).await.expect("answered"));
    assert!(!store.claim_revocation(&grant_id, at(40), at(50)).await.expect("answered"), "it is another's");
    store.postpone_revocation(&grant_id, at(60)).await.expect("put off");
    assert_eq!((unrevoked(59).await, unrevoked(60).await), (0, 1));
    let kept =
        Candidate { connection_id: None, attempt_id: None, ..arrival(&attempt(None), None, "bot").candidate };
    for kept in [kept.clone(), Candidate { id: id("can"), ..kept }] {
        store.destroy_data_key(&grant_id, None, Some(&kept)).await.expect("destroyed");
    }
    let left = store.candidates_of(APP, &profile("bot")).await.expect("read");
    assert_eq!(left.len(), 1, "its pair is kept once, though it was asked for twice");
    assert_eq!(unrevoked(60).await, 0);
    assert!(store.find_grant(&grant_id).await.expect("read").is_none_or(|grant| grant.pair.is_none()));

    let (_, fresh) = live(&store, "u", "bot").await;
    assert_ne!(fresh, grant_id);
    let found = store.find_live_grant(APP, &profile("bot")).await.expect("read").expect("there");
    assert_eq!(found.id, fresh);
}

pub async fn a_state_change_tells_once(store: Subject) {
    let (_, grant_id) = live(&store, "u", "bot").await;
    let set = async |generation| {
        let (state, told) = (GrantState::ReconnectNeeded, event("connection.reconnect_needed"));
        store
            .set_grant_state(&grant_id, Generation(generation), state, Some("why"), Some(&told))
            .await
            .expect("answered")
    };
    assert_eq!(set(1).await, Committed::Done);
    assert_eq!(set(1).await, Committed::Done);
    assert_eq!(set(7).await, Committed::Moved(Generation(1)));
    assert_eq!(store.suspect_grants(10).await.expect("read"), Vec::<String>::new());
    let suspect = store.set_grant_state(&grant_id, Generation(1), GrantState::Suspect, None, None).await;
    assert_eq!(suspect.expect("answered"), Committed::Done);
    assert_eq!(store.suspect_grants(10).await.expect("read"), [grant_id]);
    let events = store.list_events(APP, &all()).await.expect("read").sound();
    assert_eq!(events.iter().filter(|event| event.kind == EventKind::ReconnectNeeded).count(), 1);
}

pub async fn a_second_persons_grant_of_the_same_bot_is_told(store: Subject) {
    let told = async || {
        let events = store.list_events(APP, &all()).await.expect("read").sound();
        events.iter().filter(|event| event.kind == EventKind::SecondOwner).count()
    };
    live(&store, "u", "bot").await;
    live(&store, "u", "another-bot").await;
    assert_eq!(told().await, 0);
    let arrival = arrived(&store, Some("v"), "bot").await;
    let mut theirs = grant(&id("grt"), "bot", 1);
    "somebody else".clone_into(&mut theirs.profile.owner_id);
    assert_eq!(store.activate(&activation(&arrival, theirs, None)).await.expect("answered"), Activated::Done);
    assert_eq!(told().await, 1);
}

/// An exchange's answer that was cut before the owner made a second authorization of one bot: its first pair was then revoked, or
/// refreshed, beside the living one. Taken for whoever stood on the bot, it came under another person's connection.
pub async fn a_pair_whose_owner_is_not_known_ends_nobodys_and_becomes_nobodys_until_it_is_named(
    store: Subject,
) {
    let (_, grant_id) = live(&store, "u", "bot").await;
    live(&store, "u", "another-bot").await;
    let of = |owner: &str, bot| Profile { owner_id: owner.to_owned(), ..profile(bot) };
    let found = async |owner| {
        let live = store.find_live_grant(APP, &of(owner, "bot")).await.expect("read");
        live.map(|grant| grant.id)
    };
    assert_eq!(found("owner").await, Some(grant_id));
    assert_eq!((found("").await, found("somebody else").await), (None, None));
    let beside = async |owner, bot| store.stands_beside(APP, &of(owner, bot)).await.expect("read");
    assert!(beside("owner", "bot").await && beside("", "bot").await);
    assert!(!beside("somebody else", "bot").await && !beside("", "third-bot").await);

    let mut unknown =
        Candidate { connection_id: None, attempt_id: None, ..arrival(&attempt(None), None, "bot").candidate };
    unknown.profile = of("", "bot");
    store.insert_candidate(&unknown).await.expect("stored");
    let seen_by = async |owner| store.candidates_of(APP, &of(owner, "bot")).await.expect("read").len();
    assert_eq!((seen_by("").await, seen_by("owner").await, seen_by("somebody else").await), (1, 1, 1));
    for _ in 0..2 {
        let somebody = Profile { owner_name: Some("Somebody".to_owned()), ..of("somebody else", "bot") };
        store.name_candidate(&unknown.id, &somebody).await.expect("named");
    }
    assert_eq!((seen_by("owner").await, seen_by("somebody else").await), (0, 1));
    let named = store.candidates_of(APP, &of("somebody else", "bot")).await.expect("read");
    assert_eq!(named[0].profile.owner_name, None, "no connection waits for it");
}

pub async fn nothing_is_revoked_beside_what_may_be_of_the_same_person(store: Subject) {
    live(&store, "u", "bot").await;
    let begin = async |owner: &str, bot| {
        let profile = Profile { owner_id: owner.to_owned(), ..profile(bot) };
        let (now, ends_at) = (at(1), at(40));
        let asked = Revocation { id: id("rev"), client_id: APP.to_owned(), profile, now, ends_at };
        store.begin_revocation(&asked).await.expect("answered")
    };
    assert_eq!(begin("owner", "bot").await, RevocationStart::Shared);
    assert_eq!(begin("", "bot").await, RevocationStart::Shared);
    assert_eq!(begin("somebody else", "bot").await, RevocationStart::Begun);
    assert_eq!(begin("", "another-bot").await, RevocationStart::Begun);
}

/// Whoever stood still for minutes gave a grant up under which somebody else had begun a refresh meanwhile.
pub async fn no_grant_is_given_up_while_somebody_elses_refresh_is_open(store: Subject) {
    let (_, grant_id) = live(&store, "u", "bot").await;
    store.enter("node_1").await.expect("entered");
    let lease = async |second| {
        let taken =
            store.take_refresh_lease(&grant_id, Generation(1), "node_1", at(second), at(second + 75)).await;
        match taken.expect("answered") {
            LeaseTaken::Taken(lease) | LeaseTaken::TakenOver(lease) => lease,
            other => panic!("{other:?}"),
        }
    };
    let give_up = async |lease, second| {
        let needed = Event { at: at(second), ..event("connection.reconnect_needed") };
        let seen = Seen { candidates: Vec::new(), lease };
        store.give_up_grant(&grant_id, Generation(1), &seen, "why", &needed).await.expect("answered")
    };
    let (stale, open) = (lease(0).await, lease(100).await);
    assert_eq!(give_up(Some(stale.epoch), 110).await, Committed::Moved(Generation(1)));
    assert_eq!(give_up(None, 110).await, Committed::Moved(Generation(1)));
    store.release_refresh_lease(&grant_id, &stale, "invalid_grant").await.expect("ended");
    assert_eq!(give_up(Some(open.epoch), 110).await, Committed::Done, "it is its own");
}
