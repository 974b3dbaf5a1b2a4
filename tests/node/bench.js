// The figures of a release build, measured on the machine at hand: size, cold start to the first answered call, idle memory,
// and what the gateway adds to a call, against the emulator called directly in the same run, in turns.

import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, demo } from "./support.js";

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

/** The time from starting the process to its first answer. */
async function coldStart() {
  const folder = await mkdtemp(join(tmpdir(), "vestibule-bench-"));
  const data = join(folder, "demo");
  const any = "127.0.0.1:0";
  const began = process.hrtime.bigint();
  const args = ["demo", "--listen", any, "--app-listen", any, "--emulator-listen", any, "--data-dir", data];
  const child = spawn(process.env.VESTIBULE_BIN, args, { stdio: ["ignore", "pipe", "ignore"] });
  let printed = "";
  for await (const text of child.stdout) {
    printed += text;
    if (printed.includes("Ctrl-C")) break;
  }
  const facts = JSON.parse(await readFile(join(data, "demo.json"), "utf8"));
  await call(`${facts.emulator_url}/v1/users/me`, facts.internal_token);
  const took = Number(process.hrtime.bigint() - began) / 1e6;
  const ended = new Promise((done) => child.once("close", done));
  child.kill("SIGTERM");
  await ended;
  await rm(folder, { recursive: true });
  return took;
}

const { size } = await stat(process.env.VESTIBULE_BIN);
console.log(`binary                         ${(size / 1e6).toFixed(1)} MB`);

const starts = [];
for (let round = 0; round < 7; round += 1) starts.push(await coldStart());
console.log(`demo, start to first answer    ${median(starts).toFixed(0)} ms (median of ${starts.length}; emulator, gateway and app)`);

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
