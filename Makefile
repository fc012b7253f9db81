# The few verbs of this project. `make` alone prints them.
.DEFAULT_GOAL := help
.PHONY: help run test build assets bench check audit regen clean

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Set up, build, start on SQLite in ./data with a demo tenant, deliver sample events, keep serving
	@deploy/dev/run.sh

test: ## Set up and run all tests, on SQLite and on a private PostgreSQL; installs what is missing
	@deploy/dev/test.sh

build: assets ## Build the release binary: target/release/postern
	cargo build --release --locked -p postern-server

assets: ## Fetch the pages' third-party files (npm ci, pinned by the lock file)
	@deploy/dev/setup.sh assets

bench: assets ## Measure: one JSON line per figure, on both databases
	@deploy/dev/bench.sh

check: assets ## The quick checks: format, lints, the house rules
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cargo test --locked -p postern-tidy

audit: ## Known holes, licences and origins of dependencies (cargo-deny)
	@command -v cargo-deny >/dev/null || { echo "cargo-deny is missing: cargo install --locked cargo-deny" >&2; exit 1; }
	cargo deny check

regen: assets ## Write the generated documents again: docs/reference, docs/providers, docs/catalogue.md
	@deploy/dev/reference.sh write

clean: ## Remove what builds and tests have made (not ./data)
	cargo clean
	rm -rf tests/.cache
	find frontend tests -name node_modules -type d -prune -exec rm -rf {} +
