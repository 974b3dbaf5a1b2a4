//! `cargo xtask test`: what the tests need is installed, or its absence fails loudly; nothing is skipped.

#![expect(clippy::disallowed_methods, reason = "it tells how long each step took")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::Context as _;

use crate::{run, target_folder};

/// Debian packages, each with a file that shows it is there.
const PACKAGES: [(&str, &str); 3] = [
    ("chromium", "/usr/bin/chromium"),
    ("fonts-liberation", "/usr/share/fonts/truetype/liberation"),
    ("fonts-noto-color-emoji", "/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf"),
];

/// Folders with Node packages.
const NODE_FOLDERS: [&str; 3] = ["tests/node", "examples/express-drop-in", "examples/express-session"];

/// A step's name and what it does.
type Step = (&'static str, fn() -> anyhow::Result<()>);

const STEPS: [Step; 8] = [
    ("Debian packages", packages),
    ("Node packages", node_packages),
    ("format", || run(".", "cargo", &["fmt", "--all", "--check"], &[])),
    ("clippy", || {
        run(".", "cargo", &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"], &[])
    }),
    ("tests", tests),
    ("examples in the docs", || run(".", "cargo", &["test", "--workspace", "--doc"], &[])),
    ("docs", || run(".", "cargo", &["doc", "--workspace", "--no-deps"], &[("RUSTDOCFLAGS", "-D warnings")])),
    ("SDK, examples, browser", node_tests),
];

pub(crate) fn run_steps() -> anyhow::Result<()> {
    let mut times = Vec::new();
    for (name, step) in STEPS {
        eprintln!("\n== {name}");
        let began = Instant::now();
        step().with_context(|| format!("step \"{name}\" failed"))?;
        times.push((name, began.elapsed().as_secs()));
    }
    eprintln!("\nAll of it passed:");
    for (name, seconds) in times {
        eprintln!("{seconds:>6} s  {name}");
    }
    Ok(())
}

/// Installs the Debian packages that are not there.
fn packages() -> anyhow::Result<()> {
    let missing: Vec<&str> =
        PACKAGES.iter().filter(|(_, file)| !Path::new(file).exists()).map(|(package, _)| *package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let quiet = [("DEBIAN_FRONTEND", "noninteractive")];
    run(".", "apt-get", &["-q", "update"], &quiet)?;
    let mut args = vec!["-q", "-y", "--no-install-recommends", "install"];
    args.extend(missing);
    run(".", "apt-get", &args, &quiet)
}

fn node_packages() -> anyhow::Result<()> {
    NODE_FOLDERS.iter().try_for_each(|folder| run(folder, "npm", &["ci", "--no-audit", "--no-fund"], &[]))
}

/// With nextest where it is installed.
fn tests() -> anyhow::Result<()> {
    let probe = Command::new("cargo")
        .args(["nextest", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if probe.is_ok_and(|status| status.success()) {
        run(".", "cargo", &["nextest", "run", "--workspace"], &[])
    } else {
        run(".", "cargo", &["test", "--workspace", "--all-targets"], &[])
    }
}

/// The real binary under Notion's SDK, the examples and Chromium.
fn node_tests() -> anyhow::Result<()> {
    run(".", "cargo", &["build", "-p", "vestibule", "-p", "axum-app"], &[])?;
    let target = target_folder()?;
    let path = |name: &str| target.join(name).display().to_string();
    let (binary, app, screenshots) = (path("debug/vestibule"), path("debug/axum-app"), path("screenshots"));
    let env = [("VESTIBULE_BIN", &*binary), ("AXUM_APP_BIN", &*app), ("SCREENSHOTS", &*screenshots)];
    run("tests/node", "node", &["--test", "--test-reporter=spec"], &env)
}
