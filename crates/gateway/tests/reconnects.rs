//! Links that are to reconnect a connection, and what comes of them: the same person and workspace heal it; anything else is told to
//! the person on a page and to the app when it redeems, and becomes what the app says.

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::support::{House, Plan, RETURN_URL, Reply, house, until};

const REVOKE: &str = "/v1/oauth/revoke";

/// A link that is to reconnect this connection of `u`.
async fn link(t: &House, id: &str) -> String {
    let asked = json!({"end_user": "u", "return_url": RETURN_URL, "reconnect": id});
    let minted = t.api("POST", "/api/connect-sessions", Some(asked)).await;
    minted.json()["url"].as_str().unwrap().to_owned()
}

/// The links of a page's buttons.
fn buttons(page: &Reply) -> Vec<String> {
    let text = page.text();
    let links = text.split("<p class=\"way\"><a href=\"").skip(1);
    links.map(|rest| rest.split('"').next().unwrap().replace("&amp;", "&")).collect()
}

fn code_of(url: &str) -> String {
    let url = url::Url::parse(url).unwrap();
    url.query_pairs().find(|(name, _)| name == "code").map(|(_, code)| code.into_owned()).expect("a code")
}

/// This person, in this workspace of theirs, opens the link: the page that they see.
async fn comes(t: &House, link: &str, person: usize, workspace: usize) -> Reply {
    let mut browser = t.browser();
    (browser.person, browser.workspace) = (person, workspace);
    browser.connect(link).await
}

async fn redeem(t: &House, code: &str, mismatch: Option<&str>) -> Reply {
    let mut asked = json!({"code": code, "end_user": "u"});
    if let Some(mismatch) = mismatch {
        asked["mismatch"] = json!(mismatch);
    }
    t.api("POST", "/api/connections", Some(asked)).await
}

async fn shown(t: &House, id: &str) -> Value {
    t.api("GET", &format!("/api/connections/{id}"), None).await.json()
}

async fn works(t: &House, id: &str) {
    let me = t.api("GET", &format!("/notion/{id}/v1/users/me"), None).await;
    assert_eq!((me.status, me.json()["id"].clone()), (StatusCode::OK, shown(t, id).await["bot_id"].clone()));
}

#[tokio::test]
async fn somebody_else_is_told_on_a_page_and_the_app_when_it_redeems_and_nothing_is_lost() {
    // Another person of the same workspace; and another workspace, of the same person.
    for (person, workspace, differs) in [(1, 0, "owner"), (0, 1, "workspace")] {
        let t = house().await;
        let id = t.connection("u").await;
        let before = shown(&t, &id).await;
        let page = comes(&t, &link(&t, &id).await, person, workspace).await;
        assert_eq!(page.status, StatusCode::CONFLICT);
        let text = page.text();
        let told = |path: &str| text.contains(before.pointer(path).and_then(Value::as_str).unwrap());
        assert!(told("/workspace/name"), "what it was made for: {text}");
        // Whoever finishes a link that was passed on learns of nobody.
        assert_eq!(told("/owner/name"), differs == "workspace", "their own name at most: {text}");
        assert!(!told("/owner/email"));
        let [again, onward] = buttons(&page).try_into().expect("two ways on");
        assert!(again.starts_with(&format!("{}/connect/", t.url)) && onward.starts_with(RETURN_URL));

        let code = code_of(&onward);
        for _ in 0..2 {
            let refused = redeem(&t, &code, None).await;
            assert_eq!(refused.refusal(), "409, reconnect_mismatch");
            let told = refused.json()["mismatch"].clone();
            assert_eq!((&told["connection"], &told["differs"]), (&json!(id), &json!(differs)));
            assert_eq!(told["expected"]["workspace"]["id"], before["workspace"]["id"]);
            assert_eq!(told["expected"]["owner"]["name"], before["owner"]["name"]);
            let (expected, came) = (told["expected"][differs].clone(), told["received"][differs].clone());
            assert!(
                came["id"].is_string() && came["name"].is_string() && expected["id"] != came["id"],
                "{told}"
            );
        }
        assert_eq!(shown(&t, &id).await, before);
        works(&t, &id).await;
        // The code is unspent: who proves another user still gets nothing of it.
        assert_eq!(t.redeem(&code, "mallory").await.refusal(), "400, invalid_grant");
        works(&t, &id).await;
    }
}

