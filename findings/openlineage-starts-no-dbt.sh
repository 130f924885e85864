#!/usr/bin/env bash
# openlineage-dbt 1.54.0, dbt-core 1.11.16, dbt-duckdb 1.11.1
#
# Expected: `dbt-ol` is dbt with lineage: it runs the command, and ends with dbt's exit code. What it can say nothing about
# it runs all the same, as it does without `--consume-structured-logs`.
# Seen: with `--consume-structured-logs`, a command that it does not know (source freshness, compile, docs, run-operation)
# is not started at all. It logs an error and ends with 0, so a freshness gate is always green.
# Output:
#   dbt source freshness:                             exit code 1, dbt ran
#   dbt-ol source freshness:                          exit code 1, dbt ran
#   dbt-ol --consume-structured-logs source freshness: exit code 0, dbt did not run

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
environment "${dbt_on_duckdb[@]}" openlineage-dbt==1.54.0 openlineage-integration-common==1.54.0 openlineage-python==1.54.0
dbt_project
export OPENLINEAGE__TRANSPORT__TYPE=file OPENLINEAGE__TRANSPORT__LOG_FILE_PATH=$folder/events.jsonl OPENLINEAGE__TRANSPORT__APPEND=true

cat >models/sources.yml <<'YAML'
sources:
  - name: raw
    schema: main
    config:
      loaded_at_field: loaded_at
      freshness: {error_after: {count: 1, period: day}}
    tables: [{name: orders}]
YAML
query "create table main.orders as select timestamp '2020-01-01' as loaded_at" >/dev/null

ends() {
  local code=0
  rm -f target/sources.json
  "$@" >dbt.txt 2>&1 || code=$?
  echo "exit code $code, dbt $([ -f target/sources.json ] && echo ran || echo did not run)"
}

{
  echo "dbt source freshness:                             $(ends dbt source freshness)"
  echo "dbt-ol source freshness:                          $(ends dbt-ol source freshness)"
  echo "dbt-ol --consume-structured-logs source freshness: $(ends dbt-ol --consume-structured-logs source freshness)"
} | verdict
