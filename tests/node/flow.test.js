// The flow diagram as it is looked at: opened by itself on a desk and on a phone, in every outcome that can be brought about
// here. Measured where it is drawn, with the fonts that are there.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { chromium, picture } from "./pages.js";
import { Browser, api, connect, demo } from "./support.js";

let run;
let browser;
/** Attempts by what became of them. */
const attempts = {};

async function mint(endUser) {
  const minted = await api(run.facts, "POST", "/api/connect-sessions", { end_user: endUser, return_url: run.facts.return_url });
  return minted.body;
}

async function latest(endUser) {
  const found = await api(run.facts, "GET", `/api/attempts?end_user=${endUser}`);
  return found.body.data[0];
}

before(async () => {
  run = await demo();
  browser = await chromium();
  await new Browser().open((await mint("waits")).url);
  attempts.went_to_notion = await latest("waits");

  const { connection } = await connect(run.facts, "connected");
  // Its first call ends the diagram: with a note that has no place to break.
  await api(run.facts, "GET", `/notion/${connection.id}/v1/${"no-such-path-".repeat(9)}`);
  attempts.connected = await latest("connected");

  const cancelled = new Browser();
  const consent = (await cancelled.open((await mint("cancelled")).url)).headers.get("location");
  await cancelled.open((await cancelled.open(`${consent}&cancel=yes`)).headers.get("location"));
  attempts.access_denied = await latest("cancelled");

  await new Browser().consent((await mint("returned")).url);
  attempts.returned = await latest("returned");

  const code = new URL(await new Browser().consent((await mint("refused")).url)).searchParams.get("code");
  await api(run.facts, "POST", "/api/connections", { end_user: "somebody else", code });
  attempts.redeem_refused = await latest("refused");

  const { url } = await mint("superseded");
  await new Browser().open(url);
  attempts.superseded = await latest("superseded");
  await new Browser().consent(url);

  await fetch(`${run.facts.emulator_url}/_emulator/faults`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ path: "/v1/oauth/token", effect: { status: 500 } }),
  });
  await new Browser().consent((await mint("failed")).url);
  attempts.exchange_failed = await latest("failed");
});
after(async () => {
  await browser?.close();
  await run?.stop();
});

/** Opens a picture by itself, as a person with a bookmark would. */
async function open(id, query = "", viewport = { width: 1280, height: 900 }) {
  const page = await browser.newPage();
  await page.setViewport(viewport);
  await page.setExtraHTTPHeaders({ authorization: `Bearer ${run.facts.api_key}` });
  const answer = await page.goto(`${run.facts.gateway_url}/api/attempts/${id}.svg${query}`);
  assert.equal(answer.status(), 200);
  return page;
}

/** What is drawn and seen: every text with its place, the lanes and the arrows, in pixels of the window. */
const seen = (page) =>
  page.evaluate(() => {
    const box = (element) => {
      const { left, right, top, bottom } = element.getBoundingClientRect();
      return { left, right, top, bottom, kind: element.getAttribute("class") ?? "", text: element.textContent, end: element.getAttribute("d") };
    };
    const visible = (element) => element.getClientRects().length > 0 && element.getBoundingClientRect().height > 0;
    const all = (selector) => [...document.querySelectorAll(selector)].filter(visible).map(box);
    const [text] = [...document.querySelectorAll("text")].filter(visible);
    const scale = text.getScreenCTM().a;
    return {
      texts: all("text"),
      lanes: all(".lane-line"),
      arrows: all(".arrow"),
      smallest: Math.min(...[...document.querySelectorAll("text")].filter(visible).map((one) => parseFloat(getComputedStyle(one).fontSize) * scale)),
      wide: document.documentElement.clientWidth,
      scrolls: document.documentElement.scrollWidth,
    };
  });

test("every outcome came about", async () => {
  for (const [outcome, attempt] of Object.entries(attempts)) {
    const now = await api(run.facts, "GET", `/api/attempts/${attempt.id}`);
    assert.equal(now.body.outcome, outcome);
  }
});

test("on a phone it is a list whose every word can be read", async () => {
  for (const [outcome, { id }] of Object.entries(attempts)) {
    for (const query of ["", "?form=tall"]) {
      const page = await open(id, query, { width: 390, height: 800 });
      const drawn = await seen(page);
      assert.equal(drawn.lanes.length, 0, outcome);
      assert.ok(drawn.scrolls <= drawn.wide, outcome);
      if (query === "") assert.ok(drawn.smallest >= 11.5, `${outcome}: ${drawn.smallest}`);
      for (const text of drawn.texts) {
        assert.ok(text.left >= 0 && text.right <= Math.min(drawn.wide, 391), `${outcome}: ${JSON.stringify(text)}`);
      }
      for (const [at, text] of drawn.texts.entries()) {
        for (const other of drawn.texts.slice(at + 1)) {
          const apart = text.right <= other.left + 1 || other.right <= text.left + 1 || text.bottom <= other.top + 4 || other.bottom <= text.top + 4;
          assert.ok(apart, `${outcome}: "${text.text}" over "${other.text}"`);
        }
      }
      const { steps } = (await api(run.facts, "GET", `/api/attempts/${id}`)).body;
      const all = drawn.texts.map(({ text }) => text).join(" ");
      for (const step of steps) assert.ok(all.includes(step.what.split(" ")[0]), `${outcome}: ${step.what}`);
      await picture(page, `flow-${outcome}${query.slice(6)}-390`);
      await page.close();
    }
  }
});

