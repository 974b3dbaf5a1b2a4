//! Reading TOML with a memory: what was not asked for is unknown, and every problem is kept until the end.

#![expect(clippy::disallowed_methods, reason = "the environment is read here, once")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use gateway::Secret;
use ipnet::{IpNet, Ipv4Net};
use toml::{Table, Value};
use url::Url;

use super::injected::{is_injected, is_linked};
use super::readable::{Readable, readable};

/// Variables of ours that are not settings.
const NOT_SETTINGS: [&str; 8] = [
    "VESTIBULE_CONFIG",
    "VESTIBULE_EMULATOR_ALLOW_HOST",
    "VESTIBULE_LOG",
    "VESTIBULE_URL",
    "VESTIBULE_API_KEY",
    "VESTIBULE_VERIFY_TOKEN",
    "VESTIBULE_VERIFY_CLIENT_SECRET",
    "VESTIBULE_VERIFY_REFRESH_TOKEN",
];

/// Variables that are not ours alone.
const OUTER: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"];

/// The environment's `VESTIBULE_…` variables, and which were asked for.
pub(super) struct Env {
    values: BTreeMap<String, String>,
    asked: BTreeSet<String>,
    /// What all programs read.
    outer: BTreeMap<String, String>,
}

impl Env {
    pub(super) fn of_process() -> Self {
        Self::of(
            std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
        )
    }

    pub(super) fn of(pairs: impl Iterator<Item = (String, String)>) -> Self {
        let (ours, others): (BTreeMap<_, _>, BTreeMap<_, _>) =
            pairs.partition(|(name, _)| name.starts_with("VESTIBULE_"));
        let outer = others.into_iter().filter(|(name, _)| OUTER.contains(&name.as_str())).collect();
        Self { values: ours, asked: BTreeSet::new(), outer }
    }

    fn get(&mut self, name: &str) -> Option<(String, String)> {
        let name = format!("VESTIBULE_{name}");
        self.asked.insert(name.clone());
        self.values.get(&name).map(|value| (name, value.clone()))
    }
}

/// The whole file, being read.
pub(super) struct Reader {
    table: Table,
    folder: PathBuf,
    env: Env,
    problems: Vec<String>,
    /// What is worth a warning.
    notes: Vec<String>,
    /// Whether secrets may be readable for others.
    pub(super) allow_readable: bool,
}

/// One `[section]`, being read.
pub(super) struct Section {
    name: String,
    table: Table,
}

impl Reader {
    pub(super) fn new(table: Table, folder: PathBuf, env: Env) -> Self {
        Self { table, folder, env, problems: Vec::new(), notes: Vec::new(), allow_readable: false }
    }

    fn problem(&mut self, what: impl Into<String>) {
        self.problems.push(what.into());
    }

    pub(super) fn section(&mut self, name: &str) -> Section {
        let table = match self.table.remove(name) {
            None => Table::new(),
            Some(Value::Table(table)) => table,
            Some(_) => {
                self.problem(format!("{name}: a table, [{name}], was expected"));
                Table::new()
            }
        };
        Section { name: name.to_owned(), table }
    }

    /// The names of the tables below `[name.…]`.
    pub(super) fn names(&mut self, name: &str) -> Vec<String> {
        match self.table.get(name) {
            Some(Value::Table(table)) => table.keys().cloned().collect(),
            _ => Vec::new(),
        }
    }

    pub(super) fn subsection(&mut self, above: &str, name: &str) -> Section {
        let full = format!("{above}.{name}");
        let found =
            self.table.get_mut(above).and_then(Value::as_table_mut).and_then(|table| table.remove(name));
        let table = match found {
            Some(Value::Table(table)) => table,
            _ => {
                self.problem(format!("{full}: a table, [{full}], was expected"));
                Table::new()
            }
        };
        Section { name: full, table }
    }

