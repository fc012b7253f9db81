// An API that is polled: set up, tried before it is saved, run, read again from an earlier place, and held back when
// there is more than was agreed.
import assert from "node:assert/strict";

import { journey } from "./harness/journey.mjs";
import { fill, follow, leads, logIn, press, textOf } from "./harness/steps.mjs";
import { until } from "./harness/until.mjs";

const VIEWER = { email: "vic@example.com", password: "staple battery horse" };
const TOKEN = "a-token-that-nobody-else-has";
const JSON_TYPE = { "content-type": "application/json", "x-ratelimit-remaining": "58" };

/** A list of orders that asks for a token. */
function orders(receiver) {
  const data = [
    { id: "o-1", at: 10, state: "paid" },
    { id: "o-2", at: 20, state: "open" },
  ];
  receiver.answers(({ path, headers }) => {
    if (headers.authorization !== `Bearer ${TOKEN}`) return { status: 401, body: "no" };
    const since = Number(new URL(path, "http://x").searchParams.get("since") ?? 0);
    const body = JSON.stringify({ data: data.filter(({ at }) => at >= since), has_more: false });
    return { status: 200, headers: JSON_TYPE, body };
  });
  return data;
}

journey("an API is polled", async (stand) => {
  const { page, receiver, api } = stand;
  const list = orders(receiver);
  await follow(page, "Sources");
  await follow(page, "Add a source");
  await leads(page, page.getByRole("link", { name: /^Poll an API/ }));
  await stand.inspect("templates of polls");
  await follow(page, "Begin with an empty form");
  await stand.inspect("an empty form of a poll");

  await press(page, "Create source");
  await page.getByRole("heading", { name: "There is a problem" }).waitFor();
  await stand.inspect("a poll that cannot be saved");
  await fill(page, { Name: "Orders", URL: `${receiver.url}/orders`, Query: "since={{cursor|default:0}}" });
  await fill(page, { By: "bearer" });
  await fill(page, { Token: "wrong", Items: "$.orders[*]", Identity: "$.id", "Event type": "order.changed" });
  await fill(page, { "Of what is there already, the first run": "backfill" });
  await fill(page, { "It is": "integer" });
  await fill(page, { "Where it stands": "$.at", "Items come": "asc" });

  await press(page, "Test");
  assert.match(await textOf(page.locator("[aria-labelledby=tried]")), /would fail.*401/, "it says what is wrong");
  await stand.inspect("a test that was refused");
  assert.equal(await page.getByLabel("Token", { exact: true }).inputValue(), "***", "a secret is not shown again");
  await fill(page, { Token: TOKEN });
  await press(page, "Test");
  const missed = await textOf(page.locator("[aria-labelledby=tried]"));
  assert.match(missed, /data, has_more/, "it says what the answer has");
  assert.match(missed, /Look at Items/, "and which field to change");
  await stand.inspect("a test that found no list");
  await fill(page, { Items: "$.data[*]" });
  await press(page, "Test");
  const found = await textOf(page.locator("[aria-labelledby=tried]"));
  for (const wanted of ["2 of 2 items are new", "o-1", "o-2", "order.changed", "58"]) {
    assert.ok(found.includes(wanted), `the test says ${wanted}: ${found}`);
  }
  await stand.inspect("a test that works");
  assert.equal((await api.get("/events")).data.length, 0, "a test makes no event");
  assert.ok(!(await page.content()).includes(TOKEN));

  await press(page, "Create source");
  await page.getByText("Created.").waitFor();
  assert.ok(!(await page.content()).includes(TOKEN));
  const id = new URL(page.url()).pathname.split("/").at(-1);
  const events = (number) => until(`${number} events`, async () => {
    const { data } = await api.get(`/events?source_id=${id}`);
    return data.length === number && data;
  });
  await events(2);
  await until("the first run is over", async () => (await api.get(`/sources/${id}`)).polling.health === "ok");
  await page.reload();
  assert.match(await textOf(page.locator("[aria-labelledby=polling]")), /healthy.*every 5 min/);
  await stand.inspect("a source that polls");

  list.push({ id: "o-3", at: 30, state: "open" });
  await press(page, "Run now");
  await page.getByText("A run was asked for.").waitFor();
  const [newest] = await events(3);
  await page.reload();
  assert.match(await textOf(page.locator("main table")), /somebody asked/);
  await stand.inspect("runs");
  await stand.go(`events/${newest.id}`);
  assert.match(await textOf(page.locator("main")), /o-3/);

  await rewind(stand, id);
  await events(3);
  await aViewerLooks(stand, id);
});

async function rewind(stand, id) {
  const { page, api } = stand;
  await stand.go(`sources/${id}`);
  await follow(page, "Cursor");
  assert.match(await textOf(page.locator("[aria-labelledby=now]")), /30/);
  assert.equal(await page.getByRole("button", { name: "Move the cursor" }).count(), 0, "first it is shown");
  await fill(page, { "New cursor": "soon" });
  await press(page, "Show what a run would find");
  await page.locator("#to-error").waitFor();
  await fill(page, { "New cursor": "20" });
  await press(page, "Show what a run would find");
  assert.match(await textOf(page.locator("[aria-labelledby=tried]")), /None of 2 items is new/);
  await stand.inspect("what a run from there would find");
  await press(page, "Move the cursor");
  await page.locator("#reason-error").waitFor();
  await fill(page, { Why: "The shop had lost a day" });
  await press(page, "Move the cursor");
  await page.getByText("The cursor was moved.").waitFor();
  assert.match(await textOf(page.locator("[aria-labelledby=moves]")), /ada@example.com.*The shop had lost a day/);
  await stand.inspect("a cursor that was moved");
  await until("it reads again", async () => (await api.get(`/sources/${id}/cursor`)).cursor === 30);
}

async function aViewerLooks(stand, id) {
  await stand.api.made("/members", { ...VIEWER, role: "viewer" });
  const theirs = await stand.window();
  const home = await logIn(theirs, VIEWER);
  for (const path of ["", "/runs", "/cursor", "/advice"]) {
    await theirs.goto(`${home}sources/${id}${path}`);
    const buttons = await theirs.getByRole("button", { name: /Run now|Move|Show what|Edit/ }).count();
    assert.equal(buttons, 0, `${path} offers a change to one who may look`);
  }
  assert.equal((await theirs.goto(`${home}sources/${id}/poll/edit`)).status(), 403);
  await theirs.goto(`${home}sources/${id}/advice`);
  await stand.inspect("advice", theirs);
}

journey("more than was agreed waits for a word", async (stand) => {
  const { page, api, receiver } = stand;
  orders(receiver);
  const made = await api.made("/sources", {
    name: "Orders",
    kind: "poll",
    poll: {
      request: { url: `${receiver.url}/orders`, auth: { kind: "bearer", token: TOKEN } },
      schedule: { interval_s: 3600 },
      items: "$.data[*]",
      id: "$.id",
      first_run: "backfill",
      limits: { flood_hold: 1 },
    },
  });
  await until("it is held", async () => (await api.get(`/sources/${made.id}`)).polling.health === "held");
  await stand.go(`sources/${made.id}`);
  assert.match(await textOf(page.locator("[aria-labelledby=polling]")), /2 events of one run wait/);
  await stand.inspect("events that are held");
  await press(page, "Deliver them");
  await page.getByText("They are delivered now.").waitFor();
});
