# Completion of `stip` in bash: nouns, verbs, options, albums, platforms, geocodes, task ids.
# Read it once, or in ~/.bashrc:
#
#     source apps/stip/completion/stip.bash
#
# or put it as `stip` into /usr/share/bash-completion/completions. What may follow is asked from stip
# itself, which knows its commands and asks the node that the line names; no node, no names.

_stip() {
  local line=${COMP_LINE:0:COMP_POINT} current=${COMP_WORDS[COMP_CWORD]} kind word before answer=()
  COMPREPLY=()
  mapfile -t answer < <("$1" __complete "$line" 2>/dev/null)
  kind=${answer[0]:-words}
  if [ "$kind" = files ]; then
    compopt -o default
    return
  fi
  [ "$kind" != open ] || compopt -o nospace
  # bash takes a colon for the end of a word, and replaces only what stands after it.
  before=
  if [[ $current != *:* ]]; then
    word=${line##*[[:blank:]]}
    [[ $COMP_WORDBREAKS != *:* || $word != *:* ]] || before=${word%"${word##*:}"}
    before=${before#--*=}
  else
    [[ $COMP_WORDBREAKS != *:* ]] || before=${current%"${current##*:}"}
  fi
  for word in "${answer[@]:1}"; do
    word=${word#"$before"}
    case "$current" in
      [\"\']*) COMPREPLY+=("$word") ;;
      *)
        printf -v word '%q' "$word"
        COMPREPLY+=("$word")
        ;;
    esac
  done
}
complete -F _stip stip
