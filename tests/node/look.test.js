// Every page of the gateway, the emulator and the sample app, with names and words that are far too long: nothing overflows, and
// axe finds nothing, at 390 and 1280 pixels, light and dark.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { chromium, lookAt, send } from "./pages.js";
import { Browser, api, demo } from "./support.js";

const LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft".repeat(2);
const URL_LONG = `https://example.com/${"a-path-without-an-end/".repeat(8)}?q=${"x".repeat(90)}`;
const text = (content) => [{ text: { content } }];

/** A world of long names. */
const SEED = {
  people: [
    { name: `Ada ${LONG}`, email: `ada.${"long".repeat(15)}@example.com` },
    { name: "Bo", email: "bo@example.com" },
  ],
  workspaces: [
    {
      name: `Workspace ${LONG}`,
      members: [`ada.${"long".repeat(15)}@example.com`, "bo@example.com"],
      pages: [
        {
          icon: { emoji: "🧭" },
          properties: { title: { title: text(`Handbook ${LONG}`) } },
          children: [
            { type: "heading_3", heading_3: { rich_text: text("A page that begins with its smallest heading") } },
            { type: "heading_1", heading_1: { rich_text: text(LONG) } },
            { type: "heading_3", heading_3: { rich_text: text("Two levels down at once") } },
            { type: "paragraph", paragraph: { rich_text: text(URL_LONG) } },
            { type: "paragraph", paragraph: { rich_text: [{ text: { content: URL_LONG, link: { url: URL_LONG } } }] } },
            { type: "to_do", to_do: { rich_text: text(`Order ${LONG}`), checked: false } },
            { type: "to_do", to_do: { rich_text: text("Done long ago"), checked: true } },
            { type: "to_do", to_do: { rich_text: [], checked: false } },
            { type: "quote", quote: { rich_text: text(LONG) } },
            { type: "callout", callout: { rich_text: text(LONG), icon: { emoji: "💡" } } },
            { type: "code", code: { rich_text: text(`let x = "${LONG}";`), language: "rust" } },
            { type: "bulleted_list_item", bulleted_list_item: { rich_text: text(LONG) } },
            { type: "numbered_list_item", numbered_list_item: { rich_text: text(LONG) } },
            { type: "paragraph", paragraph: { rich_text: text("漢字とかな交じりの文章 שלום עולם مرحبا بالعالم 👩‍👩‍👧‍👦🧑🏽‍🚀") } },
          ],
          pages: [
            {
              properties: { title: { title: text("Below") } },
              pages: [{ properties: { title: { title: text(LONG) } } }],
            },
          ],
          databases: [
            {
              title: text("Tracker"),
              initial_data_source: {
                properties: {
                  Name: { title: {} },
                  Status: { select: { options: [{ name: "In progress" }, { name: LONG.slice(0, 90) }] } },
                  Due: { date: {} },
                  Owner: { people: {} },
                  Price: { number: {} },
                  Paid: { checkbox: {} },
                },
              },
              rows: [
                {
                  properties: {
                    Name: { title: text("Order chairs for the room upstairs") },
                    Status: { select: { name: "In progress" } },
                    Due: { date: { start: "2026-11-28", end: "2026-12-03" } },
                    Price: { number: 1234567.5 },
                    Paid: { checkbox: true },
                  },
                },
                {
                  properties: {
                    Name: { title: text(LONG) },
                    Status: { select: { name: LONG.slice(0, 90) } },
                    Due: { date: { start: "2026-11-28T09:30:00.000+00:00" } },
                    Price: { number: 7 },
                  },
                },
                { properties: { Name: { title: [] } } },
              ],
            },
          ],
        },
        { properties: { title: { title: text("Elsewhere") } } },
      ],
    },
  ],
};

let run;
let browser;

before(async () => {
  run = await demo();
  browser = await chromium();
  const reset = await fetch(`${run.facts.emulator_url}/_emulator/reset`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(SEED),
  });
  assert.equal(reset.status, 204, await reset.text());
});
after(async () => {
  await browser?.close();
  await run?.stop();
});

