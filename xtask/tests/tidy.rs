//! The house rules that a compiler does not hold: which crate may know which, who alone may have the cipher and SQL, that
//! every file says what it is for, and that the documents list what there is.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Each of our crates with those of ours that it may depend on, tests included in brackets.
const ARROWS: [(&str, &[&str], &[&str]); 13] = [
    ("axum-app", &["gateway", "store"], &[]),
    ("failpoints", &[], &[]),
    (
        "gateway",
        &["failpoints", "lifecycle", "listener", "notion-wire", "sealing", "store"],
        &["notion-emulator"],
    ),
    ("lifecycle", &[], &[]),
    ("listener", &[], &[]),
    ("model", &["lifecycle"], &["notion-emulator"]),
    ("bench", &[], &[]),
    ("notion-emulator", &["listener"], &[]),
    ("notion-wire", &[], &[]),
    ("sealing", &[], &[]),
    ("store", &["failpoints", "lifecycle", "sealing"], &[]),
    ("vestibule", &["failpoints", "gateway", "listener", "notion-emulator", "store"], &[]),
    ("xtask", &[], &[]),
];

/// Outside crates that one room alone may have.
const ALONE: [(&str, &str); 2] = [("aws-lc-rs", "sealing"), ("rusqlite", "store")];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the repository is there")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every file of ours below a folder with this ending.
fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![root().join(folder)];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder").flatten() {
            let path = entry.path();
            let name = entry.file_name();
            if path.is_dir() {
                if name != "node_modules" && name != "target" {
                    open.push(path);
                }
            } else if name.to_string_lossy().ends_with(ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    serde_json::from_slice(&output.stdout).expect("metadata is JSON")
}

#[test]
fn the_arrows_between_crates_are_as_drawn() {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().expect("packages");
    let ours: BTreeSet<&str> = packages.iter().filter_map(|package| package["name"].as_str()).collect();
    let drawn: BTreeMap<&str, (&[&str], &[&str])> =
        ARROWS.iter().map(|(name, normal, dev)| (*name, (*normal, *dev))).collect();
    assert_eq!(ours, drawn.keys().copied().collect(), "a crate came or went: draw its arrows");
    for package in packages {
        let name = package["name"].as_str().expect("a name");
        let (normal, dev) = drawn[name];
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            let on = dependency["name"].as_str().expect("a name");
            let in_tests = dependency["kind"] == "dev";
            if ours.contains(on) {
                assert!(normal.contains(&on) || (in_tests && dev.contains(&on)), "{name} must not know {on}");
            }
            if let Some((_, room)) = ALONE.iter().find(|(crate_name, _)| *crate_name == on) {
                assert_eq!(*room, name, "{on} belongs to {room} alone");
            }
        }
    }
}

/// The names right below `crate::` that a file of the gateway's production code uses.
fn rooms_named_in(text: &str) -> BTreeSet<String> {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code: String = lines.collect::<Vec<_>>().join(" ");
    let word =
        |text: &str| text.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect::<String>();
    let mut named = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        let Some(list) = rest.strip_prefix('{') else {
            named.insert(word(rest));
            continue;
        };
        let mut depth = 0;
        let one_deep = list.split_once(';').map_or(list, |(list, _)| list);
        let outer = one_deep.split_inclusive(['{', '}', ',']).filter(|piece| {
            let at = depth;
            depth += i32::from(piece.ends_with('{')) - i32::from(piece.ends_with('}'));
            at == 0
        });
        named.extend(outer.map(|piece| word(piece.trim())));
    }
    named
}

/// A room that another one calls does not call that one back, whatever is between them: so each can be read by itself.
#[test]
fn no_two_rooms_of_the_gateway_call_each_other_in_a_circle() {
    let source = root().join("crates/gateway/src");
    let mut calls: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in files("crates/gateway/src", ".rs") {
        let path = file.strip_prefix(&source).expect("it is below");
        let first = path.components().next().expect("a name").as_os_str().to_string_lossy();
        let room = first.trim_end_matches(".rs").to_owned();
        let text = std::fs::read_to_string(&file).expect("a file");
        calls.entry(room).or_default().extend(rooms_named_in(&text));
    }
    calls.remove("lib");
    assert!(calls["settle"].contains("pairs") && calls["access"].contains("settle"), "they are found");
    // Whoever calls nobody that is left is left out, until nobody can be: a circle is what stays.
    loop {
        let names: BTreeSet<String> = calls.keys().cloned().collect();
        let before = names.len();
        calls.retain(|room, called| called.iter().any(|called| called != room && names.contains(called)));
        if calls.len() == before {
            break;
        }
    }
    assert!(calls.is_empty(), "a circle is among {:?}", calls.keys());
}

