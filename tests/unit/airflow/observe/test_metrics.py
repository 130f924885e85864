"""Airflow's metrics of tasks that end in their triggers: the names and tags that a worker gives them."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from typing import Any

import pytest
from airflow._shared.observability.metrics.base_stats_logger import NoStatsLogger
from airflow.triggers.base import TaskFailedEvent, TaskSkippedEvent, TaskSuccessEvent, TriggerEvent
from tests.support.fake_airflow import FakeTaskInstance
from tests.support.triggered import task_instance

from podbt.airflow import api
from podbt.airflow.observe.trigger import ObservedTrigger


class Backend(NoStatsLogger):  # type: ignore[misc]  # Airflow's types are not followed
    """Keeps what Airflow would send."""

    def __init__(self) -> None:
        self.counted: list[tuple[str, dict[str, str]]] = []
        self.timed: dict[str, float] = {}

    def incr(self, stat: str, count: int = 1, rate: float = 1, *, tags: dict[str, str] | None = None) -> None:
        self.counted.append((stat, dict(tags or {})))

    def timing(self, stat: str, dt: Any, *, tags: dict[str, str] | None = None) -> None:
        self.timed[stat] = dt


class Ends(ObservedTrigger):
    def __init__(self, event: TriggerEvent) -> None:
        super().__init__()
        self.event = event
        self.identity: Any = None

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return "tests.Ends", {}

    async def work(self) -> AsyncGenerator[TriggerEvent, None]:
        yield self.event


@pytest.fixture
def backend() -> Iterator[Backend]:
    made = Backend()
    stats = api.stats()
    stats.initialize(factory=lambda: made, export_legacy_names=False)
    yield made
    stats.initialize(factory=None, export_legacy_names=True)


def run(event: TriggerEvent, task_instance: Any, identity: Any = None) -> None:
    trigger = Ends(event)
    trigger.identity = identity
    trigger.task_instance = task_instance

    async def all_events() -> list[TriggerEvent]:
        return [one async for one in trigger.run()]

    assert asyncio.run(all_events()) == [event]


OWN = {"dag_id": "d", "task_id": "t"}
OPERATOR = {**OWN, "operator_name": "DbtOperator"}


@pytest.mark.parametrize(
    ("event", "retries", "state", "word"),
    [
        (TaskSuccessEvent(), 0, "success", "successes"),
        (TaskSkippedEvent(), 0, "skipped", None),
        (TaskFailedEvent(), 0, "failed", "failures"),
        (TaskFailedEvent(), 1, "up_for_retry", "failures"),
    ],
    ids=["success", "skipped", "failed", "up for retry"],
)
def test_a_task_is_counted_as_a_worker_counts_it(
    backend: Backend, event: TriggerEvent, retries: int, state: str, word: str | None
) -> None:
    run(event, task_instance(retries=retries))
    more = [(f"operator_{word}", OPERATOR), (f"ti_{word}", OWN)] if word else []
    assert backend.counted == [("ti.start", OWN), ("ti.finish", {**OWN, "state": state}), *more]
    assert list(backend.timed) == ["task.duration"]
    assert backend.timed["task.duration"] >= 0


def test_what_a_worker_ends_it_counts(backend: Backend) -> None:
    run(TriggerEvent({"runtime": "local"}), task_instance())
    assert backend.counted == [("ti.start", OWN), ("ti.finish", {**OWN, "state": "deferred"})]
    assert backend.timed == {}


def test_a_task_that_began_on_a_worker_is_the_workers_to_count(backend: Backend) -> None:
    run(TaskSuccessEvent(), FakeTaskInstance("t"), identity={"dag_id": "d"})
    run(TaskSuccessEvent(), None)  # dag.test()
    assert backend.counted == []


def test_a_trigger_that_is_spared_its_dag_counts_too(backend: Backend) -> None:
    instance = FakeTaskInstance("t")
    del instance.task
    run(TaskFailedEvent(), instance)
    finish = ("ti.finish", {**OWN, "state": "failed"})
    assert backend.counted == [("ti.start", OWN), finish, ("operator_failures", OPERATOR), ("ti_failures", OWN)]


def test_metrics_that_fail_fail_no_task(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "incr", lambda *_, **__: 1 // 0)
    run(TaskSuccessEvent(), task_instance())
