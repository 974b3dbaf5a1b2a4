//! `vestibule init`: writes a configuration and a fresh root key, and tells what to enter in Notion's portal.
//! It never overwrites anything.

#![expect(clippy::disallowed_methods, reason = "it makes the root key")]

use std::fs::{DirBuilder, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use gateway::{RootKey, Secret};
use serde_json::json;
use url::Url;

use crate::args::OutputArgs;
use crate::output::{Output, print, print_json};
use crate::{Usage, prompt};

pub(crate) const EXAMPLE: &str = "Example:\n  vestibule init --dir /etc/vestibule\n  vestibule init --dir . --public-url https://connect.example.com --client-id … --client-secret-file secret.txt --return-url https://app.example.com/notion/return";

/// The newest version of Notion's API that we know. Source: Notion, "Versioning" and its client 5.26.0 (autumn 2026).
const NOTION_VERSION: &str = "2026-03-11";

/// Flags of `init`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where to write vestibule.toml, root.key and client-secret
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    dir: PathBuf,
    /// The integration's name in routes: lower-case letters, digits and hyphens
    #[arg(long, default_value = "main")]
    name: String,
    #[arg(
        long,
        value_name = "URL",
        help = "Where browsers reach the gateway, such as https://connect.example.com"
    )]
    public_url: Option<String>,
    /// The integration's client id at Notion
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// A file that holds the integration's client secret; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    client_secret_file: Option<PathBuf>,
    /// Where your app takes its users back; may be given several times
    #[arg(long, value_name = "URL")]
    return_url: Vec<String>,
    #[command(flatten)]
    output: OutputArgs,
}

/// What the files are written from.
struct Answers {
    name: String,
    public_url: String,
    client_id: String,
    client_secret: Secret<String>,
    return_urls: Vec<String>,
}

pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    let (dir, output) = (args.dir.clone(), args.output.output);
    let there = |file: &&str| dir.join(file).symlink_metadata().is_ok();
    let there: Vec<&str> =
        ["vestibule.toml", "root.key", "client-secret"].into_iter().filter(there).collect();
    if !there.is_empty() {
        let (files, dir) = (there.join(", "), dir.display());
        bail!(
            "{dir} holds {files} already: nothing was written. Name another folder with --dir, or move them away"
        );
    }
    if dir.metadata().is_ok_and(|meta| meta.permissions().mode() & 0o002 != 0) {
        let dir = dir.display();
        bail!(
            "everybody may write to {dir}: nothing was written. `chmod 700 {dir}`, or name another folder with --dir"
        );
    }
    let answers = gather(args)?;
    let redirect_uri = check(&answers)?;
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&dir)
        .with_context(|| format!("cannot make {}", dir.display()))?;
    let mut random =
        |buffer: &mut [u8]| getrandom::fill(buffer).expect("the operating system gives random bytes");
    let root_key = RootKey::generate(&mut random);
    write_new(&dir.join("root.key"), root_key.to_text().expose())?;
    write_new(&dir.join("client-secret"), answers.client_secret.expose())?;
    write_new(&dir.join("vestibule.toml"), &configuration(&answers))?;
    match output {
        Output::Text => print(&checklist(&answers, &redirect_uri, &dir)),
        Output::Json => print_json(&json!({
            "config": dir.join("vestibule.toml"),
            "root_key_file": dir.join("root.key"),
            "client_secret_file": dir.join("client-secret"),
            "redirect_uri": redirect_uri,
        })),
    }
}

/// From flags, or by asking if somebody is there to answer.
fn gather(args: Args) -> anyhow::Result<Answers> {
    let somebody = prompt::somebody_is_there();
    let need = |given: Option<String>, flag: &str, question: &str| match given {
        Some(given) => Ok(given),
        None if somebody => prompt::ask(question, None),
        None => Err(Usage(format!("{flag} is missing, and there is no terminal to ask on")).into()),
    };
    let public_url = match args.public_url {
        None if somebody => prompt::ask_sound(
            "Where will browsers reach the gateway? (https://… or http://localhost…)",
            check_url,
        )?,
        given => need(given, "--public-url", "")?,
    };
    let client_id = need(
        args.client_id,
        "--client-id",
        "The integration's client id (OAuth client ID in Notion's portal)",
    )?;
    let client_secret = match args.client_secret_file {
        Some(path) if path.as_os_str() == "-" => Secret::new(std::io::read_to_string(std::io::stdin())?),
        Some(path) => {
            let text =
                std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            Secret::new(text)
        }
        None if somebody => prompt::ask_secret("The integration's client secret")?,
        None => {
            return Err(Usage(
                "--client-secret-file is missing, and there is no terminal to ask on".to_owned(),
            )
            .into());
        }
    };
    let client_secret = Secret::new(client_secret.expose().trim().to_owned());
    let return_urls = if args.return_url.is_empty() && somebody {
        let question = "Where does your app take its users back? (https://… or http://localhost…)";
        vec![prompt::ask_sound(question, check_url)?]
    } else {
        args.return_url
    };
    Ok(Answers { name: args.name, public_url, client_id, client_secret, return_urls })
}

/// What a URL must be at the least, told while somebody is there to correct it; `check` judges all of it again.
fn check_url(text: &str) -> Result<(), String> {
    let url =
        Url::parse(text).map_err(|_| "a whole URL was expected, such as https://example.com".to_owned())?;
    let safe = url.scheme() == "https" || (url.scheme() == "http" && gateway::config::is_loopback(&url));
    if safe { Ok(()) } else { Err("https was expected, or http on this machine (localhost)".to_owned()) }
}

