//! What the suite's stories begin with: sessions, attempts, arrivals and grants with little in them, and a callback that went well.

use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use lifecycle::{Generation, GrantState};
use sealing::{Cell, Keyring, RootKey, Row, Secret, Sha256, sha256};

use super::Subject;
use crate::records::{
    Actor, Attempt, AttemptOutcome, Candidate, Code, ConnectSession, Connection, ConnectionStage, Door,
    Event, EventKind, Grant, Profile, SealedPair, Step,
};
use crate::{Activated, Activation, Arrival, ArrivalSaved, Footing, PageRequest};

pub(super) const APP: &str = "client-a";
pub(super) const OTHER: &str = "client-b";

/// The suite's clock: seconds after a fixed moment.
pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).expect("a time in range")
}

/// Ids that sort in the order of making, with room between them for an event that is told of several connections.
pub(super) fn id(prefix: &str) -> String {
    static MADE: AtomicU64 = AtomicU64::new(0);
    format!("{prefix}_{:032x}", MADE.fetch_add(16, Ordering::Relaxed))
}

pub(super) fn hash(text: &str) -> Sha256 {
    sha256(text.as_bytes())
}

/// A sealed pair. The bytes matter to nobody here; that they are sealed is a matter of types.
pub(super) fn sealed(text: &str) -> SealedPair {
    let root = RootKey::parse(&"11".repeat(32)).expect("a root key");
    let mut counter = 0_u8;
    let mut random = |buffer: &mut [u8]| {
        counter = counter.wrapping_add(1);
        buffer.fill(counter);
    };
    let (keyring, _) = Keyring::create(&root, &mut random);
    let row = Row { table: "grants", client_id: APP, id: "x" };
    let (key, data_key_wrapped) = keyring.new_data_key(&row, &mut random);
    let cell = Cell { row, column: "access_token", generation: 0 };
    SealedPair {
        data_key_wrapped,
        access_token_sealed: key.seal(&cell, &Secret::new(text.to_owned()), &mut random),
        refresh_token_sealed: None,
    }
}

pub(super) fn profile(bot: &str) -> Profile {
    Profile {
        bot_id: bot.to_owned(),
        workspace_id: format!("workspace of {bot}"),
        workspace_name: Some("Northwind".to_owned()),
        workspace_icon: None,
        owner_id: "owner".to_owned(),
        owner_name: None,
        owner_email: None,
        duplicated_template_id: None,
    }
}

pub(super) fn event(kind: &str) -> Event {
    Event {
        id: id("evt"),
        client_id: APP.to_owned(),
        at: at(0),
        kind: EventKind::parse(kind).expect("a kind"),
        connection_id: None,
        attempt_id: None,
        note: None,
    }
}

pub(super) fn step(what: &str) -> Step {
    Step::ok(at(0), Actor::App, Actor::Vestibule, what)
}

pub(super) fn session(end_user: &str) -> ConnectSession {
    let id = id("cs");
    ConnectSession {
        token_sha256: hash(&format!("token {id}")),
        id,
        client_id: APP.to_owned(),
        end_user: end_user.to_owned(),
        return_url: "https://app.example/return".to_owned(),
        reconnect: None,
        created_at: at(0),
        expires_at: at(900),
        spent_at: None,
    }
}

pub(super) fn attempt(session: Option<&ConnectSession>) -> Attempt {
    let id = id("att");
    let door = match session {
        Some(session) => Door::Session {
            connect_session_id: session.id.clone(),
            end_user: session.end_user.clone(),
            return_url: session.return_url.clone(),
            reconnect: None,
        },
        None => Door::NotionShaped {
            redirect_uri: "https://app.example/callback".to_owned(),
            code_challenge: None,
            app_state_sealed: None,
            data_key_wrapped: None,
        },
    };
    Attempt {
        state_sha256: hash(&format!("state {id}")),
        cookie_sha256: hash(&format!("cookie {id}")),
        id,
        client_id: APP.to_owned(),
        door,
        outcome: AttemptOutcome::WentToNotion,
        notion_redirect_uri: "https://vestibule.example/callback/a".to_owned(),
        started_at: at(0),
        expires_at: at(600),
        consumed_at: None,
        connection_id: None,
    }
}

