//! Query strings and form bodies as OAuth wants them: each parameter at most once.
//! RFC 6749 3.1: request and response parameters must not be included more than once.

use std::collections::{HashMap, HashSet};

/// The longest query or form that is read, in bytes: the longest `state` and redirect URI with every byte of them escaped,
/// and room for the rest.
const LENGTH_MAX: usize = 40 * 1024;

/// What may come more than once: RFC 8707 2 has libraries name several resources. Nothing here reads it.
const REPEATABLE: &str = "resource";

/// What was given, and the names that were given twice.
pub(crate) struct Given {
    pub(crate) values: HashMap<String, String>,
    pub(crate) twice: HashSet<String>,
}

/// Reads all parameters, telling which came twice; those are left out of the values.
pub(crate) fn read_all(encoded: &[u8]) -> Result<Given, &'static str> {
    if encoded.len() > LENGTH_MAX {
        return Err("the parameters are too long");
    }
    let mut given = Given { values: HashMap::new(), twice: HashSet::new() };
    for (name, value) in url::form_urlencoded::parse(encoded) {
        if given.values.insert(name.clone().into_owned(), value.into_owned()).is_some() && name != REPEATABLE
        {
            given.twice.insert(name.into_owned());
        }
    }
    given.values.retain(|name, _| !given.twice.contains(name));
    Ok(given)
}

/// The encoded value of a parameter, as it came.
pub(crate) fn raw<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query.split('&').find_map(|pair| {
        let (had, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (had, _) = url::form_urlencoded::parse(had.as_bytes()).next()?;
        (had == name).then_some(value)
    })
}

/// The parameters, or the reason why they cannot be read.
pub(crate) fn read(encoded: &[u8]) -> Result<HashMap<String, String>, &'static str> {
    let given = read_all(encoded)?;
    if given.twice.is_empty() { Ok(given.values) } else { Err("a parameter was given twice") }
}
