#!/usr/bin/env bash
# Files of the client's machine: sent to one of two nodes, and stored as if they had lain there.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/support.sh"

scene=$(real_scene)
data=${STIP_SHARED_DATA:-}
if [ -z "$scene" ] || [ ! -d "$data/sentinel2" ]; then
  skip "there are no sample files: STIP_SHARED_DATA names no directory"
fi
safe=$(echo "$data"/sentinel2/T22HBD-L2A-tiny/*.SAFE)
landsat=$data/landsat/LC08_L2SP_001070_20190114-C2
mine=$scratch/mine
mkdir -p "$mine/deep" "$scratch/theirs"
cp "$scene" "$mine/scene.tif"
cp -r "$safe" "$mine/"
chmod -R u+w "$mine"
tar -cf "$mine/landsat.tar" -C "$landsat" .
cp -r "$landsat" "$mine/landsat"
product=$(basename "$mine"/landsat/*_MTL.xml)
hdf=
for file in "$data"/modis-hdf4/MOD13A2*.hdf; do
  [ ! -s "$file" ] || { hdf=$file && cp "$file" "$mine/"; }
done

# What clients send may be stored though it is under none of the roots.
export more_settings="upload-space=64
upload-patience=2
input-roots=[\"$mine\"]"
start_cluster 2
expect 0 album create sent geohash
expect 0 album create lay geohash
spooled() { find "$scratch"/node-*/uploads -type f 2>/dev/null | wc -l; }
no_files_left() {
  local until=$((SECONDS + 20))
  while [ "$(spooled)" != 0 ] && [ "$SECONDS" -lt "$until" ]; do sleep 0.1; done
  same "$(spooled)" 0 "files in the spool $1"
}
# Lines of the logs about the only input of a task: all, and those of one with new images.
logged() {
  cat "$scratch"/node-*.log | grep -E "task=$1 input=.* images=" >"$scratch/lines" || true
  printf '%s %s\n' "$(wc -l <"$scratch/lines")" "$(grep -vc ' images=0 known=[1-9]' "$scratch/lines" || true)"
}

# both WHAT FORMAT MORE...: the same input sent from a working folder, and stored on the node; then once more.
times=0
both() {
  local what=$1 format=$2
  times=$((times + 1))
  shift 2
  cd "$mine/deep"
  expect 0 --format json image store sent "../$what" "$format" -l 4 --upload "$@"
  is 'done' /state
  is 1 /completed
  is 0 /skipped
  cd "$scratch/theirs"
  expect 0 --format json image store lay "$mine/$what" "$format" -l 4 "$@"
  is 1 /completed
  # Whichever way it comes again, nothing of it is new.
  expect 0 image store sent "$mine/$what" "$format" -l 4 --upload -d "again-$times" "$@"
  same "$(logged "again-$times")" "1 0" "new images of $what when it is sent again"
  expect 0 image store sent "$mine/$what" "$format" -l 4 -d "here-$times" "$@"
  same "$(logged "here-$times")" "1 0" "new images of $what when it is stored where it lies"
}
both scene.tif generic --platform Landsat7 --timestamp 2000-01-01
both "$(basename "$safe")" auto
both landsat.tar auto
[ -z "$hdf" ] || both "$(basename "$hdf")" auto
no_files_left 'when all is stored'
# A metadata file brings the product that it is about: that of the tar again.
expect 0 --format json image store sent "$mine/landsat/$product" auto -l 4 --upload
is 1 /completed

for album in sent lay; do
  expect 0 -q --format csv image list "$album"
  cut -d , -f 1 "$scratch/out" | sort >"$scratch/$album.keys"
  expect 0 image export "$album" --to "$scratch/$album.cogs"
done
same "$(($(wc -l <"$scratch/sent.keys") > 8))" 1 'several images'
same "$(cmp "$scratch/sent.keys" "$scratch/lay.keys" 2>&1)" '' 'keys of what was sent and what lay there'
same "$(diff -rq "$scratch/sent.cogs" "$scratch/lay.cogs" 2>&1 | head -n 3)" '' 'pixels of what was sent and what lay there'
key=$(grep Landsat7 "$scratch/sent.keys" | head -n 1)
expect 0 --format json image show sent "$key"
is "$mine/scene.tif" /scene/input
cp "$scratch/out" "$scratch/shown"
expect 0 --format json image show lay "$key"
same "$(json get /scene/input_checksum)" "$("$bin/json-check" get /scene/input_checksum <"$scratch/shown")" 'checksum of the input'

