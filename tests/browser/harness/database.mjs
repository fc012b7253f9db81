// A database for one server: a SQLite file in its data folder, or a database of its own in the PostgreSQL that
// POSTERN_TEST_POSTGRES_URL names.
import { execFileSync } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";

const SUPERUSER = process.env.POSTERN_TEST_POSTGRES_URL;
const ROOT = new URL("../../..", import.meta.url);
let count = 0;

export const SQLITE = { name: "SQLite", skip: false, make: () => ({ url: null, drop() {} }) };

export const POSTGRES = {
  name: "PostgreSQL",
  skip: SUPERUSER ? false : "POSTERN_TEST_POSTGRES_URL is not set",
  make() {
    const name = `browser_${process.pid}_${count++}`;
    psql(`CREATE DATABASE ${name}`);
    return {
      url: `${SUPERUSER.slice(0, SUPERUSER.lastIndexOf("/"))}/${name}`,
      drop: () => psql(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
    };
  },
};

export const DATABASES = [SQLITE, POSTGRES];

function psql(statement) {
  execFileSync(psqlProgram(), ["--no-psqlrc", "--quiet", SUPERUSER, "--command", statement]);
}

/** Beside the server's programs, which may be links to where they are; otherwise on the PATH. */
function psqlProgram() {
  const programs = execFileSync("deploy/dev/postgres.sh", ["bin"], { cwd: ROOT, encoding: "utf8" }).trim();
  const beside = [programs, dirname(realpathSync(join(programs, "initdb")))].map((folder) => join(folder, "psql"));
  return beside.find((path) => existsSync(path)) ?? "psql";
}
