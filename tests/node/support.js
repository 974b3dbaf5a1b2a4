// Starts the real binary, and walks Notion's consent by plain forms as a browser without JavaScript would.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const BINARY = process.env.VESTIBULE_BIN;
if (!BINARY) throw new Error("VESTIBULE_BIN must name the vestibule binary; `cargo xtask test` sets it");

/** How many demos this process has started. */
let demos = 0;

/** A running demo: its addresses and keys (`facts`), its folder, all it printed, and how to stop it. */
export async function demo(...flags) {
  const folder = await mkdtemp(join(tmpdir(), "vestibule-test-"));
  const data = join(folder, "demo");
  const any = "127.0.0.1:0";
  const args = ["demo", "--listen", any, "--app-listen", any, "--emulator-listen", any, "--data-dir", data, ...flags];
  if (process.env.EXCHANGES) args.push("--record", join(process.env.EXCHANGES, `demo-${process.pid}-${(demos += 1)}.jsonl`));
  // It logs what a server would: the logs are among what is searched for secrets.
  const env = { VESTIBULE_LOG: "debug", ...process.env };
  const child = spawn(BINARY, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  let printed = "";
  const ended = new Promise((done) => child.once("close", done));
  await new Promise((ready, failed) => {
    child.stdout.on("data", (text) => {
      printed += text;
      if (printed.includes("Ctrl-C ends it")) ready();
    });
    child.stderr.on("data", (text) => (printed += text));
    child.once("close", (code) => failed(new Error(`the demo ended with ${code}: ${printed}`)));
  });
  const facts = JSON.parse(await readFile(join(data, "demo.json"), "utf8"));
  return {
    facts,
    data,
    printed: () => printed,
    pid: child.pid,
    /** Stops it, and looks for secrets in all that it wrote: every demo of every test is searched. */
    async stop() {
      child.kill("SIGTERM");
      await ended;
      const written = (await this.written()).toString("latin1");
      await rm(folder, { recursive: true });
      const secrets = [facts.api_key, facts.app_secret, facts.client_secret, facts.internal_token];
      const found = secrets.findIndex((secret) => written.includes(secret));
      if (found >= 0) throw new Error(`secret ${found} of demo.json stands in what the demo wrote`);
      if (/n(tn|rt)_emulator_[\w-]{20}/.test(written)) throw new Error("a token of Notion's stands in what the demo wrote");
    },
    /** Every byte that the run wrote, apart from demo.json: where no secret may be. */
    async written() {
      const names = (await readdir(data)).filter((name) => name !== "demo.json");
      const files = await Promise.all(names.map((name) => readFile(join(data, name))));
      return Buffer.concat([Buffer.from(printed), ...files]);
    },
  };
}

/** A port that was free a moment ago: a redirect URI must be registered before its app listens. */
export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

let emulators = 0;

/** A running `vestibule emulate`: what it printed as `facts`, and how to stop it. Its exchanges are written under `name`. */
export async function emulate(name, ...flags) {
  const args = ["emulate", "--listen", "127.0.0.1:0", "--output", "json", ...flags];
  if (process.env.EXCHANGES) args.push("--record", join(process.env.EXCHANGES, `${name}-${process.pid}-${(emulators += 1)}.jsonl`));
  const child = spawn(BINARY, args, { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((done) => child.once("close", done));
  const facts = await new Promise((ready, failed) => {
    let printed = "";
    child.stdout.on("data", (text) => {
      printed += text;
      if (printed.trimEnd().endsWith("}")) ready(JSON.parse(printed));
    });
    child.once("close", (code) => failed(new Error(`the emulator ended with ${code}: ${printed}`)));
  });
  const stop = async () => {
    child.kill("SIGTERM");
    await ended;
  };
  return { facts, stop };
}

/** A browser's cookies by host, redirects followed by hand. */
export class Browser {
  cookies = new Map();
  /** Every query parameter and cookie that passed through: secrets to look for later. */
  seen = [];

  async open(url, options = {}) {
    const { host, searchParams } = new URL(url);
    const jar = this.cookies.get(host) ?? new Map();
    const headers = { ...options.headers };
    if (jar.size > 0) headers.cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
    const answer = await fetch(url, { ...options, headers, redirect: "manual" });
    for (const cookie of answer.headers.getSetCookie()) {
      const [pair] = cookie.split(";");
      const [name, value] = [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)];
      if (cookie.includes("Max-Age=0")) jar.delete(name);
      else {
        jar.set(name, value);
        this.seen.push(value);
      }
    }
    this.cookies.set(host, jar);
    for (const name of ["code", "state"]) this.seen.push(...searchParams.getAll(name));
    return answer;
  }

  /** Opens a link and says yes to everything; the URL that the gateway's callback sends the browser to. */
  async consent(link) {
    let answer = await this.open(link);
    for (let hops = 0; hops < 12; hops += 1) {
      const location = answer.headers.get("location");
      if (location) {
        const next = new URL(location, answer.url).href;
        if (new URL(answer.url).pathname.startsWith("/callback/")) return next;
        answer = await this.open(next);
      } else {
        answer = await this.submit(answer);
      }
    }
    throw new Error("the consent does not end");
  }

  /** Sends a page's form with what it offers. */
  async submit(page) {
    const html = await page.text();
    if (page.status !== 200) throw new Error(`${page.status}: ${html}`);
    const fields = new URLSearchParams();
    for (const [tag] of html.matchAll(/<input [^>]*>/g)) {
      const attribute = (name) => tag.match(new RegExp(`${name}="([^"]*)"`))?.[1].replaceAll("&#38;", "&");
      if (attribute("type") === "hidden" || / checked/.test(tag)) fields.append(attribute("name"), attribute("value"));
    }
    const url = new URL("/v1/oauth/authorize", page.url);
    if (html.includes('method="post"')) return this.open(url.href, { method: "POST", body: fields });
    url.search = fields;
    return this.open(url.href);
  }
}

/** A call of the HTTP API with the app key. */
export async function api(facts, method, path, body) {
  const headers = { authorization: `Bearer ${facts.api_key}` };
  if (body) headers["content-type"] = "application/json";
  const answer = await fetch(facts.gateway_url + path, { method, headers, body: body && JSON.stringify(body) });
  const text = await answer.text();
  return { status: answer.status, body: text ? JSON.parse(text) : null };
}

/** Connects one user at the session door; the connection. */
export async function connect(facts, endUser, browser = new Browser()) {
  const session = await api(facts, "POST", "/api/connect-sessions", { end_user: endUser, return_url: facts.return_url });
  const back = new URL(await browser.consent(session.body.url));
  const code = back.searchParams.get("code");
  const redeemed = await api(facts, "POST", "/api/connections", { code, end_user: endUser });
  if (redeemed.status !== 200) throw new Error(JSON.stringify(redeemed));
  return { connection: redeemed.body, code, link: session.body.url };
}
