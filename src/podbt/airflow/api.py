"""What podbt asks of Airflow about a run: who a task is, how the others stand, what they left, where people look."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import AssetAlias
from airflow.sdk.configuration import conf
from airflow.sdk.execution_time import task_runner
from airflow.sdk.execution_time.context import InletEventsAccessors
from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
from airflow.sdk.execution_time.xcom import XCom

if TYPE_CHECKING:
    from podbt.contract.record import RunIdentity


def identity_of(task_instance: Any) -> "RunIdentity":
    """The identity of an Airflow task instance, whichever of Airflow's classes it is."""
    from podbt.contract.record import RunIdentity  # noqa: PLC0415 - each DAG file's parse would pay for its models

    index, try_id = task_instance.map_index, getattr(task_instance, "id", None)
    return RunIdentity(
        dag_id=task_instance.dag_id,
        run_id=task_instance.run_id,
        task_id=task_instance.task_id,
        map_index=-1 if index is None else index,
        try_number=task_instance.try_number,
        try_id=None if try_id is None else str(try_id),
    )


def task_states(dag_id: str, run_id: str) -> dict[str, str | None]:
    """The states of a run's tasks by task_id, of mapped ones by "<task_id>_<map index>"; None: it has none. Blocks."""
    found = RuntimeTaskInstance.get_task_states(dag_id=dag_id, run_ids=[run_id])
    return dict(found.get(run_id, {}))


def is_alone() -> bool:
    """Whether this task is run by `dag.test()` or `airflow tasks test`: without scheduler and triggerer."""
    # Where a task runs it is imported anyway, and where a DAG file is parsed it would cost.
    from airflow.sdk.execution_time.supervisor import InProcessSupervisorComms  # noqa: PLC0415

    return isinstance(getattr(task_runner, "SUPERVISOR_COMMS", None), InProcessSupervisorComms)


def state_of(identity: "RunIdentity") -> str | None:
    """A task's own state; None where it has none, as when it was cleared or its run deleted. Blocks."""
    key = identity.task_id if identity.map_index < 0 else f"{identity.task_id}_{identity.map_index}"
    return task_states(identity.dag_id, identity.run_id).get(key)


def tries_again(task_instance: Any) -> bool:
    """Whether Airflow would try again after a failure of this try. Of a task instance as a worker has it."""
    return bool(task_instance.try_number <= task_instance.max_tries)


def xcom(dag_id: str, run_id: str, task_id: str, key: str = "return_value", *, map_index: int = -1) -> Any:
    """What a task of a run left; None where it left nothing. Blocks.

    Raises:
        ValueError: It left a text that is no JSON, which no trigger does.
    """
    return decoded(XCom.get_one(run_id=run_id, key=key, dag_id=dag_id, task_id=task_id, map_index=map_index))


def leave_summary(context: Any, summary: Mapping[str, Any], log: Any) -> None:
    """The XCom of a task that a worker is about to fail: Airflow keeps none of what raises, and notifications read it.

    Never raises: the failure that is to be told must not turn into another one.
    """
    try:
        context["ti"].xcom_push("return_value", summary)
    except Exception:
        log.warning("The summary of this failure could not be left as an XCom", exc_info=True)


def decoded(value: Any) -> Any:
    """An XCom's value: what a trigger left reads back as JSON text."""
    return json.loads(value) if isinstance(value, str) else value


def asset_events(alias: str, *, after: datetime) -> list[Any]:
    """The asset events that came through an alias since a time, of all DAGs."""
    return list(InletEventsAccessors([AssetAlias(alias)])[AssetAlias(alias)].after(after.isoformat()))


def stats() -> Any:
    """Airflow's metrics, as the process that it is called in has set them up; by default they go nowhere."""
    # Not at the top of the module: parsing a DAG file does not need it. Its Task SDK has a second copy, for workers.
    from airflow.observability import stats as own  # noqa: PLC0415

    return own


def base_url() -> str:
    """Where people open Airflow, without a slash at the end; empty where its configuration does not say."""
    return str(conf.get("api", "base_url", fallback="") or "").rstrip("/")
