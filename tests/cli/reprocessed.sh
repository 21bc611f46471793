#!/usr/bin/env bash
# A product that was processed anew takes the place of the older one, on every node, and an older one that comes later is
# refused with its reason.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/support.sh"

data=${STIP_SHARED_DATA:-}
[ -d "$data/landsat" ] || skip "there are no sample files: STIP_SHARED_DATA names no directory"
old=LC08_L2SP_001070_20190114_20200830_02_T2
new=LC08_L2SP_001070_20190114_20210901_02_T2
inputs=$scratch/inputs
mkdir -p "$inputs/$old" "$inputs/$new"
for file in "$data"/landsat/LC08_L2SP_001070_20190114-C2/*; do
  name=$(basename "$file")
  cp "$file" "$inputs/$old/$name"
  case $name in
    *.xml) sed "s/$old/$new/g" "$file" >"$inputs/$new/${name/$old/$new}" ;;
    *) cp "$file" "$inputs/$new/${name/$old/$new}" ;;
  esac
done

start_cluster 3
expect 0 album create a geohash --replication 2
expect 0 --format json image store a "$inputs/$old" landsat -l 4
expect 0 --format json image list a
before=$(json count '')
same "$((before > 3))" 1 'images of the older product'
is $old /0/tile

expect 0 --format json image store a "$inputs/$new" landsat -l 4
is 1 /completed
expect 0 --format json image list a
same "$(json count '')" "$before" 'images after the newer product'
same "$(grep -o 'LC08_L2SP_[0-9_]*T2' "$scratch/out" | sort -u)" "$new" 'products that are listed'

# The older one is not taken any more; the newer one is known.
expect 1 --format json image store a "$inputs/$old" auto -l 4
is 1 /skipped
says "a newer product of the same observation is stored: $new"
expect 0 --format json image store a "$inputs/$new" auto -l 4
is 1 /completed
expect 0 --format json image list a
same "$(json count '')" "$before" 'images in the end'
same "$(grep -o 'LC08_L2SP_[0-9_]*T2' "$scratch/out" | sort -u)" "$new" 'products in the end'

# Whoever wants the older one deletes the newer one first.
expect 0 image delete a --tile "$new" --yes
expect 0 image store a "$inputs/$old" auto -l 4
expect 0 --format json image list a
is $old /0/tile
finish
