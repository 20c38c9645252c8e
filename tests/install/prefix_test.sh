#!/bin/sh
# prefix_test.sh PREFIX: configures for PREFIX as a packager does (no tests, no benchmarks), installs into an empty directory with
# DESTDIR, and uses what was installed there. A tree that is not this build's own prefix is built beside it, where a compiler cache
# knows every object already; only linking is left.
set -eu
: "${OSIRIS_BUILD_DIR:?}" "${OSIRIS_SOURCE_DIR:?}" "${OSIRIS_CACHE_DIR:?}"
prefix=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
fail() { echo "prefix_test $prefix: $*" >&2; exit 1; }
quietly() { "$@" > "$work/log" 2>&1 || { cat "$work/log" >&2; fail "$* failed"; }; }
cached() { sed -n "s/^$1:[A-Z]*=//p" "$OSIRIS_BUILD_DIR/CMakeCache.txt"; }

tree=$OSIRIS_BUILD_DIR
if [ "$(cached CMAKE_INSTALL_PREFIX)" != "$prefix" ]; then
  tree=$OSIRIS_BUILD_DIR-for$(echo "$prefix" | tr / -)
  quietly cmake -S "$OSIRIS_SOURCE_DIR" -B "$tree" -G Ninja "-DCMAKE_INSTALL_PREFIX=$prefix" "-DCMAKE_BUILD_TYPE=$(cached CMAKE_BUILD_TYPE)" \
    "-DCMAKE_C_COMPILER=$(cached CMAKE_C_COMPILER)" "-DCMAKE_CXX_COMPILER=$(cached CMAKE_CXX_COMPILER)" \
    "-DOSIRIS_WERROR=$(cached OSIRIS_WERROR)" "-DOSIRIS_CACHE_DIR=$OSIRIS_CACHE_DIR" -DOSIRIS_BUILD_TESTS=OFF
  quietly cmake --build "$tree" -j 2
  # No tests asked for, none built.
  [ ! -e "$tree/tests" ] || [ -z "$(find "$tree/tests" "$tree/bench" -type f -perm -u+x 2>/dev/null)" ] || fail "tests were built"
fi
DESTDIR="$work/root" quietly cmake --install "$tree"
installed=$work/root$prefix

# Nothing beside the prefix, nothing that is a test's.
(cd "$work/root" && find . ! -type d) > "$work/files"
grep -v "^\.$prefix/" "$work/files" && fail "files were installed elsewhere"
grep -i -E 'test|gtest|bench' "$work/files" | grep -v -E '/(docs|examples)/' && fail "something of the tests was installed"
for name in bin/osiris bin/osiris-adapter-check bin/osiris-e2b-server include/osiris/adapter.h share/doc/osiris/LICENSE share/doc/osiris/THIRD_PARTY.md \
    share/doc/osiris/copyright share/doc/osiris/README.md share/doc/osiris/docs/cli.md share/osiris/components/duckdb.processor/spec.yaml; do
  [ -e "$installed/$name" ] || fail "$name was not installed"
done
# A library and its manifest are found only together.
for id in local e2b; do
  library=$(find "$installed" -name "$id.so")
  [ -n "$library" ] || fail "no $id.so"
  [ -e "${library%.so}.adapter.toml" ] || fail "the manifest of $library lies elsewhere: $(find "$installed" -name "$id.adapter.toml")"
done

export PATH="$installed/bin:/usr/bin:/bin" HOME="$work/home"
mkdir "$HOME"
cd "$work"
osiris adapters list > adapters || fail "osiris adapters list failed"
for id in local e2b; do grep -q "^ *$id\b" adapters || { cat adapters; fail "the adapter $id is not found"; }; done
osiris --version > version
worker=$(find "$installed" -name osiris-worker)
grep -q "$(sha256sum "$worker" | cut -d' ' -f1)" version || { cat version; fail "--version names another worker"; }
cp -R "$installed/share/osiris/examples/01-csv-duckdb-csv" project
cd project
osiris run pipeline.yaml > ../run.log 2>&1 || { cat ../run.log >&2; fail "the pipeline failed"; }
diff -r expected/out out || fail "not what the example expects"
