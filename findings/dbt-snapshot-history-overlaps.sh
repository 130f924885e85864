#!/usr/bin/env bash
# dbt-core 1.11.16, dbt-adapters 1.24.5, dbt-duckdb 1.11.1
#
# Expected: the records of a snapshot's key follow each other: at any time one of them holds, so a join on
# `at >= dbt_valid_from and at < dbt_valid_to` finds at most one.
# Seen: a row that vanishes (a late file, a filtered replica) and comes back with its old `updated_at` breaks that, with the
# strategy "timestamp". Its new record begins at `updated_at`, so it overlaps the old one, and the time in which the row was
# gone has a row after all. With `hard_deletes: new_record` the record of the deletion also ends before it begins.
# Output:
#   invalidate: valid on 2026-06-01: 2 records; backwards: 0
#   new_record: valid on 2026-06-01: 2 records; backwards: 1

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
environment "${dbt_on_duckdb[@]}"
dbt_project

cat >models/orders.sql <<'SQL'
select 1 as id, timestamp '2026-01-01' as updated_at
union all
select 2, timestamp '2026-01-01' {{ 'where false' if var('gone', false) }}
SQL
mkdir snapshots
for mode in invalidate new_record; do
  cat >"snapshots/$mode.yml" <<YAML
snapshots:
  - name: by_$mode
    relation: ref('orders')
    config: {unique_key: id, strategy: timestamp, updated_at: updated_at, hard_deletes: $mode}
YAML
done

{
  dbt_ends build >/dev/null
  dbt_ends build --vars '{gone: true}' >/dev/null
  dbt_ends build >/dev/null
  for mode in invalidate new_record; do
    valid="timestamp '2026-06-01' >= dbt_valid_from and timestamp '2026-06-01' < coalesce(dbt_valid_to, 'infinity')"
    echo "$mode: valid on 2026-06-01: $(query "select count(*) from dev.by_$mode where id = 2 and $valid") records;" \
      "backwards: $(query "select count(*) from dev.by_$mode where dbt_valid_to < dbt_valid_from")"
  done
} | verdict
