//! Who acts: an app whose users consent, come back, leave, and whose back end calls, refreshes, imports; Notion, where tokens end and
//! users take an integration away; and fate, which kills and halts processes.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use base64::Engine as _;
use gateway::World;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::dice::Dice;
use crate::nodes::{CLIENT, CLIENT_SECRET, Cluster, RETURN_URL, Reply, URL};

/// How many people the emulator's first workspace has.
const PEOPLE: u64 = 3;

/// The app and its users.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) cluster: Cluster,
    pub(crate) dice: Arc<Dice>,
    pub(crate) nodes: usize,
    pub(crate) key: String,
    pub(crate) secret: String,
    pub(crate) connections: Arc<Mutex<Vec<String>>>,
    pub(crate) connection_keys: Arc<Mutex<Vec<String>>>,
}

impl App {
    pub(crate) fn note(&self, what: &str) {
        self.cluster.wires().history.note("app", what);
    }

    pub(crate) async fn sleep(&self, by: Duration) {
        let hand = &self.cluster.wires().hand;
        World::by_hand(hand).sleep_until(hand.now().checked_add(by).expect("in range")).await;
    }

    /// As a load balancer does it: some node that runs.
    async fn send(&self, request: Request<Body>) -> Option<Reply> {
        let first = self.dice.index(self.nodes);
        let number =
            (0..self.nodes).map(|step| (first + step) % self.nodes).find(|n| self.cluster.runs(*n))?;
        self.cluster.call(number, request).await
    }

    fn request(method: &str, path: &str, bearer: &str, body: Option<&Value>) -> Request<Body> {
        let authorization =
            if bearer.starts_with("Basic") { bearer.to_owned() } else { format!("Bearer {bearer}") };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", authorization)
            .header("content-type", "application/json");
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        request.body(body).expect("a request")
    }

    /// A call of the HTTP API.
    pub(crate) async fn api(&self, method: &str, path: &str, body: Option<Value>) -> Option<Reply> {
        self.send(Self::request(method, path, &self.key, body.as_ref())).await
    }

    /// The same, tried again as a careful back end does.
    pub(crate) async fn insist(
        &self,
        method: &str,
        path: &str,
        bearer: &str,
        body: Option<Value>,
    ) -> Option<Reply> {
        for _ in 0..4 {
            match self.send(Self::request(method, path, bearer, body.as_ref())).await {
                Some(reply)
                    if !reply.status.is_server_error() && reply.status != StatusCode::TOO_MANY_REQUESTS =>
                {
                    return Some(reply);
                }
                _ => self.sleep(self.dice.millis(500, 4000)).await,
            }
        }
        None
    }

    fn any(&self, of: &Arc<Mutex<Vec<String>>>) -> Option<String> {
        let all = of.lock().unwrap_or_else(PoisonError::into_inner);
        (!all.is_empty()).then(|| all[self.dice.index(all.len())].clone())
    }

    pub(crate) fn keep(of: &Arc<Mutex<Vec<String>>>, value: &str) {
        let mut all = of.lock().unwrap_or_else(PoisonError::into_inner);
        if !all.iter().any(|had| had == value) {
            all.push(value.to_owned());
        }
    }

    /// One user's life: this many things, one after another.
    pub(crate) async fn live(self, user: u64, steps: usize) {
        for step in 0..steps {
            self.sleep(self.dice.millis(0, 25_000)).await;
            let choice = if step == 0 { 0 } else { self.dice.below(100) };
            match choice {
                0..18 => self.connect(user).await,
                18..24 => self.connect_notion_shaped(user).await,
                24..54 => self.call().await,
                54..61 => self.call_with_key().await,
                61..75 => self.refresh().await,
                75..81 => self.disconnect().await,
                81..86 => self.import(user).await,
                86..94 => self.reconnect(user).await,
                94..97 => self.erase(user).await,
                _ => self.list().await,
            }
        }
    }

    pub(crate) fn person(&self, user: u64) -> usize {
        let own = if self.dice.once_in_thousand(150) { self.dice.below(PEOPLE) } else { user % PEOPLE };
        usize::try_from(own).unwrap_or_default()
    }

