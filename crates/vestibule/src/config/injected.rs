//! Variables that nobody wrote: Kubernetes and Docker's links tell each container of the services around it, by variables that
//! begin with the service's name. A service called `vestibule` so fills our own prefix. They are known by name and value
//! together, so that a setting that was misspelled is still refused.

use std::net::IpAddr;

/// Whether a variable was injected for a service called `vestibule` or `vestibule-…`. `is_linked` says whether Docker's own
/// variables are there, which others of its kind come with.
pub(super) fn is_injected(name: &str, value: &str, is_linked: bool) -> bool {
    let Some(rest) = name.strip_prefix("VESTIBULE_") else { return false };
    let ends =
        |with: &str| rest == with || rest.strip_suffix(with).is_some_and(|before| before.ends_with('_'));
    let number = value.parse::<u16>().is_ok();
    if ends("SERVICE_HOST") {
        return is_address(value);
    }
    if ends("SERVICE_PORT") || has_word_after(rest, "SERVICE_PORT_") {
        return number;
    }
    if let Some(what) = after_port(rest) {
        return match what {
            "" => is_endpoint(value),
            "_PROTO" => ["tcp", "udp", "sctp"].contains(&value),
            "_PORT" => number,
            "_ADDR" => is_address(value),
            _ => false,
        };
    }
    if ends("PORT") {
        return is_endpoint(value);
    }
    // Docker's links: `/this-container/its-alias`, and the other container's environment.
    let named = ends("NAME") && value.starts_with('/') && value[1..].contains('/');
    named || (is_linked && (rest.starts_with("ENV_") || rest.contains("_ENV_")))
}

/// Whether Docker's links are among these variables.
pub(super) fn is_linked<'v>(mut variables: impl Iterator<Item = (&'v String, &'v String)>) -> bool {
    variables.any(|(name, value)| name.ends_with("_NAME") && is_injected(name, value, false))
}

fn is_address(value: &str) -> bool {
    value.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok()
}

/// `tcp://10.96.0.11:8470`
fn is_endpoint(value: &str) -> bool {
    ["tcp://", "udp://", "sctp://"].iter().any(|scheme| value.starts_with(scheme))
}

/// Whether `word` stands in `name` as a word, and something follows it.
fn has_word_after(name: &str, word: &str) -> bool {
    name.find(word).is_some_and(|at| (at == 0 || name[..at].ends_with('_')) && name.len() > at + word.len())
}

/// What follows `PORT_<number>_<protocol>` in a name.
fn after_port(name: &str) -> Option<&str> {
    let (before, after) = name.split_once("PORT_")?;
    let (number, rest) = after.split_once('_')?;
    let is_word = before.is_empty() || before.ends_with('_');
    let rest = ["TCP", "UDP", "SCTP"].iter().find_map(|protocol| rest.strip_prefix(protocol))?;
    (is_word && number.parse::<u16>().is_ok()).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_service_of_our_name_injects_is_known() {
        for (name, value) in [
            ("VESTIBULE_SERVICE_HOST", "10.96.0.11"),
            ("VESTIBULE_SERVICE_HOST", "fd00::11"),
            ("VESTIBULE_SERVICE_PORT", "8470"),
            ("VESTIBULE_SERVICE_PORT_HTTP", "8470"),
            ("VESTIBULE_SERVICE_PORT_HTTP_ADMIN", "8479"),
            ("VESTIBULE_PORT", "tcp://10.96.0.11:8470"),
            ("VESTIBULE_PORT_8470_TCP", "tcp://10.96.0.11:8470"),
            ("VESTIBULE_PORT_8470_TCP_PROTO", "tcp"),
            ("VESTIBULE_PORT_8470_TCP_PORT", "8470"),
            ("VESTIBULE_PORT_8470_TCP_ADDR", "10.96.0.11"),
            ("VESTIBULE_PORT_53_UDP", "udp://10.96.0.11:53"),
            ("VESTIBULE_EMULATOR_SERVICE_HOST", "10.96.0.12"),
            ("VESTIBULE_EMULATOR_SERVICE_PORT_HTTP", "8472"),
            ("VESTIBULE_EMULATOR_PORT", "tcp://10.96.0.12:8472"),
            ("VESTIBULE_EMULATOR_PORT_8472_TCP_ADDR", "10.96.0.12"),
            ("VESTIBULE_1_PORT_8470_TCP", "tcp://172.17.0.2:8470"),
            ("VESTIBULE_NAME", "/app/vestibule"),
        ] {
            assert!(is_injected(name, value, false), "{name}={value}");
        }
        assert!(is_injected("VESTIBULE_ENV_PATH", "/bin", true));
    }

    #[test]
    fn what_somebody_misspelled_is_not() {
        for (name, value) in [
            ("VESTIBULE_PORT", "8470"),
            ("VESTIBULE_SERVICE_PORT", "http"),
            ("VESTIBULE_SERVICE_HOST", "vestibule.example"),
            ("VESTIBULE_LISTN", "127.0.0.1:8470"),
            ("VESTIBULE_PORT_HTTP", "8470"),
            ("VESTIBULE_SUPPORT", "tcp://10.0.0.1:1"),
            ("VESTIBULE_PORT_8470_TCP_NAME", "x"),
            ("VESTIBULE_NAME", "vestibule"),
            ("VESTIBULE_ENV_PATH", "/bin"),
            ("VESTIBULE_CLIENT_SECRET_MAN", "s"),
        ] {
            assert!(!is_injected(name, value, false), "{name}={value}");
        }
    }
}
