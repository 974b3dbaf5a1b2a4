//! Query strings and form bodies as OAuth wants them: each parameter at most once.
//! RFC 6749 3.1: request and response parameters must not be included more than once.

use std::collections::HashMap;

/// The longest query or form that is read, in bytes; Notion's and ours are far shorter.
const LENGTH_MAX: usize = 16 * 1024;

/// The parameters, or the reason why they cannot be read.
pub(crate) fn read(encoded: &[u8]) -> Result<HashMap<String, String>, &'static str> {
    if encoded.len() > LENGTH_MAX {
        return Err("the parameters are too long");
    }
    let mut parameters = HashMap::new();
    for (name, value) in url::form_urlencoded::parse(encoded) {
        if parameters.insert(name.into_owned(), value.into_owned()).is_some() {
            return Err("a parameter was given twice");
        }
    }
    Ok(parameters)
}
