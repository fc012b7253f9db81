// Signs as providers do and verifies as receivers do, with the packages they use. Reads a JSON array of questions from
// stdin and writes a JSON array of answers, one for each. `providers.mjs` knows the packages of the providers.
import { readFileSync } from "node:fs";
import { Webhook } from "standardwebhooks";
import { providers } from "./providers.mjs";

const told = (cause) => ({ verified: false, cause: `${cause.name}: ${cause.message}` });

const questions = {
  // What Postern delivers.
  delivery: ({ secret, body, headers }) => {
    new Webhook(secret).verify(body, headers);
    return { verified: true };
  },
  // The headers that carry the proof, and what else the one who asked needs.
  sign: ({ sdk, ...request }) => providers[sdk].sign(request),
  // Packages say no by `false` or by an exception.
  verify: async ({ sdk, ...request }) => ({ verified: (await providers[sdk].verify(request)) === true }),
};

const answers = [];
for (const { ask, ...question } of JSON.parse(readFileSync(0, "utf8"))) {
  const answer = async () => questions[ask](question);
  answers.push(await (ask === "sign" ? answer() : answer().catch(told)));
}
process.stdout.write(JSON.stringify(answers));
