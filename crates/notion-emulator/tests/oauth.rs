//! Consent and tokens: what a client of Notion's OAuth sees, good and bad.

use axum::http::StatusCode;
use notion_emulator::{
    Basic, Capabilities, Effect, Fault, OldPair, Reauthorize, Refresh, Switches, UserInformation,
};
use serde_json::json;

use crate::support::{exchange, notion, parameter, text, with};

#[tokio::test]
async fn consent_gives_a_code_that_is_exchanged_once() {
    let n = notion().await;
    let back = n.consent().await;
    assert_eq!(back.status, StatusCode::SEE_OTHER);
    assert!(
        back.location().starts_with("https://app.example/callback?keep=this&code="),
        "{}",
        back.location()
    );
    assert_eq!(parameter(&back.location(), "state").as_deref(), Some("s&t"));
    let code = parameter(&back.location(), "code").unwrap();
    let pair = n.oauth("token", exchange(&code)).await;
    let body = pair.json();
    let keys: Vec<&str> = body.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = [
        "access_token",
        "token_type",
        "refresh_token",
        "bot_id",
        "workspace_icon",
        "workspace_name",
        "workspace_id",
        "owner",
        "duplicated_template_id",
        "request_id",
    ];
    assert_eq!(keys, expected);
    assert_eq!(body["request_id"], pair.headers["x-notion-request-id"].to_str().unwrap());
    assert!(text(&body, "access_token").starts_with("ntn_emulator_"));
    let again = n.oauth("token", exchange(&code)).await;
    assert_eq!(again.refusal(), "400, invalid_grant");
    assert_eq!(again.json()["error_description"], "Invalid code: this code has been revoked.");
}

#[tokio::test]
async fn the_first_page_is_ticked_and_what_is_below_it_comes_along() {
    let n = notion().await;
    let pair = n.pair().await;
    let token = text(&pair, "access_token");
    let root = n.running.emulator.root_page_id();
    assert_eq!(n.call(&token, "GET", &format!("pages/{root}"), None).await.status, StatusCode::OK);
    let found = n.call(&token, "POST", "search", Some(json!({"query": "Project tracker"}))).await.json();
    assert_eq!(found["results"][0]["object"], "data_source");
    let books = n.call(&token, "POST", "search", Some(json!({"query": "Books"}))).await.json();
    assert_eq!(books["results"], json!([]), "the reading list was not ticked");
    let me = n.call(&token, "GET", "users/me", None).await.json();
    assert_eq!(
        (me["id"].clone(), me["bot"]["owner"]["type"].clone()),
        (pair["bot_id"].clone(), json!("user"))
    );
}

