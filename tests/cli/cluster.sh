#!/usr/bin/env bash
# Every command against three nodes, with a real scene.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/support.sh"

scene=$(real_scene)
[ -n "$scene" ] || skip "there is no real scene; sbin/fetch-scene brings it"
start_cluster 3

# --- nodes -----------------------------------------------------------------

expect 0 node list
says '^ID +ADDRESS +STATE +SHARE +IMAGES +BYTES +LOAD +VERSION +IMAGE SHARE$'
expect 0 --format json node list
is_json members /0 id,address,state,share,images,bytes,load,version,incarnation,image_share
same "$(json count '')" 3 'number of nodes'
is up /2/state
id=$(json get /0/id)
expect 0 --format json node show "$id"
is "$id" /id
expect 0 node show "${id:0:8}"
says "^ID +$id$"
expect 1 node show 0123456789abcdef
complains 'no node has this id'
expect 2 node show ''
expect 0 --format csv node list
says '^id,address,state,share,images,bytes,load,version,image_share,down_seconds,removed_in_seconds$'
expect 0 -q node list
same "$(wc -l <"$scratch/out")" 3 'lines without a header'

# --- albums ----------------------------------------------------------------

expect 0 --format json album create olinda geohash --replication 1
is_json members '' id,algorithm,key_length,replication,replica_placement,state
is geohash /algorithm
expect 1 album create olinda geohash
complains 'olinda'
expect 0 album create tiles quadtile -d -2
expect 0 -p "${ports[2]}" --format json album list
same "$(json count '')" 2 'number of albums on another node'
is olinda /0/id
is -2 /1/key_length
expect 1 album show nothing
complains 'nothing'
expect 0 album close tiles
says '^STATE +closed$'
expect 1 image list tiles
complains 'closed.*open'
expect 0 album open tiles
expect 0 image list tiles
expect 2 album delete tiles
complains '--yes'
expect 0 album delete tiles --yes
expect 1 album show tiles

# --- store -----------------------------------------------------------------

store=(image store olinda "$scene" generic -l 5 --platform Landsat7 --timestamp 2000-01-01)
expect 2 image store olinda "$scene" generic -l 13 --platform a --timestamp 2000
expect 1 image store nothing "$scene" generic -l 5
complains 'nothing'
expect 0 "${store[@]}"
same "$(head -n 1 "$scratch/out" | grep -cE '^task [A-Za-z0-9._-]+$')" 1 'the id in the first line'
says '^done: 1 of 1 input '
expect 0 --format json "${store[@]}" -d again
is_json members '' id,kind,album,state,completed,skipped,total,started,ended,errors
is again /id
is store /kind
is olinda /album
is 'done' /state
is 1 /completed
is 0 /skipped
is 1 /total
same "$(json get /ended | grep -cE '^20[0-9-]+T[0-9:]+Z$')" 1 'a time in ISO 8601'
expect 0 --format json "${store[@]}" --detach -d detached
is detached /id
expect 0 task wait detached
says '^done: '
expect 0 -p "${ports[1]}" --format json "${store[@]}" --all-nodes
is 'done' /state
is 3 /completed

# --- find ------------------------------------------------------------------

expect 0 --format json image list olinda
is_json members /0 album,key,platform,geocode,source,tile,timestamp,cloud_coverage,pixel_coverage,properties,subdatasets,nodes
is_json members /0/subdatasets/0 id,bands,dtype,width,height,pixel_coverage,bytes
is 2000-01-01T00:00:00Z /0/timestamp
is null /0/cloud_coverage
is raw /0/source
is uint8 /0/subdatasets/0/dtype
count=$(json count '')
same "$((count > 1))" 1 'several images'
first=$(json get /0/key)
last=$(json get "/$((count - 1))/key")
geocode=$(json get /0/geocode)
node=$(json get /0/nodes/0)
cp "$scratch/out" "$scratch/all"
for port in "${ports[@]}"; do
  expect 0 -p "$port" --format json image list olinda
  same "$(cmp "$scratch/all" "$scratch/out" 2>&1)" '' 'the answer of another node'
done
expect 0 -q --format csv image list olinda
same "$(wc -l <"$scratch/out")" "$count" 'rows of CSV'
cut -d , -f 1 "$scratch/out" >"$scratch/keys"

