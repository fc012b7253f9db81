// What pages do beyond HTML. Everything works without this file, less comfortably.
"use strict";
const announce = (text) => {
  const status = document.getElementById("ps-status");
  if (status) {
    status.textContent = "";
    setTimeout(() => (status.textContent = text), 50);
  }
};

// Times are printed absolute, in UTC. Here they become relative, with both forms in the title.
const absolute = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60]];
const showTimes = () => {
  for (const time of document.querySelectorAll("time[data-relative]")) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    const seconds = (at - Date.now()) / 1000;
    const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? ["second", 1];
    time.title = `${absolute.format(at)} · ${time.dateTime}`;
    time.textContent = relative.format(Math.round(seconds / size), unit);
  }
};
showTimes();
setInterval(showTimes, 15000);
document.addEventListener("htmx:after:swap", showTimes);

// Copying: <button data-copy="id">, hidden where it cannot be done.
if (navigator.clipboard) {
  document.documentElement.classList.add("ps-can-copy");
  document.addEventListener("click", async (click) => {
    const button = click.target.closest("[data-copy]");
    const source = button && document.getElementById(button.dataset.copy);
    if (!source) return;
    try {
      await navigator.clipboard.writeText(source.textContent);
      announce("Copied");
      button.dataset.label ??= button.textContent;
      button.textContent = "Copied";
      setTimeout(() => (button.textContent = button.dataset.label), 2000);
    } catch {
      announce("Could not copy");
    }
  });
}

// Keys, unless turned off in the account: `/` to the find box, `j` and `k` through rows, `[` and `]` through tries.
const keysAreOn = () => localStorage.getItem("postern-keys") !== "off";
const step = (selector, by) => {
  const all = [...document.querySelectorAll(selector)];
  const to = all[Math.max(0, Math.min(all.length - 1, all.indexOf(document.activeElement) + by))];
  to?.focus();
};
const KEYS = {
  "/": () => document.querySelector("[data-find]")?.focus(),
  j: () => step("a[data-row]", 1),
  k: () => step("a[data-row]", -1),
  "]": () => step("summary[data-attempt]", 1),
  "[": () => step("summary[data-attempt]", -1),
};
document.addEventListener("keydown", (press) => {
  if (press.ctrlKey || press.metaKey || press.altKey || press.target.closest("input, textarea, select")) return;
  const act = KEYS[press.key];
  if (act && keysAreOn()) {
    press.preventDefault();
    act();
  }
});

// A form is sent once.
document.addEventListener("submit", (submit) => {
  const form = submit.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) submit.preventDefault();
  form.dataset.sent = "yes";
  submit.submitter?.setAttribute("aria-busy", "true");
});
addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent));

// What matters only for some choices.
const fit = () => {
  for (const part of document.querySelectorAll("[data-if]")) {
    part.hidden = !part.dataset.if.split(" ").includes(document.getElementById(part.dataset.of)?.value);
  }
};
fit();
document.addEventListener("change", fit);

// What went wrong is read first.
document.querySelector("[data-errors]")?.focus();

// The choice of keys, in the account.
const choice = document.querySelector("[data-keys]");
if (choice) {
  const [text, button] = choice.children;
  const show = (on) => {
    text.textContent = `Keys are ${on ? "on" : "off"} in this browser.`;
    button.textContent = `Turn them ${on ? "off" : "on"}`;
    choice.hidden = false;
  };
  button.addEventListener("click", () => {
    localStorage.setItem("postern-keys", keysAreOn() ? "off" : "on");
    show(keysAreOn());
  });
  show(keysAreOn());
}
