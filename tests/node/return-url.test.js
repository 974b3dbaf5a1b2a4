// The sample app's return URL, typed by anybody: it tells what became of this visitor's own attempt, and never shows a diagram of
// another one, or one that says the opposite.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Browser, demo } from "./support.js";

let run;

before(async () => (run = await demo()));
after(() => run?.stop());

/** A visitor of the app without scripts. */
class Visitor extends Browser {
  async page(path) {
    const answer = await this.open(run.facts.app_url + path, { headers: { accept: "text/html" } });
    const html = await answer.text();
    const text = (pattern) => html.match(pattern)?.[1];
    return {
      status: answer.status,
      location: answer.headers.get("location"),
      heading: text(/<h1[^>]*>([^<]*)</),
      words: text(/<h1[^>]*>[^<]*<\/h1>\s*<p>([^<]*)</),
      picture: text(/<img src="([^"]*)"/)?.replaceAll("&#38;", "&"),
      html,
    };
  }

  post(path) {
    return this.open(run.facts.app_url + path, { method: "POST", headers: { origin: run.facts.app_url }, body: new URLSearchParams() });
  }

  /** Presses Connect and goes through consent; the address that the visitor comes back to. */
  async connect() {
    await this.page("/");
    const link = (await this.post("/connect")).headers.get("location");
    return new URL(await this.consent(link));
  }

  /** The same, but cancels. */
  async cancel() {
    await this.page("/");
    const link = (await this.post("/connect")).headers.get("location");
    const consent = (await this.open(link)).headers.get("location");
    const callback = (await this.open(`${consent}&cancel=yes`)).headers.get("location");
    return new URL((await this.open(callback)).headers.get("location"));
  }

  arrive(url) {
    return this.page(url.pathname + url.search);
  }
}

const none = (page, what) => {
  assert.equal(page.picture, undefined, what);
  assert.ok(!page.html.includes("<figure"), what);
};

test("an address with a made-up code or error shows no diagram of an earlier attempt", async () => {
  const visitor = new Visitor();
  assert.equal((await visitor.arrive(await visitor.connect())).location, "/pages");
  await visitor.post("/disconnect");
  for (const query of ["code=abc", "error=foo", "error=access_denied", "code=&error=", "code=", "", "attempt=", "code=abc&error=foo", "error=foo&attempt=att_0123"]) {
    const page = await visitor.page(`/connected?${query}`);
    assert.equal(page.status, 400, query);
    assert.equal(page.heading, "Nothing was connected", query);
    none(page, query);
  }
  // Nor does the start, now that all is over.
  none({ ...(await visitor.page("/")), html: "" }, "home");
});

test("a cancelled attempt is told with its own diagram, however often the page is loaded and whatever else it says", async () => {
  const visitor = new Visitor();
  const first = await visitor.cancel();
  const second = await visitor.cancel();
  for (const back of [second, first, second, second]) {
    const page = await visitor.arrive(back);
    assert.equal(page.status, 400);
    assert.equal(page.heading, "Nothing was connected");
    assert.match(page.words, /^You pressed Cancel/);
    assert.ok(page.picture.includes(back.searchParams.get("attempt")), page.picture);
    const picture = await visitor.open(run.facts.app_url + page.picture);
    assert.match(await picture.text(), /Cancelled by the user/);
  }
  // The attempt itself says what happened, not the address.
  for (const lie of ["expired", "exchange_failed", "foo"]) {
    first.searchParams.set("error", lie);
    assert.match((await visitor.arrive(first)).words, /^You pressed Cancel/, lie);
  }
  first.searchParams.set("code", "abc");
  assert.match((await visitor.arrive(first)).words, /^You pressed Cancel/);
});

test("an attempt that is still open is not called failed", async () => {
  const visitor = new Visitor();
  await visitor.page("/");
  await visitor.open((await visitor.post("/connect")).headers.get("location"));
  const { picture } = await (await visitor.open(`${run.facts.app_url}/flow.json`)).json();
  const attempt = picture.match(/att_\w+/)[0];
  const page = await visitor.page(`/connected?error=access_denied&attempt=${attempt}`);
  assert.equal(page.heading, "Nothing was connected yet");
  assert.ok(page.picture.includes(attempt));
});

