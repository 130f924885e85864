"""The triggers of a model group's tasks, run while a script plays the cluster and Airflow."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import uuid6
from airflow.triggers.base import TaskFailedEvent, TaskSkippedEvent, TaskSuccessEvent, TriggerEvent
from tests.support.fake_airflow import FakeAirflow, FakeDag, FakeTask, FakeTaskInstance
from tests.support.fake_cluster import FakeCluster, fake_cluster
from tests.support.plans import plan, uid
from tests.support.pods import ended, running

from podbt.airflow.group.model_trigger import ModelTrigger
from podbt.airflow.pods.places import key_of, packed
from podbt.constants import INSTANCE
from podbt.contract.events import Mark, NodeEvent, encode
from podbt.contract.exits import ExitReason
from podbt.contract.kinds import RunStatus
from podbt.contract.record import RunIdentity, Summary
from podbt.pod.build import pod_name, run_annotations, run_labels
from podbt.runner.report.emit import Progress

NOW = datetime.now(UTC)
PLAN = plan("a", "b < a", "test.t < b")
MEMBERS = FakeDag(a=uid("a"), b=uid("b"))
PLACES = {unique_id: index for index, unique_id in enumerate(sorted(PLAN.nodes))}
POD = RunIdentity(dag_id="d", run_id="r", task_id="g.pod")
SHARED = pod_name(POD, INSTANCE)
ALONE = pod_name(RunIdentity(dag_id="d", run_id="r", task_id="g.b"), INSTANCE)
GOOD = Summary(status=RunStatus.SUCCESS, exit_reason=ExitReason.SUCCESS, artifacts="runs/x", target="prod")
BAD = Summary(status=RunStatus.FAILED, exit_reason=ExitReason.NODE_FAILURE, error="a: boom", artifacts="runs/x")
LOST = Summary(status=RunStatus.FAILED, exit_reason=ExitReason.INTERRUPTED, error="told to stop")

Script = Callable[[FakeCluster, FakeAirflow], Awaitable[None]]


def model(
    name: str = "b", *, instance: FakeTaskInstance | None = None, checks: Sequence[str] = ("test.t",)
) -> ModelTrigger:
    nodes = [uid(name), *map(uid, checks if name == "b" else ())]
    tested = ModelTrigger("g.pod", uid(name), packed({key_of(key): PLACES[key] for key in nodes}), plan=PLAN.hash)
    above = {"g.start", "g.a"} if name == "b" else {"g.start"}
    tested.task_instance = instance or FakeTaskInstance(f"g.{name}", FakeTask(above, dag=MEMBERS))
    return tested


def older() -> FakeTaskInstance:
    """A try that was there before the pod."""
    return FakeTaskInstance("g.b", FakeTask({"g.start", "g.a"}, dag=MEMBERS), id=_uuid7(NOW - timedelta(minutes=1)))


def _uuid7(at: datetime) -> Any:
    return uuid6.UUID(int=(int(at.timestamp() * 1000) << 80) | (7 << 76) | (2 << 62))


def node(name: str, status: str, **fields: Any) -> str:
    return encode(NodeEvent.of(uid(name), status, at=NOW, **fields))


def snapshot(end: ExitReason | None = None, **marks: Mark) -> str:
    progress = Progress.of(PLAN)
    for name, mark in marks.items():
        progress.set(uid("test.t" if name == "t" else name), mark)
    progress.end = end
    return encode(progress.snapshot(NOW))


async def shared_pod(fake: FakeCluster, *lines: str, age_seconds: float = 0) -> None:
    """Makes the group's pod, running, with these lines."""
    fake.logs[SHARED] = list(lines)
    meta = {"name": SHARED, "uid": "u", "labels": run_labels(POD, INSTANCE), "annotations": run_annotations(POD)}
    fake.pods[SHARED] = {"metadata": meta, "spec": {"containers": [{"name": "dbt"}]}}
    await fake.update(SHARED, age_seconds=age_seconds, **running())


async def end_alone(fake: FakeCluster, summary: Summary = GOOD, *lines: str) -> None:
    """Plays the model's own pod."""
    await fake.until(lambda: ALONE in fake.pods)
    fake.logs[ALONE] = list(lines)
    await fake.update(ALONE, **running())
    await asyncio.sleep(0.1)
    await fake.update(ALONE, **ended(summary, 0 if summary.status == "success" else 1))


def run(
    monkeypatch: pytest.MonkeyPatch, script: Script, *tested: ModelTrigger, **states: str | None
) -> tuple[list[TriggerEvent], FakeCluster]:
    """Runs triggers to their events while a script plays cluster and Airflow."""

    async def all_of() -> tuple[list[TriggerEvent], FakeCluster]:
        async with fake_cluster(monkeypatch) as fake:
            airflow = FakeAirflow.install(
                monkeypatch, **{"start": "success", "pod": "deferred", "b": "deferred", **states}
            )
            playing = asyncio.ensure_future(script(fake, airflow))
            waiting = [anext(aiter(one.run())) for one in tested or [model(instance=older())]]
            events = await asyncio.wait_for(asyncio.gather(*waiting), 30)
            await playing
            await asyncio.sleep(0.2)  # a pod of its own is deleted after the event
            return list(events), fake

    return asyncio.run(all_of())


def result(event: TriggerEvent) -> dict[str, Any]:
    assert isinstance(event, TaskSuccessEvent | TaskFailedEvent | TaskSkippedEvent)
    return dict((event.xcoms or {})["return_value"])
