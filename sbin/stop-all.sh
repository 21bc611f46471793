#!/usr/bin/env bash
# Stops every node of a hosts file: cleanly, and by force where that takes too long.
# See -h.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/hosts.sh"

usage() {
  cat <<TEXT
Stops every node of a hosts file: cleanly, and by force where that takes too long.

  sbin/stop-all.sh [-w SECONDS] [HOSTS-FILE]     (config/hosts.txt)

  -w SECONDS   how long all nodes together may take until they are killed (40)
  -h           this text

Which process is a node's is read from the file LOCK in its directory, and believed only if that
process runs stipd and has the file open: nothing else is ever ended. What a node has acknowledged
survives both ways. Nodes of other machines are reached over ssh; the environment is that of
sbin/start-all.sh.

Exit status: 0 every node has stopped cleanly, or did not run; 1 a node may still run (standard
error says which, and why); 2 wrong usage, or a row that cannot be understood: nothing was done;
3 all have ended, but some had to be killed.

Example:
  sbin/stop-all.sh -w 60 config/hosts.txt
TEXT
}

# How long a killed process may take to go.
kill_seconds=10
seconds=40
read_command 0 "$@"

notes=$(mktemp)
trap 'rm -f "$notes"' EXIT
failed=()
waiting=()
killed=()
processes=()

# 0: sent, the process is in processes; 1: failed, and said so; 3: there is none.
signal() {
  local i=$1 status=0 process
  process=$(at "${hosts[i]}" signal "${dirs[i]}" "$2" ${processes[i]:+"${processes[i]}"} 2>"$notes") || status=$?
  case "$status" in
    0) processes[i]=$process ;;
    3) ;;
    *)
      status=1
      failed+=("$(node_name "$i")")
      printf '%s: FAILED: %s\n' "$(node_name "$i")" "$(cat "$notes")" >&2
      ;;
  esac
  return "$status"
}

# Takes out of waiting what has ended, until the time is up.
await_ends() {
  local until=$((SECONDS + $1)) still i status process
  while [ "${#waiting[@]}" -gt 0 ]; do
    still=()
    for i in "${waiting[@]}"; do
      status=0
      process=$(at "${hosts[i]}" status "${dirs[i]}" 2>/dev/null) || status=$?
      # 1: none has the directory. Another one may have it by now, which was started meanwhile.
      if [ "$status" -eq 1 ] || { [ "$status" -eq 0 ] && [ "$process" != "${processes[i]}" ]; }; then
        printf '%s: %s (process %s)\n' "$(node_name "$i")" "$2" "${processes[i]}"
      else
        still+=("$i")
      fi
    done
    waiting=("${still[@]}")
    [ "${#waiting[@]}" -gt 0 ] || return 0
    [ "$SECONDS" -lt "$until" ] || return 0
    sleep 0.1
  done
}

for ((i = 0; i < rows; i++)); do
  status=0
  signal "$i" TERM || status=$?
  case "$status" in
    0) waiting+=("$i") ;;
    3) printf '%s: does not run\n' "$(node_name "$i")" ;;
  esac
done
await_ends "$seconds" 'stopped'

late=("${waiting[@]}")
waiting=()
for i in "${late[@]}"; do
  printf '%s: has not stopped within %s s; killing process %s\n' "$(node_name "$i")" "$seconds" "${processes[i]}" >&2
  status=0
  signal "$i" KILL || status=$?
  [ "$status" -ne 0 ] || waiting+=("$i")
  [ "$status" -eq 1 ] || killed+=("$(node_name "$i")")
done
await_ends "$kill_seconds" 'killed'
for i in "${waiting[@]}"; do
  failed+=("$(node_name "$i")")
  printf '%s: FAILED: process %s does not end\n' "$(node_name "$i")" "${processes[i]}" >&2
done

[ "${#failed[@]}" -eq 0 ] || fail "${#failed[@]} of $rows nodes may still run: ${failed[*]}"
if [ "${#killed[@]}" -gt 0 ]; then
  printf '%s: %d of %d nodes had to be killed: %s\n' "$program" "${#killed[@]}" "$rows" "${killed[*]}" >&2
  exit 3
fi
