//! The consent screens: who are you, which workspace, which pages. Plain forms, no script, no cookie: what was chosen so far
//! travels in the address, as every screen but the last only asks.
//! Source: Notion, "Authorization", "Prompting users" (read 2026-11-22).

use askama::Template;
use axum::extract::{Extension, RawQuery, State as Extracted};
use axum::http::header::{CACHE_CONTROL, LOCATION, REFERRER_POLICY};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use url::Url;
use uuid::Uuid;

use super::{Refused, words};
use crate::Emulator;
use crate::accounts::{Person, Workspace};
use crate::content::{PickKind, Pickable};
use crate::grants::{Client, Consent};
use crate::reply::{Injected, RequestId, html};
use crate::state::State;

/// What Notion's page says of a client id that it does not know. Source: a user's report of April 2024.
const NO_CLIENT: &str = "Missing or incomplete Client ID.";

/// What the query or the form says, the first of each name.
struct Fields(Vec<(String, String)>);

impl Fields {
    fn read(encoded: &[u8]) -> Self {
        let pairs = url::form_urlencoded::parse(encoded);
        Self(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(had, _)| had == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// What is wrong with a parameter that may come once, in Notion's words; lists are written `a=1&a=2` and `a[]=1`.
    fn not_one_text(&self, name: &str) -> Option<String> {
        let is_item = |had: &str| had.strip_prefix(name).is_some_and(|rest| rest.starts_with('['));
        let of_name = self.0.iter().filter(|(had, _)| had == name || is_item(had));
        let values: Vec<&str> = of_name.map(|(_, value)| value.as_str()).collect();
        words::not_one_text(name, &values, self.0.iter().any(|(had, _)| is_item(had)))
    }

    fn id(&self, name: &str) -> Option<Uuid> {
        self.get(name).and_then(|value| value.parse().ok())
    }

    fn ids(&self, name: &str) -> Vec<Uuid> {
        self.0.iter().filter(|(had, _)| had == name).filter_map(|(_, value)| value.parse().ok()).collect()
    }
}

/// A request for consent that may be shown.
struct Asked {
    client: Client,
    redirect_uri: String,
    state: Option<String>,
}

impl Asked {
    /// Checks the request. What is wrong with the client or the redirect URI is told here and never sent on; what is not
    /// even of the right type, as JSON.
    fn check(state: &State, fields: &Fields, id: &RequestId, injected: &Injected) -> Result<Self, Response> {
        let refused = |why: String| Refused::bad("invalid_request", why).into_reply(id, injected);
        for name in ["client_id", "redirect_uri", "response_type", "owner", "state"] {
            // Whether Notion minds an empty `state` is not known; it sends one itself.
            let wrong = fields.not_one_text(name).filter(|_| name != "state" || fields.get(name).is_some());
            if let Some(why) = wrong {
                return Err(refused(why));
            }
        }
        let client_id = fields.get("client_id").ok_or_else(|| refused(NO_CLIENT.to_owned()))?;
        let client = state.grants.client(client_id).ok_or_else(|| problem(NO_CLIENT)).cloned()?;
        let redirect_uri =
            fields.get("redirect_uri").filter(|uri| client.redirect_uris.iter().any(|had| had == uri));
        let redirect_uri =
            redirect_uri.ok_or_else(|| problem("Missing or invalid redirect_uri."))?.to_owned();
        let asked = Self { client, redirect_uri, state: fields.get("state").map(str::to_owned) };
        match (fields.get("response_type"), fields.get("owner")) {
            (Some("code"), Some("user")) => Ok(asked),
            (Some("code") | None, _) => Err(asked.back(&[("error", "invalid_request")])),
            (Some(_), _) => Err(asked.back(&[("error", "unsupported_response_type")])),
        }
    }

    /// A form that no screen sent: back to the first of them.
    fn again(&self, message: &str) -> Response {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("client_id", &self.client.client_id);
        query.append_pair("redirect_uri", &self.redirect_uri);
        query.extend_pairs([("response_type", "code"), ("owner", "user")]);
        if let Some(state) = &self.state {
            query.append_pair("state", state);
        }
        let first = format!("/v1/oauth/authorize?{}", query.finish());
        html(StatusCode::BAD_REQUEST, &Problem { message, first: Some(first) })
    }

    /// Sends the browser back to the integration.
    fn back(&self, pairs: &[(&str, &str)]) -> Response {
        let Ok(mut url) = Url::parse(&self.redirect_uri) else {
            return problem("Missing or invalid redirect_uri.");
        };
        {
            let mut query = url.query_pairs_mut();
            query.extend_pairs(pairs);
            if let Some(state) = &self.state {
                query.append_pair("state", state);
            }
        }
        let Ok(location) = HeaderValue::try_from(url.as_str()) else {
            return problem("Missing or invalid redirect_uri.");
        };
        let headers = [
            (LOCATION, location),
            (CACHE_CONTROL, HeaderValue::from_static("no-store")),
            (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        ];
        (StatusCode::SEE_OTHER, headers).into_response()
    }
}

/// `GET /v1/oauth/authorize`: the screen that comes next.
pub(crate) async fn screen(
    Extracted(emulator): Extracted<Emulator>,
    Extension(id): Extension<RequestId>,
    Extension(injected): Extension<Injected>,
    RawQuery(query): RawQuery,
) -> Response {
    let fields = Fields::read(query.unwrap_or_default().as_bytes());
    let state = emulator.state();
    let asked = match Asked::check(&state, &fields, &id, &injected) {
        Ok(asked) => asked,
        Err(answer) => return answer,
    };
    if fields.get("cancel").is_some() {
        return asked.back(&[("error", "access_denied")]);
    }
    let Some(person) = fields.id("person").and_then(|id| state.accounts.person(id)) else {
        return html(StatusCode::OK, &LogIn { asked: &asked, people: &state.accounts.people });
    };
    let workspaces: Vec<&Workspace> =
        state.accounts.workspaces.iter().filter(|workspace| workspace.members.contains(&person.id)).collect();
    let chosen = fields.id("workspace").and_then(|id| workspaces.iter().find(|workspace| workspace.id == id));
    let Some(workspace) = chosen else {
        let can = asked.client.capabilities.in_words();
        return html(StatusCode::OK, &Choose { asked: &asked, person, workspaces, can });
    };
    let lines = nested(state.content.pickable(workspace.id, person.id));
    html(StatusCode::OK, &Pick { asked: &asked, person, workspace, lines })
}

/// `POST /v1/oauth/authorize`: access is allowed, a code goes back.
pub(crate) async fn allow(
    Extracted(emulator): Extracted<Emulator>,
    Extension(id): Extension<RequestId>,
    Extension(injected): Extension<Injected>,
    body: Bytes,
) -> Response {
    let fields = Fields::read(&body);
    let mut state = emulator.state();
    let asked = match Asked::check(&state, &fields, &id, &injected) {
        Ok(asked) => asked,
        Err(answer) => return answer,
    };
    if fields.get("cancel").is_some() {
        return asked.back(&[("error", "access_denied")]);
    }
    let (Some(person), Some(workspace)) = (fields.id("person"), fields.id("workspace")) else {
        return asked.again("This form is incomplete.");
    };
    if !state.accounts.workspace(workspace).is_some_and(|found| found.members.contains(&person)) {
        return asked.again("This person is not in that workspace.");
    }
    // Only what the picker offered may be ticked. Nothing ticked is fine: the token then reaches no page.
    let offered: Vec<Uuid> = state.content.pickable(workspace, person).iter().map(|line| line.id).collect();
    let picks = fields.ids("page").into_iter().filter(|id| offered.contains(id)).collect();
    let consent = Consent {
        client_id: asked.client.client_id.clone(),
        redirect_uri: asked.redirect_uri.clone(),
        workspace,
        person,
        picks,
    };
    let now = state.clock.now();
    let code = state.grants.code(consent, now);
    asked.back(&[("code", &code)])
}

/// What a person who says yes to all that the screens offer brings about, without the screens.
pub(crate) fn allow_all(state: &mut State, person: usize, client_id: &str) -> Option<String> {
    let client = state.grants.client(client_id)?;
    let (client_id, redirect_uri) = (client.client_id.clone(), client.redirect_uris.first()?.clone());
    let workspace = state.accounts.workspaces.first()?;
    let (workspace, person) = (workspace.id, *workspace.members.get(person)?);
    let lines = state.content.pickable(workspace, person);
    let picks = lines.into_iter().filter(|line| line.depth == 0).map(|line| line.id).collect();
    let now = state.clock.now();
    Some(state.grants.code(Consent { client_id, redirect_uri, workspace, person, picks }, now))
}

/// An error page. Notion shows one, and redirects nowhere, when it cannot know where to.
fn problem(message: &str) -> Response {
    html(StatusCode::BAD_REQUEST, &Problem { message, first: None })
}

#[derive(Template)]
#[template(path = "log_in.html")]
struct LogIn<'a> {
    asked: &'a Asked,
    people: &'a [Person],
}

#[derive(Template)]
#[template(path = "choose.html")]
struct Choose<'a> {
    asked: &'a Asked,
    person: &'a Person,
    workspaces: Vec<&'a Workspace>,
    can: Vec<&'static str>,
}

#[derive(Template)]
#[template(path = "pick.html")]
struct Pick<'a> {
    asked: &'a Asked,
    person: &'a Person,
    workspace: &'a Workspace,
    lines: Vec<Line>,
}

