#!/usr/bin/env bash
# Base backups of a PostgreSQL server beside its work, checked, and put back into a new data directory.
#
#   backup-postgres.sh backup URL DIR             base backup into the new DIR, with the WAL that it needs; then verify
#   backup-postgres.sh wal URL DIR                receive WAL into DIR until it is stopped, so that nothing is lost between
#                                                 two backups (run it as a service, on another machine)
#   backup-postgres.sh verify DIR                 pg_verifybackup: every file against the manifest, and the WAL
#   backup-postgres.sh restore DIR DATA [WALDIR]  verify, then copy into the new DATA; with WALDIR, which must have no gap,
#                                                 replay what came after
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

# segments SIZE DIR…: the WAL segments of that size in some directories, in order: number, on whatever timeline, and file.
segments() {
  local per=$((0x100000000 / $1)) file name
  shift
  find -H "$@" -maxdepth 1 -type f | while IFS= read -r file; do
    name=${file##*/}
    name=${name%.partial}
    if [[ $name =~ ^[0-9A-F]{24}$ ]]; then echo "$((16#${name:8:8} * per + 16#${name:16:8})) $file"; fi
  done | sort -n
}

# first_segment DIR: the size of the segments of a base backup, and the number of the one in which it ends.
first_segment() {
  local high low size
  IFS=' /' read -r high low < <(sed -nE 's/.*"End-LSN": "([0-9A-F]+)\/([0-9A-F]+)".*/\1 \2/p' "$1/backup_manifest" | tail -n 1) ||
    return 1
  size=$(stat -c %s -- "$(find "$1/pg_wal" -maxdepth 1 -regex '.*/[0-9A-F]+' | head -n 1)")
  echo "$size $((((16#$high << 32) + 16#$low - 1) / size))"
}

# check_wal SIZE FIRST DIR WALDIR: from the end of the base backup on no segment may be missing: recovery would take a gap for the
# end. One timeline ends in the segment in which the next begins; where they overlap further, one may hide a gap of the other.
check_wal() {
  local number expected=$2 newest timelines twice
  while read -r number _; do
    if ((number == expected)); then expected=$((expected + 1)); fi
  done < <(segments "$1" "$3/pg_wal" "$4")
  read -r newest _ < <(segments "$1" "$4" | tail -n 1) || newest=0
  ((newest >= $2)) || die "$4 has nothing that came after $3"
  ((expected > newest)) ||
    die "$4: a WAL segment is missing between the end of $3 and the newest, so what came after it can't be put back"
  timelines=$(segments "$1" "$4" | sed -E 's/.*\/([0-9A-F]{8})[0-9A-F]{16}(\.partial)?$/\1/' | sort -u | wc -l)
  twice=$(segments "$1" "$4" | cut -d ' ' -f 1 | uniq -d | wc -l)
  ((twice < timelines)) || die "$4 holds timelines that overlap: take one directory for each server that was primary"
}

# copy_wal SIZE FIRST WALDIR TO: copies what a recovery from the base backup reads.
copy_wal() {
  local number file
  mkdir -- "$4"
  segments "$1" "$3" | while read -r number file; do
    if ((number >= $2)); then cp -p -- "$file" "$4/"; fi
  done
  find -H "$3" -maxdepth 1 -type f -name '*.history' -exec cp -p -t "$4" -- {} +
}

restore() {
  local size first
  absent_or_empty "$2"
  [[ ! -e $2.part ]] || die "$2.part is left of a restore that failed: remove it"
  verify "$1"
  if [[ -n ${3:-} ]]; then
    read -r size first < <(first_segment "$1") || die "the manifest of $1 does not say where it ends"
    check_wal "$size" "$first" "$1" "$3"
  fi
  cp -a -- "$1/." "$2.part"
  chmod 0700 -- "$2.part"
  # Whoever the primary waited for is not here.
  echo "synchronous_standby_names = ''" >>"$2.part/postgresql.auto.conf"
  if [[ -n ${3:-} ]]; then
    # Inside of the data directory, so that it is the server's with the rest. The newest file that was being received is still
    # called .partial. Whatever but a missing file goes wrong must not be taken for the end: 255 ends the server.
    copy_wal "$size" "$first" "$3" "$2.part/received_wal"
    cat >>"$2.part/postgresql.auto.conf" <<'CONF'
restore_command = 'test -r received_wal -a -x received_wal || exit 255; for f in "received_wal/%f" "received_wal/%f.partial"; do if test -e "$f"; then cp "$f" "%p" || exit 255; exit 0; fi; done; exit 1'
CONF
    : >"$2.part/recovery.signal"
  fi
  if [[ -d $2 ]]; then rmdir -- "$2"; fi
  mv -- "$2.part" "$2"
  sync
  say "restored to $2: give it to the user of the server (chown -R), start the server on it, then run pingma verify"
  say "it waits for no standby; when all is well, remove restore_command and received_wal, and begin backups anew"
}

case ${1:-}:$# in
  backup:3) backup "$2" "$3" ;;
  wal:3) receive_wal "$2" "$3" ;;
  verify:2) verify "$2" ;;
  restore:3 | restore:4) restore "${@:2}" ;;
  *)
    sed -n '2,12s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
    ;;
esac
