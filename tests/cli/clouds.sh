#!/usr/bin/env bash
# Cloud coverage of a real scene: computed by a task and while storing, searched for, shown and exported.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/support.sh"

landsat=${STIP_SHARED_DATA:-}/landsat
scene=$landsat/LC08_L2SP_001070_20190114-C2
[ -d "$scene" ] || skip "there are no sample files: STIP_SHARED_DATA names no directory with Landsat"
export STIP_EMBEDDED=$scratch/node-0

expect 0 album create a quadtile
expect 2 image cloud a --method sorcery
complains 'method.*spectral'
expect 2 image cloud a --method model
complains 'needs a file'
expect 2 image cloud a "$scene" --method qa
expect 1 image cloud nobody
complains nobody

# One cell that holds the whole scene: what its MTL says (75.65) with cirrus and without the other way of counting.
expect 0 --format json image store a "$scene" auto -l 2
expect 0 --format json image list a
same "$(json count '')" 1 'images'
is null /0/cloud_coverage
key=$(json get /0/key)
expect 0 --format json image list a -c 1
same "$(json count '')" 0 'images with a known cloud coverage'
expect 0 --format json image cloud a --method qa
is 'done' /state
is 1 /completed
is cloud /kind
expect 0 --format json image show a "$key"
same "$(json get /clouds/cloud | cut -c 1-6)" 0.7569 'cloud coverage of the whole scene'
is qa /clouds/method
is quality /clouds/grid_of
is cloud /subdatasets/3/id
expect 0 image show a "$key"
says '^METHOD +qa$'
says '^CLOUD +75.7%$'
expect 0 --format json image list a -c 0.76
same "$(json count '')" 1 'images with less cloud'
expect 0 --format json image list a -c 0.75
same "$(json count '')" 0 'images with little cloud'

# While storing, in smaller cells; the mask leaves stip with its image.
expect 0 --format json image store a "$scene" auto -l 9 --cloud
is 'done' /state
expect 0 --format json image list a --limit 1000
all=$(json count '')
expect 0 --format json image list a -c 1 --limit 1000
same "$(json count '')" "$all" 'images whose coverage is known'
expect 0 --format json image list a --sort cloud_coverage --limit 1
clearest=$(json get /0/key)
expect 0 image export a -g "$(cut -d / -f 2 <<<"$clearest")" --to "$scratch/out-files" --as cog
same "$(($(find "$scratch/out-files" -name "*~cloud.tif" | wc -l) > 0))" 1 'exported masks'
# Another method takes its place; a split leaves the mask behind, as its pixels are of another cell.
expect 0 image cloud a --method spectral
expect 0 --format json image show a "$clearest"
is spectral /clouds/method
expect 0 image split a -l 10 -b "$(cut -d / -f 2 <<<"$clearest")"
expect 0 --format json image list a -s split --limit 1
is null /0/cloud_coverage
expect 0 image cloud a -s split
expect 0 --format json image list a -s split --limit 1 -c 1
same "$(json count '')" 1 'pieces whose coverage is known'

finish
