"""### dental_modified: only what a change touches, beside production

Trigger it for an image with a changed project. dbt compares it with the state that production's last complete build
left, builds the models that changed and all that stand on them on target `review`, whose schemas are its own, and reads
everything else from production's tables (`--defer`). A change that touches no model ends as skipped.

Until production has been built once there is no state to compare with: then everything is built.
"""

from datetime import UTC, datetime

from airflow.sdk import DAG

from podbt.airflow import DbtOperator, notifications

with DAG(
    dag_id="dental_modified",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "platform", "retries": 0},
    doc_md=__doc__,
    tags=["dbt", "dental", "review"],
    **notifications(),
):
    # [START modified]
    DbtOperator(
        task_id="modified",
        select="state:modified+",
        state="prod",
        defer=True,
        on_missing_state="full",
        allow_empty=True,
        target="review",
    )
    # [END modified]
