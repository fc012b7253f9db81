// The audit log: who did what, filtered, and taken away as files.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import { journey } from "./harness/journey.mjs";
import { OWNER } from "./harness/server.mjs";
import { fill, follow, leads, press, textOf } from "./harness/steps.mjs";

const FORMULA = "=HYPERLINK(\"https://evil.example\")";

journey("the audit log is filtered and exported", async (stand) => {
  const { page } = stand;
  await change(stand);
  await follow(page, "Audit log");
  const rows = page.locator("tbody tr");
  const all = await rows.count();
  assert.match(await textOf(rows.first()), /source\.paused/, "newest first");
  await stand.inspect("the audit log");

  await fill(page, { Who: OWNER.email, Action: "source.created" });
  await press(page, "Apply");
  assert.equal(await rows.count(), 1);
  assert.match(await textOf(rows), new RegExp(`${OWNER.email}.*source\\.created`));
  await stand.inspect("the audit log, filtered");
  const lines = (await download(page, "Export JSON lines")).trim().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(lines.map(({ action }) => action), ["source.created"], "what fits the filter");
  assert.equal(lines[0].data.after.name, FORMULA);
  const csv = await download(page, "Export CSV");
  const [head, ...entries] = csv.trimEnd().split("\r\n");
  assert.equal(head, "id,seq,at,actor_kind,actor_id,remote,action,target,data");
  assert.match(entries.join("\n"), /^"aud_\w+",\d+,[^\n]*"source\.created"[^\n]*$/, "one entry, on one line");

  await follow(page, "Clear filters");
  assert.equal(await rows.count(), all + 2, "both exports are entries themselves");
  assert.match(await textOf(rows.first()), /audit\.exported/);
  await fill(page, { Action: "nothing.like.this" });
  await press(page, "Apply");
  await page.getByRole("heading", { name: "Nothing fits" }).waitFor();
  await stand.inspect("no entry fits");
});

/** Two entries of one's own: a source, made and paused. */
async function change(stand) {
  const { page } = stand;
  await stand.go("sources/new?provider=none");
  await fill(page, { Name: FORMULA });
  await press(page, "Create source");
  await press(page, "Pause");
  await page.getByText("Paused. What comes for it waits.").waitFor();
}

async function download(page, name) {
  const coming = page.waitForEvent("download");
  await page.getByRole("link", { name, exact: true }).click();
  return readFileSync(await (await coming).path(), "utf8");
}
