//! `vestibule connections`: list, show and disconnect speak to a running gateway over HTTP; import opens the store
//! directly and takes over what a hand-written back end holds.

#![expect(clippy::disallowed_methods, reason = "the key comes from the environment")]

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use axum::http::Method;
use clap::Subcommand;
use gateway::{Gateway, Imported, Secret};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::args::{ConfigArgs, OutputArgs};
use crate::http_client::Api;
use crate::keys::integration;
use crate::output::{Output, Table, print, print_json, printable};
use crate::{Usage, opened, prompt};

pub(crate) const EXAMPLE: &str = "Example:\n  export VESTIBULE_URL=http://127.0.0.1:8470 VESTIBULE_API_KEY=vst_app_…\n  vestibule connections list --state active\n  vestibule connections import --config vestibule.toml tokens.jsonl";

/// The longest line of an import, in bytes.
const LINE_MAX: usize = 64 * 1024;

/// Flags of `connections`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List connections, newest first
    #[command(after_help = "Example:\n  vestibule connections list --end-user user-7")]
    List {
        #[command(flatten)]
        remote: Remote,
        /// Only this user's
        #[arg(long)]
        end_user: Option<String>,
        /// Only those in this state
        #[arg(long)]
        state: Option<String>,
    },
    /// Show one connection
    #[command(after_help = "Example:\n  vestibule connections show con_019aa0c4a1c07d1e9c41b1f1f4b7a001")]
    Show {
        #[command(flatten)]
        remote: Remote,
        id: String,
    },
    /// End a connection, and revoke it at Notion unless others share its grant
    #[command(
        after_help = "Example:\n  vestibule connections disconnect con_019aa0c4a1c07d1e9c41b1f1f4b7a001"
    )]
    Disconnect {
        #[command(flatten)]
        remote: Remote,
        id: String,
    },
    /// Take over tokens that a hand-written back end holds: one JSON line each, Notion's token response plus `end_user`
    #[command(
        after_help = "Example:\n  vestibule connections import --config vestibule.toml tokens.jsonl\n\nStop the old back end first: two back ends that refresh the same tokens lose them."
    )]
    Import {
        #[command(flatten)]
        config: ConfigArgs,
        #[command(flatten)]
        output: OutputArgs,
        /// The integration's name in the configuration; may be left out if there is only one
        #[arg(long, value_name = "NAME")]
        integration: Option<String>,
        /// The old back end is stopped: do not ask
        #[arg(long)]
        yes: bool,
        /// The lines: a file that only you can read; `-` or nothing reads standard input
        file: Option<PathBuf>,
    },
}

/// Which gateway, and how to print.
#[derive(Debug, clap::Args)]
struct Remote {
    /// The gateway
    #[arg(long, env = "VESTIBULE_URL", value_name = "URL", default_value = "http://127.0.0.1:8470")]
    url: String,
    #[command(flatten)]
    output: OutputArgs,
}

impl Remote {
    /// The key comes from the environment alone: a flag would show in the list of processes.
    fn api(&self) -> anyhow::Result<Api> {
        let key = std::env::var("VESTIBULE_API_KEY").map_err(|_| {
            Usage(
                "VESTIBULE_API_KEY is not set: `vestibule keys mint --kind app` makes an app key".to_owned(),
            )
        })?;
        Api::new(&self.url, Secret::new(key))
    }
}

pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::List { remote, end_user, state } => list(&remote, end_user, state).await,
        Command::Show { remote, id } => {
            let found = remote.api()?.expect(Method::GET, &path(&id), None).await?;
            match remote.output.output {
                Output::Json => print_json(&found),
                Output::Text => print(&card(&found)),
            }
        }
        Command::Disconnect { remote, id } => {
            remote.api()?.expect(Method::DELETE, &path(&id), None).await?;
            match remote.output.output {
                Output::Json => print_json(&json!({"id": id, "state": "disconnected"})),
                Output::Text => print(&format!("Disconnected {}.\n", printable(&id))),
            }
        }
        Command::Import { config, output, integration, yes, file } => {
            return import(&config, output.output, integration.as_deref(), yes, file.as_deref()).await;
        }
    }
    .map(|()| ExitCode::SUCCESS)
}

fn path(id: &str) -> String {
    format!("/api/connections/{}", escaped(id))
}

fn escaped(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string().replace("%5F", "_")
}

