#!/usr/bin/env bash
# Proves that sbin/packages.txt is complete: makes a fresh Debian 12 with nothing
# but git in a folder, runs sbin/setup and the configuration in it, and removes
# it. Needs root and the package debootstrap; takes some minutes and 3 GB, so it
# is run by hand and not by ctest.
#
#   tests/structure/fresh-debian.sh [DIR]            configures
#   tests/structure/fresh-debian.sh DIR COMMAND...   runs COMMAND in the checkout there,
#                                                    e.g. sbin/quickstart
#
# DIR is kept when it is named, and used again when it is there.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

fail() {
  printf 'fresh-debian: %s\n' "$*" >&2
  exit 1
}

[ "$(id -u)" -eq 0 ] || fail "a root folder needs root: start again with sudo"
command -v debootstrap >/dev/null || fail "debootstrap is missing: apt-get install debootstrap"
root=${1:-$(mktemp -d)}
keep=${1:+yes}
[ "$#" -gt 0 ] && shift
[ "$#" -gt 0 ] || set -- cmake --preset release

cleanup() {
  for mount in proc dev/pts dev; do
    mountpoint -q "$root/$mount" && umount "$root/$mount"
  done
  [ -n "$keep" ] || rm -rf --one-file-system "$root"
}
trap cleanup EXIT

if [ ! -x "$root/usr/bin/git" ]; then
  debootstrap --variant=minbase --include=git,ca-certificates bookworm "$root" >"$root.log" 2>&1 ||
    fail "debootstrap failed: see $root.log"
  rm -f "$root.log"
fi
for mount in dev dev/pts proc; do
  mountpoint -q "$root/$mount" || mount --bind "/$mount" "$root/$mount"
done
cp /etc/resolv.conf "$root/etc/resolv.conf"

# What the checkout has now, committed or not, but nothing that was built.
rm -rf "$root/srv/stip"
mkdir -p "$root/srv/stip"
(cd "$top" && git ls-files -z --cached --others --exclude-standard | xargs -0 -r ls -d 2>/dev/null |
  tar -c -f - -T -) | tar -x -f - -C "$root/srv/stip"

# shellcheck disable=SC2016  # expanded in there
chroot "$root" /usr/bin/env -i HOME=/root LC_ALL=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin \
  bash -c 'cd /srv/stip && sbin/setup && "$@"' bash "$@" ||
  fail "failed in a fresh Debian 12 (the reason is above): is a package missing from sbin/packages.txt?"
printf 'fresh-debian: passed in a fresh Debian 12: %s\n' "$*"