    /// From a link's first redirect to the app's return URL; the code of ours.
    pub(crate) async fn consent(&self, link: Request<Body>, person: usize) -> Option<String> {
        let started = self.send(link).await.filter(|reply| reply.status == StatusCode::SEE_OTHER)?;
        let state = started.parameter("state")?;
        let cookie = started.headers.get("set-cookie")?.to_str().ok()?.split(';').next()?.to_owned();
        self.sleep(self.dice.millis(0, 15_000)).await;
        let code = self.cluster.wires().emulator.consent_of(person, CLIENT)?;
        let path = format!("/callback/demo?code={code}&state={state}");
        let callback = Request::get(path).header("cookie", cookie).body(Body::empty()).expect("a request");
        let back = self.send(callback).await?;
        back.parameter("code").or_else(|| back.code_on_the_page())
    }

    async fn connect(&self, user: u64) {
        let (end_user, person) = (format!("u{user}"), self.person(user));
        let asked = json!({"end_user": end_user, "return_url": RETURN_URL});
        let Some(session) = self.insist("POST", "/api/connect-sessions", &self.key, Some(asked)).await else {
            return;
        };
        let Some(url) = session.json()["url"].as_str().map(str::to_owned) else { return };
        let path = url.strip_prefix(URL).expect("it is ours").to_owned();
        let link = Request::get(path).body(Body::empty()).expect("a request");
        let Some(code) = self.consent(link, person).await else {
            return self.note(&format!("{end_user} did not come back"));
        };
        self.sleep(self.dice.millis(0, 6000)).await;
        let redeemer = match self.dice.below(100) {
            0..15 => return self.note(&format!("{end_user}'s code is not redeemed")),
            15..24 => "somebody-else".to_owned(),
            _ => end_user.clone(),
        };
        let asked = json!({"code": code, "end_user": redeemer});
        let redeemed = self.insist("POST", "/api/connections", &self.key, Some(asked)).await;
        self.note(&format!(
            "{end_user} (person {person}) redeems as {redeemer}: {}",
            told(redeemed.as_ref())
        ));
        if let Some(id) = redeemed.and_then(|reply| reply.json()["id"].as_str().map(str::to_owned)) {
            Self::keep(&self.connections, &id);
        }
    }

    async fn connect_notion_shaped(&self, user: u64) {
        let person = self.person(user);
        let query =
            format!("client_id={CLIENT}&redirect_uri={RETURN_URL}&response_type=code&state=0123456789abcdef");
        let link =
            Request::get(format!("/v1/oauth/authorize?{query}")).body(Body::empty()).expect("a request");
        let Some(code) = self.consent(link, person).await else { return };
        if self.dice.once_in_thousand(150) {
            return self.note("a code of the Notion-shaped door is not redeemed");
        }
        let asked = json!({"grant_type": "authorization_code", "code": code, "redirect_uri": RETURN_URL});
        let basic = basic(CLIENT, &self.secret);
        let answered = self.insist("POST", "/v1/oauth/token", &basic, Some(asked)).await;
        self.note(&format!("token (person {person}): {}", told(answered.as_ref())));
        if let Some(key) = answered.and_then(|reply| reply.json()["access_token"].as_str().map(str::to_owned))
        {
            Self::keep(&self.connection_keys, &key);
        }
    }

    async fn call(&self) {
        let Some(id) = self.any(&self.connections) else { return };
        let reply = match self.dice.below(4) {
            0 => self.api("POST", &format!("/notion/{id}/v1/search"), Some(json!({"page_size": 1}))).await,
            _ => self.api("GET", &format!("/notion/{id}/v1/users/me"), None).await,
        };
        self.note(&format!("{id} calls: {}", told(reply.as_ref())));
    }

    async fn call_with_key(&self) {
        let Some(key) = self.any(&self.connection_keys) else { return };
        let reply = self.send(Self::request("GET", "/v1/users/me", &key, None)).await;
        self.note(&format!("a key calls: {}", told(reply.as_ref())));
    }

    async fn refresh(&self) {
        let Some(id) = self.any(&self.connections) else { return };
        let reply = self.api("POST", &format!("/api/connections/{id}/refresh"), None).await;
        self.note(&format!("{id} is refreshed: {}", told(reply.as_ref())));
    }

    async fn disconnect(&self) {
        let Some(id) = self.any(&self.connections) else { return };
        let reply = self.insist("DELETE", &format!("/api/connections/{id}"), &self.key, None).await;
        self.note(&format!("{id} is disconnected: {}", told(reply.as_ref())));
        if reply.is_some_and(|reply| reply.status.is_success()) {
            self.cluster.wires().ledger.book().disconnected.insert(id);
        }
    }

    async fn list(&self) {
        let reply = self.api("GET", "/api/connections", None).await;
        self.note(&format!("lists: {}", told(reply.as_ref())));
    }

