//! The configuration: one TOML file, the environment over it, read once. Unknown keys are refused, and whatever is wrong
//! is told all together. `docs/configuration.md` explains each key.

mod injected;
mod readable;
mod reader;
mod way_out;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use gateway::{Config, Integration, RootKey, Secret};
use url::Url;

use readable::Readable;
use reader::{Env, Reader};

/// Everything that the commands need to know.
pub(crate) struct Settings {
    /// What the gateway is told.
    pub(crate) gateway: Config,
    pub(crate) listen: SocketAddr,
    /// Where the app's back end is answered, if that is another address.
    pub(crate) private_listen: Option<SocketAddr>,
    pub(crate) operations_listen: SocketAddr,
    /// How long a socket without an open call is kept.
    pub(crate) idle: Duration,
    pub(crate) store_path: PathBuf,
    pub(crate) root_key: RootKey,
    /// What was passed over, or taken although it is not as it should be.
    notes: Vec<String>,
}

/// Where the gateway listens unless told otherwise.
const LISTEN: &str = "127.0.0.1:8470";
/// The shortest time that a socket without an open call may be kept, in seconds: usual pools keep theirs longer.
const IDLE_SECONDS_MIN: u32 = 5;
/// Where `/healthz` and `/readyz` answer unless told otherwise.
const OPERATIONS_LISTEN: &str = "127.0.0.1:8479";

/// Reads the file (without a name: `vestibule.toml` here) and the environment.
pub(crate) fn load(file: Option<&Path>) -> anyhow::Result<Settings> {
    let path = file.unwrap_or(Path::new("vestibule.toml"));
    let text = std::fs::read_to_string(path).with_context(|| {
        format!(
            "cannot read the configuration {}: `vestibule init` writes one, --config names another",
            path.display()
        )
    })?;
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let private = readable::readable(path);
    match read(&text, &folder, private, Env::of_process()) {
        Ok(settings) => Ok(settings),
        Err(problems) => bail!("{} cannot be used:\n  {}", path.display(), problems.join("\n  ")),
    }
}

/// Reads the text of a configuration. `folder` is what relative paths in it start from; `private` says who can
/// read the file.
fn read(text: &str, folder: &Path, private: Readable, env: Env) -> Result<Settings, Vec<String>> {
    let table: toml::Table = text.parse().map_err(|error| vec![no_toml(text, &error)])?;
    let mut reader = Reader::new(table, folder.to_owned(), env);
    let mut server = reader.section("server");
    let public_url = server.url("public_url", "PUBLIC_URL", None, &mut reader);
    let listen = server.address("listen", "LISTEN", Some(LISTEN), &mut reader);
    let private_listen = server.address("private_listen", "PRIVATE_LISTEN", None, &mut reader);
    let operations_listen =
        server.address("operations_listen", "OPERATIONS_LISTEN", Some(OPERATIONS_LISTEN), &mut reader);
    let trusted_proxies = server.ranges("trusted_proxies", "TRUSTED_PROXIES", &mut reader);
    let idle = server.number("idle_seconds", default_idle(), &mut reader);
    let attempts = server.number("attempts_per_address", Config::ATTEMPTS_PER_ADDRESS, &mut reader);
    server.end(&mut reader);
    let mut store = reader.section("store");
    let store_path = store.path("path", "STORE_PATH", &mut reader);
    store.end(&mut reader);
    let mut keys = reader.section("keys");
    reader.allow_readable =
        keys.flag("allow_readable_secrets", false, &mut reader) || reader.switch("ALLOW_READABLE_SECRETS");
    let root_key = keys.secret("root_key", "ROOT_KEY", private, &mut reader);
    keys.end(&mut reader);
    let mut notion = reader.section("notion");
    let notion_url =
        notion.url("base_url", "NOTION_BASE_URL", Some(gateway::config::NOTION_URL), &mut reader);
    let plain_http_hosts = notion.list("plain_http_hosts", "NOTION_PLAIN_HTTP_HOSTS", &mut reader);
    let way_out = way_out::way_out(&mut notion, notion_url.as_ref(), private, &mut reader);
    notion.end(&mut reader);
    let integrations = integrations(&mut reader, private);
    let root_key = root_key.and_then(|text| reader.parsed("keys.root_key", RootKey::parse(text.expose())));
    let (mut problems, notes) = reader.finish();
    if idle < IDLE_SECONDS_MIN {
        problems.push(format!("server.idle_seconds: at least {IDLE_SECONDS_MIN} was expected"));
    }
    // What is missing has been told; something sound stands in for it, so that the rest is judged in the same breath.
    let sound = || Url::parse(gateway::config::NOTION_URL).expect("Notion's address is a URL");
    let gateway = Config {
        public_url: public_url.unwrap_or_else(sound),
        notion_url: notion_url.unwrap_or_else(sound),
        integrations,
        plain_http_hosts,
        way_out,
        trusted_proxies,
        attempts_per_address: attempts,
    };
    problems.extend(gateway.check().into_iter().map(in_keys));
    match (root_key, listen, operations_listen, store_path) {
        (Some(root_key), Some(listen), Some(operations_listen), Some(store_path)) if problems.is_empty() => {
            let idle = Duration::from_secs(idle.into());
            Ok(Settings {
                gateway,
                listen,
                private_listen,
                operations_listen,
                idle,
                store_path,
                root_key,
                notes,
            })
        }
        _ => Err(problems),
    }
}

