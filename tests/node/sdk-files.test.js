// Notion's own client sends files up to the emulator, attaches them, and fetches them again.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Client } from "@notionhq/client";
import { emulate } from "./support.js";

let run, notion, root;

before(async () => {
  run = await emulate("sdk-files");
  notion = new Client({ auth: run.facts.internal_token, baseUrl: run.facts.url });
  root = run.facts.root_page_id;
});
after(() => run.stop());

/** Attaches an upload as a block, and fetches what it then leads to. */
async function attachedAndFetched(kind, id) {
  const file = { type: "file_upload", file_upload: { id } };
  const children = [{ type: kind, [kind]: file }];
  const { results } = await notion.blocks.children.append({ block_id: root, children });
  const shown = results[0][kind];
  assert.equal(shown.type, "file");
  return { shown, answer: await fetch(shown.file.url) };
}

test("a small file goes up in one piece and comes down again", async () => {
  const upload = await notion.fileUploads.create({ mode: "single_part", filename: "note.txt", content_type: "text/plain" });
  assert.equal(upload.status, "pending");
  const data = new Blob(["Grüße"], { type: "text/plain" });
  const sent = await notion.fileUploads.send({ file_upload_id: upload.id, file: { filename: "note.txt", data } });
  assert.equal(sent.status, "uploaded");
  const { shown, answer } = await attachedAndFetched("file", upload.id);
  assert.equal(shown.name, "note.txt");
  assert.equal(await answer.text(), "Grüße");
  const kept = await notion.fileUploads.retrieve({ file_upload_id: upload.id });
  assert.equal(kept.expiry_time, null);
});

test("a large file goes up in parts that the client completes", async () => {
  const half = 5 * 1024 * 1024;
  const upload = await notion.fileUploads.create({ mode: "multi_part", filename: "clip.mp4", number_of_parts: 2 });
  const part = (number, data) =>
    notion.fileUploads.send({ file_upload_id: upload.id, file: { filename: "clip.mp4", data: new Blob([data]) }, part_number: number });
  await Promise.all([part("2", "the end"), part("1", new Uint8Array(half))]);
  const whole = await notion.fileUploads.complete({ file_upload_id: upload.id });
  assert.deepEqual([whole.status, whole.content_length], ["uploaded", half + 7]);
  const { answer } = await attachedAndFetched("video", upload.id);
  const bytes = new Uint8Array(await answer.arrayBuffer());
  assert.equal(new TextDecoder().decode(bytes.subarray(half)), "the end");
});

test("uploads are listed, and what is not a file is refused in Notion's words", async () => {
  const { results } = await notion.fileUploads.list({ status: "uploaded" });
  assert.deepEqual(results.map((upload) => upload.filename), ["clip.mp4", "note.txt"]);
  const refused = notion.fileUploads.create({ filename: "virus.exe" });
  await assert.rejects(refused, (error) => error.code === "validation_error" && error.message.includes("not supported for the File Upload API"));
});
