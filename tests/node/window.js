// How long a token pair that Notion has just issued exists in our memory alone: from its answer to the end of our commit, as the
// gateway's log tells it, beside what the disk takes for the same at the same time. Others write meanwhile.

import { mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import { Gateway } from "./gateway.js";
import { api, connect, emulate } from "./support.js";

const GRANTS = 14;
const ROUNDS = Number(process.env.ROUNDS ?? 40);

const at = (numbers, share) => numbers.toSorted((a, b) => a - b)[Math.min(Math.floor(numbers.length * share), numbers.length - 1)];

/** Appends a page to a file and waits until it is on the disk, as a commit does; in microseconds. */
async function synced(file) {
  const began = process.hrtime.bigint();
  await file.write(Buffer.alloc(4096));
  await file.datasync();
  return Number(process.hrtime.bigint() - began) / 1000;
}

/** By order, which is not held back by how often it is given, as calls are. */
async function refreshed(app, id) {
  const { status, body } = await api(app, "POST", `/api/connections/${id}/refresh`);
  if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
}

const emulator = await emulate("window", "--preset", "documented");
const gateway = await Gateway.prepare(emulator, GRANTS);
try {
  const child = await gateway.start({ VESTIBULE_LOG: "info" });
  const windows = { alone: [], together: [] };
  let into = null;
  child.stderr.on("data", (text) => {
    for (const [, took] of text.toString().matchAll(/window_us\W+(\d+)/g)) into?.push(Number(took));
  });
  const ids = [];
  for (const app of gateway.apps) ids.push((await connect(app, "u")).connection.id);
  await mkdir(join(gateway.folder, "disk"));
  const file = await open(join(gateway.folder, "disk", "page"), "a");
  const disk = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    for (let n = 0; n < 10; n += 1) disk.push(await synced(file));
    into = windows.alone;
    await refreshed(gateway.apps[0], ids[0]);
    into = windows.together;
    // All at once, while others write: each minted key is a commit.
    const minted = ids.flatMap((id, n) => Array.from({ length: 4 }, () => api(gateway.apps[n], "POST", `/api/connections/${id}/keys`, { label: "k" })));
    await Promise.all([...ids.map((id, n) => refreshed(gateway.apps[n], id)), ...minted]);
    await new Promise((done) => setTimeout(done, 20));
  }
  await file.close();
  const told = (numbers) => `p50 ${(at(numbers, 0.5) / 1000).toFixed(2)} ms, p99 ${(at(numbers, 0.99) / 1000).toFixed(2)} ms (${numbers.length})`;
  console.log(`figure: the disk's own fsync | ${told(disk)}`);
  console.log(`figure: Notion's answer to our commit, one at a time | ${told(windows.alone)}`);
  console.log(`figure: Notion's answer to our commit, ${GRANTS} at once and ${GRANTS * 4} other writes | ${told(windows.together)}`);
  await gateway.kill("SIGTERM");
} finally {
  await gateway.remove();
  await emulator.stop();
}
