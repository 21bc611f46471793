#!/usr/bin/env bash
# Holds the tree to what a compiler does not see: scripts that shellcheck accepts
# and that have their run bit, one list of packages, no path of one machine, and
# headers that guard themselves.
#
#   scripts.sh [TREE]        check a tree (default: this one); a line per violation
#   scripts.sh --self-test   check that each kind of violation is found
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/support.sh"

# Every script under the current folder, by its place.
scripts() {
  local places=()
  for place in sbin .ci tests; do
    [ -d "$place" ] && places+=("$place")
  done
  [ "${#places[@]}" -gt 0 ] || return 0
  find "${places[@]}" -type f ! -name '*.txt' ! -name '*.md' ! -name '.*' \
    \( -path 'sbin/*' -o -path '.ci/*' -o -name '*.sh' \) | sort
}

headers() {
  find . \( -name .git -o -name build -o -name .cache \) -prune -o -type f \( -name '*.hpp' -o -name '*.h' \) -print | sort
}

violations() {
  local file line
  while read -r file; do
    [ -x "$file" ] || printf '%s: has no run bit: chmod +x it\n' "$file"
    line=
    IFS= read -r line <"$file" || true
    case "$line" in
      '#!/usr/bin/env '*) ;;
      *) printf '%s: its first line is not #!/usr/bin/env ...\n' "$file" ;;
    esac
    case "$line" in
      *bash) grep -qx 'set -euo pipefail' "$file" || printf '%s: does not set -euo pipefail\n' "$file" ;;
    esac
  done < <(scripts)

  while read -r file; do
    # Highway includes an -inl.hpp once for each target; its guard turns with HWY_TARGET_TOGGLE.
    guard='^#pragma once'
    case "$file" in *-inl.hpp) guard='defined(HWY_TARGET_TOGGLE)' ;; esac
    grep -q "$guard" "$file" || printf '%s: has no #pragma once\n' "${file#./}"
  done < <(headers)

  # Folders of one machine or person; docs use /data and /srv in their examples.
  { grep -rnIE --exclude-dir=.git --exclude=.git --exclude-dir=build --exclude-dir=.cache \
    '(^|[^[:alnum:]_.~-])/(work|farm|root|home|Users)/[[:alnum:]_]' . || true; } |
    sed -E 's|^\./([^:]*:[0-9]*):.*|\1: a path of one machine|'

  if command -v shellcheck >/dev/null; then
    scripts | while read -r file; do
      case "$(head -n 1 "$file")" in
        *bash | */sh) shellcheck -f gcc "$file" || true ;;
      esac
    done
  fi
}

in_order='the scripts are in order'
command -v shellcheck >/dev/null || in_order="$in_order; skipped: shellcheck is not installed"

try_violations() {
  fresh() {
    rm -rf "$scratch/tree"
    mkdir -p "$scratch/tree/sbin" "$scratch/tree/.ci" "$scratch/tree/libstip"
    printf '#!/usr/bin/env bash\nset -euo pipefail\necho fine\n' >"$scratch/tree/sbin/good"
    cp "$scratch/tree/sbin/good" "$scratch/tree/.ci/run"
    chmod +x "$scratch/tree/sbin/good" "$scratch/tree/.ci/run"
    printf '#pragma once\n' >"$scratch/tree/libstip/good.hpp"
    printf 'git # the checkout\n' >"$scratch/tree/sbin/packages.txt"
  }

  fresh
  expect ''
  chmod -x "$scratch/tree/.ci/run"
  expect '.ci/run: has no run bit'
  fresh
  printf '#!/bin/bash\nset -euo pipefail\n' >"$scratch/tree/sbin/good"
  expect 'sbin/good: its first line'
  fresh
  printf '#!/usr/bin/env bash\necho fine\n' >"$scratch/tree/sbin/good"
  expect 'sbin/good: does not set'
  fresh
  printf '#ifndef A\n#define A\n#endif\n' >"$scratch/tree/libstip/bad.hpp"
  expect 'libstip/bad.hpp: has no #pragma once'
  fresh
  printf '#if defined(A) == defined(HWY_TARGET_TOGGLE)\n#endif\n' >"$scratch/tree/libstip/good-inl.hpp"
  expect ''
  fresh
  printf '#ifndef A\n#define A\n#endif\n' >"$scratch/tree/libstip/bad-inl.hpp"
  expect 'libstip/bad-inl.hpp: has no #pragma once'
  fresh
  printf 'a file: "/%s/main/x"\n' work >"$scratch/tree/libstip/notes.md"
  expect 'libstip/notes.md:1: a path of one machine'
  fresh
  printf 'see https://example.org/%s/x and a/%s/b\n' work home >"$scratch/tree/libstip/notes.md"
  expect ''
  if command -v shellcheck >/dev/null; then
    fresh
    # shellcheck disable=SC2016  # written as it stands
    printf '#!/usr/bin/env bash\nset -euo pipefail\nrm -f $1\n' >"$scratch/tree/sbin/good"
    expect 'sbin/good:3:'
  fi
}

run_check "$@"
