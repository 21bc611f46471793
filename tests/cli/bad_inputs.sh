#!/usr/bin/env bash
# Each bad input is skipped with a reason of its own, and the rest of the load goes on.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/support.sh"

scene=$(real_scene)
[ -n "$scene" ] || skip "there is no real scene; sbin/fetch-scene brings it"
start_cluster 1
expect 0 album create a geohash
inputs=$scratch/inputs
mkdir "$inputs"
cp "$scene" "$inputs/good.tif"
head -c 20000 "$scene" >"$inputs/cut.tif"
head -c 100 "$scene" >"$inputs/stump.tif"
printf 'these are words\n' >"$inputs/text.tif"
: >"$inputs/empty.tif"
mkdir "$inputs/folder.tif"
store=(image store a)
known=(auto -l 5 --platform P --timestamp 2000)

# The whole folder: one is good.
expect 0 --format json "${store[@]}" "$inputs/*.tif" "${known[@]}" -d mixed
is 'done' /state
is 1 /completed
is 5 /skipped
is 6 /total
is_json members /errors/0 input,node,reason
same "$(json count /errors)" 5 'reasons'
for name in cut stump text empty folder; do
  complains "$inputs/$name.tif: .+"
done
expect 0 task show mixed
for name in cut stump text empty folder; do
  says "$inputs/$name.tif .+"
done
expect 0 --format json task show mixed
same "$(for i in 0 1 2 3 4; do json get "/errors/$i/input"; done | sort)" \
  "$(for name in cut empty folder stump text; do printf '%s\n' "$inputs/$name.tif"; done)" 'skipped inputs'

# Nothing but bad ones: failed.
for name in cut stump text empty folder; do
  expect 1 --format json "${store[@]}" "$inputs/$name.tif" "${known[@]}"
  is failed /state
  is 0 /completed
  complains "$inputs/$name.tif"
done
expect 1 --format json "${store[@]}" "$inputs/none-*.tif" "${known[@]}"
complains 'no file matches'
is failed /state

# Neither in the file nor given.
expect 1 --format json "${store[@]}" "$inputs/good.tif" auto -l 5 --timestamp 2000
complains '[Pp]latform'
expect 1 --format json "${store[@]}" "$inputs/good.tif" auto -l 5 --platform P
complains '[Tt]ime'

if [ "$(id -u)" -ne 0 ]; then
  cp "$scene" "$inputs/secret.tif"
  chmod 0 "$inputs/secret.tif"
  expect 1 --format json "${store[@]}" "$inputs/secret.tif" "${known[@]}"
  complains "$inputs/secret.tif"
  rm -f "$inputs/secret.tif"
else
  printf 'skipped: an unreadable file (root reads everything)\n'
fi

# The same without a node.
expect 0 --format json image probe "$inputs/"*.tif --platform P --timestamp 2000 -l 5
# The header of the one that is cut off is whole: what is missing shows when pixels are read.
same "$(json count '')" 2 'scenes that can be opened'
is P /0/platform
is good /1/tile
same "$(($(json get /1/cells) > 1))" 1 'cells'
for name in stump text empty folder; do
  complains "$name.tif"
done
expect 1 image probe "$inputs/text.tif"
complains 'text.tif'
expect 1 image probe "$inputs/no-such.tif"
same "$(wc -l <"$scratch/err")" 1 'lines on standard error'

finish
