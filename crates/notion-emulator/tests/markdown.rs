//! Pages and comments as markdown: Notion's dialect, four edits, what survives them, and what is refused.

use notion_emulator::{Capabilities, Switches};
use serde_json::{Value, json};

use crate::support::{Notion, keys, notion, text, with};

async fn page(n: &Notion, markdown: &str) -> String {
    let root = n.running.emulator.root_page_id();
    let body = json!({
        "parent": {"page_id": root},
        "properties": {"title": [{"text": {"content": "A page"}}]},
        "markdown": markdown,
    });
    text(&n.ok("POST", "pages", Some(body)).await, "id")
}

async fn read(n: &Notion, id: &str) -> String {
    text(&n.ok("GET", &format!("pages/{id}/markdown"), None).await, "markdown")
}

async fn edit(n: &Notion, id: &str, kind: &str, how: Value) -> String {
    let body = json!({"type": kind, kind: how});
    text(&n.ok("PATCH", &format!("pages/{id}/markdown"), Some(body)).await, "markdown")
}

async fn refused(n: &Notion, id: &str, body: Value) -> String {
    let token = n.running.emulator.internal_token();
    let reply = n.call(&token, "PATCH", &format!("pages/{id}/markdown"), Some(body)).await;
    assert_eq!(reply.refusal(), "400, validation_error", "{}", reply.text());
    text(&reply.json(), "message")
}

async fn children(n: &Notion, id: &str) -> Vec<Value> {
    let list = n.ok("GET", &format!("blocks/{id}/children"), None).await;
    list["results"].as_array().expect("a list").clone()
}

#[tokio::test]
async fn an_insertion_answers_as_notion_was_recorded() {
    let n = notion().await;
    let id = page(&n, "").await;
    let path = format!("pages/{id}/markdown");
    let empty = n.ok("GET", &path, None).await;
    assert_eq!(keys(&empty), ["object", "id", "markdown", "truncated", "unknown_block_ids", "request_id"]);
    assert_eq!((empty["markdown"].clone(), empty["unknown_block_ids"].clone()), (json!(""), json!([])));
    let body = json!({"type": "insert_content", "insert_content": {"content": "## New Section\n\nHello from markdown."}});
    let answer = n.ok("PATCH", &path, Some(body)).await;
    assert_eq!(answer["object"], "page_markdown");
    assert_eq!(answer["id"], id);
    assert_eq!(answer["markdown"], "## New Section\nHello from markdown.");
    assert_eq!(answer["truncated"], false);
}

/// Each form that Notion documents, as it gives them back.
const EVERYTHING: &str = r#"Text {color="red"}
	Below it
# One {color="blue"}
## Two {toggle="true" color="gray_bg"}
	Inside
#### Four
- Bullet
	- Deeper
1. First
2. Second
- [ ] Open
- [x] Done
> One<br>Two {color="green_bg"}
<details color="brown">
<summary>Toggle</summary>
	Hidden
</details>
<callout icon="🎯" color="blue_bg">
	Ship the MVP by **Friday**.
	- A block inside
</callout>
```typescript
const list = [1, 2];

	// <b>
```
$$
E = mc^2
$$
<table header-row="true">
<tr>
<td>**A**</td>
<td>B \| C</td>
</tr>
<tr>
<td></td>
<td>`x`</td>
</tr>
</table>
---
<empty-block/>
<columns>
	<column>
		Left
	</column>
	<column>
		Right
	</column>
