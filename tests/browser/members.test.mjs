// A colleague who may look: everything can be read, and nothing on any page would change something.
import assert from "node:assert/strict";

import { journey } from "./harness/journey.mjs";
import { pagesOf } from "./harness/pages.mjs";
import { fill, follow, logIn, press, textOf } from "./harness/steps.mjs";
import { usualWorld } from "./harness/world.mjs";

const VIEWER = { email: "vic@example.com", password: "staple battery horse" };
/** Forms that everybody has: their session and their account are their own. */
const OWN = /^\/(logout|reauth|account\/.*)$/;
const CHANGES = /\/(new|edit|delete|check)$/;

journey("a member who may only look sees no controls", async (stand) => {
  const { page } = stand;
  const world = await usualWorld(stand);
  await follow(page, "Members");
  await fill(page, { Email: VIEWER.email, Role: "viewer", Password: "short" });
  await press(page, "Add");
  await page.locator("#password-error").waitFor();
  await stand.inspect("a password that is too short");
  await fill(page, { Password: VIEWER.password });
  await press(page, "Add");
  await page.getByText("Added.").waitFor();
  assert.match(await textOf(page.getByRole("row").filter({ hasText: VIEWER.email })), /viewer/i);
  await stand.inspect("members");

  const theirs = await stand.window();
  const home = await logIn(theirs, VIEWER);
  assert.equal(home, stand.home);
  let looked = 0;
  for (const { name, path } of pagesOf(world, home)) {
    const answer = await theirs.goto(path);
    if (answer.status() === 403) {
      assert.match(name, /new|edit|delete|revoke|keys|check/, `${name} is refused to one who may look`);
      continue;
    }
    looked += 1;
    const { posts, links } = await controls(theirs);
    assert.deepEqual(posts.filter((action) => !OWN.test(action)), [], `${name} shows a form`);
    const closed = links.filter((href) => CHANGES.test(href) || href === `${home}keys`);
    assert.deepEqual(closed, [], `${name} shows a way to what is refused`);
  }
  assert.ok(looked > 12, `only ${looked} pages`);
  await theirs.goto(`${home}sources/new`);
  await theirs.getByText("Ask an owner or admin of this tenant.").waitFor();
  await stand.inspect("refused to a viewer", theirs);

  await page.getByLabel(`Role of ${VIEWER.email}`).selectOption("editor");
  await press(page, `Change the role of ${VIEWER.email}`);
  await theirs.goto(`${home}sources`);
  await theirs.getByRole("link", { name: "New source" }).waitFor();
  await follow(page, `Remove… ${VIEWER.email}`);
  await stand.inspect("asked before a member is removed");
  await press(page, /^Remove/);
  assert.equal((await theirs.goto(`${home}sources`)).status(), 404, "at once");
});

/** Where the page's forms post to, and where its links lead. */
function controls(page) {
  return page.evaluate(() => ({
    posts: [...document.forms].filter((form) => form.method === "post").map((form) => new URL(form.action).pathname),
    links: [...document.links].map((link) => link.pathname),
  }));
}
