//! Starts an emulator and prints what a client written for an internal integration needs: its address, a token for the whole
//! first workspace, and a page to begin with.
//!
//! `cargo run -p notion-emulator --example internal`

use notion_emulator::{Emulator, Options};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let running = Emulator::start(Options::default()).await?;
    println!("{} {} {}", running.url, running.emulator.internal_token(), running.emulator.root_page_id());
    std::future::pending().await
}
