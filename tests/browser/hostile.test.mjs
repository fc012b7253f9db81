// Text that wants to be more than text, in every field that is stored, on every page that shows it.
import assert from "node:assert/strict";

import { SCHEMES, WIDTHS, viewport } from "./harness/browser.mjs";
import { assertAccessible, assertFits } from "./harness/checks.mjs";
import { POSTGRES, SQLITE } from "./harness/database.mjs";
import { HOSTILE, MARK } from "./harness/hostile.mjs";
import { DESK, PHONE, journey } from "./harness/journey.mjs";
import { details, pagesOf } from "./harness/pages.mjs";
import { usualWorld } from "./harness/world.mjs";

const ECHOES = ["events?q=", "events?type=", "events?source=", "events?from=", "deliveries?destination=", "requests?from=", "sources?q=",
  "sources/new?provider=", "audit?actor=", "audit?target=", "connections?source="];

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
  const alive = await page.evaluate((mark) => {
    const wanted = [...document.querySelectorAll("script:not([src]), img, iframe, object, embed, base, svg script, [onerror], [onload], [onclick], [onfocus], [style]")];
    const links = [...document.querySelectorAll("[href], [action], [src]")].filter((element) => /^\s*(javascript|data|vbscript):/i.test(element.getAttribute("href") ?? element.getAttribute("action") ?? element.getAttribute("src")));
    return { elements: [...wanted, ...links].map((element) => element.outerHTML.slice(0, 200)), ran: mark in globalThis };
  }, MARK);
  assert.deepEqual(alive, { elements: [], ran: false }, name);
}

journey("hostile text stays text on every page", async (stand) => {
  const { page } = stand;
  let shown = 0;
  for (const { name, path } of await everyPage(stand)) {
    const answer = await page.goto(path);
    assert.ok(answer.status() < 500, `${name}: ${answer.status()}`);
    await page.getByRole("heading", { level: 1 }).waitFor();
    await page.locator("details:not([open])").evaluateAll((folded) => folded.forEach((one) => (one.open = true)));
    await assertInert(page, name);
    for (const width of WIDTHS) {
      await page.setViewportSize(viewport(width));
      await assertFits(page, `${name}, ${width} px`);
      const scheme = SCHEMES[WIDTHS.indexOf(width)];
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
      await assertAccessible(page, `${name}, ${width} px, ${scheme}`);
    }
    if ((await page.locator("main").textContent()).includes(MARK)) shown += 1;
    stand.assertQuiet();
  }
  assert.ok(shown > 40, `only ${shown} pages showed something hostile`);
}, { databases: [SQLITE], looks: [DESK], tenant: HOSTILE[0].tenant });

journey("hostile text is kept and shown", async (stand) => {
  for (const { name, path } of await everyPage(stand)) {
    const answer = await stand.page.goto(path);
    assert.ok(answer.status() < 500, `${name}: ${answer.status()}`);
    await stand.page.getByRole("heading", { level: 1 }).waitFor();
    await assertInert(stand.page, name);
    await assertFits(stand.page, name);
  }
}, { databases: [POSTGRES], looks: [{ ...PHONE, name: "phone, dark", javaScript: true }], tenant: HOSTILE[0].tenant });
