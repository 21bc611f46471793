#!/usr/bin/env bash
# Pictures of an area: files, estimates, refusals, and what is left when one is ended.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/support.sh"

scene=$(real_scene)
[ -n "$scene" ] || skip "there is no real scene; sbin/fetch-scene brings it"
start_cluster 2
expect 0 album create olinda geohash --replication 1
expect 0 image store olinda "$scene" generic -l 5 --platform L7 --timestamp 2000-01-01
expect 0 image store olinda "$scene" generic -l 5 --platform L7 --timestamp 2001-01-01 --tile other
to=$scratch/pictures
mkdir "$to"

expect 0 image mosaic olinda --corners -34.9,-8.02 -34.85,-7.97 --to "$to/a.tif"
complains '^picture of [0-9]+ x [0-9]+ pixels, 6 bands of uint8 .* images of 2 scenes$'
says 'the picture is .*a.tif'
# What a picture shows can be stored again: it is an image like any other.
expect 0 --format json image probe "$to/a.tif" --platform L7 --timestamp 2000
is uint8 /0/subdatasets/0/dtype
expect 0 --format json image mosaic olinda --bbox -34.9,-8.02,-34.85,-7.97 -e 2000-06-01 --bands 3,1 --pick median --crs EPSG:3857 --res 100 --to "$to/b.tif"
is 1 /scenes
is median /pick
is 3 /bands/0
is 0 /skipped
expect 0 -q image mosaic olinda --corners -34.9,-8.02 -34.85,-7.97 --expression '("4" - "3") / ("4" + "3")' --blend 10 --to "$to/c.tif"
same "$(cat "$scratch/err")" '' 'standard error of a quiet picture'

# The same file, byte for byte, from another node and from a node inside the command.
painting=(image mosaic olinda --corners '-34.9,-8.02' '-34.85,-7.97' --pick mean --crs EPSG:4326)
expect 0 "${painting[@]}" --to "$to/e.tif"
expect 0 -p "${ports[1]}" "${painting[@]}" --to "$to/f.tif"
same "$(cmp "$to/e.tif" "$to/f.tif" 2>&1)" '' 'a picture that another node gave'
export STIP_EMBEDDED=$scratch/alone
expect 0 album create olinda geohash
expect 0 image store olinda "$scene" generic -l 5 --platform L7 --timestamp 2000-01-01
expect 0 image store olinda "$scene" generic -l 5 --platform L7 --timestamp 2001-01-01 --tile other
expect 0 "${painting[@]}" --to "$to/f.tif"
same "$(cmp "$to/e.tif" "$to/f.tif" 2>&1)" '' 'a picture from one node'
unset STIP_EMBEDDED
rm "$to/e.tif" "$to/f.tif"

# Wrong usage, and what cannot be.
expect 2 image mosaic olinda --to "$to/x.tif"
complains 'area is missing'
expect 2 image mosaic olinda --corners -34.9,-8.02 --to "$to/x.tif"
complains 'one corner'
expect 2 image mosaic olinda --corners 1,2,3 4,5 --to "$to/x.tif"
expect 2 image mosaic olinda --corners 1,2 4,5
complains '\-\-to'
expect 2 image mosaic olinda --corners 1,2 4,5 --to "$to/x.jpg"
expect 2 image mosaic olinda --corners 1,2 4,5 --to "$to/x.tif" --pick best
expect 2 image mosaic olinda --corners 1,2 4,5 --to "$to/x.tif" --res 0
expect 2 image mosaic olinda --corners 1,2 4,5 --bbox 1,2,3,4 --to "$to/x.tif"
expect 2 image mosaic olinda --corners 1,2 4,5 --bands 1 --expression ndvi --to "$to/x.tif"
expect 2 image mosaic olinda --corners -34.9,-8.02 -34.85,-7.97 --crs EPSG:1 --to "$to/x.tif"
expect 1 image mosaic olinda --corners 1,2 4,5 --to "$to/x.tif"
complains 'no image matches'
expect 1 image mosaic olinda --corners -34.9,-8.02 -34.85,-7.97 --bands 9 --to "$to/x.tif"
complains '9'
expect 1 image mosaic olinda --corners -34.9,-8.02 -34.85,-7.97 --limit-pixels 1000 --to "$to/x.tif"
complains 'limit-pixels'
expect 1 image mosaic olinda --corners -34.9,-8.02 -34.85,-7.97 --to "$to/none/x.tif"
expect 1 image mosaic nowhere --corners -34.9,-8.02 -34.85,-7.97 --to "$to/x.tif"

# Begins a picture that takes long; $painter is its process.
paint_long() {
  "$bin/stip" image mosaic olinda --corners -34.92,-8.05 -34.82,-7.94 --res 0.4 --to "$to/d.tif" >/dev/null 2>"$scratch/err" &
  painter=$!
  pids+=("$painter")
  for _ in $(seq 100); do
    grep -q '^picture of' "$scratch/err" && break
    sleep 0.1
  done
}
fails() {
  local status=0
  wait "$painter" || status=$?
  same "$((status != 0))" 1 "$1"
}

# A file that can grow no more, Ctrl-C, and a node that dies.
status=0
(
  trap '' XFSZ
  ulimit -f 20
  exec "$bin/stip" image mosaic olinda --corners -34.92,-8.05 -34.82,-7.94 --to "$to/d.tif"
) >/dev/null 2>"$scratch/err" || status=$?
same "$status" 1 'status of a picture that finds no room'
complains 'd.tif: File too large'
paint_long
kill -INT "$painter"
fails 'a picture that was interrupted'
complains 'stopped'
# All chips may have come before the node dies, or none may be its own: the picture is whole then.
paint_long
kill -KILL "${pids[1]}"
wait "${pids[1]}" 2>/dev/null || true
status=0
wait "$painter" || status=$?
if [ "$status" = 0 ]; then
  same "$(head -c 2 "$to/d.tif")" II 'the picture that was finished in spite of it'
  rm -f "$to/d.tif"
fi
same "$(find "$to" -mindepth 1 -printf '%f\n' | sort | tr '\n' ' ')" 'a.tif b.tif c.tif ' 'files that are left'

finish
