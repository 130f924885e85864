"""Lineage of tasks by Airflow's own OpenLineage provider, which listens in workers alone."""

import importlib.util
import json
from functools import cache, partial
from typing import Any, Final

from podbt.airflow.observe.outbox import Outbox

_PROVIDER: Final = "airflow.providers.openlineage"
OUTBOX: Final = Outbox()


@cache
def enabled() -> bool:
    """Whether Airflow's provider is installed and told where to send events. Without it nothing of it is imported."""
    try:
        if importlib.util.find_spec(_PROVIDER) is None:
            return False
    except ModuleNotFoundError:  # no provider at all
        return False
    from airflow.providers.openlineage import conf  # noqa: PLC0415 - see above

    return not conf.is_disabled()


@cache
def _listener() -> Any:
    from airflow.providers.openlineage.plugins.listener import OpenLineageListener  # noqa: PLC0415 - as above

    class Listener(OpenLineageListener):
        """It forks for each event, so that a worker's task cannot hang with it. Here a thread does, and waits."""

        def _execute(self, callable: Any, callable_name: str, use_fork: bool = False) -> None:  # noqa: A002, ARG002, FBT001, FBT002
            callable()

    return Listener()


def started(task_instance: Any) -> None:
    """Tells that a task has begun, as a worker would. `task_instance` knows its DAG and when it began."""
    if enabled():
        OUTBOX.put(partial(_tell, "on_task_instance_running", task_instance=task_instance))


def ended(task_instance: Any, state: str, error: str | None) -> None:
    """Tells how a task ended.

    Args:
        task_instance: As for `started`, and it knows when it ended.
        state: "success", "skipped" or "failed".
        error: Why it failed.
    """
    more = {"error": error} if state == "failed" else {}
    if enabled():
        OUTBOX.put(partial(_tell, f"on_task_instance_{state}", task_instance=task_instance, **more))


def _tell(name: str, **known: Any) -> None:
    """Work of the outbox: the provider's import alone takes seconds."""
    getattr(_listener(), name)(previous_state=None, **known)


def environment(task_instance: Any) -> dict[str, str]:
    """What a run is told of its task, in OpenLineage's own variable. May ask Airflow, which blocks.

    The provider makes run ids of names and dates, so they are known before any event is sent.

    Nothing where the task instance does not know its DAG run.
    """
    if task_instance is None or not enabled() or not hasattr(task_instance, "get_template_context"):
        return {}
    from airflow.providers.openlineage.plugins import macros  # noqa: PLC0415 - as above

    namespace = macros.lineage_job_namespace()
    own = _node(namespace, macros.lineage_job_name(task_instance), macros.lineage_run_id(task_instance))
    root = _node(
        macros.lineage_root_job_namespace(task_instance),
        macros.lineage_root_job_name(task_instance),
        macros.lineage_root_run_id(task_instance),
    )
    return {"OPENLINEAGE_CONTEXT": json.dumps({"parent": {**own, "root": root}})}


def _node(namespace: str, job: str, run_id: str) -> dict[str, Any]:
    return {"run": {"runId": run_id}, "job": {"namespace": namespace, "name": job}}
