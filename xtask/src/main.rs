//! Tasks longer than a line of shell: `cargo xtask test` is everything a change must pass, `cargo xtask bench` the figures.

mod emulator;
mod long;
mod proxy;
mod test;

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, bail};

const USAGE: &str = "cargo xtask test     install what the tests need, and run all of them
cargo xtask long     what takes too long for every change: random calls of the emulator's API, millions of states of the refresh
                     protocol, ten thousand simulated seeds, a thousand kills of a release build while it refreshes, kills and
                     stops at every fail point; `cargo xtask long kills` only some of it
cargo xtask bench    measure a release build: size, start, memory, added latency, how long a new pair is in memory alone, what changes
                     on some connections cost the calls on others
cargo xtask bench-proxy [PART]    measure a call through a release build beside nginx, bare hyper and Express; PART chooses
                     scenarios by their names (about six minutes for all)
cargo xtask bench-emulator    measure the emulator of a release build: start, reset, reads a second";

fn main() -> ExitCode {
    let task = std::env::args().nth(1).unwrap_or_default();
    let result = match task.as_str() {
        "test" => test::run_steps(),
        "long" => long::run_parts(),
        "bench" => bench(),
        "bench-emulator" => emulator::bench(),
        "bench-proxy" => proxy::bench(std::env::args().nth(2).as_deref()),
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

/// Measures a release build with a client in Node.
fn bench() -> anyhow::Result<()> {
    run(".", "cargo", &["build", "--release", "-p", "vestibule"], &[])?;
    run("tests/node", "npm", &["ci", "--no-audit", "--no-fund"], &[])?;
    let binary = target_folder()?.join("release/vestibule");
    let env = [("VESTIBULE_BIN", &*binary.display().to_string())];
    run("tests/node", "node", &["bench.js"], &env)?;
    run("tests/node", "node", &["window.js"], &env)?;
    run(".", "cargo", &["bench", "-p", "gateway", "--bench", "feed"], &[])
}
