#!/usr/bin/env bash
# sbin/start-all.sh and sbin/stop-all.sh over a hosts file, and sbin/generate-tokens.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/support.sh"
sbin=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../sbin" && pwd)
export STIP_BIN_DIR=$bin

# A row that this machine's name does not cover, and that is this machine all the same.
elsewhere=0x7f.1
small=(--stip.memory-limit=256 --stip.free-space=1)
file=$scratch/hosts.txt

# runs STATUS SCRIPT WORD...: as expect, for a script of sbin.
runs() {
  local wanted=$1 status=0 i pid
  shift
  last="(sbin) $*"
  checks=$((checks + 1))
  (cd / && timeout 180 "$sbin/$1" "${@:2}") </dev/null >"$scratch/out" 2>"$scratch/err" || status=$?
  [ "$status" -eq "$wanted" ] || complaint "exit status $status, not $wanted"
  # Whatever becomes of this test, its nodes end.
  for i in 0 1 2 3; do
    pid=$("$sbin/local-node" status "$scratch/node-$i") || continue
    [[ " ${pids[*]} " == *" $pid "* ]] || pids+=("$pid")
  done
}
process() { "$sbin/local-node" status "$scratch/node-$1" || printf 'none\n'; }
node_logs() { find "$scratch/node-$1/log" -type f | sort; }

# --- tokens ------------------------------------------------------------------

runs 0 generate-tokens 3 3
same "$(wc -l <"$scratch/out")" 3 'lines'
says '^-t 0 -t 6148914691236517205 -t 12297829382473034410$'
says '^-t 4099276460824344803 -t 10248191152060862008 -t 16397105843297379213$'
tokens=()
mapfile -t tokens <"$scratch/out"
# The row of the earlier system has these; they were rounded to 53 bits.
runs 0 generate-tokens --rounded 3 3
says '^-t 0 -t 6148914691236516864 -t 12297829382473033728$'
runs 0 generate-tokens 1 1
says '^-t 0$'
runs 0 generate-tokens 4096 1
says '^-t 18442240474082181119$'
runs 0 generate-tokens -h
says 'Example:'
for words in '' '3' '0 3' '3 0' '3 x' '-1 3' '3 3 3' '3 4097' '2147483647 4096' '99999999999 1'; do
  # shellcheck disable=SC2086  # words
  runs 2 generate-tokens $words
  complains '^generate-tokens: '
done

# --- rows that cannot be understood --------------------------------------------

for script in start-all.sh stop-all.sh; do
  runs 0 "$script" -h
  says '^Example:'
  runs 2 "$script" "$scratch/none.txt"
  complains 'none.txt'
  runs 2 "$script" -w soon "$file"
  complains 'soon'
  runs 2 "$script" -x
  complains '-x'
  runs 2 "$script" "$file" more
  complains 'more'
  while read -r row; do
    printf '# a comment\n\n%s\n' "$row" >"$file"
    runs 2 "$script" "$file"
    complains "^$script: $file"
    [ -z "$row" ] || complains 'line 3'
  done <<ROWS

127.0.0.1
127.0.0.1 -d $scratch/node-0
127.0.0.1 1 2 -d $scratch/node-0
127.0.0.1 1 2 3 4 -d $scratch/node-0
127.0.0.1 0 -d $scratch/node-0
127.0.0.1 1 65536 3 -d $scratch/node-0
127.0.0.1 x -d $scratch/node-0
-oProxyCommand=false 1 -d $scratch/node-0
host;ls 1 -d $scratch/node-0
0.0.0.0 1 -d $scratch/node-0
127.0.0.1 1
127.0.0.1 1 -d
127.0.0.1 1 -d $scratch/node-0 -t
127.0.0.1 1 -d $scratch/node-0 stray
127.0.0.1 1 -d '$scratch/node-0
ROWS
  for second in "127.0.0.1 2 -d $scratch/node-0" "127.0.0.1 1 -d $scratch/node-1" "127.0.0.1 2 -d $scratch/node-1 -t 5"; do
    printf '127.0.0.1 1 -d %s -t 5\n%s\n' "$scratch/node-0" "$second" >"$file"
    runs 2 "$script" "$file"
    complains 'line 2'
  done
done
same "$(find "$scratch" -maxdepth 1 -name 'node-*')" '' 'folders of nodes that must not start'

# --- three nodes: two rows of the earlier system, one over ssh ---------------------

