#!/usr/bin/env bash
# dbt-core 1.11.16, dbt-adapters 1.24.5, dbt-duckdb 1.11.1
#
# Expected: a program parses once and hands the manifest to `dbtRunner(manifest=...)`, as dbt's page on programmatic
# invocations shows, to spare the parse of later commands. A command with `--target prod` builds in prod's schema.
# Seen: half of it is prod. Jinja in the models sees prod's `target`, but where a node is built was settled by the parse:
# the run succeeds, replaces dev's table, and fills it with what was meant for prod.
# Output:
#   success: True
#   tables:  dev.orders
#   in it:   built for prod in schema prod

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
environment "${dbt_on_duckdb[@]}"
dbt_project

echo "select 'built for {{ target.name }} in schema {{ target.schema }}' as words" >models/orders.sql
cat >run.py <<'PYTHON'
from dbt.cli.main import dbtRunner

manifest = dbtRunner().invoke(["--quiet", "parse", "--target", "dev"]).result
print(dbtRunner(manifest=manifest).invoke(["--quiet", "run", "--target", "prod"]).success)
PYTHON

{
  echo "success: $(python run.py)"
  echo "tables:  $(query "select table_schema || '.' || table_name from information_schema.tables")"
  echo "in it:   $(query 'select words from dev.orders')"
} | verdict
