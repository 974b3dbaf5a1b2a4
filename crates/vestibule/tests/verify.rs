//! `vestibule verify` as a person runs it: against the emulator that it starts, against one that runs, and with recordings.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

fn vestibule(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
    command.args(args).env_clear().stdin(Stdio::null());
    command
}

fn run(args: &[&str]) -> Output {
    vestibule(args).output().expect("it starts")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// An emulator on a free port, with what it printed; it is told to stop when the test ends.
struct Emulated(Child, Value);

impl Emulated {
    fn start() -> Self {
        let flags =
            ["emulate", "--listen", "127.0.0.1:0", "--output", "json", "--redirect-uri", "http://localhost/"];
        let mut command = vestibule(&flags);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped"));
        let mut read = String::new();
        while serde_json::from_str::<Value>(&read).is_err() {
            assert_ne!(lines.read_line(&mut read).expect("text"), 0, "it ended: {read}");
        }
        Self(child, serde_json::from_str(&read).expect("JSON"))
    }

    /// What it was asked so far.
    fn journal(&self) -> Value {
        self.ask("GET /_emulator/journal", "", "")
    }

    /// One call; `headers` end with a line's end each.
    fn ask(&self, line: &str, headers: &str, body: &str) -> Value {
        let address = self.fact("url").trim_start_matches("http://");
        let mut socket = std::net::TcpStream::connect(address).expect("it listens");
        let length = body.len();
        let ask = format!(
            "{line} HTTP/1.0\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
        );
        socket.write_all(ask.as_bytes()).expect("asked");
        let mut answer = String::new();
        socket.read_to_string(&mut answer).expect("answered");
        let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
        serde_json::from_str(body).unwrap_or_else(|_| panic!("{answer}"))
    }

    fn fact(&self, name: &str) -> &str {
        self.1[name].as_str().unwrap_or_else(|| panic!("no {name}"))
    }
}

impl Drop for Emulated {
    fn drop(&mut self) {
        // Our own child, by its id.
        let _told = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ended = self.0.wait();
    }
}

#[test]
fn every_story_agrees_with_the_emulator() {
    let output = run(&["verify"]);
    let printed = stdout(&output);
    assert!(output.status.success(), "{printed}{}", stderr(&output));
    assert!(printed.contains(" 0 differ, 0 guesses were wrong, 0 left out"), "{printed}");
}

#[test]
fn a_plan_is_printed_and_nothing_is_asked() {
    let output = run(&["verify", "--url", "http://127.0.0.1:1", "--plan", "--only", "comment-life"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let printed = stdout(&output);
    assert!(printed.contains("  POST   /v1/comments\n"), "{printed}");
    assert!(printed.contains("1 stories, 10 calls"), "{printed}");
}

#[test]
fn without_a_yes_nothing_is_asked() {
    let page = "0".repeat(32);
    let mut command = vestibule(&["verify", "--url", "http://127.0.0.1:1", "--root-page", &page]);
    let output = command.env("VESTIBULE_VERIFY_TOKEN", "ntn_x").output().expect("it starts");
    assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(2), ""), "no plan that nobody reads");
    assert!(stderr(&output).contains("add --yes"), "{}", stderr(&output));
}

#[test]
fn it_leaves_nothing_behind_and_shows_no_token() {
    let emulated = Emulated::start();
    let (url, token) = (emulated.fact("url"), emulated.fact("internal_token"));
    let flags = ["verify", "--url", url, "--root-page", emulated.fact("root_page_id"), "--yes"];
    let told = |token: &str| {
        vestibule(&flags).args(["--only", "life"]).env("VESTIBULE_VERIFY_TOKEN", token).output()
    };
    let output = told(token).expect("it starts");
    let printed = stdout(&output) + &stderr(&output);
    assert!(output.status.success(), "{printed}");
    assert!(!printed.contains(token));
    let journal = emulated.journal();
    let last = journal["entries"].as_array().and_then(|entries| entries.last()).expect("calls");
    assert_eq!((last["method"].as_str(), last["status"].as_u64()), (Some("DELETE"), Some(200)), "{last}");

    let output = told("ntn_nobody_issued_this").expect("it starts");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("API token is invalid."), "{}", stderr(&output));
}

#[test]
fn a_public_integration_is_not_told_what_would_leave_the_scratch_page() {
    let emulated = Emulated::start();
    let consent = emulated.ask("POST /_emulator/consent", "", r#"{"client_id":"emulated-integration"}"#);
    let code = consent["code"].as_str().expect("a code");
    let trade = format!(
        r#"{{"grant_type":"authorization_code","code":"{code}","redirect_uri":"http://localhost/"}}"#
    );
    // emulated-integration:emulated-secret
    let basic = "authorization: Basic ZW11bGF0ZWQtaW50ZWdyYXRpb246ZW11bGF0ZWQtc2VjcmV0\r\n";
    let pair = emulated.ask("POST /v1/oauth/token", basic, &trade);
    let output = vestibule(&["verify", "--url", emulated.fact("url")])
        .args(["--root-page", emulated.fact("root_page_id"), "--yes", "--only", "page-without-parent"])
        .env("VESTIBULE_VERIFY_TOKEN", pair["access_token"].as_str().expect("a token"))
        .output()
        .expect("it starts");
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(
        stdout(&output).contains("0 agree, 0 differ, 0 guesses were wrong, 1 left out"),
        "{}",
        stdout(&output)
    );
}

#[test]
fn recorded_exchanges_are_replayed_and_each_difference_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("exchanges.jsonl");
    let lines = [
        r#"{"test":"nowhere","method":"GET","path":"/v1/invalid","notion_version":"2025-09-03","request":null,"status":400,"response":{"object":"error","status":400,"code":"invalid_request_url","message":"Invalid request URL.","request_id":"11111111-2222-4333-8444-555555555555"}}"#,
        r#"{"test":"nowhere","method":"GET","path":"/v1/nowhere","request":null,"status":404,"response":{"object":"error"}}"#,
    ];
    std::fs::write(&file, lines.join("\n")).expect("written");
    let output = run(&["verify", "--replay", file.to_str().expect("text")]);
    assert_eq!(output.status.code(), Some(1));
    let printed = stdout(&output);
    assert!(
        printed.contains("GET /v1/nowhere: status is 400 Invalid request URL., expected 404"),
        "{printed}"
    );
    assert!(printed.ends_with("1 of 2 exchanges agree\n"), "{printed}");
}

#[test]
fn a_name_that_no_story_has_is_a_wrong_call() {
    let output = run(&["verify", "--only", "no-such-story"]);
    assert_eq!(output.status.code(), Some(2));
}
