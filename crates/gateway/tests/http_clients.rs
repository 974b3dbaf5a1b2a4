//! What clients and hosts send that a gateway has no use for, byte by byte; addresses that miss a door by a little; and whose
//! attempts are counted.

use std::time::Duration;

use axum::body::Bytes;
use axum::http::StatusCode;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{House, Plan, house};

/// Sends these heads one after another on one socket; the status of each answer. Bodies are read by their length or chunks.
async fn on_one_socket(t: &House, requests: &[String]) -> Vec<u16> {
    let mut socket = TcpStream::connect(t.url.trim_start_matches("http://")).await.unwrap();
    let mut statuses = Vec::new();
    for request in requests {
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut read = Vec::new();
        while !is_whole(&read) {
            let mut piece = [0; 4096];
            let count = socket.read(&mut piece).await.unwrap();
            if count == 0 {
                break;
            }
            read.extend_from_slice(&piece[..count]);
        }
        let text = String::from_utf8_lossy(&read).into_owned();
        let text = text.strip_prefix("HTTP/1.1 100 Continue\r\n\r\n").unwrap_or(&text);
        statuses.push(text.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_default());
    }
    statuses
}

fn is_whole(read: &[u8]) -> bool {
    let text = String::from_utf8_lossy(read);
    let text = text.strip_prefix("HTTP/1.1 100 Continue\r\n\r\n").unwrap_or(&text);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let head = head.to_ascii_lowercase();
    let length = head
        .split("content-length: ")
        .nth(1)
        .and_then(|rest| rest.split("\r\n").next()?.parse::<usize>().ok());
    match length {
        Some(length) => body.len() >= length,
        None => body.ends_with("0\r\n\r\n"),
    }
}

/// Each client's headers as it sends them when nobody changed a setting.
const OFFERS: [(&str, &str); 9] = [
    (
        "the JDK",
        "Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\nUpgrade: h2c\r\nUser-Agent: Java-http-client/17.0.17",
    ),
    (
        "curl --http2",
        "User-Agent: curl/7.88.1\r\nAccept: */*\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA",
    ),
    (
        ".NET",
        "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00\r\nAccept-Encoding: gzip, deflate, br",
    ),
    ("a browser's web socket", "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13"),
    ("Ruby", "Accept-Encoding: gzip;q=1.0,deflate;q=0.6,identity;q=0.3\r\nAccept: */*\r\nUser-Agent: Ruby"),
    ("Perl", "TE: deflate,gzip;q=0.3\r\nConnection: TE\r\nUser-Agent: libwww-perl/6.68"),
    (
        "undici",
        "connection: keep-alive\r\naccept: */*\r\naccept-language: *\r\nsec-fetch-mode: cors\r\naccept-encoding: gzip, deflate",
    ),
    (
        "a length of nothing",
        "Content-Length: 0\r\nKeep-Alive: timeout=5, max=100\r\nProxy-Connection: keep-alive",
    ),
    (
        "an upgrade to TLS",
        "Upgrade: TLS/1.2, HTTP/2.0\r\nConnection: upgrade\r\nUpgrade-Insecure-Requests: 1",
    ),
];

