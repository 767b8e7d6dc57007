#!/usr/bin/env bash
# Base backups of a PostgreSQL server beside its work, checked, and put back into a new data directory.
#
#   backup-postgres.sh backup URL DIR             base backup into the new DIR, with the WAL that it needs; then verify
#   backup-postgres.sh wal URL DIR                receive WAL into DIR until it is stopped, so that nothing is lost between
#                                                 two backups (run it as a service, on another machine)
#   backup-postgres.sh verify DIR                 pg_verifybackup: every file against the manifest, and the WAL
#   backup-postgres.sh restore DIR DATA [WALDIR]  verify, then copy into the new DATA; with WALDIR replay what came after
#
# URL is a libpq address of a user with REPLICATION. The key file of Pingma is in none of it: keep a copy, elsewhere.
set -euo pipefail
umask 077

say() { echo "backup-postgres.sh: $*" >&2; }
die() {
  say "$*"
  exit 1
}

# On Debian only the client programs are on PATH, and pg_verifybackup is none of them.
program() {
  local found dir
  found=$(command -v "$1" || true)
  if [[ -z $found ]]; then
    while IFS= read -r dir; do
      if [[ -x $dir/$1 ]]; then found=$dir/$1 && break; fi
    done < <(
      pg_config --bindir 2>/dev/null || true
      printf '%s\n' /usr/lib/postgresql/*/bin | sort -rV
    )
  fi
  [[ -n $found ]] || die "$1 is not installed"
  echo "$found"
}

absent_or_empty() {
  if [[ -e $1 ]] && ! { [[ -d $1 ]] && [[ -z $(ls -A -- "$1") ]]; }; then die "$1 exists and is not empty"; fi
}

verify() {
  "$(program pg_verifybackup)" --quiet -- "$1" || die "$1 is not whole"
  say "$1 is whole"
}

backup() {
  local part=$2.part
  absent_or_empty "$2"
  [[ ! -e $part ]] || die "$part is left of a backup that failed: look at it and remove it"
  "$(program pg_basebackup)" --dbname="$1" --pgdata="$part" --wal-method=stream --checkpoint=fast \
    --manifest-checksums=SHA256
  verify "$part"
  if [[ -d $2 ]]; then rmdir -- "$2"; fi
  mv -- "$part" "$2"
  sync -- "$2" "$(dirname -- "$2")"
}

receive_wal() {
  # The slot makes the server keep what was not received yet. Making one is a call of its own.
  "$(program pg_receivewal)" --dbname="$1" --slot=pingma_backup --create-slot --if-not-exists
  mkdir -p -- "$2"
  exec "$(program pg_receivewal)" --dbname="$1" --directory="$2" --slot=pingma_backup --synchronous
}

restore() {
  local wal
  absent_or_empty "$2"
  verify "$1"
  cp -a -- "$1/." "$2.part"
  chmod 0700 -- "$2.part"
  if [[ -n ${3:-} ]]; then
    wal=$(cd -- "$3" && pwd)
    # The newest file that was being received is still called .partial.
    printf "restore_command = 'cp \"%s/%%f\" \"%%p\" 2>/dev/null || cp \"%s/%%f.partial\" \"%%p\"'\n" "$wal" "$wal" \
      >>"$2.part/postgresql.auto.conf"
    : >"$2.part/recovery.signal"
  fi
  if [[ -d $2 ]]; then rmdir -- "$2"; fi
  mv -- "$2.part" "$2"
  sync
  say "restored to $2: give it to the user of the server (chown), start the server on it, then run pingma verify"
}

case ${1:-}:$# in
  backup:3) backup "$2" "$3" ;;
  wal:3) receive_wal "$2" "$3" ;;
  verify:2) verify "$2" ;;
  restore:3 | restore:4) restore "${@:2}" ;;
  *)
    sed -n '2,11s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
    ;;
esac
