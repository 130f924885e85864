"""### dental_smoke: does this image work here?

Trigger it after a deployment. A dimension, two facts and a report are built with everything that they are made from, on
target `demo`, whose schemas are its own: image, Secret and warehouse have worked together, and production was not
touched. It is not retried: a check that passes at the second try hides what the first one found.
"""

from datetime import UTC, datetime

from airflow.sdk import DAG

from podbt.airflow import DbtOperator, notifications

with DAG(
    dag_id="dental_smoke",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "platform", "retries": 0},
    doc_md=__doc__,
    tags=["dbt", "dental", "deployment"],
    **notifications(),
):
    DbtOperator(task_id="smoke_test", selector="smoke_test", target="demo")
