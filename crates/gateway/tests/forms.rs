//! Paths, headers and methods in every form: what Notion hears is byte for byte what is allowed, with one bearer, ours; or nothing.

use axum::body::Body;
use axum::http::Request;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use crate::framing::{Doors, check, filled, lines, say};

/// Below each door; whether Notion hears it, as it is.
const PATHS: [(&str, bool); 84] = [
    ("/v1/users/me", true),
    ("/v1/users", true),
    ("/v1/users/", true),
    ("/v1/users?page_size=1&start_cursor=a%2Fb", true),
    ("/v1/users?", true),
    ("/v1/users?a?b", true),
    ("/v1/users?a=%00%0d%0a;\\", true),
    ("/v1/users?filter_properties[]=%253A", true),
    ("/v1/pages/x/properties/%3BaB%5C", true),
    ("/v1/pages/x/properties/title", true),
    ("/v1/pages/x/properties/%25", true),
    ("/v1/pages/x/properties/%25%25", true),
    ("/v1/pages/x/properties/a%25zz", true),
    ("/v1/pages/x/properties/%F0%9F%98%80", true),
    ("/v1/pages/x/properties/-._~!$&'()*+,=:@", true),
    ("/v1/pages/x/properties/...", true),
    ("/v1/pages/x/properties/.a", true),
    ("/v1/pages/x/properties/a..", true),
    ("/v1/pages/x/properties/%3F%23", true),
    ("/v1/oauthx", true),
    ("/v1/oauth-x", true),
    ("/v1/x", true),
    ("/v1", false),
    ("/v1/", false),
    ("/v2/users", false),
    ("/V1/users", false),
    ("/x/v1/users", false),
    ("//v1/users", false),
    ("/v1//users", false),
    ("/v1/users//", false),
    ("/v1/users//me", false),
    ("/v1/.", false),
    ("/v1/..", false),
    ("/v1/../v1/users", false),
    ("/v1/./users", false),
    ("/v1/users/.", false),
    ("/v1/users/..", false),
    ("/v1/users/../../../x", false),
    ("/v1/users/%2e", false),
    ("/v1/users/%2E%2e/x", false),
    ("/v1/users/.%2e/x", false),
    ("/v1/users/%2e./x", false),
    ("/v1/users/..;/x", false),
    ("/v1/users/..%3B/x", false),
    ("/v1/users/..%3Ba=b/x", false),
    ("/v1/users/..%5Cx", false),
    ("/v1/users/%2e%2e%5c%2e%2e", false),
    ("/v1/users/..\\x", false),
    ("/v1/users\\me", false),
    ("/v1\\users", false),
    ("/v1/users;a=b", false),
    ("/v1/users/me;", false),
    ("/v1/users%2Fme", false),
    ("/v1/users%2fme", false),
    ("/v1/users/%252e%252e/x", false),
    ("/v1/users/%25252e", false),
    ("/v1/users/%2525252e", false),
    ("/v1/users/%25%32%65", false),
    ("/v1/users/%25%32%35%32%65", false),
    ("/v1/users/%2%65", false),
    ("/v1/users/%", false),
    ("/v1/users/%2", false),
    ("/v1/users/%zz", false),
    ("/v1/users/%u002e", false),
    ("/v1/users/%00", false),
    ("/v1/users/%0d%0aHost:%20y", false),
    ("/v1/users/%0a", false),
    ("/v1/users/%7F", false),
    ("/v1/users/%C0%AE%C0%AE/x", false),
    ("/v1/users/%c0%af", false),
    ("/v1/users/%E0%80%AE", false),
    ("/v1/users/%F0%80%80%AF", false),
    ("/v1/users/%ED%A0%80", false),
    ("/v1/users/%FF", false),
    ("/v1/users/\u{fc}", false),
    ("/v1/users/\"", false),
    ("/v1/users/{}", false),
    ("/v1/users/a|b^c`", false),
    ("/v1/users#", false),
    ("/v1/oauth/token", false),
    ("/v1/OAuth/token", false),
    ("/v1/o%61uth/token", false),
    ("/v1/oauth%3Bx/token", false),
    ("/v1/%6fauth/revoke", false),
];

#[tokio::test]
async fn only_paths_that_everybody_reads_alike_reach_notion_and_those_as_they_are() {
    let doors = Doors::open().await;
    for (path, passes) in PATHS {
        for door in &doors.both {
            let said = format!("GET {{P}}{path} HTTP/1.1\r\nHost: x\r\n{{A}}\r\nConnection: close\r\n\r\n");
            let told = say(TcpStream::connect(doors.address()).await.unwrap(), &filled(&said, door)).await;
            let heard = doors.tape.take();
            check(&heard, path);
            if passes {
                assert_eq!(lines(&heard), [(&*format!("GET {path} HTTP/1.1"), "")], "{told}");
            } else {
                assert_eq!(heard, [], "{path}: {told}");
                let status = told.get(9..12).unwrap_or_default();
                assert!(["400", "404", "405"].contains(&status), "{path}: {told}");
            }
        }
    }
}

