#!/bin/sh
# release.sh: the packages of the release that HEAD is, in build/releases/<version>, from nothing but the tag. It refuses what is no
# release (files that differ, another tag, a changelog without its section), builds two clones of the tag in two directories, the second
# without a compiler cache, compares every byte of their packages, gives those of the second to a bare Debian, and only then puts them and
# SHA256SUMS where they are found. Libraries of third parties that every build of this machine takes from OSIRIS_CACHE_DIR (the engine)
# are taken from there by both.
# Interrupted or failed it goes on where it stood: run it again. build/releases/<version>.log has each stage with its time and, where one
# failed, what it said. JOBS limits the compilers at once.
set -eu
cd "$(dirname "$0")/.."
# Called by a hook of git, or in a shell that was: this repository is meant, and the clones are others.
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_COMMON_DIR GIT_OBJECT_DIRECTORY GIT_PREFIX
refuse() { echo "release: $1" >&2; echo "  $2" >&2; exit 2; }

version=$(sed -n 's/^project(osiris VERSION \([0-9.]*\) .*/\1/p' CMakeLists.txt)
[ -n "$version" ] || refuse "CMakeLists.txt has no version" "its project() says it: project(osiris VERSION 1.2.3 ...)"
tag=v$version
[ -z "$(git status --porcelain --untracked-files=no)" ] || refuse "files differ from the commit" "commit them, or put them away with git stash"
commit=$(git rev-parse HEAD)
[ "$(git rev-parse -q --verify "refs/tags/$tag^{commit}" || true)" = "$commit" ] ||
  refuse "HEAD is not $tag" "the version in CMakeLists.txt is $version: git tag -a $tag, or check that tag out"
grep -q -E "^## $version \([0-9]{4}-[0-9]{2}-[0-9]{2}\)$" CHANGELOG.md ||
  refuse "CHANGELOG.md has no section of this release" "its heading is: ## $version ($(date -u +%Y-%m-%d))"

releases=$PWD/build/releases
work=$releases/$version.work log=$releases/$version.log
mkdir -p "$releases"
exec 9> "$releases/$version.lock"
flock -n 9 || refuse "another release of $tag is under way" "its stages are in $log"

say() { echo "$(date -u +%H:%M:%S) $*" | tee -a "$log"; }
quietly() { # quietly COMMAND ...: what it says is in the log if it fails
  "$@" > "$work/said" 2>&1 || { tail -n 200 "$work/said" >> "$log"; tail -n 30 "$work/said" >&2; say "failed: $*"; exit 1; }
}
# Of the user's environment, what would make other packages.
unset CC CXX CPPFLAGS CFLAGS CXXFLAGS LDFLAGS CPATH C_INCLUDE_PATH CPLUS_INCLUDE_PATH LIBRARY_PATH DESTDIR SOURCE_DATE_EPOCH MAKEFLAGS CMAKE_GENERATOR \
  CMAKE_BUILD_TYPE CMAKE_TOOLCHAIN_FILE CMAKE_PREFIX_PATH CMAKE_INSTALL_PREFIX CMAKE_INSTALL_MODE CMAKE_C_COMPILER_LAUNCHER CMAKE_CXX_COMPILER_LAUNCHER 2> /dev/null || true
export OSIRIS_CACHE_DIR="${OSIRIS_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/osiris-build}"

[ "$(cat "$work/commit" 2> /dev/null || true)" = "$commit" ] || rm -rf "$work" "$log"
mkdir -p "$work"
echo "$commit" > "$work/commit"
say "$tag is $commit"

build() { # build DIRECTORY: a clone of the tag in it, its build and its packages; nothing where they are there
  if [ -e "$1/packed" ]; then
    say "packages of $1 are there already"
    return
  fi
  mkdir -p "$1"
  if [ ! -e "$1/source/.cloned" ]; then
    rm -rf "$1/source"
    quietly git -c advice.detachedHead=false clone --quiet --branch "$tag" --no-hardlinks . "$1/source"
    touch "$1/source/.cloned"
  fi
  say "building in $1"
  quietly cmake -S "$1/source" -B "$1/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DOSIRIS_WERROR=ON -DOSIRIS_BUILD_TESTS=OFF \
    -DOSIRIS_PACK_LEVEL=19
  quietly cmake --build "$1/build" ${JOBS:+-j "$JOBS"} --target osiris_installed
  say "packing what is in $1"
  rm -rf "$1/packages"
  quietly "$1/source/scripts/package.sh" "$1/build" "$1/packages"
  touch "$1/packed"
}
build "$work/first"
export CCACHE_DISABLE=1
build "$work/the second of two"

second="$work/the second of two"
for each in "$work/first" "$second"; do
  (cd "$each/packages" && sha256sum -- *) > "$each/sums"
done
[ "$(wc -l < "$second/sums")" = 3 ] || { cat "$second/sums" >&2; say "failed: there are not three packages"; exit 1; }
diff "$work/first/sums" "$second/sums" > "$work/said" || { tee -a "$log" < "$work/said" >&2; say "failed: the two builds differ"; exit 1; }
say "the two builds gave the same bytes; giving them to a bare Debian"
OSIRIS_SOURCE_DIR="$second/source" OSIRIS_BUILD_DIR="$second/build" CI=true quietly "$second/source/tests/install/package_test.sh" "$second/packages"
grep 'first result' "$work/said" | tee -a "$log" || true

cp "$second/sums" "$second/packages/SHA256SUMS"
rm -rf "${releases:?}/$version"
mv "$second/packages" "$releases/$version"
rm -rf "$work"
say "the release is in $releases/$version"
ls -1s --block-size=kB "$releases/$version"
