#!/bin/sh
# Installs into an empty prefix, then does what docs/e2b-server.md tells a user to do in a CI job: starts the installed
# server, runs a pipeline through the installed adapter with three variables set, and stops the server. The same run with
# `local` must give the same bytes.
set -eu
: "${OSIRIS_BUILD_DIR:?}" "${OSIRIS_SOURCE_DIR:?}"
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT INT TERM
fail() { echo "install_test: $*" >&2; exit 1; }

cmake --install "$OSIRIS_BUILD_DIR" --prefix "$work/prefix" > "$work/install.log" || { cat "$work/install.log" >&2; fail "cmake --install failed"; }
for file in bin/osiris bin/osiris-adapter-check bin/osiris-e2b-server lib/osiris/osiris-worker lib/osiris/osiris-worker.zst lib/osiris/osiris-http; do
  [ -e "$work/prefix/$file" ] || fail "$file was not installed"
done
for page in osiris osiris-run osiris-runs-prune osiris-report osiris-sandboxes; do
  [ -e "$work/prefix/share/man/man1/$page.1" ] || fail "there is no manual page $page"
done
# Nothing of the build tree, and nothing of the caller's settings.
unset OSIRIS_BUILD_DIR
export PATH="$work/prefix/bin:/usr/bin:/bin" HOME="$work/home"
mkdir "$HOME"
cp -r "$OSIRIS_SOURCE_DIR/examples/01-csv-duckdb-csv" "$work/project"
cd "$work/project"

osiris-e2b-server --help > /dev/null
osiris-e2b-server --api-key e2b_00 --data "$work/data" --record "$work/requests.jsonl" > "$work/ready.json" &
server=$!
tries=0
until [ -s "$work/ready.json" ]; do
  tries=$((tries + 1))
  [ $tries -lt 600 ] || fail "the server did not become ready"
  sleep 0.1
done
url=$(sed -n 's/.*"url":"\([^"]*\)".*/\1/p' "$work/ready.json")

export E2B_API_KEY=e2b_00 OSIRIS_E2B_API_URL="$url" OSIRIS_E2B_SANDBOX_URL="$url"
osiris run pipeline.yaml --e2b > "$work/remote.log" 2>&1 || { cat "$work/remote.log" >&2; fail "the run in a sandbox failed"; }
mv out "$work/remote"
osiris run pipeline.yaml > "$work/local.log" 2>&1 || { cat "$work/local.log" >&2; fail "the local run failed"; }
diff -r "$work/remote" out || fail "a run in a sandbox and a local one differ"
diff -r expected/out out || fail "not what the example expects"

kill -TERM "$server"
wait "$server" || fail "the server ended with $?"
server=
grep -q '"route":"POST /v2/sandboxes"' "$work/requests.jsonl" || fail "nothing was recorded"
[ ! -e "$work/data/sandboxes" ] || fail "the server left sandboxes"
