#!/usr/bin/env bash
# dbt-core 1.11.16, dbt-adapters 1.24.5, dbt-duckdb 1.11.1
#
# Expected: `dbt retry` runs what the last command did not get done. A run that failed in its on-run-end hook (a grant, an
# audit row) is retried by running that hook; at least it does not become a success without it.
# Seen: run_results.json has the hook with the status "error", and retry takes its work from there, but it looks for nodes
# alone. It says "Nothing to do", exits 0, and the hook has never run. To a scheduler the run is mended.
# Output:
#   run:   exit code 1; hooks that ran: 0
#   retry: exit code 0; hooks that ran: 0
#   Nothing to do. Try checking your model configs and model specification args

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
environment "${dbt_on_duckdb[@]}"
dbt_project

echo "select 1 as id" >models/orders.sql
cat >>dbt_project.yml <<'YAML'
on-run-start: ["create table if not exists audit (run_at timestamp)"]
on-run-end: ["insert into {{ 'audit' if env_var('MENDED', '') else 'no_such_table' }} values (now()::timestamp)"]
YAML

{
  echo "run:   $(dbt_ends run); hooks that ran: $(query 'select count(*) from audit')"
  export MENDED=1
  echo "retry: $(dbt_ends retry); hooks that ran: $(query 'select count(*) from audit')"
  grep --only-matching 'Nothing to do.*' dbt.txt
} | verdict
