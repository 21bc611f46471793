#!/usr/bin/env bash
# Nodes that leave a cluster of three for good, with a real scene.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/support.sh"

scene=$(real_scene)
[ -n "$scene" ] || skip "there is no real scene; sbin/fetch-scene brings it"
start_cluster 3

id_of() {
  "$bin/stip" --format csv -q node list | grep ":${ports[$1]}," | cut -d , -f 1
}
gone() {
  local i
  for i in $(seq 200); do
    alive "${pids[$1]}" || return 0
    sleep 0.1
  done
  return 1
}

expect 2 node drain
expect 2 node drain xyz
expect 1 node drain 0123456789abcdef
complains 'no node has this id'

expect 0 album create twice geohash
expect 0 image store twice "$scene" generic -l 5 --platform Landsat7 --timestamp 2000-01-01
expect 0 --format csv image list twice
cut -d , -f 1 "$scratch/out" >"$scratch/before"

# Asked of another node: the task first, then the outcome.
third=$(id_of 2)
expect 0 node drain "${third:0:8}"
same "$(head -n 1 "$scratch/out" | grep -cE '^task [A-Za-z0-9._-]+$')" 1 'the id in the first line'
task=$(head -n 1 "$scratch/out" | cut -d ' ' -f 2)
says '^done: ([0-9]+) of \1 images handed over'
same "$(gone 2 && echo gone)" gone 'the process of the drained node'
expect 0 --format json task show "$task"
is drain /kind
is 'done' /state
expect 0 --format json node list
same "$(json count '')" 2 'number of nodes'
expect 0 --format csv image list twice
same "$(cut -d , -f 1 "$scratch/out" | cmp - "$scratch/before" 2>&1)" '' 'the images'
expect 0 node repair
says '^STILL TO MOVE +0$'

# Asked of itself, and not waited for.
second=$(id_of 1)
expect 0 -p "${ports[1]}" --format json node drain "$second" --detach
is drain /kind
task=$(json get /id)
expect 0 --format json task wait "$task"
is 'done' /state
same "$(gone 1 && echo gone)" gone 'the process of the second drained node'
expect 0 --format csv image list twice
same "$(cut -d , -f 1 "$scratch/out" | cmp - "$scratch/before" 2>&1)" '' 'the images'

# The last one has nobody to hand over to.
expect 1 node drain "$(id_of 0)"
complains 'no other node could take over.*add another node'

# A drained node that is started again is a member like any other.
start_node 1
for _ in $(seq 200); do
  [ "$(nodes_up "${ports[0]}")" = 2 ] && break
  sleep 0.1
done
same "$(id_of 1)" "$second" 'the id after another start'
# Followed through the node itself.
expect 0 -p "${ports[1]}" node drain "$second"
says '^done: '
says 'album twice asks for 2 copies; 1 is left'
same "$(gone 1 && echo gone)" gone 'the process of the node that was asked itself'

finish
