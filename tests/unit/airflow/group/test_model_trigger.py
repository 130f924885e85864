"""A model's task against an API server: served by the group's pod, or alone; and what happens to pods."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from airflow.triggers.base import TaskFailedEvent, TaskSkippedEvent, TaskSuccessEvent, TriggerEvent
from tests.support.fake_airflow import FakeAirflow, FakeTask, FakeTaskInstance
from tests.support.fake_cluster import FakeCluster, fake_cluster
from tests.support.models import (
    ALONE,
    BAD,
    GOOD,
    NOW,
    POD,
    SHARED,
    end_alone,
    model,
    node,
    older,
    result,
    run,
    shared_pod,
    snapshot,
)
from tests.support.plans import uid
from tests.support.pods import ended, running

from podbt import constants
from podbt.airflow.group.model_trigger import ModelTrigger
from podbt.airflow.group.place import TOLD
from podbt.airflow.pods.progress import PodProgress
from podbt.constants import INSTANCE
from podbt.contract.events import Mark
from podbt.contract.exits import ExitReason
from podbt.contract.kinds import RunStatus
from podbt.contract.record import Summary
from podbt.pod.build import pod_name, run_annotations, run_labels

pytestmark = pytest.mark.usefixtures("planned")


def test_a_model_ends_when_it_and_its_tests_have_while_the_pod_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    async def play(fake: FakeCluster, _: FakeAirflow) -> None:
        await shared_pod(fake, node("b", "started"))
        await fake.say(SHARED, node("b", "success", rows=7, seconds=1.5), node("test.t", "pass"))

    (event,), fake = run(monkeypatch, play)
    assert isinstance(event, TaskSuccessEvent)
    expected = {
        "unique_id": uid("b"),
        "status": "success",
        "rows": 7,
        "tests": {"pass": 1},
        "target": "prod",
        "pod": SHARED,
    }
    assert expected.items() <= result(event).items()
    assert SHARED in fake.pods
    assert fake.created == []


def test_a_failed_model_says_what_dbt_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    async def play(fake: FakeCluster, _: FakeAirflow) -> None:
        await shared_pod(fake, node("b", "error", message="Database Error: division by zero"))

    (event,), _ = run(monkeypatch, play)
    assert isinstance(event, TaskFailedEvent)
    assert "Database Error: division by zero" in capsys.readouterr().out


def test_a_failed_test_fails_its_model(monkeypatch: pytest.MonkeyPatch) -> None:
    async def play(fake: FakeCluster, _: FakeAirflow) -> None:
        await shared_pod(fake, node("b", "success"), node("test.t", "fail", failures=3, message="Got 3 results"))

    (event,), _ = run(monkeypatch, play)
    assert isinstance(event, TaskFailedEvent)


def test_a_log_that_begins_in_the_middle_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rotated, or read by a triggerer that started late."""

    async def play(fake: FakeCluster, _: FakeAirflow) -> None:
        await shared_pod(fake, 'n":"model.p.a"}', snapshot(a=Mark.SUCCESS, b=Mark.SUCCESS, t=Mark.PASS))

    (event,), _ = run(monkeypatch, play)
    assert isinstance(event, TaskSuccessEvent)


def test_all_models_share_one_look_at_the_pod(monkeypatch: pytest.MonkeyPatch) -> None:
    many = [model(instance=older()) for _ in range(40)]

    async def play(fake: FakeCluster, _: FakeAirflow) -> None:
        await shared_pod(fake)
        await fake.say(SHARED, node("b", "success"), node("test.t", "pass"))

    events, fake = run(monkeypatch, play, *many)
    assert all(isinstance(event, TaskSuccessEvent) for event in events)
    assert fake.log_requests == [SHARED]


def test_a_pod_that_is_gone_has_left_its_word(monkeypatch: pytest.MonkeyPatch) -> None:
    told = PodProgress(name=SHARED, created=NOW)
    told.feed(snapshot(ExitReason.SUCCESS, a=Mark.SUCCESS, b=Mark.SUCCESS, t=Mark.PASS))

    async def play(_: FakeCluster, airflow: FakeAirflow) -> None:
        airflow.xcoms["g.pod", TOLD] = told.to_xcom()
        airflow.states["g.pod"] = "success"

    (event,), _ = run(monkeypatch, play)
    assert isinstance(event, TaskSuccessEvent)


