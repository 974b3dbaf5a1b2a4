// A build that stops itself at a named place (docs/failpoints.md) is killed there, or goes on after a pause: every place is gone
// through. No grant may be lost but in the one window that cannot be closed, and what is lost is told, with its cause, before
// anybody calls. LONG=1 goes through all places under both kinds of Notion, with pauses beyond the lease.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Gateway, RETURN_URL, control, ownPort, pause, stopped, truth } from "./gateway.js";
import { Browser, api, connect, emulate } from "./support.js";

const BINARY = process.env.VESTIBULE_FAILPOINTS_BIN;
if (!BINARY) throw new Error("VESTIBULE_FAILPOINTS_BIN must name a build with the feature; `cargo xtask test` makes it");
const LONG = process.env.LONG === "1";
/** How many are gone through side by side: most of the time they wait. */
const SIDE_BY_SIDE = LONG ? 8 : 5;
/** A lease lives 75 seconds. */
const PAUSES = LONG ? [34_000, 80_000] : [34_000];
/** Killed here, a pair that Notion has rotated is nowhere else. */
const WINDOW = ["answer.head", "answer.read", "refresh.sealed", "refresh.written"];

async function eventually(what, holds, seconds = 30) {
  for (const until = Date.now() + seconds * 1000; Date.now() < until; await pause(250)) if (await holds()) return;
  assert.fail(`${what}: not within ${seconds} seconds`);
}

async function consent(app, endUser) {
  const session = await api(app, "POST", "/api/connect-sessions", { end_user: endUser, return_url: RETURN_URL });
  return new URL(await new Browser().consent(session.body.url)).searchParams.get("code");
}

const redeem = (app, code, endUser) => api(app, "POST", "/api/connections", { code, end_user: endUser });
/** Its kept sockets to Notion may have been closed while it stood still: what was not answered is tried again after five minutes. */
const endedAtNotion = (walk) => eventually("ended at Notion", async () => !(await authorized(walk)), walk.wait === 0 ? 30 : 360);
const authorized = async ({ gateway }) => {
  const all = await control(gateway.emulator, "authorizations");
  return all.authorizations.some(({ client_id }) => client_id === gateway.names[0]);
};

/** A pair that some other back end holds, as a line to import. */
async function line(walk) {
  const [name] = walk.gateway.names;
  const { url } = walk.gateway.emulator.facts;
  const { code } = await control(walk.gateway.emulator, "consent", { client_id: name });
  const answer = await fetch(`${url}/v1/oauth/token`, {
    method: "POST",
    headers: { authorization: `Basic ${btoa(`${name}:secret-of-${name}`)}`, "content-type": "application/json" },
    body: JSON.stringify({ grant_type: "authorization_code", code, redirect_uri: `${walk.gateway.url}/callback/${name}` }),
  });
  const pair = await answer.json();
  assert.equal(answer.status, 200, JSON.stringify(pair));
  walk.file = join(walk.gateway.folder, "line.jsonl");
  await writeFile(walk.file, JSON.stringify({ ...pair, end_user: "u" }), { mode: 0o600 });
}

const importing = ["connections", "import", "--yes"];
const connected = async (walk) => (walk.id = (await connect(walk.app, "u")).connection.id);
const forced = (walk) => api(walk.app, "POST", `/api/connections/${walk.id}/refresh`);
const one = async ({ app }) => {
  const { data } = (await api(app, "GET", "/api/connections?end_user=u&state=active")).body;
  assert.equal(data.length, 1, "one connection");
  return data[0].id;
};

/**
 * How a place is come by: what is done before, what leads there (of a server, or of a command), and what must hold afterwards. The
 * last tells whether the grant is there.
 */
