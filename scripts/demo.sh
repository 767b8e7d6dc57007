#!/usr/bin/env bash
# Walks through the main job against a demo city, showing every call: scan, fill, hand over, return, look back. Ends with an
# error if any answer is not as expected.
#
#   PINGMA_DEMO_BIN            the program (default: target/release/pingma)
#   PINGMA_DEMO_CYLINDERS      how many cylinders (default: 2000)
#   PINGMA_DEMO_KEEP           on a terminal, 0 ends the city at the end instead of keeping it
#   PINGMA_TEST_POSTGRES_URL   an empty PostgreSQL database to use in place of a new SQLite file
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

binary=${PINGMA_DEMO_BIN:-target/release/pingma}
cylinders=${PINGMA_DEMO_CYLINDERS:-2000}
keep=${PINGMA_DEMO_KEEP:-1}
# The program refuses variables that are no settings of its own.
unset PINGMA_DEMO_BIN PINGMA_DEMO_CYLINDERS PINGMA_DEMO_KEEP
work=$(mktemp -d)
server=''

finish() {
  local status=$?
  trap - EXIT
  if [[ -n $server ]] && kill -0 "$server" 2>/dev/null; then
    kill -TERM "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  if ((status != 0)) && [[ -s $work/log ]]; then
    echo "The server said:" >&2
    tail -n 20 "$work/log" >&2
  fi
  rm -rf -- "$work"
  exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

if [[ -t 1 ]]; then bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'; else bold='' dim='' red='' green='' plain=''; fi

step() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }
fail() {
  printf '%sNOT AS EXPECTED: %s%s\n' "$red" "$*" "$plain" >&2
  exit 1
}
city() { jq -er "$1" "$work/city.json"; }

# expect WHAT FILTER VALUE: the last answer must have it.
expect() {
  local got
  got=$(jq -r "$2" <<<"$answer") || fail "$1: the answer is no JSON"
  [[ $got == "$3" ]] || fail "$1: expected $3, got $got"
  printf '%s✓ %s: %s%s\n' "$green" "$1" "$got" "$plain"
}

