//! `vestibule emulate` with files and flags: what it starts from, what stands still, and what it refuses to start with.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

fn vestibule(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
    command.args(args).env_clear().stdin(Stdio::null());
    command
}

/// An emulator on a free port, with what it printed; it is told to stop when the test ends.
struct Emulated(Child, Value);

impl Emulated {
    fn start(flags: &[&str]) -> Self {
        let mut command = vestibule(&["emulate", "--listen", "127.0.0.1:0", "--output", "json"]);
        command.args(flags);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped"));
        let mut read = String::new();
        while serde_json::from_str::<Value>(&read).is_err() {
            assert_ne!(lines.read_line(&mut read).expect("text"), 0, "it ended: {read}");
        }
        Self(child, serde_json::from_str(&read).expect("JSON"))
    }

    fn fact(&self, name: &str) -> &str {
        self.1[name].as_str().unwrap_or_else(|| panic!("no {name} in {}", self.1))
    }

    fn get(&self, path: &str) -> Value {
        let host = self.fact("url").trim_start_matches("http://");
        let token = self.fact("internal_token");
        let mut socket = TcpStream::connect(host).expect("a socket");
        let head = "Notion-Version: 2026-03-11\r\nConnection: close";
        write!(
            socket,
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n{head}\r\n\r\n"
        )
        .expect("sent");
        let mut answer = String::new();
        socket.read_to_string(&mut answer).expect("an answer");
        let body = answer.split_once("\r\n\r\n").expect("a body").1;
        serde_json::from_str(body).unwrap_or_else(|_| panic!("{answer}"))
    }
}

impl Drop for Emulated {
    fn drop(&mut self) {
        // Our own child, by its id.
        let _told = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ended = self.0.wait();
    }
}

/// A file in a folder of its own.
fn file(text: &str) -> (TempDir, String) {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("file.json");
    std::fs::write(&path, text).expect("written");
    (folder, path.display().to_string())
}

fn refusal(flags: &[&str]) -> (Option<i32>, String) {
    let output = vestibule(&["emulate", "--listen", "127.0.0.1:0"]).args(flags).output().expect("it starts");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn seed() -> Value {
    json!({
        "people": [{"name": "Mina", "email": "mina@acme.example"}],
        "workspaces": [{"name": "Acme", "pages": [{"properties": {"title": {"title": [{"text": {"content": "Handbook"}}]}}}]}],
        "clients": [{"client_id": "acme", "client_secret": "s", "name": "Acme app", "redirect_uris": []}],
    })
}

#[test]
fn a_seed_file_a_clock_and_switches_are_what_it_starts_with() {
    let (_folder, path) = file(&seed().to_string());
    let flags = ["--seed", &path, "--clock", "2026-11-27T09:00:00Z", "--older-pair", "lives"];
    let emulated =
        Emulated::start(&[&flags[..], &["--access-seconds", "60", "--search-lag-seconds", "5"]].concat());
    let page = emulated.get(&format!("/v1/pages/{}", emulated.fact("root_page_id")));
    assert_eq!(page["properties"]["title"]["title"][0]["plain_text"], "Handbook");
    assert_eq!(emulated.get("/_emulator/clock")["now"], "2026-11-27T09:00:00Z");
    let switches = emulated.get("/_emulator/switches");
    assert_eq!(switches["older_pair"], "lives");
    assert_eq!(
        (switches["access_seconds"].as_u64(), switches["search_lag_seconds"].as_u64()),
        (Some(60), Some(5))
    );
    let clients = emulated.get("/_emulator/clients");
    assert_eq!(clients["clients"][0]["client_id"], "acme");
    assert_eq!(clients["clients"].as_array().map(Vec::len), Some(1), "no flag asked for another");
}

#[test]
fn a_snapshot_file_goes_on_where_it_was_taken() {
    let (_folder, path) = file(&seed().to_string());
    let first = Emulated::start(&["--seed", &path]);
    let (_folder, path) = file(&first.get("/_emulator/snapshot").to_string());
    let second = Emulated::start(&["--snapshot", &path]);
    assert_eq!(second.fact("internal_token"), first.fact("internal_token"));
    assert_eq!(second.fact("root_page_id"), first.fact("root_page_id"));
    assert_eq!(second.get("/v1/users/me")["bot"]["workspace_name"], "Acme");
    let (code, told) = refusal(&["--snapshot", &path, "--refresh", "grace"]);
    assert_eq!(code, Some(2));
    assert!(told.contains("cannot be used with"), "{told}");
}

#[test]
fn a_file_that_does_not_fit_ends_it_with_every_problem() {
    let mut bad = seed();
    bad["workspaces"][0]["pages"][0]["colour"] = "red".into();
    bad["workspaces"][0]["pages"].as_array_mut().expect("a list").push(json!({"icon": 5}));
    let (_folder, path) = file(&bad.to_string());
    let (code, told) = refusal(&["--seed", &path]);
    assert_eq!(code, Some(1));
    for part in ["file.json", "seed.workspaces[0].pages[0]: ", "body.colour", "seed.workspaces[0].pages[1]: "]
    {
        assert!(told.contains(part), "{part} is not in {told}");
    }
    let (code, told) = refusal(&["--snapshot", &path]);
    assert_eq!(code, Some(1));
    assert!(told.contains("notion-emulator snapshot"), "{told}");
    assert_eq!(refusal(&["--clock", "tomorrow"]).0, Some(2));
}

#[test]
fn what_two_programs_could_read_differently_is_refused_here_too() {
    let emulated = Emulated::start(&[]);
    let host = emulated.fact("url").trim_start_matches("http://");
    let next = format!("GET /v1/users HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    for (head, status) in [
        ("GET /v1/users HTTP/1.1\r\n", 400),
        ("GET /v1/users HTTP/1.1\r\nHost: a\r\nHost: b\r\n", 400),
        ("GET /v1/users#x HTTP/1.1\r\nHost: a\r\n", 400),
        ("POST /v1/search HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n", 501),
        ("POST /v1/search HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n", 400),
        ("POST /v1/search HTTP/1.0\r\nTransfer-Encoding: chunked\r\n", 400),
    ] {
        let mut socket = TcpStream::connect(host).expect("a socket");
        // In one piece: what came after the end would cut the answer off.
        socket.write_all(format!("{head}\r\n{next}").as_bytes()).expect("sent");
        let mut answer = String::new();
        socket.read_to_string(&mut answer).expect("an answer, and the end");
        assert_eq!(answer.split(' ').nth(1), Some(&*status.to_string()), "{head}: {answer}");
        assert_eq!(answer.matches("HTTP/1.").count(), 1, "{head}: {answer}");
    }
}
