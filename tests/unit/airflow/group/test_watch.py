"""The look that all tasks of a group share, when the cluster does not answer as it should."""

import asyncio
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from airflow.triggers.base import TaskFailedEvent, TaskSkippedEvent, TaskSuccessEvent
from tests.support.fake_airflow import FakeAirflow
from tests.support.fake_cluster import FakeCluster
from tests.support.models import ALONE, SHARED, end_alone, model, node, older, run, shared_pod, snapshot
from tests.support.plans import plan, uid
from tests.support.pods import ended

from podbt import constants
from podbt.airflow.group import model_trigger, watch
from podbt.airflow.group.duty import Duty, Verdict, judge
from podbt.airflow.group.model_trigger import ModelTrigger
from podbt.airflow.group.place import Place
from podbt.airflow.pods import cluster, follow
from podbt.airflow.pods.places import key_of, packed
from podbt.airflow.pods.progress import PodProgress
from podbt.contract.exits import ExitReason
from podbt.contract.kinds import RunStatus
from podbt.contract.record import Summary
from podbt.pod.whose import Owner

pytestmark = pytest.mark.usefixtures("planned")


GOOD = Summary(status=RunStatus.SUCCESS, exit_reason=ExitReason.SUCCESS)


class Quiet:
    """A logger that nobody reads."""

    def info(self, message: str, *args: object) -> None: ...
    def warning(self, message: str, *args: object) -> None: ...


def test_a_cluster_that_never_answers_lets_nobody_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration, or no right to list pods: the pod's own task fails, and the models follow it."""
    monkeypatch.setattr(watch, "_UNANSWERED_SECONDS", 0.2)

    async def play(_: FakeCluster, airflow: FakeAirflow) -> None:
        async def away() -> Any:
            raise cluster.RefusedError(403, b'{"message": "pods is forbidden"}')

        monkeypatch.setattr(cluster, "connect", away)
        airflow.states["g.pod"] = "failed"

    (event,), fake = run(monkeypatch, play)
    assert isinstance(event, TaskSkippedEvent)
    assert fake.created == []


def test_a_pod_that_cannot_be_read_is_lost_and_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Any) -> bool:
        raise KeyError("phase")

    async def play(fake: FakeCluster, airflow: FakeAirflow) -> None:
        monkeypatch.setattr(follow, "has_ended", broken)
        await shared_pod(fake, node("b", "start"))
        airflow.states["g.pod"] = "failed"

    (event,), _ = run(monkeypatch, play)
    assert isinstance(event, TaskFailedEvent | TaskSkippedEvent)


@pytest.mark.parametrize("cuts", [1, 2, 3])
def test_a_log_that_ends_before_its_container_is_read_on(monkeypatch: pytest.MonkeyPatch, cuts: int) -> None:
    """An API server or kubelet that shuts down ends a stream as the container's end does, also one without news."""
    monkeypatch.setattr(cluster, "_AGAIN_SECONDS", 0.02)

    async def play(fake: FakeCluster, _: FakeAirflow) -> None:
        fake.cut_logs = cuts
        await shared_pod(fake, node("b", "success"))
        await fake.until(lambda: not fake.cut_logs)
        await fake.say(SHARED, node("test.t", "pass"))

    (event,), fake = run(monkeypatch, play, model(instance=older()))
    assert isinstance(event, TaskSuccessEvent)
    assert fake.log_requests == [SHARED] * (cuts + 1)


