// A timetable: set up, told what is wrong with it, its events seen, changed.
import assert from "node:assert/strict";

import { journey } from "./harness/journey.mjs";
import { fill, follow, leads, press } from "./harness/steps.mjs";
import { until } from "./harness/until.mjs";

journey("an event comes at each instant of a timetable", async (stand) => {
  const { page, api } = stand;
  await follow(page, "Sources");
  await follow(page, "Add a source");
  await leads(page, page.getByRole("link", { name: /^A timetable/ }));
  await fill(page, { Name: "Reports", Cron: "0 0 30 2 *", "Event type": "report.due" });
  await press(page, "Create source");
  await page.getByRole("heading", { name: "There is a problem" }).waitFor();
  await page.getByText("never comes: there is no such day").first().waitFor();
  await stand.inspect("a timetable that never comes");

  await fill(page, { Cron: "", "Or every so many seconds": "5", Data: "{\"of\":" });
  await press(page, "Create source");
  await page.getByText("must be JSON").first().waitFor();
  assert.equal(await page.getByLabel("Event type").inputValue(), "report.due", "what was typed stays");
  await fill(page, { Data: "{\"of\":\"week\"}" });
  await press(page, "Create source");
  await page.getByText("every 5 s").waitFor();
  await stand.inspect("a source with a timetable");

  const event = await until("an event comes", async () => (await api.get("/events?type=report.due&limit=1")).data[0]);
  const payload = await api.get(`/events/${event.id}/payload`);
  assert.deepEqual(payload.data, { of: "week" });
  assert.equal(Date.parse(payload.scheduled_at) % 5_000, 0, "whole multiples of the interval");

  await follow(page, "Edit");
  assert.equal(await page.getByLabel("Or every so many seconds").inputValue(), "5");
  await fill(page, { Cron: "0 9 * * 1-5", "Or every so many seconds": "", "Time zone of the cron expression": "Asia/Kathmandu" });
  await press(page, "Save");
  await page.getByText("0 9 * * 1-5, Asia/Kathmandu").waitFor();
  await page.getByText("03:15:00 UTC").first().waitFor();
});
