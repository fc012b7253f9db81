// A journey is a test that is done once for each database and look. It has a server, a receiver and a window of its
// own, already logged in; what was wrong on the way fails it, and it leaves a picture of what it saw last.
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { closeBrowser, openWindow } from "./browser.mjs";
import { assertAccessible, assertFits } from "./checks.mjs";
import { DATABASES, POSTGRES } from "./database.mjs";
import { startReceiver } from "./receiver.mjs";
import { OWNER, startServer } from "./server.mjs";
import { logIn } from "./steps.mjs";

export const DESK = { name: "desk, light", javaScript: true, width: 1366, scheme: "light" };
export const PHONE = { name: "phone, dark, no JavaScript", javaScript: false, width: 390, scheme: "dark" };
export const LOOKS = [DESK, PHONE];

const TIMEOUT_MS = 600_000;

after(closeBrowser);

/**
 * Registers the tests: in all looks on SQLite, in the first of them on PostgreSQL. `run` takes a `Stand`; `databases` and `looks` say for which of them. `tenant` is its name, and
 * `userAgent` what the owner's browser calls itself, where that matters.
 */
export function journey(name, run, { databases = DATABASES, looks = LOOKS, tenant, userAgent } = {}) {
  for (const database of databases) {
    // What a page is without JavaScript does not hang on where its rows come from.
    const wanted = database === POSTGRES && looks.length > 1 ? looks.slice(0, 1) : looks;
    for (const look of wanted) {
      test(`${name} (${database.name}, ${look.name})`, { skip: database.skip, timeout: TIMEOUT_MS }, async () => {
        const stand = await Stand.open(database, look, tenant);
        try {
          await stand.enter(userAgent);
          await run(stand);
          stand.assertQuiet();
        } catch (failure) {
          await stand.explain();
          throw failure;
        } finally {
          await stand.close();
        }
      });
    }
  }
}

class Stand {
  #windows = [];

  static async open(database, look, tenant) {
    const server = await startServer(database, tenant);
    const receiver = await startReceiver();
    return Object.assign(new Stand(), { look, server, receiver, api: server.api });
  }

  /** The owner's window. `home` is the path of the tenant, with a slash at its end. */
  async enter(userAgent) {
    this.page = await this.window(userAgent && { userAgent });
    this.home = await logIn(this.page, OWNER);
  }

  /** Another window, of somebody who is not logged in. */
  async window(options) {
    const opened = await openWindow(this.server.base, this.look, options);
    this.#windows.push(opened);
    return opened.page;
  }

  async go(path) {
    await this.page.goto(this.home + path);
  }

  /** Looks hard at the page as it is now. */
  async inspect(where, page = this.page) {
    await assertFits(page, where);
    // It is made of scripts, so it says nothing about a page that runs none; the markup is the same.
    if (this.look.javaScript) await assertAccessible(page, where);
    this.assertQuiet();
  }

  assertQuiet() {
    this.#windows.forEach(({ watch }) => watch.assertQuiet());
  }

  async explain() {
    const folder = mkdtempSync(join(tmpdir(), "postern-browser-failed-"));
    for (const [index, { page }] of this.#windows.entries()) {
      const picture = join(folder, `window-${index + 1}.png`);
      await page.screenshot({ path: picture, fullPage: true }).catch(() => {});
      console.error(`window ${index + 1} at ${page.url()}: ${picture}`);
      console.error(await page.locator("body").innerText({ timeout: 1_000 }).catch((cause) => cause.message));
    }
    console.error(`the end of the server's log:\n${this.server.tail()}`);
  }

  async close() {
    await Promise.all(this.#windows.map(({ context }) => context.close()));
    await this.receiver.stop();
    await this.server.stop();
  }
}
