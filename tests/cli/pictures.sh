#!/usr/bin/env bash
# Pictures of images, and maps of where they are.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/support.sh"

scene=$(real_scene)
[ -n "$scene" ] || skip "there is no real scene; sbin/fetch-scene brings it"
export STIP_EMBEDDED=$scratch/d
to=$scratch/pictures
mkdir "$to"
is_png() { same "$(head -c 8 "$1" | od -An -tx1 | tr -d ' \n')" 89504e470d0a1a0a "the first bytes of $1"; }
# The width and height in a PNG's header.
size_of() { od -An -tu1 -j16 -N8 "$1" | awk '{print $1*16777216+$2*65536+$3*256+$4, $5*16777216+$6*65536+$7*256+$8}'; }

expect 0 album create olinda geohash
expect 0 image store olinda "$scene" generic -l 5 --platform L7 --timestamp 2000-01-01
expect 0 --format json image list olinda
key=$(json get /4/key)

expect 0 image show olinda "$key" --png "$to/a.png"
is_png "$to/a.png"
expect 0 image show olinda "$key" --png "$to/b.png" --bands 3 --size 40
is_png "$to/b.png"
same "$(size_of "$to/b.png" | tr ' ' '\n' | sort -n | tail -n 1)" 40 'the longer edge of a small picture'
expect 0 image show olinda "$key"
same "$(grep -c $'\033' "$scratch/out" || true)" 0 'lines with colours where nobody looks'
expect 0 image show olinda "$key" --thumbnail
says $'\033\\[0m'
TERM=xterm-kitty expect 0 image show olinda "$key" --thumbnail
says $'\033_Gf=100'
expect 1 image show olinda "$key" --png "$to/x.png" --bands 9
expect 2 image show olinda "$key" --png "$to/x.png" --bands 1,2
expect 2 image show olinda "$key" --size 0
expect 1 image show olinda "$key" --png "$to/none/x.png"

expect 0 image search olinda -g 7n -r --map "$to/m.html"
says 'the map is .*m.html'
same "$(head -c 15 "$to/m.html")" '<!DOCTYPE html>' 'the begin of a map'
same "$(grep -c '<rect ' "$to/m.html")" "$("$bin/stip" --format csv image search olinda -g 7n -r | tail -n +2 | wc -l)" 'cells of a map'
expect 0 --format json image search olinda --map "$to/m.png"
is_png "$to/m.png"
expect 2 image search olinda --map "$to/m.gif"
complains 'html nor a .png'
expect 0 image search olinda -p none --map "$to/empty.html"

expect 0 image mosaic olinda --corners -34.92,-8.04 -34.82,-7.95 --to "$to/c.png"
is_png "$to/c.png"
expect 0 image mosaic olinda --corners -34.92,-8.04 -34.82,-7.95 --bands 4 --colors viridis --stretch percentile 1,99 --to "$to/d.png"
is_png "$to/d.png"
expect 0 image mosaic olinda --corners -34.92,-8.04 -34.82,-7.95 --bands 4 --stretch 0,100 --to "$to/e.png"
expect 2 image mosaic olinda --corners -34.92,-8.04 -34.82,-7.95 --bands 4 --stretch 5,5 --to "$to/x.png"
expect 2 image mosaic olinda --corners -34.92,-8.04 -34.82,-7.95 --bands 4 --stretch percentile 5 --to "$to/x.png"
expect 2 image mosaic olinda --corners -34.92,-8.04 -34.82,-7.95 --bands 4 --colors pink --to "$to/x.png"
expect 2 image mosaic olinda --corners -34.92,-8.04 -34.82,-7.95 --bands 1,2 --to "$to/x.png"
expect 2 image mosaic olinda --corners -34.92,-8.04 -34.82,-7.95 --colors gray --to "$to/x.tif"
same "$(find "$to" -mindepth 1 -printf '%f\n' | sort | tr '\n' ' ')" 'a.png b.png c.png d.png e.png empty.html m.html m.png ' 'files'

finish
