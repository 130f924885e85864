"""Lineage of tasks that end in their triggers, by Airflow's own provider, as a server gets it."""

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator
from datetime import timedelta
from typing import Any

import pytest
from airflow.triggers.base import TaskFailedEvent, TaskSkippedEvent, TaskSuccessEvent, TriggerEvent
from tests.support.collector import Collector, collector
from tests.support.openlineage import check
from tests.support.settings import SETTINGS
from tests.support.triggered import DATE, task_instance

from podbt.airflow.observe import lineage
from podbt.airflow.observe.outbox import Outbox
from podbt.airflow.observe.told import told
from podbt.airflow.observe.trigger import ObservedTrigger
from podbt.contract.invocation import run_environment
from podbt.contract.record import RunIdentity
from podbt.contract.settings.observed import OpenLineage
from podbt.contract.step import Step

KEY = "k3y-0f-the-server"


class Ends(ObservedTrigger):
    def __init__(self, event: TriggerEvent) -> None:
        super().__init__()
        self.event = event

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return "tests.Ends", {}

    async def work(self) -> AsyncGenerator[TriggerEvent, None]:
        yield self.event


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """A server that Airflow is told of."""
    with collector() as running:
        transport = {"type": "http", "url": running.url, "auth": {"type": "api_key", "apiKey": KEY}}
        monkeypatch.setenv("AIRFLOW__OPENLINEAGE__TRANSPORT", json.dumps({**transport, "retry": {"total": 0}}))
        monkeypatch.setenv("AIRFLOW__OPENLINEAGE__NAMESPACE", "air")
        monkeypatch.setattr(lineage, "OUTBOX", Outbox())
        lineage.enabled.cache_clear()
        lineage._listener.cache_clear()
        yield running
        lineage.enabled.cache_clear()
        lineage._listener.cache_clear()


def ended(event: TriggerEvent, **operator: Any) -> list[TriggerEvent]:
    """Runs a task to its end, and until that is told."""
    trigger = Ends(event)
    trigger.task_instance = task_instance(**operator)

    async def all_events() -> list[TriggerEvent]:
        return [one async for one in trigger.run()]

    found = asyncio.run(all_events())
    assert lineage.OUTBOX.flush(300)
    return found


@pytest.mark.parametrize(
    ("event", "types"),
    [
        (TaskSuccessEvent(xcoms={"return_value": {}}), ["START", "COMPLETE"]),
        (TaskSkippedEvent(xcoms={"return_value": {}}), ["START", "COMPLETE"]),
        (TaskFailedEvent(xcoms={"return_value": {"error": "model.p.m: boom"}}), ["START", "FAIL"]),
        (TriggerEvent({"runtime": "local"}), ["START"]),  # a worker goes on, and tells the end
    ],
    ids=["success", "skipped", "failed", "to a worker"],
)
def test_a_tasks_beginning_and_end_are_told(server: Collector, event: TriggerEvent, types: list[str]) -> None:
    assert ended(event, owner="sales", retries=1) == [event]
    events = server.events()
    for one in events:
        check(one)
    assert [one["eventType"] for one in events] == types
    assert {(one["job"]["namespace"], one["job"]["name"]) for one in events} == {("air", "d.t")}
    facets = events[0]["run"]["facets"]
    assert (facets["parent"]["job"]["name"], facets["parent"]["job"]["namespace"]) == ("d", "air")
    assert facets["nominalTime"]["nominalStartTime"] == DATE.isoformat()
    assert events[0]["job"]["facets"]["ownership"]["owners"] == [{"name": "sales"}]
    assert len({one["run"]["runId"] for one in events}) == 1
    if types[-1] == "FAIL":
        assert events[-1]["run"]["facets"]["errorMessage"]["message"] == "model.p.m: boom"
    assert KEY not in server.text.replace(f"Bearer {KEY}", "")


def test_the_run_of_dbt_is_below_the_very_run_that_airflow_tells_of(server: Collector) -> None:
    ended(TaskSuccessEvent(), execution_timeout=timedelta(hours=1))
    seen = server.events()[0]["run"]
    settings = SETTINGS.model_copy(update={"openlineage": OpenLineage(url="http://host:5000")})
    step = told(Step(env={"A": "b"}), settings, task_instance())
    env = run_environment(
        settings,
        step,
        RunIdentity(dag_id="d", run_id="r", task_id="t"),
        image=None,
        artifacts=settings.artifacts,
        folder=None,
    )
    parent = json.loads(env["OPENLINEAGE_CONTEXT"])["parent"]
    assert parent["run"]["runId"] == seen["runId"]
    assert parent["job"] == {"namespace": "air", "name": "d.t"}
    assert parent["root"]["run"]["runId"] == seen["facets"]["parent"]["run"]["runId"]
    assert (env["A"], env["OPENLINEAGE_URL"], env["OPENLINEAGE_NAMESPACE"]) == ("b", "http://host:5000", "airflow")
    assert told(step, SETTINGS, task_instance()) is step  # nobody is to be told of runs


@pytest.mark.parametrize("hangs", [False, True])
def test_a_server_that_fails_or_hangs_keeps_no_task(server: Collector, *, hangs: bool) -> None:
    server.status, server.hangs = 500, hangs
    trigger = Ends(TaskSuccessEvent())
    trigger.task_instance = task_instance()

    async def first() -> TriggerEvent:
        return await anext(aiter(trigger.run()))

    assert isinstance(asyncio.run(first()), TaskSuccessEvent)
    server.over.set()
    assert lineage.OUTBOX.flush(300)
    assert len(server.requests) == 2
