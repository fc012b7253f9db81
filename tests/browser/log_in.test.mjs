// Coming in and going out: what is wrong is said, where one was going is remembered, and no link leads elsewhere.
import assert from "node:assert/strict";

import { journey } from "./harness/journey.mjs";
import { OWNER } from "./harness/server.mjs";
import { fill, leads, press, textOf } from "./harness/steps.mjs";

const ELSEWHERE = ["javascript:alert(1)", "//evil.example", "/\\evil.example", "https://evil.example/"];

journey("a person logs in, is brought where they were going, and logs out", async (stand) => {
  const { page, home } = stand;
  await page.goto("/account");
  await fill(page, { Theme: "dark" });
  await press(page, "Save");
  assert.equal(await page.locator("html").getAttribute("data-theme"), "dark");
  await stand.inspect("the account, dark by choice");
  await fill(page, { "Current password": "not this one", Password: "short" });
  await press(page, "Change the password");
  await page.getByRole("heading", { name: "There is a problem" }).waitFor();
  await stand.inspect("a password that was not changed");
  await page.locator(".ps-me summary").click();
  await press(page, "Log out");
  await page.getByText("You have been logged out.").waitFor();
  await stand.inspect("logged out");

  await page.goto(`${home}events?type=order.*`);
  assert.match(page.url(), /\/login\?next=/);
  await fill(page, { Email: OWNER.email, Password: "wrong" });
  await press(page, "Log in");
  assert.match(await textOf(page.getByRole("alert")), /E-mail address or password is wrong/);
  await stand.inspect("a wrong password");
  await fill(page, { Password: OWNER.password });
  await press(page, "Log in");
  assert.ok(page.url().endsWith(`${home}events?type=order.*`), page.url());

  for (const next of ELSEWHERE) {
    await page.goto(`/reauth?next=${encodeURIComponent(next)}`);
    await fill(page, { Password: OWNER.password });
    await press(page, "Continue");
    assert.equal(new URL(page.url()).pathname, home, `after ${next}`);
  }
  await page.goto("/account");
  await leads(page, page.getByRole("row").filter({ hasText: "(this one)" }).getByRole("button", { name: /^End/ }));
  await page.goto(`${home}events`);
  assert.match(page.url(), /\/login\?next=/, "a session that was ended is none");
});
