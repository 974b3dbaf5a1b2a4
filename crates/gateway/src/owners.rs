//! Whose a pair is of which the token answer did not tell: it may have been cut. Notion is asked with the pair itself before
//! anything is decided that depends on it, for one person's pair must not come to stand under another's connection.

use notion_wire::token::Bot;
use store::records::{Candidate, Profile};

use crate::notion::TokenError;
use crate::{Error, Gateway, vault};

/// What is known of a pair's owner, once it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    /// It stands in the profile, and in the store.
    Known,
    /// Notion tells it nobody: it does not take the token.
    Untold,
    /// Notion does not answer now.
    Unanswered,
}

/// Has the owner of a candidate known, as far as Notion tells it.
pub(crate) async fn name(gateway: &Gateway, candidate: &mut Candidate) -> Result<Owner, Error> {
    if !candidate.profile.owner_id.is_empty() {
        return Ok(Owner::Known);
    }
    // A pair that does not open tells nothing, and serves nobody.
    let Ok(pair) = vault::open_candidate(gateway, candidate) else { return Ok(Owner::Untold) };
    let told = match gateway.notion.bot_of(&pair.access_token).await {
        Ok(bot) => named(&candidate.profile, bot),
        Err(TokenError::Refused(_)) => None,
        Err(_) => return Ok(Owner::Unanswered),
    };
    let Some(profile) = told else { return Ok(Owner::Untold) };
    gateway.store.name_candidate(&candidate.id, &profile).await?;
    candidate.profile = profile;
    Ok(Owner::Known)
}

/// A profile with the owner that its bot is of.
pub(crate) fn named(profile: &Profile, bot: Bot) -> Option<Profile> {
    let owner_id = bot.owner.user_id.filter(|_| bot.id == profile.bot_id)?;
    Some(Profile { owner_id, owner_name: bot.owner.name, owner_email: bot.owner.email, ..profile.clone() })
}
