// A page as people with other eyes, screens and hands meet it: narrow and wide, light and dark, judged by axe, and kept as pictures.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import axe from "axe-core";
import puppeteer from "puppeteer-core";

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const SCREENSHOTS = process.env.SCREENSHOTS;
const WIDTHS = [390, 1280];
const SCHEMES = ["light", "dark"];

/** A Chromium without a sandbox (it may run as root), without calls home. */
export function chromium() {
  return puppeteer.launch({
    executablePath: CHROMIUM,
    headless: true,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--force-color-profile=srgb",
    ],
  });
}

/** Keeps a picture, if somebody wants pictures. */
export async function picture(page, name) {
  if (!SCREENSHOTS) return;
  await mkdir(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: `${SCREENSHOTS}/${name}.png`, fullPage: true });
}

/** What axe finds, one line a finding; every rule is asked, those about the size of targets too. */
async function findings(page) {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => window.axe.run(document, { rules: { "target-size": { enabled: true } }, resultTypes: ["violations"] }));
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)}: ${failureSummary.replaceAll("\n", " ")}`));
}

/** How far the page is wider than its window, in pixels; and what in it is. Text counts as drawn, not only as boxes. */
function overflow(page) {
  return page.evaluate(() => {
    const wide = document.documentElement.clientWidth;
    const scrolls = (element) => element && (["auto", "scroll"].includes(getComputedStyle(element).overflowX) || scrolls(element.parentElement));
    const out = [...document.body.querySelectorAll("*")].filter((element) => {
      const { right, width, height } = element.getBoundingClientRect();
      return width > 0 && height > 0 && right > wide + 1 && !scrolls(element);
    });
    return {
      page: document.documentElement.scrollWidth - wide,
      elements: out.slice(0, 3).map((element) => element.outerHTML.slice(0, 120)),
    };
  });
}

/** Looks at the page that is open: at each width, light and dark. `what` names it in pictures and complaints. */
export async function lookAt(page, what) {
  const complaints = [];
  for (const width of WIDTHS) {
    for (const scheme of SCHEMES) {
      await page.setViewport({ width, height: width < 500 ? 800 : 900 });
      await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
      // A picture that depends on the width is fetched anew.
      await page.waitForFunction(() => [...document.images].every((image) => image.complete), { polling: 50 });
      await picture(page, `${what}-${width}-${scheme}`);
      const out = await overflow(page);
      if (out.page > 0 || out.elements.length > 0) complaints.push(`${what} at ${width}: ${JSON.stringify(out)}`);
      complaints.push(...(await findings(page)).map((finding) => `${what} at ${width}, ${scheme}: ${finding}`));
    }
  }
  const facts = await page.evaluate(() => ({ lang: document.documentElement.lang, title: document.title, h1: document.querySelectorAll("h1").length }));
  assert.equal(facts.lang, "en", what);
  assert.ok(facts.title.length > 3, what);
  assert.equal(facts.h1, 1, `${what}: one heading says what the page is`);
  assert.deepEqual(complaints, []);
}

/** Opens an address with another method than GET, as a form of somewhere would. */
export async function send(page, url, { method = "POST", body = "", headers = {} } = {}) {
  await page.setRequestInterception(true);
  const once = (request) => {
    if (request.isNavigationRequest() && request.url() === url) {
      request.continue({ method, postData: body, headers: { ...request.headers(), "content-type": "application/x-www-form-urlencoded", ...headers } });
    } else {
      request.continue();
    }
  };
  page.on("request", once);
  try {
    return await page.goto(url);
  } finally {
    page.off("request", once);
    await page.setRequestInterception(false);
  }
}
