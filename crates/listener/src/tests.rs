//! Sockets that are silent, slow, idle and too many. Time is paused: when nothing else can go on it jumps to the next deadline.

use std::convert::Infallible;

use http_body_util::BodyExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::*;
use crate::crowd::Streams;

struct Served {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    crowd: Crowd,
    ended: JoinHandle<()>,
}

/// A listener with so many places that says hello, to `/slow` after a minute, to `/never` never.
async fn served(places: usize) -> Served {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let answer = async |request: Request<Patient>, _| {
        if request.uri().path() == "/slow" {
            sleep(Duration::from_mins(1)).await;
        }
        if request.uri().path() == "/never" {
            std::future::pending::<()>().await;
        }
        if request.uri().path() == "/body" {
            let read = request.into_body().collect().await;
            assert!(read.is_ok_and(|read| read.trailers().is_none()), "trailers end at the socket");
        }
        Ok::<_, Infallible>(Response::new(axum::body::Body::from("hello")))
    };
    let crowd = Crowd::at_most(places);
    let of_all = crowd.clone();
    let ended = tokio::spawn(async move {
        let stop = async { drop(stopped.await) };
        serve(&of_all, Limits::default(), listener, stop, answer).await;
    });
    Served { address, stop, crowd, ended }
}

async fn say(address: SocketAddr, what: &str) -> TcpStream {
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(what.as_bytes()).await.unwrap();
    socket
}

async fn rest(socket: &mut TcpStream) -> String {
    let mut rest = Vec::new();
    let _closed = socket.read_to_end(&mut rest).await;
    String::from_utf8_lossy(&rest).into_owned()
}

fn begun(socket: &Arc<Socket>, version: Version) -> Call {
    let uri = axum::http::Uri::from_static("/");
    Call::begin(socket, version, &axum::http::Method::GET, &uri).unwrap_or_else(|_| panic!("there is room")).0
}

/// Asks once, keeps the socket, and reads until the answer is there.
async fn ask(socket: &mut TcpStream) {
    socket.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut read = String::new();
    while !read.ends_with("hello") {
        let mut byte = [0];
        assert_eq!(socket.read(&mut byte).await.unwrap(), 1, "it ended after {read:?}");
        read.push(char::from(byte[0]));
    }
}

const ONE_CALL: &str = "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
const PREFACE: &str = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

