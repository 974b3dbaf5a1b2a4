//! An offline Notion: consent, tokens and the API, for development and tests.
