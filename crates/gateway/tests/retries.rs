//! What is sent again, how often, and what never is.

use std::time::Duration;

use axum::http::StatusCode;

use crate::framing::Doors;
use crate::support::Reply;

const LATER: &str = "retry-after: 1\r\n";

/// One call on the first door; time passes while it waits.
async fn call(doors: &Doors, method: &str, headers: &[(&str, &str)]) -> Reply {
    let (prefix, key) = &doors.both[0];
    let bearer = format!("Bearer {key}");
    let mut all = vec![("authorization", bearer.as_str())];
    all.extend(headers);
    let body = ["POST", "PATCH"].contains(&method).then(|| serde_json::json!({}));
    let path = format!("{prefix}/v1/blocks/x");
    doors.t.passing(Duration::from_secs(30), doors.t.send(method, &path, &all, body)).await
}

#[tokio::test]
async fn a_fault_is_met_with_one_repeat_of_what_changes_nothing_twice() {
    let doors = Doors::open().await;
    for status in [500, 502, 503, 504, 0] {
        for (method, sent) in [("GET", 2), ("HEAD", 2), ("DELETE", 2), ("POST", 1), ("PATCH", 1)] {
            // Twice, so that whatever was asked once more too often would show.
            doors.tape.then(status, "", "{}");
            doors.tape.then(status, "", "{}");
            let reply = call(&doors, method, &[]).await;
            let expected = if status == 0 { 504 } else { status };
            assert_eq!(reply.status, expected, "{method} {status}");
            assert_eq!(doors.tape.take().len(), sent, "{method} {status}");
            while sent == 1
                && call(&doors, "GET", &[("vestibule-retries", "0")]).await.status != StatusCode::OK
            {
            }
            doors.tape.take();
        }
    }
    doors.tape.then(503, "", "{}");
    assert_eq!(call(&doors, "GET", &[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_limit_is_waited_out_as_notion_says_whatever_the_method() {
    let doors = Doors::open().await;
    for status in [429, 529] {
        for method in ["GET", "DELETE", "POST", "PATCH"] {
            doors.tape.then(status, LATER, "{}");
            doors.tape.then(status, LATER, "{}");
            assert_eq!(call(&doors, method, &[]).await.status, StatusCode::OK, "{method} {status}");
            assert_eq!(doors.tape.take().len(), 3, "{method} {status}");
        }
    }
    for status in [400, 403, 404, 409, 501, 505] {
        doors.tape.then(status, LATER, "{}");
        assert_eq!(call(&doors, "GET", &[]).await.status, status);
        assert_eq!(doors.tape.take().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn a_callers_own_number_can_only_lower_ours() {
    let doors = Doors::open().await;
    for (said, after_503, after_429) in [
        ("0", 1, 1),
        ("1", 2, 2),
        ("2", 2, 3),
        ("99", 2, 6),
        (" 1 ", 2, 2),
        ("many", 1, 1),
        ("-1", 1, 1),
        ("", 1, 1),
    ] {
        for (status, sent) in [(503, after_503), (429, after_429)] {
            (0..sent).for_each(|_| doors.tape.then(status, LATER, "{}"));
            assert_eq!(
                call(&doors, "GET", &[("vestibule-retries", said)]).await.status,
                status,
                "{said:?} {status}"
            );
            let heard = doors.tape.take();
            assert_eq!(heard.len(), sent, "{said:?} {status}");
            assert!(heard.iter().all(|request| request.all("vestibule-retries").is_empty()), "it is for us");
            doors.t.wait(Duration::from_secs(2));
        }
    }
}

#[tokio::test]
async fn when_every_call_fails_not_every_call_is_repeated() {
    let adjust: fn(&mut gateway::Integration) = |integration| integration.requests_per_minute = 100;
    let doors = Doors::with(adjust).await;
    for _ in 0..60 {
        doors.tape.then(503, "", "{}");
    }
    for _ in 0..30 {
        assert_eq!(call(&doors, "GET", &[]).await.status, StatusCode::SERVICE_UNAVAILABLE);
    }
    assert_eq!(doors.tape.take().len(), 30 + 10, "a tenth of a minute's calls");
}

#[tokio::test]
async fn what_notion_says_of_a_write_that_may_be_done_comes_through_to_the_byte() {
    const TOLD: &str = r#"{"object":"error","status":503,"code":"service_unavailable","message":"x","additional_data":{"retry_guidance":["The write was saved.","Do not repeat the write."],"committed_resource_id":"5f0c","committed_child_ids":["a","b"],"from":"y","elapsed_ms":56001,"deadline_ms":55000},"request_id":"r"}"#;
    let doors = Doors::open().await;
    for method in ["POST", "PATCH"] {
        doors.tape.then(503, "retry-after: 7\r\nx-notion-request-id: r\r\n", TOLD);
        let reply = call(&doors, method, &[]).await;
        assert_eq!((reply.status, reply.text().as_str()), (StatusCode::SERVICE_UNAVAILABLE, TOLD));
        assert_eq!((reply.header("retry-after"), reply.header("x-notion-request-id")), ("7", "r"));
        assert_eq!(doors.tape.take().len(), 1);
    }
}