#[tokio::test(start_paused = true)]
async fn a_socket_without_a_whole_head_ends_after_fifteen_seconds() {
    let served = served(10).await;
    for said in ["", "GET / HT", "GET / HTTP/1.1\r\nhost: x\r\n", "PRI * HT", PREFACE] {
        let began = Instant::now();
        let mut silent = say(served.address, said).await;
        rest(&mut silent).await;
        let took = began.elapsed();
        assert!(took >= socket::HEAD_TIME && took < socket::HEAD_TIME * 2, "{said:?}: {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_head_that_begins_after_a_rest_has_fifteen_seconds_too() {
    let served = served(10).await;
    let mut socket = TcpStream::connect(served.address).await.unwrap();
    ask(&mut socket).await;
    sleep(Duration::from_secs(100)).await;
    let began = Instant::now();
    socket.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    assert_eq!(rest(&mut socket).await, "");
    assert!(began.elapsed() < socket::HEAD_TIME * 2, "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn an_idle_socket_outlives_the_pools_of_its_clients() {
    let served = served(10).await;
    let mut socket = TcpStream::connect(served.address).await.unwrap();
    // Balancers keep theirs a minute, Go one and a half, Google's balancers ten.
    for pool in [60, 90, 600] {
        ask(&mut socket).await;
        sleep(Duration::from_secs(pool)).await;
    }
    ask(&mut socket).await;
    let began = Instant::now();
    rest(&mut socket).await;
    let took = began.elapsed();
    assert!(took >= IDLE && took < IDLE + Duration::from_secs(10), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_takes_its_time_is_not_an_idle_socket() {
    let served = served(1).await;
    let mut slow = say(served.address, &ONE_CALL.replace("/ ", "/slow ")).await;
    assert!(rest(&mut slow).await.ends_with("hello"));
}

#[tokio::test(start_paused = true)]
async fn the_silent_make_room_first_and_then_the_longest_idle() {
    let served = served(3).await;
    let (mut first, mut second) = (
        TcpStream::connect(served.address).await.unwrap(),
        TcpStream::connect(served.address).await.unwrap(),
    );
    ask(&mut first).await;
    sleep(Duration::from_secs(1)).await;
    ask(&mut second).await;
    let mut silent = say(served.address, "").await;
    sleep(Duration::from_secs(1)).await;
    // The fourth takes the silent one's place, the fifth that of the first, which has been idle for longest.
    let began = Instant::now();
    let mut fourth = TcpStream::connect(served.address).await.unwrap();
    ask(&mut fourth).await;
    assert_eq!(rest(&mut silent).await, "");
    let mut fifth = TcpStream::connect(served.address).await.unwrap();
    ask(&mut fifth).await;
    assert_eq!(rest(&mut first).await, "");
    ask(&mut second).await;
    assert!(began.elapsed() < Duration::from_secs(1), "nobody waited: {:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn whoever_has_just_come_is_not_taken_for_silent() {
    let served = served(3).await;
    let mut idle = Vec::new();
    for _ in 0..2 {
        let mut socket = TcpStream::connect(served.address).await.unwrap();
        ask(&mut socket).await;
        idle.push(socket);
    }
    sleep(Duration::from_secs(100)).await;
    // Two come at once; their heads are on their way.
    let mut first = TcpStream::connect(served.address).await.unwrap();
    let mut second = TcpStream::connect(served.address).await.unwrap();
    ask(&mut second).await;
    ask(&mut first).await;
    assert_eq!(rest(&mut idle[0]).await, "");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_for_its_own_body_makes_room_when_nobody_else_can() {
    let served = served(1).await;
    let mut stuck =
        say(served.address, "POST /body HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nhal").await;
    let mut next = say(served.address, ONE_CALL).await;
    assert!(rest(&mut next).await.ends_with("hello"));
    assert_eq!(rest(&mut stuck).await, "");
}

#[tokio::test(start_paused = true)]
async fn a_busy_call_is_waited_for_and_never_ended() {
    let served = served(1).await;
    let mut busy = say(served.address, &ONE_CALL.replace("/ ", "/slow ")).await;
    sleep(Duration::from_secs(1)).await;
    let mut next = say(served.address, ONE_CALL).await;
    assert!(rest(&mut next).await.ends_with("hello"));
    assert!(rest(&mut busy).await.ends_with("hello"));
}

#[tokio::test(start_paused = true)]
async fn a_listener_whose_places_are_taken_stops_when_it_is_told_to() {
    let served = served(1).await;
    let mut open = TcpStream::connect(served.address).await.unwrap();
    ask(&mut open).await;
    let mut slow = say(served.address, &ONE_CALL.replace("/ ", "/slow ")).await;
    sleep(Duration::from_secs(1)).await;
    served.stop.send(()).unwrap();
    served.ended.await.unwrap();
    // The call that was open when it stopped took longer than the thirty seconds of grace.
    assert_eq!(rest(&mut open).await, "");
    drop(slow.shutdown().await);
}

/// In HTTP/2: `GET /`, by a client that will not take a byte of any body.
const GET_AND_TAKE_NOTHING: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\
    \0\0\x06\x04\0\0\0\0\0\0\x04\0\0\0\0\
    \0\0\x06\x01\x05\0\0\0\x01\x82\x84\x86\x41\x01x";
/// In HTTP/2: `POST /body` twice, and nothing of either body.
const TWO_POSTS_WITHOUT_A_BODY: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\
    \0\0\0\x04\0\0\0\0\0\
    \0\0\x0c\x01\x04\0\0\0\x01\x83\x04\x05/body\x86\x41\x01x\
    \0\0\x0c\x01\x04\0\0\0\x03\x83\x04\x05/body\x86\x41\x01x";

#[tokio::test(start_paused = true)]
async fn calls_of_http2_that_wait_for_their_client_make_room_too() {
    for waiting in [GET_AND_TAKE_NOTHING, TWO_POSTS_WITHOUT_A_BODY] {
        let served = served(1).await;
        let mut stuck = TcpStream::connect(served.address).await.unwrap();
        stuck.write_all(waiting).await.unwrap();
        sleep(Duration::from_secs(1)).await;
        let began = Instant::now();
        let mut next = say(served.address, ONE_CALL).await;
        assert!(rest(&mut next).await.ends_with("hello"));
        let took = began.elapsed();
        assert!(took >= Duration::from_millis(900) && took < Duration::from_secs(5), "{took:?}");
        rest(&mut stuck).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_its_client_never_takes_ends_after_two_minutes() {
    let socket = Arc::new(Socket::among(Streams::at_most(10)));
    let call = begun(&socket, Version::HTTP_2);
    let far = || socket.deadline(IDLE) > Instant::now() + Duration::from_hours(1);
    assert!(far(), "it is being answered");
    call.answers();
    assert_eq!(socket.deadline(IDLE), Instant::now() + Duration::from_mins(2));
    call.answer_is_made();
    assert!(far(), "its client took what there was");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_nobody_reads_any_more_keeps_no_other_call_from_its_socket() {
    let socket = Arc::new(Socket::among(Streams::at_most(10)));
    let dropped = begun(&socket, Version::HTTP_2);
    let other = begun(&socket, Version::HTTP_2);
    let reader = dropped.reader();
    reader.waits(true);
    sleep(Duration::from_secs(5)).await;
    assert!(socket.leave().is_none(), "the other call goes on");
    drop(dropped);
    reader.waits(false);
    sleep(Duration::from_secs(5)).await;
    assert!(socket.leave().is_none(), "and still does");
    drop(other);
    assert!(socket.leave().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_was_chosen_stays_if_a_call_began_meanwhile() {
    let socket = Arc::new(Socket::among(Streams::at_most(10)));
    socket.send_off();
    let call = begun(&socket, Version::HTTP_11);
    assert!(!socket.goes(), "a call is open");
    drop(call);
    assert!(socket.leave().is_some() && socket.goes());
}

#[tokio::test(start_paused = true)]
async fn what_follows_a_body_as_trailers_is_left_out() {
    let t = served(4).await;
    let request = "POST /body HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\ntrailer: authorization\r\n\r\n\
                   2\r\nhi\r\n0\r\nauthorization: Bearer evil\r\n\r\n";
    let mut socket = say(t.address, request).await;
    assert!(rest(&mut socket).await.ends_with("hello"));
}

#[tokio::test(start_paused = true)]
async fn what_two_programs_could_read_differently_is_refused_and_ends_its_socket() {
    let t = served(4).await;
    let next = "GET /next HTTP/1.1\r\nhost: x\r\n\r\n";
    for (head, expected) in [
        ("GET / HTTP/1.1\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nhost: x\r\nhost: x\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nhost: x\r\nHost: y\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nhost:\r\n\r\n", "400"),
        ("GET http://y/ HTTP/1.1\r\nhost: x\r\n\r\n", "400"),
        ("GET / HTTP/1.0\r\nhost: x\r\nhost: y\r\nconnection: keep-alive\r\n\r\n", "400"),
        ("GET /#a HTTP/1.1\r\nhost: x\r\n\r\n", "400"),
        ("GET # HTTP/1.1\r\nhost: x\r\n\r\n", "400"),
        ("POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "501"),
        ("POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n", "400"),
        ("POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip\r\n\r\n0\r\n\r\n", "400"),
        ("POST / HTTP/1.0\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", "400"),
    ] {
        let began = Instant::now();
        let mut socket = say(t.address, &format!("{head}{next}")).await;
        let told = rest(&mut socket).await;
        assert!(
            told.starts_with(&format!("HTTP/1.1 {expected} "))
                || told.starts_with(&format!("HTTP/1.0 {expected} ")),
            "{head}: {told}"
        );
        assert_eq!(told.matches("HTTP/1.").count(), 1, "{head}: {told}");
        assert!(began.elapsed() < Duration::from_secs(1), "{head}: it was closed at once");
    }
    let mut socket = say(t.address, "GET /a HTTP/1.0\r\n\r\n").await;
    assert!(rest(&mut socket).await.ends_with("hello"), "HTTP/1.0 need not name its host");
}

#[tokio::test(start_paused = true)]
async fn a_request_behind_another_is_refused_for_its_own_hash() {
    let t = served(4).await;
    let post = "POST /body HTTP/1.1\r\nhost: x\r\ncontent-length: 6\r\n\r\nGET /a";
    let (fine, cut) = ("GET /b HTTP/1.1\r\nhost: x\r\n\r\n", "GET /c# HTTP/1.1\r\nhost: x\r\n\r\n");
    for (sent, answered) in [
        (format!("{fine}{cut}{fine}"), (1, 1)),
        (format!("{fine}{fine}{cut}"), (2, 1)),
        // Whether the line is the body's or the next request's is not told apart: the socket closes.
        (format!("{post}{fine}{cut}{fine}"), (1, 0)),
    ] {
        let told = rest(&mut say(t.address, &sent).await).await;
        assert_eq!(
            (told.matches(" 200 ").count(), told.matches(" 400 ").count()),
            answered,
            "{sent}: {told}"
        );
    }
}

type Http2 = hyper::client::conn::http2::SendRequest<http_body_util::Empty<Bytes>>;

async fn http2(address: SocketAddr) -> Http2 {
    let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    sender
}

async fn status(sender: &mut Http2, path: &str, headers: &[(&str, &str)]) -> u16 {
    answered(sender, path, headers).await.expect("an answer")
}

async fn answered(sender: &mut Http2, path: &str, headers: &[(&str, &str)]) -> hyper::Result<u16> {
    let mut request = Request::builder().uri(format!("http://x{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(http_body_util::Empty::new()).unwrap();
    Ok(sender.send_request(request).await?.status().as_u16())
}

/// Whether the next call is refused in the way that says that nothing was done.
async fn is_refused(sender: &mut Http2) -> bool {
    let refused = answered(sender, "/", &[]).await.expect_err("there is no room");
    let reason =
        std::error::Error::source(&refused).and_then(|why| why.downcast_ref::<h2::Error>()?.reason());
    reason == Some(h2::Reason::REFUSED_STREAM)
}

#[tokio::test]
async fn in_http2_the_same_is_refused_and_the_socket_goes_on() {
    let t = served(4).await;
    let mut sender = http2(t.address).await;
    for (headers, expected) in [
        (&[][..], 200),
        (&[("host", "x")], 200),
        (&[("host", "y")], 400),
        (&[("host", "x"), ("host", "x")], 400),
        (&[("content-length", "0"), ("content-length", "0")], 400),
        (&[], 200),
    ] {
        assert_eq!(status(&mut sender, "/", headers).await, expected, "{headers:?}");
    }
}

#[tokio::test]
async fn all_sockets_of_http2_together_carry_only_so_many_calls() {
    let t = served(3).await;
    let (mut one, mut other) = (http2(t.address).await, http2(t.address).await);
    let mut open = Vec::new();
    for at_once in 1..=3 {
        let mut one = one.clone();
        open.push(tokio::spawn(async move { status(&mut one, "/never", &[]).await }));
        while t.crowd.streams().open() < at_once {
            tokio::task::yield_now().await;
        }
    }
    assert!(is_refused(&mut other).await && is_refused(&mut one).await);
    for call in open {
        assert!(!call.is_finished(), "those that are open go on");
        call.abort();
    }
    while t.crowd.streams().open() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(status(&mut other, "/", &[]).await, 200);
}

#[tokio::test]
async fn a_client_of_http2_is_told_how_many_streams_it_may_open() {
    let t = served(1).await;
    let mut socket = TcpStream::connect(t.address).await.unwrap();
    socket.write_all(PREFACE.as_bytes()).await.unwrap();
    let mut settings = [0; 9 + 6 * 3];
    socket.read_exact(&mut settings).await.unwrap();
    let told = settings[9..].chunks(6).find(|setting| setting[..2] == [0, 3]).expect("it is among the first");
    assert_eq!(told[2..], STREAMS_MAX.to_be_bytes());
}

/// Behind a proxy the next call on the socket is somebody else's: it was once refused for what an earlier body had said.
#[tokio::test(start_paused = true)]
async fn what_a_body_says_is_not_held_against_the_next_call() {
    let served = served(8).await;
    let body = "GET /next#\n";
    let post = format!("POST /body HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let mut socket = say(served.address, &post).await;
    let answer = rest(&mut socket).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("connection: close"), "{answer}");
    let plain = post.replace('#', "-");
    let mut socket =
        say(served.address, &format!("{plain}GET /next HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"))
            .await;
    assert_eq!(rest(&mut socket).await.matches("HTTP/1.1 200").count(), 2, "others keep theirs");
}
