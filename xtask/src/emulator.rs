//! `cargo xtask bench-emulator`: what the emulator promises, measured on a release build at the machine at hand: start to
//! first answer, reset, and reads a second on one core. The server is pinned to one core and we to another. What counts is
//! the server's own processor time, so that a busy machine tells nearly the same as an idle one; a fixed piece of
//! arithmetic is timed too, so that two machines can be compared.

#![expect(clippy::disallowed_methods, reason = "it measures")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;

use crate::{run, target_folder};

/// How often the emulator is started.
const STARTS: usize = 15;
/// How often it is reset.
const RESETS: usize = 200;
/// How long each kind of read is asked for.
const READING: Duration = Duration::from_secs(3);
/// Kept sockets, each asking as soon as it was answered: enough for the server never to wait for us.
const SOCKETS: usize = 8;

/// The promises: start, reset, reads a second.
const START_MAX: Duration = Duration::from_millis(50);
const RESET_MAX: Duration = Duration::from_millis(5);
const READS_MIN: f64 = 5_000.0;

pub(crate) fn bench() -> anyhow::Result<()> {
    run(".", "cargo", &["build", "--release", "-p", "vestibule"], &[])?;
    let pinned =
        Command::new("taskset").args(["-c", "0", "true"]).status().is_ok_and(|status| status.success());
    if !pinned {
        println!("taskset is not there or may not pin: the figures are of all cores together");
    }
    if pinned {
        let own = std::process::id().to_string();
        Command::new("taskset").args(["-c", "-p", "1", &own]).stdout(Stdio::null()).status()?;
    }
    println!("yardstick                    {:.2} ms for ten million steps of splitmix64", yardstick());
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        starts.push(start(pinned)?.1);
    }
    let start_took = median(&mut starts);
    told("start to first answer", start_took, START_MAX);
    let (emulator, _) = start(pinned)?;
    let reset_took = resets(&emulator)?;
    told("reset to the seed", reset_took, RESET_MAX);
    let page = emulator.fact("root_page_id")?;
    let mut rates = Vec::new();
    for path in
        [format!("/v1/pages/{page}"), format!("/v1/blocks/{page}/children"), "/v1/users/me".to_owned()]
    {
        let Rate { seen, of_one_core } = reads(&emulator, &path)?;
        let path = path.replace(&page, "…");
        println!(
            "{path:<28} {of_one_core:.0} a second of one core, {seen:.0} a second seen (promised: {READS_MIN:.0})"
        );
        rates.push(of_one_core);
    }
    println!("pages against block children {:.2}", rates[0] / rates[1]);
    ensure!(start_took <= START_MAX && reset_took <= RESET_MAX, "slower than promised");
    ensure!(rates.iter().all(|rate| *rate >= READS_MIN), "fewer reads than promised");
    Ok(())
}

fn told(what: &str, took: Duration, promised: Duration) {
    let took = took.as_secs_f64() * 1_000.0;
    println!("{what:<28} {took:.2} ms (median; promised: {} ms)", promised.as_millis());
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// How long a fixed piece of arithmetic takes here, in milliseconds.
fn yardstick() -> f64 {
    let began = Instant::now();
    let mut value = 1_u64;
    for step in 0..10_000_000_u64 {
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9).wrapping_add(step);
    }
    std::hint::black_box(value);
    began.elapsed().as_secs_f64() * 1_000.0
}

/// A running emulator, and what it printed; it ends with this.
struct Emulator {
    child: Child,
    facts: Value,
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ended = self.child.kill().and_then(|()| self.child.wait());
    }
}

impl Emulator {
    fn fact(&self, name: &str) -> anyhow::Result<String> {
        Ok(self.facts[name].as_str().with_context(|| format!("it told no {name}"))?.to_owned())
    }

