//! Our own token endpoint, where the app is the client and we stand where Notion would: what it asks, and what it is
//! answered, in Notion's shapes.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::parameters;
use crate::token::{Owner, Token};

/// What an app asks of `POST /v1/oauth/token`.
#[derive(Debug)]
pub enum AppTokenRequest {
    /// `grant_type=authorization_code`
    Code {
        /// Our code.
        code: Token,
        /// Must be the authorization request's.
        redirect_uri: String,
        /// PKCE.
        code_verifier: Option<Token>,
    },
    /// `grant_type=refresh_token`
    Refresh {
        /// The refresh string.
        refresh_token: Token,
    },
}

/// An error of the token endpoint, in RFC 6749 5.2's shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OAuthProblem {
    /// The HTTP status.
    pub status: u16,
    /// The code.
    pub error: &'static str,
    /// A sentence for the developer.
    pub description: String,
}

impl OAuthProblem {
    /// A problem.
    pub fn new(status: u16, error: &'static str, description: impl Into<String>) -> Self {
        Self { status, error, description: description.into() }
    }

    /// The body, with `request_id` as Notion adds it.
    pub fn to_json(&self, request_id: &str) -> Value {
        json!({ "error": self.error, "error_description": self.description, "request_id": request_id })
    }
}

/// Reads a token request; JSON as Notion's guide has it, or a form as OAuth libraries send it.
///
/// # Errors
/// `invalid_request` if it does not read, `unsupported_grant_type` for another grant.
pub fn read_app_token_request(
    content_type: Option<&str>,
    body: &[u8],
) -> Result<AppTokenRequest, OAuthProblem> {
    let mut given = read_body(content_type, body)?;
    let mut take = |name: &str| given.remove(name).filter(|value| !value.is_empty());
    let missing = |name: &str| OAuthProblem::new(400, "invalid_request", format!("{name} is missing"));
    match take("grant_type").as_deref() {
        Some("authorization_code") => Ok(AppTokenRequest::Code {
            code: Token::new(take("code").ok_or_else(|| missing("code"))?),
            // The authorization request always had one, so it is always repeated (RFC 6749 4.1.3).
            redirect_uri: take("redirect_uri").ok_or_else(|| missing("redirect_uri"))?,
            code_verifier: take("code_verifier").map(Token::new),
        }),
        Some("refresh_token") => {
            let token = take("refresh_token").ok_or_else(|| missing("refresh_token"))?;
            Ok(AppTokenRequest::Refresh { refresh_token: Token::new(token) })
        }
        Some(_) => Err(OAuthProblem::new(
            400,
            "unsupported_grant_type",
            "grant_type must be authorization_code or refresh_token",
        )),
        None => Err(missing("grant_type")),
    }
}

/// Reads the body of introspect and revoke.
///
/// # Errors
/// `invalid_request` if there is no `token` in it.
pub fn read_token_parameter(content_type: Option<&str>, body: &[u8]) -> Result<Token, OAuthProblem> {
    let token = read_body(content_type, body)?.remove("token").filter(|token| !token.is_empty());
    token.map(Token::new).ok_or_else(|| OAuthProblem::new(400, "invalid_request", "token is missing"))
}

fn read_body(content_type: Option<&str>, body: &[u8]) -> Result<HashMap<String, String>, OAuthProblem> {
    let invalid = |why: &str| OAuthProblem::new(400, "invalid_request", why);
    let kind =
        content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match kind.as_str() {
        "application/x-www-form-urlencoded" => parameters::read(body).map_err(invalid),
        "application/json" => {
            let Members(members) = serde_json::from_slice(body)
                .map_err(|_| invalid("a JSON object without repeated keys was expected"))?;
            Ok(members)
        }
        _ => Err(invalid("Content-Type must be application/json or application/x-www-form-urlencoded")),
    }
}

/// The string members of a JSON object, each at most once; other members are ignored, as unknown parameters are.
struct Members(HashMap<String, String>);

