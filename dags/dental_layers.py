"""### dental_layers: one layer after the other, on Saturdays

Builds everything on target `prod` in three steps: staging with the seeds, then the intermediate models with the
snapshots, then the marts. Each step runs the tests that it can, so a layer that is wrong stops the next one, and
clearing a failed layer repeats neither those before it nor the whole night.

It writes the same tables as `dental_nightly`. Should they meet, one waits for the other.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG, chain

from podbt.airflow import DbtOperator, notifications

with DAG(
    dag_id="dental_layers",
    schedule="30 3 * * 6",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "analytics", "retries": 2, "retry_delay": timedelta(minutes=5)},
    doc_md=__doc__,
    tags=["dbt", "dental"],
    **notifications(),
):
    chain(
        DbtOperator(task_id="staging", selector="staging_only", target="prod"),
        DbtOperator(
            task_id="intermediate",
            selector="intermediate_only",
            target="prod",
        ),
        DbtOperator(task_id="marts", selector="marts_only", target="prod"),
    )
