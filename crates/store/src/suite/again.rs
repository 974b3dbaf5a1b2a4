//! The suite's third part: writes whose answer was lost, and which are asked for once more with the very same values.

use lifecycle::{Generation, GrantState};

use super::Subject;
use super::scene::{
    APP, activation, all, arrival, arrived, at, attempt, event, grant, hash, id, live, profile, sealed,
    session, step,
};
use crate::records::{ApiKey, AttemptOutcome, Candidate, Connection, ConnectionStage, Grant, KeyKind};
use crate::{
    Activated, Activation, ArrivalSaved, AttemptFilter, AttemptStart, Committed, ConnectionFilter,
    Disconnected, Footing, Imported, LeaseTaken, Seen,
};

/// How many events of this kind are on record.
async fn told(store: &Subject, kind: &str) -> usize {
    let events = store.list_events(APP, &all()).await.expect("read").sound();
    events.iter().filter(|event| event.kind.as_str() == kind).count()
}

pub async fn the_way_in_that_is_walked_twice_is_walked_once(store: Subject) {
    let made = session("u");
    let begun = attempt(Some(&made));
    let minted = event("key.minted");
    let key = ApiKey {
        id: id("k"),
        kind: KeyKind::App,
        client_id: APP.to_owned(),
        connection_id: None,
        label: "label".to_owned(),
        secret_hmac: hash("secret"),
        refresh_hmac: None,
        created_at: at(0),
        revoked_at: None,
    };
    for _ in 0..2 {
        store.insert_connect_session(&made).await.expect("stored");
        let started = store.insert_attempt(&begun, &[step("opened")], 1, at(0)).await.expect("answered");
        assert_eq!(started, AttemptStart::Started);
        let outcome = Some(AttemptOutcome::Exchanging);
        store.update_attempt(&begun.id, outcome, &[step("came back")]).await.expect("stored");
        store.insert_api_key(&key, &minted).await.expect("stored");
        store.insert_event(&minted).await.expect("stored");
    }
    let (_, steps) = store.find_attempt(APP, &begun.id).await.expect("read").expect("there");
    assert_eq!(steps.len(), 2, "{steps:?}");
    assert_eq!(store.list_api_keys(APP, None).await.expect("read").len(), 1);
    assert_eq!(told(&store, "key.minted").await, 1);
    let attempts = store.list_attempts(APP, &AttemptFilter::default(), &all()).await.expect("read");
    assert_eq!(attempts.rows.len(), 1);
}

pub async fn an_arrival_that_was_settled_since_is_not_saved_anew(store: Subject) {
    let refused = arrived(&store, Some("u"), "bot").await;
    let (code, told_of) = (refused.code.code_sha256, event("connection.unredeemed"));
    let outcome = AttemptOutcome::Unredeemed;
    store.refuse_code(&code, outcome, &[], &told_of, at(301)).await.expect("answered");
    store.delete_candidate(&refused.candidate.id, Some(&event("consent.revoked"))).await.expect("deleted");
    assert_eq!(store.save_arrival(&refused, at(302)).await.expect("answered"), ArrivalSaved::Saved);
    assert!(store.candidates_of(APP, &profile("bot")).await.expect("read").is_empty(), "it was revoked");
    assert!(store.find_connection(APP, &refused.connection.id).await.expect("read").is_none());

    let redeemed = arrived(&store, Some("u"), "another-bot").await;
    let made = activation(&redeemed, grant(&id("grt"), "another-bot", 1), None);
    assert_eq!(store.activate(&made).await.expect("answered"), Activated::Done);
    assert_eq!(store.save_arrival(&redeemed, at(3)).await.expect("answered"), ArrivalSaved::Saved);
    assert!(
        store.candidates_of(APP, &profile("another-bot")).await.expect("read").is_empty(),
        "it is the grant's"
    );
}

