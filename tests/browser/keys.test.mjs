// An API key: made, shown once, used, revoked.
import assert from "node:assert/strict";

import { journey } from "./harness/journey.mjs";
import { fill, follow, press, textOf } from "./harness/steps.mjs";

journey("a key is made, shown once, used and revoked", async (stand) => {
  const { page, api } = stand;
  await follow(page, "API keys");
  await follow(page, "New key");
  await press(page, "Make the key");
  await page.getByRole("heading", { name: "There is a problem" }).waitFor();
  await stand.inspect("a key without a name");
  await fill(page, { Name: "nightly export", Expires: "in 30 days" });
  await page.getByLabel("events:read").check();
  await press(page, "Make the key");
  await page.getByRole("heading", { name: "The key nightly export" }).waitFor();
  const key = (await page.locator("#key").textContent()).trim();
  await stand.inspect("a key, shown once");

  const program = api.withKey(key);
  assert.equal((await program.call("GET", "/events?limit=1")).status, 200);
  assert.equal((await program.call("GET", "/sources")).status, 403, "it may do what was ticked, and no more");
  await follow(page, "I stored it");
  const row = page.getByRole("row").filter({ hasText: "nightly export" });
  assert.match(await textOf(row), /events:read.*active/);
  assert.ok(!(await page.content()).includes(key), "the key is not shown a second time");
  await stand.inspect("keys");

  await row.getByRole("link", { name: /^Revoke/ }).click();
  await page.getByText("This cannot be undone.").waitFor();
  await stand.inspect("asked before a key is revoked");
  await follow(page, "Cancel");
  assert.equal((await program.call("GET", "/events?limit=1")).status, 200, "nothing was done yet");
  await row.getByRole("link", { name: /^Revoke/ }).click();
  await press(page, "Revoke key");
  await page.getByText("Revoked: the key opens nothing any more.").waitFor();
  assert.equal(await row.count(), 0);
  assert.equal((await program.call("GET", "/events?limit=1")).status, 401);
});