# What cannot be stored is named as it is called here.
printf 'no image' >"$mine/junk.tif"
mkdir "$mine/nothing.SAFE"
truncate -s 100M "$mine/large.tif"
expect 1 --format json image store sent "$mine/[jnl][ua][nr][kg]*.tif" generic -l 4 --upload --platform a --timestamp 2000
is failed /state
is 2 /skipped
complains "$mine/junk.tif"
complains "$mine/large.tif.*64 MiB.*upload-space"
same "$(grep -c "$scratch/node" "$scratch/err" || true)" 0 'errors that name the spool'
expect 1 image store sent "$mine/nothing.SAFE" auto -l 4 --upload
complains 'nothing.SAFE.*no files'
expect 1 image store sent "$mine/none*" auto -l 4 --upload
complains 'no file matches; check the path on this machine'
no_files_left 'after inputs that were skipped'

# More than there is room for at a time.
for i in $(seq 40); do
  cp "$scene" "$mine/many-$i.tif"
done
expect 0 --format json image store sent "$mine/many-*.tif" generic -l 4 --upload --platform Many --timestamp 2001-01-01
is 40 /completed
is 40 /total
no_files_left 'after many inputs'

# In this process there is nothing to send.
expect 0 --embedded "$scratch/inside" album create a geohash
expect 0 --embedded "$scratch/inside" image store a "$mine/scene.tif" generic -l 4 --upload --platform Landsat7 --timestamp 2000-01-01
expect 2 --embedded "$scratch/inside" image store a x generic -l 4 --upload --all-nodes

# --- a client that is killed, and a task that is stopped ---------------------

for i in 0 1; do
  kill -TERM "${pids[i]}"
  wait "${pids[i]}" || true
done
export more_settings="upload-space=4096
upload-patience=2"
for i in 0 1; do start_node "$i"; done
up() {
  local until=$((SECONDS + 60))
  while [ "$(nodes_up "${ports[0]}")" != 2 ] && [ "$SECONDS" -lt "$until" ]; do sleep 0.1; done
  same "$(nodes_up "${ports[0]}")" 2 'nodes that are up'
}
up
truncate -s 3G "$mine/huge.tif"
before=$(wc -l <"$scratch/sent.keys")
begin_huge() {
  "$bin/stip" image store lay "$mine/huge.tif" generic -l 4 --upload --platform Huge --timestamp 2000 -d "$1" \
    </dev/null >"$scratch/huge.out" 2>"$scratch/huge.err" &
  client=$!
  local until=$((SECONDS + 20))
  while [ "$(spooled)" = 0 ] && [ "$SECONDS" -lt "$until" ]; do sleep 0.01; done
  same "$(($(spooled) > 0))" 1 'files in the spool while they come'
}
begin_huge killed
kill -KILL "$client"
wait "$client" 2>/dev/null || true
expect 1 task wait killed
complains 'silent.*not sent'
no_files_left 'after the client was killed'
expect 0 -q --format csv image list lay
same "$(wc -l <"$scratch/out")" "$before" 'images after the client was killed'

begin_huge halted
# Who comes second follows the first, and sends nothing.
"$bin/stip" image store lay "$mine/huge.tif" generic -l 4 --upload --platform Huge --timestamp 2000 -d halted \
  </dev/null >"$scratch/second.out" 2>"$scratch/second.err" &
second=$!
expect 0 task stop halted
status=0
wait "$client" || status=$?
same "$status" 1 'status of the client whose task was stopped'
wait "$second" || true
no_files_left 'after the task was stopped'

# A node that is killed forgets what it was sent.
begin_huge lost
kill -KILL "${pids[0]}"
wait "${pids[0]}" 2>/dev/null || true
status=0
wait "$client" || status=$?
same "$status" 1 'status of the client whose node was killed'
same "$(($(spooled) > 0))" 1 'files of the node that was killed'
start_node 0
up
no_files_left 'after the restart'
expect 0 -q --format csv image list lay
same "$(wc -l <"$scratch/out")" "$before" 'images after all that'

finish
