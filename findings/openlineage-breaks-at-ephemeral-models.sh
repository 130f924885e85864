#!/usr/bin/env bash
# openlineage-dbt 1.54.0, dbt-core 1.11.16, dbt-duckdb 1.11.1
#
# Expected: the events of `dbt-ol build` lead from a mart to what it is made of, as the database has it.
# Seen: an ephemeral model is named as an input table, which does not exist in the database; the table that it reads is
# nobody's input, so the path from the mart ends in nothing. A seed has no event, and whoever reads it has no input.
# Output:
#   tables and views: country, mart, staging
#   staging reads:    nothing
#   mart reads:       warehouse.dev.between

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
environment "${dbt_on_duckdb[@]}" openlineage-dbt==1.54.0 openlineage-integration-common==1.54.0 openlineage-python==1.54.0
dbt_project
export OPENLINEAGE__TRANSPORT__TYPE=file OPENLINEAGE__TRANSPORT__LOG_FILE_PATH=$folder/events.jsonl OPENLINEAGE__TRANSPORT__APPEND=true

mkdir seeds
printf '%s\n' id 1 >seeds/country.csv
echo "select * from {{ ref('country') }}" >models/staging.sql
echo "{{ config(materialized='ephemeral') }} select * from {{ ref('staging') }}" >models/between.sql
echo "select * from {{ ref('between') }}" >models/mart.sql
dbt-ol build >dbt.txt 2>&1

cat >reads.py <<'PYTHON'
import json, sys

for line in open("events.jsonl"):
    event = json.loads(line)
    if event["eventType"] == "COMPLETE" and event["job"]["name"].endswith(f"shop.{sys.argv[1]}.build.run"):
        print(", ".join(one["name"] for one in event["inputs"]) or "nothing")
PYTHON

{
  echo "tables and views: $(query "select string_agg(table_name, ', ' order by table_name) from information_schema.tables")"
  echo "staging reads:    $(python reads.py staging)"
  echo "mart reads:       $(python reads.py mart)"
} | verdict