async fn list(remote: &Remote, end_user: Option<String>, state: Option<String>) -> anyhow::Result<()> {
    let api = remote.api()?;
    let mut all: Vec<Value> = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let asked = [("end_user", &end_user), ("state", &state), ("cursor", &cursor)];
        let query: Vec<String> = asked
            .iter()
            .filter_map(|(name, value)| value.as_ref().map(|value| format!("{name}={}", escaped(value))))
            .collect();
        let page = api.expect(Method::GET, &format!("/api/connections?{}", query.join("&")), None).await?;
        all.extend(page["data"].as_array().cloned().unwrap_or_default());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => break,
        }
    }
    if remote.output.output == Output::Json {
        return print_json(&json!({"data": all}));
    }
    if all.is_empty() {
        return print("No connections.\n");
    }
    let mut table = Table::new(&["id", "state", "end user", "workspace", "owner", "last used"]);
    for one in &all {
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        table.row([
            &text(&one["id"]),
            &text(&one["state"]),
            &text(&one["end_user"]),
            &text(&one["workspace"]["name"]),
            &text(&one["owner"]["name"]),
            &text(&one["last_used_at"]).chars().take(16).collect::<String>().replace('T', " "),
        ]);
    }
    print(&table.text())
}

/// A connection for people: one line a fact.
fn card(found: &Value) -> String {
    let facts = [
        ("Connection", &found["id"]),
        ("State", &found["state"]),
        ("Reason", &found["reason"]),
        ("End user", &found["end_user"]),
        ("Integration", &found["integration"]),
        ("Workspace", &found["workspace"]["name"]),
        ("Owner", &found["owner"]["name"]),
        ("E-mail", &found["owner"]["email"]),
        ("Bot", &found["bot_id"]),
        ("Connected", &found["created_at"]),
        ("Last used", &found["last_used_at"]),
    ];
    let line = |(name, value): &(&str, &Value)| {
        value.as_str().map(|text| format!("{name:12} {}\n", printable(text)))
    };
    facts.iter().filter_map(line).collect()
}

/// What became of the lines.
#[derive(Default)]
struct Tally {
    created: usize,
    kept: usize,
    left_out: usize,
    lines: Vec<Value>,
}

async fn import(
    config: &ConfigArgs,
    output: Output,
    named: Option<&str>,
    yes: bool,
    file: Option<&Path>,
) -> anyhow::Result<ExitCode> {
    let from_stdin = file.is_none_or(|file| file.as_os_str() == "-");
    if !yes {
        let warning = "Is the old back end stopped? Two back ends that refresh the same tokens lose them";
        if from_stdin || !prompt::somebody_is_there() {
            return Err(Usage(format!("{warning}: stop it, then say --yes")).into());
        }
        if !prompt::confirm(&format!("{warning}."))? {
            bail!("nothing was imported");
        }
    }
    let (gateway, _) = opened::gateway(config.config.as_deref()).await?;
    let integration = integration(&gateway, named)?;
    let lines: Box<dyn BufRead> = match file.filter(|_| !from_stdin) {
        Some(file) => Box::new(BufReader::new(open_private(file)?)),
        None => Box::new(BufReader::new(std::io::stdin())),
    };
    let mut tally = Tally::default();
    for (number, line) in (1..).zip(lines.split(b'\n')) {
        let line = line.context("the lines could not be read to the end")?;
        if !line.iter().all(u8::is_ascii_whitespace) {
            one_line(&gateway, &integration, number, &line, output, &mut tally).await?;
        }
    }
    match output {
        Output::Json => print_json(&json!({
            "created": tally.created, "kept_newer": tally.kept, "left_out": tally.left_out, "lines": tally.lines,
        }))?,
        Output::Text => print(&format!(
            "{} imported, {} were here already and kept their own tokens, {} left out.\n",
            tally.created, tally.kept, tally.left_out
        ))?,
    }
    Ok(if tally.left_out == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A line that is left out is told, and loses no other line.
async fn one_line(
    gateway: &Gateway,
    integration: &str,
    number: u64,
    line: &[u8],
    output: Output,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    let imported = if line.len() > LINE_MAX {
        Err("the line is longer than 64 KiB".to_owned())
    } else {
        gateway.import(integration, line).await.map_err(|error| error.to_string())
    };
    let (what, told) = match imported {
        Ok(Imported::Created(id)) => {
            tally.created += 1;
            (
                format!("line {number}: imported as {id}"),
                json!({"line": number, "connection": id, "outcome": "created"}),
            )
        }
        Ok(Imported::KeptNewer(id)) => {
            tally.kept += 1;
            let told = json!({"line": number, "connection": id, "outcome": "kept_newer"});
            (format!("line {number}: here already as {id}; its own tokens were kept"), told)
        }
        Err(why) => {
            tally.left_out += 1;
            let told = json!({"line": number, "outcome": "left_out", "reason": why});
            (format!("line {number}: left out: {why}"), told)
        }
    };
    tally.lines.push(told);
    if output == Output::Text { print(&format!("{what}\n")) } else { Ok(()) }
}

/// Opens a file of tokens, which nobody else may be able to read.
fn open_private(path: &Path) -> anyhow::Result<std::fs::File> {
    let file = std::fs::File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    if file.metadata()?.permissions().mode().trailing_zeros() < 6 {
        bail!("{} holds tokens and can be read by others: chmod 600", path.display());
    }
    Ok(file)
}
