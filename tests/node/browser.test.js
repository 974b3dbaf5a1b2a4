// The demo as a person meets it, in Chromium: the emulator is `localhost`, the gateway 127.0.0.1, so the way back from consent
// is cross-site, as it is from Notion. Pictures of what was seen go to SCREENSHOTS, if that names a folder.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { chromium, picture } from "./pages.js";
import { demo } from "./support.js";

let run;
let browser;

before(async () => {
  run = await demo();
  browser = await chromium();
});
after(async () => {
  await browser?.close();
  await run?.stop();
});

/** A person: their own cookies, and a way to keep pictures. */
async function person({ javascript = true } = {}) {
  const context = await browser.createBrowserContext();
  const tab = async () => {
    const page = await context.newPage();
    await page.setJavaScriptEnabled(javascript);
    await page.setViewport({ width: 1100, height: 800 });
    return page;
  };
  return { context, tab, leave: () => context.close() };
}

const heading = (page) => page.$eval("h1", (h1) => h1.textContent.trim());
/** The tab is in the background meanwhile, where nothing is painted: so it is looked at by the clock. */
const drawn = (page) => page.waitForFunction(
  () => document.querySelector("#flow img")?.naturalWidth > 0 && !document.querySelector("#flow").hidden,
  { polling: 100 },
);
const press = (page, selector) => Promise.all([page.waitForNavigation(), page.click(selector)]);
const link = (page, text) => page.waitForSelector(`::-p-xpath(//a[contains(., ${JSON.stringify(text)})])`);

/** Presses Connect; the tab that opens with the consent's first screen. */
async function beginInNewTab(context, page) {
  const opened = new Promise((found) => context.once("targetcreated", (target) => found(target.page())));
  await page.click("form[action='/connect'] button");
  const consent = await opened;
  await consent.waitForSelector("button.yes");
  return consent;
}

/** Says yes on all three screens. */
async function allow(consent, pictures) {
  for (const name of ["log-in", "choose", "pick"]) {
    if (pictures) await picture(consent, `consent-${name}`);
    await press(consent, "button.yes");
  }
}

test("a person connects, reads, edits and disconnects, and watches the diagram grow", async () => {
  const { context, tab, leave } = await person();
  const page = await tab();
  await page.goto(run.facts.app_url);
  await picture(page, "app-home");

  const consent = await beginInNewTab(context, page);
  await consent.setViewport({ width: 1100, height: 800 });
  // The first tab draws what the second one does.
  await drawn(page);
  await page.bringToFront();
  await picture(page, "diagram-begun");
  await consent.bringToFront();
  const cookies = await consent.cookies(run.facts.gateway_url + "/callback/demo");
  assert.ok(cookies.some((cookie) => cookie.name.startsWith("vst_") && cookie.httpOnly && cookie.sameSite === "Lax"));
  await allow(consent, true);
  assert.equal(new URL(consent.url()).pathname, "/pages");
  assert.equal(await heading(consent), "Shared pages");
  await picture(consent, "app-pages");
  await page.bringToFront();
  // It has noticed by itself that the workspace is connected.
  await link(page, "See your shared pages");
  assert.equal(await page.$("form[action='/connect']"), null);
  await drawn(page);
  await picture(page, "diagram-connected");
  await consent.bringToFront();

  // Open a page, tick a to-do, append a paragraph.
  await (await link(consent, "Product home")).click();
  await consent.waitForSelector(".to_do");
  await picture(consent, "app-page");
  const open = await consent.$$eval(".tick[aria-checked=false]", (ticks) => ticks.length);
  await press(consent, ".tick[aria-checked=false]");
  assert.equal((await consent.$$(".tick[aria-checked=false]")).length, open - 1);
  await consent.type("#text", "Written by a person in a browser.");
  await press(consent, ".append button");
  assert.ok((await consent.$eval("article", (article) => article.textContent)).includes("Written by a person in a browser."));

  // The tracker, filtered.
  await Promise.all([consent.waitForNavigation(), (await link(consent, "Project tracker")).click()]);
  assert.equal(await heading(consent), "📋 Project tracker");
  const all = (await consent.$$("tbody tr")).length;
  await consent.select("#show", "Done");
  await press(consent, ".filter button");
  const done = (await consent.$$("tbody tr")).length;
  assert.ok(done > 0 && done < all, `${done} of ${all}`);
  await picture(consent, "app-table");

  await press(consent, "form[action='/disconnect'] button");
  assert.equal(new URL(consent.url()).pathname, "/");
  assert.match(await consent.$eval("[role=status]", (notice) => notice.textContent), /^Disconnected/);
  await picture(consent, "disconnected");
  // So does the first tab, and no page can be reached any more.
  await page.bringToFront();
  await page.waitForSelector("form[action='/connect']");
  await consent.goto(`${run.facts.app_url}/pages`);
  assert.equal(new URL(consent.url()).pathname, "/");
  await leave();
});

