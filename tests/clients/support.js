// What every library's test needs: a demo to talk to, and a small app around the library where it wants one.

import { once } from "node:events";
import express from "express";
import session from "express-session";
import { Browser, demo, freePort } from "../node/support.js";

export { Browser };

/** A demo, with what a library is told about it. */
export async function vestibule(...flags) {
  const run = await demo(...flags);
  const { gateway_url: url, client_id: clientId, app_secret: clientSecret, return_url: redirectUri } = run.facts;
  const at = (name) => `${url}/v1/oauth/${name}`;
  const [authorize, token, introspect, revoke] = ["authorize", "token", "introspect", "revoke"].map(at);
  return { run, url, clientId, clientSecret, redirectUri, authorize, token, introspect, revoke, stop: () => run.stop() };
}

/** The API as the user of this key: whose bot it is. */
export async function bot(url, key) {
  const answer = await fetch(`${url}/v1/users/me`, { headers: { authorization: `Bearer ${key}` } });
  if (answer.status !== 200) throw new Error(`${answer.status}: ${await answer.text()}`);
  return (await answer.json()).id;
}

/**
 * A demo and an Express app that its redirect URI leads to. `routes` gives the app what the library is for; what `walk`
 * returns is the answer that a person sees who begins at `path`.
 */
export async function withApp(flags, callbackPath, routes) {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const redirectUri = origin + callbackPath;
  const door = { ...(await vestibule("--return-url", redirectUri, ...flags)), origin, redirectUri };
  const app = express();
  app.use(session({ secret: "of this run", resave: false, saveUninitialized: true }));
  await routes(app, door);
  app.use((error, request, response, next) => response.status(502).json({ error: String(error) }));
  const server = app.listen(port, "127.0.0.1");
  await once(server, "listening");
  const browser = new Browser();
  const walk = async (path, options) => follow(browser, await browser.open(origin + path, options));
  const stop = async () => {
    server.close();
    server.closeAllConnections();
    await door.stop();
  };
  return { ...door, browser, walk, stop };
}

/** Follows redirects, consent included, to the page that leads nowhere else. */
async function follow(browser, answer) {
  for (let hops = 0; hops < 20; hops += 1) {
    const location = answer.headers.get("location");
    if (location) answer = await browser.open(new URL(location, answer.url).href);
    else if (new URL(answer.url).pathname === "/v1/oauth/authorize" && answer.status === 200) answer = await browser.submit(answer);
    else return answer;
  }
  throw new Error("it does not end");
}
