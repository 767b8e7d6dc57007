#!/usr/bin/env bash
# A private, throw-away PostgreSQL cluster (Linux, PostgreSQL 15 or newer).
#
#   postgres.sh               start; print one line, the libpq URL; run until end-of-file on stdin. A line
#                             `crash` there stops the server on the spot, `start` starts it again; each is
#                             answered with a line when it is done
#   postgres.sh run CMD ARG…  start; run CMD with PINGMA_TEST_POSTGRES_URL set; stop; exit as CMD did
#   postgres.sh bindir        print the folder of the server programs that would be used
#
#   PINGMA_TEST_POSTGRES_FSYNC=on  fsync, for durability tests and honest benchmarks (default: off)
#   PINGMA_TEST_POSTGRES_TCP=1     listen on a free loopback port too, and print that URL: any local
#                                  user can then connect (default: only a socket in a 0700 folder)
set -euo pipefail

say() { echo "postgres.sh: $*" >&2; }
die() {
  say "$*"
  exit 1
}

find_bindir() {
  local dir version
  while IFS= read -r dir; do
    # pg_config names its folder even where only the client library is installed.
    [[ -x $dir/initdb && -x $dir/postgres ]] || continue
    version=$("$dir/postgres" --version) || continue
    if ! [[ $version =~ \)\ ([0-9]+) ]] || ((BASH_REMATCH[1] < 15)); then continue; fi
    echo "$dir"
    return
  done < <(
    "${PG_CONFIG:-pg_config}" --bindir 2>/dev/null || true
    printf '%s\n' /usr/lib/postgresql/*/bin | sort -rV
    dirname -- "$(command -v postgres)" 2>/dev/null || true
  )
  return 1
}

# ---- run CMD: a second copy of this script keeps the cluster, and ends when this one does ----

run_command() {
  local url url_fd keep_fd keeper command status=0
  coproc KEEPER {
    # Ctrl-C reaches the whole process group; the cluster has to outlast CMD's own clean-up.
    trap '' INT
    exec bash "${BASH_SOURCE[0]}"
  }
  keeper=$KEEPER_PID
  # Own descriptors, since bash drops the coprocess's when it ends.
  exec {url_fd}<&"${KEEPER[0]}" {keep_fd}>&"${KEEPER[1]}"
  # shellcheck disable=SC1083,SC2093 # closes them: shellcheck doesn't know the form with an array
  exec {KEEPER[0]}<&- {KEEPER[1]}>&-
  IFS= read -r url <&"$url_fd" || die "no cluster, see above"
  exec {url_fd}<&-

  # In the background so that a TERM to this script is passed on at once. Bash makes background
  # commands ignore INT and take /dev/null for stdin; both are undone here. The pipe that keeps the
  # cluster stays out of CMD: the cluster is to end with this script.
  PINGMA_TEST_POSTGRES_URL=$url env --default-signal=INT,QUIT -- "$@" <&0 {keep_fd}>&- &
  command=$!
  trap 'kill -TERM "$command" 2>/dev/null || true' TERM HUP
  trap : INT
  # A signal ends `wait` early.
  while :; do
    status=0
    wait "$command" || status=$?
    kill -0 "$command" 2>/dev/null || break
  done

  exec {keep_fd}>&-
  wait "$keeper" || say "the cluster ended badly"
  exit "$status"
}

# ---- the cluster itself ----

dir='' server=''
as_user=()

stop_cluster() {
  local pid signal tries
  # Once started, go through with it: also if nobody reads stderr any more.
  trap '' INT TERM HUP PIPE
  set +e
  if [[ -n $server ]]; then
    pid=$(head -n 1 "$dir/data/postmaster.pid" 2>/dev/null)
    pid=${pid:-$server}
    for signal in INT QUIT KILL; do # fast, immediate, by force
      kill -s "$signal" "$pid" 2>/dev/null
      for ((tries = 0; tries < 100; tries++)); do
        kill -0 "$pid" 2>/dev/null || break 2
        sleep 0.1
      done
      say "the server (pid $pid) did not end on SIG$signal"
    done
    wait "$server" 2>/dev/null
  fi
  if [[ -n $dir ]]; then rm -rf -- "$dir"; fi
}

make_cluster() {
  local user locale=C
  # Not TMPDIR: a socket's whole path has to fit into about 100 bytes.
  dir=$(mktemp -d /tmp/pgm.XXXXXX) # mktemp makes it 0700
  if ((EUID == 0)); then
    # The server refuses to run as root.
    user=nobody
    if id postgres >/dev/null 2>&1; then user=postgres; fi
    as_user=(--reuid="$user" --regid="$(id -g "$user")" --clear-groups)
    chown "$user" "$dir"
  fi
  if [[ $(locale -a 2>/dev/null) =~ C\.(utf8|UTF-8) ]]; then locale=C.UTF-8; fi
  cd "$dir" # the caller's folder may be closed to that user
  setpriv "${as_user[@]}" -- "$bindir/initdb" --pgdata="$dir/data" --username=postgres --auth=trust \
    --encoding=UTF8 --locale="$locale" --no-sync >"$dir/initdb.log" 2>&1 </dev/null || {
    cat "$dir/initdb.log" >&2
    die "initdb failed"
  }
}

# start_server LISTEN_ADDRESSES PORT: returns 1 if the server ends before it is ready.
start_server() {
  local tries
  # Its own session: Ctrl-C must not reach it before this script decides. The death signal (QUIT,
  # immediate shutdown) ends it even if this script is killed by force.
  setpriv "${as_user[@]}" --pdeathsig QUIT -- setsid "$bindir/postgres" -D "$dir/data" \
    -c listen_addresses="$1" -c port="$2" -c unix_socket_directories="$dir" \
    -c fsync="${PINGMA_TEST_POSTGRES_FSYNC:-off}" -c synchronous_commit=on \
    -c max_connections=300 -c shared_buffers=128MB -c jit=off \
    </dev/null >"$dir/postgres.log" 2>&1 &
  server=$!
  for ((tries = 0; tries < 600; tries++)); do
    # Line 8 of this file is the server's state; pg_ctl waits for it too.
    if [[ $(sed -n 8p "$dir/data/postmaster.pid" 2>/dev/null) == ready* ]]; then return 0; fi
    if ! kill -0 "$server" 2>/dev/null; then
      server=''
      return 1
    fi
    sleep 0.1
  done
  return 1
}

# Stops the server without a checkpoint: what was not flushed to its log is gone, and the next start recovers.
crash_server() {
  kill -s QUIT "$server"
  wait "$server" 2>/dev/null || true
  server=''
  rm -f -- "$dir/data/postmaster.pid" # a line 8 of the past would look like a start
  echo crashed
}

# What the next start is like: the addresses and the port of the first one.
listen='' port=5432

keep_cluster() {
  local tries url order
  trap stop_cluster EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  trap '' PIPE # a failed write then shows as an error, and the EXIT trap runs
  make_cluster
  if [[ ${PINGMA_TEST_POSTGRES_TCP:-0} == 1 ]]; then
    for ((tries = 0; tries < 20; tries++)); do
      listen=127.0.0.1
      port=$((20000 + RANDOM % 12000)) # below Linux's range for outgoing connections
      if start_server "$listen" "$port"; then break; fi
      grep -q 'Address already in use' "$dir/postgres.log" || break
    done
    url="postgres://postgres@127.0.0.1:$port/postgres"
  else
    start_server "$listen" "$port" || true
    # The port is part of the socket's name; naming it keeps PGPORT out.
    url="postgres://postgres@/postgres?host=$dir&port=5432"
  fi
  if [[ $(sed -n 8p "$dir/data/postmaster.pid" 2>/dev/null) != ready* ]]; then
    cat "$dir/postgres.log" >&2
    die "the server did not start"
  fi
  echo "$url"
  # End-of-file comes when the last holder of the pipe ends, however it ends.
  while IFS= read -r order; do
    case $order in
      crash) crash_server ;;
      start)
        start_server "$listen" "$port" || die "the server did not start again"
        echo started
        ;;
    esac
  done
}

bindir=$(find_bindir) || die "no PostgreSQL server (15 or newer) found; scripts/setup.sh test installs it"
case ${1:-} in
  '') keep_cluster ;;
  bindir) echo "$bindir" ;;
  run)
    shift
    (($# > 0)) || die "run: a command is missing"
    run_command "$@"
    ;;
  *) die "unknown argument: $1 (see the head of this file)" ;;
esac
