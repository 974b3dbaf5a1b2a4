//! A server that answers what it likes: nothing of it steers the operator's terminal, and what is no gateway is told as that.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::Output;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::{run, stderr, stdout, vestibule};

/// Escape sequences, a title change, a C1 control, a reversed line, what nobody sees, and a forged line.
const HOSTILE: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m\u{7f}\u{202e}fdp.exe\u{2066}\u{200b}\u{2028}\r\nvestibule: all is well";

/// A key of the right form.
fn key() -> String {
    format!("vst_app_{}_{}", "0".repeat(32), "a".repeat(43))
}

/// A server that gives the same answer to every request; its address, and what it was asked.
fn serve(status: &str, headers: &str, body: &str) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let answer = format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let asked = Arc::new(Mutex::new(Vec::new()));
    let written = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut buffer = [0; 4096];
            let read = stream.read(&mut buffer).unwrap_or(0);
            let line = String::from_utf8_lossy(&buffer[..read]).lines().next().unwrap_or_default().to_owned();
            written.lock().expect("whole").push(line);
            // The other side may have gone.
            let _gone = stream.write_all(answer.as_bytes());
        }
    });
    (url, asked)
}

fn call(url: &str, args: &[&str]) -> Output {
    vestibule(args).env("VESTIBULE_URL", url).env("VESTIBULE_API_KEY", key()).output().expect("it starts")
}

/// Whether bytes hold anything but printable text and line ends.
fn steers(bytes: &[u8]) -> bool {
    String::from_utf8_lossy(bytes).chars().any(|c| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{200b}' | '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    })
}

const JSON: &str = "content-type: application/json\r\n";

fn connection() -> Value {
    json!({
        "id": "con_1", "integration": HOSTILE, "end_user": null, "state": "active", "reason": HOSTILE,
        "shared_grant": false,
        "workspace": {"id": "w", "name": format!("株式会社 {HOSTILE}")}, "owner": {"name": HOSTILE, "email": HOSTILE},
        "bot_id": HOSTILE, "created_at": HOSTILE, "last_used_at": HOSTILE,
    })
}

#[test]
fn nothing_that_a_server_answers_steers_the_terminal() {
    let one = connection();
    let bodies = [
        ("400 Bad Request", json!({"detail": HOSTILE, "code": HOSTILE})),
        ("401 Unauthorized", json!({"message": HOSTILE})),
        ("404 Not Found", json!({"object": "error", "message": HOSTILE})),
        ("200 OK", one.clone()),
        ("200 OK", json!({"data": [one], "next_cursor": null})),
    ];
    let commands: [&[&str]; 7] = [
        &["connections", "list"],
        &["connections", "list", "--output", "json"],
        &["connections", "show", "con_1"],
        &["connections", "show", "con_1", "--output", "json"],
        &["connections", "disconnect", "con_1"],
        &["connections", "erase", "--end-user", HOSTILE],
        &["connections", "erase", "--end-user", HOSTILE, "--yes"],
    ];
    for (status, body) in bodies {
        let (url, _) = serve(status, JSON, &body.to_string());
        for args in commands {
            let output = call(&url, args);
            assert!(!steers(&output.stdout), "{args:?} {status}: {:?}", stdout(&output));
            assert!(!steers(&output.stderr), "{args:?} {status}: {:?}", stderr(&output));
            // A line that the server made up stands on no line of its own.
            let forged = |text: String| text.lines().any(|line| line.starts_with("vestibule: all is well"));
            assert!(!forged(stdout(&output)) && !forged(stderr(&output)), "{args:?} {status}");
        }
    }
    // The escapes of JSON are the same value to a program.
    let (url, _) = serve("200 OK", JSON, &connection().to_string());
    let shown: Value =
        serde_json::from_str(&stdout(&call(&url, &["connections", "show", "con_1", "--output", "json"])))
            .expect("JSON");
    assert_eq!(shown["reason"], HOSTILE);
}

