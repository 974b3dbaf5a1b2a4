//! The authorization request, in both directions: the URL we send a browser to at Notion, and the request that an
//! app written for Notion sends a browser to us with.

use url::Url;

use crate::parameters;
use crate::state::EchoedState;

/// Builds the URL the user's browser is sent to for consent.
///
/// `state` is ours: 43 base64url characters. `redirect_uri` must be registered at Notion exactly so.
///
/// Source: RFC 6749 4.1.1; Notion, "Authorization" guide, step 1 (read 2026-11-22): `owner=user` is required, there
/// is no `scope`, and PKCE is not in its parameter list, so none is sent.
pub fn consent_url(notion: &Url, client_id: &str, redirect_uri: &str, state: &str) -> Url {
    let mut url = notion.clone();
    url.set_path("/v1/oauth/authorize");
    url.query_pairs_mut()
        .append_pair("client_id", client_id)
        .append_pair("redirect_uri", redirect_uri)
        .append_pair("response_type", "code")
        .append_pair("owner", "user")
        .append_pair("state", state);
    url
}

/// What an app asks for at our `/v1/oauth/authorize`.
#[derive(Clone, PartialEq, Eq)]
pub struct AppAuthorizeRequest {
    /// The integration's client id.
    pub client_id: String,
    /// One of the app's redirect URIs; whether it is registered is the gateway's to say.
    pub redirect_uri: String,
    /// The app's own `state`.
    pub state: Option<EchoedState>,
    /// A PKCE S256 challenge.
    pub code_challenge: Option<String>,
}

/// Why such a request is refused, with what could be read of it, so that the error may go back to the app.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthorizeError {
    /// The client id, if it was readable.
    pub client_id: Option<String>,
    /// The redirect URI, if it was readable.
    pub redirect_uri: Option<String>,
    /// The `state`, if it was readable and sound.
    pub state: Option<EchoedState>,
    /// An error code of RFC 6749 4.1.2.1.
    pub error: &'static str,
    /// A sentence for the developer.
    pub description: &'static str,
}

impl std::fmt::Debug for AppAuthorizeRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AppAuthorizeRequest")
            .field("client_id", &self.client_id)
            .field("redirect_uri", &self.redirect_uri)
            .field("state", &self.state)
            .field("code_challenge", &self.code_challenge)
            .finish()
    }
}

impl std::fmt::Debug for AuthorizeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthorizeError")
            .field("client_id", &self.client_id)
            .field("redirect_uri", &self.redirect_uri)
            .field("state", &self.state)
            .field("error", &self.error)
            .field("description", &self.description)
            .finish()
    }
}

/// Reads the query of an app's authorization request.
///
/// # Errors
/// [`AuthorizeError`] for a parameter given twice, a missing client id or redirect URI, a response type other than
/// `code`, an owner other than `user`, an unsound `state`, or PKCE that is not S256. Unknown parameters are ignored,
/// as RFC 6749 3.1 asks; so are those without a value.
pub fn read_authorize_query(query: &str) -> Result<AppAuthorizeRequest, AuthorizeError> {
    let parameters::Given { values: mut given, twice } =
        parameters::read_all(query.as_bytes()).map_err(|description| AuthorizeError {
            client_id: None,
            redirect_uri: None,
            state: None,
            error: "invalid_request",
            description,
        })?;
    let mut take = |name: &str| given.remove(name).filter(|value| !value.is_empty());
    let (client_id, redirect_uri) = (take("client_id"), take("redirect_uri"));
    let read_state = take("state").map(|_| EchoedState::read(query));
    let sound_state = read_state.clone().and_then(Result::ok);
    let refuse = |error, description| AuthorizeError {
        client_id: client_id.clone(),
        redirect_uri: redirect_uri.clone(),
        state: sound_state.clone(),
        error,
        description,
    };
    let invalid = |description| refuse("invalid_request", description);
    if !twice.is_empty() {
        return Err(invalid("a parameter was given twice"));
    }
    let (response_type, owner) = (take("response_type"), take("owner"));
    let (challenge, method) = (take("code_challenge"), take("code_challenge_method"));
    if client_id.is_none() {
        return Err(invalid("client_id is missing"));
    }
    if redirect_uri.is_none() {
        return Err(invalid("redirect_uri is missing; it is always required here"));
    }
    match response_type.as_deref() {
        Some("code") => {}
        None => return Err(invalid("response_type is missing; code was expected")),
        Some(_) => return Err(refuse("unsupported_response_type", "response_type must be code")),
    }
    if owner.is_some_and(|owner| owner != "user") {
        return Err(invalid("owner must be user"));
    }
    let state = read_state.transpose().map_err(invalid)?;
    let code_challenge = read_challenge(challenge, method.as_deref()).map_err(invalid)?;
    Ok(AppAuthorizeRequest {
        client_id: client_id.unwrap_or_default(),
        redirect_uri: redirect_uri.unwrap_or_default(),
        state,
        code_challenge,
    })
}

