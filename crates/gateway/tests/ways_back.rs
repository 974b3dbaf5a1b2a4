//! The way back from a page of ours: to the origin that the browser came for, if it is registered, and never anywhere else.

use std::time::Duration;

use axum::http::StatusCode;
use gateway::Integration;

use crate::support::{House, Plan, RETURN_URL, Reply, house};

/// Another home of the app.
const ELSEWHERE: &str = "https://app.example:8443/return";
const MINUTE: Duration = Duration::from_mins(1);

/// Where the page's button leads, if it has one.
fn way(page: &Reply) -> Option<String> {
    let text = page.text();
    let (_, link) = text.split_once("<p class=\"way\"><a href=\"")?;
    link.split('"').next().map(str::to_owned)
}

fn root(url: &str) -> String {
    let origin = url::Url::parse(url).unwrap().origin().ascii_serialization();
    format!("{origin}/")
}

/// A house whose app lives in two places; the usual one's lives in one.
async fn two_places() -> House {
    fn adjust(integration: &mut Integration) {
        integration.return_urls = vec![RETURN_URL.to_owned(), ELSEWHERE.to_owned()];
    }
    House::build(Plan { adjust: Some(adjust), ..Plan::default() }).await
}

#[tokio::test]
async fn a_link_that_is_over_leads_back_to_the_app_it_was_made_for() {
    let t = two_places().await;
    let used = t.link("u").await;
    t.browser().connect(&used).await;
    let page = t.browser().open(&used).await;
    assert_eq!((page.status, way(&page)), (StatusCode::GONE, Some(root(RETURN_URL))));

    let crowded = t.link("u").await;
    for _ in 0..5 {
        t.browser().open(&crowded).await;
    }
    let page = t.browser().open(&crowded).await;
    assert_eq!((page.status, way(&page)), (StatusCode::TOO_MANY_REQUESTS, Some(root(RETURN_URL))));

    let expired = t.link("u").await;
    t.wait(15 * MINUTE);
    let page = t.browser().open(&expired).await;
    assert_eq!((page.status, way(&page)), (StatusCode::GONE, Some(root(RETURN_URL))));
}

#[tokio::test]
async fn an_attempt_leads_back_to_its_own_app_at_both_doors() {
    let t = two_places().await;
    let notion_shaped = t.authorize_url(&[("redirect_uri", ELSEWHERE)]);
    for (link, home) in [(t.link("u").await, RETURN_URL), (notion_shaped, ELSEWHERE)] {
        let mut browser = t.browser();
        let callback = browser.consent(&link).await;
        let stranger = t.browser().open(&callback).await;
        assert_eq!((stranger.status, way(&stranger)), (StatusCode::FORBIDDEN, Some(root(home))));
        browser.open(&callback).await;
        let again = browser.open(&callback).await;
        assert_eq!((again.status, way(&again)), (StatusCode::CONFLICT, Some(root(home))));
    }
}

#[tokio::test]
async fn nothing_that_is_not_registered_is_ever_linked_to() {
    let (t, one) = (two_places().await, house().await);
    for evil in [
        "https://evil.example/return",
        "javascript:alert(1)",
        "//evil.example",
        "https://app.example.evil.example/",
    ] {
        let page = t.browser().open(&t.authorize_url(&[("redirect_uri", evil)])).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST);
        assert_eq!(way(&page), None, "two places are registered, so nobody knows which was meant");
        assert!(!page.text().contains("evil"));
        // Where there is one place only, that is where the person wanted to go.
        let page = one.browser().open(&one.authorize_url(&[("redirect_uri", evil)])).await;
        assert_eq!(way(&page), Some(root(RETURN_URL)));
        assert!(!page.text().contains("evil"));
    }
}

#[tokio::test]
async fn a_page_that_knows_of_no_app_has_a_way_back_only_where_there_is_one_place() {
    let (t, one) = (two_places().await, house().await);
    for path in [
        "/connect/unknown",
        "/nowhere",
        "/callback/demo?code=a&state=unknown",
        "/v1/oauth/authorize?client_id=nobody",
    ] {
        let page = t.browser().open(&format!("{}{path}", t.url)).await;
        assert_eq!(way(&page), None, "{path}");
        let page = one.browser().open(&format!("{}{path}", one.url)).await;
        assert_eq!(way(&page), Some(root(RETURN_URL)), "{path}");
        assert!(page.text().contains("role=\"alert\""), "{path}");
    }
    let page = one.send("POST", "/connect/unknown", &[], None).await;
    assert_eq!((page.status, way(&page)), (StatusCode::METHOD_NOT_ALLOWED, Some(root(RETURN_URL))));
    // A look at the head alone starts nothing and has no page.
    let head = one.send("HEAD", "/connect/unknown", &[], None).await;
    assert_eq!((head.status, head.text().len()), (StatusCode::NO_CONTENT, 0));
}
