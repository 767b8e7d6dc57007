#!/usr/bin/env bash
# Checks the dependencies (deny.toml): licenses, sources, bans, and known vulnerabilities if the
# RustSec database can be fetched. A found vulnerability fails; an unreachable database does not.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

version=0.20.2
deny=cargo-deny
if [[ $("$deny" --version 2>/dev/null) != "cargo-deny ${version%.*}."* ]]; then
  deny=target/tools/bin/cargo-deny
  if [[ $("$deny" --version 2>/dev/null) != "cargo-deny $version" ]]; then
    echo "Building cargo-deny $version into target/tools"
    # It runs for seconds: a quick build is worth more here than a fast program.
    CARGO_PROFILE_DEV_DEBUG=0 CARGO_INCREMENTAL=0 \
      cargo install --quiet --locked --debug --root target/tools --version "=$version" cargo-deny
  fi
fi

# Duplicate versions are only warned of; `cargo deny check bans` lists them.
"$deny" --log-level error check licenses bans sources

if reason=$(GIT_TERMINAL_PROMPT=0 timeout 120 "$deny" --color never fetch db 2>&1); then
  "$deny" --offline check advisories
else
  echo "advisories SKIPPED: the RustSec database could not be fetched"
  tail -n 1 <<<"${reason:-no answer within two minutes}"
fi