    /// Keeps a parsed value, or its error.
    pub(super) fn parsed<T>(&mut self, key: &str, result: Result<T, impl Display>) -> Option<T> {
        result.map_err(|error| self.problem(format!("{key}: {error}"))).ok()
    }

    /// The first of these variables that says something; they are not ours alone.
    pub(super) fn outer(&self, names: &[&str]) -> Option<(String, String)> {
        let said = names.iter().filter_map(|name| self.env.outer.get_key_value(*name));
        said.map(|(name, value)| (name.clone(), value.clone())).find(|(_, value)| !value.trim().is_empty())
    }

    /// Whether a variable says yes.
    pub(super) fn switch(&mut self, variable: &str) -> bool {
        match self.env.get(variable) {
            None => false,
            Some((name, value)) => {
                let said = value.trim().parse();
                self.parsed(&name, said.map_err(|_| "true or false was expected")).unwrap_or_default()
            }
        }
    }

    /// Whether a secret may come from where others can read it too; what is wrong, if not.
    fn admits(&mut self, name: &str, readable: Readable, what: &str) -> bool {
        match readable {
            Readable::ByOwner => true,
            Readable::Mounted => {
                self.notes.push(format!(
                    "{name}: {what} can be read by others, and was put there so for this program: it is taken"
                ));
                true
            }
            Readable::ByOthers if self.allow_readable => {
                self.notes.push(format!(
                    "{name}: {what} can be read by others, and keys.allow_readable_secrets lets it"
                ));
                true
            }
            Readable::ByOthers => false,
        }
    }

    /// All problems, unknown keys and variables among them; and what is worth a warning.
    pub(super) fn finish(mut self) -> (Vec<String>, Vec<String>) {
        let left: Vec<String> =
            self.table.iter().filter(|(_, value)| !is_empty(value)).map(|(key, _)| key.clone()).collect();
        for key in left {
            self.problem(format!("{key}: there is no such setting"));
        }
        let unknown =
            |name: &&String| !self.env.asked.contains(*name) && !NOT_SETTINGS.contains(&name.as_str());
        let linked = is_linked(self.env.values.iter());
        let unknown: Vec<String> = self.env.values.keys().filter(unknown).cloned().collect();
        for name in unknown {
            if is_injected(&name, &self.env.values[&name], linked) {
                self.notes.push(format!(
                    "{name} is passed over: it tells of a service of our name and is no setting"
                ));
            } else {
                self.problem(format!("{name}: there is no such environment variable"));
            }
        }
        (self.problems, self.notes)
    }
}

fn is_empty(value: &Value) -> bool {
    value.as_table().is_some_and(Table::is_empty)
}

impl Section {
    fn key(&self, key: &str) -> String {
        format!("{}.{key}", self.name)
    }

    /// Ends the section: whatever nobody asked for is unknown.
    pub(super) fn end(self, reader: &mut Reader) {
        for key in self.table.keys() {
            reader.problem(format!("{}: there is no such setting", self.key(key)));
        }
    }

    pub(super) fn text_if(&mut self, key: &str, reader: &mut Reader) -> Option<String> {
        match self.table.remove(key) {
            None => None,
            Some(Value::String(text)) => Some(text),
            Some(_) => {
                reader.problem(format!("{}: text in quotes was expected", self.key(key)));
                None
            }
        }
    }

    pub(super) fn text(&mut self, key: &str, reader: &mut Reader) -> Option<String> {
        let missing = !self.table.contains_key(key);
        if missing {
            reader.problem(format!("{} is missing", self.key(key)));
        }
        self.text_if(key, reader)
    }

    pub(super) fn texts(&mut self, key: &str, reader: &mut Reader) -> Vec<String> {
        let Some(value) = self.table.remove(key) else { return Vec::new() };
        let texts: Option<Vec<String>> = value
            .as_array()
            .and_then(|list| list.iter().map(|text| text.as_str().map(str::to_owned)).collect());
        texts.unwrap_or_else(|| {
            reader.problem(format!("{}: a list of texts was expected", self.key(key)));
            Vec::new()
        })
    }

