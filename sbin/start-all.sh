#!/usr/bin/env bash
# Starts every node of a hosts file that does not run yet, and waits until each
# answers and sees all the others. See -h.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/hosts.sh"

usage() {
  cat <<TEXT
Starts every node of a hosts file that does not run yet, and waits until each answers.

  sbin/start-all.sh [-w SECONDS] [HOSTS-FILE]     (config/hosts.txt)

  -w SECONDS   how long all nodes together may take until they answer (60)
  -h           this text

A row of the file is a node: HOST PORT FLAGS..., the flags being those of stipd (config/hosts.txt
explains). Nodes of this machine are started directly, others over ssh, which must ask for nothing.
It may be run again at any time: what runs already is left alone.

Environment:
  STIP_BIN_DIR         where stip and stipd are (build/release/bin)
  STIP_SSH_OPTIONS     options of ssh, e.g. '-l stip -i /etc/stip/key'
  STIP_REMOTE_TOP      the checkout on the other machines (the same path as here)
  STIP_REMOTE_BIN_DIR  where stipd is there (build/release/bin of that checkout)

Exit status: 0 every node answers; 1 a node failed (which, why, and its log are on standard error);
2 wrong usage, or a row that cannot be understood: nothing was started.

Example:
  sbin/start-all.sh && build/release/bin/stip node list
TEXT
}

seconds=60
read_command 1 "$@"
[ -x "$bin/stip" ] || fail "there is no $bin/stip; run sbin/build first, or set STIP_BIN_DIR"

failed=()
waiting=()
tell_failed() {
  failed+=("$(node_name "$1")")
  printf '%s: FAILED: %s\n' "$(node_name "$1")" "$2" >&2
}

peers=
for ((i = 0; i < rows; i++)); do peers+="${peers:+,}\"$(node_name "$i")\""; done
notes=$(mktemp)
trap 'rm -f "$notes"' EXIT

for ((i = 0; i < rows; i++)); do
  words=()
  mapfile -t words <<<"${flags[i]}"
  if said=$(at "${hosts[i]}" start "${dirs[i]}" --stip.host="${hosts[i]}" --stip.port="${ports[i]}" \
    --stip.peers="[$peers]" "${words[@]}" 2>"$notes"); then
    printf '%s: %s\n' "$(node_name "$i")" "$said"
    waiting+=("$i")
  else
    tell_failed "$i" "$(cat "$notes")"
  fi
done

# The nodes as that one sees them: a line "ID STATE INCARNATION" each; nothing when it does not answer.
view_of() {
  timeout 10 "$bin/stip" -i "${hosts[$1]}" -p "${ports[$1]}" --format json node list 2>"$notes" |
    sed -nE 's/.*"id":"([0-9a-f]+)".*"state":"([a-z]+)".*"incarnation":([0-9]+).*/\1 \2 \3/p' | sort || true
}

log_of() {
  local words
  mapfile -t words <<<"${flags[$1]}"
  at "${hosts[$1]}" log "${dirs[$1]}" "${words[@]}" 2>&1 || true
}

# Ready when all say the same, and see all up. With the incarnations that shows a node, too, which still
# takes one that was killed and started again for the earlier one.
until=$((SECONDS + seconds))
while [ "${#waiting[@]}" -gt 0 ]; do
  still=()
  agreed=
  late=
  for i in "${waiting[@]}"; do
    view=$(view_of "$i")
    up=$(grep -c ' up ' <<<"$view" || true)
    why=
    # With a node that failed, the others can only see the rest.
    if [ -z "$view" ]; then
      why="it runs, but does not answer within $seconds s ($(head -n 1 "$notes"))"
    elif [ "$up" -lt $((rows - ${#failed[@]})) ]; then
      why="it answers, but sees only $up of $rows nodes after $seconds s"
    elif [ "$view" != "${agreed:=$view}" ]; then
      why="it answers, but sees the nodes in other states than others do after $seconds s"
    fi
    [ -z "$why" ] || late=yes
    # Also of one that seems to answer: another node may have its port.
    if ! at "${hosts[i]}" status "${dirs[i]}" >/dev/null 2>&1; then
      tell_failed "$i" "its process has ended
$(log_of "$i")"
    elif [ -n "$why" ] && [ "$SECONDS" -ge "$until" ]; then
      tell_failed "$i" "$why
$(log_of "$i")"
    else
      still+=("$i")
    fi
  done
  [ -n "$late" ] || break
  waiting=("${still[@]}")
  [ "${#waiting[@]}" -eq 0 ] || sleep 0.2
done

if [ "${#failed[@]}" -gt 0 ]; then
  fail "${#failed[@]} of $rows nodes failed: ${failed[*]}; the others run, sbin/stop-all.sh stops them"
fi
printf '%s: all %d nodes answer; try: stip -i %s -p %s node list\n' "$program" "$rows" "${hosts[0]}" "${ports[0]}"
