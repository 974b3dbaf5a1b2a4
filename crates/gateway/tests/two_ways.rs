//! A call reaches the proxy by the short way (a listener of ours) or by a router (an app that mounts it): both answer the same.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{House, house};

/// What comes back: the status, and the body without what differs from call to call.
async fn answered(url: &str, request: &str) -> (String, String) {
    let mut socket = TcpStream::connect(url.trim_start_matches("http://")).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut read = String::new();
    let _closed = socket.read_to_string(&mut read).await;
    let (head, body) = read.split_once("\r\n\r\n").unwrap_or_default();
    let status = head.split("\r\n").next().unwrap_or_default().to_owned();
    let named = head.lines().filter(|line| line.starts_with("vestibule-request-id: ")).count();
    (format!("{status}, named {named} times"), without_ids(body))
}

fn without_ids(body: &str) -> String {
    body.split("\"request_id\"").next().unwrap_or_default().to_owned()
}

fn request(line: &str, headers: &str) -> String {
    format!("{line}\r\nHost: x\r\nConnection: close\r\n{headers}\r\n")
}

async fn hostile_calls(t: &House, id: &str) -> Vec<String> {
    let app = format!("Authorization: Bearer {}\r\nNotion-Version: 2025-09-03\r\n", t.app_key);
    let secret = format!("Authorization: Bearer {}\r\n", t.app_secret);
    let foreign = t.foreign_key(gateway::KeyKind::App).await;
    let foreign = format!("Authorization: Bearer {foreign}\r\n");
    let twice = format!("{app}{app}");
    let own = format!("/notion/{id}");
    let mut calls = Vec::new();
    for path in [
        "/v1/users/me",
        "/v1/users/../users/me",
        "/v1//users/me",
        "/v1/users/me?a=b",
        "/v1/%6Fauth/token",
        "/v1/OAUTH/token",
        "/v1/oauth",
        "/v1/users%2Fme",
        "/v1/users/%2e%2e/me",
        "/v1/%25%32%66",
        "/v1/users/me?q=\u{e9}",
        "/v1",
        "/v1/",
        "/V1/users",
    ] {
        calls.push(request(&format!("GET {own}{path} HTTP/1.1"), &app));
        calls.push(request(&format!("GET {path} HTTP/1.1"), &app));
    }
    for line in [
        format!("GET {own} HTTP/1.1"),
        format!("GET {own}/ HTTP/1.1"),
        format!("GET {own}/users/me HTTP/1.1"),
        "GET /notion/v1/users/me HTTP/1.1".to_owned(),
        "GET /notion/users/me HTTP/1.1".to_owned(),
        "GET /notion/con_none/v1/users/me HTTP/1.1".to_owned(),
        "GET /notion//v1/users/me HTTP/1.1".to_owned(),
        format!("GET /notion/{}/v1/users/me HTTP/1.1", id.replace('_', "%5F")),
        "GET /notion/%FF/v1/users/me HTTP/1.1".to_owned(),
        format!("GET http://x{own}/v1/users/me HTTP/1.1"),
        format!("TRACE {own}/v1/users/me HTTP/1.1"),
        format!("CONNECT {own}/v1/users/me HTTP/1.1"),
        format!("OPTIONS {own}/v1/users/me HTTP/1.1"),
        format!("GET {own}/v1/users/me HTTP/1.0"),
    ] {
        calls.push(request(&line, &app));
    }
    let line = format!("GET {own}/v1/users/me HTTP/1.1");
    for headers in [
        "",
        &secret,
        &foreign,
        &twice,
        "Authorization: Basic eDp5\r\n",
        "Authorization: Bearer ntn_x\r\n",
        "Authorization: Bearer vst_app_0_0\r\n",
    ] {
        calls.push(request(&line, headers));
    }
    for headers in [
        "Host: y\r\n",
        "Notion-Version: 2022-06-28\r\n",
        "Content-Type: a/b\r\nContent-Type: c/d\r\n",
        "Content-Length: 99999999\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Transfer-Encoding: gzip\r\n",
        "Upgrade: h2c\r\nConnection: Upgrade\r\n",
    ] {
        calls.push(request(&line, &format!("{app}{headers}")));
    }
    calls
}

#[tokio::test]
async fn the_short_way_and_the_router_answer_the_same() {
    let t = house().await;
    let id = t.connection("ada").await;
    let by_router = t.second_process().await;
    let calls = hostile_calls(&t, &id).await;
    let mut kinds = std::collections::BTreeSet::new();
    for call in &calls {
        let (short, long) = (answered(&t.url, call).await, answered(&by_router, call).await);
        assert_eq!(short, long, "{call}");
        kinds.insert(short.0);
    }
    assert!(kinds.len() >= 6, "they are of many kinds: {kinds:?}");
}
