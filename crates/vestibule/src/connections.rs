//! `vestibule connections`: list, show, disconnect and erase speak to a running gateway over HTTP; import opens the store
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
use crate::http_client::{Api, parse_base};
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
        /// Only those in this state: pending, active, suspect, degraded, `reconnect_needed`, disconnected or damaged
        #[arg(long)]
        state: Option<String>,
    },
    /// Show one connection
    #[command(after_help = "Example:\n  vestibule connections show con_019aa0c4a1c07d1e9c41b1f1f4b7a001")]
    Show {
        #[command(flatten)]
        remote: Remote,
        /// The connection's id, as `list` shows it
        id: String,
    },
    /// End a connection, after asking, and revoke it at Notion unless others share its grant
    #[command(
        after_help = "Example:\n  vestibule connections disconnect con_019aa0c4a1c07d1e9c41b1f1f4b7a001"
    )]
    Disconnect {
        #[command(flatten)]
        remote: Remote,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        /// The connection's id, as `list` shows it
        id: String,
    },
    /// Erase one of the app's users, after asking: connections, keys, attempts and names, for good
    #[command(after_help = "Example:\n  vestibule connections erase --end-user user-7")]
    Erase {
        #[command(flatten)]
        remote: Remote,
        /// The user, as the app names it
        #[arg(long)]
        end_user: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
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
    /// The gateway; the app key that opens it is read from `VESTIBULE_API_KEY`
    #[arg(long, env = "VESTIBULE_URL", value_name = "URL", default_value = "http://127.0.0.1:8470")]
    url: String,
    #[command(flatten)]
    output: OutputArgs,
}

impl Remote {
    /// The key comes from the environment alone: a flag would show in the list of processes.
    fn api(&self) -> anyhow::Result<Api> {
        let key = match std::env::var("VESTIBULE_API_KEY") {
            Ok(key) => check_key(&key).map(|()| Secret::new(key.trim().to_owned())),
            Err(std::env::VarError::NotPresent) => Err("VESTIBULE_API_KEY is not set"),
            Err(std::env::VarError::NotUnicode(_)) => Err("VESTIBULE_API_KEY holds bytes that are no text"),
        };
        let url = parse_base(&self.url).map_err(|why| format!("VESTIBULE_URL (or --url): {why}"));
        // Whatever is wrong is told at once.
        match (url, key) {
            (Ok(url), Ok(key)) => Api::new(url.as_str(), key),
            (url, key) => {
                let key =
                    key.err().map(|why| format!("{why}: `vestibule keys mint --kind app` makes an app key"));
                let problems: Vec<String> = url.err().into_iter().chain(key).collect();
                Err(Usage(problems.join("\n")).into())
            }
        }
    }
}

/// What is wrong with a key, without showing it.
fn check_key(key: &str) -> Result<(), &'static str> {
    let key = key.trim();
    match key {
        "" => Err("VESTIBULE_API_KEY is empty"),
        _ if !key.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Err("VESTIBULE_API_KEY holds a space, a line end or another odd character")
        }
        _ if key.starts_with("vst_app_") => Ok(()),
        _ if key.starts_with("vst_con_") => Err(
            "VESTIBULE_API_KEY is a connection key, which opens one connection; an app key (vst_app_…) was expected",
        ),
        _ if key.starts_with("vst_secret_") => Err(
            "VESTIBULE_API_KEY is an app secret, which opens /v1/oauth alone; an app key (vst_app_…) was expected",
        ),
        _ => Err("VESTIBULE_API_KEY is no key of Vestibule's; an app key (vst_app_…) was expected"),
    }
}

/// A connection by what a person knows it by.
fn whose(found: &Value) -> String {
    format!(
        "{} ({}, workspace {}, owner {})",
        found["id"].as_str().unwrap_or("it"),
        user(found),
        workspace(found),
        owner(found)
    )
}