#[tokio::test]
async fn cancel_gives_access_denied_and_zero_pages_are_allowed() {
    let n = notion().await;
    let page = n.send("GET", &n.authorize(""), &[], String::new()).await.unwrap();
    assert!(page.text().contains("this is not Notion"));
    let back = n.submit(&page, &[("cancel", "yes")]).await;
    assert_eq!(parameter(&back.location(), "error").as_deref(), Some("access_denied"));
    let page = n.submit(&page, &[]).await;
    let page = n.submit(&page, &[]).await;
    let none = page.text().replace(" checked", "");
    let none = crate::support::Reply { body: none.into(), ..page };
    let back = n.submit(&none, &[]).await;
    let pair = n.oauth("token", exchange(&parameter(&back.location(), "code").unwrap())).await.json();
    let root = n.running.emulator.root_page_id();
    let token = text(&pair, "access_token");
    assert_eq!(
        n.call(&token, "GET", &format!("pages/{root}"), None).await.refusal(),
        "404, object_not_found"
    );
    assert_eq!(n.call(&token, "GET", "users/me", None).await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_is_wrong_with_the_link_is_a_page_or_an_error_for_the_app() {
    let n = notion().await;
    let open = async |path: String| n.send("GET", &path, &[], String::new()).await.unwrap();
    let page = open(n.authorize("").replace("keep%3Dthis", "keep%3Dthat")).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    assert!(page.text().contains("Missing or invalid redirect_uri."));
    let page = open(n.authorize("").replace("client_id=client", "client_id=x")).await;
    assert_eq!((page.status, page.location()), (StatusCode::BAD_REQUEST, String::new()));
    let back = open(n.authorize("").replace("response_type=code", "response_type=token")).await;
    assert_eq!(parameter(&back.location(), "error").as_deref(), Some("unsupported_response_type"));
    let back = open(n.authorize("").replace("&owner=user", "")).await;
    assert_eq!(parameter(&back.location(), "error").as_deref(), Some("invalid_request"));
    let hostile = open(n.authorize("").replace("s%26t", "%22%3E%3Cscript%3E")).await;
    assert!(!hostile.text().contains("<script>"));
}

#[tokio::test]
async fn the_secret_counts_only_as_basic_and_errors_have_rfc_6749s_shape() {
    let n = notion().await;
    let mut body = exchange("c");
    body["client_id"] = json!("client");
    body["client_secret"] = json!("secret");
    let json = [("content-type", "application/json")];
    let reply = n.send("POST", "/v1/oauth/token", &json, body.to_string()).await.unwrap();
    assert_eq!(reply.refusal(), "401, invalid_client");
    assert_eq!(
        n.oauth("token", json!({"grant_type": "password"})).await.refusal(),
        "400, unsupported_grant_type"
    );
    assert_eq!(n.oauth("token", json!({})).await.refusal(), "400, invalid_request");
    let code = parameter(&n.consent().await.location(), "code").unwrap();
    let mut other = exchange(&code);
    other["redirect_uri"] = json!("https://app.example/callback");
    assert_eq!(n.oauth("token", other).await.refusal(), "400, invalid_grant");
    n.running.emulator.fault(Effect::OAuthErrorInEnvelope);
    let envelope = n.oauth("token", exchange("c")).await.json();
    assert_eq!(
        (envelope["object"].clone(), envelope["code"].clone()),
        (json!("error"), json!("invalid_grant"))
    );
}

#[tokio::test]
async fn a_refresh_is_as_strict_as_the_switches_say() {
    let refresh = |pair: &serde_json::Value| json!({"grant_type": "refresh_token", "refresh_token": pair["refresh_token"]});
    let works = async |n: &crate::support::Notion, pair: &serde_json::Value| {
        n.call(&text(pair, "access_token"), "GET", "users/me", None).await.status == StatusCode::OK
    };
    let n = notion().await;
    let first = n.pair().await;
    let second = n.oauth("token", refresh(&first)).await.json();
    assert_eq!(first["bot_id"], second["bot_id"]);
    assert!(!works(&n, &first).await && works(&n, &second).await);
    assert_eq!(n.oauth("token", refresh(&first)).await.refusal(), "400, invalid_grant");
    assert!(works(&n, &second).await);

    let n = with(Switches::documented(), Capabilities::default()).await;
    let first = n.pair().await;
    let second = n.oauth("token", refresh(&first)).await.json();
    assert!(works(&n, &first).await && works(&n, &second).await);
    // Any of its answers may have been lost, until one of the tokens that it gave is used.
    let third = n.oauth("token", refresh(&first)).await.json();
    let fourth = n.oauth("token", refresh(&first)).await;
    assert_eq!(fourth.status, StatusCode::OK);
    assert_eq!(n.oauth("token", refresh(&third)).await.status, StatusCode::OK);
    assert_eq!(n.oauth("token", refresh(&first)).await.refusal(), "400, invalid_grant");

    let n = with(Switches { refresh: Refresh::Family, ..Switches::default() }, Capabilities::default()).await;
    let first = n.pair().await;
    let second = n.oauth("token", refresh(&first)).await.json();
    assert_eq!(n.oauth("token", refresh(&first)).await.refusal(), "400, invalid_grant");
    assert!(!works(&n, &second).await, "using a token again ends the family");
}

#[tokio::test]
async fn a_second_consent_gives_what_the_switches_say() {
    let n = notion().await;
    let (first, second) = (n.pair().await, n.pair().await);
    assert_eq!(first["bot_id"], second["bot_id"]);
    assert_ne!(first["access_token"], second["access_token"]);
    assert_eq!(
        n.call(&text(&first, "access_token"), "GET", "users/me", None).await.refusal(),
        "401, unauthorized"
    );
    let same = Switches { reauthorize: Reauthorize::Same, older_pair: OldPair::Lives, ..Switches::default() };
    let n = with(same, Capabilities::default()).await;
    assert_eq!(n.pair().await["access_token"], n.pair().await["access_token"]);
}

#[tokio::test]
async fn introspection_and_revocation_speak_of_the_access_token() {
    let n = notion().await;
    let pair = n.pair().await;
    let token = json!({"token": pair["access_token"]});
    let introspected = n.oauth("introspect", token.clone()).await.json();
    let keys: Vec<&str> = introspected.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["active", "scope", "iat", "request_id"]);
    assert_eq!(introspected["active"], true);
    assert_eq!(
        introspected["scope"],
        "read_content insert_content update_content read_comment insert_comment read_user_with_email read_user_without_email"
    );
    assert_eq!(introspected["iat"].to_string().len(), 13, "milliseconds, until the year 2286");
    assert_eq!(n.oauth("introspect", json!({"token": "ntn_emulator_x"})).await.json()["active"], false);
    assert_eq!(n.oauth("revoke", token.clone()).await.status, StatusCode::OK);
    assert_eq!(n.oauth("revoke", token.clone()).await.status, StatusCode::OK, "revoking twice is no error");
    assert_eq!(n.oauth("introspect", token).await.json()["active"], false);
    let refresh = json!({"grant_type": "refresh_token", "refresh_token": pair["refresh_token"]});
    assert_eq!(n.oauth("token", refresh).await.refusal(), "400, invalid_grant");
}

#[tokio::test]
async fn faults_hit_what_they_name_as_often_as_they_say() {
    let n = notion().await;
    let emulator = &n.running.emulator;
    emulator.fault(Fault::rate_limited(std::time::Duration::from_secs(3)).on("/v1/users").times(2));
    let token = emulator.internal_token();
    for _ in 0..2 {
        let limited = n.call(&token, "GET", "users/me", None).await;
        assert_eq!(limited.refusal(), "429, rate_limited");
        assert_eq!(limited.headers["retry-after"], "3");
        assert_eq!(limited.json()["additional_data"]["retry_after"], "3");
    }
    assert_eq!(n.call(&token, "GET", "users/me", None).await.status, StatusCode::OK);
    emulator.fault(Fault::from(Effect::HangUpAfter).method("POST"));
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("notion-version", "2025-09-03")];
    assert!(n.send("POST", "/v1/search", &headers, "{}".to_owned()).await.is_none(), "the socket was closed");
    let entry = emulator.journal().pop().unwrap();
    assert_eq!((entry.status, entry.fault), (0, Some("hang_up_after")));
}

