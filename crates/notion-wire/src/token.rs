//! Notion's token endpoint and its kin, as its client: what we send, and what the answers mean.
//! An answer is one of four: a pair, a refusal, "later", or unclear. Unclear is never taken for a refusal, for the
//! pair may have been issued; and a damaged answer that still holds both tokens whole is a pair, for it is the only copy.

mod salvage;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::Zeroize;

/// The longest token that is taken, in bytes. Notion asks to leave room and not to check its form.
const TOKEN_MAX: usize = 4096;

/// A token in the clear. It has no Display, prints as `[redacted]`, and is wiped when dropped.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Token(String);

impl Token {
    /// Wraps a token.
    pub fn new(token: String) -> Self {
        Self(token)
    }

    /// The token itself.
    pub fn expose(&self) -> &str {
        &self.0
    }

    fn is_sound(&self) -> bool {
        (1..=TOKEN_MAX).contains(&self.0.len()) && self.0.bytes().all(|b| b.is_ascii_graphic())
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// The `Authorization` of Notion's OAuth endpoints: Basic, without form-encoding the two parts first.
///
/// Source: Notion, "Authorization" guide, step 3 (read 2026-11-22).
pub fn basic_authorization(client_id: &str, client_secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{client_id}:{client_secret}")))
}

/// The body of the exchange. `redirect_uri` repeats the one of the authorization request exactly.
pub fn exchange_body(code: &str, redirect_uri: &str) -> Vec<u8> {
    json!({ "grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri })
        .to_string()
        .into_bytes()
}

/// The body of a refresh.
pub fn refresh_body(refresh_token: &str) -> Vec<u8> {
    json!({ "grant_type": "refresh_token", "refresh_token": refresh_token }).to_string().into_bytes()
}

/// The body of introspect and revoke.
pub fn token_body(token: &str) -> Vec<u8> {
    json!({ "token": token }).to_string().into_bytes()
}

/// A pair as Notion issues it, for an exchange and a refresh alike.
///
/// Source: Notion, "Create a token" and "Refresh a token" (read 2026-11-22). There is no `expires_in` and no `scope`.
#[derive(Debug, Clone)]
pub struct TokenResponse {
    /// The access token.
    pub access_token: Token,
    /// The refresh token; `null` was seen in the wild in 2025.
    pub refresh_token: Option<Token>,
    /// Identifies the authorization; the bot user's id.
    pub bot_id: String,
    /// The workspace.
    pub workspace_id: String,
    /// Its name.
    pub workspace_name: Option<String>,
    /// Its icon: a URL, or an emoji.
    pub workspace_icon: Option<String>,
    /// Who authorized.
    pub owner: Owner,
    /// The page made from the integration's template, if one was.
    pub duplicated_template_id: Option<String>,
}

/// Who authorized; name and e-mail are withheld without the capability for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The person's user id, or [`Owner::WORKSPACE`]; `None` if the answer does not tell.
    pub user_id: Option<String>,
    /// Their name.
    pub name: Option<String>,
    /// Their e-mail.
    pub email: Option<String>,
}

impl Owner {
    /// Stands for a person's id where a bot belongs to the whole workspace. No id of Notion's reads so.
    pub const WORKSPACE: &str = "workspace";

    fn read(raw: &Value) -> Self {
        let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let user = &raw["user"];
        let workspace = (raw["type"] == "workspace").then(|| Self::WORKSPACE.to_owned());
        Self {
            user_id: text(&user["id"]).or(workspace),
            name: text(&user["name"]),
            email: text(&user["person"]["email"]),
        }
    }
}

/// The bot behind an access token, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bot {
    /// Its user id.
    pub id: String,
    /// Who authorized it.
    pub owner: Owner,
}

/// Reads a good answer of `GET /v1/users/me`.
///
/// Source: Notion, "Retrieve your token's bot user" (read 2026-11-22): the person stands in `bot.owner.user`.
pub fn read_bot(body: &[u8]) -> Option<Bot> {
    let raw: Value = serde_json::from_slice(body).ok()?;
    let id = raw["id"].as_str()?.to_owned();
    Some(Bot { id, owner: Owner::read(&raw["bot"]["owner"]) })
}

/// A pair whose answer does not say whose it is, or not all of it.
#[derive(Debug, Clone)]
pub struct BarePair {
    /// The access token.
    pub access_token: Token,
    /// The refresh token, if one was given.
    pub refresh_token: Option<Token>,
    /// The bot, if it is named.
    pub bot_id: Option<String>,
    /// The workspace, if it is named.
    pub workspace_id: Option<String>,
}

/// What the token endpoint's answer means.
#[derive(Debug)]
pub enum TokenOutcome {
    /// A pair.
    Issued(Box<TokenResponse>),
    /// A pair without bot or workspace: whoever asked must know whose it is.
    Bare(Box<BarePair>),
    /// A refusal: nothing was issued.
    Refused(Refusal),
    /// 429 or 529: not processed.
    Throttled,
    /// It may or may not have been issued.
    Unclear(&'static str),
}

/// Why Notion refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The code or refresh token is not accepted.
    InvalidGrant,
    /// The client id or secret is not accepted, or may not do this.
    InvalidClient,
    /// The request is not accepted.
    InvalidRequest,
}

#[derive(Deserialize)]
struct RawToken {
    access_token: Token,
    refresh_token: Option<Token>,
    // All but the tokens is read leniently: an odd icon must not lose them.
    #[serde(default)]
    bot_id: Value,
    #[serde(default)]
    workspace_id: Value,
    #[serde(default)]
    workspace_name: Value,
    #[serde(default)]
    workspace_icon: Value,
    #[serde(default)]
    owner: Value,
    #[serde(default)]
    duplicated_template_id: Value,
}

/// Reads an answer of `POST /v1/oauth/token`.
pub fn read_token_answer(status: u16, body: &[u8]) -> TokenOutcome {
    match status {
        200..=299 => match read_pair(body) {
            Ok(Read::Whole(response)) => TokenOutcome::Issued(response),
            Ok(Read::Bare(pair)) => TokenOutcome::Bare(pair),
            Err(why) => TokenOutcome::Unclear(why),
        },
        429 | 529 => TokenOutcome::Throttled,
        400..=499 => match read_refusal(status, body) {
            Some(refusal) => TokenOutcome::Refused(refusal),
            None => TokenOutcome::Unclear("a client error that does not read as Notion's"),
        },
        _ => TokenOutcome::Unclear("the status is neither an answer nor a refusal"),
    }
}

/// Reads a token response by itself, as `connections import` does.
///
/// # Errors
/// What is wrong with it; never a value of it.
pub fn read_token_response(body: &[u8]) -> Result<TokenResponse, &'static str> {
    match read_pair(body)? {
        Read::Whole(response) => Ok(*response),
        Read::Bare(_) => Err("bot_id or workspace_id is missing or empty"),
    }
}

/// A pair as it was read.
enum Read {
    Whole(Box<TokenResponse>),
    Bare(Box<BarePair>),
}

fn read_pair(body: &[u8]) -> Result<Read, &'static str> {
    let raw: RawToken = salvage::read(body).ok_or("the token response does not read as one")?;
    // An empty refresh token is none.
    let refresh_token = raw.refresh_token.filter(|token| !token.expose().is_empty());
    if !raw.access_token.is_sound() || refresh_token.as_ref().is_some_and(|token| !token.is_sound()) {
        return Err("a token is empty, too long, or not visible ASCII");
    }
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let id = |value: &Value| text(value).filter(|id| !id.is_empty());
    let (bot_id, workspace_id) = match (id(&raw.bot_id), id(&raw.workspace_id)) {
        (Some(bot_id), Some(workspace_id)) => (bot_id, workspace_id),
        (bot_id, workspace_id) => {
            let access_token = raw.access_token;
            return Ok(Read::Bare(Box::new(BarePair { access_token, refresh_token, bot_id, workspace_id })));
        }
    };
    Ok(Read::Whole(Box::new(TokenResponse {
        access_token: raw.access_token,
        refresh_token,
        bot_id,
        workspace_id,
        workspace_name: text(&raw.workspace_name),
        workspace_icon: text(&raw.workspace_icon),
        owner: Owner::read(&raw.owner),
        duplicated_template_id: text(&raw.duplicated_template_id),
    })))
}

