#!/bin/bash
# brief.sh LOG COMMAND ...: runs a build command, keeps all it says in LOG, and shows what a person wants to see: progress as one line
# (on a terminal; elsewhere every tenth part), and whatever is not progress, such as a compiler's error.
set -euo pipefail
log=$1
shift
mkdir -p "$(dirname "$log")"
terminal=
[ -t 1 ] && terminal=yes
width=${COLUMNS:-$(tput cols 2> /dev/null || echo 80)}

show() {
  local line shown=-1 open=
  while IFS= read -r line; do
    printf '%s\n' "$line" >&3
    if [[ $line =~ ^\[([0-9]+)/([0-9]+)\] ]]; then
      if [ -n "$terminal" ]; then
        printf '\r\033[K%s' "${line:0:width-1}"
        open=yes
      else
        local tenth=$((BASH_REMATCH[1] * 10 / BASH_REMATCH[2]))
        # A handful of commands is no progress worth a line.
        if [ "$tenth" != "$shown" ] && [ "${BASH_REMATCH[2]}" -ge 20 ]; then printf '%s\n' "$line"; fi
        shown=$tenth
      fi
      continue
    fi
    case $line in
      '-- Building'*) ;;  # DuckDB: that takes minutes
      '-- '* | 'Preset CMake variables:' | '  '[A-Z]*=\"*\" | '' | 'ninja: no work to do.') continue ;;
    esac
    [ -z "$open" ] || printf '\r\033[K'
    open=
    printf '%s\n' "$line"
  done
  [ -z "$open" ] || printf '\r\033[K'
}

if "$@" 2>&1 | show 3> "$log"; then exit 0; fi
echo "failed: $* (all it said is in $log)" >&2
exit 1
