//! `cargo xtask bench`, the proxy's part: what a call costs through the gateway, through nginx with one worker and a fixed
//! token, through a proxy of bare hyper (the floor), through a hand-written Express server, and without any of them. All run
//! side by side, in turns, so that a noisy moment hits each; what counts are the ratios of one run. Processor time is the
//! kernel's own count of the proxy's threads.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;

use crate::{root, run, target_folder};

mod peers;

use peers::{Peer, Upstream};

/// How long each turn lasts, and how many there are.
const TURN: &str = "2s";
const TURNS: usize = 5;

/// One way to ask.
struct Scenario {
    name: &'static str,
    upstream: &'static str,
    callers: u32,
    post: bool,
    /// Whether Express is asked as well: it is slow, and says the same each time.
    express: bool,
}

const SCENARIOS: [Scenario; 7] = [
    scenario("GET 463 B, 1 caller", "plain", 1, false, false),
    scenario("GET 463 B, 32 callers", "plain", 32, false, true),
    scenario("GET 463 B, 256 callers", "plain", 256, false, true),
    scenario("POST, 20 KB back, 1 caller", "plain", 1, true, false),
    scenario("POST, 20 KB back, 32 callers", "plain", 32, true, true),
    scenario("POST, 20 KB back, 256 callers", "plain", 256, true, false),
    scenario("GET, answer takes 50 ms, 32 callers", "slow", 32, false, false),
];

const fn scenario(
    name: &'static str,
    upstream: &'static str,
    callers: u32,
    post: bool,
    express: bool,
) -> Scenario {
    Scenario { name, upstream, callers, post, express }
}

/// What one turn, or the median of several, came to.
#[derive(Debug, Clone, Default)]
struct Figures {
    per_second: Vec<f64>,
    cpu_micros: Vec<f64>,
    p50_micros: Vec<f64>,
    p99_micros: Vec<f64>,
}

pub(crate) fn bench(filter: Option<&str>) -> anyhow::Result<()> {
    for (program, package) in [("nginx", "nginx-light"), ("wrk", "wrk")] {
        let there = Command::new("which").arg(program).stdout(Stdio::null()).status()?.success();
        ensure!(there, "{program} is not there: apt-get install {package}");
    }
    run(".", "cargo", &["build", "--release", "-p", "vestibule", "-p", "bench"], &[])?;
    run("examples/express-drop-in", "npm", &["ci", "--no-audit", "--no-fund"], &[])?;
    let folder = tempfile(&target_folder()?)?;
    let upstream = Upstream::start()?;
    let chosen = |scenario: &&Scenario| filter.is_none_or(|part| scenario.name.contains(part));
    for kind in ["plain", "slow"] {
        let scenarios: Vec<&Scenario> =
            SCENARIOS.iter().filter(chosen).filter(|s| s.upstream == kind).collect();
        if scenarios.is_empty() {
            continue;
        }
        let peers = peers::start_all(&folder, &upstream, kind)?;
        for scenario in scenarios {
            measure(scenario, &peers)?;
        }
        for peer in &peers {
            if let Some(peak) = peer.peak_kb()? {
                println!("peak memory, {kind:<6} {:<10} {:>6.1} MiB", peer.name, f64::from(peak) / 1024.0);
            }
        }
    }
    std::fs::remove_dir_all(folder)?;
    Ok(())
}

fn tempfile(target: &Path) -> anyhow::Result<PathBuf> {
    let folder = target.join(format!("bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

fn measure(scenario: &Scenario, peers: &[Peer]) -> anyhow::Result<()> {
    let asked: Vec<&Peer> = peers.iter().filter(|peer| scenario.express || peer.name != "express").collect();
    let mut figures: BTreeMap<&str, Figures> = BTreeMap::new();
    for peer in &asked {
        turn(scenario, peer, "1s")?;
    }
    for _ in 0..TURNS {
        for peer in &asked {
            let told = turn(scenario, peer, TURN)?;
            let of_peer = figures.entry(peer.name).or_default();
            of_peer.per_second.push(told.per_second);
            of_peer.cpu_micros.push(told.cpu_micros);
            of_peer.p50_micros.push(told.p50_micros);
            of_peer.p99_micros.push(told.p99_micros);
        }
    }
    println!("\n{}", scenario.name);
    println!("{:<11} {:>9} {:>10} {:>9} {:>9}", "", "calls/s", "µs CPU", "p50 µs", "p99 µs");
    let mut medians = BTreeMap::new();
    for peer in asked {
        let of_peer = figures.remove(peer.name).unwrap_or_default();
        let row =
            [of_peer.per_second, of_peer.cpu_micros, of_peer.p50_micros, of_peer.p99_micros].map(median);
        println!("{:<11} {:>9.0} {:>10.1} {:>9.0} {:>9.0}", peer.name, row[0], row[1], row[2], row[3]);
        medians.insert(peer.name, row);
    }
    let ours = medians["vestibule"];
    for (name, row) in medians.iter().filter(|(name, _)| !["vestibule", "direct"].contains(*name)) {
        println!("vestibule / {name:<9} throughput {:.2}, CPU {:.2}", ours[0] / row[0], ours[1] / row[1]);
    }
    Ok(())
}

/// One turn's figures.
struct Turn {
    per_second: f64,
    cpu_micros: f64,
    p50_micros: f64,
    p99_micros: f64,
}

fn turn(scenario: &Scenario, peer: &Peer, lasts: &str) -> anyhow::Result<Turn> {
    let before = peer.cpu_nanos()?;
    let mut wrk = Command::new("wrk");
    wrk.args(["-t1", &format!("-c{}", scenario.callers), &format!("-d{lasts}"), "-s"]);
    wrk.arg(root().join("bench/load.lua"));
    let path =
        if scenario.post { "data_sources/be633bf1-dfa0-436d-b259-571129a590e5/query" } else { "users/me" };
    wrk.arg(format!("{}/v1/{path}", peer.url)).env("BEARER", &peer.bearer);
    if scenario.post {
        wrk.env("BODY", r#"{"page_size":100}"#);
    }
    let output = wrk.output().context("wrk cannot be started")?;
    let told = String::from_utf8(output.stdout)?;
    let line = told
        .lines()
        .rfind(|line| line.starts_with('{'))
        .with_context(|| format!("wrk told no figures: {told}"))?;
    let told: Value = serde_json::from_str(line)?;
    let number = |name: &str| told[name].as_f64().with_context(|| format!("wrk told no {name}"));
    if number("failed")? > 0.0 || number("requests")? == 0.0 {
        bail!("{} failed {} calls of {}: {}", peer.name, told["failed"], told["requests"], scenario.name);
    }
    let worked = peer.cpu_nanos()?.saturating_sub(before);
    #[expect(clippy::cast_precision_loss, reason = "a second has few enough nanoseconds")]
    let cpu_micros = worked as f64 / 1_000.0 / number("requests")?;
    Ok(Turn {
        per_second: number("requests")? / number("micros")? * 1e6,
        cpu_micros,
        p50_micros: number("p50")?,
        p99_micros: number("p99")?,
    })
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Starts a program and reads the first line that it prints.
fn start(command: &mut Command) -> anyhow::Result<(Child, String)> {
    let mut child =
        command.stdout(Stdio::piped()).spawn().with_context(|| format!("{command:?} cannot be started"))?;
    let mut line = String::new();
    let stdout = child.stdout.take().context("it has an output")?;
    BufReader::new(stdout).read_line(&mut line)?;
    Ok((child, line.trim().to_owned()))
}
