//! The emulator as its clients meet it: over HTTP, each test with one of its own.

mod api;
mod blocks;
mod control;
mod oauth;
mod plans;
mod query;
mod seed;
mod snapshot;
mod support;
