//! An offline Notion: consent, tokens and the API, for development and tests.

mod accounts;
mod api;
mod clock;
mod content;
mod state;
