//! The real binary as hosts treat it: a log that nobody reads, silent sockets, signals, mounted secrets, injected variables.

#![expect(clippy::disallowed_methods, reason = "real processes are waited for, up to a bound")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// Longest that anything here is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

const ROOT_KEY: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// A folder with a configuration whose secrets stand in files of their own.
fn folder() -> TempDir {
    let folder = TempDir::new().expect("a folder");
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700)).expect("set");
    let text = r#"
        [server]
        public_url = "http://127.0.0.1:8470"
        listen = "127.0.0.1:0"
        operations_listen = "127.0.0.1:0"
        [store]
        path = "store/vestibule.db"
        [keys]
        root_key_file = "root.key"
        [integrations.main]
        client_id = "c"
        client_secret_file = "client-secret"
        return_urls = ["https://app.example/return"]
    "#;
    std::fs::create_dir(folder.path().join("store")).expect("a folder");
    std::fs::set_permissions(folder.path().join("store"), std::fs::Permissions::from_mode(0o700))
        .expect("set");
    for (name, text) in [("vestibule.toml", text), ("root.key", ROOT_KEY), ("client-secret", "s\n")] {
        write(&folder.path().join(name), text, 0o600);
    }
    folder
}

fn write(path: &Path, text: &str, mode: u32) {
    std::fs::write(path, text).expect("written");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("set");
}

/// `vestibule serve` on free ports.
struct Served {
    child: Child,
    public: SocketAddr,
    operations: SocketAddr,
    log: BufReader<ChildStderr>,
    /// What was logged until it served.
    begun: String,
}

impl Served {
    fn start(folder: &TempDir, limit: &str, variables: &[(&str, &str)]) -> Self {
        let run = format!("{limit} exec {} serve --config vestibule.toml", env!("CARGO_BIN_EXE_vestibule"));
        let mut command = Command::new("sh");
        command.args(["-c", &run]).current_dir(folder.path()).env_clear().envs(variables.iter().copied());
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut log = BufReader::new(child.stderr.take().expect("piped"));
        let mut begun = String::new();
        let serving = loop {
            let mut line = String::new();
            assert_ne!(log.read_line(&mut line).expect("text"), 0, "it ended: {begun}");
            begun.push_str(&line);
            let line: Value = serde_json::from_str(&line).unwrap_or_default();
            if line["event"] == "serving" {
                break line;
            }
        };
        let at = |name: &str| serving[name].as_str().expect("an address").parse().expect("an address");
        Self { public: at("public"), operations: at("operations"), child, log, begun }
    }

    fn signal(&self, name: &str) {
        let told = Command::new("kill").args([name, &self.child.id().to_string()]).status();
        assert!(told.is_ok_and(|status| status.success()), "kill {name}");
    }

    /// The next line of the log with this event.
    fn logged(&mut self, event: &str) -> Value {
        let began = Instant::now();
        loop {
            let mut line = String::new();
            assert_ne!(self.log.read_line(&mut line).expect("text"), 0, "it ended without {event}");
            let line: Value = serde_json::from_str(&line).unwrap_or_default();
            if line["event"] == event {
                return line;
            }
            assert!(began.elapsed() < PATIENCE, "no {event}");
        }
    }

    /// How it ended, and how long that took.
    fn ended(&mut self) -> (Option<i32>, Duration) {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().expect("our child") {
                return (status.code(), began.elapsed());
            }
            std::thread::yield_now();
        }
        panic!("it did not end");
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // Our own child, by its id.
        let _told = self.child.kill();
        let _ended = self.child.wait();
    }
}

