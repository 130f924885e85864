"""Whose pod it is: what a try attaches to, what it refuses, and what it leaves alone."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from airflow.triggers.base import TaskSuccessEvent
from tests.support.fake_cluster import FakeCluster
from tests.support.pods import ended, running
from tests.support.steps import GOOD, IDENTITY, NAME, TaskInstance, created, pod, run, succeed, trigger

from podbt.airflow.trigger import DbtPodTrigger
from podbt.constants import INSTANCE_LABEL
from podbt.contract.names import run_name
from podbt.pod.whose import RELEASE_LABEL

OLDER = run_name(IDENTITY, None)


class Known(TaskInstance):
    """A task instance as Airflow has it, with an id for each try."""

    id = "try-1"


def known() -> DbtPodTrigger:
    tested = trigger(identity=None)
    tested.task_instance = Known()
    return tested


def there(made: dict[str, Any], **status: Any) -> Callable[[FakeCluster], None]:
    return lambda fake: fake.pods.update({made["metadata"]["name"]: made | {"status": status or running()}})


def end_of(name: str) -> Callable[[FakeCluster], Any]:
    async def play(fake: FakeCluster) -> None:
        await asyncio.sleep(0.2)
        await fake.update(name, **ended(GOOD, 0, "Completed"))

    return play


async def nothing(_: FakeCluster) -> None: ...


def refused(monkeypatch: pytest.MonkeyPatch, made: dict[str, Any], tested: DbtPodTrigger | None = None) -> str:
    """What the task is told that meets this pod under its own name."""
    event, fake = run(monkeypatch, nothing, tested, there(made))
    assert event.payload["retryable"] is False
    assert (fake.created, fake.deleted) == ([], [])  # nobody ends what is another's
    error = str(event.payload["summary"]["error"])
    assert "\n" not in error
    return error


def test_a_try_keeps_its_pod_over_a_promotion(monkeypatch: pytest.MonkeyPatch) -> None:
    """A triggerer that starts after a promotion finds the pod that was made before, with the image of before."""
    own = pod(IDENTITY.model_copy(update={"try_id": "try-1"}), image="dbt:0")
    event, fake = run(monkeypatch, end_of(NAME), known(), there(own))
    assert isinstance(event, TaskSuccessEvent)
    assert fake.created == []


@pytest.mark.parametrize(
    ("theirs", "said"),
    [
        pytest.param({"instance": "b.podbt"}, "belongs to b.podbt (DAG d, run r, task t, try 1)", id="installation"),
        pytest.param({"image": "dbt:2"}, "with image dbt:2 and no plan, and this try asks for image dbt:1", id="image"),
    ],
)
def test_a_pod_of_the_same_name_is_refused(monkeypatch: pytest.MonkeyPatch, theirs: dict[str, Any], said: str) -> None:
    error = refused(monkeypatch, pod(name=NAME, **theirs))
    assert said in error
    assert NAME in error


def test_a_pod_of_another_airflows_try_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two Airflows of one name: their DAGs and runs are called the same, their tries are not."""
    error = refused(monkeypatch, pod(IDENTITY.model_copy(update={"try_id": "other"})), known())
    assert "is there already for Airflow's try other, and this is try try-1" in error


def test_the_pod_of_a_run_that_was_deleted_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that a person deletes and makes again under the same name begins at the first try, too."""
    before = pod(IDENTITY.model_copy(update={"try_id": "of the deleted run"}))

    async def play(fake: FakeCluster) -> None:
        await asyncio.sleep(0.3)
        await fake.remove(NAME)
        await succeed(fake)

    event, fake = run(monkeypatch, play, known(), there(before, **ended(GOOD, 0, "Completed")))
    assert isinstance(event, TaskSuccessEvent)
    assert len(fake.created) == 1


def of_earlier_release(**labels: str) -> dict[str, Any]:
    made = pod(name=OLDER)
    del made["metadata"]["labels"][INSTANCE_LABEL]
    made["metadata"]["labels"] |= labels
    return made


def test_after_an_upgrade_a_try_goes_on_with_its_old_pod(monkeypatch: pytest.MonkeyPatch) -> None:
    event, fake = run(monkeypatch, end_of(OLDER), known(), there(of_earlier_release()))
    assert isinstance(event, TaskSuccessEvent)
    assert (fake.created, fake.deleted) == ([], [OLDER])


def test_after_an_upgrade_the_neighbours_old_pod_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    async def play(fake: FakeCluster) -> None:
        await created(fake)
        await succeed(fake)

    event, fake = run(monkeypatch, play, known(), there(of_earlier_release(**{RELEASE_LABEL: "neighbour"})))
    assert isinstance(event, TaskSuccessEvent)
    assert fake.deleted == [NAME]
    assert OLDER in fake.pods
