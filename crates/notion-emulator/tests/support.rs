//! A client of the emulator, and a person at its consent screens.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use base64::Engine as _;
use http_body_util::BodyExt as _;
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use notion_emulator::{Capabilities, Client, Emulator, Options, Recorder, Running, Switches};
use serde_json::{Value, json};

pub(crate) const REDIRECT_URI: &str = "https://app.example/callback?keep=this";
pub(crate) const VERSION: &str = "2025-09-03";

pub(crate) struct Notion {
    pub(crate) running: Running,
    http: HttpClient<HttpConnector, Body>,
}

pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{} {}", self.status, self.text()))
    }

    pub(crate) fn location(&self) -> String {
        self.headers.get("location").map(|value| value.to_str().expect("text").to_owned()).unwrap_or_default()
    }

    /// `status, code` of an error in either shape.
    pub(crate) fn refusal(&self) -> String {
        let body = self.json();
        let code = body["code"].as_str().or(body["error"].as_str()).unwrap_or("no code").to_owned();
        format!("{}, {code}", self.status.as_u16())
    }
}

pub(crate) async fn notion() -> Notion {
    with(Switches::default(), Capabilities::default()).await
}

pub(crate) async fn with(switches: Switches, capabilities: Capabilities) -> Notion {
    let client = Client {
        client_id: "client".to_owned(),
        client_secret: "secret".to_owned(),
        name: "An integration".to_owned(),
        redirect_uris: vec![REDIRECT_URI.to_owned()],
        capabilities,
    };
    notion_from(Options { clients: vec![client], switches, ..Options::default() }).await
}

pub(crate) async fn notion_from(options: Options) -> Notion {
    let options = Options { record: options.record.clone().or_else(recorder), ..options };
    let running = Emulator::start(options).await.expect("it starts");
    Notion { running, http: HttpClient::builder(TokioExecutor::new()).build_http() }
}