/// Where it is no TOML, and why. The library's own words repeat the line, and that may hold a secret.
fn no_toml(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let why = error.message().replace('\n', ", ");
    format!("line {line}, column {column}: it is no TOML: {why}")
}

fn default_idle() -> u32 {
    u32::try_from(listener::IDLE.as_secs()).unwrap_or(u32::MAX)
}

/// A problem of the gateway's, with the names that the file has for its fields.
fn in_keys(problem: String) -> String {
    let problem = problem.replace(" plain_http_hosts", " notion.plain_http_hosts");
    match (problem.strip_prefix("public_url"), problem.strip_prefix("notion_url")) {
        (Some(rest), _) => format!("server.public_url{rest}"),
        (_, Some(rest)) => format!("notion.base_url{rest}"),
        _ => problem,
    }
}

fn integrations(reader: &mut Reader, private: Readable) -> BTreeMap<String, Integration> {
    let mut all = BTreeMap::new();
    for name in reader.names("integrations") {
        let mut section = reader.subsection("integrations", &name);
        let variable = format!("CLIENT_SECRET_{}", name.to_uppercase().replace('-', "_"));
        let client_id = section.text("client_id", reader);
        let client_secret = section.secret("client_secret", &variable, private, reader);
        let return_urls = section.texts("return_urls", reader);
        let require_state = section.flag("require_state", true, reader);
        let require_pkce = section.flag("require_pkce", false, reader);
        let notion_version = section.text_if("notion_version", reader);
        let requests_per_minute = section.number("requests_per_minute", 180, reader);
        section.end(reader);
        let integration = Integration {
            client_id: client_id.unwrap_or_else(|| "missing".to_owned()),
            client_secret: client_secret.unwrap_or_else(|| Secret::new("missing".to_owned())),
            return_urls,
            require_state,
            require_pkce,
            notion_version,
            requests_per_minute,
        };
        all.insert(name, integration);
    }
    all
}

/// Whether an address is this machine's own.
pub(crate) fn is_loopback(address: &SocketAddr) -> bool {
    matches!(address.ip(), IpAddr::V4(ip) if ip.is_loopback())
        || matches!(address.ip(), IpAddr::V6(ip) if ip.is_loopback())
}