/// What a good callback of `attempt` brings.
pub(super) fn arrival(attempt: &Attempt, end_user: Option<&str>, bot: &str) -> Arrival {
    let connection = Connection {
        id: id("con"),
        client_id: APP.to_owned(),
        end_user: end_user.map(str::to_owned),
        grant_id: None,
        stage: ConnectionStage::Pending,
        notion_shaped: end_user.is_none(),
        created_at: at(1),
        last_used_at: None,
        disconnected_at: None,
    };
    Arrival {
        attempt_id: attempt.id.clone(),
        candidate: Candidate {
            id: id("can"),
            client_id: APP.to_owned(),
            connection_id: Some(connection.id.clone()),
            attempt_id: Some(attempt.id.clone()),
            profile: profile(bot),
            pair: sealed("candidate"),
            issued_at: at(1),
            expires_at: at(301),
            adopted: false,
        },
        code: Code {
            code_sha256: hash(&format!("code {}", attempt.id)),
            client_id: APP.to_owned(),
            attempt_id: attempt.id.clone(),
            connection_id: connection.id.clone(),
            expires_at: at(301),
            spent: None,
        },
        connection,
        steps: vec![step("arrived")],
    }
}

pub(super) fn grant(id: &str, bot: &str, generation: u64) -> Grant {
    Grant {
        id: id.to_owned(),
        client_id: APP.to_owned(),
        profile: profile(bot),
        generation: Generation(generation),
        state: GrantState::Active,
        reason: None,
        pair: Some(sealed("current")),
        issued_at: at(1),
        created_at: at(1),
        leased_until: None,
    }
}

pub(super) fn activation(arrival: &Arrival, grant: Grant, expected: Option<u64>) -> Activation {
    Activation {
        code_sha256: arrival.code.code_sha256,
        key_id: "key".to_owned(),
        candidate_id: arrival.candidate.id.clone(),
        footing: match expected {
            None => Footing::New(grant),
            Some(spent) => Footing::Renewed { grant, spent: Generation(spent), kept: None },
        },
        chosen: None,
        connection_id: arrival.connection.id.clone(),
        ends_keys: false,
        key: None,
        steps: vec![step("redeemed")],
        event: event("connection.connected"),
        second_owner: event("connection.second_owner"),
    }
}

/// A callback that went well, up to the arrival.
pub(super) async fn arrived(store: &Subject, end_user: Option<&str>, bot: &str) -> Arrival {
    let session = end_user.map(session);
    if let Some(session) = &session {
        store.insert_connect_session(session).await.expect("stored");
    }
    let attempt = attempt(session.as_ref());
    store.insert_attempt(&attempt, &[step("opened")], 5, at(0)).await.expect("stored");
    store
        .take_attempt(APP, &attempt.state_sha256, &[attempt.cookie_sha256], at(1), &step("stranger"))
        .await
        .expect("taken");
    let arrival = arrival(&attempt, end_user, bot);
    assert_eq!(store.save_arrival(&arrival, at(1)).await.expect("saved"), ArrivalSaved::Saved);
    arrival
}

/// A live connection on a grant of its own; both ids.
pub(super) async fn live(store: &Subject, end_user: &str, bot: &str) -> (String, String) {
    let arrival = arrived(store, Some(end_user), bot).await;
    let grant_id = id("grt");
    let activated =
        store.activate(&activation(&arrival, grant(&grant_id, bot, 1), None)).await.expect("activated");
    assert_eq!(activated, Activated::Done);
    (arrival.connection.id, grant_id)
}

pub(super) fn all() -> PageRequest {
    PageRequest { after: None, size: 100 }
}
