//! What takes long: large bodies on slow lines, answers that are told piece by piece, and callers who do not wait for the end.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::framing::Doors;

/// A part of an upload.
const PART: usize = 20_000_000;

async fn upload(doors: &Doors, length: usize) -> TcpStream {
    let mut socket = TcpStream::connect(doors.address()).await.unwrap();
    let (prefix, key) = &doors.both[0];
    let head = format!(
        "POST {prefix}/v1/file_uploads/x/send HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nConnection: close\r\nContent-Type: multipart/form-data\r\nContent-Length: {length}\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    socket
}

async fn rest(mut socket: TcpStream) -> String {
    let mut read = Vec::new();
    let _closed = socket.read_to_end(&mut read).await;
    String::from_utf8_lossy(&read).into_owned()
}

async fn until(mut done: impl FnMut() -> bool) {
    while !done() {
        tokio::task::yield_now().await;
    }
}

/// Sends a body in pieces, a minute apart.
async fn minutes(doors: &Doors, socket: &mut TcpStream, pieces: u64, piece: usize) {
    for nth in 1..=pieces {
        socket.write_all(&vec![b'x'; piece]).await.unwrap();
        until(|| doors.tape.taken() == nth * piece as u64).await;
        doors.t.wait(Duration::from_mins(1));
    }
}

#[tokio::test]
async fn an_upload_may_take_minutes_and_its_answer_as_long_as_any() {
    let doors = Doors::open().await;
    doors.tape.hold();
    let mut socket = upload(&doors, 9 * 100_000).await;
    // The deadline for the answer's head was once 65 seconds from the upload's first byte.
    minutes(&doors, &mut socket, 9, 100_000).await;
    until(|| doors.tape.has_heard(1)).await;
    doors.tape.let_go();
    let told = rest(socket).await;
    assert!(told.starts_with("HTTP/1.1 200 "), "{told}");
    assert_eq!(doors.tape.take()[0].body, "900000 bytes");
}

#[tokio::test]
async fn an_upload_that_notion_does_not_answer_is_given_up_a_minute_after_its_end() {
    let doors = Doors::open().await;
    doors.tape.hold();
    let mut socket = upload(&doors, 3 * 100_000).await;
    minutes(&doors, &mut socket, 3, 100_000).await;
    until(|| doors.tape.has_heard(1)).await;
    assert_eq!(doors.tape.gone(), 0);
    doors.t.wait(Duration::from_secs(6));
    let told = rest(socket).await;
    assert!(told.starts_with("HTTP/1.1 504 ") && told.contains("notion_no_answer"), "{told}");
    until(|| doors.tape.gone() == 1).await;
}

#[tokio::test]
async fn an_upload_that_goes_on_for_ever_ends() {
    let doors = Doors::open().await;
    let mut socket = upload(&doors, 100 * 70_000).await;
    minutes(&doors, &mut socket, 11, 70_000).await;
    doors.t.wait(Duration::from_secs(6));
    let told = rest(socket).await;
    assert!(told.starts_with("HTTP/1.1 504 "), "{told}");
    until(|| doors.tape.has_heard(1)).await;
    assert!(doors.tape.take()[0].line.starts_with("a body without its end"));
}

#[tokio::test]
async fn a_caller_whose_body_breaks_off_takes_its_call_at_notion_with_it() {
    let doors = Doors::open().await;
    let mut socket = upload(&doors, PART).await;
    socket.write_all(&vec![b'x'; 100_000]).await.unwrap();
    until(|| doors.tape.taken() == 100_000).await;
    drop(socket);
    until(|| doors.tape.has_heard(1)).await;
    assert!(doors.tape.take()[0].line.starts_with("a body without its end"));
}

#[tokio::test]
async fn a_caller_who_goes_away_takes_its_call_at_notion_with_it() {
    let doors = Doors::open().await;
    doors.tape.hold();
    for (prefix, key) in &doors.both {
        for path in ["/v1/users/me", "/v1/stream"] {
            let before = doors.tape.gone();
            let mut socket = TcpStream::connect(doors.address()).await.unwrap();
            let head =
                format!("GET {prefix}{path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\r\n");
            socket.write_all(head.as_bytes()).await.unwrap();
            until(|| doors.tape.has_heard(1)).await;
            assert_eq!(doors.tape.take().len(), 1);
            drop(socket);
            until(|| doors.tape.gone() == before + 1).await;
        }
    }
}

#[tokio::test]
async fn events_are_told_as_they_come() {
    let doors = Doors::open().await;
    doors.tape.hold();
    let (prefix, key) = &doors.both[0];
    let mut socket = TcpStream::connect(doors.address()).await.unwrap();
    let head = format!(
        "GET {prefix}/v1/stream HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {key}\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut read = Vec::new();
    for event in 1..=3 {
        // Notion tells the next only when this one has been seen here.
        doors.tape.let_go();
        while !String::from_utf8_lossy(&read).contains(&format!("data: {event}\n\n")) {
            assert!(socket.read_buf(&mut read).await.unwrap() > 0, "event {event} never came");
        }
        assert!(!String::from_utf8_lossy(&read).contains(&format!("data: {}\n", event + 1)));
    }
    assert!(socket.read_to_end(&mut read).await.is_ok() && read.ends_with(b"0\r\n\r\n"));
}

/// The most memory that this process had resident so far, in bytes.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

#[tokio::test]
async fn large_parts_pass_one_after_another_without_being_kept() {
    let doors = Doors::open().await;
    let piece = vec![b'x'; 100_000];
    let mut before = 0;
    for nth in 0..6 {
        let mut socket = upload(&doors, PART).await;
        for _ in 0..PART / piece.len() {
            socket.write_all(&piece).await.unwrap();
        }
        assert!(rest(socket).await.starts_with("HTTP/1.1 200 "));
        assert_eq!(doors.tape.take()[0].body, format!("{PART} bytes"));
        if nth == 0 {
            before = peak();
        }
    }
    let grown = peak() - before;
    assert!(grown < PART / 2, "five further parts of {PART} bytes took {grown} bytes more");
}
