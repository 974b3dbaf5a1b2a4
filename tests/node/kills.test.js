// The real binary, killed and stopped at random while it renews tokens. Where Notion gives a pair once more, no grant may be lost;
// where it does not, one may be lost only in the one window that cannot be closed, after Notion's rotation and before our commit,
// and is told. KILLS says how often it is killed under each kind of Notion, SEED which moments are tried.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Gateway, control, pause, truth } from "./gateway.js";
import { api, connect, emulate } from "./support.js";

const KILLS = Number(process.env.KILLS ?? 25);
const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
const GRANTS = 5;
/** Gateways side by side, each with an emulator of its own: most of the time they wait for what was interrupted. */
const SIDE_BY_SIDE = 5;

/** Numbers from 0 to 1 that follow from the seed. */
function random(seed) {
  let state = seed;
  return () => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return state / 2 ** 31;
  };
}

/** Each grant is refreshed twice and called meanwhile. */
async function load(app, id) {
  const refreshed = [1, 2].map(() => api(app, "POST", `/api/connections/${id}/refresh`).catch(() => null));
  const called = [1, 2, 3].map(() => api(app, "GET", `/notion/${id}/v1/users/me`).catch(() => null));
  await Promise.all([...refreshed, ...called]);
}

/** How many pairs of an integration's one grant were stored since its last consent: the consent's own, and each that was refreshed. */
async function stored(app) {
  let pairs = 0;
  for (let cursor = ""; cursor !== null; ) {
    const { body } = await api(app, "GET", `/api/events?page_size=100${cursor}`);
    for (const { type } of body.data) {
      if (type === "connection.refreshed") pairs += 1;
      if (["connection.connected", "connection.reconnected"].includes(type)) return pairs + 1;
    }
    cursor = body.next_cursor && `&cursor=${body.next_cursor}`;
  }
  throw new Error("it was connected once");
}

/** How many pairs Notion has given each integration since the person's last consent, which ends all before it. */
async function issued(emulator) {
  const { authorizations, refresh } = (await control(emulator, "snapshot")).state.grants;
  const given = new Map();
  for (const { bot_id: bot } of Object.values(refresh)) {
    const client = authorizations[bot]?.client_id;
    given.set(client, (given.get(client) ?? 0) + 1);
  }
  return given;
}

/** One gateway, killed so often, and stopped for a while before every third time. */
async function killed(refresh, kills, seed, seen) {
  const emulator = await emulate(`kills-${refresh}-${seed}`, "--refresh", refresh);
  const gateway = await Gateway.prepare(emulator, GRANTS);
  const next = random(seed);
  try {
    await gateway.start();
    const ids = [];
    for (const app of gateway.apps) ids.push((await connect(app, "u")).connection.id);
    for (let round = 0; round < kills; round += 1) {
      const calls = ids.map((id, n) => load(gateway.apps[n], id));
      await pause(next() * 40);
      if (round % 3 === 2) {
        gateway.child.kill("SIGSTOP");
        await pause(next() * 2000);
        gateway.child.kill("SIGCONT");
        seen.stops += 1;
        await pause(next() * 20);
      }
      await gateway.kill("SIGKILL");
      await Promise.all(calls);
      seen.kills += 1;
      await gateway.start();
      const alive = await Promise.all(ids.map((id, n) => truth(gateway.apps[n], id)));
      const lost = [...alive.keys()].filter((n) => !alive[n]);
      const given = lost.length > 0 && (await issued(emulator));
      for (const n of lost) {
        // Notion gave it a pair that is not on record: the kill fell between the two. Whatever else it was lost by need not have been.
        const unstored = given.get(gateway.names[n]) - (await stored(gateway.apps[n]));
        seen[unstored === 1 ? "inTheWindow" : "otherwise"] += 1;
        ids[n] = (await connect(gateway.apps[n], "u")).connection.id;
      }
    }
    // Those that live are counted well: what a strict Notion gave last is what is stored.
    const given = await issued(emulator);
    for (const [n, app] of gateway.apps.entries()) if (refresh === "strict") assert.equal(given.get(gateway.names[n]), await stored(app));
    await gateway.kill("SIGTERM");
  } finally {
    await gateway.remove();
    await emulator.stop();
  }
}

async function all(refresh) {
  const seen = { kills: 0, stops: 0, inTheWindow: 0, otherwise: 0 };
  const share = (n) => Math.floor((KILLS + n) / SIDE_BY_SIDE);
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, (_, n) => killed(refresh, share(n), SEED + n, seen)));
  assert.equal(seen.kills, KILLS);
  return seen;
}

const figure = (refresh, { kills, stops, inTheWindow, otherwise }) =>
  `figure: random kills, ${refresh} | ${kills} kills, ${stops} stops, ${kills * GRANTS} grants at risk, lost in the window ${inTheWindow}, otherwise ${otherwise}`;

describe(`killed at random (seed ${SEED})`, { concurrency: true }, () => {
  test("a kill in the middle of refreshes loses no grant where Notion gives the pair once more", async (t) => {
    const seen = await all("grace");
    t.diagnostic(figure("grace", seen));
    assert.deepEqual([seen.inTheWindow, seen.otherwise], [0, 0]);
  });

  test("a kill loses a grant only between Notion's rotation and our commit where Notion gives nothing twice", async (t) => {
    const seen = await all("strict");
    t.diagnostic(figure("strict", seen));
    assert.equal(seen.otherwise, 0);
  });
});
