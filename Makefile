# `make` alone lists the targets.

.DEFAULT_GOAL := help
.PHONY: help build demo demo-postgres test soak fuzz bench bench-quick lint check-format check-clippy check-doc audit openapi clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build the release binary, target/release/pingma
	scripts/setup.sh build
	cargo build --release --locked

demo: ## build, then try everything out on a throw-away SQLite database
	scripts/setup.sh demo
	cargo build --release --locked
	scripts/demo.sh

demo-postgres: ## the same on a throw-away PostgreSQL
	scripts/setup.sh demo-postgres
	cargo build --release --locked
	PINGMA_TEST_POSTGRES_TCP=0 tests/support/postgres.sh run scripts/demo.sh

test: ## run all tests; they start the PostgreSQL they need
	scripts/setup.sh test
	cargo test --locked

# The long forms of tests that `make test` runs shortly, one after the other: they wait for each other's disks.
soak: ## break it for a quarter of an hour: crashes, power cuts, full disks, hostile clients
	scripts/setup.sh test
	PINGMA_TEST_SOAK=1 cargo test --locked --test crash -- --test-threads=2 --nocapture
	PINGMA_TEST_SOAK=1 cargo test --locked --test api -- --test-threads=2 faults:: hostile:: parsers:: storms:: tamper::
	PINGMA_TEST_SOAK=1 scripts/fuzz-api.sh

fuzz: ## feed libFuzzer's inputs to every reader; needs cargo-fuzz and a nightly compiler
	scripts/fuzz.sh

# About half an hour; the first time it also makes the data: 1 M cylinders with 10 M events in each database, which take
# 40 GB of disk. `make bench CYLINDERS=300000` does with less.
CYLINDERS ?= 1000000
bench: ## measure everything and write docs/benchmarks.md: on a quiet machine only
	scripts/setup.sh bench
	cargo bench --locked --bench service -- run all --cylinders $(CYLINDERS)
	cargo bench --locked --bench service -- report --cylinders $(CYLINDERS)

bench-quick: ## the same on little data and without the report: whether the benchmarks work, no figures
	scripts/setup.sh bench
	cargo bench --locked --bench service -- run all --runs 1 --seconds 2 --cylinders 20000

lint: check-format check-clippy check-doc ## check the format, clippy and the documentation

check-format:
	cargo fmt --check

check-clippy:
	cargo clippy --all-targets --locked -- -D warnings

check-doc:
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --locked --document-private-items

audit: ## check the licenses, sources and known vulnerabilities of the dependencies
	scripts/audit.sh

# By way of a second file, so that a failed build doesn't leave an empty one.
openapi: ## write api-spec/openapi.json
	mkdir -p api-spec target
	cargo run --locked --quiet -- openapi > target/openapi.json
	mv target/openapi.json api-spec/openapi.json

clean: ## remove what the builds made
	cargo clean
