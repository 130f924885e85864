#!/usr/bin/env bash
# dbt-core 1.11.16, dbt-adapters 1.24.5, dbt-duckdb 1.11.1
#
# Expected: `dbt retry` compiles a model with the variables of the run that it repeats.
# Seen: `--vars 'day: 2026-01-31'` is YAML, so the first run has a date, and a model may count with it. run_results.json
# keeps the variables as JSON, so the retry has text: the same project, mended, now fails while it compiles, and a model
# that asks `var('day') is string` builds something else.
# Output:
#   run:   exit code 1; select '2026-02-01' as next_day
#   retry: exit code 2; can only concatenate str (not "datetime.timedelta") to str

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
environment "${dbt_on_duckdb[@]}"
dbt_project

cat >models/orders.sql <<'SQL'
select '{{ var('day') + modules.datetime.timedelta(days=1) }}' as next_day{{ '' if env_var('MENDED', '') else ', no_such_column' }}
SQL

{
  echo "run:   $(dbt_ends run --vars 'day: 2026-01-31'); $(grep --only-matching "select '.*' as next_day" target/compiled/shop/models/orders.sql)"
  export MENDED=1
  echo "retry: $(dbt_ends retry); $(grep --only-matching --max-count=1 'can only concatenate .*' dbt.txt)"
} | verdict