    pub(super) fn flag(&mut self, key: &str, default: bool, reader: &mut Reader) -> bool {
        match self.table.remove(key) {
            None => default,
            Some(Value::Boolean(flag)) => flag,
            Some(_) => {
                reader.problem(format!("{}: true or false was expected", self.key(key)));
                default
            }
        }
    }

    pub(super) fn number(&mut self, key: &str, default: u32, reader: &mut Reader) -> u32 {
        match self.table.remove(key) {
            None => default,
            Some(value) => {
                value.as_integer().and_then(|number| u32::try_from(number).ok()).unwrap_or_else(|| {
                    reader
                        .problem(format!("{}: a whole number, not below zero, was expected", self.key(key)));
                    default
                })
            }
        }
    }

    /// The environment's value if there is one, else the file's, with the name to call it by.
    fn text_or_env(&mut self, key: &str, variable: &str, reader: &mut Reader) -> Option<(String, String)> {
        let in_file = self.text_if(key, reader).map(|text| (self.key(key), text));
        reader.env.get(variable).or(in_file)
    }

    pub(super) fn url(
        &mut self,
        key: &str,
        variable: &str,
        default: Option<&str>,
        reader: &mut Reader,
    ) -> Option<Url> {
        let given = self.text_or_env(key, variable, reader);
        let given = given.or_else(|| default.map(|text| (self.key(key), text.to_owned())));
        let Some((name, text)) = given else {
            reader.problem(format!("{} is missing (or VESTIBULE_{variable})", self.key(key)));
            return None;
        };
        reader.parsed(&name, Url::parse(&text).map_err(|error| format!("{text:?}: {error}")))
    }

    pub(super) fn address(
        &mut self,
        key: &str,
        variable: &str,
        default: Option<&str>,
        reader: &mut Reader,
    ) -> Option<SocketAddr> {
        let given = self.text_or_env(key, variable, reader);
        let (name, text) = given.or_else(|| default.map(|text| (self.key(key), text.to_owned())))?;
        let parsed = text.parse::<SocketAddr>();
        reader.parsed(
            &name,
            parsed
                .map_err(|_| format!("{text:?}: an address with port, such as 127.0.0.1:8470, was expected")),
        )
    }

    /// A list of texts; the variable's by commas.
    pub(super) fn list(&mut self, key: &str, variable: &str, reader: &mut Reader) -> Vec<String> {
        let here = self.texts(key, reader);
        match reader.env.get(variable) {
            None => here,
            Some((_, value)) => value.split(',').map(|text| text.trim().to_owned()).collect(),
        }
    }

    /// A list of addresses and ranges of addresses.
    pub(super) fn ranges(&mut self, key: &str, variable: &str, reader: &mut Reader) -> Vec<IpNet> {
        let name = self.key(key);
        let texts = self.list(key, variable, reader);
        texts.into_iter().filter_map(|text| reader.parsed(&name, range(&text))).collect()
    }

    /// A word, with the name to call it by.
    pub(super) fn word(
        &mut self,
        key: &str,
        variable: &str,
        reader: &mut Reader,
    ) -> Option<(String, String)> {
        self.text_or_env(key, variable, reader)
    }

    /// A file that may be named, with the name to call it by.
    pub(super) fn file_if(
        &mut self,
        key: &str,
        variable: &str,
        reader: &mut Reader,
    ) -> Option<(String, PathBuf)> {
        let (name, text) = self.text_or_env(key, variable, reader)?;
        Some((name, reader.folder.join(text)))
    }

