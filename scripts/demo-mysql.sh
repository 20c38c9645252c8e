#!/bin/sh
# make demo-mysql: the same from a real MariaDB server, started for it on a free loopback port and stopped after it.
set -eu
. "$(dirname "$0")/demo_common.sh"
enter_example 02-mysql-duckdb-csv mysql
{
  echo "CREATE DATABASE warehouse; CREATE USER report_reader@'%' IDENTIFIED BY 'demo-secret'; GRANT SELECT ON warehouse.* TO report_reader@'%';"
  echo "USE warehouse;"
  cat tables.sql
} >fill.sql
say "Starting MariaDB, filling it, running the pipeline, stopping it"
WAREHOUSE_DB_PASSWORD=demo-secret "$OSIRIS_BUILD_DIR/tests/osiris-mariadb" --sql fill.sql -- \
  sh -c 'WAREHOUSE_DB_HOST=$MARIADB_HOST WAREHOUSE_DB_PORT=$MARIADB_PORT exec osiris run pipeline.yaml'
show_result