test("a phone that lays it out for a desk shows the list as wide as its glass", async () => {
  const page = await open(attempts.connected.id, "", { width: 390, height: 844, isMobile: true, hasTouch: true });
  const drawn = await seen(page);
  assert.equal(drawn.lanes.length, 0);
  const right = Math.max(...drawn.texts.map((text) => text.right));
  assert.ok(right > drawn.wide * 0.85 && right <= drawn.wide, `${right} of ${drawn.wide}`);
  await page.close();
});

test("on a desk no caption crosses a lane or covers an arrow's end", async () => {
  for (const [outcome, { id }] of Object.entries(attempts)) {
    for (const [query, width] of [["", 1280], ["", 720], ["?form=wide", 1280]]) {
      const page = await open(id, query, { width, height: 900 });
      const drawn = await seen(page);
      assert.equal(drawn.lanes.length, 4, outcome);
      assert.ok(drawn.scrolls <= drawn.wide, outcome);
      const captions = drawn.texts.filter(({ kind }) => kind === "label" || kind === "note");
      assert.ok(captions.length > 3);
      for (const caption of captions) {
        for (const lane of drawn.lanes) {
          assert.ok(caption.right < lane.left || lane.right < caption.left, `${outcome}: "${caption.text}" at ${lane.left}`);
        }
        assert.ok(caption.right <= drawn.wide, caption.text);
      }
      // The end of an arrow is the sixteen pixels before the lane that it points to.
      const scale = (drawn.lanes[1].left - drawn.lanes[0].left) / 232;
      for (const arrow of drawn.arrows) {
        for (const caption of captions) {
          const overlaps = caption.top < arrow.bottom + 6 * scale && arrow.top - 6 * scale < caption.bottom && caption.left < arrow.right && arrow.left < caption.right;
          const ends = [arrow.left, arrow.right].some((x) => caption.left < x + 16 * scale && x - 16 * scale < caption.right);
          assert.ok(!(overlaps && ends), `${outcome}: "${caption.text}" at an arrow's end`);
        }
      }
      await picture(page, `flow-${outcome}${query.slice(6)}-${width}`);
      await page.close();
    }
  }
});

/** How well a text stands out from what it stands on (WCAG 2, 1.4.3): the worst of all that are drawn. */
const contrast = (page) =>
  page.evaluate(() => {
    const numbers = (colour) => colour.match(/[\d.]+/g).slice(0, 3).map(Number);
    const light = (colour) => {
      const [red, green, blue] = numbers(colour).map((part) => part / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const within = (inner, outer) => inner.left >= outer.left && inner.right <= outer.right && inner.top >= outer.top - 1 && inner.bottom <= outer.bottom + 1;
    const drawn = [...document.querySelectorAll("text")].filter((text) => text.getBoundingClientRect().height > 0);
    return Math.min(
      ...drawn.map((text) => {
        const box = text.getBoundingClientRect();
        // What is painted last below the text is what it stands on.
        const below = [...document.querySelectorAll("rect, circle")].filter((shape) => shape.compareDocumentPosition(text) & Node.DOCUMENT_POSITION_FOLLOWING && within(box, shape.getBoundingClientRect()));
        const [one, other] = [light(getComputedStyle(text).fill), light(getComputedStyle(below.at(-1)).fill)];
        return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
      }),
    );
  });

test("every text stands out from its ground, light and dark", async () => {
  for (const [outcome, { id }] of Object.entries(attempts)) {
    for (const width of [390, 1280]) {
      const page = await open(id, "", { width, height: 900 });
      for (const value of ["light", "dark"]) {
        await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value }]);
        const worst = await contrast(page);
        assert.ok(worst >= 4.5, `${outcome} at ${width}, ${value}: ${worst}`);
        if (value === "dark") await picture(page, `flow-${outcome}-${width}-dark`);
      }
      await page.close();
    }
  }
});

test("a cancel is no alarm, a failure is one, and times tell steps apart", async () => {
  const drawing = async (outcome, form) => {
    const answer = await fetch(`${run.facts.gateway_url}/api/attempts/${attempts[outcome].id}${form}`, { headers: { authorization: `Bearer ${run.facts.api_key}` } });
    return answer.text();
  };
  for (const form of [".svg", ".svg?form=tall"]) {
    const cancelled = await drawing("access_denied", form);
    assert.match(cancelled, /Cancelled by the user/);
    assert.doesNotMatch(cancelled, /✕|class="failed"/);
    assert.match(await drawing("exchange_failed", form), /✕ Exchange the code/);
    assert.match(await drawing("redeem_refused", form), /✕ Redeem the code/);
    const times = [...(await drawing("connected", form)).matchAll(/\+(\d+ ms|\d+\.\d{3} s)/g)];
    assert.ok(times.length >= 10);
  }
  assert.doesNotMatch(await drawing("access_denied", ".mmd"), /FAILED/);
  assert.match(await drawing("exchange_failed", ".mmd"), /FAILED/);
  const refused = await fetch(`${run.facts.gateway_url}/api/attempts/${attempts.connected.id}.svg?form=round`, { headers: { authorization: `Bearer ${run.facts.api_key}` } });
  assert.equal(refused.status, 400);
});
