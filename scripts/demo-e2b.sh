#!/bin/sh
# make demo-e2b: the same pipeline in a sandbox of the local E2B server. No account, no network.
set -eu
. "$(dirname "$0")/demo_common.sh"
enter_example 01-csv-duckdb-csv e2b
say "Starting the local E2B server"
key=e2b_0123456789abcdef0123456789abcdef01234567
osiris-e2b-server --listen 127.0.0.1:0 --api-key "$key" --data "$project/.e2b" >server.json 2>server.log &
server=$!
trap 'kill $server 2>/dev/null || true; wait $server 2>/dev/null || true' EXIT INT TERM
tries=0
until [ -s server.json ]; do
  tries=$((tries + 1))
  [ $tries -lt 100 ] || { cat server.log >&2; exit 1; }
  sleep 0.1
done
url=$(sed -n 's/.*"url":"\([^"]*\)".*/\1/p' server.json)
echo "    $url"
say "The run, in a sandbox"
E2B_API_KEY=$key osiris run pipeline.yaml --e2b --e2b-api-url "$url" --e2b-sandbox-url "$url"
say "What is left on the server"
E2B_API_KEY=$key OSIRIS_E2B_API_URL=$url OSIRIS_E2B_SANDBOX_URL=$url osiris resources list --adapter e2b
show_result
