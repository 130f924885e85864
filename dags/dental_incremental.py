"""### dental_incremental: the facts catch up during the day

On weekdays at 10:10, 12:10, 14:10 and 16:10 dbt runs the six incremental facts on target `prod`: they take the rows
that came since they last ran. They stand on staging and the intermediate models, which `dental_nightly` builds.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG

from podbt.airflow import DbtOperator, notifications

with DAG(
    dag_id="dental_incremental",
    schedule="10 10-16/2 * * 1-5",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "analytics", "retries": 2, "retry_delay": timedelta(minutes=5)},
    doc_md=__doc__,
    tags=["dbt", "dental"],
    **notifications(),
):
    DbtOperator(
        task_id="incremental",
        selector="incremental_only",
        target="prod",
    )
