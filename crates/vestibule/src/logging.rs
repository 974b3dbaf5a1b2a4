//! Logs go to standard error: lines for people on a terminal, one JSON object each otherwise.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// Begins to log. `VESTIBULE_LOG` chooses what, in `tracing`'s filter syntax; without it `usual`.
pub(crate) fn begin(usual: &str) {
    let filter = EnvFilter::try_from_env("VESTIBULE_LOG").unwrap_or_else(|_| EnvFilter::new(usual));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        log.init();
    } else {
        log.json().flatten_event(true).with_current_span(false).with_span_list(false).init();
    }
}
