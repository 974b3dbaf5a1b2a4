//! Addresses that miss a door by a little: a base URL with a slash at its end (`//v1/…`), a forgotten `/v1`, capitals, a
//! connection's id left out. The answer has the shape of the door that was meant, and says what is wrong with the address.

use axum::extract::{Request, State};
use axum::http::Method;
use axum::response::{IntoResponse as _, Response};

use crate::error::{RequestId, Shape, shaped};
use crate::pages::{Notice, WayBack, page_with};
use crate::{Error, Gateway};

/// The first words of Notion's paths below `/v1`.
const OF_NOTION: [&str; 14] = [
    "agents",
    "async_tasks",
    "blocks",
    "comments",
    "custom_emojis",
    "data_sources",
    "databases",
    "file_uploads",
    "pages",
    "search",
    "sessions",
    "threads",
    "users",
    "views",
];
/// The first words of our own paths below `/api`.
const OF_OURS: [&str; 4] = ["attempts", "connect-sessions", "connections", "events"];
/// The token endpoints below `/v1/oauth`.
const OF_OAUTH: [&str; 3] = ["introspect", "revoke", "token"];

const TWO_SLASHES: &str = "there are two slashes in a row in it: does the base URL end in a slash?";
const NO_V1: &str = "it must begin with /v1/: the base URL is this origin, and /v1/ comes after it";
const NO_CONNECTION: &str = "the connection's id is missing: /notion/{connection}/v1/… with an app key, or /v1/… with a connection key";
const NO_V1_AT_CONNECTION: &str = "/v1/ is missing after the connection's id: /notion/{connection}/v1/…; an SDK's base URL is …/notion/{connection}";
const SMALL_LETTERS: &str = "it must be in small letters";
const NOTHING_FOLLOWS: &str =
    "it ends too soon: the name of something at Notion must follow, such as /v1/users/me";
const OURS_IS_UNDER_API: &str = "there is no such route: the HTTP API is under /api/";
const NO_VERSION: &str =
    "there is no such route: /api/ takes no version; Notion's API is at /v1/… and /notion/{connection}/v1/…";
const SLASH_AT_THE_END: &str = "there is no such route: leave out the slash at the end";
const NO_ROUTE: &str = "there is no such route";
const OAUTH_IS_HERE: &str = "there is no such route: the token endpoints are /v1/oauth/token, /v1/oauth/introspect and /v1/oauth/revoke";

/// What an address that no route has is answered.
pub(crate) async fn answer(State(gateway): State<Gateway>, request: Request) -> Response {
    let id = request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
    if request.method() == Method::CONNECT {
        // It names a host and no path: whoever it was meant for, there is no tunnel through here.
        return shaped(&Error::MethodNotForwarded, Shape::Envelope, &id);
    }
    match meant(request.uri().path()) {
        Some((shape, error)) => shaped(&error, shape, &id),
        None => no_page(&gateway),
    }
}

/// For what the proxy's route would otherwise take: the OAuth endpoints, spelled a little differently.
pub(crate) fn of_oauth(gateway: &Gateway, request: &Request) -> Option<Response> {
    let id = request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
    match meant(request.uri().path()) {
        Some((Shape::OAuth, error)) => Some(shaped(&error, Shape::OAuth, &id)),
        Some(_) => None,
        None => Some(no_page(gateway)),
    }
}

fn no_page(gateway: &Gateway) -> Response {
    page_with(Notice::NotFound, None, WayBack::only(&gateway.config))
}

/// What `/notion/{connection}/…` is refused with when it is not an id that stands there.
pub(crate) fn of_connection(connection: &str) -> Option<Error> {
    let is_word = connection.eq_ignore_ascii_case("v1") || OF_NOTION.contains(&connection);
    is_word.then_some(Error::PathRefused(NO_CONNECTION))
}

/// What `/api/…` without a route is told.
pub(crate) async fn below_api(request: Request) -> Response {
    meant(request.uri().path()).map_or(Error::NoRoute, |(_, error)| error).into_response()
}

