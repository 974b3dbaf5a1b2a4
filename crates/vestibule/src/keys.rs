//! `vestibule keys`: app keys and app secrets. It opens the store directly; a running server notices within a second.

use clap::{Subcommand, ValueEnum};
use gateway::{ApiKey, Gateway, KeyKind, Listed};
use serde_json::json;

use crate::args::{ConfigArgs, OutputArgs};
use crate::output::{Output, Table, print, print_json};
use crate::{opened, prompt};

pub(crate) const EXAMPLE: &str = "Example:\n  vestibule keys mint --kind app --label 'back end, production'\n  vestibule keys list\n  vestibule keys revoke 019aa0c4a1c07d1e9c41b1f1f4b7a001";

/// Flags of `keys`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a key and show it, this once
    #[command(after_help = "Example:\n  vestibule keys mint --kind secret --label 'Express app'")]
    Mint {
        #[command(flatten)]
        which: Which,
        /// An app key (HTTP API), or an app secret (client secret of /v1/oauth)
        #[arg(long, value_enum)]
        kind: Kind,
        /// What to call it in lists
        #[arg(long, default_value = "made on the command line")]
        label: String,
    },
    /// List keys, without their texts
    #[command(after_help = "Example:\n  vestibule keys list --output json")]
    List {
        #[command(flatten)]
        which: Which,
    },
    /// End a key, after asking
    #[command(after_help = "Example:\n  vestibule keys revoke 019aa0c4a1c07d1e9c41b1f1f4b7a001")]
    Revoke {
        #[command(flatten)]
        which: Which,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        /// The key's id, as `list` shows it
        id: String,
    },
}

/// Which integration's keys.
#[derive(Debug, clap::Args)]
struct Which {
    #[command(flatten)]
    config: ConfigArgs,
    #[command(flatten)]
    output: OutputArgs,
    /// The integration's name in the configuration; may be left out if there is only one
    #[arg(long, value_name = "NAME")]
    integration: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    App,
    Secret,
}

/// The integration that is meant.
pub(crate) fn integration(gateway: &Gateway, named: Option<&str>) -> anyhow::Result<String> {
    let all: Vec<&String> = gateway.config().integrations.keys().collect();
    match (named, all.as_slice()) {
        (Some(name), all) if all.iter().any(|known| *known == name) => Ok(name.to_owned()),
        (Some(name), _) => anyhow::bail!("there is no integration {name:?} in the configuration"),
        (None, [only]) => Ok((*only).clone()),
        (None, _) => {
            let names = all.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ");
            Err(crate::Usage(format!(
                "several integrations are configured: say which with --integration ({names})"
            ))
            .into())
        }
    }
}

pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let (Command::Mint { which, .. } | Command::List { which } | Command::Revoke { which, .. }) =
        &args.command;
    let output = which.output.output;
    let (gateway, _) = opened::gateway(which.config.config.as_deref()).await?;
    let name = integration(&gateway, which.integration.as_deref())?;
    match args.command {
        Command::Mint { kind, label, .. } => mint(&gateway, &name, kind, &label, output).await,
        Command::List { .. } => list(&gateway, &name, output).await,
        Command::Revoke { id, yes, .. } => {
            if !yes {
                confirm_end(&gateway, &name, &id).await?;
            }
            gateway.end_key(&name, &id).await?;
            match output {
                Output::Json => print_json(&json!({"id": id, "revoked": true})),
                Output::Text => {
                    print(&format!("Ended key {id}. Whoever holds it is refused within a second.\n"))
                }
            }
        }
    }
}

/// Names the key before it is ended: an id says little.
async fn confirm_end(gateway: &Gateway, integration: &str, id: &str) -> anyhow::Result<()> {
    match question(&gateway.app_keys(integration).await?, integration, id)? {
        Some(question) => prompt::confirm_end(&question),
        // Ending it says that there is none such.
        None => Ok(()),
    }
}

