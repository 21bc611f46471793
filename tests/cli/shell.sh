#!/usr/bin/env bash
# The shell, the progress bar and bash completion in a real terminal: what is typed, and what the
# screen then shows.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/support.sh"
completion=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../apps/stip/completion" && pwd)/stip.bash

command -v tmux >/dev/null || skip "tmux is not installed"
scene=$(real_scene)
[ -n "$scene" ] || skip "there is no real scene; sbin/fetch-scene brings it"
export LC_ALL=C.UTF-8
unset XDG_STATE_HOME TMUX TMUX_PANE
wait_seconds=20

# A server of our own, which knows nothing of the user's.
terminal() { tmux -S "$scratch/tmux" -f /dev/null "$@"; }
end_terminal() { terminal kill-server 2>/dev/null || true; }
trap 'status=$?; end_terminal; set +e; (exit "$status"); cleanup' EXIT

screen() { terminal capture-pane -p -t it; }
open_terminal() {
  end_terminal
  terminal new-session -d -s it -x 100 -y 30 "$@"
}
# What is typed as it stands, or keys by their names.
typed() { terminal send-keys -t it -l -- "$1"; }
key() { terminal send-keys -t it "$@"; }
line() {
  typed "$1"
  key Enter
}

# shows PATTERN: the screen has, sooner or later, a line that matches.
shows() {
  local until=$((SECONDS + wait_seconds))
  checks=$((checks + 1))
  last="(terminal) $1"
  until screen >"$scratch/out" && grep -qE -e "$1" "$scratch/out"; do
    if [ "$SECONDS" -ge "$until" ]; then
      : >"$scratch/err"
      failures=$((failures + 1))
      printf 'FAILED: the screen never had %s\n' "$1"
      grep -v '^$' "$scratch/out" | sed 's/^/  | /'
      return 0
    fi
    sleep 0.05
  done
}
# tab PATTERN: Tab, where a node is asked; again where it was too slow and nothing happened.
tab() {
  local until=$((SECONDS + wait_seconds))
  while [ "$SECONDS" -lt "$until" ]; do
    key Tab
    for _ in $(seq 40); do
      ! screen | grep -qE -e "$1" || break 2
      sleep 0.05
    done
  done
  shows "$1"
}
lacks() {
  checks=$((checks + 1))
  last="(terminal) $1"
  screen >"$scratch/out"
  : >"$scratch/err"
  ! grep -qE -e "$1" "$scratch/out" || complaint "the screen has $1"
}
# The prompt stands alone: what was typed before has been answered.
ready() { shows '^stip>$'; }
clear_screen() {
  key C-l
  ready
}

start_cluster 1
expect 0 album create olinda geohash
expect 0 album create oslo geohash
expect 0 image store olinda "$scene" auto -l 5 --platform Landsat7 --timestamp 2000 -d first-task
expect 0 --format json image list olinda
geocode=$(json get /0/geocode)

# --- completion ----------------------------------------------------------------

open_terminal "$bin/stip" shell
ready
typed al
key Tab
shows '^stip> album$'
typed l
key Tab
key Enter
shows '^olinda +geohash'
ready
clear_screen
typed 'image list o'
# Both names begin so: nothing to add, so they are listed.
tab '^olinda +oslo *$'
shows '^stip> image list o$'
typed l
tab '^stip> image list olinda$'
typed '-p '
tab '^stip> image list olinda -p Landsat7$'
typed '-g '
tab "^stip> image list olinda -p Landsat7 -g ${geocode:0:1}"
key C-u
clear_screen
typed "image list olinda -g ${geocode:0:4}"
tab "(^| )$geocode( |\$)"
key C-u
clear_screen
typed 'image list olinda --so'
key Tab
shows '^--sort +--source *$'
key C-u
clear_screen
typed 'task show f'
tab '^stip> task show first-task$'
key Enter
shows '^STATE +done$'
ready
clear_screen
typed "image probe $(dirname "$scene")/$(basename "$scene" | cut -c 1-3)"
key Tab
shows "$(basename "$scene")\$"
key C-u

# A line of several rows keeps the list below it, wherever the cursor is.
clear_screen
typed "image list olinda -p $(printf 'a%.0s' {1..100}) --so --tile x"
for _ in $(seq 9); do key Left; done
key Tab
shows '^--sort +--source *$'
shows '^a+ --so --tile x$'
typed r
shows '^a+ --sor --tile x$'
key C-c
ready

# --- editing --------------------------------------------------------------------

clear_screen
typed 'nod list'
key C-a Right Right Right
typed e
key C-e
typed x
key BSpace Enter
shows '^ID +ADDRESS'
shows '^stip> node list$'
ready
clear_screen
typed 'album delete olinda --yes'
key C-c
ready
line 'album list'
shows '^olinda '
ready

# --- history --------------------------------------------------------------------

