// What a page costs somebody who comes for the first time.
import assert from "node:assert/strict";

import { SQLITE } from "./harness/database.mjs";
import { DESK, journey } from "./harness/journey.mjs";
import { pagesOf } from "./harness/pages.mjs";
import { until } from "./harness/until.mjs";
import { usualWorld } from "./harness/world.mjs";

const MOST_BYTES = 80_000;
const MOST_REQUESTS = 10;

journey("the first load of any page is light", async (stand) => {
  const pages = pagesOf(await usualWorld(stand), stand.home);
  const loaded = await loader(stand.page);
  let heaviest = { bytes: 0 };
  const weigh = async ({ name, path }) => {
    const { bytes, requests } = await loaded(path);
    assert.ok(bytes <= MOST_BYTES, `${name} weighs ${bytes} bytes`);
    assert.ok(requests <= MOST_REQUESTS, `${name} takes ${requests} requests`);
    if (bytes > heaviest.bytes) heaviest = { name, bytes, requests };
  };
  for (const page of pages) await weigh(page);
  await stand.page.context().clearCookies();
  await weigh({ name: "log in", path: "/login" });
  console.log(`the heaviest first load: ${JSON.stringify(heaviest)}`);
}, { databases: [SQLITE], looks: [DESK] });

/** Loads a path as if for the first time; returns its requests and their bytes on the wire, headers among them. */
async function loader(page) {
  const session = await page.context().newCDPSession(page);
  const open = new Set();
  let [bytes, requests] = [0, 0];
  session.on("Network.requestWillBeSent", ({ requestId, request }) => {
    // Pictures within the style sheet come with it, and never over the wire.
    if (request.url.startsWith("data:")) return;
    open.add(requestId);
    requests += 1;
  });
  session.on("Network.responseReceived", ({ requestId, response }) => {
    // A stream of live rows stays open: of the load it is a request and nothing more.
    if (response.mimeType === "text/event-stream") open.delete(requestId);
  });
  session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    if (open.delete(requestId)) bytes += encodedDataLength;
  });
  await session.send("Network.enable");
  await session.send("Network.setCacheDisabled", { cacheDisabled: true });
  return async (path) => {
    await page.goto("about:blank");
    open.clear();
    [bytes, requests] = [0, 0];
    await page.goto(path);
    await until(`${path} is loaded`, () => open.size === 0);
    // Chromium without a window does not fetch the icon; browsers of people do.
    const icon = await page.request.get(await page.locator("link[rel=icon]").getAttribute("href"));
    return { bytes: bytes + (await icon.body()).length, requests: requests + 1 };
  };
}