/** A tab of a person of their own. */
async function tab() {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  await page.setViewport({ width: 1280, height: 900 });
  return page;
}

const press = (page, selector) => Promise.all([page.waitForNavigation(), page.click(selector)]);

/** Begins in the same tab. */
async function begin(page) {
  await page.goto(run.facts.app_url);
  await page.$eval("form[action='/connect']", (form) => form.removeAttribute("target"));
  await press(page, "form[action='/connect'] button");
}

async function link(facts, endUser) {
  const minted = await api(facts, "POST", "/api/connect-sessions", { end_user: endUser, return_url: facts.return_url });
  return minted.body;
}

test("the gateway's pages", async () => {
  const page = await tab();
  const { gateway_url: gateway, app_url: app, client_id: client } = run.facts;
  const wayBack = () => page.$$eval(".way a", (links) => links.map((link) => link.href));
  const authorize = (query) => `${gateway}/v1/oauth/authorize?${new URLSearchParams(query)}`;
  const used = new Browser();
  const { url: usedLink } = await link(run.facts, "look-used");
  await api(run.facts, "POST", "/api/connections", { end_user: "look-used", code: new URL(await used.consent(usedLink)).searchParams.get("code") });
  const { url: crowded } = await link(run.facts, "look-crowded");
  for (let times = 0; times < 5; times += 1) await new Browser().open(crowded);
  const cases = {
    "gateway-home": [gateway, 200, []],
    "gateway-404": [`${gateway}/nowhere`, 404, [`${app}/`]],
    "gateway-link-unknown": [`${gateway}/connect/never-minted`, 404, [`${app}/`]],
    "gateway-link-used": [usedLink, 410, [`${app}/`]],
    "gateway-too-many": [crowded, 429, [`${app}/`]],
    "gateway-client-unknown": [authorize({ client_id: "nobody", redirect_uri: "https://evil.example/", response_type: "code", state: "s".repeat(32) }), 400, [`${app}/`]],
    "gateway-redirect-unknown": [authorize({ client_id: client, redirect_uri: "https://evil.example/", response_type: "code", state: "s".repeat(32) }), 400, [`${app}/`]],
    "gateway-authorize-invalid": [authorize({}), 400, [`${app}/`]],
    "gateway-state-unknown": [`${gateway}/callback/demo?code=a&state=never-made`, 400, [`${app}/`]],
  };
  for (const [name, [url, status, ways]] of Object.entries(cases)) {
    const answer = await page.goto(url);
    assert.equal(answer.status(), status, name);
    assert.deepEqual(await wayBack(), ways, name);
    if (status >= 400) assert.ok(await page.$("main.stop [role=alert] h1, main.calm [role=status] h1"), name);
    await lookAt(page, name);
  }
  const answer = await send(page, `${gateway}/connect/never-minted`);
  assert.equal(answer.status(), 405);
  await lookAt(page, "gateway-405");
  await page.browserContext().close();
});

test("the way back to an app with an address without end", async () => {
  const away = `https://${"a-long-name-".repeat(5)}x.${"another-long-one-".repeat(3)}x.example:8443`;
  const other = await demo("--return-url", `${away}/return`);
  try {
    const minted = await api(other.facts, "POST", "/api/connect-sessions", { end_user: "away", return_url: `${away}/return` });
    for (let times = 0; times < 5; times += 1) await new Browser().open(minted.body.url);
    const page = await tab();
    const answer = await page.goto(minted.body.url);
    assert.equal(answer.status(), 429);
    assert.equal(await page.$eval(".way a", (link) => link.href), `${away}/`);
    await lookAt(page, "gateway-long-address");
    // With two places to go back to, a page that knows of neither chooses none.
    await page.goto(`${other.facts.gateway_url}/nowhere`);
    assert.equal(await page.$(".way a"), null);
    await page.browserContext().close();
  } finally {
    await other.stop();
  }
});

