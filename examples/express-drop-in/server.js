// A back end for a public Notion integration, written for Notion. Set NOTION_BASE_URL to a Vestibule gateway and
// NOTION_CLIENT_SECRET to an app secret minted there, and it runs through Vestibule: not a line changes.

import { randomBytes, timingSafeEqual } from "node:crypto";
import { Client } from "@notionhq/client";
import axios from "axios";
import express from "express";

const {
  NOTION_BASE_URL = "https://api.notion.com",
  NOTION_CLIENT_ID,
  NOTION_CLIENT_SECRET,
  NOTION_REDIRECT_URI,
  PORT = "3000",
} = process.env;

const app = express();

// One browser, one session. A real app keeps these in its own session store.
const sessions = new Map();

app.use((request, response, next) => {
  const id = request.headers.cookie?.match(/(?:^|; )sid=([\w-]{43})(?:;|$)/)?.[1];
  request.session = sessions.get(id);
  if (!request.session) {
    const fresh = randomBytes(32).toString("base64url");
    request.session = {};
    sessions.set(fresh, request.session);
    response.cookie("sid", fresh, { httpOnly: true, sameSite: "lax" });
  }
  next();
});

app.get("/", (request, response) => {
  const link = request.session.token ? `<a href="/pages">Your pages</a>` : `<a href="/login">Connect to Notion</a>`;
  response.send(`<!doctype html><title>Drop-in</title><h1>Drop-in</h1>${link}`);
});

// 1. Off to consent. `state` ties the answer to this browser's session.
app.get("/login", (request, response) => {
  request.session.state = randomBytes(32).toString("base64url");
  const url = new URL("/v1/oauth/authorize", NOTION_BASE_URL);
  url.search = new URLSearchParams({
    client_id: NOTION_CLIENT_ID,
    redirect_uri: NOTION_REDIRECT_URI,
    response_type: "code",
    owner: "user",
    state: request.session.state,
  });
  response.redirect(url.href);
});

// 2. Back with a code: check `state` first, then trade the code for tokens.
app.get("/callback", async (request, response) => {
  const { code, error, state } = request.query;
  const expected = request.session.state;
  delete request.session.state;
  const same = expected && state && expected.length === state.length
    && timingSafeEqual(Buffer.from(expected), Buffer.from(state));
  if (!same) return response.status(400).send("This login was not begun here.");
  if (error) return response.status(400).send(error === "access_denied" ? "You pressed Cancel." : "Notion said no.");

  const { data } = await axios.post(
    `${NOTION_BASE_URL}/v1/oauth/token`,
    { grant_type: "authorization_code", code, redirect_uri: NOTION_REDIRECT_URI },
    { auth: { username: NOTION_CLIENT_ID, password: NOTION_CLIENT_SECRET } },
  );
  request.session.token = data.access_token;
  request.session.workspace = data.workspace_name;
  response.redirect("/pages");
});

// 3. The Notion API as that user, ever after.
app.get("/pages", async (request, response) => {
  if (!request.session.token) return response.redirect("/");
  const notion = new Client({ auth: request.session.token, baseUrl: NOTION_BASE_URL });
  const found = await notion.search({ filter: { property: "object", value: "page" } });
  const titles = found.results.map((page) => {
    const title = Object.values(page.properties).find((property) => property.type === "title");
    return title.title.map((run) => run.plain_text).join("");
  });
  response.json({ workspace: request.session.workspace, titles });
});

app.use((error, request, response, next) => {
  // Never the error itself: axios puts the request, secret and all, into it.
  console.error("failed:", error.response?.status ?? error.code ?? error.name);
  response.status(502).send("Notion could not be reached, or refused. Please try again.");
});

const server = app.listen(Number(PORT), "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${server.address().port}`);
});
