"""Airflow's own metrics of a task, by its own names: a worker counts them, a triggerer does not."""

from datetime import datetime
from typing import Any

from podbt.airflow import api


def started(task_instance: Any) -> None:
    api.stats().incr("ti.start", tags=task_instance.stats_tags)


def ended(task_instance: Any, state: str, began: datetime, end: datetime) -> None:
    """Counts an end.

    Args:
        task_instance: It knows its task.
        state: Of the task by now: one of Airflow's.
        began: When the task did.
        end: When the task did.
    """
    tags, stats = task_instance.stats_tags, api.stats()
    stats.incr("ti.finish", tags={**tags, "state": state})
    if state == "deferred":  # a worker goes on, and counts how it ends
        return
    word = {"success": "successes", "failed": "failures", "up_for_retry": "failures"}.get(state)
    if word is not None:
        stats.incr(f"operator_{word}", tags={**tags, "operator_name": task_instance.task.task_type})
        stats.incr(f"ti_{word}", tags=tags)
    stats.timing("task.duration", (end - began).total_seconds() * 1000, tags=tags)
