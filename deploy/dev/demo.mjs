// The demo behind `make run`: a Stripe source, a bin and a connection, made once; then sample events, signed as Stripe
// signs them, through the front door, each followed until it is delivered. Node's own modules only.
import { createHmac, randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";

const { POSTERN_DEMO_URL: base, POSTERN_DEMO_KEY: key, POSTERN_DEMO_STATE: stateFile } = process.env;
const SAMPLES = [
  ["checkout.session.completed", { amount_total: 4200, currency: "eur" }],
  ["payment_intent.succeeded", { amount: 4200, currency: "eur" }],
  ["invoice.paid", { amount_paid: 990, currency: "usd" }],
  ["customer.created", { email: "ada@example.com" }],
  ["charge.refunded", { amount_refunded: 990, currency: "usd" }],
];
const PATIENCE_MS = 30_000;

const state = await resources();
let failed = false;
for (const [type, object] of SAMPLES) {
  const id = await send(type, object);
  failed = !(await followed(id)) || failed;
}
process.exit(failed ? 1 : 0);

/** What the demo needs: as it was remembered when it still exists, otherwise made now and remembered. */
async function resources() {
  const known = remembered();
  if (known && (await api("GET", `/sources/${known.source_id}`)).status === 200) return known;

  const secret = `whsec_${randomBytes(24).toString("hex")}`;
  const source = await made("/sources", { name: "Demo: Stripe", kind: "webhook", provider: "stripe", secrets: [secret] });
  const bin = await made("/destinations", { name: "Demo: bin", kind: "bin" });
  await made("/connections", { source_id: source.id, destination_id: bin.id });
  const fresh = { source_id: source.id, destination_id: bin.id, front_door: new URL(source.ingest_url).pathname, secret };
  writeFileSync(stateFile, JSON.stringify(fresh, null, 2), { mode: 0o600 });
  return fresh;
}

function remembered() {
  try {
    return JSON.parse(readFileSync(stateFile, "utf8"));
  } catch {
    return null;
  }
}

async function send(type, object) {
  const at = Math.floor(Date.now() / 1000);
  const id = `evt_${randomBytes(12).toString("hex")}`;
  const body = JSON.stringify({ id, object: "event", type, created: at, livemode: false, data: { object } });
  const signature = createHmac("sha256", state.secret).update(`${at}.${body}`).digest("hex");
  const headers = { "content-type": "application/json", "stripe-signature": `t=${at},v1=${signature}` };
  const answer = await fetch(base + state.front_door, { method: "POST", headers, body });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`the front door answered ${answer.status}: ${text}`);
  return JSON.parse(text).id;
}

/** Prints one line when the event is delivered; false when it is not within a bounded time. */
async function followed(id) {
  const until = Date.now() + PATIENCE_MS;
  let event;
  while (Date.now() < until) {
    event = (await api("GET", `/events/${id}`)).body;
    if (event?.outcome === "delivered") {
      const attempt = event.deliveries.at(-1).attempts.at(-1);
      console.log(`delivered ${id} ${attempt.result.status} ${Math.round(attempt.duration_ms)} ms`);
      return true;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  console.error(`${id} was not delivered within ${PATIENCE_MS / 1000} s: ${JSON.stringify(event)}`);
  return false;
}

async function made(path, body) {
  const answer = await api("POST", path, body);
  if (answer.status !== 201) throw new Error(`POST ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

async function api(method, path, body) {
  const headers = { authorization: `Bearer ${key}` };
  if (body) headers["content-type"] = "application/json";
  const answer = await fetch(`${base}/api/v1${path}`, { method, headers, body: body && JSON.stringify(body) });
  const text = await answer.text();
  let parsed = text;
  try {
    parsed = JSON.parse(text);
  } catch {
    // Not JSON: shown as it came.
  }
  return { status: answer.status, body: parsed };
}
