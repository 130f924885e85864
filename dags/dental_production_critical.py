"""### dental_production_critical: do all promised tables still build?

Trigger it after `dental_smoke` has passed and before the new image meets the night: it builds all marts and whatever is
tagged daily, with their tests, on target `prod`. It stands on staging and the intermediate models, and is not retried.
"""

from datetime import UTC, datetime

from airflow.sdk import DAG

from podbt.airflow import DbtOperator, notifications

with DAG(
    dag_id="dental_production_critical",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "platform", "retries": 0},
    doc_md=__doc__,
    tags=["dbt", "dental", "deployment"],
    **notifications(),
):
    DbtOperator(
        task_id="production_critical",
        selector="production_critical",
        target="prod",
    )
