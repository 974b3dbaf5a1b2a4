// OAuth libraries that live in a web server: a small app around each, and a person who goes through it.

import assert from "node:assert/strict";
import https from "node:https";
import { connect } from "node:net";
import { test } from "node:test";
import { ExpressAuth, getSession } from "@auth/express";
import Notion from "@auth/express/providers/notion";
import grant from "grant";
import passport from "passport";
import { Strategy as NotionStrategy } from "passport-notion";
import { Strategy as OAuth2Strategy } from "passport-oauth2";
import { bot, withApp } from "./support.js";

/** A strategy in an app of its own: what its verify callback is given is what the person sees. */
async function withPassport(flags, strategy) {
  const own = new passport.Passport();
  return withApp(flags, "/callback", (app, door) => {
    own.use("notion", strategy(door));
    app.use(own.initialize());
    app.get("/login", own.authenticate("notion", { session: false }));
    app.get("/callback", own.authenticate("notion", { session: false }), (request, response) => response.json(request.user));
  });
}

test("passport-oauth2", async () => {
  const strategy = (more) => (door) => {
    const basic = Buffer.from(`${door.clientId}:${door.clientSecret}`).toString("base64");
    const options = {
      authorizationURL: door.authorize,
      tokenURL: door.token,
      clientID: door.clientId,
      clientSecret: door.clientSecret,
      callbackURL: door.redirectUri,
      ...more(`Basic ${basic}`),
    };
    return new OAuth2Strategy(options, (accessToken, refreshToken, params, profile, done) => done(null, { ...params, refreshToken }));
  };
  // Its defaults send the secret in the body and no state; each is told what to set.
  const bare = await withPassport([], strategy(() => ({})));
  try {
    const back = await bare.walk("/login");
    assert.match(new URL(back.url).searchParams.get("error_description"), /state or PKCE is required/);
  } finally {
    await bare.stop();
  }
  const inBody = await withPassport([], strategy(() => ({ state: true })));
  try {
    assert.match((await (await inBody.walk("/login")).json()).error, /HTTP Basic \(client_secret_basic\)/);
  } finally {
    await inBody.stop();
  }
  for (const more of [{ state: true }, { state: true, pkce: true }]) {
    const app = await withPassport([], strategy((Authorization) => ({ ...more, customHeaders: { Authorization } })));
    try {
      const token = await (await app.walk("/login")).json();
      assert.equal(await bot(app.url, token.access_token), token.bot_id);
    } finally {
      await app.stop();
    }
  }
});

test("passport-notion, which sends neither state nor PKCE", async () => {
  // It knows https and the usual port alone. In front of a gateway stands a proxy that ends TLS; here the socket behind it.
  const usual = https.globalAgent;
  const strategy = (door) => {
    https.globalAgent = new https.Agent();
    https.globalAgent.createConnection = () => connect(Number(new URL(door.url).port), "127.0.0.1");
    const options = {
      clientID: door.clientId,
      clientSecret: door.clientSecret,
      callbackURL: door.redirectUri,
      authorizationURL: door.authorize,
      tokenURL: door.token,
    };
    return new NotionStrategy(options, (request, accessToken, refreshToken, oauthData, profile, done) => done(null, oauthData));
  };
  try {
    const refused = await withPassport([], strategy);
    try {
      const back = new URL((await refused.browser.open((await refused.browser.open(`${refused.origin}/login`)).headers.get("location"))).headers.get("location"));
      assert.equal(back.searchParams.get("error"), "invalid_request");
      assert.match(back.searchParams.get("error_description"), /--require-state=false/);
    } finally {
      await refused.stop();
    }
    const app = await withPassport(["--require-state=false"], strategy);
    try {
      const token = await (await app.walk("/login")).json();
      assert.equal(await bot(app.url, token.access_token), token.bot_id);
    } finally {
      await app.stop();
    }
  } finally {
    https.globalAgent = usual;
  }
});

test("Auth.js, whose own Notion provider is led away from api.notion.com", async () => {
  const asked = [];
  const usual = globalThis.fetch;
  globalThis.fetch = (to, options) => {
    const { host } = new URL(to.url ?? to);
    asked.push(host);
    if (host.endsWith("notion.com")) throw new Error("a key was on its way to Notion");
    return usual(to, options);
  };
  const app = await withApp([], "/auth/callback/notion", (app, door) => {
    const userinfo = async ({ tokens }) => {
      const headers = { authorization: `Bearer ${tokens.access_token}`, "notion-version": "2022-06-28" };
      const me = await (await fetch(`${door.url}/v1/users/me`, { headers })).json();
      return me.bot.owner.user;
    };
    const config = {
      trustHost: true,
      secret: "of this run",
      providers: [
        Notion({
          clientId: door.clientId,
          clientSecret: door.clientSecret,
          redirectUri: door.redirectUri,
          authorization: { url: door.authorize, params: { owner: "user" } },
          token: door.token,
          userinfo: { url: `${door.url}/v1/users/me`, request: userinfo },
        }),
      ],
      callbacks: {
        jwt: ({ token, account }) => (account ? { ...token, key: account.access_token, bot: account.bot_id } : token),
        session: ({ session, token }) => ({ ...session, key: token.key, bot: token.bot }),
      },
    };
    app.use("/auth", ExpressAuth(config));
    app.get("/", async (request, response) => response.json(await getSession(request, config)));
  });
  try {
    const { csrfToken } = await (await app.walk("/auth/csrf")).json();
    const body = new URLSearchParams({ csrfToken, callbackUrl: app.origin });
    const home = await (await app.walk("/auth/signin/notion", { method: "POST", body })).json();
    assert.equal(home.user.name, "Ada Lindqvist");
    assert.equal(await bot(app.url, home.key), home.bot);
    assert.ok(asked.length > 0 && asked.every((host) => host.startsWith("127.0.0.1") || host.startsWith("localhost")));
  } finally {
    globalThis.fetch = usual;
    await app.stop();
  }
});

test("grant", async () => {
  const app = await withApp([], "/connect/notion/callback", (app, door) => {
    const notion = {
      key: door.clientId,
      secret: door.clientSecret,
      authorize_url: door.authorize,
      access_url: door.token,
      token_endpoint_auth_method: "client_secret_basic",
      custom_params: { owner: "user" },
      state: true,
      pkce: true,
      callback: "/done",
    };
    app.use(grant.express({ defaults: { origin: door.origin, transport: "session" }, notion }));
    app.get("/done", (request, response) => response.json(request.session.grant.response));
  });
  try {
    const { raw, ...told } = await (await app.walk("/connect/notion")).json();
    assert.equal(told.error, undefined);
    assert.equal(await bot(app.url, told.access_token), raw.bot_id);
  } finally {
    await app.stop();
  }
});
