"""### dental_domains: the desks side by side, on Sundays

What all desks share (seeds, staging, shared dimensions) is built once; then the insurance, clinical and financial
workflows run in parallel on target `prod`. They write no table in common, so none waits for another, and one that
fails leaves the others alone.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG, TaskGroup

from podbt.airflow import DbtOperator, notifications

with DAG(
    dag_id="dental_domains",
    schedule="30 3 * * 0",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "analytics", "retries": 2, "retry_delay": timedelta(minutes=5)},
    doc_md=__doc__,
    tags=["dbt", "dental"],
    **notifications(),
):
    # [START domains]
    foundation = DbtOperator(task_id="foundation", selector="foundation", target="prod")
    with TaskGroup("workflows", tooltip="Write no table in common"):
        workflows = [
            DbtOperator(task_id=name, selector=f"{name}_workflow", target="prod")
            for name in ("insurance", "clinical", "financial")
        ]
    foundation >> workflows
    # [END domains]
