// What every page must be, in whatever state it is: usable by everybody, and no wider than its window.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** `where` names the page in the failure. */
export async function assertAccessible(page, where) {
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(AXE);
  const violations = await page.evaluate(async (tags) => {
    const run = { runOnly: { type: "tag", values: tags }, resultTypes: ["violations"] };
    const about = ({ target, html, any }) => `${target}: ${html.slice(0, 160)} ${any.map((check) => check.message)}`;
    const { violations } = await globalThis.axe.run(document, run);
    return violations.map(({ id, help, nodes }) => [`${id}: ${help}`, ...nodes.slice(0, 3).map(about)]);
  }, RULES);
  const told = violations.map((lines) => lines.join("\n    "));
  assert.ok(told.length === 0, `axe, ${where}:\n  ${told.join("\n  ")}`);
}

export async function assertFits(page, where) {
  const { over, widest } = await page.evaluate(() => {
    const over = document.documentElement.scrollWidth - innerWidth;
    const isOut = (element) => over > 0 && element.getBoundingClientRect().right > innerWidth + 1;
    const out = [...document.querySelectorAll("body *")].filter(isOut);
    return { over, widest: out.slice(0, 5).map((element) => element.outerHTML.slice(0, 160)) };
  });
  assert.ok(over <= 0, `${where} can be scrolled sideways by ${over} px:\n  ${widest.join("\n  ")}`);
}
