//! Who is measured: the upstream, and each proxy before it.

use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, ensure};
use serde_json::Value;

use super::start;
use crate::{root, target_folder};

/// A running process that ends with this.
pub(super) struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Told rather than killed: nginx has a worker to end.
        let told = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ended = told.and_then(|_| self.0.wait());
    }
}

/// The Notion that all of them call.
pub(super) struct Upstream {
    _child: Running,
    ports: Value,
}

impl Upstream {
    pub(super) fn start() -> anyhow::Result<Self> {
        let (child, line) = start(&mut Command::new(built("upstream")?))?;
        Ok(Self { _child: Running(child), ports: serde_json::from_str(&line)? })
    }

    pub(super) fn url(&self, kind: &str) -> String {
        format!("http://127.0.0.1:{}", self.ports[kind])
    }
}

/// One who is asked.
pub(super) struct Peer {
    pub(super) name: &'static str,
    /// What stands before `/v1/…`.
    pub(super) url: String,
    pub(super) bearer: String,
    child: Option<Running>,
}

impl Peer {
    /// The processor time of the process and its children so far, in nanoseconds.
    pub(super) fn cpu_nanos(&self) -> anyhow::Result<u64> {
        let Some(child) = &self.child else { return Ok(0) };
        let mut sum = 0;
        for process in family(child.0.id())? {
            for thread in std::fs::read_dir(format!("/proc/{process}/task"))? {
                // A thread that ended meanwhile is left out.
                let Ok(told) = std::fs::read_to_string(thread?.path().join("schedstat")) else { continue };
                sum += told.split(' ').next().context("schedstat begins with a number")?.parse::<u64>()?;
            }
        }
        Ok(sum)
    }

    /// The most memory that it had resident so far.
    pub(super) fn peak_kb(&self) -> anyhow::Result<Option<u32>> {
        let Some(child) = &self.child else { return Ok(None) };
        let mut sum = 0;
        for process in family(child.0.id())? {
            let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
            let line = status.lines().find(|line| line.starts_with("VmHWM:")).context("there is a VmHWM")?;
            sum += line.split_whitespace().nth(1).context("it is a number")?.parse::<u32>()?;
        }
        Ok(Some(sum))
    }
}

/// A process and its children.
fn family(process: u32) -> anyhow::Result<Vec<u32>> {
    let children =
        std::fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap_or_default();
    let mut all = vec![process];
    for child in children.split_whitespace() {
        all.push(child.parse()?);
    }
    Ok(all)
}

/// All of them before this upstream, each answering.
pub(super) fn start_all(folder: &Path, upstream: &Upstream, kind: &str) -> anyhow::Result<Vec<Peer>> {
    let direct =
        Peer { name: "direct", url: upstream.url(kind), bearer: "ntn_direct".to_owned(), child: None };
    let mut peers =
        vec![nginx(folder, upstream, kind)?, floor(upstream, kind)?, vestibule(folder, upstream, kind)?];
    if kind == "plain" {
        peers.push(express(upstream)?);
    }
    peers.push(direct);
    Ok(peers)
}

fn built(name: &str) -> anyhow::Result<PathBuf> {
    Ok(target_folder()?.join("release").join(name))
}

fn floor(upstream: &Upstream, kind: &str) -> anyhow::Result<Peer> {
    let mut command = Command::new(built("floor")?);
    let (child, port) = start(command.arg(upstream.url(kind)).arg("2"))?;
    Ok(peer("floor", &port, child))
}

fn express(upstream: &Upstream) -> anyhow::Result<Peer> {
    let mut command = Command::new("node");
    command.arg(root().join("bench/express.cjs")).env("UPSTREAM", upstream.url("plain"));
    command.env("EXPRESS", root().join("examples/express-drop-in")).env("NODE_ENV", "production");
    let (child, port) = start(&mut command)?;
    Ok(peer("express", &port, child))
}

fn peer(name: &'static str, port: &str, child: Child) -> Peer {
    let url = format!("http://127.0.0.1:{port}");
    Peer { name, url, bearer: "vst_bench".to_owned(), child: Some(Running(child)) }
}