pub async fn an_activation_whose_answer_was_lost_is_done_and_not_done_twice(store: Subject) {
    let (_, grant_id) = live(&store, "u", "bot").await;
    let arrival = arrived(&store, Some("v"), "bot").await;
    let old = Candidate {
        connection_id: None,
        attempt_id: None,
        ..super::scene::arrival(&attempt(None), None, "bot").candidate
    };
    let footing = Footing::Renewed {
        grant: grant(&grant_id, "bot", 2),
        spent: Generation(1),
        kept: Some(Box::new(old)),
    };
    let made = Activation { footing, ..activation(&arrival, grant(&grant_id, "bot", 2), None) };
    for _ in 0..2 {
        assert_eq!(store.activate(&made).await.expect("answered"), Activated::Done);
    }
    assert_eq!(told(&store, "connection.connected").await, 2, "one for each connection");
    assert_eq!(store.candidates_of(APP, &profile("bot")).await.expect("read").len(), 1);
    // Meanwhile the grant was refreshed, and the connection ended: it was done all the same, and is not done again.
    store
        .commit_refresh(&grant(&grant_id, "bot", 3), Generation(2), &event("connection.refreshed"))
        .await
        .expect("stored");
    store
        .disconnect(APP, &arrival.connection.id, &event("connection.disconnected"), at(5))
        .await
        .expect("ended");
    assert_eq!(store.activate(&made).await.expect("answered"), Activated::Done);
    assert_eq!(store.find_grant(&grant_id).await.expect("read").expect("there").generation, Generation(3));
    let view = store.find_connection(APP, &arrival.connection.id).await.expect("read").expect("there");
    assert_eq!(view.connection.stage, ConnectionStage::Disconnected);
    let another = Activation { event: event("connection.connected"), ..made };
    assert_eq!(store.activate(&another).await.expect("answered"), Activated::CodeSpent, "that is a replay");
}

pub async fn a_lease_whose_answer_was_lost_is_still_that_lease(store: Subject) {
    let (_, grant_id) = live(&store, "u", "bot").await;
    for node in ["node_1", "node_2"] {
        store.enter(node).await.expect("entered");
    }
    let take = async |second| {
        store
            .take_refresh_lease(&grant_id, Generation(1), "node_1", at(second), at(second + 75))
            .await
            .expect("answered")
    };
    let LeaseTaken::Taken(first) = take(0).await else { panic!("it is free") };
    let LeaseTaken::Taken(again) = take(0).await else { panic!("it is ours") };
    assert_eq!(first, again);
    assert!(matches!(take(1).await, LeaseTaken::Held(_)), "another asking of the same process is another");
    let read = store.find_grant_with_facts(&grant_id, at(-10)).await.expect("read").expect("there");
    assert_eq!(read.1.refreshes.len(), 1, "it is counted once");
    for _ in 0..2 {
        store.release_refresh_lease(&grant_id, &first, "issued").await.expect("released");
    }
    let (of_dead, times) = ("node_gone", [at(2), at(77)]);
    let taken = store.take_refresh_lease(&grant_id, Generation(1), of_dead, times[0], times[1]).await;
    assert!(matches!(taken.expect("answered"), LeaseTaken::Taken(_)));
    for _ in 0..2 {
        assert!(matches!(take(3).await, LeaseTaken::TakenOver(_)), "what it sent may be on its way");
    }
    let held = store.take_refresh_lease(&grant_id, Generation(1), "node_2", at(3), at(78)).await;
    assert!(matches!(held.expect("answered"), LeaseTaken::Held(_)));
}

pub async fn a_grant_is_given_up_only_if_no_pair_came_that_was_not_asked_about(store: Subject) {
    let (_, grant_id) = live(&store, "u", "bot").await;
    live(&store, "u", "another-bot").await;
    let needed = event("connection.reconnect_needed");
    let give_up = async |generation, probed: &[String]| {
        store
            .give_up_grant(
                &grant_id,
                Generation(generation),
                &Seen { candidates: probed.to_vec(), lease: None },
                "why",
                &needed,
            )
            .await
            .expect("answered")
    };
    let came = arrived(&store, Some("v"), "bot").await.candidate.id;
    let put_off =
        Candidate { connection_id: None, attempt_id: None, ..arrival(&attempt(None), None, "bot").candidate };
    store.insert_candidate(&put_off).await.expect("stored");
    store.postpone_candidate(&put_off.id, at(9000)).await.expect("put off");
    let due = async || store.due_candidates(at(400), 10).await.expect("read").len();
    let came = [came, put_off.id.clone()];
    assert_eq!(give_up(1, &[]).await, Committed::Moved(Generation(1)));
    assert_eq!(give_up(2, &came).await, Committed::Moved(Generation(1)));
    assert_eq!(told(&store, "connection.reconnect_needed").await, 0);
    assert_eq!(due().await, 0);
    for _ in 0..2 {
        assert_eq!(give_up(1, &came).await, Committed::Done);
    }
    assert_eq!(told(&store, "connection.reconnect_needed").await, 1);
    assert_eq!(due().await, 1, "it may be all that is left");
    let claim = async |now| store.claim_candidate(&put_off.id, at(now), at(900)).await.expect("answered");
    assert!(claim(400).await && !claim(400).await, "one alone settles it");
    assert!(
        !store.claim_candidate(&came[0], at(9000), at(9900)).await.expect("answered"),
        "a redemption may come"
    );
    let found = store.find_grant(&grant_id).await.expect("read").expect("there");
    assert_eq!((found.state, found.reason.as_deref()), (GrantState::ReconnectNeeded, Some("why")));
}

