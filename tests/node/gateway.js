// The real `vestibule serve` beside an emulator, in a folder of its own: started, killed, stopped and started again.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, connect as dial } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { api } from "./support.js";

export const RETURN_URL = "https://app.example/return";
/** A variable of ours that the binary does not know would be refused as a mistake. */
const env = { PATH: process.env.PATH, VESTIBULE_LOG: "warn" };
/** Names of integrations are not shared by the gateways of one emulator. */
let prepared = 0;

/** Ports that were given away, so that no two gateways of this process are given the same. */
const given = new Set();

/**
 * A port that stays free while its gateway is down: outside of the range that the system takes sockets of its own from, or somebody
 * else would answer in the killed one's place.
 */
export async function ownPort() {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 22_000);
    const server = createServer();
    const free = await new Promise((done) => {
      server.once("error", () => done(false));
      server.listen(port, "127.0.0.1", () => done(true));
    });
    if (free) await new Promise((done) => server.close(done));
    if (!free || given.has(port)) continue;
    given.add(port);
    return port;
  }
}

export const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

/** A gateway with so many integrations, each with one grant at most. */
export class Gateway {
  static async prepare(emulator, integrations, binary = process.env.VESTIBULE_BIN) {
    const gateway = new Gateway();
    gateway.binary = binary;
    gateway.emulator = emulator;
    gateway.folder = await mkdtemp(join(tmpdir(), "vestibule-kills-"));
    gateway.port = await ownPort();
    gateway.url = `http://127.0.0.1:${gateway.port}`;
    gateway.names = Array.from({ length: integrations }, () => `k${(prepared += 1)}`);
    const config = [
      `[server]\npublic_url = "${gateway.url}"\nlisten = "127.0.0.1:${gateway.port}"\noperations_listen = "127.0.0.1:0"`,
      `[store]\npath = "vestibule.db"`,
      `[keys]\nroot_key = "${"5a".repeat(32)}"`,
      `[notion]\nbase_url = "${emulator.facts.url}"`,
    ];
    for (const name of gateway.names) {
      const client = { client_id: name, client_secret: `secret-of-${name}`, name, redirect_uris: [`${gateway.url}/callback/${name}`] };
      await control(emulator, "clients", client);
      config.push(`[integrations.${name}]\nclient_id = "${name}"\nclient_secret = "secret-of-${name}"\nreturn_urls = ["${RETURN_URL}"]\nnotion_version = "2026-03-11"`);
    }
    gateway.config = join(gateway.folder, "vestibule.toml");
    await writeFile(gateway.config, config.join("\n\n"), { mode: 0o600 });
    gateway.apps = gateway.names.map((name) => {
      const { key } = JSON.parse(gateway.run("keys", "mint", "--kind", "app", "--integration", name, "--output", "json"));
      return { gateway_url: gateway.url, api_key: key, return_url: RETURN_URL };
    });
    return gateway;
  }

  /** Runs a command on its store, to the end. */
  run(...args) {
    const [command, ...more] = [...args.slice(0, 2), "--config", this.config, ...args.slice(2)];
    return execFileSync(this.binary, [command, ...more], { env, stdio: ["ignore", "pipe", "pipe"] }).toString();
  }

  /** Begins a command on its store that may stop itself. */
  begin(more, ...args) {
    return spawn(this.binary, [...args.slice(0, 2), "--config", this.config, ...args.slice(2)], { env: { ...env, ...more }, stdio: "ignore" });
  }

  /** Starts it; `more` are variables. Another one on the same store has an address of its own. */
  async start(more = {}, port = this.port) {
    const child = spawn(this.binary, ["serve", "--config", this.config], {
      env: { ...env, ...more, ...(port === this.port ? {} : { VESTIBULE_LISTEN: `127.0.0.1:${port}` }) },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let printed = "";
    child.stderr.on("data", (text) => (printed += text));
    let ended = false;
    child.once("close", () => (ended = true));
    if (port === this.port) this.child = child;
    while (!(await answers(port))) if (ended) throw new Error(`serve ended: ${printed}`);
    return child;
  }

  async kill(signal, child = this.child) {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const closed = once(child, "close");
    child.kill(signal);
    await closed;
  }

  async remove() {
    this.child?.kill("SIGKILL");
    await rm(this.folder, { recursive: true });
  }
}

function answers(port) {
  return new Promise((done) => {
    const socket = dial(port, "127.0.0.1", () => {
      socket.destroy();
      done(true);
    });
    socket.once("error", () => setTimeout(done, 5, false));
  });
}

/** The emulator's controls. */
export async function control(emulator, path, body, method = body === undefined ? "GET" : "POST") {
  const answer = await fetch(`${emulator.facts.url}/_emulator/${path}`, {
    method,
    headers: body === undefined ? {} : { "content-type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text}`);
  return text ? JSON.parse(text) : null;
}

/** Has the connection refreshed until it is settled whether it lives. An order is not held back by how often it was refreshed. */
export async function lives(app, connection) {
  for (;;) {
    const { status, body } = await api(app, "POST", `/api/connections/${connection}/refresh`);
    if (body?.code === "reconnect_needed") return false;
    if (status === 200) break;
    if (!["token_renewing", "notion_no_answer"].includes(body?.code)) throw new Error(`${status} ${JSON.stringify(body)}`);
    await pause(50);
  }
  const me = await api(app, "GET", `/notion/${connection}/v1/users/me`);
  if (me.status !== 200) throw new Error(JSON.stringify(me.body));
  return true;
}

/** Whether a connection works in the end. If not, its state must have said so, and why, before anybody called. */
export async function truth(app, id) {
  let told;
  do {
    await pause(500);
    told = (await api(app, "GET", `/api/connections/${id}`)).body;
  } while (told.state === "suspect");
  if (await lives(app, id)) return true;
  assert.equal(told.state, "reconnect_needed", "lost, and nobody was told");
  assert.match(told.reason, /answer to a refresh was lost/);
  return false;
}

/** Waits until a process has stopped itself, or is over. */
export async function stopped(child, patience = 60_000) {
  const until = Date.now() + patience;
  while (Date.now() < until) {
    if (child.exitCode !== null || child.signalCode !== null) return false;
    const stat = await readFile(`/proc/${child.pid}/stat`, "utf8").catch(() => "");
    if (/^\d+ \(.*\) T /.test(stat)) return true;
    await pause(5);
  }
  return false;
}
