// Signs as providers do and verifies as receivers do, with the packages they use. Reads a JSON array of questions from
// stdin and writes a JSON array of answers, one for each.
import { readFileSync } from "node:fs";
import { sign as githubSignature } from "@octokit/webhooks-methods";
import { Webhook } from "standardwebhooks";
import Stripe from "stripe";

const stripe = new Stripe("sk_test_never_used");

const questions = {
  stripe: ({ secret, body }) => ({
    "stripe-signature": stripe.webhooks.generateTestHeaderString({ payload: body, secret }),
  }),
  github: async ({ secret, body, id }) => ({
    "x-hub-signature-256": await githubSignature(secret, body),
    "x-github-delivery": id,
    "x-github-event": "push",
  }),
  standard: ({ secret, body, id }) => {
    const at = new Date();
    return {
      "webhook-id": id,
      "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
      "webhook-signature": new Webhook(secret).sign(id, at, body),
    };
  },
  verify: ({ secret, body, headers }) => {
    try {
      new Webhook(secret).verify(body, headers);
      return { verified: true };
    } catch (cause) {
      return { verified: false, cause: `${cause.name}: ${cause.message}` };
    }
  },
};

const answers = [];
for (const { ask, ...question } of JSON.parse(readFileSync(0, "utf8"))) {
  answers.push(await questions[ask](question));
}
process.stdout.write(JSON.stringify(answers));
