"""What a notification says. Pure: what is known about a run in, a title and a text of bounded length out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import quote

from podbt.airflow.links import enabled, run_page
from podbt.contract.record import Failure, Summary, shorten

_FAILURES: Final = 5
_MESSAGE_CHARS: Final = 300
MAX_CHARS: Final = 3000
"""Longer texts are cut: chat services refuse them, or cut them at a worse place."""


class Kind(StrEnum):
    """Why a notification is sent."""

    FAILED = "failed"
    RECOVERED = "recovered"
    LATE = "late"


@dataclass(frozen=True, kw_only=True)
class FailedTask:
    """A task that ended a run, and what is known about why."""

    task_id: str
    map_index: int = -1
    """Which of a mapped task's instances; -1 for a task that is not mapped."""
    summary: Summary | None = None

    @property
    def name(self) -> str:
        return self.task_id if self.map_index < 0 else f"{self.task_id}[{self.map_index}]"


@dataclass(frozen=True)
class Message:
    kind: Kind
    title: str
    body: str


def failed_message(
    *, dag_id: str, run_id: str, tasks: Sequence[FailedTask], owners: Mapping[str, str], base_url: str
) -> Message:
    """Says what failed, with dbt's own words, and whom to ask.

    Args:
        dag_id: The DAG.
        run_id: Its run.
        tasks: The tasks that failed, in the DAG's order.
        owners: Owner of a node by its unique_id, where dbt's meta names one.
        base_url: Where people open Airflow.
    """
    stale = bool(tasks) and all(_only_stale_sources(task.summary) for task in tasks)
    lines = []
    for task in tasks:
        lines.append(f"{task.name}: {_headline(task.summary)}")
        failures = task.summary.failures if task.summary else []
        lines += [_failure_line(failure, owners) for failure in failures[:_FAILURES]]
        if len(failures) > _FAILURES:
            lines.append(f"- and {len(failures) - _FAILURES} more")
        lines.append(f"  log: {_task_url(base_url, dag_id, run_id, task)}")
        if task.summary and task.summary.artifacts:
            lines.append(f"  artifacts: {task.summary.artifacts}")
            if enabled():
                lines.append(f"  dbt run: {run_page(base_url.rstrip('/'), task.summary.artifacts)}")
    title = f"{dag_id}: sources are stale" if stale else f"{dag_id} failed"
    return Message(Kind.FAILED, title, _bounded(lines, _run_line(base_url, dag_id, run_id)))


def recovered_message(*, dag_id: str, run_id: str, failed_run_id: str, base_url: str) -> Message:
    """Says that what an earlier message complained about is over."""
    what = "the same run failed before" if failed_run_id == run_id else f"run {failed_run_id} had failed"
    body = _bounded([f"It succeeded; {what}."], _run_line(base_url, dag_id, run_id))
    return Message(Kind.RECOVERED, f"{dag_id} is well again", body)


def late_message(*, dag_id: str, run_id: str, needed_by: str, base_url: str) -> Message:
    """Says that a run is not done when it should be."""
    lines = [f"It should have been done by {needed_by or 'now'} and is still running or waiting."]
    return Message(Kind.LATE, f"{dag_id} is late", _bounded(lines, _run_line(base_url, dag_id, run_id)))


def _headline(summary: Summary | None) -> str:
    if summary is None:
        return "failed; its log says why"
    counts = ", ".join(f"{count} {status}" for status, count in summary.counts.items() if status != "total")
    # With failing nodes below, the error would only repeat the first of them.
    why = "" if summary.failures or not summary.error else f": {shorten(summary.error, _MESSAGE_CHARS)}"
    return f"{summary.exit_reason}{f' ({counts})' if counts else ''}{why}"


def _failure_line(failure: Failure, owners: Mapping[str, str]) -> str:
    owner = owners.get(failure.unique_id)
    said = shorten(failure.message or failure.status, _MESSAGE_CHARS)
    return f"- {failure.unique_id}{f' (owner: {owner})' if owner else ''}: {said}"


def _only_stale_sources(summary: Summary | None) -> bool:
    return bool(summary and summary.failures) and all(
        failure.unique_id.startswith("source.") for failure in (summary.failures if summary else [])
    )


def _run_line(base_url: str, dag_id: str, run_id: str) -> str:
    return f"run {run_id}: {base_url.rstrip('/')}/dags/{_part(dag_id)}/runs/{_part(run_id)}"


def _task_url(base_url: str, dag_id: str, run_id: str, task: FailedTask) -> str:
    mapped = f"/mapped/{task.map_index}" if task.map_index >= 0 else ""
    return f"{base_url.rstrip('/')}/dags/{_part(dag_id)}/runs/{_part(run_id)}/tasks/{_part(task.task_id)}{mapped}"


def _part(text: str) -> str:
    return quote(text, safe="")


def _bounded(lines: Sequence[str], last: str) -> str:
    """All lines while they fit; the last one, the link to the run, always."""
    room = MAX_CHARS - len(last) - 1
    text = "\n".join(lines)
    if len(text) > room:
        text = text[: max(room - 2, 0)].rstrip() + " …"
    return f"{text}\n{last}"