pub async fn an_adoption_whose_answer_was_lost_is_done_and_told_once(store: Subject) {
    let (_, grant_id) = live(&store, "u", "bot").await;
    let due =
        Candidate { connection_id: None, attempt_id: None, ..arrival(&attempt(None), None, "bot").candidate };
    store.insert_candidate(&due).await.expect("stored");
    let taken = Grant { pair: Some(sealed("adopted")), ..grant(&grant_id, "bot", 2) };
    let adopted = event("connection.adopted");
    for _ in 0..2 {
        let done = store.adopt_candidate(&due.id, &taken, Generation(1), &adopted).await.expect("answered");
        assert_eq!(done, Committed::Done);
    }
    assert_eq!(told(&store, "connection.adopted").await, 1);
    store.insert_candidate(&due).await.expect("an insertion that came late");
    assert_eq!(store.due_candidates(at(400), 10).await.expect("read").len(), 1, "it is settled once more");
    let (suspect, on) = (event("connection.suspect"), Generation(2));
    for _ in 0..2 {
        let set = store.set_grant_state(&grant_id, on, GrantState::Suspect, None, Some(&suspect)).await;
        assert_eq!(set.expect("answered"), Committed::Done);
    }
    assert_eq!(told(&store, "connection.suspect").await, 1);
    let revoked = event("consent.revoked");
    for _ in 0..2 {
        store.delete_candidate(&due.id, Some(&revoked)).await.expect("deleted");
    }
    assert_eq!(told(&store, "consent.revoked").await, 1);
}

pub async fn an_end_or_an_import_that_is_asked_for_twice_happens_once(store: Subject) {
    let imported = grant(&id("grt"), "bot", 1);
    let connection = Connection {
        id: id("con"),
        client_id: APP.to_owned(),
        end_user: Some("u".to_owned()),
        grant_id: Some(imported.id.clone()),
        stage: ConnectionStage::Active,
        notion_shaped: false,
        created_at: at(1),
        last_used_at: None,
        disconnected_at: None,
    };
    let (told_of, changed) = (event("connection.imported"), event("connection.end_user_changed"));
    for _ in 0..2 {
        let done = store.import(&imported, &connection, &told_of).await.expect("answered");
        assert_eq!(done, Imported::Created);
        assert!(store.update_end_user(APP, &connection.id, "u", &changed).await.expect("answered"));
    }
    let listed = store.list_connections(APP, &ConnectionFilter::default(), &all()).await.expect("read");
    assert_eq!(listed.rows.len(), 1);
    assert_eq!(
        (told(&store, told_of.kind.as_str()).await, told(&store, changed.kind.as_str()).await),
        (1, 1)
    );
    let ended = event("connection.disconnected");
    let end = async || store.disconnect(APP, &connection.id, &ended, at(5)).await.expect("answered");
    assert!(matches!(end().await, Disconnected::GrantEnded(_)));
    assert!(matches!(end().await, Disconnected::Already));
    assert_eq!(told(&store, ended.kind.as_str()).await, 1);
    assert_eq!(
        store.unrevoked_grants(at(5), 10).await.expect("read").len(),
        1,
        "nobody forgets to revoke it"
    );
}
