//! A Notion that writes down what it hears, byte by byte: one strict reader of HTTP/1.1 without a library, so that what the
//! gateway sends is judged by other eyes than its own. OAuth goes on to the emulator, all else is answered `{}`.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What was heard so far.
#[derive(Clone, Default)]
pub(crate) struct Tape(Arc<Mutex<Vec<Heard>>>);

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
        let (tape, notion) = (Self::default(), notion.trim_start_matches("http://").to_owned());
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
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

async fn listen(mut socket: TcpStream, tape: Tape, notion: String) {
    let mut read = Vec::new();
    loop {
        let request = match next(&mut socket, &mut read).await {
            Ok(Some(request)) => request,
            Ok(None) => return,
            Err(why) => {
                tape.0.lock().unwrap().push(Heard { line: why, ..Heard::default() });
                return;
            }
        };
        let target = request.line.split(' ').nth(1).unwrap_or_default();
        if target.starts_with("/v1/oauth/") {
            pass(&request, &notion, &mut socket).await;
            return;
        }
        tape.0.lock().unwrap().push(request);
        let answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
        if socket.write_all(answer).await.is_err() {
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
async fn next(socket: &mut TcpStream, read: &mut Vec<u8>) -> Result<Option<Heard>, String> {
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
            exactly(socket, read, length.parse().map_err(|_| format!("a length of {length:?}"))?).await?
        }
        ([], ["chunked"]) => chunks(socket, read).await?,
        _ => return Err(format!("it is framed in two ways: {heard:?}")),
    };
    Ok(Some(heard))
}

async fn chunks(socket: &mut TcpStream, read: &mut Vec<u8>) -> Result<String, String> {
    let mut body = String::new();
    loop {
        let size = until(socket, read, b"\r\n").await.ok_or("chunks without an end")?;
        let size = usize::from_str_radix(&size, 16).map_err(|_| format!("a chunk of {size:?}"))?;
        body.push_str(&exactly(socket, read, size).await?);
        if exactly(socket, read, 2).await? != "\r\n" {
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

async fn exactly(socket: &mut TcpStream, read: &mut Vec<u8>, length: usize) -> Result<String, String> {
    while read.len() < length {
        if socket.read_buf(read).await.unwrap_or_default() == 0 {
            return Err("a body without its end".to_owned());
        }
    }
    Ok(read.drain(..length).map(char::from).collect())
}
