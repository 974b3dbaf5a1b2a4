//! What the emulator does not have: it says so, in every version, and never plays along.

use crate::support::{notion, text};

const ID: &str = "00000000-0000-4000-8000-000000000000";

/// Every endpoint of agents, sessions, threads and meeting notes that the client's types know.
const ENDPOINTS: [(&str, &str, &str); 28] = [
    ("GET", "agents", "agents"),
    ("POST", "agents/query", "agents"),
    ("POST", "agents/batch", "agents"),
    ("GET", "agents/ID", "agents"),
    ("DELETE", "agents/ID", "agents"),
    ("GET", "agents/ID/insights", "agents"),
    ("PATCH", "agents/ID/credit_limit", "agents"),
    ("PATCH", "agents/ID/status", "agents"),
    ("POST", "agents/ID/chat", "chats with agents"),
    ("GET", "agents/ID/threads", "chats with agents"),
    ("POST", "agents/ID/threads/query", "chats with agents"),
    ("GET", "threads/ID/messages", "chats with agents"),
    ("POST", "threads/ID/messages", "chats with agents"),
    ("POST", "threads/ID/messages/query", "chats with agents"),
    ("POST", "threads/ID/continue", "chats with agents"),
    ("POST", "sessions", "agent sessions"),
    ("POST", "sessions/query", "agent sessions"),
    ("GET", "sessions/ID", "agent sessions"),
    ("POST", "sessions/ID/cancel", "agent sessions"),
    ("POST", "sessions/ID/events/query", "agent sessions"),
    ("POST", "external_agent_stub/ID/sessions", "external agents"),
    ("POST", "external_agent_stub/ID/sessions/ID/messages", "external agents"),
    ("GET", "external_agent_stub/ID/sessions/ID/events", "external agents"),
    ("POST", "external_agent_stub/ID/vaults", "external agents"),
    ("PATCH", "external_agent_stub/ID/vaults/ID", "external agents"),
    ("DELETE", "external_agent_stub/ID/vaults/ID", "external agents"),
    ("POST", "blocks/meeting_notes", "meeting notes"),
    ("POST", "blocks/meeting_notes/query", "meeting notes"),
];

#[tokio::test]
async fn agents_and_meeting_notes_are_a_501_in_every_version() {
    let n = notion().await;
    let token = n.running.emulator.internal_token();
    for version in ["2022-06-28", "2025-09-03", "2026-03-11"] {
        for (method, path, what) in ENDPOINTS {
            let reply = n.call_in(version, &token, method, &path.replace("ID", ID), None).await;
            assert_eq!(reply.refusal(), "501, not_implemented", "{version} {method} {path}");
            let message = text(&reply.json(), "message");
            assert_eq!(message, format!("The emulator does not have {what} yet."), "{method} {path}");
        }
    }
    let reply = n.call("bad", "GET", "agents", None).await;
    assert_eq!(reply.refusal(), "401, unauthorized", "a bad token comes first");
}

#[tokio::test]
async fn what_notion_does_not_have_either_is_no_address() {
    let n = notion().await;
    let token = n.running.emulator.internal_token();
    let paths = [
        ("GET", "nothing"),
        ("GET", ""),
        ("PUT", "agents/ID"),
        ("GET", "agents/ID/nothing"),
        ("GET", "sessions"),
        ("GET", "threads"),
        ("GET", "external_agent_stub"),
        ("POST", "external_agent_stub/ID"),
        ("GET", "blocks/meeting_notes/query"),
        ("PUT", "views/ID"),
        ("GET", "views/ID/queries"),
        ("PATCH", "views/ID/queries/ID"),
    ];
    for (method, path) in paths {
        let reply = n.call(&token, method, &path.replace("ID", ID), None).await;
        assert_eq!(reply.refusal(), "400, invalid_request_url", "{method} {path}");
        assert_eq!(text(&reply.json(), "message"), "Invalid request URL.");
    }
}
