//! A Notion that writes down what it hears, byte by byte: one strict reader of HTTP/1.1 without a library, so that what the
//! gateway sends is judged by other eyes than its own. OAuth goes on to the emulator, all else is answered `{}`.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// A larger body is not kept, only measured.
const KEPT_MAX: usize = 200_000;

/// What was heard so far.
#[derive(Clone)]
pub(crate) struct Tape(Arc<Inner>);

struct Inner {
    heard: Mutex<Vec<Heard>>,
    /// Bytes of bodies so far.
    taken: AtomicU64,
    /// Whether answers wait until they are let go.
    holds: AtomicBool,
    let_go: Semaphore,
    /// How many callers went away while their answers were held.
    gone: AtomicU64,
    /// What is answered next instead of `{}`: a status, further headers and a body; nothing at all for a status of 0.
    script: Mutex<VecDeque<(u16, &'static str, &'static str)>>,
}

/// One request, as its bytes say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Heard {
    /// Method, target and version.
    pub(crate) line: String,
    /// Names in small letters, in their order.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Heard {
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(had, _)| had == name).map(|(_, value)| value.as_str()).collect()
    }
}

impl Tape {
    /// A tape in front of this Notion; its URL.
    pub(crate) async fn before(notion: &str) -> (Self, String) {
        let notion = notion.trim_start_matches("http://").to_owned();
        let tape = Self(Arc::new(Inner {
            heard: Mutex::default(),
            taken: AtomicU64::new(0),
            holds: AtomicBool::new(false),
            let_go: Semaphore::new(0),
            gone: AtomicU64::new(0),
            script: Mutex::default(),
        }));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let heard = tape.clone();
        tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.expect("a socket");
                tokio::spawn(listen(socket, heard.clone(), notion.clone()));
            }
        });
        (tape, url)
    }

    /// What was heard since the last time.
    pub(crate) fn take(&self) -> Vec<Heard> {
        self.0.taken.store(0, Ordering::SeqCst);
        std::mem::take(&mut self.0.heard.lock().unwrap())
    }

    /// How many bytes of bodies were taken since then.
    pub(crate) fn taken(&self) -> u64 {
        self.0.taken.load(Ordering::SeqCst)
    }

    /// Whether so many requests were heard since the last time.
    pub(crate) fn has_heard(&self, requests: usize) -> bool {
        self.0.heard.lock().unwrap().len() >= requests
    }

    /// From now on answers wait. `/v1/stream` is answered in three pieces, each of which waits.
    pub(crate) fn hold(&self) {
        self.0.holds.store(true, Ordering::SeqCst);
    }

    /// Lets one answer, or piece of one, go.
    pub(crate) fn let_go(&self) {
        self.0.let_go.add_permits(1);
    }

    /// How many went away while their answers were held.
    pub(crate) fn gone(&self) -> u64 {
        self.0.gone.load(Ordering::SeqCst)
    }

    /// Has this answered next: a status (0: nothing, the socket ends), further headers, a body.
    pub(crate) fn then(&self, status: u16, headers: &'static str, body: &'static str) {
        self.0.script.lock().unwrap().push_back((status, headers, body));
    }

    fn note(&self, heard: Heard) {
        self.0.heard.lock().unwrap().push(heard);
    }

    /// Waits until the answer may go; false if nobody waits for it any more.
    async fn may_go(&self, socket: &mut TcpStream) -> bool {
        if !self.0.holds.load(Ordering::SeqCst) {
            return true;
        }
        let mut end = [0];
        tokio::select! {
            go = self.0.let_go.acquire() => go.map(tokio::sync::SemaphorePermit::forget).is_ok(),
            _ = socket.read(&mut end) => {
                self.0.gone.fetch_add(1, Ordering::SeqCst);
                false
            }
        }
    }

    async fn answer(&self, request: Heard, socket: &mut TcpStream) -> std::io::Result<()> {
        const GONE: std::io::ErrorKind = std::io::ErrorKind::BrokenPipe;
        let streams = request.line.contains("/v1/stream");
        self.note(request);
        if streams {
            let head =
                "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
            socket.write_all(head.as_bytes()).await?;
            for piece in 1..=3 {
                if !self.may_go(socket).await {
                    return Err(GONE.into());
                }
                socket.write_all(format!("9\r\ndata: {piece}\n\n\r\n").as_bytes()).await?;
            }
            return socket.write_all(b"0\r\n\r\n").await;
        }
        if !self.may_go(socket).await {
            return Err(GONE.into());
        }
        let next = self.0.script.lock().unwrap().pop_front();
        let (status, headers, body) = next.unwrap_or((200, "", "{}"));
        if status == 0 {
            return Err(GONE.into());
        }
        let head = format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n{headers}");
        socket.write_all(format!("{head}content-length: {}\r\n\r\n{body}", body.len()).as_bytes()).await
    }
}

