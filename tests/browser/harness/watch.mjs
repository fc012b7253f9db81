// What must never happen on a page of ours, whatever is done there: an error or warning in the console, an exception, a
// report of the Content-Security-Policy, a dialog, a request that leaves our origin.
import assert from "node:assert/strict";

export class Watch {
  #seen = new Set();
  /** Documents that were answered with an error. The console says so too, and that is no fault of the page. */
  #refused = new Set();

  static async over(page, base) {
    const watch = new Watch();
    page.on("dialog", (dialog) => {
      watch.#note(page, `a dialog: ${dialog.message()}`);
      dialog.dismiss().catch(() => {});
    });
    page.on("pageerror", (error) => watch.#note(page, `an exception: ${error.message}`));
    page.on("response", (response) => watch.#answered(response));
    page.on("console", (message) => watch.#said(page, message));
    page.on("request", (request) => {
      if (!isOurs(request.url(), base)) watch.#note(page, `a request to ${request.url()}`);
    });
    await watch.#policies(page);
    return watch;
  }

  /** Also where no script runs that could listen for `securitypolicyviolation`. */
  async #policies(page) {
    const session = await page.context().newCDPSession(page);
    session.on("Audits.issueAdded", ({ issue }) => {
      const report = issue.details.contentSecurityPolicyIssueDetails;
      if (report) this.#note(page, `a report of the policy: ${JSON.stringify(report)}`);
    });
    await session.send("Audits.enable");
  }

  #answered(response) {
    if (response.status() >= 400 && response.request().isNavigationRequest()) this.#refused.add(response.url());
  }

  #said(page, message) {
    if (!["error", "warning"].includes(message.type())) return;
    const { url } = message.location();
    if (message.text().startsWith("Failed to load resource") && this.#refused.has(url)) return;
    this.#note(page, `the console says: ${message.text()} (${url})`);
  }

  #note(page, what) {
    this.#seen.add(`${what} · on ${page.url()}`);
  }

  assertQuiet() {
    const seen = [...this.#seen];
    assert.ok(seen.length === 0, `this should not have happened:\n  ${seen.join("\n  ")}`);
  }
}

function isOurs(address, base) {
  return address.startsWith("data:") || new URL(address).origin === base;
}