#[test]
fn every_dependency_that_is_listed_is_used() {
    let metadata = metadata();
    for package in metadata["packages"].as_array().expect("packages") {
        let manifest = Path::new(package["manifest_path"].as_str().expect("a path"));
        let folder = manifest
            .parent()
            .expect("a folder")
            .strip_prefix(root())
            .expect("ours")
            .to_string_lossy()
            .into_owned();
        let code: String =
            files(&folder, ".rs").iter().map(|file| std::fs::read_to_string(file).expect("a file")).collect();
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            let name = dependency["name"].as_str().expect("a name").replace('-', "_");
            assert!(code.contains(&name), "{} lists {name} and does not use it", package["name"]);
        }
    }
}

#[test]
fn every_file_opens_with_what_it_is_for() {
    for folder in ["crates", "xtask", "examples"] {
        for file in files(folder, ".rs") {
            let text = std::fs::read_to_string(&file).expect("a file");
            let head = text.lines().take_while(|line| line.starts_with("//!")).collect::<Vec<_>>().join(" ");
            assert!(head.len() > 20, "{} has no head", file.display());
            assert!(text.lines().count() < 700, "{} has grown too long for one sitting", file.display());
        }
    }
    for file in files("tests/node", ".js").into_iter().chain(files("examples", ".js")) {
        let text = std::fs::read_to_string(&file).expect("a file");
        assert!(text.starts_with("// "), "{} has no head", file.display());
    }
}

/// The text between each pair of quotes after `before`.
fn quoted_after<'t>(text: &'t str, before: &str) -> BTreeSet<&'t str> {
    text.split(before).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

/// Every route that a file has; `.route("…"` may be broken over two lines.
fn routes_in(path: &str) -> BTreeSet<String> {
    let flat: String = read(path).split_whitespace().collect::<Vec<_>>().join(" ");
    let flat = flat.replace(".route( \"", ".route(\"");
    quoted_after(&flat, ".route(\"").into_iter().map(str::to_owned).collect()
}

/// The fields below `head` in a file, up to the first line that closes it: what follows attributes and comments.
fn fields_of(path: &str, head: &str) -> Vec<String> {
    let text = read(path);
    let body = text.split(head).nth(1).and_then(|rest| rest.split("\n}").next());
    let lines = body.unwrap_or_else(|| panic!("{path} has no `{head}`")).lines();
    let name = |line: &str| {
        let line = line.trim().trim_start_matches("pub ");
        let word: String =
            line.chars().take_while(|letter| letter.is_ascii_alphanumeric() || *letter == '_').collect();
        let follows = &line[word.len()..];
        let names_something = follows.is_empty() || follows.starts_with([':', ',', '(', ' ']);
        (!word.is_empty() && names_something).then_some(word)
    };
    lines.filter(|line| line.starts_with("    ") && !line.starts_with("     ")).filter_map(name).collect()
}

#[test]
fn the_emulators_manual_lists_every_control_switch_fault_and_flag() {
    let manual = read("docs/emulator.md");
    let controls = routes_in("crates/notion-emulator/src/control.rs");
    assert!(controls.len() > 15, "{controls:?}");
    for route in controls {
        assert!(manual.contains(&format!(" {route}`")), "{route} is not in docs/emulator.md");
    }
    for switch in fields_of("crates/notion-emulator/src/switches.rs", "pub struct Switches {") {
        assert!(manual.contains(&format!("`{switch}`")), "the switch {switch} is not in docs/emulator.md");
    }
    let effects = fields_of("crates/notion-emulator/src/faults.rs", "pub enum Effect {");
    assert!(effects.len() > 10, "{effects:?}");
    for effect in effects {
        // As serde writes names in snake_case.
        let place = |(at, letter): (usize, char)| {
            let gap = if letter.is_ascii_uppercase() && at > 0 { "_" } else { "" };
            format!("{gap}{}", letter.to_ascii_lowercase())
        };
        let word: String = effect.chars().enumerate().map(place).collect();
        assert!(manual.contains(&format!("\"{word}\"")), "the fault {word} is not in docs/emulator.md");
    }
    for (file, head) in [
        ("emulate.rs", "struct Args {"),
        ("emulate.rs", "struct HostArgs {"),
        ("emulate/switches.rs", "struct SwitchArgs {"),
    ] {
        let flags = fields_of(&format!("crates/vestibule/src/{file}"), head);
        for flag in flags.iter().filter(|flag| !["output", "switches", "hosts"].contains(&flag.as_str())) {
            let flag = format!("`--{}", flag.replace('_', "-"));
            assert!(manual.contains(&flag), "{flag}` is not in docs/emulator.md");
        }
    }
}

