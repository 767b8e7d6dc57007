#!/usr/bin/env bash
# Shows what a synchronous standby is worth: PostgreSQL with a standby, Pingma under load on it, the primary killed by force, the
# standby promoted. Every check that was acknowledged must stand in the promoted standby with the hash that was told, every call
# that failed is repeated under its key and must be recorded once, and `pingma verify` must pass. Else it ends with an error.
#
#   failover.sh                the standby is synchronous
#   failover.sh asynchronous   it is not, and falls behind before the end: this must be found out, and ends with an error
#
#   PINGMA_FAILOVER_BIN     the program (default: target/release/pingma)
#   PINGMA_FAILOVER_ACKS    acknowledged checks before the primary is killed, and again after it (default: 60)
#   PINGMA_FAILOVER_CALLERS how many call at once (default: 4)
#   PINGMA_FAILOVER_FSYNC   on or off: nothing here cuts the power, so off shows the same sooner (default: on)
#
# Linux, PostgreSQL 15 or newer, curl, jq. Everything lies in a folder of its own and is gone afterwards; PostgreSQL listens on
# sockets in it, Pingma on a free port of the loopback interface.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

mode=${1:-synchronous}
case $mode:$# in
  synchronous:[01] | asynchronous:1) ;;
  *)
    sed -n '2,16s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
    ;;
esac
binary=$(realpath -- "${PINGMA_FAILOVER_BIN:-target/release/pingma}")
acks=${PINGMA_FAILOVER_ACKS:-60}
callers=${PINGMA_FAILOVER_CALLERS:-4}
fsync=${PINGMA_FAILOVER_FSYNC:-on}
# The program refuses variables that are no settings of its own.
unset PINGMA_FAILOVER_BIN PINGMA_FAILOVER_ACKS PINGMA_FAILOVER_CALLERS PINGMA_FAILOVER_FSYNC

began=$(date +%s%3N)
since() { echo "$(($(date +%s%3N) - $1)) ms"; }
say() { printf '%7s ms  %s\n' "$(($(date +%s%3N) - began))" "$*"; }
fail() {
  echo "failover.sh: $*" >&2
  exit 1
}

[[ -x $binary ]] || fail "$binary is not there: cargo build --release"
for program in curl jq setpriv; do
  command -v "$program" >/dev/null || fail "$program is not installed"
done
bindir=$(tests/support/postgres.sh bindir) || fail "no PostgreSQL server, 15 or newer, is installed"

dir='' primary='' standby='' server=''
as_user=() workers=()

# finish_process PID SIGNAL: sends it, waits for ten seconds, then ends it by force.
finish_process() {
  local tries
  [[ -n $1 ]] || return 0
  kill -s "$2" "$1" 2>/dev/null || true
  for ((tries = 0; tries < 100; tries++)); do
    kill -0 "$1" 2>/dev/null || break
    sleep 0.1
  done
  kill -s KILL "$1" 2>/dev/null || true
  wait "$1" 2>/dev/null || true
}