async fn listen(mut socket: TcpStream, tape: Tape, notion: String) {
    let mut read = Vec::new();
    loop {
        let request = match next(&mut socket, &mut read, &tape).await {
            Ok(Some(request)) => request,
            Ok(None) => return,
            Err(why) => {
                tape.note(Heard { line: why, ..Heard::default() });
                return;
            }
        };
        let target = request.line.split(' ').nth(1).unwrap_or_default();
        if target.starts_with("/v1/oauth/") {
            pass(&request, &notion, &mut socket).await;
            return;
        }
        if tape.answer(request, &mut socket).await.is_err() {
            return;
        }
    }
}

/// Asks the emulator the same and hands its answer back.
async fn pass(request: &Heard, notion: &str, socket: &mut TcpStream) {
    let ours = |name: &str| ["host", "connection"].contains(&name);
    let headers = request.headers.iter().filter(|(name, _)| !ours(name));
    let headers: Vec<String> = headers.map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!("{}\r\nhost: {notion}\r\nconnection: close\r\n{}", request.line, headers.concat());
    let mut emulator = TcpStream::connect(notion).await.expect("the emulator");
    emulator.write_all(format!("{head}\r\n{}", request.body).as_bytes()).await.expect("it reads");
    let _gone = tokio::io::copy(&mut emulator, socket).await;
}

/// The next request of a socket; `None` at its end, an error for what no strict reader takes.
async fn next(socket: &mut TcpStream, read: &mut Vec<u8>, tape: &Tape) -> Result<Option<Heard>, String> {
    let Some(head) = until(socket, read, b"\r\n\r\n").await else {
        return if read.is_empty() { Ok(None) } else { Err(format!("a head without an end: {read:?}")) };
    };
    let mut heard = Heard::default();
    for (at, line) in head.split("\r\n").enumerate() {
        if line.contains(['\r', '\n', '\0']) {
            return Err(format!("a line that is none: {line:?}"));
        }
        if at == 0 {
            line.clone_into(&mut heard.line);
            continue;
        }
        let (name, value) = line.split_once(':').ok_or_else(|| format!("no header: {line:?}"))?;
        heard.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let (lengths, codings) = (heard.all("content-length"), heard.all("transfer-encoding"));
    heard.body = match (&lengths[..], &codings[..]) {
        ([], []) => String::new(),
        ([length], []) => {
            exactly(socket, read, length.parse().map_err(|_| format!("a length of {length:?}"))?, tape)
                .await?
        }
        ([], ["chunked"]) => chunks(socket, read, tape).await?,
        _ => return Err(format!("it is framed in two ways: {heard:?}")),
    };
    Ok(Some(heard))
}

async fn chunks(socket: &mut TcpStream, read: &mut Vec<u8>, tape: &Tape) -> Result<String, String> {
    let mut body = String::new();
    loop {
        let size = until(socket, read, b"\r\n").await.ok_or("chunks without an end")?;
        let size = usize::from_str_radix(&size, 16).map_err(|_| format!("a chunk of {size:?}"))?;
        body.push_str(&exactly(socket, read, size, tape).await?);
        if exactly(socket, read, 2, tape).await? != "\r\n" {
            return Err("a chunk without its end, or trailers".to_owned());
        }
        if size == 0 {
            return Ok(body);
        }
    }
}

/// What comes before these bytes, which are taken too.
async fn until(socket: &mut TcpStream, read: &mut Vec<u8>, end: &[u8]) -> Option<String> {
    loop {
        if let Some(at) = read.windows(end.len()).position(|window| window == end) {
            let taken: Vec<u8> = read.drain(..at + end.len()).take(at).collect();
            return Some(taken.into_iter().map(char::from).collect());
        }
        if socket.read_buf(read).await.unwrap_or_default() == 0 {
            return None;
        }
    }
}

async fn exactly(
    socket: &mut TcpStream,
    read: &mut Vec<u8>,
    length: usize,
    tape: &Tape,
) -> Result<String, String> {
    let (mut left, mut kept) = (length, Vec::new());
    loop {
        let piece: Vec<u8> = read.drain(..left.min(read.len())).collect();
        left -= piece.len();
        tape.0.taken.fetch_add(piece.len() as u64, Ordering::SeqCst);
        if kept.len() < KEPT_MAX {
            kept.extend(piece);
        }
        if left == 0 {
            break;
        }
        if socket.read_buf(read).await.unwrap_or_default() == 0 {
            return Err("a body without its end".to_owned());
        }
    }
    let is_whole = kept.len() == length;
    Ok(if is_whole { kept.into_iter().map(char::from).collect() } else { format!("{length} bytes") })
}