mkdir "$scratch/bin" "$scratch/elsewhere"
cat >"$scratch/bin/ssh" <<'SSH'
#!/usr/bin/env bash
# Runs the command here, in a shell that knows nothing of the caller's folder.
printf '%s\n' "$*" >>"${SSH_CALLS:?}"
[ -z "${SSH_FAILS:-}" ] || {
  printf 'ssh: no route\n' >&2
  exit 255
}
cd /
exec env -u STIP_BIN_DIR sh -c "${@: -1}"
SSH
chmod +x "$scratch/bin/ssh"
export SSH_CALLS=$scratch/ssh-calls PATH=$scratch/bin:$PATH STIP_REMOTE_BIN_DIR=$bin STIP_SSH_OPTIONS='-l somebody'
: >"$SSH_CALLS"
for i in 0 1 2; do ports[i]=$(free_port); done
{
  printf '# the cluster\n\n'
  printf '127.0.0.1 %s %s %s -d %s %s %s\n' 15605 "${ports[0]}" 15607 "$scratch/node-0" "${tokens[0]}" "${small[*]}"
  printf '\tlocalhost  %s -d %s %s %s  # by name\r\n' "${ports[1]}" "$scratch/node-1" "${tokens[1]}" "${small[*]}"
  printf '%s %s %s "-d" "%s" %s --stip.rack="a rack"' "$elsewhere" "${ports[2]}" "${small[*]}" "$scratch/node-2" "${tokens[2]}"
} >"$file"

runs 0 start-all.sh "$file"
says "^127.0.0.1:${ports[0]}: started \\(process [0-9]+, log $scratch/node-0/log/stipd.log\\)$"
says "^localhost:${ports[1]}: started"
says "^$elsewhere:${ports[2]}: started"
says 'all 3 nodes answer'
same "$(grep -c 'BatchMode=yes .*-l somebody 0x7f.1 ' "$SSH_CALLS" | sed 's/[1-9].*/some/')" some 'calls of ssh'
same "$(grep -cv 'somebody 0x7f.1 ' "$SSH_CALLS")" 0 'calls of ssh for this machine'
before="$(process 0) $(process 1) $(process 2)"
export STIP_PORT=${ports[0]}
expect 0 --format json node list
same "$(json count '')" 3 'nodes'
shares=()
for i in 0 1 2; do
  is up "/$i/state"
  shares+=("$(json get "/$i/share" | cut -c 1-5)")
done
# Nine even places: the tokens arrived, all 64 bits of them.
same "${shares[*]}" '0.333 0.333 0.333' 'shares'

# Again: nothing changes.
runs 0 start-all.sh "$file"
same "$(grep -c 'runs already (process' "$scratch/out")" 3 'nodes that run already'
same "$(process 0) $(process 1) $(process 2)" "$before" 'processes after the second start'

# Two starts at once after one was killed: one process, and both are content.
kill -KILL "$(process 0)"
for _ in $(seq 100); do
  [ "$(process 0)" != none ] || break
  sleep 0.05
done
other_status=0
"$sbin/start-all.sh" "$file" >"$scratch/other.out" 2>&1 &
other=$!
runs 0 start-all.sh "$file"
wait "$other" || other_status=$?
same "$other_status" 0 'status of the start beside'
same "$(cat "$scratch/out" "$scratch/other.out" | grep -c ': started')" 1 'starts of the node that was killed'
before="$(process 0) $(process 1) $(process 2)"

scene=$(real_scene)
if [ -n "$scene" ]; then
  expect 0 album create olinda geohash
  ln -s "$scene" "$scratch/new-line.tif"
  # A name with a newline may not begin a line of the log.
  printf 'words\n' >"$scratch/new
bad.tif"
  expect 0 image store olinda "$scratch/new*.tif" auto -l 5 --platform P --timestamp 2000 -d logged
  expect 0 -p "${ports[2]}" --format json image list olinda
  same "$(($(json count '') > 1))" 1 'several images'
  count=$(json count '')
  log=$scratch/node-0/log/stipd.log
  same "$(grep -c 'info node=[0-9a-f]* task=logged input=.*new-line.tif images=' "$log")" 1 'lines of the input that was stored'
  same "$(grep -c 'warning node=[0-9a-f]* task=logged input=.*new bad.tif skipped: ' "$log")" 1 'lines of the input that was skipped'
  same "$(grep -c 'info node=[0-9a-f]* task=logged store album=olinda begins$' "$log")" 1 'lines of the begin'
  same "$(grep -c 'info node=[0-9a-f]* task=logged store album=olinda is done: completed=1 skipped=1 total=2 ' "$log")" 1 'lines of the end'
  same "$(grep -cvE '^20[0-9T:.-]+Z (debug|info|warning|error) node=([0-9a-f]{16}|-) ' "$log")" 0 'lines of another form'
else
  printf 'skipped: a store (there is no real scene)\n'
fi

# --- one node is gone, another cannot start ------------------------------------------

kill -KILL "$(process 1)"
for _ in $(seq 100); do
  [ "$(process 1)" != none ] || break
  sleep 0.05
