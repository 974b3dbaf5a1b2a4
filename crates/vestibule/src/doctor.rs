//! `vestibule doctor`: is everything as it should be? One line a check, and what to do about those that fail.

#![expect(clippy::disallowed_methods, reason = "it compares this machine's clock with Notion's")]

use std::path::Path;
use std::process::ExitCode;

use gateway::{Config, Gateway, Notion, TokenError, World};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::args::{ConfigArgs, OutputArgs};
use crate::config::{self, Settings};
use crate::opened;
use crate::output::{Output, print, print_json, printable};

/// How far the clocks may be apart, in seconds: an attempt's ten minutes leave room, logs do not.
const CLOCK_SECONDS_MAX: i64 = 30;

/// Flags of `doctor`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    config: ConfigArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// How a check went.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Grade {
    Ok,
    Warn,
    Fail,
}

struct Check {
    what: &'static str,
    grade: Grade,
    words: String,
}

fn check(what: &'static str, grade: Grade, words: impl Into<String>) -> Check {
    Check { what, grade, words: words.into() }
}

pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let checks = match config::load(args.config.config.as_deref()) {
        Err(error) => vec![check("configuration", Grade::Fail, format!("{error:#}"))],
        Ok(settings) => examine(settings).await,
    };
    let failed = checks.iter().any(|check| check.grade == Grade::Fail);
    match args.output.output {
        Output::Json => {
            print_json(&json!({"ok": !failed, "checks": checks.iter().map(shown).collect::<Vec<_>>()}))?;
        }
        Output::Text => print(&checks.iter().map(line).collect::<String>())?,
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn word(grade: Grade) -> &'static str {
    match grade {
        Grade::Ok => "ok",
        Grade::Warn => "warn",
        Grade::Fail => "FAIL",
    }
}

fn shown(check: &Check) -> Value {
    json!({"check": check.what, "result": word(check.grade).to_lowercase(), "detail": check.words})
}

fn line(check: &Check) -> String {
    let words: Vec<String> = check.words.lines().map(|line| printable(line.trim())).collect();
    format!("{:5} {:14} {}\n", word(check.grade), check.what, words.join(&format!("\n{:21}", "")))
}

async fn examine(settings: Settings) -> Vec<Check> {
    let count = settings.gateway.integrations.len() as u64;
    let mut checks =
        vec![check("configuration", Grade::Ok, format!("read, {}", counted(count, "integration")))];
    checks.extend(
        config::warnings(&settings).into_iter().map(|warning| check("configuration", Grade::Warn, warning)),
    );
    let store_path = settings.store_path.display().to_string();
    // A check only looks: it makes no store where there is none.
    let path = settings.store_path.clone();
    if path.symlink_metadata().is_ok() || beside_log(&path) {
        match opened::build(settings).await {
            Err(error) => {
                checks.push(check("store and key", Grade::Fail, format!("{store_path}: {error:#}")));
            }
            Ok(opened::Opened { gateway, .. }) => {
                let words = format!("{store_path} opens with this root key");
                checks.push(check("store and key", Grade::Ok, words));
                checks.push(contents(&gateway, &path).await);
                outside(gateway.config(), &mut checks).await;
            }
        }
    } else {
        let words = format!("there is no {store_path} yet: `vestibule serve` makes it");
        checks.push(check("store and key", Grade::Warn, words));
        outside(&settings.gateway, &mut checks).await;
    }
    checks
}

/// `1 key`, `2 keys`.
fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// A log of a store whose file is not there: opening it says what to do.
fn beside_log(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    std::fs::metadata(log).is_ok_and(|log| log.len() > 0)
}

/// Whether there is anything in the store, and whether it can be read and written.
async fn contents(gateway: &Gateway, path: &Path) -> Check {
    let found = match gateway.contents().await {
        Ok(found) => found,
        Err(error) => return check("contents", Grade::Fail, error.to_string()),
    };
    if found.is_empty() {
        return check("contents", Grade::Warn, opened::is_empty(path));
    }
    match gateway.damaged().await {
        Ok(0) => {
            let words =
                format!("{}, {}", counted(found.keys, "key"), counted(found.connections, "connection"));
            check("contents", Grade::Ok, words)
        }
        Ok(damaged) => check(
            "contents",
            Grade::Fail,
            format!(
                "damaged: {damaged} of {}. `vestibule connections list` names them; restore the store from a copy, or end them",
                counted(found.connections, "connection")
            ),
        ),
        Err(error) => check("contents", Grade::Fail, error.to_string()),
    }
}

/// What Notion must know, and whether it can be asked.
async fn outside(config: &Config, checks: &mut Vec<Check>) {
    checks.extend(redirect_uris(config));
    match Notion::new(&config.notion_url, &config.way_out, &World::real()) {
        Ok(notion) => checks.extend(reach(&notion, config).await),
        Err(error) => checks.push(check("Notion", Grade::Fail, error.to_string())),
    }
}

fn redirect_uris(config: &Config) -> Vec<Check> {
    let told = |name: &String| {
        let words = format!("{name}: Notion's portal must have {} exactly", config.redirect_uri(name));
        check("redirect URI", Grade::Ok, words)
    };
    config.integrations.keys().map(told).collect()
}

async fn reach(notion: &Notion, config: &Config) -> Vec<Check> {
    let url = config.notion_url.as_str();
    let Ok(date) = notion.date().await else {
        let why = notion.unreachable().await.map(|why| format!(" ({why})")).unwrap_or_default();
        let words = format!(
            "{url} does not answer{why}: check the network, a proxy or firewall, notion.proxy and notion.base_url"
        );
        return vec![check("Notion", Grade::Fail, words)];
    };
    let mut checks = vec![check("Notion", Grade::Ok, format!("{url} answers")), clock(date.as_deref())];
    for (name, integration) in &config.integrations {
        checks.push(match notion.knows(integration).await {
            Ok(Some(true)) => check("client secret", Grade::Ok, format!("{name}: Notion accepts it")),
            Ok(Some(false)) => check(
                "client secret",
                Grade::Fail,
                format!("{name}: Notion refuses this client id or secret: copy both from its portal again"),
            ),
            Ok(None) | Err(TokenError::Odd(_) | TokenError::Refused(_) | TokenError::Throttled(_)) => check(
                "client secret",
                Grade::Warn,
                format!("{name}: Notion's answer does not tell; try again later"),
            ),
            Err(TokenError::NotSent | TokenError::NoAnswer) => {
                check("client secret", Grade::Warn, format!("{name}: Notion did not answer; try again later"))
            }
        });
    }
    checks
}

fn clock(date: Option<&str>) -> Check {
    let parsed = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
    let Some(theirs) = parsed else {
        return check("clock", Grade::Warn, "Notion's answer has no date to compare with");
    };
    let apart = (Timestamp::now().as_second() - theirs.timestamp().as_second()).abs();
    if apart <= CLOCK_SECONDS_MAX {
        check("clock", Grade::Ok, format!("{apart} s apart from Notion's"))
    } else {
        check("clock", Grade::Fail, format!("{apart} s apart from Notion's: set this machine's clock (NTP)"))
    }
}
