//! Custom emojis: listed, found by name, fetched, and used as icons and in text.

use super::*;

#[tokio::test]
async fn custom_emojis_are_listed_found_by_name_and_used() {
    let n = notion().await;
    let all = n.ok("GET", "custom_emojis?page_size=2", None).await;
    assert_eq!(keys(&all), ["object", "type", "results", "has_more", "next_cursor", "request_id"]);
    assert_eq!((all["results"].as_array().map(Vec::len), &all["has_more"]), (Some(2), &json!(true)));
    let found = n.ok("GET", "custom_emojis?name=ship-it", None).await["results"].clone();
    assert_eq!(found.as_array().map(Vec::len), Some(1));
    let emoji = found[0].clone();
    assert_eq!(keys(&emoji), ["id", "name", "url"]);
    let picture = fetch(&n, &text(&emoji, "url")).await;
    assert_eq!(picture.headers["content-type"], "image/svg+xml");
    assert!(picture.text().starts_with("<svg"));
    let page = format!("pages/{}", n.running.emulator.root_page_id());
    let icon = json!({"icon": {"type": "custom_emoji", "custom_emoji": {"id": emoji["id"]}}});
    assert_eq!(
        n.ok("PATCH", &page, Some(icon)).await["icon"],
        json!({"type": "custom_emoji", "custom_emoji": emoji})
    );
    let mention = json!({"properties": {"title": [{"mention": {"custom_emoji": {"id": emoji["id"]}}}]}});
    let title = n.ok("PATCH", &page, Some(mention)).await["properties"]["title"]["title"][0].clone();
    assert_eq!(
        (title["plain_text"].clone(), title["mention"]["custom_emoji"].clone()),
        (json!(":ship-it:"), emoji)
    );
    let unknown = json!({"icon": {"custom_emoji": {"id": "00000000-0000-4000-8000-000000000000"}}});
    assert_eq!(refused(&n, "PATCH", &page, Some(unknown)).await.0, "404, object_not_found");
}

#[tokio::test]
async fn custom_emojis_need_the_capability_to_read() {
    let n = with(Switches::default(), Capabilities { read_content: false, ..Capabilities::default() }).await;
    let token = text(&n.pair().await, "access_token");
    assert_eq!(n.call(&token, "GET", "custom_emojis", None).await.refusal(), "403, restricted_resource");
}
