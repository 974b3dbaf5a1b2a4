//! `vestibule demo`: an offline Notion, the gateway and a sample app in one process.

use std::net::SocketAddr;
use std::path::PathBuf;

/// Flags of `demo`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where the gateway listens (port 0: any free one)
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8470")]
    listen: SocketAddr,
    /// Where the sample app listens
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8471")]
    app_listen: SocketAddr,
    /// Where the offline Notion listens
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8472")]
    emulator_listen: SocketAddr,
    /// Where to keep the demo's files; without it a temporary folder. One left by an earlier demo is emptied
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
}

pub(crate) async fn run(_args: Args) -> anyhow::Result<()> {
    anyhow::bail!("soon")
}
