//! Many emulators on one socket: the first one, and named instances beside it, each a world with its own content, ids,
//! clock, faults, journal and lock, so that tests run side by side in one process. A request says by its token, or by its
//! client id, whose it is; what nobody claims goes to the first.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header::AUTHORIZATION;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, Method, Uri};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tower::ServiceExt as _;

use crate::grants::{ACCESS_PREFIX, Client, SECRET_CHARS};
use crate::oauth::form_decoded;
use crate::signing::instance_of;
use crate::{Emulator, Options, server};

/// How many instances there may be at once: each is a copy of its seed in memory.
const INSTANCES_MAX: usize = 1_000;

/// Longest name, in bytes.
const NAME_BYTES_MAX: usize = 40;

/// Largest form of a consent screen, in bytes.
const FORM_BYTES_MAX: usize = 1024 * 1024;

/// The named instances of an emulator.
#[derive(Default)]
pub(crate) struct Instances {
    /// How many names were made up so far.
    named: u64,
    by_name: BTreeMap<String, Instance>,
}

struct Instance {
    emulator: Emulator,
    router: Router,
}

/// Why there is no new instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InstanceError {
    /// The name has other characters than `a-z`, `0-9` and `-`, or not 1 to 40 of them.
    Name,
    /// An instance has this name.
    Taken,
    /// This client id leads to another instance, or to the first emulator.
    Client(String),
    /// There are a thousand; some have to go first.
    Full,
}

impl std::fmt::Display for InstanceError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Name => write!(f, "A name is 1 to {NAME_BYTES_MAX} of a-z, 0-9 and -."),
            Self::Taken => f.write_str("An instance has this name: delete it first."),
            Self::Client(id) => {
                write!(f, "The client id {id:?} leads to another instance: give each a client id of its own.")
            }
            Self::Full => write!(f, "There are {INSTANCES_MAX} instances: delete some."),
        }
    }
}

impl std::error::Error for InstanceError {}

impl Instances {
    /// Adds one; without a name it gets one.
    pub(crate) fn add(
        &mut self,
        first: &Emulator,
        name: Option<String>,
        options: Options,
    ) -> Result<Emulator, InstanceError> {
        if self.by_name.len() >= INSTANCES_MAX {
            return Err(InstanceError::Full);
        }
        let name = match name {
            Some(name) => name,
            None => self.new_name(),
        };
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.bytes().all(fits) {
            return Err(InstanceError::Name);
        }
        if self.by_name.contains_key(&name) {
            return Err(InstanceError::Taken);
        }
        let emulator = Emulator::named(&name, options, Arc::downgrade(&first.0));
        let clients = emulator.state().grants.clients.clone();
        self.refuse_claimed(first, &emulator, &clients)?;
        let router = server::router(&emulator);
        self.by_name.insert(name, Instance { emulator: emulator.clone(), router });
        Ok(emulator)
    }

    /// Refuses what would lead both to `own` and to another emulator: requests with that client id could only find one.
    pub(crate) fn refuse_claimed(
        &self,
        first: &Emulator,
        own: &Emulator,
        clients: &[Client],
    ) -> Result<(), InstanceError> {
        let all = std::iter::once(first).chain(self.by_name.values().map(|instance| &instance.emulator));
        let others: Vec<&Emulator> = all.filter(|other| !other.is(own)).collect();
        let taken =
            clients.iter().find(|client| others.iter().any(|other| other.claims_client(&client.client_id)));
        taken.map_or(Ok(()), |client| Err(InstanceError::Client(client.client_id.clone())))
    }

    fn new_name(&mut self) -> String {
        loop {
            self.named += 1;
            let name = format!("i{}", self.named);
            if !self.by_name.contains_key(&name) {
                return name;
            }
        }
    }

    /// Takes one away; whether it was there.
    pub(crate) fn remove(&mut self, name: &str) -> bool {
        self.by_name.remove(name).is_some()
    }

    /// All, by name.
    pub(crate) fn all(&self) -> Vec<Emulator> {
        self.by_name.values().map(|instance| instance.emulator.clone()).collect()
    }

    fn router_of(&self, name: &str) -> Option<Router> {
        self.by_name.get(name).map(|instance| instance.router.clone())
    }

    /// The first that fits.
    fn router_where(&self, fits: impl Fn(&Emulator) -> bool) -> Option<Router> {
        self.by_name
            .values()
            .find(|instance| fits(&instance.emulator))
            .map(|instance| instance.router.clone())
    }
}

/// The first emulator and all others: what a socket leads to.
#[derive(Clone)]
pub(crate) struct Front {
    emulator: Emulator,
    router: Router,
}

impl Front {
    pub(crate) fn new(emulator: &Emulator) -> Self {
        let router = server::router(emulator).merge(crate::control::instance_routes(emulator));
        Self { emulator: emulator.clone(), router }
    }

    /// Answers with the instance whose request it is.
    pub(crate) async fn answer(&self, mut request: Request) -> Response {
        if let Some(uri) = without_last_slash(request.uri()) {
            *request.uri_mut() = uri;
        }
        let (router, request) = self.choose(request).await;
        let answered: Result<Response, std::convert::Infallible> = router.oneshot(request).await;
        let Ok(response) = answered;
        response
    }

