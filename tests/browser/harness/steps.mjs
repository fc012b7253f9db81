// What people do on every page: log in, press a button, follow a link, fill in a form.

/** Logs in; returns the path of the tenant that the person came to. */
export async function logIn(page, { email, password }) {
  await page.goto("/login");
  await fill(page, { Email: email, Password: password });
  await press(page, "Log in");
  return new URL(page.url()).pathname;
}

/** Presses a button that sends a form, and waits for what it leads to. */
export async function press(page, name) {
  await leads(page, page.getByRole("button", nameOf(name)));
}

export async function follow(page, name) {
  await leads(page, page.getByRole("link", nameOf(name)));
}

/** Types into inputs and chooses from selects, by their labels. */
export async function fill(page, values, scope = page) {
  for (const [label, value] of Object.entries(values)) {
    const field = scope.getByLabel(label, { exact: true });
    const isSelect = await field.evaluate((element) => element.tagName === "SELECT");
    await (isSelect ? field.selectOption(value) : field.fill(value));
  }
}

/** What a person reads there, with every stretch of white space as one space. */
export async function textOf(target) {
  return (await target.innerText()).replace(/\s+/g, " ").trim();
}

/** Clicks, and waits until the page that this leads to is there. */
export async function leads(page, target) {
  const arrived = page.waitForEvent("load");
  await target.first().click();
  await arrived;
}

function nameOf(name) {
  return name instanceof RegExp ? { name } : { name, exact: true };
}
