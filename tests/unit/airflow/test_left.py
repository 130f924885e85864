"""A trigger that Airflow 3.2 cancels: without a word of why, so the task's state decides what becomes of the pod."""

import asyncio
from typing import Any

import pytest
from tests.support.fake_cluster import FakeCluster, fake_cluster
from tests.support.pods import running
from tests.support.steps import NAME, TaskInstance, created, trigger

from podbt.airflow import api, left


def cancelled(monkeypatch: pytest.MonkeyPatch, *answers: Any, old: bool = True, attached: bool = True) -> FakeCluster:
    """Cancels a trigger whose pod runs, as a triggerer does, and lets what follows come to its end."""
    left_answers = list(answers)

    def task_states(dag_id: str, run_id: str) -> dict[str, str | None]:
        assert (dag_id, run_id) == ("d", "r")
        answer = left_answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return dict(answer)

    monkeypatch.setattr(api, "task_states", task_states)
    monkeypatch.setattr(left, "STARTS_IN_TRIGGER", not old)
    monkeypatch.setattr(left, "_SECONDS", 0.01)

    async def play() -> FakeCluster:
        async with fake_cluster(monkeypatch) as fake:
            tested = trigger()
            if attached:
                tested.task_instance = TaskInstance()
            following: asyncio.Future[Any] = asyncio.ensure_future(anext(aiter(tested.run())))
            await created(fake)
            await fake.update(NAME, **running())
            following.cancel()
            await asyncio.wait({following})
            assert following.cancelled()
            while left._background:
                await asyncio.wait(left._background)
            assert left_answers == []
            return fake

    return asyncio.run(play())


@pytest.mark.parametrize("state", ["failed", "success", "scheduled", "queued", None])
def test_a_task_that_somebody_stopped_loses_its_pod(monkeypatch: pytest.MonkeyPatch, state: str | None) -> None:
    assert cancelled(monkeypatch, {"t": state}).deleted == [NAME]


def test_a_run_that_was_deleted_leaves_no_pod(monkeypatch: pytest.MonkeyPatch) -> None:
    assert cancelled(monkeypatch, {}).deleted == [NAME]


def test_a_task_that_still_waits_keeps_its_pod(monkeypatch: pytest.MonkeyPatch) -> None:
    """The triggerer goes away, or another one takes over."""
    assert cancelled(monkeypatch, {"t": "deferred"}).deleted == []


def test_without_an_answer_the_pod_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    assert cancelled(monkeypatch, *[OSError("away")] * 5).deleted == []


def test_it_asks_again(monkeypatch: pytest.MonkeyPatch) -> None:
    assert cancelled(monkeypatch, OSError("away"), {"t": "failed"}).deleted == [NAME]


def test_where_airflow_says_why_nobody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    assert cancelled(monkeypatch, old=False).deleted == []


def test_dag_test_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    assert cancelled(monkeypatch, attached=False).deleted == []


def test_a_mapped_task_is_asked_for_by_its_index(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TaskInstance, "map_index", 3)
    monkeypatch.setattr(api, "task_states", lambda *_: {"t_2": "failed", "t_3": "deferred"})
    assert api.state_of(api.identity_of(TaskInstance())) == "deferred"