@pytest.mark.parametrize(
    ("pod", "kind"),
    [
        pytest.param(SHARED, TaskSuccessEvent, id="of this pod"),
        pytest.param("another", TaskFailedEvent, id="of another pod"),
    ],
)
def test_what_was_not_seen_here_the_pods_own_task_may_know(
    monkeypatch: pytest.MonkeyPatch, pod: str, kind: type[Any]
) -> None:
    """Two follow the pod's log; this one's was cut short when the pod ended."""
    told = PodProgress(name=pod, created=NOW)
    told.feed(snapshot(ExitReason.SUCCESS, a=Mark.SUCCESS, b=Mark.SUCCESS, t=Mark.PASS))

    async def play(fake: FakeCluster, airflow: FakeAirflow) -> None:
        await shared_pod(fake, node("b", "started"))
        airflow.xcoms["g.pod", TOLD] = told.to_xcom()
        await fake.update(SHARED, **ended(GOOD, 0))
        airflow.states["g.pod"] = "success"

    (event,), fake = run(monkeypatch, play)
    assert isinstance(event, kind)
    assert fake.created == []


def test_a_lost_pod_fails_what_had_not_ended_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    async def play(fake: FakeCluster, airflow: FakeAirflow) -> None:
        await shared_pod(fake, node("a", "success"), node("b", "started"))
        await asyncio.sleep(0.3)
        await fake.remove(SHARED)
        airflow.states["g.pod"] = "failed"

    instance = FakeTaskInstance("g.a", FakeTask({"g.start"}), id=older().id)
    (first, second), _ = run(monkeypatch, play, model("a", instance=instance), model(instance=older()))
    assert isinstance(first, TaskSuccessEvent)
    assert isinstance(second, TaskFailedEvent)
    assert "deleted while it ran" in str(result(second)["error"])


def test_a_lost_pods_next_try_serves_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    again = POD.model_copy(update={"try_number": 2})

    async def play(fake: FakeCluster, airflow: FakeAirflow) -> None:
        await shared_pod(fake, node("b", "started"))
        await asyncio.sleep(0.3)
        await fake.remove(SHARED)
        airflow.states["g.pod"] = "up_for_retry"
        await asyncio.sleep(0.3)
        name = pod_name(again, INSTANCE)
        meta = {"name": name, "uid": "u2", "labels": run_labels(again, INSTANCE), "annotations": run_annotations(again)}
        fake.logs[name] = [node("b", "success"), node("test.t", "pass")]
        fake.pods[name] = {"metadata": meta, "spec": {"containers": [{"name": "dbt"}]}}
        await fake.update(name, **running())

    (event,), fake = run(monkeypatch, play)
    assert isinstance(event, TaskSuccessEvent)
    assert result(event)["pod"] == pod_name(again, INSTANCE)
    assert fake.created == []


