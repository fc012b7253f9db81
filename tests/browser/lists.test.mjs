// Lists: what is filtered, paged, left and come back to is where it was.
import assert from "node:assert/strict";

import { journey } from "./harness/journey.mjs";
import { fill, follow, leads, press } from "./harness/steps.mjs";
import { route } from "./harness/world.mjs";
import { until } from "./harness/until.mjs";

const PAGE = 50;
const PAID = PAGE + 7;
const FAILED = 3;

journey("lists are filtered, paged, left and found again as they were", async (stand) => {
  const { page } = stand;
  const failed = await manyEvents(stand);
  const rows = page.locator("tbody tr");

  await follow(page, "Events");
  assert.equal(await rows.count(), PAGE);
  await fill(page, { Type: "order.*" });
  await press(page, "Apply");
  assert.equal(await rows.count(), PAGE);
  const newest = await shown(page);
  await stand.inspect("events by type");
  await follow(page, "Older");
  const older = await shown(page);
  assert.equal(older.length, PAID - PAGE);
  assert.deepEqual(older.filter((id) => newest.includes(id)), [], "no event is on two pages");
  assert.equal(await page.getByLabel("Type", { exact: true }).inputValue(), "order.*", "the filter stays");
  await stand.inspect("the last page of events");
  await page.reload();
  assert.deepEqual(await shown(page), older, "after reload");
  await leads(page, rows.getByRole("link").first());
  await page.goBack();
  assert.deepEqual(await shown(page), older, "back from an event");
  await page.goBack();
  assert.deepEqual(await shown(page), newest, "back from the second page");
  await page.goForward();
  await follow(page, "Newest");
  assert.deepEqual(await shown(page), newest);

  await follow(page, "Clear filters");
  await fill(page, { Outcome: "dead" });
  await press(page, "Apply");
  assert.deepEqual((await shown(page)).toSorted(), failed.toSorted(), "those that failed, and no other");
  await fill(page, { Text: failed[0] }, page.getByRole("form", { name: "Filter events" }));
  await press(page, "Apply");
  assert.deepEqual(await shown(page), [failed[0]]);
  await fill(page, { "To (UTC)": "2020-01-01T00:00:00" });
  await press(page, "Apply");
  await page.getByRole("heading", { name: "Nothing fits" }).waitFor();
  await stand.inspect("no event fits");
  await stand.go("events?from=yesterday");
  await page.getByText("From is no moment").waitFor();
  await stand.inspect("a filter that cannot be read");

  await follow(page, "Dead");
  assert.equal(await rows.count(), FAILED);
  await fill(page, { Destination: "Kept" });
  await press(page, "Apply");
  await page.getByRole("heading", { name: "Nothing fits" }).waitFor();
  await follow(page, "Clear filters");
  assert.equal(await rows.count(), FAILED);

  await page.getByLabel(/^Find an event/).fill(failed[1]);
  await page.getByLabel(/^Find an event/).press("Enter");
  await until("the box finds the event", async () => (await shown(page)).join() === failed[1]);
});

/** Of the events on the page, newest first. */
function shown(page) {
  return page.locator("tbody tr td:first-child a").allTextContents();
}

/** Events that were delivered, and some that are dead: the ids of those. */
async function manyEvents({ api, receiver }) {
  receiver.answers(() => ({ status: 500 }));
  const source = await api.made("/sources", { name: "Shop", kind: "publish" });
  await route(api, source, { name: "Kept", kind: "bin" }, ["order.*"]);
  await route(api, source, { name: "Gone", url: receiver.url, retry: { schedule_s: [], jitter_pct: 0 } }, ["invoice.*"]);
  const publish = async (type, data) => (await api.made("/events", { source_id: source.id, type, data })).id;
  const failed = [];
  for (let number = 0; number < FAILED; number++) failed.push(await publish("invoice.failed", { number }));
  const paid = await Promise.all(Array.from({ length: PAID }, (_, number) => publish("order.paid", { number })));
  await Promise.all(failed.map((id) => api.settled(id, "dead")));
  await Promise.all(paid.map((id) => api.settled(id, "delivered")));
  return failed;
}
