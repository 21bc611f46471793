#!/usr/bin/env bash
# Holds the tree to the include rule (docs/architecture.md, "The layers"):
#
#   apps -> actors -> libstip, never the other way; in libstip a layer includes
#   only itself and the layers before it; each library has its room.
#
#   includes.sh [TREE]        check a tree (default: this one); a line per violation
#   includes.sh --self-test   check that each kind of violation is found
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/support.sh"

layers='core geo raster format catalog store ring cluster analysis train'

# Prints a line FILE:LINE: REASON for every violation under the current folder.
violations() {
  local tops=()
  for top in libstip actors apps tests; do
    [ -d "$top" ] && tops+=("$top")
  done
  [ "${#tops[@]}" -gt 0 ] || return 0
  # shellcheck disable=SC2016  # the $ are awk's
  find "${tops[@]}" -type f \( -name '*.hpp' -o -name '*.h' -o -name '*.cpp' -o -name '*.cc' \) -print0 |
    sort -z | xargs -0 -r awk -v layers="$layers" '
    BEGIN {
      count = split(layers, names, " ")
      for (i = 1; i <= count; i++) rank[names[i]] = i
    }
    function report(reason) { printf "%s:%d: %s: <%s>\n", FILENAME, FNR, reason, name }
    FNR == 1 {
      depth = split(FILENAME, place, "/")
      top = place[1]
      layer = (top == "libstip" && depth > 2) ? place[2] : ""
      header = FILENAME ~ /\.(hpp|h)$/
      if (layer != "" && !(layer in rank)) {
        printf "%s: a layer that the order does not name: %s\n", FILENAME, layer
      }
    }
    /^[ \t]*#[ \t]*include[ \t]*[<"]/ {
      match($0, /[<"][^>"]*[>"]/)
      quoted = substr($0, RSTART, 1) == "\""
      name = substr($0, RSTART + 1, RLENGTH - 2)
      parts = split(name, part, "/")
      target = part[1]
      ours = target ~ /^(libstip|actors|apps|tests)$/

      if (name ~ /(^|\/)\.\.?\//) report("a relative path; an include names the layer")
      else if (quoted && !ours && !(top == "tests" && parts == 1)) report("quoted but not ours; an include of ours names the layer")
      else if (!quoted && ours) report("ours but not quoted")

      if (ours && top == "libstip" && target != "libstip") report("libstip includes what stands above it")
      if (ours && top == "actors" && target != "libstip" && target != "actors")
        report("actors includes what stands above it")
      if (top == "apps" && target == "tests") report("apps includes tests")

      if (top == "libstip" && target == "libstip") {
        if (!(part[2] in rank)) report("a layer that the order does not name")
        else if (layer in rank && rank[part[2]] > rank[layer]) report("layer " layer " includes the later layer " part[2])
      }

      if (target == "caf" && top == "libstip") report("CAF in libstip")
      if (name == "caf/all.hpp" && header) report("caf/all.hpp in a header (it costs every includer seconds)")
      if (name ~ /^(gdal|ogr|cpl)[^\/]*\.h(pp)?$/ || target == "gdal") {
        if (top != "tests" && !(layer == "geo" || layer == "raster" || layer == "format"))
          report("GDAL outside geo, raster and format")
      }
      if (name ~ /^lmdb/ && top != "tests" && layer != "store") report("LMDB outside store")
      if (target ~ /^opencv/ && top != "tests" && layer != "analysis") report("OpenCV outside analysis")
    }'
}

in_order='the tree keeps the include rule'

try_violations() {
  # FILE, the line in it, and what the report must say ("" for nothing).
  of() {
    rm -rf "$scratch/tree"
    mkdir -p "$scratch/tree/$(dirname "$1")"
    printf '#pragma once\n%s\n' "$2" >"$scratch/tree/$1"
    expect "${3:+$1:2: $3}" "$1 with $2"
  }

  # What must be found.
  of libstip/core/a.hpp '#include "libstip/geo/b.hpp"' 'layer core includes the later layer geo'
  of libstip/ring/a.cpp '#include "libstip/cluster/b.hpp"' 'layer ring includes the later layer cluster'
  of libstip/store/a.cpp '#include "libstip/train/b.hpp"' 'layer store includes the later layer train'
  of libstip/store/a.cpp '#include "libstip/nowhere/b.hpp"' 'a layer that the order does not name'
  of libstip/store/a.cpp '#include "actors/b.hpp"' 'libstip includes what stands above it'
  of libstip/store/a.cpp '#include "apps/b.hpp"' 'libstip includes what stands above it'
  of libstip/store/a.cpp '#include "tests/b.hpp"' 'libstip includes what stands above it'
  of libstip/core/a.cpp '#include <caf/error.hpp>' 'CAF in libstip'
  of libstip/core/a.cpp '  #  include  <caf/error.hpp>' 'CAF in libstip'
  of libstip/core/a.cpp '#include "caf/error.hpp"' 'CAF in libstip'
  of libstip/core/a.cpp '#include "error.hpp"' 'quoted but not ours'
  of tests/libstip/geo/a.cpp '#include "core/error.hpp"' 'quoted but not ours'
  of libstip/core/a.cpp '#include "../geo/b.hpp"' 'a relative path'
  of libstip/core/a.cpp '#include "./b.hpp"' 'a relative path'
  of libstip/core/a.cpp '#include <libstip/core/b.hpp>' 'ours but not quoted'
  of libstip/store/a.cpp '#include <gdal_priv.h>' 'GDAL outside geo, raster and format'
  of libstip/catalog/a.hpp '#include <ogr_spatialref.h>' 'GDAL outside geo, raster and format'
  of actors/a.cpp '#include <cpl_conv.h>' 'GDAL outside geo, raster and format'
  of apps/stip/a.cpp '#include <gdal.h>' 'GDAL outside geo, raster and format'
  of apps/stip/a.cpp '#include <gdal/gdal.h>' 'GDAL outside geo, raster and format'
  of libstip/catalog/a.cpp '#include <lmdb.h>' 'LMDB outside store'
  of actors/a.cpp '#include <lmdb.h>' 'LMDB outside store'
  of libstip/raster/a.cpp '#include <opencv2/core.hpp>' 'OpenCV outside analysis'
  of apps/stip/a.cpp '#include <opencv2/core.hpp>' 'OpenCV outside analysis'
  of actors/a.cpp '#include "apps/stip/b.hpp"' 'actors includes what stands above it'
  of actors/a.cpp '#include "tests/support/b.hpp"' 'actors includes what stands above it'
  of apps/stip/a.cpp '#include "tests/support/b.hpp"' 'apps includes tests'
  of actors/a.hpp '#include <caf/all.hpp>' 'caf/all.hpp in a header'
  of apps/stip/a.hpp '#include <caf/all.hpp>' 'caf/all.hpp in a header'
  of tests/support/a.hpp '#include <caf/all.hpp>' 'caf/all.hpp in a header'

  # What must not be found.
  of libstip/geo/a.cpp '#include <gdal_priv.h>' ''
  of libstip/format/a.cpp '#include "libstip/raster/b.hpp"' ''
  of libstip/store/a.cpp '#include <lmdb.h>' ''
  of libstip/analysis/a.cpp '#include <opencv2/core.hpp>' ''
  of actors/a.cpp '#include <caf/all.hpp>' ''
  of actors/a.hpp '#include "libstip/train/b.hpp"' ''
  of apps/stip/a.cpp '#include "actors/protocol.hpp"' ''
  of tests/libstip/store/a.cpp '#include <lmdb.h>' ''
  of tests/libstip/geo/a.cpp '#include "helper_beside_it.hpp"' ''
  of tests/actors/a.cpp '#include "tests/support/b.hpp"' ''
  of libstip/core/a.cpp '// #include <caf/error.hpp>' ''

  # A folder of libstip that the order does not know is no way around it.
  rm -rf "$scratch/tree"
  mkdir -p "$scratch/tree/libstip/util"
  printf '#pragma once\n' >"$scratch/tree/libstip/util/a.hpp"
  expect 'libstip/util/a.hpp: a layer that the order does not name'
}

run_check "$@"
