//! The store under the real `serve`: empty ones, foreign ones, full ones.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::{Setup, stderr, stdout, vestibule};

/// A running `serve`, with the lines of its log up to the one that says where it listens.
struct Serving {
    child: Child,
    log: Vec<Value>,
    public: String,
    operations: String,
}

impl Serving {
    fn start(mut command: Command) -> Self {
        let any = "127.0.0.1:0";
        command.env("VESTIBULE_LISTEN", any).env("VESTIBULE_OPERATIONS_LISTEN", any);
        let mut child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().expect("it starts");
        let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
        let mut log: Vec<Value> = Vec::new();
        while log.last().is_none_or(|line| line["event"] != "serving") {
            let line = lines.next().expect("it serves").expect("text");
            log.push(serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}")));
        }
        std::thread::spawn(move || lines.for_each(drop));
        let at = |name: &str| log.last().and_then(|line| line[name].as_str()).expect("an address").to_owned();
        let (public, operations) = (at("public"), at("operations"));
        Self { child, log, public, operations }
    }

    fn logged(&self, event: &str) -> bool {
        self.log.iter().any(|line| line["event"] == event)
    }

    fn ready(&self) -> String {
        ask(&self.operations, "GET /readyz HTTP/1.1\r\n", "")
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _told = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ended = self.child.wait();
    }
}

/// One request by hand; the whole answer.
fn ask(address: &str, head: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("it listens");
    let request =
        format!("{head}host: {address}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    answer
}

fn serve(setup: &Setup) -> Command {
    let mut command = vestibule(&["serve"]);
    command.env("VESTIBULE_CONFIG", setup.config());
    command
}

#[test]
fn a_store_without_keys_and_connections_is_told_loudly() {
    let setup = Setup::new();
    let empty = Serving::start(serve(&setup));
    assert!(empty.logged("store.empty"), "{:?}", empty.log);
    assert!(stdout(&setup.run(&["doctor"])).contains("no keys and no connections"));
    drop(empty);
    assert!(setup.run(&["keys", "mint", "--kind", "app"]).status.success());
    let used = Serving::start(serve(&setup));
    assert!(!used.logged("store.empty"));
    assert!(stdout(&setup.run(&["doctor"])).contains("1 key, 0 connections"));
    // A second one on the same store works, and says what it means.
    assert!(Serving::start(serve(&setup)).logged("store.shared"));
    drop(used);
    // A command that makes a store where there was none says so: the path may have been mistyped.
    let elsewhere = vestibule(&["keys", "list"])
        .env("VESTIBULE_CONFIG", setup.config())
        .env("VESTIBULE_STORE_PATH", setup.folder.path().join("other.db"))
        .output()
        .expect("it starts");
    assert!(stderr(&elsewhere).contains("a new, empty one was made"), "{}", stderr(&elsewhere));
}

#[test]
fn a_copy_of_the_file_alone_of_a_running_server_has_its_keys() {
    let setup = Setup::new();
    assert!(setup.run(&["keys", "mint", "--kind", "app", "--label", "first"]).status.success());
    let _serving = Serving::start(serve(&setup));
    assert!(setup.run(&["keys", "mint", "--kind", "app", "--label", "second"]).status.success());
    let copy = setup.folder.path().join("copy.db");
    std::fs::copy(setup.folder.path().join("vestibule.db"), &copy).expect("copied");
    let listed = vestibule(&["keys", "list"])
        .env("VESTIBULE_CONFIG", setup.config())
        .env("VESTIBULE_STORE_PATH", &copy)
        .output()
        .expect("it starts");
    let listed = stdout(&listed);
    assert!(listed.contains("first") && listed.contains("second"), "{listed}");
}

#[test]
fn a_store_that_can_grow_no_more_is_not_ready_until_it_can() {
    let setup = Setup::new();
    let minted = setup.run(&["keys", "mint", "--kind", "app", "--output", "json"]);
    let minted: Value = serde_json::from_str(&stdout(&minted)).expect("JSON");
    // As a full disk, for this process alone: no file may grow beyond 384 KiB, and the signal for it is ignored.
    let mut command = Command::new("bash");
    let script = format!("trap '' XFSZ; ulimit -S -f 384; exec {} serve", env!("CARGO_BIN_EXE_vestibule"));
    command.args(["-c", &script]).env("VESTIBULE_CONFIG", setup.config());
    let serving = Serving::start(command);
    assert!(serving.ready().contains("ready\n"));
    let head = format!(
        "POST /api/connect-sessions HTTP/1.1\r\ncontent-type: application/json\r\nauthorization: Bearer {}\r\n",
        minted["key"].as_str().expect("a key")
    );
    let user = "u".repeat(250);
    let body = format!("{{\"end_user\":\"{user}\",\"return_url\":\"https://app.example/return\"}}");
    let refused = (0..3_000).find(|_| ask(&serving.public, &head, &body).starts_with("HTTP/1.1 503"));
    assert!(refused.is_some(), "it never filled up");
    let red = serving.ready();
    assert!(red.starts_with("HTTP/1.1 503") && red.contains("the store is not ready: f"), "{red}");
    // It stays red while there is no room, for reading alone proves nothing.
    assert!(serving.ready().starts_with("HTTP/1.1 503"));
    let more = Command::new("prlimit")
        .args([format!("--pid={}", serving.child.id()), "--fsize=unlimited".to_owned()])
        .status();
    assert!(more.expect("`prlimit` is there").success());
    assert!(serving.ready().contains("ready\n"), "{}", serving.ready());
    assert!(ask(&serving.public, &head, &body).starts_with("HTTP/1.1 201"));
}

#[test]
fn a_link_in_the_stores_place_is_refused_and_its_target_left_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let setup = Setup::new();
    let target = setup.folder.path().join("somebody-elses");
    std::fs::write(&target, "a letter").expect("a file");
    std::fs::set_permissions(&target, std::fs::Permissions::from_mode(0o644)).expect("set");
    std::os::unix::fs::symlink(&target, setup.folder.path().join("vestibule.db")).expect("a link");
    for args in [vec!["keys", "list"], vec!["serve"], vec!["doctor"]] {
        let output = setup.run(&args);
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert!(
            (stdout(&output) + &stderr(&output)).contains("symbolic link"),
            "{args:?} {}",
            stderr(&output)
        );
    }
    assert_eq!(super::mode(&target), 0o644);
}