#[tokio::test]
async fn who_looks_at_the_attempt_reads_in_what_another_one_came_and_later_what_became_of_it() {
    for (person, workspace, word) in [(1, 0, "Another person"), (0, 1, "another workspace")] {
        for said in ["add", "switch"] {
            let t = house().await;
            let id = t.connection("u").await;
            let page = comes(&t, &link(&t, &id).await, person, workspace).await;
            let onward = url::Url::parse(&buttons(&page)[1]).unwrap();
            let attempt = onward.query_pairs().find(|(name, _)| name == "attempt").unwrap().1.into_owned();
            let notes = async || {
                let shown = t.attempt(&attempt).await;
                let steps = shown["steps"].as_array().unwrap().clone();
                let of = |step: &Value| step["what"] == "Another workspace or person than expected";
                let noted: Vec<_> = steps.iter().filter(|step| of(step)).cloned().collect();
                (noted, shown["outcome"].clone(), shown["connection"].clone())
            };
            let (noted, outcome, _) = notes().await;
            assert_eq!(
                (noted.len(), &noted[0]["outcome"], &outcome),
                (1, &json!("failed"), &json!("returned"))
            );
            let note = noted[0]["note"].as_str().unwrap();
            assert!(note.contains(word) && note.contains("Nothing was changed"), "{note}");
            assert!(note.contains("add it or switch to it"), "it says what to do: {note}");
            // Whoever looks may be another person: no name and no id of either.
            let before = shown(&t, &id).await;
            for told in ["/workspace/name", "/owner/name", "/owner/id"] {
                assert!(!note.contains(before.pointer(told).and_then(Value::as_str).unwrap()));
            }
            let code = code_of(onward.as_str());
            let came = redeem(&t, &code, Some(said)).await.json();
            let (_, outcome, connection) = notes().await;
            assert_eq!((&outcome, &connection), (&json!("connected"), &came["id"]));
            assert_eq!(came["id"] == id.as_str(), said == "switch");
        }
    }
}

/// It once was told as given up for ever, though it worked again.
#[tokio::test]
async fn one_that_was_given_up_and_is_switched_to_what_works_has_recovered() {
    for joined in [false, true] {
        let t = house().await;
        let id = t.connection("u").await;
        assert!(t.still_authorized(&id).await);
        t.api("GET", &format!("/notion/{id}/v1/users/me"), None).await;
        assert_eq!(shown(&t, &id).await["state"], "reconnect_needed");
        if joined {
            // Somebody else's connection stands on it already.
            let back = comes(&t, &t.link("v").await, 0, 1).await;
            assert_eq!(t.redeem(&back.query("code").unwrap(), "v").await.status, StatusCode::OK);
        }
        let page = comes(&t, &link(&t, &id).await, 0, 1).await;
        let switched = redeem(&t, &code_of(&buttons(&page)[1]), Some("switch")).await.json();
        assert_eq!((&switched["id"], &switched["state"]), (&json!(id), &json!("active")));
        let events = t.api("GET", "/api/events", None).await.json();
        let of: Vec<&Value> = events["data"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|event| event["connection"] == id.as_str())
            .collect();
        let count = |kind: &str| of.iter().filter(|event| event["type"] == kind).count();
        assert_eq!((count("connection.recovered"), count("connection.switched")), (1, 1), "{events}");
        let attempt =
            of.iter().find(|event| event["type"] == "connection.recovered").unwrap()["attempt"].clone();
        assert!(attempt.is_string(), "by which consent: {events}");
        works(&t, &id).await;
    }
}

