"""### dental_models: every model a task, one pod for all of them

The whole project on target `prod` every day at 05:00, as `dental_nightly` builds it, but each model, seed and snapshot
is a task with its tests, its own state and its log. One pod builds; the tasks hold no worker and no pod.

A failed model is tried once more by itself, in a pod of its own, and what depends on it follows. The same happens to
a model that somebody clears. Clear `dbt` as a whole to build everything anew. How it works and when to choose it is in
docs/models.md.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG

from podbt.airflow import DbtModelGroup, notifications

# [START models]
with DAG(
    dag_id="dental_models",
    schedule="0 5 * * *",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "analytics", "retries": 1, "retry_delay": timedelta(minutes=5)},
    doc_md=__doc__,
    tags=["dbt", "dental"],
    **notifications(),
):
    DbtModelGroup("dbt", target="prod")
# [END models]
