// From an empty tenant to an event that was delivered, without knowing anything.
import assert from "node:assert/strict";

import { journey } from "./harness/journey.mjs";
import { follow, leads, press, textOf } from "./harness/steps.mjs";
import { until } from "./harness/until.mjs";

journey("first run to first delivered event", async (stand) => {
  const { page } = stand;
  await page.getByRole("heading", { name: "Nothing is set up yet" }).waitFor();
  await stand.inspect("first run");
  await press(page, "Set up and try it");
  const arrived = page.getByRole("region", { name: "What arrived" });
  await arrived.getByText("Nothing yet").waitFor();
  await stand.inspect("waiting for the first event");

  await press(page, "Send a test event");
  const delivered = arrived.locator(".ps-badge", { hasText: "delivered" }).first();
  if (stand.look.javaScript) await delivered.waitFor();
  else await until("it is delivered", async () => (await delivered.isVisible()) || follow(page, "Refresh"));
  await stand.inspect("the first event has arrived");
  const id = (await arrived.getByText(/^evt_/).first().textContent()).trim();

  await leads(page, arrived.getByRole("link", { name: "test", exact: true }));
  await page.getByText(`"hello"`).first().waitFor();
  assert.ok(page.url().includes(id), page.url());
  assert.match(await textOf(page.getByRole("region", { name: "Deliveries" })), /delivered/);
  await stand.inspect("the first event");

  await leads(page, page.locator("article").getByRole("link").first());
  const received = page.getByRole("region", { name: "What it received" });
  assert.match(await textOf(received), new RegExp(`${id}.*"hello"`), "the bin shows what it received");
  await follow(page, "Overview");
  const rows = page.getByRole("region", { name: "Last events" }).locator("tbody tr");
  assert.equal(await rows.count(), 1);
  assert.match(await textOf(rows), new RegExp(`${id}.*delivered`));
  await stand.inspect("the overview with its first event");
});