const STORIES = {
  "a first consent": {
    act: async (walk) => {
      walk.code = await consent(walk.app, "u");
      await redeem(walk.app, walk.code, "u");
    },
    after: async (walk) => {
      // A code that the browser has brought opens, whatever happened to the process that gave it.
      if (walk.code) {
        const { status, body } = await redeem(walk.app, walk.code, "u");
        assert.equal(status, 200, JSON.stringify(body));
      } else await connect(walk.app, "u");
      return truth(walk.app, await one(walk));
    },
  },
  "a second consent": {
    before: connected,
    act: async (walk) => {
      walk.code = await consent(walk.app, "u");
      await redeem(walk.app, walk.code, "u");
    },
    after: async (walk) => {
      if (walk.code) assert.equal((await redeem(walk.app, walk.code, "u")).status, 200);
      assert.equal(await one(walk), walk.id);
      return truth(walk.app, walk.id);
    },
  },
  "a stranger's consent over a live one": {
    before: connected,
    act: async (walk) => redeem(walk.app, await consent(walk.app, "u"), "somebody else"),
    after: (walk) => truth(walk.app, walk.id),
  },
  "a stranger's consent alone": {
    act: async (walk) => redeem(walk.app, await consent(walk.app, "u"), "somebody else"),
    after: async (walk) => {
      await endedAtNotion(walk);
      return true;
    },
  },
  "a refresh": { before: connected, act: forced, after: (walk) => truth(walk.app, walk.id), taken_over: forced },
  "a refresh that is not answered": {
    before: async (walk) => {
      await connected(walk);
      await control(walk.gateway.emulator, "faults", { effect: "hang_up_before", path: "/v1/oauth/token", times: 2 });
    },
    act: forced,
    after: (walk) => truth(walk.app, walk.id),
    alone: true,
  },
  "a refresh that is refused": {
    before: async (walk) => {
      await connected(walk);
      const { body } = await api(walk.app, "GET", `/api/connections/${walk.id}`);
      await control(walk.gateway.emulator, `authorizations/${body.bot_id}`, undefined, "DELETE");
    },
    act: forced,
    after: async (walk) => {
      const show = async () => (await api(walk.app, "GET", `/api/connections/${walk.id}`)).body;
      await eventually("told", async () => (await show()).state === "reconnect_needed");
      assert.match((await show()).reason, /refused/);
      return true;
    },
  },
  "a disconnect": {
    before: connected,
    act: (walk) => api(walk.app, "DELETE", `/api/connections/${walk.id}`),
    after: async (walk) => {
      assert.equal((await api(walk.app, "DELETE", `/api/connections/${walk.id}`)).status, 204);
      await endedAtNotion(walk);
      const told = async () => (await api(walk.app, "GET", "/api/events")).body.data.filter(({ type }) => type === "connection.revoked");
      await eventually("told", async () => (await told()).length === 1);
      return true;
    },
  },
  "an import": {
    before: line,
    command: (walk) => [...importing, walk.file],
    after: async (walk) => {
      walk.gateway.run(...importing, walk.file);
      return truth(walk.app, await one(walk));
    },
  },
  "an import of somebody who is connected": {
    before: async (walk) => {
      await connected(walk);
      await line(walk);
    },
    command: (walk) => [...importing, walk.file],
    after: async (walk) => {
      walk.gateway.run(...importing, walk.file);
      assert.equal(await one(walk), walk.id);
      return truth(walk.app, walk.id);
    },
  },
  "a key": {
    before: connected,
    act: (walk) => api(walk.app, "POST", `/api/connections/${walk.id}/keys`, { label: "k" }),
    after: async (walk) => {
      const { body } = await api(walk.app, "GET", `/api/connections/${walk.id}/keys`);
      assert.ok(body.data.length <= 1, JSON.stringify(body));
      return truth(walk.app, walk.id);
    },
  },
  "a key that another process ends": {
    before: async (walk) => {
      await connected(walk);
      walk.key = JSON.parse(walk.gateway.run("keys", "mint", "--kind", "app", "--output", "json"));
    },
    act: async (walk) => {
      const path = `${walk.gateway.url}/api/connections`;
      walk.asked = async () => (await fetch(path, { headers: { authorization: `Bearer ${walk.key.key}` } })).status;
      assert.equal(await walk.asked(), 200);
      walk.gateway.run("keys", "revoke", "--yes", walk.key.id);
    },
    after: async (walk) => {
      await eventually("noticed", async () => (await walk.asked()) === 401);
      return truth(walk.app, walk.id);
    },
  },
  "an end as it should be": {
    before: connected,
    act: async (walk) => {
      await forced(walk);
      walk.gateway.child.kill("SIGTERM");
    },
    ends: true,
    after: (walk) => truth(walk.app, walk.id),
  },
};

const WALKS = {
  "a first consent": [
    ["callback.taken", "exchange.unsent", "exchange.answered", "arrival.written", "arrival.saved"],
    ["redeem.found", "redeem.asked", "activation.written", "redeem.activated"],
  ].flat(),
  "a second consent": ["arrival.saved", "redeem.found", "redeem.asked", "activation.written", "redeem.activated"],
  "a stranger's consent over a live one": ["settle.asked", "adoption.written"],
  "a stranger's consent alone": ["revoke.unsent", "revoke.answered"],
  "a refresh": [
    ["refresh.unleased", "lease.written", "refresh.leased", "refresh.unsent", "answer.head", "answer.read"],
    ["refresh.sealed", "refresh.written", "refresh.committed", "refresh.released", "feed.committed"],
  ].flat(),
  "a refresh that is not answered": ["state.written"],
  "a refresh that is refused": ["refresh.denied"],
  "a disconnect": ["disconnect.written", "disconnect.stored", "revoke.unsent", "revoke.answered", "destroy.written", "destroy.done"],
  "an import": ["import.verified", "import.written", "import.stored"],
  "an import of somebody who is connected": ["pair.sealed", "candidate.written", "pair.kept"],
  "a key": ["key.written", "key.stored"],
  "a key that another process ends": ["feed.read"],
  "an end as it should be": ["shutdown.closed", "shutdown.drained"],
};
const ALL = Object.entries(WALKS).flatMap(([story, points]) => points.map((point) => ({ story, point })));

