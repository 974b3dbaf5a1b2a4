//! What is shown of a connection: its state in one word, and its shape in the HTTP API.

use notion_wire::token::Owner;
use serde_json::{Value, json};
use store::records::{ConnectionStage, ConnectionState, ConnectionView, DamagedRow};

use crate::{Gateway, vault};

/// What is damaged of a connection's authorization, if anything.
pub(crate) fn damage(gateway: &Gateway, view: &ConnectionView) -> Option<String> {
    let stands = view.connection.stage == ConnectionStage::Active;
    let unopened = || stands && !vault::opens(gateway, view);
    view.damage.clone().or_else(|| unopened().then(|| "its sealed token does not open".to_owned()))
}

/// Where a connection stands, as all readers are told.
pub(crate) fn state(gateway: &Gateway, view: &ConnectionView) -> ConnectionState {
    if damage(gateway, view).is_some() { ConnectionState::Damaged } else { view.state() }
}

/// A connection in the HTTP API's shape.
pub(crate) fn shown(gateway: &Gateway, view: &ConnectionView) -> Value {
    let connection = &view.connection;
    let profile = &view.profile;
    let name = gateway.config.by_client_id(&connection.client_id).map(|(name, _)| name);
    let damage = damage(gateway, view);
    // What goes on with an authorization that others still stand on says nothing of one that was ended.
    let stands = view.connection.stage == ConnectionStage::Active;
    let given =
        |text: &str| Some(text.to_owned()).filter(|text| !["", Owner::WORKSPACE].contains(&text.as_str()));
    json!({
        "id": connection.id,
        "integration": name,
        "end_user": connection.end_user,
        "state": state(gateway, view).as_str(),
        "reason": damage.or_else(|| view.reason.clone().filter(|_| stands)),
        "refreshing": stands && view.leased_until.is_some_and(|until| until > gateway.world.now()),
        "shared_grant": view.shared_grant,
        "workspace": {
            "id": given(&profile.workspace_id),
            "name": profile.workspace_name,
            "icon": profile.workspace_icon,
        },
        "owner": {
            "id": given(&profile.owner_id),
            "name": profile.owner_name,
            "email": profile.owner_email,
        },
        "bot_id": given(&profile.bot_id),
        "duplicated_template_id": profile.duplicated_template_id,
        "created_at": connection.created_at,
        "last_used_at": connection.last_used_at,
    })
}

/// A connection whose own row is damaged: what can be read of it.
pub(crate) fn damaged(gateway: &Gateway, client_id: &str, row: &DamagedRow) -> Value {
    let text = |name: &str| row.texts.get(name);
    json!({
        "id": row.id,
        "integration": gateway.config.by_client_id(client_id).map(|(name, _)| name),
        "end_user": text("end_user"),
        "state": ConnectionState::Damaged.as_str(),
        "reason": row.what,
        "refreshing": false,
        "shared_grant": null,
        "workspace": { "id": text("workspace_id"), "name": text("workspace_name"), "icon": text("workspace_icon") },
        "owner": { "id": text("owner_id"), "name": text("owner_name"), "email": text("owner_email") },
        "bot_id": text("bot_id"),
        "duplicated_template_id": text("duplicated_template_id"),
        "created_at": null,
        "last_used_at": null,
    })
}
