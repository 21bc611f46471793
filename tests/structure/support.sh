#!/usr/bin/env bash
# What the checks of the tree share. Sourced by a check, which has
#
#   violations       prints a line for every violation under the current folder
#   in_order         what to say when there is none
#   try_violations   makes trees at $scratch/tree, and expects what the check says of them
#
# and ends with
#
#   run_check WORD...      [TREE], or --self-test
#
# For try_violations:
#
#   expect TEXT [TREE]     the check of $scratch/tree must say TEXT ("": find nothing); the
#                          second word tells people which tree it was
set -euo pipefail

name=$(basename "$0" .sh)
self=$(realpath -- "$0")
scratch=
failures=0

check_tree() {
  local found
  found=$(cd "$1" && violations)
  if [ -n "$found" ]; then
    printf '%s\n' "$found"
    printf '%s: %d violations\n' "$name" "$(wc -l <<<"$found")"
    return 1
  fi
  # shellcheck disable=SC2154  # of the check
  printf '%s: %s\n' "$name" "$in_order"
}

expect() {
  local said status=0
  said=$("$self" "$scratch/tree") || status=$?
  if [ -z "$1" ]; then
    [ "$status" -eq 0 ] && return
  elif [ "$status" -eq 1 ] && grep -qF -e "$1" <<<"$said"; then
    return
  fi
  printf 'self-test: %sexpected "%s", got:\n%s\n' "${2:+$2: }" "${1:-nothing}" "$said"
  failures=$((failures + 1))
}

run_check() {
  if [ "${1:-}" != --self-test ]; then
    check_tree "${1:-$(dirname "$self")/../..}"
    return
  fi
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  try_violations
  if [ "$failures" -gt 0 ]; then
    printf '%s: %d self-tests failed\n' "$name" "$failures"
    return 1
  fi
  printf '%s: the check finds what it should\n' "$name"
}
