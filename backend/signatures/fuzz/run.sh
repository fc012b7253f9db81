#!/usr/bin/env bash
# Fuzzes the verifiers for some seconds (180 unless told otherwise), without cargo-fuzz: it needs a nightly toolchain only.
# What is found is written beside the corpus, in the target directory, and makes this fail.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

seconds="${1:-180}"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}/fuzz"
host="$(rustc +nightly -vV | sed -n 's/^host: //p')"
coverage=(-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters
    -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares)
export RUSTFLAGS="--cfg fuzzing ${coverage[*]} -Zsanitizer=address -Ccodegen-units=1 -Cdebug-assertions"

# With --target, so that build scripts and macros are built without the flags.
cargo +nightly build --release --target "$host"
mkdir -p "$CARGO_TARGET_DIR/corpus" "$CARGO_TARGET_DIR/found"
"$CARGO_TARGET_DIR/$host/release/verify" "$CARGO_TARGET_DIR/corpus" -artifact_prefix="$CARGO_TARGET_DIR/found/" \
    -max_total_time="$seconds" -max_len=8192 -print_final_stats=1
