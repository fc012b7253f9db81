// A tenant in which something of every kind exists and has happened, in words of the test's choice.
import assert from "node:assert/strict";

import { post } from "./api.mjs";
import { until } from "./until.mjs";

const HOUR_S = 3600;
const LIST = "/list";
const PASSWORD = "staple battery horse";

/** What nobody would look at twice. Each field is something that is stored, and shown somewhere. */
export const USUAL = {
  name: (what) => what,
  email: "bo@example.com",
  secret: "a-token-of-24-characters",
  prefix: "Token ",
  type: "order.paid",
  pattern: "invoice.*",
  dedupKey: "order-1",
  path: "/hook",
  header: "shop",
  contentType: "application/json",
  body: Buffer.from(JSON.stringify({ type: "order.paid", order: 1, lines: [{ sku: "a", count: 2 }] })),
  data: { order: 2 },
  answer: { status: 500, headers: { "content-type": "text/plain", "x-note": "try later" }, body: "the upstream says no" },
  own: "thank you",
};

/** A destination and the connection to it. */
export async function route(api, source, destination, eventTypes = []) {
  const made = await api.made("/destinations", destination);
  const ends = { source_id: source.id, destination_id: made.id, event_types: eventTypes };
  return { destination: made, connection: await api.made("/connections", ends) };
}

/**
 * Makes it all. Of what happens: one event is delivered here and retried there, one is dead, one is filtered, one went
 * nowhere; one request is refused and one a duplicate. Returns what pages are about.
 */
export async function usualWorld({ api, receiver }, words = USUAL) {
  const items = JSON.stringify({ data: [{ id: words.dedupKey, at: HOUR_S, text: words.header }, { text: words.header }] });
  const list = { status: 200, headers: { "content-type": "application/json" }, body: items };
  receiver.answers(({ path }) => (path.startsWith(LIST) ? list : words.answer));
  const made = await configured(api, receiver, words);
  const events = await happened(api, made, words);
  events.call = await called(api, made, receiver, words);
  return { ...made, events };
}

/** A list that has an item without an id. */
function polling(receiver, words) {
  // Two braces would ask for something that only a run knows.
  const text = words.header.replaceAll("{{", "{ {");
  return {
    request: { url: receiver.url + LIST, query: { q: text }, headers: { "x-from": text } },
    schedule: { interval_s: HOUR_S },
    items: "$.data[*]",
    id: "$.id",
    type: "order.changed",
    cursor: { mode: "integer", value: "$.at" },
    first_run: "backfill",
  };
}

async function configured(api, receiver, words) {
  const once = { schedule_s: [], jitter_pct: 0 };
  const source = await api.made("/sources", {
    name: words.name("Shop"),
    kind: "webhook",
    scheme: "token",
    config: { header: "x-token", prefix: words.prefix, id_header: "x-id", type_header: "x-type" },
    secrets: [words.secret],
    response: { body: words.own, content_type: "text/plain" },
  });
  const open = await api.made("/sources", { name: words.name("Anybody"), kind: "webhook", scheme: "none" });
  const polled = await api.made("/sources", { name: words.name("Orders"), kind: "poll", poll: polling(receiver, words) });
  const beside = await api.call("PATCH", `/sources/${open.id}`, { poll: polling(receiver, words) });
  assert.equal(beside.status, 200, JSON.stringify(beside.body));
  const published = await api.made("/sources", { name: words.name("Own programs"), kind: "publish" });
  const target = {
    name: words.name("Billing"),
    url: receiver.url + words.path,
    headers: { "x-from": words.header },
    retry: { schedule_s: [HOUR_S], jitter_pct: 0 },
  };
  const failing = await route(api, source, target);
  const bin = await route(api, source, { name: words.name("Bin"), kind: "bin" });
  await api.made("/connections", { source_id: open.id, destination_id: bin.destination.id });
  const queue = await api.made("/destinations", { name: words.name("Jobs"), kind: "queue" });
  const gone = await route(api, published, { ...target, name: words.name("Gone"), retry: once }, [words.pattern]);
  const key = await api.made("/api-keys", { name: words.name("Export"), scopes: ["events:read"] });
  const member = await api.made("/members", { email: words.email, role: "editor", password: PASSWORD });
  return { source, open, published, polled, failing, bin, queue, gone, key, member };
}

async function happened(api, { source, open, published, polled, failing, gone }, words) {
  const good = {
    "content-type": words.contentType,
    "user-agent": words.header,
    "x-id": words.dedupKey,
    "x-note": words.sent ?? words.header,
    "x-token": words.prefix + words.secret,
    "x-type": words.type,
  };
  const sent = (headers) => post(source.ingest_url, headers, words.body);
  assert.equal((await sent({ ...good, "x-token": words.header })).status, 401);
  const first = await sent(good);
  assert.ok(first.status < 300, `${first.status} ${first.text}`);
  assert.ok((await sent(good)).status < 300, "a duplicate");
  await post(open.ingest_url, { "content-type": "application/json" }, JSON.stringify({ type: words.type }));
  const [{ id: retried }] = await until("the first event is listed", async () => {
    const { data } = await api.get(`/events?source_id=${source.id}`);
    return data.length > 0 && data;
  });
  await api.deliveries(retried, { delivered: 1, pending: 1 });
  const publish = (type) => api.made("/events", { source_id: published.id, type, data: words.data });
  const { id: dead } = await publish(words.pattern.replace("*", "failed"));
  await api.deliveries(dead, { dead: 1 });
  const { id: filtered } = await publish("order.paid");
  await until("a run has ended", async () => {
    const { data } = await api.get(`/sources/${polled.id}/runs`);
    return data.some(({ state }) => state !== "running");
  });
  return { retried, dead, filtered, connections: [failing.connection.id, gone.connection.id] };
}

/** A call that the receiver answers as it answers everything, and one that waits. Gives the first. */
async function called(api, { published }, receiver, words) {
  const call = (more) => api.made("/calls", {
    request: { method: "POST", url: receiver.url + words.path, headers: { "x-from": words.header }, body: words.header },
    source_id: published.id,
    metadata: { note: words.header },
    retry: { max: 0 },
    ...more,
  });
  await call({ delay_s: HOUR_S });
  const { id } = await call({});
  await until("a call has ended", async () => (await api.get(`/calls/${id}`)).done);
  return id;
}
