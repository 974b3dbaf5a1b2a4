//! A gate between the gateway and the emulator: it holds a request before Notion sees it, or Notion's answer after it was done,
//! until the test says so. So what is on its way can be raced without a clock.

use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http_body_util::BodyExt as _;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::support::soon;

/// The gate's handle.
#[derive(Clone)]
pub(crate) struct Gate(Arc<Inner>);

struct Inner {
    notion: String,
    client: Client<HttpConnector, Body>,
    /// The path whose next answer is held.
    held: Mutex<Option<String>>,
    arrived: Semaphore,
    open: Semaphore,
    /// The path whose next request is held.
    held_before: Mutex<Option<String>>,
    asked: Semaphore,
    passed: Semaphore,
    /// What to make of the next token answer.
    rewriting: Mutex<Option<Rewrite>>,
    /// Every token that was given out, in an answer of the token endpoint.
    tokens: Mutex<Vec<String>>,
}

/// Makes another body of a token answer's.
pub(crate) type Rewrite = fn(Value) -> String;

impl Gate {
    /// A gate in front of this Notion; its URL.
    pub(crate) async fn before(notion: &str) -> (Self, String) {
        let client = Client::builder(TokioExecutor::new()).build_http();
        let closed = || Semaphore::new(0);
        let gate = Self(Arc::new(Inner {
            notion: notion.to_owned(),
            client,
            held: Mutex::default(),
            arrived: closed(),
            open: closed(),
            held_before: Mutex::default(),
            asked: closed(),
            passed: closed(),
            rewriting: Mutex::default(),
            tokens: Mutex::default(),
        }));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let router = axum::Router::new().fallback(pass).with_state(gate.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (gate, url)
    }

    /// Holds the next answer for this path.
    pub(crate) fn hold(&self, path: &str) {
        *self.0.held.lock().unwrap() = Some(path.to_owned());
    }

    /// Waits until the held answer is there: Notion has done what it was asked.
    pub(crate) async fn arrived(&self) {
        soon("a held call", self.0.arrived.acquire()).await.unwrap().forget();
    }

    /// Lets the held answer go.
    pub(crate) fn open(&self) {
        self.0.open.add_permits(1);
    }
}

impl Gate {
    /// Holds the next request for this path: Notion does not see it yet.
    pub(crate) fn hold_request(&self, path: &str) {
        *self.0.held_before.lock().unwrap() = Some(path.to_owned());
    }

    /// Waits until the held request is there.
    pub(crate) async fn asked(&self) {
        soon("a held call", self.0.asked.acquire()).await.unwrap().forget();
    }

    /// Changes the next token answer on its way.
    pub(crate) fn rewrite(&self, rewrite: Rewrite) {
        *self.0.rewriting.lock().unwrap() = Some(rewrite);
    }

    /// Every token that Notion gave out so far.
    pub(crate) fn tokens(&self) -> Vec<String> {
        self.0.tokens.lock().unwrap().clone()
    }

    async fn look_at(&self, response: Response) -> Response {
        let (mut parts, body) = response.into_parts();
        let body = body.collect().await.expect("a whole body").to_bytes();
        let Ok(answer) = serde_json::from_slice::<Value>(&body) else {
            return Response::from_parts(parts, Body::from(body));
        };
        for name in ["access_token", "refresh_token"] {
            self.0.tokens.lock().unwrap().extend(answer[name].as_str().map(str::to_owned));
        }
        let rewrite = self.0.rewriting.lock().unwrap().take();
        let Some(rewrite) = rewrite else { return Response::from_parts(parts, Body::from(body)) };
        parts.headers.remove("content-length");
        Response::from_parts(parts, Body::from(rewrite(answer)))
    }

    /// Lets the held request go on to Notion.
    pub(crate) fn pass(&self) {
        self.0.passed.add_permits(1);
    }
}

async fn pass(State(gate): State<Gate>, mut request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let target = request.uri().path_and_query().map_or("/", |both| both.as_str());
    *request.uri_mut() = format!("{}{target}", gate.0.notion).parse().expect("a URI");
    request.headers_mut().remove("host");
    let held = gate.0.held_before.lock().unwrap().take_if(|held| *held == path).is_some();
    if held {
        gate.0.asked.add_permits(1);
        gate.0.passed.acquire().await.unwrap().forget();
    }
    let mut response = gate.0.client.request(request).await.expect("an answer").map(Body::new);
    if path == "/v1/oauth/token" {
        response = gate.look_at(response).await;
    }
    let holds = gate.0.held.lock().unwrap().take_if(|held| *held == path).is_some();
    if holds {
        gate.0.arrived.add_permits(1);
        gate.0.open.acquire().await.unwrap().forget();
    }
    response
}
