// The official SDK, unmodified, does the main job through both doors; afterwards nothing secret is found in what was written.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  APIErrorCode,
  Client,
  isNotionClientError,
  iteratePaginatedAPI,
} from "@notionhq/client";
import { Browser, api, connect, demo } from "./support.js";

let run;
const secrets = [];

before(async () => {
  run = await demo();
});
after(() => run.stop());

/** What an integration does all day: search, read, create, change, query, page, comment, and meet errors. */
async function mainJob(notion) {
  const me = await notion.users.me({});
  assert.equal(me.type, "bot");
  assert.equal(me.bot.owner.user.person.email, "ada@northwind.example");

  const found = await notion.search({ query: "Project tracker", filter: { property: "object", value: "data_source" } });
  const tracker = found.results[0];
  assert.equal(tracker.title[0].plain_text, "Project tracker");

  // Query with a filter and a sort, then page through everything.
  const open = await notion.dataSources.query({
    data_source_id: tracker.id,
    filter: {
      and: [
        { property: "Status", status: { does_not_equal: "Done" } },
        { property: "Priority", select: { equals: "High" } },
      ],
    },
    sorts: [{ property: "Estimate", direction: "descending" }],
  });
  const estimates = open.results.map((row) => row.properties.Estimate.number);
  assert.deepEqual(estimates, [8, 5, 5]);
  const names = [];
  for await (const row of iteratePaginatedAPI(notion.dataSources.query, { data_source_id: tracker.id, page_size: 5 })) {
    names.push(row.properties.Name.title[0].plain_text);
  }
  assert.equal(new Set(names).size, names.length);
  assert.ok(names.length >= 14);

  // Create a row with content, read it, change it.
  const title = `Written by the SDK ${Math.random()}`;
  const page = await notion.pages.create({
    parent: { type: "data_source_id", data_source_id: tracker.id },
    properties: {
      Name: { title: [{ text: { content: title } }] },
      Status: { status: { name: "In progress" } },
      Estimate: { number: 3 },
      Area: { multi_select: [{ name: "API" }, { name: "A new area" }] },
    },
    children: [{ to_do: { rich_text: [{ text: { content: "Try it" } }], checked: false } }],
  });
  const read = await notion.pages.retrieve({ page_id: page.id });
  assert.equal(read.properties.Name.title[0].plain_text, title);
  assert.deepEqual(read.properties.Area.multi_select.map((area) => area.name), ["API", "A new area"]);
  const changed = await notion.pages.update({
    page_id: page.id,
    icon: { type: "emoji", emoji: "🚀" },
    properties: { Estimate: { number: 5 }, Dates: { date: { start: "2026-12-01" } } },
  });
  assert.equal(changed.properties.Estimate.number, 5);
  assert.equal(changed.icon.emoji, "🚀");
  const item = await notion.pages.properties.retrieve({ page_id: page.id, property_id: "title" });
  assert.equal(item.results[0].title.plain_text, title);

  // Blocks.
  const appended = await notion.blocks.children.append({
    block_id: page.id,
    children: [{ paragraph: { rich_text: [{ text: { content: "And one more thing" } }] } }],
  });
  const [toDo] = (await notion.blocks.children.list({ block_id: page.id })).results;
  const ticked = await notion.blocks.update({ block_id: toDo.id, to_do: { checked: true } });
  assert.equal(ticked.to_do.checked, true);
  assert.equal(ticked.to_do.rich_text[0].plain_text, "Try it");
  await notion.blocks.delete({ block_id: appended.results[0].id });
  assert.equal((await notion.blocks.children.list({ block_id: page.id })).results.length, 1);

  // Comments.
  await notion.comments.create({ parent: { page_id: page.id }, rich_text: [{ text: { content: "Looks good" } }] });
  const comments = await notion.comments.list({ block_id: page.id });
  assert.equal(comments.results[0].rich_text[0].plain_text, "Looks good");

  // Errors keep their classes and codes.
  const missing = notion.pages.retrieve({ page_id: "00000000-0000-4000-8000-000000000000" });
  await assert.rejects(missing, (error) => isNotionClientError(error) && error.code === APIErrorCode.ObjectNotFound);
  const invalid = notion.pages.retrieve({ page_id: "not-an-id" });
  await assert.rejects(invalid, (error) => error.code === APIErrorCode.ValidationError);
  await notion.pages.update({ page_id: page.id, in_trash: true });
}

