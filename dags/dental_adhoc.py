"""### dental_adhoc: one dbt command, by a form

Trigger it and fill in the form: the command, what to select (dbt's own words, or a selector from the list), the target.
The form takes nothing else: no flags, no variables, no target that is not on its list, and words that begin with a dash
are refused. **Full refresh** rebuilds incremental tables from their sources, so the run waits, for a day at most, until
somebody approves it under *Required Actions*. Nothing is retried, and runs wait for others that write the same tables.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import airflow.providers.standard.operators.hitl  # noqa: F401 - imported once by the dag-processor, not per parse
from airflow.sdk import DAG, Param

from podbt.airflow import ApproveFullRefresh, DbtOperator, notifications, selector_names

COMMANDS = ["build", "run", "test", "seed", "snapshot", "compile", "source freshness"]
WORDS = r"^([\w.+@*][\w.:+@*,/-]*( +|$))*$(?!\n)"  # in Python "$" also matches before a line break at the end

with DAG(
    dag_id="dental_adhoc",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    max_active_runs=4,
    default_args={"owner": "analytics", "retries": 0},
    doc_md=__doc__,
    tags=["dbt", "dental"],
    params={
        "command": Param("build", type="string", enum=COMMANDS),
        "select": Param("", type="string", pattern=WORDS, maxLength=500, description="dbt's --select; or a selector:"),
        "selector": Param("", type="string", enum=["", *selector_names()]),
        "target": Param("demo", type="string", enum=["demo", "review", "prod"]),
        "full_refresh": Param(False, type="boolean", description="Waits for an approval."),  # noqa: FBT003
    },
    **notifications(),
):
    fields = ("command", "select", "selector", "target", "full_refresh")
    step: dict[str, Any] = {name: "{{ params." + name + " }}" for name in fields}
    ApproveFullRefresh(task_id="approval", response_timeout=timedelta(days=1)) >> DbtOperator(task_id="dbt", **step)
