//! `cargo xtask test`: what the tests need is installed, or its absence fails loudly; nothing is skipped.

#![expect(clippy::disallowed_methods, reason = "it tells how long each step took")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::Context as _;

use crate::{run, target_folder};

/// Debian packages, each with a file that shows it is there.
const PACKAGES: [(&str, &str); 12] = [
    ("chromium", "/usr/bin/chromium"),
    ("curl", "/usr/bin/curl"),
    ("fonts-liberation", "/usr/share/fonts/truetype/liberation"),
    ("fonts-noto-color-emoji", "/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf"),
    ("golang-go", "/usr/bin/go"),
    ("libwww-perl", "/usr/share/perl5/LWP/UserAgent.pm"),
    ("nginx-light", "/usr/sbin/nginx"),
    ("openjdk-17-jdk-headless", "/usr/bin/javac"),
    ("php-cli", "/usr/bin/php"),
    ("php-curl", "/etc/php/8.2/mods-available/curl.ini"),
    ("ruby", "/usr/bin/ruby"),
    ("wget", "/usr/bin/wget"),
];

/// Folders with Node packages.
const NODE_FOLDERS: [&str; 4] =
    ["tests/node", "tests/clients", "examples/express-drop-in", "examples/express-session"];

/// A step's name and what it does.
type Step = (&'static str, fn() -> anyhow::Result<()>);

const STEPS: [Step; 12] = [
    ("Debian packages", packages),
    ("Node packages", node_packages),
    ("Python packages", python_packages),
    ("format", || run(".", "cargo", &["fmt", "--all", "--check"], &[])),
    ("clippy", || {
        run(".", "cargo", &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"], &[])
    }),
    ("tests", tests),
    ("Python client", python_tests),
    ("examples in the docs", || run(".", "cargo", &["test", "--workspace", "--doc"], &[])),
    ("docs", || run(".", "cargo", &["doc", "--workspace", "--no-deps"], &[("RUSTDOCFLAGS", "-D warnings")])),
    ("SDK, MCP server, examples, browser", node_tests),
    ("OAuth libraries", client_tests),
    ("types of Notion's client", types),
];

pub(crate) fn run_steps() -> anyhow::Result<()> {
    let exchanges = exchanges()?;
    // What an earlier run wrote would be held against this one.
    if exchanges.exists() {
        std::fs::remove_dir_all(&exchanges).context("the last run's exchanges cannot be removed")?;
    }
    std::fs::create_dir_all(&exchanges).context("the folder of exchanges cannot be made")?;
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

/// Where the tests write down what they asked of the emulator and what it answered.
fn exchanges() -> anyhow::Result<PathBuf> {
    Ok(target_folder()?.join("exchanges"))
}

/// Installs the Debian packages that are not there.
fn packages() -> anyhow::Result<()> {
    let missing: Vec<&str> =
        PACKAGES.iter().filter(|(_, file)| !Path::new(file).exists()).map(|(package, _)| *package).collect();
    if missing.is_empty() { Ok(()) } else { install(&missing) }
}

fn install(packages: &[&str]) -> anyhow::Result<()> {
    let quiet = [("DEBIAN_FRONTEND", "noninteractive")];
    run(".", "apt-get", &["-q", "update"], &quiet)?;
    let mut args = vec!["-q", "-y", "--no-install-recommends", "install"];
    args.extend(packages);
    run(".", "apt-get", &args, &quiet)
}

fn node_packages() -> anyhow::Result<()> {
    NODE_FOLDERS.iter().try_for_each(|folder| run(folder, "npm", &["ci", "--no-audit", "--no-fund"], &[]))
}

/// The Python that the packages are installed in: apart from the system's.
fn python() -> anyhow::Result<PathBuf> {
    Ok(target_folder()?.join("python/bin/python"))
}

fn python_packages() -> anyhow::Result<()> {
    let folder = target_folder()?.join("python");
    let folder = folder.display().to_string();
    let make = || run(".", "python3", &["-m", "venv", &folder], &[]);
    // Debian keeps the module's other half in a package of its own.
    if make().is_err() {
        install(&["python3-venv"])?;
        make()?;
    }
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", "requirements.txt"];
    run("tests/python", &python()?.display().to_string(), &pip, &[])
}

/// The real binary under the Python client.
fn python_tests() -> anyhow::Result<()> {
    run(".", "cargo", &["build", "-p", "vestibule"], &[])?;
    let binary = target_folder()?.join("debug/vestibule").display().to_string();
    let exchanges = exchanges()?.display().to_string();
    let env = [("VESTIBULE_BIN", &*binary), ("EXCHANGES", &*exchanges)];
    run("tests/python", &python()?.display().to_string(), &["-W", "error", "-m", "unittest", "--quiet"], &env)
}

/// Every answer that the tests provoked, held against the types of Notion's own client.
fn types() -> anyhow::Result<()> {
    let exchanges = exchanges()?.display().to_string();
    run("tests/node", "node", &["types.js", "--all", &exchanges], &[])
}

/// With nextest where it is installed.
fn tests() -> anyhow::Result<()> {
    let exchanges = exchanges()?.display().to_string();
    let env = [("EXCHANGES", &*exchanges)];
    let probe = Command::new("cargo")
        .args(["nextest", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if probe.is_ok_and(|status| status.success()) {
        run(".", "cargo", &["nextest", "run", "--workspace"], &env)
    } else {
        run(".", "cargo", &["test", "--workspace", "--all-targets"], &env)
    }
}

/// The real binary under Notion's SDK and MCP server, the examples and Chromium.
fn node_tests() -> anyhow::Result<()> {
    let stopping = build_with_fail_points("dev")?.display().to_string();
    run(".", "cargo", &["build", "-p", "vestibule", "-p", "axum-app"], &[])?;
    let target = target_folder()?;
    let path = |name: &str| target.join(name).display().to_string();
    let (binary, app, screenshots) = (path("debug/vestibule"), path("debug/axum-app"), path("screenshots"));
    let exchanges = exchanges()?.display().to_string();
    let python = python()?.display().to_string();
    let env = [
        ("VESTIBULE_BIN", &*binary),
        ("VESTIBULE_FAILPOINTS_BIN", &*stopping),
        ("PYTHON", &*python),
        ("AXUM_APP_BIN", &*app),
        ("SCREENSHOTS", &*screenshots),
        ("EXCHANGES", &*exchanges),
    ];
    run("tests/node", "node", &["--test", "--test-reporter=spec"], &env)
}

/// A build that stops itself at named places, under a name of its own: Cargo gives both the same. It is moved, not copied, so that none is
/// left where the build that is shipped belongs, also if that is never made.
pub(crate) fn build_with_fail_points(profile: &str) -> anyhow::Result<PathBuf> {
    run(".", "cargo", &["build", "--profile", profile, "-p", "vestibule", "--features", "failpoints"], &[])?;
    let folder = target_folder()?.join(if profile == "dev" { "debug" } else { profile });
    let kept = folder.join("vestibule-failpoints");
    std::fs::rename(folder.join("vestibule"), &kept).context("the build with fail points cannot be moved")?;
    Ok(kept)
}

/// The real binary under OAuth libraries for Node; those for Python are among the Python client's tests.
fn client_tests() -> anyhow::Result<()> {
    let binary = target_folder()?.join("debug/vestibule").display().to_string();
    let exchanges = exchanges()?.display().to_string();
    let env = [("VESTIBULE_BIN", &*binary), ("EXCHANGES", &*exchanges)];
    run("tests/clients", "node", &["--test", "--test-reporter=spec"], &env)
}