# One image at a time gives the same as all at once, in every order.
for order in timestamp geocode platform source tile key pixel_coverage cloud_coverage; do
  expect 0 -q --format csv image list olinda --sort "$order"
  cut -d , -f 1 "$scratch/out" >"$scratch/wanted"
  : >"$scratch/paged"
  after=()
  for ((i = 0; i < count; i++)); do
    expect 0 -q --format csv image list olinda --sort "$order" --limit 1 "${after[@]}"
    key=$(cut -d , -f 1 "$scratch/out")
    printf '%s\n' "$key" >>"$scratch/paged"
    after=(--after "$key")
  done
  same "$(cmp "$scratch/wanted" "$scratch/paged" 2>&1)" '' "pages by $order"
  expect 0 -q --format csv image list olinda --sort "$order" "${after[@]}"
  same "$(cat "$scratch/out")" '' "after the last by $order"
done

filtered() {
  local wanted=$1
  shift
  expect 0 -q --format csv image list olinda "$@"
  same "$(wc -l <"$scratch/out")" "$wanted" "rows of $*"
}
filtered "$count" -p 'Land*' -s raw --tile L7_ETMs
filtered 0 -p Land
filtered 0 -s merged
filtered 1 -g "$geocode"
filtered 0 -g "${geocode:0:4}"
filtered "$(grep -cE "^[^/]+/${geocode:0:4}" "$scratch/keys")" -g "${geocode:0:4}" -r
filtered "$count" -a 2000-01-01 -e 946684800
filtered 0 -a 2000-01-02
filtered 0 -e 1999-12-31
filtered 0 -c 1
filtered 0 --bbox 10,10,20,20
filtered "$count" --bbox -40,-10,-30,-5
filtered "$count" --bbox 170,-10,-30,-5
expect 2 image list olinda -g A
complains 'A'
expect 1 image list nothing
expect 0 --format json image search olinda
is_json members /0 geocode,count,platform,precision,source
expect 0 --format json image search olinda -g "${geocode:0:3}" -r
is "${geocode:0:4}" /0/geocode
# A reader that has enough ends it quietly.
same "$("$bin/stip" image list olinda 2>"$scratch/err" | head -n 1 | cut -d ' ' -f 1)$(cat "$scratch/err")" KEY 'head of a list'
if [ -w /dev/full ]; then
  status=0
  "$bin/stip" image list olinda >/dev/full 2>"$scratch/err" || status=$?
  same "$status" 1 'status with a full disk'
fi

expect 0 node locate "$geocode" --album olinda
says "^owner +$node "
expect 0 --format json node locate "$geocode" --album olinda
is owner /nodes/0/role
is "$node" /nodes/0/id
expect 0 node locate "$geocode"
expect 2 node locate A --album olinda
expect 1 node locate "$geocode" --album nothing

# --- show, export ----------------------------------------------------------

