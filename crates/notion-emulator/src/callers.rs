//! Who calls: from a bearer token, or all who could.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use uuid::Uuid;

use crate::api::{Access, Caller};
use crate::capabilities::Capabilities;
use crate::grants::Authorization;
use crate::state::State;

/// Whose token a request bears.
pub(crate) fn of(state: &State, headers: &HeaderMap) -> Option<Caller> {
    let header = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    if token == state.internal_token && !token.is_empty() {
        return internal(state);
    }
    authorized(state, state.grants.authorization_of(token, state.clock.now())?)
}

/// Everybody who may have a token.
pub(crate) fn all(state: &State) -> Vec<Caller> {
    let authorizations = state.grants.authorizations.values();
    internal(state).into_iter().chain(authorizations.filter_map(|found| authorized(state, found))).collect()
}

/// The caller that a bot is now; none if it was removed.
pub(crate) fn of_bot(state: &State, bot: Uuid) -> Option<Caller> {
    match state.grants.authorizations.get(&bot) {
        Some(found) => authorized(state, found),
        None => internal(state).filter(|internal| internal.bot_id == bot),
    }
}

/// An integration that a person let in.
fn authorized(state: &State, found: &Authorization) -> Option<Caller> {
    let client = state.grants.client(&found.client_id)?;
    Some(Caller {
        bot_id: found.bot_id,
        bot_name: client.name.clone(),
        workspace_id: found.workspace,
        workspace_name: state.accounts.workspace(found.workspace)?.name.clone(),
        owner: Some(found.person),
        capabilities: client.capabilities,
        access: Access::Shared(found.picks.clone()),
    })
}

/// The internal integration: everything in the first workspace.
fn internal(state: &State) -> Option<Caller> {
    let workspace = state.accounts.workspaces.first()?;
    let bot = state.accounts.bots_of(workspace.id).into_iter().find(|bot| bot.owner.is_none())?;
    Some(Caller {
        bot_id: bot.id,
        bot_name: bot.name.clone(),
        workspace_id: workspace.id,
        workspace_name: workspace.name.clone(),
        owner: None,
        capabilities: Capabilities::default(),
        access: Access::Workspace,
    })
}
