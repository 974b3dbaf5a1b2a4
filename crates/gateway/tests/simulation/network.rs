//! The way to Notion: each call takes its time, and in bad weather loses its way, its answer, or a part of it.
//! What was sent arrives even if its sender has gone; the emulator's real routes answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Request, Response, StatusCode};
use futures_util::future::BoxFuture;
use gateway::{ClockHand, Network, SendError, World};
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use notion_emulator::Emulator;
use serde_json::Value;
use tokio::sync::oneshot;
use tower::ServiceExt as _;

use crate::dice::Dice;
use crate::history::History;
use crate::ledger::{Fate, Ledger};
use crate::runner::{Group, OUTSIDE, Runner};

/// How long an answer to something destructive must be listened to.
const LISTENED: i64 = 300;

pub(crate) struct Wires {
    pub(crate) emulator: Emulator,
    pub(crate) routes: Router,
    pub(crate) hand: ClockHand,
    pub(crate) runner: Runner,
    pub(crate) history: History,
    pub(crate) ledger: Ledger,
    pub(crate) dice: Dice,
    pub(crate) stormy: AtomicBool,
}

/// What becomes of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Weather {
    Fair,
    NotSent,
    /// It never arrives; the sender hears of it then.
    Lost,
    Throttled,
    Unavailable,
    /// It is done, and the answer says 503.
    DoneBut503,
    /// It is done, and the answer never comes.
    AnswerLost,
    /// It is done, and the answer comes much later.
    Late,
    /// It is done, and the answer ends in its middle.
    Cut,
}

impl Wires {
    fn weather(&self) -> Weather {
        if !self.stormy.load(Ordering::Relaxed) || !self.dice.once_in_thousand(220) {
            return Weather::Fair;
        }
        self.dice.pick(&[
            Weather::NotSent,
            Weather::Lost,
            Weather::Throttled,
            Weather::Unavailable,
            Weather::DoneBut503,
            Weather::AnswerLost,
            Weather::Late,
            Weather::Late,
            Weather::Cut,
        ])
    }

    async fn sleep(&self, by: Duration) {
        let at = self.hand.now().checked_add(by).expect("within jiff's range");
        World::by_hand(&self.hand).sleep_until(at).await;
    }
}

/// One process's line.
pub(crate) struct Line {
    pub(crate) wires: Arc<Wires>,
    pub(crate) name: String,
    pub(crate) life: Group,
}

type Answered = Result<Response<Body>, SendError>;

impl Network for Line {
    fn call(&self, request: Request<Body>) -> BoxFuture<'static, Answered> {
        let (tell, told) = oneshot::channel();
        let (wires, name, life) = (Arc::clone(&self.wires), self.name.clone(), self.life);
        wires.clone().runner.spawn(OUTSIDE, async move {
            let trip = Trip::begin(Arc::clone(&wires), name, life, request).await;
            let counted = usize::from(trip.destructive);
            wires.ledger.book().under_way += counted;
            trip.run(tell).await;
            wires.ledger.book().under_way -= counted;
        });
        Box::pin(async move { told.await.unwrap_or(Err(SendError::NoAnswer)) })
    }
}

/// One call on its way.
struct Trip {
    wires: Arc<Wires>,
    name: String,
    life: Group,
    sent_at: Timestamp,
    request: Request<Body>,
    path: String,
    /// The refresh token that it spends, and the number of the sending.
    spends: Option<(String, usize)>,
    destructive: bool,
    /// The token that it is made with, or asks about.
    about: Option<String>,
}

impl Trip {
    async fn begin(wires: Arc<Wires>, name: String, life: Group, request: Request<Body>) -> Self {
        let (parts, body) = request.into_parts();
        let bytes = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        let path = parts.uri.path().to_owned();
        let sent_at = wires.hand.now();
        let asked: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let destructive = path == "/v1/oauth/token";
        let spends = asked["refresh_token"].as_str().filter(|_| destructive).map(|token| {
            let mut book = wires.ledger.book();
            book.token_requests += 1;
            (token.to_owned(), book.send(token, sent_at, life))
        });
        let bearer = parts.headers.get("authorization").and_then(|value| value.to_str().ok());
        let bearer = bearer.and_then(|value| value.strip_prefix("Bearer "));
        let asked = asked["token"].as_str().or(asked["refresh_token"].as_str());
        let about = asked.or(bearer).map(str::to_owned);
        let request = Request::from_parts(parts, Body::from(bytes));
        Self { wires, name, life, sent_at, request, path, spends, destructive, about }
    }

    fn note(&self, what: &str) {
        let book = self.wires.ledger.book();
        let number = self.about.as_ref().and_then(|token| {
            book.pairs.iter().rposition(|pair| pair.access == *token || pair.refresh == *token)
        });
        let about = number.map_or_else(String::new, |number| format!(" (pair {number})"));
        drop(book);
        self.wires.history.note(&self.name, &format!("{}{about}: {what}", self.path));
    }

