// The examples, as their readers run them: each in a process of its own, against the real binary.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Browser, demo, freePort } from "./support.js";

const EXAMPLES = new URL("../../examples/", import.meta.url).pathname;

/** Starts an example; where it listens, and how to stop it. */
async function start(command, args, cwd, env) {
  const child = spawn(command, args, { cwd, env: { PATH: process.env.PATH, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  let printed = "";
  const ended = once(child, "close");
  const url = await new Promise((ready, failed) => {
    const read = (text) => {
      printed += text;
      const found = printed.match(/http:\/\/127\.0\.0\.1:\d+/);
      if (found) ready(found[0]);
    };
    child.stdout.on("data", read);
    child.stderr.on("data", (text) => (printed += text));
    child.once("close", () => failed(new Error(`${command} ended: ${printed}`)));
  });
  const stop = async () => {
    child.kill("SIGINT");
    await ended;
  };
  return { url, stop, printed: () => printed };
}

/** Follows redirects, consent included, until a page that leads nowhere else. */
async function follow(browser, answer) {
  for (let hops = 0; hops < 20; hops += 1) {
    const location = answer.headers.get("location");
    if (location) answer = await browser.open(new URL(location, answer.url).href);
    else if (new URL(answer.url).pathname === "/v1/oauth/authorize") answer = await browser.submit(answer);
    else return answer;
  }
  throw new Error("it does not end");
}

test("express-drop-in: written for Notion, pointed at Vestibule by host and secret alone", async () => {
  const port = await freePort();
  const redirectUri = `http://127.0.0.1:${port}/callback`;
  const run = await demo("--return-url", redirectUri);
  const app = await start("node", ["server.js"], join(EXAMPLES, "express-drop-in"), {
    NOTION_BASE_URL: run.facts.gateway_url,
    NOTION_CLIENT_ID: run.facts.client_id,
    NOTION_CLIENT_SECRET: run.facts.app_secret,
    NOTION_REDIRECT_URI: redirectUri,
    PORT: String(port),
  });
  try {
    const browser = new Browser();
    await browser.open(app.url);
    const pages = await follow(browser, await browser.open(`${app.url}/login`));
    const { workspace, titles } = await pages.json();
    assert.equal(workspace, "Northwind Studio");
    assert.ok(titles.includes("Product home"));
    // The `state` that it checks: another browser's answer is refused.
    const forged = await new Browser().open(`${app.url}/callback?code=c&state=forged`);
    assert.equal(forged.status, 400);
    assert.ok(!app.printed().includes(run.facts.app_secret));
  } finally {
    await app.stop();
    await run.stop();
  }
});

test("express-session: the app holds an id and never a token", async () => {
  const port = await freePort();
  const returnUrl = `http://127.0.0.1:${port}/return`;
  const run = await demo("--return-url", returnUrl);
  const app = await start("node", ["server.js"], join(EXAMPLES, "express-session"), {
    VESTIBULE_URL: run.facts.gateway_url,
    VESTIBULE_API_KEY: run.facts.api_key,
    RETURN_URL: returnUrl,
    PORT: String(port),
  });
  try {
    const browser = new Browser();
    await browser.open(app.url);
    const begun = await browser.open(`${app.url}/connect`, { method: "POST" });
    const pages = await follow(browser, begun);
    assert.ok((await pages.json()).includes("Product home"));
    // Somebody else who is handed the return URL gets nothing.
    const other = await new Browser().open(`${returnUrl}?code=made-up`);
    assert.equal(other.status, 502);
  } finally {
    await app.stop();
    await run.stop();
  }
});

test("axum-app: the gateway inside somebody's own app", async () => {
  const folder = await mkdtemp(join(tmpdir(), "vestibule-axum-"));
  const run = await demo();
  const app = await start(process.env.AXUM_APP_BIN, [], folder, {
    ROOT_KEY: "00".repeat(32),
    NOTION_URL: run.facts.emulator_url,
    NOTION_CLIENT_ID: "axum-app",
    NOTION_CLIENT_SECRET: "axum-secret",
    PORT: "0",
    STORE: join(folder, "app.db"),
  });
  try {
    const redirect_uris = [`${app.url}/callback/app`];
    const registered = await fetch(`${run.facts.emulator_url}/_emulator/clients`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ client_id: "axum-app", client_secret: "axum-secret", name: "An axum app", redirect_uris }),
    });
    assert.equal(registered.status, 204);
    const browser = new Browser();
    assert.match(await (await browser.open(`${app.url}/app`)).text(), /Connect to Notion/);
    const begun = await browser.open(`${app.url}/app/connect`, { method: "POST" });
    const home = await follow(browser, begun);
    assert.match(await home.text(), /<li>Product home<\/li>/);
  } finally {
    await app.stop();
    await run.stop();
    await rm(folder, { recursive: true });
  }
});

for (const example of ["express-drop-in", "express-session"]) {
  test(`${example}: the README's commands give the app what it needs`, async () => {
    const run = await demo();
    try {
      const readme = await readFile(join(EXAMPLES, example, "README.md"), "utf8");
      const lines = readme.split("\n").filter((line) => /^(fact\(\)|export) /.test(line));
      assert.ok(lines.length >= 3);
      const script = lines.join("\n").replaceAll("/tmp/vestibule-demo", run.data);
      const child = spawn("bash", ["-euc", `${script}\nnode -p 'JSON.stringify(process.env)'`]);
      let printed = "";
      child.stdout.on("data", (text) => (printed += text));
      const [code] = await once(child, "close");
      assert.equal(code, 0);
      const env = JSON.parse(printed);
      const server = await readFile(join(EXAMPLES, example, "server.js"), "utf8");
      const [, named] = server.match(/const \{([^}]*)\} = process\.env/);
      for (const name of named.split(",").map((part) => part.trim()).filter((part) => part && !part.includes("="))) {
        assert.ok(env[name] && env[name] !== "undefined", `${name} is not set`);
      }
    } finally {
      await run.stop();
    }
  });
}