/// The door that a path was meant for, and what is wrong with it; `None` for a page.
fn meant(path: &str) -> Option<(Shape, Error)> {
    let words: Vec<String> =
        path.split('/').filter(|word| !word.is_empty()).map(str::to_ascii_lowercase).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let doubled = path.contains("//");
    let refused = |why| (Shape::Envelope, Error::PathRefused(if doubled { TWO_SLASHES } else { why }));
    let none = |shape, why| (shape, Error::NearMiss(if doubled { TWO_SLASHES } else { why }));
    let capitals = path.bytes().any(|byte| byte.is_ascii_uppercase());
    match words.as_slice() {
        ["v1", "oauth", "authorize", ..] | ["oauth", "authorize", ..] => None,
        ["v1", "oauth", ..] | ["oauth", ..] => Some(none(Shape::OAuth, OAUTH_IS_HERE)),
        [word] if OF_OAUTH.contains(word) => Some(none(Shape::OAuth, OAUTH_IS_HERE)),
        ["v1"] => Some(refused(NOTHING_FOLLOWS)),
        ["v1", ..] => Some(refused(if capitals { SMALL_LETTERS } else { NO_ROUTE })),
        ["notion"] => Some(refused(NO_CONNECTION)),
        ["notion", next, ..] if *next == "v1" || OF_NOTION.contains(next) => Some(refused(NO_CONNECTION)),
        ["notion", _, "v1", ..] if capitals => Some(refused(SMALL_LETTERS)),
        ["notion", ..] => Some(refused(NO_V1_AT_CONNECTION)),
        ["api", next, ..] if *next == "v1" || OF_NOTION.contains(next) => {
            Some(none(Shape::Problem, NO_VERSION))
        }
        ["api", next, ..] if OF_OURS.contains(next) && path.ends_with('/') => {
            Some(none(Shape::Problem, SLASH_AT_THE_END))
        }
        ["api", ..] => Some(none(Shape::Problem, NO_ROUTE)),
        [first, ..] if OF_NOTION.contains(first) => Some(refused(NO_V1)),
        [first, ..] if OF_OURS.contains(first) => Some(none(Shape::Problem, OURS_IS_UNDER_API)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(path: &str) -> String {
        match meant(path) {
            None => "page".to_owned(),
            Some((shape, error)) => format!("{shape:?}: {error}"),
        }
    }

    #[test]
    fn each_miss_is_told_in_the_shape_of_its_door() {
        let two = "the path cannot be forwarded: there are two slashes";
        for (path, expected) in [
            ("//v1/users/me", format!("Envelope: {two}")),
            ("/v1//users/me", format!("Envelope: {two}")),
            ("//notion/con_x/v1/users", format!("Envelope: {two}")),
            ("/notion//v1/users", format!("Envelope: {two}")),
            ("/V1/users", format!("Envelope: the path cannot be forwarded: {SMALL_LETTERS}")),
            ("/v1", format!("Envelope: the path cannot be forwarded: {NOTHING_FOLLOWS}")),
            ("/users/me", format!("Envelope: the path cannot be forwarded: {NO_V1}")),
            ("/notion/v1/users", format!("Envelope: the path cannot be forwarded: {NO_CONNECTION}")),
            ("/notion/con_x", format!("Envelope: the path cannot be forwarded: {NO_V1_AT_CONNECTION}")),
            ("//v1/oauth/token", format!("OAuth: {TWO_SLASHES}")),
            ("/v1/oauth/token/", format!("OAuth: {OAUTH_IS_HERE}")),
            ("/oauth/token", format!("OAuth: {OAUTH_IS_HERE}")),
            ("/token", format!("OAuth: {OAUTH_IS_HERE}")),
            ("//api/connections", format!("Problem: {TWO_SLASHES}")),
            ("/api/connections/", format!("Problem: {SLASH_AT_THE_END}")),
            ("/api/v1/users", format!("Problem: {NO_VERSION}")),
            ("/API/connections", format!("Problem: {NO_ROUTE}")),
            ("/connections", format!("Problem: {OURS_IS_UNDER_API}")),
            ("//v1/oauth/authorize", "page".to_owned()),
            ("/v1/oauth/authorize/", "page".to_owned()),
            ("//connect/x", "page".to_owned()),
            ("/favicon.ico", "page".to_owned()),
        ] {
            assert!(told(path).starts_with(&expected), "{path}: {}", told(path));
        }
    }
}