/// Refuses before anything is written what `serve` would refuse later. What Notion's portal must have, letter by letter: as
/// the gateway will send it, which may not be how the address was typed (capitals, a port that goes without saying).
fn check(answers: &Answers) -> anyhow::Result<String> {
    let public_url =
        Url::parse(&answers.public_url).with_context(|| format!("--public-url {:?}", answers.public_url))?;
    let integration = gateway::Integration {
        client_id: answers.client_id.clone(),
        client_secret: answers.client_secret.clone(),
        return_urls: answers.return_urls.clone(),
        require_state: true,
        require_pkce: false,
        notion_version: Some(NOTION_VERSION.to_owned()),
        requests_per_minute: 180,
    };
    let config = gateway::Config {
        public_url,
        notion_url: Url::parse(gateway::config::NOTION_URL)?,
        integrations: [(answers.name.clone(), integration)].into(),
        trusted_proxies: Vec::new(),
        plain_http_hosts: Vec::new(),
        way_out: gateway::WayOut::default(),
        attempts_per_address: gateway::Config::ATTEMPTS_PER_ADDRESS,
    };
    let problems = config.check();
    if !problems.is_empty() {
        bail!("nothing was written:\n  {}", problems.join("\n  "));
    }
    Ok(config.redirect_uri(&answers.name))
}

/// Writes a file that must not be there yet, for its owner only.
fn write_new(path: &Path, text: &str) -> anyhow::Result<()> {
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(text.trim_end().as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

/// Where the gateway listens. Behind a proxy that is its own affair; without one, which plain http on this machine means,
/// browsers come to the port that `public_url` names.
fn listen(public_url: &str) -> String {
    match Url::parse(public_url) {
        Ok(url) if url.scheme() == "http" => {
            let host = url.host_str().filter(|host| *host != "localhost").unwrap_or("127.0.0.1");
            format!("{host}:{}", url.port_or_known_default().unwrap_or(80))
        }
        _ => "127.0.0.1:8470".to_owned(),
    }
}

fn configuration(answers: &Answers) -> String {
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let urls: Vec<String> = answers.return_urls.iter().map(|url| format!("    {},\n", quoted(url))).collect();
    format!(
        "# Vestibule's configuration. docs/configuration.md explains each key.\n\
         \n\
         [server]\n\
         # Where browsers reach the gateway; links and the redirect URI are built from it.\n\
         public_url = {public_url}\n\
         listen = {listen}\n\
         \n\
         [store]\n\
         path = \"vestibule.db\"\n\
         \n\
         [keys]\n\
         # Whoever has this file and the store can read every token. Keep a copy of it away from the store's backups.\n\
         root_key_file = \"root.key\"\n\
         \n\
         [integrations.{name}]\n\
         client_id = {client_id}\n\
         client_secret_file = \"client-secret\"\n\
         # Where your app takes its users back; a request must name one of them exactly.\n\
         return_urls = [\n{urls}]\n\
         # 600 if your users' workspaces are on Notion's Business or Enterprise plan.\n\
         requests_per_minute = 180\n\
         # For calls that name no Notion-Version; Notion refuses those. Clients and SDKs that name one keep theirs.\n\
         notion_version = \"{NOTION_VERSION}\"\n",
        public_url = quoted(&answers.public_url),
        listen = quoted(&listen(&answers.public_url)),
        name = answers.name,
        client_id = quoted(&answers.client_id),
        urls = urls.concat(),
    )
}

fn checklist(answers: &Answers, redirect_uri: &str, dir: &Path) -> String {
    let config = dir.join("vestibule.toml");
    format!(
        "Wrote {config}, root.key and client-secret, readable by you alone.\n\
         \n\
         In Notion's developer portal, at your public integration:\n\
         \n\
         1. Redirect URI, exactly so, letter by letter:\n\
         \n\
         \x20      {redirect_uri}\n\
         \n\
         2. Capabilities: read, update and insert content as your app needs; comments are off until you switch them on;\n\
         \x20  user information with e-mail if you want to see who connected. Users who connected before a change must\n\
         \x20  connect again before it holds for them.\n\
         3. Installation scope: any workspace, unless you serve selected ones. It cannot be changed later.\n\
         4. Client id: is it {client_id}? The secret is in client-secret; when you rotate it, write the new one there.\n\
         5. Name, icon, website, privacy policy: your users see them on the consent screen.\n\
         \n\
         Then:\n\
         \n\
         \x20  export VESTIBULE_CONFIG={config}\n\
         \x20  vestibule doctor                 checks all of this, and the way to Notion\n\
         \x20  vestibule keys mint --kind app   a key for your back end\n\
         \x20  vestibule serve\n\
         \n\
         Keep a copy of root.key away from the store's backups: without it no token can be read again.\n",
        config = config.display(),
        client_id = answers.client_id,
    )
}

#[cfg(test)]
mod tests {
    use super::listen;

    #[test]
    fn without_a_proxy_it_listens_where_browsers_will_come() {
        for (public_url, listens) in [
            ("http://127.0.0.1:8490", "127.0.0.1:8490"),
            ("http://localhost:3000/", "127.0.0.1:3000"),
            ("http://[::1]:8490", "[::1]:8490"),
            ("http://localhost", "127.0.0.1:80"),
            ("https://connect.example.com", "127.0.0.1:8470"),
            ("https://localhost:8443", "127.0.0.1:8470"),
        ] {
            assert_eq!(listen(public_url), listens, "{public_url}");
        }
    }
}