test("the session door: a connection id and an app key are all that the SDK needs", async () => {
  const browser = new Browser();
  const { connection, code, link } = await connect(run.facts, "sdk-user", browser);
  secrets.push(code, link.split("/").at(-1), ...browser.seen);
  const notion = new Client({ auth: run.facts.api_key, baseUrl: `${run.facts.gateway_url}/notion/${connection.id}` });
  await mainJob(notion);

  const gone = await api(run.facts, "DELETE", `/api/connections/${connection.id}`);
  assert.equal(gone.status, 204);
  await assert.rejects(notion.users.me({}), (error) => error.code === APIErrorCode.Unauthorized);
});

test("the Notion-shaped door: host and secret are all that changes", async () => {
  const { facts } = run;
  const notion = new Client({ baseUrl: facts.gateway_url });
  const state = "state-that-the-app-checks-0123456789";
  const authorize = new URL(`${facts.gateway_url}/v1/oauth/authorize`);
  authorize.search = new URLSearchParams({
    client_id: facts.client_id,
    redirect_uri: facts.return_url,
    response_type: "code",
    owner: "user",
    state,
  });
  const browser = new Browser();
  const back = new URL(await browser.consent(authorize.href));
  assert.equal(back.searchParams.get("state"), state);

  const credentials = { client_id: facts.client_id, client_secret: facts.app_secret };
  const exchange = { grant_type: "authorization_code", code: back.searchParams.get("code"), redirect_uri: facts.return_url };
  const token = await notion.oauth.token({ ...credentials, ...exchange });
  assert.equal(token.token_type, "bearer");
  assert.equal(token.workspace_name, "Northwind Studio");
  assert.equal(token.owner.user.person.email, "ada@northwind.example");
  secrets.push(token.access_token, token.refresh_token, exchange.code, state, ...browser.seen);

  // A refresh gives the same key, however often: nothing that the app holds rotates.
  const refreshed = await notion.oauth.token({
    ...credentials,
    grant_type: "refresh_token",
    refresh_token: token.refresh_token,
  });
  assert.equal(refreshed.access_token, token.access_token);

  await mainJob(new Client({ auth: token.access_token, baseUrl: facts.gateway_url }));

  assert.equal((await notion.oauth.introspect({ ...credentials, token: token.access_token })).active, true);
  await notion.oauth.revoke({ ...credentials, token: token.access_token });
  assert.equal((await notion.oauth.introspect({ ...credentials, token: token.access_token })).active, false);
  const after = new Client({ auth: token.access_token, baseUrl: facts.gateway_url });
  await assert.rejects(after.users.me({}), (error) => error.code === APIErrorCode.Unauthorized);

  // A code opens once.
  const replay = notion.oauth.token({ ...credentials, ...exchange });
  await assert.rejects(replay, (error) => error.status === 400 && error.body.includes("invalid_grant"));
});

test("an internal integration's suite runs against the emulator with the internal token", async () => {
  const notion = new Client({ auth: run.facts.internal_token, baseUrl: run.facts.emulator_url });
  const root = await notion.pages.retrieve({ page_id: run.facts.root_page_id });
  assert.equal(root.properties.title.title[0].plain_text, "Product home");
  const people = await notion.users.list({});
  assert.ok(people.results.some((user) => user.type === "person"));
});

test("nothing secret is in the store, the logs or what was printed", async () => {
  const { facts } = run;
  secrets.push(facts.api_key, facts.app_secret, facts.client_secret, facts.internal_token);
  secrets.push("ntn_emulator_", "nrt_emulator_");
  const written = await run.written();
  assert.ok(written.includes("northwind.example"), "the scan looks at the store");
  for (const secret of new Set(secrets.filter((secret) => secret.length > 8))) {
    // A key's secret part is the last of its four.
    for (const part of [secret, secret.split("_").slice(3).join("_")].filter((part) => part.length > 8)) {
      assert.ok(!written.includes(part), `a secret of ${part.length} characters was written`);
    }
  }
});
