#!/usr/bin/env bash
# A node inside the command: everything that one node can do, and who may be beside whom.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/support.sh"

scene=$(real_scene)
[ -n "$scene" ] || skip "there is no real scene; sbin/fetch-scene brings it"
ports[0]=$(free_port)
dir=$scratch/node-0
export STIP_EMBEDDED=$dir

expect 1 album list
complains "$dir"
expect 0 album create olinda geohash
expect 0 album list
says '^olinda '
expect 2 image store olinda "$scene" auto -l 5 --platform L --timestamp 2000 --detach
complains 'detach'
cd "$(dirname "$scene")"
expect 0 --format json image store olinda "$(basename "$scene")" auto -l 5 --platform L --timestamp 2000
is 'done' /state
task=$(json get /id)
expect 1 task list --watch
complains 'no terminal'
expect 0 --format json image list olinda
count=$(json count '')
cp "$scratch/out" "$scratch/all"
same "$((count > 1))" 1 'several images'
key=$(json get /0/key)
expect 0 image show olinda "$key" --png "$scratch/e.png"
expect 0 image export olinda --to "$scratch/e"
same "$(find "$scratch/e" -name '*.tif' | wc -l)" "$count" 'files of the export'
expect 0 --format json task show "$task"
is 'done' /state
expect 0 --format json node list
same "$(json count '')" 1 'number of nodes'
expect 0 node locate "$(cut -d / -f 2 <<<"$key")" --album olinda

# Readers beside readers; a writer waits for nobody and is refused.
mkfifo "$scratch/lines"
"$bin/stip" shell <"$scratch/lines" >"$scratch/shell.out" 2>&1 &
reader=$!
pids+=("$reader")
exec 4>"$scratch/lines"
printf 'image list olinda\n' >&4
for _ in $(seq 100); do
  grep -q '^KEY' "$scratch/shell.out" && break
  sleep 0.1
done
expect 0 --format json image list olinda
same "$(cmp "$scratch/all" "$scratch/out" 2>&1)" '' 'the answer beside a reader'
expect 1 album create other geohash
complains "$dir"
exec 4>&-
wait "$reader"
expect 0 album create other geohash

# The daemon serves the same directory; then nobody else may.
start_cluster 1
STIP_EMBEDDED='' expect 0 --format json image list olinda
same "$(json count '')" "$count" 'images that the daemon serves'
expect 1 album list
complains "$dir"
same "$(wc -l <"$scratch/err")" 1 'lines on standard error'
expect 1 album create third geohash
complains "$dir"
kill "${pids[0]}"
wait "${pids[0]}" || true
unset STIP_PORT
expect 0 --format json image list olinda
same "$(json count '')" "$count" 'images after the daemon'
expect 0 image delete olinda --yes
expect 0 -q image list olinda
same "$(cat "$scratch/out")" '' 'images after the deletion'

finish
