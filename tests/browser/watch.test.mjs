// The eye on every page sees what it should see. Without this, silence would prove nothing.
import assert from "node:assert/strict";

import { SQLITE } from "./harness/database.mjs";
import { LOOKS, journey } from "./harness/journey.mjs";
import { until } from "./harness/until.mjs";
import { Watch } from "./harness/watch.mjs";

const IMAGE = "http://127.0.0.1:9/x.png";

journey("what must not happen on a page is seen", async (stand) => {
  const page = await (await stand.page.context().newPage());
  const watch = await Watch.over(page, stand.server.base);
  await page.goto("/login");
  watch.assertQuiet();
  await page.evaluate((address) => {
    const image = document.createElement("img");
    image.src = address;
    document.body.append(image);
    console.error("said aloud");
  }, IMAGE);
  const report = await until("all of it is noted", () => {
    const report = said(watch);
    return ["a report of the policy", "said aloud"].every((wanted) => report.includes(wanted)) && report;
  });
  assert.match(report, /img-src/);

  await page.route("**/account", (route) => route.fulfill({ contentType: "text/html", body: `<img src="${IMAGE}">` }));
  await page.goto("/account");
  await until("a request to elsewhere is noted", () => said(watch).includes(`a request to ${IMAGE}`));
  await page.close();
}, { databases: [SQLITE], looks: LOOKS });

function said(watch) {
  try {
    watch.assertQuiet();
    return "";
  } catch (failure) {
    return failure.message;
  }
}
