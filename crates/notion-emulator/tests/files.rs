//! Files: announced, sent up and fetched again, byte for byte; attached where files may stand; over after an hour.

use std::time::Duration;

use axum::http::StatusCode;
use notion_emulator::{Capabilities, Options, Seed, Switches};
use serde_json::{Value, json};

use crate::support::{Notion, Reply, VERSION, notion, notion_from, text, with};

mod custom_emojis;

const MEBI: usize = 1024 * 1024;

/// A form with a file, and the number of the part if there is one.
fn form(name: &str, content_type: &str, data: &[u8], part: Option<&str>) -> Vec<u8> {
    let mut body = Vec::new();
    if let Some(part) = part {
        body.extend(b"--line\r\nContent-Disposition: form-data; name=\"part_number\"\r\n\r\n");
        body.extend(part.as_bytes());
        body.extend(b"\r\n");
    }
    let head = format!("--line\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n");
    body.extend(head.as_bytes());
    body.extend(format!("Content-Type: {content_type}\r\n\r\n").as_bytes());
    body.extend(data);
    body.extend(b"\r\n--line--\r\n");
    body
}

/// Sends a form to where the upload says that it should go.
async fn send(n: &Notion, token: &str, upload: &Value, form: Vec<u8>) -> Reply {
    let path = format!("/v1/file_uploads/{}/send", text(upload, "id"));
    let bearer = format!("Bearer {token}");
    let headers = [
        ("authorization", bearer.as_str()),
        ("notion-version", VERSION),
        ("content-type", "multipart/form-data; boundary=line"),
    ];
    n.send_bytes("POST", &path, &headers, form).await.expect("an answer")
}

async fn sent(n: &Notion, upload: &Value, form: Vec<u8>) -> Value {
    let reply = send(n, &n.running.emulator.internal_token(), upload, form).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    reply.json()
}

async fn announced(n: &Notion, body: Value) -> Value {
    n.ok("POST", "file_uploads", Some(body)).await
}

/// A whole file that waits to be attached.
async fn uploaded(n: &Notion, name: &str, content_type: &str, data: &[u8]) -> String {
    let upload = announced(n, json!({"filename": name, "content_type": content_type})).await;
    text(&sent(n, &upload, form(name, content_type, data, None)).await, "id")
}

fn attached(id: &str) -> Value {
    json!({"type": "file_upload", "file_upload": {"id": id}})
}

/// Fetches the file behind a signed address.
async fn fetch(n: &Notion, url: &str) -> Reply {
    let path = url.strip_prefix(&n.running.url).unwrap_or_else(|| panic!("{url} leads elsewhere"));
    n.send("GET", path, &[], String::new()).await.expect("an answer")
}

async fn refused(n: &Notion, method: &str, path: &str, body: Option<Value>) -> (String, String) {
    let reply = n.call(&n.running.emulator.internal_token(), method, path, body).await;
    (reply.refusal(), text(&reply.json(), "message"))
}