fn consequence(found: &Value) -> &'static str {
    if found["shared_grant"] == true {
        "Its keys end at once; others share its authorization, which stays."
    } else {
        "Its keys end at once, and the authorization is revoked at Notion: the user would have to connect again."
    }
}

/// The first text that is there.
fn first<const N: usize>(values: [&Value; N]) -> Option<&str> {
    values.into_iter().find_map(|value| value.as_str().filter(|text| !text.is_empty()))
}

/// Apps at the Notion-shaped door name no user.
fn user(found: &Value) -> String {
    match found["end_user"].as_str() {
        Some(user) => format!("user {user}"),
        None => "of the Notion-shaped door".to_owned(),
    }
}

/// By name, or whatever Notion did not withhold.
fn workspace(found: &Value) -> String {
    let workspace = &found["workspace"];
    first([&workspace["name"], &workspace["id"]]).unwrap_or("-").to_owned()
}

fn owner(found: &Value) -> String {
    let owner = &found["owner"];
    first([&owner["name"], &owner["email"], &owner["id"]]).unwrap_or("-").to_owned()
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
        Command::Disconnect { remote, yes, id } => {
            let api = remote.api()?;
            if !yes {
                let found = api.expect(Method::GET, &path(&id), None).await?;
                if found["state"] != "disconnected" {
                    prompt::confirm_end(&format!("Disconnect {}? {}", whose(&found), consequence(&found)))?;
                }
            }
            api.expect(Method::DELETE, &path(&id), None).await?;
            match remote.output.output {
                Output::Json => print_json(&json!({"id": id, "state": "disconnected"})),
                Output::Text => print(&format!("Disconnected {}.\n", printable(&id))),
            }
        }
        Command::Erase { remote, end_user, yes } => erase(&remote, &end_user, yes).await,
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
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    for one in &all {
        table.row([
            &text(&one["id"]),
            &text(&one["state"]),
            one["end_user"].as_str().unwrap_or("(Notion-shaped door)"),
            &workspace(one),
            &owner(one),
            &text(&one["last_used_at"]).chars().take(16).collect::<String>().replace('T', " "),
        ]);
    }
    table.print()?;
    let damaged = all.iter().filter(|one| one["state"] == "damaged");
    let told = damaged
        .map(|one| format!("{}: {}\n", printable(&text(&one["id"])), printable(&text(&one["reason"]))));
    print(&told.collect::<String>())
}

async fn erase(remote: &Remote, end_user: &str, yes: bool) -> anyhow::Result<()> {
    let api = remote.api()?;
    let path = format!("/api/connections?end_user={}", escaped(end_user));
    if !yes {
        let found = api.expect(Method::GET, &path, None).await?;
        prompt::confirm_end(&erase_question(end_user, found["data"].as_array().map_or(&[], Vec::as_slice)))?;
    }
    let erased = api.expect(Method::DELETE, &path, None).await?;
    if remote.output.output == Output::Json {
        return print_json(&erased);
    }
    let count = |name: &str| erased[name].as_u64().unwrap_or_default();
    print(&format!(
        "Erased {}: {} connections, {} keys, {} attempts, {} connect sessions. Authorizations: {} ended and revoked at Notion, or about to be; {} shared with others and kept.\n",
        printable(end_user),
        count("connections"),
        count("keys"),
        count("attempts"),
        count("connect_sessions"),
        count("authorizations_ended"),
        count("authorizations_shared"),
    ))
}

/// What is lost, before it is.
fn erase_question(end_user: &str, found: &[Value]) -> String {
    let which: Vec<String> = found.iter().take(10).map(whose).collect();
    let which = if which.is_empty() { "no connection".to_owned() } else { which.join("; ") };
    format!(
        "Erase {end_user} for good ({which}), with keys, attempts and names? What nobody shares is revoked at Notion."
    )
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
            "{} imported, {} were here already, {} left out.\n",
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
            (
                format!(
                    "line {number}: here already as {id}; both token pairs are kept until Notion has said which one lives"
                ),
                told,
            )
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
