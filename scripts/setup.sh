#!/bin/sh
# setup.sh demo|all|bench|docs...: installs what is missing of what osiris needs on Debian 12 to be built for a first look
# (cmake/apt-packages.txt), to be built and tested (apt-packages-tests.txt too), to be measured beside plain clients
# (apt-packages-bench.txt too), or to make a site of docs/ (apt-packages-docs.txt too).
# Nothing else. Quick when nothing is missing. No service is started.
set -eu
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- all
lists=cmake/apt-packages.txt
for group in "$@"; do
  case $group in
    demo) ;;
    all) lists="$lists cmake/apt-packages-tests.txt" ;;
    bench) lists="$lists cmake/apt-packages-bench.txt" ;;
    docs) lists="$lists cmake/apt-packages-docs.txt" ;;
    *) echo "usage: setup.sh demo|all|bench|docs..." >&2; exit 2 ;;
  esac
done

is_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

missing=""
# A second word on a line is a command that makes the package unnecessary when it is there already.
for list in $lists; do while read -r package command; do
  [ -n "$package" ] || continue
  if [ -n "$command" ] && command -v "$command" >/dev/null 2>&1; then continue; fi
  is_installed "$package" || missing="$missing $package"
done <"$list"; done
[ -n "$missing" ] || exit 0

apt="apt-get install -y --no-install-recommends$missing"
. /etc/os-release
if [ "${ID:-}" != debian ] || [ "${VERSION_ID:-}" != 12 ] || [ "$(uname -m)" != x86_64 ]; then
  echo "osiris builds on Debian 12 amd64; this is ${PRETTY_NAME:-unknown} $(uname -m). There, this line installs what is missing:" >&2
  echo "  $apt" >&2
  exit 2
fi
if [ "$(id -u)" = 0 ]; then
  as_root=""
elif command -v sudo >/dev/null 2>&1 && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then  # at a terminal it may ask
  as_root="sudo"
else
  echo "Packages are missing and this user may not install them. As root, run:" >&2
  echo "  apt-get update && $apt" >&2
  exit 2
fi

# Some packages bring a service; tests start their own servers, so none may start on its own.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  printf '#!/bin/sh\nexit 101\n' | $as_root tee $policy >/dev/null
  $as_root chmod 755 $policy
  trap '$as_root rm -f $policy' EXIT INT TERM
fi
echo "Installing:$missing"
# shellcheck disable=SC2086  # word splitting is meant
$as_root env DEBIAN_FRONTEND=noninteractive sh -c "apt-get update -qq && $apt >/dev/null"
