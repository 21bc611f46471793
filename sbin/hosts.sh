#!/usr/bin/env bash
# What sbin/start-all.sh and sbin/stop-all.sh share: the rows of a hosts file, and
# how a command reaches the machine of a row. Sourced, not run.
#
#   read_command LEAST WORD...
#                         reads -h, -w (at least LEAST) and the hosts file; -h calls usage,
#                         -w sets seconds, which the caller has set before
#   read_hosts FILE       fills hosts, ports, dirs, flags (one word a line) and rows
#   at HOST WORD...       runs sbin/local-node WORD... on that machine
#   node_name I           HOST:PORT of row I, as messages have it
set -euo pipefail

sbin=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(dirname "$sbin")
bin=$(realpath -m -- "${STIP_BIN_DIR:-$top/build/release/bin}")
remote_top=${STIP_REMOTE_TOP:-$top}
# Words, split at blanks.
read -ra ssh_options <<<"${STIP_SSH_OPTIONS:-}"
program=$(basename "$0")

hosts=()
ports=()
dirs=()
flags=()
rows=0

fail() {
  printf '%s: %s\n' "$program" "$*" >&2
  exit 1
}

wrong() {
  printf '%s: %s\n' "$program" "$*" >&2
  exit 2
}

node_name() { printf '%s:%s' "${hosts[$1]}" "${ports[$1]}"; }

is_port() { [[ $1 =~ ^[1-9][0-9]{0,4}$ ]] && [ "$1" -le 65535 ]; }

own_names=
is_local() {
  case "$1" in
    127.* | localhost | ::1) return 0 ;;
  esac
  [ -n "$own_names" ] ||
    own_names=" $(uname -n) $(hostname -s 2>/dev/null || true) $(hostname -f 2>/dev/null || true) $(hostname -I 2>/dev/null || true) "
  [[ $own_names == *" $1 "* ]]
}

# For any POSIX shell at the other end.
quoted() {
  local word
  for word in "$@"; do printf "'%s' " "${word//\'/\'\\\'\'}"; done
}

at() {
  local host=$1
  shift
  if is_local "$host"; then
    STIP_BIN_DIR=$bin "$sbin/local-node" "$@"
  else
    # -n: ssh would read what this script is being fed.
    ssh -n -o BatchMode=yes -o ConnectTimeout=10 "${ssh_options[@]}" "$host" \
      "cd $(quoted "$remote_top") && ${STIP_REMOTE_BIN_DIR:+STIP_BIN_DIR=$(quoted "$STIP_REMOTE_BIN_DIR")}exec sbin/local-node $(quoted "$@")"
  fi
}

# The ports of a row are its numbers after the host: one, or the three of the earlier
# system (gossip, requests, transfer), of which the second is where stip listens.
read_row() {
  local where=$1 row=$2 words host port dir='' i token given=()
  row=$(xargs printf '%s\n' <<<"$row" 2>/dev/null) || wrong "$where: a quote does not end"
  mapfile -t words <<<"$row"
  host=${words[0]}
  [[ $host =~ ^[A-Za-z0-9:][A-Za-z0-9._:-]*$ ]] || wrong "$where: '$host' is no host"
  case "$host" in
    0.0.0.0 | ::) wrong "$where: nobody can connect to $host; name the machine's address" ;;
  esac
  for ((i = 1; i < ${#words[@]}; i++)); do [[ ${words[i]} =~ ^[0-9]+$ ]] || break; done
  case $((i - 1)) in
    1) port=${words[1]} ;;
    3) port=${words[2]} ;;
    *) wrong "$where: after the host stands one port, or three; there are $((i - 1))" ;;
  esac
  is_port "$port" || wrong "$where: '$port' is not a port from 1 to 65535"
  words=("${words[@]:i}")
  for ((i = 0; i < ${#words[@]}; i++)); do
    case "${words[i]}" in
      -d | -t)
        [ $((i + 1)) -lt ${#words[@]} ] || wrong "$where: ${words[i]} lacks its value"
        [ "${words[i]}" = -t ] && given+=("${words[i + 1]}") || dir=${words[i + 1]}
        i=$((i + 1))
        ;;
      -d?*) dir=${words[i]#-d} ;;
      -t?*) given+=("${words[i]#-t}") ;;
      --stip.directory=*) dir=${words[i]#*=} ;;
      -*) ;;
      *) wrong "$where: '${words[i]}' belongs to no option" ;;
    esac
  done
  [ -n "$dir" ] || wrong "$where: there is no directory; add -d DIR"
  for ((i = 0; i < rows; i++)); do
    [ "${hosts[i]} ${ports[i]}" != "$host $port" ] || wrong "$where: $host:$port stands there twice"
    [ "${hosts[i]} ${dirs[i]}" != "$host $dir" ] ||
      wrong "$where: $(node_name "$i") has the directory $dir too; each node needs its own"
  done
  for token in "${given[@]}"; do
    [ -z "${owner_of[$token]:-}" ] || wrong "$where: ${owner_of[$token]} has the token $token too"
    owner_of[$token]=$host:$port
  done
  hosts[rows]=$host
  ports[rows]=$port
  dirs[rows]=$dir
  # shellcheck disable=SC2034  # read by sbin/start-all.sh
  flags[rows]=$(printf '%s\n' "${words[@]}")
  rows=$((rows + 1))
}

declare -A owner_of=()
read_hosts() {
  local file=$1 line number=0
  [ -r "$file" ] || wrong "cannot read the hosts file $file"
  while IFS= read -r line || [ -n "$line" ]; do
    number=$((number + 1))
    line=$(sed -E -e 's/\r$//' -e 's/(^|[[:blank:]])#.*$//' -e 's/[[:blank:]]+$//' <<<"$line")
    [ -n "$line" ] || continue
    read_row "$file, line $number" "$line"
  done <"$file"
  [ "$rows" -gt 0 ] || wrong "$file has no row; a row is HOST PORT FLAGS..., e.g. 127.0.0.1 15606 -d /srv/stip"
}

read_command() {
  local least=$1 option OPTIND=1
  shift
  while getopts ':w:h' option; do
    case "$option" in
      w) seconds=$OPTARG ;;
      h)
        usage
        exit
        ;;
      *) wrong "unknown option or no value: -$OPTARG; see $program -h" ;;
    esac
  done
  shift $((OPTIND - 1))
  if ! [[ $seconds =~ ^(0|[1-9][0-9]{0,5})$ ]] || [ "$seconds" -lt "$least" ]; then
    wrong "-w $seconds: it is no number of seconds"
  fi
  [ "$#" -le 1 ] || wrong "'$2' is one word too many; see $program -h"
  read_hosts "${1:-$top/config/hosts.txt}"
}
