"""### dental_daily_critical: what the practice opens first

On weekdays at 05:15 dbt builds, on target `prod`, the reports of the morning and all they are made from, and nothing
else: where the night failed or took too long, this is what the day needs at least. It needs nothing to have run before.
Not being done by 06:00 is told as late.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG

from podbt.airflow import DbtOperator, notifications

with DAG(
    dag_id="dental_daily_critical",
    schedule="15 5 * * 1-5",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "analytics", "retries": 2, "retry_delay": timedelta(minutes=5)},
    doc_md=__doc__,
    tags=["dbt", "dental", "critical"],
    **notifications(late_after=timedelta(minutes=45)),
):
    DbtOperator(
        task_id="daily_critical",
        selector="daily_critical",
        target="prod",
    )