def test_where_dbt_never_began_the_pods_task_is_the_one_that_is_red(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = Summary(status=RunStatus.FAILED, exit_reason=ExitReason.CONFIG_ERROR, error="wrong password")

    async def play(fake: FakeCluster, airflow: FakeAirflow) -> None:
        await shared_pod(fake)
        await fake.update(SHARED, **ended(refused, 2))
        airflow.states["g.pod"] = "failed"

    (event,), _ = run(monkeypatch, play)
    assert isinstance(event, TaskSkippedEvent)


def test_a_model_that_was_cleared_later_runs_alone_once_the_groups_pod_has_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[bool] = []

    async def play(fake: FakeCluster, airflow: FakeAirflow) -> None:
        await shared_pod(fake, node("b", "error"), age_seconds=60)
        await asyncio.sleep(0.3)
        seen.append(ALONE in fake.pods)
        airflow.states["g.pod"] = "success"  # Airflow knows before the pod's container has quite stopped
        await asyncio.sleep(0.3)
        seen.append(ALONE in fake.pods)
        await fake.update(SHARED, age_seconds=60, **ended(BAD, 1))
        await end_alone(fake, GOOD, node("b", "success", rows=9), node("test.t", "pass"))

    (event,), fake = run(monkeypatch, play, model(), a="success")
    assert isinstance(event, TaskSuccessEvent)
    assert result(event)["rows"] == 9
    assert seen == [False, False]
    assert [pod["metadata"]["name"] for pod in fake.created] == [ALONE]
    arguments = fake.created[0]["spec"]["containers"][0]["args"]
    mine = ["package:p,resource_type:model,file:b.sql", "package:p,resource_type:test,file:t.sql"]
    assert arguments == ["build", "--target", "prod", "--select", *mine, "--indirect-selection", "empty"]
    assert fake.deleted[0] == ALONE


def test_what_dbt_skipped_runs_after_its_parent_was_mended(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []

    async def play(fake: FakeCluster, airflow: FakeAirflow) -> None:
        await shared_pod(fake, snapshot(ExitReason.NODE_FAILURE, a=Mark.ERROR, b=Mark.SKIPPED, t=Mark.SKIPPED))
        await fake.update(SHARED, **ended(BAD, 1))
        airflow.states |= {"g.pod": "success", "g.a": "up_for_retry"}
        await asyncio.sleep(0.3)
        order.append(f"parent up for retry: {ALONE in fake.pods}")
        airflow.states["g.a"] = "success"
        await end_alone(fake)

    (event,), _ = run(monkeypatch, play)
    assert isinstance(event, TaskSuccessEvent)
    assert order == ["parent up for retry: False"]


def test_what_dbt_skipped_stays_so_when_its_parent_fails_for_good(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def play(fake: FakeCluster, airflow: FakeAirflow) -> None:
        await shared_pod(fake, snapshot(ExitReason.NODE_FAILURE, a=Mark.ERROR, b=Mark.SKIPPED, t=Mark.SKIPPED))
        await fake.update(SHARED, **ended(BAD, 1))
        airflow.states |= {"g.pod": "success", "g.a": "failed"}

    (event,), fake = run(monkeypatch, play)
    assert isinstance(event, TaskSkippedEvent)
    assert "g.a is failed" in capsys.readouterr().out
    assert fake.created == []


@pytest.mark.parametrize(
    ("reason", "kind"), [(ExitReason.NODE_FAILURE, TaskFailedEvent), (ExitReason.CONFIG_ERROR, TriggerEvent)]
)
def test_alone_it_fails_as_any_step(monkeypatch: pytest.MonkeyPatch, reason: ExitReason, kind: type[Any]) -> None:
    async def play(fake: FakeCluster, _: FakeAirflow) -> None:
        await end_alone(fake, Summary(status=RunStatus.FAILED, exit_reason=reason, error="why"))

    (event,), _ = run(monkeypatch, play, model(), pod="success", a="success")
    assert type(event) is kind


def test_marked_by_hand_it_leaves_the_groups_pod_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> list[str]:
        async with fake_cluster(monkeypatch) as fake:
            FakeAirflow.install(monkeypatch, pod="deferred")
            await shared_pod(fake, node("b", "started"))
            tested = model(instance=older())
            waiting = asyncio.ensure_future(anext(aiter(tested.run())))
            await asyncio.sleep(0.3)
            await tested.on_kill()
            waiting.cancel()
            await asyncio.wait({waiting})
            return fake.deleted

    assert asyncio.run(scenario()) == []


def test_marked_by_hand_while_alone_its_own_pod_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> list[str]:
        async with fake_cluster(monkeypatch) as fake:
            FakeAirflow.install(monkeypatch, pod="success", a="success")
            tested = model()
            waiting = asyncio.ensure_future(anext(aiter(tested.run())))
            await fake.until(lambda: ALONE in fake.pods)
            await fake.update(ALONE, **running())
            await tested.on_kill()
            waiting.cancel()
            await asyncio.wait({waiting})
            return fake.deleted

    assert asyncio.run(scenario()) == [ALONE]


def test_nothing_is_raised(monkeypatch: pytest.MonkeyPatch, settings_file: Path) -> None:
    async def nothing(_: FakeCluster, __: FakeAirflow) -> None:
        await asyncio.sleep(0)

    settings_file.write_text("image: dbt:latest")
    (event,), _ = run(monkeypatch, nothing)
    assert event.payload["retryable"] is False


def test_what_is_stored_makes_the_same_trigger() -> None:
    path, kwargs = model().serialize()
    assert path == f"{ModelTrigger.__module__}.{ModelTrigger.__qualname__}"
    assert ModelTrigger(**kwargs).serialize() == (path, kwargs)


def test_the_shared_pods_label_is_the_one_that_is_looked_for() -> None:
    assert run_annotations(POD)[f"{constants.LABEL_PREFIX}/task-id"] == "g.pod"
