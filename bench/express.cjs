// What people write by hand: an Express server that puts the user's token on the call and passes the answer on.
// EXPRESS names the folder that has Express installed, UPSTREAM is Notion.

const { createRequire } = require("node:module");
const express = createRequire(`${process.env.EXPRESS}/package.json`)("express");

const tokens = new Map([["vst_bench", "ntn_express"]]);
const app = express();
app.use(express.text({ type: "*/*", limit: "1mb" }));

app.all("/v1/*rest", async (request, response) => {
  const token = tokens.get((request.headers.authorization ?? "").slice("Bearer ".length));
  if (!token) return response.status(401).end();
  const answer = await fetch(process.env.UPSTREAM + request.originalUrl, {
    method: request.method,
    headers: {
      authorization: `Bearer ${token}`,
      "notion-version": request.headers["notion-version"],
      "content-type": "application/json",
    },
    body: request.method === "GET" ? undefined : request.body,
  });
  response.status(answer.status).type("application/json").send(await answer.text());
});

const server = app.listen(0, "127.0.0.1", () => console.log(server.address().port));
