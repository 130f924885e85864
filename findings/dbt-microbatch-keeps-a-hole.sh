#!/usr/bin/env bash
# dbt-core 1.11.16, dbt-adapters 1.24.5, dbt-duckdb 1.11.1
#
# Expected: a microbatch model whose first build failed in one batch is not green again before that batch has been built:
# a scheduler that repeats a failed `dbt build` repeats what failed.
# Seen: the first build says "partial success" and exits 1, but leaves its table. The second build takes that for an
# incremental model: it looks at the newest `lookback` batches alone, exits 0, and lets the models below run on a table
# that lacks a day. Only `dbt retry`, from the failed run's own run_results.json, would build it.
# Output:
#   first build: exit code 1; partial success; days 1 3 4; child: skipped
#   same again:  exit code 0; success; days 1 3 4; child: success

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
environment "${dbt_on_duckdb[@]}"
dbt_project

cat >models/events.sql <<'SQL'
{{ config(materialized='table', event_time='happened_at') }}
{% for day in [1, 2, 3, 4] %}
select {{ day }} as day, timestamp '2026-01-0{{ day }} 12:00' as happened_at {{ 'union all' if not loop.last }}
{% endfor %}
SQL
cat >models/daily.sql <<'SQL'
{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='happened_at', batch_size='day',
          begin='2026-01-01') }}
select *, {{ "error('out of memory')" if var('fails', false) and model.batch.event_time_start.day == 2 else "'fine'" }} as word
from {{ ref('events') }}
SQL
echo "select * from {{ ref('daily') }}" >models/child.sql

told() {
  python -c 'import json
results = {result["unique_id"]: result["status"] for result in json.load(open("target/run_results.json"))["results"]}
print("{}; days {}; child: {}".format(results["model.shop.daily"], "'"$(query 'select string_agg(day, chr(32) order by day) from dev.daily')"'", results["model.shop.child"]))'
}

{
  # The window only keeps the first build short: without it, it has a batch for each day since `begin`.
  echo "first build: $(dbt_ends build --vars '{fails: true}' --event-time-start 2026-01-01 --event-time-end 2026-01-05); $(told)"
  echo "same again:  $(dbt_ends build); $(told)"
} | verdict
