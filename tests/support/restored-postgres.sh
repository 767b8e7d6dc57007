#!/usr/bin/env bash
# A PostgreSQL server on a copy of a restored data directory: prints its libpq URL, runs until end-of-file on stdin.
set -euo pipefail
bindir=$(bash "$(dirname "${BASH_SOURCE[0]}")/postgres.sh" bindir)
# A socket's whole path has to fit into about 100 bytes.
dir=$(mktemp -d /tmp/pgr.XXXXXX)
as_user=()
cp -a -- "$1" "$dir/data"
if ((EUID == 0)); then
  user=nobody
  if id postgres >/dev/null 2>&1; then user=postgres; fi
  as_user=(setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups)
  chown -R "$user" "$dir"
fi
cd "$dir"
stop() {
  "${as_user[@]}" "$bindir/pg_ctl" stop -D "$dir/data" -m immediate >/dev/null 2>&1 || true
  rm -rf -- "$dir"
}
trap stop EXIT
"${as_user[@]}" "$bindir/pg_ctl" start -w -t 60 -D "$dir/data" -l "$dir/log" \
  -o "-c listen_addresses= -c port=5432 -c unix_socket_directories=$dir -c fsync=off -c max_connections=300" >/dev/null </dev/null || {
  cat "$dir/log" >&2
  exit 1
}
url="postgres://postgres@/postgres?host=$dir&port=5432"
# It answers while it still replays, and then only questions.
for ((tries = 0; tries < 600; tries++)); do
  if [[ $("$bindir/psql" -At "$url" -c 'SELECT pg_is_in_recovery()') == f ]]; then break; fi
  sleep 0.1
done
echo "$url"
while IFS= read -r _; do :; done