# show: the command as it can be copied, the token by name.
show() {
  local word line='' token
  for word in "$@"; do
    for token in operator admin worker regulator; do
      if [[ -n ${!token:-} ]]; then word=${word//"${!token}"/"\$$token"}; fi
    done
    if [[ $word == *'$'* && $word != *'"'* ]]; then
      line+=" \"$word\""
    elif [[ $word =~ ^[A-Za-z0-9_./:=@%+-]+$ ]]; then
      line+=" $word"
    else
      line+=" '${word//\'/\'\\\'\'}'"
    fi
  done
  printf '%s$%s%s\n' "$bold" "$line" "$plain"
}

# call NAME METHOD PATH [JSON]: as whom, what; the answer goes into $answer. Writes take an idempotency key.
call() {
  local who=$1 method=$2 path=$3 body=${4:-} language=${language:-zh-CN} filter=${filter:-.}
  local command=(curl -sS --fail-with-body "$base$path")
  if [[ -n $who ]]; then command+=(-H "Authorization: Bearer ${!who}"); fi
  command+=(-H "Accept-Language: $language")
  if [[ $method != GET ]]; then
    if [[ $path != */auth/* ]]; then command+=(-H "Idempotency-Key: demo-$$-$((++calls))"); fi
    command+=(-H 'Content-Type: application/json' -d "$body")
    if [[ $method != POST ]]; then command+=(-X "$method"); fi
  fi
  show "${command[@]}"
  answer=$("${command[@]}") || fail "$method $path: $answer"
  printf '%s' "$dim"
  jq "$filter" <<<"$answer" || fail "$method $path: the answer is no JSON"
  printf '%s' "$plain"
}
calls=0

# sign_in VARIABLE USERNAME
sign_in() {
  filter='{token_type, expires_in, user: {username: .user.username, display_name: .user.display_name, roles: .user.roles,
    organization: .user.organization.name}}' call '' POST /api/v1/auth/login \
    "$(jq -cn --arg u "$2" --arg p "$password" '{username: $u, password: $p}')"
  printf -v "$1" %s "$(jq -er .access_token <<<"$answer")"
  printf '%s%s=<access_token>%s\n' "$dim" "$1" "$plain"
}

finding='{decision, findings: [.findings[] | {rule, severity, message, clause: ((.citations[0] | "\(.document) \(.clause)")?)}],
  permit, event}'

# check TEXT READING: what a scanner sends before the fill.
check() {
  filter=$finding call operator POST /api/v1/fill-checks "$(jq -cn --arg code "$1" --argjson g "$2" --arg scale "$scale" \
    '{code: $code, scale_id: $scale, scale_g: $g, entry: "scanned", precheck: {body: "pass", valve: "pass", shroud: "pass",
      foot_ring: "pass", markings: "pass", color: "pass", residual_pressure: "pass"}}')"
}

# refused SAMPLE RULE
refused() {
  local name=$1 rule=$2 grams
  grams=$(jq -r ".samples.$name.tare_g // 16500" "$work/city.json")
  step "$name 扫码: must be refused 必须拒绝"
  check "$(city ".samples.$name.url")" "$((grams + 200))"
  expect decision .decision refused
  expect rule "[.findings[] | select(.rule == \"$rule\")][0].rule" "$rule"
  expect 'names a clause' "[.findings[] | select(.rule == \"$rule\")][0].citations | length > 0" true
}

[[ -x $binary ]] || fail "$binary is not there: cargo build --release"
options=(--json demo --listen 127.0.0.1:0 --cylinders "$cylinders")
if [[ -n ${PINGMA_TEST_POSTGRES_URL:-} ]]; then
  database=$PINGMA_TEST_POSTGRES_URL
else
  database=sqlite://$work/pingma.db
fi
options+=(--database "$database" --key-file "$work/pingma.keys")

step "A small city with a year of history 一座小城一年的记录"
show "$binary" "${options[@]}"
began=$SECONDS
"$binary" "${options[@]}" >"$work/city.json" 2>"$work/log" &
server=$!
until [[ -s $work/city.json ]] && jq -e . "$work/city.json" >/dev/null 2>&1; do
  kill -0 "$server" 2>/dev/null || fail "the demo ended before it served"
  ((SECONDS - began < 300)) || fail "no city after five minutes"
  sleep 0.2
done
base=$(city .base_url)
password=$(city .password)
scale=$(city .ids.scale_id)
echo "Ready after $((SECONDS - began)) s: $(city .cylinders) cylinders, $(city .events) events, at $base"
jq -r '.logins[] | "  \(.username)\t\(.role)\t\(.organization)"' "$work/city.json" | expand -t 24,42

step "The filling operator signs in 充装工登录"
sign_in operator chongzhuang

step "The owner's admin prints the label of the good cylinder 产权单位打印标签"
sign_in admin pingan-admin
code=$(city .samples.good.code)
printed=(curl -sS --fail-with-body -o "$work/label.png" "$base/api/v1/labels/$code.png?size_mm=40" -H "Authorization: Bearer $admin")
show "${printed[@]}"
"${printed[@]}" || fail "no label"
decode=(zbarimg --quiet --raw "$work/label.png")
show "${decode[@]}"
# It complains on stderr where there is no D-Bus.
scanned=$("${decode[@]}" 2>"$work/zbar") || fail "the label can't be read"
echo "$scanned"
[[ $scanned == "$(city .samples.good.url)" ]] || fail "the label says $scanned"
printf '%s✓ the picture reads as the address of the label%s\n' "$green" "$plain"

for sample in overdue:fill.inspection-overdue foreign:fill.not-owned forged:fill.code-forged; do
  refused "${sample%%:*}" "${sample#*:}"
done

step "Scan before filling: the good cylinder 充装前扫码"
tare=$(city .samples.good.tare_g)
check "$scanned" "$((tare + 200))"
expect decision .decision allowed
permit=$(jq -er .permit.id <<<"$answer")
max=$(jq -er .permit.max_fill_g <<<"$answer")

step "Filled, checked, released 充装并复检放行"
began_at=$(date -u +%FT%TZ)
echo "(the gas flows for 25 seconds: less than 20 would be no fill)"
sleep 25
filter='{id, net_g, status, findings: [.findings[].rule], event}' call operator POST /api/v1/fills "$(jq -cn --arg permit "$permit" \
  --arg from "$began_at" --arg to "$(date -u +%FT%TZ)" --argjson g "$((tare + max - 100))" --arg checker "$(city .ids.checker_id)" \
  '{permit_id: $permit, gross_g: $g, started_at: $from, finished_at: $to, seal_no: "F-DEMO-1",
    postcheck: {leak: "pass", valve: "pass", seal: "pass", checker_id: $checker}}')"
expect status .status released
expect net_g .net_g "$((max - 100))"

step "The delivery worker hands it over 送气工交付"
sign_in worker songqi
filter='{decision, findings: [.findings[].rule], event}' call worker POST /api/v1/handovers "$(jq -cn --arg code "$scanned" \
  --arg customer "$(city .ids.customer_ref)" '{code: $code, customer_ref: $customer, entry: "scanned",
    position: {lat: 31.98, lon: 120.89, accuracy_m: 8, datum: "wgs84"}}')"
expect decision .decision accepted

step "The customer scans it 用户扫码: $base/C/$code"
filter='{lawful, standing, reasons, notes, owner_name, filler_name, filled_on, net_g, inspection_due_on, insured}' \
  call '' GET "/api/v1/public/cylinders/$code"
expect standing .standing lawful
page=(curl -sS --fail-with-body -o "$work/page.html" "$base/C/$code")
show "${page[@]}"
"${page[@]}" || fail "no public page"
printf '%s✓ a page of %s bytes%s\n' "$green" "$(wc -c <"$work/page.html")" "$plain"

step "Back at the station 空瓶回站"
filter='{custody, event}' call operator POST /api/v1/returns "$(jq -cn --arg code "$scanned" '{code: $code, residual_g: 150}')"
expect custody .custody.kind site

step "The regulator looks back 监管部门追溯"
sign_in regulator jianguan
filter='[.items[] | {log_index, kind, occurred_at, organization: (.organization.name? // .organization), hash: .hash[0:12]}]' \
  call regulator GET "/api/v1/cylinders/$code/events?limit=5"
expect history '[.items[0:4][].kind] | join(" ")' 'returned handed_over fill_recorded fill_checked'
filter='{filled_by: .last_fill.organization.name, operator: .last_fill.actor.name, site: .last_fill.site.name,
  allowed_by: .allowed_by.id, handled_since: [.handled_since[] | {kind, organization: .organization.name, actor: .actor.name}],
  customer_scans}' call regulator GET "/api/v1/cylinders/$code/trace"
expect 'filled by' .last_fill.actor.name 王大力
expect 'handled since' '[.handled_since[].kind] | join(" ")' 'handed_over returned'

step "Was anything altered? 有没有被篡改"
verify=("$binary" verify --database "$database" --key-file "$work/pingma.keys")
show "${verify[@]}"
"${verify[@]}" || fail "the ledger was altered"

step "All as expected 全部符合预期 ($((SECONDS - began)) s)"
if [[ -t 0 && -t 1 && $keep != 0 ]]; then
  echo "The city keeps running at $base (password of everybody: $password); press Ctrl-C to end it."
  wait "$server"
fi