</columns>
![A *caption*](https://img.example/a.png)
<audio src="https://img.example/a.mp3">Sound</audio>
<video src="https://img.example/a.mp4"></video>
<file src="https://img.example/a.zip">File</file>
<pdf src="https://img.example/a.pdf">Paper</pdf>
<table_of_contents color="gray"/>
**bold** *italic* ~~struck~~ <span underline="true">under</span> `code` [link](https://example.com) $`a^2`$ <span color="red">red</span> <span color="yellow_bg">marked</span>
***both*** and **bold*both***
<mention-date start="2026-11-22"/> and <mention-date start="2026-11-22" startTime="09:30" end="2026-11-23" endTime="10:00" timeZone="Europe/Berlin"/>
\\ \* \~ \` \$ \[ \] \< \> \{ \} \| \^
\- no item, \# no heading
1\. no number"#;

#[tokio::test]
async fn every_documented_form_comes_back_as_it_was_written() {
    let n = notion().await;
    let everything = EVERYTHING.replace("\\- no item, \\#", "\\- no item, #");
    let id = page(&n, &everything).await;
    assert_eq!(read(&n, &id).await, everything);
    let kinds: Vec<String> = children(&n, &id).await.iter().map(|block| text(block, "type")).collect();
    assert_eq!(
        kinds.join(" "),
        "paragraph heading_1 heading_2 heading_4 bulleted_list_item numbered_list_item numbered_list_item to_do \
         to_do quote toggle callout code equation table divider paragraph column_list image audio video file pdf \
         table_of_contents paragraph paragraph paragraph paragraph paragraph paragraph"
    );
}

#[tokio::test]
async fn what_people_write_elsewhere_is_understood() {
    let n = notion().await;
    let written = "###### Six\n\n* star\n  - two spaces\n+ plus\n3) three\n\n| A | B |\n|---|:-:|\n| `1` | **2** |\n\n```js\nx\n```\n***\nSee https://example.com/x.\n$$E=mc^2$$\n> [!NOTE]\n> words";
    let id = page(&n, written).await;
    let expected = "#### Six\n- star\n\t- two spaces\n- plus\n1. three\n<table header-row=\"true\">\n<tr>\n<td>A</td>\n<td>B</td>\n</tr>\n<tr>\n<td>`1`</td>\n<td>**2**</td>\n</tr>\n</table>\n```javascript\nx\n```\n---\nSee [https://example.com/x](https://example.com/x).\n$`E=mc^2`$\n> \\[!NOTE\\]\n> words";
    assert_eq!(read(&n, &id).await, expected);
}

#[tokio::test]
async fn replacements_are_exact_and_must_be_clear() {
    let n = notion().await;
    let id = page(&n, "- [ ] Draft\n- [ ] Call\nDraft again").await;
    let once = json!({"content_updates": [{"old_str": "- [ ] Draft", "new_str": "- [x] Draft"}, {"old_str": "Call", "new_str": "Call **Ada**"}]});
    assert_eq!(edit(&n, &id, "update_content", once).await, "- [x] Draft\n- [ ] Call **Ada**\nDraft again");
    let update = |old: &str, all: bool| json!({"type": "update_content", "update_content": {"content_updates": [{"old_str": old, "new_str": "Plan", "replace_all_matches": all}]}});
    assert_eq!(refused(&n, &id, update("draft", false)).await, "String not found: <pattern>draft</pattern>");
    assert!(refused(&n, &id, update("Draft", false)).await.contains("Multiple matches"));
    let all =
        json!({"content_updates": [{"old_str": "Draft", "new_str": "Plan", "replace_all_matches": true}]});
    assert_eq!(edit(&n, &id, "update_content", all).await, "- [x] Plan\n- [ ] Call **Ada**\nPlan again");
    let twice = json!({"type": "update_content", "update_content": {"content_updates": [{"old_str": "Plan again", "new_str": ""}, {"old_str": "nowhere", "new_str": ""}]}});
    refused(&n, &id, twice).await;
    assert!(read(&n, &id).await.contains("Plan again"), "an edit that is refused changes nothing");
}

#[tokio::test]
async fn blocks_that_an_edit_leaves_alone_keep_their_ids_and_what_markdown_cannot_say() {
    let n = notion().await;
    let id = page(&n, "one\ntwo\nthree").await;
    let code = json!({"children": [{"code": {"rich_text": [{"text": {"content": "x"}}], "language": "rust", "caption": [{"text": {"content": "kept"}}]}}]});
    n.ok("PATCH", &format!("blocks/{id}/children"), Some(code)).await;
    let before = children(&n, &id).await;
    let new = json!({"new_str": "zero\n\none\n\ntwo!\n\n```rust\ny\n```"});
    assert_eq!(edit(&n, &id, "replace_content", new).await, "zero\none\ntwo!\n```rust\ny\n```");
    let after = children(&n, &id).await;
    assert_eq!(after[1]["id"], before[0]["id"], "the same text");
    assert_eq!(after[2]["id"], before[1]["id"], "a changed text");
    assert_eq!(after[3]["id"], before[3]["id"]);
    assert_eq!(after[3]["code"]["caption"][0]["plain_text"], "kept");
    let gone = n.ok("GET", &format!("blocks/{}", text(&before[2], "id")), None).await;
    assert_eq!(gone["in_trash"], true);
}

#[tokio::test]
async fn insertions_go_to_the_start_the_end_or_behind_a_selection() {
    let n = notion().await;
    let id = page(&n, "# Notes\n- a\n\t- b\n\t- c\nend").await;
    let insert = async |how: Value| edit(&n, &id, "insert_content", how).await;
    insert(json!({"content": "first", "position": {"type": "start"}})).await;
    insert(json!({"content": "last", "position": {"type": "end"}})).await;
    insert(json!({"content": "nested", "after": "b"})).await;
    let all = insert(json!({"content": "behind", "after": "# Notes...c"})).await;
    assert_eq!(all, "first\n# Notes\n- a\n\t- b\n\tnested\n\t- c\n\tbehind\nend\nlast");
    let both = json!({"type": "insert_content", "insert_content": {"content": "x", "after": "b", "position": {"type": "end"}}});
    assert!(refused(&n, &id, both).await.contains("body.insert_content.position should be not present"));
    let lost = json!({"type": "insert_content", "insert_content": {"content": "x", "after": "# Notes...z"}});
    let missing = "String not found: <pattern># Notes...z</pattern> in current version of the page <target>";
    assert!(refused(&n, &id, lost).await.starts_with(missing));
    let whole = json!({"type": "replace_content_range", "replace_content_range": {"content": "x", "content_range": "full_page"}});
    let missing =
        "String not found: <pattern>full_page...full_page</pattern> in current version of the page <target>";
    assert!(refused(&n, &id, whole).await.starts_with(missing), "without dots it is its own end");
    let range = json!({"content": "## New", "content_range": "# Notes...end"});
    assert_eq!(edit(&n, &id, "replace_content_range", range).await, "first\n## New\nlast");
}

#[tokio::test]
async fn child_pages_and_databases_are_not_deleted_by_accident() {
    let n = notion().await;
    let id = page(&n, "<details>\n<summary>More</summary>\n</details>").await;
    let toggle = text(&children(&n, &id).await[0], "id");
    let title = |name: &str| json!({"title": [{"text": {"content": name}}]});
    let child =
        n.ok("POST", "pages", Some(json!({"parent": {"page_id": id}, "properties": title("Child")}))).await;
    let database = json!({"parent": {"page_id": id}, "title": [{"text": {"content": "Table"}}], "is_inline": true, "initial_data_source": {"properties": {"Name": {"title": {}}}}});
    let database = n.ok("POST", "databases", Some(database)).await;
    let (child, table) = (text(&child, "id"), text(&database, "id"));
    let digits = |id: &str| id.replace('-', "");
    let page_tag = format!("<page url=\"https://app.notion.com/p/{}\">Child</page>", digits(&child));
    let now = read(&n, &id).await;
    assert!(now.contains(&page_tag), "{now}");
    assert!(
        now.contains(&format!(
            "<database url=\"https://app.notion.com/p/{}\" inline=\"true\"",
            digits(&table)
        ))
    );
    let all = |new: &str| json!({"type": "replace_content", "replace_content": {"new_str": new}});
    assert_eq!(
        refused(&n, &id, all("bare")).await,
        format!(
            "This operation would delete 2 child page(s) or database(s):\n- page: \"Child\" (id: {child})\n- database: \
             \"Table\" (id: {table})\n\nTo proceed, either:\n1. Include these items in new_str using <page url=\"...\"> or \
             <database url=\"...\"> tags, OR\n2. Set allow_deleting_content: true to confirm deletion."
        )
    );
    let moved = format!("<details>\n<summary>More</summary>\n\t{page_tag}\n</details>\nbare");
    let how = json!({"new_str": moved, "allow_deleting_content": true});
    assert_eq!(edit(&n, &id, "replace_content", how).await, moved);
    let child = n.ok("GET", &format!("pages/{child}"), None).await;
    assert_eq!(
        child["parent"],
        json!({"type": "block_id", "block_id": toggle}),
        "a page that is named moves"
    );
    assert_eq!(child["in_trash"], false);
    assert_eq!(n.ok("GET", &format!("databases/{table}"), None).await["in_trash"], true);
    let itself = format!("<page url=\"https://app.notion.com/p/{}\">x</page>", digits(&id));
    for wrong in [itself.as_str(), "<page url=\"https://example.com/\">x</page>"] {
        let message = refused(&n, &id, all(&format!("{moved}\n{wrong}"))).await;
        assert_eq!(message, "Failed to parse markdown content: Failed to create block");
    }
}

#[tokio::test]
async fn blocks_without_words_are_unknown_and_stay_where_they_are() {
    let n = notion().await;
    let id = page(&n, "before").await;
    let bookmark = json!({"children": [{"bookmark": {"url": "https://example.com"}}]});
    let bookmark = n.ok("PATCH", &format!("blocks/{id}/children"), Some(bookmark)).await;
    let block = text(&bookmark["results"][0], "id");
    let digits = |id: &str| id.replace('-', "");
    let tag = format!(
        "<unknown url=\"https://app.notion.com/p/{}#{}\" alt=\"bookmark\"/>",
        digits(&id),
        digits(&block)
    );
    assert_eq!(read(&n, &id).await, format!("before\n{tag}"));
    let how = json!({"new_str": format!("{tag}\nafter")});
    assert_eq!(edit(&n, &id, "replace_content", how).await, format!("{tag}\nafter"));
    assert_eq!(children(&n, &id).await[0]["id"], block);
    assert_eq!(read(&n, &block).await, tag, "a block can be read too");
}

#[tokio::test]
async fn copies_of_synced_blocks_show_their_original_and_change_it() {
    let n = notion().await;
    let id = page(&n, "<synced_block>\n\tShared\n</synced_block>").await;
    let original = text(&children(&n, &id).await[0], "id");
    let url = format!("https://app.notion.com/p/{}#{}", id.replace('-', ""), original.replace('-', ""));
    let copy = json!({"children": [{"synced_block": {"synced_from": {"block_id": original}}}]});
    n.ok("PATCH", &format!("blocks/{id}/children"), Some(copy)).await;
    let both = |words: &str| {
        format!(
            "<synced_block url=\"{url}\">\n\t{words}\n</synced_block>\n<synced_block_reference url=\"{url}\">\n\t{words}\n</synced_block_reference>"
        )
    };
    assert_eq!(read(&n, &id).await, both("Shared"));
    let how = json!({"content_updates": [{"old_str": "Shared\n</synced_block_reference>", "new_str": "Changed\n</synced_block_reference>"}]});
    assert_eq!(edit(&n, &id, "update_content", how).await, both("Changed"));
}

#[tokio::test]
async fn transcripts_are_shown_when_they_are_asked_for() {
    let n = notion().await;
    let found = n.ok("POST", "search", Some(json!({"query": "Portal kickoff"}))).await;
    let id = text(&found["results"][0], "id");
    let short = read(&n, &id).await;
    assert!(
        short.starts_with("<meeting-notes>\n\tPortal kickoff\n\t<summary>\n\t\tInvitations first"),
        "{short}"
    );
    assert!(!short.contains("shall we start"));
    let path = format!("pages/{id}/markdown?include_transcript=true");
    let long = text(&n.ok("GET", &path, None).await, "markdown");
    assert!(
        long.contains("\t<transcript>\n\t\tRight, shall we start with invitations?\n\t</transcript>"),
        "{long}"
    );
    let token = n.running.emulator.internal_token();
    let odd = n.call(&token, "GET", &format!("pages/{id}/markdown?include_transcript=perhaps"), None).await;
    assert!(odd.text().contains("query.include_transcript should be a boolean"), "{}", odd.text());
    let kept = edit(&n, &id, "insert_content", json!({"content": "More"})).await;
    assert_eq!(kept, format!("{short}\nMore"));
    let how = json!({"content_updates": [{"old_str": "More", "new_str": "Less"}]});
    assert_eq!(
        edit(&n, &id, "update_content", how).await,
        format!("{short}\nLess"),
        "the notes are left alone"
    );
    let change = json!({"type": "update_content", "update_content": {"content_updates": [{"old_str": "Invitations first", "new_str": "x"}]}});
    assert_eq!(
        n.call(&token, "PATCH", &format!("pages/{id}/markdown"), Some(change)).await.refusal(),
        "501, not_implemented"
    );
}

#[tokio::test]
async fn the_first_large_heading_is_the_title_of_a_page_that_names_none() {
    let n = notion().await;
    let root = n.running.emulator.root_page_id();
    let markdown = "Intro\n# Meeting *Notes*\n# Second";
    let made = n.ok("POST", "pages", Some(json!({"parent": {"page_id": root}, "markdown": markdown}))).await;
    assert_eq!(made["properties"]["title"]["title"][1]["plain_text"], "Notes");
    assert_eq!(read(&n, &text(&made, "id")).await, "Intro\n# Second");
    let found = n
        .ok(
            "POST",
            "search",
            Some(
                json!({"query": "Project tracker", "filter": {"property": "object", "value": "data_source"}}),
            ),
        )
        .await;
    let parent = json!({"data_source_id": found["results"][0]["id"]});
    let row = n.ok("POST", "pages", Some(json!({"parent": parent, "markdown": "# A row\nwords"}))).await;
    assert_eq!(row["properties"]["Name"]["title"][0]["plain_text"], "A row");
    let token = n.running.emulator.internal_token();
    let both = json!({"parent": {"page_id": root}, "markdown": "x", "children": []});
    let both = n.call(&token, "POST", "pages", Some(both)).await;
    assert_eq!(
        text(&both.json(), "message"),
        "body failed validation: body.children should be not present, instead was `[]`."
    );
}

#[tokio::test]
async fn comments_take_markdown_within_a_line() {
    let n = notion().await;
    let id = page(&n, "").await;
    let body = json!({"parent": {"page_id": id}, "markdown": "**bold** and [a link](https://example.com)\n# no heading"});
    let comment = n.ok("POST", "comments", Some(body)).await;
    let runs = comment["rich_text"].as_array().expect("runs");
    assert_eq!(
        (runs[0]["plain_text"].clone(), runs[0]["annotations"]["bold"].clone()),
        (json!("bold"), json!(true))
    );
    assert_eq!(runs[2]["href"], "https://example.com");
    assert_eq!(runs[3]["plain_text"], "\n# no heading");
    let path = format!("comments/{}", text(&comment, "id"));
    let changed = n.ok("PATCH", &path, Some(json!({"markdown": "`code`"}))).await;
    assert_eq!(changed["rich_text"][0]["annotations"]["code"], true);
    let token = n.running.emulator.internal_token();
    for wrong in [json!({}), json!({"markdown": "x", "rich_text": []})] {
        assert_eq!(n.call(&token, "PATCH", &path, Some(wrong)).await.refusal(), "400, validation_error");
    }
}

#[tokio::test]
async fn markdown_is_refused_like_everything_else() {
    let blind = Capabilities { read_content: false, update_content: false, ..Capabilities::default() };
    let n = with(Switches::default(), blind).await;
    let (internal, token) = (n.running.emulator.internal_token(), text(&n.pair().await, "access_token"));
    let root = n.running.emulator.root_page_id();
    let path = format!("pages/{root}/markdown");
    let add = || Some(json!({"type": "insert_content", "insert_content": {"content": "x"}}));
    assert_eq!(n.call(&token, "GET", &path, None).await.refusal(), "403, restricted_resource");
    assert_eq!(n.call(&token, "PATCH", &path, add()).await.refusal(), "403, restricted_resource");
    let nowhere = "pages/00000000-0000-4000-8000-000000000000/markdown";
    assert_eq!(n.call(&internal, "GET", nowhere, None).await.refusal(), "404, object_not_found");
    assert_eq!(n.call(&internal, "PATCH", nowhere, add()).await.refusal(), "404, object_not_found");
    let found = n.ok("POST", "search", Some(json!({"query": "Project tracker"}))).await;
    let database = text(&found["results"][0]["parent"], "database_id");
    assert!(refused(&n, &database, json!({})).await.contains("is a database, not a page"));
    let id = page(&n, "words").await;
    let block = text(&children(&n, &id).await[0], "id");
    assert!(refused(&n, &block, json!({})).await.contains("is a block, not a page"));
    let kinds = "body.type should be `\"insert_content\"`, `\"replace_content_range\"`, `\"update_content\"`, or \
                 `\"replace_content\"`, instead was `\"x\"`.";
    assert!(refused(&n, &id, json!({"type": "x"})).await.ends_with(kinds));
    let missing = refused(&n, &id, json!({"type": "replace_content", "replace_content": {}})).await;
    assert_eq!(
        missing,
        "body failed validation: body.replace_content.new_str should be defined, instead was `undefined`."
    );
    n.ok("PATCH", &format!("pages/{id}"), Some(json!({"in_trash": true}))).await;
    assert!(refused(&n, &id, add().unwrap()).await.contains("archived"));
    assert_eq!(read(&n, &id).await, "words", "it can still be read");
}

#[tokio::test]
async fn an_edit_may_be_done_later_and_is_polled_for() {
    let n = with(Switches { async_polls: 2, ..Switches::default() }, Capabilities::default()).await;
    let id = page(&n, "").await;
    let body = json!({"allow_async": true, "type": "insert_content", "insert_content": {"content": "# Hello\n\nAsync test content."}});
    let token = n.running.emulator.internal_token();
    let accepted = n.call(&token, "PATCH", &format!("pages/{id}/markdown"), Some(body)).await;
    assert_eq!(accepted.status, 202);
    let task = accepted.json();
    let recorded = [
        "object",
        "id",
        "status",
        "status_url",
        "created_time",
        "poll_after_seconds",
        "operation",
        "request_id",
    ];
    assert_eq!(keys(&task), recorded);
    assert_eq!((task["status"].clone(), task["poll_after_seconds"].clone()), (json!("queued"), json!(2)));
    assert_eq!(task["operation"], json!({"surface": "rest", "name": "PATCH /v1/pages/:page_id/markdown"}));
    let (path, task) = (format!("async_tasks/{}", text(&task, "id")), text(&task, "id"));
    assert!(task.starts_with("task_") && task.len() == 37, "{task}");
    assert_eq!(read(&n, &id).await, "", "accepted is not done");
    assert_eq!(n.ok("GET", &path, None).await["status"], "queued");
    assert_eq!(n.ok("GET", &path, None).await["status"], "running");
    let done = n.ok("GET", &path, None).await;
    assert_eq!(
        keys(&done),
        ["object", "id", "status", "status_url", "created_time", "operation", "result", "request_id"]
    );
    assert_eq!(done["status"], "succeeded");
    assert_eq!(keys(&done["result"]), ["markdown", "truncated", "unknown_block_ids", "id", "object"]);
    assert_eq!(done["result"]["markdown"], "# Hello\nAsync test content.");
    assert_eq!(n.ok("GET", &path, None).await["result"], done["result"], "it is done once");
    let other = text(&n.pair().await, "access_token");
    assert_eq!(n.call(&other, "GET", &path, None).await.refusal(), "404, object_not_found", "another's task");
    assert_eq!(n.call(&token, "GET", "async_tasks/task_1", None).await.refusal(), "404, object_not_found");
    n.running.emulator.advance(std::time::Duration::from_hours(25));
    assert_eq!(n.call(&token, "GET", &path, None).await.refusal(), "404, object_not_found", "forgotten");
}

#[tokio::test]
async fn a_task_is_done_in_time_even_if_nobody_asks() {
    let n = notion().await;
    let (root, token) = (n.running.emulator.root_page_id(), n.running.emulator.internal_token());
    let body = json!({"parent": {"page_id": root}, "markdown": "# Made later", "allow_async": true});
    let accepted = n.call(&token, "POST", "pages", Some(body)).await;
    assert_eq!(accepted.status, 202);
    let find = async || n.ok("POST", "search", Some(json!({"query": "Made later"}))).await["results"].clone();
    assert_eq!(find().await, json!([]));
    n.running.emulator.advance(std::time::Duration::from_secs(3));
    assert_eq!(find().await[0]["properties"]["title"]["title"][0]["plain_text"], "Made later");
    let path = format!("async_tasks/{}", text(&accepted.json(), "id"));
    assert_eq!(n.ok("GET", &path, None).await["result"]["object"], "page");
}

#[tokio::test]
async fn a_task_of_a_bot_that_was_removed_changes_nothing() {
    let n = notion().await;
    let id = page(&n, "words").await;
    let pair = n.pair().await;
    let body = json!({"allow_async": true, "type": "insert_content", "insert_content": {"content": "late"}});
    let path = format!("pages/{id}/markdown");
    let accepted = n.call(&text(&pair, "access_token"), "PATCH", &path, Some(body)).await;
    assert_eq!(accepted.status, 202, "{}", accepted.text());
    n.control("DELETE", &format!("/_emulator/authorizations/{}", text(&pair, "bot_id")), Value::Null).await;
    n.running.emulator.advance(std::time::Duration::from_mins(1));
    assert_eq!(read(&n, &id).await, "words");
}

#[tokio::test]
async fn what_cannot_be_is_refused_at_once_and_what_does_not_fit_fails_later() {
    let n = notion().await;
    let id = page(&n, "words").await;
    let wrong = json!({"allow_async": true, "type": "replace_content", "replace_content": {}});
    assert!(refused(&n, &id, wrong).await.contains("new_str should be defined"));
    let odd = json!({"allow_async": 1, "type": "replace_content", "replace_content": {"new_str": ""}});
    assert!(refused(&n, &id, odd).await.contains("body.allow_async should be a boolean"));
    let lost = json!({"allow_async": true, "type": "insert_content", "insert_content": {"content": "x", "after": "nowhere"}});
    let token = n.running.emulator.internal_token();
    let accepted = n.call(&token, "PATCH", &format!("pages/{id}/markdown"), Some(lost)).await;
    let failed = n.ok("GET", &format!("async_tasks/{}", text(&accepted.json(), "id")), None).await;
    assert_eq!(failed["status"], "failed");
    let error = json!({"object": "error", "status": 400, "code": "validation_error", "message": "String not found: <pattern>nowhere...nowhere</pattern> in current version of the page <target>words</target>"});
    assert_eq!(failed["error"], error);
}

#[tokio::test]
async fn replacements_cannot_double_a_text_for_ever() {
    let n = notion().await;
    let id = page(&n, "a").await;
    let doubled = json!({"old_str": "a", "new_str": "aa", "replace_all_matches": true});
    let updates = vec![doubled; 60];
    let body = json!({"type": "update_content", "update_content": {"content_updates": updates}});
    assert_eq!(
        refused(&n, &id, body).await,
        "The replacements would make the content longer than 2097152 bytes."
    );
    assert_eq!(read(&n, &id).await, "a");
}