/// What is worth a warning although it can be served.
pub(crate) fn warnings(settings: &Settings) -> Vec<String> {
    let mut warnings = settings.notes.clone();
    if settings.gateway.trusted_proxies.iter().any(|range| range.prefix_len() == 0) {
        warnings.push(
            "server.trusted_proxies holds every address there is: whoever calls can name any client"
                .to_owned(),
        );
    }
    for (name, integration) in &settings.gateway.integrations {
        if !integration.require_state && !integration.require_pkce {
            warnings.push(format!(
                "integrations.{name}.require_state is false: an app that sends neither `state` nor PKCE is open to login CSRF"
            ));
        }
        if integration.return_urls.is_empty() {
            warnings.push(format!("integrations.{name}.return_urls is empty: nobody can connect yet"));
        }
    }
    let folder = settings.store_path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    if folder.exists() && readable::readable(folder) != Readable::ByOwner {
        let shown = folder.display();
        warnings.push(format!("others may look into the store's folder {shown}: `chmod 700 {shown}`"));
    }
    if settings.private_listen.is_none() && !is_loopback(&settings.listen) {
        warnings.push(
            "server.private_listen is not set: the HTTP API is answered on the public address too".to_owned(),
        );
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        [server]
        public_url = "https://connect.example.com"
        [store]
        path = "vestibule.db"
        [keys]
        root_key = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
        [integrations.main]
        client_id = "c"
        client_secret = "s"
        return_urls = ["https://app.example.com/return"]
    "#;

    fn env(pairs: &[(&str, &str)]) -> Env {
        Env::of(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    fn problems(text: &str, pairs: &[(&str, &str)]) -> Vec<String> {
        read(text, Path::new("/etc/vestibule"), Readable::ByOwner, env(pairs)).err().unwrap_or_default()
    }

    #[test]
    fn a_short_file_is_enough() {
        let settings = read(GOOD, Path::new("/etc/vestibule"), Readable::ByOwner, env(&[]))
            .unwrap_or_else(|told| panic!("{told:?}"));
        assert_eq!(settings.listen.to_string(), LISTEN);
        assert_eq!(settings.gateway.notion_url.as_str(), "https://api.notion.com/");
        assert_eq!(settings.store_path, Path::new("/etc/vestibule/vestibule.db"));
        assert_eq!(settings.gateway.integrations["main"].requests_per_minute, 180);
    }

    #[test]
    fn all_problems_are_told_together() {
        let text = GOOD
            .replace("https://connect.example.com", "http://connect.example.com")
            .replace("client_id = \"c\"", "client_idd = 7")
            .replace("[store]", "[stores]");
        let told = problems(&text, &[("VESTIBULE_LISTEN", "nowhere"), ("VESTIBULE_LISTN", "x")]).join("\n");
        let all = [
            "VESTIBULE_LISTEN",
            "VESTIBULE_LISTN",
            "client_idd",
            "stores",
            "store.path",
            "server.public_url http://connect.example.com/: https",
        ];
        for expected in all {
            assert!(told.contains(expected), "{expected} is not in\n{told}");
        }
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let pairs =
            [("VESTIBULE_PUBLIC_URL", "https://other.example.com"), ("VESTIBULE_CLIENT_SECRET_MAIN", "t")];
        let settings = read(GOOD, Path::new("/"), Readable::ByOwner, env(&pairs))
            .unwrap_or_else(|told| panic!("{told:?}"));
        assert_eq!(settings.gateway.public_url.host_str(), Some("other.example.com"));
        assert_eq!(settings.gateway.integrations["main"].client_secret.expose(), "t");
    }

    #[test]
    fn a_secret_in_a_file_that_others_can_read_is_refused() {
        let told =
            read(GOOD, Path::new("/"), Readable::ByOthers, env(&[])).err().expect("it is refused").join("\n");
        assert!(told.contains("keys.root_key") && told.contains("chmod 600"), "{told}");
    }

    #[test]
    fn a_missing_or_odd_root_key_is_told_without_its_value() {
        let told = problems(&GOOD.replace("0123456789abcdef", "zz"), &[]).join("\n");
        assert!(told.contains("keys.root_key") && !told.contains("zz"), "{told}");
        let told = problems(&GOOD.replace("root_key =", "# root_key ="), &[]).join("\n");
        assert!(told.contains("VESTIBULE_ROOT_KEY"), "{told}");
    }

    fn good(text: &str, pairs: &[(&str, &str)]) -> Settings {
        read(text, Path::new("/etc/vestibule"), Readable::ByOwner, env(pairs))
            .unwrap_or_else(|told| panic!("{told:?}"))
    }

    #[test]
    fn proxies_are_addresses_and_ranges_of_both_families() {
        let listed = r#"trusted_proxies = ["10.0.0.0/8", "192.0.2.7", "fd00::/8", "::ffff:172.16.0.0/108", "10.1.2.3/16"]"#;
        let settings = good(&GOOD.replace("[store]", &format!("{listed}\n[store]")), &[]);
        let shown: Vec<String> = settings.gateway.trusted_proxies.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["10.0.0.0/8", "192.0.2.7/32", "fd00::/8", "172.16.0.0/12", "10.1.0.0/16"]);
        let settings = good(GOOD, &[("VESTIBULE_TRUSTED_PROXIES", "10.0.0.0/8, 192.0.2.7")]);
        assert_eq!(settings.gateway.trusted_proxies.len(), 2);
        for odd in ["10.0.0.0/33", "10.0.0/8", "300.0.0.0/8", "proxy", "fd00::/129", "10.0.0.0/", ""] {
            let listed = format!("trusted_proxies = [{odd:?}]\n[store]");
            let told = problems(&GOOD.replace("[store]", &listed), &[]).join("\n");
            assert!(told.contains("server.trusted_proxies") && told.contains("10.0.0.0/8"), "{odd}: {told}");
        }
        assert!(
            !problems(&GOOD.replace("[store]", "trusted_proxies = \"10.0.0.0/8\"\n[store]"), &[]).is_empty()
        );
    }

    #[test]
    fn what_kubernetes_injects_is_passed_over_and_a_misspelling_is_not() {
        let injected = [
            ("VESTIBULE_PORT", "tcp://10.96.0.11:8470"),
            ("VESTIBULE_SERVICE_HOST", "10.96.0.11"),
            ("VESTIBULE_EMULATOR_SERVICE_PORT", "8472"),
        ];
        let warned = warnings(&good(GOOD, &injected)).join("\n");
        assert!(injected.iter().all(|(name, _)| warned.contains(name)), "{warned}");
        let told = problems(GOOD, &[injected[0], ("VESTIBULE_PUBLICURL", "https://x.example")]);
        assert_eq!(told, ["VESTIBULE_PUBLICURL: there is no such environment variable"]);
    }

    #[test]
    fn plain_http_is_for_the_loopback_and_the_hosts_that_are_listed() {
        let at = |url: &str| [("VESTIBULE_NOTION_BASE_URL", url.to_owned())];
        let with = |url: &str, listed: &str| {
            let text = format!("{GOOD}\n[notion]\nplain_http_hosts = {listed}\n");
            let pairs = at(url);
            let pairs: Vec<(&str, &str)> =
                pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
            problems(&text, &pairs).join("\n")
        };
        let refused = with("http://notion-emulator:8472", "[]");
        assert!(refused.contains("notion.plain_http_hosts = [\"notion-emulator\"]"), "{refused}");
        assert_eq!(with("http://notion-emulator:8472", "[\"Notion-Emulator\"]"), "");
        assert_eq!(with("http://172.17.0.2:8472", "[\"172.17.0.2\"]"), "");
        assert_ne!(with("http://other:8472", "[\"notion-emulator\"]"), "");
        assert_ne!(
            with("http://api.notion.com", "[\"api.notion.com\"]"),
            "",
            "the real one is never spoken to in the clear"
        );
        let pairs = [
            ("VESTIBULE_NOTION_BASE_URL", "http://host.docker.internal:8472"),
            ("VESTIBULE_NOTION_PLAIN_HTTP_HOSTS", "notion-emulator,host.docker.internal"),
        ];
        assert_eq!(good(GOOD, &pairs).gateway.plain_http_hosts.len(), 2);
    }

    #[test]
    fn a_mounted_configuration_is_taken_with_a_warning_and_an_open_one_by_order_alone() {
        let mounted =
            read(GOOD, Path::new("/"), Readable::Mounted, env(&[])).unwrap_or_else(|told| panic!("{told:?}"));
        assert!(warnings(&mounted).join("\n").contains("keys.root_key"));
        let allowed = GOOD.replace("[keys]", "[keys]\nallow_readable_secrets = true");
        assert!(read(&allowed, Path::new("/"), Readable::ByOthers, env(&[])).is_ok());
        let by_variable = env(&[("VESTIBULE_ALLOW_READABLE_SECRETS", "true")]);
        assert!(read(GOOD, Path::new("/"), Readable::ByOthers, by_variable).is_ok());
    }

    /// What a `[notion]` table and the environment come to, as it is shown: a way out has no password in it.
    fn way(table: &str, pairs: &[(&str, &str)]) -> Result<String, String> {
        let text = format!("{GOOD}\n[notion]\n{table}\n");
        let read = read(&text, Path::new("/etc/vestibule"), Readable::ByOwner, env(pairs));
        read.map(|settings| format!("{:?}", settings.gateway.way_out.proxy)).map_err(|told| told.join("\n"))
    }

    #[test]
    fn the_proxy_is_what_the_setting_says_or_else_the_environment() {
        let none = || Ok("None".to_owned());
        let some = |shown: &str| Ok(format!("Some(Proxy({shown}))"));
        let https = ("HTTPS_PROXY", "http://u:hush@env:1");
        assert_eq!(way("", &[]), none());
        assert_eq!(way("proxy = \"http://file:2\"", &[https]), some("file:2"));
        assert_eq!(way("", &[https]), some("env:1, [redacted]"));
        assert_eq!(way("", &[("https_proxy", "env:3")]), some("env:3"));
        assert_eq!(way("", &[("HTTPS_PROXY", ""), ("https_proxy", "env:3")]), some("env:3"));
        assert_eq!(way("proxy = \"http://file:2\"", &[("VESTIBULE_NOTION_PROXY", "ours:4")]), some("ours:4"));
        assert_eq!(way("proxy = \"none\"", &[https]), none());
        assert_eq!(way("", &[https, ("NO_PROXY", "localhost,.notion.com")]), none());
        assert_eq!(way("", &[https, ("no_proxy", "example.com")]), some("env:1, [redacted]"));
        assert_eq!(way("base_url = \"http://127.0.0.1:8472\"", &[https]), none());
        assert_eq!(way("base_url = \"https://localhost:8472\"", &[https]), none());
        for (table, pairs, named) in [
            ("proxy = \"https://u:hush@x\"", &[][..], "notion.proxy: "),
            ("proxy = \"socks5://hush@x\"", &[], "notion.proxy: "),
            ("proxy = \"\"", &[], "notion.proxy: "),
            ("", &[("HTTPS_PROXY", "https://u:hush@x")], "HTTPS_PROXY: "),
            ("proxy_file = \"/nowhere\"", &[], "notion.proxy_file: /nowhere: "),
        ] {
            let told = way(table, pairs).expect_err("it is refused");
            assert!(told.starts_with(named) && !told.contains("hush"), "{table}: {told}");
        }
    }

    #[test]
    fn a_proxys_password_is_a_secret_and_its_address_is_none() {
        let readable = |table: &str| {
            let text = GOOD
                .replace("root_key =", "root_key_file = \"x\" #")
                .replace("client_secret =", "client_secret_file = \"y\" #");
            let text = format!("{text}\n[notion]\n{table}\n");
            let told =
                read(&text, Path::new("/nowhere"), Readable::ByOthers, env(&[])).err().unwrap_or_default();
            told.join("\n").contains("notion.proxy")
        };
        assert!(readable("proxy = \"http://u:p@x:1\""));
        assert!(!readable("proxy = \"http://x:1\""));
    }

    #[test]
    fn roots_and_further_certificates_are_named_and_judged() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("roots.pem");
        let table = format!("ca_file = {:?}", file.display().to_string());
        let missing = way(&table, &[]).expect_err("there is none");
        assert!(missing.contains("notion.ca_file") && missing.contains("roots.pem"), "{missing}");
        std::fs::write(&file, "no certificate").unwrap();
        let empty = way(&table, &[]).expect_err("it has none");
        assert!(empty.contains("notion.ca_file") && empty.contains("no certificate in it"), "{empty}");
        let by_variable =
            way("", &[("VESTIBULE_NOTION_CA_FILE", "/nowhere/x.pem")]).expect_err("there is none");
        assert!(by_variable.contains("VESTIBULE_NOTION_CA_FILE") && by_variable.contains("/nowhere/x.pem"));
        let odd = way("roots = \"mine\"", &[]).expect_err("there are two");
        assert!(odd.contains("notion.roots") && odd.contains("platform"), "{odd}");
        for word in ["built-in", "platform"] {
            assert!(way(&format!("roots = {word:?}"), &[]).is_ok());
        }
    }

    #[test]
    fn what_is_no_toml_is_told_by_its_place_and_not_by_its_text() {
        for line in [
            "client_secret = \"hush-hush",
            "client_secret = hush-hush",
            "client_secret = \"a\" hush-hush",
            "root_key = \"\"\"hush-hush",
            "root_key = 'hush-hush",
            "hush-hush",
            "client_secret = \"ü\\q hush-hush\"",
        ] {
            let told = problems(&format!("# é\n\n{line}"), &[]).join("\n");
            assert!(told.starts_with("line 3, column ") && !told.contains("hush"), "{line}: {told}");
        }
        let twice = problems("a = 1\nclient_secret = 'hush'\nclient_secret = 'hush'", &[]).join("\n");
        assert!(twice.starts_with("line 3, ") && !twice.contains("hush"), "{twice}");
    }
}
