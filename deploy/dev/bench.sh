#!/usr/bin/env bash
# What `make bench` runs: the load suite against the release binary, on SQLite and on a private PostgreSQL over TCP.
# Arguments go to the load suite. One JSON line per figure on stdout; everything else on stderr.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

database=""
finish() {
    if [ -n "$database" ]; then
        deploy/dev/postgres.sh stop "$database" || true
    fi
}
trap finish EXIT

cargo bench --locked -p postern-load --features criterion --bench verify >&2
cargo build --release --locked -p postern-server -p postern-load >&2
if [ -z "${POSTERN_BENCH_POSTGRES_URL:-}" ]; then
    started="$(deploy/dev/postgres.sh start)"
    database="${started%% *}"
    export POSTERN_BENCH_POSTGRES_URL="${started#* }"
fi
"${CARGO_TARGET_DIR:-target}/release/postern-load" "$@"
