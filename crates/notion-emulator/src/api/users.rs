//! People and bots, as the caller's capabilities let them be seen.

use serde_json::Value;
use uuid::Uuid;

use super::UserInformation;
use super::call::{Answer, Call};
use super::check::uuid_of;
use super::failure::Failure;
use super::show;

/// `GET users/me`: the bot behind the token. Any capability will do.
pub(crate) fn me(call: &Call<'_>) -> Answer {
    let bots = call.state.accounts.bots_of(call.caller.workspace_id);
    let own = bots.into_iter().find(|bot| bot.id == call.caller.bot_id);
    own.map(|bot| call.view().bot(bot)).ok_or_else(Failure::unauthorized)
}

/// `GET users`: members first, then bots.
pub(crate) fn list(call: &mut Call<'_>) -> Answer {
    call.needs(call.caller.capabilities.user_information != UserInformation::None)?;
    let workspace = call.caller.workspace_id;
    let people = call.state.accounts.people_of(workspace).into_iter().map(|person| person.id);
    let bots = call.state.accounts.bots_of(workspace).into_iter().map(|bot| bot.id);
    let all: Vec<Uuid> = people.chain(bots).collect();
    // Whatever the cursor looks like. Source: a user's report of October 2026.
    if let Some(cursor) = call.parameter("start_cursor").filter(|cursor| !cursor.is_empty())
        && uuid_of(cursor).is_none()
    {
        return Err(Failure::cursor(cursor));
    }
    let (ids, next) = call.slice_of_query()?.cut(&all)?;
    let results: Vec<Value> = ids.into_iter().map(|id| call.view().user(id)).collect();
    Ok(show::list("user", results, next))
}

/// `GET users/{user_id}`
pub(crate) fn one(call: &Call<'_>, id: &str) -> Answer {
    call.needs(call.caller.capabilities.user_information != UserInformation::None)?;
    let id = call.path_id("user_id", id)?;
    let workspace = call.caller.workspace_id;
    let is_person = call.state.accounts.people_of(workspace).iter().any(|person| person.id == id);
    let is_bot = call.state.accounts.bots_of(workspace).iter().any(|bot| bot.id == id);
    if is_person || is_bot { Ok(call.view().user(id)) } else { Err(Failure::user_not_found(id, call.caller)) }
}
