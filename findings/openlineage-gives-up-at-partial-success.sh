#!/usr/bin/env bash
# openlineage-dbt 1.54.0, dbt-core 1.11.16, dbt-duckdb 1.11.1
#
# Expected: a run in which a model fails is told: FAIL for that model and the run, COMPLETE for the models that were built.
# Seen: a microbatch model of which one batch failed has dbt's status "partial success", which the wrapper does not know: it
# ends in a ValueError before it has sent anything, so the whole run has no lineage, the START of the run included.
# Output:
#   all batches well: exit code 0; 6 events
#   one batch failed: exit code 1; 0 events; Run status was partial success, should be in ['success', 'skipped', 'error']

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
environment "${dbt_on_duckdb[@]}" openlineage-dbt==1.54.0 openlineage-integration-common==1.54.0 openlineage-python==1.54.0
dbt_project
export OPENLINEAGE__TRANSPORT__TYPE=file OPENLINEAGE__TRANSPORT__LOG_FILE_PATH=$folder/events.jsonl OPENLINEAGE__TRANSPORT__APPEND=true

cat >models/events.sql <<'SQL'
{{ config(materialized='table', event_time='happened_at') }}
select 1 as day, timestamp '2026-01-01 12:00' as happened_at union all select 2, timestamp '2026-01-02 12:00'
SQL
cat >models/daily.sql <<'SQL'
{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='happened_at', batch_size='day',
          begin='2026-01-01') }}
select *, {{ "error('out of memory')" if var('fails', false) and model.batch.event_time_start.day == 2 else "'fine'" }} as word
from {{ ref('events') }}
SQL

build() {
  local code=0
  rm -f events.jsonl
  dbt-ol build --event-time-start 2026-01-01 --event-time-end 2026-01-03 "$@" >dbt.txt 2>&1 || code=$?
  echo "exit code $code; $(cat events.jsonl 2>/dev/null | wc --lines) events"
}

{
  echo "all batches well: $(build)"
  rm warehouse.duckdb
  echo "one batch failed: $(build --vars '{fails: true}'); $(grep --only-matching 'Run status was partial.*' dbt.txt)"
} | verdict
