//! The canary scan: a whole life of a connection at both doors, and then a look at every byte that was stored or logged.

use std::io::Write;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tracing_subscriber::fmt::MakeWriter;

use crate::support::{APP_STATE, house, token_request};

/// Keeps the log.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Keeps all that is logged from now on, however finely.
    pub(crate) fn begin() -> Self {
        let log = Self::default();
        let subscriber =
            tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone()).finish();
        // Shared with the other tests of this process, if there are any: more to look at is no harm.
        let _first = tracing::subscriber::set_global_default(subscriber);
        log
    }

    /// Keeps what this thread logs, for as long as the guard lives.
    pub(crate) fn of_this_thread() -> (Self, tracing::subscriber::DefaultGuard) {
        let log = Self::default();
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(log.clone()).finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    /// What was logged.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

pub(crate) fn contains(bytes: &[u8], needle: &str) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle.as_bytes())
}

#[tokio::test]
async fn no_token_code_state_key_or_secret_is_stored_or_logged_in_the_clear() {
    let log = Log::begin();
    let t = house().await;
    let mut secrets = vec![
        t.app_key.rsplit('_').next().unwrap().to_owned(),
        t.app_secret.clone(),
        "notion-side-client-secret-canary".to_owned(),
        APP_STATE.to_owned(),
        "ntn_emulator_".to_owned(),
        "nrt_emulator_".to_owned(),
        "ab".repeat(32),
    ];

    let link = t.link("user-canary").await;
    secrets.push(link.rsplit('/').next().unwrap().to_owned());
    let mut browser = t.browser();
    let callback = browser.consent(&link).await;
    secrets.extend(browser.cookies.values().cloned());
    secrets.extend(url::Url::parse(&callback).unwrap().query_pairs().map(|(_, value)| value.into_owned()));
    let back = browser.open(&callback).await;
    let code = back.query("code").unwrap();
    let id = t.redeem(&code, "user-canary").await.json()["id"].as_str().unwrap().to_owned();
    secrets.push(code);

    let back = t.browser().connect(&t.authorize_url(&[])).await;
    let code = back.query("code").unwrap();
    let token: Value = t.oauth("/v1/oauth/token", token_request(&code)).await.json();
    secrets.push(code);
    for name in ["access_token", "refresh_token"] {
        secrets.push(token[name].as_str().unwrap().rsplit_once('_').unwrap().1.to_owned());
    }
    let minted =
        t.api("POST", &format!("/api/connections/{id}/keys"), Some(json!({"label": "x"}))).await.json();
    secrets.push(minted["key"].as_str().unwrap()[45..].to_owned());

    // Refusals are logged too.
    t.wait(std::time::Duration::from_secs(10));
    t.notion.emulator.end_access_tokens();
    t.api("GET", &format!("/notion/{id}/v1/users/me"), None).await;
    t.call_as("vst_app_nonsense-canary-key", "GET", "/api/connections", None).await;
    secrets.push("nonsense-canary-key".to_owned());
    t.browser()
        .open(&format!("{}/callback/demo?code=hostile-canary-code&state=hostile-canary-state", t.url))
        .await;
    secrets.extend(["hostile-canary-code".to_owned(), "hostile-canary-state".to_owned()]);
    t.api("POST", &format!("/api/connections/{id}/refresh"), None).await;
    t.api("DELETE", &format!("/api/connections/{id}"), None).await;
    t.gateway.settle().await.unwrap();

    let mut written: Vec<(String, Vec<u8>)> = vec![("the log".to_owned(), log.bytes())];
    for file in t.store_files() {
        written.push((file.display().to_string(), std::fs::read(file).unwrap()));
    }
    assert!(written.iter().any(|(_, bytes)| contains(bytes, "user-canary")), "the scan looks at the store");
    for (place, bytes) in &written {
        for secret in secrets.iter().filter(|secret| secret.len() >= 8) {
            assert!(!contains(bytes, secret), "{place} holds a secret of {} characters", secret.len());
        }
    }
}