/// Further headers of a GET, and what Notion hears of them: `None` if it is refused.
const HEADERS: [(&str, Option<&[(&str, &str)]>); 46] = [
    ("Accept: application/json", Some(&[("accept", "application/json")])),
    ("Accept: a\r\nAccept: b", Some(&[("accept", "a"), ("accept", "b")])),
    ("ACCEPT-ENCODING:gzip", Some(&[("accept-encoding", "gzip")])),
    ("User-Agent: x\t y ", Some(&[("user-agent", "x\t y")])),
    ("Content-Type: application/json", Some(&[("content-type", "application/json")])),
    ("Content-Encoding: gzip", Some(&[("content-encoding", "gzip")])),
    ("Notion-Version: 2022-06-28", Some(&[("notion-version", "2022-06-28")])),
    ("notion_version: 2022-06-28", Some(&[])),
    ("Accept_Encoding: gzip", Some(&[])),
    ("Cookie: a=b", Some(&[])),
    ("Set-Cookie: a=b", Some(&[])),
    ("Origin: https://evil.example\r\nReferer: https://evil.example", Some(&[])),
    ("X-Forwarded-For: 127.0.0.1\r\nX-Real-IP: 127.0.0.1", Some(&[])),
    ("X-Forwarded-Proto: https\r\nX-Forwarded-Port: 443", Some(&[])),
    ("X_Forwarded_For: 127.0.0.1", Some(&[])),
    ("Forwarded: for=127.0.0.1", Some(&[])),
    ("Via: 1.1 x", Some(&[])),
    ("X-Notion-Request-Id: x\r\nVestibule-Request-Id: x", Some(&[])),
    ("Authorization_: Bearer evil", Some(&[])),
    ("Proxy-Authorization: Bearer evil", Some(&[])),
    ("X-Authorization: Bearer evil\r\nX-Api-Key: evil", Some(&[])),
    ("WWW-Authenticate: Bearer", Some(&[])),
    ("Connection: Accept\r\nAccept: a", Some(&[])),
    ("Connection: close, Notion-Version\r\nNotion-Version: 2022-06-28", Some(&[])),
    ("Connection: authorization", Some(&[])),
    ("Connection: Host", Some(&[])),
    ("Connection: User-Agent ,accept\r\nUser-Agent: a\r\nAccept: b", Some(&[])),
    ("Keep-Alive: timeout=1\r\nProxy-Connection: keep-alive", Some(&[])),
    ("TE: trailers\r\nTrailer: Authorization", Some(&[])),
    ("Upgrade: websocket", Some(&[])),
    ("Expect: 100-continue", Some(&[])),
    ("If-None-Match: *\r\nIf-Modified-Since: x\r\nRange: bytes=0-1", Some(&[])),
    ("Cache-Control: no-cache\r\nPragma: no-cache", Some(&[])),
    ("Host_: y\r\nX-Host: y\r\nX-Forwarded-Host: y", Some(&[])),
    ("Baggage: secret=1\r\nX-B3-TraceId: 1", Some(&[])),
    (":authority: y", None),
    ("Authorization: Bearer evil", None),
    ("authorization: Basic eDp5", None),
    ("AUTHORIZATION:", None),
    ("Notion-Version: 2022-06-28\r\nNotion-Version: 2022-06-28", None),
    ("Content-Type: a/b\r\nCONTENT-TYPE: c/d", None),
    ("Accept : a", None),
    ("Accept: a\0", None),
    ("Accept: a\r\n b", None),
    ("Acc\u{e9}pt: a", None),
    ("Host: y", None),
];

#[tokio::test]
async fn only_headers_that_are_allowed_reach_notion_with_our_bearer_once() {
    let doors = Doors::open().await;
    for (headers, expected) in HEADERS {
        for door in &doors.both {
            let said = format!(
                "GET {{P}}/v1/users HTTP/1.1\r\n{headers}\r\nHost: x\r\n{{A}}\r\nConnection: close\r\n\r\n"
            );
            let told = say(TcpStream::connect(doors.address()).await.unwrap(), &filled(&said, door)).await;
            let heard = doors.tape.take();
            check(&heard, headers);
            let Some(expected) = expected else {
                assert_eq!(heard, [], "{headers}: {told}");
                assert!(["400", "401"].contains(&told.get(9..12).unwrap_or_default()), "{headers}: {told}");
                continue;
            };
            assert_eq!(heard.len(), 1, "{headers}: {told}");
            let ours = |name: &str| ["authorization", "host"].contains(&name);
            let mut passed: Vec<(&str, &str)> = heard[0].headers.iter().map(|(n, v)| (&**n, &**v)).collect();
            passed.retain(|(name, value)| !ours(name) && (*name, *value) != ("notion-version", "2025-09-03"));
            assert_eq!(passed, expected, "{headers}");
        }
    }
}

