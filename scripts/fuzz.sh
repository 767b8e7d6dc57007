#!/usr/bin/env bash
# Feeds what libFuzzer thinks of to everything that reads bytes from outside, each for a minute, beginning with the inputs that
# earlier runs kept in fuzz/corpus. What it finds anew it keeps in target/fuzz-corpus; PINGMA_FUZZ_KEEP=1 puts the smallest set
# that reaches the same code back into fuzz/corpus. Needs a nightly compiler, and cargo-fuzz (`cargo install cargo-fuzz`).
#
#   scripts/fuzz.sh [target…]   only these
#   PINGMA_FUZZ_SECONDS   how long each (default: 60)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

seconds=${PINGMA_FUZZ_SECONDS:-60}
keep=${PINGMA_FUZZ_KEEP:-0}
rustup toolchain list | grep -q '^nightly' || { echo "no nightly compiler: rustup toolchain install nightly" >&2; exit 2; }
command -v cargo-fuzz >/dev/null || { echo "no cargo-fuzz: cargo install cargo-fuzz" >&2; exit 2; }

[[ $# -gt 0 ]] || set -- code cursor token event body
for target; do
  echo "=== $target"
  found=$PWD/target/fuzz-corpus/$target
  seeds=$PWD/fuzz/corpus/$target
  mkdir -p "$found" "$seeds"
  # Bound: the time, the memory, and the length of an input.
  cargo +nightly fuzz run "$target" "$found" "$seeds" -- \
    -max_total_time="$seconds" -rss_limit_mb=2048 -max_len=4096 -print_final_stats=1
  if [[ $keep == 1 ]]; then
    find "$seeds" -type f -exec cp -n -t "$found" -- {} +
    cargo +nightly fuzz cmin "$target" "$found" -- -max_len=4096
    find "$seeds" -type f -delete
    find "$found" -type f -exec cp -t "$seeds" -- {} +
  fi
done