    /// A text that may be there and may hold a password, from wherever a secret may come from, with the name to call it by. In a
    /// configuration that others can read it may stand as long as there is no password in it.
    pub(super) fn secret_if(
        &mut self,
        key: &str,
        variable: &str,
        private: Readable,
        reader: &mut Reader,
    ) -> Option<(String, Secret<String>)> {
        let (file_key, file_variable) = (format!("{key}_file"), format!("{variable}_FILE"));
        let is_given = self.table.contains_key(key)
            || self.table.contains_key(&file_key)
            || reader.env.get(variable).is_some()
            || reader.env.get(&file_variable).is_some();
        if !is_given {
            return None;
        }
        let open = self.table.get(key).and_then(Value::as_str).is_some_and(|text| !text.contains('@'));
        let private = if open { Readable::ByOwner } else { private };
        self.secret(key, variable, private, reader).map(|secret| (self.key(key), secret))
    }

    pub(super) fn path(&mut self, key: &str, variable: &str, reader: &mut Reader) -> Option<PathBuf> {
        let Some((_, text)) = self.text_or_env(key, variable, reader) else {
            reader.problem(format!("{} is missing (or VESTIBULE_{variable})", self.key(key)));
            return None;
        };
        Some(reader.folder.join(text))
    }

    /// A secret: in the environment, in a file that the environment or the configuration names, or in the configuration
    /// itself. Files that others can read are refused.
    pub(super) fn secret(
        &mut self,
        key: &str,
        variable: &str,
        private: Readable,
        reader: &mut Reader,
    ) -> Option<Secret<String>> {
        let here = self.text_if(key, reader).map(Secret::new);
        let file_key = format!("{key}_file");
        let file_here = self.text_if(&file_key, reader);
        if let Some((_, value)) = reader.env.get(variable) {
            return Some(Secret::new(value));
        }
        let file = reader.env.get(&format!("{variable}_FILE"));
        if here.is_some() && file_here.is_some() {
            reader.problem(format!("{} and {file_key}: only one of them was expected", self.key(key)));
        }
        if let Some((name, path)) = file.or_else(|| file_here.map(|path| (self.key(&file_key), path))) {
            return secret_file(&name, &reader.folder.join(path), reader);
        }
        match here {
            Some(secret) => {
                let name = self.key(key);
                if reader.admits(&name, private, "the configuration") {
                    return Some(secret);
                }
                let why = "the configuration holds a secret and others can read it: chmod 600, or name a file instead";
                reader.problem(format!("{name}: {why}"));
                None
            }
            None => {
                let key = self.key(key);
                reader.problem(format!(
                    "{key} is missing: give {key}_file, VESTIBULE_{variable} or VESTIBULE_{variable}_FILE"
                ));
                None
            }
        }
    }
}

fn secret_file(name: &str, path: &Path, reader: &mut Reader) -> Option<Secret<String>> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => Secret::new(text),
        Err(error) => {
            reader.problem(format!("{name}: {}: {error}", path.display()));
            return None;
        }
    };
    let shown = path.display().to_string();
    if !reader.admits(name, readable(path), &shown) {
        reader.problem(format!(
            "{name}: {shown} can be read by others: chmod 600, or keys.allow_readable_secrets = true where that cannot be"
        ));
        return None;
    }
    let trimmed = text.expose().trim();
    if trimmed.is_empty() {
        reader.problem(format!("{name}: {} is empty", path.display()));
        return None;
    }
    Some(Secret::new(trimmed.to_owned()))
}

/// A range as `10.0.0.0/8`, or one address. One of version 4 that is written as version 6 is one of version 4.
fn range(text: &str) -> Result<IpNet, String> {
    let net = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    let net = net.map_err(|_| {
        format!("{text:?}: an IP address, or a range such as 10.0.0.0/8 or fd00::/8, was expected")
    })?;
    let mapped = match net {
        IpNet::V6(v6) if v6.prefix_len() >= 96 => {
            v6.addr().to_ipv4_mapped().map(|v4| (v4, v6.prefix_len() - 96))
        }
        _ => None,
    };
    let net = mapped.and_then(|(v4, length)| Ipv4Net::new(v4, length).ok()).map_or(net, IpNet::V4);
    Ok(net.trunc())
}