/// One call on a socket of its own: the status line.
fn call(at: SocketAddr, path: &str) -> String {
    let mut socket = TcpStream::connect(at).expect("a socket");
    socket.set_read_timeout(Some(PATIENCE)).expect("set");
    write!(socket, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").expect("sent");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).expect("an answer in time");
    answer.lines().next().unwrap_or_default().to_owned()
}

const NO_KEY: &str = "HTTP/1.1 401 Unauthorized";

#[test]
fn a_log_that_nobody_reads_blocks_no_call_and_no_stop_and_tells_what_it_lost() {
    let folder = folder();
    // Each call is a line: first the pipe is full, then the queue.
    let mut served = Served::start(&folder, "", &[]);
    let mut lost = 0;
    for _ in 0..1_000 {
        for _ in 0..10 {
            assert_eq!(call(served.public, "/v1/users/me"), NO_KEY);
        }
        let mut socket = TcpStream::connect(served.operations).expect("a socket");
        socket.write_all(b"GET /logz HTTP/1.0\r\n\r\n").expect("sent");
        let mut told = String::new();
        socket.read_to_string(&mut told).expect("an answer");
        let body: Value = serde_json::from_str(told.split_once("\r\n\r\n").expect("a body").1).expect("JSON");
        lost = body["dropped"].as_u64().expect("a number");
        if lost > 0 {
            break;
        }
    }
    assert!(lost > 0, "the queue has an end");
    assert_eq!(call(served.operations, "/healthz"), "HTTP/1.1 200 OK");
    // Somebody reads again: what is missing is told.
    let told = served.logged("log.dropped");
    assert!(told["lines"].as_u64() > Some(0), "{told}");
    served.signal("-TERM");
    assert_eq!(served.ended().0, Some(0));
}

#[test]
fn a_stop_does_not_wait_for_a_full_pipe() {
    let folder = folder();
    let mut served = Served::start(&folder, "", &[("VESTIBULE_LOG", "trace")]);
    for _ in 0..300 {
        assert_eq!(call(served.public, "/v1/users/me"), NO_KEY);
    }
    served.signal("-TERM");
    let (code, took) = served.ended();
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[test]
fn a_reader_of_the_log_that_has_gone_ends_nothing() {
    let folder = folder();
    let mut served = Served::start(&folder, "", &[]);
    let gone = Command::new("true").stderr(Stdio::piped()).spawn().expect("it starts");
    let other = BufReader::new({
        let mut gone = gone;
        let taken = gone.stderr.take().expect("piped");
        let _ended = gone.wait();
        taken
    });
    drop(std::mem::replace(&mut served.log, other));
    for _ in 0..50 {
        assert_eq!(call(served.public, "/v1/users/me"), NO_KEY);
    }
    served.signal("-TERM");
    assert_eq!(served.ended().0, Some(0));
}

#[test]
fn silent_sockets_take_no_call_its_place() {
    let folder = folder();
    let served = Served::start(&folder, "ulimit -n 256;", &[]);
    // A silent one, half a head, and one that spoke and rests: more than there are descriptors, from three times the limit.
    let held: Vec<TcpStream> = (0..420)
        .filter_map(|number| {
            let mut socket = TcpStream::connect(served.public).ok()?;
            let said: &[u8] = match number % 3 {
                0 => b"",
                1 => b"GET / HTTP/1.1\r\nHo",
                _ => b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            };
            socket.write_all(said).ok()?;
            Some(socket)
        })
        .collect();
    let began = Instant::now();
    for _ in 0..20 {
        assert_eq!(call(served.public, "/v1/users/me"), NO_KEY);
        assert_eq!(call(served.operations, "/readyz"), "HTTP/1.1 200 OK");
    }
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    drop(held);
}

#[test]
fn the_soft_limit_of_open_files_is_raised_to_the_hard_one() {
    let folder = folder();
    let served = Served::start(&folder, "ulimit -Sn 64;", &[]);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", served.child.id())).expect("a process");
    let files = limits.lines().find(|line| line.starts_with("Max open files")).expect("a line");
    let numbers: Vec<&str> = files.split_whitespace().skip(3).take(2).collect();
    assert_eq!(numbers[0], numbers[1], "{files}");
}

#[test]
fn a_hangup_is_told_and_ignored_and_a_second_order_to_stop_is_obeyed_at_once() {
    let folder = folder();
    let mut served = Served::start(&folder, "", &[]);
    served.signal("-HUP");
    let told = served.logged("hangup.ignored");
    assert!(told["message"].as_str().expect("words").contains("restart"), "{told}");
    assert_eq!(call(served.public, "/v1/users/me"), NO_KEY);
    // A call whose body never comes keeps it from ending.
    let mut open = TcpStream::connect(served.public).expect("a socket");
    let head = "POST /v1/oauth/token HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nExpect: 100-continue\r\nAuthorization: Basic eDp5\r\n\r\n";
    open.write_all(head.as_bytes()).expect("sent");
    let mut slow = TcpStream::connect(served.public).expect("a socket");
    slow.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n").expect("sent");
    served.signal("-TERM");
    served.signal("-TERM");
    let (code, took) = served.ended();
    assert!(matches!(code, Some(0 | 143)), "{code:?}");
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[test]
fn the_emulator_and_the_demo_outlive_a_hangup_too() {
    for args in [
        &["emulate", "--listen", "127.0.0.1:0"][..],
        &[
            "demo",
            "--listen",
            "127.0.0.1:0",
            "--app-listen",
            "127.0.0.1:0",
            "--emulator-listen",
            "127.0.0.1:0",
        ],
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
        command.args(args).env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let mut printed = BufReader::new(child.stdout.take().expect("piped"));
        let mut line = String::new();
        while !line.contains("Ctrl-C") {
            assert_ne!(printed.read_line(&mut line).expect("text"), 0, "it ended: {line}");
        }
        let signal = |name: &str| Command::new("kill").args([name, &child.id().to_string()]).status();
        assert!(signal("-HUP").is_ok_and(|status| status.success()));
        let mut log = BufReader::new(child.stderr.take().expect("piped"));
        let mut told = String::new();
        while !told.contains("hangup.ignored") {
            assert_ne!(log.read_line(&mut told).expect("text"), 0, "it ended: {told}");
        }
        assert!(child.try_wait().expect("our child").is_none(), "{args:?}");
        let _told = Command::new("kill").arg(child.id().to_string()).status();
        let _ended = child.wait();
    }
}

#[test]
fn secrets_as_kubernetes_mounts_them_are_taken_and_a_careless_file_is_not() {
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n");
    for (mode, fine) in
        [(0o440, is_root), (0o444, is_root), (0o640, is_root), (0o400, true), (0o644, false), (0o660, false)]
    {
        let folder = folder();
        // `root.key` -> `..data/root.key` -> a folder with a date.
        let dated = folder.path().join("..2026_11_28");
        std::fs::create_dir(&dated).expect("a folder");
        write(&dated.join("root.key"), ROOT_KEY, mode);
        symlink("..2026_11_28", folder.path().join("..data")).expect("linked");
        std::fs::remove_file(folder.path().join("root.key")).expect("removed");
        symlink("..data/root.key", folder.path().join("root.key")).expect("linked");
        if fine {
            let served = Served::start(&folder, "", &[]);
            assert_eq!(served.begun.contains("keys.root_key"), mode != 0o400, "{mode:o}: {}", served.begun);
            continue;
        }
        let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
        let output = command.arg("serve").current_dir(folder.path()).env_clear().output().expect("it starts");
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{mode:o}");
        assert!(told.contains("chmod 600") && told.contains("allow_readable_secrets"), "{told}");
        drop(Served::start(&folder, "", &[("VESTIBULE_ALLOW_READABLE_SECRETS", "true")]));
    }
}

#[test]
fn a_service_of_our_name_does_not_keep_it_from_starting() {
    let injected = [
        ("VESTIBULE_PORT", "tcp://10.96.0.11:8470"),
        ("VESTIBULE_SERVICE_HOST", "10.96.0.11"),
        ("VESTIBULE_SERVICE_PORT", "8470"),
        ("VESTIBULE_SERVICE_PORT_HTTP", "8470"),
        ("VESTIBULE_PORT_8470_TCP", "tcp://10.96.0.11:8470"),
        ("VESTIBULE_PORT_8470_TCP_PROTO", "tcp"),
        ("VESTIBULE_PORT_8470_TCP_PORT", "8470"),
        ("VESTIBULE_PORT_8470_TCP_ADDR", "10.96.0.11"),
        ("VESTIBULE_EMULATOR_SERVICE_HOST", "10.96.0.12"),
    ];
    let folder = folder();
    let served = Served::start(&folder, "", &injected);
    assert!(injected.iter().all(|(name, _)| served.begun.contains(name)), "{}", served.begun);
    let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
    command.arg("serve").current_dir(folder.path()).env_clear().env("VESTIBULE_LISTEN_ON", "127.0.0.1:0");
    let output = command.output().expect("it starts");
    assert!(String::from_utf8_lossy(&output.stderr).contains("VESTIBULE_LISTEN_ON"));
}

#[test]
fn a_proxy_that_is_not_listed_is_named_once_when_its_share_is_used_up() {
    let folder = folder();
    let config = folder.path().join("vestibule.toml");
    let text = std::fs::read_to_string(&config).expect("a file");
    write(&config, &text.replace("[store]", "attempts_per_address = 1\n[store]"), 0o600);
    let mut served = Served::start(&folder, "", &[]);
    let path = "/v1/oauth/authorize?client_id=c&response_type=code&state=0123456789abcdef0123&redirect_uri=https%3A%2F%2Fapp.example%2Freturn";
    let start = || {
        let mut socket = TcpStream::connect(served.public).expect("a socket");
        let head = "Host: x\r\nX-Forwarded-For: 198.51.100.1\r\nConnection: close";
        write!(socket, "GET {path} HTTP/1.1\r\n{head}\r\n\r\n").expect("sent");
        let mut answer = String::new();
        socket.read_to_string(&mut answer).expect("an answer");
        answer.to_ascii_lowercase()
    };
    assert!(start().starts_with("http/1.1 303 "));
    for _ in 0..3 {
        let refused = start();
        assert!(refused.starts_with("http/1.1 429 ") && refused.contains("\r\nretry-after: "), "{refused}");
    }
    served.signal("-TERM");
    let mut log = String::new();
    served.log.read_to_string(&mut log).expect("text");
    let told: Vec<&str> = log.lines().filter(|line| line.contains("proxy.unlisted")).collect();
    assert_eq!(told.len(), 1, "{log}");
    assert!(told[0].contains("127.0.0.1") && told[0].contains("server.trusted_proxies"), "{told:?}");
}
