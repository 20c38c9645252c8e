#!/bin/sh
# try_package.sh deb|tarball FILE BUILT_FROM [OSIRIS_DEV]: what a user does with a package, inside a bare root (package_test.sh). A
# tarball has been unpacked into /opt already and holds what is in both packages.
set -eu
kind=$1 file=$2 built_from=$3 dev=${4:-}
fail() { echo "try_package: $*" >&2; exit 1; }
now_ms() { echo $(($(date +%s%N) / 1000000)); }
for compiler in cc gcc c++ python3 curl; do
  ! command -v $compiler > /dev/null || fail "this root is not bare: it has $compiler"
done
mkdir /root/try
cd /root/try
begun=$(now_ms)
if [ "$kind" = deb ]; then
  dpkg -i "$file" > install.log 2>&1 || { cat install.log >&2; fail "dpkg -i failed"; }
  prefix=/usr
else
  mv "/opt/a place"/* /root/try/moved  # it does not remember where it was unpacked
  prefix=/root/try/moved
  export PATH="$prefix/bin:$PATH"
fi
installed=$(now_ms)
cp -R "$prefix/share/osiris/examples/01-csv-duckdb-csv" project
cd project
osiris run pipeline.yaml > ../local.log 2>&1 || { cat ../local.log >&2; fail "the local run failed"; }
diff -r expected/out out || fail "the local run made something else"
done_ms=$(now_ms)
seconds() { echo "$(($1 / 1000)).$(($1 / 100 % 10))$(($1 / 10 % 10)) s"; }
echo "$kind: installed after $(seconds $((installed - begun))), first result after $(seconds $((done_ms - begun)))"
rm -rf out

osiris --version | grep -E '^(commit|ABI|worker)' > ../version
osiris --version --json | grep -q '"linkage": *"static"' || fail "--version --json does not say it"
osiris --version | grep -q 'static: it runs' || fail "the worker is not said to be static"
[ "$(wc -l < ../version)" = 3 ] || { osiris --version >&2; fail "--version does not say all"; }
osiris-e2b-server --listen 127.0.0.1:0 --api-key e2b_00 --data /root/try/e2b > ../ready.json 2> ../server.log &
server=$!
tries=0
until [ -s ../ready.json ]; do
  tries=$((tries + 1))
  [ $tries -lt 600 ] || { cat ../server.log >&2; fail "the server did not become ready"; }
  sleep 0.1
done
url=$(sed -n 's/.*"url":"\([^"]*\)".*/\1/p' ../ready.json)
E2B_API_KEY=e2b_00 OSIRIS_E2B_API_URL=$url OSIRIS_E2B_SANDBOX_URL=$url osiris run pipeline.yaml --e2b > ../remote.log 2>&1 ||
  { cat ../remote.log >&2; fail "the run in a sandbox failed"; }
diff -r expected/out out || fail "the run in a sandbox made something else"
grep -q e2b ../remote.log || fail "it did not run in a sandbox"
kill -TERM $server
wait $server || fail "the server ended with $?"

# Of the user's shell, and of man.
for page in share/man/man1/osiris.1 share/man/man1/osiris-run.1 share/bash-completion/completions/osiris \
    share/zsh/vendor-completions/_osiris share/fish/vendor_completions.d/osiris.fish; do
  [ -s "$prefix/$page" ] || fail "$page is not in the package"
done
bash -c "source $prefix/share/bash-completion/completions/osiris; complete -p osiris" > ../complete || fail "bash does not complete words of osiris"

# For authors of adapters: the templates and the check come with osiris-dev.
if [ -n "$dev" ]; then
  ! osiris adapters new far > ../new.log 2>&1 || fail "a template is in the package osiris"
  grep -q 'osiris-dev' ../new.log || { cat ../new.log >&2; fail "osiris-dev is not named"; }
  dpkg -i "$dev" > ../dev.log 2>&1 || { cat ../dev.log >&2; fail "dpkg -i $dev failed"; }
fi
osiris adapters new far > ../new.log 2>&1 || { cat ../new.log >&2; fail "there is no template"; }
osiris-adapter-check "$(find $prefix/lib/osiris -name local.so)" --only 'life.*' > ../check.log 2>&1 || { cat ../check.log >&2; fail "the check fails"; }

# What was built in /somewhere/osiris must not say so.
if [ "$kind" = deb ]; then
  dpkg -L osiris osiris-dev | while read -r path; do [ ! -f "$path" ] || echo "$path"; done > ../files
else
  find $prefix -type f > ../files
fi
[ "$(wc -l < ../files)" -gt 20 ] || fail "the package is nearly empty"
while read -r path; do
  ! grep -q -F "$built_from" "$path" || fail "$path names the directory it was built in"
done < ../files

cd /
if [ "$kind" = deb ]; then
  dpkg --purge osiris-dev osiris > /root/try/purge.log 2>&1 || { cat /root/try/purge.log >&2; fail "dpkg --purge failed"; }
else
  rmdir "/opt/a place"
fi
rm -rf /root/try /root/.local /root/.cache /root/.config
