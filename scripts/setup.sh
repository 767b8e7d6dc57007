#!/usr/bin/env bash
# Makes a Debian-like machine able to build and test Pingma. Says and does nothing if it already is.
#
#   setup.sh build          what a build needs, and the fonts that labels are drawn with
#   setup.sh demo           and what scripts/demo.sh needs
#   setup.sh demo-postgres  and a PostgreSQL server, 15 or newer
#   setup.sh bench          and what makes load
#   setup.sh test           instead of that what the tests need: a browser, an SVG renderer
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Each need is looked for by what gets used, not by package: it may come from elsewhere.
has_all() { (($(command -v "$@" | wc -l) == $#)); }
has_any() { command -v "$@" >/dev/null; }
has_libpq() { pkg-config --exists libpq || [[ -f "$("${PG_CONFIG:-pg_config}" --includedir)/libpq-fe.h" ]]; }
has_postgres() { tests/support/postgres.sh bindir; }
has_cjk_font() {
  local found
  found=$(find -L /usr/share/fonts /usr/local/share/fonts "${HOME:-/}/.local/share/fonts" "${HOME:-/}/.fonts" \
    -name 'NotoSansCJK*' 2>/dev/null || true)
  [[ -n $found ]]
}
has_ca_certificates() { [[ -n ${SSL_CERT_FILE:-} || -f /etc/ssl/certs/ca-certificates.crt ]]; }

missing=()
need() { # PACKAGE CHECK…
  local package=$1
  shift
  "$@" >/dev/null 2>&1 || missing+=("$package")
}

look() {
  missing=()
  need build-essential has_all cc make
  need pkg-config has_all pkg-config
  need libpq-dev has_libpq
  need ca-certificates has_ca_certificates
  need fonts-noto-cjk has_cjk_font
  [[ $mode != build ]] || return 0
  need curl has_all curl
  need jq has_all jq
  need zbar-tools has_all zbarimg
  [[ $mode != demo ]] || return 0
  need postgresql has_postgres
  [[ $mode != demo-postgres ]] || return 0
  if [[ $mode == bench ]]; then
    need wrk has_all wrk
    return 0
  fi
  need librsvg2-bin has_all rsvg-convert
  need procps has_all ps
  need chromium has_any chromium chromium-browser google-chrome
}

mode=${1:-}
case $mode in
  build | demo | demo-postgres | bench | test) ;;
  *)
    echo "usage: setup.sh build|demo|demo-postgres|bench|test" >&2
    exit 2
    ;;
esac

look
if ((${#missing[@]} > 0)); then
  if ((EUID != 0)) || ! has_any apt-get; then
    echo "Pingma needs some more packages (names as on Debian). Install them with:" >&2
    echo "  sudo apt-get install -y --no-install-recommends ${missing[*]}" >&2
    exit 1
  fi
  echo "Installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  # A machine that has just booted may still be running its own updates: wait for their lock.
  apt=(apt-get -qq -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0)
  "${apt[@]}" update
  "${apt[@]}" install --no-install-recommends "${missing[@]}" </dev/null >/dev/null
  look
  if ((${#missing[@]} > 0)); then
    echo "Installed, but not what is needed (too old?): ${missing[*]}" >&2
    exit 1
  fi
fi

if ! has_any cargo; then
  echo "cargo is not on PATH. Install Rust with rustup: https://rustup.rs" >&2
  exit 1
fi