#[tokio::test]
async fn people_show_as_much_as_the_capability_lets() {
    for (sees, name, email) in [
        (UserInformation::WithEmail, true, true),
        (UserInformation::WithoutEmail, true, false),
        (UserInformation::None, false, false),
    ] {
        let n = with(Switches::default(), Capabilities { user_information: sees, ..Capabilities::default() })
            .await;
        let pair = n.pair().await;
        let user = &pair["owner"]["user"];
        assert_eq!((user["name"].is_string(), user["person"]["email"].is_string()), (name, email), "{user}");
        let users = n.call(&text(&pair, "access_token"), "GET", "users", None).await;
        assert_eq!(users.status == StatusCode::OK, name, "{}", users.text());
    }
}

#[tokio::test]
async fn the_scope_names_what_the_integration_may_do() {
    let scope = async |capabilities| {
        let n = with(Switches::default(), capabilities).await;
        let token = json!({"token": n.pair().await["access_token"]});
        text(&n.oauth("introspect", token).await.json(), "scope")
    };
    // The recorded answer's integration: no comments, people with their addresses.
    let without_comments =
        Capabilities { read_comments: false, insert_comments: false, ..Capabilities::default() };
    assert_eq!(
        scope(without_comments).await,
        "read_content insert_content update_content read_user_with_email read_user_without_email"
    );
    let names_only = Capabilities {
        insert_content: false,
        update_content: false,
        user_information: UserInformation::WithoutEmail,
        ..without_comments
    };
    assert_eq!(scope(names_only).await, "read_content read_user_without_email");
    let least = Capabilities { user_information: UserInformation::None, ..names_only };
    assert_eq!(scope(least).await, "read_content");
}