    async fn choose(&self, mut request: Request) -> (Router, Request) {
        let first = || self.router.clone();
        if self.emulator.instances().by_name.is_empty() {
            return (first(), request);
        }
        if let Some((name, uri)) = controlled(request.uri()) {
            let router = self.emulator.instances().router_of(&name);
            return match router {
                Some(router) => {
                    *request.uri_mut() = uri;
                    (router, request)
                }
                None => (first(), request),
            };
        }
        if let Some(name) = instance_of(request.uri()) {
            return (self.emulator.instances().router_of(name).unwrap_or_else(first), request);
        }
        if let Some(name) = bearer(request.headers()).and_then(named_in) {
            return (self.emulator.instances().router_of(name).unwrap_or_else(first), request);
        }
        let (ids, request) = client_ids(request).await;
        let is_own = ids.iter().any(|id| self.emulator.knows_client(id));
        let of = |id: &String| self.emulator.instances().router_where(|instance| instance.knows_client(id));
        let router = if is_own { None } else { ids.iter().find_map(of) };
        (router.unwrap_or_else(first), request)
    }
}

/// An address under `/v1/` without the slash at its end, which Notion passes over. Source: recorded calls of September 2025.
fn without_last_slash(uri: &Uri) -> Option<Uri> {
    let path = uri.path().strip_suffix('/').filter(|path| path.starts_with("/v1/"))?;
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(format!("{path}{query}")).ok()?);
    Uri::from_parts(parts).ok()
}

/// `/_emulator/instances/{name}/…` as the instance's own `/_emulator/…`.
fn controlled(uri: &Uri) -> Option<(String, Uri)> {
    let (name, rest) = uri.path().strip_prefix("/_emulator/instances/")?.split_once('/')?;
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let own = PathAndQuery::try_from(format!("/_emulator/{rest}{query}")).ok()?;
    Some((name.to_owned(), Uri::from(own)))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    credentials(headers, "bearer")
}

fn credentials<'h>(headers: &'h HeaderMap, scheme: &str) -> Option<&'h str> {
    let (found, credentials) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    found.eq_ignore_ascii_case(scheme).then_some(credentials.trim())
}

/// The instance's name in a token: what stands before the secret, which may hold any `_` itself.
fn named_in(token: &str) -> Option<&str> {
    let rest = token.strip_prefix(ACCESS_PREFIX)?;
    let (name, secret) = rest.split_at_checked(rest.len().checked_sub(SECRET_CHARS + 1)?)?;
    secret.starts_with('_').then_some(name)
}

/// The client that a request of the OAuth endpoints is from: by HTTP Basic, as it came and decoded (its switches say
/// whether that opens anything), or in the address or form of consent.
async fn client_ids(request: Request) -> (Vec<String>, Request) {
    if let Some(basic) = credentials(request.headers(), "basic") {
        let decoded = STANDARD.decode(basic).ok().and_then(|decoded| String::from_utf8(decoded).ok());
        let id = decoded.and_then(|decoded| decoded.split_once(':').map(|(id, _)| id.to_owned()));
        let encoded = id.as_deref().and_then(form_decoded);
        return (id.into_iter().chain(encoded).collect(), request);
    }
    if request.uri().path() != "/v1/oauth/authorize" {
        return (Vec::new(), request);
    }
    if request.method() != Method::POST {
        return (field(request.uri().query().unwrap_or_default().as_bytes()), request);
    }
    let (parts, body) = request.into_parts();
    let form = axum::body::to_bytes(body, FORM_BYTES_MAX).await.unwrap_or_else(|_| Bytes::new());
    (field(&form), Request::from_parts(parts, Body::from(form)))
}

fn field(encoded: &[u8]) -> Vec<String> {
    let mut fields = url::form_urlencoded::parse(encoded);
    fields.find(|(name, _)| name == "client_id").map(|(_, id)| id.into_owned()).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_its_instance_and_the_firsts_none() {
        let secret = "_".repeat(SECRET_CHARS);
        assert_eq!(named_in(&format!("ntn_emulator_{secret}")), None);
        assert_eq!(named_in(&format!("ntn_emulator_my-test_{secret}")), Some("my-test"));
        assert_eq!(named_in("ntn_emulator_"), None);
        assert_eq!(named_in("ntn_1234"), None);
        assert_eq!(named_in(&format!("ntn_emulator_é{secret}")), None);
    }

    #[test]
    fn one_slash_at_the_end_is_passed_over_under_v1_alone() {
        let without = |uri: &str| without_last_slash(&uri.parse().expect("a uri")).map(|uri| uri.to_string());
        assert_eq!(without("/v1/databases/?a=/").as_deref(), Some("/v1/databases?a=/"));
        assert_eq!(without("http://h/v1/oauth/token/").as_deref(), Some("http://h/v1/oauth/token"));
        for same in ["/v1/", "/v1/users", "/_emulator/clients/", "/"] {
            assert_eq!(without(same), None, "{same}");
        }
    }

    #[test]
    fn the_controls_of_an_instance_are_its_own() {
        let uri = "/_emulator/instances/a/tokens/expire?x=1".parse().expect("a uri");
        let (name, own) = controlled(&uri).expect("controls");
        assert_eq!((name.as_str(), own.to_string().as_str()), ("a", "/_emulator/tokens/expire?x=1"));
        assert!(controlled(&"/_emulator/instances/a".parse().expect("a uri")).is_none());
        assert!(controlled(&"/_emulator/clock".parse().expect("a uri")).is_none());
    }
}
