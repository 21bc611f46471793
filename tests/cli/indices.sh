#!/usr/bin/env bash
# Indices and filters by command: numbers of real images, derived images, what is refused and why.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/support.sh"

data=${STIP_SHARED_DATA:-}
[ -d "$data/landsat" ] || skip "there are no sample files: STIP_SHARED_DATA names no directory"
landsat=$data/landsat/LC08_L2SP_001070_20190114-C2
safe=$(echo "$data"/sentinel2/T22HBD-L2A-tiny/*.SAFE)
quad=$data/naip/m_3211605_ne_11_060_20200415.tif

start_cluster 2
expect 0 album create a geohash --replication 1
for input in "$landsat" "$safe" "$quad"; do
  expect 0 image store a "$input" auto -l 4
done

# --- numbers ---------------------------------------------------------------

expect 0 --format json image list a -p 'Landsat*'
images=$(json count '')
expect 0 --format json image index a ndvi -p 'Landsat*'
same "$(json count '')" "$images" 'images with numbers'
is_json members /0 key,count,mean,standard_deviation,min,max,p5,p25,p50,p75,p95,pixels,clouds,album,index
is qa /0/clouds
is ndvi /0/index
same "$(python3 - "$scratch/out" <<'PYTHON'
import json, sys
rows = json.load(open(sys.argv[1]))
ordered = ["min", "p5", "p25", "p50", "p75", "p95", "max"]
print(all(
    row["count"] <= row["pixels"] and
    (row["count"] == 0) == (row["mean"] is None) and
    (row["count"] == 0 or [row[k] for k in ordered] == sorted(row[k] for k in ordered))
    for row in rows))
PYTHON
)" True 'percentiles in order'
expect 0 --format json -p "${ports[1]}" image index a '(nir - red) / (nir + red)' -p 'Landsat*'
same "$(json count '')" "$images" 'images on another node'
expect 0 --format csv image index a ndvi -p 'Landsat*' --keep-clouds
says '^key,count,mean,standard_deviation,min,p5,p25,p50,p75,p95,max,pixels,clouds,album,index$'
says ',kept,a,'
expect 0 image index a evi -p 'Sentinel-2*'
says '^KEY +PIXELS +MEAN +STD +MIN +P25 +P50 +P75 +MAX +CLOUDS$'
expect 0 image index a ndvi -p NAIP
says ' unknown$'
# Nothing matches: no numbers, and no failure.
expect 0 --format json image index a ndvi -p Nobody
same "$(json count '')" 0 'numbers of no image'
# What no image has is told once, with the bands that there are.
expect 1 image index a 'nir - B77' -p 'Landsat*'
complains "no band B77; it has SR_B2, .* \\($images images\\)$"
expect 1 image index a evi -p NAIP
complains 'no reflectances'
# Some images have it: the others are told, and it is no failure.
expect 0 image index a 'B8A / B04'
complains 'no band B8A'
expect 1 image index nothing ndvi

# --- derived images --------------------------------------------------------

expect 0 --format json image index a ndvi --store -p 'Landsat*'
is 'done' /state
is index /kind
is "$images" /completed
expect 0 --format json image list a -s ndvi
key=$(json get /0/key)
expect 0 --format json image show a "$key"
is '(nir - red) / (nir + red)' /properties/expression
is 'SR_B5, SR_B4' /properties/expression_bands
is qa /properties/clouds
is float32 /subdatasets/0/dtype
expect 0 image index a 'where(B08 > 0.3, 1, 0)' --store --type int16 --name bright --keep-clouds -p 'Sentinel-2*'
expect 0 --format json image list a -s bright
is int16 /0/subdatasets/0/dtype
expect 0 image index a 'B03 - B02' --store -p 'Sentinel-2*'
expect 0 --format csv image list a -s 'index-*'
expect 0 image filter a blur --radius 5
expect 0 image filter a grayscale -p NAIP
expect 0 --format json image list a -s blur-r5
same "$(($(json count '') >= images))" 1 'filtered images'
expect 0 --format json image list a -s grayscale
is gray /0/subdatasets/0/bands/0
is uint8 /0/subdatasets/0/dtype
# Images that are derived are inputs by name alone.
expect 0 --format json image filter a edges -s ndvi
expect 0 --format json image list a -s ndvi-edges
same "$(($(json count '') > 0))" 1 'edges of an index'
expect 0 image show a "$key" --png "$scratch/ndvi.png"
same "$([ -s "$scratch/ndvi.png" ] && echo made)" made 'a picture of an index'

finish
