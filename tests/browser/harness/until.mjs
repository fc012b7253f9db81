// Waiting for something that no page announces: asked again and again, up to a deadline.
const PAUSE_MS = 50;
export const PATIENCE_MS = 20_000;

/** What `look` returns once that is neither false nor nothing; an error that names `what` after `patience_ms`. */
export async function until(what, look, patience_ms = PATIENCE_MS) {
  const deadline = Date.now() + patience_ms;
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    if (Date.now() > deadline) throw new Error(`within ${patience_ms} ms it never came to this: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}
