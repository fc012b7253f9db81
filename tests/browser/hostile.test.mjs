// Text that wants to be more than text, in every field that is stored, on every page that shows it.
import assert from "node:assert/strict";

import { SCHEMES, WIDTHS, viewport } from "./harness/browser.mjs";
import { assertAccessible, assertFits } from "./harness/checks.mjs";
import { POSTGRES, SQLITE } from "./harness/database.mjs";
import { HOSTILE, MARK } from "./harness/hostile.mjs";
import { DESK, PHONE, journey } from "./harness/journey.mjs";
import { details, pagesOf } from "./harness/pages.mjs";
import { fill, leads, press } from "./harness/steps.mjs";
import { usualWorld } from "./harness/world.mjs";

/** What is typed into a filter is shown again. */
const ECHOES = [
  "events?q=", "events?type=", "events?source=", "events?from=", "deliveries?destination=", "requests?from=",
  "sources?q=", "sources/new?provider=", "sources/new?q=", "audit?actor=", "audit?target=", "connections?source=",
];
const NEVER = "script:not([src]), img, iframe, object, embed, base, svg script, [onerror], [onload], [onclick], [style]";

let looked = 0;

async function everyPage(stand) {
  const worlds = [];
  for (const words of HOSTILE) worlds.push(await usualWorld(stand, words));
  const [first, ...others] = worlds;
  const typed = encodeURIComponent(HOSTILE[0].name("typed"));
  return [
    ...pagesOf(first, stand.home),
    ...others.flatMap((world) => details(world, stand.home)),
    ...ECHOES.map((path) => ({ name: `typed into ${path}`, path: stand.home + path + typed })),
    { name: "where to go after the password", path: `/reauth?next=${typed}` },
  ];
}

/** Nothing that was stored has become an element, and nothing of it has run. */
async function assertInert(page, name) {
  const alive = await page.evaluate(({ mark, never }) => {
    const runs = (element) => /^\s*(javascript|data|vbscript):/i.test(element.href ?? element.action ?? element.src);
    const links = [...document.querySelectorAll("[href], form[action], [src]")].filter(runs);
    const elements = [...document.querySelectorAll(never), ...links].map((element) => element.outerHTML.slice(0, 200));
    return { elements, ran: mark in globalThis };
  }, { mark: MARK, never: NEVER });
  assert.deepEqual(alive, { elements: [], ran: false }, name);
}

journey("hostile text stays text on every page", async (stand) => {
  const { page } = stand;
  let shown = 0;
  for (const { name, path } of await everyPage(stand)) {
    const answer = await page.goto(path);
    assert.ok(answer.status() < 500, `${name}: ${answer.status()}`);
    await page.getByRole("heading", { level: 1 }).waitFor();
    await look(page, name);
    if ((await page.locator("main").textContent()).includes(MARK)) shown += 1;
    stand.assertQuiet();
  }
  assert.ok(shown > 40, `only ${shown} pages showed something hostile`);
}, { databases: [SQLITE], looks: [DESK], tenant: HOSTILE[0].tenant, userAgent: HOSTILE[0].header });

/** All that is folded is unfolded. By axe in one look, another for each page: `pages.test.mjs` has all of each. */
async function look(page, name) {
  await page.locator("details:not([open])").evaluateAll((folded) => folded.forEach((one) => (one.open = true)));
  await assertInert(page, name);
  for (const width of WIDTHS) {
    await page.setViewportSize(viewport(width));
    await assertFits(page, `${name}, ${width} px`);
  }
  const scheme = SCHEMES[looked++ % SCHEMES.length];
  await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
  await assertAccessible(page, `${name}, ${WIDTHS.at(-1)} px, ${scheme}`);
}

// What only a form leads to: input that was refused, a key that was made, secrets that are revealed.
journey("hostile text stays text in what a form is answered", async (stand) => {
  const { page } = stand;
  const [words] = HOSTILE;
  await usualWorld(stand, words);
  await stand.go("destinations/new");
  await fill(page, { Name: words.name(""), URL: `javascript:${words.sent}` });
  await press(page, "Create destination");
  await page.locator("#url-error").waitFor();
  await look(page, "a destination that was refused");
  assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), words.name(""), "what was typed stays");
  await stand.go("keys/new");
  await fill(page, { Name: words.name("") });
  await page.getByLabel("events:read").check();
  await press(page, "Make the key");
  await page.locator("#key").waitFor();
  await look(page, "a key of a hostile name");
  await stand.go("sources");
  await leads(page, page.locator("tbody").getByRole("link").filter({ hasText: "Shop" }));
  await press(page, "Reveal");
  await page.locator("#secret-1").waitFor();
  await look(page, "a hostile secret, revealed");
}, { databases: [SQLITE], looks: [DESK], tenant: HOSTILE[0].tenant });

journey("what came in is given out as a file, and never as a page", async (stand) => {
  for (const words of HOSTILE) {
    const { events } = await usualWorld(stand, words);
    const raw = await stand.page.request.get(`${stand.home}events/${events.retried}/raw`);
    assert.equal(raw.status(), 200);
    assert.deepEqual(await raw.body(), words.body, "byte for byte");
    const headers = raw.headers();
    assert.match(headers["content-disposition"], /^attachment/);
    assert.match(headers["content-security-policy"], /sandbox/);
    assert.equal(headers["x-content-type-options"], "nosniff");
  }
}, { looks: [DESK] });

journey("hostile text is kept and shown", async (stand) => {
  for (const { name, path } of await everyPage(stand)) {
    const answer = await stand.page.goto(path);
    assert.ok(answer.status() < 500, `${name}: ${answer.status()}`);
    await stand.page.getByRole("heading", { level: 1 }).waitFor();
    await assertInert(stand.page, name);
    await assertFits(stand.page, name);
  }
}, { databases: [POSTGRES], looks: [{ ...PHONE, name: "phone, dark", javaScript: true }], tenant: HOSTILE[0].tenant });
