//! The gateway embedded in an axum app of your own.

fn main() {}
