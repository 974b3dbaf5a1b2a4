// The way through without a mouse, without a script, without eyes: by keyboard alone, with what a screen reader is told, and
// without JavaScript.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { chromium } from "./pages.js";
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

async function tab({ javascript = true, width = 1100 } = {}) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  await page.setJavaScriptEnabled(javascript);
  await page.setViewport({ width, height: 800 });
  return page;
}

/** The tab that pressing Connect opens. */
function opened(page) {
  return new Promise((found) => page.browserContext().once("targetcreated", (target) => found(target.page())));
}

/** Says yes on all three screens. */
async function allow(consent) {
  for (let screens = 0; screens < 3; screens += 1) await Promise.all([consent.waitForNavigation(), consent.click("button.yes")]);
}

/** What has the focus: whether it is the element that is meant, and whether one sees that it has it. */
const focused = (page, selector) =>
  page.evaluate((selector) => {
    const element = document.activeElement;
    const style = getComputedStyle(element);
    return { there: element.matches(selector), seen: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2, html: element.outerHTML.slice(0, 120) };
  }, selector);

/** Presses Tab until the focus is where it should be; it is seen all the way. */
async function tabTo(page, selector) {
  for (let times = 0; times < 40; times += 1) {
    await page.keyboard.press("Tab");
    const now = await focused(page, selector);
    if (now.html.startsWith("<body")) continue;
    assert.ok(now.seen, `the focus cannot be seen on ${now.html}`);
    if (now.there) return;
  }
  assert.fail(`${selector} is not reached by Tab`);
}

const enter = (page) => Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);

test("a person without a mouse connects, ticks a to-do and disconnects", async () => {
  const page = await tab();
  await page.goto(run.facts.app_url);
  await tabTo(page, "form[action='/connect'] button");
  const soon = opened(page);
  await page.keyboard.press("Enter");
  const consent = await soon;
  await consent.bringToFront();
  await consent.waitForSelector("button.yes");
  await tabTo(consent, "input[name=person]");
  await tabTo(consent, "button.yes");
  await enter(consent);
  await tabTo(consent, "input[name=workspace]");
  await tabTo(consent, "button.yes");
  await enter(consent);
  await tabTo(consent, "input[name=page]:checked");
  await tabTo(consent, "button.yes");
  await enter(consent);
  assert.equal(new URL(consent.url()).pathname, "/pages");
  await tabTo(consent, ".entries a");
  await consent.goto(`${run.facts.app_url}/pages`);
  const home = await consent.$$eval(".entries a", (links) => links.find((link) => link.textContent.includes("Product home")).getAttribute("href"));
  await tabTo(consent, `a[href='${home}']`);
  await enter(consent);
  await tabTo(consent, ".tick[aria-checked=false]");
  const name = await consent.evaluate(() => document.getElementById(document.activeElement.getAttribute("aria-labelledby")).textContent);
  await Promise.all([consent.waitForNavigation(), consent.keyboard.press("Space")]);
  const flat = (node) => [node, ...(node.children ?? []).flatMap(flat)];
  const boxes = flat(await consent.accessibility.snapshot()).filter(({ role }) => role === "checkbox");
  assert.ok(boxes.some((box) => box.name === name.trim() && box.checked === true), JSON.stringify(boxes));
  assert.ok(boxes.every((box) => box.name && !/^(Un)?tick/i.test(box.name)), JSON.stringify(boxes));
  // Where one was, one goes on: the next Tab is not at the top of the page again.
  await consent.keyboard.press("Tab");
  assert.ok((await focused(consent, ".block *")).there);
  await tabTo(consent, "#text");
  await consent.goto(run.facts.app_url);
  await tabTo(consent, "form[action='/disconnect'] button");
  await enter(consent);
  assert.match(await consent.$eval("[role=status]", (notice) => notice.textContent), /^Disconnected/);
  await page.browserContext().close();
});

