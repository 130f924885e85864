"""### dental_month_end: the balances as of a month's last day

On the first of a month at 04:00 dbt builds the receivables report and all it is made from, on target `clinic`, with
ages counted to the last day of the month before. The day comes from the run's data interval and not from the clock, so
a month can be built again later, and months before the DAG existed can be filled in, one after the other:

```sh
airflow backfill create --dag-id dental_month_end --from-date 2026-01-01 --to-date 2026-04-30 --max-active-runs 1
```
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG, CronDataIntervalTimetable

from podbt.airflow import DbtOperator, notifications

with DAG(
    dag_id="dental_month_end",
    schedule=CronDataIntervalTimetable("0 4 1 * *", timezone="UTC"),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "analytics", "retries": 2, "retry_delay": timedelta(minutes=5)},
    doc_md=__doc__,
    tags=["dbt", "dental", "backfill"],
    **notifications(),
):
    # [START month_end]
    DbtOperator(
        task_id="month_end",
        select="+mart_ar_summary",
        exclude="account_balances_equal_the_source",  # the source knows today's balances alone
        flags=["--indirect-selection", "buildable"],
        vars={"as_of_date": "{{ (data_interval_end - macros.timedelta(days=1)) | ds }}"},
        target="clinic",
    )
    # [END month_end]