test("a cancelled consent says so, and the diagram shows the step that failed", async () => {
  const { context, tab, leave } = await person();
  const page = await tab();
  await page.goto(run.facts.app_url);
  const consent = await beginInNewTab(context, page);
  await consent.setViewport({ width: 1100, height: 800 });
  await press(consent, "button[name=cancel]");
  assert.equal(await heading(consent), "Nothing was connected");
  const drawing = await consent.evaluate(async () => (await fetch("/flow.svg")).text());
  assert.match(drawing, /Cancelled by the user/);
  assert.doesNotMatch(drawing, /✕/, "a cancel is no alarm");
  await drawn(consent);
  await picture(consent, "cancelled");
  await leave();
});

test("reloading the callback and going back do no harm", async () => {
  const { context, tab, leave } = await person();
  const page = await tab();
  await page.goto(run.facts.app_url);
  const consent = await beginInNewTab(context, page);
  let callback;
  consent.on("request", (request) => {
    if (request.url().includes("/callback/demo")) callback = request.url();
  });
  await allow(consent);
  assert.ok(callback);
  // The same callback again: a neutral page, and the connection lives on.
  const again = await tab();
  const answer = await again.goto(callback);
  assert.equal(answer.status(), 409);
  assert.equal(await heading(again), "This was already handled");
  await picture(again, "callback-again");
  // Back to the consent, and yes once more: its attempt is spent, so nothing changes.
  await consent.bringToFront();
  await consent.goBack();
  await consent.reload();
  await press(consent, "button.yes");
  assert.equal(await heading(consent), "This was already handled");
  await consent.goto(`${run.facts.app_url}/pages`);
  assert.equal(await heading(consent), "Shared pages");
  await leave();
});

test("another browser cannot finish what this one began", async () => {
  const [here, there] = [await person(), await person()];
  const page = await here.tab();
  await page.goto(run.facts.app_url);
  const consent = await beginInNewTab(here.context, page);
  await press(consent, "button.yes");
  await press(consent, "button.yes");
  const stranger = await there.tab();
  await stranger.goto(consent.url());
  await press(stranger, "button.yes");
  assert.equal(await heading(stranger), "Please finish where you began");
  await picture(stranger, "wrong-browser");
  await press(consent, "button.yes");
  assert.equal(await heading(consent), "Shared pages");
  await Promise.all([here.leave(), there.leave()]);
});

test("all of it works without JavaScript, on a narrow screen", async () => {
  const { context, tab, leave } = await person({ javascript: false });
  const page = await tab();
  await page.setViewport({ width: 390, height: 760 });
  await page.goto(run.facts.app_url);
  // One tab: the form opens another, which a person without scripts may as well not have.
  await page.goto(`${run.facts.app_url}/`);
  const opened = new Promise((found) => context.once("targetcreated", (target) => found(target.page())));
  await page.click("form[action='/connect'] button");
  const consent = await opened;
  await consent.setJavaScriptEnabled(false);
  await consent.setViewport({ width: 390, height: 760 });
  await consent.waitForSelector("button.yes");
  for (const name of ["log-in", "choose", "pick"]) {
    await picture(consent, `narrow-${name}`);
    await press(consent, "button.yes");
  }
  assert.equal(await heading(consent), "Shared pages");
  await (await link(consent, "Product home")).click();
  await consent.waitForSelector(".to_do");
  await press(consent, ".tick[aria-checked=false]");
  await picture(consent, "narrow-page");
  await consent.type("#text", "Two lines,\nwithout a script.");
  await press(consent, ".append button");
  assert.ok((await consent.$eval("article", (article) => article.textContent)).includes("Two lines,\nwithout a script."));
  await Promise.all([consent.waitForNavigation(), (await link(consent, "Project tracker")).click()]);
  await consent.select("#show", "Done");
  await press(consent, ".filter button");
  assert.ok((await consent.$$("tbody tr")).length > 0);
  await picture(consent, "narrow-table");
  await Promise.all([consent.waitForNavigation(), (await consent.$("tbody a")).click()]);
  assert.match(await consent.$eval("dl", (facts) => facts.textContent), /Done/);
  await picture(consent, "narrow-row");
  await press(consent, "form[action='/disconnect'] button");
  assert.equal(new URL(consent.url()).pathname, "/");
  await leave();
});

test("a cancelled consent works without JavaScript, and reloading its page too", async () => {
  const { context, tab, leave } = await person({ javascript: false });
  const page = await tab();
  await page.goto(run.facts.app_url);
  const opened = new Promise((found) => context.once("targetcreated", (target) => found(target.page())));
  await page.click("form[action='/connect'] button");
  const consent = await opened;
  await consent.setJavaScriptEnabled(false);
  await consent.waitForSelector("button[name=cancel]");
  await press(consent, "button[name=cancel]");
  assert.equal(await heading(consent), "Nothing was connected");
  const again = await consent.reload();
  assert.equal(again.status(), 400);
  assert.equal(await heading(consent), "Nothing was connected");
  await leave();
});

test("an address that is nowhere is a page, not a blank one", async () => {
  const { tab, leave } = await person();
  const page = await tab();
  const answer = await page.goto(`${run.facts.app_url}/nowhere`);
  assert.equal(answer.status(), 404);
  assert.equal(await heading(page), "There is nothing here");
  await leave();
});
