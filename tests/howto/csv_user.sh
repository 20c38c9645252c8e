#!/bin/bash
set -e
# Has a CSV file and wants totals, never saw osiris. Begins in an empty directory with sales.csv beside it.
osiris doctor
osiris init shop
cd shop
cp ../sales.csv data/
osiris components list
osiris components show filesystem.csv_extractor
cat > pipelines/sales.yaml <<'END'
oml_version: "0.1.0"
name: sales
steps:
  - id: sales
    component: filesystem.csv_extractor
    mode: read
    config: {path: data/sales.csv}
  - id: totals
    component: duckdb.processor
    mode: transform
    needs: [sales]
    config:
      query: SELECT region, sum(amount) AS total FROM df_sales GROUP BY regoin ORDER BY region
  - id: save
    component: filesystem.csv_writer
    mode: write
    needs: [totals]
    config: {path: output/totals.csv, column_order: query}
END
# A slip, found before anything runs.
! osiris validate pipelines/sales.yaml 2> said
grep -q 'pipelines/sales.yaml:13:.*error' said
osiris explain sql_error
sed -i 's/regoin/region/' pipelines/sales.yaml
osiris validate pipelines/sales.yaml --strict
osiris run pipelines/sales.yaml --dry-run
osiris run pipelines/sales.yaml
cat output/totals.csv
osiris graph pipelines/sales.yaml --format mermaid
osiris runs list
osiris logs last --events
osiris report -o sales.html
