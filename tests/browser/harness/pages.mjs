// Every page there is, as a person of `home`'s tenant comes to it.

const SENDERS = [
  "stripe", "gitlab", "slack", "twilio", "telegram", "standard-webhooks", "hmac", "token", "bearer", "basic", "none", "publish",
];
const FILTERS = "?q=zzz";

/** `[{ name, path }]`. Names of pages that change something end in what they do. */
export function pagesOf(world, home) {
  return [...lists(home), ...forms(home), ...details(world, home), ...alone(home)];
}

function lists(home) {
  return named(home, {
    "overview": "",
    "overview of a month": "?range=30d",
    "first event": "start",
    "sources": "sources",
    "sources, none fits": `sources${FILTERS}`,
    "destinations": "destinations",
    "connections": "connections",
    "events": "events",
    "events, none fits": `events${FILTERS}`,
    "events, a filter that cannot be read": "events?from=nonsense",
    "deliveries": "deliveries",
    "dead deliveries": "deliveries?state=dead",
    "refused": "requests",
    "calls": "calls",
    "calls, none fits": "calls?state=failed",
    "API keys": "keys",
    "members": "members",
    "audit": "audit",
  });
}

function forms(home) {
  const sources = SENDERS.map((sender) => [`source of ${sender}, new`, `sources/new?provider=${sender}`]);
  return named(home, {
    "source, new": "sources/new",
    "source, new, searched": "sources/new?q=pay",
    "source, new, none fits": `sources/new${FILTERS}`,
    "source of gitlab by its token, new": "sources/new?provider=gitlab&scheme=gitlab-token",
    "source that polls, new": "sources/new?provider=poll",
    "source that polls with an empty form, new": "sources/new?provider=poll&template=none",
    "source that polls by a template, new": "sources/new?provider=poll&template=github_events",
    "poll or webhook": "sources/advice",
    "poll or webhook, answered": "sources/advice?offers_webhooks=yes&freshness_s=3600&objects=500&limit_per_hour=1000",
    "poll or webhook, a number that cannot be read": "sources/advice?offers_webhooks=no&freshness_s=soon",
    ...Object.fromEntries(sources),
    "destination, new": "destinations/new",
    "connection, new": "connections/new",
    "API key, new": "keys/new",
  });
}

/** The pages of single things; for each of several worlds of one tenant. */
export function details(world, home) {
  const { source, open, published, polled, failing, bin, queue, key, member, events } = world;
  return named(home, {
    "source": `sources/${source.id}`,
    "source without a front door": `sources/${published.id}`,
    "source, check": `sources/${source.id}/check`,
    "source, edit": `sources/${source.id}/edit`,
    "source, delete": `sources/${source.id}/delete`,
    "source that polls": `sources/${polled.id}`,
    "source that polls, edit": `sources/${polled.id}/poll/edit`,
    "runs": `sources/${polled.id}/runs`,
    "runs, of one state": `sources/${polled.id}/runs?state=failed`,
    "cursor": `sources/${polled.id}/cursor`,
    "advice": `sources/${polled.id}/advice`,
    "source that polls beside its webhook": `sources/${open.id}`,
    "polling beside a webhook, edit": `sources/${open.id}/poll/edit`,
    "polling beside a webhook, delete": `sources/${open.id}/poll/delete`,
    "polling beside a webhook, new": `sources/${source.id}/poll/edit`,
    "destination": `destinations/${failing.destination.id}`,
    "bin": `destinations/${bin.destination.id}`,
    "queue": `destinations/${queue.id}`,
    "queue, edit": `destinations/${queue.id}/edit`,
    "destination, edit": `destinations/${failing.destination.id}/edit`,
    "destination, delete": `destinations/${failing.destination.id}/delete`,
    "connection": `connections/${failing.connection.id}`,
    "connection, edit": `connections/${failing.connection.id}/edit`,
    "connection, delete": `connections/${failing.connection.id}/delete`,
    "event, retried": `events/${events.retried}`,
    "event, dead": `events/${events.dead}`,
    "event, filtered": `events/${events.filtered}`,
    "call": `calls/${events.call}`,
    "API key, delete": `keys/${key.id}/delete`,
    "member, delete": `members/${member.id}/delete`,
  });
}

/** Of no tenant, or nowhere. */
function alone(home) {
  const nowhere = named(home, { "not found": "nowhere", "cursor that was made up": "events?cursor=abc" });
  const account = { name: "account", path: "/account" };
  return [...nowhere, account, { name: "password once more", path: `/reauth?next=${home}` }];
}

function named(home, paths) {
  return Object.entries(paths).map(([name, path]) => ({ name, path: home + path }));
}

/** The form of a path: ids and the tenant are left out, and so is the query. */
export function shape(path) {
  return path.replace(/[?#].*$/, "").replace(/\b[a-z]{2,5}_[0-9A-Za-z]{10,}/g, "{id}");
}
