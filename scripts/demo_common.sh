#!/bin/sh
# Sourced by the demo scripts: copies an example into a fresh project below the build directory and goes there.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
started=$(date +%s)

say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }

enter_example() { # enter_example EXAMPLE NAME
  project="$OSIRIS_BUILD_DIR/demo/$2"
  rm -rf "$project"
  mkdir -p "$project"
  cp -R "$root/examples/$1/." "$project/"
  cd "$project"
  PATH="$OSIRIS_BUILD_DIR/bin:$PATH"
  export PATH
}

show_result() { # show_result: what the run wrote, against what it should be, and the session's files
  say "What it wrote"
  for file in out/*; do
    echo "$file"
    sed 's/^/    /' "$file"
  done
  diff -r expected/out out && echo "Equal to expected/ byte for byte."
  say "What the session holds"
  session=$(ls -td run_logs/*/*/*/ | head -1)
  (cd "$session" && find . -type f | sort | sed 's/^\.\//    /')
  echo "    $(wc -l <"$session/events.jsonl") events, $(wc -l <"$session/metrics.jsonl") metrics; status: $(grep -o '"ok": [a-z]*' "$session/status.json")"
  printf '\nDone in %s s. The project is in %s; look around with `osiris logs last` there.\n' "$(($(date +%s) - started))" "$project"
}
