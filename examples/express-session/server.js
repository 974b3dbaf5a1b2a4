// The session door: this app holds a connection id for each of its users, and never a Notion token.

import { randomBytes } from "node:crypto";
import { Client } from "@notionhq/client";
import express from "express";

const { VESTIBULE_URL, VESTIBULE_API_KEY, RETURN_URL, PORT = "3000" } = process.env;

/** A call of Vestibule's HTTP API. */
async function vestibule(method, path, body) {
  const headers = { authorization: `Bearer ${VESTIBULE_API_KEY}`, "content-type": "application/json" };
  const answer = await fetch(VESTIBULE_URL + path, { method, headers, body: body && JSON.stringify(body) });
  const result = answer.status === 204 ? null : await answer.json();
  if (!answer.ok) throw new Error(result.detail);
  return result;
}

const app = express();

// The app's own login. Here every browser is a user; a real app knows who is there.
const users = new Map();
app.use((request, response, next) => {
  let id = request.headers.cookie?.match(/(?:^|; )user=([\w-]{22})(?:;|$)/)?.[1];
  if (!users.has(id)) {
    id = randomBytes(16).toString("base64url");
    users.set(id, { id });
    response.cookie("user", id, { httpOnly: true, sameSite: "lax" });
  }
  request.user = users.get(id);
  next();
});

app.get("/", (request, response) => {
  const connect = `<form method="post" action="/connect"><button>Connect to Notion</button></form>`;
  const connected = `<a href="/pages">Your pages</a>`;
  response.send(`<!doctype html><title>Session door</title>${request.user.connection ? connected : connect}`);
});

// 1. Mint a link for the user who is logged in here, and send them there.
app.post("/connect", async (request, response) => {
  const session = await vestibule("POST", "/api/connect-sessions", { end_user: request.user.id, return_url: RETURN_URL });
  response.redirect(303, session.url);
});

// 2. They come back with a code. Redeem it for the user of *this* session: only equality makes the connection theirs.
app.get("/return", async (request, response) => {
  const { code, error } = request.query;
  if (error) return response.status(400).send(error === "access_denied" ? "You pressed Cancel." : "That did not work.");
  const connection = await vestibule("POST", "/api/connections", { code, end_user: request.user.id });
  request.user.connection = connection.id;
  response.redirect("/pages");
});

// 3. The Notion API as that user: the official SDK, with the connection's base URL and the app's own key.
app.get("/pages", async (request, response) => {
  const { connection } = request.user;
  if (!connection) return response.redirect("/");
  const notion = new Client({ auth: VESTIBULE_API_KEY, baseUrl: `${VESTIBULE_URL}/notion/${connection}` });
  const found = await notion.search({ filter: { property: "object", value: "page" } });
  const plain = (page) => Object.values(page.properties).find((property) => property.type === "title").title;
  response.json(found.results.map((page) => plain(page).map((run) => run.plain_text).join("")));
});

app.use((error, request, response, next) => {
  console.error("failed:", error.message);
  response.status(502).send("That did not work. Please try again.");
});

const server = app.listen(Number(PORT), "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${server.address().port}`);
});
