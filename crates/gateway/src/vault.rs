//! Token pairs in and out of their sealed form.
//! Each pair is sealed under a fresh data key of its own, bound to its table, row and generation, so a sealed pair
//! that is copied to another row does not open there.

use notion_wire::state::EchoedState;
use notion_wire::token::{Token, TokenResponse};
use sealing::{Cell, Keyring, OpenError, Row, Sealed, Secret, Sha256, WrappedDataKey};
use store::records::{AppState, Attempt, Candidate, ConnectionView, Door, Grant, SealedPair};

use crate::{Error, Gateway};

/// The keys of what is sealed; no other room has them.
pub(crate) struct Vault(Keyring);

impl Vault {
    pub(crate) fn new(keyring: Keyring) -> Self {
        Self(keyring)
    }
}

/// A token pair in the clear: it lives for the length of one exchange, refresh or redemption.
pub(crate) struct Pair {
    pub(crate) access_token: Secret<String>,
    pub(crate) refresh_token: Option<Secret<String>>,
}

impl Pair {
    pub(crate) fn of(response: &TokenResponse) -> Self {
        Self::of_tokens((&response.access_token, response.refresh_token.as_ref()))
    }

    /// An access token and, if one was given, a refresh token.
    pub(crate) fn of_tokens((access_token, refresh_token): (&Token, Option<&Token>)) -> Self {
        let secret = |token: &Token| Secret::new(token.expose().to_owned());
        Self { access_token: secret(access_token), refresh_token: refresh_token.map(secret) }
    }
}

fn seal_pair(gateway: &Gateway, row: &Row<'_>, generation: u64, pair: &Pair) -> SealedPair {
    let mut random = |buffer: &mut [u8]| gateway.world.fill(buffer);
    let (key, data_key_wrapped) = gateway.vault.0.new_data_key(row, &mut random);
    let cell = |column| Cell { row: *row, column, generation };
    SealedPair {
        data_key_wrapped,
        access_token_sealed: key.seal(&cell("access_token"), &pair.access_token, &mut random),
        refresh_token_sealed: pair
            .refresh_token
            .as_ref()
            .map(|token| key.seal(&cell("refresh_token"), token, &mut random)),
    }
}

fn opened(gateway: &Gateway, row: &Row<'_>, generation: u64, pair: &SealedPair) -> Result<Pair, OpenError> {
    let cell = |column| Cell { row: *row, column, generation };
    let key = gateway.vault.0.open_data_key(row, &pair.data_key_wrapped)?;
    let refresh = pair.refresh_token_sealed.as_ref();
    Ok(Pair {
        access_token: key.open(&cell("access_token"), &pair.access_token_sealed)?,
        refresh_token: refresh.map(|sealed| key.open(&cell("refresh_token"), sealed)).transpose()?,
    })
}

fn open_pair(gateway: &Gateway, row: &Row<'_>, generation: u64, pair: &SealedPair) -> Result<Pair, Error> {
    opened(gateway, row, generation, pair).map_err(|error| {
        tracing::error!(event = "vault.unopened", table = row.table, id = row.id, why = %error);
        Error::Damaged(if row.table == "grants" { "authorization's" } else { "candidate's" })
    })
}

/// Whether the tokens that a connection stands on can be opened, for lists: a bit that fell over shows nowhere else until a call.
pub(crate) fn opens(gateway: &Gateway, view: &ConnectionView) -> bool {
    let connection = &view.connection;
    match (&view.sealed, &connection.grant_id) {
        (Some((generation, pair)), Some(id)) => {
            let row = Row { table: "grants", client_id: &connection.client_id, id };
            opened(gateway, &row, generation.0, pair).is_ok()
        }
        _ => true,
    }
}

/// Opens a grant's current pair; `None` once its data key was destroyed.
pub(crate) fn open_grant(gateway: &Gateway, grant: &Grant) -> Result<Option<Pair>, Error> {
    let row = Row { table: "grants", client_id: &grant.client_id, id: &grant.id };
    grant.pair.as_ref().map(|pair| open_pair(gateway, &row, grant.generation.0, pair)).transpose()
}

/// Opens a candidate's pair.
pub(crate) fn open_candidate(gateway: &Gateway, candidate: &Candidate) -> Result<Pair, Error> {
    let row = Row { table: "candidates", client_id: &candidate.client_id, id: &candidate.id };
    open_pair(gateway, &row, 0, &candidate.pair)
}

/// Seals a pair for a grant at its generation.
pub(crate) fn seal_grant(
    gateway: &Gateway,
    client_id: &str,
    id: &str,
    generation: u64,
    pair: &Pair,
) -> SealedPair {
    seal_pair(gateway, &Row { table: "grants", client_id, id }, generation, pair)
}

/// Seals a pair for a candidate.
pub(crate) fn seal_candidate(gateway: &Gateway, client_id: &str, id: &str, pair: &Pair) -> SealedPair {
    seal_pair(gateway, &Row { table: "candidates", client_id, id }, 0, pair)
}

/// The keyed hash by which a key's secret part is known.
pub(crate) fn lookup_hmac(gateway: &Gateway, secret_part: &Secret<String>) -> Sha256 {
    gateway.vault.0.lookup_hmac(secret_part.expose().as_bytes())
}

/// The app's `state` is echoed on the way back, so it is kept as it came; sealed, for it guards the app's login.
pub(crate) fn seal_state(
    gateway: &Gateway,
    client_id: &str,
    attempt_id: &str,
    state: &EchoedState,
) -> (WrappedDataKey, Sealed<AppState>) {
    let row = Row { table: "attempts", client_id, id: attempt_id };
    let mut random = |buffer: &mut [u8]| gateway.world.fill(buffer);
    let (key, wrapped) = gateway.vault.0.new_data_key(&row, &mut random);
    let cell = Cell { row, column: "app_state", generation: 0 };
    (wrapped, key.seal(&cell, &Secret::new(state.encoded().to_owned()), &mut random))
}

/// The app's own `state`, encoded for a query as it came.
pub(crate) fn open_state(gateway: &Gateway, attempt: &Attempt) -> Option<Secret<String>> {
    let Door::NotionShaped { app_state_sealed: Some(sealed), data_key_wrapped: Some(wrapped), .. } =
        &attempt.door
    else {
        return None;
    };
    let row = Row { table: "attempts", client_id: &attempt.client_id, id: &attempt.id };
    let key = gateway.vault.0.open_data_key(&row, wrapped).ok()?;
    key.open(&Cell { row, column: "app_state", generation: 0 }, sealed).ok()
}