#[derive(Deserialize)]
struct RawError {
    /// RFC 6749 5.2, as the guide shows and clients see.
    error: Option<String>,
    /// Notion's envelope, as its `OpenAPI` says.
    code: Option<String>,
}

/// Two shapes of an OAuth error are described by Notion: RFC 6749's and its own envelope; either is taken.
/// A body in neither shape comes from something between Notion and us, which refuses without knowing what it refuses;
/// only a 401 says by itself that the client was not let in.
fn read_refusal(status: u16, body: &[u8]) -> Option<Refusal> {
    let raw: Option<RawError> = serde_json::from_slice(body).ok();
    match (raw.and_then(|raw| raw.error.or(raw.code)).as_deref(), status) {
        (Some("invalid_grant"), _) => Some(Refusal::InvalidGrant),
        (Some("invalid_client" | "unauthorized_client" | "unauthorized"), _) | (None, 401) => {
            Some(Refusal::InvalidClient)
        }
        (Some(_), _) => Some(Refusal::InvalidRequest),
        (None, _) => None,
    }
}

#[derive(Deserialize)]
struct RawIntrospection {
    active: bool,
    #[serde(default)]
    scope: Value,
}

/// What Notion says of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Introspection {
    /// Whether it is good.
    pub active: bool,
    /// The names of the integration's capabilities, with spaces between them.
    pub scope: Option<String>,
}

