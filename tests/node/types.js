// Holds recorded exchanges against the types of Notion's own client: `node types.js FOLDER…` reads every `*.jsonl` in them,
// as `vestibule emulate --record` writes it. JSON schemas are made from the client's declarations now; nothing of them is kept.
// With `--all`, every method of the client that the emulator has must have been seen in success and in an error.

import { readFileSync, readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import Ajv from "ajv";
import { createGenerator } from "ts-json-schema-generator";

const CLIENT = join(dirname(fileURLToPath(import.meta.resolve("@notionhq/client"))), "api-endpoints/*.d.ts");
/** The version whose answers the client's types describe. */
const TYPED_VERSION = "2025-09-03";
/** It differs from the typed one in what requests may hold and in `archived`, which no answer has. */
const NEWEST_VERSION = "2026-03-11";

/** Method, path and the type of a good answer. Agents, sessions, threads and meeting notes are a 501 as yet. */
const ENDPOINTS = [
  ["GET", "users/me", "GetSelfResponse"],
  ["GET", "users/:id", "GetUserResponse"],
  ["GET", "users", "ListUsersResponse"],
  ["POST", "search", "SearchResponse"],
  ["POST", "pages", "CreatePageResponse"],
  ["GET", "pages/:id", "GetPageResponse"],
  ["PATCH", "pages/:id", "UpdatePageResponse"],
  ["POST", "pages/:id/move", "MovePageResponse"],
  ["GET", "pages/:id/properties/:property", "GetPagePropertyResponse"],
  ["GET", "pages/:id/markdown", "GetPageMarkdownResponse"],
  ["PATCH", "pages/:id/markdown", "UpdatePageMarkdownResponse"],
  ["GET", "blocks/:id", "GetBlockResponse"],
  ["PATCH", "blocks/:id", "UpdateBlockResponse"],
  ["DELETE", "blocks/:id", "DeleteBlockResponse"],
  ["GET", "blocks/:id/children", "ListBlockChildrenResponse"],
  ["PATCH", "blocks/:id/children", "AppendBlockChildrenResponse"],
  ["POST", "databases", "CreateDatabaseResponse"],
  ["GET", "databases/:id", "GetDatabaseResponse"],
  ["PATCH", "databases/:id", "UpdateDatabaseResponse"],
  ["POST", "data_sources", "CreateDataSourceResponse"],
  ["GET", "data_sources/:id", "GetDataSourceResponse"],
  ["PATCH", "data_sources/:id", "UpdateDataSourceResponse"],
  ["POST", "data_sources/:id/query", "QueryDataSourceResponse"],
  ["GET", "data_sources/:id/templates", "ListDataSourceTemplatesResponse"],
  ["GET", "views", "ListDatabaseViewsResponse"],
  ["POST", "views", "CreateViewResponse"],
  ["GET", "views/:id", "GetViewResponse"],
  ["PATCH", "views/:id", "UpdateViewResponse"],
  ["DELETE", "views/:id", "DeleteViewResponse"],
  ["POST", "views/:id/queries", "CreateViewQueryResponse"],
  ["GET", "views/:id/queries/:query", "GetViewQueryResultsResponse"],
  ["DELETE", "views/:id/queries/:query", "DeleteViewQueryResponse"],
  ["GET", "comments", "ListCommentsResponse"],
  ["POST", "comments", "CreateCommentResponse"],
  ["GET", "comments/:id", "GetCommentResponse"],
  ["PATCH", "comments/:id", "UpdateCommentResponse"],
  ["DELETE", "comments/:id", "DeleteCommentResponse"],
  ["GET", "file_uploads", "ListFileUploadsResponse"],
  ["POST", "file_uploads", "CreateFileUploadResponse"],
  ["GET", "file_uploads/:id", "GetFileUploadResponse"],
  ["POST", "file_uploads/:id/send", "SendFileUploadResponse"],
  ["POST", "file_uploads/:id/complete", "CompleteFileUploadResponse"],
  ["GET", "custom_emojis", "ListCustomEmojisResponse"],
  ["GET", "async_tasks/:id", "GetAsyncTaskResponse"],
].map(([method, path, type]) => ({ method, path, type, fits: pattern(path) }));

/** Endpoints of older versions, for which the client has no type. */
const UNTYPED = [["GET", "databases"], ["POST", "databases/:id/query"]].map(([method, path]) => ({ method, fits: pattern(path) }));

/** An answer to a write that may be finished later. */
const LATER = "GetAsyncTaskResponse";

function pattern(path) {
  return new RegExp(`^/v1/${path.replace(/:\w+/g, "[^/]+")}$`);
}

/** Keys that Notion was seen to send although the client's types do not have them, and where they may stand. */
const SEEN = [
  { key: "request_id", where: (path) => path.length === 0, why: "every answer carries its request's id" },
  { key: "email_verified", where: (path) => path.at(-1) === "person", why: "recorded in July 2026 beside `email`" },
  { key: "archived", where: (_, object) => typeof object.in_trash === "boolean", why: "recorded in July 2026 beside `in_trash`" },
  { key: "has_more", where: (_, object) => object.type === "relation", why: "Notion, \"Page property values\": relation (read in November 2026)" },
  { key: "is_archived", where: (_, object) => object.object === "page", why: "recorded in July 2026 on pages" },
];

/** Values for which the client's types have no room, though its requests can make them. */
const UNSAYABLE = [
  {
    fits: (path, value) => path.at(-2) === "properties" && "name" in value && ["button", "last_visited_time", "location", "place", "verification"].includes(value.type),
    why: "columns of these kinds are in the type of requests and of pages, and left out of the data source's",
  },
  { fits: (path) => path.at(-2) === "quick_filters", why: "their type is that of an empty object" },
];

const ERROR_CODES = new Set([
  "unauthorized", "restricted_resource", "object_not_found", "rate_limited", "invalid_json", "invalid_request_url",
  "invalid_request", "validation_error", "conflict_error", "internal_server_error", "service_unavailable", "gateway_timeout",
  "service_overload", "invalid_beta", "missing_version", "bad_gateway", "database_connection_unavailable", "row_limit_exceeded",
  "invalid_grant",
  // The emulator's own, for what it does not have.
  "not_implemented",
]);

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The value without keys that were seen but are not typed; `archived` is put back where the newest version leaves it out. */
function typed(value, newest, schemaKeeps, path = []) {
  if (Array.isArray(value)) return value.map((item, place) => typed(item, newest, schemaKeeps, [...path, place]));
  if (value === null || typeof value !== "object") return value;
  const copy = {};
  for (const [key, inner] of Object.entries(value)) {
    const isObject = inner !== null && typeof inner === "object";
    if (isObject && UNSAYABLE.some((one) => one.fits([...path, key], inner))) continue;
    const seen = SEEN.find((one) => one.key === key && one.where(path, value));
    if (!seen || (schemaKeeps.has(key) && key !== "has_more")) copy[key] = typed(inner, newest, schemaKeeps, [...path, key]);
  }
  if (newest && schemaKeeps.has("archived") && typeof copy.in_trash === "boolean" && !("archived" in copy)) {
    copy.archived = copy.in_trash;
  }
  return copy;
}

/** Schemas by the name of their type, made when first asked for. */
class Schemas {
  #generator = createGenerator({ path: CLIENT, type: "*", skipTypeCheck: true, topRef: false, additionalProperties: false });
  #ajv = new Ajv({ strict: false, allErrors: true, verbose: false });
  #made = new Map();

  of(type) {
    if (!this.#made.has(type)) {
      const schema = this.#generator.createSchema(type);
      const text = JSON.stringify(schema);
      // Where the type has the key itself, it is not taken away.
      const keeps = new Set(SEEN.map((one) => one.key).filter((key) => text.includes(`"${key}":{`)));
      this.#made.set(type, { schema, check: this.#ajv.compile(schema), keeps });
    }
    return this.#made.get(type);
  }

  /** What is wrong with a value of this type, as a few lines; none if it fits. */
  wrongs(type, value, newest) {
    const { schema, check, keeps } = this.of(type);
    const shown = typed(value, newest, keeps);
    if (check(shown)) return [];
    const found = explain(schema, schema, shown, "");
    return [...new Set(found.length > 0 ? found : ["it does not fit, and no single place can be named"])].slice(0, 4);
  }
}

/** Where a value leaves a schema. Of a union, the branch counts that the value's `type` and `object` point at. */
function explain(root, schema, value, at) {
  if (schema.$ref) return explain(root, root.definitions[decodeURIComponent(schema.$ref.split("/").at(-1))], value, at);
  if (schema.allOf) return schema.allOf.flatMap((part) => explain(root, part, value, at));
  if (schema.anyOf) {
    const found = schema.anyOf.map((branch) => explain(root, branch, value, at));
    const mark = (lines) => lines.filter((line) => new RegExp(`^${at.replace(/[^\w/]/g, "\\$&")}/(type|object) `).test(line)).length;
    return found.reduce((best, lines) => (mark(lines) - mark(best) || lines.length - best.length) < 0 ? lines : best);
  }
  if (schema.not) return [`${at} must not be there`];
  if ("const" in schema) return value === schema.const ? [] : [`${at} is not ${JSON.stringify(schema.const)}`];
  if (schema.enum) return schema.enum.includes(value) ? [] : [`${at} is ${JSON.stringify(value)}, none of its words`];
  const is = value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
  const kinds = [schema.type ?? is].flat();
  if (!kinds.includes(is) && !(is === "number" && kinds.includes("integer"))) return [`${at} is ${is}, not ${kinds}`];
  if (is === "array") return value.flatMap((item, place) => explain(root, schema.items ?? {}, item, `${at}/${place}`));
  if (is !== "object") return [];
  const known = schema.properties ?? {};
  const missing = (schema.required ?? []).filter((key) => !(key in value)).map((key) => `${at}/${key} is missing`);
  const wrong = Object.entries(value).flatMap(([key, inner]) => {
    if (key in known) return explain(root, known[key], inner, `${at}/${key}`);
    if (schema.additionalProperties === false) return [`${at}/${key} is not in the type`];
    return typeof schema.additionalProperties === "object" ? explain(root, schema.additionalProperties, inner, `${at}/${key}`) : [];
  });
  return [...missing, ...wrong];
}

function errorWrongs({ status, response }) {
  const wrongs = [];
  const keys = Object.keys(response);
  const order = ["object", "status", "code", "message", "additional_data", "request_id"];
  if (response.object !== "error") wrongs.push("object is not `error`");
  if (response.status !== status) wrongs.push(`status in the body is ${response.status}`);
  if (!ERROR_CODES.has(response.code)) wrongs.push(`code ${response.code} is none of Notion's`);
  if (typeof response.message !== "string" || response.message === "") wrongs.push("there is no message");
  if (!UUID.test(response.request_id ?? "")) wrongs.push("there is no request_id");
  if (keys.join() !== order.filter((key) => key in response).join()) wrongs.push(`keys are ${keys.join()}`);
  for (const [key, value] of Object.entries(response.additional_data ?? {})) {
    const plain = typeof value === "string" || (Array.isArray(value) && value.every((item) => typeof item === "string"));
    if (!plain) wrongs.push(`additional_data.${key} is neither a text nor a list of texts`);
  }
  return wrongs;
}

function* exchanges(places) {
  for (const place of places) {
    const files = statSync(place).isDirectory()
      ? readdirSync(place).filter((name) => name.endsWith(".jsonl")).map((name) => join(place, name))
      : [place];
    for (const file of files) {
      for (const line of readFileSync(file, "utf8").split("\n")) if (line) yield JSON.parse(line);
    }
  }
}

function main(args) {
  const all = args.includes("--all");
  const schemas = new Schemas();
  const seen = new Map(ENDPOINTS.map((endpoint) => [endpoint, { good: 0, bad: 0 }]));
  const complaints = new Map();
  let checked = 0;
  let untyped = 0;
  for (const exchange of exchanges(args.filter((arg) => arg !== "--all"))) {
    const { method, path, status, response, notion_version: version } = exchange;
    const [address] = path.split("?");
    const endpoint = ENDPOINTS.find((one) => one.method === method && one.fits.test(address));
    let wrongs;
    if (response === null || typeof response !== "object" || "_text" in response) {
      untyped += 1;
      continue;
    } else if (status >= 400) {
      wrongs = errorWrongs(exchange);
      if (endpoint) seen.get(endpoint).bad += status === 501 ? 0 : 1;
    } else if (UNTYPED.some((one) => one.method === method && one.fits.test(address)) || !endpoint) {
      if (!endpoint && !UNTYPED.some((one) => one.method === method && one.fits.test(address))) {
        wrongs = ["the client has no such method"];
      } else {
        untyped += 1;
        continue;
      }
    } else {
      seen.get(endpoint).good += 1;
      // Older versions answer in shapes of their own, which the client's types do not describe.
      if (version !== TYPED_VERSION && version !== NEWEST_VERSION) {
        untyped += 1;
        continue;
      }
      wrongs = schemas.wrongs(status === 202 ? LATER : endpoint.type, response, version === NEWEST_VERSION);
    }
    checked += 1;
    for (const wrong of wrongs) {
      const key = `${method} ${endpoint?.path ?? address} ${status} (${version}): ${wrong.replace(/\/\d+/g, "/n").replace(/properties\/[^/]+/g, "properties/…")}`;
      if (!complaints.has(key)) complaints.set(key, { count: 0, example: exchange });
      complaints.get(key).count += 1;
    }
  }
  for (const [key, { count, example }] of complaints) {
    console.error(`${key}  (${count} times)\n    ${JSON.stringify(example.response).slice(0, 400)}`);
  }
  const missing = ENDPOINTS.filter((endpoint) => seen.get(endpoint).good === 0 || seen.get(endpoint).bad === 0);
  for (const { method, path } of all ? missing : []) {
    const { good, bad } = seen.get(ENDPOINTS.find((one) => one.method === method && one.path === path));
    console.error(`${method} ${path}: ${good} good answers and ${bad} errors were seen`);
  }
  console.log(
    `${checked} answers checked against the types, ${untyped} of shapes without one; ${complaints.size} complaints; ` +
      `${ENDPOINTS.length - missing.length} of ${ENDPOINTS.length} methods seen in success and in error`,
  );
  return complaints.size === 0 && checked > 0 && !(all && missing.length > 0) ? 0 : 1;
}

process.exitCode = main(process.argv.slice(2));
