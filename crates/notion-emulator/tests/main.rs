//! The emulator as its clients meet it: over HTTP, each test with one of its own.

mod api;
mod beyond;
mod blocks;
mod control;
mod databases;
mod formula;
mod instances;
mod lag;
mod markdown;
mod oauth;
mod pages;
mod plans;
mod query;
mod query_filters;
mod query_pages;
mod record;
mod relations;
mod rights;
mod rollups;
mod schema;
mod seed;
mod snapshot;
mod support;
mod templates;
mod view_queries;
mod views;