test("targets are large enough for a finger", async () => {
  const page = await tab({ width: 390 });
  const small = () =>
    page.$$eval("button, select, textarea, a.button, a.quiet, nav a, .entries a, .child", (all) =>
      all.map((one) => [one.outerHTML.slice(0, 80), one.getBoundingClientRect()]).filter(([, { width, height }]) => height < 43.5 || width < 43.5).map(([html]) => html));
  await page.goto(run.facts.app_url);
  assert.deepEqual(await small(), []);
  await page.$eval("form[action='/connect']", (form) => form.removeAttribute("target"));
  await Promise.all([page.waitForNavigation(), page.click("form[action='/connect'] button")]);
  for (let screens = 0; screens < 3; screens += 1) {
    assert.deepEqual(await small(), []);
    const rows = await page.$$eval("label", (labels) => labels.map((label) => label.getBoundingClientRect().height));
    assert.ok(rows.every((height) => height >= 40), `${rows}`);
    await Promise.all([page.waitForNavigation(), page.click("button.yes")]);
  }
  assert.deepEqual(await small(), []);
  await page.goto(page.url() + (await page.$eval(".entries a[href^='/pages/']", (link) => link.getAttribute("href").slice("/pages".length))));
  assert.deepEqual(await small(), []);
  await page.browserContext().close();
});

test("what a ticked page brings along looks ticked and cannot be changed, without JavaScript", async () => {
  const page = await tab({ javascript: false });
  await page.goto(run.facts.app_url);
  const soon = opened(page);
  await page.click("form[action='/connect'] button");
  const consent = await soon;
  await consent.setJavaScriptEnabled(false);
  await consent.bringToFront();
  await consent.waitForSelector("button.yes");
  for (let screens = 0; screens < 2; screens += 1) await Promise.all([consent.waitForNavigation(), consent.click("button.yes")]);
  const below = () =>
    consent.$$eval(".pages > li:first-child ul li", (lines) =>
      lines.map((line) => {
        const shown = (selector) => getComputedStyle(line.querySelector(selector)).display !== "none";
        return { box: shown("input"), carried: shown(".carried"), said: line.innerText.includes("included") };
      }));
  let lines = await below();
  assert.ok(lines.length >= 2);
  assert.ok(lines.every(({ box, carried, said }) => !box && carried && said), JSON.stringify(lines));
  // A click, or a key, on what is included does nothing.
  await consent.click(".pages > li:first-child ul label", { offset: { x: 5, y: 5 } });
  assert.equal(await consent.$$eval("input[name=page]:checked", (boxes) => boxes.length), 1);
  // Without the page each is its own choice again; one that is ticked brings along what is below it, and no more.
  await consent.click(".pages > li:first-child > label input");
  lines = await below();
  assert.ok(lines.every(({ box, carried, said }) => box && !carried && !said), JSON.stringify(lines));
  await consent.click(".pages > li:first-child ul input");
  assert.equal(await consent.$$eval("input[name=page]:checked", (boxes) => boxes.length), 1);
  assert.ok((await below()).filter(({ carried }) => carried).length < lines.length);
  const title = await consent.$eval(".pages > li:first-child ul .title", (title) => title.firstChild.textContent.trim());
  await Promise.all([consent.waitForNavigation(), consent.click("button.yes")]);
  const shared = await consent.$$eval(".entries .name", (names) => names.map((name) => name.textContent));
  assert.ok(shared.includes(title), `${title} of ${shared}`);
  assert.ok(!shared.includes("Product home"), `${shared}`);
  await page.browserContext().close();
});