#[test]
fn the_http_reference_lists_every_route_error_code_event_and_outcome() {
    let reference = read("docs/http-api.md");
    let listed = routes_in("crates/gateway/src/routes.rs");
    assert!(listed.len() > 20, "{listed:?}");
    for route in listed.iter().filter(|route| !route.contains("{*")) {
        assert!(
            reference.contains(&format!("`{route}`")) || reference.contains(&format!(" {route}`")),
            "{route} is not in docs/http-api.md"
        );
    }
    let errors = read("crates/gateway/src/error.rs");
    let codes: BTreeSet<&str> = errors
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Self::")?.split_once("=> (S::")?.1.split('"').nth(1))
        .collect();
    assert!(codes.len() > 15, "{codes:?}");
    for code in codes {
        assert!(reference.contains(&format!("`{code}`")), "the error {code} is not in docs/http-api.md");
    }
}

#[test]
fn every_fail_point_is_listed_and_stands_at_one_place() {
    let page = read("docs/failpoints.md");
    let declared = read("crates/failpoints/src/lib.rs");
    let line = |line: &str| {
        let (point, rest) = line.strip_prefix("    ")?.split_once(" \"")?;
        let (name, what) = rest.split_once("\" \"")?;
        Some((point.to_owned(), format!("| `{name}` | {} |", what.strip_suffix('"')?)))
    };
    let points: Vec<(String, String)> = declared.lines().filter_map(line).collect();
    assert!(points.len() >= 24, "{points:?}");
    let listed = page.lines().filter(|line| line.starts_with("| `")).count();
    assert_eq!(listed, points.len(), "docs/failpoints.md lists as many as there are");
    let code: String = ["store", "gateway", "vestibule"]
        .iter()
        .flat_map(|name| files(&format!("crates/{name}/src"), ".rs"))
        .map(|file| std::fs::read_to_string(file).expect("a file"))
        .collect();
    for (point, row) in points {
        assert!(page.contains(&row), "{row} is not in docs/failpoints.md");
        let named = |rest: &&str| {
            rest.strip_prefix(&*point).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
        };
        assert_eq!(code.split("Point::").skip(1).filter(named).count(), 1, "{point} stands at one place");
    }
}

#[test]
fn the_configuration_reference_lists_every_key() {
    let reference = read("docs/configuration.md");
    let code = read("crates/vestibule/src/config.rs");
    let mut keys = BTreeSet::new();
    for reader in
        ["url", "address", "ranges", "number", "path", "text", "texts", "text_if", "flag", "secret", "list"]
    {
        keys.extend(quoted_after(&code, &format!(".{reader}(\"")));
    }
    assert!(keys.len() >= 14, "{keys:?}");
    for key in keys {
        assert!(reference.contains(&format!("`{key}`")), "{key} is not in docs/configuration.md");
    }
}

#[test]
fn no_file_names_a_machine() {
    // Written in two halves, so that this file does not name them either.
    let foreign =
        [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/home", "/"), concat!("shared", "/notion")];
    for ending in [".rs", ".md", ".toml", ".js", ".json", ".html", ".sql", ".css"] {
        for file in files(".", ending) {
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            for path in foreign {
                assert!(!text.contains(path), "{} names a path of some machine: {path}", file.display());
            }
        }
    }
}

/// What a simulation gives a gateway: a clock that stands still, secrets that a seed tells. A feature of Cargo's would be on for all
/// that is built beside the tests, so the code is read instead.
const FOR_TESTS: [&str; 5] = ["World::manual", "World::by_hand", ".seeded(", ".run_by(", ".through("];

/// Lines of this code that call what is for tests, but for its own tests and comments.
fn unreal(code: &str) -> Vec<&str> {
    let code = code.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = code.lines().map(str::trim).filter(|line| !line.starts_with("//"));
    lines.filter(|line| FOR_TESTS.iter().any(|name| line.contains(name))).collect()
}

#[test]
fn nothing_that_is_shipped_lives_in_another_world_than_the_real_one() {
    let call = "let (world, hand) = World::manual(start).seeded(7);";
    assert_eq!(unreal(call), [call]);
    let (mut real, mut seen) = (false, 0);
    for file in ["crates", "examples"].iter().flat_map(|folder| files(folder, ".rs")) {
        let path = file.strip_prefix(root()).expect("it is ours").to_string_lossy().into_owned();
        if path.contains("/src/") {
            let code = std::fs::read_to_string(&file).expect("a file");
            assert!(unreal(&code).is_empty(), "{path}: {:?}", unreal(&code));
            (real, seen) = (real || code.contains("World::real()"), seen + 1);
        }
    }
    assert!(real && seen > 100, "they are found");
}

#[test]
fn no_select_of_the_gateway_draws_which_branch_it_looks_at_first() {
    for file in files("crates/gateway/src", ".rs") {
        let code = std::fs::read_to_string(&file).expect("a file");
        let lines: Vec<&str> = code.lines().map(str::trim).filter(|line| !line.starts_with("//")).collect();
        for pair in lines.windows(2).filter(|pair| pair[0].contains("select! {")) {
            assert_eq!(pair[1], "biased;", "{}: {}", file.display(), pair[0]);
        }
    }
}
