//! What others recorded of blocks, files and comments (May 2024 to June 2026), and what follows from it for the cases beside.

use serde_json::{Value, json};

use crate::recorded::{append, page, runs, said};
use crate::support::{notion, text};

fn paragraph(content: &str) -> Value {
    json!({"paragraph": {"rich_text": runs(content)}})
}

fn lines(blocks: &[Value]) -> Vec<String> {
    blocks.iter().map(|block| said(&block["paragraph"]["rich_text"])).collect()
}

#[tokio::test]
async fn an_append_answers_with_all_that_follows_unless_it_is_last() {
    let n = notion().await;
    let page = page(&n, "Page").await;
    let before =
        append(&n, &page, json!({"children": [paragraph("1"), paragraph("2"), paragraph("3")]})).await;
    let with = |more: Value| {
        let mut body = json!({"children": [paragraph("new"), paragraph("newer")]});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let first = text(&before[0], "id");
    let after = with(json!({"position": {"type": "after_block", "after_block": {"id": first}}}));
    assert_eq!(lines(&append(&n, &page, after).await), ["new", "newer", "2", "3"]);
    let start = with(json!({"position": {"type": "start"}}));
    assert_eq!(lines(&append(&n, &page, start).await), ["new", "newer", "1", "new", "newer", "2", "3"]);
    for last in [json!({"position": {"type": "end"}}), json!({})] {
        assert_eq!(lines(&append(&n, &page, with(last)).await), ["new", "newer"]);
    }
    assert_eq!(lines(&append(&n, &page, with(json!({"after": first}))).await)[..3], ["new", "newer", "new"]);
}

#[tokio::test]
async fn lists_of_no_children_are_taken() {
    let n = notion().await;
    let page = page(&n, "Page").await;
    let columns = json!({"children": [{"column_list": {"children": [{"column": {"children": []}}, {"column": {"children": []}}]}}]});
    let list = append(&n, &page, columns).await;
    let columns = n.ok("GET", &format!("blocks/{}/children", text(&list[0], "id")), None).await;
    assert_eq!(columns["results"].as_array().unwrap().len(), 2);
    let original =
        json!({"children": [{"synced_block": {"synced_from": null, "children": [paragraph("x")]}}]});
    let original = text(&append(&n, &page, original).await[0], "id");
    let copy = |children: Value| json!({"children": [{"synced_block": {"children": children, "synced_from": {"type": "block_id", "block_id": original}}}]});
    assert_eq!(append(&n, &page, copy(json!([]))).await[0]["has_children"], true);
    let token = n.running.emulator.internal_token();
    let path = format!("blocks/{page}/children");
    let refused = n.call(&token, "PATCH", &path, Some(copy(json!([paragraph("y")])))).await;
    assert_eq!(refused.refusal(), "400, validation_error");
    // An update may say the same, and not more.
    let made = text(&append(&n, &page, json!({"children": [paragraph("old")]})).await[0], "id");
    let update = |children: Value| json!({"paragraph": {"rich_text": runs("new"), "children": children}});
    let updated = n.ok("PATCH", &format!("blocks/{made}"), Some(update(json!([])))).await;
    assert_eq!(said(&updated["paragraph"]["rich_text"]), "new");
    let refused =
        n.call(&token, "PATCH", &format!("blocks/{made}"), Some(update(json!([paragraph("y")])))).await;
    assert_eq!(refused.refusal(), "400, validation_error");
}

#[tokio::test]
async fn a_new_heading_with_children_is_toggleable_whatever_it_says() {
    let n = notion().await;
    let page = page(&n, "Page").await;
    for (children, toggles) in [(json!([paragraph("x")]), true), (json!([]), false)] {
        let heading =
            json!({"heading_1": {"rich_text": runs("H"), "is_toggleable": false, "children": children}});
        let made = append(&n, &page, json!({"children": [heading]})).await;
        assert_eq!(made[0]["heading_1"]["is_toggleable"], toggles);
    }
}

#[tokio::test]
async fn a_block_may_be_sent_as_it_was_told() {
    let n = notion().await;
    let page = page(&n, "Page").await;
    let told = json!({"object": "block", "type": "paragraph", "has_children": false, "archived": false, "paragraph": {"rich_text": runs("x")}});
    let made = append(&n, &page, json!({"children": [told]})).await;
    let again = append(&n, &page, json!({"children": made})).await;
    assert_eq!(lines(&again), ["x"]);
    assert_ne!(again[0]["id"], made[0]["id"]);
}

#[tokio::test]
async fn an_address_of_notions_own_icons_is_their_name() {
    let n = notion().await;
    let path = format!("pages/{}", page(&n, "Page").await);
    let cases = [
        (
            "https://www.notion.so/icons/snake_purple.svg",
            json!({"type": "icon", "icon": {"name": "snake", "color": "purple"}}),
        ),
        (
            "https://www.notion.so/icons/light-bulb_lightgray.svg",
            json!({"type": "icon", "icon": {"name": "light-bulb", "color": "lightgray"}}),
        ),
        (
            "https://www.notion.so/icons/snake_mauve.svg",
            json!({"type": "external", "external": {"url": "https://www.notion.so/icons/snake_mauve.svg"}}),
        ),
        (
            "https://example.com/icons/snake_purple.svg",
            json!({"type": "external", "external": {"url": "https://example.com/icons/snake_purple.svg"}}),
        ),
    ];
    for (url, icon) in cases {
        let sent = json!({"icon": {"type": "external", "external": {"url": url}}});
        assert_eq!(n.ok("PATCH", &path, Some(sent)).await["icon"], icon);
    }
}

#[tokio::test]
async fn a_slash_at_the_end_of_an_address_counts_for_nothing() {
    let n = notion().await;
    let root = n.running.emulator.root_page_id();
    let body =
        json!({"parent": {"page_id": root}, "initial_data_source": {"properties": {"Name": {"title": {}}}}});
    assert_eq!(n.ok("POST", "databases/", Some(body)).await["object"], "database");
    assert_eq!(n.ok("GET", &format!("blocks/{root}/children/?page_size=1"), None).await["object"], "list");
    let token = n.running.emulator.internal_token();
    let twice = n.call(&token, "GET", &format!("pages/{root}//"), None).await;
    assert_eq!(twice.refusal(), "400, invalid_request_url");
}

#[tokio::test]
async fn markdown_goes_in_after_the_line_that_is_named_with_its_end() {
    let n = notion().await;
    let root = n.running.emulator.root_page_id();
    for after in ["- [ ] To Do\n", "- [ ] To Do", "# T...To Do\n"] {
        let body = json!({"parent": {"page_id": root}, "properties": {"title": {"title": runs("T")}}, "markdown": "# T\n- [ ] To Do\n- [x] Checked\n"});
        let path = format!("pages/{}/markdown", text(&n.ok("POST", "pages", Some(body)).await, "id"));
        let edit =
            json!({"type": "insert_content", "insert_content": {"content": "1. New\n", "after": after}});
        let edited = text(&n.ok("PATCH", &path, Some(edit)).await, "markdown");
        assert!(edited.contains("- [ ] To Do\n1. New\n- [x] Checked"), "{after:?}: {edited}");
    }
}

#[tokio::test]
async fn a_comment_on_a_page_goes_on_with_its_open_discussion() {
    let n = notion().await;
    let page = page(&n, "Page").await;
    let comment = async |parent: Value| {
        text(
            &n.ok("POST", "comments", Some(json!({"parent": parent, "rich_text": runs("Hm")}))).await,
            "discussion_id",
        )
    };
    let on_page = json!({"page_id": page});
    let first = comment(on_page.clone()).await;
    assert_eq!(comment(on_page.clone()).await, first);
    let block = text(&append(&n, &page, json!({"children": [paragraph("x")]})).await[0], "id");
    assert_ne!(comment(json!({"block_id": block})).await, first);
}

#[tokio::test]
async fn a_file_block_is_named_with_its_ending() {
    let n = notion().await;
    let page = page(&n, "Page").await;
    let external = json!({"url": "https://example.com/a/robots.txt?x=1.zip"});
    let cases = [
        (json!({}), "robots.txt"),
        (json!({"name": "mine.txt"}), "mine.txt"),
        (json!({"name": "mine"}), "mine.txt"),
        (json!({"name": "mine.pdf"}), "mine.pdf"),
    ];
    for (more, name) in cases {
        let mut file = json!({"external": external});
        file.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let made = append(&n, &page, json!({"children": [{"file": file}]})).await;
        assert_eq!(made[0]["file"]["name"], name);
    }
    let made =
        text(&append(&n, &page, json!({"children": [{"file": {"external": external}}]})).await[0], "id");
    let renamed = json!({"type": "file", "file": {"name": "ours", "caption": []}});
    assert_eq!(n.ok("PATCH", &format!("blocks/{made}"), Some(renamed)).await["file"]["name"], "ours.txt");
}
