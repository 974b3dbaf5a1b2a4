//! The model's Notion is the emulator's: the same random consents, refreshes, revocations and ends, and after each every token
//! is asked about at both.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use model::{Kind, Notion, PairId, Refreshing};
use notion_emulator::{Client, Emulator, OldPair, Options, Reauthorize, Refresh, Running, Switches};
use serde_json::{Value, json};

const CALLBACK: &str = "https://app.example/callback";
/// `client:secret`, as Basic has it.
const BASIC: &str = "Y2xpZW50OnNlY3JldA==";

/// A series of numbers that a seed repeats.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % sides
    }
}

fn switches(kind: Kind) -> Switches {
    let old = |dies| if dies { OldPair::Dies } else { OldPair::Lives };
    Switches {
        refresh: match kind.refresh {
            Refreshing::Strict => Refresh::Strict,
            Refreshing::Grace => Refresh::Grace,
            Refreshing::Family => Refresh::Family,
        },
        old_access: old(kind.old_access_dies),
        older_pair: old(kind.older_pair_dies),
        reauthorize: if kind.same_pair { Reauthorize::Same } else { Reauthorize::Fresh },
        ..Switches::default()
    }
}

async fn emulator(kind: Kind) -> Running {
    let client = Client {
        client_id: "client".to_owned(),
        client_secret: "secret".to_owned(),
        name: "An integration".to_owned(),
        redirect_uris: vec![CALLBACK.to_owned()],
        capabilities: notion_emulator::Capabilities::default(),
    };
    let options = Options { clients: vec![client], switches: switches(kind), ..Options::default() };
    Emulator::start(options).await.expect("it starts")
}

/// Asks one of the OAuth endpoints; the answer's body.
fn ask(url: &str, endpoint: &str, body: &Value) -> Value {
    let (host, body) = (url.trim_start_matches("http://"), body.to_string());
    let mut stream = TcpStream::connect(host).expect("it listens");
    let length = body.len();
    write!(
        stream,
        "POST /v1/oauth/{endpoint} HTTP/1.1\r\nhost: {host}\r\nauthorization: Basic {BASIC}\r\nnotion-version: 2025-09-03\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
    .expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    let (_, body) = answer.split_once("\r\n\r\n").expect("an answer");
    serde_json::from_str(body).unwrap_or_else(|_| panic!("{answer}"))
}

fn text(body: &Value, field: &str) -> Option<String> {
    body[field].as_str().map(str::to_owned)
}

/// Both, and the tokens of each pair at the emulator.
struct Both {
    running: Running,
    notion: Notion,
    pairs: Vec<(String, String, String)>,
}

impl Both {
    /// What each says of a new pair: its number, if there is one.
    fn note(&mut self, ours: Option<PairId>, theirs: &Value) {
        let tokens = text(theirs, "access_token").zip(text(theirs, "refresh_token"));
        let told = tokens.zip(text(theirs, "bot_id")).map(|((access, refresh), bot)| (access, refresh, bot));
        assert_eq!(ours.is_some(), told.is_some(), "{theirs}");
        let Some((ours, told)) = ours.zip(told) else { return };
        if usize::from(ours) == self.pairs.len() {
            self.pairs.push(told);
        } else {
            assert_eq!(self.pairs[usize::from(ours)], told, "the same pair again");
        }
    }

    fn happens(&mut self, dice: &mut Dice) {
        let url = self.running.url.clone();
        let pair = if self.pairs.is_empty() { 0 } else { dice.roll(self.pairs.len()) };
        let number = PairId::try_from(pair).expect("few");
        match dice.roll(12) {
            _ if self.pairs.is_empty() => self.exchange(),
            0 | 1 => self.exchange(),
            2..=8 => {
                // Mostly one of the newest, so that it is no story of dead tokens.
                let newest = self.pairs.len() - 1 - dice.roll(self.pairs.len().min(3));
                let asked = json!({"grant_type": "refresh_token", "refresh_token": self.pairs[newest].1});
                let ours = self.notion.refresh(PairId::try_from(newest).expect("few")).ok();
                self.note(ours, &ask(&url, "token", &asked));
            }
            9 => {
                self.notion.end_access();
                self.running.emulator.end_access_tokens();
            }
            10 => {
                self.notion.revoke(number);
                ask(&url, "revoke", &json!({"token": self.pairs[pair].0}));
            }
            _ => {
                let bot = self.pairs.last().map(|(_, _, bot)| bot.parse().expect("a bot"));
                self.notion.remove();
                bot.map(|bot| self.running.emulator.remove_connection(bot));
            }
        }
    }

    fn exchange(&mut self) {
        let code = self.running.emulator.consent("client").expect("it is registered");
        let asked = json!({"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK});
        let ours = self.notion.exchange();
        let theirs = ask(&self.running.url, "token", &asked);
        self.note(Some(ours), &theirs);
    }

    fn agree(&self, story: &str) {
        for (number, (access, ..)) in (0..).zip(&self.pairs) {
            let theirs = ask(&self.running.url, "introspect", &json!({"token": access}));
            assert_eq!(theirs["active"], self.notion.introspect(number), "pair {number} in {story}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_models_notion_does_what_the_emulator_does() {
    for refresh in [Refreshing::Strict, Refreshing::Grace, Refreshing::Family] {
        for bits in 0..8_u64 {
            let kind = Kind {
                refresh,
                old_access_dies: bits & 1 == 0,
                older_pair_dies: bits & 2 == 0,
                older_access_lives: false,
                same_pair: bits & 4 == 0,
            };
            let mut both =
                Both { running: emulator(kind).await, notion: Notion::new(kind), pairs: Vec::new() };
            let mut dice = Dice(0x9e37_79b9_7f4a_7c15 ^ (bits + 1));
            for step in 0..30 {
                both.happens(&mut dice);
                both.agree(&format!("{kind:?}, step {step}"));
            }
        }
    }
}