done
runs 0 start-all.sh "$file"
says "^localhost:${ports[1]}: started"
same "$(grep -c 'runs already' "$scratch/out")" 2 'nodes that were left alone'
same "$(process 0) $(process 2)" "$(cut -d ' ' -f 1,3 <<<"$before")" 'processes that were left alone'
if [ -n "$scene" ]; then
  expect 0 --format json image list olinda
  same "$(json count '')" "$count" 'images after a node was killed'
fi

# A port that is taken; the log says so, and whose it is.
printf '127.0.0.1 %s -d %s %s\n' "${ports[0]}" "$scratch/node-3" "${small[*]}" >"$scratch/taken.txt"
runs 1 start-all.sh "$scratch/taken.txt"
complains "^127.0.0.1:${ports[0]}: FAILED: its process ended"
complains "$scratch/node-3/log/stipd.out ends with"
complains "^ .*port cannot be opened"
complains '1 of 1 nodes failed'
# A flag that stipd refuses.
printf '127.0.0.1 %s -d %s --stip.log-level=loud\n' "$(free_port)" "$scratch/node-3" >"$scratch/taken.txt"
runs 1 start-all.sh "$scratch/taken.txt"
complains "^ .*stip.log-level: 'loud' is none of"
# No program.
STIP_BIN_DIR=$scratch runs 1 start-all.sh "$file"
complains 'sbin/build'
# ssh that reaches nobody: the others are not touched.
SSH_FAILS=yes runs 1 start-all.sh "$file"
complains "^$elsewhere:${ports[2]}: FAILED: ssh: no route"
same "$(grep -c 'runs already' "$scratch/out")" 2 'nodes that run already'
# A file that names a node which is nowhere: the one that waits for it says so.
printf '127.0.0.1 %s -d %s %s\n%s 1 -d %s\n' "$(free_port)" "$scratch/node-3" "${small[*]}" "$elsewhere" "$scratch/nowhere" >"$scratch/half.txt"
SSH_FAILS=yes runs 1 start-all.sh "$scratch/half.txt"
complains '1 of 2 nodes failed'
SSH_FAILS=yes runs 1 stop-all.sh "$scratch/half.txt"
says "stopped \\(process"
complains "^$elsewhere:1: FAILED: ssh: no route"
complains '1 of 2 nodes may still run'
same "$(process 3)" none 'process of the half cluster'

# --- the log is rotated -------------------------------------------------------------

printf '127.0.0.1 %s -d %s %s --stip.log-level=trace --stip.log-size=1 --stip.log-count=2\n' "$(free_port)" "$scratch/node-3" "${small[*]}" >"$scratch/one.txt"
mkdir -p "$scratch/node-3/log"
head -c 1048000 /dev/zero | tr '\0' '\n' >"$scratch/node-3/log/stipd.log"
runs 0 start-all.sh "$scratch/one.txt"
runs 0 stop-all.sh "$scratch/one.txt"
runs 0 start-all.sh "$scratch/one.txt"
runs 0 stop-all.sh "$scratch/one.txt"
same "$(node_logs 3 | sed 's/.*stipd//' | tr '\n' ' ')" '.1.log .log .out ' 'files of the log'

# --- the stop -----------------------------------------------------------------------

# Another program that has the number of a node's process is left alone.
mkdir -p "$scratch/other"
sleep 300 &
other=$!
pids+=("$other")
printf 'stip pid %s\n' "$other" >"$scratch/other/LOCK"
printf '127.0.0.1 %s -d %s\n' "$(free_port)" "$scratch/other" >"$scratch/other.txt"
runs 0 stop-all.sh "$scratch/other.txt"
says 'does not run'
same "$(alive "$other" && echo alive)" alive 'the other program'

# One that does not react is killed, and nothing is lost.
kill -STOP "$(process 2)"
runs 3 stop-all.sh -w 2 "$file"
says "^127.0.0.1:${ports[0]}: stopped"
says "^localhost:${ports[1]}: stopped"
complains "^$elsewhere:${ports[2]}: has not stopped within 2 s"
says "^$elsewhere:${ports[2]}: killed"
same "$(process 0) $(process 1) $(process 2)" 'none none none' 'processes after the stop'
runs 0 stop-all.sh "$file"
same "$(grep -c 'does not run' "$scratch/out")" 3 'nodes that do not run'
expect 3 node list

runs 0 start-all.sh "$file"
if [ -n "$scene" ]; then
  expect 0 --format json image list olinda
  same "$(json count '')" "$count" 'images after the restart'
fi
runs 0 stop-all.sh "$file"
same "$(grep -c 'stopped (process' "$scratch/out")" 3 'nodes that stopped'

finish
