//! Users who come back for a connection that they have, as the same person or another one, and users who want to be forgotten.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use crate::actors::{App, told};
use crate::nodes::{RETURN_URL, Reply, URL};

/// What the app may say of a consent that is not the one which the link was made for.
const SAID: [Option<&str>; 3] = [None, Some("add"), Some("switch")];

impl App {
    /// The connections of a user that are not ended.
    async fn connections_of(&self, user: u64) -> Vec<String> {
        let listed = self.api("GET", &format!("/api/connections?end_user=u{user}&page_size=100"), None).await;
        let rows = listed.map(|reply| reply.json()["data"].as_array().cloned().unwrap_or_default());
        let live = |row: &&Value| row["state"] != "disconnected";
        rows.unwrap_or_default()
            .iter()
            .filter(live)
            .filter_map(|row| row["id"].as_str().map(str::to_owned))
            .collect()
    }

    /// A link for one of the user's connections; whoever comes by it consents.
    pub(crate) async fn reconnect(&self, user: u64) {
        let had = self.connections_of(user).await;
        if had.is_empty() {
            return;
        }
        let named = had[self.dice.index(had.len())].clone();
        let end_user = format!("u{user}");
        let asked = json!({"end_user": end_user, "return_url": RETURN_URL, "reconnect": named});
        let Some(session) = self.insist("POST", "/api/connect-sessions", &self.key, Some(asked)).await else {
            return;
        };
        let Some(url) = session.json()["url"].as_str().map(str::to_owned) else { return };
        let link = Request::get(url.strip_prefix(URL).expect("it is ours"));
        // Where it is not the one who is expected, the page has a way on, and the app is asked.
        let person = if self.dice.once_in_thousand(400) { self.person(user + 1) } else { self.person(user) };
        let Some(code) = self.consent(link.body(Body::empty()).expect("a request"), person).await else {
            return self.note(&format!("{end_user} did not come back to {named}"));
        };
        for said in [self.dice.pick(&SAID), self.dice.pick(&SAID)] {
            self.sleep(self.dice.millis(0, 3000)).await;
            let reply = self.redeem_again(&code, &end_user, said).await;
            self.note(&format!(
                "{end_user} (person {person}) comes back to {named}, {said:?}: {}",
                told(reply.as_ref())
            ));
            if let Some(id) = reply.and_then(|reply| reply.json()["id"].as_str().map(str::to_owned)) {
                return Self::keep(&self.connections, &id);
            }
        }
    }

    async fn redeem_again(&self, code: &str, end_user: &str, said: Option<&str>) -> Option<Reply> {
        let mut asked = json!({"code": code, "end_user": end_user});
        if let Some(said) = said {
            asked["mismatch"] = said.into();
        }
        self.insist("POST", "/api/connections", &self.key, Some(asked)).await
    }

    /// A user is forgotten, with all connections; whatever comes of them later must bring none of them back.
    pub(crate) async fn erase(&self, user: u64) {
        let had = self.connections_of(user).await;
        let path = format!("/api/connections?end_user=u{user}");
        let reply = self.insist("DELETE", &path, &self.key, None).await;
        self.note(&format!("u{user} is erased: {}", told(reply.as_ref())));
        if reply.is_some_and(|reply| reply.status.is_success()) {
            self.cluster.wires().ledger.book().erased.extend(had);
        }
    }
}