#[tokio::test]
async fn added_it_is_a_further_connection_and_the_first_one_keeps_its_keys() {
    let t = house().await;
    let id = t.connection("u").await;
    let key = t.api("POST", &format!("/api/connections/{id}/keys"), None).await.json();
    let page = comes(&t, &link(&t, &id).await, 1, 0).await;
    let added = redeem(&t, &code_of(&buttons(&page)[1]), Some("add")).await.json();
    assert_ne!(added["id"], id.as_str());
    assert_eq!(added["workspace"]["id"], shown(&t, &id).await["workspace"]["id"]);
    works(&t, &id).await;
    works(&t, added["id"].as_str().unwrap()).await;
    let me = t.call_as(key["key"].as_str().unwrap(), "GET", "/v1/users/me", None).await;
    assert_eq!((me.status, &me.json()["id"]), (StatusCode::OK, &shown(&t, &id).await["bot_id"]));
    assert_eq!(t.events().await.last().map(String::as_str), Some("connection.connected"));
}

#[tokio::test]
async fn switched_it_is_the_same_connection_elsewhere_without_the_keys_that_opened_the_old_one() {
    for shared in [false, true] {
        let t = house().await;
        let id = t.connection("u").await;
        let other = if shared { Some(t.connection("v").await) } else { None };
        let before = shown(&t, &id).await;
        let key = t.api("POST", &format!("/api/connections/{id}/keys"), None).await.json();
        works(&t, &id).await;
        let page = comes(&t, &link(&t, &id).await, 0, 1).await;
        let code = code_of(&buttons(&page)[1]);
        let switched = redeem(&t, &code, Some("switch")).await.json();
        assert_eq!((&switched["id"], &switched["end_user"]), (&before["id"], &before["end_user"]));
        assert_ne!(switched["workspace"]["id"], before["workspace"]["id"]);
        works(&t, &id).await;
        let old = t.call_as(key["key"].as_str().unwrap(), "GET", "/v1/users/me", None).await;
        assert_eq!(old.refusal(), "401, key_invalid");
        assert_eq!(
            redeem(&t, &code, None).await.json()["id"],
            id.as_str(),
            "repeated, it is answered the same"
        );
        let told = t.events().await;
        assert_eq!(told.iter().filter(|kind| *kind == "connection.switched").count(), 1, "{told:?}");
        // What nobody stands on any more is ended at Notion; what somebody shares is not.
        t.gateway.settle().await.unwrap();
        assert_eq!(t.notion_calls(REVOKE), usize::from(!shared));
        if let Some(other) = &other {
            works(&t, other).await;
        }
        works(&t, &id).await;
    }
}

#[tokio::test]
async fn chosen_again_the_right_one_heals_it_and_the_wrong_one_is_settled() {
    let t = house().await;
    let id = t.connection("u").await;
    let wrong = comes(&t, &link(&t, &id).await, 1, 0).await;
    let [again, _] = buttons(&wrong).try_into().expect("two ways on");
    let back = comes(&t, &again, 0, 0).await;
    assert_eq!(back.status, StatusCode::SEE_OTHER, "{}", back.text());
    assert_eq!(redeem(&t, &back.query("code").unwrap(), None).await.json()["id"], id.as_str());
    works(&t, &id).await;
    // Nobody decides about the wrong one.
    t.wait(Duration::from_mins(5));
    t.gateway.settle().await.unwrap();
    t.gateway.settle().await.unwrap();
    assert_eq!(t.notion_calls(REVOKE), 1);
    works(&t, &id).await;
    let states = t.api("GET", "/api/connections", None).await.json();
    assert_eq!(states["data"].as_array().unwrap().len(), 1);
    // The link that chooses again is one like any other: for one use, and for the same user of the app.
    assert_eq!(t.browser().open(&again).await.status, StatusCode::GONE);
}