/** Goes through one place; whether the grant is there afterwards. `wait`: how long the process stands still; 0: it is killed. */
async function through(emulator, { story, point }, wait) {
  const { before, act, command, after, ends, taken_over: takenOver } = STORIES[story];
  const gateway = await Gateway.prepare(emulator, 1, BINARY);
  const walk = { gateway, wait, app: gateway.apps[0] };
  try {
    const armed = { FAILPOINT: point };
    await gateway.start();
    await before?.(walk);
    let child;
    let doing = Promise.resolve();
    if (command) child = gateway.begin(armed, ...command(walk));
    else {
      await gateway.kill("SIGTERM");
      child = await gateway.start(armed);
      doing = act(walk).catch(() => null);
    }
    assert.ok(await stopped(child), "the place was not come by");
    if (wait === 0) await gateway.kill("SIGKILL", child);
    else {
      await pause(wait);
      // One that stands still within a transaction keeps the store: nobody else gets in.
      if (takenOver && wait > 75_000 && !point.endsWith(".written")) await besides(walk, takenOver);
      child.kill("SIGCONT");
    }
    await doing;
    if (wait === 0 && !command) await gateway.start();
    else if (ends) {
      await gateway.kill("SIGCONT");
      await gateway.start();
    }
    return await after(walk);
  } finally {
    await gateway.remove();
  }
}

/** Another process on the same store does it, while the first one's lease has run out. */
async function besides(walk, act) {
  const port = await ownPort();
  const other = await walk.gateway.start({}, port);
  await act({ ...walk, app: { ...walk.app, gateway_url: `http://127.0.0.1:${port}` } });
  await walk.gateway.kill("SIGTERM", other);
}

/** All of these, some side by side; what was lost, and what went wrong. */
async function all(refresh, walks, wait) {
  const emulator = await emulate(`failpoints-${refresh}`, "--refresh", refresh);
  const [lost, wrong, left] = [[], [], [...walks]];
  const next = async () => {
    for (let walk = left.shift(); walk; walk = left.shift()) {
      // A fault meets whoever comes first: that one has an emulator of its own.
      const own = STORIES[walk.story].alone ? await emulate(`failpoints-${refresh}-alone`, "--refresh", refresh) : null;
      try {
        if (!(await through(own ?? emulator, walk, wait))) lost.push(walk.point);
      } catch (error) {
        wrong.push(`${walk.story}, ${walk.point}: ${error.message}`);
      }
      await own?.stop();
    }
  };
  try {
    await Promise.all(Array.from({ length: SIDE_BY_SIDE }, next));
  } finally {
    await emulator.stop();
  }
  assert.deepEqual(wrong, []);
  return lost.sort();
}

test("the harness goes through every place, and the build that is shipped has none", async () => {
  const source = await readFile(new URL("../../crates/failpoints/src/lib.rs", import.meta.url), "utf8");
  const places = [...source.matchAll(/^ {4}\w+ "([a-z.]+)" "/gm)].map(([, name]) => name);
  assert.ok(places.length >= 24);
  assert.deepEqual([...new Set(ALL.map(({ point }) => point))].sort(), places.toSorted());
  const shipped = await readFile(process.env.VESTIBULE_BIN);
  for (const place of places) assert.ok(!shipped.includes(place), `${place} stands in the build without the feature`);
});

const KILLED = LONG ? { grace: ALL, strict: ALL } : { grace: ALL.filter(({ story }) => story === "a refresh"), strict: ALL };
const FEW = ["refresh.unsent", "answer.head", "refresh.sealed", "exchange.answered"];
const STOPPED = LONG ? { grace: ALL, strict: ALL } : { strict: ALL.filter(({ point }) => FEW.includes(point)) };

describe("at every place", { concurrency: true }, () => {
  for (const [refresh, walks] of Object.entries(KILLED)) {
    test(`killed at ${walks.length} places, ${refresh}: nothing is lost but in the one window`, async (t) => {
      const lost = await all(refresh, walks, 0);
      t.diagnostic(`figure: killed at fail points, ${refresh} | ${walks.length} ways, lost in the window ${lost.length}, otherwise 0`);
      assert.deepEqual(lost, refresh === "grace" ? [] : WINDOW);
    });
  }
  for (const wait of PAUSES) {
    for (const [refresh, walks] of Object.entries(STOPPED)) {
      test(`stopped for ${wait / 1000} s at ${walks.length} places, ${refresh}: nothing is lost`, async (t) => {
        const lost = await all(refresh, walks, wait);
        t.diagnostic(`figure: stopped for ${wait / 1000} s at fail points, ${refresh} | ${walks.length} ways, lost ${lost.length}`);
        assert.deepEqual(lost, []);
      });
    }
  }
});