/// Which of these Notion hears.
const METHODS: [(&str, bool); 22] = [
    ("GET", true),
    ("HEAD", true),
    ("POST", true),
    ("PATCH", true),
    ("DELETE", true),
    ("PUT", false),
    ("OPTIONS", false),
    ("TRACE", false),
    ("TRACK", false),
    ("CONNECT", false),
    ("DEBUG", false),
    ("PURGE", false),
    ("PROPFIND", false),
    ("MKCOL", false),
    ("SEARCH", false),
    ("LINK", false),
    ("QUERY", false),
    ("get", false),
    ("Get", false),
    ("GETT", false),
    ("X", false),
    ("POST!", false),
];

const ALLOWED: &str = "allow: GET, HEAD, POST, PATCH, DELETE\r\n";

#[tokio::test]
async fn only_methods_that_notion_has_are_forwarded_and_the_others_are_told_which_those_are() {
    let doors = Doors::open().await;
    let by_router = doors.t.second_process().await;
    for address in [doors.address(), by_router.trim_start_matches("http://")] {
        for (method, passes) in METHODS {
            for door in &doors.both {
                let said = format!(
                    "{method} {{P}}/v1/users HTTP/1.1\r\nHost: x\r\n{{A}}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                );
                let told = say(TcpStream::connect(address).await.unwrap(), &filled(&said, door)).await;
                let heard = doors.tape.take();
                if passes {
                    assert_eq!(lines(&heard), [(&*format!("{method} /v1/users HTTP/1.1"), "")], "{told}");
                    continue;
                }
                assert_eq!(heard, [], "{method}");
                assert!(told.starts_with("HTTP/1.1 405 ") && told.contains(ALLOWED), "{method}: {told}");
                let code = "\"vestibule_code\":\"method_not_allowed\"";
                assert!(told.contains("\"object\":\"error\"") && told.contains(code), "{method}: {told}");
            }
        }
        let tunnel = "CONNECT api.notion.com:443 HTTP/1.1\r\nHost: api.notion.com:443\r\n\r\n";
        let told =
            say(TcpStream::connect(address).await.unwrap(), &format!("{tunnel}GET / HTTP/1.1\r\n\r\n")).await;
        assert!(told.starts_with("HTTP/1.1 405 ") && told.contains(ALLOWED), "{told}");
    }
}

#[tokio::test]
async fn where_calls_are_our_own_a_wrong_method_is_told_the_right_ones_too() {
    let doors = Doors::open().await;
    for (line, allowed) in [
        ("PUT /api/connections", "GET,HEAD,POST,DELETE"),
        ("TRACE /api/connections/con_x", "GET,HEAD,PATCH,DELETE"),
        ("GET /v1/oauth/token", "POST"),
        ("BREW /v1/oauth/revoke", "POST"),
        ("POST /v1/oauth/authorize", "GET,HEAD"),
        ("TRACE /connect/x", "GET,HEAD"),
    ] {
        let said = format!("{line} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        let told = say(TcpStream::connect(doors.address()).await.unwrap(), &said).await;
        assert!(told.starts_with("HTTP/1.1 405 "), "{line}: {told}");
        assert!(told.contains(&format!("allow: {allowed}\r\n")), "{line}: {told}");
    }
}

#[tokio::test]
async fn in_http2_notion_hears_one_length_of_the_body_that_was_sent_and_one_host() {
    let doors = Doors::open().await;
    let stream = TokioIo::new(TcpStream::connect(doors.address()).await.unwrap());
    let (mut sender, socket) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(socket);
    let (prefix, key) = doors.both[0].clone();
    for (method, headers, expected) in [
        ("POST", &[("content-length", "2")][..], 200),
        ("POST", &[("host", "x")], 200),
        ("POST", &[("content-length", "2"), ("content-length", "2")], 400),
        ("POST", &[("host", "y")], 400),
        ("TRACE", &[], 405),
        ("TRACK", &[], 405),
        ("PUT", &[], 405),
    ] {
        let mut request = Request::builder().method(method).uri(format!("http://x{prefix}/v1/search"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request =
            request.header("authorization", format!("Bearer {key}")).body(Body::from("{}")).unwrap();
        let answer = sender.send_request(request).await.unwrap();
        assert_eq!(answer.status(), expected, "{method} {headers:?}");
        let heard = doors.tape.take();
        check(&heard, method);
        if expected == 200 {
            assert_eq!(lines(&heard), [("POST /v1/search HTTP/1.1", "{}")]);
            assert_eq!(heard[0].all("content-length"), ["2"]);
        } else {
            assert_eq!(heard, [], "{method} {headers:?}");
        }
    }
}
