// Of a page that goes on: what changes comes by itself, but not under a pointer, a focus or a selection.
"use strict";
const live = document.querySelector("[data-live]");
const part = document.querySelector("[data-live-part]");
const [text, pause] = live.children;
let paused = false;
let held = false;
let problem = "";
const say = () => {
  live.hidden = false;
  text.textContent = problem ? `○ ${problem}` : paused ? "○ Paused" : held ? "○ News waits while you are at it" : "● Live";
  pause.textContent = paused ? "Go on" : "Pause";
};
const clock = () => new Date().toLocaleTimeString();
// A pointer that rests is only in the way.
let movedAt = 0;
document.addEventListener("pointermove", () => (movedAt = Date.now()), { passive: true });
const isPointedAt = () => Date.now() - movedAt < 5000 && part.querySelector("tr:hover, :is(a, button, summary):hover");
const isInUse = () =>
  isPointedAt() ||
  part.querySelector(":focus-visible") !== null ||
  (!getSelection().isCollapsed && part.contains(getSelection().anchorNode));
const free = async () => {
  while (paused || isInUse()) {
    held = true;
    say();
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  held = false;
};
const on = (name, act) => document.addEventListener(name, (event) => (act(event.detail ?? {}), say()));
on("htmx:sse:after:connection", () => (problem = ""));
on("htmx:sse:before:message", (detail) => detail.message?.event || detail.waitUntil(free()));
on("htmx:sse:error", ({ status }) => {
  // The session has ended, or the role is another.
  if (status >= 401 && status <= 404) location.reload();
  problem = `Not live since ${clock()}; trying again`;
});
on("htmx:response:error", () => (problem = "Not live: too many pages are. Reload to see what is new."));
on("htmx:error", () => (problem = "Not live. Reload to see what is new."));
part.addEventListener("ended", () => location.reload());
part.addEventListener("done", () => (live.hidden = true));
pause.addEventListener("click", () => {
  paused = !paused;
  say();
});