#[test]
fn what_others_put_into_headers_files_and_arguments_is_shown_harmlessly() {
    // A redirect's address; a verify target; a name on the command line; a configuration and a seed that quote themselves.
    let (url, _) = serve("302 Found", "location: http://x/\u{9b}31m\r\n", "");
    assert!(!steers(&call(&url, &["connections", "list"]).stderr));
    let argument = run(&["connections", "list", "--no\u{1b}[2J"]);
    assert!(!steers(&argument.stderr), "{:?}", stderr(&argument));
    assert_eq!(argument.status.code(), Some(2));
    let folder = tempfile::TempDir::new().expect("a folder");
    let file = folder.path().join("odd\u{1b}[2J.toml");
    std::fs::write(&file, format!("[server]\npublic_url = \"\u{1b}[2J{}\n", '\u{202e}')).expect("written");
    let name = file.display().to_string();
    for args in [["serve", "--config", &name], ["doctor", "--config", &name], ["emulate", "--seed", &name]] {
        let output = run(&args);
        assert!(!output.status.success(), "{args:?}");
        assert!(!steers(&output.stdout) && !steers(&output.stderr), "{args:?} {:?}", stderr(&output));
    }
}

#[test]
fn what_is_no_gateway_is_told_as_what_it_is() {
    let cases = [
        ("200 OK", "content-type: text/html\r\n", "<html>hello</html>", "a web page"),
        ("404 Not Found", "content-type: text/html\r\n", "<h1>404</h1>", "not the gateway's API"),
        ("404 Not Found", "", "", "not the gateway's API"),
        ("502 Bad Gateway", "content-type: text/html\r\n", "<h1>502</h1>", "a proxy is there"),
        (
            "301 Moved Permanently",
            "location: https://connect.example.com/\r\n",
            "",
            "redirects to https://connect.example.com/",
        ),
        (
            "401 Unauthorized",
            JSON,
            r#"{"object":"error","message":"API token is invalid."}"#,
            "offline Notion",
        ),
        (
            "401 Unauthorized",
            JSON,
            r#"{"detail":"the key is not valid","code":"key_invalid"}"#,
            "the key is not valid",
        ),
    ];
    for (status, headers, body, expected) in cases {
        let (url, _) = serve(status, headers, body);
        let output = call(&url, &["connections", "list"]);
        assert_eq!(output.status.code(), Some(1), "{status}");
        assert!(stderr(&output).contains(expected), "{status}: {}", stderr(&output));
    }
    // A trailing slash is nobody's mistake.
    let (url, asked) = serve("200 OK", JSON, r#"{"data":[],"next_cursor":null}"#);
    assert_eq!(stdout(&call(&format!("{url}/"), &["connections", "list"])), "No connections.\n");
    assert!(asked.lock().expect("whole").iter().all(|line| line.starts_with("GET /api/connections")));
    // TLS where there is none, and nobody at all.
    let secure = url.replace("http:", "https:");
    assert!(stderr(&call(&secure, &["connections", "list"])).contains("does not speak TLS"));
    let gone = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        format!("http://{}", listener.local_addr().expect("an address"))
    };
    assert!(stderr(&call(&gone, &["connections", "list"])).contains("nothing listens at"));
}

