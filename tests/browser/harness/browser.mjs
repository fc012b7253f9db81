// Debian's Chromium, one for each test file; and what a person looks at pages with: a window with an eye on it.
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

import { chromium } from "playwright-core";

import { PATIENCE_MS } from "./until.mjs";
import { Watch } from "./watch.mjs";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];
const IS_SHOWN = Boolean(process.env.POSTERN_TEST_HEADFUL);
const SLOW_MS = 300;
const HEIGHTS = { 1366: 900, 390: 844 };

/** Widths and schemes that every page must stand. */
export const WIDTHS = [1366, 390];
export const SCHEMES = ["light", "dark"];

let shared;

function browser() {
  shared ??= chromium.launch({
    executablePath: executable(),
    headless: !IS_SHOWN,
    slowMo: IS_SHOWN ? SLOW_MS : 0,
    // Its sandbox does not start as root, and shows our own pages only.
    args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
  });
  return shared;
}

export async function closeBrowser() {
  await (await shared)?.close();
}

/** A window of its own, with no cookie but those in `options.storageState`. */
export async function openWindow(base, look, options = {}) {
  const context = await (await browser()).newContext({
    baseURL: base,
    javaScriptEnabled: look.javaScript,
    viewport: viewport(look.width),
    colorScheme: look.scheme,
    // No page is looked at in the middle of a transition.
    reducedMotion: "reduce",
    ...options,
  });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  return { context, page, watch: await Watch.over(page, base) };
}

export function viewport(width) {
  return { width, height: HEIGHTS[width] };
}

function executable() {
  for (const folder of process.env.PATH.split(delimiter)) {
    for (const name of NAMES) {
      const path = join(folder, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        // Not in this folder.
      }
    }
  }
  throw new Error(`none of ${NAMES.join(", ")} is on the PATH: deploy/dev/setup.sh test installs one`);
}
