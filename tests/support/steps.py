"""The trigger of a step, run while a script plays the cluster."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from airflow.triggers.base import TriggerEvent
from kubernetes.client import ApiClient
from tests.support.fake_cluster import FakeCluster, fake_cluster
from tests.support.pods import ended, running
from tests.support.settings import SETTINGS

from podbt.airflow import trigger as trigger_module
from podbt.airflow.pods import follow
from podbt.airflow.trigger import DbtPodTrigger
from podbt.constants import INSTANCE
from podbt.contract.exits import ExitReason
from podbt.contract.kinds import RunStatus
from podbt.contract.record import RunIdentity, Summary, to_json
from podbt.contract.step import Step
from podbt.pod.build import build_pod, pod_name

IDENTITY = RunIdentity(dag_id="d", run_id="r", task_id="t")
NAME = pod_name(IDENTITY, INSTANCE)
GOOD = Summary(status=RunStatus.SUCCESS, exit_reason=ExitReason.SUCCESS, artifacts="runs/x")
NOTHING = Summary(status=RunStatus.SKIPPED, exit_reason=ExitReason.NOTHING_TO_DO)
BAD = Summary(status=RunStatus.FAILED, exit_reason=ExitReason.NODE_FAILURE, error="model.p.m: boom")


def pod(identity: RunIdentity = IDENTITY, *, name: str | None = None, **changes: Any) -> dict[str, Any]:
    """The pod of a try as an API server has it, made with these settings; under another name where one is given."""
    built = build_pod(SETTINGS.model_copy(update=changes), Step(), identity)
    made: dict[str, Any] = ApiClient().sanitize_for_serialization(built)
    born = {"uid": "u", "creationTimestamp": datetime.now(UTC).isoformat()}
    made["metadata"] |= born | ({"name": name} if name else {})
    return made


class TaskInstance:
    dag_id, run_id, task_id, map_index, try_number = "d", "r", "t", -1, 1


Script = Callable[[FakeCluster], Awaitable[None]]


def trigger(**kwargs: Any) -> DbtPodTrigger:
    return DbtPodTrigger(**{"step": {"command": "build"}, "identity": to_json(IDENTITY), **kwargs})


async def created(fake: FakeCluster) -> None:
    await fake.until(lambda: NAME in fake.pods)


def run(
    monkeypatch: pytest.MonkeyPatch,
    script: Script,
    tested: DbtPodTrigger | None = None,
    prepare: Callable[[FakeCluster], None] = lambda _: None,
) -> tuple[TriggerEvent, FakeCluster]:
    """Runs a trigger to its event while a script plays the cluster; then lets the pod's deletion finish."""
    monkeypatch.setattr(follow, "_TICK_SECONDS", 0.05)
    monkeypatch.setattr(trigger_module, "LOG_SECONDS", 0.0)

    async def both() -> tuple[TriggerEvent, FakeCluster]:
        async with fake_cluster(monkeypatch) as fake:
            prepare(fake)
            playing = asyncio.ensure_future(script(fake))
            event = await asyncio.wait_for(anext(aiter((tested or trigger()).run())), 30)
            await playing
            await asyncio.sleep(0.2)
            return event, fake

    return asyncio.run(both())


async def succeed(fake: FakeCluster) -> None:
    await created(fake)
    await fake.update(NAME, **running())
    await asyncio.sleep(0.1)
    await fake.update(NAME, **ended(GOOD, 0, "Completed"))
