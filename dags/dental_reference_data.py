"""### dental_reference_data: what rarely changes, once a week

On Sundays at 04:30 dbt builds, on target `prod`, vendor lists, staff, clinics, codes and fee schedules. Run it once by
hand before the first `dental_daily_refresh`, which stands on it.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG

from podbt.airflow import DbtOperator, notifications

with DAG(
    dag_id="dental_reference_data",
    schedule="30 4 * * 0",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "analytics", "retries": 2, "retry_delay": timedelta(minutes=5)},
    doc_md=__doc__,
    tags=["dbt", "dental"],
    **notifications(),
):
    DbtOperator(
        task_id="reference_data",
        selector="reference_data",
        target="prod",
    )
