#!/bin/sh
# The adapter `e2b` as a stranger would build it: its sources, and protocol/ as its own library of JSON and HTTP, against the component
# `sdk` of an installation. None of the SDK's private headers is there to be found. What was built runs an example in a sandbox of the
# local E2B server and keeps every promise of the check.
set -eu
: "${OSIRIS_BUILD_DIR:?}" "${OSIRIS_SOURCE_DIR:?}"
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2> /dev/null || true; rm -rf "$work"' EXIT INT TERM
fail() { echo "sdk_e2b_test: $*" >&2; exit 1; }
quietly() { "$@" > "$work/log" 2>&1 || { cat "$work/log" >&2; fail "$* failed"; }; }

quietly cmake --install "$OSIRIS_BUILD_DIR" --prefix "$work/prefix"
quietly cmake --install "$OSIRIS_BUILD_DIR" --prefix "$work/sdk" --component sdk
mkdir -p "$work/far/plugins" "$work/far/protocol" "$work/far/lib"
cp -r "$OSIRIS_SOURCE_DIR/plugins/e2b" "$work/far/plugins"
for folder in base model http archive; do
  mkdir "$work/far/protocol/$folder"
  cp "$OSIRIS_SOURCE_DIR/protocol/$folder/"*.h "$work/far/protocol/$folder"
  cp "$OSIRIS_BUILD_DIR/protocol/$folder/libosiris_$folder.a" "$work/far/lib"
done
version=$(sed -n 's/^version *= "\(.*\)"/\1/p' "$OSIRIS_BUILD_DIR/lib/osiris/adapters/e2b.adapter.toml")
[ -n "$version" ] || fail "the manifest names no version"
cp "$OSIRIS_BUILD_DIR/lib/osiris/adapters/e2b.adapter.toml" "$work/far"
cp -r "$OSIRIS_SOURCE_DIR/examples/01-csv-duckdb-csv" "$work/project"
unset OSIRIS_BUILD_DIR OSIRIS_SOURCE_DIR

rm "$work/far/plugins/e2b/CMakeLists.txt"
cat > "$work/far/CMakeLists.txt" << 'PROJECT'
cmake_minimum_required(VERSION 3.16)
project(e2b CXX)
find_package(OsirisAdapter 1.0 REQUIRED)
find_package(OsirisAdapterSdk 0.2 REQUIRED)
file(GLOB sources plugins/e2b/*.cc plugins/e2b/api/*.cc)
osiris_add_adapter(e2b SOURCES ${sources})
set_target_properties(e2b PROPERTIES CXX_STANDARD 20)
target_include_directories(e2b PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}")
target_compile_definitions(e2b PRIVATE OSIRIS_VERSION="${VERSION}")
set(own "${CMAKE_CURRENT_SOURCE_DIR}/lib")
target_link_libraries(e2b PRIVATE osiris::adapter_sdk "${own}/libosiris_http.a" "${own}/libosiris_archive.a" "${own}/libosiris_model.a"
  "${own}/libosiris_base.a" curl archive ssl crypto zstd z)
PROJECT
quietly cmake -S "$work/far" -B "$work/far/build" "-DCMAKE_PREFIX_PATH=$work/sdk" "-DVERSION=$version"
quietly cmake --build "$work/far/build"
[ "$(nm -D --defined-only "$work/far/build/e2b.so" | awk '{print $3}')" = osiris_adapter_main_v1 ] || fail "more than the entry is exported"

export PATH="$work/prefix/bin:$PATH" XDG_STATE_HOME="$work/state" XDG_DATA_HOME="$work/data" XDG_CACHE_HOME="$work/cache"
export E2B_API_KEY=e2b_0000000000000000000000000000000000000000
osiris-e2b-server --listen 127.0.0.1:0 --api-key $E2B_API_KEY --data "$work/e2b" --parent-pid $$ > "$work/ready" 2> "$work/server.log" &
server=$!
tries=0
until [ -s "$work/ready" ]; do
  tries=$((tries + 1))
  [ $tries -lt 300 ] || { cat "$work/server.log" >&2; fail "the local E2B server does not start"; }
  sleep 0.1
done
url=$(sed -n 's/.*"url":"\([^"]*\)".*/\1/p' "$work/ready")
export OSIRIS_E2B_API_URL="$url" OSIRIS_E2B_SANDBOX_URL="$url"

cd "$work/project"
rm -rf out
quietly osiris run pipeline.yaml --adapter e2b --adapter-dir "$work/far/build"
diff -r expected/out out || fail "it wrote something else"
osiris adapters show e2b --adapter-dir "$work/far/build" > "$work/shown" || fail "it is not loaded"
grep -q "$work/far/build" "$work/shown" || { cat "$work/shown" >&2; fail "another e2b was loaded"; }

cat > "$work/answers.yaml" << ANSWERS
options: {api_url: "$url", sandbox_url: "$url"}
secrets: {E2B_API_KEY: $E2B_API_KEY}
limits: {call_seconds: 60, case_seconds: 120}
ANSWERS
osiris-adapter-check "$work/far/build/e2b.so" --answers "$work/answers.yaml" --quiet > "$work/log" 2>&1 ||
  { cat "$work/log" >&2; fail "it does not keep its promises"; }
grep -q ' 0 failed' "$work/log" || { cat "$work/log" >&2; fail "it was not checked"; }
