#!/bin/sh
# package.sh BUILD_DIR OUTPUT_DIR: the packages of what is built there: osiris and osiris-dev for Debian, and a tarball of both that runs
# from wherever it is unpacked. One build gives the same bytes whenever, wherever and by whichever user it is packed: every file has one
# time (SOURCE_DATE_EPOCH, else that of the commit), one of two modes, root as its owner, and its place by name.
set -eu
[ $# = 2 ] || { echo "usage: package.sh BUILD_DIR OUTPUT_DIR" >&2; exit 2; }
source=$(cd "$(dirname "$0")/.." && pwd)
build=$(cd "$1" && pwd)
mkdir -p "$2"
output=$(cd "$2" && pwd)
umask 022
export LC_ALL=C TZ=UTC
unset TAR_OPTIONS ZSTD_CLEVEL ZSTD_NBTHREADS DPKG_DEB_COMPRESSOR_TYPE DPKG_DEB_COMPRESSOR_LEVEL DPKG_DEB_THREADS_MAX
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT INT TERM

# The files of an archive made by git have the time of their commit.
if [ -z "${SOURCE_DATE_EPOCH:-}" ] && [ -e "$source/.git" ]; then
  SOURCE_DATE_EPOCH=$(git -c "safe.directory=$source" -C "$source" log -1 --format=%ct)
elif [ -z "${SOURCE_DATE_EPOCH:-}" ]; then
  SOURCE_DATE_EPOCH=$(stat -c %Y "$source/cmake/commit.txt")
fi
export SOURCE_DATE_EPOCH

settle() { # settle TREE: modes and times
  find "$1" -type d -exec chmod 00755 {} +
  find "$1" -type f -perm -u+x -exec chmod 00755 {} +
  find "$1" -type f ! -perm -u+x -exec chmod 00644 {} +
  find "$1" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
}
field() { sed -n "s/^$1: //p" "$2"; }

component() { # component PACKAGE COMPONENT
  cmake --install "$build" --prefix "$stage/$1/usr" --component "$2" --strip > "$stage/log" 2>&1 || { cat "$stage/log" >&2; exit 1; }
}
component osiris Unspecified
component osiris-dev sdk

# The tarball holds both.
version=$(field Version "$build/package/osiris.control")
name=osiris-$version-linux-amd64
mkdir "$stage/$name"
cp -R "$stage/osiris/usr/." "$stage/osiris-dev/usr/." "$stage/$name"
settle "$stage/$name"
tar --create --directory "$stage" --sort=name --format=gnu --owner=root:0 --group=root:0 --file "$stage/$name.tar" "$name"
zstd --quiet --force -9 -T1 "$stage/$name.tar" -o "$output/$name.tar.zst"
rm -rf "$stage/$name" "$stage/$name.tar"

# Two packages cannot own one file: the pages of osiris-dev have a directory of their own.
documents=$(cd "$stage/osiris-dev/usr" && find . -type d -path '*/doc/osiris')
mv "$stage/osiris-dev/usr/$documents" "$stage/osiris-dev/usr/$documents-dev"
cp "$stage/osiris/usr/$documents/copyright" "$stage/osiris-dev/usr/$documents-dev/"

for package in osiris osiris-dev; do
  tree=$stage/$package
  kib=$(find "$tree" -printf '%y %s\n' | awk '{ sum += $1 == "f" ? int(($2 + 1023) / 1024) : 1 } END { print sum }')
  mkdir "$tree/DEBIAN"
  (cd "$tree" && find usr -type f -print0 | sort -z | xargs -0 md5sum) > "$stage/md5sums"
  mv "$stage/md5sums" "$tree/DEBIAN/md5sums"
  sed "/^Maintainer: /a Installed-Size: $kib" "$build/package/$package.control" > "$tree/DEBIAN/control"
  settle "$tree"
  dpkg-deb --root-owner-group --threads-max=1 -Zzstd -z9 --build "$tree" "$output/${package}_${version}_amd64.deb" > "$stage/log" 2>&1 ||
    { cat "$stage/log" >&2; exit 1; }
done
