"""### dental_nightly: the whole project, every night

At 02:00 dbt checks how fresh the practice's replicated tables are, then builds everything on target `prod`: seeds,
snapshots, models and their tests, in dbt's order. A source that is older than its `error_after` stops the night
before anything is built on it.

A failed step is tried twice more, five minutes apart, unless trying again cannot help (a refused login, a missing
Secret, a project that does not compile). Missed nights are not caught up, and no two runs overlap. Where notifications
are on, a night that is not done by 05:00 is told as late.

Where it runs (image, namespace, resources) is in podbt's settings, not here.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG, chain

from podbt.airflow import DbtOperator, notifications

with DAG(
    dag_id="dental_nightly",
    schedule="0 2 * * *",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "analytics", "retries": 2, "retry_delay": timedelta(minutes=5)},
    doc_md=__doc__,
    tags=["dbt", "dental"],
    **notifications(late_after=timedelta(hours=3)),
):
    # [START nightly]
    chain(
        DbtOperator(task_id="source_freshness", command="source freshness", target="prod"),
        DbtOperator(task_id="build", command="build", target="prod"),
    )
    # [END nightly]