impl<'de> serde::Deserialize<'de> for Members {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Members;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = HashMap::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    let text = match value {
                        Value::String(text) => text,
                        _ => String::new(),
                    };
                    if members.insert(name, text).is_some() {
                        return Err(serde::de::Error::custom("a key was given twice"));
                    }
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

/// What the token endpoint answers an app.
pub struct TokenAnswer<'a> {
    /// A connection key.
    pub access_token: &'a str,
    /// The string that the refresh grant trades for it.
    pub refresh_token: &'a str,
    /// As Notion gave it.
    pub bot_id: &'a str,
    /// As Notion gave it.
    pub workspace_id: &'a str,
    /// As Notion gave it.
    pub workspace_name: Option<&'a str>,
    /// As Notion gave it.
    pub workspace_icon: Option<&'a str>,
    /// As Notion gave it.
    pub owner: &'a Owner,
    /// As Notion gave it.
    pub duplicated_template_id: Option<&'a str>,
    /// Ours.
    pub request_id: &'a str,
}

/// The answer's body, with the keys of Notion's.
///
/// Source: Notion, "Create a token" (read 2026-11-22).
pub fn token_answer(answer: &TokenAnswer<'_>) -> Value {
    json!({
        "access_token": answer.access_token,
        "token_type": "bearer",
        "refresh_token": answer.refresh_token,
        "bot_id": answer.bot_id,
        "workspace_id": answer.workspace_id,
        "workspace_name": answer.workspace_name,
        "workspace_icon": answer.workspace_icon,
        "owner": owner(answer.owner),
        "duplicated_template_id": answer.duplicated_template_id,
        "request_id": answer.request_id,
    })
}

fn owner(owner: &Owner) -> Value {
    let person = owner.user_id.as_ref().filter(|id| *id != Owner::WORKSPACE);
    let Some(id) = person else { return json!({ "type": "workspace", "workspace": true }) };
    let mut user = json!({ "object": "user", "id": id });
    if owner.name.is_some() || owner.email.is_some() {
        let person = owner.email.as_ref().map_or_else(|| json!({}), |email| json!({ "email": email }));
        user["type"] = json!("person");
        user["name"] = json!(owner.name);
        user["avatar_url"] = Value::Null;
        user["person"] = person;
    }
    json!({ "type": "user", "user": user })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn json_and_form_are_read_alike() {
        let json = br#"{"grant_type":"authorization_code","code":"c","redirect_uri":"https://a/"}"#;
        let form = b"grant_type=authorization_code&code=c&redirect_uri=https%3A%2F%2Fa%2F";
        for (kind, body) in
            [("application/json; charset=utf-8", &json[..]), ("application/x-www-form-urlencoded", form)]
        {
            match read_app_token_request(Some(kind), body).unwrap() {
                AppTokenRequest::Code { code, redirect_uri, code_verifier: None } => {
                    assert_eq!((code.expose(), redirect_uri.as_str()), ("c", "https://a/"));
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn what_is_missing_repeated_or_unknown_is_refused() {
        let error =
            |body: &str| read_app_token_request(Some("application/json"), body.as_bytes()).unwrap_err().error;
        assert_eq!(error("[]"), "invalid_request");
        assert_eq!(error("{}"), "invalid_request");
        assert_eq!(error(r#"{"grant_type":"password"}"#), "unsupported_grant_type");
        assert_eq!(error(r#"{"grant_type":"refresh_token"}"#), "invalid_request");
        assert_eq!(error(r#"{"grant_type":"authorization_code","code":7}"#), "invalid_request");
        for redirect_uri in ["", r#","redirect_uri":null"#, r#","redirect_uri":"""#] {
            let body = format!(r#"{{"grant_type":"authorization_code","code":"c"{redirect_uri}}}"#);
            assert_eq!(error(&body), "invalid_request");
        }
        assert_eq!(
            error(r#"{"grant_type":"refresh_token","refresh_token":"a","refresh_token":"b"}"#),
            "invalid_request"
        );
        assert!(read_app_token_request(None, b"{}").is_err());
        assert!(read_token_parameter(Some("application/json"), b"{}").is_err());
    }

    #[test]
    fn the_owner_is_partial_when_notion_withheld_the_rest() {
        let partial = Owner { user_id: Some("u".into()), name: None, email: None };
        assert_eq!(owner(&partial), json!({"type": "user", "user": {"object": "user", "id": "u"}}));
        for nobody in [None, Some(Owner::WORKSPACE.into())] {
            let nobody = Owner { user_id: nobody, name: None, email: None };
            assert_eq!(owner(&nobody), json!({"type": "workspace", "workspace": true}));
        }
    }

    proptest! {
        #[test]
        fn any_body_is_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..200), form: bool) {
            let kind = if form { "application/x-www-form-urlencoded" } else { "application/json" };
            let _either = read_app_token_request(Some(kind), &body);
        }
    }
}
