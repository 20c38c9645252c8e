#!/bin/sh
# package_test.sh [DIRECTORY]: makes the packages, or takes those in DIRECTORY (`make release`), and gives each to a bare Debian:
# debootstrap's smallest root, no compiler, no package source, no network. There it runs the demo pipeline here and in a sandbox of the
# local E2B server, is removed again, and leaves nothing.
# The bare root is made once per machine, from the package source that the machine's own apt uses.
set -eu
: "${OSIRIS_BUILD_DIR:?}" "${OSIRIS_SOURCE_DIR:?}" "${OSIRIS_CACHE_DIR:?}"
here=$OSIRIS_SOURCE_DIR/tests/install
fail() { echo "package_test: $*" >&2; exit 1; }
lacking() { # the machine lacks something: a skip, but not where nothing may skip
  [ "${CI:-}" != true ] || fail "$*"
  echo "skipped: $*"
  exit 77
}
[ "$(id -u)" = 0 ] || lacking "only root can make a bare root"
PATH=$PATH:/usr/sbin:/sbin
command -v debootstrap > /dev/null || lacking "debootstrap is not installed"
unshare --mount --net --pid --fork true 2> /dev/null || lacking "no namespaces here"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM

packages=${1:-$work/packages}
[ $# = 1 ] || "$OSIRIS_SOURCE_DIR/scripts/package.sh" "$OSIRIS_BUILD_DIR" "$packages" || fail "package.sh failed"
only() { # only PATTERN: the one file of that name
  found=$(find "$packages" -maxdepth 1 -name "$1")
  [ -f "$found" ] || { ls "$packages" >&2; fail "not one $1"; }
  echo "$found"
}
deb=$(only 'osiris_*_amd64.deb') dev=$(only 'osiris-dev_*_amd64.deb') tarball=$(only 'osiris-*-linux-amd64.tar.zst')

. /etc/os-release
bare=$OSIRIS_CACHE_DIR/bare-$VERSION_CODENAME
(
  flock 9
  if [ ! -d "$bare" ]; then
    mirror=$(apt-get indextargets --format '$(CODENAME) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' | sed -n "s/^$VERSION_CODENAME main //p" | head -n 1)
    [ -n "$mirror" ] || fail "apt names no source of $VERSION_CODENAME main"
    rm -rf "$bare.new"
    debootstrap --variant=minbase "$VERSION_CODENAME" "$bare.new" "$mirror" > "$work/debootstrap.log" 2>&1 ||
      { tail -n 20 "$work/debootstrap.log" >&2; fail "debootstrap failed"; }
    rm -rf "$bare.new"/var/cache/apt/archives/*.deb "$bare.new"/var/lib/apt/lists/* "$bare.new"/etc/apt/sources.list*
    mv "$bare.new" "$bare"
  fi
) 9> "$bare.lock"

# in_bare_root ROOT COMMAND ...: as a container starts it, with its own root (not a chroot, where sandboxes could not be made), network
# (loopback only), processes and mounts.
in_bare_root() {
  root=$1
  shift
  unshare --mount --net --pid --fork --kill-child sh -c '
    set -eu
    ip link set lo up
    mount --make-rprivate /
    mount --bind "$1" "$1"
    cd "$1"
    mount -t proc proc proc
    mount --rbind /dev dev
    pivot_root . mnt
    shift
    exec chroot . sh -c "umount -l /mnt; cd /; exec \"\$@\"" sh env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
      HOME=/root LC_ALL=C.UTF-8 "$@"' sh "$root" "$@"
}
# Everything but what dpkg writes about itself.
listing() {
  (cd "$1" && find . -xdev \( -path ./proc -o -path ./dev -o -path ./tmp -o -path ./var/lib/dpkg -o -path ./var/log -o -path ./var/cache/debconf \) -prune -o \
    -type d -printf '%p %y %m\n' -o -printf '%p %y %m %s %l\n') | sort
}
attempt() { # attempt NAME FILE [FILE OF osiris-dev]
  root=$work/$1
  cp -a --reflink=auto "$bare" "$root"
  listing "$root" > "$work/before"
  cp "$here/try_package.sh" "$2" ${3:+"$3"} "$root/tmp/"
  if [ "$1" = tarball ]; then  # a bare Debian has no zstd; elsewhere the user who unpacks it names the place
    mkdir "$root/opt/a place"
    (cd "$root/opt/a place" && cmake -E tar xf "$root/tmp/${2##*/}")
  fi
  # Its own tests and sources are no part of it, nor is any path of this machine.
  in_bare_root "$root" sh /tmp/try_package.sh "$1" "/tmp/${2##*/}" "$OSIRIS_SOURCE_DIR" ${3:+"/tmp/${3##*/}"} || fail "$1: see above"
  listing "$root" > "$work/after"
  diff "$work/before" "$work/after" >&2 || fail "$1: something is left"
  rm -rf "$root"
}
attempt deb "$deb" "$dev"
attempt tarball "$tarball"
echo "$(basename "$deb"): $(($(stat -c %s "$deb") / 1000)) kB, $(dpkg-deb -f "$deb" Installed-Size) KiB installed; $(basename "$tarball"): $(($(stat -c %s "$tarball") / 1000)) kB"
for package in "$deb" "$dev"; do
  dpkg-deb -f "$package" Package Depends Recommends Suggests
  dpkg-deb -f "$package" Depends | grep -q 'libc6 (>= 2\.34)' || fail "$package does not say which C library it needs"
done