/// Each choice once made a link of a quarter of an hour: whoever had one could go on for ever.
#[tokio::test]
async fn who_chooses_again_has_what_is_left_of_the_first_links_time_and_attempts() {
    let t = house().await;
    let id = t.connection("u").await;
    let again_of = |page: &Reply| buttons(page)[0].clone();
    let mut again = link(&t, &id).await;
    for _ in 0..5 {
        again = again_of(&comes(&t, &again, 1, 0).await);
    }
    assert_eq!(t.browser().open(&again).await.status, StatusCode::TOO_MANY_REQUESTS);

    t.wait(Duration::from_secs(1));
    let first = link(&t, &id).await;
    t.wait(Duration::from_mins(14));
    let again = again_of(&comes(&t, &first, 1, 0).await);
    t.wait(Duration::from_mins(1));
    assert_eq!(t.browser().open(&again).await.status, StatusCode::GONE);
}

#[tokio::test]
async fn of_a_connection_that_is_anothers_by_now_or_ended_nothing_is_told() {
    for ended in [false, true] {
        let t = house().await;
        let id = t.connection("u").await;
        let before = shown(&t, &id).await;
        let link = link(&t, &id).await;
        let path = format!("/api/connections/{id}");
        if ended {
            t.api("DELETE", &path, None).await;
        } else {
            t.api("PATCH", &path, Some(json!({"end_user": "v"}))).await;
        }
        let back = comes(&t, &link, 1, 0).await;
        assert_eq!(back.status, StatusCode::SEE_OTHER, "{}", back.text());
        let redeemed = redeem(&t, &back.query("code").unwrap(), None).await;
        assert_eq!(redeemed.status, StatusCode::OK, "{}", redeemed.text());
        assert!(!redeemed.text().contains(before["owner"]["id"].as_str().unwrap()));
        assert_ne!(redeemed.json()["id"], id.as_str());
    }
}

#[tokio::test]
async fn an_order_that_is_none_is_refused_and_one_that_is_not_needed_changes_nothing() {
    let t = house().await;
    let id = t.connection("u").await;
    let back = comes(&t, &link(&t, &id).await, 0, 0).await;
    let code = back.query("code").unwrap();
    assert_eq!(redeem(&t, &code, Some("replace")).await.refusal(), "400, invalid_request");
    let healed = redeem(&t, &code, Some("switch")).await.json();
    assert_eq!(healed["id"], id.as_str());
    let told = t.events().await;
    assert!(told.contains(&"connection.reconnected".to_owned()), "{told:?}");
    assert!(!told.contains(&"connection.switched".to_owned()), "{told:?}");
}

/// A redemption that heals the connection is on its way, and has judged it, while `meanwhile` happens; what it is answered.
async fn crossed(
    t: &House,
    code: &str,
    mismatch: Option<&str>,
    meanwhile: impl Future<Output = ()>,
) -> Reply {
    let gate = t.gate.as_ref().unwrap();
    gate.hold("/v1/oauth/introspect");
    let meanwhile = async {
        gate.arrived().await;
        meanwhile.await;
        gate.open();
    };
    tokio::join!(redeem(t, code, mismatch), meanwhile).0
}

/// A connection of `u`, on an authorization that `w` shares, so that it lives on when the former moves; and two codes of links that are
/// to reconnect it: of the same person, and of another.
async fn raced() -> (House, String, [String; 2]) {
    let t = House::build(Plan { gate: true, ..Plan::default() }).await;
    let id = t.connection("u").await;
    t.connection("w").await;
    let same = comes(&t, &link(&t, &id).await, 0, 0).await.query("code").expect("a code");
    let other = code_of(&buttons(&comes(&t, &link(&t, &id).await, 1, 0).await)[1]);
    (t, id, [same, other])
}

