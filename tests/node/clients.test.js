// The usual HTTP clients, each with its default settings, at both doors of the gateway and at the emulator: what they offer and
// nobody wants is ignored. .NET cannot be had from Debian: what its client sends is told byte by byte in the gateway's tests.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect as connectHttp2 } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { Client } from "@notionhq/client";
import { Agent, request } from "undici";
import { api, connect, demo } from "./support.js";

const HERE = new URL("../clients/", import.meta.url).pathname;
const start = promisify(execFile);
let run;
let folder;
/** Where a client may be pointed: a base URL and a token. */
let doors;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "vestibule-clients-"));
  run = await demo();
  const { connection } = await connect(run.facts, "clients");
  const minted = await api(run.facts, "POST", `/api/connections/${connection.id}/keys`, {});
  assert.equal(minted.status, 201);
  doors = [
    { name: "a connection key at /v1", base: run.facts.gateway_url, token: minted.body.key },
    { name: "an app key at a connection", base: `${run.facts.gateway_url}/notion/${connection.id}`, token: run.facts.api_key },
    { name: "the emulator", base: run.facts.emulator_url, token: run.facts.internal_token },
  ];
});
after(async () => {
  await run.stop();
  await rm(folder, { recursive: true });
});

/** Runs a program at each door; it prints a status for each of its calls. */
function program(name, command, args, calls = 3) {
  test(name, async () => {
    for (const door of doors) {
      const [at, ...rest] = args(door);
      const env = { ...process.env, GOCACHE: join(folder, "go"), GOFLAGS: "-mod=mod", GO111MODULE: "off" };
      const { stdout } = await start(command, [at, ...rest], { cwd: HERE, env });
      assert.equal(stdout.trim(), Array(calls).fill("200").join(" "), door.name);
    }
  });
}

const simple = (file) => (door) => [file, `${door.base}/v1`, door.token];
program("the JDK's HttpClient", "java", simple("Client.java"));
program("Go's net/http", "go", (door) => ["run", ...simple("client.go")(door)]);
program("Python's requests and httpx", process.env.PYTHON ?? "python3", simple("client.py"), 6);
program("Ruby's Net::HTTP", "ruby", simple("client.rb"));
program("PHP's curl and streams", "php", simple("client.php"));
program("Perl's LWP", "perl", simple("client.pl"));

// Two calls by one curl: the second goes over the first's socket, whatever was offered on it.
const curl = (flags) => (door) => {
  const head = ["-H", `Authorization: Bearer ${door.token}`, "-H", "Notion-Version: 2025-09-03", "-o", "/dev/null", "-w", "%{http_code} "];
  const one = [...flags, ...head, `${door.base}/v1/users/me`];
  const json = ["-H", "Content-Type: application/json", "-d", '{"page_size": 1}'];
  const padded = ["-H", "Content-Type: application/json", "-H", "Expect: 100-continue", "-d", `{"page_size": 1${" ".repeat(2000)}}`];
  return ["-s", ...one, "--next", "-s", ...flags, ...json, ...head, `${door.base}/v1/search`, "--next", "-s", ...flags, ...padded, ...head, `${door.base}/v1/search`, "--next", "-s", ...one];
};
program("curl", "curl", curl([]), 4);
program("curl --http2", "curl", curl(["--http2"]), 4);
// One call a process: Debian's curl (7.88.1) loses its way when it takes up such a socket again, whoever is at the other end.
program("curl --http2-prior-knowledge", "curl", (door) => {
  const args = curl(["--http2-prior-knowledge"])(door);
  return args.slice(0, args.indexOf("--next"));
}, 1);
program("curl --http1.0", "curl", curl(["--http1.0"]), 4);

test("wget", async () => {
  for (const door of doors) {
    const head = [`--header=Authorization: Bearer ${door.token}`, "--header=Notion-Version: 2025-09-03"];
    const { stdout } = await start("wget", ["-q", "-O", "-", ...head, `${door.base}/v1/users/me`]);
    assert.equal(JSON.parse(stdout).type, "bot", door.name);
  }
});

const headers = (door) => ({ authorization: `Bearer ${door.token}`, "notion-version": "2025-09-03" });
const search = (door) => ({ method: "POST", headers: { ...headers(door), "content-type": "application/json" } });

test("Node's fetch, also with a body in chunks", async () => {
  for (const door of doors) {
    const body = new ReadableStream({
      start(stream) {
        for (const piece of ['{"page_size"', ": 1}"]) stream.enqueue(new TextEncoder().encode(piece));
        stream.close();
      },
    });
    const answers = [
      await fetch(`${door.base}/v1/users/me`, { headers: headers(door) }),
      await fetch(`${door.base}/v1/search`, { ...search(door), body: '{"page_size": 1}' }),
      await fetch(`${door.base}/v1/search`, { ...search(door), body, duplex: "half" }),
    ];
    assert.deepEqual(answers.map((answer) => answer.status), [200, 200, 200], door.name);
  }
});

test("undici, also with requests one upon another on one socket", async () => {
  for (const dispatcher of [new Agent(), new Agent({ pipelining: 4, connections: 1 })]) {
    for (const door of doors) {
      const me = () => request(`${door.base}/v1/users/me`, { headers: headers(door), dispatcher });
      const answers = await Promise.all([me(), me(), me(), me()]);
      for (const answer of answers) assert.equal((await answer.body.json()).type, "bot", door.name);
      const found = await request(`${door.base}/v1/search`, { ...search(door), body: '{"page_size": 1}', dispatcher });
      assert.equal(found.statusCode, 200);
      await found.body.dump();
    }
    await dispatcher.close();
  }
});

test("Node's http2, several calls on one socket", async () => {
  for (const door of doors) {
    const { origin, pathname } = new URL(`${door.base}/v1/users/me`);
    const session = connectHttp2(origin);
    const me = async () => {
      const stream = session.request({ ":path": pathname, ...headers(door) });
      const [head] = await once(stream, "response");
      stream.resume();
      await once(stream, "end");
      return head[":status"];
    };
    assert.deepEqual([...(await Promise.all([me(), me()])), await me()], [200, 200, 200], door.name);
    session.close();
    await once(session, "close");
  }
});

test("an SDK whose base URL ends in a slash is told so in its own error", async () => {
  for (const door of doors) {
    const notion = new Client({ auth: door.token, baseUrl: `${door.base}/` });
    await assert.rejects(notion.users.me({}), (error) => {
      assert.equal(error.code, "invalid_request_url", `${door.name}: ${error}`);
      assert.match(error.message, /slash/);
      return true;
    });
  }
});
