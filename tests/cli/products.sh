#!/usr/bin/env bash
# Products of many files are one input each: folders, zips and tars of real files, stored by a node, found, shown and
# exported.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/support.sh"

data=${STIP_SHARED_DATA:-}
[ -d "$data/sentinel2" ] || skip "there are no sample files: STIP_SHARED_DATA names no directory"
safe=$(echo "$data"/sentinel2/T22HBD-L2A-tiny/*.SAFE)
landsat=$data/landsat/LC08_L2SP_001070_20190114-C2
tile=S2B_MSIL2A_20210122T133229_N0214_R081_T22HBD_20210122T155500
product=LC08_L2SP_001070_20190114_20200830_02_T2
quad=m_3211605_ne_11_060_20200415
inputs=$scratch/inputs
mkdir "$inputs"
(cd "$(dirname "$safe")" && zip -qr "$inputs/safe.zip" "$(basename "$safe")")
zip -qj "$inputs/naip.zip" "$data/naip/$quad.tif"
tar -cf "$inputs/landsat.tar" -C "$landsat" .
tar -czf "$inputs/landsat.tar.gz" -C "$(dirname "$landsat")" "$(basename "$landsat")"

# Without a node.
expect 0 --format json image probe "$safe" "$inputs"/* "$safe/MTD_MSIL2A.xml" "$landsat/${product}_MTL.xml" -l 4
same "$(json count '')" 7 'scenes that can be opened'
is sentinel2 /0/format
is Sentinel-2-L2A /0/platform
is $tile /0/tile
is 2021-01-22T13:42:49Z /0/timestamp
same "$(ls "$inputs")" "$(printf '%s\n' landsat.tar landsat.tar.gz naip.zip safe.zip)" 'files beside the inputs'

expect 0 --format json image probe "/vsizip/$inputs/naip.zip/$quad.tif"
is $quad /0/tile

start_cluster 1
expect 0 album create a geohash
# store GLOB: a load of one input that must end well; what it made.
store() {
  expect 0 --format json image store a "$1" auto -l 4
  is 'done' /state
  is 1 /completed
  is 0 /skipped
}
store "$safe"
expect 0 --format json image list a -p 'Sentinel-2*'
images=$(json count '')
same "$((images > 3))" 1 'images of Sentinel-2'
is $tile /0/tile
# The same product in a zip and by its metadata is the same scene: nothing new.
store "$inputs/safe.zip"
store "$safe/MTD_MSIL2A.xml"
expect 0 --format json image list a -p Sentinel-2-L2A
same "$(json count '')" "$images" 'images after storing it again'
for input in "$landsat" "$inputs/landsat.tar" "$inputs/landsat.tar.gz"; do
  store "$input"
done
store "$inputs/naip.zip"
expect 0 --format json image list a -p Landsat8C2L2
same "$(($(json count '') > 3))" 1 'images of Landsat'
is $product /0/tile
expect 0 --format json image list a -p NAIP
is $quad /0/tile

# A folder of 19 scenes: each is a product of its own.
expect 0 --format json image store a "$data/landsat/L8NY18/*" auto -l 4
is 19 /completed
expect 0 --format json image search a -p Landsat8C1L1
is Landsat8C1L1 /0/platform

# What is known of a scene comes with its images.
expect 0 --format json image list a -p Sentinel-2-L2A --limit 1
key=$(json get /0/key)
expect 0 --format json image show a "$key"
says '"series": *"S2B L2A T22HBD 20210122T133229Z S20210122T133224"'
says '"rank": *"02.14 20210122T155500Z"'
is blue /scene/subdatasets/0/band_details/0/properties/common_name
says '"B8A"'
expect 0 image show a "$key"
says "$tile"

mkdir "$scratch/out-files"
expect 0 image export a --to "$scratch/out-files" -p Landsat8C2L2 --as cog
same "$(($(find "$scratch/out-files" -name '*.tif' | wc -l) > 3))" 1 'exported files'
finish
