#!/usr/bin/env bash
# What the tests of the command line share: nodes on free ports of this machine,
# a scratch folder, and checks that say what went wrong. Sourced, not run.
#
#   expect STATUS WORD...   runs stip; its answers are in $scratch/out and $scratch/err
#   says PATTERN            its standard output has a line that matches
#   complains PATTERN       its standard error has
#   json WORD...            json-check on its standard output
set -euo pipefail

bin=${STIP_BIN_DIR:?where stip and stipd are}
scratch=$(mktemp -d)
pids=()
ports=()
checks=0
failures=0
# Whoever runs the tests may have set some.
for name in IP_ADDRESS PORT EMBEDDED FORMAT CONFIG_FILE TLS_CA TLS_CERT TLS_KEY QUIET VERBOSE; do
  unset "STIP_$name"
done
export HOME=$scratch

alive() { kill -0 "$1" 2>/dev/null; }

cleanup() {
  local status=$? pid
  trap - EXIT
  for pid in "${pids[@]}"; do
    alive "$pid" && kill -KILL "$pid"
  done
  [ "${#pids[@]}" -eq 0 ] || wait "${pids[@]}" 2>/dev/null || true
  if [ "$status" -ne 0 ]; then
    for log in "$scratch"/node-*.log; do
      [ -s "$log" ] || continue
      printf -- '--- %s\n' "$log"
      tail -n 20 "$log"
    done
  fi
  chmod -R u+rwX "$scratch" 2>/dev/null || true
  rm -rf "$scratch"
  exit "$status"
}
trap cleanup EXIT

skip() {
  printf 'skipped: %s\n' "$*"
  exit 0
}

# The real scene, or nothing.
real_scene() {
  local scene
  for scene in "${STIP_LANDSAT_SCENE:-}" "${STIP_SHARED_DATA:-}/landsat/L7_ETMs.tif"; do
    [ ! -s "$scene" ] || {
      printf '%s\n' "$scene"
      return
    }
  done
}

listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

free_port() {
  local port
  for _ in $(seq 200); do
    # Below the range from which the kernel gives ports to outgoing connections.
    port=$((20000 + RANDOM % 10000))
    [[ " ${ports[*]} " == *" $port "* ]] && continue
    listens "$port" && continue
    printf '%s\n' "$port"
    return
  done
  printf 'no free port\n' >&2
  exit 1
}

# start_node I: node I of the ports that are chosen, on $scratch/node-I; $more_settings are further lines.
start_node() {
  local i=$1 other peers=
  for other in "${ports[@]}"; do
    [ "$other" = "${ports[i]}" ] || peers+="${peers:+,}\"127.0.0.1:$other\""
  done
  mkdir -p "$scratch/node-$i"
  cat >"$scratch/node-$i.ini" <<INI
[stip]
directory="$scratch/node-$i"
host="127.0.0.1"
port=${ports[i]}
peers=[$peers]
input-roots=["/"]
free-space=1
memory-limit=256
${more_settings:-}
INI
  "$bin/stipd" --config-file="$scratch/node-$i.ini" </dev/null >"$scratch/node-$i.log" 2>&1 &
  pids[i]=$!
}

nodes_up() {
  timeout 20 "$bin/stip" -p "$1" --format csv -q node list 2>/dev/null | grep -c ',up,' || true
}

# start_cluster N: N nodes that all see each other.
start_cluster() {
  local count=$1 i until=$((SECONDS + 60))
  for ((i = 0; i < count; i++)); do ports[i]=$(free_port); done
  for ((i = 0; i < count; i++)); do start_node "$i"; done
  for ((i = 0; i < count; i++)); do
    while [ "$(nodes_up "${ports[i]}")" != "$count" ]; do
      if [ "$SECONDS" -ge "$until" ] || ! alive "${pids[i]}"; then
        printf 'node %s does not come up\n' "$i"
        exit 1
      fi
      sleep 0.1
    done
  done
  export STIP_PORT=${ports[0]}
}

complaint() {
  failures=$((failures + 1))
  printf 'FAILED: %s\n  stip %s\n' "$1" "${last:-}"
  sed 's/^/  out: /' "$scratch/out" | head -n 10
  sed 's/^/  err: /' "$scratch/err" | head -n 10
}

expect() {
  local wanted=$1 status=0
  shift
  last="$*"
  checks=$((checks + 1))
  timeout 120 "$bin/stip" "$@" </dev/null >"$scratch/out" 2>"$scratch/err" || status=$?
  [ "$status" -eq "$wanted" ] || complaint "exit status $status, not $wanted"
}

says() {
  checks=$((checks + 1))
  grep -qE -e "$1" "$scratch/out" || complaint "standard output has no '$1'"
}

complains() {
  checks=$((checks + 1))
  grep -qE -e "$1" "$scratch/err" || complaint "standard error has no '$1'"
}

json() { "$bin/json-check" "$@" <"$scratch/out"; }

# is_json WORD... : json-check agrees; is VALUE POINTER: the value there.
is_json() {
  checks=$((checks + 1))
  json "$@" >/dev/null || complaint "json-check $*"
}

is() {
  local found
  checks=$((checks + 1))
  found=$(json get "$2") || found='(nothing)'
  [ "$found" = "$1" ] || complaint "$2 is '$found', not '$1'"
}

same() {
  checks=$((checks + 1))
  [ "$1" = "$2" ] || complaint "$3: '$1' is not '$2'"
}

finish() {
  printf '%d checks, %d failures\n' "$checks" "$failures"
  [ "$checks" -gt 0 ] && [ "$failures" -eq 0 ]
}