    /// A hand-written back end got a pair for this person, which is taken over.
    async fn import(&self, user: u64) {
        let person = self.person(user);
        let Some(mut given) = self.exchanged_elsewhere(person).await else { return };
        let end_user = format!("u{user}");
        given["end_user"] = end_user.clone().into();
        for _ in 0..3 {
            let number = self.dice.index(self.nodes);
            let line = given.to_string();
            let work =
                |gateway: gateway::Gateway| async move { gateway.import("demo", line.as_bytes()).await };
            match self.cluster.inside(number, work).await {
                Some(Ok(gateway::Imported::Created(id) | gateway::Imported::KeptNewer(id))) => {
                    self.note(&format!("{end_user} (person {person}) is imported as {id}"));
                    return Self::keep(&self.connections, &id);
                }
                Some(Err(error)) => self.note(&format!("{end_user} is not imported: {error}")),
                None => {}
            }
            self.sleep(self.dice.millis(500, 4000)).await;
        }
    }

    /// A person is taken over; the connection.
    pub(crate) async fn take_over(&self, person: usize, end_user: &str) -> Option<String> {
        let mut given = self.exchanged_elsewhere(person).await?;
        given["end_user"] = end_user.into();
        let line = given.to_string();
        let work = |gateway: gateway::Gateway| async move { gateway.import("demo", line.as_bytes()).await };
        match self.cluster.inside(0, work).await?.ok()? {
            gateway::Imported::Created(id) | gateway::Imported::KeptNewer(id) => Some(id),
        }
    }

    async fn exchanged_elsewhere(&self, person: usize) -> Option<Value> {
        let wires = self.cluster.wires();
        let code = wires.emulator.consent_of(person, CLIENT)?;
        let redirect_uri = format!("{URL}/callback/demo");
        let body = json!({"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri});
        let request = Self::request("POST", "/v1/oauth/token", &basic(CLIENT, CLIENT_SECRET), Some(&body));
        let answered = wires.routes.clone().oneshot(request).await.ok()?;
        let bytes = answered.into_body().collect().await.ok()?.to_bytes();
        let given: Value = serde_json::from_slice(&bytes).ok()?;
        let text = |name: &str| given[name].as_str().unwrap_or_default();
        let mut book = wires.ledger.book();
        let number = book.issue(text("access_token"), text("refresh_token"), text("bot_id"), None);
        // Until the store has it, it is not ours to lose.
        book.pairs[number].fate = crate::ledger::Fate::Lost;
        drop(book);
        self.note(&format!("another back end has pair {number} of person {person}"));
        Some(given)
    }
}

pub(crate) fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}")))
}

/// An answer in short.
pub(crate) fn told(reply: Option<&Reply>) -> String {
    let Some(reply) = reply else { return "no answer".to_owned() };
    let json = reply.json();
    let words = [&json["additional_data"]["vestibule_code"], &json["code"], &json["error"], &json["state"]];
    let word = words.iter().find_map(|word| word.as_str()).unwrap_or_default();
    format!("{} {word}", reply.status.as_u16())
}

/// Kills, halts and starts processes, and ends tokens at Notion, until its time is over.
pub(crate) async fn fate(app: App, dice: Dice, blows: usize) {
    let wires = app.cluster.wires();
    for _ in 0..blows {
        app.sleep(dice.millis(1000, 30_000)).await;
        let number = dice.index(app.nodes);
        match dice.below(100) {
            0..30 => {
                app.cluster.kill(number);
                app.sleep(dice.millis(0, 20_000)).await;
                if !app.cluster.runs(number) {
                    app.cluster.start(number, true);
                }
            }
            30..48 => {
                if app.cluster.rest(number) {
                    app.sleep(dice.millis(1000, 120_000)).await;
                    app.cluster.go_on(number);
                }
            }
            48..94 => {
                wires.history.note("notion", "all access tokens end");
                wires.emulator.end_access_tokens();
            }
            _ => remove_one(&app, &dice),
        }
    }
}

/// A user takes the integration away in Notion's settings.
fn remove_one(app: &App, dice: &Dice) {
    let wires = app.cluster.wires();
    let mut book = wires.ledger.book();
    if book.pairs.is_empty() {
        return;
    }
    let bot = book.pairs[dice.index(book.pairs.len())].bot.clone();
    wires.history.note("notion", &format!("the user of bot {bot} removes the integration"));
    if let Ok(id) = bot.parse() {
        wires.emulator.remove_connection(id);
    }
    book.removed.insert(bot);
}
