"""A trigger whose task is seen by whoever watches Airflow's tasks."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any, ClassVar

from airflow.triggers.base import BaseTrigger, TaskFailedEvent, TaskSkippedEvent, TaskSuccessEvent, TriggerEvent

from podbt.airflow.observe import lineage, metrics
from podbt.airflow.supported import STARTS_IN_TRIGGER


class ObservedTrigger(BaseTrigger):
    """Tells the beginning and the end of a task that has no worker: its lineage events and its metrics.

    A task that a worker has started is that worker's to tell of.
    """

    operator: ClassVar[str] = "DbtOperator"
    """The operator of its task, where the trigger is spared the DAG that tells it."""

    @property
    def begins(self) -> bool:
        """Whether the task begins here: no worker had it before, and this is no `dag.test()`."""
        return STARTS_IN_TRIGGER and self.task_instance is not None and getattr(self, "identity", None) is None

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yields what `work` does."""
        task = _Told(self.task_instance, self.operator, self.log) if self.begins else None
        if task is not None:
            task.started()
        async with aclosing(self.work()) as events:
            async for event in events:
                if task is not None:
                    task.ended(event)
                yield event

    def work(self) -> AsyncGenerator[TriggerEvent, None]:
        """What the trigger is for."""
        raise NotImplementedError


class _Told:
    """What is told of one try."""

    def __init__(self, task_instance: Any, operator: str, log: Any) -> None:
        self._began = datetime.now(UTC)
        self._task = getattr(task_instance, "task", None)
        self._operator = getattr(self._task, "task_type", operator)
        self._task_instance = task_instance
        self._log = log

    def started(self) -> None:
        self._told(lambda: metrics.started(self._task_instance))
        if self._task is not None:
            self._told(lambda: lineage.started(self._at(None)))

    def ended(self, event: TriggerEvent) -> None:
        end, state = datetime.now(UTC), _state_of(event)
        self._told(lambda: metrics.ended(self._task_instance, self._operator, self._in_full(state), self._began, end))
        if self._task is not None and state != "deferred":
            self._told(lambda: lineage.ended(self._at(end), state, _error_of(event)))

    def _told(self, tell: Callable[[], None]) -> None:
        """Nothing of this may fail a task."""
        try:
            tell()
        except Exception as error:  # noqa: BLE001 - another release of Airflow, say
            self._log.debug("Not told: %s: %s", type(error).__name__, error)

    def _at(self, end: datetime | None) -> Any:
        """The task instance with its times, which one in a trigger has not."""
        return self._task_instance.model_copy(update={"start_date": self._began, "end_date": end})

    def _in_full(self, state: str) -> str:
        """A state as Airflow calls it: a failure that is tried again has another name, where the DAG tells that."""
        again = self._task_instance.try_number <= (getattr(self._task, "retries", None) or 0)
        return "up_for_retry" if state == "failed" and again else state


def _state_of(event: TriggerEvent) -> str:
    if isinstance(event, TaskSuccessEvent):
        return "success"
    if isinstance(event, TaskSkippedEvent):
        return "skipped"
    return "failed" if isinstance(event, TaskFailedEvent) else "deferred"


def _error_of(event: TriggerEvent) -> str | None:
    left = getattr(event, "xcoms", None) or {}
    result = left.get("return_value")
    return str(result.get("error") or "") or None if isinstance(result, dict) else None
