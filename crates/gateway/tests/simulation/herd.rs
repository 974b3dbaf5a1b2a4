//! Very many callers at once on tokens that have ended: each token is refreshed once, whichever process they call.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use notion_emulator::{Seed, Switches};
use serde_json::json;

use crate::runner::OUTSIDE;
use crate::world::Sim;

/// A world of this many people, all taken over, whose access tokens have just ended; their connections.
fn expired(people: usize, nodes: usize) -> (Sim, Vec<String>) {
    let person = |n: usize| json!({"name": format!("P {n}"), "email": format!("p{n}@acme.example")});
    let emails: Vec<String> = (0..people).map(|n| format!("p{n}@acme.example")).collect();
    let world = json!({
        "people": (0..people).map(person).collect::<Vec<_>>(),
        "workspaces": [{"name": "Acme", "members": emails,
            "pages": [{"properties": {"title": {"title": [{"text": {"content": "Handbook"}}]}}}]}],
    });
    let seed = Seed::read(&world.to_string()).expect("a seed");
    let sim = Sim::among(seed, 5, nodes, Switches::default(), false);
    let mut connections = Vec::new();
    for person in 0..people {
        let app = sim.app.clone();
        let taken = sim.ask(async move { app.take_over(person, &format!("u{person}")).await });
        connections.push(taken.expect("a connection"));
    }
    // A pair that was given a moment ago is treated otherwise.
    sim.pass(Duration::from_mins(1));
    sim.emulator.end_access_tokens();
    (sim, connections)
}

/// All call at once; how many were answered well.
fn all_call(sim: &Sim, connections: &[String], callers: usize) -> usize {
    let good = Arc::new(AtomicUsize::new(0));
    for id in connections.iter().flat_map(|id| std::iter::repeat_n(id, callers)) {
        let (app, good, path) = (sim.app.clone(), Arc::clone(&good), format!("/notion/{id}/v1/users/me"));
        sim.runner.spawn(OUTSIDE, async move {
            let reply = app.api("GET", &path, None).await;
            good.fetch_add(
                usize::from(reply.is_some_and(|reply| reply.status.is_success())),
                Ordering::Relaxed,
            );
        });
    }
    sim.pass(Duration::from_mins(1));
    good.load(Ordering::Relaxed)
}

#[test]
fn ten_thousand_callers_of_one_ended_token_make_one_refresh() {
    let (sim, connections) = expired(1, 1);
    assert_eq!(all_call(&sim, &connections, 10_000), 10_000);
    assert_eq!(sim.ledger.book().token_requests, 1);
}

#[test]
fn ten_thousand_callers_of_two_processes_make_one_refresh() {
    let (sim, connections) = expired(1, 2);
    assert_eq!(all_call(&sim, &connections, 10_000), 10_000);
    assert_eq!(sim.ledger.book().token_requests, 1);
}

#[test]
fn a_thousand_ended_tokens_of_ten_callers_each_make_a_thousand_refreshes() {
    let (sim, connections) = expired(1000, 1);
    assert_eq!(all_call(&sim, &connections, 10), 10_000);
    assert_eq!(sim.ledger.book().token_requests, 1000);
}

#[test]
fn a_thousand_ended_tokens_make_a_thousand_refreshes_of_two_processes_together() {
    let (sim, connections) = expired(1000, 2);
    assert_eq!(all_call(&sim, &connections, 10), 10_000);
    assert_eq!(sim.ledger.book().token_requests, 1000);
}