#[tokio::test]
async fn a_field_that_is_missing_or_no_text_is_named_in_notions_words() {
    let n = notion().await;
    let code = parameter(&n.consent().await.location(), "code").unwrap();
    let said = async |endpoint: &str, body: serde_json::Value| {
        let reply = n.oauth(endpoint, body).await;
        assert_eq!(reply.refusal(), "400, invalid_request");
        assert!(reply.json()["request_id"].is_string());
        text(&reply.json(), "error_description")
    };
    let without = |name: &str| {
        let mut body = exchange(&code);
        body.as_object_mut().unwrap().remove(name);
        body
    };
    let missing = |name: &str| {
        format!("body failed validation: body.{name} should be defined, instead was `undefined`.")
    };
    for name in ["grant_type", "code", "redirect_uri"] {
        assert_eq!(said("token", without(name)).await, missing(name));
    }
    assert_eq!(said("token", json!({"grant_type": "refresh_token"})).await, missing("refresh_token"));
    for endpoint in ["introspect", "revoke"] {
        assert_eq!(said(endpoint, json!({})).await, missing("token"));
    }
    let with = |name: &str, value: serde_json::Value| {
        let mut body = exchange(&code);
        body[name] = value;
        body
    };
    assert_eq!(
        said("token", with("redirect_uri", json!(null))).await,
        "body failed validation: body.redirect_uri should be a string, instead was `null`."
    );
    assert_eq!(
        said("token", with("code", json!(7))).await,
        "body failed validation: body.code should be a string, instead was `7`."
    );
    assert_eq!(
        said("token", with("code", json!(""))).await,
        "body failed validation: body.code should be populated, instead was `\"\"`."
    );
    // None of it spent the code.
    assert_eq!(n.oauth("token", exchange(&code)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_link_with_a_parameter_of_the_wrong_type_is_answered_with_json() {
    let n = notion().await;
    let said = async |path: String| {
        let reply = n.send("GET", &path, &[], String::new()).await.unwrap();
        assert_eq!(reply.refusal(), "400, invalid_request", "{path}");
        assert_eq!(reply.location(), "");
        assert_eq!(reply.json()["request_id"], reply.headers["x-notion-request-id"].to_str().unwrap());
        text(&reply.json(), "error_description")
    };
    let wrong = |name: &str, was: &str| {
        format!(
            "query failed validation: query.{name} should be a string or `undefined`, instead was `{was}`."
        )
    };
    for (name, value) in [("client_id", "client"), ("response_type", "code"), ("owner", "user")] {
        let given = format!("{name}={value}");
        let link = n.authorize("");
        assert_eq!(said(link.replace(&given, &format!("{name}="))).await, wrong(name, "0"));
        let list = format!("[\"{value}\",\"b\"]");
        assert_eq!(said(format!("{link}&{name}=b")).await, wrong(name, &list));
        let one = format!("[\"{value}\"]");
        assert_eq!(said(link.replace(&given, &format!("{name}[]={value}"))).await, wrong(name, &one));
    }
    assert_eq!(
        said("/v1/oauth/authorize?client_id=&redirect_uri=%2Fx".to_owned()).await,
        wrong("client_id", "0")
    );
    assert_eq!(said(n.authorize("&state=b")).await, wrong("state", "[\"s&t\",\"b\"]"));
    let missing = said(n.authorize("").replace("client_id=client&", "")).await;
    assert_eq!(missing, "Missing or incomplete Client ID.");
    // One that is text, but nobody's, is a page.
    let page = n.send("GET", &n.authorize("").replace("=client&", "=x&"), &[], String::new()).await.unwrap();
    assert!(page.text().contains("Missing or incomplete Client ID.") && page.text().contains("<html"));
}

#[tokio::test]
async fn what_is_decoded_of_the_credentials_is_a_switch() {
    use base64::Engine as _;
    let encoded = "c%6Cient:s%65cret";
    let outcomes = async |basic: Basic| {
        let n = with(Switches { basic, ..Switches::default() }, Capabilities::default()).await;
        let mut statuses = Vec::new();
        for (pair, endpoint) in [
            ("client:secret", "introspect"),
            (encoded, "introspect"),
            (encoded, "revoke"),
            ("client:s%ZZ", "token"),
        ] {
            let header = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair));
            let headers = [("authorization", header.as_str()), ("content-type", "application/json")];
            let path = format!("/v1/oauth/{endpoint}");
            let reply = n.send("POST", &path, &headers, json!({"token": "t"}).to_string()).await.unwrap();
            statuses.push(reply.status.as_u16());
        }
        statuses
    };
    assert_eq!(outcomes(Basic::Raw).await, [200, 401, 401, 401], "the default: as hostile as may be");
    assert_eq!(outcomes(Basic::Encoded).await, [200, 200, 200, 401]);
    assert_eq!(outcomes(Basic::Either).await, [200, 200, 200, 401]);
    // Where everything is decoded, a secret that was not encoded is another one.
    let n = notion().await;
    let client = json!({"client_id": "odd", "client_secret": "a%41+b", "name": "Odd", "redirect_uris": []});
    n.control("POST", "/_emulator/clients", client).await;
    for (basic, raw, coded) in [("raw", 200, 401), ("encoded", 401, 200), ("either", 200, 200)] {
        n.control("PUT", "/_emulator/switches", json!({"basic": basic})).await;
        for (pair, status) in [("odd:a%41+b", raw), ("odd:a%2541%2Bb", coded)] {
            let header = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair));
            let headers = [("authorization", header.as_str()), ("content-type", "application/json")];
            let body = json!({"token": "t"}).to_string();
            let reply = n.send("POST", "/v1/oauth/introspect", &headers, body).await.unwrap();
            assert_eq!(reply.status.as_u16(), status, "{basic} {pair}");
        }
    }
}
