// The packages of the providers. `sign` gives the headers that prove a request, by the package itself where it can sign;
// the others only verify, and what they are to say yes to is signed here by Node's own means, as their documents tell.
// `verify` gives what the package says, or throws what it throws. Each is loaded when it is asked, some being large.
import { createHmac, generateKeyPairSync, sign } from "node:crypto";
import { parse } from "node:querystring";

const hmac = (secret, encoding, text) => createHmac("sha256", secret).update(text).digest(encoding);
const seconds = (at_ms) => String(Math.floor(at_ms / 1000));
const spki = (key) => key.export({ format: "der", type: "spki" });
const standard = (prefix, { id, at_ms }, signature) => ({
  [`${prefix}-id`]: id,
  [`${prefix}-timestamp`]: seconds(at_ms),
  [`${prefix}-signature`]: signature,
});

async function stripe() {
  const { default: Stripe } = await import("stripe");
  return new Stripe("sk_test_never_used").webhooks;
}

async function shopify(secret) {
  await import("@shopify/shopify-api/adapters/web-api");
  const { ApiVersion, LogSeverity, shopifyApi } = await import("@shopify/shopify-api");
  return shopifyApi({
    apiKey: "never_used",
    apiSecretKey: secret,
    apiVersion: Object.values(ApiVersion)[0],
    hostName: "hooks.example.com",
    isEmbeddedApp: false,
    logger: { level: LogSeverity.Error },
  }).webhooks;
}

async function workos() {
  const { WorkOS } = await import("@workos-inc/node");
  return new WorkOS("sk_test_never_used").webhooks;
}