test("a finished attempt is never drawn below a page that says nothing was connected", async () => {
  const visitor = new Visitor();
  const back = await visitor.connect();
  await visitor.arrive(back);
  const attempt = back.searchParams.get("attempt");
  for (const query of [`error=access_denied&attempt=${attempt}`, `code=abc&attempt=${attempt}`, `attempt=${attempt}`]) {
    const page = await visitor.page(`/connected?${query}`);
    assert.equal(page.heading, "Nothing new was connected", query);
    assert.match(page.words, /still connected/);
    none(page, query);
    assert.match(page.html, /href="\/pages"/);
  }
});

test("another visitor's attempt is shown to nobody else", async () => {
  const [visitor, other] = [new Visitor(), new Visitor()];
  const theirs = (await other.cancel()).searchParams.get("attempt");
  await visitor.cancel();
  const page = await visitor.page(`/connected?error=access_denied&attempt=${theirs}`);
  assert.match(page.words, /belongs to nothing that you began/);
  none(page, "foreign");
  for (const id of [theirs, "../connections", "att_%2e%2e", "x".repeat(5000), ""]) {
    const picture = await visitor.open(`${run.facts.app_url}/flow.svg?attempt=${encodeURIComponent(id)}`);
    assert.equal(picture.status, 404, id);
  }
  // Not even with a code that is good: the connection is made, and its diagram is not taken from the address.
  const back = await visitor.connect();
  back.searchParams.set("attempt", theirs);
  assert.equal((await visitor.arrive(back)).location, "/pages");
  assert.ok(!(await visitor.page("/")).html.includes(theirs));
});

test("a code that was redeemed is no failure when its page is loaded again, and after a disconnect it says so", async () => {
  const visitor = new Visitor();
  const back = await visitor.connect();
  for (let times = 0; times < 3; times += 1) assert.equal((await visitor.arrive(back)).location, "/pages");
  assert.ok((await visitor.page("/")).picture.includes(back.searchParams.get("attempt")));
  await visitor.post("/disconnect");
  const page = await visitor.arrive(back);
  assert.equal(page.heading, "This workspace is disconnected");
  none(page, "disconnected");
  assert.match((await visitor.page("/")).html, /Connect to Notion/);
});

test("a visitor who disconnects is not told that the access has ended while another one keeps it", async () => {
  const [visitor, other] = [new Visitor(), new Visitor()];
  for (const one of [visitor, other]) await one.arrive(await one.connect());
  const { html } = await visitor.page((await visitor.post("/disconnect")).headers.get("location"));
  assert.match(html, /Another connection stands on the same authorization/);
  assert.doesNotMatch(html, /has ended the access/);
});

test("a code beside an error is left alone", async () => {
  const visitor = new Visitor();
  const back = await visitor.connect();
  const both = new URL(back);
  both.searchParams.set("error", "access_denied");
  assert.equal((await visitor.arrive(both)).heading, "Nothing was connected");
  assert.equal((await visitor.arrive(back)).location, "/pages", "nothing was spent");
});

test("a code that another visitor brings connects nobody", async () => {
  const [visitor, thief] = [new Visitor(), new Visitor()];
  const back = await visitor.connect();
  await thief.page("/");
  const page = await thief.arrive(back);
  assert.equal(page.status, 400);
  none(page, "thief");
  const own = await visitor.arrive(back);
  assert.equal(own.heading, "Nothing was connected");
  assert.ok(own.picture.includes(back.searchParams.get("attempt")), "their own attempt tells that it was refused");
});

test("what cannot be read is a page too", async () => {
  const visitor = new Visitor();
  for (const path of ["/connected?code=a&code=b", "/connect", "/tables/%ff", "/nowhere"]) {
    const page = await visitor.page(path);
    assert.ok(page.status >= 400 && page.status < 500, path);
    assert.match(page.html, /class="button" href="\/"/, path);
  }
});
