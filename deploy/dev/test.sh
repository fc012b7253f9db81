#!/usr/bin/env bash
# What `make test` runs. Stages from cheap to dear; a table of what each took; the last line counts the tests.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

logs="$(mktemp -d)"
table="$logs/table"
database=""
stage_name=""
: >"$table" >"$logs/cargo" >"$logs/browser"

finish() {
    local code=$?
    trap - EXIT INT TERM
    if [ -n "$database" ]; then
        deploy/dev/postgres.sh stop "$database" || true
    fi
    if [ -s "$table" ]; then
        printf '\n%-36s %10s\n' stage seconds
        cat "$table"
        # cargo's own lines, `test result: ok. 12 passed; 0 failed; …`, and those of TAP, `# pass 12`.
        awk '/^test result:/ { for (i = 2; i <= NF; i++) { if ($i ~ /^passed/) p += $(i-1); if ($i ~ /^failed/) f += $(i-1) } }
             /^# pass [0-9]+$/ { p += $3 }
             /^# (fail|cancelled) [0-9]+$/ { f += $3 }
             END { printf "\n%d passed, %d failed\n", p, f }' "$logs/cargo" "$logs/browser"
    fi
    if [ "$code" -ne 0 ]; then
        echo "make test failed${stage_name:+ at: $stage_name}" >&2
    fi
    rm -rf "$logs"
    exit "$code"
}
trap finish EXIT
trap 'exit 130' INT TERM

stage() {
    stage_name="$1"
    shift
    local begun code=0
    begun="$(date +%s)"
    printf '\n== %s\n' "$stage_name"
    "$@" || code=$?
    printf '%-36s %10d%s\n' "$stage_name" "$(($(date +%s) - begun))" "$([ "$code" -eq 0 ] || echo '  FAILED')" >>"$table"
    return "$code"
}

# Runs cargo test, keeping its words so that the results can be counted.
counted() { cargo test --locked "$@" 2>&1 | tee -a "$logs/cargo"; }

# Each file has a browser and its servers; more than two at once are slower than two.
browser_journeys() {
    POSTERN_TEST_BINARY="${CARGO_TARGET_DIR:-target}/debug/postern" node --test --test-concurrency=2 \
        --test-reporter=spec --test-reporter-destination=stdout \
        --test-reporter=tap --test-reporter-destination="$logs/browser" tests/browser/*.test.mjs
}

private_postgres() {
    local started
    started="$(deploy/dev/postgres.sh start)" || return 1
    database="${started%% *}"
    export POSTERN_TEST_POSTGRES_URL="${started#* }"
}

stage "set-up" deploy/dev/setup.sh test
stage "assets" deploy/dev/setup.sh assets
stage "format" cargo fmt --all --check
stage "house rules" counted -p postern-tidy
stage "lints" cargo clippy --workspace --all-targets --locked -- -D warnings
stage "build" cargo build --workspace --all-targets --locked
stage "generated documents" deploy/dev/reference.sh check
stage "a private PostgreSQL" private_postgres
# Most end-to-end tests wait more than they compute; those that load the machine take turns.
export RUST_TEST_THREADS="${RUST_TEST_THREADS:-4}"
# Neither of these two keeps the other from being run and counted.
failed=""
stage "browser journeys" browser_journeys || failed="$stage_name"
stage "tests on SQLite and PostgreSQL" counted --workspace --exclude postern-tidy --no-fail-fast || failed="${failed:+$failed, }$stage_name"
stage_name="$failed"
[ -z "$failed" ]