def test_a_line_concerns_the_task_that_it_tells_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each task looks at the pod some times, however many tasks there are: their sum is not the square of them."""
    nodes = [f"m{number}" for number in range(12)]
    large = plan(*nodes)
    places = {unique_id: index for index, unique_id in enumerate(large.unique_ids)}
    looks: Counter[str | None] = Counter()

    def looking(duty: Duty, pod: PodProgress) -> Verdict:
        looks[duty.node] += 1
        return judge(duty, pod)

    monkeypatch.setattr(model_trigger, "judge", looking)

    def waiting(name: str) -> ModelTrigger:
        key = key_of(uid(name))
        made = ModelTrigger("g.pod", uid(name), packed({key: places[uid(name)]}), plan=large.hash, parents=[])
        made.task_instance = replace(older(), task_id=f"g.{name}")
        return made

    async def play(fake: FakeCluster, _: FakeAirflow) -> None:
        await shared_pod(fake, snapshot())
        for name in nodes:
            await asyncio.sleep(0.03)  # longer than news are held back for those that come with it
            await fake.say(SHARED, node(name, "success"))

    events, _ = run(monkeypatch, play, *map(waiting, nodes))
    assert all(isinstance(event, TaskSuccessEvent) for event in events)
    assert max(looks.values()) < 6, looks


SIDECAR: dict[str, Any] = {"name": "proxy", "state": {"running": {}}}


@pytest.mark.parametrize("resumed", [False, True])
def test_a_container_that_others_put_before_dbt_is_not_dbt(monkeypatch: pytest.MonkeyPatch, *, resumed: bool) -> None:
    """Neither its end nor its environment counts, and the model does not wait for its end to run alone."""
    env = [] if resumed else [{"name": constants.ENV_RESUME, "value": "0"}]
    seen: list[bool] = []

    async def play(fake: FakeCluster, airflow: FakeAirflow) -> None:
        await shared_pod(fake, node("b", "success"), node("test.t", "pass"))
        containers = [
            {"name": "proxy", "env": [{"name": constants.ENV_RESUME, "value": "0"}]},
            {"name": "dbt", "env": env},
        ]
        fake.pods[SHARED]["spec"]["containers"] = containers
        fake.pods[SHARED]["metadata"]["labels"]["podbt.io/try-number"] = "2"
        beside = ended(GOOD, 0)
        beside["containerStatuses"].insert(0, SIDECAR)
        await fake.update(SHARED, **{**beside, "phase": "Running"})

    add = watch.Watch._add

    def noted(self: watch.Watch, api: Any, pod: dict[str, Any]) -> None:
        add(self, api, pod)
        seen.append(self.pods[-1].resumed)

    monkeypatch.setattr(watch.Watch, "_add", noted)
    (event,), fake = run(monkeypatch, play, model(instance=older()))
    assert isinstance(event, TaskSuccessEvent)
    assert seen == [resumed]
    assert fake.created == []


def test_a_model_alone_does_not_wait_for_what_runs_on_beside_dbt(monkeypatch: pytest.MonkeyPatch) -> None:
    async def play(fake: FakeCluster, airflow: FakeAirflow) -> None:
        airflow.states["g.pod"] = "success"
        await shared_pod(fake, node("b", "error"), age_seconds=60)
        beside = ended(Summary(status=RunStatus.FAILED, exit_reason=ExitReason.NODE_FAILURE, error="boom"), 1)
        beside["containerStatuses"].insert(0, SIDECAR)
        await fake.update(SHARED, age_seconds=60, **{**beside, "phase": "Running"})
        await end_alone(fake, GOOD, node("b", "success"), node("test.t", "pass"))

    (event,), fake = run(monkeypatch, play, model(), a="success")
    assert isinstance(event, TaskSuccessEvent)
    assert fake.deleted[0] == ALONE  # the group's pod was there all the time


def test_a_missing_right_to_list_pods_is_said_and_not_waited_out(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refused(*_: object) -> list[dict[str, Any]]:
        raise cluster.RefusedError(403, b'{"message": "pods is forbidden"}')

    async def connected() -> None: ...

    monkeypatch.setattr(cluster, "connect", connected)
    monkeypatch.setattr(watch, "pods_of", refused)
    place = Place(owner=Owner(instance="airflow"), namespace="ns", dag_id="d", run_id="r", pod_task_id="g.pod")
    with pytest.raises(cluster.RefusedError, match="pods is forbidden"):
        asyncio.run(asyncio.wait_for(watch.wait_for_others(place, ["x"], ["g.pod"], Quiet()), 5))