fn keys(of: &Value) -> Vec<&str> {
    of.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[tokio::test]
async fn a_small_file_goes_up_is_attached_and_comes_down_again() {
    let n = notion().await;
    let announcement = json!({"mode": "single_part", "filename": "note.txt", "content_type": "text/plain"});
    let upload = announced(&n, announcement).await;
    let recorded = "object id created_time created_by last_edited_time expiry_time upload_url in_trash status filename \
                    content_type content_length archived request_id";
    assert_eq!(keys(&upload), recorded.split_whitespace().collect::<Vec<_>>());
    let id = text(&upload, "id");
    assert_eq!(upload["upload_url"], format!("{}/v1/file_uploads/{id}/send", n.running.url));
    assert_eq!((&id[24..28], &upload["created_by"]["type"]), ("00b2", &json!("bot")));
    let after = sent(&n, &upload, form("other.txt", "text/plain", b"Hello, file", None)).await;
    assert_eq!((after["status"].clone(), after["content_length"].clone()), (json!("uploaded"), json!(11)));
    assert_eq!((after["filename"].clone(), after["upload_url"].is_null()), (json!("note.txt"), true));
    let root = n.running.emulator.root_page_id();
    let children = json!({"children": [{"file": attached(&id)}]});
    let blocks = n.ok("PATCH", &format!("blocks/{root}/children"), Some(children)).await;
    let file = &blocks["results"][0]["file"];
    assert_eq!(keys(file), ["caption", "type", "file", "name"]);
    assert_eq!((file["type"].clone(), file["name"].clone()), (json!("file"), json!("note.txt")));
    let reply = fetch(&n, &text(&file["file"], "url")).await;
    assert_eq!((reply.status, reply.text().as_str()), (StatusCode::OK, "Hello, file"));
    let header = |name: &str| reply.headers[name].to_str().expect("text").to_owned();
    assert_eq!(header("content-type"), "text/plain");
    assert_eq!(header("content-length"), "11");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert!(header("content-disposition").starts_with("attachment"));
    assert!(n.ok("GET", &format!("file_uploads/{id}"), None).await["expiry_time"].is_null(), "it stays");
}

#[tokio::test]
async fn parts_come_in_any_order_and_twice_and_make_one_file() {
    let n = notion().await;
    let announcement = json!({"mode": "multi_part", "filename": "long.pdf", "number_of_parts": 3});
    let upload = announced(&n, announcement).await;
    let id = text(&upload, "id");
    assert_eq!(upload["number_of_parts"], json!({"total": 3, "sent": 0}));
    assert_eq!(upload["complete_url"], format!("{}/v1/file_uploads/{id}/complete", n.running.url));
    let part = |byte: u8, length| vec![byte; length];
    let kind = "application/octet-stream";
    sent(&n, &upload, form("blob", kind, &part(b'c', 10), Some("3"))).await;
    sent(&n, &upload, form("blob", kind, &part(b'x', 5 * MEBI), Some("1"))).await;
    let again = sent(&n, &upload, form("blob", kind, &part(b'a', 5 * MEBI), Some("1"))).await;
    assert_eq!(again["number_of_parts"], json!({"total": 3, "sent": 2}));
    assert_eq!((again["status"].clone(), again["content_length"].is_null()), (json!("pending"), true));
    let complete = format!("file_uploads/{id}/complete");
    let (code, message) = refused(&n, "POST", &complete, Some(json!({}))).await;
    assert_eq!((code.as_str(), message.contains("2 of 3")), ("400, validation_error", true), "{message}");
    sent(&n, &upload, form("blob", kind, &part(b'b', 6 * MEBI), Some("2"))).await;
    let whole = n.ok("POST", &complete, None).await;
    assert_eq!(whole["content_length"], 11 * MEBI + 10);
    assert_eq!(whole["number_of_parts"], json!({"total": 3, "sent": 3}));
    assert!(whole["complete_url"].is_null());
    let root = n.running.emulator.root_page_id();
    let children = json!({"children": [{"pdf": attached(&id)}]});
    let blocks = n.ok("PATCH", &format!("blocks/{root}/children"), Some(children)).await;
    let body = fetch(&n, &text(&blocks["results"][0]["pdf"]["file"], "url")).await.body;
    assert_eq!(body.len(), 11 * MEBI + 10);
    assert_eq!(
        (body[5 * MEBI - 1], body[5 * MEBI], body[11 * MEBI - 1], body[11 * MEBI]),
        (b'a', b'b', b'b', b'c')
    );
}

#[tokio::test]
async fn too_large_too_small_and_misnumbered_parts_are_refused() {
    let n = notion().await;
    let token = n.running.emulator.internal_token();
    let upload = announced(&n, json!({"filename": "a.txt"})).await;
    let reply = send(&n, &token, &upload, form("a.txt", "text/plain", &vec![0; 20 * MEBI + 1], None)).await;
    assert_eq!(reply.refusal(), "400, validation_error");
    assert!(text(&reply.json(), "message").contains("≤ 20 MiB"));
    let parts = announced(&n, json!({"mode": "multi_part", "filename": "a.txt", "number_of_parts": 2})).await;
    let cases = [
        (Some("1"), "≥ 5 MiB"),
        (Some("3"), "body.part_number should be ≤ `2`, instead was `3`."),
        (Some("0"), "body.part_number should be ≥ `1`, instead was `0`."),
        (Some("one"), "body.part_number should be a number, instead was `\"one\"`."),
        (None, "body.part_number should be defined, instead was `undefined`."),
    ];
    for (number, expected) in cases {
        let reply = send(&n, &token, &parts, form("a.txt", "text/plain", b"tiny", number)).await;
        let message = text(&reply.json(), "message");
        assert!(message.contains(expected), "{number:?}: {message}");
    }
    for (body, expected) in [
        (json!({"mode": "multi_part", "filename": "a.txt"}), "body.number_of_parts should be defined"),
        (json!({"mode": "multi_part", "filename": "a.txt", "number_of_parts": 1001}), "should be ≤ `1000`"),
        (
            json!({"mode": "multi_part", "filename": "a.txt", "number_of_parts": 0}),
            "body.number_of_parts should be ≥ `1` or `undefined`, instead was `0`.",
        ),
        (json!({"mode": "multi_part", "number_of_parts": 2}), "body.filename should be defined"),
        (json!({"filename": "a.exe"}), "extension that is not supported for the File Upload API."),
        (json!({"filename": "a.txt", "content_type": "image/png"}), "does not match"),
        (
            json!({"mode": "fast"}),
            "body.mode should be `\"single_part\"`, `\"multi_part\"`, `\"external_url\"`, or `undefined`",
        ),
        (json!({"name": "a.txt"}), "body.name should be not present"),
    ] {
        let (code, message) = refused(&n, "POST", "file_uploads", Some(body)).await;
        assert_eq!(code, "400, validation_error");
        assert!(message.contains(expected), "{message}");
    }
}

#[tokio::test]
async fn what_was_sent_must_be_a_file_of_the_announced_kind_and_only_once() {
    let n = notion().await;
    let token = n.running.emulator.internal_token();
    let upload = announced(&n, json!({"filename": "a.png"})).await;
    let reply = send(&n, &token, &upload, form("a.png", "text/plain", b"x", None)).await;
    assert!(text(&reply.json(), "message").contains("does not match the content type image/png"));
    let (_, message) = refused(&n, "POST", &format!("file_uploads/{}/send", text(&upload, "id")), None).await;
    assert_eq!(message, "body failed validation: body.file should be defined, instead was `undefined`.");
    sent(&n, &upload, form("a.png", "image/png", b"x", None)).await;
    let again = send(&n, &token, &upload, form("a.png", "image/png", b"y", None)).await;
    assert!(text(&again.json(), "message").contains("a status of `uploaded`"));
    let unnamed = announced(&n, json!({})).await;
    assert!(unnamed["filename"].is_null() && unnamed["content_type"].is_null());
    let named = sent(&n, &unnamed, form("pic.jpg", "application/octet-stream", b"x", None)).await;
    assert_eq!(
        (named["filename"].clone(), named["content_type"].clone()),
        (json!("pic.jpg"), json!("image/jpeg"))
    );
}

#[tokio::test]
async fn uploads_are_listed_newest_first_by_status_and_in_pages() {
    let n = notion().await;
    let mut ids = Vec::new();
    for name in ["1.txt", "2.txt", "3.txt"] {
        ids.push(text(&announced(&n, json!({"filename": name})).await, "id"));
    }
    sent(&n, &json!({"id": ids[1]}), form("2.txt", "text/plain", b"2", None)).await;
    let page = n.ok("GET", "file_uploads?page_size=2", None).await;
    assert_eq!(keys(&page)[..6], ["object", "results", "next_cursor", "has_more", "type", "file_upload"]);
    assert_eq!(
        (page["results"][0]["id"].clone(), page["results"][1]["id"].clone()),
        (json!(ids[2]), json!(ids[1]))
    );
    let rest = format!("file_uploads?page_size=2&start_cursor={}", text(&page, "next_cursor"));
    assert_eq!(n.ok("GET", &rest, None).await["results"][0]["id"], json!(ids[0]));
    let done = n.ok("GET", "file_uploads?status=uploaded", None).await;
    assert_eq!(
        (done["results"].as_array().map(Vec::len), &done["results"][0]["id"]),
        (Some(1), &json!(ids[1]))
    );
    let (_, message) = refused(&n, "GET", "file_uploads?status=lost", None).await;
    assert!(
        message.starts_with("query failed validation: query.status should be `\"pending\"`"),
        "{message}"
    );
}

#[tokio::test]
async fn an_upload_that_nothing_holds_is_over_after_an_hour() {
    let n = notion().await;
    let waiting = text(&announced(&n, json!({"filename": "w.txt"})).await, "id");
    let id = uploaded(&n, "a.txt", "text/plain", b"x").await;
    n.running.emulator.advance(Duration::from_secs(3_599));
    assert_eq!(n.ok("GET", &format!("file_uploads/{id}"), None).await["status"], "uploaded");
    n.running.emulator.advance(Duration::from_secs(1));
    for id in [&waiting, &id] {
        assert_eq!(n.ok("GET", &format!("file_uploads/{id}"), None).await["status"], "expired");
    }
    let token = n.running.emulator.internal_token();
    let late = send(&n, &token, &json!({"id": waiting}), form("w.txt", "text/plain", b"x", None)).await;
    assert!(text(&late.json(), "message").contains("a status of `expired`"));
    let root = n.running.emulator.root_page_id();
    let cover = json!({"cover": attached(&id)});
    let (code, message) = refused(&n, "PATCH", &format!("pages/{root}"), Some(cover)).await;
    assert_eq!(code, "404, object_not_found");
    assert!(
        message.starts_with(&format!("Could not find file_upload with ID: {id}. Confirm the status")),
        "{message}"
    );
}

#[tokio::test]
async fn an_address_is_good_for_an_hour_and_cannot_be_stretched() {
    let n = notion().await;
    let id = uploaded(&n, "c.png", "image/png", b"\x89PNG").await;
    let page = format!("pages/{}", n.running.emulator.root_page_id());
    let change = json!({"cover": attached(&id), "icon": attached(&id)});
    let shown = n.ok("PATCH", &page, Some(change)).await;
    assert_eq!(
        (shown["icon"]["type"].clone(), shown["cover"]["type"].clone()),
        (json!("file"), json!("file"))
    );
    let url = text(&shown["cover"]["file"], "url");
    let image = fetch(&n, &url).await;
    assert!(image.headers["content-disposition"].to_str().expect("text").starts_with("inline"));
    n.running.emulator.advance(Duration::from_hours(1));
    let over = fetch(&n, &url).await;
    assert_eq!(over.status, StatusCode::FORBIDDEN);
    assert!(over.text().contains("<Code>AccessDenied</Code><Message>Request has expired</Message>"));
    let (before, signature) = url.split_once("expires=").expect("it ends");
    let stretched = format!("{before}expires=9{signature}");
    let forged = fetch(&n, &stretched).await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    assert!(forged.text().contains("SignatureDoesNotMatch"));
    assert_eq!(fetch(&n, before.trim_end_matches('?')).await.status, StatusCode::FORBIDDEN, "unsigned");
    let fresh = text(&n.ok("GET", &page, None).await["cover"]["file"], "url");
    assert_eq!(fetch(&n, &fresh).await.body.as_ref(), b"\x89PNG", "an attached file outlives its hour");
}

#[tokio::test]
async fn a_bot_neither_sees_nor_attaches_the_uploads_of_another() {
    let n = notion().await;
    let own = uploaded(&n, "a.txt", "text/plain", b"x").await;
    let other = text(&n.pair().await, "access_token");
    let path = format!("file_uploads/{own}");
    let refusal = n.call(&other, "GET", &path, None).await;
    assert_eq!(refusal.refusal(), "404, object_not_found");
    assert_eq!(n.call(&other, "GET", "file_uploads", None).await.json()["results"], json!([]));
    let sent = send(&n, &other, &json!({"id": own}), form("a.txt", "text/plain", b"y", None)).await;
    assert_eq!(sent.refusal(), "404, object_not_found");
    let root = n.running.emulator.root_page_id();
    let children = json!({"children": [{"file": attached(&own)}]});
    let append = n.call(&other, "PATCH", &format!("blocks/{root}/children"), Some(children)).await;
    assert_eq!(append.refusal(), "404, object_not_found");
    assert_eq!(n.call(&other, "GET", &format!("blocks/{root}/children"), None).await.status, StatusCode::OK);
}

#[tokio::test]
async fn without_a_capability_to_write_nothing_is_uploaded() {
    let reader = Capabilities {
        insert_content: false,
        update_content: false,
        insert_comments: false,
        ..Capabilities::default()
    };
    let n = with(Switches::default(), reader).await;
    let token = text(&n.pair().await, "access_token");
    let refusal = n.call(&token, "POST", "file_uploads", Some(json!({}))).await;
    assert_eq!(refusal.refusal(), "403, restricted_resource");
    let nobody = json!({"id": "00000000-0000-4000-8000-000000000000"});
    assert_eq!(send(&n, &token, &nobody, Vec::new()).await.refusal(), "403, restricted_resource");
    assert_eq!(n.call(&token, "GET", "file_uploads", None).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_file_fits_the_place_that_it_is_for() {
    let n = notion().await;
    let pdf = uploaded(&n, "a.pdf", "application/pdf", b"%PDF").await;
    let root = n.running.emulator.root_page_id();
    for kind in ["image", "video", "audio"] {
        let children = json!({"children": [{kind: attached(&pdf)}]});
        let (code, message) = refused(&n, "PATCH", &format!("blocks/{root}/children"), Some(children)).await;
        assert_eq!(code, "400, validation_error");
        assert!(
            message.ends_with(&format!("application/pdf, which is not supported for {kind}.")),
            "{message}"
        );
    }
    let (code, _) =
        refused(&n, "PATCH", &format!("pages/{root}"), Some(json!({"icon": attached(&pdf)}))).await;
    assert_eq!(code, "400, validation_error");
    assert!(!n.ok("GET", &format!("file_uploads/{pdf}"), None).await["expiry_time"].is_null(), "still loose");
}

#[tokio::test]
async fn a_files_column_takes_uploads_and_keeps_what_is_sent_back() {
    let n = notion().await;
    let first = uploaded(&n, "one.txt", "text/plain", b"1").await;
    let second = uploaded(&n, "two.txt", "text/plain", b"2").await;
    let root = n.running.emulator.root_page_id();
    let columns = json!({"Name": {"title": {}}, "Files": {"files": {}}});
    let database =
        json!({"parent": {"page_id": root}, "title": [], "initial_data_source": {"properties": columns}});
    let database = n.ok("POST", "databases", Some(database)).await;
    let source = text(&database["data_sources"][0], "id");
    let row =
        json!({"parent": {"data_source_id": source}, "properties": {"Files": {"files": [attached(&first)]}}});
    let row = n.ok("POST", "pages", Some(row)).await;
    let shown = row["properties"]["Files"]["files"][0].clone();
    assert_eq!(keys(&shown), ["name", "type", "file"]);
    assert_eq!(shown["name"], "one.txt");
    let mut renamed = attached(&second);
    renamed["name"] = "Second".into();
    let change = json!({"properties": {"Files": {"files": [shown, renamed]}}});
    let row = n.ok("PATCH", &format!("pages/{}", text(&row, "id")), Some(change)).await;
    let files = &row["properties"]["Files"]["files"];
    assert_eq!((files[0]["name"].clone(), files[1]["name"].clone()), (json!("one.txt"), json!("Second")));
    assert_eq!(fetch(&n, &text(&files[0]["file"], "url")).await.text(), "1");
    assert_eq!(fetch(&n, &text(&files[1]["file"], "url")).await.text(), "2");
    let (address, _) = text(&files[0]["file"], "url")
        .split_once('?')
        .map(|(url, rest)| (url.to_owned(), rest.len()))
        .expect("signed");
    for url in [address.clone(), format!("{address}?expires=9999999999&signature=AAAA")] {
        let file = json!({"name": "x", "file": {"url": url}});
        let change = json!({"properties": {"Files": {"files": [file]}}});
        let (refusal, _) = refused(&n, "PATCH", &format!("pages/{}", text(&row, "id")), Some(change)).await;
        assert_eq!(refusal, "404, object_not_found", "only an address that was given out attaches a file");
    }
}

#[tokio::test]
async fn a_comment_carries_up_to_three_files() {
    let n = notion().await;
    let root = n.running.emulator.root_page_id();
    let page = json!({"parent": {"page_id": root}, "properties": {"title": [{"text": {"content": "Talk"}}]}});
    let page = text(&n.ok("POST", "pages", Some(page)).await, "id");
    let mut files = Vec::new();
    for (name, kind) in
        [("a.png", "image/png"), ("b.pdf", "application/pdf"), ("c.csv", "text/csv"), ("d.mp3", "audio/mpeg")]
    {
        files.push(json!({"file_upload_id": uploaded(&n, name, kind, name.as_bytes()).await}));
    }
    let comment = |attachments: &[Value]| json!({"parent": {"page_id": page}, "rich_text": [{"text": {"content": "See"}}], "attachments": attachments});
    let (_, message) = refused(&n, "POST", "comments", Some(comment(&files))).await;
    assert_eq!(message, "body failed validation: body.attachments.length should be ≤ `3`, instead was `4`.");
    let made = n.ok("POST", "comments", Some(comment(&files[..3]))).await;
    let shown = made["attachments"].as_array().expect("attachments");
    let categories: Vec<&Value> = shown.iter().map(|attachment| &attachment["category"]).collect();
    assert_eq!(categories, ["image", "pdf", "productivity"]);
    assert_eq!(fetch(&n, &text(&shown[2]["file"], "url")).await.text(), "c.csv");
    let plain = n.ok("POST", "comments", Some(comment(&[]))).await;
    assert!(plain.get("attachments").is_none());
}

#[tokio::test]
async fn an_import_finds_what_was_put_on_the_web_and_fails_for_all_else() {
    let n = notion().await;
    let address = "https://files.example/report.pdf";
    assert!(n.running.emulator.put_on_web(address, "application/pdf", "%PDF-1.7"));
    let import = |url: &str| json!({"mode": "external_url", "filename": "report.pdf", "external_url": url});
    let pending = announced(&n, import(address)).await;
    assert_eq!(
        (pending["status"].clone(), pending["content_type"].clone()),
        (json!("pending"), json!("application/pdf"))
    );
    let done = n.ok("GET", &format!("file_uploads/{}", text(&pending, "id")), None).await;
    assert_eq!((done["status"].clone(), done["content_length"].clone()), (json!("uploaded"), json!(8)));
    assert_eq!(done["file_import_result"]["type"], "success");
    let lost = announced(&n, import("https://nowhere.example/report.pdf")).await;
    let lost = n.ok("GET", &format!("file_uploads/{}", text(&lost, "id")), None).await;
    assert_eq!(lost["status"], "failed");
    assert_eq!(lost["file_import_result"]["error"]["type"], "download_error");
    let (_, message) =
        refused(&n, "POST", "file_uploads", Some(import("http://files.example/report.pdf"))).await;
    assert!(
        message.starts_with("body failed validation: body.external_url should be a valid HTTPS URL"),
        "{message}"
    );
    let over_http =
        json!({"url": "https://files.example/b.txt", "content_type": "text/plain", "body_base64": "aGk="});
    let headers = [("content-type", "application/json")];
    let put = n.send("POST", "/_emulator/web", &headers, over_http.to_string()).await.expect("an answer");
    assert_eq!(put.status, StatusCode::NO_CONTENT);
    let upload =
        json!({"mode": "external_url", "filename": "b.txt", "external_url": "https://files.example/b.txt"});
    let id = text(&announced(&n, upload).await, "id");
    assert_eq!(n.ok("GET", &format!("file_uploads/{id}"), None).await["content_length"], 2);
}

#[tokio::test]
async fn a_free_workspace_takes_files_of_five_mebibytes() {
    let n = notion().await;
    let headers = [("content-type", "application/json")];
    let listed = n.send("GET", "/_emulator/workspaces", &[], String::new()).await.expect("an answer").json();
    let path = format!("/_emulator/workspaces/{}", text(&listed["workspaces"][0], "id"));
    n.send("PATCH", &path, &headers, json!({"plan": "free"}).to_string()).await.expect("an answer");
    let token = n.running.emulator.internal_token();
    let upload = announced(&n, json!({"filename": "a.txt"})).await;
    let over = send(&n, &token, &upload, form("a.txt", "text/plain", &vec![0; 5 * MEBI + 1], None)).await;
    let expected =
        "The file size is not within the allowed limit of 5 MiB. Please try again with a new file upload.";
    assert_eq!(
        (over.refusal().as_str(), over.json()["message"].as_str()),
        ("400, validation_error", Some(expected))
    );
    sent(&n, &upload, form("a.txt", "text/plain", &vec![0; 5 * MEBI], None)).await;
}

#[tokio::test]
async fn a_snapshot_holds_the_files() {
    let n = notion().await;
    let id = uploaded(&n, "a.png", "image/png", b"\x89PNG").await;
    let page = format!("pages/{}", n.running.emulator.root_page_id());
    let shown = n.ok("PATCH", &page, Some(json!({"cover": attached(&id)}))).await;
    let url = text(&shown["cover"]["file"], "url");
    let snapshot = n.running.emulator.snapshot();
    n.running.emulator.reset();
    assert_eq!(fetch(&n, &url).await.status, StatusCode::FORBIDDEN, "a reset ends all addresses");
    n.running.emulator.load(&snapshot).expect("it loads");
    assert_eq!(fetch(&n, &url).await.body.as_ref(), b"\x89PNG");
}

#[tokio::test]
async fn a_reset_to_a_snapshot_ends_all_addresses_too() {
    let seed = Seed::of_snapshot(&notion().await.running.emulator.snapshot()).expect("a seed");
    let n = notion_from(Options { seed, ..Options::default() }).await;
    let page = format!("pages/{}", n.running.emulator.root_page_id());
    let first = uploaded(&n, "c.png", "image/png", b"\x89PNG").await;
    let shown = n.ok("PATCH", &page, Some(json!({"cover": attached(&first)}))).await;
    let url = text(&shown["cover"]["file"], "url");
    assert_eq!(fetch(&n, &url).await.status, StatusCode::OK);
    n.running.emulator.reset();
    assert_eq!(uploaded(&n, "c.png", "image/png", b"\x89PNG another").await, first, "ids come again");
    assert_eq!(fetch(&n, &url).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn an_address_leads_to_the_instance_that_gave_it() {
    let n = notion().await;
    let headers = [("content-type", "application/json")];
    let made = n.send("POST", "/_emulator/instances", &headers, json!({"name": "side"}).to_string()).await;
    let made = made.expect("an answer").json();
    let token = text(&made, "internal_token");
    let upload = n.call(&token, "POST", "file_uploads", Some(json!({"filename": "a.txt"}))).await.json();
    let reply = send(&n, &token, &upload, form("a.txt", "text/plain", b"beside", None)).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    let children = json!({"children": [{"file": attached(&text(&upload, "id"))}]});
    let path = format!("blocks/{}/children", text(&made, "root_page_id"));
    let blocks = n.call(&token, "PATCH", &path, Some(children)).await.json();
    let url = text(&blocks["results"][0]["file"]["file"], "url");
    assert_eq!(fetch(&n, &url).await.text(), "beside");
    let elsewhere = url.replace("instance=side&", "");
    assert_eq!(fetch(&n, &elsewhere).await.status, StatusCode::FORBIDDEN, "the first signs with another key");
}
