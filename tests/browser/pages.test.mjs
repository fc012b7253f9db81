// Every page, in every look: usable by everybody, no wider than its window, quiet.
import assert from "node:assert/strict";

import { SCHEMES, WIDTHS, viewport } from "./harness/browser.mjs";
import { assertAccessible, assertFits } from "./harness/checks.mjs";
import { POSTGRES, SQLITE } from "./harness/database.mjs";
import { DESK, PHONE, journey } from "./harness/journey.mjs";
import { pagesOf, shape } from "./harness/pages.mjs";
import { usualWorld } from "./harness/world.mjs";

/** What is linked to and is no page. */
const FILES = ["/t/{id}/events/{id}/raw", "/t/{id}/calls/{id}/raw", "/t/{id}/audit/export", "/t/{id}/deliveries/export"];

journey("every page is usable in every look", async (stand) => {
  const { page } = stand;
  const pages = pagesOf(await usualWorld(stand), stand.home);
  const linked = new Set();
  for (const { name, path } of pages) {
    await page.goto(path);
    for (const width of WIDTHS) {
      for (const scheme of SCHEMES) {
        await page.setViewportSize(viewport(width));
        await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
        await assertFits(page, `${name}, ${width} px`);
        await assertAccessible(page, `${name}, ${width} px, ${scheme}`);
      }
    }
    const links = await page.evaluate(() => {
      const ours = [...document.links].filter(({ origin }) => origin === location.origin);
      return ours.map(({ pathname }) => pathname);
    });
    links.forEach((link) => linked.add(shape(link)));
  }
  stand.assertQuiet();
  const looked = new Set([...pages.map(({ path }) => shape(path)), ...FILES, "/"]);
  const missed = [...linked].filter((path) => !looked.has(path));
  assert.deepEqual(missed, [], "pages that are linked to and not in harness/pages.mjs");
}, { databases: [SQLITE], looks: [DESK] });

journey("every page opens", async (stand) => {
  for (const { name, path } of pagesOf(await usualWorld(stand), stand.home)) {
    const answer = await stand.page.goto(path);
    assert.ok(answer.status() < 500, `${name}: ${answer.status()}`);
    await stand.page.getByRole("heading", { level: 1 }).waitFor();
    await assertFits(stand.page, name);
  }
}, { databases: [POSTGRES], looks: [PHONE] });
