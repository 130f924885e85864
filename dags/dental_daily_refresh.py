"""### dental_daily_refresh: everything that moves, in the morning

At 06:00 dbt builds, on target `prod`, everything but the reference data, which `dental_reference_data` brings once a
week. Together the two cover every model and test. They write no table in common, and on Sundays an hour lies between.
A morning that is not done by 07:00 is told as late.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG

from podbt.airflow import DbtOperator, notifications

with DAG(
    dag_id="dental_daily_refresh",
    schedule="0 6 * * *",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "analytics", "retries": 2, "retry_delay": timedelta(minutes=5)},
    doc_md=__doc__,
    tags=["dbt", "dental"],
    **notifications(late_after=timedelta(hours=1)),
):
    DbtOperator(task_id="daily_refresh", selector="daily_refresh", target="prod")
