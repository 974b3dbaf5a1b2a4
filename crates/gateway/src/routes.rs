//! Every route on one screen, by the listener that may carry it and the shape its errors take.

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, delete, get, post};
use store::StoreError;

use crate::door::{self, Door, is_oauth};
use crate::error::{BODY_MAX, Shape, name_request, shape_errors};
use crate::pages::{Notice, WayBack, index, page_with};
use crate::{Error, Gateway, api, callback, caller, link, near_miss, oauth};

impl Gateway {
    /// What browsers and Notion reach: links, consent, callbacks.
    pub fn public_router(&self) -> Router {
        self.named(public(self).with_state(self.clone()))
    }

    /// What the app's back end reaches: the HTTP API, the token endpoint, the proxy.
    pub fn private_router(&self) -> Router {
        self.named(private(self).with_state(self.clone()))
    }

    /// Both, for one address.
    pub fn router(&self) -> Router {
        self.named(public(self).merge(private(self)).with_state(self.clone()))
    }

    /// Liveness and readiness, for a listener of their own.
    pub fn operations_router(&self) -> Router {
        Router::new()
            .route("/healthz", get(async || "ok\n"))
            .route("/readyz", get(ready))
            .with_state(self.clone())
    }

    fn named(&self, router: Router) -> Router {
        router
            .fallback_service(any(near_miss::answer).with_state(self.clone()))
            .layer(from_fn_with_state(self.clone(), name_request))
            .layer(from_fn_with_state(self.world.clone(), crate::serve::log_request))
    }
}

fn public(gateway: &Gateway) -> Router<Gateway> {
    let gateway = gateway.clone();
    Router::new()
        .route("/", get(index))
        .route("/connect/{token}", get(link::connect))
        .route("/callback/{integration}", get(callback::finish))
        .route("/v1/oauth/authorize", get(link::authorize))
        .method_not_allowed_fallback(async move || {
            page_with(Notice::MethodNotAllowed, None, WayBack::only(&gateway.config))
        })
}

fn private(gateway: &Gateway) -> Router<Gateway> {
    Router::new().merge(app_api()).merge(token_endpoints()).merge(notion_api(gateway))
}

fn app_api() -> Router<Gateway> {
    Router::new()
        .route("/api/connect-sessions", post(api::sessions::create))
        .route("/api/connect-sessions/{id}", get(api::sessions::show))
        .route(
            "/api/connections",
            get(api::connections::index).post(api::connections::create).delete(api::connections::erase),
        )
        .route(
            "/api/connections/{id}",
            get(api::connections::show).patch(api::connections::update).delete(api::connections::delete),
        )
        .route("/api/connections/{id}/refresh", post(api::connections::refresh))
        .route("/api/connections/{id}/introspect", post(api::connections::introspect))
        .route("/api/connections/{id}/keys", get(api::keys::index).post(api::keys::create))
        .route("/api/connections/{id}/keys/{key}", delete(api::keys::delete))
        .route("/api/attempts", get(api::attempts::index))
        .route("/api/attempts/{id}", get(api::attempts::show))
        .route("/api/events", get(api::events::index))
        .route("/api/{*rest}", any(near_miss::below_api))
        .method_not_allowed_fallback(async || Error::MethodNotAllowed)
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(from_fn_with_state(Shape::Problem, shape_errors))
}

fn token_endpoints() -> Router<Gateway> {
    Router::new()
        .route("/v1/oauth/token", post(oauth::token))
        .route("/v1/oauth/introspect", post(oauth::introspect))
        .route("/v1/oauth/revoke", post(oauth::revoke))
        .method_not_allowed_fallback(async || Error::MethodNotAllowed)
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(from_fn_with_state(Shape::OAuth, shape_errors))
}

fn notion_api(_gateway: &Gateway) -> Router<Gateway> {
    Router::new()
        .route("/v1/{*path}", any(at_root))
        .route("/notion/{connection}/{*path}", any(at_connection))
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(Shape::Envelope, shape_errors))
}

/// `ANY /v1/…`
async fn at_root(State(gateway): State<Gateway>, request: Request) -> Result<Response, Error> {
    if is_oauth(request.uri().path())
        && let Some(answer) = near_miss::of_oauth(&gateway, &request)
    {
        return Ok(answer);
    }
    let (parts, body) = request.into_parts();
    Ok(door::call(&gateway, Door::Root, &parts, body).await?.map(Body::new))
}

/// `ANY /notion/{connection}/v1/…`
async fn at_connection(
    State(gateway): State<Gateway>,
    path: Result<Path<(String, String)>, PathRejection>,
    request: Request,
) -> Result<Response, Error> {
    let (parts, body) = request.into_parts();
    if let Some(door) = Door::of(parts.uri.path()) {
        return Ok(door::call(&gateway, door, &parts, body).await?.map(Body::new));
    }
    let not_text = Error::PathRefused("an escape in it is no UTF-8");
    let Path((connection, _)) = path.map_err(|_| not_text)?;
    let _known = caller::at_connection(&gateway, &parts.headers, &connection).await?;
    Err(Error::PathRefused("the connection's id was spelled oddly"))
}

async fn ready(State(gateway): State<Gateway>) -> Response {
    match gateway.store.check().await {
        Ok(()) => "ready\n".into_response(),
        Err(error) => {
            tracing::warn!(event = "not_ready", why = %error);
            let word = match &error {
                StoreError::Unavailable(trouble, _) => trouble.as_str(),
                StoreError::Damaged { .. } => "damaged",
            };
            (StatusCode::SERVICE_UNAVAILABLE, format!("the store is not ready: {word}\n")).into_response()
        }
    }
}
