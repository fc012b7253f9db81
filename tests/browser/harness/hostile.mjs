// Words for a world in which everybody who may write something down is an enemy.

/** What a script of theirs would set, and what tells their text on a page. */
export const MARK = "pwned";

const SCRIPT = `"><script>globalThis.${MARK}=1;alert(1)</script>`;
const IMAGE = `<img src=//evil.example/x onerror=alert(2)>`;
const ODD = "\u202e\u200b'`{{7*7}}{% x %}${1}";
const LONG = `${MARK}${"W".repeat(90)}`;
const LINK = `javascript:globalThis.${MARK}=2//`;

/** Each is the words of `world.mjs`; names are of at most 100 characters. */
export const HOSTILE = [
  {
    tenant: `acme ${SCRIPT}`,
    name: (what) => `${SCRIPT}'${ODD}${what}`.slice(0, 100),
    email: `"><img/src=//evil.example/x/onerror=${MARK}>'{{7*7}}@example.com`,
    secret: `${SCRIPT}secret`,
    prefix: `${SCRIPT} `,
    type: `${SCRIPT}${IMAGE}`,
    pattern: `${MARK}<b>.*`,
    dedupKey: `${SCRIPT}{{7*7}}`,
    path: `/"><script>alert(3)</script>?q={{7*7}}&'=<${MARK}>`,
    header: `${SCRIPT}${IMAGE}'{{7*7}}`,
    sent: `${SCRIPT}${IMAGE}${ODD}`,
    contentType: "text/html",
    body: Buffer.from(`<!doctype html>${SCRIPT}${IMAGE}<base href=//evil.example><meta http-equiv=refresh content=0>`),
    data: { [SCRIPT]: `</script>${IMAGE}\u0000\u2028${ODD}`, "__proto__ ": [null, -1e308] },
    answer: {
      status: 500,
      headers: { "content-type": "text/html", "x-note": `${SCRIPT}${IMAGE}` },
      body: `</pre></textarea>${SCRIPT}${IMAGE}`,
    },
    own: `${SCRIPT}${IMAGE}`,
  },
  {
    name: (what) => `${LONG}${what}`.slice(0, 100),
    email: `${"m".repeat(240)}@example.com`,
    secret: "s".repeat(200),
    prefix: "p".repeat(60),
    type: `${MARK}.${"t".repeat(190)}`,
    pattern: `${MARK}${"e".repeat(150)}.*`,
    dedupKey: "k".repeat(200),
    path: `/${"u".repeat(900)}/${MARK}`,
    header: "h".repeat(2000),
    contentType: `application/octet-stream; ${"c".repeat(180)}`,
    body: Buffer.concat([Buffer.from([0, 255, 254, 13, 10, 27, 91]), Buffer.from(`${MARK}${"b".repeat(5000)}`)]),
    data: { deep: `${"d".repeat(5000)}` },
    answer: {
      status: 302,
      headers: { location: `//evil.example/${"l".repeat(1500)}`, "content-type": "image/png" },
      body: Buffer.from(`\u0000\u0001PNG${"r".repeat(3000)}`),
    },
    own: "",
  },
  {
    name: (what) => `${LINK}${"\u202e\u2066"}مرحبا ${"\u200f"}${what}`,
    email: "javascript:alert(1)//@example.com",
    secret: "{{7*7}}-0123456789",
    prefix: LINK,
    type: LINK,
    pattern: `${LINK}.*`,
    dedupKey: LINK,
    path: `/${LINK}%0d%0aset-cookie:x=1#<script>`,
    header: `=cmd|' /c calc'!A0 ${LINK}`,
    contentType: "application/json",
    body: Buffer.from(`{"type":"x","text":"\\u0000\\u202e\r\n<!--${LINK}","n":${"[".repeat(60)}${"]".repeat(60)}}`),
    data: { "\u202e": "line\r\nline\u2028line\u0007" },
    answer: {
      status: 429,
      headers: { "retry-after": LINK, "refresh": "0;url=//evil.example" },
      body: `{"a":"${LINK}\r\n\u0000"}`,
    },
    own: LINK,
  },
];