/// Reads an answer of `POST /v1/oauth/introspect`; `None` if it does not say whether the token is active.
///
/// Source: Notion, "Introspect a token" (read 2026-11-22).
pub fn read_introspection(status: u16, body: &[u8]) -> Option<Introspection> {
    let raw: RawIntrospection = serde_json::from_slice(body).ok()?;
    let scope = raw.scope.as_str().map(str::to_owned);
    (status == 200).then_some(Introspection { active: raw.active, scope })
}

/// Whether a revocation was taken. A token that Notion does not know (any more) counts: it is as revoked as can be.
///
/// Source: RFC 7009 2.2; Notion, "Revoke a token" (read 2026-11-22).
pub fn is_revoked(status: u16, body: &[u8]) -> bool {
    match status {
        200..=299 => true,
        400 => read_refusal(status, body) == Some(Refusal::InvalidGrant),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GOOD: &str = r#"{"access_token":"ntn_a","token_type":"bearer","refresh_token":"nrt_b","bot_id":"b","workspace_id":"w","workspace_name":"W","workspace_icon":null,"owner":{"type":"user","user":{"object":"user","id":"u","type":"person","name":"Ada","avatar_url":null,"person":{"email":"ada@example.org"}}},"duplicated_template_id":null,"request_id":"r","something_new":1}"#;

    fn issued(body: &str) -> TokenResponse {
        match read_token_answer(200, body.as_bytes()) {
            TokenOutcome::Issued(response) => *response,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_pair_is_read_with_its_owner() {
        let response = issued(GOOD);
        assert_eq!(response.access_token.expose(), "ntn_a");
        assert_eq!(response.owner.email.as_deref(), Some("ada@example.org"));
    }

    #[test]
    fn a_null_or_missing_refresh_token_is_tolerated() {
        assert_eq!(issued(&GOOD.replace("\"nrt_b\"", "null")).refresh_token, None);
        assert_eq!(issued(&GOOD.replace("\"refresh_token\":\"nrt_b\",", "")).refresh_token, None);
    }

    #[test]
    fn an_oddity_that_only_adorns_the_pair_loses_no_tokens() {
        let odd = GOOD
            .replace("\"workspace_icon\":null", "\"workspace_icon\":{\"type\":\"emoji\"}")
            .replace("\"name\":\"Ada\"", "\"name\":7")
            .replace("\"nrt_b\"", "\"\"");
        let response = issued(&odd);
        assert_eq!((response.access_token.expose(), response.refresh_token), ("ntn_a", None));
        assert_eq!((response.workspace_icon, response.owner.name), (None, None));
    }

    #[test]
    fn a_partial_owner_and_a_workspace_owner_are_tolerated() {
        let partial = r#"{"access_token":"a","bot_id":"b","workspace_id":"w","owner":{"type":"user","user":{"object":"user","id":"u"}}}"#;
        assert_eq!(issued(partial).owner, Owner { user_id: Some("u".into()), name: None, email: None });
        let workspace = r#"{"access_token":"a","bot_id":"b","workspace_id":"w","owner":{"type":"workspace","workspace":true}}"#;
        assert_eq!(issued(workspace).owner.user_id.as_deref(), Some(Owner::WORKSPACE));
    }

    #[test]
    fn both_error_shapes_are_read() {
        let refusal = |status, body: &str| match read_token_answer(status, body.as_bytes()) {
            TokenOutcome::Refused(refusal) => refusal,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            refusal(400, r#"{"error":"invalid_grant","error_description":"x"}"#),
            Refusal::InvalidGrant
        );
        assert_eq!(
            refusal(400, r#"{"object":"error","status":400,"code":"invalid_grant","message":"x"}"#),
            Refusal::InvalidGrant
        );
        assert_eq!(refusal(401, r#"{"error":"invalid_client","request_id":"r"}"#), Refusal::InvalidClient);
        assert_eq!(refusal(401, "<html>"), Refusal::InvalidClient);
        assert_eq!(refusal(400, r#"{"error":"invalid_scope"}"#), Refusal::InvalidRequest);
    }

    #[test]
    fn a_damaged_answer_that_holds_both_tokens_whole_is_a_pair() {
        let cut = |from_end: usize| GOOD[..GOOD.len() - from_end].to_owned();
        let after_the_tokens = GOOD.find(r#""bot_id""#).unwrap() - 1;
        for (damaged, whole) in [
            (cut(1), true),
            (cut(2), true),
            (format!("{GOOD}<!-- cached -->"), true),
            (format!("\u{feff}{GOOD}"), true),
            (format!(" \n{GOOD}\0"), true),
            (GOOD[..=after_the_tokens].to_owned(), false),
            (GOOD[..after_the_tokens].to_owned(), false),
            (GOOD.replace(r#""bot_id":"b","#, ""), false),
            (GOOD.replace(r#""workspace_id":"w""#, r#""workspace_id":null"#), false),
        ] {
            let tokens = match (read_token_answer(200, damaged.as_bytes()), whole) {
                (TokenOutcome::Issued(pair), true) => (pair.access_token.clone(), pair.refresh_token.clone()),
                (TokenOutcome::Bare(pair), false) => (pair.access_token.clone(), pair.refresh_token.clone()),
                (other, _) => panic!("{damaged}: {other:?}"),
            };
            assert_eq!(tokens, (Token::new("ntn_a".into()), Some(Token::new("nrt_b".into()))), "{damaged}");
        }
    }

    /// A pair without its refresh token would be taken for one that keeps the old refresh token, which is spent.
    #[test]
    fn an_answer_that_is_cut_before_the_end_of_the_refresh_token_is_unclear() {
        let end = GOOD.find("nrt_b").unwrap() + "nrt_b".len();
        for length in 0..=end {
            let cut = &GOOD[..length];
            let read = read_token_answer(200, cut.as_bytes());
            assert!(matches!(read, TokenOutcome::Unclear(_)), "{cut}: {read:?}");
        }
    }

    #[test]
    fn an_unclear_answer_is_not_a_refusal() {
        for (status, body) in [
            (500, "{}"),
            (502, "<html>"),
            (200, "{}"),
            (200, ""),
            (302, ""),
            (200, &GOOD[..60]),
            (400, "{}"),
            (403, "<html>"),
            (404, "<html>"),
            (408, ""),
        ] {
            assert!(
                matches!(read_token_answer(status, body.as_bytes()), TokenOutcome::Unclear(_)),
                "{status} {body}"
            );
        }
        assert!(matches!(read_token_answer(429, b""), TokenOutcome::Throttled));
        assert!(matches!(read_token_answer(529, b""), TokenOutcome::Throttled));
    }

    #[test]
    fn an_introspection_is_read_with_its_scope_if_it_has_one() {
        let read = |body: &str| read_introspection(200, body.as_bytes());
        let scope = Some("read_content insert_content".to_owned());
        assert_eq!(
            read(r#"{"active":true,"scope":"read_content insert_content","iat":1756139508753}"#),
            Some(Introspection { active: true, scope })
        );
        assert_eq!(read(r#"{"active":false,"scope":7}"#), Some(Introspection { active: false, scope: None }));
        assert_eq!(read(r#"{"scope":"read_content"}"#), None);
        assert_eq!(read_introspection(401, br#"{"active":true}"#), None);
    }

    #[test]
    fn a_token_is_not_printed() {
        assert!(!format!("{:?}", issued(GOOD)).contains("ntn_a"));
    }

    #[test]
    fn an_unknown_token_counts_as_revoked() {
        assert!(is_revoked(200, b"{}") && is_revoked(400, br#"{"error":"invalid_grant"}"#));
        assert!(!is_revoked(401, b"{}") && !is_revoked(500, b"") && !is_revoked(400, b"{}"));
    }

    proptest! {
        #[test]
        fn any_body_is_read_somehow(status in 100_u16..600, body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _either = read_token_answer(status, &body);
            let _either = read_introspection(status, &body);
        }
    }
}
