//! Trouble on demand: the refusals, delays of truth and lost answers that a client of Notion must live with.
//! A fault waits for the next request that it fits, acts, and is gone after its number of times.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// One fault, waiting for requests that fit.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What happens.
    pub effect: Effect,
    /// How many requests it hits.
    #[serde(default = "once")]
    pub times: u32,
    /// Only requests of this method.
    #[serde(default)]
    pub method: Option<String>,
    /// Only requests whose path begins so; without it, all paths under `/v1/`.
    #[serde(default)]
    pub path: Option<String>,
}

/// What a fault does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// 429 `rate_limited`; nothing is done.
    RateLimited {
        /// Whole seconds.
        retry_after: u64,
    },
    /// 429 with the reason that no waiting helps against.
    Blocked,
    /// 529 `service_overload`; nothing is done.
    Overloaded {
        /// Whole seconds.
        retry_after: u64,
    },
    /// 401 `unauthorized`, though the token is good.
    Unauthorized,
    /// 500, 502, 503 or 504 with its code; nothing is done.
    Status(u16),
    /// The request is done, and 503 says that it was not. Source: Notion, "Request limits" (autumn 2026).
    DoneBut503,
    /// The socket is closed before the request is done.
    HangUpBefore,
    /// The request is done and its answer lost.
    HangUpAfter,
    /// A token answer whose `refresh_token` is null, as seen in the wild in 2025.
    NullRefreshToken,
    /// A token answer cut off in the middle.
    CutBody,
    /// An OAuth error in the API's envelope, as Notion's reference describes it.
    OAuthErrorInEnvelope,
    /// An HTML page instead of JSON, as an edge in front of Notion might send it; nothing is done.
    HtmlPage(u16),
    /// 400 for the next request that goes on with a list: its cursor is not valid any more. Cursors of queries and searches
    /// end with a session of Notion's since April 2026, and long loops meet that. Source: users' reports (2026).
    CursorRefused,
}

impl Effect {
    /// Its name in the journal.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::RateLimited { .. } => "rate_limited",
            Self::Blocked => "blocked",
            Self::Overloaded { .. } => "overloaded",
            Self::Unauthorized => "unauthorized",
            Self::Status(_) => "status",
            Self::DoneBut503 => "done_but_503",
            Self::HangUpBefore => "hang_up_before",
            Self::HangUpAfter => "hang_up_after",
            Self::NullRefreshToken => "null_refresh_token",
            Self::CutBody => "cut_body",
            Self::OAuthErrorInEnvelope => "oauth_error_in_envelope",
            Self::HtmlPage(_) => "html_page",
            Self::CursorRefused => "cursor_refused",
        }
    }
}

fn once() -> u32 {
    1
}

impl From<Effect> for Fault {
    /// Once, for the next request under `/v1/`.
    fn from(effect: Effect) -> Self {
        Self { effect, times: 1, method: None, path: None }
    }
}

impl Fault {
    /// 429 with `Retry-After`, for the next request.
    pub fn rate_limited(retry_after: Duration) -> Self {
        Effect::RateLimited { retry_after: retry_after.as_secs() }.into()
    }

    /// Only for paths that begin so, such as `/v1/oauth/token`.
    #[must_use]
    pub fn on(mut self, path: &str) -> Self {
        self.path = Some(path.to_owned());
        self
    }

    /// Only for this method.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    /// For so many requests.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    fn fits(&self, method: &str, path: &str) -> bool {
        let method_fits = self.method.as_deref().is_none_or(|only| only.eq_ignore_ascii_case(method));
        method_fits && path.starts_with(self.path.as_deref().unwrap_or("/v1/"))
    }
}

/// The faults that wait.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Faults {
    pub(crate) waiting: Vec<Fault>,
}

impl Faults {
    /// The fault for this request, counted down. One that waits for a cursor is for [`Faults::take_cursor`].
    pub(crate) fn take(&mut self, method: &str, path: &str) -> Option<Effect> {
        self.take_where(|fault| fault.effect != Effect::CursorRefused && fault.fits(method, path))
    }

    /// Whether a fault refuses the cursor of this request, counted down.
    pub(crate) fn take_cursor(&mut self, method: &str, path: &str) -> bool {
        self.take_where(|fault| fault.effect == Effect::CursorRefused && fault.fits(method, path)).is_some()
    }

    fn take_where(&mut self, fits: impl Fn(&Fault) -> bool) -> Option<Effect> {
        let place = self.waiting.iter().position(fits)?;
        let fault = &mut self.waiting[place];
        fault.times = fault.times.saturating_sub(1);
        let effect = fault.effect.clone();
        if fault.times == 0 {
            self.waiting.remove(place);
        }
        Some(effect)
    }
}
