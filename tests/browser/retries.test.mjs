// A destination that fails: tries, waits, dead, and a retry by hand once it is mended.
import assert from "node:assert/strict";

import { journey } from "./harness/journey.mjs";
import { follow, leads, textOf } from "./harness/steps.mjs";
import { route } from "./harness/world.mjs";

const HOUR_S = 3600;

journey("a failing destination is retried, given up, and retried by hand", async (stand) => {
  const { page, api, receiver } = stand;
  receiver.answers(() => ({ status: 503, body: "the upstream says no" }));
  const source = await api.made("/sources", { name: "Shop", kind: "publish" });
  const to = (name, path, wait_s) =>
    route(api, source, { name, url: receiver.url + path, retry: { schedule_s: [wait_s], jitter_pct: 0 } });
  await to("Given up soon", "/soon", 1);
  await to("Still tried", "/still", HOUR_S);
  const { id } = await api.made("/events", { source_id: source.id, type: "order.paid", data: { order: 1 } });
  await api.deliveries(id, { dead: 1, pending: 1 });

  await stand.go("deliveries?state=dead");
  const dead = page.locator("tbody tr");
  assert.equal(await dead.count(), 1);
  assert.match(await textOf(dead), /order\.paid.*Given up soon.*dead.*after 2 tries/);
  await stand.inspect("dead deliveries");
  await leads(page, dead.getByRole("link", { name: "order.paid" }));
  const [soon, still] = ["Given up soon", "Still tried"].map((name) => page.locator("article").filter({ hasText: name }));
  assert.match(await textOf(soon), /dead.*Try 1.*503.*Try 2.*503/);
  assert.match(await textOf(soon), /the upstream says no/, "the answer is kept");
  assert.match(await textOf(still), /retrying.*Try 1.*503/);
  await stand.inspect("an event that is dead here and retried there");

  receiver.answers();
  await leads(page, soon.getByRole("button", { name: /^Retry now/ }));
  await page.getByText("It is tried again now.").waitFor();
  await api.deliveries(id, { delivered: 1, pending: 1 });
  await page.reload();
  assert.match(await textOf(soon), /delivered.*Try 3.*200/);
  await leads(page, still.getByRole("button", { name: /^Cancel/ }));
  await page.getByText("Cancelled.").waitFor();
  assert.match(await textOf(still), /cancelled/);
  await stand.inspect("a mended delivery and a cancelled one");
  const ids = receiver.arrivals.filter(({ path }) => path === "/soon").map(({ headers }) => headers["webhook-id"]);
  assert.deepEqual(ids, [id, id, id], "the same id each time, so that the receiver can tell");
  await follow(page, "Dead");
  await page.getByText("Nothing has been given up").waitFor();
});