/// The keys that were minted for the second person's workspace once opened the first one's.
#[tokio::test]
async fn a_connection_that_was_moved_since_it_was_judged_is_judged_anew() {
    let (t, id, [same, other]) = raced().await;
    let reply = crossed(&t, &same, None, async {
        assert_eq!(redeem(&t, &other, Some("switch")).await.status, StatusCode::OK);
    })
    .await;
    let moved = shown(&t, &id).await;
    let keys = t.api("POST", &format!("/api/connections/{id}/keys"), None).await.json();
    assert_eq!(reply.refusal(), "409, reconnect_mismatch");
    assert_eq!(reply.json()["mismatch"]["expected"]["owner"]["id"], moved["owner"]["id"]);
    // By the app's order it moves back, and the keys end that were minted meanwhile.
    let reply = redeem(&t, &same, Some("switch")).await;
    assert_eq!((reply.status, &reply.json()["id"]), (StatusCode::OK, &json!(id)));
    assert_ne!(shown(&t, &id).await["owner"]["id"], moved["owner"]["id"]);
    let key = keys["key"].as_str().unwrap();
    assert_eq!(t.call_as(key, "GET", "/v1/users/me", None).await.refusal(), "401, key_invalid");
    works(&t, &id).await;
}

/// Two orders to move it elsewhere: both are done, one after the other, and no key of the first place opens the second.
#[tokio::test]
async fn of_two_orders_to_move_a_connection_that_cross_the_later_one_ends_what_the_earlier_one_brought() {
    let (t, id, [_, other]) = raced().await;
    // A further connection of the person whom the first order moves it to: Notion is asked which pair lives.
    t.connection_of(1, "x").await;
    let elsewhere = code_of(&buttons(&comes(&t, &link(&t, &id).await, 0, 1).await)[1]);
    let minted = std::cell::OnceCell::new();
    let reply = crossed(&t, &other, Some("switch"), async {
        assert_eq!(redeem(&t, &elsewhere, Some("switch")).await.status, StatusCode::OK);
        let key = t.api("POST", &format!("/api/connections/{id}/keys"), None).await.json();
        minted.set(key["key"].as_str().unwrap().to_owned()).unwrap();
    })
    .await;
    assert_eq!((reply.status, &reply.json()["id"]), (StatusCode::OK, &json!(id)));
    let key = minted.get().unwrap();
    assert_eq!(t.call_as(key, "GET", "/v1/users/me", None).await.refusal(), "401, key_invalid");
    works(&t, &id).await;
    let told = t.events().await;
    assert_eq!(told.iter().filter(|kind| *kind == "connection.switched").count(), 2, "{told:?}");
}

/// It was healed for the first user though it was the second one's by then: the first one's code opened it.
#[tokio::test]
async fn a_connection_that_was_given_to_another_user_since_it_was_judged_is_not_the_first_ones() {
    for by_link in [true, false] {
        let (t, id, [same, _]) = raced().await;
        let code = if by_link { same } else { t.returned("u").await.0 };
        let reply = crossed(&t, &code, None, async {
            let given =
                t.api("PATCH", &format!("/api/connections/{id}"), Some(json!({"end_user": "v"}))).await;
            assert_eq!(given.status, StatusCode::OK);
        })
        .await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
        assert_ne!(reply.json()["id"], json!(id), "by a link that names it: {by_link}");
        assert_eq!(
            (shown(&t, &id).await["end_user"].clone(), reply.json()["end_user"].clone()),
            (json!("v"), json!("u"))
        );
        works(&t, &id).await;
    }
}

/// Nobody has to wait for the next round.
#[tokio::test]
async fn what_a_connection_stood_on_alone_is_ended_as_soon_as_it_has_moved() {
    let t = house().await;
    let id = t.connection("u").await;
    let other = code_of(&buttons(&comes(&t, &link(&t, &id).await, 1, 0).await)[1]);
    assert_eq!(redeem(&t, &other, Some("switch")).await.status, StatusCode::OK);
    until("it is revoked", async || t.notion_calls(REVOKE) == 1).await;
    works(&t, &id).await;
}
