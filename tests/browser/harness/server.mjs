// `postern serve` as a process of its own, on a fresh database, with one tenant and its owner.
import { spawn, spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { Api } from "./api.mjs";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
/** Where `cargo build` puts it, unless POSTERN_TEST_BINARY says otherwise. */
const { POSTERN_TEST_BINARY, CARGO_TARGET_DIR = "target" } = process.env;
const BINARY = resolve(ROOT, POSTERN_TEST_BINARY ?? join(CARGO_TARGET_DIR, "debug/postern"));
/** For a start under load, in a debug build, with migrations. */
const START_MS = 60_000;
const LOG_LINES = 60;

export const OWNER = { email: "ada@example.com", password: "correct horse battery" };

export async function startServer(database, tenant = "acme") {
  const folder = mkdtempSync(join(tmpdir(), "postern-browser-"));
  const own = database.make();
  const env = {
    PATH: process.env.PATH,
    POSTERN_LISTEN: "127.0.0.1:0",
    POSTERN_DATA_DIR: join(folder, "data"),
    POSTERN_EGRESS_ALLOW: "127.0.0.0/8",
    ...(own.url && { POSTERN_DATABASE_URL: own.url }),
  };
  const clear = () => {
    rmSync(folder, { recursive: true, force: true });
    own.drop();
  };
  try {
    const key = bootstrap(env, tenant);
    const { base, end, tail } = await serve(env, join(folder, "server.log"));
    return { base, api: new Api(base, key), tail, stop: () => end().then(clear) };
  } catch (cause) {
    clear();
    throw cause;
  }
}

/** Starts it; returns its address once it serves. */
async function serve(env, log) {
  const errors = openSync(log, "a");
  const child = spawn(BINARY, ["serve"], { env, stdio: ["ignore", "pipe", errors] });
  closeSync(errors);
  const ended = new Promise((done) => child.on("exit", done));
  const tail = () => readFileSync(log, "utf8").split("\n").slice(-LOG_LINES).join("\n");
  const end = async () => {
    child.kill("SIGKILL");
    await ended;
  };
  try {
    return { base: await listening(child, ended), end, tail };
  } catch (cause) {
    await end();
    throw new Error(`${cause.message}\n${tail()}`);
  }
}

/** Makes the tenant; returns its first API key. */
function bootstrap(env, tenant) {
  const words = ["bootstrap", "--tenant", tenant, "--email", OWNER.email, "--password-stdin", "--json"];
  const ran = spawnSync(BINARY, words, { env, input: `${OWNER.password}\n`, encoding: "utf8" });
  if (ran.error) throw new Error(`cargo build -p postern-server makes what is missing: ${ran.error.message}`);
  if (ran.status !== 0) throw new Error(`postern bootstrap ended with ${ran.status}: ${ran.stderr}`);
  return JSON.parse(ran.stdout.trim().split("\n").at(-1)).api_key;
}

/** The address that the server names once it serves. */
function listening(child, ended) {
  const { promise, resolve: found, reject } = withResolvers();
  const timer = setTimeout(() => reject(new Error(`postern did not serve within ${START_MS} ms`)), START_MS);
  ended.then((code) => reject(new Error(`postern ended with ${code} instead of serving`)));
  // Reads on, so that the server never waits for a full pipe.
  createInterface({ input: child.stdout }).on("line", (line) => {
    if (line.startsWith("listening ")) found(line.slice("listening ".length));
  });
  return promise.finally(() => clearTimeout(timer));
}

function withResolvers() {
  const all = {};
  all.promise = new Promise((resolve, reject) => Object.assign(all, { resolve, reject }));
  return all;
}
