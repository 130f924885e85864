#!/usr/bin/env bash
# dbt-core 1.11.16, dbt-adapters 1.24.5, dbt-duckdb 1.11.1
#
# Expected: `dbt retry --target prod` runs against prod, or refuses: the option stands in `dbt retry --help`.
# Seen: it is taken without a word, and the models are built in the target of the failed run. Retry takes nearly all of its
# options out of run_results.json, and of those on its own command line lets few but `--vars` and `--threads` win.
# Output:
#   help:  -t, --target TEXT
#   retry: exit code 0
#   built: dev.orders

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
environment "${dbt_on_duckdb[@]}"
dbt_project

echo "select {{ '1' if env_var('MENDED', '') else 'no_such_column' }} as id" >models/orders.sql
dbt_ends run --target dev >/dev/null
export MENDED=1

{
  echo "help:  $(dbt retry --help | grep --only-matching -- '-t, --target TEXT')"
  echo "retry: $(dbt_ends retry --target prod)"
  echo "built: $(query "select table_schema || '.' || table_name from information_schema.tables")"
} | verdict