finish() {
  local status=$? worker
  trap - EXIT
  trap '' INT TERM HUP
  set +e
  [[ -z $dir ]] || : >"$dir/stop"
  for worker in "${workers[@]}"; do finish_process "$worker" TERM; done
  finish_process "$server" TERM
  finish_process "$standby" QUIT
  finish_process "$primary" QUIT
  if ((status != 0)) && [[ -s $dir/pingma.log ]]; then
    echo "Pingma said:" >&2
    tail -n 15 "$dir/pingma.log" >&2
  fi
  [[ -z $dir ]] || rm -rf -- "$dir"
  exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# Not TMPDIR: a socket's whole path has to fit into about 100 bytes.
dir=$(mktemp -d /tmp/pgf.XXXXXX)
if ((EUID == 0)); then
  # The server refuses to run as root.
  user=nobody
  if id postgres >/dev/null 2>&1; then user=postgres; fi
  as_user=(--reuid="$user" --regid="$(id -g "$user")" --clear-groups)
  chown "$user" "$dir"
fi
as_postgres() { (cd "$dir" && setpriv "${as_user[@]}" -- "$@"); }

# start_postgres NAME: starts DIR/NAME with its socket in DIR/NAME.s; sets $started.
start_postgres() {
  local tries
  rm -f -- "$dir/$1/postmaster.pid"
  # The death signal (QUIT, immediate shutdown) ends it even if this script is killed by force.
  (cd "$dir" && exec setpriv "${as_user[@]}" --pdeathsig QUIT -- setsid "$bindir/postgres" -D "$dir/$1" \
    -c listen_addresses= -c port=5432 -c unix_socket_directories="$dir/$1.s" -c fsync="$fsync" \
    -c shared_buffers=32MB -c jit=off </dev/null >>"$dir/$1.log" 2>&1) &
  started=$!
  for ((tries = 0; tries < 300; tries++)); do
    # Line 8 of this file is the server's state; pg_ctl waits for it too.
    if [[ $(sed -n 8p "$dir/$1/postmaster.pid" 2>/dev/null) == ready* ]]; then return 0; fi
    kill -0 "$started" 2>/dev/null || break
    sleep 0.1
  done
  cat "$dir/$1.log" >&2
  fail "PostgreSQL ($1) did not start"
}

# sql NAME STATEMENT: as the superuser, on one of both.
sql() { "$bindir/psql" -XAtq -v ON_ERROR_STOP=1 "postgres://postgres@/pingma?host=$dir/$1.s&port=5432" -c "$2"; }

# until_true WHAT COMMAND…: for half a minute.
until_true() {
  local what=$1 tries
  shift
  for ((tries = 0; tries < 600; tries++)); do
    if "$@"; then return 0; fi
    sleep 0.05
  done
  fail "$what: not within half a minute"
}

# ---- a primary, a city on it, a standby ----

as_postgres "$bindir/initdb" --pgdata="$dir/a" --username=postgres --auth=trust --encoding=UTF8 --locale=C --no-sync \
  >"$dir/initdb.log" 2>&1 || fail "initdb: $(tail -n 3 "$dir/initdb.log")"
as_postgres mkdir "$dir/a.s" "$dir/b.s"
start_postgres a
primary=$started
"$bindir/createdb" -h "$dir/a.s" -p 5432 -U postgres pingma
# Both servers in one address: libpq takes the one that lets itself be written to.
url="postgres://postgres@/pingma?host=$dir/a.s,$dir/b.s&port=5432,5432&target_session_attrs=read-write&connect_timeout=3"
export PINGMA_DATABASE=$url PINGMA_KEY_FILE=$dir/keys PINGMA_LOG=warn,pingma::http=error,pingma::cli=info PINGMA_ALLOW_FSYNC_OFF=true
# The standby is made meanwhile.
"$binary" --json --database "$url" --key-file "$dir/keys" demo --once --cylinders 100 >"$dir/city.json" 2>"$dir/pingma.log" &
server=$!

as_postgres "$bindir/pg_basebackup" --pgdata="$dir/b" --write-recovery-conf --checkpoint=fast --no-sync --create-slot \
  --slot=standby --dbname="host=$dir/a.s port=5432 user=postgres application_name=standby"
start_postgres b
standby=$started
wait "$server" || fail "no city"
server=''
say "a primary with a city of $(jq -r '"\(.cylinders) cylinders, \(.events) events"' "$dir/city.json")"
if [[ $mode == synchronous ]]; then
  sql a "ALTER SYSTEM SET synchronous_standby_names = 'standby'"
  sql a 'SELECT pg_reload_conf()' >"$dir/said"
fi
streams() { [[ $(sql a "SELECT state || sync_state FROM pg_stat_replication WHERE application_name = 'standby'") == "$1" ]]; }
until_true "the standby follows" streams "streaming$([[ $mode == synchronous ]] && echo sync || echo async)"
say "a standby follows, $mode"

"$binary" serve --listen 127.0.0.1:0 2>>"$dir/pingma.log" &
server=$!
listening() {
  kill -0 "$server" 2>/dev/null || fail "pingma serve ended"
  address=$(sed -nE 's/.*listening.*address=(127\.0\.0\.1:[0-9]+).*/\1/p' "$dir/pingma.log")
  [[ -n $address ]]
}
until_true "pingma listens" listening
base=http://$address
ready() { curl -sf -m 2 -o "$dir/ready" "$base/readyz"; }
until_true "pingma is ready" ready

"$binary" verify --database "postgres://postgres@/pingma?host=$dir/b.s&port=5432" || fail "the standby does not verify"

# ---- load, and a book of it ----

token=$(jq -c '{username: "chongzhuang", password}' "$dir/city.json" |
  curl -sS --fail-with-body -m 10 -H 'Content-Type: application/json' -d @- "$base/api/v1/auth/login" | jq -er .access_token)
mapfile -t bodies < <(jq -c '.ids.scale_id as $scale | .samples[] | {code: .url, scale_id: $scale, scale_g: 16700, entry: "scanned",
  precheck: {body: "pass", valve: "pass", shroud: "pass", foot_ring: "pass", markings: "pass", color: "pass",
    residual_pressure: "pass"}}' "$dir/city.json")

# caller N: checks one cylinder after another until it is told to stop. A call that fails is repeated under its key. The book has
# a line for each answer: the key, how often it was asked, the answer.
caller() {
  local number=0 key tries answer
  while [[ ! -e $dir/stop ]]; do
    key=failover-$1-$((++number))
    for ((tries = 1; tries <= 1000; tries++)); do
      if answer=$(curl -sSf -m 10 -H "Authorization: Bearer $token" -H "Idempotency-Key: $key" \
        -H 'Content-Type: application/json' -d "${bodies[number % ${#bodies[@]}]}" "$base/api/v1/fill-checks" 2>>"$dir/broken"); then
        printf '%s %s %s\n' "$key" "$tries" "$answer" >>"$dir/book.$1"
        break
      fi
      [[ ! -e $dir/stop ]] || return 0
      sleep 0.05
    done
  done
}
for ((n = 1; n <= callers; n++)); do
  : >"$dir/book.$n"
  caller "$n" &
  workers+=($!)
done
acknowledged() { cat "$dir"/book.* | wc -l; }
enough() { (($(acknowledged) >= target)); }
target=$acks
until_true "$target checks are acknowledged" enough
say "$(acknowledged) checks acknowledged"

if [[ $mode == asynchronous ]]; then
  # From here on nothing reaches the standby, and nobody waits for it.
  sql b "ALTER SYSTEM SET primary_conninfo = ''"
  sql b 'SELECT pg_reload_conf()' >"$dir/said"
  target=$(($(acknowledged) + acks))
  until_true "$target checks are acknowledged" enough
fi

# ---- the end of the primary ----

# All its processes by force, the first one first, so that it starts no others. Each is in a session of its own.
mapfile -t children < <(ps -o pid= --ppid "$primary")
killed=$(date +%s%3N)
{
  kill -s KILL "$primary" "${children[@]}" || true
  wait "$primary" || true
} 2>/dev/null # Bash tells that a job was killed
primary=''
before=$(acknowledged)
say "the primary is killed under load, after $before acknowledged checks"
as_postgres "$bindir/pg_ctl" promote -D "$dir/b" -w -t 30 >"$dir/said" || fail "no promotion: $(cat "$dir/said")"
say "the standby is promoted: $(since "$killed") after the kill"
until_true "pingma is ready again" ready
say "pingma is ready again: $(since "$killed") after the kill"
target=$((before + 1))
until_true "it writes again" enough
say "the next check is acknowledged: $(since "$killed") after the kill"
target=$((before + acks))
until_true "$target checks are acknowledged" enough
: >"$dir/stop"
for worker in "${workers[@]}"; do wait "$worker" || true; done
workers=()

# ---- what is there ----

cat "$dir"/book.* | sed -E 's/^(\S+) (\S+) /\1\t\2\t/' >"$dir/book"
cut -f 3 "$dir/book" | jq -r '"\(.event.log_index) \(.event.hash)"' >"$dir/told.unsorted"
paste -d ' ' "$dir/told.unsorted" <(cut -f 1 "$dir/book") | sort -u >"$dir/told"
sql b "SELECT log_index || ' ' || encode(hash, 'hex') || ' ' || idempotency_key FROM events
  WHERE idempotency_key LIKE 'failover-%'" | sort >"$dir/recorded"
lost=$(comm -23 "$dir/told" "$dir/recorded" | wc -l)
twice=$(cut -d ' ' -f 3 "$dir/recorded" | uniq -d | wc -l)
repeated=$(cut -f 2 "$dir/book" | grep -cvx 1 || true)
say "$(wc -l <"$dir/told") checks acknowledged in all, $repeated of them after repeating; lost $lost, recorded twice $twice"
# Whoever was answered nothing may still have been served: told is a part of what is recorded.
((lost == 0)) || fail "$lost acknowledged checks are not in the promoted standby"
((twice == 0)) || fail "$twice checks were recorded twice"
((repeated > 0)) || fail "no call met the failover: that shows nothing"
"$binary" verify || fail "the ledger does not verify"
say "nothing is lost"