export const providers = {
  stripe: {
    sign: async ({ secret, body, at_ms }) => {
      const timestamp = Number(seconds(at_ms));
      const header = (await stripe()).generateTestHeaderString({ payload: body, secret, timestamp });
      return { headers: { "stripe-signature": header } };
    },
    verify: async ({ key, body, headers }) => {
      (await stripe()).constructEvent(body, headers["stripe-signature"], key);
      return true;
    },
  },

  github: {
    sign: async ({ secret, body }) => {
      const { sign } = await import("@octokit/webhooks-methods");
      return { headers: { "x-hub-signature-256": await sign(secret, body) } };
    },
    verify: async ({ key, body, headers }) => {
      const { verify } = await import("@octokit/webhooks-methods");
      return verify(key, body, headers["x-hub-signature-256"]);
    },
  },

  standard: {
    sign: async ({ secret, body, id, at_ms }) => {
      const { Webhook } = await import("standardwebhooks");
      const signature = new Webhook(secret).sign(id, new Date(at_ms), body);
      return { headers: standard("webhook", { id, at_ms }, signature) };
    },
    verify: async ({ key, body, headers }) => {
      const { Webhook } = await import("standardwebhooks");
      new Webhook(key).verify(body, headers);
      return true;
    },
  },

  svix: {
    sign: async ({ secret, body, id, at_ms }) => {
      const { Webhook } = await import("svix");
      const signature = new Webhook(secret).sign(id, new Date(at_ms), body);
      return { headers: standard("svix", { id, at_ms }, signature) };
    },
    verify: async ({ key, body, headers }) => {
      const { Webhook } = await import("svix");
      new Webhook(key).verify(body, headers);
      return true;
    },
  },

  resend: {
    sign: ({ secret, body, id, at_ms }) => {
      const key = Buffer.from(secret.replace("whsec_", ""), "base64");
      const signature = `v1,${hmac(key, "base64", `${id}.${seconds(at_ms)}.${body}`)}`;
      return { headers: standard("svix", { id, at_ms }, signature) };
    },
    verify: async ({ key, body, headers }) => {
      const { Resend } = await import("resend");
      const told = { id: headers["svix-id"], timestamp: headers["svix-timestamp"], signature: headers["svix-signature"] };
      new Resend("re_never_used").webhooks.verify({ payload: body, headers: told, webhookSecret: key });
      return true;
    },
  },

  twilio: {
    sign: async ({ secret, url, body }) => {
      const { default: twilio } = await import("twilio/lib/webhooks/webhooks.js");
      return { headers: { "x-twilio-signature": twilio.getExpectedTwilioSignature(secret, url, parse(body)) } };
    },
    verify: async ({ key, url, body, headers }) => {
      const { default: twilio } = await import("twilio/lib/webhooks/webhooks.js");
      return twilio.validateRequest(key, headers["x-twilio-signature"], url, parse(body));
    },
  },

  // Of a body that is not a form the hash stands in the URL.
  "twilio-json": {
    sign: async ({ secret, url, body }) => {
      const { default: twilio } = await import("twilio/lib/webhooks/webhooks.js");
      const query = `bodySHA256=${twilio.getExpectedBodyHash(body)}`;
      const signature = twilio.getExpectedTwilioSignature(secret, `${url}?${query}`, {});
      return { query, headers: { "x-twilio-signature": signature } };
    },
    verify: async ({ key, url, body, headers }) => {
      const { default: twilio } = await import("twilio/lib/webhooks/webhooks.js");
      return twilio.validateRequestWithBody(key, headers["x-twilio-signature"], url, body);
    },
  },

  sendgrid: {
    sign: ({ body, at_ms }) => {
      const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
      const signature = sign("sha256", Buffer.from(seconds(at_ms) + body), privateKey).toString("base64");
      const headers = {
        "x-twilio-email-event-webhook-signature": signature,
        "x-twilio-email-event-webhook-timestamp": seconds(at_ms),
      };
      return { public_key: spki(publicKey).toString("base64"), headers };
    },
    verify: async ({ key, body, headers }) => {
      const { EventWebhook, EventWebhookHeader } = (await import("@sendgrid/eventwebhook")).default;
      const webhook = new EventWebhook();
      const signature = headers[EventWebhookHeader.SIGNATURE().toLowerCase()];
      const timestamp = headers[EventWebhookHeader.TIMESTAMP().toLowerCase()];
      return webhook.verifySignature(webhook.convertPublicKeyToECDSA(key), body, signature, timestamp);
    },
  },

  discord: {
    sign: ({ body, at_ms }) => {
      const { privateKey, publicKey } = generateKeyPairSync("ed25519");
      const signature = sign(null, Buffer.from(seconds(at_ms) + body), privateKey).toString("hex");
      const headers = { "x-signature-ed25519": signature, "x-signature-timestamp": seconds(at_ms) };
      return { public_key: spki(publicKey).subarray(-32).toString("hex"), headers };
    },
    verify: async ({ key, body, headers }) => {
      const { verifyKey } = await import("discord-interactions");
      return verifyKey(body, headers["x-signature-ed25519"], headers["x-signature-timestamp"], key);
    },
  },

  shopify: {
    sign: ({ secret, body }) => ({ headers: { "x-shopify-hmac-sha256": hmac(secret, "base64", body) } }),
    verify: async ({ key, url, body, headers }) => {
      const rawRequest = new Request(url, { method: "POST", headers, body });
      return (await (await shopify(key)).validate({ rawBody: body, rawRequest })).valid;
    },
  },

  paddle: {
    sign: ({ secret, body, at_ms }) => {
      const signature = hmac(secret, "hex", `${seconds(at_ms)}:${body}`);
      return { headers: { "paddle-signature": `ts=${seconds(at_ms)};h1=${signature}` } };
    },
    verify: async ({ key, body, headers }) => {
      const { Paddle } = await import("@paddle/paddle-node-sdk");
      return new Paddle("never_used").webhooks.isSignatureValid(body, key, headers["paddle-signature"]);
    },
  },

  line: {
    sign: ({ secret, body }) => ({ headers: { "x-line-signature": hmac(secret, "base64", body) } }),
    verify: async ({ key, body, headers }) => {
      const { validateSignature } = await import("@line/bot-sdk");
      return validateSignature(body, key, headers["x-line-signature"]);
    },
  },

  razorpay: {
    sign: ({ secret, body }) => ({ headers: { "x-razorpay-signature": hmac(secret, "hex", body) } }),
    verify: async ({ key, body, headers }) => {
      const { default: Razorpay } = await import("razorpay");
      return Razorpay.validateWebhookSignature(body, headers["x-razorpay-signature"], key);
    },
  },

  onfido: {
    sign: ({ secret, body }) => ({ headers: { "x-sha2-signature": hmac(secret, "hex", body) } }),
    verify: async ({ key, body, headers }) => {
      const { WebhookEventVerifier } = await import("@onfido/api");
      new WebhookEventVerifier(key).readPayload(body, headers["x-sha2-signature"]);
      return true;
    },
  },

  // The package takes the event parsed, and writes it again as it was sent.
  workos: {
    sign: async ({ secret, body, at_ms }) => {
      const signature = await (await workos()).computeSignature(String(at_ms), JSON.parse(body), secret);
      return { headers: { "workos-signature": `t=${at_ms}, v1=${signature}` } };
    },
    verify: async ({ key, body, headers }) =>
      (await workos()).verifyHeader({ payload: JSON.parse(body), sigHeader: headers["workos-signature"], secret: key }),
  },
};
