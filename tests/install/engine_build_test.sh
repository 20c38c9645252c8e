#!/bin/sh
# third_party/duckdb/build.sh, with a project of five small files in DuckDB's place: an interrupted build goes on where it stopped, also from
# another checkout, a half-made library is never seen, two checkouts do not build it twice, and progress is shown.
set -eu
: "${OSIRIS_SOURCE_DIR:?}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
fail() { echo "engine_build_test: $*" >&2; cat "$work/said" >&2; exit 1; }
mkdir "$work/recipe" "$work/source"
cp "$OSIRIS_SOURCE_DIR/third_party/duckdb/build.sh" "$work/recipe"
cat > "$work/recipe/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.25)
project(engine C)
file(GLOB sources "${SOURCE_ROOT}/*.c")
add_library(osiris_engine STATIC ${sources})
set_target_properties(osiris_engine PROPERTIES OUTPUT_NAME duckdb_static)
END
for n in 1 2 3 4; do echo "int f$n(void) { return $n; }" > "$work/source/$n.c"; done
echo '#error not yet' > "$work/source/5.c"
library=$work/cache/engine/lib/libduckdb_static.a
recipe=$work/recipe
build() { status=0; "$recipe/build.sh" "$library" "$work/source" 9.9.9 cc c++ "-O1" > "$work/said" 2>&1 || status=$?; }

build
[ $status != 0 ] || fail "a compiler's error is called success"
grep -q 'not yet' "$work/said" || fail "the compiler's error is not shown"
[ ! -e "$library" ] || fail "a half-built library is there"

echo 'int f5(void) { return 5; }' > "$work/source/5.c"
mv "$work/recipe" "$work/another checkout"
recipe="$work/another checkout"
build
[ $status = 0 ] || fail "the second build failed"
[ "$(ar t "$library" | wc -l)" = 5 ] || fail "not all files are in the library"
grep -q '^\[2/2\] DuckDB 9.9.9' "$work/said" || fail "what was compiled already was compiled again"
[ ! -e "$work/cache/engine/build" ] || fail "the build directory was left"

build
[ $status = 0 ] && [ ! -s "$work/said" ] || fail "a finished library is built again"

rm -r "$work/cache"
"$recipe/build.sh" "$library" "$work/source" 9.9.9 cc c++ "-O1" > "$work/first" 2>&1 &
build
wait $! || fail "one of two builds at once failed"
[ $status = 0 ] && [ -e "$library" ] || fail "the other of two builds at once failed"
[ "$(cat "$work/first" "$work/said" | grep -c '^.6/6.')" = 1 ] || fail "not one of them built it"