/// A port that was free a moment ago.
fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn nginx(folder: &Path, upstream: &Upstream, kind: &str) -> anyhow::Result<Peer> {
    let port = free_port()?;
    let url = upstream.url(kind);
    let (scheme, authority) = url.split_once("://").context("it is a URL")?;
    let config = format!(
        r#"daemon off; worker_processes 1; pid {folder}/nginx-{kind}.pid; error_log stderr error;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000000; client_body_temp_path {folder}/a; proxy_temp_path {folder}/b;
  fastcgi_temp_path {folder}/c; uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  upstream notion {{ server {authority}; keepalive 512; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass {scheme}://notion; proxy_http_version 1.1;
      proxy_set_header Connection ""; proxy_set_header Authorization "Bearer ntn_nginx";
    }}
  }}
}}
"#,
        folder = folder.display(),
    );
    let file = folder.join(format!("nginx-{kind}.conf"));
    std::fs::write(&file, config)?;
    let child = Command::new("nginx").arg("-c").arg(&file).spawn().context("nginx cannot be started")?;
    let peer = peer("nginx", &port.to_string(), child);
    until_it_listens(port)?;
    Ok(peer)
}

/// The gateway as an operator sets it up: a configuration, a store with one connection, an app key.
fn vestibule(folder: &Path, upstream: &Upstream, kind: &str) -> anyhow::Result<Peer> {
    let home = folder.join(format!("vestibule-{kind}"));
    std::fs::DirBuilder::new().mode(0o700).create(&home)?;
    let port = free_port()?;
    let run = |args: &[&str], stdin: &str| -> anyhow::Result<String> {
        let mut child = command(&home, port, upstream, kind)?
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        child.stdin.take().context("it has an input")?.write_all(stdin.as_bytes())?;
        let output = child.wait_with_output()?;
        ensure!(output.status.success(), "vestibule {args:?} failed");
        Ok(String::from_utf8(output.stdout)?)
    };
    let given = home.join("given");
    std::fs::write(&given, "secret")?;
    let (home_text, given_text, public) =
        (home.display().to_string(), given.display().to_string(), format!("http://127.0.0.1:{port}"));
    run(
        &[
            "init",
            "--dir",
            &home_text,
            "--public-url",
            &public,
            "--client-id",
            "bench",
            "--client-secret-file",
            &given_text,
            "--return-url",
            "http://127.0.0.1:9/return",
        ],
        "",
    )?;
    let config = home.join("vestibule.toml");
    let text = std::fs::read_to_string(&config)?
        .replace("requests_per_minute = 180", "requests_per_minute = 4000000000");
    std::fs::write(&config, text)?;
    let line = r#"{"access_token":"ntn_bench","refresh_token":"nrt_bench","token_type":"bearer","bot_id":"00000000-0000-4000-8000-000000000000","workspace_id":"f0000000-0000-4000-8000-000000000001","owner":{"type":"user","user":{"object":"user","id":"c19e4a7f-1f3e-4a1e-9f5a-d7e8f3a0a111"}},"end_user":"bench"}"#;
    run(&["connections", "import", "--yes"], &format!("{line}\n"))?;
    let minted: Value =
        serde_json::from_str(&run(&["keys", "mint", "--kind", "app", "--output", "json"], "")?)?;
    let bearer = minted["key"].as_str().context("a key was minted")?.to_owned();
    let child = Running(command(&home, port, upstream, kind)?.arg("serve").stdout(Stdio::null()).spawn()?);
    until_it_listens(port)?;
    let listed = Command::new(built("vestibule")?)
        .args(["connections", "list", "--output", "json"])
        .env("VESTIBULE_URL", &public)
        .env("VESTIBULE_API_KEY", &bearer)
        .output()?;
    let listed: Value = serde_json::from_slice(&listed.stdout)?;
    let id = listed.pointer("/data/0/id").and_then(Value::as_str);
    let id = id.with_context(|| format!("the connection is listed: {listed}"))?;
    Ok(Peer { name: "vestibule", url: format!("{public}/notion/{id}"), bearer, child: Some(child) })
}

fn command(home: &Path, port: u16, upstream: &Upstream, kind: &str) -> anyhow::Result<Command> {
    let mut command = Command::new(built("vestibule")?);
    command
        .env("VESTIBULE_CONFIG", home.join("vestibule.toml"))
        .env("VESTIBULE_LISTEN", format!("127.0.0.1:{port}"))
        .env("VESTIBULE_OPERATIONS_LISTEN", "127.0.0.1:0")
        .env("VESTIBULE_NOTION_BASE_URL", upstream.url(kind))
        .env("VESTIBULE_LOG", "warn");
    Ok(command)
}

/// Waits until somebody accepts there.
fn until_it_listens(port: u16) -> anyhow::Result<()> {
    for _ in 0..2_000 {
        if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Ok(());
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    anyhow::bail!("nobody listens on port {port}")
}