/// PKCE is taken as S256 or not at all: a challenge without a method would mean `plain` (RFC 7636 4.3).
fn read_challenge(challenge: Option<String>, method: Option<&str>) -> Result<Option<String>, &'static str> {
    match (challenge, method) {
        (None, None) => Ok(None),
        (Some(challenge), Some("S256")) if is_sha256_base64url(&challenge) => Ok(Some(challenge)),
        (Some(_), Some("S256")) => Err("code_challenge must be 43 base64url characters"),
        (None, Some(_)) => Err("code_challenge_method was given without code_challenge"),
        (Some(_), _) => Err("code_challenge_method must be S256"),
    }
}

fn is_sha256_base64url(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_apps_state_is_not_printed() {
        let query = "client_id=c&redirect_uri=r&response_type=code&state=0123456789abcdef";
        let good = format!("{:?}", read_authorize_query(query));
        let bad = format!("{:?}", read_authorize_query(&query.replace("=code", "=token")));
        for printed in [good, bad] {
            assert!(printed.contains("[redacted]") && !printed.contains("0123456789abcdef"), "{printed}");
        }
    }
    use proptest::prelude::*;

    const GOOD: &str = "client_id=c&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&response_type=code&owner=user&state=0123456789abcdef";

    #[test]
    fn the_consent_url_has_what_notion_asks_for() {
        let notion = Url::parse("https://api.notion.com").unwrap();
        let url = consent_url(&notion, "c", "https://v.example/callback/a", "s");
        assert_eq!(
            url.as_str(),
            "https://api.notion.com/v1/oauth/authorize?client_id=c&redirect_uri=https%3A%2F%2Fv.example%2Fcallback%2Fa&response_type=code&owner=user&state=s"
        );
    }

    #[test]
    fn a_request_written_for_notion_is_read() {
        let read = read_authorize_query(GOOD).unwrap();
        assert_eq!(read.redirect_uri, "https://app.example/cb");
        assert_eq!(read.state.map(|state| state.encoded().to_owned()).as_deref(), Some("0123456789abcdef"));
        assert_eq!(read.code_challenge, None);
    }

    #[test]
    fn a_parameter_given_twice_is_told_to_the_app_unless_it_says_where_the_app_is() {
        let error = read_authorize_query(&format!("{GOOD}&x=1&x=2")).unwrap_err();
        assert_eq!(error.redirect_uri.as_deref(), Some("https://app.example/cb"));
        let error =
            read_authorize_query(&format!("{GOOD}&redirect_uri=https%3A%2F%2Fevil.example")).unwrap_err();
        assert_eq!(error.redirect_uri, None);
    }

    #[test]
    fn each_refusal_has_its_code() {
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        let table = [
            (format!("{GOOD}&client_id=d"), "invalid_request"),
            (format!("{GOOD}&x=1&x=2"), "invalid_request"),
            (GOOD.replace("client_id=c&", ""), "invalid_request"),
            (GOOD.replace("&response_type=code", ""), "invalid_request"),
            (GOOD.replace("response_type=code", "response_type=token"), "unsupported_response_type"),
            (GOOD.replace("owner=user", "owner=workspace"), "invalid_request"),
            (format!("{GOOD}&state=0123456789abcdef"), "invalid_request"),
            (format!("{GOOD}&state="), "invalid_request"),
            (GOOD.replace("0123456789abcdef", "line%0Abreak"), "invalid_request"),
            (GOOD.replace("0123456789abcdef", &"x".repeat(8193)), "invalid_request"),
            (format!("{GOOD}&code_challenge={challenge}"), "invalid_request"),
            (format!("{GOOD}&code_challenge={challenge}&code_challenge_method=plain"), "invalid_request"),
            (format!("{GOOD}&code_challenge_method=S256"), "invalid_request"),
            (format!("{GOOD}&code_challenge=x&code_challenge_method=S256"), "invalid_request"),
        ];
        for (query, error) in table {
            assert_eq!(read_authorize_query(&query).unwrap_err().error, error, "{query}");
        }
        let pkce = format!("{GOOD}&code_challenge={challenge}&code_challenge_method=S256");
        assert_eq!(read_authorize_query(&pkce).unwrap().code_challenge.as_deref(), Some(challenge));
    }

    #[test]
    fn parameters_of_others_and_parameters_without_a_value_change_nothing() {
        let more = "&scope=a+b&nonce=n&prompt=consent&access_type=offline&response_mode=query&resource=a&resource=b&code_challenge=";
        let read = read_authorize_query(&format!("{GOOD}{more}")).unwrap();
        assert_eq!(read, read_authorize_query(GOOD).unwrap());
        let none = read_authorize_query(&GOOD.replace("0123456789abcdef", "")).unwrap();
        assert_eq!(none.state, None);
    }

    proptest! {
        #[test]
        fn any_query_is_read_or_refused(query in "\\PC{0,200}") {
            let _either = read_authorize_query(&query);
        }
    }
}
