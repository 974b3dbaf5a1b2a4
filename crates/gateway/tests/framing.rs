//! Requests that two programs could read differently, on raw sockets: at both doors, alone and behind nginx. Behind each comes an
//! honest one, `LAST`. Either the first is refused and nothing behind it is read, or Notion hears exactly what was parsed of it, and
//! `LAST` only if it is a request of its own to everybody.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};

use crate::support::{House, Plan};
use crate::tape::{Heard, Tape};

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    /// Notion hears nothing, and the socket ends.
    Refused,
    /// Notion hears it with this body, and the socket ends.
    Ends(&'static str),
    /// Notion hears it with this body, and then `LAST`.
    GoesOn(&'static str),
}

use Then::{Ends, GoesOn, Refused};

/// `{P}` stands for the door's prefix, `{A}` for the header with its key.
const LAST: &str = "GET {P}/v1/last HTTP/1.1\r\nHost: x\r\n{A}\r\nConnection: close\r\n\r\n";

/// Headers that frame a body of two bytes in chunks.
const CODINGS: [(&str, Then); 44] = [
    ("Transfer-Encoding: chunked", GoesOn("{}")),
    ("TRANSFER-ENCODING:CHUNKED", GoesOn("{}")),
    ("Transfer-Encoding:\tchunked\t", GoesOn("{}")),
    ("Transfer-Encoding: chunked\r\nContent-Length: 2", Ends("{}")),
    ("Content-Length: 2\r\nTransfer-Encoding: chunked", Ends("{}")),
    ("Content-Length: 0\r\nTransfer-Encoding: chunked", Ends("{}")),
    ("Content-Length: 12\r\nTransfer-Encoding: chunked", Ends("{}")),
    ("Transfer-Encoding: chunked\r\nContent-Length: x", Ends("{}")),
    ("Content-Length: x\r\nTransfer-Encoding: chunked", Refused),
    ("Content-Length: 2\r\nTransfer-Encoding: gzip, chunked", Refused),
    ("Content-Length: 12\r\nTransfer-Encoding: xchunked", Refused),
    ("Content-Length: 12\r\nTransfer-Encoding: identity", Refused),
    ("Content-Length: 12\r\nTransfer-Encoding:", Refused),
    ("Transfer-Encoding: gzip, chunked", Refused),
    ("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked", Refused),
    ("Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip", Refused),
    ("Transfer-Encoding: x-gzip, chunked", Refused),
    ("Transfer-Encoding: deflate, chunked", Refused),
    ("Transfer-Encoding: br, chunked", Refused),
    ("Transfer-Encoding: cow, chunked", Refused),
    ("Transfer-Encoding: identity, chunked", Refused),
    ("Transfer-Encoding: chunked, identity", Refused),
    ("Transfer-Encoding: chunked, chunked", Refused),
    ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", Refused),
    ("Transfer-Encoding: chunked\r\nTransfer-Encoding: ", Refused),
    ("Transfer-Encoding: \r\nTransfer-Encoding: chunked", Refused),
    ("Transfer-Encoding: ,chunked", Refused),
    ("Transfer-Encoding: chunked,", Refused),
    ("Transfer-Encoding: gzip", Refused),
    ("Transfer-Encoding: xchunked", Refused),
    ("Transfer-Encoding: chunkedx", Refused),
    ("Transfer-Encoding: chunked;q=1", Refused),
    ("Transfer-Encoding: chunked;q=1, chunked", Refused),
    ("Transfer-Encoding: \"chunked\"", Refused),
    ("Transfer-Encoding: \x0bchunked", Refused),
    ("Transfer-Encoding: chunked\x0c", Refused),
    ("Transfer-Encoding: chunked\x7f", Refused),
    ("Transfer-Encoding: chunked\0", Refused),
    ("Transfer-Encoding : chunked", Refused),
    ("Transfer-Encoding\t: chunked", Refused),
    (" Transfer-Encoding: chunked", Refused),
    ("Transfer-Encoding:\r\n chunked", Refused),
    ("X: y\rTransfer-Encoding: chunked", Refused),
    ("Transfer\0-Encoding: chunked", Refused),
];

/// Headers that say how long a body of two bytes is.
const LENGTHS: [(&str, Then); 25] = [
    ("Content-Length: 2", GoesOn("{}")),
    ("content-length:2", GoesOn("{}")),
    ("Content-Length: 002", GoesOn("{}")),
    ("Content-Length: 2\r\nContent-Length: 2", GoesOn("{}")),
    ("Content-Length: 2\r\nContent-Length: 3", Refused),
    ("Content-Length: 3\r\nContent-Length: 2", Refused),
    ("Content-Length: 2\r\nContent-Length: 2\r\nContent-Length: 0", Refused),
    ("Content-Length: 2\r\nContent-Length:", Refused),
    ("Content-Length: 2, 2", Refused),
    ("Content-Length: 2,3", Refused),
    ("Content-Length: +2", Refused),
    ("Content-Length: -2", Refused),
    ("Content-Length: 0x2", Refused),
    ("Content-Length: 2.0", Refused),
    ("Content-Length: 2;", Refused),
    ("Content-Length: 2 0", Refused),
    ("Content-Length: two", Refused),
    ("Content-Length:", Refused),
    ("Content-Length: \u{662}", Refused),
    ("Content-Length: 18446744073709551618", Refused),
    ("Content-Length: 99999999999999999999999999999999999999", Refused),
    ("Content-Length : 2", Refused),
    ("Content-Length:\r\n 2", Refused),
    (" Content-Length: 2", Refused),
    ("X: y\rContent-Length: 2", Refused),
];

/// Chunked bodies.
const CHUNKS: [(&str, Then); 30] = [
    ("02\r\n{}\r\n0\r\n\r\n", GoesOn("{}")),
    ("0000000000000002\r\n{}\r\n00\r\n\r\n", GoesOn("{}")),
    ("1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", GoesOn("{}")),
    ("2;a\r\n{}\r\n0;b=c\r\n\r\n", GoesOn("{}")),
    ("2;a=\"b;c\"\r\n{}\r\n0\r\n\r\n", GoesOn("{}")),
    ("2\r\n{}\r\n0\r\nX: y\r\n\r\n", GoesOn("{}")),
    ("2\r\n{}\r\n0\r\nAuthorization: Bearer evil\r\n\r\n", GoesOn("{}")),
    ("2\r\n{}\r\n0\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\nHost: y\r\n\r\n", GoesOn("{}")),
    ("2;a\n{}\r\n0\r\n\r\n", Refused),
    ("2;a\n{}\n0\n\n", Refused),
    ("2;\n\n", Refused),
    ("2\n{}\r\n0\r\n\r\n", Refused),
    ("2\n{}\n0\n\n", Refused),
    ("2\r{}\r\n0\r\n\r\n", Refused),
    ("2\r\n{}\n0\r\n\r\n", Refused),
    ("2\r\n{}0\r\n\r\n", Refused),
    ("2\r\n{}XX0\r\n\r\n", Refused),
    ("2\r\n{}\r0\r\n\r\n", Refused),
    ("1\r\n{}\r\n0\r\n\r\n", Refused),
    ("3\r\n{}\r\n0\r\n\r\n", Refused),
    ("0x2\r\n{}\r\n0\r\n\r\n", Refused),
    ("+2\r\n{}\r\n0\r\n\r\n", Refused),
    ("-2\r\n{}\r\n0\r\n\r\n", Refused),
    ("\r\n{}\r\n0\r\n\r\n", Refused),
    ("two\r\n{}\r\n0\r\n\r\n", Refused),
    ("2 2\r\n{}\r\n0\r\n\r\n", Refused),
    ("10000000000000002\r\n{}\r\n0\r\n\r\n", Refused),
    ("fffffffffffffffff\r\n{}\r\n0\r\n\r\n", Refused),
    ("2\0\r\n{}\r\n0\r\n\r\n", Refused),
    ("\u{662}\r\n{}\r\n0\r\n\r\n", Refused),
];

/// What stands before the headers of a GET: its first line, and what it says of its host.
const LINES: [(&str, Then); 35] = [
    ("GET {P}/v1/search HTTP/1.1\r\nHost: x", GoesOn("")),
    ("GET {P}/v1/search HTTP/1.1\nHost: x", GoesOn("")),
    ("\r\nGET {P}/v1/search HTTP/1.1\r\nHost: x", GoesOn("")),
    ("\n\n\nGET {P}/v1/search HTTP/1.1\r\nHost: x", GoesOn("")),
    ("GET {P}/v1/search HTTP/1.1\r\nHOST:x:80", GoesOn("")),
    ("GET {P}/v1/search HTTP/1.0\r\nHost: x", Ends("")),
    ("GET {P}/v1/search HTTP/1.0", Ends("")),
    ("GET {P}/v1/search HTTP/1.0\r\nConnection: keep-alive", GoesOn("")),
    ("GET {P}/v1/search HTTP/1.1", Refused),
    ("GET {P}/v1/search HTTP/1.1\r\nHost:", Refused),
    ("GET {P}/v1/search HTTP/1.1\r\nHost: x\r\nHost: x", Refused),
    ("GET {P}/v1/search HTTP/1.1\r\nHost: x\r\nHost: y", Refused),
    ("GET {P}/v1/search HTTP/1.1\r\nHost: x, y", Refused),
    ("GET {P}/v1/search HTTP/1.1\r\nHost: y@x", Refused),
    ("GET {P}/v1/search HTTP/1.1\r\nHost: x/y", Refused),
    ("GET {P}/v1/search HTTP/1.1\r\nHost: x y", Refused),
    ("GET {P}/v1/search HTTP/1.1\r\nHost : x", Refused),
    ("GET {P}/v1/search HTTP/1.1\r\nHost:\r\n x", Refused),
    ("GET {P}/v1/search HTTP/1.0\r\nHost: x\r\nHost: y", Refused),
    ("GET {P}/v1/search HTTP/1.0\r\nTransfer-Encoding: chunked", Refused),
    ("GET {P}/v1/search HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked", Refused),
    ("GET http://x{P}/v1/search HTTP/1.1\r\nHost: y", Refused),
    ("GET {P}/v1/search#x HTTP/1.1\r\nHost: x", Refused),
    ("GET {P}/v1/search?a#/v1/x HTTP/1.1\r\nHost: x", Refused),
    ("GET  {P}/v1/search HTTP/1.1\r\nHost: x", Refused),
    ("GET {P}/v1/search  HTTP/1.1\r\nHost: x", Refused),
    ("GET\t{P}/v1/search\tHTTP/1.1\r\nHost: x", Refused),
    (" GET {P}/v1/search HTTP/1.1\r\nHost: x", Refused),
    ("GET {P}/v1/search HTTP/1.1 x\r\nHost: x", Refused),
    ("GET {P}/v1/search HTTP/1.2\r\nHost: x", Refused),
    ("GET {P}/v1/search http/1.1\r\nHost: x", Refused),
    ("GET {P}/v1/search HTTP/2.0\r\nHost: x", Refused),
    ("GET {P}/v1/search\r\nHost: x", Refused),
    ("GET {P}/v1/sea\rrch HTTP/1.1\r\nHost: x", Refused),
    ("GET {P}/v1/sea\0rch HTTP/1.1\r\nHost: x", Refused),
];

/// Headers beside an honest length of two.
const TRICKS: [(&str, Then); 24] = [
    ("Connection: Content-Length", GoesOn("{}")),
    ("Connection: Transfer-Encoding, Host, Authorization", GoesOn("{}")),
    ("Connection: close\r\nConnection: keep-alive", Ends("{}")),
    ("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x", GoesOn("{}")),
    (
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA",
        GoesOn("{}"),
    ),
    ("Upgrade: TLS/1.2, HTTP/1.1", GoesOn("{}")),
    ("TE: chunked, trailers\r\nTrailer: Content-Length", GoesOn("{}")),
    ("Content_Length: 0\r\nTransfer_Encoding: chunked", GoesOn("{}")),
    ("X-Content-Length: 0\r\nX-Transfer-Encoding: chunked", GoesOn("{}")),
    ("Content-Encoding: chunked", GoesOn("{}")),
    ("X-HTTP-Method-Override: DELETE\r\nX-Method-Override: TRACE", GoesOn("{}")),
    ("X-Original-URL: /v1/oauth/token\r\nX-Rewrite-URL: /v1/oauth/token", GoesOn("{}")),
    ("X-Forwarded-Host: y\r\nForwarded: host=y\r\nX-Host: y", GoesOn("{}")),
    ("Proxy-Connection: close\r\nProxy-Authorization: Basic eDp5\r\nKeep-Alive: timeout=1", GoesOn("{}")),
    ("Max-Forwards: 0", GoesOn("{}")),
    ("Range: bytes=0-0\r\nIf-None-Match: *", GoesOn("{}")),
    ("X: a\r\n b", Refused),
    ("X: a\r\n\tb", Refused),
    ("no colon", Refused),
    (": no name", Refused),
    ("X (y): z", Refused),
    ("X: a\0b", Refused),
    ("X: a\rb", Refused),
    ("X\r: a", Refused),
];

fn post(headers: &str, body: &str) -> String {
    format!(
        "POST {{P}}/v1/search HTTP/1.1\r\nHost: x\r\n{{A}}\r\nContent-Type: application/json\r\n{headers}\r\n\r\n{body}"
    )
}

/// Each with what becomes of it and how it begins at Notion.
fn vectors() -> Vec<(String, Then, &'static str)> {
    const POST: &str = "POST /v1/search HTTP/1.1";
    const GET: &str = "GET /v1/search HTTP/1.1";
    let codings = CODINGS.iter().map(|(header, then)| (post(header, "2\r\n{}\r\n0\r\n\r\n"), *then, POST));
    let lengths = LENGTHS.iter().map(|(header, then)| (post(header, "{}"), *then, POST));
    let chunks = CHUNKS.iter().map(|(body, then)| (post("Transfer-Encoding: chunked", body), *then, POST));
    let lines = LINES.iter().map(|(line, then)| (format!("{line}\r\n{{A}}\r\n\r\n"), *then, GET));
    let tricks = TRICKS
        .iter()
        .map(|(header, then)| (post(&format!("{header}\r\nContent-Length: 2"), "{}"), *then, POST));
    let others = [
        // A body that no header tells is the next request, and reads as none.
        (post("X: y", "{}"), Ends(""), POST),
        (post("Content_Length: 2", "{}"), Ends(""), POST),
        (post("Content-Encoding: chunked", "2\r\n{}\r\n0\r\n\r\n"), Ends(""), POST),
        // A head in lines that end without a carriage return is taken, by nginx too.
        (post("Content-Length: 2", "{}").replace("\r\n", "\n"), GoesOn("{}"), POST),
        (post(&"X: y\r\n".repeat(120), "{}"), Refused, POST),
        (post(&format!("X: {}", "y".repeat(100_000)), "{}"), Refused, POST),
        (
            format!("GET {{P}}/v1/search?{} HTTP/1.1\r\nHost: x\r\n{{A}}\r\n\r\n", "y".repeat(70_000)),
            Refused,
            GET,
        ),
        (
            "GET {P}/v1/search HTTP/1.1\r\nHost: x\r\n{A}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
                .to_owned(),
            GoesOn(""),
            GET,
        ),
    ];
    codings.chain(lengths).chain(chunks).chain(lines).chain(tricks).chain(others).collect()
}

/// What comes back until the socket ends; its sender goes on sending until it may not.
pub(crate) async fn say(mut socket: impl AsyncRead + AsyncWrite + Unpin, said: &str) -> String {
    let _refused = socket.write_all(said.as_bytes()).await;
    let mut read = Vec::new();
    let _cut = socket.read_to_end(&mut read).await;
    String::from_utf8_lossy(&read).into_owned()
}

pub(crate) struct Doors {
    pub(crate) t: House,
    pub(crate) tape: Tape,
    /// Prefix and key of each.
    pub(crate) both: [(String, String); 2],
}

impl Doors {
    pub(crate) async fn open() -> Self {
        Self::with(|integration| integration.requests_per_minute = 100_000).await
    }

    pub(crate) async fn with(adjust: fn(&mut gateway::Integration)) -> Self {
        let t = House::build(Plan { tape: true, adjust: Some(adjust), ..Plan::default() }).await;
        let id = t.connection("u").await;
        let key = t.notion_shaped().await["access_token"].as_str().unwrap().to_owned();
        let tape = t.tape.clone().unwrap();
        tape.take();
        let both = [(format!("/notion/{id}"), t.app_key.clone()), (String::new(), key)];
        Self { t, tape, both }
    }

    pub(crate) fn address(&self) -> &str {
        self.t.url.trim_start_matches("http://")
    }
}

pub(crate) fn filled(raw: &str, (prefix, key): &(String, String)) -> String {
    raw.replace("{P}", prefix).replace("{A}", &format!("Authorization: Bearer {key}"))
}

/// What nobody may ever find in what Notion hears.
pub(crate) fn check(heard: &[Heard], raw: &str) {
    const ALLOWED: [&str; 10] = [
        "accept",
        "accept-encoding",
        "content-encoding",
        "content-type",
        "user-agent",
        "notion-version",
        "authorization",
        "host",
        "content-length",
        "transfer-encoding",
    ];
    for request in heard {
        let bearers = request.all("authorization");
        assert!(
            bearers.len() == 1 && bearers[0].starts_with("Bearer ntn_emulator_"),
            "{raw:?}: Notion heard {request:?}"
        );
        assert!(request.headers.iter().all(|(name, _)| ALLOWED.contains(&&**name)), "{raw:?}: {request:?}");
        assert_eq!(request.all("host").len(), 1, "{raw:?}: {request:?}");
    }
}

pub(crate) fn lines(heard: &[Heard]) -> Vec<(&str, &str)> {
    heard.iter().map(|request| (request.line.as_str(), request.body.as_str())).collect()
}

const LAST_HEARD: (&str, &str) = ("GET /v1/last HTTP/1.1", "");

#[tokio::test]
async fn alone_each_is_refused_and_its_socket_ends_or_notion_hears_what_was_parsed() {
    let doors = Doors::open().await;
    let vectors = vectors();
    assert!(vectors.len() >= 120, "{}", vectors.len());
    for (raw, then, begins) in &vectors {
        for door in &doors.both {
            let said = filled(&format!("{raw}{LAST}"), door);
            let told = say(TcpStream::connect(doors.address()).await.unwrap(), &said).await;
            let heard = doors.tape.take();
            check(&heard, raw);
            let (expected, good) = match then {
                Refused => (vec![], 0),
                Ends(body) => (vec![(*begins, *body)], 1),
                GoesOn(body) => (vec![(*begins, *body), LAST_HEARD], 2),
            };
            assert_eq!(lines(&heard), expected, "{raw:?}: {told}");
            let answers: Vec<&str> =
                told.split("HTTP/1.").skip(1).filter_map(|head| head.get(2..5)).collect();
            let (well, refused) = answers.split_at(good.min(answers.len()));
            assert!(well.len() == good && well.iter().all(|status| *status == "200"), "{raw:?}: {told}");
            let is_refusal = |status: &&str| status.starts_with('4') || *status == "501";
            assert!(refused.len() <= 1 && refused.iter().all(is_refusal), "{raw:?}: {told}");
            assert!(*then != Refused || refused.len() == 1, "{raw:?}: it was not refused: {told}");
        }
    }
}

/// nginx before the gateway, one process with all its files in a folder of its own, listening on a socket there.
struct Nginx {
    child: Child,
    folder: tempfile::TempDir,
}

/// It passes on all that it can: odd header names, bodies before they are whole, sockets that stay open.
const CONFIG: &str = r#"
daemon off; master_process off; pid "{F}/pid"; error_log "{F}/error.log" emerg;
events { worker_connections 64; }
http {
  log_format parsed '$request_method $request_uri $upstream_status';
  access_log "{F}/access.log" parsed;
  client_body_temp_path "{F}/body"; proxy_temp_path "{F}/proxy"; fastcgi_temp_path "{F}/f"; uwsgi_temp_path "{F}/u"; scgi_temp_path "{F}/s";
  upstream gateway { server {G}; keepalive 8; }
  ignore_invalid_headers off; underscores_in_headers on; merge_slashes off; lingering_close off;
  server {
    listen "unix:{F}/nginx.sock";
    location / {
      proxy_pass http://gateway; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host;
      proxy_request_buffering off; proxy_next_upstream off; proxy_intercept_errors off;
    }
  }
}
"#;

impl Nginx {
    async fn before(gateway: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let shown = folder.path().display().to_string();
        let config = folder.path().join("nginx.conf");
        std::fs::write(&config, CONFIG.replace("{F}", &shown).replace("{G}", gateway)).unwrap();
        let program = Path::new("/usr/sbin/nginx");
        assert!(program.exists(), "nginx is not there: apt-get install nginx-light");
        let mut command = Command::new(program);
        command.args(["-p", &shown, "-c"]).arg(&config).stderr(Stdio::null());
        let nginx = Self { child: command.spawn().unwrap(), folder };
        while UnixStream::connect(nginx.socket()).await.is_err() {
            tokio::task::yield_now().await;
        }
        nginx
    }

    fn socket(&self) -> std::path::PathBuf {
        self.folder.path().join("nginx.sock")
    }

    /// What nginx took for requests and got an answer of ours to, since so many lines: with their statuses.
    fn parsed(&self, known: &mut usize) -> Vec<String> {
        let log = std::fs::read_to_string(self.folder.path().join("access.log")).unwrap_or_default();
        let new: Vec<String> = log.lines().skip(*known).map(str::to_owned).collect();
        *known += new.len();
        new
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// nginx decides what the requests are; we and Notion must see the very same ones.
#[tokio::test]
async fn behind_nginx_notion_hears_exactly_the_requests_that_nginx_took_for_some() {
    let doors = Doors::open().await;
    let nginx = Nginx::before(doors.address()).await;
    let mut known = 0;
    for (raw, then, begins) in &vectors() {
        for door in &doors.both {
            let said = filled(&format!("{raw}{LAST}"), door);
            let told = say(UnixStream::connect(nginx.socket()).await.unwrap(), &said).await;
            let heard = doors.tape.take();
            check(&heard, raw);
            // nginx drops headers that it cannot read, and takes a lone line feed for the end of a chunk.
            let bodies = match then {
                Refused => ["", "{}", "{}\r"],
                Ends(body) | GoesOn(body) => [*body, "", ""],
            };
            let is_expected = |at: usize, request: &(&str, &str)| match at {
                0 if *request != LAST_HEARD => request.0 == *begins && bodies.contains(&request.1),
                _ => *request == LAST_HEARD,
            };
            let lines = lines(&heard);
            assert!(lines.len() <= 2, "{raw:?}: {lines:?}");
            assert!(
                lines.iter().enumerate().all(|(at, request)| is_expected(at, request)),
                "{raw:?}: {lines:?}, {told}"
            );
            let parsed = nginx.parsed(&mut known);
            let answered: Vec<String> = parsed
                .iter()
                .filter_map(|line| line.strip_suffix(" 200"))
                .map(|line| format!("{} HTTP/1.1", line.replacen(&door.0, "", 1)))
                .collect();
            assert_eq!(
                answered,
                lines.iter().map(|(line, _)| (*line).to_owned()).collect::<Vec<_>>(),
                "{raw:?}: {told}"
            );
        }
    }
}
