//! A day without faults: nothing is refreshed that need not be, and no connection changes its state.

use std::time::Duration;

use notion_emulator::{OldPair, Switches};

use crate::world::Sim;

const DAY_IN_MINUTES: u32 = 24 * 60;

/// A day in which each of several connections is called now and then; its kinds of events, but for those of keys.
fn day(access_seconds: Option<u32>) -> (Sim, Vec<String>) {
    let switches = Switches { access_seconds, older_pair: OldPair::Lives, ..Switches::default() };
    let sim = Sim::new(77, 1, switches, true);
    let mut connections = Vec::new();
    for user in 0..5 {
        let app = sim.app.clone();
        let taken = sim.ask(async move { app.take_over(user % 3, &format!("u{user}")).await });
        connections.push(taken.expect("a connection"));
    }
    for minute in 0..DAY_IN_MINUTES {
        let id = connections[minute as usize % connections.len()].clone();
        let app = sim.app.clone();
        let path = format!("/notion/{id}/v1/users/me");
        let reply = sim.ask(async move { app.api("GET", &path, None).await });
        assert!(reply.is_some_and(|reply| reply.status.is_success()), "minute {minute}");
        sim.pass(Duration::from_mins(1));
    }
    let events = sim.page("/api/events");
    let kinds = events.iter().map(|event| event["type"].as_str().unwrap_or_default().to_owned());
    let kinds = kinds.filter(|kind| !kind.starts_with("key.")).collect();
    for connection in sim.page("/api/connections") {
        assert_eq!(connection["state"], "active");
    }
    (sim, kinds)
}

#[test]
fn a_day_without_faults_refreshes_nothing_and_moves_no_state() {
    let (sim, kinds) = day(None);
    assert_eq!(sim.ledger.book().token_requests, 0);
    let quiet = ["connection.imported", "connection.adopted"];
    assert!(kinds.iter().all(|kind| quiet.contains(&kind.as_str())), "{kinds:?}");
}

#[test]
fn a_day_of_tokens_that_live_an_hour_refreshes_each_once_an_hour() {
    let (sim, kinds) = day(Some(3600));
    let refreshed = sim.ledger.book().token_requests;
    // Three people's tokens, each once when its hour is over; two of the five connections came by a second pair.
    assert!((3 * 22..=3 * 24 + 2).contains(&refreshed), "{refreshed}");
    let moved =
        ["connection.suspect", "connection.degraded", "connection.reconnect_needed", "connection.recovered"];
    assert!(!kinds.iter().any(|kind| moved.contains(&kind.as_str())), "{kinds:?}");
}
