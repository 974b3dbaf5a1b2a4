//! `vestibule emulate`: the offline Notion alone, for other programs' development and tests.

mod switches;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use jiff::Timestamp;
use notion_emulator::{Capabilities, Client, Emulator, Names, Options, Recorder, Seed, Time};
use serde_json::json;

use crate::args::OutputArgs;
use crate::logging;
use crate::output::{Output, print, print_json};
use crate::serve::bind;
use crate::stop::Stop;

use switches::SwitchArgs;

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
    #[arg(long, value_name = "URI", value_parser = redirect_uri)]
    redirect_uri: Vec<String>,
    #[command(flatten)]
    hosts: HostArgs,
    #[command(flatten)]
    switches: SwitchArgs,
    /// Start with the people, workspaces, content and clients of this file (docs/emulator.md)
    #[arg(long, value_name = "FILE")]
    seed: Option<PathBuf>,
    /// Go on from this snapshot, with its content, clients, tokens, clock and switches
    #[arg(long, value_name = "FILE", conflicts_with_all = SET_BY_SNAPSHOT)]
    snapshot: Option<PathBuf>,
    /// Stand still at this time, such as 2026-11-27T09:00:00Z, until `POST /_emulator/clock` moves it
    #[arg(long, value_name = "TIME")]
    clock: Option<Timestamp>,
    /// Which series of ids what is made later gets: the same number and calls give the same ids
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    ids_seed: u64,
    /// Write down what is asked of the API and answered, one JSON object a line (`verify --replay` reads it)
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    #[command(flatten)]
    output: OutputArgs,
}

/// By which names it may be reached.
#[derive(Debug, clap::Args)]
pub(crate) struct HostArgs {
    /// A further name that the controls and the consent answer to, such as a container's; several by commas or by repeating it
    #[arg(long, value_name = "HOST", env = "VESTIBULE_EMULATOR_ALLOW_HOST", value_delimiter = ',')]
    allow_host: Vec<String>,
}

impl HostArgs {
    pub(crate) fn names(&self) -> anyhow::Result<Names> {
        let given = self.allow_host.iter().map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
        Names::with(given).map_err(|odd| {
            let words =
                format!("--allow-host {odd:?}: a host name or address was expected, with or without a port");
            anyhow::Error::new(crate::Usage(words))
        })
    }
}

/// What a snapshot brings, so that a flag would contradict it.
const SET_BY_SNAPSHOT: [&str; 14] = [
    "seed",
    "preset",
    "refresh",
    "old_access",
    "reauthorize",
    "older_pair",
    "access_seconds",
    "basic",
    "search_lag_seconds",
    "async_polls",
    "refuse_formula_filters",
    "computed_unsupported",
    "hide_dropped",
    "ids_seed",
];

/// As consent would take it: an absolute address without a fragment.
fn redirect_uri(text: &str) -> Result<String, String> {
    match url::Url::parse(text) {
        Ok(url) if url.fragment().is_none() && url.has_host() => Ok(text.to_owned()),
        _ => Err("an absolute URL without a fragment was expected, such as http://localhost:3000/callback"
            .to_owned()),
    }
}

impl Args {
    fn options(&self) -> anyhow::Result<Options> {
        Ok(Options {
            clients: self.client().into_iter().collect(),
            time: self.clock.map_or(Time::Wall, Time::Manual),
            switches: self.switches.switches(),
            seed: self.seed()?,
            ids_seed: self.ids_seed,
            secrets_seed: None,
            record: recorder(self.record.as_deref())?,
            names: self.hosts.names()?,
        })
    }

    fn seed(&self) -> anyhow::Result<Seed> {
        let text = |path: &Path| std::fs::read_to_string(path).with_context(|| path.display().to_string());
        Ok(match (&self.snapshot, &self.seed) {
            (Some(path), _) => Seed::of_snapshot(&text(path)?).with_context(|| path.display().to_string())?,
            (None, Some(path)) => Seed::read(&text(path)?).with_context(|| path.display().to_string())?,
            (None, None) => Seed::default(),
        })
    }

    /// The client of the flags. A file brings its own, to which the flags add one only if they say where it lives.
    fn client(&self) -> Option<Client> {
        let from_file = self.seed.is_some() || self.snapshot.is_some();
        (!from_file || !self.redirect_uri.is_empty()).then(|| Client {
            client_id: self.client_id.clone(),
            client_secret: self.client_secret.clone(),
            name: self.client_name.clone(),
            redirect_uris: self.redirect_uri.clone(),
            capabilities: Capabilities::default(),
        })
    }
}

/// The file that exchanges are written to.
pub(crate) fn recorder(file: Option<&Path>) -> anyhow::Result<Option<Recorder>> {
    file.map(|file| {
        if std::fs::metadata(file).is_ok_and(|there| there.len() > 0) {
            anyhow::bail!(
                "--record {}: it is there already; name another file, or move it away",
                file.display()
            );
        }
        Recorder::create(file).with_context(|| format!("--record {}: it cannot be written", file.display()))
    })
    .transpose()
}

pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    logging::begin("warn");
    let stop = Stop::on_signal()?;
    // Before anything listens: a bad file ends it.
    let emulator = Emulator::new(args.options()?);
    let listener = bind(args.listen, "--listen").await?;
    let url = format!("http://{}", listener.local_addr()?);
    // These are an emulator's: they open nothing outside this process.
    match args.output.output {
        Output::Json => print_json(&json!({
            "url": url,
            "client_id": args.client().map(|client| client.client_id),
            "redirect_uris": args.redirect_uri,
            "internal_token": emulator.internal_token(),
            "root_page_id": emulator.root_page_id(),
        }))?,
        Output::Text => print(&format!(
            "An offline Notion is at {url}\n\n  Client id       {}\n  Redirect URIs   {}\n  Internal token  {}\n  A page          {}\n\nSet your client's base URL to it. Controls are under {url}/_emulator/. Ctrl-C stops it.\n",
            args.client().map_or_else(|| "those of the file".to_owned(), |client| client.client_id),
            match args.redirect_uri.as_slice() {
                [] if args.client().is_some() => "none: add --redirect-uri".to_owned(),
                [] => "those of the file".to_owned(),
                uris => uris.join(" "),
            },
            emulator.internal_token(),
            emulator.root_page_id(),
        ))?,
    }
    emulator.serve(listener, stop.wait()).await;
    Ok(())
}