test("the emulator's pages", async () => {
  const page = await tab();
  const { emulator_url: emulator, gateway_url: gateway, client_id: client } = run.facts;
  await page.goto(emulator);
  await lookAt(page, "emulator-home");
  await page.goto(`${emulator}/nowhere`);
  await lookAt(page, "emulator-404");
  const asked = new URLSearchParams({ client_id: client, redirect_uri: `${gateway}/callback/demo`, response_type: "code", owner: "user" });
  const authorize = `${emulator}/v1/oauth/authorize`;
  await page.goto(`${authorize}?${asked}`);
  await lookAt(page, "emulator-log-in");
  await press(page, "button.yes");
  await lookAt(page, "emulator-choose");
  await press(page, "button.yes");
  await lookAt(page, "emulator-pick");
  for (const [name, wrong] of [["client", { client_id: `nobody-${LONG}` }], ["redirect", { redirect_uri: URL_LONG }]]) {
    const answer = await page.goto(`${authorize}?${new URLSearchParams({ ...Object.fromEntries(asked), ...wrong })}`);
    assert.equal(answer.status(), 400);
    const links = await page.$$eval("main a", (links) => links.map((link) => link.href));
    assert.ok(links.every((link) => link.startsWith(emulator)), "an unregistered address is never linked to");
    await lookAt(page, `emulator-problem-${name}`);
  }
  const answer = await send(page, authorize, { body: asked.toString(), headers: { origin: emulator, "sec-fetch-site": "same-origin" } });
  assert.equal(answer.status(), 400);
  await lookAt(page, "emulator-problem-form");
  // It is no dead end: the request itself was sound.
  await Promise.all([page.waitForNavigation(), page.click("a.yes")]);
  assert.ok(await page.$("input[name=person]"));
  await page.browserContext().close();
});

test("the sample app's pages", async () => {
  const page = await tab();
  const { app_url: app } = run.facts;
  await page.goto(app);
  await lookAt(page, "app-home");
  await begin(page);
  await page.goto(app);
  await page.waitForSelector("#flow:not([hidden])");
  await lookAt(page, "app-begun");
  for (const [name, path, status] of [
    ["app-404", "/nowhere", 404],
    ["app-405", "/connect", 405],
    ["app-code-unknown", "/connected?code=abc", 400],
    ["app-error-unknown", "/connected?error=foo", 400],
    ["app-twice", "/connected?code=a&code=b", 400],
  ]) {
    const answer = await page.goto(app + path);
    assert.equal(answer.status(), status, name);
    await lookAt(page, name);
  }
  const foreign = await send(page, `${app}/connect`, { headers: { origin: "https://evil.example", "sec-fetch-site": "cross-site" } });
  assert.equal(foreign.status(), 403);
  await lookAt(page, "app-403");

  await begin(page);
  await press(page, "button[name=cancel]");
  await lookAt(page, "app-cancelled");

  await begin(page);
  for (let screens = 0; screens < 3; screens += 1) await press(page, "button.yes");
  assert.equal(new URL(page.url()).pathname, "/pages");
  await lookAt(page, "app-pages");
  const open = async (name) => {
    const found = await page.waitForSelector(`::-p-xpath(//a[contains(., ${JSON.stringify(name)})])`);
    await Promise.all([page.waitForNavigation(), found.click()]);
  };
  await open("Handbook");
  await lookAt(page, "app-page");
  const levels = await page.$$eval("h1, h2, h3, h4", (all) => all.map((one) => Number(one.tagName[1])));
  assert.ok(levels.every((level, at) => at === 0 || level <= levels[at - 1] + 1), `${levels}`);
  await page.goto(`${app}/pages`);
  await open("Tracker");
  await lookAt(page, "app-table");
  await open("Order chairs");
  await lookAt(page, "app-row");
  await page.goto(`${app}/pages/not-an-id`);
  await lookAt(page, "app-502");
  await page.goto(app);
  await page.waitForSelector("#flow:not([hidden])");
  await lookAt(page, "app-connected");
  await page.goto(`${app}/connected?error=foo`);
  await lookAt(page, "app-still-connected");
  await press(page, "form[action='/disconnect'] button").catch(async () => {
    await page.goto(app);
    await press(page, "form[action='/disconnect'] button");
  });
  await lookAt(page, "app-disconnected");
  await page.browserContext().close();
});
