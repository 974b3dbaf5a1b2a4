//! The redirect back from consent: a code or an error, with our `state`.

use crate::parameters;

/// The longest code or state that is looked at, in bytes. Notion's codes are UUIDs, our states 43 characters.
const VALUE_MAX: usize = 1024;

/// What the browser brought from Notion.
#[derive(Clone, PartialEq, Eq)]
pub struct CallbackReply {
    /// Our `state`; an empty one counts as absent, for Notion's own example of a cancelled consent has it empty.
    pub state: Option<String>,
    /// Who answers, where Notion says so (RFC 9207).
    pub iss: Option<String>,
    /// The answer itself.
    pub reply: Reply,
}

impl std::fmt::Debug for CallbackReply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = self.state.as_ref().map(|_| "[redacted]");
        f.debug_struct("CallbackReply")
            .field("state", &state)
            .field("iss", &self.iss)
            .field("reply", &self.reply)
            .finish()
    }
}

/// Yes or no.
#[derive(Clone, PartialEq, Eq)]
pub enum Reply {
    /// Notion's authorization code.
    Code(String),
    /// An error of RFC 6749 4.1.2.1.
    Error(ErrorCode),
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Code(_) => f.write_str("Code([redacted])"),
            Self::Error(error) => write!(f, "Error({error:?})"),
        }
    }
}

/// The errors that a consent can end in. Whatever else Notion may send is [`ErrorCode::Other`]: its text is hostile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorCode {
    /// The user pressed Cancel.
    AccessDenied,
    /// The request was malformed.
    InvalidRequest,
    /// The integration may not do this.
    UnauthorizedClient,
    /// Notion failed.
    ServerError,
    /// Notion is overloaded.
    TemporarilyUnavailable,
    /// Anything else.
    Other,
}

/// The callback cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the callback cannot be read: {0}")]
pub struct CallbackError(&'static str);

/// Reads the callback's query.
///
/// # Errors
/// [`CallbackError`] if a parameter came twice or is too long, or if there is neither a code nor an error, or both.
///
/// Source: RFC 6749 4.1.2; Notion, "Authorization" guide, step 2 (read 2026-11-22).
pub fn read_callback_query(query: &str) -> Result<CallbackReply, CallbackError> {
    let mut given = parameters::read(query.as_bytes()).map_err(CallbackError)?;
    if given.values().any(|value| value.len() > VALUE_MAX) {
        return Err(CallbackError("a value is too long"));
    }
    let mut take = |name: &str| given.remove(name).filter(|value| !value.is_empty());
    let (state, iss) = (take("state"), take("iss"));
    let reply = match (take("code"), take("error")) {
        (Some(code), None) => Reply::Code(code),
        (None, Some(error)) => Reply::Error(ErrorCode::read(&error)),
        (Some(_), Some(_)) => return Err(CallbackError("there is a code and an error")),
        (None, None) => return Err(CallbackError("there is neither a code nor an error")),
    };
    Ok(CallbackReply { state, iss, reply })
}

impl ErrorCode {
    fn read(word: &str) -> Self {
        match word {
            "access_denied" => Self::AccessDenied,
            "invalid_request" => Self::InvalidRequest,
            "unauthorized_client" => Self::UnauthorizedClient,
            "server_error" => Self::ServerError,
            "temporarily_unavailable" => Self::TemporarilyUnavailable,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_code_and_a_refusal_are_read() {
        let code = read_callback_query("code=abc&state=s").unwrap();
        assert_eq!(code.state.as_deref(), Some("s"));
        assert_eq!(code.reply, Reply::Code("abc".into()));
        let cancelled = read_callback_query("error=access_denied&state=").unwrap();
        assert_eq!(
            cancelled,
            CallbackReply { state: None, iss: None, reply: Reply::Error(ErrorCode::AccessDenied) }
        );
    }

    #[test]
    fn an_ambiguous_callback_is_refused() {
        let long = format!("code={}&state=s", "x".repeat(1025));
        for query in
            ["", "state=s", "code=a&error=b&state=s", "code=a&code=b&state=s", "code=&state=s", &long]
        {
            assert!(read_callback_query(query).is_err(), "{query}");
        }
    }

    #[test]
    fn code_and_state_are_not_printed() {
        let printed = format!("{:?}", read_callback_query("code=abc&state=xyz").unwrap());
        assert!(!printed.contains("abc") && !printed.contains("xyz"), "{printed}");
    }

    proptest! {
        #[test]
        fn any_query_is_read_or_refused(query in "\\PC{0,200}") {
            let _either = read_callback_query(&query);
        }
    }
}
