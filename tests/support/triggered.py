"""Tasks as the triggerer has them, made by the code that it makes them with."""

from datetime import UTC, datetime
from typing import Any

import uuid6
from airflow.executors.workloads.task import TaskInstanceDTO
from airflow.jobs.triggerer_job_runner import TriggerRunner
from airflow.sdk import DAG
from airflow.serialization.serialized_objects import DagSerialization

from podbt.airflow import DbtOperator

DATE = datetime(2026, 11, 30, 2, tzinfo=UTC)


def task_instance(**operator: Any) -> Any:
    """The first try of a step `t` of a DAG `d`, with its DAG run.

    Args:
        operator: Arguments of the step.
    """
    with DAG("d", schedule=None, tags=["nightly"]) as dag:
        DbtOperator(task_id="t", **operator)
    made = TaskInstanceDTO(
        id=uuid6.uuid7(),
        dag_version_id=uuid6.uuid7(),
        task_id="t",
        dag_id="d",
        run_id="r",
        try_number=1,
        map_index=-1,
        pool_slots=1,
        queue="default",
        priority_weight=1,
    )
    run = {
        "dag_id": "d", "run_id": "r", "logical_date": DATE, "data_interval_start": DATE, "data_interval_end": DATE,
        "run_after": DATE, "start_date": DATE, "end_date": None, "run_type": "manual", "state": "running", "conf": {},
        "clear_number": 0, "consumed_asset_events": [], "partition_key": None,
    }  # fmt: skip
    return TriggerRunner.create_runtime_ti(made, DagSerialization.to_dict(dag), run)
