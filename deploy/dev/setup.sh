#!/usr/bin/env bash
# Set-up, safe to repeat. `setup.sh run` checks what `make run` needs; `setup.sh assets` fetches the pages' packages;
# `setup.sh test` (the default) also installs what the tests need: PostgreSQL, a Python venv, npm packages, Chromium.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

say() { printf 'setup: %s\n' "$*" >&2; }
fail() {
    say "$*"
    exit 1
}
has() { command -v "$1" >/dev/null 2>&1; }

# Name what is missing and where it usually comes from; these are not installed behind anybody's back.
need_build_tools() {
    has cargo || fail "cargo is missing: install Rust 1.95 or newer (https://rustup.rs)"
    has cc || has gcc || has clang || fail "a C compiler is missing: on Debian, apt-get install build-essential"
    has node || fail "node is missing: install Node.js 20.15 or newer"
    has npm || fail "npm is missing: it comes with Node.js; on Debian, apt-get install npm"
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif has sudo && sudo -n true 2>/dev/null; then
        sudo -n "$@"
    else
        return 1
    fi
}

apt_updated=no
# apt_install WHY PACKAGE…: 0 when installed, 1 when that is not possible here.
apt_install() {
    local why="$1"
    shift
    has apt-get || { say "$why needs ($*), and there is no apt-get here to install them"; return 1; }
    say "installing $* for $why"
    if [ "$apt_updated" = no ]; then
        as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq >&2 || {
            say "$why needs ($*): run as root or with sudo, or install them yourself: apt-get install $*"
            return 1
        }
        apt_updated=yes
    fi
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2 || {
        say "apt-get could not install: $*"
        return 1
    }
}

# npm ci wherever there is a lock file, and only when it is newer than what was installed from it. Packages are files to
# us: none of their scripts run.
npm_packages() {
    local lock folder
    while IFS= read -r lock; do
        folder="$(dirname "$lock")"
        if [ ! "$lock" -ot "$folder/node_modules/.package-lock.json" ]; then
            say "npm ci in $folder"
            (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) >&2 || fail "npm ci failed in $folder"
            touch "$folder/node_modules/.package-lock.json"
        fi
    done < <(find "$@" -name package-lock.json -not -path '*/node_modules/*' | sort)
}

python_venv() {
    local venv=tests/.cache/venv wanted=tests/e2e/requirements.txt
    if [ -f "$venv/installed.txt" ] && cmp -s "$wanted" "$venv/installed.txt"; then
        return
    fi
    has python3 || apt_install "the Python peers" python3 python3-venv || fail "python3 is missing"
    python3 -c 'import ensurepip, venv' 2>/dev/null || apt_install "the Python peers" python3-venv ||
        fail "python3 cannot make a venv: install python3-venv"
    say "Python venv in $venv"
    rm -rf "$venv"
    python3 -m venv "$venv" || fail "python3 -m venv failed"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$wanted" >&2 || fail "pip could not install $wanted"
    cp "$wanted" "$venv/installed.txt"
}

postgresql() {
    deploy/dev/postgres.sh bin >/dev/null 2>&1 || apt_install "the tests on PostgreSQL" postgresql || true
    deploy/dev/postgres.sh bin >/dev/null || fail "PostgreSQL's server programs (initdb, pg_ctl) are missing"
}

chromium() {
    if has chromium || has chromium-browser || has google-chrome; then
        return
    fi
    apt_install "the browser journeys" chromium || fail "Chromium is missing"
}

need_build_tools
case "${1:-test}" in
run | assets) npm_packages frontend ;;
test)
    npm_packages frontend tests
    python_venv
    postgresql
    chromium
    ;;
*) fail "usage: setup.sh [run|assets|test]" ;;
esac
