#!/usr/bin/env bash
# A private PostgreSQL: its own folder, a free port of 127.0.0.1, a random password, gone when it is stopped.
#   postgres.sh start          starts one, prints `FOLDER URL`
#   postgres.sh stop FOLDER    stops it and removes the folder
#   postgres.sh halt FOLDER    stops it as a crash would, and keeps the folder
#   postgres.sh resume FOLDER  starts it again on the same port, recovering
#   postgres.sh bin            prints where the server programs are
# POSTERN_DEV_PG_FSYNC=off makes tests faster and crashes unsafe; the default is what production has.
set -euo pipefail

fail() {
    printf 'postgres: %s\n' "$*" >&2
    exit 1
}

programs() {
    local found
    found="$(command -v pg_ctl || true)"
    # A wrapper without initdb beside it is of no use; the newest of Debian's versions is.
    if [ -n "$found" ] && [ -x "$(dirname "$found")/initdb" ]; then
        dirname "$found"
        return
    fi
    while IFS= read -r found; do
        if [ -x "$found/initdb" ] && [ -x "$found/pg_ctl" ]; then
            printf '%s\n' "$found"
            return
        fi
    done < <(printf '%s\n' /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql*/bin | sort -rV)
    fail "no initdb and pg_ctl on the PATH or below /usr/lib/postgresql"
}

# PostgreSQL refuses to run as root, so root lends it another user.
other_user() {
    local user
    for user in postgres nobody; do
        if id "$user" >/dev/null 2>&1; then
            printf '%s\n' "$user"
            return
        fi
    done
    fail "running as root, and there is neither a user postgres nor nobody to run the server as"
}

as_server() {
    if [ "$(id -u)" -ne 0 ]; then
        "$@"
    elif command -v setpriv >/dev/null; then
        setpriv --reuid="$(other_user)" --regid="$(id -g "$(other_user)")" --clear-groups -- "$@"
    elif command -v runuser >/dev/null; then
        runuser -u "$(other_user)" -- "$@"
    else
        su -s /bin/bash "$(other_user)" -c "$(printf '%q ' "$@")"
    fi
}

free_port() {
    local port
    for _ in $(seq 1 100); do
        port=$((20000 + RANDOM % 12000))
        if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            printf '%s\n' "$port"
            return
        fi
    done
    fail "no free port"
}

# give_up WHAT LOG: says why, and leaves nothing behind.
give_up() {
    local why
    why="$(tail -n 5 "$2" 2>/dev/null || true)"
    cd /
    rm -rf "$folder"
    fail "$1: $why"
}

start() {
    local bin folder password port
    bin="$(programs)"
    folder="$(mktemp -d "${TMPDIR:-/tmp}/postern-pg.XXXXXX")"
    password="$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')"
    (umask 077 && printf '%s\n' "$password" >"$folder/password")
    if [ "$(id -u)" -eq 0 ]; then
        chown -R "$(other_user)" "$folder"
    fi
    cd "$folder"
    as_server "$bin/initdb" -D "$folder/data" -U postern --pwfile="$folder/password" --auth=scram-sha-256 \
        --encoding=UTF8 --locale=C >"$folder/initdb.log" 2>&1 || give_up "initdb failed" "$folder/initdb.log"
    for _ in 1 2 3 4 5; do
        port="$(free_port)"
        # Another process may take the port between the look and the bind; then the next one is tried.
        if as_server "$bin/pg_ctl" -D "$folder/data" -l "$folder/data/server.log" -w -t 60 start \
            -o "-c listen_addresses=127.0.0.1 -c port=$port -c unix_socket_directories='' -c max_connections=400 \
                -c fsync=${POSTERN_DEV_PG_FSYNC:-on} -c shared_buffers=128MB -c max_wal_size=2GB" >/dev/null 2>&1; then
            printf '%s postgres://postern:%s@127.0.0.1:%s/postgres\n' "$folder" "$password" "$port"
            return
        fi
    done
    give_up "the server did not start" "$folder/data/server.log"
}

ours() {
    case "$1" in
    */postern-pg.*) ;;
    *) fail "$1 was not made by this script" ;;
    esac
}

halt() {
    ours "$1"
    cd "$1"
    as_server "$(programs)/pg_ctl" -D "$1/data" -m immediate -w stop >/dev/null 2>&1 || fail "$1 did not stop"
}

# `restart` of what does not run starts it with the options of its last start, the port among them.
resume() {
    ours "$1"
    cd "$1"
    as_server "$(programs)/pg_ctl" -D "$1/data" -l "$1/data/server.log" -w -t 60 restart >/dev/null 2>&1 ||
        fail "$1 did not start again: $(tail -n 5 "$1/data/server.log")"
}

stop() {
    local folder="$1"
    ours "$folder"
    [ -d "$folder" ] || return 0
    cd "$folder"
    as_server "$(programs)/pg_ctl" -D "$folder/data" -m immediate -w stop >/dev/null 2>&1 || true
    cd /
    rm -rf "$folder"
}

case "${1:-}" in
start) start ;;
stop) stop "${2:?usage: postgres.sh stop FOLDER}" ;;
halt) halt "${2:?usage: postgres.sh halt FOLDER}" ;;
resume) resume "${2:?usage: postgres.sh resume FOLDER}" ;;
bin) programs ;;
*) fail "usage: postgres.sh start | stop FOLDER | halt FOLDER | resume FOLDER | bin" ;;
esac