#[test]
fn a_url_or_key_that_is_none_is_told_with_an_example_and_both_at_once() {
    for url in ["foo", "localhost:8470", "ftp://x", "http://", "", "http://x/?a=b", "http://user:secret@x/"] {
        let output = call(url, &["connections", "list"]);
        assert_eq!(output.status.code(), Some(2), "{url:?}: {}", stderr(&output));
        assert!(
            stderr(&output).contains("VESTIBULE_URL") && stderr(&output).contains("http://127.0.0.1:8470"),
            "{url:?}"
        );
        assert!(!stderr(&output).contains("secret"), "{url:?}");
    }
    assert!(
        stderr(&call("localhost:8470", &["connections", "list"])).contains("http:// or https:// is missing")
    );
    let with_key = |key: &str| {
        vestibule(&["connections", "list", "--url", "foo"])
            .env("VESTIBULE_API_KEY", key)
            .output()
            .expect("it starts")
    };
    for (key, expected) in [
        ("", "is empty"),
        ("ntn_123", "no key of Vestibule's"),
        ("vst_con_x", "a connection key"),
        ("vst_secret_x", "an app secret"),
        ("vst_app_a\nb", "a line end"),
    ] {
        let told = stderr(&with_key(key));
        assert!(told.contains(expected) && told.contains("is no URL"), "{key:?}: {told}");
        assert!(key.is_empty() || !told.contains(&key[key.len() - 3..]), "the key is not shown: {told}");
    }
    // A line end after the key comes from `$(cat key)` in other shells' clothes: it is no part of it.
    let (url, _) = serve("200 OK", JSON, r#"{"data":[],"next_cursor":null}"#);
    let output = vestibule(&["connections", "list", "--url", &url])
        .env("VESTIBULE_API_KEY", format!("{}\n", key()))
        .output()
        .expect("it starts");
    assert!(output.status.success(), "{}", stderr(&output));
}

#[test]
fn erase_says_what_is_lost_and_erases_nothing_unasked() {
    let body = json!({
        "data": [{"id": "con_1", "end_user": "user-7", "workspace": {"name": "Northwind Studio"}, "owner": {"name": "Ada"}}],
        "next_cursor": null, "connections": 1, "keys": 2, "attempts": 3, "connect_sessions": 4,
        "authorizations_ended": 1, "authorizations_shared": 0, "consents_dropped": 0,
    });
    let (url, asked) = serve("200 OK", JSON, &body.to_string());
    let erased = || {
        let asked = asked.lock().expect("whole");
        asked.iter().any(|line| line.starts_with("DELETE /api/connections?end_user=user%2D7 "))
    };
    let unasked = call(&url, &["connections", "erase", "--end-user", "user-7"]);
    assert_eq!(unasked.status.code(), Some(2));
    let told = stderr(&unasked);
    assert!(
        ["user-7", "con_1", "Northwind Studio", "--yes"].iter().all(|part| told.contains(part)),
        "{told}"
    );
    assert!(!erased());
    let done = call(&url, &["connections", "erase", "--end-user", "user-7", "--yes"]);
    assert!(done.status.success() && erased(), "{}", stderr(&done));
    assert!(
        stdout(&done).contains("1 connections, 2 keys, 3 attempts, 4 connect sessions"),
        "{}",
        stdout(&done)
    );
    let done = call(&url, &["connections", "erase", "--end-user", "user-7", "--yes", "--output", "json"]);
    assert_eq!(serde_json::from_str::<Value>(&stdout(&done)).expect("JSON")["keys"], 2);
    assert_eq!(call(&url, &["connections", "erase", "--yes"]).status.code(), Some(2), "whom?");
}

#[test]
fn disconnect_names_whose_it_is_and_ends_nothing_unasked() {
    let one = json!({
        "id": "con_1", "end_user": null, "state": "active", "shared_grant": false,
        "workspace": {"id": "w-1", "name": "Northwind Studio"}, "owner": {"id": "o-1", "name": null, "email": "ada@example.com"},
    });
    let (url, asked) = serve("200 OK", JSON, &one.to_string());
    let ended = || asked.lock().expect("whole").iter().any(|line| line.starts_with("DELETE"));
    let unasked = call(&url, &["connections", "disconnect", "con_1"]);
    assert_eq!(unasked.status.code(), Some(2));
    let told = stderr(&unasked);
    assert!(
        ["Northwind Studio", "ada@example.com", "--yes"].iter().all(|part| told.contains(part)),
        "{told}"
    );
    assert!(!ended());
    // On a terminal it asks; anything but a yes is a no.
    let command = format!("{} connections disconnect con_1", env!("CARGO_BIN_EXE_vestibule"));
    let answered = |answer: &str| {
        let mut child = std::process::Command::new("script")
            .args(["-qec", &command, "/dev/null"])
            .env("VESTIBULE_URL", &url)
            .env("VESTIBULE_API_KEY", key())
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("`script` is there");
        child.stdin.take().expect("piped").write_all(answer.as_bytes()).expect("written");
        stdout(&child.wait_with_output().expect("it ends"))
    };
    let printed = answered("n\n");
    assert!(printed.contains("Disconnect con_1") && printed.contains("nothing was ended"), "{printed}");
    assert!(!ended());
    answered("y\n");
    assert!(ended());
    asked.lock().expect("whole").clear();
    assert!(call(&url, &["connections", "disconnect", "--yes", "con_1"]).status.success());
    assert!(ended());
    let (url, _) = serve("200 OK", JSON, &json!({"data": [one], "next_cursor": null}).to_string());
    let listed = stdout(&call(&url, &["connections", "list"]));
    assert!(
        listed.contains("Northwind Studio")
            && listed.contains("ada@example.com")
            && listed.contains("Notion-shaped")
    );
}
