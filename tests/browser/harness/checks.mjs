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
    const { violations } = await globalThis.axe.run(document, { runOnly: { type: "tag", values: tags }, resultTypes: ["violations"] });
    return violations.map(({ id, help, nodes }) => ({ id, help, nodes: nodes.slice(0, 3).map((node) => `${node.target}: ${node.html.slice(0, 160)} ${node.any.map((check) => check.message).join("; ")}`) }));
  }, RULES);
  const told = violations.map(({ id, help, nodes }) => `${id}: ${help}\n    ${nodes.join("\n    ")}`);
  assert.ok(told.length === 0, `axe, ${where}:\n  ${told.join("\n  ")}`);
}

export async function assertFits(page, where) {
  const { over, widest } = await page.evaluate(() => {
    const over = document.documentElement.scrollWidth - innerWidth;
    const out = [...document.querySelectorAll("body *")].filter((element) => element.getBoundingClientRect().right > innerWidth + 1);
    return { over, widest: over > 0 ? out.slice(0, 5).map((element) => element.outerHTML.slice(0, 160)) : [] };
  });
  assert.ok(over <= 0, `${where} can be scrolled sideways by ${over} px:\n  ${widest.join("\n  ")}`);
}
