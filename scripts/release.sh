#!/bin/sh
# release.sh: the packages of the release that HEAD is, in build/releases/<version>, from nothing but the tag. It refuses what is no
# release (files that differ, another tag, a changelog without its section), builds twice, in two directories and without a compiler
# cache, compares every byte, gives the packages to a bare Debian, and only then puts them and SHA256SUMS where they are found.
set -eu
cd "$(dirname "$0")/.."
refuse() { echo "release: $1" >&2; echo "  $2" >&2; exit 2; }

version=$(sed -n 's/^project(osiris VERSION \([0-9.]*\) .*/\1/p' CMakeLists.txt)
[ -n "$version" ] || refuse "CMakeLists.txt has no version" "its project() says it: project(osiris VERSION 1.2.3 ...)"
tag=v$version
[ -z "$(git status --porcelain --untracked-files=no)" ] || refuse "files differ from the commit" "commit them, or put them away with git stash"
[ "$(git rev-parse -q --verify "refs/tags/$tag^{commit}" || true)" = "$(git rev-parse HEAD)" ] ||
  refuse "HEAD is not $tag" "the version in CMakeLists.txt is $version: git tag -a $tag, or check that tag out"
grep -q -E "^## $version \([0-9]{4}-[0-9]{2}-[0-9]{2}\)$" CHANGELOG.md ||
  refuse "CHANGELOG.md has no section of this release" "its heading is: ## $version ($(date -u +%Y-%m-%d))"

releases=$PWD/build/releases
work=$releases/$version.work
rm -rf "$work"
mkdir -p "$work"
export OSIRIS_CACHE_DIR="${OSIRIS_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/osiris-build}"
git -c advice.detachedHead=false clone --quiet --branch "$tag" --no-hardlinks . "$work/source"
echo "Building $tag in $work/source"
cmake -S "$work/source" -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DOSIRIS_WERROR=ON -DOSIRIS_BUILD_TESTS=OFF > "$work/configure.log"
CCACHE_DISABLE=1 cmake --build "$work/build" --target osiris_installed > "$work/build.log" || { tail -n 50 "$work/build.log" >&2; exit 1; }
"$work/source/scripts/package.sh" "$work/build" "$work/packages"

export OSIRIS_SOURCE_DIR="$work/source" OSIRIS_BUILD_DIR="$work/build" CI=true
echo "Building it again, elsewhere, and comparing the packages"
"$work/source/tests/install/reproducible_test.sh" --rebuild-without-cache
echo "Giving the packages to a bare Debian"
"$work/source/tests/install/package_test.sh" "$work/packages"
(cd "$work/packages" && sha256sum -- * > "$work/SHA256SUMS")
mv "$work/SHA256SUMS" "$work/packages/"
rm -rf "${releases:?}/$version"
mv "$work/packages" "$releases/$version"
rm -rf "$work"
ls -1s --block-size=kB "$releases/$version"