    /// The sender learns that it got no pair.
    fn fail(&self) {
        if let Some((token, number)) = &self.spends
            && let Some(sending) =
                self.wires.ledger.book().sendings.get_mut(token).and_then(|all| all.get_mut(*number))
        {
            sending.failed = true;
        }
    }

    async fn run(mut self, tell: oneshot::Sender<Answered>) {
        let weather = self.wires.weather();
        self.wires.sleep(self.wires.dice.millis(1, 60)).await;
        let refused = match weather {
            Weather::NotSent => Some(Err(SendError::NotSent)),
            Weather::Lost => {
                self.wires.sleep(self.wires.dice.millis(0, 90_000)).await;
                Some(Err(SendError::NoAnswer))
            }
            Weather::Throttled => Some(Ok(bare(StatusCode::TOO_MANY_REQUESTS))),
            Weather::Unavailable => Some(Ok(bare(StatusCode::SERVICE_UNAVAILABLE))),
            _ => None,
        };
        if let Some(answer) = refused {
            self.note(&format!("{weather:?}"));
            self.fail();
            let _gone = tell.send(answer);
            return;
        }
        let request = std::mem::replace(&mut self.request, Request::new(Body::empty()));
        let answered = self.wires.routes.clone().oneshot(request).await.expect("the emulator answers");
        let (parts, body) = answered.into_parts();
        let bytes = body.collect().await.expect("a whole body").to_bytes();
        let pair = self.issued(parts.status, &bytes);
        let named = pair.map_or_else(String::new, |number| {
            let bot = self.wires.ledger.book().pairs[number].bot.clone();
            format!(", pair {number} of bot {bot:.8}")
        });
        self.note(&format!("{}{named}, {weather:?}", parts.status.as_u16()));
        self.wires.sleep(self.wires.dice.millis(1, 60)).await;
        self.deliver(weather, parts, bytes, pair, tell).await;
    }

    fn issued(&self, status: StatusCode, bytes: &Bytes) -> Option<usize> {
        if !self.destructive || status != StatusCode::OK {
            return None;
        }
        let given: Value = serde_json::from_slice(bytes).expect("JSON");
        let text = |name: &str| given[name].as_str().unwrap_or_default().to_owned();
        let (access, refresh, bot) = (text("access_token"), text("refresh_token"), text("bot_id"));
        let spent = self.spends.as_ref().map(|(token, _)| token.as_str());
        Some(self.wires.ledger.book().issue(&access, &refresh, &bot, spent))
    }

    fn settle(&self, pair: Option<usize>, fate: Fate) {
        if let Some(number) = pair {
            self.wires.ledger.book().pairs[number].fate = fate;
        }
        if fate == Fate::Lost || pair.is_none() {
            self.fail();
        }
    }

    async fn deliver(
        self,
        weather: Weather,
        parts: axum::http::response::Parts,
        bytes: Bytes,
        pair: Option<usize>,
        tell: oneshot::Sender<Answered>,
    ) {
        let answer = match weather {
            Weather::DoneBut503 => Ok(bare(StatusCode::SERVICE_UNAVAILABLE)),
            Weather::AnswerLost => {
                self.wires.sleep(self.wires.dice.millis(0, 90_000)).await;
                Err(SendError::NoAnswer)
            }
            Weather::Cut => Ok(Response::from_parts(parts, self.cut(&bytes))),
            Weather::Late => {
                // Notion itself ends a call after a minute.
                self.wires.sleep(self.wires.dice.millis(5_000, 70_000)).await;
                Ok(Response::from_parts(parts, Body::from(bytes)))
            }
            _ => Ok(Response::from_parts(parts, Body::from(bytes))),
        };
        let whole = matches!(weather, Weather::Fair | Weather::Late);
        let waited = self.wires.hand.now().duration_since(self.sent_at).as_secs();
        let taken = tell.send(answer).is_ok();
        let killed = self.wires.ledger.book().killed.contains(&self.life);
        if self.destructive && !taken && !killed && waited < LISTENED {
            let fault = format!("{}: nobody listened after {waited} s", self.path);
            self.wires.ledger.book().faults.push(fault);
        }
        if !taken {
            self.note("nobody took the answer");
        }
        self.settle(pair, if whole && taken { Fate::Delivered(self.life) } else { Fate::Lost });
    }

    /// The beginning of a body, and then an error.
    fn cut(&self, bytes: &Bytes) -> Body {
        let begun = bytes.slice(..self.wires.dice.index(bytes.len().max(1)));
        let frames: [Result<Bytes, std::io::Error>; 2] = [Ok(begun), Err(std::io::Error::other("reset"))];
        Body::from_stream(futures_util::stream::iter(frames))
    }
}

fn bare(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    if status == StatusCode::TOO_MANY_REQUESTS {
        response.headers_mut().insert("retry-after", axum::http::HeaderValue::from_static("3"));
    }
    response
}