    /// The processor time that it has had, in seconds, from Linux's hundredths.
    fn worked(&self) -> anyhow::Result<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The name in brackets may hold anything; user and system time are the twelfth and thirteenth word behind it.
        let words = stat.rsplit_once(')').context("it is no process")?.1.split_whitespace().skip(11).take(2);
        let ticks: Result<Vec<u32>, _> = words.map(str::parse).collect();
        Ok(f64::from(ticks?.iter().sum::<u32>()) / 100.0)
    }

    fn socket(&self) -> anyhow::Result<Socket> {
        let host = self.fact("url")?.trim_start_matches("http://").to_owned();
        let stream = TcpStream::connect(&host)?;
        stream.set_nodelay(true)?;
        let token = self.fact("internal_token")?;
        let head =
            format!("Host: {host}\r\nAuthorization: Bearer {token}\r\nNotion-Version: 2026-03-11\r\n\r\n");
        Ok(Socket { reader: BufReader::new(stream), head })
    }
}

/// Starts one on core 0; how long it took until the first read was answered.
fn start(pinned: bool) -> anyhow::Result<(Emulator, Duration)> {
    let binary = target_folder()?.join("release/vestibule");
    let mut command = if pinned {
        let mut command = Command::new("taskset");
        command.args(["-c", "0"]).arg(&binary);
        command
    } else {
        Command::new(&binary)
    };
    command.args(["emulate", "--listen", "127.0.0.1:0", "--output", "json"]).stdout(Stdio::piped());
    let began = Instant::now();
    let mut child = command.spawn().context("the emulator cannot be started")?;
    let mut lines = BufReader::new(child.stdout.take().context("its output is piped")?);
    let mut printed = String::new();
    let facts = loop {
        ensure!(lines.read_line(&mut printed)? > 0, "it ended: {printed}");
        if let Ok(facts) = serde_json::from_str(&printed) {
            break facts;
        }
    };
    let emulator = Emulator { child, facts };
    emulator.socket()?.ask("GET", &format!("/v1/pages/{}", emulator.fact("root_page_id")?))?;
    Ok((emulator, began.elapsed()))
}

fn resets(emulator: &Emulator) -> anyhow::Result<Duration> {
    let mut socket = emulator.socket()?;
    let mut times = Vec::new();
    for _ in 0..RESETS {
        let began = Instant::now();
        socket.ask("POST", "/_emulator/reset")?;
        times.push(began.elapsed());
    }
    Ok(median(&mut times))
}

/// Answers a second.
struct Rate {
    /// By the clock on the wall.
    seen: f64,
    /// By the time that the server had a core.
    of_one_core: f64,
}

/// How many reads a second are answered.
fn reads(emulator: &Emulator, path: &str) -> anyhow::Result<Rate> {
    let (began, worked) = (Instant::now(), emulator.worked()?);
    let counts = std::thread::scope(|scope| {
        let ask = || -> anyhow::Result<u32> {
            let mut socket = emulator.socket()?;
            let mut count = 0;
            while began.elapsed() < READING {
                socket.ask("GET", path)?;
                count += 1;
            }
            Ok(count)
        };
        let threads: Vec<_> = (0..SOCKETS).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().map(|thread| thread.join().expect("it does not panic")).collect::<Vec<_>>()
    });
    let mut all = 0;
    for count in counts {
        all += count?;
    }
    let worked = emulator.worked()? - worked;
    Ok(Rate { seen: f64::from(all) / began.elapsed().as_secs_f64(), of_one_core: f64::from(all) / worked })
}

/// A kept socket.
struct Socket {
    reader: BufReader<TcpStream>,
    /// The headers of every request.
    head: String,
}

impl Socket {
    /// One request, which must succeed.
    fn ask(&mut self, method: &str, path: &str) -> anyhow::Result<()> {
        let length = if method == "POST" { "Content-Length: 0\r\n" } else { "" };
        let request = format!("{method} {path} HTTP/1.1\r\n{length}{}", self.head);
        self.reader.get_mut().write_all(request.as_bytes())?;
        let mut line = String::new();
        self.reader.read_line(&mut line)?;
        if !line.starts_with("HTTP/1.1 2") {
            bail!("{method} {path}: {line}");
        }
        let mut length = 0;
        loop {
            line.clear();
            self.reader.read_line(&mut line)?;
            if line.trim().is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse()?;
            }
        }
        let mut body = vec![0; length];
        self.reader.read_exact(&mut body)?;
        Ok(())
    }
}