expect 0 image show olinda "$first" --png "$scratch/first.png"
says '^KEY '
same "$(head -c 4 "$scratch/first.png" | tail -c 3)" PNG 'magic of the picture'
expect 0 --format json image show olinda "$first"
is "$first" /key
is "$scene" /scene/input
same "$(json get /footprint | head -c 16)" 'MULTIPOLYGON (((' 'what the image holds data of'
expect 1 image show olinda Landsat7/7/raw/x/20000101T000000Z
complains 'no such image'
expect 0 --format json image export olinda --to "$scratch/cog"
is "$count" /files
is 0 /failed
same "$(find "$scratch/cog" -name '*.tif' -size +0 | wc -l)" "$count" 'files of the export'
same "$(find "$scratch/cog" -type f ! -name '*.tif' | wc -l)" 0 'files left behind'
tif=$scratch/cog/${first//\//\~}~0.tif
same "$([ -s "$tif" ] && echo there)" there "$tif"
expect 0 image export olinda --to "$scratch/cog"
expect 0 image export olinda -g "$geocode" --to "$scratch/npy" --as npy
says '^exported 1 chips of 1 images'
same "$(head -c 6 "$scratch/npy/"*.npy | tail -c 5)" NUMPY 'magic of the array'
expect 1 image export olinda -p None --to "$scratch/none"
# The exported chip is a scene again.
expect 0 --format json image probe "$tif" -l 5
is Landsat7 /0/platform
is 2000-01-01T00:00:00Z /0/timestamp

# --- tasks -----------------------------------------------------------------

expect 0 --format json task list
same "$(json count '')" 4 'number of tasks'
is_json members /0 id,kind,album,state,completed,skipped,total,started,ended,errors
expect 0 -p "${ports[1]}" task show again
says '^STATE +done$'
expect 1 task show nothing
complains 'nothing'
expect 1 task wait nothing
expect 1 task stop nothing
expect 0 --format json task clear
same "$(($(json get /cleared) >= 4))" 1 'cleared tasks'
expect 0 --format json task list
same "$(json count '')" 0 'tasks after the clearing'

# --- shell -----------------------------------------------------------------

printf '# all\nalbum list\n\n--format json image list "olinda" --limit 1\nexit\nnode list\n' >"$scratch/lines"
checks=$((checks + 1))
last='shell'
"$bin/stip" shell <"$scratch/lines" >"$scratch/out" 2>"$scratch/err" || complaint 'the shell failed'
says '^olinda +geohash'
says '"key"'
same "$(grep -c ADDRESS "$scratch/out")" 0 'commands after exit'
status=0
printf 'album list\nalbum lists\n' | "$bin/stip" shell >"$scratch/out" 2>"$scratch/err" || status=$?
same "$status" 2 'status of the last command'
status=0
printf 'watch node list\n' | "$bin/stip" shell >"$scratch/out" 2>"$scratch/err" || status=$?
same "$status" 1 'status of watch'
complains 'terminal'
status=0
printf 'help image list\nhelp\nwatch\n' | "$bin/stip" shell >"$scratch/out" 2>"$scratch/err" || status=$?
same "$status" 2 'status of watch without a command'
says '^stip image list ALBUM'
says '^  watch \[-n SECONDS\]'

# --- delete, and a node that stops -------------------------------------------

expect 2 image delete olinda -g "$geocode"
complains '--yes'
expect 0 --format json image delete olinda -g "$geocode" --yes
is 1 /deleted
filtered "$((count - 1))"
expect 1 image show olinda "$first"
expect 0 "${store[@]}"
filtered "$count"

expect 0 --format json node list
for i in 0 1 2; do
  case "$(json get "/$i/address")" in
    *":${ports[2]}") third=$(json get "/$i/id") ;;
  esac
done
# With two copies of each chip, one node may go.
expect 0 --format json album create twice geohash
is 2 /replication
expect 0 image store twice "$scene" generic -l 5 --platform Landsat7 --timestamp 2000-01-01
expect 0 --format json image list twice
same "$(json count /0/nodes)" 2 'number of nodes with a copy'
copies=$(json count '')
expect 0 --format json node repair
is 0 /kept
expect 0 node repair "$third"
says '^STILL TO MOVE +0$'
expect 1 node repair ffff

# --- split, merge ------------------------------------------------------------

expect 2 image split twice
complains 'PRECISION'
expect 2 image split twice -l 13
expect 2 image split twice -l 6 -b 'a!'
expect 1 image split nobody -l 6
expect 0 --format json image split twice -l 6 -s raw -d pieces
is split /kind
is 'done' /state
is "$copies" /completed
is 0 /skipped
expect 0 --format json image list twice -s split
pieces=$(json count '')
same "$((pieces > copies))" 1 'more pieces than images'
expect 0 -p "${ports[1]}" --format json image merge twice -l 5 -s split
is "$copies" /completed
expect 0 --format json image list twice -s merged
same "$(json count '')" "$copies" 'merged images'
expect 0 --format json image split twice -l 6 -s raw
is "$copies" /completed
expect 0 --format json image list twice -s split
same "$(json count '')" "$pieces" 'pieces after the same split again'
expect 1 image split twice -l 4 -s raw
expect 0 image delete twice -s split --yes
expect 0 image delete twice -s merged --yes

expect 0 node stop "${third:?}"
for _ in $(seq 100); do
  alive "${pids[2]}" || break
  sleep 0.1
done
same "$(alive "${pids[2]}" && echo alive)" '' 'the process of the node that was stopped'
expect 4 image list olinda
complains "$third|${ports[2]}"
says "$(cut -d / -f 1 <<<"$last")|^KEY"
expect 4 --format json image search olinda
is_json
expect 0 --format json image list twice
same "$(json count '')" "$copies" 'number of images with a node away'
expect 3 -p "${ports[2]}" node list

finish
