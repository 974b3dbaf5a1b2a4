//! What Notion has and the emulator stays without for now: agents, their sessions and threads, meeting notes. Each of
//! their addresses says so with a 501; an address that Notion does not have is none here either.
//! Source: the methods and typed endpoints of `@notionhq/client` 5.26.0.

use http::Method;

/// What is at this address, in words.
pub(super) fn what(method: &Method, path: &[&str]) -> Option<&'static str> {
    Some(match (method.as_str(), path) {
        ("GET", ["agents"])
        | ("POST", ["agents", "query" | "batch"])
        | ("GET" | "DELETE", ["agents", _])
        | ("GET", ["agents", _, "insights"])
        | ("PATCH", ["agents", _, "credit_limit" | "status"]) => "agents",
        ("POST", ["agents", _, "chat"])
        | ("GET", ["agents", _, "threads"])
        | ("POST", ["agents", _, "threads", "query"])
        | ("GET" | "POST", ["threads", _, "messages"])
        | ("POST", ["threads", _, "messages", "query"])
        | ("POST", ["threads", _, "continue"]) => "chats with agents",
        ("POST", ["sessions"])
        | ("POST", ["sessions", "query"])
        | ("GET", ["sessions", _])
        | ("POST", ["sessions", _, "cancel"])
        | ("POST", ["sessions", _, "events", "query"]) => "agent sessions",
        ("POST", ["external_agent_stub", _, "sessions" | "vaults"])
        | ("POST", ["external_agent_stub", _, "sessions", _, "messages"])
        | ("GET", ["external_agent_stub", _, "sessions", _, "events"])
        | ("PATCH" | "DELETE", ["external_agent_stub", _, "vaults", _]) => "external agents",
        ("POST", ["blocks", "meeting_notes"] | ["blocks", "meeting_notes", "query"]) => "meeting notes",
        _ => return None,
    })
}
