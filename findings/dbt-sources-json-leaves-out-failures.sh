#!/usr/bin/env bash
# dbt-core 1.11.16, dbt-adapters 1.24.5, dbt-duckdb 1.11.1
#
# Expected: `dbt source freshness` writes a result for each source that it asked about. The schema of sources.json has a
# form for one that could not be asked: unique_id, error, and the status "runtime error".
# Seen: no such entry is ever written. A source whose table is gone, or that the user may not read, is missing from
# sources.json as if nobody had asked; every source that is left may be "pass". Who decides by the file and not by the exit
# code, which is 1 for a stale source as well, builds on it.
# Output:
#   exit code 1
#   asked: shop.raw.gone, shop.raw.orders
#   told:  orders pass

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
environment "${dbt_on_duckdb[@]}"
dbt_project

cat >models/sources.yml <<'YAML'
sources:
  - name: raw
    schema: main
    config:
      loaded_at_field: loaded_at
      freshness: {warn_after: {count: 1, period: day}}
    tables: [{name: orders}, {name: gone}]
YAML
query "create table main.orders as select now() as loaded_at" >/dev/null

{
  dbt_ends source freshness
  echo "asked: $(dbt --quiet list --resource-type source | sed 's/^source://' | sort | paste --serial --delimiters=, | sed 's/,/, /g')"
  echo "told:  $(python -c 'import json
for result in json.load(open("target/sources.json"))["results"]: print(result["unique_id"].split(".")[-1], result["status"])')"
} | verdict
