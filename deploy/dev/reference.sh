#!/usr/bin/env bash
# The documents that the binary writes about itself: `reference.sh write` writes them, `reference.sh check` compares.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

postern="${CARGO_TARGET_DIR:-target}/debug/postern"
mode="${1:-check}"
fresh="$(mktemp -d)"
trap 'rm -rf "$fresh"' EXIT

cargo build --quiet --locked -p postern-server
"$postern" openapi >"$fresh/openapi.json"
"$postern" config-reference >"$fresh/config.md"
"$postern" provider-reference "$fresh/providers"
cargo run --quiet --locked -p postern-catalogue --example document "$fresh/catalogue.md"

if [ "$mode" = write ]; then
    rm -rf docs/providers
    cp -r "$fresh/providers" docs/providers
elif ! diff -ru docs/providers "$fresh/providers"; then
    echo "docs/providers is not what the binary says: run \`make regen\` and look at the difference" >&2
    exit 1
fi
for name in reference/openapi.json reference/config.md catalogue.md; do
    if [ "$mode" = write ]; then
        mkdir -p docs/reference
        cp "$fresh/${name##*/}" "docs/$name"
    elif ! diff -u "docs/$name" "$fresh/${name##*/}"; then
        echo "docs/$name is not what the binary says: run \`make regen\` and look at the difference" >&2
        exit 1
    fi
done
