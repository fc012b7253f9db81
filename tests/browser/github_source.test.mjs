// A source as GitHub uses it: what is forged is refused and says why, what is signed is delivered.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";

import { post } from "./harness/api.mjs";
import { journey } from "./harness/journey.mjs";
import { fill, follow, leads, press, textOf } from "./harness/steps.mjs";

const SECRET = "It's a Secret to Everybody";
const BODY = JSON.stringify({ ref: "refs/heads/main", pusher: { name: "Grüße, 世界 🎉" } });

journey("a GitHub source refuses what is forged and delivers what is signed", async (stand) => {
  const { page, receiver } = stand;
  const url = await makeSource(stand);
  const forged = await post(url, push("d-1", "0".repeat(64)), BODY);
  assert.equal(forged.status, 401, JSON.stringify(forged.body));
  await follow(page, "Refused");
  const row = page.getByRole("row").filter({ hasText: "GitHub repositories" });
  const shown = await textOf(row);
  assert.match(shown, /refused/);
  assert.match(shown, /signature mismatch/, "it says what was wrong");
  assert.match(shown, /Expected: a signature in header `x-hub-signature-256` made with the secret/, "and what would have been right");
  assert.ok(!shown.includes(SECRET));
  await stand.inspect("a forged request");

  await makeDestination(stand);
  await connect(stand);
  const signed = await post(url, push("d-2", createHmac("sha256", SECRET).update(BODY).digest("hex")), BODY);
  assert.ok([200, 202].includes(signed.status), JSON.stringify(signed));
  await stand.api.settled(signed.body.id, "delivered");
  await follow(page, "Events");
  await leads(page, page.getByRole("link", { name: signed.body.id }));
  const event = await textOf(page.locator("main"));
  for (const wanted of ["push", "GitHub repositories", "Build server", "200", "Grüße, 世界 🎉"]) {
    assert.ok(event.includes(wanted), `the event says ${wanted}: ${event}`);
  }
  await stand.inspect("a delivered push");
  assert.equal(receiver.arrivals.length, 1, "what was forged went nowhere");
  assert.equal(receiver.arrivals[0].body.toString(), BODY, "byte for byte");
  assert.equal(receiver.arrivals[0].headers["webhook-id"], signed.body.id);
});

async function makeSource({ page }) {
  await follow(page, "Sources");
  await follow(page, "Add a source");
  await leads(page, page.getByRole("link", { name: /^GitHub/ }));
  await press(page, "Create source");
  await page.getByRole("heading", { name: "There is a problem" }).waitFor();
  await fill(page, { Name: "GitHub repositories" });
  await page.locator("#secrets").fill(SECRET);
  await press(page, "Create source");
  await page.getByText("Created.").waitFor();
  assert.ok(!(await page.content()).includes(SECRET), "a secret is not shown again");
  return (await page.locator("#url").textContent()).trim();
}

async function makeDestination({ page, receiver }) {
  await follow(page, "Destinations");
  await follow(page, "Add a destination");
  await fill(page, { Name: "Build server", URL: "javascript:alert(1)" });
  await press(page, "Create destination");
  await page.locator("#url-error").waitFor();
  await fill(page, { URL: `${receiver.url}/hook` });
  await press(page, "Create destination");
  await page.getByText("Created.").waitFor();
}

async function connect({ page }) {
  await follow(page, "Connections");
  await follow(page, "Connect a source");
  await fill(page, { Source: "GitHub repositories", Destination: "Build server", "Event types": "push" });
  await press(page, "Connect");
  await page.getByText("Created.").waitFor();
}

function push(delivery, digest) {
  return {
    "content-type": "application/json",
    "x-github-event": "push",
    "x-github-delivery": delivery,
    "x-hub-signature-256": `sha256=${digest}`,
  };
}
