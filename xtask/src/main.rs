//! Tasks longer than a line of shell: `cargo xtask test` is everything a change must pass, `cargo xtask bench` the figures.

mod emulator;
mod test;

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, bail};

const USAGE: &str = "cargo xtask test     install what the tests need, and run all of them
cargo xtask long     try random sequences of calls of the emulator's API, thousands of them, and kill a release build a
                     thousand times while it refreshes (about half an hour)
cargo xtask bench    measure a release build: size, start, memory, added latency
cargo xtask bench-emulator    measure the emulator of a release build: start, reset, reads a second";

fn main() -> ExitCode {
    let task = std::env::args().nth(1).unwrap_or_default();
    let result = match task.as_str() {
        "test" => test::run_steps(),
        "long" => long(),
        "bench" => bench(),
        "bench-emulator" => emulator::bench(),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The repository's root.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .expect("the crate lies in the repository")
}

/// Runs a command in a folder of the repository; a failure ends the task.
fn run(folder: &str, program: &str, args: &[&str], env: &[(&str, &str)]) -> anyhow::Result<()> {
    let mut command = Command::new(program);
    command.args(args).current_dir(root().join(folder)).envs(env.iter().copied());
    let status = command.status().with_context(|| format!("{program} cannot be started"))?;
    if !status.success() {
        bail!("`{program} {}` failed in ./{folder}", args.join(" "));
    }
    Ok(())
}

/// Where Cargo puts what it builds.
fn target_folder() -> anyhow::Result<PathBuf> {
    let output = Command::new("cargo")
        .args(["metadata", "--format-version", "1", "--no-deps"])
        .current_dir(root())
        .output()
        .context("cargo cannot be started")?;
    let metadata: serde_json::Value =
        serde_json::from_slice(&output.stdout).context("cargo metadata does not read")?;
    let folder = metadata["target_directory"].as_str().context("cargo metadata names no target folder")?;
    Ok(PathBuf::from(folder))
}

/// How many sequences the emulator's random calls are tried in.
const LONG_CASES: &str = "3000";

/// How often a release build is killed under each of two kinds of Notion.
const LONG_KILLS: &str = "500";

/// What takes too long for every change: random tests with many more cases, and many more kills.
fn long() -> anyhow::Result<()> {
    let test = ["nextest", "run", "-p", "notion-emulator", "invariants::"];
    run(".", "cargo", &test, &[("PROPTEST_CASES", LONG_CASES)])?;
    run(".", "cargo", &["build", "--release", "-p", "vestibule"], &[])?;
    let binary = target_folder()?.join("release/vestibule").display().to_string();
    let env = [("VESTIBULE_BIN", &*binary), ("KILLS", LONG_KILLS)];
    run("tests/node", "node", &["--test", "--test-reporter=spec", "kills.test.js"], &env)
}

/// Measures a release build with a client in Node.
fn bench() -> anyhow::Result<()> {
    run(".", "cargo", &["build", "--release", "-p", "vestibule"], &[])?;
    run("tests/node", "npm", &["ci", "--no-audit", "--no-fund"], &[])?;
    let binary = target_folder()?.join("release/vestibule");
    run("tests/node", "node", &["bench.js"], &[("VESTIBULE_BIN", &binary.display().to_string())])
}
