#!/bin/sh
# reproducible_test.sh [--rebuild]: one build, packed by two users' habits (umask, time zone, language, directory), gives the same bytes.
# With --rebuild a second build is packed too, of the same files in another directory; what the compiler cache knows is not compiled again
# (`make release` compares with a build that has none).
set -eu
: "${OSIRIS_BUILD_DIR:?}" "${OSIRIS_SOURCE_DIR:?}" "${OSIRIS_CACHE_DIR:?}"
work=$(mktemp -d)
# Another kind of file system lists a directory in another order.
elsewhere=$(mktemp -d -p /dev/shm 2> /dev/null || mktemp -d)
trap 'rm -rf "$work" "$elsewhere"' EXIT INT TERM
fail() { echo "reproducible_test: $*" >&2; exit 1; }
quietly() { "$@" > "$work/log" 2>&1 || { tail -n 50 "$work/log" >&2; fail "$* failed"; }; }
cached() { sed -n "s/^$1:[A-Z]*=//p" "$OSIRIS_BUILD_DIR/CMakeCache.txt"; }
same() { # same DIRECTORY DIRECTORY: the same names, and the same bytes in each
  (cd "$1" && sha256sum -- *) > "$work/first.sums"
  (cd "$2" && sha256sum -- *) > "$work/second.sums"
  [ "$(wc -l < "$work/first.sums")" = 3 ] || { cat "$work/first.sums" >&2; fail "there are not three packages"; }
  diff "$work/first.sums" "$work/second.sums" >&2 || fail "$1 and $2 differ"
}

export SOURCE_DATE_EPOCH=1700000000
(umask 022 && TMPDIR=$work TZ=UTC LC_ALL=C quietly "$OSIRIS_SOURCE_DIR/scripts/package.sh" "$OSIRIS_BUILD_DIR" "$work/first")
mkdir "$elsewhere/temporary files"
(cd "$work" && umask 077 &&
  TMPDIR="$elsewhere/temporary files" TZ=Pacific/Auckland LC_ALL=C.UTF-8 GZIP=-1 ZSTD_CLEVEL=3 TAR_OPTIONS=--format=pax \
    quietly "$OSIRIS_SOURCE_DIR/scripts/package.sh" "$OSIRIS_BUILD_DIR" "second of two")
same "$work/first" "$work/second of two"

# Nothing in them speaks of when or by whom they were made.
for deb in "$work"/first/*.deb; do
  TZ=UTC dpkg-deb --fsys-tarfile "$deb" | TZ=UTC tar -tv --full-time > "$work/listing"
  [ "$(wc -l < "$work/listing")" -gt 10 ] || fail "$deb is nearly empty"
  ! grep -v ' root/root .* 2023-11-14 22:13:20 ' "$work/listing" >&2 || fail "$deb has another owner or time"
done
zstd -dc "$work"/first/*.tar.zst | TZ=UTC tar -tv --full-time > "$work/listing"
! grep -v ' root/root .* 2023-11-14 22:13:20 ' "$work/listing" >&2 || fail "the tarball has another owner or time"

[ $# -gt 0 ] || exit 0
[ "$1" = --rebuild ] || fail "unknown option $1"
copy="$work/a longer path/of the same files"
mkdir -p "$copy"
(cd "$OSIRIS_SOURCE_DIR" && git -c "safe.directory=$OSIRIS_SOURCE_DIR" ls-files -z | tar --null --files-from=- -cf -) | tar -xf - -C "$copy"
commit=$("$OSIRIS_BUILD_DIR/bin/osiris" --version | sed -n 's/^commit *//p')
tag=$("$OSIRIS_BUILD_DIR/bin/osiris" --version | sed -n 's/^tag *//p')
quietly cmake -S "$copy" -B "$copy/build/there" -G Ninja "-DCMAKE_INSTALL_PREFIX=$(cached CMAKE_INSTALL_PREFIX)" \
  "-DCMAKE_BUILD_TYPE=$(cached CMAKE_BUILD_TYPE)" "-DCMAKE_C_COMPILER=$(cached CMAKE_C_COMPILER)" "-DCMAKE_CXX_COMPILER=$(cached CMAKE_CXX_COMPILER)" \
  "-DOSIRIS_WERROR=$(cached OSIRIS_WERROR)" "-DOSIRIS_CACHE_DIR=$OSIRIS_CACHE_DIR" "-DOSIRIS_COMMIT=$commit" "-DOSIRIS_TAG=$tag" -DOSIRIS_BUILD_TESTS=OFF
quietly cmake --build "$copy/build/there" -j 2 --target osiris_installed
quietly "$copy/scripts/package.sh" "$copy/build/there" "$work/rebuilt"
same "$work/first" "$work/rebuilt"