/// A line of the picker, and how the list goes on before it: one level down, or so many up.
struct Line {
    page: Pickable,
    down: bool,
    up: usize,
}

fn nested(pages: Vec<Pickable>) -> Vec<Line> {
    let mut before = None;
    let line = |page: Pickable| {
        let (down, up) = match before {
            Some(before) => (page.within > before, usize::saturating_sub(before, page.within)),
            None => (false, 0),
        };
        before = Some(page.within);
        Line { page, down, up }
    };
    pages.into_iter().map(line).collect()
}

/// How many levels are open after the last line.
fn open_levels(lines: &[Line]) -> usize {
    lines.last().map_or(0, |line| line.page.within)
}

#[derive(Template)]
#[template(path = "problem.html")]
struct Problem<'a> {
    message: &'a str,
    /// The first screen of this request, if the request itself is sound.
    first: Option<String>,
}

/// The letter that stands for a person or a workspace without a picture.
fn initial(name: &str) -> String {
    name.chars().next().map(|first| first.to_uppercase().to_string()).unwrap_or_default()
}

/// What stands before a line of the picker.
fn icon(line: &Pickable) -> &str {
    line.icon.as_deref().unwrap_or(match line.kind {
        PickKind::Page => "📄",
        PickKind::Database => "🗂",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(id: u128, within: usize) -> Pickable {
        let id = Uuid::from_u128(id);
        Pickable {
            id,
            title: format!("Page {within}"),
            icon: None,
            kind: PickKind::Page,
            depth: within,
            within,
        }
    }

    /// The levels as the template opens and closes them, one letter a tag: `(` a list, `)` its end, `.` a line.
    fn outline(within: &[usize]) -> String {
        let lines = nested((0..).zip(within).map(|(id, within)| page(id, *within)).collect());
        let mut outline = String::new();
        for line in &lines {
            outline += if line.down { "(" } else { "" };
            outline += &")".repeat(line.up);
            outline += ".";
        }
        outline + &")".repeat(open_levels(&lines))
    }

    #[test]
    fn the_picker_nests_each_page_in_the_one_that_brings_it_along() {
        assert_eq!(outline(&[]), "");
        assert_eq!(outline(&[0, 0]), "..");
        assert_eq!(outline(&[0, 1, 1, 2, 0]), ".(..(.)).");
        assert_eq!(outline(&[0, 1, 2, 1]), ".(.(.).)");
        assert_eq!(outline(&[0, 1, 2]), ".(.(.))");
    }
}