/// What is asked before a key is ended, if there is one of this id.
fn question(keys: &[Listed<ApiKey>], integration: &str, id: &str) -> anyhow::Result<Option<String>> {
    let what = keys.iter().find_map(|key| match key {
        Listed::Sound(key) if key.id == id => Some(Ok(key)),
        Listed::Damaged(row) if row.id == id => Some(Err(())),
        _ => None,
    });
    let what = match what {
        None => return Ok(None),
        Some(Ok(key)) if key.revoked_at.is_some() => anyhow::bail!("key {id} has ended already"),
        Some(Ok(key)) => {
            let made = key.created_at.strftime("%Y-%m-%d");
            format!("the {} {:?} of {integration}, made on {made}", kind_words(key), key.label)
        }
        Some(Err(())) => format!("the key {id} of {integration}, whose row is damaged"),
    };
    Ok(Some(format!("End {what}? Whoever holds it is refused within a second.")))
}

fn kind_words(key: &ApiKey) -> &'static str {
    if key.kind == KeyKind::App { "app key" } else { "app secret" }
}

async fn mint(
    gateway: &Gateway,
    integration: &str,
    kind: Kind,
    label: &str,
    output: Output,
) -> anyhow::Result<()> {
    let wanted = match kind {
        Kind::App => KeyKind::App,
        Kind::Secret => KeyKind::Secret,
    };
    let minted = gateway.mint_key(integration, wanted, label).await?;
    match output {
        Output::Json => {
            print_json(&json!({"id": minted.id, "integration": integration, "key": minted.key.expose()}))
        }
        Output::Text => {
            let use_it = match kind {
                Kind::App => "Send it as `Authorization: Bearer …` to /api and /notion/{connection}/v1.",
                Kind::Secret => {
                    "Use it as the client secret at /v1/oauth/token; the client id stays Notion's."
                }
            };
            print(&format!(
                "{}\n\nShown this once: keep it where secrets are kept. {use_it}\nIts id is {}.\n",
                minted.key.expose(),
                minted.id
            ))
        }
    }
}

async fn list(gateway: &Gateway, integration: &str, output: Output) -> anyhow::Result<()> {
    let keys = gateway.app_keys(integration).await?;
    if output == Output::Json {
        let shown = keys.iter().map(|key| match key {
            Listed::Sound(key) => json!({
                "id": key.id,
                "kind": key.kind,
                "label": key.label,
                "created_at": key.created_at,
                "revoked_at": key.revoked_at,
            }),
            Listed::Damaged(row) => json!({
                "id": row.id,
                "kind": null,
                "label": row.texts.get("label"),
                "created_at": null,
                "revoked_at": null,
                "damaged": row.what,
            }),
        });
        return print_json(&json!({"data": shown.collect::<Vec<_>>()}));
    }
    if keys.is_empty() {
        return print("No keys yet: `vestibule keys mint --kind app` makes one.\n");
    }
    let mut table = Table::new(&["id", "kind", "created", "state", "label"]);
    for key in keys {
        let key = match key {
            Listed::Sound(key) => key,
            Listed::Damaged(row) => {
                let label = row.texts.get("label").map_or("-", String::as_str);
                table.row([&row.id, "?", "?", "damaged", &format!("{label} ({})", row.what)]);
                continue;
            }
        };
        let kind = kind_words(&key);
        let state = if key.revoked_at.is_some() { "ended" } else { "good" };
        let created = key.created_at.strftime("%Y-%m-%d %H:%M").to_string();
        table.row([&key.id, kind, &created, state, &key.label]);
    }
    table.print()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use store::records::DamagedRow;

    #[test]
    fn a_damaged_key_is_asked_about_like_any_other() {
        let (id, what, texts) = ("k1".to_owned(), "its kind is none".to_owned(), BTreeMap::new());
        let keys = [Listed::Damaged(DamagedRow { id, what, texts })];
        let asked = question(&keys, "app", "k1").expect("it stands").expect("it is there");
        assert!(asked.contains("k1") && asked.contains("damaged"), "{asked}");
        assert_eq!(question(&keys, "app", "k2").expect("nothing is wrong"), None);
    }
}
