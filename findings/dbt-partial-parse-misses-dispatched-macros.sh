#!/usr/bin/env bash
# dbt-core 1.11.16, dbt-adapters 1.24.5, dbt-duckdb 1.11.1
#
# Expected: a partial parse gives the manifest that a full parse would give.
# Seen: `generate_schema_name` and its like call an implementation by adapter: duckdb__..., else default__.... A project
# that gets one of its own, or edits it, keeps the schemas that it had until something else makes dbt parse in full. The
# developer, whose target/ is kept, goes on building in the old schema; CI, from a fresh checkout of the same commit, in the
# new one. A project's own `generate_schema_name`, without the prefix, is noticed.
# Output:
#   before:                        dev
#   with duckdb__..., partial:     dev
#   with duckdb__..., full parse:  new_dev
#   edited, partial:               new_dev
#   edited, full parse:            newer_dev

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
environment "${dbt_on_duckdb[@]}"
dbt_project

schema() {
  dbt --quiet list "$@" --output json --output-keys schema | sed 's/.*: "\(.*\)"}/\1/'
}

macro() {
  echo "{% macro duckdb__generate_schema_name(custom_schema_name, node) %}$1_{{ target.schema }}{% endmacro %}" >macros/schema.sql
}

echo "select 1 as id" >models/orders.sql
mkdir macros

{
  echo "before:                        $(schema)"
  macro new
  echo "with duckdb__..., partial:     $(schema)"
  echo "with duckdb__..., full parse:  $(schema --no-partial-parse)"
  macro newer
  echo "edited, partial:               $(schema)"
  echo "edited, full parse:            $(schema --no-partial-parse)"
} | verdict
