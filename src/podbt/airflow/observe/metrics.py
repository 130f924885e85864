"""Airflow's own metrics of a task, by its own names: a worker counts them, a triggerer does not."""

from datetime import datetime
from typing import Any

from podbt.airflow import api


def started(task_instance: Any) -> None:
    """Counts a beginning."""
    api.stats().incr("ti.start", tags=_tags(task_instance))


def ended(task_instance: Any, operator: str, state: str, began: datetime, end: datetime) -> None:
    """Counts an end.

    Args:
        task_instance: Whose.
        operator: Name of the operator's class.
        state: Of the task by now: one of Airflow's.
        began: When the task did.
        end: When the task did.
    """
    tags, stats = _tags(task_instance), api.stats()
    stats.incr("ti.finish", tags={**tags, "state": state})
    if state == "deferred":  # a worker goes on, and counts how it ends
        return
    word = {"success": "successes", "failed": "failures", "up_for_retry": "failures"}.get(state)
    if word is not None:
        stats.incr(f"operator_{word}", tags={**tags, "operator_name": operator})
        stats.incr(f"ti_{word}", tags=tags)
    stats.timing("task.duration", (end - began).total_seconds() * 1000, tags=tags)


def _tags(task_instance: Any) -> dict[str, str]:
    """A task instance's own tags; one whose trigger was spared its DAG has two of them."""
    own = {"dag_id": task_instance.dag_id, "task_id": task_instance.task_id}
    return getattr(task_instance, "stats_tags", own)