#[tokio::test]
async fn what_clients_offer_is_ignored_at_both_doors_and_the_socket_goes_on() {
    let t = house().await;
    let (id, host) = (t.connection("u").await, t.url.trim_start_matches("http://").to_owned());
    let key = t.notion_shaped().await["access_token"].as_str().unwrap().to_owned();
    for (who, offer) in OFFERS {
        let get = |path: &str, key: &str| {
            format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n{offer}\r\n\r\n")
        };
        let post = |framing: &str| {
            format!(
                "POST /notion/{id}/v1/search HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n{}\r\n{framing}",
                t.app_key,
                offer.replace("Content-Length: 0\r\n", "")
            )
        };
        let all = [
            get("/v1/users/me", &key),
            get(&format!("/notion/{id}/v1/users/me"), &t.app_key),
            post("Content-Length: 2\r\n\r\n{}"),
            post("Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
            post("Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}"),
            get("/v1/users/me", &key),
        ];
        assert_eq!(on_one_socket(&t, &all).await, [200; 6], "{who}");
    }
}

#[tokio::test]
async fn http_1_0_is_answered_and_a_proxys_absolute_form_is_refused() {
    let t = house().await;
    let (id, host) = (t.connection("u").await, t.url.trim_start_matches("http://").to_owned());
    for (head, expected) in [
        (format!("GET /notion/{id}/v1/users/me HTTP/1.0\r\n"), 200),
        (format!("GET /notion/{id}/v1/users/me HTTP/1.0\r\nHost: {host}\r\nConnection: close\r\n"), 200),
        (
            format!(
                "GET http://{host}/notion/{id}/v1/users/me HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n"
            ),
            400,
        ),
    ] {
        let request = format!("{head}Authorization: Bearer {}\r\n\r\n", t.app_key);
        assert_eq!(on_one_socket(&t, &[request]).await, [expected], "{head}");
    }
}

/// The answer's kind and what it says.
async fn missed(t: &House, method: &str, path: &str) -> (StatusCode, String, String) {
    let bearer = format!("Bearer {}", t.app_key);
    let reply = t.send(method, path, &[("authorization", &bearer)], None).await;
    (reply.status, reply.header("content-type").to_owned(), reply.text())
}

#[tokio::test]
async fn an_address_that_misses_a_door_by_a_little_is_answered_in_its_shape() {
    let t = house().await;
    let id = t.connection("u").await;
    for (path, hint) in [
        ("//v1/users/me".to_owned(), "base URL end in a slash"),
        ("/v1//users/me".to_owned(), "base URL end in a slash"),
        (format!("//notion/{id}/v1/users/me"), "base URL end in a slash"),
        (format!("/notion/{id}//v1/users/me"), "base URL end in a slash"),
        (format!("/notion/{id}/users/me"), "/notion/{connection}"),
        ("/notion/v1/users/me".to_owned(), "connection's id is missing"),
        ("/users/me".to_owned(), "/v1/"),
        ("/V1/users/me".to_owned(), "small letters"),
        ("/v1".to_owned(), "ends too soon"),
        ("/v1/".to_owned(), "ends too soon"),
    ] {
        let (status, kind, body) = missed(&t, "GET", &path).await;
        // A connection key's door asks for the key first.
        let first = path.starts_with("/v1//");
        assert!(kind.starts_with("application/json"), "{path}: {kind}");
        assert!(body.contains("\"object\":\"error\""), "{path}: {body}");
        if !first {
            assert_eq!(status, StatusCode::BAD_REQUEST, "{path}: {body}");
            assert!(body.contains("invalid_request_url") && body.contains(hint), "{path}: {body}");
        }
    }
    for path in [
        "//api/connections",
        "/api/connections/",
        "/api/v1/connections",
        "/connections",
        "/api",
        "/API/events",
    ] {
        let (status, kind, body) = missed(&t, "GET", path).await;
        assert_eq!(
            (status, kind.as_str()),
            (StatusCode::NOT_FOUND, "application/problem+json"),
            "{path}: {body}"
        );
    }
    for path in
        ["//v1/oauth/token", "/v1/oauth/token/", "/oauth/token", "/v1/oauth/tokens", "/V1/oauth/revoke"]
    {
        let (status, kind, body) = missed(&t, "POST", path).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
        assert!(
            kind.starts_with("application/json") && body.contains("\"error\":\"invalid_request\""),
            "{path}: {body}"
        );
    }
    for path in ["//v1/oauth/authorize?client_id=x", "/v1/oauth/authorize/", "//connect/x", "/favicon.ico"] {
        let (status, kind, _) = missed(&t, "GET", path).await;
        assert_eq!((status, kind.as_str()), (StatusCode::NOT_FOUND, "text/html; charset=utf-8"), "{path}");
    }
}

#[tokio::test]
async fn a_slash_at_the_end_is_left_to_notion_which_takes_it() {
    let t = house().await;
    let id = t.connection("u").await;
    for path in ["users/", "users/me/", "users"] {
        let (status, _, body) = missed(&t, "GET", &format!("/notion/{id}/v1/{path}")).await;
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
    }
}

/// Opens the way in for anybody, forwarded for somebody; the status and when to come back.
async fn stranger(t: &House) -> (u16, String) {
    let headers = [("x-forwarded-for", "198.51.100.1")];
    let reply = t.browser().visit("GET", &t.authorize_url(&[]), &headers, Bytes::new()).await;
    (reply.status.as_u16(), reply.header("retry-after").to_owned())
}

#[tokio::test]
async fn strangers_never_use_up_what_the_apps_own_links_have_nor_the_other_way_round() {
    let config = Some((|config| config.attempts_per_address = 2) as fn(&mut gateway::Config));
    let t = House::build(Plan { config, ..Plan::default() }).await;
    assert_eq!([stranger(&t).await.0, stranger(&t).await.0], [303, 303]);
    t.wait(Duration::from_mins(1));
    let (status, retry_after) = stranger(&t).await;
    assert_eq!(status, 429);
    let seconds: u64 = retry_after.parse().expect("whole seconds");
    assert!((1..=600).contains(&seconds), "{seconds}");
    for user in ["a", "b"] {
        let link = t.link(user).await;
        assert_eq!(t.browser().open(&link).await.status, StatusCode::SEE_OTHER);
    }
    let third = t.browser().open(&t.link("c").await).await;
    assert_eq!(third.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(!third.header("retry-after").is_empty());
    // What it said is true.
    t.wait(Duration::from_secs(seconds));
    assert_eq!(stranger(&t).await.0, 303);
    assert_eq!(t.browser().open(&t.link("d").await).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn one_link_asked_for_again_and_again_uses_up_nobody_elses_share() {
    let config = Some((|config| config.attempts_per_address = 7) as fn(&mut gateway::Config));
    let t = House::build(Plan { config, ..Plan::default() }).await;
    let (link, other) = (t.link("a").await, t.link("b").await);
    for _ in 0..5 {
        assert_eq!(t.browser().open(&link).await.status, StatusCode::SEE_OTHER);
    }
    // A link has five attempts. What is refused beyond them starts nothing, and counts for nothing.
    for _ in 0..10 {
        assert_eq!(t.browser().open(&link).await.status, StatusCode::TOO_MANY_REQUESTS);
    }
    for expected in [StatusCode::SEE_OTHER, StatusCode::SEE_OTHER, StatusCode::TOO_MANY_REQUESTS] {
        assert_eq!(t.browser().open(&other).await.status, expected);
    }
}

#[tokio::test]
async fn a_request_with_two_hosts_and_an_echo_are_refused() {
    let t = house().await;
    let path = format!("/notion/{}/v1/users/me", t.connection("u").await);
    let key = t.app_key.clone();
    let head = |method: &str, more: &str| {
        format!("{method} {path} HTTP/1.1\r\nhost: one\r\n{more}authorization: Bearer {key}\r\n\r\n")
    };
    let sent = [head("GET", ""), head("TRACE", ""), head("GET", "Host: two\r\n")];
    assert_eq!(on_one_socket(&t, &sent).await, [200, 405, 400]);
    assert_eq!(t.notion_calls("/v1/users/me"), 1, "neither went on to Notion");
}
