#!/usr/bin/env bash
# What `make run` does: builds, starts Postern on SQLite in ./data, makes a demo tenant once, sends signed sample events
# through the real front door, shows them delivered, and keeps serving until Ctrl-C.
# On stdout: `delivered evt_… 200 12 ms` for each event, then `url …` and `key …`. Everything else is on stderr.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

export POSTERN_DATA_DIR="${POSTERN_DATA_DIR:-./data}"
export POSTERN_LISTEN="${POSTERN_LISTEN:-127.0.0.1:8080}"
postern="${CARGO_TARGET_DIR:-target}/release/postern"
key_file="$POSTERN_DATA_DIR/demo-key"
login_file="$POSTERN_DATA_DIR/demo-login"
email="demo@postern.local"
url="http://$POSTERN_LISTEN"
case "$POSTERN_LISTEN" in
0.0.0.0:*) url="http://127.0.0.1:${POSTERN_LISTEN##*:}" ;;
esac

fail() {
    printf 'run: %s\n' "$*" >&2
    exit 1
}

# Key and password are shown once, so they are kept beside the database, for this user only.
bootstrap() {
    local answer password code=0
    if [ -s "$key_file" ]; then
        return
    fi
    password="$(node -e 'console.log(require("node:crypto").randomBytes(12).toString("base64url"))')"
    answer="$(printf '%s\n' "$password" | "$postern" bootstrap --tenant demo --email "$email" --password-stdin --json)" || code=$?
    if [ "$code" -eq 2 ]; then
        fail "$POSTERN_DATA_DIR has a tenant \`demo\`, but $key_file is gone: move the folder away or set POSTERN_DATA_DIR"
    elif [ "$code" -ne 0 ]; then
        fail "the demo tenant could not be made"
    fi
    (umask 077 && printf '%s\n' "$answer" | tail -n 1 | node -e '
        let text = "";
        process.stdin.on("data", (part) => (text += part));
        process.stdin.on("end", () => {
            const key = JSON.parse(text).api_key;
            if (!key) throw new Error("bootstrap answered without an api_key");
            console.log(key);
        });
    ' >"$key_file")
    (umask 077 && printf '%s %s\n' "$email" "$password" >"$login_file")
}

server=""
stop_server() {
    if [ -n "$server" ] && kill -0 "$server" 2>/dev/null; then
        kill -TERM "$server" 2>/dev/null || true
        wait "$server" || true
    fi
}

wait_until_ready() {
    for _ in $(seq 1 300); do
        kill -0 "$server" 2>/dev/null || fail "the server ended; its reason is above"
        if node -e 'fetch(process.argv[1]).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))' \
            "$url/readyz"; then
            return
        fi
        sleep 0.2
    done
    fail "the server was not ready within a minute: see $url/readyz"
}

port_is_taken() {
    node -e '
        const { hostname, port } = new URL(process.argv[1]);
        const socket = require("node:net").connect(Number(port), hostname.replace(/[\[\]]/g, ""));
        socket.on("connect", () => process.exit(0)).on("error", () => process.exit(1));
    ' "$url"
}

deploy/dev/setup.sh run
if port_is_taken; then
    fail "$POSTERN_LISTEN is taken: choose another with POSTERN_LISTEN=127.0.0.1:9090 make run"
fi
cargo build --release --locked -p postern-server >&2
bootstrap

"$postern" serve >&2 &
server=$!
trap stop_server EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
wait_until_ready

POSTERN_DEMO_URL="$url" POSTERN_DEMO_KEY="$(cat "$key_file")" POSTERN_DEMO_STATE="$POSTERN_DATA_DIR/demo.json" \
    node deploy/dev/demo.mjs || fail "the sample events were not delivered"
printf 'url %s\n' "$url"
printf 'key %s\n' "$(cat "$key_file")"
if [ -s "$login_file" ]; then
    printf 'login %s\n' "$(cat "$login_file")"
fi
wait "$server"