clear_screen
line ''
line '   '
line 'album show oslo'
shows '^KEYLEN|^KEY_LENGTH|oslo'
ready
line exit
history=$scratch/.local/state/stip/history
for _ in $(seq 100); do
  terminal has-session -t it 2>/dev/null || break
  sleep 0.05
done
same "$(tail -n 1 "$history")" 'album show oslo' 'the last line of the history'
same "$(grep -c '^ *$' "$history")" 0 'lines that hold nothing'
same "$(grep -c 'delete' "$history")" 0 'lines that were dropped'
same "$(stat -c %a "$history")" 600 'the mode of the history'
open_terminal "$bin/stip" shell
ready
key Up
shows '^stip> album show oslo$'
key Up
shows '^stip> album list$'
key C-c
ready
key C-r
typed 'nod'
shows 'node list'
key Enter
shows '^ID +ADDRESS'
ready

# --- watch ----------------------------------------------------------------------

clear_screen
line 'watch -n 1 album list'
shows '^every 1 s: album list   20[0-9T:-]+Z   Ctrl-C ends'
shows '^olinda '
lacks '^fresh '
before=$(screen | grep '^every')
expect 0 album create fresh geohash
shows '^fresh +geohash'
until [ "$(screen | grep '^every')" != "$before" ]; do sleep 0.05; done
same "$(screen | grep -c '^every')" 1 'frames on the screen'
key C-c
shows '^stip>$'
line 'album show fresh'
shows '^ALGORITHM +geohash'
ready
clear_screen
line 'watch'
shows 'the command is missing'
line 'help watch'
line 'help'
shows 'watch \[-n SECONDS\]'
ready

# --- the progress bar -------------------------------------------------------------

mkdir "$scratch/many"
for i in $(seq 3000); do ln -s "$scene" "$scratch/many/$i.tif"; done
clear_screen
line "image store oslo '$scratch/many/*.tif' auto -l 7 -t 1 --platform P --timestamp 2000 -d long"
shows '^\[#*\.*\]  [0-9]+/3000  [0-9.]+ MB/s  .* left$'
key C-c
shows 'task long: \(s\)top it, \(l\)eave it running, or go on waiting \(Enter\)\?'
key Enter
shows '^\[#*\.*\]  [0-9]+/3000  '
clear_line=$(screen | grep -c 'go on waiting')
same "$clear_line" 1 'questions'
key C-c
until [ "$(screen | grep -c 'go on waiting')" -eq 2 ]; do sleep 0.05; done
line l
shows 'task long goes on; see'
ready
expect 0 --format json task show long
is running /state
clear_screen
line 'task wait long'
shows '^\[#*\.*\]  [0-9]+/3000  '
key C-c
shows 'go on waiting'
line s
shows '^stopped: '
ready
expect 0 --format json task show long
is stopped /state

# --- a node that is away ------------------------------------------------------------

kill -STOP "${pids[0]}"
clear_screen
typed 'image list o'
key Tab
typed 'x'
shows '^stip> image list ox$'
kill -CONT "${pids[0]}"
key C-c
ready
kill -KILL "${pids[0]}"
wait "${pids[0]}" 2>/dev/null || true
clear_screen
typed 'album show o'
key Tab
typed 'q'
shows '^stip> album show oq$'
key Enter
shows '^stip: .*(ended|connect)'
ready
start_node 0
until [ "$(nodes_up "${ports[0]}")" = 1 ]; do sleep 0.1; done
line 'album list'
shows '^olinda '
key C-d
for _ in $(seq 100); do
  terminal has-session -t it 2>/dev/null || break
  sleep 0.05
done
same "$(terminal has-session -t it 2>/dev/null && echo there)" '' 'the terminal after Ctrl-D'

# --- bash -------------------------------------------------------------------------

open_terminal env PATH="$bin:$PATH" PS1='bash> ' bash --norc --noprofile
shows '^bash>$'
line "source '$completion'; clear"
shows '^bash>$'
typed 'stip al'
key Tab
typed 'sh'
key Tab
typed 'ol'
tab '^bash> stip album show olinda$'
key C-u
typed "stip -p ${ports[0]} image list olinda --plat"
key Tab
typed 'L'
tab 'image list olinda --platform Landsat7$'
key C-u
typed "stip image list olinda --platform=L"
tab 'image list olinda --platform=Landsat7$'
key C-u
typed "stip image list olinda -g ${geocode:0:4}"
tab "(^| )$geocode( |\$)"
key C-u
typed "stip image probe $(dirname "$scene")/$(basename "$scene" | cut -c 1-3)"
key Tab
shows "$(basename "$scene")\$"
key C-u
line 'complete -p stip'
shows 'complete -F _stip stip'
end_terminal

# What bash asks for, without a terminal.
expect 0 __complete 'stip image list o'
same "$(cat "$scratch/out")" "words
olinda
oslo" 'completions'
expect 0 __complete "stip -p $(free_port) image list o"
same "$(cat "$scratch/out")" words 'completions without a node'
expect 0 __complete 'stip --nonsense image l'
expect 0 __complete ''

finish
