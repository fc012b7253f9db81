// The API and the front door, as programs use them: thin, so that what a test sends can be read in the test.
import assert from "node:assert/strict";

import { until } from "./until.mjs";

export class Api {
  constructor(base, key) {
    Object.assign(this, { base, key });
  }

  withKey(key) {
    return new Api(this.base, key);
  }

  async call(method, path, body) {
    const headers = { authorization: `Bearer ${this.key}` };
    if (body !== undefined) headers["content-type"] = "application/json";
    const answer = await fetch(`${this.base}/api/v1${path}`, { method, headers, body: body && JSON.stringify(body) });
    const text = await answer.text();
    return { status: answer.status, body: text && JSON.parse(text) };
  }

  async get(path) {
    const answer = await this.call("GET", path);
    assert.equal(answer.status, 200, `GET ${path}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  /** Makes something; returns it. */
  async made(path, body) {
    const answer = await this.call("POST", path, body);
    assert.ok([201, 202].includes(answer.status), `POST ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  /** Waits until the event has come to `outcome`. */
  async settled(id, outcome) {
    await until(`event ${id} is ${outcome}`, async () => (await this.get(`/events/${id}`)).outcome === outcome);
  }

  /** Waits until the event has so many deliveries in each state, `{ dead: 1, pending: 1 }`, and each was tried. */
  async deliveries(id, states) {
    const wanted = Object.entries(states).flatMap(([state, count]) => Array(count).fill(state)).sort().join();
    await until(`the deliveries of ${id} are ${wanted}`, async () => {
      const { deliveries } = await this.get(`/events/${id}`);
      const tried = deliveries.every(({ attempts }) => attempts.length > 0);
      return tried && deliveries.map(({ state }) => state).sort().join() === wanted;
    });
  }
}

/** Posts to the front door. Header values may hold any text: they leave as UTF-8, as curl sends them. */
export async function post(url, headers, body) {
  const raw = Object.entries(headers).map(([name, value]) => [name, Buffer.from(value).toString("latin1")]);
  const answer = await fetch(url, { method: "POST", headers: raw, body });
  const text = await answer.text();
  const isJson = answer.headers.get("content-type")?.startsWith("application/json");
  return { status: answer.status, text, body: isJson ? JSON.parse(text) : null };
}