/// Where the test run collects what was asked and answered, to be held against the types of Notion's client afterwards.
#[expect(clippy::disallowed_methods, reason = "the test run says where")]
fn recorder() -> Option<Recorder> {
    static MADE: AtomicUsize = AtomicUsize::new(0);
    let folder = PathBuf::from(std::env::var("EXCHANGES").ok()?);
    let name = format!("emulator-{}-{}.jsonl", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
    Some(Recorder::create(&folder.join(name)).expect("the folder of exchanges is there"))
}

impl Notion {
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Option<Reply> {
        self.send_bytes(method, path, headers, body.into_bytes()).await
    }

    /// The same with a body that is no text.
    pub(crate) async fn send_bytes(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Option<Reply> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.running.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body)).expect("a request");
        let (parts, body) = self.http.request(request).await.ok()?.into_parts();
        let body = body.collect().await.ok()?.to_bytes();
        Some(Reply { status: parts.status, headers: parts.headers, body })
    }

    /// A call of the API in the usual version.
    pub(crate) async fn call(&self, token: &str, method: &str, path: &str, body: Option<Value>) -> Reply {
        self.call_in(VERSION, token, method, path, body).await
    }

    pub(crate) async fn call_in(
        &self,
        version: &str,
        token: &str,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Reply {
        let bearer = format!("Bearer {token}");
        let headers = [
            ("authorization", bearer.as_str()),
            ("notion-version", version),
            ("content-type", "application/json"),
        ];
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        self.send(method, &format!("/v1/{path}"), &headers, body).await.expect("an answer")
    }

    /// A call with the internal token, which must succeed.
    pub(crate) async fn ok(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let reply = self.call(&self.running.emulator.internal_token(), method, path, body).await;
        assert_eq!(reply.status, StatusCode::OK, "{method} {path}: {}", reply.text());
        reply.json()
    }

    /// A call of the control plane.
    pub(crate) async fn control(&self, method: &str, path: &str, body: Value) -> Reply {
        let headers = [("content-type", "application/json")];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.send(method, path, &headers, body).await.expect("an answer")
    }

    /// A call with the internal token, which must fail: `status, code` and the message.
    pub(crate) async fn refused(&self, method: &str, path: &str, body: Value) -> (String, String) {
        let body = (!body.is_null()).then_some(body);
        let reply = self.call(&self.running.emulator.internal_token(), method, path, body).await;
        (reply.refusal(), text(&reply.json(), "message"))
    }

    /// A database below the root page, with these columns beside its `Name`; the ids of database and data source.
    pub(crate) async fn database(&self, title: &str, columns: Value) -> (String, String) {
        let mut properties = json!({"Name": {"title": {}}});
        if let (Some(all), Value::Object(columns)) = (properties.as_object_mut(), columns) {
            all.extend(columns);
        }
        let body = json!({
            "parent": {"type": "page_id", "page_id": self.running.emulator.root_page_id()},
            "title": [{"text": {"content": title}}],
            "initial_data_source": {"properties": properties},
        });
        let made = self.ok("POST", "databases", Some(body)).await;
        (text(&made, "id"), text(&made["data_sources"][0], "id"))
    }

    /// A row of a data source, with these values beside its title; its id.
    pub(crate) async fn row(&self, source: &str, title: &str, values: Value) -> String {
        let mut properties = json!({"Name": {"title": [{"text": {"content": title}}]}});
        if let (Some(all), Value::Object(values)) = (properties.as_object_mut(), values) {
            all.extend(values);
        }
        let body = json!({"parent": {"data_source_id": source}, "properties": properties});
        text(&self.ok("POST", "pages", Some(body)).await, "id")
    }

    pub(crate) async fn oauth(&self, path: &str, body: Value) -> Reply {
        let pair = base64::engine::general_purpose::STANDARD.encode("client:secret");
        let basic = format!("Basic {pair}");
        let headers = [("authorization", basic.as_str()), ("content-type", "application/json")];
        self.send("POST", &format!("/v1/oauth/{path}"), &headers, body.to_string()).await.expect("an answer")
    }

    /// The consent screens' address.
    pub(crate) fn authorize(&self, more: &str) -> String {
        let redirect_uri: String = url::form_urlencoded::byte_serialize(REDIRECT_URI.as_bytes()).collect();
        format!(
            "/v1/oauth/authorize?client_id=client&redirect_uri={redirect_uri}&response_type=code&owner=user&state=s%26t{more}"
        )
    }

    /// A person says yes to what each form offers; the redirect.
    pub(crate) async fn consent(&self) -> Reply {
        let mut page = self.send("GET", &self.authorize(""), &[], String::new()).await.expect("a page");
        for _ in 0..3 {
            page = self.submit(&page, &[]).await;
        }
        page
    }

    /// Sends a page's form with what it offers, and more.
    pub(crate) async fn submit(&self, page: &Reply, more: &[(&str, &str)]) -> Reply {
        let text = page.text();
        let mut fields = url::form_urlencoded::Serializer::new(String::new());
        for input in text.split("<input ").skip(1) {
            let tag = input.split('>').next().unwrap_or_default();
            let attribute = |name: &str| {
                let value = tag.split(&format!("{name}=\"")).nth(1).and_then(|rest| rest.split('"').next());
                value.unwrap_or_default().replace("&#38;", "&")
            };
            if attribute("type") == "hidden" || tag.contains(" checked") {
                fields.append_pair(&attribute("name"), &attribute("value"));
            }
        }
        fields.extend_pairs(more);
        let fields = fields.finish();
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let answer = if text.contains("method=\"post\"") {
            self.send("POST", "/v1/oauth/authorize", &form, fields).await
        } else {
            self.send("GET", &format!("/v1/oauth/authorize?{fields}"), &[], String::new()).await
        };
        answer.expect("an answer")
    }

    /// A pair, by consent and exchange.
    pub(crate) async fn pair(&self) -> Value {
        let code = parameter(&self.consent().await.location(), "code").expect("a code");
        let reply = self.oauth("token", exchange(&code)).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
        reply.json()
    }
}

pub(crate) fn exchange(code: &str) -> Value {
    json!({"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI})
}

pub(crate) fn parameter(url: &str, name: &str) -> Option<String> {
    let url = url::Url::parse(url).ok()?;
    url.query_pairs().find(|(had, _)| had == name).map(|(_, value)| value.into_owned())
}

pub(crate) fn text(of: &Value, key: &str) -> String {
    of[key].as_str().unwrap_or_else(|| panic!("no {key} in {of}")).to_owned()
}

pub(crate) fn keys(of: &Value) -> Vec<&str> {
    of.as_object().unwrap_or_else(|| panic!("no object: {of}")).keys().map(String::as_str).collect()
}
