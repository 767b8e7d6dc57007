#!/usr/bin/env bash
# Sends made-up calls to a demo city, as its own description says they may look and as it says they may not: no answer may be a
# 5xx, every answer must be of a declared status and shape, in all phases and by all checks but those named below.
# Schemathesis (MIT) does it, installed by pip into a folder of its own under target/. Without python3 or a package index it
# says so and does nothing.
#
#   PINGMA_FUZZ_BIN       the program (default: target/debug/pingma)
#   PINGMA_FUZZ_SECONDS   how long as each person (default: 8, in the long run 60)
#   PINGMA_FUZZ_SEED      where chance begins (default: 1)
#   PINGMA_TEST_SOAK=1    at least 20 000 calls in all
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

soak=${PINGMA_TEST_SOAK:-0}
binary=${PINGMA_FUZZ_BIN:-target/debug/pingma}
seconds=${PINGMA_FUZZ_SECONDS:-$((soak == 1 ? 60 : 8))}
seed=${PINGMA_FUZZ_SEED:-1}
least=$((soak == 1 ? 20000 : 100))
# The program refuses variables that are no settings of its own.
unset PINGMA_FUZZ_BIN PINGMA_FUZZ_SECONDS PINGMA_FUZZ_SEED
version=4.32.5
venv=target/schemathesis

skip() {
  echo "SKIPPED: API fuzzing: $*"
  exit 0
}

command -v python3 >/dev/null || skip "python3 is not there"
if ! [[ -x $venv/bin/schemathesis ]]; then
  python3 -m venv "$venv" >/dev/null 2>&1 || skip "python3 has no venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check "schemathesis==$version" >"$venv/pip.log" 2>&1 ||
    skip "pip can't install schemathesis $version"
fi

work=$(mktemp -d)
server=''
finish() {
  local status=$?
  trap - EXIT
  if [[ -n $server ]] && kill -0 "$server" 2>/dev/null; then
    kill -TERM "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  rm -rf -- "$work"
  exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Its limits are not what is tried here.
export PINGMA_LOGIN_RATE_PER_MINUTE=100000 PINGMA_PUBLIC_RATE_PER_MINUTE=100000 PINGMA_TYPED_RATE_PER_MINUTE=100000
PINGMA_LOG=warn "$binary" --json demo --listen 127.0.0.1:0 --cylinders 100 >"$work/city.json" 2>"$work/log" &
server=$!
for ((tries = 0; tries < 600; tries++)); do
  if [[ -s $work/city.json ]] && jq -e . "$work/city.json" >/dev/null 2>&1; then break; fi
  kill -0 "$server" 2>/dev/null || { cat "$work/log" >&2; exit 1; }
  sleep 0.1
done
base=$(jq -er .base_url "$work/city.json")
password=$(jq -er .password "$work/city.json")

# fuzz USERNAME SEED OPTION…: routes as one person. A token lives ten minutes, so everybody's share ends before.
total=0
fuzz() {
  local person=$1 seed=$2 token status=0 cases
  shift 2
  token=$(jq -cn --arg u "$person" --arg p "$password" '{username: $u, password: $p}' |
    curl -sS --fail-with-body -H 'Content-Type: application/json' -d @- "$base/api/v1/auth/login" | jq -er .access_token)
  "$venv/bin/schemathesis" --config-file "$work/schemathesis.toml" run "$base/api/v1/openapi.json" \
    --header "Authorization: Bearer $token" --seed "$seed" --max-examples 40 --max-time "$seconds" --workers 1 \
    --phases examples,coverage,fuzzing,stateful --generation-database none --no-color \
    "$@" \
    >"$work/said" 2>&1 || status=$?
  cases=$(sed -nE 's/^ *([0-9]+) generated.*/\1/p' "$work/said" | tail -n 1)
  total=$((total + ${cases:-0}))
  if ((status != 0)); then
    cat "$work/said" >&2
    tail -n 20 "$work/log" >&2
    exit 1
  fi
  kill -0 "$server" 2>/dev/null || { echo "the server ended" >&2; exit 1; }
  echo "$person: ${cases:-0} calls, seed $seed"
}
# All checks, but for these.
cat >"$work/schemathesis.toml" <<'TOML'
# A schema can't say that a cursor is one of ours, that dates are in order, what the characters of a code add up to.
[checks]
positive_data_acceptance.enabled = false
# An address that is too long is refused as such, whatever else is wrong with it.
negative_data_rejection.expected-statuses = [400, 401, 403, 404, 405, 406, 409, 413, 414, 415, 422, 428, 429, 431]

# Pages for people answer with a page, whatever comes along with the code.
[[operations]]
include-path-regex = "^/(C/.*)?$"
checks.negative_data_rejection.enabled = false
TOML

people=$(jq -er '.logins | group_by(.role)[] | .[0].username' "$work/city.json")
while ((total < least)); do
  for person in $people; do
    fuzz "$person" "$seed" --exclude-path-regex '/auth/'
    seed=$((seed + 1))
  done
  # In a pass of their own, for they end sessions.
  fuzz "$person" "$seed" --include-path-regex '/auth/'
  seed=$((seed + 1))
done
echo "$total calls: no 5xx, every answer as declared"