test("without JavaScript the first tab promises nothing that does not come, and shows what happened when asked", async () => {
  const page = await tab({ javascript: false });
  await page.goto(run.facts.app_url);
  const words = () => page.$eval("main", (main) => main.innerText);
  assert.doesNotMatch(await words(), /watch|Keep this one in sight/);
  assert.match(await words(), /Without JavaScript this tab cannot follow/);
  const soon = opened(page);
  await page.click("form[action='/connect'] button");
  const consent = await soon;
  await consent.waitForSelector("button.yes");
  await page.bringToFront();
  const look = () => Promise.all([page.waitForNavigation(), page.click("noscript a")]);
  await look();
  assert.match(await page.$eval("#flow img", (image) => image.alt), /^Outcome: went to notion/);
  assert.ok(await page.$eval("#flow img", (image) => image.naturalWidth > 0));
  assert.equal(await page.$("meta[http-equiv=refresh]"), null, "nothing reloads under somebody who reads");
  await consent.bringToFront();
  await consent.setJavaScriptEnabled(false);
  await allow(consent);
  await page.bringToFront();
  await look();
  assert.match(await words(), /Your workspace is connected/);
  await page.browserContext().close();
});

test("with JavaScript the promise is made and kept", async () => {
  const page = await tab();
  await page.goto(run.facts.app_url);
  await page.waitForFunction(() => document.querySelector("main").innerText.includes("Keep this one in sight"), { polling: 50 });
  assert.doesNotMatch(await page.$eval("main", (main) => main.innerText), /Without JavaScript/);
  const alt = (pattern) => page.waitForFunction((pattern) => new RegExp(pattern).test(document.querySelector("#flow img").alt), { polling: 100 }, pattern);
  const first = opened(page);
  await page.click("form[action='/connect'] button");
  const one = await first;
  await one.waitForSelector("button[name=cancel]");
  await alt("^Outcome: went to notion");
  await one.bringToFront();
  await Promise.all([one.waitForNavigation(), one.click("button[name=cancel]")]);
  await page.bringToFront();
  await alt("^Outcome: access denied");
  const cancelled = await page.$eval("#flow img", (image) => image.src);
  // A second attempt takes the first one's place, though it has fewer steps.
  const second = opened(page);
  await page.click("form[action='/connect'] button");
  const two = await second;
  await two.waitForSelector("button.yes");
  await page.bringToFront();
  await alt("^Outcome: went to notion");
  assert.notEqual(await page.$eval("#flow img", (image) => image.src), cancelled);
  await page.browserContext().close();
});

test("a table keeps its dates and states whole, its numbers to the right, and scrolls by itself", async () => {
  const page = await tab({ width: 390 });
  await page.goto(run.facts.app_url);
  await page.$eval("form[action='/connect']", (form) => form.removeAttribute("target"));
  await Promise.all([page.waitForNavigation(), page.click("form[action='/connect'] button")]);
  await allow(page);
  await page.goto(run.facts.app_url + (await page.$eval(".entries a[href^='/tables/']", (link) => link.getAttribute("href"))));
  for (const width of [390, 700, 1280]) {
    await page.setViewport({ width, height: 800 });
    const facts = await page.evaluate(() => {
      const lines = (element) => new Set([...element.getClientRects()].map(({ top }) => Math.round(top))).size;
      const whole = (selector) => [...document.querySelectorAll(selector)].every((one) => lines(one) <= 1);
      return {
        page: document.documentElement.scrollWidth - document.documentElement.clientWidth,
        table: document.querySelector(".scroll").scrollWidth - document.querySelector(".scroll").clientWidth,
        dates: whole("td.date .value > span"),
        states: whole("td.status .value > span, td.select .value > span"),
        many: document.querySelectorAll("td.date .value > span").length,
        numbers: [...document.querySelectorAll(".number")].map((cell) => getComputedStyle(cell).textAlign),
        reachable: document.querySelector(".scroll").tabIndex,
      };
    });
    assert.equal(facts.page, 0, "the page does not scroll");
    assert.ok(width > 390 || facts.table > 0, "the table does");
    assert.ok(facts.dates && facts.states && facts.many > 0, JSON.stringify(facts));
    assert.ok(facts.numbers.every((align) => align === "right"));
    assert.equal(facts.reachable, 0);
  }
  await page.browserContext().close();
});
