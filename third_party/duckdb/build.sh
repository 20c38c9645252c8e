#!/bin/bash
# build.sh LIBRARY SOURCE VERSION CC CXX FLAGS: compiles DuckDB's static library (CMakeLists.txt beside this file), unless LIBRARY is
# there already. A build that was interrupted goes on where it stopped, from whichever checkout. Another checkout that wants the same waits for
# this one.
# Prints what ninja does as "[n/m] DuckDB VERSION, about k min left".
set -euo pipefail
library=$1 source=$2 version=$3 cc=$4 cxx=$5 flags=$6
[ ! -e "$library" ] || exit 0
recipe=$(cd "$(dirname "$0")" && pwd)
home=$(dirname "$(dirname "$library")")
mkdir -p "$home"
exec 9> "$home/lock"
if ! flock -n 9; then
  echo "Waiting for another build of DuckDB $version in $home"
  flock 9
fi
[ ! -e "$library" ] || exit 0

# CMake takes a build directory only for the source directory that it began with, and the checkout that began may be gone.
mkdir -p "$home/recipe"
cmp -s "$recipe/CMakeLists.txt" "$home/recipe/CMakeLists.txt" || cp "$recipe/CMakeLists.txt" "$home/recipe/"

build=$home/build
launcher=()
if ccache=$(command -v ccache); then launcher=("-DCMAKE_C_COMPILER_LAUNCHER=$ccache" "-DCMAKE_CXX_COMPILER_LAUNCHER=$ccache"); fi
cmake -S "$home/recipe" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=None "-DCMAKE_C_COMPILER=$cc" "-DCMAKE_CXX_COMPILER=$cxx" \
  "-DCMAKE_C_FLAGS=$flags" "-DCMAKE_CXX_FLAGS=$flags" "-DSOURCE_ROOT=$source" "-DDUCKDB_VERSION=$version" "${launcher[@]}" \
  > "$home/configure.log" 2>&1 || { cat "$home/configure.log" >&2; exit 1; }

# A file that joins others takes as long as many that do not: of the minutes left, each counts by its weight.
weight_of() { if [[ $1 == */Unity/* || $1 == */ub_* ]]; then echo 15; else echo 1; fi; }
all_weight=0
while IFS= read -r line; do
  if [[ $line == \[* ]]; then all_weight=$((all_weight + $(weight_of "$line"))); fi
done < <(ninja -C "$build" -n osiris_engine)

progress() {
  local line begin=$SECONDS weight=0
  while IFS= read -r line; do
    if [[ $line =~ ^\[([0-9]+/[0-9]+)\] ]]; then
      local left=
      weight=$((weight + $(weight_of "$line")))
      [ $((SECONDS - begin)) -lt 20 ] || left=", about $((((SECONDS - begin) * (all_weight - weight) / weight + 59) / 60)) min left"
      printf '%s\n' "[${BASH_REMATCH[1]}] DuckDB $version$left"
    else
      printf '%s\n' "$line"
    fi
  done
}
NINJA_STATUS='[%f/%t] ' ninja -C "$build" -j "$(nproc)" osiris_engine | progress

mkdir -p "$(dirname "$library")"
mv "$build/libduckdb_static.a" "$library"
rm -rf "$build" "$home/recipe"
