//! `cargo xtask long`: what takes too long for every change. Each part tells its figures in lines of its own, `figure: what | value`,
//! wherever it prints them; at the end they stand together in a table. A part that fails ends it, after the table.

#![expect(clippy::disallowed_methods, reason = "it tells how long each part took")]

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, bail};

use crate::test::build_with_fail_points;
use crate::{root, run, target_folder};

/// A part's name, and what it does; the lines that hold figures come back.
type Part = (&'static str, fn(&mut Figures) -> anyhow::Result<()>);

/// All parts, in the order in which they run. Add yours.
const PARTS: [Part; 6] = [
    ("random calls of the emulator's API", |figures| {
        let test = ["nextest", "run", "-p", "notion-emulator", "invariants::"];
        figures.of(".", "cargo", &test, &[("PROPTEST_CASES", "3000")])
    }),
    ("the refresh protocol, searched", |figures| {
        let test = ["nextest", "run", "-p", "model", "--run-ignored", "only", "--no-capture"];
        figures.of(".", "cargo", &test, &[])
    }),
    ("ten thousand simulated seeds", |figures| {
        let test =
            ["nextest", "run", "-p", "gateway", "--test", "simulation", "--no-capture", "seeds_of_your_own"];
        figures.of(".", "cargo", &test, &[("SIM_SEED", "1000"), ("SIM_SEEDS", "10000")])
    }),
    ("the window between Notion's answer and our commit", |figures| {
        run(".", "cargo", &["build", "--release", "-p", "vestibule"], &[])?;
        let binary = target_folder()?.join("release/vestibule").display().to_string();
        figures.of("tests/node", "node", &["window.js"], &[("VESTIBULE_BIN", &binary), ("ROUNDS", "200")])
    }),
    ("random kills of the shipped binary", |figures| {
        run(".", "cargo", &["build", "--release", "-p", "vestibule"], &[])?;
        node(figures, "kills.test.js", &[("KILLS", "500")])
    }),
    ("kills and stops at every fail point", |figures| {
        let stopping = build_with_fail_points("release")?.display().to_string();
        run(".", "cargo", &["build", "--release", "-p", "vestibule"], &[])?;
        node(figures, "failpoints.test.js", &[("LONG", "1"), ("VESTIBULE_FAILPOINTS_BIN", &stopping)])
    }),
];

/// Runs them all, or those whose names hold the words that are given.
pub(crate) fn run_parts() -> anyhow::Result<()> {
    let words = std::env::args().skip(2).collect::<Vec<_>>().join(" ");
    if !PARTS.iter().any(|(name, _)| name.contains(&words)) {
        bail!("no part is called \"{words}\"; there are: {}", PARTS.map(|(name, _)| name).join("; "));
    }
    let mut figures = Figures(Vec::new());
    let mut done = Ok(());
    for (name, part) in PARTS.iter().filter(|(name, _)| name.contains(&words)) {
        eprintln!("\n== {name}");
        let began = Instant::now();
        done = part(&mut figures).with_context(|| format!("part \"{name}\" failed"));
        figures.0.push((format!("{name}: time"), format!("{} s", began.elapsed().as_secs())));
        if done.is_err() {
            break;
        }
    }
    figures.print();
    done
}

/// A test of the release build in Node.
fn node(figures: &mut Figures, test: &str, env: &[(&str, &str)]) -> anyhow::Result<()> {
    let binary = target_folder()?.join("release/vestibule").display().to_string();
    let env = [env, &[("VESTIBULE_BIN", &binary)]].concat();
    figures.of("tests/node", "node", &["--test", "--test-reporter=spec", test], &env)
}

/// What was measured, and what came of it.
struct Figures(Vec<(String, String)>);

impl Figures {
    /// Runs a command as [`run`] does, shows what it prints, and keeps the figures in it.
    fn of(&mut self, folder: &str, program: &str, args: &[&str], env: &[(&str, &str)]) -> anyhow::Result<()> {
        let mut child = Command::new(program)
            .args(args)
            .current_dir(root().join(folder))
            .envs(env.iter().copied())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{program} cannot be started"))?;
        for line in BufReader::new(child.stdout.take().context("it has an output")?).lines() {
            let line = line?;
            println!("{line}");
            if let Some((what, value)) = line.split_once("figure: ").and_then(|(_, it)| it.split_once(" | "))
            {
                self.0.push((what.to_owned(), value.to_owned()));
            }
        }
        if !child.wait()?.success() {
            bail!("`{program} {}` failed in ./{folder}", args.join(" "));
        }
        Ok(())
    }

    fn print(&self) {
        let width = self.0.iter().map(|(what, _)| what.len()).max().unwrap_or_default();
        println!();
        for (what, value) in &self.0 {
            println!("{what:<width$}  {value}");
        }
    }
}
