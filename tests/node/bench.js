// The figures of a release build, measured on the machine at hand: size, cold start to the first answered call, idle memory,
// and what the gateway adds to a call, against the emulator called directly in the same run, in turns.

import { spawn, spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, demo, emulate, freePort } from "./support.js";

const BINARY = process.env.VESTIBULE_BIN;
// What is measured logs as it does in production.
process.env.VESTIBULE_LOG ??= "warn";

const ROUNDS = 40;
const CALLS = 250;

const agent = new Agent({ keepAlive: true, maxSockets: 1 });

/** One call on a kept socket; how long it took, in microseconds. */
function call(url, token) {
  return new Promise((done, failed) => {
    const began = process.hrtime.bigint();
    const headers = { authorization: `Bearer ${token}`, "notion-version": "2025-09-03" };
    const asked = request(url, { agent, headers }, (answer) => {
      answer.resume();
      answer.once("end", () => {
        if (answer.statusCode !== 200) failed(new Error(`${url}: ${answer.statusCode}`));
        else done(Number(process.hrtime.bigint() - began) / 1000);
      });
    });
    asked.once("error", failed).end();
  });
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

/** A gateway with a connection in its store, as an operator sets it up; its call, and how to start it. */
async function gateway() {
  const folder = await mkdtemp(join(tmpdir(), "vestibule-bench-"));
  const port = await freePort();
  const gateway_url = `http://127.0.0.1:${port}`;
  const return_url = "http://127.0.0.1:9/return";
  const notion = await emulate("bench", "--client-id", "b", "--client-secret", "s", "--redirect-uri", `${gateway_url}/callback/main`);
  await writeFile(join(folder, "given"), "s");
  const vestibule = (...args) => {
    const ran = spawnSync(BINARY, args, { env, encoding: "utf8" });
    if (ran.status !== 0) throw new Error(ran.stderr);
    return ran.stdout;
  };
  const env = {
    PATH: process.env.PATH,
    VESTIBULE_LOG: process.env.VESTIBULE_LOG,
    VESTIBULE_CONFIG: join(folder, "vestibule.toml"),
    VESTIBULE_LISTEN: `127.0.0.1:${port}`,
    VESTIBULE_OPERATIONS_LISTEN: "127.0.0.1:0",
    VESTIBULE_NOTION_BASE_URL: notion.facts.url,
  };
  const flags = ["--public-url", gateway_url, "--client-id", "b", "--client-secret-file", join(folder, "given")];
  vestibule("init", "--dir", folder, ...flags, "--return-url", return_url);
  const api_key = JSON.parse(vestibule("keys", "mint", "--kind", "app", "--output", "json")).key;
  const start = () => {
    const child = spawn(BINARY, ["serve"], { env, stdio: "ignore" });
    const ended = new Promise((done) => child.once("close", done));
    return async () => {
      child.kill("SIGTERM");
      await ended;
    };
  };
  const stop = start();
  const facts = { gateway_url, return_url, api_key };
  await answered(`${gateway_url}/api/connections`, api_key);
  const { connection } = await connect(facts, "bench");
  await stop();
  const end = async () => {
    await notion.stop();
    await rm(folder, { recursive: true });
  };
  return { url: `${gateway_url}/notion/${connection.id}/v1/users/me`, key: api_key, start, end };
}

/** Asks until there is an answer. */
async function answered(url, token) {
  for (;;) {
    try {
      return await call(url, token);
    } catch (error) {
      // Not there yet, or the kept socket of the one before.
      if (!["ECONNREFUSED", "ECONNRESET"].includes(error.code)) throw error;
      await new Promise((soon) => setTimeout(soon, 1));
    }
  }
}

const { size } = await stat(BINARY);
console.log(`binary                         ${(size / 1e6).toFixed(1)} MB`);

const served = await gateway();
const starts = [];
for (let round = 0; round < 9; round += 1) {
  const began = process.hrtime.bigint();
  const stop = served.start();
  await answered(served.url, served.key);
  starts.push(Number(process.hrtime.bigint() - began) / 1e6);
  await stop();
}
await served.end();
console.log(`serve, start to first call     ${median(starts).toFixed(0)} ms (median of ${starts.length}; answered by Notion's emulator, through the gateway)`);

const run = await demo();
const { connection } = await connect(run.facts, "bench");
const resident = (await readFile(`/proc/${run.pid}/status`, "utf8")).match(/VmRSS:\s+(\d+)/)[1];
console.log(`demo, idle memory              ${(resident / 1024).toFixed(1)} MiB resident (all three in one process)`);

const page = run.facts.root_page_id;
const direct = `${run.facts.emulator_url.replace("localhost", "127.0.0.1")}/v1/pages/${page}`;
const through = `${run.facts.gateway_url}/notion/${connection.id}/v1/pages/${page}`;
const times = { direct: [], through: [] };
for (let round = 0; round < ROUNDS; round += 1) {
  // In turns, so that a noisy moment hits both.
  for (let number = 0; number < CALLS; number += 1) times.direct.push(await call(direct, run.facts.internal_token));
  for (let number = 0; number < CALLS; number += 1) times.through.push(await call(through, run.facts.api_key));
}
const [a, b] = [median(times.direct), median(times.through)];
console.log(`GET a page, directly           ${a.toFixed(0)} µs (median of ${times.direct.length}, one at a time)`);
console.log(`GET a page, through Vestibule  ${b.toFixed(0)} µs: ${(b - a).toFixed(0)} µs added, ratio ${(b / a).toFixed(2)}`);
agent.destroy();
await run.stop();
