// Who sends: found on the list and set up, or on no list and set up field by field; and what the check says of a request
// that was refused.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";

import { post } from "./harness/api.mjs";
import { journey } from "./harness/journey.mjs";
import { fill, follow, leads, press, textOf } from "./harness/steps.mjs";

const SECRET = "8f742231b10e8888abcd99yyyzzz85a5";
const WRONG = "00000000b10e8888abcd99yyyzzz85a5";
const DAY_S = 86_400;

journey("a sender that is on no list is set up field by field", async (stand) => {
  const { page } = stand;
  await follow(page, "Sources");
  await follow(page, "Add a source");
  await fill(page, { Provider: "acme ledger" });
  await press(page, "Search");
  await page.getByText("No provider fits.").waitFor();
  await stand.inspect("a search that finds nothing");
  await leads(page, page.getByRole("link", { name: /^Any HMAC/ }));
  await fill(page, {
    Name: "Ledger",
    Secrets: SECRET,
    Header: "x-ledger-signature",
    Prefix: "v1=",
    Algorithm: "sha512",
    "What is signed": "{timestamp}.{body}",
    "Header with the timestamp": "x-ledger-time",
    "Header with the event type": "x-ledger-event",
  });
  await press(page, "Create source");
  await page.getByText("Created.").waitFor();
  assert.match(await textOf(page.locator("main")), /trust B/, "it says how far this can be trusted");
  await stand.inspect("a source of a sender that is on no list");
  const url = (await page.locator("#url").textContent()).trim();

  const body = JSON.stringify({ entry: 7, text: "Grüße" });
  const signed = await post(url, ledger(body, SECRET), body);
  assert.equal(signed.status, 200, signed.text);
  await stand.api.settled(signed.body.id, "unrouted");
  assert.equal((await stand.api.get(`/events/${signed.body.id}`)).type, "entry.made");
  const forged = await post(url, ledger(body, WRONG), body);
  assert.equal(forged.status, 401, forged.text);
  const changed = await post(url, ledger(body, SECRET), body.replace("7", "8"));
  assert.equal(changed.status, 401, changed.text);

  await follow(page, "Sources");
  await leads(page, page.getByRole("link", { name: "Ledger" }));
  await follow(page, "Edit");
  assert.equal(await page.getByLabel("Algorithm").inputValue(), "sha512", "what was configured is shown again");
  await fill(page, { Prefix: "v2=" });
  await press(page, "Save");
  await page.getByText("Saved.").waitFor();
  assert.equal((await post(url, ledger(body, SECRET), body)).status, 401, "the change counts at once");
});

function ledger(body, secret) {
  const time = Math.floor(Date.now() / 1000);
  const digest = createHmac("sha512", secret).update(`${time}.${body}`).digest("hex");
  return {
    "content-type": "application/json",
    "x-ledger-event": "entry.made",
    "x-ledger-signature": `v1=${digest}`,
    "x-ledger-time": `${time}`,
  };
}

journey("a provider is found by name, and the check says what is wrong with a request", async (stand) => {
  const { page } = stand;
  await stand.go("sources/new");
  await stand.inspect("all providers");
  await fill(page, { Provider: "slack" });
  await press(page, "Search");
  await leads(page, page.getByRole("link", { name: /^Slack/ }));
  await stand.inspect("the form of a provider");
  await page.getByLabel("Name", { exact: true }).fill("Team chat");
  await page.locator("#secrets").fill(SECRET);
  await press(page, "Create source");
  await page.getByText("Created.").waitFor();
  const main = await textOf(page.locator("main"));
  assert.match(main, /Slack/);
  assert.match(main, /trust [A-E]/);
  const url = (await page.locator("#url").textContent()).trim();

  const body = JSON.stringify({ type: "event_callback", event_id: "Ev1", event: { type: "message", text: "a\nb" } });
  const now = Math.floor(Date.now() / 1000);
  assert.equal((await post(url, slack(body, SECRET, now), body)).status, 200);
  const refused = await post(url, slack(body, WRONG, now), body);
  assert.equal(refused.status, 401);

  await follow(page, "Refused");
  await follow(page, "Check this request");
  await page.getByText("Filled in from a request that was refused").waitFor();
  await page.getByLabel("Body", { exact: true }).fill(body);
  await assertChecked(stand, { failed: /signature/i, said: /would be refused/ }, "a request with a wrong secret");

  const old = now - DAY_S;
  await fill(page, { Headers: lines(slack(body, SECRET, old)), Body: body, "Received at (UTC)": "" });
  await assertChecked(stand, { failed: /time/i, said: /would be refused/ }, "a request of yesterday");
  await fill(page, { "Received at (UTC)": new Date(old * 1000).toISOString().slice(0, 19) });
  await assertChecked(stand, { failed: null, said: /would be taken in/ }, "the same with the clock of yesterday");
  assert.match(await textOf(page.locator("main")), /Ev1/);
  const { data } = await stand.api.get("/events");
  assert.equal(data.length, 1, "a check makes no event");
  assert.ok(!(await page.content()).includes(SECRET));

  await fill(page, { Headers: "this is no header" });
  await press(page, "Check");
  await page.locator("#headers-error").waitFor();
  await stand.inspect("a check that cannot be read");
});

/** Presses the button, and reads which step failed. */
async function assertChecked(stand, { failed, said }, where) {
  const { page } = stand;
  await press(page, "Check");
  assert.match(await textOf(page.locator("[aria-labelledby=result] .ps-flash")), said, where);
  const steps = page.locator("[aria-labelledby=result] li.ps-failed");
  assert.equal(await steps.count(), failed ? 1 : 0, where);
  if (failed) assert.match(await textOf(steps), failed, where);
  await stand.inspect(where);
}

function slack(body, secret, time) {
  const digest = createHmac("sha256", secret).update(`v0:${time}:${body}`).digest("hex");
  return {
    "content-type": "application/json",
    "x-slack-request-timestamp": `${time}`,
    "x-slack-signature": `v0=${digest}`,
  };
}

function lines(headers) {
  return Object.entries(headers).map(([name, value]) => `${name}: ${value}`).join("\n");
}
