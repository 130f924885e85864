"""A pod with containers that somebody else put into it: its end is dbt's."""

import asyncio
from typing import Any

import pytest
from airflow.triggers.base import TaskFailedEvent
from tests.support.fake_cluster import FakeCluster
from tests.support.pods import beside, ended, running
from tests.support.steps import BAD, GOOD, NAME, NOTHING, created, run

from podbt.contract.exits import ExitReason
from podbt.contract.kinds import RunStatus
from podbt.contract.record import Summary, to_json

RUNS: dict[str, Any] = {"running": {}}


@pytest.mark.parametrize("summary", [GOOD, NOTHING, BAD], ids=["success", "nothing to do", "a failed node"])
@pytest.mark.parametrize("gone", [False, True], ids=["it runs on", "somebody deletes the pod"])
def test_the_task_ends_with_dbt_whatever_runs_beside_it(
    monkeypatch: pytest.MonkeyPatch, summary: Summary, *, gone: bool
) -> None:
    async def play(fake: FakeCluster) -> None:
        await created(fake)
        await fake.update(NAME, **beside(running(), RUNS))
        await asyncio.sleep(0.1)
        if gone:
            fake.pods[NAME]["metadata"]["deletionTimestamp"] = "2026-01-01T00:01:00Z"
        await fake.update(NAME, **beside(ended(summary, summary.exit_reason.exit_code), RUNS, phase="Running"))

    event, fake = run(monkeypatch, play)
    page = {"_link_RunPageLink": "/podbt/run?path=runs%2Fx"} if summary.artifacts else {}
    assert event.xcoms == {"return_value": to_json(summary), **page}
    assert fake.deleted == [NAME]  # which ends the other


def test_a_run_that_is_told_to_stop_with_its_pod_was_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    told = Summary(status=RunStatus.FAILED, exit_reason=ExitReason.INTERRUPTED, error="The run was told to stop.")

    async def play(fake: FakeCluster) -> None:
        await created(fake)
        await fake.update(NAME, **running())
        fake.pods[NAME]["metadata"]["deletionTimestamp"] = "2026-01-01T00:01:00Z"
        await fake.update(NAME, **beside(ended(told, 4), RUNS, phase="Running"))

    event, _ = run(monkeypatch, play)
    assert isinstance(event, TaskFailedEvent)
    assert "was deleted while it ran" in str(event.xcoms)
