// Notion's own MCP server, unmodified, with its BASE_URL at the emulator: driven by the MCP SDK's client as an assistant would.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { emulate } from "./support.js";

const MODULES = join(dirname(fileURLToPath(import.meta.url)), "node_modules");

let run;
let mcp;

before(async () => {
  run = await emulate("mcp");
  mcp = await connect({ NOTION_TOKEN: run.facts.internal_token });
});
after(async () => {
  await mcp?.close();
  await run?.stop();
});

/** A server of its own, with these settings. */
async function connect(settings) {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [join(MODULES, "@notionhq/notion-mcp-server/bin/cli.mjs")],
    env: { PATH: process.env.PATH, BASE_URL: run.facts.url, ...settings },
    stderr: "ignore",
  });
  const client = new Client({ name: "vestibule-tests", version: "1.0.0" });
  await client.connect(transport);
  return client;
}

/** The tool whose name ends so (the server may put its own prefix before it), called; its answer as JSON. */
async function call(name, args = {}, server = mcp) {
  const { tools } = await server.listTools();
  const tool = tools.find((one) => one.name === name || one.name.endsWith(`-${name}`));
  assert.ok(tool, `there is no tool ${name}`);
  const result = await server.callTool({ name: tool.name, arguments: args });
  return JSON.parse(result.content[0].text);
}

test("an assistant searches, reads, queries, writes and comments", async () => {
  const me = await call("get-self");
  assert.equal(me.type, "bot");
  assert.ok((await call("get-users")).results.some((user) => user.name === "Ada Lindqvist"));

  const found = await call("post-search", { query: "Project tracker" });
  const tracker = found.results.find((one) => one.object === "data_source");
  const schema = await call("retrieve-a-data-source", { data_source_id: tracker.id });
  assert.ok(schema.properties.Status);
  const done = await call("query-data-source", {
    data_source_id: tracker.id,
    filter: { property: "Status", status: { equals: "Done" } },
  });
  assert.ok(done.results.length > 0);
  assert.ok("templates" in (await call("list-data-source-templates", { data_source_id: tracker.id })));

  const page = await call("post-page", {
    parent: { page_id: run.facts.root_page_id },
    properties: { title: [{ text: { content: "Page created by an assistant" } }] },
  });
  assert.equal(page.object, "page", JSON.stringify(page));
  await call("patch-block-children", {
    block_id: page.id,
    children: [{ type: "paragraph", paragraph: { rich_text: [{ type: "text", text: { content: "Hello MCP" } }] } }],
  });
  const children = await call("get-block-children", { block_id: page.id });
  assert.equal(children.results[0].paragraph.rich_text[0].plain_text, "Hello MCP");

  // Its description of this one call names no Notion-Version, and Notion's documentation demands one.
  const comment = { parent: { page_id: page.id }, rich_text: [{ text: { content: "Hello MCP" } }] };
  assert.equal((await call("create-a-comment", comment)).code, "missing_version");
  // Its README says how to give one to every tool.
  const headers = { Authorization: `Bearer ${run.facts.internal_token}`, "Notion-Version": "2025-09-03" };
  const versioned = await connect({ OPENAPI_MCP_HEADERS: JSON.stringify(headers) });
  try {
    const made = await call("create-a-comment", comment, versioned);
    assert.equal(made.object, "comment", JSON.stringify(made));
  } finally {
    await versioned.close();
  }
  const comments = await call("retrieve-a-comment", { block_id: page.id });
  assert.equal(comments.results.length, 1);

  const edited = await call("update-page-markdown", {
    page_id: page.id,
    type: "insert_content",
    insert_content: { content: "## From markdown" },
  });
  assert.equal(edited.object, "page_markdown", JSON.stringify(edited));
  assert.equal((await call("retrieve-page-markdown", { page_id: page.id })).markdown, "Hello MCP\n## From markdown");
  const title = await call("retrieve-a-page-property", { page_id: page.id, property_id: "title" });
  assert.equal(title.results[0].title.plain_text, "Page created by an assistant");
});

test("what is not there is told in Notion's words", async () => {
  const nothing = await call("retrieve-a-page", { page_id: "00000000-0000-4000-8000-000000000000" });
  assert.equal(nothing.code, "object_not_found");
  assert.match(nothing.message, /^Could not find page with ID: 00000000/);
});
