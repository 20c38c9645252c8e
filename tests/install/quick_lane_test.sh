#!/bin/sh
# The fast lane: preset `quick` builds a worker that loads npm's DuckDB, runs the demo pipeline, says what it is, and is refused wherever it
# would leave this machine. Compiles in a tree of its own, where a compiler cache knows every object already.
set -eu
: "${OSIRIS_BUILD_DIR:?}" "${OSIRIS_SOURCE_DIR:?}" "${OSIRIS_CACHE_DIR:?}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
fail() { echo "quick_lane_test: $*" >&2; exit 1; }
quietly() { "$@" > "$work/log" 2>&1 || { cat "$work/log" >&2; fail "$* failed"; }; }
# refused COMMAND ...: it must fail, and what it says is in $work/said.
refused() { if "$@" > "$work/said" 2>&1; then cat "$work/said" >&2; fail "$* succeeded"; fi; }

tree=$OSIRIS_BUILD_DIR-quick
cd "$OSIRIS_SOURCE_DIR"
quietly cmake --preset quick -B "$tree" "-DOSIRIS_CACHE_DIR=$OSIRIS_CACHE_DIR" \
  "-DOSIRIS_WERROR=$(sed -n 's/^OSIRIS_WERROR:[A-Z]*=//p' "$OSIRIS_BUILD_DIR/CMakeCache.txt")"  # what a compiler cache knows it by
quietly cmake --build "$tree" -j 2 --target osiris_programs
worker=$tree/lib/osiris/osiris-worker
readelf -d "$worker" | grep -q 'NEEDED.*libduckdb' || fail "the worker does not load DuckDB"
grep -q libduckdb_static "$tree/build.ninja" && fail "the tree asks for the static engine"

PATH=$tree/bin:$PATH
osiris --version > "$work/said"
grep -q 'dynamic: it runs on this machine only; `make build` builds the static one' "$work/said" || { cat "$work/said" >&2; fail "--version does not say what the worker is"; }
osiris --version --json | grep -q '"linkage": *"dynamic"' || fail "--version --json does not say it"

cp -R examples/01-csv-duckdb-csv "$work/project"
cd "$work/project"
quietly osiris run pipeline.yaml
diff -r expected/out out || fail "not what the example expects"

mkdir -p data
cat > osiris_connections.yaml <<'END'
version: 1
connections:
  filesystem:
    here: {base_dir: data}
END
osiris connections doctor > "$work/said" 2>&1 || true
grep -q '^Worker: .*osiris-worker (dynamic: ' "$work/said" || { cat "$work/said" >&2; fail "doctor does not say what the worker is"; }

E2B_API_KEY=e2b_00 refused osiris run pipeline.yaml --e2b --e2b-api-url http://127.0.0.1:9 --e2b-sandbox-url http://127.0.0.1:9
grep -q 'is linked dynamically: it runs on this machine only, not in a sandbox' "$work/said" || { cat "$work/said" >&2; fail "--e2b does not say why"; }
grep -q 'make build' "$work/said" || fail "--e2b names no remedy"
[ ! -e out.new ] || fail "a refused run left something"

refused cmake --install "$tree" --prefix "$work/installed"
grep -q 'runs on this machine only' "$work/said" || { cat "$work/said" >&2; fail "an installation does not say why"; }
[ -z "$(find "$work/installed" -type f 2> /dev/null)" ] || fail "something was installed"
refused "$OSIRIS_SOURCE_DIR/scripts/package.sh" "$tree" "$work/packages"
grep -q 'runs on this machine only' "$work/said" || { cat "$work/said" >&2; fail "package.sh does not say why"; }
[ -z "$(find "$work/packages" -name 'osiris*.deb' 2> /dev/null)" ] || fail "a package was made"
