#!/bin/bash
set -e
# Has a project of Python Osiris and knows its commands. Begins in that project.
osiris validate 01-csv-duckdb-csv.yaml
osiris oml validate 01-csv-duckdb-csv.yaml 06-params-profiles.yaml
osiris connections list
osiris components list
osiris compile 01-csv-duckdb-csv.yaml
osiris run --last-compile
osiris run 06-params-profiles.yaml -p prod --param region=EU
osiris logs list
osiris logs last
osiris runs list
# A command that is gone says what replaced it.
! osiris logs html 2> said
grep -q 'osiris report' said
osiris report -o first.html
osiris clean --dry-run
osiris schema --write
