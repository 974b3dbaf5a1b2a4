//! `vestibule emulate`: the offline Notion alone, for other programs' development and tests.

use std::net::SocketAddr;

use clap::ValueEnum;
use notion_emulator::{Capabilities, Client, Emulator, OldPair, Options, Reauthorize, Refresh, Switches};
use serde_json::json;

use crate::args::OutputArgs;
use crate::logging;
use crate::output::{Output, print, print_json};
use crate::serve::{Stop, bind};

pub(crate) const EXAMPLE: &str = "Example:\n  vestibule emulate --client-id my-app --client-secret my-secret --redirect-uri http://localhost:3000/callback";

/// Flags of `emulate`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where to listen (port 0: any free one)
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8472")]
    listen: SocketAddr,
    /// An integration's client id
    #[arg(long, value_name = "ID", default_value = "emulated-integration")]
    client_id: String,
    /// Its client secret, an emulated one
    #[arg(long, value_name = "SECRET", default_value = "emulated-secret")]
    client_secret: String,
    /// Its name on the consent screen
    #[arg(long, value_name = "NAME", default_value = "My integration")]
    client_name: String,
    /// A redirect URI; may be given several times
    #[arg(long, value_name = "URI")]
    redirect_uri: Vec<String>,
    /// How tokens live and die: `hostile` is the worst that may be, `documented` the mild reading
    #[arg(long, value_enum, default_value_t = Preset::Hostile)]
    preset: Preset,
    /// What becomes of a refresh token that was used
    #[arg(long, value_enum)]
    refresh: Option<RefreshFlag>,
    /// What becomes of the access token that a refresh replaces
    #[arg(long, value_enum)]
    old_access: Option<OldFlag>,
    /// What a second consent gives
    #[arg(long, value_enum)]
    reauthorize: Option<ReauthorizeFlag>,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Preset {
    Hostile,
    Documented,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum RefreshFlag {
    Strict,
    Grace,
    Family,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum OldFlag {
    Dies,
    Lives,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ReauthorizeFlag {
    Same,
    Fresh,
}

impl Args {
    fn switches(&self) -> Switches {
        let mut switches = match self.preset {
            Preset::Hostile => Switches::default(),
            Preset::Documented => Switches::documented(),
        };
        switches.refresh = match self.refresh {
            None => switches.refresh,
            Some(RefreshFlag::Strict) => Refresh::Strict,
            Some(RefreshFlag::Grace) => Refresh::Grace,
            Some(RefreshFlag::Family) => Refresh::Family,
        };
        switches.old_access = match self.old_access {
            None => switches.old_access,
            Some(OldFlag::Dies) => OldPair::Dies,
            Some(OldFlag::Lives) => OldPair::Lives,
        };
        switches.reauthorize = match self.reauthorize {
            None => switches.reauthorize,
            Some(ReauthorizeFlag::Same) => Reauthorize::Same,
            Some(ReauthorizeFlag::Fresh) => Reauthorize::Fresh,
        };
        switches
    }
}

pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    logging::begin("warn");
    let listener = bind(args.listen, "--listen").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let client = Client {
        client_id: args.client_id.clone(),
        client_secret: args.client_secret.clone(),
        name: args.client_name.clone(),
        redirect_uris: args.redirect_uri.clone(),
        capabilities: Capabilities::default(),
    };
    let emulator =
        Emulator::new(Options { clients: vec![client], switches: args.switches(), ..Options::default() });
    // These are an emulator's: they open nothing outside this process.
    match args.output.output {
        Output::Json => print_json(&json!({
            "url": url,
            "client_id": args.client_id,
            "redirect_uris": args.redirect_uri,
            "internal_token": emulator.internal_token(),
            "root_page_id": emulator.root_page_id(),
        }))?,
        Output::Text => print(&format!(
            "An offline Notion is at {url}\n\n  Client id       {}\n  Redirect URIs   {}\n  Internal token  {}\n  A page          {}\n\nSet your client's base URL to it. Controls are under {url}/_emulator/. Ctrl-C stops it.\n",
            args.client_id,
            if args.redirect_uri.is_empty() {
                "none: add --redirect-uri".to_owned()
            } else {
                args.redirect_uri.join(" ")
            },
            emulator.internal_token(),
            emulator.root_page_id(),
        ))?,
    }
    let stop = Stop::on_signal()?;
    emulator.serve(listener, stop.wait()).await;
    Ok(())
}
