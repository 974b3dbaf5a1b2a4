//! The Notion-shaped door's back end: `/v1/oauth/token`, `introspect` and `revoke`, as at Notion but with an app
//! secret and with our keys in place of Notion's tokens. Nothing the app holds ever rotates or expires: the refresh
//! grant trades the refresh string for the same key.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use notion_wire::app_token::{
    AppTokenRequest, TokenAnswer, read_app_token_request, read_token_parameter, token_answer,
};
use notion_wire::token::Owner;
use serde_json::{Value, json};
use store::Disconnected;
use store::records::{ApiKey, ConnectionStage, ConnectionView};

use crate::caller::{AppCaller, OAuthClient, connection_key};
use crate::error::RequestId;
use crate::keys::{KeyText, traded};
use crate::redeem::{Proof, redeem};
use crate::{Error, Gateway, access, connections};

/// `POST /v1/oauth/token`
pub(crate) async fn token(
    State(gateway): State<Gateway>,
    axum::Extension(request_id): axum::Extension<RequestId>,
    OAuthClient(caller): OAuthClient,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Error> {
    match read_app_token_request(content_type(&headers), &body)? {
        AppTokenRequest::Code { code, redirect_uri, code_verifier } => {
            let proof = Proof::NotionShaped {
                redirect_uri: &redirect_uri,
                code_verifier: code_verifier.as_ref().map(notion_wire::token::Token::expose),
            };
            let redeemed = redeem(&gateway, &caller, code.expose(), proof).await?;
            let minted = redeemed.key.ok_or(Error::Internal)?;
            let refresh = minted.refresh_token.ok_or(Error::Internal)?;
            Ok(answer(&redeemed.connection, minted.key.expose(), refresh.expose(), &request_id))
        }
        AppTokenRequest::Refresh { refresh_token } => {
            trade(&gateway, &caller, refresh_token.expose(), &request_id).await
        }
    }
}

/// The refresh grant: the same key again, for as long as its connection stands.
async fn trade(
    gateway: &Gateway,
    caller: &AppCaller,
    refresh: &str,
    request_id: &RequestId,
) -> Result<Response, Error> {
    const UNKNOWN: Error = Error::InvalidGrant("the refresh token is not valid");
    let text = KeyText::parse(refresh).ok_or(UNKNOWN)?;
    if text.kind != crate::keys::KeyTextKind::Refresh {
        return Err(UNKNOWN);
    }
    let key = connection_key(gateway, &caller.client_id, refresh).await?.ok_or(UNKNOWN)?;
    let connection = standing(gateway, &key).await?.ok_or(UNKNOWN)?;
    Ok(answer(&connection, traded(&text).expose(), refresh, request_id))
}

/// `POST /v1/oauth/introspect`
pub(crate) async fn introspect(
    State(gateway): State<Gateway>,
    axum::Extension(request_id): axum::Extension<RequestId>,
    OAuthClient(caller): OAuthClient,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Error> {
    let token = read_token_parameter(content_type(&headers), &body)?;
    let standing = match connection_key(&gateway, &caller.client_id, token.expose()).await? {
        Some(key) => standing(&gateway, &key).await?.map(|view| (key, view)),
        None => None,
    };
    let mut answer = json!({ "active": standing.is_some() });
    if let Some((key, view)) = standing {
        if let Some(scope) = scope(&gateway, &view).await? {
            answer["scope"] = json!(scope);
        }
        // In milliseconds, as Notion answers it; RFC 7662 has seconds.
        answer["iat"] = json!(key.created_at.as_millisecond());
    }
    answer["request_id"] = json!(request_id.0);
    Ok(no_store(answer))
}

/// `POST /v1/oauth/revoke`: disconnects. As RFC 7009 has it, an unknown or ended token is answered like a good one.
pub(crate) async fn revoke(
    State(gateway): State<Gateway>,
    axum::Extension(request_id): axum::Extension<RequestId>,
    OAuthClient(caller): OAuthClient,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Error> {
    let token = read_token_parameter(content_type(&headers), &body)?;
    let key = connection_key(&gateway, &caller.client_id, token.expose()).await?;
    let connection_id = key.filter(|key| key.revoked_at.is_none()).and_then(|key| key.connection_id.clone());
    if let Some(id) = connection_id {
        let _ended: Disconnected = connections::end(&gateway, &caller.client_id, &id).await?;
    }
    Ok(no_store(json!({ "request_id": request_id.0 })))
}

/// The connection of a key that still opens it.
async fn standing(gateway: &Gateway, key: &ApiKey) -> Result<Option<ConnectionView>, Error> {
    let (None, Some(id)) = (key.revoked_at, key.connection_id.as_deref()) else { return Ok(None) };
    let view = gateway.store.find_connection(&key.client_id, id).await?;
    Ok(view.filter(|view| view.connection.stage == ConnectionStage::Active))
}

/// What the connection may do, which only Notion knows: asked once for each of its tokens.
async fn scope(gateway: &Gateway, view: &ConnectionView) -> Result<Option<String>, Error> {
    let Some(grant_id) = view.connection.grant_id.as_deref() else { return Ok(None) };
    // One that no longer works is still told about, as far as it is known.
    let Ok(token) = access::live_token_of(gateway, grant_id).await else { return Ok(None) };
    let Some((_, integration)) = gateway.config.by_client_id(&view.connection.client_id) else {
        return Ok(None);
    };
    let ask = async || gateway.notion.scope_of(integration, &token.secret).await.ok_or(());
    Ok(token.scope.get_or_try_init(ask).await.ok().cloned())
}

fn answer(connection: &ConnectionView, key: &str, refresh: &str, request_id: &RequestId) -> Response {
    let profile = &connection.profile;
    no_store(token_answer(&TokenAnswer {
        access_token: key,
        refresh_token: refresh,
        bot_id: &profile.bot_id,
        workspace_id: &profile.workspace_id,
        workspace_name: profile.workspace_name.as_deref(),
        workspace_icon: profile.workspace_icon.as_deref(),
        owner: &Owner {
            user_id: Some(profile.owner_id.clone()).filter(|id| !id.is_empty()),
            name: profile.owner_name.clone(),
            email: profile.owner_email.clone(),
        },
        duplicated_template_id: profile.duplicated_template_id.as_deref(),
        request_id: &request_id.0,
    }))
}

fn no_store(body: Value) -> Response {
    ([(CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

fn content_type(headers: &HeaderMap) -> Option<&str> {
    headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok())
}
